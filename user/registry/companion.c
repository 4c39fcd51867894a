/* See companion.h. */
#include "registry/companion.h"

#include <errno.h>
#include <stdlib.h>

#include "registry/table.h"

extern const char registry_companions_tsv[], registry_companions_tsv_end[];

struct companion_index {
	uint16_t port;
	uint8_t rank; /* the lower, the surer */
	uint32_t row;
};

enum column {
	COLUMN_MAIN,
	COLUMN_MAIN_NAME,
	COLUMN_OTHER,
	COLUMN_OTHER_NAME,
	COLUMN_ROLE,
	COLUMN_RULE,
	COLUMN_CONFIDENCE,
	COLUMN_SOURCE,
	COLUMN_COUNT,
};

static const struct {
	const char *word, *words;
	uint8_t rank; /* what the other port is for says more than that it is near */
} rules[COMPANION_RULES] = {
	[COMPANION_TLS] = { "tls", "same name with a TLS ending", 1 },
	[COMPANION_ROLE] = { "role", "same name with an ending, next to it", 1 },
	[COMPANION_ROLE_FAR] = { "role-far", "same name with an ending, far apart", 5 },
	[COMPANION_ASSIGNEE] = { "assignee", "same assignee, names alike, next to it", 2 },
	[COMPANION_GROUP] = { "group", "names alike, next to it, assignee named once", 3 },
	[COMPANION_DESCRIPTION] = { "description", "same assignee, next to it", 4 },
	[COMPANION_HAND] = { "hand", "documented", 0 },
};

const char *companion_rule_words(enum companion_rule rule)
{
	return rules[rule].words;
}

const char *companion_rule_word(enum companion_rule rule)
{
	return rules[rule].word;
}

static int read_port(struct table *table, struct slice field, uint16_t *ret_port)
{
	uint16_t last;
	int err = table_ports(table, field, ret_port, &last);

	if (!err && last != *ret_port)
		err = table_refuse(table, field.text, "a pair is of two ports, not of ranges");
	return err;
}

static int read_rule(struct table *table, struct slice field, uint8_t *ret_rule)
{
	for (int rule = 0; rule < COMPANION_RULES; rule++) {
		if (slice_equals(field, rules[rule].word)) {
			*ret_rule = rule;
			return 0;
		}
	}
	return table_refuse(table, field.text, "an unknown rule");
}

static int read_confidence(struct table *table, struct slice field, uint8_t *ret_confidence)
{
	for (int confidence = 0; confidence < CONFIDENCE_COUNT; confidence++) {
		if (slice_equals(field, confidence_word(confidence))) {
			*ret_confidence = confidence;
			return 0;
		}
	}
	return table_refuse(table, field.text, "the confidence is high, medium or low");
}

static int read_row(struct table *table, const struct slice *fields,
		    struct companion *ret_companion)
{
	struct companion row = { .main_name = fields[COLUMN_MAIN_NAME],
				 .other_name = fields[COLUMN_OTHER_NAME],
				 .role = fields[COLUMN_ROLE],
				 .source = fields[COLUMN_SOURCE] };
	int err = read_port(table, fields[COLUMN_MAIN], &row.main);

	if (!err)
		err = read_port(table, fields[COLUMN_OTHER], &row.other);
	if (!err)
		err = read_rule(table, fields[COLUMN_RULE], &row.rule);
	if (!err)
		err = read_confidence(table, fields[COLUMN_CONFIDENCE], &row.confidence);
	if (err)
		return err;
	if (row.main == row.other)
		return table_refuse(table, fields[COLUMN_OTHER].text,
				    "a port is no companion of itself");
	if (slice_equals(row.source, "-"))
		row.source.length = 0;
	*ret_companion = row;
	return 0;
}

static int compare_index(const void *left, const void *right)
{
	const struct companion_index *a = left, *b = right;

	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return a->row < b->row ? -1 : a->row > b->row;
}

static int make_index(struct companion_list *list)
{
	struct companion_index *at;

	at = list->index = reallocarray(NULL, list->count * 2 + 1, sizeof(*at));
	if (!at)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		const struct companion *row = &list->rows[i];
		/* Whether it is encrypted is asked first. */
		uint8_t rank = slice_equals(row->role, "TLS half") ? 0 : rules[row->rule].rank + 1;

		*at++ = (struct companion_index){ row->main, rank, i };
		*at++ = (struct companion_index){ row->other, rank, i };
	}
	qsort(list->index, list->count * 2, sizeof(*list->index), compare_index);
	return 0;
}

static int read_rows(struct table *table, struct companion_list *list)
{
	struct slice fields[COLUMN_COUNT];
	size_t room = 0;
	int ret;

	while ((ret = table_row(table, fields, COLUMN_COUNT)) > 0) {
		if (list->count == room) {
			struct companion *rows;

			room = room ? room * 2 : 1024;
			rows = reallocarray(list->rows, room, sizeof(*rows));
			if (!rows)
				return -ENOMEM;
			list->rows = rows;
		}
		ret = read_row(table, fields, &list->rows[list->count]);
		if (ret)
			return ret;
		list->count++;
	}
	return ret ? ret : make_index(list);
}

int companion_list_parse(const char *text, size_t length, struct companion_list *ret_list,
			 struct table_error *ret_error)
{
	struct companion_list list = { 0 };
	struct slice comment;
	struct table table;
	int err;

	table_init(&table, text, length);
	while (table_comment(&table, &comment))
		;
	err = read_rows(&table, &list);
	if (err == -EINVAL && ret_error)
		*ret_error = (struct table_error){ table.line, table.column, table.reason };
	if (err) {
		companion_list_release(&list);
		return err;
	}
	*ret_list = list;
	return 0;
}

int companion_list_builtin(struct companion_list *ret_list)
{
	return companion_list_parse(registry_companions_tsv,
				    registry_companions_tsv_end - registry_companions_tsv, ret_list,
				    NULL);
}

void companion_list_release(struct companion_list *list)
{
	free(list->rows);
	free(list->index);
	*list = (struct companion_list){ 0 };
}

const struct companion *companion_at(const struct companion_list *list, uint16_t port, size_t after)
{
	size_t low = 0, high = list->count * 2;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->index[middle].port < port)
			low = middle + 1;
		else
			high = middle;
	}
	low += after;
	if (low >= list->count * 2 || list->index[low].port != port)
		return NULL;
	return &list->rows[list->index[low].row];
}
