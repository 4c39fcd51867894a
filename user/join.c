/* See join.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "join.h"

struct joining {
	const struct snapshot *now, *before;
	const struct row_wish *wish;
	const struct join_facts *facts;
	struct rows rows;
	size_t room;
};

static struct counter difference(struct counter now, struct counter before)
{
	return (struct counter){ now.packets - before.packets, now.bytes - before.bytes };
}

static void add(struct counter *sum, struct counter counter)
{
	sum->packets += counter.packets;
	sum->bytes += counter.bytes;
}

static void fill_port(const struct joining *joining, struct port_row *row)
{
	const struct snapshot *now = joining->now, *before = joining->before;
	enum side side = joining->wish->side;
	uint16_t port = row->first;

	for (int direction = 0; direction < DIR_COUNT; direction++) {
		row->count[direction] = snapshot_port(now, row->transport, side, direction, port);
		if (before)
			row->count[direction] = difference(
				row->count[direction],
				snapshot_port(before, row->transport, side, direction, port));
	}
	if (row->transport != TRANSPORT_TCP || side != SIDE_LOCAL)
		return;
	row->attempts = now->attempts[port] - (before ? before->attempts[port] : 0);
	row->answers = now->answers[port] - (before ? before->answers[port] : 0);
}

static bool has_counted(const struct port_row *row)
{
	return row->count[DIR_IN].packets || row->count[DIR_OUT].packets;
}

static bool is_wished(const struct joining *joining, enum transport transport, uint16_t port)
{
	for (size_t i = 0; i < joining->wish->what_count; i++)
		if (what_holds(&joining->wish->whats[i], transport, port))
			return true;
	return !joining->wish->whats;
}

/* A port asked for by its number is shown also when it is zero; of a range, what counted. */
static bool is_named(const struct joining *joining, enum transport transport, uint16_t port)
{
	for (size_t i = 0; i < joining->wish->what_count; i++) {
		const struct what *what = &joining->wish->whats[i];

		for (size_t k = 0; k < what->count; k++)
			if (what->ranges[k].first == port && what->ranges[k].last == port &&
			    what->ranges[k].transports >> transport & 1 &&
			    transport != TRANSPORT_SCTP)
				return true;
	}
	return false;
}

static bool is_folded(const struct joining *joining, const struct port_row *row)
{
	const struct row_wish *wish = joining->wish;

	return wish->fold && !wish->whats && row->first >= wish->ephemeral_first &&
	       row->first <= wish->ephemeral_last && !row->listening;
}

static int append(struct joining *joining, const struct port_row *row)
{
	struct rows *rows = &joining->rows;

	if (rows->port_count == joining->room) {
		size_t room = joining->room ? joining->room * 2 : 256;
		struct port_row *grown = reallocarray(rows->ports, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		rows->ports = grown;
		joining->room = room;
	}
	rows->ports[rows->port_count++] = *row;
	return 0;
}

static int join_transport(struct joining *joining, enum transport transport)
{
	const struct row_wish *wish = joining->wish;
	struct port_row fold = { .transport = transport,
				 .first = wish->ephemeral_first,
				 .last = wish->ephemeral_last,
				 .folded = true };
	int error = 0;

	for (unsigned int port = 0; port < PORT_COUNT && !error; port++) {
		struct port_row row = { .transport = transport, .first = port, .last = port };

		if (!is_wished(joining, transport, port))
			continue;
		fill_port(joining, &row);
		if (!has_counted(&row) && !is_named(joining, transport, port))
			continue;
		row.listening = wish->side == SIDE_LOCAL && joining->facts->listeners &&
				listener_on(joining->facts->listeners, transport, port);
		if (is_folded(joining, &row)) {
			add(&fold.count[DIR_IN], row.count[DIR_IN]);
			add(&fold.count[DIR_OUT], row.count[DIR_OUT]);
			fold.attempts += row.attempts;
			fold.answers += row.answers;
			joining->rows.folded_ports++;
			continue;
		}
		row.name = registry_name(joining->facts->registry, transport, port);
		error = append(joining, &row);
	}
	if (!error && has_counted(&fold))
		error = append(joining, &fold);
	return error;
}

static bool span_is_named(const struct joining *joining, const struct snapshot_span *span)
{
	for (size_t i = 0; i < joining->wish->what_count; i++)
		if (!strcmp(joining->wish->whats[i].span, span->span.name))
			return true;
	return false;
}

static bool span_is_wished(const struct joining *joining, const struct snapshot_span *span)
{
	const struct row_wish *wish = joining->wish;

	for (size_t i = 0; i < wish->what_count; i++) {
		const struct what *what = &wish->whats[i];

		for (size_t k = 0; k < what->count; k++)
			if (what->ranges[k].transports >> span->span.transport & 1 &&
			    what->ranges[k].first <= span->span.last &&
			    what->ranges[k].last >= span->span.first)
				return true;
	}
	return !wish->whats;
}

static bool listens_in(const struct joining *joining, const struct span *span)
{
	for (unsigned int port = span->first; joining->facts->listeners && port <= span->last;
	     port++)
		if (listener_on(joining->facts->listeners, span->transport, port))
			return true;
	return false;
}

/*
 * Clients' own ports fill every span that lies in the ephemeral range: such a
 * span says something only when somebody listens there.
 */
static bool span_is_folded(const struct joining *joining, const struct span *span)
{
	const struct row_wish *wish = joining->wish;
	int first = span->first > wish->ephemeral_first ? span->first : wish->ephemeral_first;
	int last = span->last < wish->ephemeral_last ? span->last : wish->ephemeral_last;
	bool within = (last - first + 1) * 2 > span->last - span->first + 1;

	if (!wish->fold || wish->whats || !within)
		return false;
	return !strcmp(span->name, "ephemeral") || !listens_in(joining, span);
}

static int join_spans(struct joining *joining)
{
	struct rows *rows = &joining->rows;

	rows->spans = calloc(joining->now->span_count + 1, sizeof(*rows->spans));
	if (!rows->spans)
		return -ENOMEM;
	for (size_t i = 0; i < joining->now->span_count; i++) {
		const struct snapshot_span *span = &joining->now->spans[i];
		struct span_row *row = &rows->spans[rows->span_count];
		enum side side = joining->wish->side;

		if (!(joining->wish->transports >> span->span.transport & 1) ||
		    !span_is_wished(joining, span) || span_is_folded(joining, &span->span))
			continue;
		*row = (struct span_row){ .span = &span->span };
		for (int direction = 0; direction < DIR_COUNT; direction++) {
			row->count[direction] = span->count[side][direction];
			/* After spans changed, the earlier snapshot's list is another one. */
			if (joining->before && joining->before->span_count > i &&
			    !memcmp(joining->before->spans[i].span.name, span->span.name,
				    sizeof(span->span.name)))
				row->count[direction] = difference(
					row->count[direction],
					joining->before->spans[i].count[side][direction]);
		}
		/* One asked for by name is shown also when it is zero. */
		rows->span_count += span_is_named(joining, span) || row->count[DIR_IN].packets ||
				    row->count[DIR_OUT].packets;
	}
	return 0;
}

static uint64_t weight(const struct port_row *row, enum row_order order)
{
	switch (order) {
	case ORDER_BYTES: return row->count[DIR_IN].bytes + row->count[DIR_OUT].bytes;
	case ORDER_IN: return row->count[DIR_IN].packets;
	case ORDER_OUT: return row->count[DIR_OUT].packets;
	case ORDER_ATTEMPTS: return row->attempts;
	case ORDER_PORT: return 0;
	default: return row->count[DIR_IN].packets + row->count[DIR_OUT].packets;
	}
}

static int compare_rows(const void *left, const void *right, void *order)
{
	const struct port_row *a = left, *b = right;
	uint64_t first = weight(a, *(const enum row_order *)order);
	uint64_t second = weight(b, *(const enum row_order *)order);

	if (first != second)
		return first < second ? 1 : -1;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return (int)a->transport - (int)b->transport;
}

int rows_make(const struct snapshot *now, const struct snapshot *before,
	      const struct row_wish *wish, const struct join_facts *facts, struct rows *ret_rows)
{
	struct joining joining = { .now = now, .before = before, .wish = wish, .facts = facts };
	enum row_order order = wish->order;
	int error = join_spans(&joining);

	for (int transport = 0; transport < TRANSPORT_COUNT && !error; transport++)
		if (wish->transports >> transport & 1)
			error = join_transport(&joining, transport);
	if (error) {
		rows_release(&joining.rows);
		return error;
	}
	if (joining.rows.port_count)
		qsort_r(joining.rows.ports, joining.rows.port_count, sizeof(*joining.rows.ports),
			compare_rows, &order);
	joining.rows.port_total = joining.rows.port_count;
	if (wish->top && joining.rows.port_count > wish->top)
		joining.rows.port_count = wish->top;
	*ret_rows = joining.rows;
	return 0;
}

void rows_release(struct rows *rows)
{
	free(rows->ports);
	free(rows->spans);
	*rows = (struct rows){};
}
