/*
 * The ruleset as it is listed, and below each line that concerns ports what they
 * are, indented a little more and marked, so that nobody takes it for a rule.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "render/text.h"
#include "rules/facts.h"
#include "rules/rules.h"

#define MARK	   "  > "
#define MANY_PORTS 8 /* more of a rule's ports are summed up, unless all are asked for */

struct printing {
	FILE *out;
	const struct rules *rules;
	const struct rules_facts *facts;
	const struct rules_style *style;
	size_t printed; /* bytes of the text */
};

/* What is said below @item: a line, at the item's indentation. */
static void begin_line(const struct printing *printing, const struct rules_item *item)
{
	const char *text = printing->rules->text;
	size_t start = item->start, indent;

	while (start && text[start - 1] != '\n')
		start--;
	indent = strspn(text + start, " \t");
	fwrite(text + start, 1, indent, printing->out);
	fputs(printing->style->colour ? "\033[2m" MARK : MARK, printing->out);
}

static void end_line(const struct printing *printing)
{
	fputs(printing->style->colour ? "\033[0m\n" : "\n", printing->out);
}

static void print_use(const struct printing *printing, const struct rules_item *item,
		      const struct port_use *use)
{
	char text[NFT_REMARK_MAX + 1];
	struct port_facts known;

	nft_remark(printing->facts->comment, use, text);
	port_facts_read(printing->facts, use, &known);
	begin_line(printing, item);
	text_print_lines(printing->out, text + strlen(NFT_COMMENT_PREFIX),
			 strlen(text) - strlen(NFT_COMMENT_PREFIX));
	port_facts_print(printing->out, &known, printing->facts->traffic);
	end_line(printing);
}

static void print_summary(const struct printing *printing, const struct rules_item *item)
{
	char text[NFT_COMMENT_MAX + 1];

	nft_comment_counted(printing->facts->comment, printing->rules->uses + item->first_use,
			    item->use_count, slice_of(""), text);
	begin_line(printing, item);
	text_print_lines(printing->out, text + strlen(NFT_COMMENT_PREFIX),
			 strlen(text) - strlen(NFT_COMMENT_PREFIX));
	end_line(printing);
}

static void print_counter(const struct printing *printing, const struct rules_item *item)
{
	char packets[32], bytes[32], name[256];

	begin_line(printing, item);
	if (item->counter_name.length)
		fprintf(printing->out, "counter %s, of all rules that name it",
			text_safe(name, sizeof(name), item->counter_name.text,
				  item->counter_name.length));
	else
		fprintf(printing->out, "counter of the %s itself",
			item->set.length ? "element" : "rule");
	fprintf(printing->out, ": %s packets, %s",
		text_count(packets, sizeof(packets), item->packets),
		text_bytes(bytes, sizeof(bytes), item->bytes));
	end_line(printing);
}

static void explain(const struct printing *printing, const struct rules_item *item)
{
	if (item->reason) {
		begin_line(printing, item);
		fprintf(printing->out, "not explained: %s", item->reason);
		end_line(printing);
	} else if (item->use_count > MANY_PORTS && !printing->style->all) {
		print_summary(printing, item);
	} else {
		for (size_t i = 0; i < item->use_count; i++)
			print_use(printing, item, &printing->rules->uses[item->first_use + i]);
	}
	if (item->has_counter)
		print_counter(printing, item);
}

/* Without " # handle 7" where that is not wanted. */
static void print_line(const struct printing *printing, const char *line, size_t length)
{
	static const char handle[] = " # handle ";
	const char *found = NULL;

	if (!printing->style->handles)
		found = memmem(line, length, handle, sizeof(handle) - 1);
	/* The last thing on the line: a comment may hold the same words. */
	while (found && strspn(found + sizeof(handle) - 1, "0123456789") !=
				(size_t)(line + length - found) - (sizeof(handle) - 1))
		found = memmem(found + 1, line + length - found - 1, handle, sizeof(handle) - 1);
	text_print_lines(printing->out, line, found ? (size_t)(found - line) : length);
	putc('\n', printing->out);
}

/* Below "table ip nat {", who keeps it. */
static void print_keeper(const struct printing *printing, struct slice line)
{
	const struct rules_facts *facts = printing->facts;
	const struct keeper *keeper;
	struct slice word, family, table;

	if (!facts->keeper || !slice_next_word(&line, &word) || !slice_equals(word, "table") ||
	    !slice_next_word(&line, &family) || !slice_next_word(&line, &table))
		return;
	keeper = facts->keeper(facts->keeper_data, family, table);
	if (keeper)
		fprintf(printing->out, "\t%s" MARK "kept by %s: change it with %s%s\n",
			printing->style->colour ? "\033[2m" : "", keeper->program, keeper->change,
			printing->style->colour ? "\033[0m" : "");
}

/* The lines before @until, and what is to be said of tables. */
static void print_until(struct printing *printing, size_t until)
{
	const struct rules *rules = printing->rules;

	while (printing->printed < until) {
		const char *line = rules->text + printing->printed;
		const char *newline = memchr(line, '\n', rules->length - printing->printed);
		size_t length =
			newline ? (size_t)(newline - line) : rules->length - printing->printed;

		print_line(printing, line, length);
		if (length && *line == 't')
			print_keeper(printing, (struct slice){ line, length });
		printing->printed += length + (newline != NULL);
	}
}

/* ---- items alone, under the heads of their table and chain ---- */

static bool same_place(const struct rules_item *a, const struct rules_item *b)
{
	return slices_equal(a->place.family, b->place.family) &&
	       slices_equal(a->place.table, b->place.table) &&
	       slices_equal(a->place.chain, b->place.chain) && slices_equal(a->set, b->set);
}

static void print_place(const struct printing *printing, const struct rules_item *item)
{
	char text[512] = "in no table:";
	int length = 0;

	/* A piece of a file names none. */
	if (item->place.table.length)
		length = snprintf(text, sizeof(text), "%.*s %.*s, ", SLICE_ARGS(item->place.family),
				  SLICE_ARGS(item->place.table));
	if (item->set.length)
		snprintf(text + length, sizeof(text) - length, "set %.*s:", SLICE_ARGS(item->set));
	else if (item->place.chain.length)
		snprintf(text + length, sizeof(text) - length,
			 "chain %.*s:", SLICE_ARGS(item->place.chain));
	text_print_lines(printing->out, text, strlen(text));
	putc('\n', printing->out);
}

/* The whole lines of an item; of an element, itself alone. */
static void print_item(const struct printing *printing, const struct rules_item *item)
{
	const struct rules *rules = printing->rules;

	if (item->set.length) {
		fputs("\t\t", printing->out);
		text_print_lines(printing->out, rules->text + item->start, item->end - item->start);
		putc('\n', printing->out);
		return;
	}
	for (size_t at = item->start; at < item->below;) {
		const char *newline = memchr(rules->text + at, '\n', item->below - at);
		size_t end = newline ? (size_t)(newline - rules->text) : item->below;

		if (at == item->start)
			fputs("\t\t", printing->out);
		print_line(printing, rules->text + at, end - at);
		at = end + 1;
	}
}

static void print_items(const struct printing *printing)
{
	const struct rules *rules = printing->rules;

	for (size_t i = 0; i < rules->count; i++) {
		const struct rules_item *item = &rules->items[i];

		if (!i || !same_place(item, item - 1)) {
			if (i)
				putc('\n', printing->out);
			print_place(printing, item);
		}
		print_item(printing, item);
		explain(printing, item);
	}
}

/* ---- all of it ---- */

/* Below the lines that items end on, in the order of those lines. */
static int compare(const void *left, const void *right)
{
	const struct rules_item *a = *(const struct rules_item *const *)left;
	const struct rules_item *b = *(const struct rules_item *const *)right;

	if (a->below != b->below)
		return a->below < b->below ? -1 : 1;
	return a->start < b->start ? -1 : a->start > b->start;
}

static int print_whole(struct printing *printing)
{
	const struct rules *rules = printing->rules;
	const struct rules_item **sorted = reallocarray(NULL, rules->count + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < rules->count; i++)
		sorted[i] = &rules->items[i];
	qsort(sorted, rules->count, sizeof(*sorted), compare);
	for (size_t i = 0; i < rules->count; i++) {
		print_until(printing, sorted[i]->below);
		explain(printing, sorted[i]);
	}
	print_until(printing, rules->length);
	free(sorted);
	return 0;
}

int rules_print(FILE *out, const struct rules *rules, const struct rules_facts *facts,
		const struct rules_style *style)
{
	struct printing printing = { out, rules, facts, style, 0 };

	if (style->whole)
		return print_whole(&printing);
	print_items(&printing);
	return 0;
}
