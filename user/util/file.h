/*
 * Whole files: into memory, as they are, with a limit, or only when nobody else
 * could have written them; and back, so that a reader at any moment, also after a
 * kill or a power failure, finds the old file or the new one, never a part.
 */
#ifndef PORTSCRIBE_FILE_H
#define PORTSCRIBE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "util/fault.h"

/*
 * Read all of @path ("-": standard input) into *ret_text, owned by the caller and
 * NUL-terminated behind its *ret_length bytes. 0 or -errno.
 */
int file_read(const char *path, char **ret_text, size_t *ret_length);

/* The same from an open stream. */
int file_read_stream(FILE *stream, char **ret_text, size_t *ret_length);

/*
 * As file_read(), from a regular file or a pipe only (no directory, device or
 * terminal), and no more than @limit bytes: -EFBIG. @fault names path and reason.
 */
int file_read_limited(const char *path, size_t limit, char **ret_text, size_t *ret_length,
		      struct fault *fault);

/*
 * As file_read_limited(), from a regular file that nobody but root and @owner can
 * have written or put there: it and its directory belong to root or @owner (0:
 * root alone; geteuid() suits configuration) and neither group nor others may
 * write them. A symbolic link in place of the file is refused. -ENOENT where there
 * is no file or no directory, -EPERM where it is not to be trusted; @fault names
 * the path, the reason and what to do.
 */
int file_read_trusted(const char *path, size_t limit, uid_t owner, char **ret_text,
		      size_t *ret_length, struct fault *fault);

/* Write all of it, however often the kernel takes only a part. 0 or -errno. */
int file_write_all(int fd, const char *text, size_t length);

/* A directory in which one process at a time replaces files. */
struct file_lock {
	const char *path; /* the caller's, for sentences */
	int directory;	  /* -1: none */
};

#define FILE_LOCK_NONE ((struct file_lock){ .directory = -1 })

/*
 * Open the directory @path, make it (mode 0755) when it is missing, and wait until
 * no other process holds its lock. -EPERM where it does not belong to root or us,
 * or group or others may write it. The lock ends with file_unlock() or the process.
 */
int file_lock(const char *path, struct file_lock *ret_lock, struct fault *fault);
void file_unlock(struct file_lock *lock);

/*
 * Make @name in the locked directory a file of these @length bytes and this
 * @mode. With @keep_previous the file that was there becomes NAME.previous.
 *
 * Whoever opens NAME finds the old file or the new one, whole; so does, after a
 * kill at any moment or a power failure, the next run. NAME.previous is a whole
 * file too, and the file before the last one that was stored by the time this
 * returns 0, or the next call or file_recover() has run. On an error (-errno, a
 * sentence in @fault) both are as they were and no temporary file is left; only
 * where the last step, fsync() of the directory, fails, the new file is in place
 * and may not survive a power failure: -EIO, and the sentence says so.
 */
int file_replace(const struct file_lock *lock, const char *name, const char *text, size_t length,
		 mode_t mode, bool keep_previous, struct fault *fault);

/* Finish or undo what a killed file_replace() of @name left behind. 0 or -errno. */
int file_recover(const struct file_lock *lock, const char *name, struct fault *fault);

#endif
