/*
 * Scores are plain arithmetic: what this machine shows goes before what is
 * known of the number, software that lives before software that is replaced,
 * and that before what is dead.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain/likely.h"
#include "render/text.h"
#include "util/cleanup.h"

enum {
	SCORE_LISTENER = 100,
	SCORE_KNOCKING = 90,
	SCORE_PEER = 85,
	SCORE_PRACTICE = 60, /* and 10 for each step of confidence */
	SCORE_EPHEMERAL = 65,
	SCORE_LEGACY = 45,
	SCORE_SPAN = 42, /* of some ports; less of many, which may be there for anything */
	SCORE_SPAN_WIDE = 25,
	SCORE_REGISTERED = 35,
	SCORE_ABUSE = 10,
	SCORE_ELSE = 30, /* than what is dead */
	SCORE_LEAST = 5,

	MORE_LOCAL = 15,       /* the administrator says so */
	MORE_COMPANION = 15,   /* a companion is active too */
	MORE_SPAN = 45,	       /* other ports of the span are active too */
	LESS_CONDITION = 15,   /* only on some hosts */
	LESS_SPAN_SILENT = 25, /* counted, and none of them is */
};

/* How many ports of a span are named as active. */
#define SPAN_PORTS_NAMED 4

struct finding {
	const struct subject *subject;
	const struct explain_facts *facts;
	const struct knowledge *knowledge;
	struct explanations *found;
};

static void add(struct explanations *found, int score, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add(struct explanations *found, int score, const char *format, ...)
{
	struct explanation *items;
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		found->failed = true;
		return;
	}
	if (found->count == found->room) {
		found->room = found->room ? found->room * 2 : 8;
		items = reallocarray(found->items, found->room, sizeof(*items));
		if (!items) {
			free(text);
			found->failed = true;
			return;
		}
		found->items = items;
	}
	found->items[found->count++] = (struct explanation){ score, found->count, text };
}

static void find_listener(const struct finding *finding)
{
	uint8_t listening = subject_listening(finding->subject, finding->facts);
	char text[32];

	if (listening)
		add(finding->found, SCORE_LISTENER, "the program that listens here on %s",
		    transports_text(text, sizeof(text), listening));
}

static void find_knocking(const struct finding *finding)
{
	const struct snapshot *traffic = finding->facts->traffic;
	uint16_t port = finding->subject->port;
	char number[32];

	if (!traffic || !(finding->subject->transports & SERVICE_TCP) || !traffic->attempts[port] ||
	    traffic->answers[port])
		return;
	add(finding->found, SCORE_KNOCKING,
	    "a scan, or a client that expects a service: %s attempt%s at %u/tcp, no answer",
	    text_count(number, sizeof(number), traffic->attempts[port]),
	    traffic->attempts[port] == 1 ? "" : "s", port);
}

static void find_peer(const struct finding *finding)
{
	const struct snapshot *traffic = finding->facts->traffic;
	const struct subject *subject = finding->subject;
	uint64_t packets = traffic ? peer_packets(traffic, subject->transports, subject->port) : 0;
	char number[32];

	if (!packets || subject_is_ephemeral(subject, finding->facts->scene))
		return;
	text_count(number, sizeof(number), packets);
	if (finding->facts->scene->forwards)
		add(finding->found, SCORE_PEER,
		    "a client of somebody's port %u, this host or one behind it: %s packets so far",
		    subject->port, number);
	else
		add(finding->found, SCORE_PEER,
		    "this host as a client of somebody's port %u: %s packets so far", subject->port,
		    number);
}

static void find_ephemeral(const struct finding *finding)
{
	const struct scene *scene = finding->facts->scene;
	uint8_t listening = subject_listening(finding->subject, finding->facts);

	if (!subject_is_ephemeral(finding->subject, scene))
		return;
	add(finding->found, listening ? SCORE_LEAST : SCORE_EPHEMERAL,
	    "a client's own port: %u lies in this host's ephemeral range %u-%u",
	    finding->subject->port, scene->ephemeral_first, scene->ephemeral_last);
}

/* "; 3068 ls3bcast is active too": the sure companions. Returns what it adds to the score. */
static int print_companions(const struct finding *finding, FILE *out)
{
	const struct snapshot *traffic = finding->facts->traffic;
	uint16_t port = finding->subject->port;
	const struct companion *companion;
	size_t at = 0;
	int more = 0;

	while ((companion = subject_companion(finding->subject, finding->knowledge, &at))) {
		uint16_t other = companion_of(companion, port);
		struct slice name =
			companion->main == port ? companion->other_name : companion->main_name;

		if (companion->rule != COMPANION_TLS && companion->rule != COMPANION_ROLE &&
		    companion->rule != COMPANION_HAND)
			continue;
		if (traffic && local_packets(traffic, TRANSPORTS_ALL, other)) {
			fprintf(out, "; %u %.*s is active too", other, SLICE_ARGS(name));
			more = MORE_COMPANION;
		} else if (traffic && companion->rule == COMPANION_ROLE) {
			fprintf(out, "; nothing at %u %.*s, though", other, SLICE_ARGS(name));
		} else if (companion->rule == COMPANION_ROLE) {
			fprintf(out, "; expect %u %.*s too", other, SLICE_ARGS(name));
		}
	}
	return more;
}

static void print_practice(FILE *out, const struct overlay *row)
{
	switch (row->kind) {
	case OVERLAY_LEGACY:
		fprintf(out, "old %.*s", SLICE_ARGS(row->label));
		if (row->successor.length)
			fprintf(out, ", not replaced yet by %.*s", SLICE_ARGS(row->successor));
		return;
	case OVERLAY_DEAD:
		fprintf(out, "something else, since %.*s is dead", SLICE_ARGS(row->label));
		return;
	case OVERLAY_ABUSE:
		fprintf(out, "%.*s: only where other signs of it are found",
			SLICE_ARGS(row->label));
		break;
	default: fprintf(out, "%.*s", SLICE_ARGS(row->label));
	}
	if (row->condition.length)
		fprintf(out, ", %.*s", SLICE_ARGS(row->condition));
}

static int score_of(const struct overlay *row)
{
	int score;

	switch (row->kind) {
	case OVERLAY_LEGACY: score = SCORE_LEGACY; break;
	case OVERLAY_DEAD: score = SCORE_ELSE; break;
	case OVERLAY_ABUSE: score = SCORE_ABUSE; break;
	default: score = SCORE_PRACTICE + 10 * row->confidence;
	}
	if (row->condition.length && (row->kind == OVERLAY_USE || row->kind == OVERLAY_RISK))
		score -= LESS_CONDITION;
	return score + (row->local ? MORE_LOCAL : 0);
}

static void find_practice(const struct finding *finding)
{
	const struct overlay *row = NULL;

	while ((row = subject_practice(finding->subject, finding->knowledge, row))) {
		_cleanup_free_ char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);
		int score = score_of(row);

		if (!out) {
			finding->found->failed = true;
			return;
		}
		print_practice(out, row);
		if (row->registered && row->kind != OVERLAY_DEAD)
			score += print_companions(finding, out);
		if (fclose(out)) {
			finding->found->failed = true;
			return;
		}
		add(finding->found, score, "%s", text);
	}
}

static bool practice_tells(const struct finding *finding)
{
	const struct overlay *row = NULL;

	while ((row = subject_practice(finding->subject, finding->knowledge, row)))
		if (row->registered)
			return true;
	return false;
}

/* What is registered, where practice says nothing about it. */
static void find_registered(const struct finding *finding)
{
	const struct service *service = NULL;
	struct slice before = {};

	if (practice_tells(finding))
		return;
	while ((service = subject_service(finding->subject, finding->knowledge, service))) {
		_cleanup_free_ char *text = NULL;
		size_t size;
		FILE *out;
		int score = SCORE_REGISTERED;

		if (service->status != SERVICE_ASSIGNED || slice_same_name(service->name, before))
			continue;
		before = service->name;
		out = open_memstream(&text, &size);
		if (!out) {
			finding->found->failed = true;
			return;
		}
		fprintf(out, "%.*s, as registered", SLICE_ARGS(service->name));
		if (service->assignee.length)
			fprintf(out, " by %.*s", SLICE_ARGS(service->assignee));
		score += print_companions(finding, out);
		if (fclose(out)) {
			finding->found->failed = true;
			return;
		}
		add(finding->found, score, "%s", text);
	}
}

/* "3224, 3231 and 12 more": the other active ports of @span. Returns how many. */
static unsigned int print_active(const struct finding *finding, const struct overlay *span,
				 FILE *out)
{
	unsigned int active = 0;

	for (unsigned int port = span->first; port <= span->last; port++) {
		if (port == finding->subject->port ||
		    !local_packets(finding->facts->traffic, span->transports, port))
			continue;
		if (active++ < SPAN_PORTS_NAMED)
			fprintf(out, "%s%u", active > 1 ? ", " : "", port);
	}
	if (active > SPAN_PORTS_NAMED)
		fprintf(out, " and %u more", active - SPAN_PORTS_NAMED);
	return active;
}

static void find_span(const struct finding *finding, const struct overlay *span)
{
	_cleanup_free_ char *ports = NULL;
	size_t size;
	FILE *out;
	unsigned int active;
	char transports[32];
	int score = span->last - span->first < SPAN_SMALL ? SCORE_SPAN : SCORE_SPAN_WIDE;

	transports_text(transports, sizeof(transports), span->transports);
	if (!finding->facts->traffic || span->last - span->first >= SPAN_NARROW) {
		add(finding->found, score, "%.*s (%u-%u/%s)", SLICE_ARGS(span->label), span->first,
		    span->last, transports);
		return;
	}
	out = open_memstream(&ports, &size);
	if (!out) {
		finding->found->failed = true;
		return;
	}
	active = print_active(finding, span, out);
	if (fclose(out)) {
		finding->found->failed = true;
		return;
	}
	if (active)
		add(finding->found, score + MORE_SPAN, "%.*s: %s of its %u-%u/%s %s active too",
		    SLICE_ARGS(span->label), ports, span->first, span->last, transports,
		    active == 1 ? "is" : "are");
	else
		add(finding->found, score - LESS_SPAN_SILENT,
		    "%.*s, but no other port of its %u-%u/%s was active", SLICE_ARGS(span->label),
		    span->first, span->last, transports);
}

/* Those that somebody uses without having registered them. */
static void find_spans(const struct finding *finding)
{
	const struct overlay *row = NULL;

	while ((row = overlay_next_by_port(&finding->knowledge->overlays, finding->subject->port,
					   row)))
		if (row->kind == OVERLAY_SPAN && !row->registered &&
		    row->transports & finding->subject->transports)
			find_span(finding, row);
}

static int compare(const void *left, const void *right)
{
	const struct explanation *a = left, *b = right;

	if (a->score != b->score)
		return a->score < b->score ? 1 : -1;
	return a->order < b->order ? -1 : 1;
}

int explanations_find(const struct subject *subject, const struct explain_facts *facts,
		      struct explanations *ret_explanations)
{
	struct explanations found = {};
	const struct finding finding = { subject, facts, &facts->scene->knowledge, &found };

	find_listener(&finding);
	find_knocking(&finding);
	find_peer(&finding);
	find_practice(&finding);
	find_registered(&finding);
	find_spans(&finding);
	find_ephemeral(&finding);
	if (found.failed) {
		explanations_release(&found);
		return -ENOMEM;
	}
	if (found.count)
		qsort(found.items, found.count, sizeof(*found.items), compare);
	*ret_explanations = found;
	return 0;
}

void explanations_release(struct explanations *explanations)
{
	for (size_t i = 0; i < explanations->count; i++)
		free(explanations->items[i].text);
	free(explanations->items);
	*explanations = (struct explanations){};
}
