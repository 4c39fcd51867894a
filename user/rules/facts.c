/* See facts.h. */
#include "rules/facts.h"

#include <stdlib.h>
#include <string.h>

#include "nft/describe.h"
#include "render/text.h"
#include "what.h"

/* What a rule leaves out, or translates to, is no matter of who listens here. */
static bool is_here(const struct port_use *use)
{
	return use->role == PORT_DESTINATION && !use->negated;
}

static void read_listeners(const struct listener_ports *listeners, const struct port_use *use,
			   struct port_facts *facts)
{
	uint8_t transports = use_transports(use);

	facts->has_listeners = true;
	for (uint32_t port = use->first; port <= use->last; port++) {
		bool listened = false;

		for (unsigned int t = 0; t < TRANSPORT_COUNT; t++)
			listened |= transports & 1u << t && listener_on(listeners, t, port);
		if (!listened)
			continue;
		if (facts->listened_count < LISTENED_MAX)
			facts->listened[facts->listened_count] = port;
		facts->listened_count++;
	}
}

/* Loopback counts one direction: there, an answer is never seen to leave. */
static bool counts_leaving(const struct snapshot *traffic)
{
	for (size_t i = 0; i < traffic->iface_count; i++)
		if (traffic->ifaces[i].hook[DIR_OUT] != HOOK_NONE)
			return true;
	return false;
}

static void read_traffic(const struct snapshot *traffic, const struct port_use *use,
			 struct port_facts *facts)
{
	uint8_t transports = use_transports(use);

	facts->side = use->role == PORT_SOURCE ? SIDE_PEER : SIDE_LOCAL;
	facts->has_traffic = facts->side == SIDE_LOCAL || !traffic->local_only;
	facts->has_attempts = facts->side == SIDE_LOCAL && transports & SERVICE_TCP;
	facts->has_answers = facts->has_attempts && counts_leaving(traffic);
	for (uint32_t port = use->first; facts->has_traffic && port <= use->last; port++) {
		for (unsigned int t = 0; t < TRANSPORT_COUNT; t++) {
			struct counter count;

			if (!(transports & 1u << t) || !traffic->ports[t])
				continue;
			count = snapshot_port(traffic, t, facts->side, DIR_IN, port);
			facts->in.packets += count.packets;
			facts->in.bytes += count.bytes;
		}
		if (facts->has_attempts) {
			facts->attempts += traffic->attempts[port];
			facts->answers += traffic->answers[port];
		}
	}
}

int admission_compare(const void *left, const void *right)
{
	const struct admission_port *a = left, *b = right;

	if (a->transport != b->transport)
		return a->transport < b->transport ? -1 : 1;
	return a->port - b->port;
}

static void read_admissions(const struct rules_facts *facts, const struct port_use *use,
			    struct port_facts *ret_read)
{
	uint8_t transports = use_transports(use);

	for (enum transport t = 0; t < TRANSPORT_COUNT; t++) {
		const struct admission_port key = { .transport = t, .port = use->first };
		const struct admission_port *found = NULL;

		if (transports & 1u << t)
			found = bsearch(&key, facts->admissions, facts->admission_count,
					sizeof(key), admission_compare);
		ret_read->admits[t] = found ? found->text : NULL;
	}
}

void port_facts_read(const struct rules_facts *facts, const struct port_use *use,
		     struct port_facts *ret_facts)
{
	struct port_facts read = { .is_range = use->first != use->last };

	if (facts->listeners && is_here(use))
		read_listeners(facts->listeners, use, &read);
	if (facts->traffic && use->role != PORT_TARGET && !use->negated)
		read_traffic(facts->traffic, use, &read);
	if (facts->admission_count && is_here(use) && use->first == use->last)
		read_admissions(facts, use, &read);
	*ret_facts = read;
}

static void print_listeners(FILE *out, const struct port_facts *facts, bool range)
{
	if (!facts->listened_count) {
		fputs("; nobody listens", out);
		return;
	}
	if (!range) {
		fputs("; somebody listens", out);
		return;
	}
	fputs("; somebody listens on ", out);
	for (unsigned int i = 0; i < facts->listened_count && i < LISTENED_MAX; i++)
		fprintf(out, "%s%u", i ? ", " : "", facts->listened[i]);
	if (facts->listened_count > LISTENED_MAX)
		fprintf(out, ", +%u more", facts->listened_count - LISTENED_MAX);
}

/* All rules together, not this one alone. */
static void print_admissions(FILE *out, const struct port_facts *facts)
{
	const char *first = NULL;
	bool same = true;

	for (enum transport t = 0; t < TRANSPORT_COUNT; t++) {
		if (!facts->admits[t])
			continue;
		same &= !first || !strcmp(first, facts->admits[t]);
		first = first ? first : facts->admits[t];
	}
	if (first)
		fputs("; the ruleset lets in: ", out);
	if (first && same)
		fputs(first, out);
	for (enum transport t = 0, n = 0; t < TRANSPORT_COUNT && !same; t++)
		if (facts->admits[t])
			fprintf(out, "%s%s %s", n++ ? ", " : "", transport_name(t),
				facts->admits[t]);
}

void port_facts_print(FILE *out, const struct port_facts *facts, const struct snapshot *traffic)
{
	char count[32], since[32];

	if (facts->has_listeners)
		print_listeners(out, facts, facts->is_range);
	print_admissions(out, facts);
	if (!facts->has_traffic)
		return;
	fprintf(out, "; %s packet%s %s since %s",
		text_count(count, sizeof(count), facts->in.packets),
		facts->in.packets == 1 ? "" : "s", facts->side == SIDE_PEER ? "from there" : "in",
		text_time(since, sizeof(since), traffic->since));
	if (!facts->has_attempts || !facts->attempts)
		return;
	fprintf(out, ", %s attempt%s", text_count(count, sizeof(count), facts->attempts),
		facts->attempts == 1 ? "" : "s");
	if (!facts->has_answers)
		return;
	if (facts->answers)
		fprintf(out, ", %s answered", text_count(count, sizeof(count), facts->answers));
	else
		fputs(", none answered", out);
}
