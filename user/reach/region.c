/*
 * Sets of boxes that do not overlap: parted by intervals and by each other, put
 * together again, shared by the ports that nothing has told apart. See region.h.
 */
#include "reach/region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

#define FEW_BOXES    8
#define SIMPLIFY_MAX 48

/* ---- regions ---- */

/* Each operation on spaces has its number. */
uint64_t operation_next(void)
{
	static uint64_t number;

	return ++number;
}

/*
 * Ports that share a region share what becomes of it: each operation makes it once.
 * The results live as long as the operation, in the spaces that it makes.
 */
static void remember(struct region *region, uint64_t operation, const struct region *with,
		     struct region *in, struct region *out)
{
	region->operation = operation;
	region->with = with;
	region->in = in;
	region->out = out;
}

static bool remembers(const struct region *region, uint64_t operation, const struct region *with)
{
	return region->operation == operation && region->with == with;
}

struct region *region_new(size_t room)
{
	struct region *region = calloc(1, sizeof(*region));

	if (region && room) {
		region->boxes = reallocarray(NULL, room, sizeof(*region->boxes));
		if (!region->boxes) {
			free(region);
			return NULL;
		}
	}
	if (region)
		*region = (struct region){ .references = 1, .room = room, .boxes = region->boxes };
	return region;
}

struct region *region_share(struct region *region)
{
	region->references++;
	return region;
}

void region_drop(struct region *region)
{
	if (!region || --region->references)
		return;
	free(region->boxes);
	free(region);
}

bool region_add(struct region *region, const struct box *box)
{
	if (region->count == region->room) {
		size_t room = region->room ? region->room * 2 : 4;
		struct box *grown = reallocarray(region->boxes, room, sizeof(*grown));

		if (!grown)
			return false;
		region->boxes = grown;
		region->room = room;
	}
	region->boxes[region->count++] = *box;
	region->has_bounds = false;
	return true;
}

static bool box_meets(const struct box *a, const struct box *b)
{
	for (unsigned int d = 0; d < REGION_DIMENSIONS; d++)
		if (a->side[d].last < b->side[d].first || b->side[d].last < a->side[d].first)
			return false;
	return true;
}

static const struct box *region_bounds(struct region *region)
{
	if (region->has_bounds || !region->count)
		return &region->bounds;
	region->bounds = region->boxes[0];
	for (size_t i = 1; i < region->count; i++)
		for (unsigned int d = 0; d < REGION_DIMENSIONS; d++) {
			const struct interval *side = &region->boxes[i].side[d];
			struct interval *bound = &region->bounds.side[d];

			bound->first = side->first < bound->first ? side->first : bound->first;
			bound->last = side->last > bound->last ? side->last : bound->last;
		}
	region->has_bounds = true;
	return &region->bounds;
}

bool regions_meet(struct region *a, struct region *b)
{
	if (!a->count || !b->count || !box_meets(region_bounds(a), region_bounds(b)))
		return false;
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < b->count; j++)
			if (box_meets(&a->boxes[i], &b->boxes[j]))
				return true;
	return false;
}

static struct box box_common(const struct box *a, const struct box *b)
{
	struct box common;

	for (unsigned int d = 0; d < REGION_DIMENSIONS; d++) {
		const struct interval *x = &a->side[d], *y = &b->side[d];

		common.side[d].first = x->first > y->first ? x->first : y->first;
		common.side[d].last = x->last < y->last ? x->last : y->last;
	}
	return common;
}

/* What of @box is in the intervals, and what is between them. */
static bool box_cut(const struct box *box, enum dimension dimension,
		    const struct interval *intervals, size_t count, struct region *in,
		    struct region *out)
{
	const struct interval side = box->side[dimension];
	size_t i = interval_at(intervals, count, side.first);
	number_t at = side.first;
	struct box part = *box;

	for (; i < count && intervals[i].first <= side.last; i++) {
		if (at < intervals[i].first) {
			part.side[dimension] = (struct interval){ at, intervals[i].first - 1 };
			if (!region_add(out, &part))
				return false;
			at = intervals[i].first;
		}
		part.side[dimension].first = at;
		part.side[dimension].last =
			intervals[i].last < side.last ? intervals[i].last : side.last;
		if (!region_add(in, &part))
			return false;
		if (intervals[i].last >= side.last)
			return true;
		at = intervals[i].last + 1;
	}
	part.side[dimension] = (struct interval){ at, side.last };
	return region_add(out, &part);
}

enum side { SIDE_IN, SIDE_OUT, SIDE_BOTH };

/* Whether all boxes lie on one side. */
static enum side region_side(const struct region *region, enum dimension dimension,
			     const struct interval *intervals, size_t count)
{
	bool in = false, out = false;

	for (size_t i = 0; i < region->count && !(in && out); i++) {
		const struct interval *side = &region->boxes[i].side[dimension];
		size_t at = interval_at(intervals, count, side->first);

		if (at == count || intervals[at].first > side->last)
			out = true;
		else if (intervals[at].first <= side->first && intervals[at].last >= side->last)
			in = true;
		else
			in = out = true;
	}
	return in && out ? SIDE_BOTH : in ? SIDE_IN : SIDE_OUT;
}

/* Boxes that a cut does not touch stay where they are. */
static bool region_cut_in_place(struct region *region, enum dimension dimension,
				const struct interval *intervals, size_t count, struct region *in)
{
	struct region out = { 0 };
	size_t kept = 0;
	bool fine = true;

	for (size_t i = 0; i < region->count && fine; i++) {
		const struct interval *side = &region->boxes[i].side[dimension];
		size_t at = interval_at(intervals, count, side->first);

		if (at == count || intervals[at].first > side->last) {
			if (kept != i)
				region->boxes[kept] = region->boxes[i];
			kept++;
			continue;
		}
		fine = box_cut(&region->boxes[i], dimension, intervals, count, in, &out);
	}
	region->count = kept;
	region->has_bounds = false;
	for (size_t i = 0; i < out.count && fine; i++)
		fine = region_add(region, &out.boxes[i]);
	free(out.boxes);
	return fine;
}

/* Uses up a reference of @region. */
static void take_remembered(struct region *region, struct region **ret_in, struct region **ret_out)
{
	*ret_in = region->in ? region_share(region->in) : NULL;
	*ret_out = region->out ? region_share(region->out) : NULL;
	region_drop(region);
}

/* Uses up a reference of @region; NULL stands for no box. */
bool region_cut(struct region *region, uint64_t operation, enum dimension dimension,
		const struct interval *intervals, size_t count, struct region **ret_in,
		struct region **ret_out)
{
	enum side side;
	struct region *in, *out;

	if (remembers(region, operation, NULL)) {
		take_remembered(region, ret_in, ret_out);
		return true;
	}
	side = region_side(region, dimension, intervals, count);
	if (side != SIDE_BOTH) {
		*ret_in = side == SIDE_IN ? region : NULL;
		*ret_out = side == SIDE_OUT ? region : NULL;
		remember(region, operation, NULL, *ret_in, *ret_out);
		return true;
	}
	in = region_new(0);
	if (!in)
		return false;
	if (region->references == 1) {
		*ret_in = in;
		*ret_out = region;
		return region_cut_in_place(region, dimension, intervals, count, in);
	}
	*ret_in = in;
	*ret_out = out = region_new(region->count + 1);
	if (!out)
		return false;
	for (size_t i = 0; i < region->count; i++)
		if (!box_cut(&region->boxes[i], dimension, intervals, count, in, out))
			return false;
	remember(region, operation, NULL, in, out);
	region_drop(region);
	return true;
}

/* Of @box, what @hole leaves, appended to @rest. */
static bool box_subtract(struct box box, const struct box *hole, struct region *rest)
{
	for (unsigned int d = 0; d < REGION_DIMENSIONS; d++) {
		struct box part = box;

		if (box.side[d].first < hole->side[d].first) {
			part.side[d].last = hole->side[d].first - 1;
			if (!region_add(rest, &part))
				return false;
			box.side[d].first = hole->side[d].first;
		}
		if (box.side[d].last > hole->side[d].last) {
			part = box;
			part.side[d].first = hole->side[d].last + 1;
			if (!region_add(rest, &part))
				return false;
			box.side[d].last = hole->side[d].last;
		}
	}
	return true;
}

static bool region_split_box(struct region *in, struct region *out, const struct box *box,
			     const struct region *other)
{
	struct region left = { 0 }, next = { 0 }, swap;
	bool fine = region_add(&left, box);

	for (size_t i = 0; i < other->count && fine; i++) {
		const struct box *hole = &other->boxes[i];
		struct box common;

		if (!box_meets(box, hole))
			continue;
		common = box_common(box, hole);
		fine = region_add(in, &common);
		next.count = 0;
		for (size_t j = 0; j < left.count && fine; j++)
			fine = box_meets(&left.boxes[j], hole)
				       ? box_subtract(left.boxes[j], hole, &next)
				       : region_add(&next, &left.boxes[j]);
		swap = left;
		left = next;
		next = swap;
	}
	for (size_t i = 0; i < left.count && fine; i++)
		fine = region_add(out, &left.boxes[i]);
	free(left.boxes);
	free(next.boxes);
	return fine;
}

struct box box_of_all(void)
{
	struct box all;

	for (unsigned int d = 0; d < REGION_DIMENSIONS; d++)
		all.side[d] = (struct interval){ 0, ~(number_t)0 };
	return all;
}

/* The one dimension that boxes say something of; REGION_DIMENSIONS: there are several. */
static enum dimension only_dimension(const struct region *region)
{
	bool used[REGION_DIMENSIONS] = { false };
	enum dimension only = DIM_SOURCE;
	unsigned int count = 0;

	for (size_t i = 0; i < region->count; i++)
		for (unsigned int d = 0; d < REGION_DIMENSIONS; d++)
			used[d] |= region->boxes[i].side[d].first ||
				   region->boxes[i].side[d].last != ~(number_t)0;
	for (unsigned int d = 0; d < REGION_DIMENSIONS; d++)
		if (used[d]) {
			only = d;
			count++;
		}
	return count > 1 ? REGION_DIMENSIONS : only;
}

/* As region_cut(), by boxes. */
bool region_cut_by(struct region *region, uint64_t operation, const struct region *other,
		   struct region **ret_in, struct region **ret_out)
{
	enum dimension only;
	struct region *in, *out;
	bool fine;

	if (region == other) {
		*ret_in = region;
		*ret_out = NULL;
		return true;
	}
	if (remembers(region, operation, other)) {
		take_remembered(region, ret_in, ret_out);
		return true;
	}
	only = other->count > FEW_BOXES ? only_dimension(other) : REGION_DIMENSIONS;
	if (only != REGION_DIMENSIONS) {
		_cleanup_free_ struct interval *intervals = NULL;
		ptrdiff_t count = region_project(other, only, &intervals);

		return count >= 0 && region_cut(region, operation_next(), only, intervals, count,
						ret_in, ret_out);
	}
	*ret_in = in = region_new(0);
	*ret_out = out = region_new(0);
	fine = in && out;
	for (size_t i = 0; i < region->count && fine; i++)
		fine = region_split_box(in, out, &region->boxes[i], other);
	if (fine)
		remember(region, operation, other, in->count ? in : NULL, out->count ? out : NULL);
	region_drop(region);
	if (fine && !in->count) {
		region_drop(in);
		*ret_in = NULL;
	}
	if (fine && !out->count) {
		region_drop(out);
		*ret_out = NULL;
	}
	return fine;
}

/* ---- together ---- */

/* Whether they differ in one dimension only, and touch there: then @a takes @b in. */
static bool box_absorb(struct box *a, const struct box *b)
{
	unsigned int differs = REGION_DIMENSIONS;

	for (unsigned int d = 0; d < REGION_DIMENSIONS; d++) {
		if (a->side[d].first == b->side[d].first && a->side[d].last == b->side[d].last)
			continue;
		if (differs != REGION_DIMENSIONS)
			return false;
		differs = d;
	}
	if (differs == REGION_DIMENSIONS)
		return true;
	if (a->side[differs].last + 1 == b->side[differs].first && b->side[differs].first)
		a->side[differs].last = b->side[differs].last;
	else if (b->side[differs].last + 1 == a->side[differs].first && a->side[differs].first)
		a->side[differs].first = b->side[differs].first;
	else
		return false;
	return true;
}

/* What was cut for a while fits together again. Only where it is little work. */
static void region_simplify(struct region *region)
{
	if (region->count > SIMPLIFY_MAX)
		return;
	for (size_t i = 0; i < region->count; i++) {
		size_t j = i + 1;

		while (j < region->count) {
			if (!box_absorb(&region->boxes[i], &region->boxes[j])) {
				j++;
				continue;
			}
			region->boxes[j] = region->boxes[--region->count];
			i = 0;
			j = 1;
		}
	}
}

/* Both regions' boxes; uses up a reference of each, which may be NULL. */
struct region *region_join(struct region *a, struct region *b, uint64_t operation, bool *failed)
{
	struct region *joined;
	bool fine;

	if (!a || !b)
		return a ? a : b;
	if (remembers(a, operation, b)) {
		joined = region_share(a->in);
		region_drop(a);
		region_drop(b);
		return joined;
	}
	joined = region_new(a->count + b->count);
	fine = joined;
	for (size_t i = 0; i < a->count && fine; i++)
		fine = region_add(joined, &a->boxes[i]);
	for (size_t i = 0; i < b->count && fine; i++)
		fine = region_add(joined, &b->boxes[i]);
	*failed |= !fine;
	if (fine) {
		region_simplify(joined);
		remember(a, operation, b, joined, NULL);
	}
	region_drop(a);
	region_drop(b);
	return joined;
}

ptrdiff_t region_project(const struct region *region, enum dimension dimension,
			 struct interval **ret_intervals)
{
	struct interval *intervals = reallocarray(NULL, region->count + 1, sizeof(*intervals));

	if (!intervals)
		return -ENOMEM;
	for (size_t i = 0; i < region->count; i++)
		intervals[i] = region->boxes[i].side[dimension];
	*ret_intervals = intervals;
	return intervals_merge(intervals, region->count);
}
