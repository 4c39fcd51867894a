/*
 * The CSV reader: fields with their exact places, what RFC 4180 does not allow, and
 * a real file against counts that another reader found in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/csv.h"
#include "util/file.h"

/* A reader over a block of its exact size, so that reading too far is seen. */
static char *block;

static void open_csv(struct csv *csv, const char *text, size_t length)
{
	free(block);
	block = malloc(length ? length : 1);
	memcpy(block, text, length);
	csv_init(csv, block, length);
}

/* "a|b" for the next record; its fields in @fields. */
static const char *record(struct csv *csv, struct csv_field *fields)
{
	static char shown[256];
	unsigned int count = 0;
	int result = csv_record(csv, fields, 8, &count);

	shown[0] = '\0';
	if (result < 0)
		snprintf(shown, sizeof(shown), "%u:%u %s", csv->problem_line, csv->problem_column,
			 csv->problem);
	else if (!result)
		snprintf(shown, sizeof(shown), "end");
	for (unsigned int i = 0; result > 0 && i < count; i++)
		snprintf(shown + strlen(shown), sizeof(shown) - strlen(shown), "%s%.*s",
			 i ? "|" : "", (int)fields[i].length, fields[i].text);
	return shown;
}

static void assert_records(const char *text, const char *const *expected)
{
	struct csv_field fields[8];
	struct csv csv;

	open_csv(&csv, text, strlen(text));
	for (; *expected; expected++)
		assert_string_equal(record(&csv, fields), *expected);
	assert_string_equal(record(&csv, fields), "end");
	assert_string_equal(record(&csv, fields), "end");
}
#define assert_reads(text, ...) assert_records(text, (const char *const[]){ __VA_ARGS__, NULL })

static void test_plain_fields(void **state)
{
	assert_reads("a,b,c\nd,e,f\n", "a|b|c", "d|e|f");
	assert_reads("a\n", "a");
	assert_reads(",\n", "|");
	assert_reads(" a , b \n", " a | b ");
	assert_reads("ssh,22,tcp\n", "ssh|22|tcp");
}

static void test_line_ends(void **state)
{
	assert_reads("a,b\r\nc,d\r\n", "a|b", "c|d");
	assert_reads("a,b\nc,d\r\n", "a|b", "c|d");
	assert_reads("\n\r\na\n\n\nb\n\r\n", "a", "b");
	assert_reads("a,\"b\"\r\n", "a|b");
}

static void test_byte_order_mark(void **state)
{
	struct csv_field fields[8];
	struct csv csv;

	assert_reads("\xef\xbb\xbf"
		     "a,b\n",
		     "a|b");
	assert_reads("\xef\xbb\xbf\"a\",b\n", "a|b");
	open_csv(&csv, "\xef\xbb\xbf", 3);
	assert_string_equal(record(&csv, fields), "end");
	open_csv(&csv, "\xef\xbb", 2);
	assert_string_equal(record(&csv, fields), "1:3 the last line has no end: the file is cut");
}

static void test_embedded_quotes(void **state)
{
	assert_reads("\"a \"\"b\"\" c\",d\n", "a \"b\" c|d");
	assert_reads("\"\"\"\"\n", "\"");
	assert_reads("\"\",\"\"\n", "|");
	assert_reads("\"a,b\",c\n", "a,b|c");
}

static void test_multi_line_fields(void **state)
{
	struct csv_field fields[8];
	struct csv csv;

	assert_reads("\"a\nb\r\nc\",d\ne\n", "a\nb\r\nc|d", "e");
	assert_reads("\"a\rb\"\n", "a\rb");
	/* Places count the lines of the file, not the records. */
	open_csv(&csv, "\"a\nb\",c\nd,e\n", 12);
	record(&csv, fields);
	assert_int_equal(fields[0].line, 1);
	assert_int_equal(fields[0].column, 1);
	assert_int_equal(fields[1].line, 2);
	assert_int_equal(fields[1].column, 4);
	record(&csv, fields);
	assert_int_equal(fields[1].line, 3);
	assert_int_equal(fields[1].column, 3);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *problem;
	} cases[] = {
		{ "a", "1:2 the last line has no end: the file is cut" },
		{ "a,", "1:3 the last line has no end: the file is cut" },
		{ "a,b\nc,\"d\"", "2:6 the last line has no end: the file is cut" },
		{ "a\r", "1:2 a carriage return that ends no line" },
		{ "a\rb\n", "1:2 a carriage return that ends no line" },
		{ "\"a", "1:1 this quote is never closed: the file is cut" },
		{ "\"a\"\"", "1:1 this quote is never closed: the file is cut" },
		{ "x\n\n,\"a\nb\n", "3:2 this quote is never closed: the file is cut" },
		{ "\"a\" ,b\n", "1:4 neither a comma nor a line's end after the quote" },
		{ "\"a\"b\n", "1:4 neither a comma nor a line's end after the quote" },
		{ "\"a\nb\"c\n", "2:3 neither a comma nor a line's end after the quote" },
		{ "\"a\"\r", "1:4 neither a comma nor a line's end after the quote" },
		{ "a\"b\n", "1:2 a quote inside a field that does not begin with one" },
		{ "a,b \"c\"\n", "1:5 a quote inside a field that does not begin with one" },
		{ "a,b,c,d,e,f,g,h,i\n", "1:17 more fields than the file has columns" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct csv_field fields[8];
		const char *got;
		struct csv csv;

		open_csv(&csv, cases[i].text, strlen(cases[i].text));
		do
			got = record(&csv, fields);
		while (strcmp(got, "end") && !csv.problem);
		assert_string_equal(got, cases[i].problem);
	}
}

/* Every field of every kind of character, written and read again. */
static void test_round_trip(void **state)
{
	static const char alphabet[] = "a\",\n\r x";
	char plain[5] = "", text[64];

	for (unsigned int n = 0; n < 7 * 7 * 7 * 7; n++) {
		struct csv_field fields[8];
		unsigned int rest = n, count = 0;
		size_t used = 0;
		struct csv csv;

		for (int i = 0; i < 4; i++, rest /= 7)
			plain[i] = alphabet[rest % 7];
		text[used++] = '"';
		for (int i = 0; i < 4; i++) {
			if (plain[i] == '"')
				text[used++] = '"';
			text[used++] = plain[i];
		}
		memcpy(text + used, "\",z\r\n", 5);
		open_csv(&csv, text, used + 5);
		assert_int_equal(csv_record(&csv, fields, 8, &count), 1);
		assert_int_equal(count, 2);
		assert_int_equal(fields[0].length, 4);
		assert_memory_equal(fields[0].text, plain, 4);
		assert_memory_equal(fields[1].text, "z", 1);
		assert_int_equal(csv_record(&csv, fields, 8, &count), 0);
	}
}

/* Cut anywhere, it is refused, or shorter by whole records. */
static void test_cut_anywhere(void **state)
{
	static const char text[] = "n,p\r\n\"a \"\"b\"\"\nc\",1\r\nd,2\r\n";

	for (size_t cut = 0; cut < strlen(text); cut++) {
		struct csv_field fields[8];
		unsigned int count, records = 0;
		struct csv csv;
		int result;

		open_csv(&csv, text, cut);
		while ((result = csv_record(&csv, fields, 8, &count)) > 0)
			records++;
		assert_int_equal(result, cut == 0 || cut == 5 || cut == 20 ? 0 : -EINVAL);
		assert_int_equal(records, cut >= 20 ? 2 : cut >= 5 ? 1 : 0);
	}
}

/* ------------------------------------------------------------------ a real file */

#define SNAPSHOT "/usr/share/ipv6toolkit/service-names-port-numbers.csv"

struct traits {
	unsigned int newlines;
	bool quotes, beyond_ascii;
};

static struct traits traits_of(const struct csv_field *fields, unsigned int count)
{
	struct traits traits = {};

	for (unsigned int i = 0; i < count; i++) {
		for (uint32_t at = 0; at < fields[i].length; at++) {
			char c = fields[i].text[at];

			traits.newlines += c == '\n';
			traits.quotes = traits.quotes || c == '"';
			traits.beyond_ascii = traits.beyond_ascii || c & 0x80;
		}
	}
	return traits;
}

/* The numbers are those of Python's csv module. */
static void test_snapshot_of_2014(void **state)
{
	unsigned int records = 0, multi_line = 0, most = 0, quotes = 0, beyond = 0, count;
	struct csv_field fields[16];
	struct fault fault = {};
	char *text = NULL;
	struct csv csv;
	size_t length;
	int result;

	if (file_read_limited(SNAPSHOT, 16u << 20, &text, &length, &fault)) {
		print_message("%s\n", fault.text);
		skip();
	}
	open_csv(&csv, text, length);
	free(text);
	while ((result = csv_record(&csv, fields, 16, &count)) > 0) {
		struct traits traits = traits_of(fields, count);

		assert_int_equal(count, 12);
		records++;
		multi_line += traits.newlines > 0;
		most = traits.newlines + 1 > most ? traits.newlines + 1 : most;
		quotes += traits.quotes;
		beyond += traits.beyond_ascii;
	}
	assert_int_equal(result, 0);
	assert_int_equal(records, 1 + 13521);
	assert_int_equal(multi_line, 433);
	assert_int_equal(most, 21);
	assert_int_equal(quotes, 403);
	assert_int_equal(beyond, 11);
	assert_int_equal(csv.line, 14353);
}

static int release(void **state)
{
	free(block);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_fields),	  cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_byte_order_mark),	  cmocka_unit_test(test_embedded_quotes),
		cmocka_unit_test(test_multi_line_fields), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_round_trip),	  cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_snapshot_of_2014),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
