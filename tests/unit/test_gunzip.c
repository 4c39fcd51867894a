/* Gzip files whole, cut, damaged, followed by junk, and larger than allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "util/gunzip.h"

#define LIMIT (1u << 20)

/* Owned by the caller. */
static char *pack(const char *text, size_t length, size_t *ret_length)
{
	z_stream stream = {};
	size_t room = length + 1024;
	char *packed = malloc(room);

	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	stream.next_in = (Bytef *)text;
	stream.avail_in = length;
	stream.next_out = (Bytef *)packed;
	stream.avail_out = room;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	*ret_length = room - stream.avail_out;
	deflateEnd(&stream);
	return packed;
}

/* The sentence, "" where it is taken; what comes out is compared with @expected. */
static const char *unpack(const char *packed, size_t length, const char *expected, size_t size)
{
	static struct fault fault;
	/* In a block of its exact size, so that reading too far is seen. */
	char *copy = malloc(length ? length : 1), *text = NULL;
	size_t text_length = 0;
	int error;

	memcpy(copy, packed, length);
	fault.text[0] = '\0';
	error = gunzip(copy, length, LIMIT, &text, &text_length, &fault);
	free(copy);
	if (error) {
		assert_null(text);
		assert_string_not_equal(fault.text, "");
		return fault.text;
	}
	assert_int_equal(text_length, size);
	assert_memory_equal(text, expected, size);
	assert_int_equal(text[size], 0);
	free(text);
	return "";
}

static void test_whole(void **state)
{
	size_t length;
	char *packed = pack("hello", 5, &length);

	assert_true(gunzip_is_packed(packed, length));
	assert_false(gunzip_is_packed(packed, 1));
	assert_false(gunzip_is_packed("hello", 5));
	assert_string_equal(unpack(packed, length, "hello", 5), "");
	free(packed);
	packed = pack("", 0, &length);
	assert_string_equal(unpack(packed, length, "", 0), "");
	free(packed);
}

static void test_several_members(void **state)
{
	size_t one, two;
	char *first = pack("hello ", 6, &one), *second = pack("world", 5, &two);
	char *both = malloc(one + two);

	memcpy(both, first, one);
	memcpy(both + one, second, two);
	assert_string_equal(unpack(both, one + two, "hello world", 11), "");
	assert_string_equal(unpack(both, one + two - 1, "", 0), "the gzip file is cut");
	free(first);
	free(second);
	free(both);
}

static void test_cut_anywhere(void **state)
{
	size_t length;
	char *packed = pack("hello hello hello hello", 23, &length);

	for (size_t cut = 0; cut < length; cut++)
		assert_string_equal(unpack(packed, cut, "", 0), "the gzip file is cut");
	free(packed);
}

static void test_bad_checksum(void **state)
{
	size_t length;
	char *packed = pack("hello", 5, &length);

	packed[length - 8] ^= 1;
	assert_string_equal(unpack(packed, length, "", 0),
			    "the gzip file is damaged (incorrect data check)");
	packed[length - 8] ^= 1;
	packed[length - 1] ^= 1;
	assert_string_equal(unpack(packed, length, "", 0),
			    "the gzip file is damaged (incorrect length check)");
	free(packed);
}

static void test_trailing_junk(void **state)
{
	size_t length;
	char *packed = pack("hello", 5, &length);

	packed[length] = '\0';
	assert_string_equal(unpack(packed, length + 1, "", 0),
			    "something else follows the gzip file (1 byte)");
	memcpy(packed + length, "\x1f\x8bxyzabcdef", 11);
	assert_string_equal(unpack(packed, length + 11, "", 0),
			    "the gzip file is damaged (unknown compression method)");
	free(packed);
}

/* It stops at the limit: what would come after it is never unpacked. */
static void test_bomb(void **state)
{
	size_t size = 64u << 20, length;
	char *zeros = calloc(1, size), *packed = pack(zeros, size, &length);

	assert_string_equal(unpack(packed, length, "", 0), "unpacked it is more than 1 MiB");
	free(packed);
	packed = pack(zeros, LIMIT, &length);
	assert_string_equal(unpack(packed, length, zeros, LIMIT), "");
	free(packed);
	packed = pack(zeros, LIMIT + 1, &length);
	assert_string_equal(unpack(packed, length, "", 0), "unpacked it is more than 1 MiB");
	free(packed);
	free(zeros);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	      cmocka_unit_test(test_several_members),
		cmocka_unit_test(test_cut_anywhere),  cmocka_unit_test(test_bad_checksum),
		cmocka_unit_test(test_trailing_junk), cmocka_unit_test(test_bomb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
