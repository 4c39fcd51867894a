/*
 * The number always comes with its name, meaning comes before trivia, and a
 * range that somebody uses as a unit is called by that unit's name. Names are
 * claims of a registry, not findings: nothing here says what really runs.
 */
#include "nft/describe.h"

#include <string.h>

#include "what.h"

#define ANY_TRANSPORT (SERVICE_TCP | SERVICE_UDP | SERVICE_SCTP)
#define SPAN_WIDE     256 /* that a port lies in a wider span says little about it */
#define SPAN_MOST     16  /* nor that a range does in a span so many times wider */
#define SPAN_LEAST    4	  /* nor that it holds one so many times narrower */
#define RANGE_WIDE    256 /* the names of a wider range are counted, not listed */
#define RANGE_NAMES   4	  /* listed at most */

uint8_t use_transports(const struct port_use *use)
{
	return use->transports & ANY_TRANSPORT ?: ANY_TRANSPORT;
}

/* The name of @port on the first of @transports that has one; else empty. */
static struct slice name_of(const struct registry *registry, uint8_t transports, uint16_t port)
{
	struct slice name = { 0 };

	for (unsigned int t = 0; t < TRANSPORT_COUNT && !name.length; t++) {
		if (transports & 1u << t)
			name = registry_name(registry, t, port);
	}
	return name;
}

/* The row behind name_of(). NULL where there is no name. */
static const struct service *service_of(const struct registry *registry, uint8_t transports,
					uint16_t port)
{
	for (unsigned int t = 0; t < TRANSPORT_COUNT; t++) {
		if (transports & 1u << t && registry_name(registry, t, port).length)
			return registry_find(registry, t, port);
	}
	return NULL;
}

/* The mask of those of @transports where @port is called @name. */
static uint8_t transports_called(const struct registry *registry, uint8_t transports, uint16_t port,
				 struct slice name)
{
	uint8_t mask = 0;

	for (unsigned int t = 0; t < TRANSPORT_COUNT; t++) {
		if (transports & 1u << t && slice_same_name(registry_name(registry, t, port), name))
			mask |= 1u << t;
	}
	return mask;
}

/* The row of the one name that all transports agree on; NULL where they do not, or have none. */
static const struct service *service_agreed(const struct registry *registry, uint8_t transports,
					    uint16_t port)
{
	const struct service *service = service_of(registry, transports, port);
	uint8_t called;

	if (!service)
		return NULL;
	called = transports_called(registry, transports, port, service->name);
	return name_of(registry, transports & (uint8_t)~called, port).length ? NULL : service;
}

static bool transports_add(struct words *words, uint8_t transports)
{
	bool fits = true, later = false;

	for (unsigned int t = 0; t < TRANSPORT_COUNT && fits; t++) {
		if (!(transports & 1u << t))
			continue;
		fits = words_add(words, "%s%s", later ? "/" : "", transport_name(t));
		later = true;
	}
	return fits;
}

static bool is_reserved(const struct registry *registry, uint8_t transports, uint16_t port)
{
	for (unsigned int t = 0; t < TRANSPORT_COUNT; t++) {
		const struct service *service =
			transports & 1u << t ? registry_find(registry, t, port) : NULL;

		if (service && service->status == SERVICE_RESERVED)
			return true;
	}
	return false;
}

/* A port without a name on the rule's transports may still have one on another. */
static bool nameless_add(struct words *words, const struct registry *registry, uint8_t transports,
			 uint16_t port)
{
	struct slice other = name_of(registry, ANY_TRANSPORT, port);
	uint8_t where = transports_called(registry, ANY_TRANSPORT, port, other);

	if (other.length)
		return words_add(words, " unassigned (") && transports_add(words, where) &&
		       words_add(words, ": ") && words_add_clean(words, other) &&
		       words_add(words, ")");
	if (is_reserved(registry, transports, port))
		return words_add(words, " reserved");
	return words_add(words, port >= PORT_DYNAMIC_FIRST ? " dynamic" : " unassigned");
}

/* " ssh", or " shell (tcp), syslog (udp)" where the transports disagree. */
static bool names_add(struct words *words, const struct registry *registry, uint8_t transports,
		      uint16_t port)
{
	struct slice name = name_of(registry, transports, port);
	const char *separator = " ";
	bool fits = true;

	if (!name.length)
		return nameless_add(words, registry, transports, port);
	if (service_agreed(registry, transports, port))
		return words_add(words, " ") && words_add_clean(words, name);
	while (fits && name.length) {
		uint8_t called = transports_called(registry, transports, port, name);

		fits = words_add(words, "%s", separator) && words_add_clean(words, name) &&
		       words_add(words, " (") && transports_add(words, called) &&
		       words_add(words, ")");
		separator = ", ";
		transports &= (uint8_t)~called;
		name = name_of(registry, transports, port);
	}
	return fits;
}

/* The description where it adds to the name: whole, or else its first words. Nothing: true. */
static bool story_add(struct words *words, const struct service *service)
{
	size_t before = words->length;

	if (!service || !slice_adds_to_name(service->description, service->name))
		return true;
	if (words_add(words, ": ") && (words_add_clean(words, service->description) ||
				       words_add_start(words, service->description)))
		return true;
	words_cut(words, before);
	return false;
}

static unsigned int ports_in(uint16_t first, uint16_t last)
{
	return (unsigned int)last - first + 1;
}

static bool span_covers(const struct span *span, uint8_t transports)
{
	return transports & 1u << span->transport;
}

/* The mask of transports on which the same ports are a span of the same name. */
static uint8_t span_transports(const struct span_list *spans, const struct span *span)
{
	uint8_t mask = 0;

	for (size_t i = 0; i < spans->count; i++) {
		const struct span *other = &spans->spans[i];

		if (other->first == span->first && other->last == span->last &&
		    !strcmp(other->name, span->name))
			mask |= 1u << other->transport;
	}
	return mask;
}

/* The span whose ports are exactly these; else NULL. */
static const struct span *span_equal(const struct comment_facts *facts, const struct port_use *use)
{
	for (size_t i = 0; i < facts->knowledge->spans.count; i++) {
		const struct span *span = &facts->knowledge->spans.spans[i];

		if (span_covers(span, use_transports(use)) && span->first == use->first &&
		    span->last == use->last)
			return span;
	}
	return NULL;
}

/* Whether it is worth saying that these ports and the span have to do with each other. */
static bool span_touches(const struct span *span, const struct port_use *use)
{
	unsigned int width = ports_in(use->first, use->last);
	unsigned int span_width = ports_in(span->first, span->last);

	if (!span_covers(span, use_transports(use)) || span->first > use->last ||
	    span->last < use->first || span_width * SPAN_LEAST < width)
		return false;
	return span_width <= (width == 1 ? SPAN_WIDE : SPAN_MOST * width);
}

/* The narrowest span around these ports, or else the widest that shares some with them; or NULL. */
static const struct span *span_near(const struct comment_facts *facts, const struct port_use *use)
{
	const struct span *around = NULL, *across = NULL;

	for (size_t i = 0; i < facts->knowledge->spans.count; i++) {
		const struct span *span = &facts->knowledge->spans.spans[i];
		unsigned int width = ports_in(span->first, span->last);

		if (!span_touches(span, use))
			continue;
		if (span->first <= use->first && span->last >= use->last) {
			if (!around || width < ports_in(around->first, around->last))
				around = span;
		} else if (!across || width > ports_in(across->first, across->last)) {
			across = span;
		}
	}
	return around ?: across;
}

/* Without what it adds in parentheses: comments are short. */
static struct slice without_aside(struct slice text)
{
	const char *aside = memmem(text.text, text.length, " (", 2);

	if (aside && aside > text.text)
		text.length = aside - text.text;
	return text;
}

static struct slice span_label(const struct span *span)
{
	return without_aside(slice_of(span->label && *span->label ? span->label : span->name));
}

/* "Citrix Framehawk 3224-3324", with its transports where the rule has others too. */
static bool span_add(struct words *words, const struct comment_facts *facts,
		     const struct span *span, uint8_t transports)
{
	uint8_t on = span_transports(&facts->knowledge->spans, span) & transports;

	if (!words_add_clean(words, span_label(span)) ||
	    !words_add(words, " %u-%u", span->first, span->last))
		return false;
	return on == transports ||
	       (words_add(words, " (") && transports_add(words, on) && words_add(words, ")"));
}

/*
 * How many ports of the range have a name of their own on one of @transports.
 * A named range of the registry is not a port's own name, but a span like @use.
 */
static unsigned int own_names_count(const struct registry *registry, uint8_t transports,
				    const struct port_use *use)
{
	unsigned int count = 0;

	for (uint32_t port = use->first; port <= use->last; port++) {
		const struct service *service = service_of(registry, transports, (uint16_t)port);

		count += service && service->first == service->last;
	}
	return count;
}

/* "; covers 97 other UDP names" */
static bool covers_add(struct words *words, const struct comment_facts *facts,
		       const struct port_use *use, uint8_t transports, const char *other)
{
	static const char *const upper[TRANSPORT_COUNT] = { "TCP ", "UDP ", "SCTP " };
	unsigned int count = own_names_count(facts->knowledge->registry, transports, use);
	const char *on = "";

	for (unsigned int t = 0; t < TRANSPORT_COUNT; t++) {
		if (transports == 1u << t)
			on = upper[t];
	}
	return !count ||
	       words_add(words, "; covers %u %s%sname%s", count, other, on, count == 1 ? "" : "s");
}

/* Run @add, and take back what it wrote where it did not fit. */
#define ADD_IF_FITS(words, add)                      \
	do {                                         \
		size_t before_ = (words)->length;    \
		if (!(add))                          \
			words_cut((words), before_); \
	} while (0)

/*
 * What is found there: the first row that is not about abuse; NULL where nothing
 * is known, and where each transport has a service of its own.
 */
static const struct overlay *practice_of(const struct comment_facts *facts,
					 const struct port_use *use)
{
	const struct knowledge *knowledge = facts->knowledge;
	uint8_t transports = use_transports(use);

	if (use->first != use->last ||
	    (name_of(knowledge->registry, transports, use->first).length &&
	     !service_agreed(knowledge->registry, transports, use->first)))
		return NULL;
	return knowledge_practice(knowledge, transports, use->first, OVERLAY_ALIVE | OVERLAY_GONE);
}

/* Whether the label says more than the registered name and description do. */
static bool label_tells(const struct overlay *overlay, const struct service *service)
{
	struct slice label = without_aside(overlay->label), start;

	if (!service)
		return true;
	start = (struct slice){ service->description.text, label.length };
	return slice_adds_to_name(label, service->name) &&
	       !(service->description.length >= label.length && slice_same_name(start, label));
}

/* " (in practice node_exporter)"; " (RDP)" of what is registered under a name that tells less. */
static bool practice_add(struct words *words, const struct overlay *overlay,
			 const struct service *service)
{
	const char *note = practice_note(overlay);

	if (overlay->registered && !label_tells(overlay, service))
		return !*note || words_add(words, " (%s)", note + strlen(", "));
	return words_add(words, " (%s", practice_lead(overlay)) &&
	       words_add_clean(words, without_aside(overlay->label)) &&
	       words_add(words, "%s)", note);
}

/* "9100 hp-pdl-datastr (in practice node_exporter)", "10250 (in practice kubelet API)" */
static bool listed_port_add(struct words *words, const struct comment_facts *facts,
			    const struct port_use *use)
{
	const struct registry *registry = facts->knowledge->registry;
	const struct overlay *practice = practice_of(facts, use);
	uint8_t transports = use_transports(use);

	if (!words_add(words, "%u", use->first))
		return false;
	/* What is found there says more than that nobody registered it. */
	if ((!practice || name_of(registry, transports, use->first).length) &&
	    !names_add(words, registry, transports, use->first))
		return false;
	return !practice ||
	       practice_add(words, practice, service_of(registry, transports, use->first));
}

/* "22 ssh", "9100 (node_exporter)" */
static bool short_port_add(struct words *words, const struct comment_facts *facts,
			   const struct port_use *use)
{
	const struct overlay *practice = practice_of(facts, use);

	if (!words_add(words, "%u", use->first))
		return false;
	if (practice && !practice->registered)
		return words_add(words, " (%s", overlay_is_history(practice) ? "once " : "") &&
		       words_add_clean(words, without_aside(practice->label)) &&
		       words_add(words, ")");
	return names_add(words, facts->knowledge->registry, use_transports(use), use->first);
}

/* ": Powerware UPS management, likely legacy"; the description where the label says nothing new. */
static void meaning_add(struct words *words, const struct overlay *practice,
			const struct service *service)
{
	const char *note = practice_note(practice);
	size_t limit = words->limit;

	if (words_left(words) < strlen(note))
		return;
	words->limit = limit - strlen(note);
	if (!label_tells(practice, service))
		story_add(words, service);
	else
		ADD_IF_FITS(words,
			    words_add(words, ": ") && words_add_clean(words, practice->label));
	words->limit = limit;
	words_add(words, "%s", note);
}

/* Whether the pair is about what @use is, not about another service of its number. */
static bool pair_is_of(const struct comment_facts *facts, const struct companion *pair,
		       const struct port_use *use)
{
	struct slice name = pair->main == use->first ? pair->main_name : pair->other_name;
	const struct overlay *practice = practice_of(facts, use);

	if (practice && !practice->registered)
		return slice_same_name(name, practice->name);
	return slice_same_name(
		name, name_of(facts->knowledge->registry, use_transports(use), use->first));
}

/* "; pair 3068 ls3bcast": the surest companion, if what it is for is known. Nothing: true. */
static bool pair_add(struct words *words, const struct comment_facts *facts,
		     const struct port_use *use)
{
	const struct knowledge *knowledge = facts->knowledge;
	const struct companion *pair;
	bool main, tls;
	size_t at = 0;

	while ((pair = companion_at(&knowledge->companions, use->first, at++)))
		if (pair->confidence == CONFIDENCE_HIGH && pair->rule != COMPANION_ASSIGNEE &&
		    knowledge_has_pair(knowledge, pair) && pair_is_of(facts, pair, use))
			break;
	if (!pair)
		return true;
	main = pair->main == use->first;
	tls = main && slice_equals(pair->role, "TLS half");
	return words_add(words, "; %spair %u ", tls ? "TLS " : "",
			 companion_of(pair, use->first)) &&
	       words_add_clean(words, main ? pair->other_name : pair->main_name);
}

static bool near_span_add(struct words *words, const struct comment_facts *facts,
			  const struct span *span, uint8_t transports)
{
	return !span || (words_add(words, "; in ") && span_add(words, facts, span, transports));
}

/*
 * A lone port: its name, and of the rest what fits, the most telling first: what
 * is found there, the span around it, its description, its companion.
 */
static bool lone_port_add(struct words *words, const struct comment_facts *facts,
			  const struct port_use *use)
{
	uint8_t transports = use_transports(use);
	const struct registry *registry = facts->knowledge->registry;
	const struct service *service = service_agreed(registry, transports, use->first);
	const struct overlay *practice = practice_of(facts, use);
	const struct span *span = practice ? NULL : span_near(facts, use);
	size_t limit = words->limit;
	struct words tail;

	if (span && service && slice_same_name(service->name, slice_of(span->name)))
		span = NULL;
	if (practice && practice->registered && service) {
		if (!words_add(words, "%u ", use->first) || !words_add_clean(words, service->name))
			return false;
		meaning_add(words, practice, service);
	} else if (!listed_port_add(words, facts, use)) {
		return false;
	}
	/* The span is written behind the description, and has its room first. */
	words_init(&tail, limit - words->length);
	ADD_IF_FITS(&tail, near_span_add(&tail, facts, span, transports));
	words->limit = limit - tail.length;
	if (!practice)
		story_add(words, service);
	words->limit = limit;
	words_add(words, "%s", tail.text);
	ADD_IF_FITS(words, pair_add(words, facts, use));
	return true;
}

static bool port_add(struct words *words, const struct comment_facts *facts,
		     const struct port_use *use, enum detail detail)
{
	switch (detail) {
	case DETAIL_FULL: return lone_port_add(words, facts, use);
	case DETAIL_PRACTICE: return listed_port_add(words, facts, use);
	case DETAIL_SHORT: return short_port_add(words, facts, use);
	default: return words_add(words, "%u", use->first);
	}
}

/* Ranges that have a meaning of their own (RFC 6335, section 6; Linux ip_local_port_range). */
static const char *block_words(const struct port_use *use)
{
	static const struct {
		uint16_t first, last;
		const char *words;
	} blocks[] = {
		{ 0, 65535, "every port" },
		{ 1, 65535, "every port" },
		{ 0, 1023, "system ports" },
		{ 1, 1023, "system ports" },
		{ 1024, 65535, "user and dynamic ports" },
		{ 1024, 49151, "user ports" },
		{ 49152, 65535, "dynamic ports" },
		{ 32768, 60999, "Linux ephemeral ports" },
	};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		if (blocks[i].first == use->first && blocks[i].last == use->last)
			return blocks[i].words;
	}
	return NULL;
}

/* The registry's row that holds the whole range, as 6000-6063 x11; else NULL. */
static const struct service *range_service(const struct comment_facts *facts,
					   const struct port_use *use)
{
	const struct service *service =
		service_of(facts->knowledge->registry, use_transports(use), use->first);

	return service && service->first <= use->first && service->last >= use->last ? service
										     : NULL;
}

/* "Citrix Framehawk 3224-3324; covers 97 other UDP names" */
static bool range_span_add(struct words *words, const struct comment_facts *facts,
			   const struct port_use *use, const struct span *span, enum detail detail)
{
	uint8_t wanted = use_transports(use);
	uint8_t on = span_transports(&facts->knowledge->spans, span) & wanted;

	if (detail != DETAIL_FULL)
		return words_add(words, "%u-%u ", use->first, use->last) &&
		       words_add_clean(words, slice_of(span->name));
	if (!words_add_clean(words, span_label(span)) ||
	    !words_add(words, " %u-%u", use->first, use->last) ||
	    (on != wanted &&
	     !(words_add(words, " (") && transports_add(words, on) && words_add(words, ")"))))
		return false;
	ADD_IF_FITS(words, covers_add(words, facts, use, on, "other "));
	return true;
}

/* "6000-6063 x11: X Window System", "6000-6010 x11 (6000-6063)" */
static bool range_service_add(struct words *words, const struct port_use *use,
			      const struct service *service, enum detail detail)
{
	bool whole = service->first == use->first && service->last == use->last;

	if (!words_add(words, "%u-%u ", use->first, use->last) ||
	    !words_add_clean(words, service->name))
		return false;
	if (detail != DETAIL_FULL)
		return true;
	if (!whole && !words_add(words, " (%u-%u)", service->first, service->last))
		return false;
	story_add(words, service);
	return true;
}

static const char *relation(const struct port_use *use, const struct span *span)
{
	if (span->first <= use->first && span->last >= use->last)
		return "in";
	if (span->first >= use->first && span->last <= use->last)
		return "holds";
	return "overlaps";
}

/* "3230-3240 in Citrix Framehawk 3224-3324; covers 11 UDP names" */
static bool range_across_add(struct words *words, const struct comment_facts *facts,
			     const struct port_use *use, const struct span *span,
			     enum detail detail)
{
	if (!words_add(words, "%u-%u %s ", use->first, use->last, relation(use, span)))
		return false;
	if (detail != DETAIL_FULL)
		return words_add_clean(words, slice_of(span->name));
	if (!span_add(words, facts, span, use_transports(use)))
		return false;
	ADD_IF_FITS(words, covers_add(words, facts, use, use_transports(use), ""));
	return true;
}

/* The first port from @port on, within the range, that starts another name than @before. */
static bool range_name_next(const struct comment_facts *facts, const struct port_use *use,
			    uint32_t *port, struct slice *name)
{
	struct slice before = *name;

	for (; *port <= use->last; (*port)++) {
		*name = name_of(facts->knowledge->registry, use_transports(use), (uint16_t)*port);
		if (name->length && !slice_same_name(*name, before))
			return true;
		before = *name;
	}
	return false;
}

static unsigned int range_names_left(const struct comment_facts *facts, const struct port_use *use,
				     uint32_t port, struct slice name)
{
	unsigned int count = 0;

	while (range_name_next(facts, use, &port, &name)) {
		count++;
		port++;
	}
	return count;
}

/* ": 8000 irdmi, 8008 http-alt, +3 more": as many names as fit, up to RANGE_NAMES. */
static bool range_names_add(struct words *words, const struct comment_facts *facts,
			    const struct port_use *use)
{
	struct words attempt = *words;
	struct slice name = { 0 };
	uint32_t port = use->first;
	bool fitted = false;

	for (unsigned int shown = 0; shown < RANGE_NAMES; shown++) {
		struct words closed;
		unsigned int left;

		if (!range_name_next(facts, use, &port, &name) ||
		    !words_add(&attempt, "%s%u ", shown ? ", " : ": ", (unsigned int)port) ||
		    !words_add_clean(&attempt, name))
			break;
		port++;
		left = range_names_left(facts, use, port, name);
		closed = attempt;
		if (left && !words_add(&closed, ", +%u more", left))
			break;
		*words = closed;
		fitted = true;
	}
	return fitted;
}

/* A range that nobody uses as a unit: its names, or how many there are. */
static bool range_plain_add(struct words *words, const struct comment_facts *facts,
			    const struct port_use *use, enum detail detail)
{
	unsigned int names = range_names_left(facts, use, use->first, (struct slice){ 0 });

	if (!words_add(words, "%u-%u", use->first, use->last))
		return false;
	if (!names)
		return words_add(words,
				 use->first >= PORT_DYNAMIC_FIRST ? " dynamic" : " unassigned");
	if (detail != DETAIL_FULL)
		return words_add(words, " (%u name%s)", names, names == 1 ? "" : "s");
	if (ports_in(use->first, use->last) > RANGE_WIDE)
		return words_add(words, ": %u ports, %u registered name%s",
				 ports_in(use->first, use->last), names, names == 1 ? "" : "s");
	return range_names_add(words, facts, use);
}

static bool range_add(struct words *words, const struct comment_facts *facts,
		      const struct port_use *use, enum detail detail)
{
	const struct span *span = span_equal(facts, use);
	const struct service *service = range_service(facts, use);
	const char *block = block_words(use);

	if (detail == DETAIL_NUMBER)
		return words_add(words, "%u-%u", use->first, use->last);
	if (span)
		return range_span_add(words, facts, use, span, detail);
	if (service)
		return range_service_add(words, use, service, detail);
	if (block)
		return words_add(words, "%u-%u %s", use->first, use->last, block);
	span = span_near(facts, use);
	if (span)
		return range_across_add(words, facts, use, span, detail);
	return range_plain_add(words, facts, use, detail);
}

unsigned int describe_weight(const struct comment_facts *facts, const struct port_use *use)
{
	const struct overlay *practice = practice_of(facts, use);

	if (use->first != use->last ||
	    (practice && (practice->kind == OVERLAY_USE || practice->kind == OVERLAY_RISK)))
		return 2;
	return practice ||
	       name_of(facts->knowledge->registry, use_transports(use), use->first).length;
}

const char *describe_role(const struct port_use *use)
{
	static const char *const words[PORT_ROLES][2] = {
		[PORT_DESTINATION] = { "", "all but " },
		[PORT_SOURCE] = { "from ", "from all but " },
		[PORT_TARGET] = { "to ", "to all but " },
	};

	return words[use->role][use->negated];
}

bool describe_ports(struct words *words, const struct comment_facts *facts,
		    const struct port_use *use, enum detail detail)
{
	size_t before = words->length;
	bool fits = use->first == use->last ? port_add(words, facts, use, detail)
					    : range_add(words, facts, use, detail);

	if (!fits)
		words_cut(words, before);
	return fits;
}
