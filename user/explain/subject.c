/* See subject.h. */
#include <stdio.h>
#include <string.h>

#include "explain/subject.h"

bool subject_of(const struct what *what, struct subject *ret_subject)
{
	struct subject subject = { .port = what->ranges[0].first };

	for (size_t i = 0; i < what->count; i++) {
		if (what->ranges[i].first != subject.port || what->ranges[i].last != subject.port)
			return false;
		subject.transports |= what->ranges[i].transports;
	}
	*ret_subject = subject;
	return true;
}

const struct service *subject_service(const struct subject *subject,
				      const struct knowledge *knowledge,
				      const struct service *after)
{
	while ((after = registry_next_by_port(knowledge->registry, subject->port, after)))
		if (after->transports & subject->transports ||
		    subject->transports == TRANSPORTS_ALL)
			break;
	return after;
}

const struct overlay *subject_practice(const struct subject *subject,
				       const struct knowledge *knowledge,
				       const struct overlay *after)
{
	const struct overlay_list *overlays = &knowledge->overlays;
	bool spans = after && after->kind == OVERLAY_SPAN;

	for (;;) {
		after = overlay_next_by_port(overlays, subject->port, after);
		if (!after && spans)
			return NULL;
		if (!after)
			spans = true;
		else if ((after->kind == OVERLAY_SPAN) == spans && (!spans || after->registered) &&
			 after->transports & subject->transports)
			return after;
	}
}

const struct companion *subject_companion(const struct subject *subject,
					  const struct knowledge *knowledge, size_t *at)
{
	const struct companion *companion;

	while ((companion = companion_at(&knowledge->companions, subject->port, (*at)++)))
		if (knowledge_has_pair(knowledge, companion))
			break;
	return companion;
}

bool subject_in_span(const struct subject *subject, const struct span *span)
{
	return subject->transports >> span->transport & 1 && subject->port >= span->first &&
	       subject->port <= span->last;
}

uint8_t subject_listening(const struct subject *subject, const struct explain_facts *facts)
{
	uint8_t listening = 0;

	for (int transport = 0; facts->listeners && transport < TRANSPORT_COUNT; transport++)
		if (subject->transports >> transport & 1 &&
		    listener_on(facts->listeners, transport, subject->port))
			listening |= 1 << transport;
	return listening;
}

bool subject_is_ephemeral(const struct subject *subject, const struct scene *scene)
{
	return subject->port >= scene->ephemeral_first && subject->port <= scene->ephemeral_last;
}

static uint64_t side_packets(const struct snapshot *traffic, uint8_t transports, enum side side,
			     uint16_t port)
{
	uint64_t packets = 0;

	for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
		for (int direction = 0; direction < DIR_COUNT; direction++)
			if (transports >> transport & 1)
				packets += snapshot_port(traffic, transport, side, direction, port)
						   .packets;
	return packets;
}

uint64_t local_packets(const struct snapshot *traffic, uint8_t transports, uint16_t port)
{
	return side_packets(traffic, transports, SIDE_LOCAL, port);
}

uint64_t peer_packets(const struct snapshot *traffic, uint8_t transports, uint16_t port)
{
	return side_packets(traffic, transports, SIDE_PEER, port);
}

const char *exposure_sentence(const struct overlay *row)
{
	switch (row->exposure) {
	case EXPOSURE_OPEN: return "made to be reached by anybody";
	case EXPOSURE_LIMITED: return "for known peers only";
	case EXPOSURE_INTERNAL: return "for own networks only";
	case EXPOSURE_LOCAL: return "for this host only";
	case EXPOSURE_NEVER: return "never to be reached from outside";
	default: return "";
	}
}

const char *check_letters(uint8_t transports)
{
	static const char *const letters[] = {
		[0] = "tu",
		[SERVICE_TCP] = "t",
		[SERVICE_UDP] = "u",
		[SERVICE_TCP | SERVICE_UDP] = "tu",
		[SERVICE_SCTP] = "S",
		[SERVICE_TCP | SERVICE_SCTP] = "tS",
		[SERVICE_UDP | SERVICE_SCTP] = "uS",
		[TRANSPORTS_ALL] = "tuS",
	};

	return letters[transports & TRANSPORTS_ALL];
}

/* What a shell would take apart, between quotes. */
static const char *quotes(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:@%+-";

	if (!word[strspn(word, plain)])
		return "";
	return strchr(word, '\'') ? "\"" : "'";
}

char *check_prefix(const struct explain_facts *facts, char ret_text[CHECK_MAX])
{
	const char *netns = facts->netns, *quote = netns ? quotes(netns) : "";

	ret_text[0] = '\0';
	if (netns)
		snprintf(ret_text, CHECK_MAX, "%s%s%s%s ",
			 strchr(netns, '/') ? "nsenter --net=" : "ip netns exec ", quote, netns,
			 quote);
	return ret_text;
}

char *check_option(const struct explain_facts *facts, char ret_text[CHECK_MAX])
{
	const char *netns = facts->netns, *quote = netns ? quotes(netns) : "";

	ret_text[0] = '\0';
	if (netns)
		snprintf(ret_text, CHECK_MAX, " -N %s%s%s", quote, netns, quote);
	return ret_text;
}

static void want(uint64_t *ports, uint16_t first, uint16_t last)
{
	for (unsigned int port = first; port <= last; port++)
		ports[port / 64] |= 1ULL << (port % 64);
}

void explain_wanted_ports(const struct what *what, const struct knowledge *knowledge,
			  uint64_t ret_ports[PORT_COUNT / 64])
{
	struct subject subject;
	const struct companion *companion;
	size_t at = 0;

	for (size_t i = 0; i < what->count; i++)
		want(ret_ports, what->ranges[i].first, what->ranges[i].last);
	if (!subject_of(what, &subject))
		return;
	while ((companion = subject_companion(&subject, knowledge, &at)))
		want(ret_ports, companion_of(companion, subject.port),
		     companion_of(companion, subject.port));
	for (size_t i = 0; i < knowledge->spans.count; i++) {
		const struct span *span = &knowledge->spans.spans[i];

		if (subject_in_span(&subject, span) && span->last - span->first < SPAN_NARROW)
			want(ret_ports, span->first, span->last);
	}
}
