/* See gunzip.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "util/cleanup.h"
#include "util/gunzip.h"

#define GZIP_WINDOW (16 + MAX_WBITS) /* 16: with a gzip head and its checksum */

struct output {
	char *text; /* owned */
	size_t length, room, limit;
};

bool gunzip_is_packed(const char *packed, size_t length)
{
	return length >= 2 && packed[0] == '\x1f' && packed[1] == '\x8b';
}

/* Room for one byte more than the limit, so that what is exactly at it can end. */
static int make_room(struct output *output)
{
	size_t room = output->room ? output->room * 2 : 1u << 20;
	char *grown;

	if (room > output->limit + 1)
		room = output->limit + 1;
	if (room <= output->length)
		return -EFBIG;
	grown = realloc(output->text, room + 1);
	if (!grown)
		return -ENOMEM;
	output->text = grown;
	output->room = room;
	return 0;
}

static int inflate_member(z_stream *stream, struct output *output, struct fault *fault)
{
	int result = Z_OK, error;

	while (result != Z_STREAM_END) {
		size_t room;

		if (output->length == output->room) {
			error = make_room(output);
			if (error)
				return error;
		}
		room = output->room - output->length;
		stream->next_out = (Bytef *)output->text + output->length;
		stream->avail_out = room;
		result = inflate(stream, Z_NO_FLUSH);
		output->length += room - stream->avail_out;
		if (output->length > output->limit)
			return -EFBIG;
		if (result == Z_MEM_ERROR)
			return -ENOMEM;
		/* Nothing left to read, or to do, before the end. */
		if (result == Z_BUF_ERROR ||
		    (result == Z_OK && !stream->avail_in && stream->avail_out))
			return fault_set(fault, -EINVAL, "the gzip file is cut");
		if (result != Z_OK && result != Z_STREAM_END)
			return fault_set(fault, -EINVAL, "the gzip file is damaged (%s)",
					 stream->msg ? stream->msg : "not understood");
	}
	return 0;
}

static int inflate_members(z_stream *stream, struct output *output, struct fault *fault)
{
	int error;

	for (;;) {
		error = inflate_member(stream, output, fault);
		if (error || !stream->avail_in)
			return error;
		if (!gunzip_is_packed((const char *)stream->next_in, stream->avail_in))
			return fault_set(
				fault, -EINVAL, "something else follows the gzip file (%u %s)",
				stream->avail_in, stream->avail_in == 1 ? "byte" : "bytes");
		if (inflateReset(stream) != Z_OK)
			return fault_set(fault, -EINVAL, "the gzip file is not understood");
	}
}

int gunzip(const char *packed, size_t length, size_t limit, char **ret_text, size_t *ret_length,
	   struct fault *fault)
{
	z_stream stream = { .next_in = (Bytef *)packed, .avail_in = length };
	struct output output = { .limit = limit };
	int error;

	if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
		return fault_set(fault, -ENOMEM, "out of memory");
	error = inflate_members(&stream, &output, fault);
	inflateEnd(&stream);
	if (error) {
		free(output.text);
		if (error == -EFBIG)
			fault_set(fault, error, "unpacked it is more than %zu MiB", limit >> 20);
		if (error == -ENOMEM)
			fault_set(fault, error, "out of memory");
		return error;
	}
	output.text[output.length] = '\0';
	*ret_text = output.text;
	*ret_length = output.length;
	return 0;
}
