/*
 * The number first, then the name that is registered, then what is known of it,
 * the most telling first. Where that is too long for a line less is said, and at
 * last words are cut: the number and the listener never.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "explain/sheet.h"
#include "explain/verdict.h"
#include "render/text.h"
#include "util/cleanup.h"

/* How much is said. */
enum extent {
	EXTENT_ALL,   /* "node_exporter or JetDirect", "Grafana, Gitea or others"; both spans */
	EXTENT_LESS,  /* "node_exporter or others"; the narrowest span */
	EXTENT_LEAST, /* no span beside a description; names without their transports */
	EXTENT_COUNT,
};

enum part {
	HEAD,
	MIDDLE, /* words may be cut from its end */
	TAIL,
	PART_COUNT,
};

struct line {
	FILE *out[PART_COUNT];
	char *text[PART_COUNT]; /* owned, like @out */
	size_t size[PART_COUNT];
};

static void line_release(struct line *line)
{
	for (int i = 0; i < PART_COUNT; i++) {
		if (line->out[i])
			fclose(line->out[i]);
		free(line->text[i]);
	}
}

/* False: no memory. */
static bool line_open(struct line *line)
{
	for (int i = 0; i < PART_COUNT; i++) {
		line->out[i] = open_memstream(&line->text[i], &line->size[i]);
		if (!line->out[i])
			return false;
	}
	return true;
}

#define DOTS " ..."

static size_t less(size_t a, size_t b)
{
	return a > b ? a - b : 0;
}

/* Bytes of @text that fit into @columns with dots behind them: words, or of one word the start. */
static size_t cut(const char *text, size_t columns, bool word)
{
	size_t bytes = text_fitting(text, less(columns, strlen(DOTS)));

	while (!word && bytes && text[bytes] != ' ')
		bytes--;
	while (bytes && strchr(" ;:,", text[bytes - 1]))
		bytes--;
	return bytes;
}

/* The parts as one line, and whether they fit into it; NULL: no memory. */
static char *line_join(struct line *line, bool *ret_fits)
{
	size_t tail, head, middle, bytes[2];
	char *joined;

	for (int i = 0; i < PART_COUNT; i++)
		if (fflush(line->out[i]))
			return NULL;
	tail = text_width(line->text[TAIL]);
	head = text_width(line->text[HEAD]);
	middle = text_width(line->text[MIDDLE]);
	*ret_fits = head + middle + tail <= SHEET_COLUMNS;
	bytes[HEAD] = strlen(line->text[HEAD]);
	bytes[MIDDLE] = strlen(line->text[MIDDLE]);
	if (!*ret_fits)
		bytes[MIDDLE] = cut(line->text[MIDDLE], less(SHEET_COLUMNS, head + tail), false);
	/* Names may be as long as a foreign registry likes. */
	if (head + tail > SHEET_COLUMNS)
		bytes[HEAD] = cut(line->text[HEAD], less(SHEET_COLUMNS, tail), true);
	if (asprintf(&joined, "%.*s%s%.*s%s%s", (int)bytes[HEAD], line->text[HEAD],
		     line->text[HEAD][bytes[HEAD]] ? DOTS : "", (int)bytes[MIDDLE],
		     line->text[MIDDLE],
		     bytes[MIDDLE] && line->text[MIDDLE][bytes[MIDDLE]] ? DOTS : "",
		     line->text[TAIL]) < 0)
		return NULL;
	return joined;
}

/* The transports on which the port has the name of @first. */
static uint8_t transports_named(const struct subject *subject, const struct registry *registry,
				struct slice name)
{
	uint8_t named = 0;

	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		struct slice other = registry_name(registry, transport, subject->port);

		if (subject->transports >> transport & 1 && slice_same_name(other, name))
			named |= 1 << transport;
	}
	return named;
}

static void print_status(FILE *out, const struct subject *subject, const struct registry *registry)
{
	const struct service *service = NULL;

	while ((service = registry_next_by_port(registry, subject->port, service)))
		if (service->status == SERVICE_RESERVED &&
		    service->transports & subject->transports) {
			fputs(" reserved", out);
			return;
		}
	fputs(subject->port >= PORT_DYNAMIC_FIRST ? " dynamic" : " unassigned", out);
}

/* " ssh", or " shell (tcp), syslog (udp)" where the transports differ. */
static void print_names(FILE *out, const struct subject *subject, const struct registry *registry,
			enum extent extent)
{
	uint8_t left = subject->transports & TRANSPORTS_ALL, all = 0;
	const char *separator = " ";
	char text[32];

	for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
		if (registry_name(registry, transport, subject->port).length)
			all |= 1 << transport;
	left &= all;
	if (!left)
		print_status(out, subject, registry);
	for (int transport = 0; left; transport++) {
		struct slice name = registry_name(registry, transport, subject->port);
		uint8_t named;

		if (!(left >> transport & 1))
			continue;
		named = transports_named(subject, registry, name) & left;
		fprintf(out, "%s%.*s", separator, SLICE_ARGS(name));
		if (extent != EXTENT_LEAST && (named != left || *separator == ','))
			fprintf(out, " (%s)", transports_text(text, sizeof(text), named));
		left &= ~named;
		separator = ", ";
	}
}

/* "22 ssh: SSH" says nothing; its sentence does. */
static bool needs_sentence(const struct overlay *row, const struct subject *subject,
			   const struct knowledge *knowledge)
{
	return row->registered && row->text.length &&
	       !slice_adds_to_name(row->label,
				   knowledge_name(knowledge, row->transports, subject->port));
}

static void print_practice(struct line *line, const struct subject *subject,
			   const struct knowledge *knowledge, const struct overlay *first,
			   enum extent extent)
{
	const struct overlay *row = first, *second = NULL;
	FILE *middle = line->out[MIDDLE], *tail = line->out[TAIL];
	unsigned int others = 0;

	while ((row = subject_practice(subject, knowledge, row))) {
		if (row->kind == OVERLAY_ABUSE || row->kind == OVERLAY_DEAD)
			continue;
		second = others++ ? second : row;
	}
	if (!others && needs_sentence(first, subject, knowledge)) {
		fprintf(middle, "%s: %.*s", practice_note(first), SLICE_ARGS(first->text));
		return;
	}
	fprintf(middle, ": %s%.*s", practice_lead(first), SLICE_ARGS(first->label));
	if (others && extent == EXTENT_ALL)
		fprintf(middle, "%s%s%.*s%s", practice_note(first), others > 1 ? ", " : " or ",
			SLICE_ARGS(second->label), others > 1 ? " or others" : "");
	else
		fprintf(tail, "%s%s", practice_note(first), others ? " or others" : "");
}

static const struct span *narrowest_span(const struct subject *subject,
					 const struct knowledge *knowledge,
					 enum transport transport)
{
	const struct span *narrowest = NULL;

	for (size_t i = 0; i < knowledge->spans.count; i++) {
		const struct span *span = &knowledge->spans.spans[i];

		if (subject_in_span(subject, span) && span->transport == transport &&
		    span->last - span->first < SPAN_SMALL &&
		    (!narrowest || span->last - span->first < narrowest->last - narrowest->first))
			narrowest = span;
	}
	return narrowest;
}

/* " in SAP dispatcher 3200-3299/tcp or Citrix Framehawk 3224-3324/udp"; false: in none. */
static bool print_spans(FILE *out, const struct subject *subject, const struct knowledge *knowledge,
			const char *before, enum extent extent)
{
	const struct span *spans[] = { narrowest_span(subject, knowledge, TRANSPORT_TCP),
				       narrowest_span(subject, knowledge, TRANSPORT_UDP) };
	bool both = spans[0] && spans[1] && strcmp(spans[0]->name, spans[1]->name);
	const struct span *narrow = spans[0];

	if (!narrow || (both && spans[1]->last - spans[1]->first < narrow->last - narrow->first))
		narrow = spans[1];
	if (!narrow)
		return false;
	fprintf(out, "%s in ", before);
	if (both && extent == EXTENT_ALL)
		fprintf(out, "%s %u-%u/tcp or %s %u-%u/udp", spans[0]->label, spans[0]->first,
			spans[0]->last, spans[1]->label, spans[1]->first, spans[1]->last);
	else if (extent == EXTENT_LEAST)
		fputs(narrow->label, out);
	else
		fprintf(out, "%s %u-%u/%s", narrow->label, narrow->first, narrow->last,
			transport_name(narrow->transport));
	return true;
}

static const struct service *described(const struct subject *subject,
				       const struct knowledge *knowledge)
{
	const struct service *service = NULL;

	while ((service = subject_service(subject, knowledge, service)))
		if (service->status == SERVICE_ASSIGNED &&
		    slice_adds_to_name(service->description, service->name))
			break;
	return service;
}

/* What says most about the port: not abuse; history only of a number without a name. */
static const struct overlay *most_telling(const struct subject *subject,
					  const struct knowledge *knowledge)
{
	const struct overlay *row = NULL, *history = NULL;

	while ((row = subject_practice(subject, knowledge, row))) {
		if (row->kind == OVERLAY_ABUSE)
			continue;
		if (!overlay_is_history(row))
			return row;
		if (!history)
			history = row;
	}
	return knowledge_name(knowledge, subject->transports, subject->port).length ? NULL
										    : history;
}

/* ": meaning", as long as it likes. */
static void print_meaning(struct line *line, const struct subject *subject,
			  const struct explain_facts *facts, enum extent extent)
{
	const struct knowledge *knowledge = &facts->scene->knowledge;
	const struct overlay *practice = most_telling(subject, knowledge);
	const struct service *service = described(subject, knowledge);
	FILE *middle = line->out[MIDDLE];

	if (practice) {
		print_practice(line, subject, knowledge, practice, extent);
		return;
	}
	if (service)
		fprintf(middle, ": %.*s", SLICE_ARGS(service->description));
	if (service && extent == EXTENT_LEAST)
		return;
	if (!print_spans(middle, subject, knowledge, service ? ";" : ":", extent) &&
	    subject_is_ephemeral(subject, facts->scene))
		fprintf(middle, "%s in this host's ephemeral range", service ? ";" : ":");
}

static void print_listening(FILE *out, uint8_t listening, uint8_t transports,
			    const struct explain_facts *facts)
{
	char text[32];

	if (!facts->listeners)
		return;
	if (!listening)
		fputs("; nobody listens here", out);
	else
		fprintf(out, "; somebody listens here (%s)",
			transports_text(text, sizeof(text), listening & transports));
}

/* A verdict of that much, and whether it fits; NULL: no memory. */
static char *make(const struct subject *subject, const struct explain_facts *facts,
		  enum extent extent, bool *ret_fits)
{
	_cleanup_(line_release) struct line line = {};
	uint8_t asked = subject->transports;
	char text[32];

	if (!line_open(&line))
		return NULL;
	fprintf(line.out[HEAD], "%u", subject->port);
	if (asked != TRANSPORTS_ALL && !(asked & (asked - 1)))
		fprintf(line.out[HEAD], "/%s", transports_text(text, sizeof(text), asked));
	print_names(line.out[HEAD], subject, facts->scene->knowledge.registry, extent);
	print_meaning(&line, subject, facts, extent);
	print_listening(line.out[TAIL], subject_listening(subject, facts), asked, facts);
	return line_join(&line, ret_fits);
}

char *verdict_make(const struct subject *subject, const struct explain_facts *facts)
{
	enum extent extent = EXTENT_ALL;
	bool fits = false;
	char *verdict = make(subject, facts, extent, &fits);

	while (verdict && !fits && ++extent < EXTENT_COUNT) {
		free(verdict);
		verdict = make(subject, facts, extent, &fits);
	}
	return verdict;
}

static void print_ranges(FILE *out, const struct what *what)
{
	char text[32];

	for (size_t i = 0; i < what->count; i++) {
		const struct port_range *range = &what->ranges[i];

		fprintf(out, "%s%u", i ? ", " : "", range->first);
		if (range->last != range->first)
			fprintf(out, "-%u", range->last);
		if (range->transports != TRANSPORTS_ALL)
			fprintf(out, "/%s", transports_text(text, sizeof(text), range->transports));
	}
}

static unsigned int names_in(const struct what *what, const struct knowledge *knowledge)
{
	unsigned int names = 0;

	for (size_t i = 0; i < what->count; i++)
		for (unsigned int port = what->ranges[i].first; port <= what->ranges[i].last;
		     port++)
			names +=
				knowledge_name(knowledge, what->ranges[i].transports, port).length >
				0;
	return names;
}

static unsigned int ports_in(const struct what *what)
{
	unsigned int ports = 0;

	for (size_t i = 0; i < what->count; i++)
		ports += what->ranges[i].last - what->ranges[i].first + 1;
	return ports;
}

static unsigned int listening_in(const struct what *what, const struct listener_ports *listeners)
{
	unsigned int count = 0;

	for (size_t i = 0; i < what->count; i++)
		for (unsigned int port = what->ranges[i].first; port <= what->ranges[i].last;
		     port++)
			for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
				if (what->ranges[i].transports >> transport & 1 &&
				    listener_on(listeners, transport, port)) {
					count++;
					break;
				}
	return count;
}

static const struct span *span_named(const struct what *what, const struct knowledge *knowledge)
{
	for (size_t i = 0; what->span[0] && i < knowledge->spans.count; i++)
		if (!strcmp(knowledge->spans.spans[i].name, what->span))
			return &knowledge->spans.spans[i];
	return NULL;
}

/* "Citrix Framehawk; 100 names in it", "3 ports, 3 named"; the first of it, or nothing. */
static void print_contents(FILE *out, const struct what *what, const struct knowledge *knowledge,
			   enum extent extent)
{
	const struct span *span = span_named(what, knowledge);
	unsigned int names = names_in(what, knowledge), ports = ports_in(what);

	if (span)
		fprintf(out, ": %s", span->label);
	if (span && extent == EXTENT_ALL)
		fprintf(out, "; %u name%s in it", names, names == 1 ? "" : "s");
	if (!span && extent == EXTENT_ALL)
		fprintf(out, ": %u port%s, %u named", ports, ports == 1 ? "" : "s", names);
}

static char *make_range(const struct what *what, const struct explain_facts *facts,
			enum extent extent, bool *ret_fits)
{
	const struct knowledge *knowledge = &facts->scene->knowledge;
	_cleanup_(line_release) struct line line = {};
	unsigned int listening;

	if (!line_open(&line))
		return NULL;
	print_ranges(line.out[HEAD], what);
	if (what->by_name)
		fprintf(line.out[HEAD], " %s", what->span[0] ? what->span : what->text);
	print_contents(line.out[MIDDLE], what, knowledge, extent);
	listening = facts->listeners ? listening_in(what, facts->listeners) : 0;
	if (listening)
		fprintf(line.out[TAIL], "; somebody listens on %u of them", listening);
	else if (facts->listeners)
		fputs("; nobody listens here", line.out[TAIL]);
	return line_join(&line, ret_fits);
}

char *verdict_make_range(const struct what *what, const struct explain_facts *facts)
{
	bool fits = false;
	char *verdict = make_range(what, facts, EXTENT_ALL, &fits);

	if (verdict && !fits) {
		free(verdict);
		verdict = make_range(what, facts, EXTENT_LEAST, &fits);
	}
	return verdict;
}
