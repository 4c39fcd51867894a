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

struct registry {
	struct service *rows;
	/* The highest last port of the rows up to this one: rows before it end too early. */
	uint16_t *reach;
	struct registry_info info;
};

/* A row's bit in the count of pairs, beside SERVICE_*: the registry names no transport. */
#define TRANSPORT_BLANK (1u << 4)

/* The shortest row there can be: with it, one allocation holds the rows of any table. */
static const char shortest_row[] = "0\t*\treserved\t\t\t\t\t\t\t\t\t\t\t\n";

static const char not_a_date[] = "a date is YYYY-MM or YYYY-MM-DD";

static bool is_date(struct slice field)
{
	static const char form[] = "dddd-dd-dd";
	unsigned int i;

	if (field.length != 7 && field.length != 10)
		return field.length == 0;
	for (i = 0; i < field.length; i++) {
		if (form[i] == '-' ? field.text[i] != '-'
				   : field.text[i] < '0' || field.text[i] > '9')
			return false;
	}
	return true;
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

/* @ret_counted: the transports as bits of the count of pairs. */
static int read_service(struct table *table, const struct slice *fields,
			struct service *ret_service, uint8_t *ret_counted)
{
	struct service service = { 0 };
	const char *blank;
	uint8_t counted;
	int err;

	err = table_ports(table, fields[COLUMN_PORTS], &service.first, &service.last);
	if (err)
		return err;
	if (slice_equals(fields[COLUMN_TRANSPORTS], "*")) {
		/* Rows older than the column; tcp and udp were all there was. */
		service.transports = SERVICE_TCP | SERVICE_UDP;
		service.transportless = true;
		counted = TRANSPORT_BLANK;
	} else {
		err = table_transports(table, fields[COLUMN_TRANSPORTS], &service.transports);
		if (err)
			return err;
		counted = service.transports;
	}
	err = read_status(table, fields[COLUMN_STATUS], &service.status);
	if (err)
		return err;

	service.name = fields[COLUMN_NAME];
	if ((service.status == SERVICE_ASSIGNED) != (service.name.length > 0))
		return table_refuse(table, service.name.text,
				    "a name belongs to assigned rows, and to all of them");
	blank = memchr(service.name.text, ' ', service.name.length);
	if (blank)
		return table_refuse(table, blank, "a name holds no blank");
	service.registered = fields[COLUMN_REGISTERED];
	if (!is_date(service.registered))
		return table_refuse(table, service.registered.text, not_a_date);
	service.modified = fields[COLUMN_MODIFIED];
	if (!is_date(service.modified))
		return table_refuse(table, service.modified.text, not_a_date);

	service.description = fields[COLUMN_DESCRIPTION];
	service.aliases = fields[COLUMN_ALIASES];
	service.assignee = fields[COLUMN_ASSIGNEE];
	service.reference = fields[COLUMN_REFERENCE];
	service.unauthorized = fields[COLUMN_UNAUTHORIZED];
	service.notes = fields[COLUMN_NOTES];
	service.former = fields[COLUMN_FORMER];
	service.source = fields[COLUMN_SOURCE];
	*ret_service = service;
	*ret_counted = counted;
	return 0;
}

static uint8_t lowest_bit(uint8_t transports)
{
	return transports & -transports;
}

/* Look-ups rely on the order, and on one row for the same numbers and transport. */
static int check_order(struct table *table, const struct service *rows, unsigned int at,
		       const struct slice *fields)
{
	const struct service *row = &rows[at], *previous;

	if (at == 0)
		return 0;
	previous = row - 1;
	if (previous->first > row->first)
		return table_refuse(table, fields[COLUMN_PORTS].text,
				    "rows are in the order of their first port");
	if (previous->first == row->first &&
	    lowest_bit(previous->transports) > lowest_bit(row->transports))
		return table_refuse(table, fields[COLUMN_TRANSPORTS].text,
				    "rows of a port are in the order of their transports");
	for (; previous->first == row->first; previous--) {
		if (previous->last == row->last && previous->transports & row->transports)
			return table_refuse(table, fields[COLUMN_TRANSPORTS].text,
					    "an earlier row has these ports and transports");
		if (previous == rows)
			break;
	}
	return 0;
}

/* Count the pairs of @service that no earlier row has, marking them in @seen. */
static unsigned int count_pairs(const struct service *service, uint8_t counted, uint8_t *seen)
{
	unsigned int pairs = 0, port;

	if (service->status != SERVICE_ASSIGNED)
		return 0;
	for (port = service->first; port <= service->last; port++) {
		pairs += __builtin_popcount(counted & ~seen[port]);
		seen[port] |= counted;
	}
	return pairs;
}

static int read_rows(struct registry *registry, struct table *table, uint8_t *seen)
{
	struct slice fields[COLUMN_COUNT];
	unsigned int rows = 0;
	uint16_t reach = 0;
	uint8_t counted = 0;
	int ret, err;

	while ((ret = table_row(table, fields, COLUMN_COUNT)) > 0) {
		struct service *row = &registry->rows[rows];

		err = read_service(table, fields, row, &counted);
		if (!err)
			err = check_order(table, registry->rows, rows, fields);
		if (err)
			return err;
		if (row->last > reach)
			reach = row->last;
		registry->reach[rows++] = reach;
		registry->info.pairs += count_pairs(row, counted, seen);
	}
	registry->info.rows = rows;
	return ret;
}

int registry_parse(const char *table_text, size_t length, struct registry **ret_registry,
		   unsigned int *ret_line, unsigned int *ret_column)
{
	static const char snapshots[] = "snapshots\t";
	struct registry *registry;
	uint8_t *seen = NULL;
	struct slice comment;
	struct table table;
	int err = -ENOMEM;
	size_t rows;

	registry = calloc(1, sizeof(*registry));
	if (!registry)
		return -ENOMEM;
	/* One more, so that an empty table is no allocation of 0 bytes. */
	rows = length / strlen(shortest_row) + 1;
	registry->rows = malloc(rows * sizeof(*registry->rows));
	registry->reach = malloc(rows * sizeof(*registry->reach));
	seen = calloc(PORT_COUNT, 1);
	if (!registry->rows || !registry->reach || !seen)
		goto out;

	table_init(&table, table_text, length);
	while (table_comment(&table, &comment)) {
		if (comment.length >= strlen(snapshots) &&
		    !memcmp(comment.text, snapshots, strlen(snapshots))) {
			comment.text += strlen(snapshots);
			comment.length -= strlen(snapshots);
			registry->info.snapshots = comment;
		}
	}
	registry->info.head = (struct slice){ table_text, table.next - table_text };
	registry->info.body = (struct slice){ table.next, table.end - table.next };
	err = read_rows(registry, &table, seen);
	if (err) {
		if (ret_line)
			*ret_line = table.line;
		if (ret_column)
			*ret_column = table.column;
		goto out;
	}
	*ret_registry = registry;
	registry = NULL;
out:
	free(seen);
	registry_free(registry);
	return err;
}

const struct registry *registry_builtin(void)
{
	static struct registry *builtin;

	/* A unit test reads the same bytes, so what is left is the lack of 2 MB at the start. */
	if (!builtin &&
	    registry_parse(registry_services_tsv, registry_services_tsv_end - registry_services_tsv,
			   &builtin, NULL, NULL))
		abort();
	return builtin;
}

void registry_free(struct registry *registry)
{
	if (!registry)
		return;
	free(registry->rows);
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

const struct service *registry_next_by_port(const struct registry *registry, uint16_t port,
					    const struct service *after)
{
	unsigned int i = after ? after - registry->rows + 1 : first_reaching(registry, port);

	for (; i < registry->info.rows && registry->rows[i].first <= port; i++)
		if (registry->rows[i].last >= port)
			return &registry->rows[i];
	return NULL;
}

/* Of two rows that hold a pair: assigned before not, narrow before wide. */
static bool says_more(const struct service *a, const struct service *b)
{
	if ((a->status == SERVICE_ASSIGNED) != (b->status == SERVICE_ASSIGNED))
		return a->status == SERVICE_ASSIGNED;
	return a->last - a->first < b->last - b->first;
}

const struct service *registry_find(const struct registry *registry, enum transport transport,
				    uint16_t port)
{
	const struct service *row = NULL, *best = NULL;

	while ((row = registry_next_by_port(registry, port, row))) {
		if (row->transports & 1u << transport && (!best || says_more(row, best)))
			best = row;
	}
	return best;
}

struct slice registry_name(const struct registry *registry, enum transport transport, uint16_t port)
{
	const struct service *row = registry_find(registry, transport, port);

	/* Rows that are not assigned have no name. */
	return row ? row->name : (struct slice){ "", 0 };
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
	unsigned int i = after ? after - registry->rows + 1 : 0;

	if (!length)
		return NULL;
	for (; i < registry->info.rows; i++) {
		const struct service *row = &registry->rows[i];
		bool found = false;

		switch (match) {
		case NAME_EXACT:
			found = same_name(row->name.text, row->name.length, name, length);
			break;
		case NAME_ALIAS: found = list_has(row->aliases, name, length); break;
		case NAME_FORMER: found = list_has(row->former, name, length); break;
		}
		if (found)
			return row;
	}
	return NULL;
}

const struct service *registry_row(const struct registry *registry, unsigned int index)
{
	return index < registry->info.rows ? &registry->rows[index] : NULL;
}

void registry_info(const struct registry *registry, struct registry_info *ret_info)
{
	*ret_info = registry->info;
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
