/*
 * See lookup.h. Elements with the same data go together: one cut where their keys say
 * something of one dimension only, as nearly all do; else one by a space that is made
 * of them.
 */
#include "reach/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/* Elements first to end have the same data. */
struct group {
	const struct set *set;
	size_t first, end;
};

static bool same_data(const struct set *set, const struct set_element *a,
		      const struct set_element *b)
{
	return a->verdict == b->verdict && a->target == b->target &&
	       (a->maybe == b->maybe || (a->maybe && b->maybe && !strcmp(a->maybe, b->maybe))) &&
	       (!a->data || !b->data ? a->data == b->data
				     : !memcmp(a->data, b->data, set->data_length));
}

static void match_element(struct context *context, const struct frame *frame, uint8_t from,
			  const struct set *set, const struct set_element *element,
			  struct match *match)
{
	size_t at = 0;

	if (!set->part_count) {
		match_add(context, frame, from, set->key_length, element->low, element->high,
			  match);
		return;
	}
	for (unsigned int i = 0; i < set->part_count && !match->impossible; i++) {
		match_add(context, frame, from + at, set->parts[i], element->low + at,
			  element->high + at, match);
		at += set->parts[i];
	}
}

/* ---- what a group's keys are together ---- */

struct gathering {
	bool any, all;	     /* some element may match; all packets do */
	const char *unknown; /* it depends on this, too */
	bool several;	     /* not all say something of @only alone */
	bool has_only;
	enum dimension only;
	struct interval *intervals; /* owned; of @only */
	struct port_box *boxes;	    /* owned; the same, as boxes */
	size_t interval_count, interval_room, box_count, box_room;
};

static void *room_for(void **list, size_t count, size_t *room, size_t more, size_t size)
{
	if (count + more > *room) {
		size_t bigger = (count + more) * 2;
		void *grown = reallocarray(*list, bigger, size);

		if (!grown)
			return NULL;
		*list = grown;
		*room = bigger;
	}
	return (char *)*list + count * size;
}

static bool gather_box(struct gathering *gathering, const struct match *match, struct box box,
		       unsigned int d)
{
	static const struct interval all_ports = { 0, UINT16_MAX };
	const struct interval *ports = &all_ports;
	size_t count = 1;

	while (d < REGION_DIMENSIONS && !match->sides[d].used)
		d++;
	if (d < REGION_DIMENSIONS) {
		for (size_t i = 0; i < match->sides[d].count; i++) {
			box.side[d] = match->sides[d].list[i];
			if (!gather_box(gathering, match, box, d + 1))
				return false;
		}
		return true;
	}
	if (match->sides[DIM_PORT].used) {
		ports = match->sides[DIM_PORT].list;
		count = match->sides[DIM_PORT].count;
	}
	for (size_t i = 0; i < count; i++) {
		struct port_box *added = room_for((void **)&gathering->boxes, gathering->box_count,
						  &gathering->box_room, 1, sizeof(*added));

		if (!added)
			return false;
		*added = (struct port_box){ ports[i].first, ports[i].last, box };
		gathering->box_count++;
	}
	return true;
}

static bool gather(struct gathering *gathering, const struct match *match)
{
	unsigned int used = 0;
	enum dimension last = DIM_PORT;

	for (unsigned int d = 0; d <= REGION_DIMENSIONS; d++)
		if (match->sides[d].used) {
			used++;
			last = d;
		}
	gathering->any = true;
	gathering->unknown = match->unknown ? match->unknown : gathering->unknown;
	gathering->all |= !used;
	if (used == 1 && (!gathering->has_only || gathering->only == last)) {
		struct interval *added = room_for(
			(void **)&gathering->intervals, gathering->interval_count,
			&gathering->interval_room, match->sides[last].count, sizeof(*added));

		if (!added)
			return false;
		memcpy(added, match->sides[last].list, match->sides[last].count * sizeof(*added));
		gathering->interval_count += match->sides[last].count;
		gathering->has_only = true;
		gathering->only = last;
	} else {
		gathering->several = true;
	}
	return true;
}

static bool gather_group(struct context *context, const struct frame *frame, uint8_t from,
			 const struct group *group, struct gathering *gathering, bool boxes)
{
	bool fine = true;

	for (size_t i = group->first; i < group->end && fine; i++) {
		struct match match = { 0 };

		match_element(context, frame, from, group->set, &group->set->elements[i], &match);
		if (!match.impossible)
			fine = boxes ? gather_box(gathering, &match, box_of_all(), 0)
				     : gather(gathering, &match);
		match_release(&match);
	}
	return fine;
}

/* ---- parting ---- */

static void part_space(struct context *context, const struct frame *frame, uint8_t from,
		       const struct group *group, struct gathering *gathering, struct space *space,
		       struct space *ret_in, struct space *ret_out)
{
	struct space mask;

	if (gathering->all) {
		*ret_in = *space;
		*ret_out = (struct space){ 0 };
		return;
	}
	if (!gathering->several) {
		gathering->interval_count =
			intervals_merge(gathering->intervals, gathering->interval_count);
		space_cut(space, gathering->only, gathering->intervals, gathering->interval_count,
			  ret_in, ret_out);
		return;
	}
	if (!gather_group(context, frame, from, group, gathering, true))
		context->failed = true;
	/* Keys that are told apart by what is not known may lie on each other. */
	space_make(gathering->boxes, gathering->box_count, !gathering->unknown, &mask);
	space_cut_by(space, &mask, ret_in, ret_out);
	space_release(&mask);
}

/* The part of @rest that has an element of the group; the others stay. */
static void part_group(struct context *context, const struct frame *frame,
		       const struct instruction *instruction, const struct group *group,
		       struct stream *rest, struct streams *ret_in, struct streams *ret_rest)
{
	struct gathering gathering = { 0 };
	struct stream inside = *rest, outside = *rest;

	if (!gather_group(context, frame, instruction->from, group, &gathering, false))
		context->failed = true;
	if (!gathering.any) {
		streams_add(ret_rest, rest);
		return;
	}
	part_space(context, frame, instruction->from, group, &gathering, &rest->space,
		   &inside.space, &outside.space);
	rest->space = (struct space){ 0 };
	streams_add(ret_rest, &outside);
	if (gathering.unknown && !space_is_empty(&inside.space)) {
		const struct kernel_set *kernel = group->set->kernel;
		const char *text = context_text(
			context, "%s, as in the set %.*s", gathering.unknown,
			SLICE_ARGS(kernel ? kernel->item.name : slice_of("of the rule")));

		literal_part(context, &inside, text, instruction, ret_in, ret_rest);
	} else {
		streams_add(ret_in, &inside);
	}
	free(gathering.intervals);
	free(gathering.boxes);
}

struct taking {
	void (*take)(void *data, struct stream *stream, const struct set_element *element);
	void *data;
	struct streams *refused;
};

/* Elements may have a limit of their own. */
static void take_all(struct context *context, struct streams *in, const struct set_element *element,
		     const struct taking *taking)
{
	for (size_t i = 0; i < in->count; i++) {
		struct streams yes = { 0 };

		if (element->maybe)
			literal_part(context, &in->list[i], element->maybe, element, &yes,
				     taking->refused);
		else
			streams_add(&yes, &in->list[i]);
		for (size_t j = 0; j < yes.count; j++)
			taking->take(taking->data, &yes.list[j], element);
		streams_release(&yes);
	}
	streams_release(in);
}

static bool is_changed(const struct packet_state *state, const struct set *set)
{
	for (unsigned int i = 0; i < state->changed_count; i++)
		if (state->changed[i] == set)
			return true;
	return false;
}

/* The packet has added itself, or tried to: both may be. */
static void part_changed(struct context *context, struct frame *frame,
			 const struct instruction *instruction, const struct taking *taking,
			 struct streams *ret_out)
{
	static const struct set_element nothing = { .verdict = OP_MAYBE };
	const struct set *set = instruction->set;
	struct streams in = { 0 };

	literal_part(context, &frame->stream,
		     context_text(context, "the set %.*s, which the packet changes, holds it",
				  SLICE_ARGS(set->kernel->item.name)),
		     instruction, &in, ret_out);
	take_all(context, &in, &nothing, taking);
}

void lookup_part(struct context *context, struct frame *frame,
		 const struct instruction *instruction,
		 void (*take)(void *data, struct stream *stream, const struct set_element *element),
		 void *data, struct streams *ret_out, struct streams *ret_refused)
{
	const struct taking taking = { take, data, ret_refused };
	const struct set *set = instruction->set;
	struct group group = { .set = set };
	struct streams rest = { 0 };

	if (!set->has_data && is_changed(&frame->stream.state, set)) {
		part_changed(context, frame, instruction, &taking, ret_out);
		return;
	}
	streams_add(&rest, &frame->stream);
	while (group.end < set->count && rest.count) {
		struct streams in = { 0 }, left = { 0 };

		group.first = group.end++;
		while (group.end < set->count &&
		       same_data(set, &set->elements[group.first], &set->elements[group.end]))
			group.end++;
		for (size_t i = 0; i < rest.count; i++)
			part_group(context, frame, instruction, &group, &rest.list[i], &in, &left);
		streams_release(&rest);
		rest = left;
		take_all(context, &in, &set->elements[group.first], &taking);
	}
	if (set->otherwise)
		take_all(context, &rest, set->otherwise, &taking);
	else
		streams_append(ret_out, &rest);
}
