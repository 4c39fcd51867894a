/* The one place that knows what a valid UTF-8 character is (RFC 3629 section 4). */
#ifndef PORTSCRIBE_UTF8_H
#define PORTSCRIBE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * The length of the character at @text, of which @length > 0 bytes are left, and
 * its code point in *ret_code. 0 where there is none: overlong, cut, a surrogate.
 */
size_t utf8_character(const char *text, size_t length, uint32_t *ret_code);

/* How many bytes of @text are valid from its start on: @length where all are. */
size_t utf8_valid(const char *text, size_t length);

#endif
