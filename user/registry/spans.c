/*
 * Named spans: reads spans.tsv, and keeps lists of spans, to which the program
 * adds its own (the host's ephemeral range, a user's file). Separate from the
 * registry: spans may overlap, and most of them are practice, not assignment.
 */
#include "registry/spans.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "registry/table.h"

extern const char registry_spans_tsv[], registry_spans_tsv_end[];

enum column {
	COLUMN_NAME,
	COLUMN_TRANSPORTS,
	COLUMN_PORTS,
	COLUMN_LABEL,
	COLUMN_SOURCE,
	COLUMN_COUNT,
};

static int list_append(struct span_list *list, const struct span *span, struct slice label,
		       struct slice source)
{
	struct span copy = *span, *spans;

	copy.label = strndup(label.text, label.length);
	copy.source = strndup(source.text, source.length);
	spans = realloc(list->spans, (list->count + 1) * sizeof(*spans));
	if (spans)
		list->spans = spans;
	if (!spans || !copy.label || !copy.source) {
		free((char *)copy.label);
		free((char *)copy.source);
		return -ENOMEM;
	}
	list->spans[list->count++] = copy;
	return 0;
}

static struct slice slice_of(const char *text)
{
	return (struct slice){ text ? text : "", text ? strlen(text) : 0 };
}

int span_list_add(struct span_list *list, const struct span *span)
{
	return list_append(list, span, slice_of(span->label), slice_of(span->source));
}

void span_list_release(struct span_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		free((char *)list->spans[i].label);
		free((char *)list->spans[i].source);
	}
	free(list->spans);
	*list = (struct span_list){ 0 };
}

static int read_name(struct table *table, struct slice field, char *ret_name)
{
	bool number = true;
	uint32_t i;

	for (i = 0; i < field.length; i++) {
		char c = field.text[i];
		bool digit = c >= '0' && c <= '9';

		if (i == SPAN_NAME_MAX || !(digit || c == '-' || (c >= 'a' && c <= 'z')))
			return table_refuse(table, field.text + i);
		number = number && digit;
	}
	/* A name that is a number would hide the port in `show NAME`; so would an empty one. */
	if (number)
		return table_refuse(table, field.text);
	memcpy(ret_name, field.text, field.length);
	ret_name[field.length] = '\0';
	return 0;
}

/* Two spans of one name would count a common port twice. */
static bool overlaps_namesake(const struct span_list *list, const struct span *span)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		const struct span *other = &list->spans[i];

		if (other->transport == span->transport && other->first <= span->last &&
		    span->first <= other->last && !strcmp(other->name, span->name))
			return true;
	}
	return false;
}

static int read_row(struct table *table, const struct slice *fields, struct span_list *list)
{
	struct span span = { 0 };
	uint8_t transports;
	int err;

	err = read_name(table, fields[COLUMN_NAME], span.name);
	if (err)
		return err;
	err = table_transports(table, fields[COLUMN_TRANSPORTS], &transports);
	if (err)
		return err;
	/* Spans are counted, and DCCP is not. */
	if (transports & SERVICE_DCCP)
		return table_refuse(table, fields[COLUMN_TRANSPORTS].text);
	err = table_ports(table, fields[COLUMN_PORTS], &span.first, &span.last);
	if (err)
		return err;
	/* Nobody can judge a span whose source is not named. */
	if (!fields[COLUMN_SOURCE].length)
		return table_refuse(table, fields[COLUMN_SOURCE].text);

	for (span.transport = 0; span.transport < TRANSPORT_COUNT; span.transport++) {
		if (!(transports & 1u << span.transport))
			continue;
		if (overlaps_namesake(list, &span))
			return table_refuse(table, fields[COLUMN_PORTS].text);
		err = list_append(list, &span, fields[COLUMN_LABEL], fields[COLUMN_SOURCE]);
		if (err)
			return err;
	}
	return 0;
}

int span_list_parse(const char *table_text, size_t length, struct span_list *ret_list,
		    unsigned int *ret_line, unsigned int *ret_column)
{
	struct slice fields[COLUMN_COUNT], comment;
	struct span_list list = { 0 };
	struct table table;
	int err;

	table_init(&table, table_text, length);
	while (table_comment(&table, &comment))
		;
	while ((err = table_row(&table, fields, COLUMN_COUNT)) > 0) {
		err = read_row(&table, fields, &list);
		if (err)
			break;
	}
	if (err) {
		span_list_release(&list);
		if (err == -EINVAL && ret_line)
			*ret_line = table.line;
		if (err == -EINVAL && ret_column)
			*ret_column = table.column;
		return err;
	}
	*ret_list = list;
	return 0;
}

int span_list_builtin(struct span_list *ret_list)
{
	return span_list_parse(registry_spans_tsv, registry_spans_tsv_end - registry_spans_tsv,
			       ret_list, NULL, NULL);
}
