/*
 * See walk.h: which hooks there are, in which order, and what the kernel does between
 * them. Sources: net/netfilter/core.c, nf_nat_core.c, nf_conntrack_core.c;
 * linux/netfilter_ipv4.h (priorities); net/ipv4/route.c, 6.12.
 */
#include "reach/walk.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "reach/chains.h"

#define HOOK_INET_INGRESS 5 /* NF_INET_INGRESS, of 5.10 */

/* ---- what can arrive ---- */

/* Its own addresses; from elsewhere those of lo are out of reach. */
static void destinations(const struct walk_question *question, bool loopback, size_t interface,
			 struct interval *list, size_t *ret_count)
{
	const struct host *host = question->host;
	size_t count = 0;

	if (host->assumed)
		list[count++] = (struct interval){ 0, address_last(question->family) };
	for (size_t i = 0; i < host->address_count && !host->assumed; i++) {
		const struct host_address *address = &host->addresses[i];

		if (address->family != question->family || address->kind != ADDRESS_LOCAL ||
		    (!loopback && address->is_loopback) ||
		    (address->is_link && !loopback && address->interface != interface))
			continue;
		list[count++] = address->range;
	}
	*ret_count = intervals_merge(list, count);
}

static void add_boxes(const struct walk_question *question, bool loopback, size_t first,
		      size_t last, struct port_box **list, size_t *count, struct space *space)
{
	struct interval *targets =
		reallocarray(NULL, question->host->address_count + 1, sizeof(*targets));
	const struct interval any = { 0, address_last(question->family) };
	struct port_box *grown;
	size_t target_count = 0;

	space->failed |= !targets;
	if (targets)
		destinations(question, loopback, first, targets, &target_count);
	grown = reallocarray(*list, *count + target_count + 1, sizeof(*grown));
	space->failed |= !grown;
	if (grown)
		*list = grown;
	for (size_t t = 0; t < target_count && !space->failed; t++)
		grown[(*count)++] = (struct port_box){
			0, 0, { { any, targets[t], { first, last }, { 0, UINT16_MAX } } }
		};
	free(targets);
}

void walk_begin(const struct walk_question *question, bool loopback, struct space *ret_space)
{
	const struct host *host = question->host;
	struct space space = { 0 }, made;
	struct port_box *list = NULL;
	size_t count = 0;
	bool together = host->assumed || question->family == NFPROTO_IPV4;

	/* The same boxes for all ports: made once, for one. */
	for (size_t i = 0, last; i < host->count; i = last + 1) {
		last = i;
		if (host->interfaces[i].is_loopback != loopback)
			continue;
		/* Where no interface has addresses of its own, neighbours go together. */
		while (together && last + 1 < host->count &&
		       host->interfaces[last + 1].is_loopback == loopback)
			last++;
		add_boxes(question, loopback, i, last, &list, &count, &space);
	}
	space_make(list, count, true, &made);
	for (size_t p = 0; p < question->port_count; p++)
		space_add_ports(&space, question->ports[p].first, question->ports[p].last, &made);
	space_release(&made);
	free(list);
	*ret_space = space;
}

/* ---- hooks ---- */

enum place { AT_INGRESS, AT_PREROUTING, AT_INPUT, AT_FORWARD, AT_POSTROUTING };

enum stage_kind { STAGE_CHAIN, STAGE_TRACK, STAGE_NAT };

struct stage {
	enum stage_kind kind;
	int64_t priority;
	size_t order; /* among the same: as the kernel has registered them */
	const struct chain *chain;
};

struct stages {
	struct stage *list; /* owned */
	size_t count;
};

static bool is_nat(const struct chain *chain)
{
	return slice_equals(chain->kernel->type, "nat");
}

static bool is_dormant(const struct program *program, const struct chain *chain)
{
	const struct kernel_item *item = &chain->kernel->item;
	const struct kernel_table *table =
		kernel_table_find(program->kernel, item->family, item->table);

	return table && table->flags & NFT_TABLE_F_DORMANT;
}

static bool hooks_at(const struct chain *chain, uint8_t family, enum place place)
{
	static const uint32_t hooks[] = {
		[AT_PREROUTING] = NF_INET_PRE_ROUTING,
		[AT_INPUT] = NF_INET_LOCAL_IN,
		[AT_FORWARD] = NF_INET_FORWARD,
		[AT_POSTROUTING] = NF_INET_POST_ROUTING,
	};
	const struct kernel_chain *kernel = chain->kernel;

	if (!kernel->is_base)
		return false;
	if (place == AT_INGRESS)
		return (kernel->item.family == NFPROTO_NETDEV &&
			kernel->hook == NF_NETDEV_INGRESS) ||
		       (kernel->item.family == NFPROTO_INET && kernel->hook == HOOK_INET_INGRESS);
	return (kernel->item.family == NFPROTO_INET || kernel->item.family == family) &&
	       kernel->hook == hooks[place];
}

static int compare_stages(const void *left, const void *right)
{
	const struct stage *a = left, *b = right;

	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

/* Of the same priority, who came last goes first. */
static bool stages_at(const struct program *program, uint8_t family, enum place place, bool nat,
		      struct stages *ret_stages)
{
	size_t chains = program->kernel->chain_count;
	struct stages stages = { reallocarray(NULL, chains + 2, sizeof(*stages.list)), 0 };

	if (!stages.list)
		return false;
	for (size_t i = 0; i < chains; i++) {
		const struct chain *chain = &program->chains[i];

		if (hooks_at(chain, family, place) && is_nat(chain) == nat &&
		    !is_dormant(program, chain))
			stages.list[stages.count++] =
				(struct stage){ STAGE_CHAIN, chain->kernel->priority, chains - i,
						chain };
	}
	if (!nat && place == AT_PREROUTING)
		stages.list[stages.count++] =
			(struct stage){ STAGE_TRACK, NF_IP_PRI_CONNTRACK, 0, NULL };
	if (!nat && (place == AT_PREROUTING || place == AT_INPUT))
		stages.list[stages.count++] = (struct stage){
			STAGE_NAT, place == AT_PREROUTING ? NF_IP_PRI_NAT_DST : NF_IP_PRI_NAT_SRC,
			SIZE_MAX, NULL
		};
	if (stages.count)
		qsort(stages.list, stages.count, sizeof(*stages.list), compare_stages);
	*ret_stages = stages;
	return true;
}

/* Chains of devices see only what comes in there. */
static void part_devices(struct travel *travel, const struct chain *chain, struct stream *stream,
			 struct streams *passed_by)
{
	const struct host *host = travel->context.host;
	struct interval *list = reallocarray(NULL, chain->device_count + 1, sizeof(*list));
	struct stream others = *stream;
	size_t count = 0;

	travel->context.failed |= !list;
	for (size_t i = 0; list && i < chain->device_count; i++) {
		size_t place = host_interface_find(host, chain->devices[i]);

		if (place < host->count)
			list[count++] = (struct interval){ place, place };
	}
	space_cut(&stream->space, DIM_INTERFACE, list, intervals_merge(list, count), &stream->space,
		  &others.space);
	streams_add(passed_by, &others);
	free(list);
}

/* Translation's chains, one after the other, until one has translated. */
static void travel_nat(struct travel *travel, enum place place, struct stream *stream,
		       struct streams *passed)
{
	struct streams current = { 0 }, next = { 0 };
	struct stages stages;

	/* lo's packets were asked for when they left; untracked ones never are. */
	if (stream->state.tracking != TRACKING_NEW ||
	    (place == AT_PREROUTING && stream->state.translated)) {
		streams_add(passed, stream);
		return;
	}
	if (!stages_at(travel->context.program, travel->context.family, place, true, &stages)) {
		travel->context.failed = true;
		space_release(&stream->space);
		return;
	}
	streams_add(&current, stream);
	for (size_t i = 0; i < stages.count && current.count; i++) {
		for (size_t j = 0; j < current.count; j++)
			chain_travel(travel, stages.list[i].chain, &current.list[j], false, &next);
		streams_release(&current);
		for (size_t j = 0; j < next.count; j++)
			streams_add(place == AT_PREROUTING && next.list[j].state.translated
					    ? passed
					    : &current,
				    &next.list[j]);
		streams_release(&next);
	}
	streams_append(passed, &current);
	free(stages.list);
}

static void travel_stage(struct travel *travel, enum place place, const struct stage *stage,
			 struct stream *stream, struct streams *passed)
{
	switch (stage->kind) {
	case STAGE_TRACK:
		if (stream->state.tracking == TRACKING_NONE &&
		    travel->context.program->tracks[host_family(travel->context.family)]) {
			stream->state.tracking = TRACKING_NEW;
			stream->state.ct_mark_known = UINT32_MAX;
		}
		streams_add(passed, stream);
		break;
	case STAGE_NAT: travel_nat(travel, place, stream, passed); break;
	default:
		if (place == AT_INGRESS)
			part_devices(travel, stage->chain, stream, passed);
		if (space_is_empty(&stream->space))
			space_release(&stream->space);
		else
			chain_travel(travel, stage->chain, stream,
				     place == AT_INPUT || place == AT_FORWARD, passed);
	}
}

/* All chains of one hook. @streams is what comes to it, then what leaves it. */
static void travel_hook(struct travel *travel, enum place place, struct streams *streams)
{
	struct stages stages;

	if (!stages_at(travel->context.program, travel->context.family, place, false, &stages)) {
		travel->context.failed = true;
		return;
	}
	for (size_t i = 0; i < stages.count && streams->count; i++) {
		struct streams passed = { 0 };

		for (size_t j = 0; j < streams->count; j++)
			travel_stage(travel, place, &stages.list[i], &streams->list[j], &passed);
		streams_release(streams);
		streams_join(&passed);
		*streams = passed;
		travel->context.failed |= passed.failed;
	}
	free(stages.list);
}

/* ---- routing ---- */

static bool is_loopback(uint8_t family, number_t address)
{
	return family == NFPROTO_IPV4 ? address >> 24 == 127 : address == 1;
}

/* Translated to 127.0.0.0/8: only where the interface is told to allow it. */
static void route_loopback(struct travel *travel, struct stream *stream, struct streams *local)
{
	const struct host *host = travel->context.host;
	struct interval *list = reallocarray(NULL, host->count + 1, sizeof(*list));
	struct stream allowed = *stream;
	size_t count = 0;

	travel->context.failed |= !list;
	for (size_t i = 0; list && i < host->count; i++)
		if (host->interfaces[i].is_loopback || host->interfaces[i].route_localnet)
			list[count++] = (struct interval){ i, i };
	space_cut(&stream->space, DIM_INTERFACE, list, intervals_merge(list, count), &allowed.space,
		  &stream->space);
	free(list);
	streams_add(local, &allowed);
	travel_end(travel, stream, FATE_DROPPED, NULL,
		   "the kernel drops what is sent to loopback from outside (route_localnet is 0)");
}

static void route(struct travel *travel, struct stream *stream, struct streams *local,
		  struct streams *forward)
{
	const struct context *context = &travel->context;
	const struct packet_state *state = &stream->state;

	if (state->destination == DESTINATION_UNKNOWN) {
		travel_end(travel, stream, FATE_CANNOT_TELL, NULL,
			   "where it is translated to is chosen packet by packet");
	} else if (state->destination != DESTINATION_TRANSLATED) {
		streams_add(local, stream);
	} else if (is_loopback(context->family, state->address)) {
		route_loopback(travel, stream, local);
	} else if (host_address_type(context->host, context->family, state->address) == RTN_LOCAL) {
		streams_add(local, stream);
	} else if (!context->host->forwards[host_family(context->family)]) {
		travel_end(travel, stream, FATE_DROPPED, NULL,
			   "it is translated to another host, and this one does not forward");
	} else {
		streams_add(forward, stream);
	}
}

/* ---- bridges ---- */

static bool has_bridge_chains(const struct program *program)
{
	for (size_t i = 0; i < program->kernel->chain_count; i++)
		if (program->kernel->chains[i].is_base &&
		    program->kernel->chains[i].item.family == NFPROTO_BRIDGE &&
		    !is_dormant(program, &program->chains[i]))
			return true;
	return false;
}

/* What comes by a bridge has gone through the chains of its family before. */
static void part_bridges(struct travel *travel, struct stream *stream)
{
	const struct host *host = travel->context.host;
	struct interval *list = reallocarray(NULL, host->count + 1, sizeof(*list));
	struct stream bridged = *stream;
	size_t count = 0;

	travel->context.failed |= !list;
	for (size_t i = 0; list && i < host->count; i++)
		if (host->interfaces[i].is_bridge)
			list[count++] = (struct interval){ i, i };
	space_cut(&stream->space, DIM_INTERFACE, list, intervals_merge(list, count), &bridged.space,
		  &stream->space);
	free(list);
	travel_end(travel, &bridged, FATE_CANNOT_TELL, NULL,
		   "chains of the bridge family, which see it before");
}

/* ---- all of it ---- */

static void travel_all(struct travel *travel, struct stream *stream)
{
	struct streams streams = { 0 }, local = { 0 }, forward = { 0 };

	if (has_bridge_chains(travel->context.program))
		part_bridges(travel, stream);
	streams_add(&streams, stream);
	travel_hook(travel, AT_INGRESS, &streams);
	travel_hook(travel, AT_PREROUTING, &streams);
	for (size_t i = 0; i < streams.count; i++)
		route(travel, &streams.list[i], &local, &forward);
	streams_release(&streams);
	travel_hook(travel, AT_INPUT, &local);
	for (size_t i = 0; i < local.count; i++)
		travel_end(travel, &local.list[i], FATE_OPEN, NULL, NULL);
	streams_release(&local);
	travel->context.forwarded = true;
	travel_hook(travel, AT_FORWARD, &forward);
	travel_hook(travel, AT_POSTROUTING, &forward);
	for (size_t i = 0; i < forward.count; i++)
		travel_end(travel, &forward.list[i], FATE_SENT_ON, NULL, NULL);
	streams_release(&forward);
	travel->context.forwarded = false;
}

int walk_run(const struct walk_question *question, struct walk *ret_walk)
{
	struct walk walk = { 0 };
	struct travel travel = {
		.context = { .program = question->program,
			     .host = question->host,
			     .arena = question->arena,
			     .family = question->family,
			     .transport = question->transport },
		.walk = &walk,
	};

	for (unsigned int loopback = 0; loopback < 2; loopback++) {
		struct stream stream;

		memset(&stream, 0, sizeof(stream));
		walk_begin(question, loopback, &stream.space);
		/* A process here has sent it: conntrack and translation were asked then. */
		if (loopback) {
			if (question->program->tracks[host_family(question->family)])
				stream.state.tracking = TRACKING_NEW;
			stream.state.translated = true;
		}
		travel.loopback = loopback;
		travel_all(&travel, &stream);
	}
	if (travel.context.failed) {
		walk_release(&walk);
		return -ENOMEM;
	}
	*ret_walk = walk;
	return 0;
}

void walk_release(struct walk *walk)
{
	for (size_t i = 0; i < walk->count; i++)
		space_release(&walk->outcomes[i].stream.space);
	for (size_t i = 0; i < walk->passage_count; i++)
		space_release(&walk->passages[i].space);
	free(walk->outcomes);
	free(walk->passages);
	*walk = (struct walk){ 0 };
}
