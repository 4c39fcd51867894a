/*
 * See chains.h. Rules part a stream: some of it they decide, the rest goes on to the
 * next one. What was told apart only for a while is put together again, so that the
 * number of streams stays that of the cases. Source: net/netfilter/nf_tables_core.c,
 * 6.12.
 */
#include "reach/chains.h"

#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "reach/working.h"

#define JUMPS_MAX 16 /* NFT_JUMP_STACK_SIZE */

static void *arena_room(struct context *context, size_t size)
{
	char *bytes = arena_bytes(context->arena, size + _Alignof(number_t));

	if (!bytes) {
		context->failed = true;
		return NULL;
	}
	return bytes + (-(uintptr_t)bytes & (_Alignof(number_t) - 1));
}

static const struct step *step_make(struct travel *travel, const struct step *before,
				    const struct chain *chain, const struct rule *rule)
{
	struct step *step = arena_room(&travel->context, sizeof(*step));

	if (step)
		*step = (struct step){ before, chain, rule };
	return step;
}

const struct step *working_step(const struct working *working)
{
	return step_make(working->travel, working->before, working->chain, working->rule);
}

/* ---- ends ---- */

void travel_end(struct travel *travel, struct stream *stream, enum fate fate,
		const struct step *step, const char *text)
{
	struct walk *walk = travel->walk;

	if (space_is_empty(&stream->space)) {
		space_release(&stream->space);
		return;
	}
	travel->context.failed |= stream->space.failed;
	if (walk->count == walk->room) {
		size_t room = walk->room ? walk->room * 2 : 64;
		struct outcome *grown = reallocarray(walk->outcomes, room, sizeof(*grown));

		if (!grown) {
			travel->context.failed = true;
			space_release(&stream->space);
			return;
		}
		walk->outcomes = grown;
		walk->room = room;
	}
	walk->outcomes[walk->count++] =
		(struct outcome){ *stream, fate, step, travel->loopback, text };
	stream->space = (struct space){ 0 };
}

static void pass(struct travel *travel, struct stream *stream, const struct step *step,
		 bool translates, bool filters, struct streams *passed)
{
	struct walk *walk = travel->walk;

	if (walk->passage_count == walk->passage_room) {
		size_t room = walk->passage_room ? walk->passage_room * 2 : 64;
		struct passage *grown = reallocarray(walk->passages, room, sizeof(*grown));

		if (!grown) {
			travel->context.failed = true;
			space_release(&stream->space);
			return;
		}
		walk->passages = grown;
		walk->passage_room = room;
	}
	if (!space_is_empty(&stream->space)) {
		struct passage *passage = &walk->passages[walk->passage_count++];

		*passage = (struct passage){ .step = step,
					     .loopback = travel->loopback,
					     .translates = translates,
					     .filters = filters };
		space_copy(&passage->space, &stream->space);
	}
	streams_add(passed, stream);
}

void working_pass(const struct working *working, struct stream *stream, bool translates)
{
	pass(working->travel, stream, working_step(working), translates, working->filters,
	     working->passed);
}

/* ---- verdicts ---- */

static void chain_follow(struct travel *travel, const struct chain *chain, struct stream *stream,
			 const struct step *before, unsigned int jumps, bool filters,
			 struct streams *returned, struct streams *passed);

void working_verdict(struct working *working, struct stream *stream, enum operation operation,
		     const struct chain *target, const char *text)
{
	struct travel *travel = working->travel;

	switch (operation) {
	case OP_ACCEPT: working_pass(working, stream, false); break;
	case OP_DROP: travel_end(travel, stream, FATE_DROPPED, working_step(working), NULL); break;
	case OP_REJECT:
		travel_end(travel, stream, FATE_REJECTED, working_step(working), NULL);
		break;
	case OP_RETURN: streams_add(working->returned, stream); break;
	case OP_MAYBE: streams_add(working->fallen, stream); break;
	case OP_JUMP:
	case OP_GOTO:
		if (working->jumps == JUMPS_MAX)
			travel_end(travel, stream, FATE_DROPPED, working_step(working),
				   "more than 16 jumps");
		else
			chain_follow(travel, target, stream, working_step(working),
				     working->jumps + 1, working->filters,
				     operation == OP_JUMP ? working->fallen : working->returned,
				     working->passed);
		break;
	default: travel_end(travel, stream, FATE_CANNOT_TELL, working_step(working), text);
	}
}

/* ---- a chain ---- */

static bool all_like(const struct streams *streams, const struct stream *stream)
{
	for (size_t i = 0; i < streams->count; i++)
		if (streams->list[i].literals != stream->literals ||
		    memcmp(&streams->list[i].state, &stream->state, sizeof(stream->state)) != 0)
			return false;
	return true;
}

/*
 * A jump that decided nothing leaves all as it was: then it is better taken from a
 * copy than put together from parts. Returns whether @fallen was.
 */
static void undo_jump(struct streams *fallen, struct stream *copy)
{
	if (!all_like(fallen, copy)) {
		space_release(&copy->space);
		return;
	}
	streams_release(fallen);
	streams_add(fallen, copy);
}

static void rule_follow(struct working *working, struct stream *stream, struct streams *next)
{
	const struct walk *walk = working->travel->walk;
	size_t ended = walk->count + walk->passage_count + working->returned->count;
	struct streams fallen = { 0 };
	struct stream copy = { 0 };
	struct frame frame;

	if (working->rule->has_jump)
		stream_copy(&copy, stream);
	memset(&frame, 0, sizeof(frame));
	frame.stream = *stream;
	stream->space = (struct space){ 0 };
	working->fallen = &fallen;
	rule_work(working, &frame);
	if (working->rule->has_jump) {
		/* What a literal told apart has another one now, and joins. */
		if (fallen.count > 1)
			streams_join(&fallen);
		if (ended == walk->count + walk->passage_count + working->returned->count)
			undo_jump(&fallen, &copy);
		else
			space_release(&copy.space);
	}
	streams_append(next, &fallen);
}

static bool has_own_port(const struct stream *stream)
{
	return !stream->state.has_port && !stream->state.port_unknown;
}

/*
 * A rule about some ports leaves all others where they are: with ten thousand rules for
 * a thousand ports, this is what makes it quick.
 */
static void rule_follow_ports(struct working *working, struct streams *current)
{
	struct stream *stream = &current->list[0], part = *stream;
	struct streams next = { 0 };

	part.space = (struct space){ 0 };
	if (!space_take_ports(&stream->space, working->rule->ports, working->rule->port_count,
			      &part.space)) {
		space_release(&part.space);
		return;
	}
	rule_follow(working, &part, &next);
	if (next.count > 1)
		streams_join(&next);
	working->travel->context.failed |= next.failed || stream->space.failed;
	for (size_t i = 0; i < next.count; i++)
		if (next.list[i].literals == stream->literals &&
		    !memcmp(&next.list[i].state, &stream->state, sizeof(stream->state)))
			space_put_ports(&stream->space, &next.list[i].space);
	part = *stream;
	stream->space = (struct space){ 0 };
	streams_release(current);
	streams_add(current, &part);
	streams_append(current, &next);
}

static void chain_follow(struct travel *travel, const struct chain *chain, struct stream *stream,
			 const struct step *before, unsigned int jumps, bool filters,
			 struct streams *returned, struct streams *passed)
{
	struct working working = { travel,  chain, NULL,     before, jumps,
				   filters, NULL,  returned, passed };
	struct streams current = { 0 };

	if (chain->unknown) {
		travel_end(travel, stream, FATE_CANNOT_TELL, working_step(&working),
			   chain->unknown);
		return;
	}
	streams_add(&current, stream);
	for (size_t i = 0; i < chain->count && current.count; i++) {
		struct streams next = { 0 };

		working.rule = &travel->context.program->rules[chain->first + i];
		if (!working.rule->has_effect)
			continue;
		if (working.rule->port_count && current.count == 1 &&
		    has_own_port(&current.list[0])) {
			rule_follow_ports(&working, &current);
			continue;
		}
		for (size_t j = 0; j < current.count; j++)
			rule_follow(&working, &current.list[j], &next);
		streams_release(&current);
		current = next;
		if (current.count > 1)
			streams_join(&current);
		travel->context.failed |= current.failed;
	}
	streams_append(returned, &current);
}

void chain_travel(struct travel *travel, const struct chain *chain, struct stream *stream,
		  bool filters, struct streams *ret_passed)
{
	const struct step *policy = step_make(travel, NULL, chain, NULL);
	struct streams returned = { 0 };

	chain_follow(travel, chain, stream, NULL, 0, filters, &returned, ret_passed);
	for (size_t i = 0; i < returned.count; i++) {
		if (chain->kernel->policy == NF_DROP)
			travel_end(travel, &returned.list[i], FATE_DROPPED, policy, NULL);
		else
			pass(travel, &returned.list[i], policy, false, filters, ret_passed);
	}
	streams_release(&returned);
}
