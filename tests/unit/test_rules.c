/*
 * The items of a ruleset's text: what each concerns, where it stands, what its
 * counters have, and which of them a question is about.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/rules.h"
#include "unit/fixture.h"

struct fixture {
	struct fixture_knowledge known;
	struct comment_facts facts;
	struct rules rules;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture_knowledge_load(&fixture->known);
	fixture->facts.knowledge = &fixture->known.knowledge;
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	rules_release(&fixture->rules);
	fixture_knowledge_release(&fixture->known);
	free(fixture);
	return 0;
}

static const char listing[] =
	"table inet a {\n"
	"	counter web {\n"
	"		comment \"packets 1 bytes 2\"\n"
	"		packets 3 bytes 180\n"
	"	}\n"
	"	set s {\n"
	"		type inet_service\n"
	"		elements = { 80 counter packets 9 bytes 540, 443 comment \"x\" }\n"
	"	}\n"
	"	chain c {\n"
	"		ct state established accept # handle 4\n"
	"		tcp dport { 22, 80 } counter packets 5 bytes 300 accept # handle 5\n"
	"		tcp dport 443 counter name \"web\" accept comment \"ours # handle 9\" # "
	"handle 6\n"
	"		udp dport != 53 drop # handle 7\n"
	"		tcp dport @nowhere accept # handle 8\n"
	"	}\n"
	"}\n"
	"table ip a {\n"
	"	counter web {\n"
	"		packets 4 bytes 240\n"
	"	}\n"
	"	chain c {\n"
	"		tcp dport 443 counter name web accept # handle 6\n"
	"		tcp dport 25 counter name \"gone\" accept # handle 7\n"
	"	}\n"
	"}\n";

static void read_listing(struct fixture *fixture)
{
	struct text_error error;

	assert_int_equal(rules_read(listing, strlen(listing), &fixture->facts, NULL,
				    &fixture->rules, &error),
			 0);
}

struct row {
	unsigned int line;
	const char *family, *set;
	uint64_t handle;
	size_t uses;
	bool has_counter;
	uint64_t packets, bytes;
	const char *counter_name, *comment;
};

static const struct row rows[] = {
	{ 8, "inet", "s", 0, 1, true, 9, 540, "", "" },
	{ 8, "inet", "s", 0, 1, false, 0, 0, "", "x" },
	{ 12, "inet", "", 5, 2, true, 5, 300, "", "" },
	{ 13, "inet", "", 6, 1, true, 3, 180, "web", "ours # handle 9" },
	{ 14, "inet", "", 7, 1, false, 0, 0, "", "" },
	{ 15, "inet", "", 8, 0, false, 0, 0, "", "" },
	{ 23, "ip", "", 6, 1, true, 4, 240, "web", "" },
	{ 24, "ip", "", 7, 1, false, 0, 0, "gone", "" },
};

static void test_items(void **state)
{
	struct fixture *fixture = *state;

	read_listing(fixture);
	assert_int_equal(fixture->rules.count, sizeof(rows) / sizeof(rows[0]));
	for (size_t i = 0; i < fixture->rules.count; i++) {
		const struct rules_item *item = &fixture->rules.items[i];

		assert_int_equal(item->line, rows[i].line);
		assert_true(slice_equals(item->place.family, rows[i].family));
		assert_true(slice_equals(item->place.table, "a"));
		assert_true(slice_equals(item->set, rows[i].set));
		assert_int_equal(item->handle, rows[i].handle);
		assert_int_equal(item->use_count, rows[i].uses);
		assert_int_equal(item->has_counter, rows[i].has_counter);
		assert_int_equal(item->packets, rows[i].packets);
		assert_int_equal(item->bytes, rows[i].bytes);
		assert_true(slice_equals(item->counter_name, rows[i].counter_name));
		assert_true(slice_equals(item->comment, rows[i].comment));
		assert_int_equal(item->reason != NULL, !rows[i].uses);
	}
}

/* The lines of the items that are kept for @question. */
static void expect_kept(struct fixture *fixture, const char *question, const char *lines)
{
	struct what what = {};
	struct fault fault = {};
	char text[100] = "";
	size_t length = 0;

	rules_release(&fixture->rules);
	read_listing(fixture);
	assert_int_equal(what_parse(question, &fixture->known.knowledge, &what, &fault), 0);
	rules_keep(&fixture->rules, &what);
	for (size_t i = 0; i < fixture->rules.count; i++)
		length += sprintf(text + length, "%u ", fixture->rules.items[i].line);
	assert_string_equal(text, lines);
	what_release(&what);
}

static void test_keep(void **state)
{
	struct fixture *fixture = *state;

	expect_kept(fixture, "443/tcp", "8 13 23 ");
	expect_kept(fixture, "443/udp", "8 14 ");
	expect_kept(fixture, "22/tcp", "12 ");
	expect_kept(fixture, "79-81/tcp", "8 12 ");
	expect_kept(fixture, "9/tcp", "");
	/* "!= 53" is about the port that is left out, and about all others. */
	expect_kept(fixture, "53/udp", "14 ");
	expect_kept(fixture, "9/udp", "14 ");
	expect_kept(fixture, "9", "14 ");
}

static void test_json(void **state)
{
	struct fixture *fixture = *state;
	const struct rules_facts facts = { .comment = &fixture->facts };
	json_t *json, *rule;

	read_listing(fixture);
	json = rules_json(&fixture->rules, &facts);
	assert_int_equal(json_array_size(json_object_get(json, "elements")), 2);
	assert_int_equal(json_array_size(json_object_get(json, "rules")), 6);
	rule = json_array_get(json_object_get(json, "rules"), 1);
	assert_string_equal(json_string_value(json_object_get(rule, "chain")), "c");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(rule, "counter"), "name")),
		"web");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(rule, "counter"), "packets")),
		3);
	rule = json_array_get(json_object_get(json, "rules"), 3);
	assert_non_null(json_object_get(rule, "reason"));
	json_decref(json);
}

/* What is printed, without our lines, is the text. */
static void test_print(void **state)
{
	struct fixture *fixture = *state;
	const struct rules_facts facts = { .comment = &fixture->facts };
	const struct rules_style style = { .handles = true, .whole = true };
	char *printed = NULL, *kept, *to;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	read_listing(fixture);
	assert_int_equal(rules_print(out, &fixture->rules, &facts, &style), 0);
	fclose(out);
	kept = to = calloc(1, size + 1);
	for (char *line = strtok(printed, "\n"); line; line = strtok(NULL, "\n"))
		if (!strstr(line, "  > "))
			to += sprintf(to, "%s\n", line);
	assert_string_equal(kept, listing);
	free(kept);
	free(printed);
}

struct piece {
	const char *text, *printed;
};

/* Pieces of files, that are included within a table or a chain. */
static const struct piece pieces[] = {
	{ "tcp dport 22 accept\n", "in no table:\n\t\ttcp dport 22 accept\n" },
	{ "chain c {\n\ttcp dport 22 accept\n}\n", "chain c:\n\t\ttcp dport 22 accept\n" },
	{ "set s { type inet_service; elements = { 22 }; }\n", "set s:\n\t\t22\n" },
	{ "add rule t c tcp dport 22 accept\n",
	  "ip t, chain c:\n\t\tadd rule t c tcp dport 22 accept\n" },
};

static void test_pieces(void **state)
{
	struct fixture *fixture = *state;
	const struct rules_facts facts = { .comment = &fixture->facts };
	const struct rules_style style = { .whole = false };
	struct text_error error;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		char *printed = NULL, *ours;
		size_t size;
		FILE *out = open_memstream(&printed, &size);

		rules_release(&fixture->rules);
		assert_int_equal(rules_read(pieces[i].text, strlen(pieces[i].text), &fixture->facts,
					    NULL, &fixture->rules, &error),
				 0);
		assert_int_equal(rules_print(out, &fixture->rules, &facts, &style), 0);
		fclose(out);
		ours = strstr(printed, "> 22 ssh");
		assert_non_null(ours);
		while (ours > printed && ours[-1] != '\n')
			ours--;
		*ours = '\0';
		assert_string_equal(printed, pieces[i].printed);
		free(printed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_items, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keep, setup, teardown),
		cmocka_unit_test_setup_teardown(test_json, setup, teardown),
		cmocka_unit_test_setup_teardown(test_print, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
