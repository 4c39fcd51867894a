/*
 * The unified diff, as patch(1) reads it: what a reader of our own makes of the old
 * text and the diff must be the new text, for random texts and random edits.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nft/diff.h"

static char *diff_of(const char *text, const struct edits *edits)
{
	char *diff = NULL;
	size_t size;
	FILE *out = open_memstream(&diff, &size);

	assert_non_null(out);
	assert_int_equal(diff_print(out, "f", text, strlen(text), edits, NULL), 0);
	fclose(out);
	return diff;
}

static const char *line_end(const char *line)
{
	const char *newline = strchr(line, '\n');

	return newline ? newline + 1 : line + strlen(line);
}

static void copy(FILE *out, const char *text, const char *end)
{
	fwrite(text, 1, end - text, out);
}

/* Lines of a hunk; moves @diff to the next one, and @old behind what it replaces. */
static void apply_hunk(const char **diff, const char **old, FILE *out, unsigned int old_count,
		       unsigned int new_count)
{
	const char *line = *diff;

	while (old_count || new_count) {
		const char *end = line_end(line), *body = line + 1;
		bool unended = *end == '\\'; /* "\ No newline at end of file" */
		size_t length = end - body - unended;

		assert_true(*line == ' ' || *line == '-' || *line == '+');
		if (*line != '+') {
			assert_true(old_count-- > 0);
			assert_memory_equal(*old, body, length);
			*old += length;
		}
		if (*line != '-') {
			assert_true(new_count-- > 0);
			fwrite(body, 1, length, out);
		}
		line = unended ? line_end(end) : end;
	}
	*diff = line;
}

/* "-12,3 " or "-12 ", which is one line. Returns what is behind it. */
static const char *range(const char *text, char mark, unsigned int *ret_line,
			 unsigned int *ret_count)
{
	char *end;

	assert_int_equal(*text, mark);
	*ret_line = strtoul(text + 1, &end, 10);
	*ret_count = *end == ',' ? strtoul(end + 1, &end, 10) : 1;
	assert_int_equal(*end, ' ');
	return end + 1;
}

/* The text that @diff makes of @old. */
static char *patch(const char *old, const char *diff)
{
	unsigned int old_line, old_count, new_line, new_count, line = 1;
	const char *at = old;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	if (*diff) {
		assert_memory_equal(diff, "--- f\n+++ f\n", 12);
		diff += 12;
	}
	while (*diff) {
		assert_memory_equal(diff, "@@ ", 3);
		diff = range(range(diff + 3, '-', &old_line, &old_count), '+', &new_line,
			     &new_count);
		assert_memory_equal(diff, "@@\n", 3);
		diff += 3;
		/* A hunk without old lines stands behind the line it names. */
		for (; line < old_line + !old_count; line++, at = line_end(at))
			copy(out, at, line_end(at));
		line += old_count;
		apply_hunk(&diff, &at, out, old_count, new_count);
	}
	copy(out, at, at + strlen(at));
	fclose(out);
	return text;
}

static void expect(const char *old, struct edits *edits)
{
	char *wanted, *diff, *got;
	size_t length;

	assert_int_equal(edits_apply(edits, old, strlen(old), &wanted, &length), 0);
	diff = diff_of(old, edits);
	got = patch(old, diff);
	assert_string_equal(got, wanted);
	assert_int_equal(!strcmp(old, wanted), !*diff);
	free(got);
	free(diff);
	free(wanted);
	edits_release(edits);
}

static void test_shape(void **state)
{
	static const char old[] = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
	struct edits edits = {};
	char *diff;

	assert_int_equal(edits_add(&edits, 9, 9, slice_of(" x")), 0);
	edits_sort(&edits);
	diff = diff_of(old, &edits);
	assert_string_equal(diff,
			    "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+5 x\n 6\n 7\n 8\n");
	free(diff);
	edits_release(&edits);
}

static void test_ends(void **state)
{
	static const char *const texts[] = { "a", "a\n", "\n", "a\nb", "a\nb\n\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct edits edits = {};

		expect(texts[i], &edits);
		assert_int_equal(edits_add(&edits, 0, 1, slice_of("")), 0);
		expect(texts[i], &edits);
		assert_int_equal(edits_add(&edits, 0, 0, slice_of("# first\n")), 0);
		expect(texts[i], &edits);
		assert_int_equal(
			edits_add(&edits, strlen(texts[i]), strlen(texts[i]), slice_of("last")), 0);
		expect(texts[i], &edits);
		assert_int_equal(edits_add(&edits, 0, 1, slice_of("")), 0);
		expect(texts[i], &edits);
	}
}

static void test_random(void **state)
{
	static const char *const pieces[] = { "", " x", "y\n", "\n", "long line\nanother\n" };

	srandom(1);
	for (int round = 0; round < 20000; round++) {
		struct edits edits = {};
		char text[200] = "";
		size_t length = 0, at = 0;

		while (random() % 30 && length + 3 < sizeof(text))
			length += sprintf(text + length, "%c%s", 'a' + (int)(random() % 3),
					  random() % 3 ? "\n" : "");
		while (at < length && random() % 6) {
			size_t start = at + random() % (length - at + 1);
			size_t end = start + (random() % 3 ? 0 : random() % (length - start + 1));
			const char *piece = pieces[random() % 5];

			assert_int_equal(edits_add(&edits, start, end, slice_of(piece)), 0);
			at = end + 1;
		}
		expect(text, &edits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
