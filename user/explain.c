/* See explain.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "explain.h"
#include "render/report.h"
#include "render/text.h"

/* How many rows a range or name may bring before the rest is only counted. */
#define ROWS_SHOWN 20

struct range_class {
	uint16_t last;
	const char *name;
	const char *meaning;
};

/* RFC 6335, section 6. */
static const struct range_class range_classes[] = {
	{ 1023, "system port 0-1023", "assigned by IETF review; binding needs privilege" },
	{ 49151, "user port 1024-49151", "assigned on request to whoever asks IANA" },
	{ 65535, "dynamic port 49152-65535", "never assigned; clients and private use" },
};

static const struct range_class *class_of(uint16_t port)
{
	const struct range_class *class = range_classes;

	while (port > class->last)
		class ++;
	return class;
}

static bool wants_service(const struct what *what, const struct service *service)
{
	for (size_t i = 0; i < what->count; i++)
		if (what->ranges[i].first <= service->last &&
		    what->ranges[i].last >= service->first &&
		    (what->ranges[i].transports & service->transports ||
		     what->ranges[i].transports == TRANSPORTS_ALL))
			return true;
	return false;
}

static const char *status_word(const struct service *service)
{
	switch (service->status) {
	case SERVICE_RESERVED: return "reserved";
	case SERVICE_UNASSIGNED: return "unassigned";
	default: return "";
	}
}

static void print_slice(FILE *out, const char *before, struct slice slice, const char *after)
{
	char safe[1024];

	if (slice.length)
		fprintf(out, "%s%s%s", before,
			text_safe(safe, sizeof(safe), slice.text, slice.length), after);
}

static void print_field(FILE *out, const char *label, struct slice slice)
{
	char head[32];

	snprintf(head, sizeof(head), "  %-12s ", label);
	print_slice(out, head, slice, "\n");
}

static void print_numbers(FILE *out, const struct service *service)
{
	char transports[32];

	if (service->first == service->last)
		fprintf(out, "%u", service->first);
	else
		fprintf(out, "%u-%u", service->first, service->last);
	fprintf(out, "/%s", transports_text(transports, sizeof(transports), service->transports));
}

static void print_service(FILE *out, const struct service *service)
{
	fprintf(out, "  %-12s ", "registered");
	print_numbers(out, service);
	if (service->status != SERVICE_ASSIGNED)
		fprintf(out, " %s", status_word(service));
	print_slice(out, " ", service->name, "");
	/* Many rows repeat the name as their description. */
	if (service->description.length != service->name.length ||
	    strncasecmp(service->description.text, service->name.text, service->name.length))
		print_slice(out, ": ", service->description, "");
	fputc('\n', out);
	if (service->assignee.length || service->registered.length) {
		fprintf(out, "  %-12s ", "assigned to");
		print_slice(out, "", service->assignee, "");
		print_slice(out, service->assignee.length ? ", " : "", service->registered, "");
		fputc('\n', out);
	}
	print_field(out, "also called", service->aliases);
	print_field(out, "formerly", service->former);
	print_field(out, "unauthorized", service->unauthorized);
	print_field(out, "note", service->notes);
}

/* Rows of the registry that @what touches, each once; @seen counts them. */
static void each_service(const struct what *what, const struct scene *scene,
			 void (*visit)(const struct service *, void *), void *data)
{
	const struct service *last = NULL;

	for (size_t i = 0; i < what->count; i++) {
		for (unsigned int port = what->ranges[i].first; port <= what->ranges[i].last;
		     port++) {
			const struct service *service = NULL;

			while ((service = registry_next_by_port(scene->registry, port, service))) {
				/* Rows are in table order: a row met before is not after the last.
				 */
				if ((last && service <= last) || !wants_service(what, service))
					continue;
				last = service;
				visit(service, data);
			}
		}
	}
}

struct printing {
	FILE *out;
	size_t seen;
};

static void visit_print(const struct service *service, void *data)
{
	struct printing *printing = data;

	if (printing->seen++ < ROWS_SHOWN)
		print_service(printing->out, service);
}

static bool overlaps(const struct what *what, const struct span *span)
{
	for (size_t i = 0; i < what->count; i++)
		if (what->ranges[i].transports >> span->transport & 1 &&
		    what->ranges[i].first <= span->last && what->ranges[i].last >= span->first)
			return true;
	return false;
}

static void print_spans(FILE *out, const struct what *what, const struct scene *scene)
{
	bool any = false;

	for (size_t i = 0; i < scene->spans.count; i++) {
		const struct span *span = &scene->spans.spans[i];
		char safe[256];

		if (!overlaps(what, span))
			continue;
		fprintf(out, "  %-12s %s %u-%u %s: %s", any ? "" : "spans",
			transport_name(span->transport), span->first, span->last, span->name,
			text_safe(safe, sizeof(safe), span->label, strlen(span->label)));
		if (span->source[0])
			fprintf(out, " [%s]",
				text_safe(safe, sizeof(safe), span->source, strlen(span->source)));
		fputc('\n', out);
		any = true;
	}
	if (!any)
		fprintf(out, "  %-12s none\n", "spans");
}

static void sum_range(const struct snapshot *traffic, const struct port_range *range,
		      enum transport transport, struct counter count[SIDE_COUNT][DIR_COUNT],
		      uint64_t *attempts, uint64_t *answers)
{
	for (unsigned int port = range->first; port <= range->last; port++) {
		for (int side = 0; side < SIDE_COUNT; side++)
			for (int direction = 0; direction < DIR_COUNT; direction++) {
				struct counter one =
					snapshot_port(traffic, transport, side, direction, port);

				count[side][direction].packets += one.packets;
				count[side][direction].bytes += one.bytes;
			}
		if (transport == TRANSPORT_TCP) {
			*attempts += traffic->attempts[port];
			*answers += traffic->answers[port];
		}
	}
}

static void print_traffic(FILE *out, const struct what *what, enum transport transport,
			  const struct snapshot *traffic)
{
	struct counter count[SIDE_COUNT][DIR_COUNT] = {};
	uint64_t attempts = 0, answers = 0;
	bool wanted = false;
	char number[2][32];

	for (size_t i = 0; i < what->count; i++) {
		if (!(what->ranges[i].transports >> transport & 1))
			continue;
		wanted = true;
		sum_range(traffic, &what->ranges[i], transport, count, &attempts, &answers);
	}
	if (!wanted || (transport == TRANSPORT_SCTP && !count[SIDE_LOCAL][DIR_IN].packets &&
			!count[SIDE_LOCAL][DIR_OUT].packets))
		return;
	fprintf(out, "  %-12s %s packets in, %s out", transport_name(transport),
		text_count(number[0], sizeof(number[0]), count[SIDE_LOCAL][DIR_IN].packets),
		text_count(number[1], sizeof(number[1]), count[SIDE_LOCAL][DIR_OUT].packets));
	if (transport == TRANSPORT_TCP)
		fprintf(out, "; %s attempts, %s answers",
			text_count(number[0], sizeof(number[0]), attempts),
			text_count(number[1], sizeof(number[1]), answers));
	if (!traffic->local_only)
		fprintf(out, "; as the peer's port %s in, %s out",
			text_count(number[0], sizeof(number[0]), count[SIDE_PEER][DIR_IN].packets),
			text_count(number[1], sizeof(number[1]),
				   count[SIDE_PEER][DIR_OUT].packets));
	fputc('\n', out);
}

static void print_counters(FILE *out, const struct what *what, const struct explain_facts *facts)
{
	char since[32];

	if (!facts->traffic) {
		fprintf(out, "  %-12s left out: %s\n", "counters", facts->counters_missing);
		return;
	}
	fprintf(out, "  %-12s since %s\n", "counters",
		text_time(since, sizeof(since), facts->traffic->since));
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
		print_traffic(out, what, transport, facts->traffic);
}

/* "3069 ls3 (tcp, udp)": the number always, the name where there is one. */
static void print_title(FILE *out, const struct what *what, const struct scene *scene)
{
	const struct port_range *range = &what->ranges[0];
	bool single = range->first == range->last;

	for (size_t i = 1; i < what->count && single; i++)
		single = what->ranges[i].first == range->first &&
			 what->ranges[i].last == range->first;
	if (!single) {
		char safe[256];

		fprintf(out, "%s", text_safe(safe, sizeof(safe), what->text, strlen(what->text)));
		fputs(":", out);
		for (size_t i = 0; i < what->count && i < 8; i++) {
			char transports[32];

			fprintf(out, " %u", what->ranges[i].first);
			if (what->ranges[i].last != what->ranges[i].first)
				fprintf(out, "-%u", what->ranges[i].last);
			fprintf(out, "/%s",
				transports_text(transports, sizeof(transports),
						what->ranges[i].transports));
		}
		fputs(what->count > 8 ? " ...\n" : "\n", out);
		return;
	}
	fprintf(out, "%u", range->first);
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		struct slice name = registry_name(scene->registry, transport, range->first);

		if (!(range->transports >> transport & 1) || !name.length)
			continue;
		print_slice(out, " ", name, "");
		break;
	}
	fputc('\n', out);
}

void explain_print(FILE *out, const struct what *what, const struct explain_facts *facts)
{
	const struct scene *scene = facts->scene;
	struct printing printing = { .out = out };
	uint16_t first = what->ranges[0].first;

	print_title(out, what, scene);
	each_service(what, scene, visit_print, &printing);
	if (printing.seen > ROWS_SHOWN)
		fprintf(out, "  %-12s and %zu more rows of the registry\n", "",
			printing.seen - ROWS_SHOWN);
	if (!printing.seen)
		fprintf(out, "  %-12s nothing: IANA has no row for it\n", "registered");
	fprintf(out, "  %-12s %s: %s\n", "range", class_of(first)->name, class_of(first)->meaning);
	if (first >= scene->ephemeral_first && first <= scene->ephemeral_last)
		fprintf(out,
			"  %-12s in this host's ephemeral range %u-%u: often a client's own port\n",
			"", scene->ephemeral_first, scene->ephemeral_last);
	print_spans(out, what, scene);
	print_counters(out, what, facts);
}

/* ---- JSON ---- */

static json_t *json_slice(struct slice slice)
{
	return slice.length ? json_foreign(slice.text, slice.length) : json_null();
}

static json_t *json_transports(uint8_t transports)
{
	static const char *const names[] = { "tcp", "udp", "sctp", "dccp" };
	json_t *array = json_array();

	for (int i = 0; i < 4; i++)
		if (transports >> i & 1)
			json_array_append_new(array, json_string(names[i]));
	return array;
}

static void visit_json(const struct service *service, void *data)
{
	static const char *const status[] = { "assigned", "reserved", "unassigned" };

	json_array_append_new(
		data,
		json_pack("{s:i, s:i, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			  "first", (int)service->first, "last", (int)service->last, "transports",
			  json_transports(service->transports), "status", status[service->status],
			  "name", json_slice(service->name), "description",
			  json_slice(service->description), "aliases", json_slice(service->aliases),
			  "assignee", json_slice(service->assignee), "registered",
			  json_slice(service->registered), "modified",
			  json_slice(service->modified), "unauthorized",
			  json_slice(service->unauthorized), "notes", json_slice(service->notes),
			  "former", json_slice(service->former)));
}

static json_t *json_counts(const struct what *what, const struct explain_facts *facts)
{
	json_t *object;

	if (!facts->traffic)
		return json_null();
	object = json_pack("{s:o}", "since", json_time(facts->traffic->since));
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		struct counter count[SIDE_COUNT][DIR_COUNT] = {};
		uint64_t attempts = 0, answers = 0;

		for (size_t i = 0; i < what->count; i++)
			if (what->ranges[i].transports >> transport & 1)
				sum_range(facts->traffic, &what->ranges[i], transport, count,
					  &attempts, &answers);
		json_object_set_new(
			object, transport_name(transport),
			json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "in",
				  (json_int_t)count[SIDE_LOCAL][DIR_IN].packets, "out",
				  (json_int_t)count[SIDE_LOCAL][DIR_OUT].packets, "peer_in",
				  (json_int_t)count[SIDE_PEER][DIR_IN].packets, "peer_out",
				  (json_int_t)count[SIDE_PEER][DIR_OUT].packets, "attempts",
				  (json_int_t)attempts, "answers", (json_int_t)answers));
	}
	return object;
}

json_t *explain_json(const struct what *what, const struct explain_facts *facts)
{
	json_t *services = json_array(), *spans = json_array(), *ranges = json_array();

	for (size_t i = 0; i < what->count; i++)
		json_array_append_new(ranges,
				      json_pack("{s:i, s:i, s:o, s:s}", "first",
						(int)what->ranges[i].first, "last",
						(int)what->ranges[i].last, "transports",
						json_transports(what->ranges[i].transports),
						"class", class_of(what->ranges[i].first)->name));
	each_service(what, facts->scene, visit_json, services);
	for (size_t i = 0; i < facts->scene->spans.count; i++) {
		const struct span *span = &facts->scene->spans.spans[i];

		if (overlaps(what, span))
			json_array_append_new(
				spans,
				json_pack("{s:s, s:s, s:i, s:i, s:o, s:o}", "name", span->name,
					  "transport", transport_name(span->transport), "first",
					  (int)span->first, "last", (int)span->last, "label",
					  json_foreign(span->label, strlen(span->label)), "source",
					  json_foreign(span->source, strlen(span->source))));
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s?}", "schema", "portscribe.explain.v1",
			 "what", json_foreign(what->text, strlen(what->text)), "ports", ranges,
			 "services", services, "spans", spans, "counters", json_counts(what, facts),
			 "counters_missing", facts->counters_missing);
}
