/* A gzip file in memory, unpacked into memory, with a limit. */
#ifndef PORTSCRIBE_GUNZIP_H
#define PORTSCRIBE_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "util/fault.h"

/* Whether the bytes begin as a gzip file does (RFC 1952 section 2.3.1). */
bool gunzip_is_packed(const char *packed, size_t length);

/*
 * Unpack all members into *ret_text, owned by the caller and NUL-terminated behind
 * its *ret_length bytes. -EFBIG as soon as it is more than @limit bytes; -EINVAL
 * for what is damaged, cut, or followed by something else; -ENOMEM.
 */
int gunzip(const char *packed, size_t length, size_t limit, char **ret_text, size_t *ret_length,
	   struct fault *fault);

#endif
