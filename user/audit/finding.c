/* How findings are written; see checks.h. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "audit/checks.h"
#include "render/text.h"
#include "util/grow.h"

#define LONG_ENOUGH (24 * 3600) /* seconds of counting after which a zero says something */

struct finding *finding_add(struct audit *audit, enum finding_code code,
			    enum finding_severity severity, uint8_t transports, uint16_t first,
			    uint16_t last)
{
	struct findings *findings = audit->findings;

	if (!array_room(&findings->list, findings->count, &findings->capacity,
			sizeof(*findings->list))) {
		findings->failed = true;
		return NULL;
	}
	findings->list[findings->count] = (struct finding){
		.code = code,
		.severity = severity,
		.transports = transports,
		.first = first,
		.last = last,
	};
	return &findings->list[findings->count++];
}

void finding_say(struct audit *audit, char **text, const char *format, ...)
{
	size_t before = *text ? strlen(*text) : 0;
	char *more, *whole = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&more, format, arguments);
	va_end(arguments);
	if (length >= 0)
		whole = realloc(*text, before + length + 1);
	if (whole) {
		memcpy(whole + before, more, length + 1);
		*text = whole;
	}
	audit->findings->failed |= !whole;
	if (length >= 0)
		free(more);
}

void finding_say_rule(struct audit *audit, char **text, const struct reach_rule *rule)
{
	const struct kernel_item *chain = &rule->chain->item;

	if (!rule->rule)
		finding_say(audit, text, "the policy of %s %.*s %.*s", family_name(chain->family),
			    SLICE_ARGS(chain->table), SLICE_ARGS(chain->name));
	else
		finding_say(audit, text, "%s %.*s %.*s, handle %llu", family_name(chain->family),
			    SLICE_ARGS(chain->table), SLICE_ARGS(chain->name),
			    (unsigned long long)rule->rule->item.handle);
}

void finding_say_item(struct audit *audit, char **text, const struct rules_item *item,
		      const struct kernel_rule *rule)
{
	const char *start = audit->facts->rules->text + item->start;

	finding_say(audit, text, "%s %.*s %.*s, handle %llu: %.*s", family_name(rule->item.family),
		    SLICE_ARGS(rule->item.table), SLICE_ARGS(rule->item.name),
		    (unsigned long long)rule->item.handle,
		    (int)strcspn(start, "\n") < (int)(item->end - item->start)
			    ? (int)strcspn(start, "\n")
			    : (int)(item->end - item->start),
		    start);
}

void finding_say_listener(struct audit *audit, char **text, const struct listener *listener)
{
	const struct listener_owner *owner = listener->owner_count ? listener->owners[0] : NULL;
	char address[LISTENER_ADDRESS_MAX];

	if (owner)
		finding_say(audit, text, "%s (%u%s%s%s%s)", owner->name, owner->pid,
			    *owner->unit ? ", " : "", owner->unit, *owner->container ? ", " : "",
			    owner->container);
	else if (listener->known == OWNERS_KERNEL)
		finding_say(audit, text, "the kernel%s%s", *listener->kernel ? ": " : "",
			    listener->kernel);
	else
		finding_say(audit, text, "? (uid %u)", listener->uid);
	finding_say(audit, text, " at %s", listener_address_text(listener, address));
	if (*listener->interface)
		finding_say(audit, text, " on %s", listener->interface);
}

/* ---- what was counted ---- */

/* Since when all interfaces that are counted have been: what a zero may say. */
static struct timespec counted_since(const struct snapshot *traffic)
{
	struct timespec since = traffic->since;

	for (size_t i = 0; i < traffic->iface_count; i++)
		if (traffic->ifaces[i].ifindex && traffic->ifaces[i].since.tv_sec > since.tv_sec)
			since = traffic->ifaces[i].since;
	return since;
}

static bool is_counted(const struct snapshot *traffic, uint32_t ifindex)
{
	for (size_t i = 0; i < traffic->iface_count; i++)
		if (traffic->ifaces[i].ifindex == ifindex)
			return true;
	return false;
}

static void say_uncounted(struct audit *audit, char **text)
{
	const struct device_list *list = audit->facts->devices;
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		if (list->devices[i].chosen &&
		    !is_counted(audit->facts->traffic, list->devices[i].ifindex))
			finding_say(audit, text, "%s%s",
				    count++ ? ", " : "; not counted: ", list->devices[i].name);
}

static void say_zero(struct audit *audit, char **text)
{
	const struct snapshot *traffic = audit->facts->traffic;
	struct timespec since = counted_since(traffic);
	char time[32];

	finding_say(audit, text, "Not asked for since %s", text_time(time, sizeof(time), since));
	if (traffic->taken.tv_sec - since.tv_sec < LONG_ENOUGH)
		finding_say(audit, text, ", which is too short a time to say more");
	say_uncounted(audit, text);
	finding_say(audit, text, ".");
}

struct port_sum {
	uint64_t packets, attempts, answers;
};

static struct port_sum sum_of(const struct snapshot *traffic, uint8_t transports, uint16_t first,
			      uint16_t last)
{
	struct port_sum sum = { 0 };

	for (uint32_t port = first; port <= last; port++) {
		for (unsigned int t = 0; t < TRANSPORT_COUNT; t++)
			if (transports & 1u << t && traffic->ports[t])
				sum.packets +=
					snapshot_port(traffic, t, SIDE_LOCAL, DIR_IN, port).packets;
		if (transports & SERVICE_TCP) {
			sum.attempts += traffic->attempts[port];
			sum.answers += traffic->answers[port];
		}
	}
	return sum;
}

void finding_say_traffic(struct audit *audit, char **text, uint8_t transports, uint16_t first,
			 uint16_t last)
{
	const struct snapshot *traffic = audit->facts->traffic;
	char since[32], count[32];
	struct port_sum sum;

	/* Then it is said once, not with each finding. */
	if (!traffic)
		return;
	sum = sum_of(traffic, transports, first, last);
	text_time(since, sizeof(since), traffic->since);
	if (sum.attempts)
		finding_say(audit, text, "%s attempt%s since %s, %s.",
			    text_count(count, sizeof(count), sum.attempts),
			    sum.attempts == 1 ? "" : "s", since,
			    sum.answers ? "some answered" : "none answered");
	else if (sum.packets)
		finding_say(audit, text, "%s packet%s since %s.",
			    text_count(count, sizeof(count), sum.packets),
			    sum.packets == 1 ? "" : "s", since);
	else
		say_zero(audit, text);
	if (audit->facts->forwards && (sum.packets || sum.attempts))
		finding_say(audit, text,
			    " This host forwards: some of it may have been for others.");
}

/* ---- what is known ---- */

struct slice audit_name(const struct audit *audit, uint8_t transports, uint16_t port)
{
	return knowledge_name(audit->facts->knowledge, transports, port);
}

const struct overlay *audit_dead(const struct audit *audit, enum transport transport, uint16_t port)
{
	const struct overlay_list *overlays = &audit->facts->knowledge->overlays;
	const struct overlay *row = NULL, *dead = NULL;

	while ((row = overlay_next_by_port(overlays, port, row))) {
		if (!(row->transports & 1u << transport) || row->kind == OVERLAY_SPAN)
			continue;
		/* Something else is usual there today. */
		if (row->kind == OVERLAY_USE || row->kind == OVERLAY_RISK)
			return NULL;
		if (row->kind == OVERLAY_DEAD && row->registered)
			dead = row;
	}
	return dead;
}
