/* What reaches a terminal: numbers as people read them, and nothing from outside unescaped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render/table.h"
#include "render/text.h"

static void check_safe(const char *text, size_t length, const char *expected)
{
	char safe[256];

	assert_string_equal(text_safe(safe, sizeof(safe), text, length), expected);
}

static void test_safe(void **state)
{
	check_safe("eth0", 4, "eth0");
	check_safe("a\"b\033[3m};#", 10, "a\"b\\x1b[3m};#");
	check_safe("x\0y", 3, "x\\x00y");
	check_safe("tab\there\n", 9, "tab\\x09here\\x0a");
	check_safe("\x7f", 1, "\\x7f");
	check_safe("back\\slash", 10, "back\\\\slash");
	check_safe("gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f"); /* valid UTF-8 stays */
	check_safe("\xc2\x9b", 2, "\\xc2\\x9b");		   /* C1: CSI */
	check_safe("\xe2\x80\xae", 3, "\\xe2\\x80\\xae");	   /* right-to-left override */
	check_safe("\xc3", 1, "\\xc3");				   /* cut short */
	check_safe("\xc0\xaf", 2, "\\xc0\\xaf");		   /* overlong */
	check_safe("\xed\xa0\x80", 3, "\\xed\\xa0\\x80");	   /* a surrogate */
	check_safe("\xf5\x80\x80\x80", 4, "\\xf5\\x80\\x80\\x80");
	check_safe("", 0, "");
}

static void test_safe_is_cut_between_characters(void **state)
{
	char safe[8];

	assert_string_equal(text_safe(safe, sizeof(safe), "abcdefghij", 10), "abcdefg");
	assert_string_equal(text_safe(safe, sizeof(safe), "abcdef\xc3\xbc", 8), "abcdef");
	assert_string_equal(text_safe(safe, sizeof(safe), "abcd\033", 5), "abcd");
}

/* Any bytes in, no control byte out. */
static void test_safe_random(void **state)
{
	srand(2);
	for (int round = 0; round < 20000; round++) {
		char text[24], safe[128];
		size_t length = rand() % sizeof(text);

		for (size_t i = 0; i < length; i++)
			text[i] = rand();
		text_safe(safe, sizeof(safe), text, length);
		for (const unsigned char *at = (unsigned char *)safe; *at; at++) {
			assert_true(*at >= 0x20 && *at != 0x7f);
			assert_false(at[0] == 0xc2 && at[1] < 0xa0);
		}
	}
}

static void test_lines(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	text_print_lines(out, "\ta \033[2J\nb\xc3\xbc\n", 12);
	fclose(out);
	assert_string_equal(text, "\ta \\x1b[2J\nb\xc3\xbc\n");
	free(text);
}

static void test_numbers(void **state)
{
	char text[32];

	assert_string_equal(text_count(text, sizeof(text), 0), "0");
	assert_string_equal(text_count(text, sizeof(text), 999), "999");
	assert_string_equal(text_count(text, sizeof(text), 1000), "1,000");
	assert_string_equal(text_count(text, sizeof(text), UINT64_MAX),
			    "18,446,744,073,709,551,615");
	assert_string_equal(text_short_count(text, sizeof(text), 999), "999");
	assert_string_equal(text_short_count(text, sizeof(text), 12400), "12.4k");
	assert_string_equal(text_short_count(text, sizeof(text), 999999), "1.0M");
	assert_string_equal(text_bytes(text, sizeof(text), 0), "0 B");
	assert_string_equal(text_bytes(text, sizeof(text), 1023), "1023 B");
	assert_string_equal(text_bytes(text, sizeof(text), 1024), "1.0 KiB");
	assert_string_equal(text_bytes(text, sizeof(text), 24117248), "23.0 MiB");
	assert_string_equal(text_bytes(text, sizeof(text), UINT64_MAX), "16.0 EiB");
	assert_int_equal(text_width("gr\xc3\xbc\xc3\x9f"), 4);
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("\xe6\x97\xa5\xe6\x9c\xac"), 4); /* 日本 */
	assert_int_equal(text_width("u\xcc\x88"), 1);		     /* u and a diaeresis */
	assert_int_equal(text_width("\xf0\x9f\x98\x80"), 2);	     /* an emoji */
	assert_int_equal(text_width("\xff\xc3"), 2);		     /* not UTF-8 */
	assert_int_equal(text_fitting("", 3), 0);
	assert_int_equal(text_fitting("abc", 3), 3);
	assert_int_equal(text_fitting("abcd", 3), 3);
	assert_int_equal(text_fitting("\xc3\xbc\xc3\xbc", 1), 2);
	assert_int_equal(text_fitting("\xe6\x97\xa5\xe6\x9c\xac", 3), 3);
	assert_int_equal(text_fitting("u\xcc\x88x", 1), 3);
}

static void test_table(void **state)
{
	struct table table = {};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	table_column(&table, "NAME", false);
	table_column(&table, "IN", true);
	table_cell(&table, "gr\xc3\xbc\xc3\x9f"
			   "e");
	table_cell(&table, "1");
	table_cell(&table, "x");
	table_cell(&table, "1,000");
	assert_int_equal(table_print(&table, out, false), 0);
	fclose(out);
	assert_string_equal(text, "NAME      IN\n"
				  "gr\xc3\xbc\xc3\x9f"
				  "e      1\n"
				  "x      1,000\n");
	free(text);
	table_release(&table);
}

#define NIHON "\xe6\x97\xa5\xe6\x9c\xac" /* 日本 */

static void check_table(size_t width, const char *expected)
{
	struct table table = { .width = width };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	table_column(&table, "PORT", false);
	table_column(&table, "WHAT", false);
	table_cell(&table, "22/tcp");
	table_cell(&table, "the remote shell of today");
	table_cell(&table, "3/udp");
	table_cell(&table, NIHON ", " NIHON ", " NIHON ", " NIHON);
	assert_int_equal(table_print(&table, out, false), 0);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	table_release(&table);
}

static void test_table_fits(void **state)
{
	static const char whole[] = "PORT    WHAT\n22/tcp  the remote shell of today\n"
				    "3/udp   " NIHON ", " NIHON ", " NIHON ", " NIHON "\n";
	static const char least[] = "PORT    WHAT\n22/tcp  the remote shell ...\n"
				    "3/udp   " NIHON ", " NIHON ", " NIHON ",...\n";

	check_table(0, whole);
	check_table(33, whole);
	check_table(32, "PORT    WHAT\n22/tcp  the remote shell of t...\n"
			"3/udp   " NIHON ", " NIHON ", " NIHON ", " NIHON "\n");
	check_table(28, least);
	/* Something of the last column is shown, however narrow the screen. */
	check_table(5, least);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_safe),
		cmocka_unit_test(test_safe_is_cut_between_characters),
		cmocka_unit_test(test_safe_random),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
