/*
 * The port registry: reads services.tsv into rows that point into its text, and
 * finds rows by port and by name. Separate from what is known about ports in
 * practice (overlays, spans): this file says what is registered, nothing more.
 */
#include "registry/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "registry/table.h"

extern const char registry_services_tsv[], registry_services_tsv_end[];

enum column {
	COLUMN_PORTS,
	COLUMN_TRANSPORTS,
	COLUMN_STATUS,
	COLUMN_NAME,
	COLUMN_DESCRIPTION,
	COLUMN_ALIASES,
	COLUMN_ASSIGNEE,
	COLUMN_REGISTERED,
	COLUMN_MODIFIED,
	COLUMN_REFERENCE,
	COLUMN_UNAUTHORIZED,
	COLUMN_NOTES,
	COLUMN_FORMER,
	COLUMN_SOURCE,
	COLUMN_COUNT,
};

/*
 * What look-ups need of a row. The rest of it is split into columns when somebody
 * asks for the row: an answer is about one of thousands.
 */
struct entry {
	uint32_t line; /* where the row begins in the text */
	uint16_t first, last;
	uint8_t transports, status;
	uint8_t name_at, name_length; /* in the line */
	bool transportless;
	bool is_split; /* the service of this number is filled */
};

struct registry {
	const char *text;
	struct entry *entries;
	struct service *services; /* as many */
	/* The highest last port of the rows up to this one: rows before it end too early. */
	uint16_t *reach;
	struct registry_info info; /* without pairs */
};

/* A row's bit in the count of pairs, beside SERVICE_*: the registry names no transport. */
#define TRANSPORT_BLANK (1u << 4)

/* The shortest row there can be: with it, one allocation holds the rows of any table. */
static const char shortest_row[] = "0\t*\treserved\t\t\t\t\t\t\t\t\t\t\t\n";

#define NAME_LENGTH_MAX 255

static const char not_a_date[] = "a date is YYYY-MM or YYYY-MM-DD";

static bool is_date(struct slice field)
{
	return !field.length || slice_is_date(field);
}

static int read_status(struct table *table, struct slice field, uint8_t *ret_status)
{
	if (slice_equals(field, "assigned"))
		*ret_status = SERVICE_ASSIGNED;
	else if (slice_equals(field, "reserved"))
		*ret_status = SERVICE_RESERVED;
	else if (slice_equals(field, "unassigned"))
		*ret_status = SERVICE_UNASSIGNED;
	else
		return table_refuse(table, field.text,
				    "the status is none of assigned, reserved, unassigned");
	return 0;
}

/* The columns that look-ups need, all before COLUMN_DESCRIPTION. */
static int read_entry(struct table *table, const struct slice *fields, struct entry *ret_entry)
{
	struct entry entry = { .line = table->row - table->text };
	struct slice name = fields[COLUMN_NAME];
	int err = table_ports(table, fields[COLUMN_PORTS], &entry.first, &entry.last);

	if (err)
		return err;
	/* Rows older than the column; tcp and udp were all there was. */
	entry.transportless = slice_equals(fields[COLUMN_TRANSPORTS], "*");
	if (entry.transportless)
		entry.transports = SERVICE_TCP | SERVICE_UDP;
	else
		err = table_transports(table, fields[COLUMN_TRANSPORTS], &entry.transports);
	if (!err)
		err = read_status(table, fields[COLUMN_STATUS], &entry.status);
	if (err)
		return err;
	if ((entry.status == SERVICE_ASSIGNED) != (name.length > 0))
		return table_refuse(table, name.text,
				    "a name belongs to assigned rows, and to all of them");
	if (name.length > NAME_LENGTH_MAX)
		return table_refuse(table, name.text + NAME_LENGTH_MAX,
				    "a name has at most 255 bytes");
	entry.name_at = name.text - table->row;
	entry.name_length = name.length;
	*ret_entry = entry;
	return 0;
}

/* What must hold of the other columns, and of the name's text. */
static int check_columns(struct table *table, const struct slice *fields)
{
	struct slice name = fields[COLUMN_NAME];
	const char *blank = memchr(name.text, ' ', name.length);

	if (blank)
		return table_refuse(table, blank, "a name holds no blank");
	if (!is_date(fields[COLUMN_REGISTERED]))
		return table_refuse(table, fields[COLUMN_REGISTERED].text, not_a_date);
	if (!is_date(fields[COLUMN_MODIFIED]))
		return table_refuse(table, fields[COLUMN_MODIFIED].text, not_a_date);
	return 0;
}

static uint8_t lowest_bit(uint8_t transports)
{
	return transports & -transports;
}

/* Look-ups rely on the order, and on one row for the same numbers and transport. */
static int check_order(struct table *table, const struct entry *entries, unsigned int at,
		       const struct slice *fields)
{
	const struct entry *entry = &entries[at], *previous;

	if (at == 0)
		return 0;
	previous = entry - 1;
	if (previous->first > entry->first)
		return table_refuse(table, fields[COLUMN_PORTS].text,
				    "rows are in the order of their first port");
	if (previous->first == entry->first &&
	    lowest_bit(previous->transports) > lowest_bit(entry->transports))
		return table_refuse(table, fields[COLUMN_TRANSPORTS].text,
				    "rows of a port are in the order of their transports");
	for (; previous->first == entry->first; previous--) {
		if (previous->last == entry->last && previous->transports & entry->transports)
			return table_refuse(table, fields[COLUMN_TRANSPORTS].text,
					    "an earlier row has these ports and transports");
		if (previous == entries)
			break;
	}
	return 0;
}

/* All columns of the next row, checked; or of a table that has been, the first few. */
static int next_row(struct table *table, bool checked, struct slice *fields)
{
	return checked ? table_row_start(table, fields, COLUMN_DESCRIPTION)
		       : table_row(table, fields, COLUMN_COUNT);
}

static int read_rows(struct registry *registry, struct table *table, bool checked)
{
	struct slice fields[COLUMN_COUNT];
	unsigned int rows = 0;
	uint16_t reach = 0;
	int ret, err;

	while ((ret = next_row(table, checked, fields)) > 0) {
		struct entry *entry = &registry->entries[rows];

		err = read_entry(table, fields, entry);
		if (!err && !checked)
			err = check_columns(table, fields);
		if (!err && !checked)
			err = check_order(table, registry->entries, rows, fields);
		if (err)
			return err;
		if (entry->last > reach)
			reach = entry->last;
		registry->reach[rows++] = reach;
	}
	registry->info.rows = rows;
	return ret;
}

/* The columns of a row that has been checked, when it is first asked for. */
static const struct service *row_at(const struct registry *registry, unsigned int index)
{
	struct entry *entry = &registry->entries[index];
	struct service *service = &registry->services[index];
	struct slice fields[COLUMN_COUNT];
	const char *at = registry->text + entry->line, *end;

	if (entry->is_split)
		return service;
	for (int i = 0; i < COLUMN_COUNT; i++, at = end + 1) {
		end = at + strcspn(at, i + 1 < COLUMN_COUNT ? "\t" : "\n");
		fields[i] = (struct slice){ at, end - at };
	}
	*service = (struct service){ .first = entry->first,
				     .last = entry->last,
				     .transports = entry->transports,
				     .status = entry->status,
				     .transportless = entry->transportless,
				     .name = fields[COLUMN_NAME],
				     .description = fields[COLUMN_DESCRIPTION],
				     .aliases = fields[COLUMN_ALIASES],
				     .assignee = fields[COLUMN_ASSIGNEE],
				     .registered = fields[COLUMN_REGISTERED],
				     .modified = fields[COLUMN_MODIFIED],
				     .reference = fields[COLUMN_REFERENCE],
				     .unauthorized = fields[COLUMN_UNAUTHORIZED],
				     .notes = fields[COLUMN_NOTES],
				     .former = fields[COLUMN_FORMER],
				     .source = fields[COLUMN_SOURCE] };
	entry->is_split = true;
	return service;
}

static int parse(const char *text, size_t length, bool checked, struct registry **ret_registry,
		 struct table *table)
{
	static const char snapshots[] = "snapshots\t";
	struct registry *registry = calloc(1, sizeof(*registry));
	/* One more, so that an empty table is no allocation of 0 bytes. */
	size_t rows = length / strlen(shortest_row) + 1;
	struct slice comment;
	int err = -ENOMEM;

	if (!registry)
		return -ENOMEM;
	registry->text = text;
	registry->entries = calloc(rows, sizeof(*registry->entries));
	registry->services = calloc(rows, sizeof(*registry->services));
	registry->reach = calloc(rows, sizeof(*registry->reach));
	if (!registry->entries || !registry->services || !registry->reach)
		goto out;

	table_init(table, text, length);
	while (table_comment(table, &comment)) {
		if (comment.length >= strlen(snapshots) &&
		    !memcmp(comment.text, snapshots, strlen(snapshots))) {
			comment.text += strlen(snapshots);
			comment.length -= strlen(snapshots);
			registry->info.snapshots = comment;
		}
	}
	registry->info.head = (struct slice){ text, table->next - text };
	registry->info.body = (struct slice){ table->next, table->end - table->next };
	err = read_rows(registry, table, checked);
	if (err)
		goto out;
	*ret_registry = registry;
	registry = NULL;
out:
	registry_free(registry);
	return err;
}

int registry_parse(const char *text, size_t length, struct registry **ret_registry,
		   unsigned int *ret_line, unsigned int *ret_column)
{
	struct table table = { 0 };
	int err = parse(text, length, false, ret_registry, &table);

	if (err == -EINVAL && ret_line)
		*ret_line = table.line;
	if (err == -EINVAL && ret_column)
		*ret_column = table.column;
	return err;
}

const struct registry *registry_builtin(void)
{
	static struct registry *builtin;
	struct table table;

	/* A unit test checks the same bytes, so what is left is the lack of 2 MB at the start. */
	if (!builtin &&
	    parse(registry_services_tsv, registry_services_tsv_end - registry_services_tsv, true,
		  &builtin, &table))
		abort();
	return builtin;
}

void registry_free(struct registry *registry)
{
	if (!registry)
		return;
	free(registry->entries);
	free(registry->services);
	free(registry->reach);
	free(registry);
}

/* The first row that may hold @port. */
static unsigned int first_reaching(const struct registry *registry, uint16_t port)
{
	unsigned int low = 0, high = registry->info.rows, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (registry->reach[middle] < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static unsigned int index_after(const struct registry *registry, const struct service *after)
{
	return after - registry->services + 1;
}

/* The number of the next row that holds one of these ports, from @index on; info.rows: none. */
static unsigned int next_holding(const struct registry *registry, uint16_t first, uint16_t last,
				 unsigned int index)
{
	for (; index < registry->info.rows && registry->entries[index].first <= last; index++)
		if (registry->entries[index].last >= first)
			return index;
	return registry->info.rows;
}

const struct service *registry_next_in(const struct registry *registry, uint16_t first,
				       uint16_t last, const struct service *after)
{
	unsigned int index = next_holding(registry, first, last,
					  after ? index_after(registry, after)
						: first_reaching(registry, first));

	return index < registry->info.rows ? row_at(registry, index) : NULL;
}

const struct service *registry_next_by_port(const struct registry *registry, uint16_t port,
					    const struct service *after)
{
	return registry_next_in(registry, port, port, after);
}

/* The number of the row that @at points into. */
static unsigned int index_of(const struct registry *registry, const char *at)
{
	unsigned int low = 0, high = registry->info.rows;

	while (high - low > 1) {
		unsigned int middle = low + (high - low) / 2;

		if (registry->text + registry->entries[middle].line <= at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* In the text, because splitting all rows takes longer than all the rest of an answer. */
const struct service *registry_next_by_assignee(const struct registry *registry,
						struct slice assignee, const struct service *after)
{
	unsigned int index = after ? index_after(registry, after) : 0;
	const char *end = registry->info.body.text + registry->info.body.length, *at;
	const struct service *row;

	at = index < registry->info.rows ? registry->text + registry->entries[index].line : end;
	while ((at = memmem(at, end - at, assignee.text, assignee.length))) {
		if (at[-1] == '\t' && at[assignee.length] == '\t') {
			row = row_at(registry, index_of(registry, at));
			if (slices_equal(row->assignee, assignee))
				return row;
		}
		at++;
	}
	return NULL;
}

/* Of two rows that hold a pair: assigned before not, narrow before wide. */
static bool says_more(const struct entry *a, const struct entry *b)
{
	if ((a->status == SERVICE_ASSIGNED) != (b->status == SERVICE_ASSIGNED))
		return a->status == SERVICE_ASSIGNED;
	return a->last - a->first < b->last - b->first;
}

/* The number of the row for the pair; info.rows: none. */
static unsigned int find_pair(const struct registry *registry, enum transport transport,
			      uint16_t port)
{
	unsigned int none = registry->info.rows, best = none;
	unsigned int index = next_holding(registry, port, port, first_reaching(registry, port));

	for (; index < none; index = next_holding(registry, port, port, index + 1)) {
		const struct entry *entry = &registry->entries[index];

		if (entry->transports & 1u << transport &&
		    (best == none || says_more(entry, &registry->entries[best])))
			best = index;
	}
	return best;
}

const struct service *registry_find(const struct registry *registry, enum transport transport,
				    uint16_t port)
{
	unsigned int index = find_pair(registry, transport, port);

	return index < registry->info.rows ? row_at(registry, index) : NULL;
}

static struct slice name_of(const struct registry *registry, const struct entry *entry)
{
	return (struct slice){ registry->text + entry->line + entry->name_at, entry->name_length };
}

struct slice registry_name(const struct registry *registry, enum transport transport, uint16_t port)
{
	unsigned int index = find_pair(registry, transport, port);

	/* Rows that are not assigned have no name. */
	return index < registry->info.rows ? name_of(registry, &registry->entries[index])
					   : (struct slice){ "", 0 };
}

static bool same_name(const char *text, size_t length, const char *name, size_t name_length)
{
	return length == name_length && !strncasecmp(text, name, length);
}

static bool list_has(struct slice list, const char *name, size_t name_length)
{
	const char *at = list.text, *end = list.text + list.length, *blank;

	while (at < end) {
		blank = memchr(at, ' ', end - at);
		if (!blank)
			blank = end;
		if (same_name(at, blank - at, name, name_length))
			return true;
		at = blank + 1;
	}
	return false;
}

const struct service *registry_next_by_name(const struct registry *registry, const char *name,
					    enum name_match match, const struct service *after)
{
	size_t length = strlen(name);
	unsigned int i = after ? index_after(registry, after) : 0;

	if (!length)
		return NULL;
	for (; i < registry->info.rows; i++) {
		struct slice own = name_of(registry, &registry->entries[i]);
		bool found = false;

		switch (match) {
		case NAME_EXACT: found = same_name(own.text, own.length, name, length); break;
		case NAME_ALIAS:
			found = list_has(row_at(registry, i)->aliases, name, length);
			break;
		case NAME_FORMER:
			found = list_has(row_at(registry, i)->former, name, length);
			break;
		}
		if (found)
			return row_at(registry, i);
	}
	return NULL;
}

const struct service *registry_row(const struct registry *registry, unsigned int index)
{
	return index < registry->info.rows ? row_at(registry, index) : NULL;
}

/* The pairs of @entry that no earlier row has, marking them in @seen. */
static unsigned int new_pairs(const struct entry *entry, uint8_t *seen)
{
	uint8_t counted = entry->transportless ? TRANSPORT_BLANK : entry->transports;
	unsigned int pairs = 0;

	if (entry->status != SERVICE_ASSIGNED)
		return 0;
	for (unsigned int port = entry->first; port <= entry->last; port++) {
		pairs += __builtin_popcount(counted & ~seen[port]);
		seen[port] |= counted;
	}
	return pairs;
}

void registry_info(const struct registry *registry, struct registry_info *ret_info)
{
	uint8_t seen[PORT_COUNT] = { 0 };

	*ret_info = registry->info;
	for (unsigned int i = 0; i < registry->info.rows; i++)
		ret_info->pairs += new_pairs(&registry->entries[i], seen);
}

static void count_pair(const struct service *row, struct registry_counts *counts)
{
	counts->with_assignee += row->assignee.length > 0;
	counts->with_date += row->registered.length > 0 || row->modified.length > 0;
	counts->with_aliases += row->aliases.length > 0;
}

void registry_count(const struct registry *registry, struct registry_counts *ret_counts)
{
	struct registry_counts counts = { 0 };
	const struct service *row, *on_tcp = NULL;

	for (unsigned int i = 0; (row = registry_row(registry, i)); i++) {
		counts.named_ranges += row->status == SERVICE_ASSIGNED && row->first < row->last;
		counts.unassigned_ranges +=
			row->status == SERVICE_UNASSIGNED && row->first < row->last;
	}
	for (unsigned int port = 0; port < PORT_COUNT; port++) {
		for (unsigned int i = 0; i < SERVICE_TRANSPORTS; i++) {
			row = registry_find(registry, i, port);
			if (i == TRANSPORT_TCP)
				on_tcp = row;
			if (!row || row->status != SERVICE_ASSIGNED ||
			    (i == TRANSPORT_UDP && row == on_tcp && row->transportless))
				continue;
			count_pair(row, &counts);
		}
	}
	*ret_counts = counts;
}
