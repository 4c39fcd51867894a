/* See range.h. */
#include <stdlib.h>
#include <string.h>

#include "explain/range.h"
#include "explain/sheet.h"
#include "explain/subject.h"
#include "explain/verdict.h"
#include "render/text.h"
#include "util/cleanup.h"

#define NAMES_SHOWN  12
#define ACTIVE_SHOWN 8

enum weight {
	WEIGHT_KEEP,
	WEIGHT_SPAN,
	WEIGHT_COUNTERS,
	WEIGHT_PRACTICE,
	WEIGHT_NAMES,
	WEIGHT_ACTIVE,
	WEIGHT_OTHER_SPAN,
};

struct page {
	struct sheet sheet;
	const struct what *what;
	const struct explain_facts *facts;
	const struct knowledge *knowledge;
	bool verbose;
};

struct range_sum range_sum(const struct snapshot *traffic, const struct port_range *ranges,
			   size_t count, enum transport transport)
{
	struct range_sum sum = {};

	for (size_t i = 0; i < count; i++) {
		for (unsigned int port = ranges[i].first;
		     ranges[i].transports >> transport & 1 && port <= ranges[i].last; port++) {
			for (int side = 0; side < SIDE_COUNT; side++)
				for (int direction = 0; direction < DIR_COUNT; direction++) {
					struct counter one = snapshot_port(traffic, transport, side,
									   direction, port);

					sum.count[side][direction].packets += one.packets;
					sum.count[side][direction].bytes += one.bytes;
				}
			if (transport == TRANSPORT_TCP) {
				sum.attempts += traffic->attempts[port];
				sum.answers += traffic->answers[port];
			}
		}
	}
	return sum;
}

char *range_counts(const struct snapshot *traffic, const struct port_range *ranges, size_t count,
		   enum transport transport)
{
	struct range_sum sum = range_sum(traffic, ranges, count, transport);
	const struct counter *local = sum.count[SIDE_LOCAL], *peer = sum.count[SIDE_PEER];
	char number[6][32], answers[80] = "", peers[96] = "";
	char *text;

	if (transport == TRANSPORT_TCP)
		snprintf(answers, sizeof(answers), "; %s attempt%s, %s answer%s",
			 text_count(number[0], sizeof(number[0]), sum.attempts),
			 sum.attempts == 1 ? "" : "s",
			 text_count(number[1], sizeof(number[1]), sum.answers),
			 sum.answers == 1 ? "" : "s");
	if (peer[DIR_IN].packets || peer[DIR_OUT].packets)
		snprintf(peers, sizeof(peers), "; as the peer's port %s in, %s out",
			 text_count(number[2], sizeof(number[2]), peer[DIR_IN].packets),
			 text_count(number[3], sizeof(number[3]), peer[DIR_OUT].packets));
	if (asprintf(&text, "%s packet%s in, %s out%s%s",
		     text_count(number[4], sizeof(number[4]), local[DIR_IN].packets),
		     local[DIR_IN].packets == 1 ? "" : "s",
		     text_count(number[5], sizeof(number[5]), local[DIR_OUT].packets), answers,
		     peers) < 0)
		return NULL;
	return text;
}

static bool touches(const struct what *what, uint8_t transports, uint16_t first, uint16_t last)
{
	for (size_t i = 0; i < what->count; i++)
		if (what->ranges[i].transports & transports && what->ranges[i].first <= last &&
		    what->ranges[i].last >= first)
			return true;
	return false;
}

static void add_span(struct page *page, const struct overlay *row)
{
	char transports[32], source[512];
	bool named = page->what->span[0] && overlay_is_called(row, page->what->span);

	sheet_add(&page->sheet, named ? WEIGHT_SPAN : WEIGHT_OTHER_SPAN,
		  "span %u-%u/%s %.*s (%.*s)%s%.*s [%s; %s]", row->first, row->last,
		  transports_text(transports, sizeof(transports), row->transports),
		  SLICE_ARGS(row->name), SLICE_ARGS(row->label), row->text.length ? ": " : "",
		  SLICE_ARGS(row->text), overlay_source(row, source, sizeof(source)),
		  confidence_word(row->confidence));
}

static void add_spans(struct page *page)
{
	const struct overlay_list *overlays = &page->knowledge->overlays;

	for (size_t i = 0; i < overlays->count; i++) {
		const struct overlay *row = &overlays->rows[i];

		if (row->kind == OVERLAY_SPAN &&
		    touches(page->what, row->transports, row->first, row->last))
			add_span(page, row);
	}
}

/* Visits every port of @what once, with the transports asked for. */
struct walk {
	const struct what *what;
	size_t range;
	unsigned int port;
};

static bool walk_next(struct walk *walk, struct subject *ret_subject)
{
	const struct port_range *range;

	while (walk->range < walk->what->count) {
		range = &walk->what->ranges[walk->range];
		if (walk->port < range->first)
			walk->port = range->first;
		if (walk->port <= range->last) {
			*ret_subject = (struct subject){ walk->port++, range->transports };
			return true;
		}
		walk->range++;
	}
	return false;
}

#define ITEM_MAX 128

/* "3224 aes-discovery, 3225 fcip-port, +95 more": what @describe has words for. Returns how many.
 */
static size_t add_list(struct page *page, unsigned int weight, const char *before, size_t limit,
		       bool (*describe)(const struct page *, const struct subject *, char *))
{
	struct walk walk = { .what = page->what };
	_cleanup_free_ char *list = NULL;
	size_t size, count = 0;
	struct subject subject;
	FILE *out = open_memstream(&list, &size);
	char item[ITEM_MAX];

	if (!out) {
		page->sheet.failed = true;
		return 0;
	}
	if (page->verbose)
		limit = SIZE_MAX;
	while (walk_next(&walk, &subject)) {
		if (!describe(page, &subject, item))
			continue;
		if (count++ < limit)
			fprintf(out, "%s%s", count > 1 ? ", " : "", item);
	}
	if (count > limit)
		fprintf(out, ", +%zu more", count - limit);
	if (fclose(out))
		page->sheet.failed = true;
	else if (count)
		sheet_add(&page->sheet, weight, "%s%s", before, list);
	return count;
}

static bool describe_name(const struct page *page, const struct subject *subject, char *item)
{
	const struct service *service = NULL;

	/* A range of the registry's is said once, at its first port that is asked for. */
	while ((service = subject_service(subject, page->knowledge, service))) {
		uint16_t first = service->first > page->what->ranges[0].first
					 ? service->first
					 : page->what->ranges[0].first;

		if (service->status != SERVICE_ASSIGNED)
			continue;
		if (service->first == service->last)
			snprintf(item, ITEM_MAX, "%u %.*s", subject->port,
				 SLICE_ARGS(service->name));
		else
			snprintf(item, ITEM_MAX, "%u-%u %.*s", service->first, service->last,
				 SLICE_ARGS(service->name));
		return service->first == service->last || subject->port == first;
	}
	return false;
}

/* A row about many ports is said once, at the first that is asked for and that it speaks for. */
static bool describe_practice(const struct page *page, const struct subject *subject, char *item)
{
	const struct overlay *row = subject_practice(subject, page->knowledge, NULL);
	struct subject before = *subject;

	if (!row)
		return false;
	for (before.port = row->first; before.port < subject->port; before.port++)
		if (touches(page->what, row->transports, before.port, before.port) &&
		    subject_practice(&before, page->knowledge, NULL) == row)
			return false;
	if (row->first == row->last)
		snprintf(item, ITEM_MAX, "%u %.*s", subject->port, SLICE_ARGS(row->label));
	else
		snprintf(item, ITEM_MAX, "%u-%u %.*s", row->first, row->last,
			 SLICE_ARGS(row->label));
	return true;
}

static bool describe_active(const struct page *page, const struct subject *subject, char *item)
{
	uint64_t packets = local_packets(page->facts->traffic, subject->transports, subject->port);
	char number[32];

	if (!packets)
		return false;
	snprintf(item, ITEM_MAX, "%u (%s)", subject->port,
		 text_short_count(number, sizeof(number), packets));
	return true;
}

/* It is rare: where it is asked for alone, or where there was some. */
static bool tells_of_sctp(const struct page *page)
{
	const struct range_sum sum = range_sum(page->facts->traffic, page->what->ranges,
					       page->what->count, TRANSPORT_SCTP);
	const struct counter *local = sum.count[SIDE_LOCAL];

	return local[DIR_IN].packets || local[DIR_OUT].packets ||
	       !touches(page->what, SERVICE_TCP | SERVICE_UDP, 0, PORT_COUNT - 1);
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
		char *text;

		if (!touches(page->what, 1 << transport, 0, PORT_COUNT - 1) ||
		    (transport == TRANSPORT_SCTP && !tells_of_sctp(page)))
			continue;
		text = range_counts(traffic, page->what->ranges, page->what->count, transport);
		if (text)
			sheet_add(&page->sheet, WEIGHT_COUNTERS, "%s since %s: %s",
				  transport_name(transport), since, text);
		free(text);
	}
	add_list(page, WEIGHT_ACTIVE, "packets at: ", ACTIVE_SHOWN, describe_active);
}

static void add_check(struct page *page)
{
	char prefix[CHECK_MAX];

	check_prefix(page->facts, prefix);
	for (size_t i = 0; i < page->what->count; i++) {
		const struct port_range *range = &page->what->ranges[i];
		unsigned int weight = i ? WEIGHT_OTHER_SPAN : WEIGHT_KEEP;
		uint8_t transports = range->transports == TRANSPORTS_ALL ? SERVICE_TCP | SERVICE_UDP
									 : range->transports;
		const char *letters = check_letters(transports);

		if (range->first == range->last)
			sheet_add(&page->sheet, weight, "%sss -Hln%sp 'sport = :%u'", prefix,
				  letters, range->first);
		else
			sheet_add(&page->sheet, weight,
				  "%sss -Hln%sp 'sport >= :%u and sport <= :%u'", prefix, letters,
				  range->first, range->last);
	}
}

int range_print(FILE *out, const struct what *what, const struct explain_facts *facts, bool verbose)
{
	struct page page = { .what = what,
			     .facts = facts,
			     .knowledge = &facts->scene->knowledge,
			     .verbose = verbose };
	_cleanup_free_ char *verdict = verdict_make_range(what, facts);
	int error;

	if (verdict)
		sheet_head(&page.sheet, verdict);
	else
		page.sheet.failed = true;
	sheet_head(&page.sheet, "What it is");
	add_spans(&page);
	add_list(&page, WEIGHT_NAMES, "names: ", NAMES_SHOWN, describe_name);
	sheet_head(&page.sheet, "Is it used today");
	if (!add_list(&page, WEIGHT_PRACTICE, "in practice: ", NAMES_SHOWN, describe_practice))
		sheet_add(&page.sheet, WEIGHT_KEEP, "nothing known about its use in practice");
	sheet_head(&page.sheet, "If you see traffic");
	add_counters(&page);
	sheet_head(&page.sheet, "How to check");
	add_check(&page);
	error = sheet_print(&page.sheet, out, verbose ? 0 : SHEET_LINES);
	sheet_release(&page.sheet);
	return error;
}
