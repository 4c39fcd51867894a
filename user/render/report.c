/* See report.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "render/json.h"
#include "render/report.h"
#include "render/table.h"
#include "render/text.h"

static void rate_cell(struct table *table, uint64_t value, double seconds)
{
	char cell[32];

	snprintf(cell, sizeof(cell), "%.1f", value / seconds);
	table_cell(table, cell);
}

static void count_cells(struct table *table, const struct counter count[DIR_COUNT], double seconds)
{
	char cell[32];

	for (int direction = 0; direction < DIR_COUNT; direction++) {
		if (seconds > 0) {
			rate_cell(table, count[direction].packets, seconds);
			table_cell(table, text_bytes(cell, sizeof(cell),
						     count[direction].bytes / seconds));
			continue;
		}
		table_cell(table, text_count(cell, sizeof(cell), count[direction].packets));
		table_cell(table, text_bytes(cell, sizeof(cell), count[direction].bytes));
	}
}

static void count_heads(struct table *table, double seconds)
{
	table_column(table, seconds > 0 ? "IN/S" : "IN", true);
	table_column(table, seconds > 0 ? "BYTES/S" : "BYTES", true);
	table_column(table, seconds > 0 ? "OUT/S" : "OUT", true);
	table_column(table, seconds > 0 ? "BYTES/S" : "BYTES", true);
}

static void handshake_cell(struct table *table, const struct port_row *row, uint64_t value,
			   double seconds)
{
	char cell[32];

	if (row->transport != TRANSPORT_TCP)
		table_cell(table, "");
	else if (seconds > 0)
		rate_cell(table, value, seconds);
	else
		table_cell(table, text_count(cell, sizeof(cell), value));
}

static void name_cell(struct table *table, const struct port_row *row)
{
	char cell[96];

	if (row->folded)
		table_cell(table, "(ephemeral)");
	else if (row->name.length)
		table_cell(table, text_safe(cell, sizeof(cell), row->name.text, row->name.length));
	else
		table_cell(table, "-");
}

int report_ports(FILE *out, const struct rows *rows, const struct report_style *style)
{
	bool local = style->side == SIDE_LOCAL;
	struct table table = {};
	int error;

	table_column(&table, local ? "PORT" : "PEER PORT", false);
	table_column(&table, "NAME", false);
	count_heads(&table, style->seconds);
	if (local) {
		table_column(&table, style->seconds > 0 ? "ATTEMPTS/S" : "ATTEMPTS", true);
		table_column(&table, style->seconds > 0 ? "ANSWERS/S" : "ANSWERS", true);
	}
	for (size_t i = 0; i < rows->port_count; i++) {
		const struct port_row *row = &rows->ports[i];
		char cell[64];

		if (row->folded)
			snprintf(cell, sizeof(cell), "%u-%u/%s", row->first, row->last,
				 transport_name(row->transport));
		else
			snprintf(cell, sizeof(cell), "%u/%s", row->first,
				 transport_name(row->transport));
		table_cell(&table, cell);
		name_cell(&table, row);
		count_cells(&table, row->count, style->seconds);
		if (!local)
			continue;
		handshake_cell(&table, row, row->attempts, style->seconds);
		handshake_cell(&table, row, row->answers, style->seconds);
	}
	error = table_print(&table, out, style->colour);
	table_release(&table);
	return error;
}

int report_spans(FILE *out, const struct rows *rows, const struct report_style *style)
{
	struct table table = {};
	int error;

	table_column(&table, style->side == SIDE_LOCAL ? "SPAN" : "PEER SPAN", false);
	table_column(&table, "PORTS", false);
	count_heads(&table, style->seconds);
	for (size_t i = 0; i < rows->span_count; i++) {
		const struct span *span = rows->spans[i].span;
		char cell[64];

		table_cell(&table, text_safe(cell, sizeof(cell), span->name, strlen(span->name)));
		snprintf(cell, sizeof(cell), "%u-%u/%s", span->first, span->last,
			 transport_name(span->transport));
		table_cell(&table, cell);
		count_cells(&table, rows->spans[i].count, style->seconds);
	}
	error = table_print(&table, out, style->colour);
	table_release(&table);
	return error;
}

static void report_direction(FILE *out, const struct snapshot_iface *iface, int direction)
{
	static const char *const words[DIR_COUNT] = { "in", "out" };
	const uint64_t *packets = iface->packets[direction];
	const char *separator = " (";
	char number[32];

	fprintf(out, "%s %s %s seen, %s ported", direction ? ";" : "", words[direction],
		text_count(number, sizeof(number), packets[BUCKET_SEEN]),
		text_count((char[32]){}, 32, packets[BUCKET_PORTED]));
	for (int bucket = BUCKET_PORTED + 1; bucket < BUCKET_COUNT; bucket++) {
		if (!packets[bucket])
			continue;
		fprintf(out, "%s%s %s", separator,
			text_count(number, sizeof(number), packets[bucket]), bucket_name(bucket));
		separator = ", ";
	}
	if (separator[0] == ',')
		fputc(')', out);
}

void report_ifaces(FILE *out, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->iface_count; i++) {
		const struct snapshot_iface *iface = &snapshot->ifaces[i];
		char name[256];

		text_safe(name, sizeof(name), iface->name, strlen(iface->name));
		if (!iface->ifindex)
			snprintf(name, sizeof(name), "(interfaces numbered anew)");
		fprintf(out, "%s:", name);
		report_direction(out, iface, DIR_IN);
		report_direction(out, iface, DIR_OUT);
		fputc('\n', out);
	}
}

/* ---- JSON ---- */

static json_t *json_counter(struct counter counter)
{
	return json_pack("{s:I, s:I}", "packets", (json_int_t)counter.packets, "bytes",
			 (json_int_t)counter.bytes);
}

static json_t *json_rate(struct counter counter, double seconds)
{
	return json_pack("{s:f, s:f}", "packets", counter.packets / seconds, "bytes",
			 counter.bytes / seconds);
}

static json_t *json_buckets(const uint64_t packets[BUCKET_COUNT])
{
	json_t *object = json_object();

	for (int bucket = BUCKET_PORTED + 1; bucket < BUCKET_COUNT; bucket++)
		json_object_set_new(object, bucket_name(bucket), json_integer(packets[bucket]));
	return object;
}

static json_t *json_direction(const struct snapshot_iface *iface, int direction)
{
	const uint64_t *packets = iface->packets[direction];

	return json_pack("{s:s, s:I, s:I, s:o}", "hook", hook_name(iface->hook[direction]), "seen",
			 (json_int_t)packets[BUCKET_SEEN], "ported",
			 (json_int_t)packets[BUCKET_PORTED], "buckets", json_buckets(packets));
}

static json_t *json_iface(const struct snapshot *snapshot, const struct snapshot_iface *iface)
{
	json_t *total = json_object();
	json_int_t seen = 0, ported = 0;

	for (int bucket = BUCKET_PORTED + 1; bucket < BUCKET_COUNT; bucket++)
		json_object_set_new(total, bucket_name(bucket),
				    json_integer(iface->packets[DIR_IN][bucket] +
						 iface->packets[DIR_OUT][bucket]));
	for (int direction = 0; direction < DIR_COUNT; direction++) {
		seen += iface->packets[direction][BUCKET_SEEN];
		ported += iface->packets[direction][BUCKET_PORTED];
	}
	return json_pack(
		"{s:I, s:o, s:I, s:s, s:o, s:I, s:I, s:o, s:o, s:o}", "ifindex",
		(json_int_t)iface->ifindex, "name", json_foreign(iface->name, strlen(iface->name)),
		"netns", (json_int_t)snapshot->netns_cookie, "hook",
		hook_name(iface->hook[DIR_IN] != HOOK_NONE ? iface->hook[DIR_IN]
							   : iface->hook[DIR_OUT]),
		"since", json_time(iface->since), "seen", seen, "ported", ported, "buckets", total,
		"in", json_direction(iface, DIR_IN), "out", json_direction(iface, DIR_OUT));
}

static json_t *json_rates(const struct counter count[DIR_COUNT], double seconds)
{
	return json_pack("{s:o, s:o}", "in", json_rate(count[DIR_IN], seconds), "out",
			 json_rate(count[DIR_OUT], seconds));
}

static int compare_ports(const void *left, const void *right)
{
	const struct port_row *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return (int)a->transport - (int)b->transport;
}

static const struct port_row *find_rate(const struct rows *rates, const struct port_row *row)
{
	return bsearch(row, rates->ports, rates->port_count, sizeof(*row), compare_ports);
}

static json_t *json_port(const struct port_row *row, const struct rows *rates,
			 const struct report_style *style)
{
	const struct port_row *rate = rates && rates->port_count ? find_rate(rates, row) : NULL;
	json_t *object = json_pack("{s:i, s:s, s:s, s:o, s:o, s:o}", "port", (int)row->first,
				   "transport", transport_name(row->transport), "side",
				   style->side == SIDE_LOCAL ? "local" : "peer", "name",
				   json_slice(row->name), "in", json_counter(row->count[DIR_IN]),
				   "out", json_counter(row->count[DIR_OUT]));

	if (row->transport == TRANSPORT_TCP && style->side == SIDE_LOCAL) {
		json_object_set_new(object, "attempts", json_integer(row->attempts));
		json_object_set_new(object, "answers", json_integer(row->answers));
	}
	if (style->side == SIDE_LOCAL)
		json_object_set_new(object, "listening", json_boolean(row->listening));
	if (rates)
		json_object_set_new(object, "rate",
				    json_rates(rate ? rate->count : (struct counter[DIR_COUNT]){},
					       style->seconds));
	return object;
}

static json_t *json_span(const struct span_row *row, const struct report_style *style)
{
	const struct span *span = row->span;

	return json_pack("{s:s, s:s, s:i, s:i, s:s, s:o, s:o}", "name", span->name, "transport",
			 transport_name(span->transport), "first", (int)span->first, "last",
			 (int)span->last, "side", style->side == SIDE_LOCAL ? "local" : "peer",
			 "in", json_counter(row->count[DIR_IN]), "out",
			 json_counter(row->count[DIR_OUT]));
}

json_t *report_json(const struct snapshot *snapshot, const struct rows *rows,
		    const struct rows *rates, const struct report_style *style, bool forwards)
{
	json_t *ifaces = json_array(), *ports = json_array(), *spans = json_array();

	for (size_t i = 0; i < snapshot->iface_count; i++)
		json_array_append_new(ifaces, json_iface(snapshot, &snapshot->ifaces[i]));
	for (size_t i = 0; i < rows->port_count; i++)
		json_array_append_new(ports, json_port(&rows->ports[i], rates, style));
	for (size_t i = 0; i < rows->span_count; i++)
		json_array_append_new(spans, json_span(&rows->spans[i], style));
	return json_pack("{s:s, s:o, s:o, s:b, s:b, s:o, s:o, s:o}", "schema", "portscribe.show.v1",
			 "since", json_time(snapshot->since), "taken", json_time(snapshot->taken),
			 "forwards", forwards, "local_only", snapshot->local_only, "interfaces",
			 ifaces, "ports", ports, "spans", spans);
}
