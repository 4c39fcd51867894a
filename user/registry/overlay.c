/*
 * The overlays: reads their tables, puts local rows over the shipped ones, finds
 * rows by port. What a row means for a person is said elsewhere (explain/,
 * nft/describe.c); here it is only read, strictly.
 */
#include "registry/overlay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/keys.h"
#include "registry/table.h"

extern const char registry_overlays_tsv[], registry_overlays_tsv_end[];

enum column {
	COLUMN_PORTS,
	COLUMN_TRANSPORTS,
	COLUMN_KIND,
	COLUMN_NAME,
	COLUMN_LABEL,
	COLUMN_TEXT,
	COLUMN_PROGRAMS,
	COLUMN_EXPOSURE,
	COLUMN_REGISTERED,
	COLUMN_CONDITION,
	COLUMN_SUCCESSOR,
	COLUMN_SOURCE,
	COLUMN_CONFIDENCE,
	COLUMN_COUNT,
};

/* What a person must write; the rest has a sensible meaning when it is missing. */
#define COLUMNS_LOCAL (COLUMN_LABEL + 1)

static const char *const kind_words[OVERLAY_KINDS] = {
	[OVERLAY_USE] = "use",	 [OVERLAY_RISK] = "risk",   [OVERLAY_LEGACY] = "legacy",
	[OVERLAY_DEAD] = "dead", [OVERLAY_ABUSE] = "abuse", [OVERLAY_SPAN] = "span",
};

static const char *const exposure_words[EXPOSURE_COUNT] = {
	[EXPOSURE_NONE] = "-",		[EXPOSURE_OPEN] = "open",
	[EXPOSURE_LIMITED] = "limited", [EXPOSURE_INTERNAL] = "internal",
	[EXPOSURE_LOCAL] = "local",	[EXPOSURE_NEVER] = "never",
};

static const char *const confidence_words[CONFIDENCE_COUNT] = {
	[CONFIDENCE_LOW] = "low",
	[CONFIDENCE_MEDIUM] = "medium",
	[CONFIDENCE_HIGH] = "high",
};

const char *overlay_kind_word(enum overlay_kind kind)
{
	return kind_words[kind];
}

const char *exposure_word(enum exposure exposure)
{
	return exposure_words[exposure];
}

const char *confidence_word(enum confidence confidence)
{
	return confidence_words[confidence];
}

static struct slice optional(struct slice field)
{
	return slice_equals(field, "-") ? (struct slice){ "", 0 } : field;
}

/* The index of @field in @words. -EINVAL with @reason where it is none of them. */
static int read_word(struct table *table, struct slice field, const char *const *words,
		     unsigned int count, const char *reason, uint8_t *ret_index)
{
	for (unsigned int i = 0; i < count; i++) {
		if (slice_equals(field, words[i])) {
			*ret_index = i;
			return 0;
		}
	}
	return table_refuse(table, field.text, reason);
}

static int check_name(struct table *table, struct slice field)
{
	bool number = true;

	for (uint32_t i = 0; i < field.length; i++) {
		char c = field.text[i];
		bool digit = c >= '0' && c <= '9';

		if (!(digit || c == '-' || (c >= 'a' && c <= 'z')))
			return table_refuse(table, field.text + i,
					    "a name is made of a-z, 0-9 and -");
		number = number && digit;
	}
	if (field.length > OVERLAY_NAME_MAX)
		return table_refuse(table, field.text + OVERLAY_NAME_MAX,
				    "a name has at most 31 characters");
	/* It would hide the port in `show NAME`. */
	if (number || slice_equals(field, "-"))
		return table_refuse(table, field.text, "a name is no number and not empty");
	return 0;
}

/* A label goes into comments as it is, beside others. */
static int check_label(struct table *table, struct slice field)
{
	if (!optional(field).length)
		return table_refuse(table, field.text, "a label is needed");
	for (uint32_t i = 0; i < field.length; i++) {
		char c = field.text[i];

		if (i == OVERLAY_LABEL_MAX)
			return table_refuse(table, field.text + i,
					    "a label has at most 26 characters");
		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			return table_refuse(table, field.text + i,
					    "a label is ASCII without quotes and backslashes");
	}
	return 0;
}

static int read_numbers(struct table *table, const struct slice *fields, struct overlay *overlay)
{
	int err = table_ports(table, fields[COLUMN_PORTS], &overlay->first, &overlay->last);

	if (!err)
		err = table_transports(table, fields[COLUMN_TRANSPORTS], &overlay->transports);
	/* Gone since Linux 6.16, and never counted. */
	if (!err && overlay->transports & SERVICE_DCCP)
		err = table_refuse(table, fields[COLUMN_TRANSPORTS].text, "dccp is not counted");
	return err;
}

static int read_words(struct table *table, const struct slice *fields, bool local,
		      struct overlay *overlay)
{
	static const char *const yes_no[] = { "no", "yes", "-" };
	uint8_t registered = 0;
	int err = read_word(table, fields[COLUMN_KIND], kind_words, OVERLAY_KINDS,
			    "the kind is one of use, risk, legacy, dead, abuse, span",
			    &overlay->kind);

	if (!err)
		err = read_word(table, fields[COLUMN_EXPOSURE], exposure_words, EXPOSURE_COUNT,
				"the exposure is one of open, limited, internal, local, never, -",
				&overlay->exposure);
	if (!err)
		err = read_word(table, fields[COLUMN_REGISTERED], yes_no, local ? 3 : 2,
				"registered is yes or no", &registered);
	if (err)
		return err;
	overlay->registered = registered == 1;
	/* The administrator's own word. */
	overlay->confidence = CONFIDENCE_HIGH;
	if (local && slice_equals(fields[COLUMN_CONFIDENCE], "-"))
		return 0;
	return read_word(table, fields[COLUMN_CONFIDENCE], confidence_words, CONFIDENCE_COUNT,
			 "the confidence is high, medium or low", &overlay->confidence);
}

static int read_row(struct table *table, const struct slice *fields, bool local,
		    struct overlay *ret_overlay)
{
	struct overlay overlay = { .local = local, .line = table->line, .origin = "" };
	int err = read_numbers(table, fields, &overlay);

	if (!err)
		err = read_words(table, fields, local, &overlay);
	if (!err)
		err = check_name(table, fields[COLUMN_NAME]);
	if (!err)
		err = check_label(table, fields[COLUMN_LABEL]);
	if (err)
		return err;
	if (overlay.kind == OVERLAY_SPAN && overlay.first == overlay.last)
		return table_refuse(table, fields[COLUMN_PORTS].text,
				    "a span has more than one port");
	/* Nobody can judge a fact whose source is not named. */
	if (!local && !optional(fields[COLUMN_SOURCE]).length)
		return table_refuse(table, fields[COLUMN_SOURCE].text, "a source is needed");
	overlay.name = fields[COLUMN_NAME];
	overlay.label = fields[COLUMN_LABEL];
	overlay.text = optional(fields[COLUMN_TEXT]);
	overlay.programs = optional(fields[COLUMN_PROGRAMS]);
	overlay.condition = optional(fields[COLUMN_CONDITION]);
	overlay.successor = optional(fields[COLUMN_SUCCESSOR]);
	overlay.source = optional(fields[COLUMN_SOURCE]);
	*ret_overlay = overlay;
	return 0;
}

static int refuse_clashes(struct table *table, const struct overlay_list *list)
{
	const struct overlay *row;
	const char *line, *reason;
	struct keys keys;
	int err = keys_make(list, &keys);

	if (err)
		return err;
	row = keys_clash(&keys, &reason);
	keys_release(&keys);
	if (!row)
		return 0;
	line = memrchr(table->text, '\n', row->name.text - table->text);
	table->row = line ? line + 1 : table->text;
	table->line = row->line;
	return table_refuse(table, row->name.text, reason);
}

/* Room for one more row; it doubles. */
static int reserve(struct overlay_list *list)
{
	bool full = !(list->count & (list->count - 1));
	size_t room = list->count ? list->count * 2 : 1;
	struct overlay *rows;

	if (!full)
		return 0;
	rows = reallocarray(list->rows, room, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	list->rows = rows;
	return 0;
}

static int read_rows(struct table *table, bool local, struct overlay_list *list)
{
	struct slice fields[COLUMN_COUNT];
	int ret;

	for (;;) {
		struct overlay *row;
		int err;

		ret = local ? table_row_loose(table, fields, COLUMNS_LOCAL, COLUMN_COUNT)
			    : table_row(table, fields, COLUMN_COUNT);
		if (ret <= 0)
			return ret;
		err = reserve(list);
		if (err)
			return err;
		row = &list->rows[list->count];
		err = read_row(table, fields, local, row);
		if (err)
			return err;
		if (!local && list->count && row->first < row[-1].first)
			return table_refuse(table, fields[COLUMN_PORTS].text,
					    "rows are in the order of their first port");
		list->count++;
	}
}

static int fill_reach(struct overlay_list *list)
{
	uint16_t *reach = reallocarray(NULL, list->count + 1, sizeof(*reach)), most = 0;

	if (!reach)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		if (list->rows[i].last > most)
			most = list->rows[i].last;
		reach[i] = most;
	}
	free(list->reach);
	list->reach = reach;
	return 0;
}

static int parse(const char *text, size_t length, bool local, struct overlay_list *ret_list,
		 struct table_error *ret_error)
{
	struct overlay_list list = { 0 };
	struct slice comment;
	struct table table;
	int err;

	table_init(&table, text, length);
	while (!local && table_comment(&table, &comment))
		;
	err = read_rows(&table, local, &list);
	/* The embedded table has been tested. */
	if (!err && local)
		err = refuse_clashes(&table, &list);
	if (err == -EINVAL && ret_error)
		*ret_error = (struct table_error){ table.line, table.column, table.reason };
	if (!err)
		err = fill_reach(&list);
	if (err) {
		overlay_list_release(&list);
		return err;
	}
	*ret_list = list;
	return 0;
}

int overlay_list_parse(const char *text, size_t length, struct overlay_list *ret_list,
		       struct table_error *ret_error)
{
	return parse(text, length, false, ret_list, ret_error);
}

int overlay_list_builtin(struct overlay_list *ret_list)
{
	return overlay_list_parse(registry_overlays_tsv,
				  registry_overlays_tsv_end - registry_overlays_tsv, ret_list,
				  NULL);
}

void overlay_list_release(struct overlay_list *list)
{
	for (size_t i = 0; i < list->text_count; i++)
		free(list->texts[i]);
	free(list->texts);
	free(list->rows);
	free(list->reach);
	*list = (struct overlay_list){ 0 };
}

static int compare_rows(const void *left, const void *right)
{
	const struct overlay *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->last != b->last)
		return a->last < b->last ? -1 : 1;
	if (a->local != b->local)
		return a->local ? -1 : 1;
	/* As they stand in their file: the most usual one first. */
	return a->line < b->line ? -1 : a->line > b->line;
}

/* The rows of @list that stay and those of @local, as one list. */
static int merge(struct overlay_list *list, const struct overlay_list *local)
{
	size_t count = 0;
	struct overlay *rows = reallocarray(NULL, list->count + local->count + 1, sizeof(*rows));
	struct overlay_list merged = { .rows = rows };
	struct keys keys;

	if (!rows || keys_make(local, &keys)) {
		free(rows);
		return -ENOMEM;
	}
	for (size_t i = 0; i < list->count; i++)
		if (!keys_replace(&keys, &list->rows[i]))
			rows[count++] = list->rows[i];
	keys_release(&keys);
	if (local->count)
		memcpy(rows + count, local->rows, local->count * sizeof(*rows));
	merged.count = count + local->count;
	qsort(rows, merged.count, sizeof(*rows), compare_rows);
	if (fill_reach(&merged)) {
		free(rows);
		return -ENOMEM;
	}
	free(list->rows);
	free(list->reach);
	list->rows = merged.rows;
	list->reach = merged.reach;
	list->count = merged.count;
	return 0;
}

int overlay_list_add_local(struct overlay_list *list, char *text, size_t length, char *origin,
			   struct table_error *ret_error)
{
	struct overlay_list local = { 0 };
	char **texts = reallocarray(list->texts, list->text_count + 2, sizeof(*texts));
	int err = -ENOMEM;

	if (texts) {
		list->texts = texts;
		err = parse(text, length, true, &local, ret_error);
	}
	for (size_t i = 0; i < local.count; i++)
		local.rows[i].origin = origin;
	if (!err)
		err = merge(list, &local);
	overlay_list_release(&local);
	if (err) {
		free(text);
		free(origin);
		return err;
	}
	list->texts[list->text_count++] = text;
	list->texts[list->text_count++] = origin;
	return 0;
}

/* The first row that may hold @port. */
static size_t first_reaching(const struct overlay_list *list, uint16_t port)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->reach[middle] < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct overlay *overlay_next_by_port(const struct overlay_list *list, uint16_t port,
					   const struct overlay *after)
{
	size_t i = after ? (size_t)(after - list->rows) + 1 : first_reaching(list, port);

	for (; i < list->count && list->rows[i].first <= port; i++)
		if (list->rows[i].last >= port)
			return &list->rows[i];
	return NULL;
}

static char folded(char c)
{
	return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

bool overlay_is_called(const struct overlay *overlay, const char *name)
{
	if (strlen(name) != overlay->name.length)
		return false;
	for (uint32_t i = 0; i < overlay->name.length; i++)
		if (folded(name[i]) != overlay->name.text[i])
			return false;
	return true;
}

char *overlay_source(const struct overlay *overlay, char *target, size_t size)
{
	if (overlay->source.length)
		snprintf(target, size, "%.*s", (int)overlay->source.length, overlay->source.text);
	else
		snprintf(target, size, "%s:%u", overlay->origin, overlay->line);
	return target;
}

static int add_span(const struct overlay *overlay, enum transport transport,
		    struct span_list *spans)
{
	char label[OVERLAY_LABEL_MAX + 1], source[512];
	struct span span = { .first = overlay->first,
			     .last = overlay->last,
			     .transport = transport,
			     .label = label,
			     .source = overlay_source(overlay, source, sizeof(source)) };

	memcpy(span.name, overlay->name.text, overlay->name.length);
	memcpy(label, overlay->label.text, overlay->label.length);
	label[overlay->label.length] = '\0';
	return span_list_add(spans, &span);
}

int overlay_list_spans(const struct overlay_list *list, struct span_list *spans)
{
	int err = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct overlay *row = &list->rows[i];

		for (int transport = 0; transport < TRANSPORT_COUNT && !err; transport++)
			if (row->kind == OVERLAY_SPAN && row->transports >> transport & 1)
				err = add_span(row, transport, spans);
	}
	return err;
}

int span_list_builtin(struct span_list *ret_list)
{
	struct overlay_list overlays;
	struct span_list spans = { 0 };
	int err = overlay_list_builtin(&overlays);

	if (err)
		return err;
	err = overlay_list_spans(&overlays, &spans);
	overlay_list_release(&overlays);
	if (err)
		span_list_release(&spans);
	else
		*ret_list = spans;
	return err;
}
