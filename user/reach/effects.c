/*
 * What rules do to packets: marks, sets that packets change, other destinations. See
 * working.h. Sources: net/netfilter/nf_nat_core.c, nf_nat_redirect.c, 6.12.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <stdlib.h>
#include <string.h>

#include "reach/working.h"

void effect_mark(const struct frame *frame, uint8_t from, uint32_t *ret_mark, uint32_t *ret_known)
{
	uint8_t value[4], known[4];

	for (unsigned int i = 0; i < 4; i++) {
		known[i] = ~frame->registers[from + i].mask;
		value[i] = frame->registers[from + i].value & known[i];
	}
	memcpy(ret_mark, value, sizeof(value));
	memcpy(ret_known, known, sizeof(known));
}

void effect_changes_set(struct packet_state *state, const struct set *set)
{
	for (unsigned int i = 0; i < state->changed_count; i++)
		if (state->changed[i] == set)
			return;
	if (state->changed_count < CHANGED_MAX)
		state->changed[state->changed_count++] = set;
}

static void translate_port(struct frame *frame, const struct instruction *instruction)
{
	struct packet_state *state = &frame->stream.state;
	uint8_t first[2], last[2];

	if (instruction->port_from == NO_REGISTER)
		return;
	state->has_port = true;
	state->port = 0;
	if (instruction->port_to != NO_REGISTER &&
	    value_known(frame, instruction->port_from, 2, first) &&
	    value_known(frame, instruction->port_to, 2, last) && !memcmp(first, last, 2))
		state->port = first[0] << 8 | first[1];
	else
		state->port_unknown = true;
}

static void translate_address(const struct context *context, struct frame *frame,
			      const struct instruction *instruction)
{
	struct packet_state *state = &frame->stream.state;
	uint8_t length = context->family == NFPROTO_IPV4 ? 4 : 16, first[16], last[16];

	if (instruction->from == NO_REGISTER)
		return;
	if (instruction->to != NO_REGISTER &&
	    value_known(frame, instruction->from, length, first) &&
	    value_known(frame, instruction->to, length, last) && !memcmp(first, last, length)) {
		state->destination = DESTINATION_TRANSLATED;
		state->address = address_number(context->family, first);
	} else {
		state->destination = DESTINATION_UNKNOWN;
	}
}

/* Where there is no address to redirect to, the packet is dropped. */
static void drop_without_address(struct working *working, struct frame *frame)
{
	struct context *context = &working->travel->context;
	const struct host *host = context->host;
	struct interval *without = reallocarray(NULL, host->count + 1, sizeof(*without));
	struct stream none = frame->stream;
	size_t count = 0;

	context->failed |= !without;
	for (size_t i = 0; without && i < host->count; i++)
		if (!host->interfaces[i].has_address[host_family(context->family)])
			without[count++] = (struct interval){ i, i };
	space_cut(&frame->stream.space, DIM_INTERFACE, without, intervals_merge(without, count),
		  &none.space, &frame->stream.space);
	free(without);
	travel_end(working->travel, &none, FATE_DROPPED, working_step(working),
		   "the interface has no address to redirect to");
}

/* Moves what of @space has @value in @dimension to @same. */
static void part_same(struct space *space, enum dimension dimension, number_t value,
		      struct space *same)
{
	const struct interval only = { value, value };

	space_cut(space, dimension, &only, 1, same, space);
}

/* What was sent to an interface's own address already. */
static void part_own(const struct context *context, struct space *space, struct space *same)
{
	unsigned int which = host_family(context->family);

	*same = (struct space){ 0 };
	for (size_t i = 0; i < context->host->count; i++) {
		const struct host_interface *interface = &context->host->interfaces[i];
		struct space here, own;

		if (!interface->has_address[which])
			continue;
		part_same(space, DIM_INTERFACE, i, &here);
		part_same(&here, DIM_DESTINATION, interface->address[which], &own);
		space_join(space, &here);
		space_join(same, &own);
	}
}

/*
 * What is translated to what it was sent to is not translated, in the eyes of
 * conntrack: it loses nothing but its turn at further chains.
 */
static void part_unchanged(const struct context *context, struct stream *stream,
			   const struct packet_state *before, struct stream *ret_unchanged)
{
	const struct packet_state *state = &stream->state;
	struct space same, other = { 0 };

	*ret_unchanged = (struct stream){ .state = *before, .literals = stream->literals };
	ret_unchanged->state.translated = true;
	if (state->port_unknown || state->destination == DESTINATION_UNKNOWN)
		return;
	same = stream->space;
	stream->space = (struct space){ 0 };
	if (state->has_port) {
		part_same(&same, DIM_PORT, state->port, &other);
		stream->space = same;
		same = other;
	}
	if (state->destination == DESTINATION_TRANSLATED)
		part_same(&same, DIM_DESTINATION, state->address, &other);
	else if (state->destination == DESTINATION_OWN)
		part_own(context, &same, &other);
	else
		other = same, same = (struct space){ 0 };
	space_join(&stream->space, &same);
	ret_unchanged->space = other;
}

/* Translation is a verdict: the chain ends. */
void effect_translate(struct working *working, struct frame *frame,
		      const struct instruction *instruction)
{
	struct context *context = &working->travel->context;
	struct packet_state *state = &frame->stream.state;
	const struct packet_state before = *state;
	bool redirects = instruction->operation == OP_REDIRECT;
	struct stream unchanged;

	if (instruction->inverted) {
		working_pass(working, &frame->stream, false);
		return;
	}
	if (redirects && !context->host->assumed)
		drop_without_address(working, frame);
	translate_address(context, frame, instruction);
	translate_port(frame, instruction);
	if (redirects)
		state->destination = DESTINATION_OWN;
	if (instruction->key & (NF_NAT_RANGE_NETMAP | NF_NAT_RANGE_PROTO_OFFSET)) {
		state->destination = DESTINATION_UNKNOWN;
		state->port_unknown = true;
	}
	state->translated = true;
	part_unchanged(context, &frame->stream, &before, &unchanged);
	working_pass(working, &unchanged, false);
	working_pass(working, &frame->stream, true);
}

/* To a socket that is transparent, if there is one; else the rule ends. */
void effect_tproxy(struct working *working, struct frame *frame,
		   const struct instruction *instruction)
{
	struct streams in = { 0 };
	uint8_t port[2];

	literal_part(&working->travel->context, &frame->stream,
		     "a transparent proxy listens for it", instruction, &in, working->fallen);
	if (in.count)
		frame->stream = in.list[--in.count];
	if (value_known(frame, instruction->port_from == NO_REGISTER ? 0 : instruction->port_from,
			2, port) &&
	    instruction->port_from != NO_REGISTER)
		frame->stream.state.socket_port = port[0] << 8 | port[1];
	streams_release(&in);
}
