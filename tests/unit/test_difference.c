/* What another table changes: counts in pairs, lines as they are printed, doubts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/difference.h"
#include "util/slice.h"
#include "render/changes.h"

/* ports, transports, name, description, assignee; of what is assigned */
#define ROW(ports, transports, name, description, assignee)                        \
	ports "\t" transports "\tassigned\t" name "\t" description "\t\t" assignee \
	      "\t\t\t\t\t\t\t\n"
#define FREE(ports, transports, status, description) \
	ports "\t" transports "\t" status "\t\t" description "\t\t\t\t\t\t\t\t\t\n"

static struct registry *parse(const char *table)
{
	struct registry *registry = NULL;
	unsigned int line = 0, column = 0;

	if (registry_parse(table, strlen(table), &registry, &line, &column))
		fail_msg("refused at %u:%u", line, column);
	return registry;
}

/* The lines and, in @ret_pairs, the counts. */
static const char *changes(const char *before, const char *after, size_t most,
			   unsigned int *ret_pairs)
{
	static char text[16384];
	struct registry *old = parse(before), *new = parse(after);
	struct difference difference;
	FILE *out = fmemopen(text, sizeof(text), "w");

	text[0] = '\0';
	assert_int_equal(difference_make(old, new, &difference), 0);
	changes_print(out, &difference, most);
	fclose(out);
	memcpy(ret_pairs, difference.pairs, sizeof(difference.pairs));
	difference_release(&difference);
	registry_free(old);
	registry_free(new);
	return text;
}

static void assert_changes(const char *before, const char *after, const char *lines,
			   const unsigned int *pairs)
{
	unsigned int got[CHANGE_KINDS];

	assert_string_equal(changes(before, after, 100, got), lines);
	for (int i = 0; i < CHANGE_KINDS; i++)
		assert_int_equal(got[i], pairs[i]);
}
/* pairs: added, removed, renamed, description, assignee, other */
#define PAIRS(...) ((const unsigned int[CHANGE_KINDS]){ __VA_ARGS__ })

static void test_nothing(void **state)
{
	assert_changes("", "", "", PAIRS(0));
	assert_changes(ROW("22", "tcp,udp", "ssh", "SSH", "A"),
		       ROW("22", "tcp,udp", "ssh", "SSH", "A"), "", PAIRS(0));
	/* Rows cut otherwise, but the pairs are the same; nor does the source count. */
	assert_changes(ROW("22", "tcp,udp", "ssh", "SSH", "A"),
		       "22\ttcp\tassigned\tssh\tSSH\t\tA\t\t\t\t\t\t\tx\n" ROW("22", "udp", "ssh",
									       "SSH", "A"),
		       "", PAIRS(0));
}

static void test_added_and_removed(void **state)
{
	assert_changes("", ROW("22", "tcp,udp", "ssh", "SSH", ""),
		       "added:\n  22/tcp,udp ssh: SSH\n", PAIRS(2));
	assert_changes(
		FREE("22", "tcp,udp", "unassigned", "Unassigned"), ROW("22", "tcp", "ssh", "", ""),
		"added:\n  22/tcp ssh\nother:\n  22/udp: no row any more; it was unassigned\n",
		PAIRS(1, 0, 0, 0, 0, 1));
	assert_changes(ROW("22", "tcp", "ssh", "SSH", "") ROW("23", "sctp", "t", "", ""),
		       FREE("22", "tcp", "reserved", ""),
		       "removed:\n  22/tcp ssh (reserved)\n  23/sctp t (no row any more)\n",
		       PAIRS(0, 2));
}

static void test_renamed(void **state)
{
	assert_changes(ROW("22", "tcp,udp", "ssh", "SSH", "A"),
		       ROW("22", "tcp,udp", "sshd", "X", "B"),
		       "renamed:\n  22/tcp,udp ssh -> sshd\n", PAIRS(0, 0, 2));
}

static void test_description_and_assignee(void **state)
{
	assert_changes(ROW("22", "tcp", "ssh", "SSH", "A"), ROW("22", "tcp", "ssh", "", "B"),
		       "description:\n  22/tcp ssh: \"SSH\" -> \"(none)\"\n"
		       "assignee:\n  22/tcp ssh: A -> B\n",
		       PAIRS(0, 0, 0, 1, 1));
}

static void test_other_columns(void **state)
{
	assert_changes("22\ttcp\tassigned\tssh\t\t\t\t\t\t\t\t\t\t\n",
		       "22\ttcp\tassigned\tssh\t\ta\t\t2001-01\t2001-02\tr\tu\tn\tf\t\n",
		       "other:\n  22/tcp ssh: aliases, registration date, modification date, "
		       "documents, unauthorized use, notes, former names\n",
		       PAIRS(0, 0, 0, 0, 0, 1));
	assert_changes(FREE("22", "tcp", "unassigned", "a"), FREE("22", "tcp", "reserved", "b"),
		       "other:\n  22/tcp: unassigned -> reserved, description\n",
		       PAIRS(0, 0, 0, 0, 0, 1));
	assert_changes("", FREE("22", "tcp", "unassigned", "a"),
		       "other:\n  22/tcp: listed as unassigned\n", PAIRS(0, 0, 0, 0, 0, 1));
}

static void test_ranges_are_one_line(void **state)
{
	assert_changes(
		ROW("7300-7359", "tcp,udp", "swx", "", ""),
		FREE("7300-7359", "tcp,udp", "unassigned", "") ROW("7310", "udp", "x", "", ""),
		"removed:\n  7300-7309/tcp,udp swx (unassigned)\n  7310/tcp swx (unassigned)\n"
		"  7311-7359/tcp,udp swx (unassigned)\nrenamed:\n  7310/udp swx -> x\n",
		PAIRS(0, 119, 1));
}

/* A row without transport is a pair for each port, as in the count of all. */
static void test_rows_without_transport_count_once(void **state)
{
	assert_changes("", ROW("10-19", "*", "ten", "", ""), "added:\n  10-19/tcp,udp ten\n",
		       PAIRS(10));
	assert_changes(ROW("10", "*", "ten", "", ""), ROW("10", "tcp", "ten", "", ""),
		       "removed:\n  10/udp ten (no row any more)\n", PAIRS(0, 1));
}

static void test_hostile_text_is_safe_on_a_terminal(void **state)
{
	assert_changes("", ROW("22", "tcp", "a\\b", "\342\200\213", ""),
		       "added:\n  22/tcp a\\\\b: \\xe2\\x80\\x8b\n", PAIRS(1));
}

static void test_lines_are_shared_out(void **state)
{
	char before[8192] = "", after[8192] = "";
	unsigned int pairs[CHANGE_KINDS];

	for (int i = 0; i < 30; i++)
		sprintf(after + strlen(after), ROW("%d", "tcp", "n%d", "", ""), 100 + 2 * i, i);
	for (int i = 0; i < 5; i++)
		sprintf(before + strlen(before), ROW("%d", "tcp", "o%d", "", ""), 200 + 2 * i, i);
	sprintf(before + strlen(before), ROW("300", "tcp", "a", "", ""));
	sprintf(after + strlen(after), ROW("300", "tcp", "b", "", ""));
	assert_string_equal(
		changes(before, after, 6, pairs),
		"added:\n  100/tcp n0\n  102/tcp n1\n  104/tcp n2\n"
		"  and 27 more lines; -v shows them\n"
		"removed:\n  200/tcp o0 (no row any more)\n  202/tcp o1 (no row any more)\n"
		"  and 3 more lines; -v shows them\n"
		"renamed:\n  300/tcp a -> b\n");
	assert_int_equal(pairs[CHANGE_ADDED], 30);
	assert_string_equal(changes(before, after, 0, pairs),
			    "added:\n  and 30 more lines; -v shows them\n"
			    "removed:\n  and 5 more lines; -v shows them\n"
			    "renamed:\n  and 1 more line; -v shows them\n");
	assert_null(strstr(changes(before, after, 36, pairs), "-v shows"));
}

/* ------------------------------------------------------------------ doubts */

/* A table of @pairs assigned pairs, with @lines in place of those of 22, 53, 80, 443. */
static struct registry *table_of(unsigned int pairs, const char *lines)
{
	static char text[1u << 20];
	size_t used = sprintf(text, "%s", lines);

	for (unsigned int port = 1000; pairs--; port++)
		used += sprintf(text + used, ROW("%u", "tcp", "x", "", ""), port);
	return parse(text);
}

#define SENTINELS                              \
	ROW("22", "tcp", "ssh", "", "")        \
	ROW("53", "tcp,udp", "domain", "", "") \
	ROW("80", "tcp", "http", "", "") ROW("443", "tcp", "https", "", "")

static void assert_doubts(unsigned int pairs, const char *lines, unsigned int before,
			  unsigned int count, const char *sentence)
{
	struct registry *old = table_of(before, ""), *new = table_of(pairs, lines);
	struct fault fault = {};

	assert_int_equal(difference_doubts(new, old, &fault), count);
	assert_string_equal(fault.text, sentence);
	registry_free(old);
	registry_free(new);
}

static void test_too_few_pairs(void **state)
{
	assert_doubts(10995, SENTINELS, 11000, 0, "");
	assert_doubts(10994, SENTINELS, 11000, 1,
		      "10999 assigned pairs, where the registry has over 11000");
}

static void test_missing_sentinels(void **state)
{
	assert_doubts(
		11000, "", 11000, 5,
		"22/tcp is not ssh; 53/tcp is not domain; 53/udp is not domain; 80/tcp is not "
		"http; 443/tcp is not https");
	assert_doubts(11000,
		      ROW("22", "tcp", "sshd", "", "") ROW("53", "tcp", "domain", "", "")
			      ROW("80", "tcp,udp", "http", "", "")
				      ROW("443", "tcp", "https", "", ""),
		      11000, 2, "22/tcp is not ssh; 53/udp is not domain");
}

static void test_many_pairs_gone(void **state)
{
	/* 95 % of 12,000 are 11,400. */
	assert_doubts(11395, SENTINELS, 12000, 0, "");
	assert_doubts(11394, SENTINELS, 12000, 1,
		      "601 of the 12000 pairs in use are gone (over 5 %)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_added_and_removed),
		cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_description_and_assignee),
		cmocka_unit_test(test_other_columns),
		cmocka_unit_test(test_ranges_are_one_line),
		cmocka_unit_test(test_rows_without_transport_count_once),
		cmocka_unit_test(test_hostile_text_is_safe_on_a_terminal),
		cmocka_unit_test(test_lines_are_shared_out),
		cmocka_unit_test(test_too_few_pairs),
		cmocka_unit_test(test_missing_sentinels),
		cmocka_unit_test(test_many_pairs_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
