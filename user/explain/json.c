/* The answer for programs: everything that is known, unranked but for `likely`. */
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"
#include "explain/hints.h"
#include "explain/likely.h"
#include "explain/range.h"
#include "explain/subject.h"
#include "explain/verdict.h"
#include "render/json.h"
#include "util/cleanup.h"

#define HINTS_MOST 8

static const char *class_word(uint16_t port)
{
	return port >= PORT_DYNAMIC_FIRST ? "dynamic" : port >= 1024 ? "user" : "system";
}

static json_t *json_ranges(const struct what *what)
{
	json_t *ranges = json_array();

	for (size_t i = 0; i < what->count; i++)
		json_array_append_new(ranges,
				      json_pack("{s:i, s:i, s:o, s:s}", "first",
						(int)what->ranges[i].first, "last",
						(int)what->ranges[i].last, "transports",
						json_transports(what->ranges[i].transports),
						"class", class_word(what->ranges[i].first)));
	return ranges;
}

static bool touches(const struct what *what, uint8_t transports, uint16_t first, uint16_t last)
{
	for (size_t i = 0; i < what->count; i++)
		if ((what->ranges[i].transports & transports ||
		     what->ranges[i].transports == TRANSPORTS_ALL) &&
		    what->ranges[i].first <= last && what->ranges[i].last >= first)
			return true;
	return false;
}

static uint16_t last_port(const struct what *what)
{
	uint16_t last = 0;

	for (size_t i = 0; i < what->count; i++)
		if (what->ranges[i].last > last)
			last = what->ranges[i].last;
	return last;
}

static json_t *json_service(const struct service *service)
{
	static const char *const status[] = { "assigned", "reserved", "unassigned" };
	json_t *object = json_object();

	json_object_set_new(object, "first", json_integer(service->first));
	json_object_set_new(object, "last", json_integer(service->last));
	json_object_set_new(object, "transports", json_transports(service->transports));
	json_object_set_new(object, "status", json_string(status[service->status]));
	json_object_set_new(object, "name", json_slice(service->name));
	json_object_set_new(object, "description", json_slice(service->description));
	json_object_set_new(object, "aliases", json_slice(service->aliases));
	json_object_set_new(object, "assignee", json_slice(service->assignee));
	json_object_set_new(object, "registered", json_slice(service->registered));
	json_object_set_new(object, "modified", json_slice(service->modified));
	json_object_set_new(object, "reference", json_slice(service->reference));
	json_object_set_new(object, "unauthorized", json_slice(service->unauthorized));
	json_object_set_new(object, "notes", json_slice(service->notes));
	json_object_set_new(object, "former", json_slice(service->former));
	json_object_set_new(object, "source", json_slice(service->source));
	return object;
}

static json_t *json_services(const struct what *what, const struct registry *registry)
{
	const struct service *service = NULL;
	json_t *services = json_array();

	while ((service = registry_next_in(registry, what->ranges[0].first, last_port(what),
					   service)))
		if (touches(what, service->transports, service->first, service->last))
			json_array_append_new(services, json_service(service));
	return services;
}

static json_t *json_overlay(const struct overlay *row)
{
	json_t *object = json_object();

	json_object_set_new(object, "first", json_integer(row->first));
	json_object_set_new(object, "last", json_integer(row->last));
	json_object_set_new(object, "transports", json_transports(row->transports));
	json_object_set_new(object, "kind", json_string(overlay_kind_word(row->kind)));
	json_object_set_new(object, "name", json_slice(row->name));
	json_object_set_new(object, "label", json_slice(row->label));
	json_object_set_new(object, "text", json_slice(row->text));
	json_object_set_new(object, "programs", json_slice(row->programs));
	json_object_set_new(object, "exposure",
			    row->exposure ? json_string(exposure_word(row->exposure))
					  : json_null());
	json_object_set_new(object, "registered", json_boolean(row->registered));
	json_object_set_new(object, "condition", json_slice(row->condition));
	json_object_set_new(object, "successor", json_slice(row->successor));
	json_object_set_new(object, "source", json_slice(row->source));
	json_object_set_new(object, "confidence", json_string(confidence_word(row->confidence)));
	json_object_set_new(object, "local", json_boolean(row->local));
	return object;
}

static json_t *json_practice(const struct what *what, const struct overlay_list *overlays)
{
	json_t *practice = json_array();

	for (size_t i = 0; i < overlays->count; i++) {
		const struct overlay *row = &overlays->rows[i];

		if (row->kind != OVERLAY_SPAN &&
		    touches(what, row->transports, row->first, row->last))
			json_array_append_new(practice, json_overlay(row));
	}
	return practice;
}

static json_t *json_spans(const struct what *what, const struct span_list *list)
{
	json_t *spans = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct span *span = &list->spans[i];

		if (touches(what, 1 << span->transport, span->first, span->last))
			json_array_append_new(
				spans,
				json_pack("{s:s, s:s, s:i, s:i, s:o, s:o}", "name", span->name,
					  "transport", transport_name(span->transport), "first",
					  (int)span->first, "last", (int)span->last, "label",
					  json_foreign(span->label, strlen(span->label)), "source",
					  json_foreign(span->source, strlen(span->source))));
	}
	return spans;
}

static json_t *json_counts(const struct what *what, const struct explain_facts *facts)
{
	json_t *object;

	if (!facts->traffic)
		return json_null();
	object = json_pack("{s:o}", "since", json_time(facts->traffic->since));
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		struct range_sum sum =
			range_sum(facts->traffic, what->ranges, what->count, transport);

		json_object_set_new(
			object, transport_name(transport),
			json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "in",
				  (json_int_t)sum.count[SIDE_LOCAL][DIR_IN].packets, "out",
				  (json_int_t)sum.count[SIDE_LOCAL][DIR_OUT].packets, "peer_in",
				  (json_int_t)sum.count[SIDE_PEER][DIR_IN].packets, "peer_out",
				  (json_int_t)sum.count[SIDE_PEER][DIR_OUT].packets, "attempts",
				  (json_int_t)sum.attempts, "answers", (json_int_t)sum.answers));
	}
	return object;
}

static json_t *json_companions(const struct subject *subject, const struct knowledge *knowledge)
{
	const struct companion *companion;
	json_t *companions = json_array();
	size_t at = 0;

	while ((companion = subject_companion(subject, knowledge, &at))) {
		bool main = companion->main == subject->port;

		json_array_append_new(
			companions,
			json_pack("{s:i, s:o, s:o, s:b, s:s, s:o, s:s}", "port",
				  (int)companion_of(companion, subject->port), "name",
				  json_slice(main ? companion->other_name : companion->main_name),
				  "role", json_slice(companion->role), "role_is_of_companion", main,
				  "rule", companion_rule_word(companion->rule), "source",
				  json_slice(companion->source), "confidence",
				  confidence_word(companion->confidence)));
	}
	return companions;
}

static json_t *json_hints(const struct subject *subject, const struct knowledge *knowledge)
{
	const struct service *service = NULL;
	struct hint hints[HINTS_MOST];
	json_t *array = json_array();

	while ((service = subject_service(subject, knowledge, service))) {
		size_t count = hints_find(service->name, service->description, hints, HINTS_MOST);

		for (size_t i = 0; i < count; i++)
			json_array_append_new(array, json_pack("{s:o, s:o, s:s}", "name",
							       json_slice(service->name), "part",
							       json_slice(hints[i].part), "guess",
							       hints[i].meaning));
	}
	return array;
}

static json_t *json_likely(const struct subject *subject, const struct explain_facts *facts)
{
	struct explanations likely;
	json_t *array = json_array();

	if (explanations_find(subject, facts, &likely))
		return array;
	for (size_t i = 0; i < likely.count; i++)
		json_array_append_new(
			array, json_foreign(likely.items[i].text, strlen(likely.items[i].text)));
	explanations_release(&likely);
	return array;
}

static json_t *json_frequency(const struct subject *subject, const struct frequencies *frequencies)
{
	json_t *object = frequencies ? json_object() : json_null();
	double share;

	for (int transport = 0; frequencies && transport < TRANSPORT_COUNT; transport++)
		if (frequency_of(frequencies, transport, subject->port, &share))
			json_object_set_new(object, transport_name(transport), json_real(share));
	return object;
}

/* {"tcp": "any", "udp": "closed"}; null where it is not known. */
static json_t *json_reach(const struct explain_facts *facts)
{
	json_t *object = facts->admission_count ? json_object() : json_null();

	for (size_t i = 0; i < facts->admission_count; i++)
		json_object_set_new(
			object, transport_name(facts->admissions[i].transport),
			json_foreign(facts->admissions[i].text, strlen(facts->admissions[i].text)));
	return object;
}

/* What only one port has. */
static void set_subject(json_t *object, const struct subject *subject,
			const struct explain_facts *facts)
{
	const struct knowledge *knowledge = &facts->scene->knowledge;

	json_object_set_new(object, "companions", json_companions(subject, knowledge));
	json_object_set_new(object, "hints", json_hints(subject, knowledge));
	json_object_set_new(object, "likely", json_likely(subject, facts));
	json_object_set_new(object, "open_share", json_frequency(subject, facts->frequencies));
	json_object_set_new(object, "listening",
			    facts->listeners ? json_transports(subject_listening(subject, facts))
					     : json_null());
	json_object_set_new(object, "reach", json_reach(facts));
	json_object_set_new(object, "ephemeral",
			    json_boolean(subject_is_ephemeral(subject, facts->scene)));
}

json_t *explain_json(const struct what *what, const struct explain_facts *facts)
{
	const struct knowledge *knowledge = &facts->scene->knowledge;
	struct subject subject;
	bool one = subject_of(what, &subject);
	_cleanup_free_ char *verdict =
		one ? verdict_make(&subject, facts) : verdict_make_range(what, facts);
	json_t *object;

	if (!verdict)
		return NULL;
	object = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s?}", "schema",
			   "portscribe.explain.v1", "what",
			   json_foreign(what->text, strlen(what->text)), "verdict",
			   json_foreign(verdict, strlen(verdict)), "ports", json_ranges(what),
			   "services", json_services(what, knowledge->registry), "practice",
			   json_practice(what, &knowledge->overlays), "spans",
			   json_spans(what, &knowledge->spans), "counters",
			   json_counts(what, facts), "counters_missing", facts->counters_missing);

	if (object && one)
		set_subject(object, &subject, facts);
	return object;
}
