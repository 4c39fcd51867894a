/*
 * The answer about one port as a page of text: a verdict, then four headings.
 * The weights say what goes first where a page is too long.
 */
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"
#include "explain/hints.h"
#include "explain/likely.h"
#include "explain/range.h"
#include "explain/sheet.h"
#include "explain/subject.h"
#include "explain/verdict.h"
#include "render/text.h"
#include "util/cleanup.h"

/* What is left out last has the least weight; 0 is never left out. */
enum weight {
	WEIGHT_KEEP,
	WEIGHT_ASSIGNED,
	WEIGHT_PRACTICE,
	WEIGHT_LIKELY,
	WEIGHT_COUNTERS,
	WEIGHT_PRACTICE_SECOND,
	WEIGHT_UNAUTHORIZED,
	WEIGHT_COMPANION,
	WEIGHT_SPAN,
	WEIGHT_STATUS,
	WEIGHT_PRACTICE_MORE,
	WEIGHT_LIKELY_MORE,
	WEIGHT_PROGRAMS,
	WEIGHT_NAMES,
	WEIGHT_HINT,
	WEIGHT_NEIGHBOURS,
	WEIGHT_CLASS,
	WEIGHT_REGISTRANT,
	WEIGHT_FREQUENCY,
	WEIGHT_WIDE_SPAN,
	WEIGHT_NOTES,
	WEIGHT_CHECK_MORE,
};

#define HINTS_SHOWN	 3
#define REGISTRANT_SHOWN 6
#define NEIGHBOURS_SHOWN 6
#define PRACTICE_SHOWN	 3 /* in full; then only named */
#define LIKELY_SHOWN	 3 /* before others may be left out */

struct page {
	struct sheet sheet;
	const struct subject *subject;
	const struct explain_facts *facts;
	const struct knowledge *knowledge;
	bool verbose;
};

/* ---- what it is ---- */

/* RFC 6335, section 6. */
static void add_class(struct page *page)
{
	uint16_t port = page->subject->port;
	const char *text;

	if (port >= PORT_DYNAMIC_FIRST)
		text = "dynamic port (49152-65535): never registered; clients and private use";
	else if (port >= 1024)
		text = "user port (1024-49151): registered with IANA by whoever asked for it";
	else
		text = "system port (0-1023): registered by IETF review; binding needs privilege";
	sheet_add(&page->sheet, WEIGHT_CLASS, "%s", text);
}

/* "; RFC 4251" where there is something to say. */
#define MORE(before, slice) (slice).length ? (before) : "", SLICE_ARGS(slice)

static void add_details(struct page *page, const struct service *service)
{
	struct sheet *sheet = &page->sheet;

	if (service->aliases.length)
		sheet_add(sheet, WEIGHT_NAMES, "also called %.*s", SLICE_ARGS(service->aliases));
	if (service->former.length)
		sheet_add(sheet, WEIGHT_NAMES, "formerly registered as %.*s",
			  SLICE_ARGS(service->former));
	if (service->unauthorized.length)
		sheet_add(sheet, WEIGHT_UNAUTHORIZED, "on record at IANA: %.*s",
			  SLICE_ARGS(service->unauthorized));
	if (service->notes.length)
		sheet_add(sheet, WEIGHT_NOTES, "note of the registry: %.*s",
			  SLICE_ARGS(service->notes));
}

static void add_service(struct page *page, const struct service *service)
{
	char transports[32], numbers[32];
	struct slice description = service->description;

	transports_text(transports, sizeof(transports), service->transports);
	if (service->first == service->last)
		snprintf(numbers, sizeof(numbers), "%u", service->first);
	else
		snprintf(numbers, sizeof(numbers), "%u-%u", service->first, service->last);
	if (service->status != SERVICE_ASSIGNED) {
		sheet_add(&page->sheet, WEIGHT_STATUS, "%s/%s: %s", numbers, transports,
			  service->status == SERVICE_RESERVED ? "reserved, nobody may register it"
							      : "unassigned");
	} else {
		if (!slice_adds_to_name(description, service->name))
			description.length = 0;
		sheet_add(&page->sheet, WEIGHT_ASSIGNED, "%s/%s %.*s%s%.*s%s%.*s%s%.*s%s%.*s",
			  numbers, transports, SLICE_ARGS(service->name), MORE(": ", description),
			  MORE("; registered by ", service->assignee),
			  MORE(service->assignee.length ? ", " : "; registered ",
			       service->registered),
			  MORE("; ", service->reference));
	}
	add_details(page, service);
}

/* Who holds hundreds of numbers for everybody else says nothing about one of them. */
static bool is_body(struct slice assignee)
{
	return slice_equals(assignee, "IESG") || slice_equals(assignee, "IANA") ||
	       slice_equals(assignee, "IETF Chair");
}

static void add_registrant(struct page *page, const struct service *mine)
{
	const struct service *service = NULL, *before = NULL;
	size_t limit = page->verbose ? SIZE_MAX : REGISTRANT_SHOWN, count = 0, size;
	_cleanup_free_ char *list = NULL;
	FILE *out;

	if (!mine->assignee.length || is_body(mine->assignee))
		return;
	out = open_memstream(&list, &size);
	if (!out)
		return;
	while ((service = registry_next_by_assignee(page->knowledge->registry, mine->assignee,
						    service))) {
		if ((service->first <= page->subject->port &&
		     service->last >= page->subject->port) ||
		    service->status != SERVICE_ASSIGNED ||
		    (before && before->first == service->first))
			continue;
		before = service;
		if (count++ < limit)
			fprintf(out, "%s%u %.*s", count > 1 ? ", " : "", service->first,
				SLICE_ARGS(service->name));
	}
	if (count > limit)
		fprintf(out, ", +%zu more", count - limit);
	if (!fclose(out) && count)
		sheet_add(&page->sheet, WEIGHT_REGISTRANT, "the same registrant: %s", list);
}

static void add_services(struct page *page)
{
	const struct service *service = NULL, *assigned = NULL;

	while ((service = subject_service(page->subject, page->knowledge, service))) {
		add_service(page, service);
		if (!assigned && service->status == SERVICE_ASSIGNED)
			assigned = service;
	}
	if (assigned)
		add_registrant(page, assigned);
}

static bool is_neighbour(const struct companion *companion)
{
	return companion->rule == COMPANION_ASSIGNEE || companion->rule == COMPANION_GROUP ||
	       companion->rule == COMPANION_DESCRIPTION;
}

static void add_companion(struct page *page, const struct companion *companion)
{
	bool main = companion->main == page->subject->port;
	struct slice name = main ? companion->other_name : companion->main_name;
	char reason[256];

	if (companion->source.length)
		snprintf(reason, sizeof(reason), "%.*s", SLICE_ARGS(companion->source));
	else
		snprintf(reason, sizeof(reason), "%s", companion_rule_words(companion->rule));
	sheet_add(&page->sheet,
		  companion->rule == COMPANION_ROLE_FAR ? WEIGHT_NEIGHBOURS : WEIGHT_COMPANION,
		  "companion %u %.*s: %s %.*s [%s; %s]",
		  companion_of(companion, page->subject->port), SLICE_ARGS(name),
		  main ? "its" : "this is its", SLICE_ARGS(companion->role), reason,
		  confidence_word(companion->confidence));
}

static void add_companions(struct page *page)
{
	size_t limit = page->verbose ? SIZE_MAX : NEIGHBOURS_SHOWN, count = 0, at = 0, size;
	uint16_t port = page->subject->port;
	_cleanup_free_ char *neighbours = NULL;
	const struct companion *companion;
	const char *reason = NULL;
	FILE *out = open_memstream(&neighbours, &size);

	if (!out)
		return;
	while ((companion = subject_companion(page->subject, page->knowledge, &at))) {
		if (!is_neighbour(companion)) {
			add_companion(page, companion);
			continue;
		}
		if (!reason)
			reason = companion_rule_words(companion->rule);
		if (count++ < limit)
			fprintf(out, "%s%u %.*s", count > 1 ? ", " : "",
				companion_of(companion, port),
				SLICE_ARGS(companion->main == port ? companion->other_name
								   : companion->main_name));
	}
	if (count > limit)
		fprintf(out, ", +%zu more", count - limit);
	if (!fclose(out) && count)
		sheet_add(&page->sheet, WEIGHT_NEIGHBOURS, "beside it: %s [%s]", neighbours,
			  reason);
}

/* What the span means for the transports that it is not about. */
static void print_outside(const struct page *page, const struct overlay *span, char *text,
			  size_t size)
{
	uint8_t asked = page->subject->transports & (SERVICE_TCP | SERVICE_UDP);
	uint8_t outside = asked & ~span->transports;
	char transports[32];

	text[0] = '\0';
	if (outside)
		snprintf(text, size, "; %u/%s is outside", page->subject->port,
			 transports_text(transports, sizeof(transports), outside));
}

static void add_span(struct page *page, const struct overlay *span)
{
	char transports[32], outside[64], source[512];
	bool wide = span->last - span->first >= SPAN_SMALL;

	transports_text(transports, sizeof(transports), span->transports);
	print_outside(page, span, outside, sizeof(outside));
	if (wide && !page->verbose)
		sheet_add(&page->sheet, WEIGHT_WIDE_SPAN, "in %u-%u/%s %.*s (%.*s)%s", span->first,
			  span->last, transports, SLICE_ARGS(span->name), SLICE_ARGS(span->label),
			  outside);
	else
		sheet_add(&page->sheet, wide ? WEIGHT_WIDE_SPAN : WEIGHT_SPAN,
			  "in %u-%u/%s %.*s (%.*s)%s%.*s%s [%s; %s]", span->first, span->last,
			  transports, SLICE_ARGS(span->name), SLICE_ARGS(span->label),
			  MORE(": ", span->text), outside,
			  overlay_source(span, source, sizeof(source)),
			  confidence_word(span->confidence));
}

/* Narrow ones first: they say more. */
static int compare_spans(const void *left, const void *right)
{
	const struct overlay *a = *(const struct overlay *const *)left;
	const struct overlay *b = *(const struct overlay *const *)right;

	if (a->last - a->first != b->last - b->first)
		return a->last - a->first < b->last - b->first ? -1 : 1;
	return a < b ? -1 : a > b;
}

static void add_spans(struct page *page)
{
	const struct overlay_list *overlays = &page->knowledge->overlays;
	_cleanup_free_ const struct overlay **spans = calloc(overlays->count + 1, sizeof(*spans));
	const struct overlay *row = NULL;
	size_t count = 0;

	if (!spans) {
		page->sheet.failed = true;
		return;
	}
	while ((row = overlay_next_by_port(overlays, page->subject->port, row)))
		if (row->kind == OVERLAY_SPAN && !row->registered &&
		    row->transports & page->subject->transports)
			spans[count++] = row;
	qsort(spans, count, sizeof(*spans), compare_spans);
	for (size_t i = 0; i < count; i++)
		add_span(page, spans[i]);
}

static bool has_practice(const struct page *page)
{
	return subject_practice(page->subject, page->knowledge, NULL) != NULL;
}

static void add_hints(struct page *page)
{
	const struct service *service = NULL;
	struct hint hints[HINTS_SHOWN];
	size_t count;

	/* Guesses are for what nothing is known about. */
	if (has_practice(page) && !page->verbose)
		return;
	while ((service = subject_service(page->subject, page->knowledge, service)))
		if (service->status == SERVICE_ASSIGNED)
			break;
	if (!service)
		return;
	count = hints_find(service->name, service->description, hints, HINTS_SHOWN);
	for (size_t i = 0; i < count; i++) {
		bool whole = slice_same_name(hints[i].part, service->name);
		struct slice name = whole ? (struct slice){ "", 0 } : service->name;

		sheet_add(&page->sheet, WEIGHT_HINT, "a guess: \"%.*s\"%s%.*s often stands for %s",
			  SLICE_ARGS(hints[i].part), MORE(" in ", name), hints[i].meaning);
	}
}

/* ---- is it used today ---- */

static const char *lead(const struct overlay *row)
{
	switch (row->kind) {
	case OVERLAY_LEGACY: return "legacy: ";
	case OVERLAY_DEAD: return "dead: ";
	case OVERLAY_ABUSE: return "abused: ";
	default: return row->registered ? "as registered: " : "in practice: ";
	}
}

/* The first document where there are several: all of them with -v. Returns @target. */
static char *print_source(const struct page *page, const struct overlay *row, char *target,
			  size_t size)
{
	char *end = strchr(overlay_source(row, target, size), ';');

	if (end && !page->verbose)
		*end = '\0';
	return target;
}

static void add_practice(struct page *page, const struct overlay *row, unsigned int weight)
{
	const char *exposure = exposure_sentence(row);
	char transports[32] = "", source[512];

	if ((page->subject->transports & (SERVICE_TCP | SERVICE_UDP) & ~row->transports) ||
	    row->transports & SERVICE_SCTP)
		transports_text(transports, sizeof(transports), row->transports);
	sheet_add(&page->sheet, weight, "%s%.*s%s%s%s%s%.*s%s%.*s%s%s%s%.*s%s [%s; %s]", lead(row),
		  SLICE_ARGS(row->label), transports[0] ? " (" : "", transports,
		  transports[0] ? ")" : "", MORE(", ", row->condition), MORE(": ", row->text),
		  exposure[0] ? "; " : "", exposure, MORE("; ", row->successor),
		  row->successor.length ? " took over" : "",
		  print_source(page, row, source, sizeof(source)),
		  confidence_word(row->confidence));
}

static void add_frequencies(struct page *page)
{
	for (int transport = 0; page->facts->frequencies && transport < TRANSPORT_COUNT;
	     transport++) {
		double share;

		if (!(page->subject->transports >> transport & 1) ||
		    !frequency_of(page->facts->frequencies, transport, page->subject->port, &share))
			continue;
		if (share > 0)
			sheet_add(&page->sheet, WEIGHT_FREQUENCY,
				  "nmap's survey found %u/%s open on %.2g %% of hosts "
				  "[nmap-services]",
				  page->subject->port, transport_name(transport), share * 100);
		else if (page->verbose)
			sheet_add(&page->sheet, WEIGHT_FREQUENCY,
				  "nmap's survey did not find %u/%s open [nmap-services]",
				  page->subject->port, transport_name(transport));
	}
}

/* "also: cAdvisor, UniFi inform": the rows behind those that are told in full. */
static void add_also(struct page *page, const struct overlay *row)
{
	_cleanup_free_ char *list = NULL;
	size_t size;
	FILE *out = open_memstream(&list, &size);
	const char *separator = "";

	if (!out) {
		page->sheet.failed = true;
		return;
	}
	for (; row; row = subject_practice(page->subject, page->knowledge, row)) {
		fprintf(out, "%s%.*s", separator, SLICE_ARGS(row->label));
		separator = ", ";
	}
	if (fclose(out))
		page->sheet.failed = true;
	else
		sheet_add(&page->sheet, WEIGHT_PRACTICE_SECOND, "also: %s", list);
}

static void add_use(struct page *page)
{
	static const unsigned int weights[] = { WEIGHT_PRACTICE, WEIGHT_PRACTICE_SECOND,
						WEIGHT_PRACTICE_MORE };
	const struct overlay *row = NULL;
	size_t count = 0;

	sheet_head(&page->sheet, "Is it used today");
	while ((row = subject_practice(page->subject, page->knowledge, row))) {
		if (count == PRACTICE_SHOWN && !page->verbose) {
			add_also(page, row);
			break;
		}
		add_practice(page, row, weights[count < 2 ? count : 2]);
		count++;
	}
	if (!count)
		sheet_add(&page->sheet, WEIGHT_KEEP, "nothing known about its use in practice");
	add_frequencies(page);
}

/* ---- if you see traffic ---- */

static void add_admissions(struct page *page)
{
	const struct explain_facts *facts = page->facts;
	char text[TRANSPORT_COUNT * (REACH_BRIEF_MAX + 8)] = "";
	size_t length = 0;

	for (size_t i = 0; i < facts->admission_count && length < sizeof(text); i++)
		length += snprintf(text + length, sizeof(text) - length, "%s%s %s", i ? "; " : "",
				   transport_name(facts->admissions[i].transport),
				   facts->admissions[i].text);
	if (facts->admission_count)
		sheet_add(&page->sheet, WEIGHT_COUNTERS, "the firewall lets in: %s", text);
}

static void add_counters(struct page *page)
{
	const struct snapshot *traffic = page->facts->traffic;
	char since[32];

	if (!traffic) {
		sheet_add(&page->sheet, WEIGHT_COUNTERS, "counters left out: %s",
			  page->facts->counters_missing);
		return;
	}
	text_time(since, sizeof(since), traffic->since);
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		struct port_range range = { 1 << transport, page->subject->port,
					    page->subject->port };
		char *text;

		if (!(page->subject->transports >> transport & 1) ||
		    (transport == TRANSPORT_SCTP && page->subject->transports != SERVICE_SCTP &&
		     !local_packets(traffic, SERVICE_SCTP, page->subject->port)))
			continue;
		text = range_counts(traffic, &range, 1, transport);
		if (text)
			sheet_add(&page->sheet, WEIGHT_COUNTERS, "%s since %s: %s",
				  transport_name(transport), since, text);
		free(text);
	}
}

static void add_traffic(struct page *page)
{
	struct explanations likely;

	sheet_head(&page->sheet, "If you see traffic, most likely first");
	if (explanations_find(page->subject, page->facts, &likely)) {
		page->sheet.failed = true;
		return;
	}
	for (size_t i = 0; i < likely.count; i++)
		sheet_add(&page->sheet, i < LIKELY_SHOWN ? WEIGHT_LIKELY : WEIGHT_LIKELY_MORE,
			  "%zu %s", i + 1, likely.items[i].text);
	if (!likely.count)
		sheet_add(&page->sheet, WEIGHT_KEEP, "nothing is registered for %u to expect",
			  page->subject->port);
	explanations_release(&likely);
	add_counters(page);
	add_admissions(page);
}

/* ---- how to check ---- */

static void add_programs(struct page *page)
{
	const struct overlay *row = NULL;

	while ((row = subject_practice(page->subject, page->knowledge, row)))
		if (row->programs.length)
			sheet_add(&page->sheet, WEIGHT_PROGRAMS, "programs of %.*s: %.*s",
				  SLICE_ARGS(row->label), SLICE_ARGS(row->programs));
}

static void add_elsewhere(struct page *page)
{
	unsigned int port = page->subject->port;

	sheet_add(&page->sheet, WEIGHT_CHECK_MORE,
		  "on Windows: netstat -ano | findstr :%u, then tasklist /fi \"PID eq NUMBER\"",
		  port);
	sheet_add(&page->sheet, WEIGHT_CHECK_MORE,
		  "on macOS: lsof -nP -i :%u; on FreeBSD: sockstat -l -p %u", port, port);
	sheet_add(&page->sheet, WEIGHT_CHECK_MORE,
		  "of a scanner's report: did %u answer with words of its own, or does the name "
		  "beside it come from a table such as this one",
		  port);
}

/* Where SCTP is not asked for by name, ss looks for it only where it is found in practice. */
static uint8_t to_check(const struct page *page)
{
	const struct overlay *row = NULL;
	uint8_t found = 0;

	while ((row = subject_practice(page->subject, page->knowledge, row)))
		found |= row->transports;
	return page->subject->transports == TRANSPORTS_ALL
		       ? SERVICE_TCP | SERVICE_UDP | (found & SERVICE_SCTP)
		       : page->subject->transports;
}

static void add_check(struct page *page)
{
	uint8_t transports = page->subject->transports;
	unsigned int port = page->subject->port;
	char prefix[CHECK_MAX], option[CHECK_MAX];

	check_prefix(page->facts, prefix);
	sheet_head(&page->sheet, "How to check");
	sheet_add(&page->sheet, WEIGHT_KEEP, "%sss -Hln%sp 'sport = :%u'", prefix,
		  check_letters(to_check(page)), port);
	if (transports == SERVICE_TCP)
		sheet_add(&page->sheet, WEIGHT_KEEP, "%slsof -nP -iTCP:%u -sTCP:LISTEN", prefix,
			  port);
	else if (transports == SERVICE_UDP)
		sheet_add(&page->sheet, WEIGHT_KEEP, "%slsof -nP -iUDP:%u", prefix, port);
	else if (transports != SERVICE_SCTP)
		sheet_add(&page->sheet, WEIGHT_KEEP, "%slsof -nP -i :%u", prefix, port);
	add_programs(page);
	if (page->facts->traffic)
		sheet_add(&page->sheet, WEIGHT_CHECK_MORE, "portscribe show%s --watch %u",
			  check_option(page->facts, option), port);
	if (page->verbose)
		add_elsewhere(page);
}

static int print_port(FILE *out, const struct subject *subject, const struct explain_facts *facts,
		      bool verbose)
{
	struct page page = { .subject = subject,
			     .facts = facts,
			     .knowledge = &facts->scene->knowledge,
			     .verbose = verbose };
	_cleanup_free_ char *verdict = verdict_make(subject, facts);
	int error;

	if (verdict)
		sheet_head(&page.sheet, verdict);
	else
		page.sheet.failed = true;
	sheet_head(&page.sheet, "What it is");
	add_services(&page);
	add_companions(&page);
	add_spans(&page);
	add_hints(&page);
	add_class(&page);
	add_use(&page);
	add_traffic(&page);
	add_check(&page);
	error = sheet_print(&page.sheet, out, verbose ? 0 : SHEET_LINES);
	sheet_release(&page.sheet);
	return error;
}

int explain_print(FILE *out, const struct what *what, const struct explain_facts *facts,
		  bool verbose)
{
	struct subject subject;

	return subject_of(what, &subject) ? print_port(out, &subject, facts, verbose)
					  : range_print(out, what, facts, verbose);
}
