/*
 * One file that others may write too, replaced in place: whole or not at all, with
 * its mode, owner and attributes, through symbolic links, and not where somebody
 * else changed it meanwhile.
 */
#ifndef PORTSCRIBE_EXCHANGE_H
#define PORTSCRIBE_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "util/fault.h"

struct exchange {
	const char *path; /* the caller's, for sentences */
	char *text;	  /* owned, NUL-terminated: what the file holds */
	size_t length;
	int directory, file; /* open; the file is locked against others that do the same */
	char name[256];	     /* of the file in its directory, links followed */
	struct stat status;
};

#define EXCHANGE_NONE ((struct exchange){ .directory = -1, .file = -1 })

/*
 * Read the regular file @path, at most @limit bytes, for replacing it. @is_ours says
 * of a file that an earlier call left behind when it was killed whether it is worth
 * no more than @text; such a file is removed, any other is an error that names it.
 * 0 or -errno with @fault. Release in both cases.
 */
int exchange_open(const char *path, size_t limit,
		  bool (*is_ours)(void *data, const char *text, size_t length, const char *left,
				  size_t left_length),
		  void *data, struct exchange *ret_exchange, struct fault *fault);

/*
 * Replace it by @length bytes of @text. With @suffix (not NULL) the old file stays as
 * NAME@suffix, which must not be there yet. Whoever opens the file at any moment,
 * also after a kill or a power failure, finds the old text or the new one. On an
 * error all is as it was and no file is left: -EBUSY where somebody else changed it
 * meanwhile. After a kill a hidden file may be left, which the next
 * exchange_open() of the file deals with.
 */
int exchange_commit(struct exchange *exchange, const char *text, size_t length, const char *suffix,
		    struct fault *fault);

void exchange_release(struct exchange *exchange);

#endif
