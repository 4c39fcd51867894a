/*
 * The number first, then the name that is registered, then what is known of it,
 * the most telling first. Cut from the end where it is too long: the number and
 * the listener never.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "explain/sheet.h"
#include "explain/verdict.h"
#include "render/text.h"
#include "util/cleanup.h"

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
static void print_names(FILE *out, const struct subject *subject, const struct registry *registry)
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
		if (named != left || *separator == ',')
			fprintf(out, " (%s)", transports_text(text, sizeof(text), named));
		left &= ~named;
		separator = ", ";
	}
}

static const char *kind_note(const struct overlay *overlay)
{
	switch (overlay->kind) {
	case OVERLAY_LEGACY: return ", likely legacy";
	case OVERLAY_DEAD: return ", dead";
	default: return "";
	}
}

/* How much is said of the uses in practice, from all to one. */
enum extent {
	EXTENT_TWO, /* "node_exporter or JetDirect", "Grafana, Gitea or others" */
	EXTENT_ONE, /* "node_exporter or others" */
	EXTENT_COUNT,
};

static void print_practice(FILE *out, const struct subject *subject,
			   const struct knowledge *knowledge, const struct overlay *first,
			   enum extent extent)
{
	const struct overlay *row = first, *second = NULL;
	unsigned int others = 0;

	while ((row = subject_practice(subject, knowledge, row))) {
		if (row->kind == OVERLAY_ABUSE || row->kind == OVERLAY_DEAD)
			continue;
		second = others++ ? second : row;
	}
	if (!first->registered)
		fputs(overlay_is_history(first) ? "once " : "in practice ", out);
	/* "22 ssh: SSH" says nothing; its sentence does. */
	if (first->registered && first->text.length && !others &&
	    !slice_adds_to_name(first->label,
				knowledge_name(knowledge, first->transports, subject->port)))
		fprintf(out, "%.*s%s", SLICE_ARGS(first->text), kind_note(first));
	else
		fprintf(out, "%.*s%s", SLICE_ARGS(first->label), kind_note(first));
	if (others && extent == EXTENT_TWO)
		fprintf(out, "%s%.*s", others > 1 ? ", " : " or ", SLICE_ARGS(second->label));
	if (others > 1 || (others && extent == EXTENT_ONE))
		fputs(" or others", out);
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
			const char *before)
{
	const struct span *tcp = narrowest_span(subject, knowledge, TRANSPORT_TCP);
	const struct span *udp = narrowest_span(subject, knowledge, TRANSPORT_UDP);

	if (tcp)
		fprintf(out, "%s in %s %u-%u/tcp", before, tcp->label, tcp->first, tcp->last);
	if (udp && !(tcp && !strcmp(tcp->name, udp->name)))
		fprintf(out, "%s%s%s %u-%u/udp", tcp ? "" : before, tcp ? " or " : " in ",
			udp->label, udp->first, udp->last);
	return tcp || udp;
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
static void print_meaning(FILE *out, const struct subject *subject,
			  const struct explain_facts *facts, enum extent extent)
{
	const struct knowledge *knowledge = &facts->scene->knowledge;
	const struct overlay *practice = most_telling(subject, knowledge);
	const struct service *service = described(subject, knowledge);

	if (practice) {
		fputs(": ", out);
		print_practice(out, subject, knowledge, practice, extent);
	} else if (service) {
		fprintf(out, ": %.*s", SLICE_ARGS(service->description));
	}
	if (practice)
		return;
	if (!print_spans(out, subject, knowledge, service ? ";" : ":") &&
	    subject_is_ephemeral(subject, facts->scene))
		fprintf(out, "%s in this host's ephemeral range", service ? ";" : ":");
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

/* Cut @middle by words so that all three fit into a line. Returns a new string. */
static char *join_cut(const char *head, const char *middle, const char *tail)
{
	size_t taken = text_width(head) + text_width(tail), width = text_width(middle);
	size_t room = taken < SHEET_COLUMNS ? SHEET_COLUMNS - taken : 0, bytes = 0, at = 0;
	char *joined;

	if (width <= room)
		return asprintf(&joined, "%s%s%s", head, middle, tail) < 0 ? NULL : joined;
	/* " ..." takes four columns. */
	for (width = 0; middle[at] && width + 4 <= room; at++) {
		if (middle[at] == ' ')
			bytes = at;
		width += (middle[at] & 0xc0) != 0x80;
	}
	while (bytes && strchr(" ;:,", middle[bytes - 1]))
		bytes--;
	return asprintf(&joined, "%s%.*s%s%s", head, (int)bytes, middle, bytes ? " ..." : "",
			tail) < 0
		       ? NULL
		       : joined;
}

struct pieces {
	char *text[3]; /* owned: head, middle, tail */
	size_t size[3];
};

static void pieces_release(struct pieces *pieces)
{
	for (int i = 0; i < 3; i++)
		free(pieces->text[i]);
}

static char *pieces_join(const struct pieces *pieces)
{
	for (int i = 0; i < 3; i++)
		if (!pieces->text[i])
			return NULL;
	return join_cut(pieces->text[0], pieces->text[1], pieces->text[2]);
}

static FILE *piece_open(struct pieces *pieces, int i)
{
	return open_memstream(&pieces->text[i], &pieces->size[i]);
}

static bool fits(const struct pieces *pieces)
{
	size_t width = 0;

	for (int i = 0; i < 3; i++)
		width += text_width(pieces->text[i]);
	return width <= SHEET_COLUMNS;
}

/* A verdict of that much, and whether it fits; NULL: no memory. */
static char *make(const struct subject *subject, const struct explain_facts *facts,
		  enum extent extent, bool *ret_fits)
{
	_cleanup_(pieces_release) struct pieces pieces = {};
	_cleanup_fclose_ FILE *head = piece_open(&pieces, 0);
	_cleanup_fclose_ FILE *middle = piece_open(&pieces, 1);
	_cleanup_fclose_ FILE *tail = piece_open(&pieces, 2);
	uint8_t asked = subject->transports;
	char text[32];

	if (!head || !middle || !tail)
		return NULL;
	fprintf(head, "%u", subject->port);
	if (asked != TRANSPORTS_ALL && !(asked & (asked - 1)))
		fprintf(head, "/%s", transports_text(text, sizeof(text), asked));
	print_names(head, subject, facts->scene->knowledge.registry);
	print_meaning(middle, subject, facts, extent);
	print_listening(tail, subject_listening(subject, facts), asked, facts);
	if (fflush(head) || fflush(middle) || fflush(tail))
		return NULL;
	*ret_fits = fits(&pieces);
	return pieces_join(&pieces);
}

char *verdict_make(const struct subject *subject, const struct explain_facts *facts)
{
	enum extent extent = EXTENT_TWO;
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

char *verdict_make_range(const struct what *what, const struct explain_facts *facts)
{
	const struct knowledge *knowledge = &facts->scene->knowledge;
	const struct span *span = span_named(what, knowledge);
	unsigned int names = names_in(what, knowledge), listening;
	_cleanup_(pieces_release) struct pieces pieces = {};
	_cleanup_fclose_ FILE *head = piece_open(&pieces, 0);
	_cleanup_fclose_ FILE *middle = piece_open(&pieces, 1);
	_cleanup_fclose_ FILE *tail = piece_open(&pieces, 2);

	if (!head || !middle || !tail)
		return NULL;
	print_ranges(head, what);
	if (what->by_name)
		fprintf(head, " %s", span ? span->name : what->text);
	if (span)
		fprintf(middle, ": %s; %u name%s in it", span->label, names, names == 1 ? "" : "s");
	else
		fprintf(middle, ": %u port%s, %u named", ports_in(what),
			ports_in(what) == 1 ? "" : "s", names);
	if (facts->listeners) {
		listening = listening_in(what, facts->listeners);
		if (listening)
			fprintf(tail, "; somebody listens on %u", listening);
		else
			fputs("; nobody listens here", tail);
	}
	if (fflush(head) || fflush(middle) || fflush(tail))
		return NULL;
	return pieces_join(&pieces);
}
