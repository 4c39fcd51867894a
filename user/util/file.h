/* Whole files into memory. */
#ifndef PORTSCRIBE_FILE_H
#define PORTSCRIBE_FILE_H

#include <stddef.h>
#include <stdio.h>

/*
 * Read all of @path ("-": standard input) into *ret_text, owned by the caller and
 * NUL-terminated behind its *ret_length bytes. 0 or -errno.
 */
int file_read(const char *path, char **ret_text, size_t *ret_length);

/* The same from an open stream. */
int file_read_stream(FILE *stream, char **ret_text, size_t *ret_length);

#endif
