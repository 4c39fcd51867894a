/* See file.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/file.h"

int file_read_stream(FILE *stream, char **ret_text, size_t *ret_length)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0, room = 0;

	for (;;) {
		size_t got;

		if (room - length < 2) {
			char *grown = realloc(text, room ? room * 2 : 65536);

			if (!grown)
				return -ENOMEM;
			room = room ? room * 2 : 65536;
			text = grown;
		}
		got = fread(text + length, 1, room - length - 1, stream);
		if (!got)
			break;
		length += got;
	}
	if (ferror(stream))
		return errno ? -errno : -EIO;
	text[length] = '\0';
	*ret_text = TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

int file_read(const char *path, char **ret_text, size_t *ret_length)
{
	_cleanup_fclose_ FILE *file = NULL;

	if (!strcmp(path, "-"))
		return file_read_stream(stdin, ret_text, ret_length);
	file = fopen(path, "re");
	return file ? file_read_stream(file, ret_text, ret_length) : -errno;
}
