/*
 * Listeners as a table: sockets of one port that have the same program and the same
 * answer are one line, because a person asks for services, not for sockets. See rows.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "listeners/rows.h"
#include "render/table.h"
#include "render/text.h"
#include "util/cleanup.h"
#include "util/lookup.h"

/* Rows that become one line: neighbours by place, alike by program and verdict. */
struct line {
	const struct listener_row *first;
	const struct listener_row **rows; /* in the order of the rows */
	size_t count;
};

/* ---- which rows are alike ---- */

static bool same_port(const struct listener *a, const struct listener *b)
{
	return a->netns == b->netns && a->port == b->port && a->transport == b->transport;
}

static bool same_program(const struct listener *a, const struct listener *b)
{
	const struct listener_owner *x, *y;

	if (a->known != b->known || strcmp(a->kernel, b->kernel) ||
	    !a->owner_count != !b->owner_count)
		return false;
	if (!a->owner_count)
		return a->uid == b->uid;
	x = a->owners[0];
	y = b->owners[0];
	return x == y || (!strcmp(x->name, y->name) && !strcmp(x->exe, y->exe) &&
			  !strcmp(x->unit, y->unit) && !strcmp(x->container, y->container));
}

static bool alike(const struct listener_row *a, const struct listener_row *b)
{
	return a->opinion.verdict == b->opinion.verdict && same_program(a->listener, b->listener) &&
	       !strcmp(a->opinion.reason, b->opinion.reason) && !strcmp(a->admits, b->admits);
}

/* ---- cells ---- */

#define SAFE 512

struct cell {
	size_t used;
	char text[1024];
};

/* Not to clear all of it, nor to print: there may be thousands. */
static void cell_clear(struct cell *cell)
{
	cell->used = 0;
	cell->text[0] = '\0';
}

static void cell_add_bytes(struct cell *cell, const char *text, size_t length)
{
	size_t room = sizeof(cell->text) - cell->used - 1;

	if (length > room)
		length = room;
	memcpy(cell->text + cell->used, text, length);
	cell->used += length;
	cell->text[cell->used] = '\0';
}

static void cell_add(struct cell *cell, const char *text)
{
	cell_add_bytes(cell, text, strlen(text));
}

static void cell_add_number(struct cell *cell, uint64_t number)
{
	char digits[24], *at = digits + sizeof(digits);

	do
		*--at = '0' + number % 10;
	while (number /= 10);
	cell_add_bytes(cell, at, digits + sizeof(digits) - at);
}

static void cell_add_safe(struct cell *cell, const char *text)
{
	char safe[SAFE];

	cell_add(cell, text_safe(safe, sizeof(safe), text, strlen(text)));
}

static bool takes_all(const struct line *line)
{
	bool v4 = false, v6 = false;

	for (size_t i = 0; i < line->count; i++) {
		const struct listener *listener = line->rows[i]->listener;
		int family;

		listener_plain_address(listener, &family);
		if (listener->scope != LISTENER_ALL || listener->ifindex)
			return false;
		v4 |= family == AF_INET || !listener->v6only;
		v6 |= family == AF_INET6;
	}
	return v4 && v6;
}

/* Each address once, two of them, and all of both families as one. */
static void put_addresses(const struct line *line, struct cell *cell)
{
	char address[LISTENER_ADDRESS_MAX], last[LISTENER_ADDRESS_MAX] = "";
	size_t shown = 0;

	if (takes_all(line)) {
		cell_add(cell, "*");
		return;
	}
	for (size_t i = 0; i < line->count; i++) {
		listener_address_text(line->rows[i]->listener, address);
		if (!strcmp(address, last))
			continue;
		strcpy(last, address);
		if (++shown > 2)
			continue;
		cell_add(cell, shown > 1 ? ", " : "");
		cell_add_safe(cell, address);
	}
	if (shown > 2) {
		cell_add(cell, " +");
		cell_add_number(cell, shown - 2);
	}
}

/* One of another name than the first; NULL: there is none. */
static const struct listener_owner *find_other(const struct line *line)
{
	const struct listener_owner *first = line->first->listener->owners[0];

	for (size_t i = 0; i < line->count; i++) {
		const struct listener *listener = line->rows[i]->listener;

		for (size_t k = 0; k < listener->owner_count; k++)
			if (strcmp(listener->owners[k]->name, first->name))
				return listener->owners[k];
	}
	return NULL;
}

static bool same_owners(const struct listener *a, const struct listener *b)
{
	return a->owner_count == b->owner_count &&
	       !memcmp(a->owners, b->owners, a->owner_count * sizeof(*a->owners));
}

/* The processes of a line, each once. */
static size_t count_processes(const struct line *line)
{
	const struct listener *first = line->first->listener, *last = first;
	_cleanup_(lookup_release) struct lookup seen = {};

	if (line->count == 1)
		return first->owner_count;
	for (size_t i = 0; i < line->count; i++) {
		const struct listener *listener = line->rows[i]->listener;

		/* Most lines are of one program's sockets for two families. */
		if (i && same_owners(listener, last))
			continue;
		last = listener;
		for (size_t k = 0; k < listener->owner_count; k++)
			if (lookup_add(&seen, listener->owners[k]->pid, 1))
				return 0;
	}
	return seen.used;
}

static void put_owner(const struct line *line, struct cell *cell)
{
	const struct listener_owner *owner = line->first->listener->owners[0];
	const struct listener_owner *other = find_other(line);
	size_t processes = count_processes(line);

	cell_add_safe(cell, owner->name);
	cell_add(cell, processes == 1 ? " " : " x");
	cell_add_number(cell, processes == 1 ? owner->pid : processes);
	if (other) {
		cell_add(cell, ", ");
		cell_add_safe(cell, other->name);
	}
	if (owner->container_kind != CONTAINER_NONE) {
		cell_add(cell, " (");
		cell_add(cell, container_word(owner->container_kind));
		cell_add(cell, " ");
		cell_add_safe(cell, owner->container);
		cell_add(cell, ")");
	} else if (owner->unit[0]) {
		cell_add(cell, " (");
		cell_add_safe(cell, owner->unit);
		cell_add(cell, ")");
	}
}

static void put_process(const struct line *line, struct cell *cell)
{
	const struct listener *listener = line->first->listener;

	if (listener->owner_count) {
		put_owner(line, cell);
	} else if (listener->known == OWNERS_KERNEL) {
		cell_add(cell, listener->kernel[0] ? "kernel (" : "kernel");
		cell_add_safe(cell, listener->kernel);
		cell_add(cell, listener->kernel[0] ? ")" : "");
	} else {
		cell_add(cell, "?");
	}
}

/* On a terminal, so that the verdict has its place; @columns 0: leave it. */
static void shorten(struct cell *cell, size_t columns)
{
	if (!columns || text_width(cell->text) <= columns)
		return;
	cell->used = text_fitting(cell->text, columns - strlen("..."));
	cell_add(cell, "...");
}

static void put_counts(struct table *table, const struct snapshot *traffic,
		       const struct listener *listener)
{
	bool tcp = listener->transport == TRANSPORT_TCP;
	uint64_t in =
		snapshot_port(traffic, listener->transport, SIDE_LOCAL, DIR_IN, listener->port)
			.packets;
	char text[16];

	table_cell(table, text_short_count(text, sizeof(text), in));
	table_cell(table,
		   tcp ? text_short_count(text, sizeof(text), traffic->attempts[listener->port])
		       : "-");
	table_cell(table,
		   tcp ? text_short_count(text, sizeof(text), traffic->answers[listener->port])
		       : "-");
}

/* ---- tables ---- */

#define PROCESS_COLUMNS 30
#define ADDRESS_COLUMNS 22

static void put_port(const struct listener *listener, struct cell *cell)
{
	cell_add_number(cell, listener->port);
	cell_add(cell, "/");
	cell_add(cell, transport_name(listener->transport));
}

static void put_line(struct table *table, const struct line *line, const struct listener_rows *rows,
		     const struct listener_style *style, bool counted)
{
	const struct listener *listener = line->first->listener;
	const struct slice name = line->first->opinion.service;
	struct cell cell;

	cell_clear(&cell);
	put_port(listener, &cell);
	table_cell(table, cell.text);
	cell_clear(&cell);
	cell_add_bytes(&cell, name.length ? name.text : "-", name.length ? name.length : 1);
	table_cell(table, cell.text);
	cell_clear(&cell);
	put_addresses(line, &cell);
	shorten(&cell, style->width ? ADDRESS_COLUMNS : 0);
	table_cell(table, cell.text);
	if (!style->no_owner) {
		cell_clear(&cell);
		put_process(line, &cell);
		shorten(&cell, style->width ? PROCESS_COLUMNS : 0);
		table_cell(table, cell.text);
	}
	if (counted)
		put_counts(table, rows->traffic, listener);
	if (rows->admission)
		table_cell(table, *line->first->admits ? line->first->admits : "-");
	table_cell(table, listener_verdict_word(line->first->opinion.verdict));
}

static void begin(struct table *table, const struct listener_style *style, bool counted,
		  bool admission)
{
	*table = (struct table){ .width = style->width };
	table_column(table, "PORT", false);
	table_column(table, "NAME", false);
	table_column(table, "ADDRESS", false);
	if (!style->no_owner)
		table_column(table, "PROCESS", false);
	if (counted) {
		table_column(table, "IN", true);
		table_column(table, "ATTEMPTS", true);
		table_column(table, "ANSWERS", true);
	}
	if (admission)
		table_column(table, "REACH", false);
	table_column(table, "VERDICT", false);
}

/* The rows of one port that are not in @done yet and are like the first of them. */
static void take_alike(const struct listener_row *first, size_t count, bool *done,
		       struct line *line)
{
	line->first = first;
	line->count = 0;
	for (size_t i = 0; i < count; i++) {
		if (done[i] || !alike(first, &first[i]))
			continue;
		done[i] = true;
		line->rows[line->count++] = &first[i];
	}
}

/* What asks for a look, in words: a table has no room for them. */
static void put_reason(FILE *out, const struct line *line)
{
	const struct listener *listener = line->first->listener;
	const struct listener_opinion *opinion = &line->first->opinion;
	char safe[SAFE];

	if (opinion->verdict < VERDICT_DORMANT)
		return;
	fprintf(out, "%u/%s %s: %s\n", listener->port, transport_name(listener->transport),
		listener_verdict_word(opinion->verdict),
		text_safe(safe, sizeof(safe), opinion->reason, strlen(opinion->reason)));
}

static bool is_folded(const struct listener_row *row, const struct listener_style *style)
{
	return !style->all && row->opinion.verdict == VERDICT_EPHEMERAL;
}

struct table_of {
	struct table table;
	FILE *reasons; /* owned, like @text */
	char *text;
	size_t size, folded;
};

static int fill_table(struct table_of *filled, const struct listener_rows *rows, size_t from,
		      size_t to, const struct listener_style *style)
{
	_cleanup_free_ bool *done = calloc(to - from + 1, sizeof(*done));
	_cleanup_free_ const struct listener_row **like = calloc(to - from + 1, sizeof(*like));
	bool counted = rows->traffic && rows->items[from].listener->netns == 0;
	struct line line = { .rows = like };
	size_t end;

	if (!done || !like)
		return -ENOMEM;
	begin(&filled->table, style, counted, rows->admission);
	for (size_t i = from; i < to; i++) {
		bool folded = is_folded(&rows->items[i], style);

		filled->folded += folded;
		if (done[i - from] || folded)
			continue;
		for (end = i + 1; end < to; end++)
			if (!same_port(rows->items[i].listener, rows->items[end].listener))
				break;
		take_alike(&rows->items[i], end - i, done + (i - from), &line);
		put_line(&filled->table, &line, rows, style, counted);
		put_reason(filled->reasons, &line);
	}
	return filled->table.failed || fflush(filled->reasons) ? -ENOMEM : 0;
}

/* The rows of one namespace: the table, what of it asks for a look, what it leaves out. */
static int print_table(FILE *out, const struct listener_rows *rows, size_t from, size_t to,
		       const struct listener_style *style)
{
	struct table_of filled = {};
	size_t folded;
	int error = 0;

	filled.reasons = open_memstream(&filled.text, &filled.size);
	if (!filled.reasons)
		return -ENOMEM;
	error = fill_table(&filled, rows, from, to, style);
	folded = filled.folded;
	if (!error && filled.table.rows)
		error = table_print(&filled.table, out, style->colour);
	if (!error && folded)
		fprintf(out, "%s%zu UDP port%s of clients, in the ephemeral range (-a shows %s)\n",
			folded == to - from ? "" : "and ", folded, folded == 1 ? "" : "s",
			folded == 1 ? "it" : "them");
	if (!error && filled.size)
		fprintf(out, "\n%s", filled.text);
	table_release(&filled.table);
	fclose(filled.reasons);
	free(filled.text);
	return error;
}

static void print_netns(FILE *out, const struct listener_rows *rows, uint32_t netns, bool first)
{
	const char *name = rows->listeners->netns[netns].name;
	char safe[SAFE];

	if (!netns && first)
		return;
	text_safe(safe, sizeof(safe), name, strlen(name));
	fprintf(out, "%snetwork namespace %s:\n", first ? "" : "\n", safe[0] ? safe : "(ours)");
}

int listener_rows_print(FILE *out, const struct listener_rows *rows,
			const struct listener_style *style)
{
	size_t to;
	int error = 0;

	for (size_t from = 0; from < rows->count && !error; from = to) {
		uint32_t netns = rows->items[from].listener->netns;

		for (to = from + 1; to < rows->count; to++)
			if (rows->items[to].listener->netns != netns)
				break;
		print_netns(out, rows, netns, !from);
		error = print_table(out, rows, from, to, style);
	}
	return error;
}
