/*
 * One rule: its instructions, in order, on a stream that they part. See working.h.
 */
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "reach/lookup.h"
#include "reach/working.h"

#define CASES_MAX 200000

static const char too_many[] = "the rules tell too many cases apart";

static void follow(struct working *working, size_t at, struct frame *frame);

/* Go on with all of @in: the last in place. False: there is none. */
static bool go_on(struct working *working, size_t at, struct frame *frame, struct streams *in)
{
	if (!in->count) {
		streams_release(in);
		return false;
	}
	while (in->count > 1) {
		struct frame *copy = malloc(sizeof(*copy));

		if (!copy) {
			working->travel->context.failed = true;
			streams_release(in);
			return false;
		}
		*copy = *frame;
		copy->stream = in->list[--in->count];
		follow(working, at + 1, copy);
		free(copy);
	}
	frame->stream = in->list[--in->count];
	streams_release(in);
	return true;
}

static bool compare(struct working *working, size_t at, struct frame *frame,
		    const struct instruction *instruction)
{
	struct context *context = &working->travel->context;
	struct streams in = { 0 };
	struct match match = { 0 };

	match_add(context, frame, instruction->from, instruction->length, instruction->low,
		  instruction->high, &match);
	if (instruction->inverted)
		match_part(context, &frame->stream, &match, working->fallen, &in);
	else
		match_part(context, &frame->stream, &match, &in, working->fallen);
	match_release(&match);
	return go_on(working, at, frame, &in);
}

struct taking {
	struct working *working;
	struct frame *frame;
	const struct instruction *instruction;
	size_t at;
	struct streams *found; /* of sets without data */
};

static void take(void *data, struct stream *stream, const struct set_element *element)
{
	struct taking *taking = data;
	const struct instruction *instruction = taking->instruction;
	const struct set *set = instruction->set;
	struct frame *copy;

	if (set->has_verdicts) {
		working_verdict(taking->working, stream, element->verdict, element->target,
				"a verdict of a map");
		return;
	}
	if (!set->has_data || instruction->to == NO_REGISTER || !element->data) {
		streams_add(taking->found, stream);
		return;
	}
	copy = malloc(sizeof(*copy));
	if (!copy) {
		taking->working->travel->context.failed = true;
		space_release(&stream->space);
		return;
	}
	*copy = *taking->frame;
	copy->stream = *stream;
	stream->space = (struct space){ 0 };
	for (size_t i = 0; i < set->data_length; i++)
		copy->registers[instruction->to + i] = (struct symbol){ .value = element->data[i] };
	follow(taking->working, taking->at + 1, copy);
	free(copy);
}

static bool look_up(struct working *working, size_t at, struct frame *frame,
		    const struct instruction *instruction)
{
	struct streams found = { 0 }, missed = { 0 };
	struct taking taking = { working, frame, instruction, at, &found };

	if (!instruction->set) {
		working->travel->context.failed = true;
		space_release(&frame->stream.space);
		return false;
	}
	lookup_part(&working->travel->context, frame, instruction, take, &taking, &missed,
		    working->fallen);
	streams_append(working->fallen, instruction->inverted ? &found : &missed);
	return go_on(working, at, frame, instruction->inverted ? &missed : &found);
}

/* What kind of address the source is: local, broadcast, many. */
static void source_types(struct working *working, size_t at, struct frame *frame,
			 const struct instruction *instruction)
{
	static const uint8_t types[] = { RTN_LOCAL, RTN_BROADCAST, RTN_ANYCAST, RTN_MULTICAST };
	struct context *context = &working->travel->context;
	const struct host *host = context->host;
	bool old = context->family == NFPROTO_IPV4;
	struct interval *list = reallocarray(NULL, host->address_count + 4, sizeof(*list));

	context->failed |= !list;
	for (unsigned int t = 0; list && t < sizeof(types); t++) {
		struct frame *copy = malloc(sizeof(*copy));
		size_t count = 0;

		if (!copy) {
			context->failed = true;
			break;
		}
		for (size_t i = 0; i < host->address_count; i++)
			if (host->addresses[i].family == context->family &&
			    host_address_type(host, context->family,
					      host->addresses[i].range.first) == types[t])
				list[count++] = host->addresses[i].range;
		if (types[t] == RTN_BROADCAST && old) {
			list[count++] = (struct interval){ 0, 0xffffff };
			list[count++] = (struct interval){ UINT32_MAX, UINT32_MAX };
		}
		if (types[t] == RTN_MULTICAST)
			list[count++] =
				(struct interval){ old ? (number_t)0xe0000000
						       : (number_t)0xff << 120,
						   old ? (number_t)0xefffffff : ~(number_t)0 };
		*copy = *frame;
		space_cut(&frame->stream.space, DIM_SOURCE, list, intervals_merge(list, count),
			  &copy->stream.space, &frame->stream.space);
		value_set_number(copy, instruction->to, types[t]);
		if (space_is_empty(&copy->stream.space))
			space_release(&copy->stream.space);
		else
			follow(working, at + 1, copy);
		free(copy);
	}
	free(list);
}

static bool load(struct working *working, size_t at, struct frame *frame,
		 const struct instruction *instruction)
{
	if (instruction->operation == OP_FIB && instruction->result == FIB_TYPE &&
	    instruction->key & NFTA_FIB_F_SADDR &&
	    !(instruction->key & (NFTA_FIB_F_IIF | NFTA_FIB_F_OIF)))
		source_types(working, at, frame, instruction);
	if (value_load(&working->travel->context, frame, instruction))
		return true;
	streams_add(working->fallen, &frame->stream);
	return false;
}

static bool maybe(struct working *working, size_t at, struct frame *frame,
		  const struct instruction *instruction)
{
	struct streams in = { 0 };

	literal_part(&working->travel->context, &frame->stream, instruction->text,
		     instruction->stable ? NULL : instruction, &in, working->fallen);
	return go_on(working, at, frame, &in);
}

/* The kernel answers the client, and only then asks the listener, from within. */
static bool synproxy(struct working *working, struct frame *frame)
{
	if (working->travel->context.transport != IPPROTO_TCP)
		return true;
	frame->stream.state.by_synproxy = true;
	travel_end(working->travel, &frame->stream, FATE_OPEN, working_step(working),
		   "synproxy answers in its place");
	return false;
}

/* One instruction; false: nothing is left to go on with. */
static bool execute(struct working *working, size_t at, struct frame *frame)
{
	const struct instruction *instruction =
		&working->travel->context.program->instructions[working->rule->first + at];
	struct packet_state *state = &frame->stream.state;

	switch ((enum operation)instruction->operation) {
	case OP_PAYLOAD:
	case OP_META:
	case OP_CT:
	case OP_FIB:
	case OP_UNKNOWN_VALUE: return load(working, at, frame, instruction);
	case OP_CONSTANT:
	case OP_MASK:
	case OP_SHIFT:
	case OP_BYTEORDER: value_compute(frame, instruction); return true;
	case OP_COMPARE: return compare(working, at, frame, instruction);
	case OP_LOOKUP: return look_up(working, at, frame, instruction);
	case OP_MAYBE: return maybe(working, at, frame, instruction);
	case OP_NEVER: streams_add(working->fallen, &frame->stream); return false;
	case OP_SET_MARK:
		effect_mark(frame, instruction->from, &state->mark, &state->mark_known);
		return true;
	case OP_SET_CT_MARK:
		if (state->tracking == TRACKING_NEW)
			effect_mark(frame, instruction->from, &state->ct_mark,
				    &state->ct_mark_known);
		return true;
	case OP_NOTRACK:
		if (state->tracking == TRACKING_NONE)
			state->tracking = TRACKING_OFF;
		return true;
	case OP_CHANGES_SET: effect_changes_set(state, instruction->set); return true;
	case OP_DNAT:
		/* A rule of both families translates its own alone. */
		if (!instruction->inverted && instruction->family != NFPROTO_INET &&
		    instruction->family != working->travel->context.family)
			return true;
		effect_translate(working, frame, instruction);
		return false;
	case OP_REDIRECT: effect_translate(working, frame, instruction); return false;
	case OP_TPROXY: effect_tproxy(working, frame, instruction); return true;
	case OP_SYNPROXY: return synproxy(working, frame);
	case OP_STEAL:
		travel_end(working->travel, &frame->stream, FATE_DROPPED, working_step(working),
			   "it is sent out by another interface");
		return false;
	case OP_ACCEPT:
	case OP_DROP:
	case OP_JUMP:
	case OP_GOTO:
	case OP_RETURN:
	case OP_REJECT:
	case OP_CANNOT_TELL:
		working_verdict(working, &frame->stream, instruction->operation,
				instruction->target, instruction->text);
		return false;
	}
	return true;
}

static void follow(struct working *working, size_t at, struct frame *frame)
{
	if (++working->travel->cases > CASES_MAX) {
		travel_end(working->travel, &frame->stream, FATE_CANNOT_TELL, working_step(working),
			   too_many);
		return;
	}
	for (; at < working->rule->count; at++)
		if (!execute(working, at, frame))
			return;
	streams_add(working->fallen, &frame->stream);
}

void rule_work(struct working *working, struct frame *frame)
{
	follow(working, 0, frame);
}
