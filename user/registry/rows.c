/*
 * The rows of the table: one for each group of records, what is left of unassigned
 * ranges when listed numbers are cut out, joined where rows say the same. See
 * convert_internal.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "registry/clean.h"
#include "registry/convert_internal.h"

static int add_row(struct conversion *conversion, const struct row *row)
{
	if (conversion->row_count == conversion->row_room) {
		size_t room = conversion->row_room ? conversion->row_room * 2 : 16384;
		struct row *grown = realloc(conversion->rows, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		conversion->rows = grown;
		conversion->row_room = room;
	}
	conversion->rows[conversion->row_count++] = *row;
	return 0;
}

/* @a, @between, @b; as it is where one is empty. NULL text: out of memory. */
static struct slice join(struct arena *arena, struct slice a, const char *between, struct slice b)
{
	size_t gap = strlen(between);
	char *text;

	if (!b.length)
		return a;
	if (!a.length)
		return b;
	text = arena_bytes(arena, a.length + gap + b.length);
	if (text) {
		memcpy(text, a.text, a.length);
		memcpy(text + a.length, between, gap);
		memcpy(text + a.length + gap, b.text, b.length);
	}
	return (struct slice){ text, a.length + gap + b.length };
}

static bool same_words(struct slice a, struct slice b)
{
	return a.length == b.length && !strncasecmp(a.text, b.text, a.length);
}

static int add_alias(struct arena *arena, const struct entry *alias, struct row *row)
{
	struct slice note;

	if (!alias->name.length || slices_equal(alias->name, row->name) ||
	    list_has_name(row->aliases, alias->name))
		return 0;
	row->aliases = join(arena, row->aliases, " ", alias->name);
	if (!row->aliases.text)
		return -ENOMEM;
	if (!alias->description.length || same_words(alias->description, row->description) ||
	    same_words(alias->description, alias->name))
		return 0;
	note = join(arena, slice_of("alias "), "", alias->name);
	note = note.text ? join(arena, note, ": ", alias->description) : note;
	row->notes = note.text ? join(arena, row->notes, "; ", note) : note;
	return row->notes.text ? 0 : -ENOMEM;
}

/*
 * De-registered, removed and decommissioned numbers are not free: the registry
 * holds them back. So are "any private ..." (24, 35, 57, 59, 75, 77, 87), which
 * have no service name and which nobody may register.
 */
static uint8_t status_of(const struct entry *entry)
{
	static const char free_words[] = "unassigned";
	struct slice text = entry->description;

	if (entry->name.length)
		return SERVICE_ASSIGNED;
	if (text.length && text.text[0] == '(') {
		text.text++;
		text.length--;
	}
	return text.length >= strlen(free_words) &&
			       !strncasecmp(text.text, free_words, strlen(free_words))
		       ? SERVICE_UNASSIGNED
		       : SERVICE_RESERVED;
}

static int row_of(struct conversion *conversion, const struct group *group, struct slice day,
		  struct row *ret_row)
{
	const struct entry *entry = &group->entries[0];
	struct arena *arena = &conversion->arena;
	struct row row = {
		.first = entry->first,
		.last = entry->last,
		.transports = entry->transport,
		.status = status_of(entry),
		.name = entry->name,
		.description = entry->description,
		.aliases = { "", 0 },
		.assignee = entry->assignee,
		.registered = entry->registered,
		.modified = entry->modified,
		.reference = entry->reference,
		.unauthorized = entry->unauthorized,
		.notes = entry->notes,
		.former = { "", 0 },
		.source = day,
	};
	int error = 0;

	for (uint32_t i = 1; i < group->count && row.name.length && !error; i++)
		error = add_alias(arena, &group->entries[i], &row);
	if (!error && entry->assignee_from.length) {
		struct slice from = join(arena, slice_of("assignee="), "", entry->assignee_from);

		row.source = from.text ? join(arena, day, " ", from) : from;
		error = row.source.text ? 0 : -ENOMEM;
	}
	if (!error)
		*ret_row = row;
	return error;
}

/* Which transports of a port have a row; TAKEN_BLANK: one that names none. */
#define TAKEN_BLANK (1u << SERVICE_TRANSPORTS)

static void take(uint8_t *taken, const struct row *row)
{
	for (unsigned int port = row->first; port <= row->last; port++)
		taken[port] |= row->transports ? row->transports : TAKEN_BLANK;
}

static bool is_range(const struct group *group)
{
	return group->entries[0].first != group->entries[0].last;
}

static bool is_named(const struct group *group)
{
	return group->entries[0].name.length > 0;
}

/*
 * A record without transport stands for tcp and udp, but for the one of them that
 * has a record of the same numbers. Groups are sorted: the one without comes first.
 */
static bool narrow_transports(const struct conversion *conversion, size_t index, struct row *row)
{
	const struct entry *entry = &conversion->groups[index].entries[0], *other;
	uint8_t left = SERVICE_TCP | SERVICE_UDP;

	if (entry->transport)
		return true;
	for (size_t i = index + 1; i < conversion->group_count; i++) {
		other = &conversion->groups[i].entries[0];
		if (other->first != entry->first || other->last != entry->last)
			break;
		left &= ~other->transport;
	}
	if (left != (SERVICE_TCP | SERVICE_UDP))
		row->transports = left;
	return left != 0;
}

/* Rows of all groups of which @is holds; for named ones, and single ports with a transport. */
static int add_whole(struct conversion *conversion, struct slice day, uint8_t *taken,
		     bool (*is)(const struct group *group))
{
	struct row row;
	int error = 0;

	for (size_t i = 0; i < conversion->group_count && !error; i++) {
		if (!is(&conversion->groups[i]))
			continue;
		error = row_of(conversion, &conversion->groups[i], day, &row);
		if (error || !narrow_transports(conversion, i, &row))
			continue;
		error = former_names(conversion, &row, row.first, &row.former);
		if (!error)
			error = add_row(conversion, &row);
		take(taken, &row);
	}
	return error;
}

static bool is_named_range(const struct group *group)
{
	return is_named(group) && is_range(group);
}

static bool is_single_whole(const struct group *group)
{
	return !is_range(group) && (is_named(group) || group->entries[0].transport);
}

/* What is left: ranges that are not assigned, and such ports without transport. */
static bool is_cut(const struct group *group)
{
	return !is_named_range(group) && !is_single_whole(group);
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

/* Two to five digits that stand alone, at *at; *at goes behind them. */
static bool read_number(struct slice text, uint32_t *at, unsigned int *ret_number)
{
	uint32_t end = *at;
	unsigned int number = 0;

	while (end < text.length && end - *at < 6 && text.text[end] >= '0' && text.text[end] <= '9')
		number = number * 10 + (text.text[end++] - '0');
	if (end - *at < 2 || end - *at > 5 || (end < text.length && is_word(text.text[end])))
		return false;
	*at = end;
	*ret_number = number;
	return true;
}

/* Does a note that names ports concern this part of its range? */
static bool mentions(struct slice text, unsigned int first, unsigned int last)
{
	unsigned int from, to;
	bool any = false;

	for (uint32_t at = 0; at < text.length; at++) {
		uint32_t next = at, second;

		if ((at && is_word(text.text[at - 1])) || !read_number(text, &next, &from))
			continue;
		any = true;
		to = from;
		second = next;
		while (second < text.length && text.text[second] == ' ')
			second++;
		if (second < text.length && text.text[second] == '-') {
			do
				second++;
			while (second < text.length && text.text[second] == ' ');
			if (read_number(text, &second, &to))
				next = second;
		}
		if (from <= last && first <= to)
			return true;
		at = next - 1;
	}
	return !any;
}

/* Pieces end where another row has the number, or where its former names are others. */
static int add_pieces(struct conversion *conversion, const struct row *whole, uint8_t *taken)
{
	uint8_t blocked = whole->transports ? whole->transports | TAKEN_BLANK : 0xff;
	struct row piece = *whole;
	struct slice former = { "", 0 };
	bool open = false;
	int error = 0;

	for (unsigned int port = whole->first; port <= whole->last + 1u && !error; port++) {
		bool free_here = port <= whole->last && !(taken[port] & blocked);

		if (free_here)
			error = former_names(conversion, whole, port, &former);
		if (error || (open && free_here && slices_equal(former, piece.former)))
			continue;
		if (open) {
			piece.last = port - 1;
			piece.unauthorized = whole->unauthorized;
			if (!mentions(whole->unauthorized, piece.first, piece.last))
				piece.unauthorized = (struct slice){ "", 0 };
			error = add_row(conversion, &piece);
			take(taken, &piece);
		}
		open = free_here;
		piece.first = port;
		piece.former = former;
	}
	return error;
}

/* Narrow before wide: the registry lists some wide ranges on top of the ones in them. */
static int compare_widths(const void *left, const void *right)
{
	const struct group *a = *(const struct group *const *)left;
	const struct group *b = *(const struct group *const *)right;
	int width = a->entries->last - a->entries->first;
	int other = b->entries->last - b->entries->first;

	/* Else as they are sorted already. */
	return width != other ? width - other : (a > b) - (a < b);
}

static int add_cut(struct conversion *conversion, struct slice day, uint8_t *taken)
{
	const struct group **cut = calloc(conversion->group_count + 1, sizeof(*cut));
	size_t count = 0;
	struct row row;
	int error = cut ? 0 : -ENOMEM;

	for (size_t i = 0; i < conversion->group_count && !error; i++)
		if (is_cut(&conversion->groups[i]))
			cut[count++] = &conversion->groups[i];
	if (!error)
		qsort(cut, count, sizeof(*cut), compare_widths);
	for (size_t i = 0; i < count && !error; i++) {
		error = row_of(conversion, cut[i], day, &row);
		if (!error)
			error = add_pieces(conversion, &row, taken);
	}
	free(cut);
	return error;
}

/* ------------------------------------------------------------------ joining */

static unsigned int lowest_transport(const struct row *row)
{
	return row->transports ? __builtin_ctz(row->transports) : 0;
}

static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (lowest_transport(a) != lowest_transport(b))
		return lowest_transport(a) < lowest_transport(b) ? -1 : 1;
	if (a->last != b->last)
		return a->last < b->last ? -1 : 1;
	/* Of tcp and none at all, both lowest, none. */
	return (a->transports > b->transports) - (a->transports < b->transports);
}

/* Alike in all but the numbers, and the documents, which may differ by transport (5004). */
static bool same_service(const struct row *a, const struct row *b)
{
	return a->status == b->status && slices_equal(a->name, b->name) &&
	       slices_equal(a->description, b->description) &&
	       slices_equal(a->aliases, b->aliases) && slices_equal(a->assignee, b->assignee) &&
	       slices_equal(a->registered, b->registered) &&
	       slices_equal(a->modified, b->modified) &&
	       slices_equal(a->unauthorized, b->unauthorized) && slices_equal(a->notes, b->notes) &&
	       slices_equal(a->former, b->former) && slices_equal(a->source, b->source);
}

static int add_references(struct arena *arena, struct row *row, struct slice references)
{
	const char *at = references.text, *end = at + references.length, *stop;

	while (at < end) {
		struct slice item;

		stop = memmem(at, end - at, "; ", 2);
		item = (struct slice){ at, (stop ? stop : end) - at };
		if (!list_has_item(row->reference, item))
			row->reference = join(arena, row->reference, "; ", item);
		if (!row->reference.text)
			return -ENOMEM;
		at = stop ? stop + 2 : end;
	}
	return 0;
}

/* Rows are sorted; those of the same numbers that say the same become one. */
static int join_transports(struct conversion *conversion)
{
	struct row *rows = conversion->rows;
	size_t kept = 0;
	int error = 0;

	for (size_t i = 0; i < conversion->row_count && !error; i++) {
		struct row *row = &rows[i], *same = NULL;

		for (size_t k = kept; k-- && rows[k].first == row->first && !same;)
			if (rows[k].last == row->last && rows[k].transports && row->transports &&
			    same_service(&rows[k], row))
				same = &rows[k];
		if (same) {
			same->transports |= row->transports;
			error = add_references(&conversion->arena, same, row->reference);
		} else {
			rows[kept++] = *row;
		}
	}
	conversion->row_count = kept;
	return error;
}

/* Neighbouring unassigned rows that say the same become one range. */
static void join_unassigned(struct conversion *conversion)
{
	struct row *rows = conversion->rows;
	size_t kept = 0;

	for (size_t i = 0; i < conversion->row_count; i++) {
		struct row *previous = kept ? &rows[kept - 1] : NULL;

		if (previous && rows[i].status == SERVICE_UNASSIGNED &&
		    rows[i].first == previous->last + 1 &&
		    rows[i].transports == previous->transports &&
		    same_service(previous, &rows[i]) &&
		    slices_equal(previous->reference, rows[i].reference))
			previous->last = rows[i].last;
		else
			rows[kept++] = rows[i];
	}
	conversion->row_count = kept;
}

/* ------------------------------------------------------------------ all of them */

static int add_rows(struct conversion *conversion, struct slice day)
{
	uint8_t *taken = calloc(PORT_COUNT, 1);
	int error = taken ? 0 : -ENOMEM;

	/* In this order: former_names() wants the named ranges at the start. */
	if (!error)
		error = add_whole(conversion, day, taken, is_named_range);
	if (!error)
		error = add_whole(conversion, day, taken, is_single_whole);
	if (!error)
		error = add_cut(conversion, day, taken);
	free(taken);
	return error;
}

int make_rows(struct conversion *conversion, struct slice day)
{
	int error = add_rows(conversion, day);

	if (error)
		return error;
	qsort(conversion->rows, conversion->row_count, sizeof(*conversion->rows), compare_rows);
	error = join_transports(conversion);
	if (!error)
		join_unassigned(conversion);
	return error;
}
