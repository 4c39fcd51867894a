/* Regions by port. See space.h. */
#include "reach/region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

#define WORK_MAX 4096

static void space_append(struct space *space, uint16_t first, uint16_t last, struct region *region)
{
	struct cell *tail = space->count ? &space->cells[space->count - 1] : NULL;

	if (!region)
		return;
	if (tail && tail->region == region && tail->last + 1 == first) {
		tail->last = last;
		region_drop(region);
		return;
	}
	if (space->count == space->room) {
		size_t room = space->room ? space->room * 2 : 4;
		struct cell *grown = reallocarray(space->cells, room, sizeof(*grown));

		if (!grown) {
			space->failed = true;
			region_drop(region);
			return;
		}
		space->cells = grown;
		space->room = room;
	}
	space->cells[space->count++] = (struct cell){ first, last, region };
}

bool space_is_empty(const struct space *space)
{
	return !space->count && !space->failed;
}

void space_release(struct space *space)
{
	for (size_t i = 0; i < space->count; i++)
		region_drop(space->cells[i].region);
	free(space->cells);
	*space = (struct space){ 0 };
}

void space_copy(struct space *target, const struct space *source)
{
	struct space copy = { .failed = source->failed };

	copy.cells = source->count ? reallocarray(NULL, source->count, sizeof(*copy.cells)) : NULL;
	copy.failed |= source->count && !copy.cells;
	for (size_t i = 0; i < source->count && !copy.failed; i++) {
		copy.cells[i] = source->cells[i];
		region_share(copy.cells[i].region);
	}
	copy.count = copy.room = copy.failed ? 0 : source->count;
	*target = copy;
}

/* The first cell that ends at @port or behind it. */
static size_t cell_at(const struct space *space, uint16_t port)
{
	size_t low = 0, high = space->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (space->cells[middle].last < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct region *space_region(const struct space *space, uint16_t port)
{
	size_t at = cell_at(space, port);

	return at < space->count && space->cells[at].first <= port ? space->cells[at].region : NULL;
}

void space_copy_port(struct space *target, const struct space *source, uint16_t port)
{
	size_t at = cell_at(source, port);

	*target = (struct space){ .failed = source->failed };
	if (at < source->count && source->cells[at].first <= port)
		space_append(target, port, port, region_share(source->cells[at].region));
}

bool space_meets(const struct space *a, const struct space *b, uint16_t port)
{
	size_t left = cell_at(a, port), right = cell_at(b, port);

	return left < a->count && a->cells[left].first <= port && right < b->count &&
	       b->cells[right].first <= port &&
	       regions_meet(a->cells[left].region, b->cells[right].region);
}

bool space_holds(const struct space *space, uint16_t port, const number_t point[REGION_DIMENSIONS])
{
	const struct region *region = space_region(space, port);

	for (size_t i = 0; region && i < region->count; i++) {
		bool within = true;

		for (unsigned int d = 0; d < REGION_DIMENSIONS; d++)
			within &= region->boxes[i].side[d].first <= point[d] &&
				  point[d] <= region->boxes[i].side[d].last;
		if (within)
			return true;
	}
	return false;
}

void space_add_box(struct space *space, uint16_t first, uint16_t last, const struct box *box)
{
	struct space more = { 0 };
	struct region *region = region_new(1);

	if (!region) {
		space->failed = true;
		return;
	}
	region_add(region, box);
	space_append(&more, first, last, region);
	space_unite(space, &more);
}

/* Parts one cell, whose reference goes with its parts. */
static void cut_cell(struct cell *cell, const struct interval *intervals, size_t count,
		     struct space *in, struct space *out)
{
	size_t next = interval_at(intervals, count, cell->first);
	uint32_t at = cell->first;

	for (; next < count && intervals[next].first <= cell->last; next++) {
		const struct interval *interval = &intervals[next];
		uint16_t last = interval->last < cell->last ? (uint16_t)interval->last : cell->last;

		if (at < interval->first) {
			space_append(out, at, interval->first - 1, region_share(cell->region));
			at = interval->first;
		}
		space_append(in, at, last,
			     last == cell->last ? TAKE_PTR(cell->region)
						: region_share(cell->region));
		at = last + 1;
	}
	if (at <= cell->last)
		space_append(out, at, cell->last, TAKE_PTR(cell->region));
}

static void cut_ports(struct space *space, const struct interval *intervals, size_t count,
		      struct space *in, struct space *out)
{
	for (size_t i = 0; i < space->count; i++)
		cut_cell(&space->cells[i], intervals, count, in, out);
	space->count = 0;
}

static void space_fail(struct space *in, struct space *out)
{
	space_release(in);
	space_release(out);
	in->failed = out->failed = true;
}

void space_cut(struct space *space, enum dimension dimension, const struct interval *intervals,
	       size_t count, struct space *ret_in, struct space *ret_out)
{
	struct space in = { .failed = space->failed }, out = { .failed = space->failed };
	uint64_t operation = operation_next();
	bool fine = true;

	if (dimension == DIM_PORT)
		cut_ports(space, intervals, count, &in, &out);
	for (size_t i = 0; i < space->count; i++) {
		struct cell *cell = &space->cells[i];
		struct region *inside = NULL, *outside = NULL;

		fine &= region_cut(TAKE_PTR(cell->region), operation, dimension, intervals, count,
				   &inside, &outside);
		space_append(&in, cell->first, cell->last, inside);
		space_append(&out, cell->first, cell->last, outside);
	}
	free(space->cells);
	*space = (struct space){ 0 };
	if (!fine || in.failed || out.failed)
		space_fail(&in, &out);
	*ret_in = in;
	*ret_out = out;
}

void space_cut_by(struct space *space, const struct space *other, struct space *ret_in,
		  struct space *ret_out)
{
	struct space in = { .failed = space->failed || other->failed }, out = { 0 };
	uint64_t operation = operation_next();
	bool fine = true;

	for (size_t i = 0; i < space->count; i++) {
		struct cell *cell = &space->cells[i];
		size_t next = cell_at(other, cell->first);
		uint32_t at = cell->first;

		for (; next < other->count && other->cells[next].first <= cell->last; next++) {
			const struct cell *with = &other->cells[next];
			uint16_t last = with->last < cell->last ? with->last : cell->last;
			struct region *inside = NULL, *outside = NULL;

			if (at < with->first) {
				space_append(&out, at, with->first - 1, region_share(cell->region));
				at = with->first;
			}
			fine &= region_cut_by(region_share(cell->region), operation, with->region,
					      &inside, &outside);
			space_append(&in, at, last, inside);
			space_append(&out, at, last, outside);
			at = last + 1;
		}
		if (at <= cell->last)
			space_append(&out, at, cell->last, region_share(cell->region));
	}
	space_release(space);
	if (!fine || in.failed || out.failed)
		space_fail(&in, &out);
	*ret_in = in;
	*ret_out = out;
}

/* ---- ports taken out, and put back ---- */

static bool make_room(struct space *space, size_t at, size_t count)
{
	if (space->count + count > space->room) {
		size_t room = (space->count + count) * 2;
		struct cell *grown = reallocarray(space->cells, room, sizeof(*grown));

		if (!grown) {
			space->failed = true;
			return false;
		}
		space->cells = grown;
		space->room = room;
	}
	memmove(&space->cells[at + count], &space->cells[at],
		(space->count - at) * sizeof(*space->cells));
	space->count += count;
	return true;
}

/* So that a cell begins at @port, where one holds it. Returns the first cell from there on. */
static size_t split_at(struct space *space, uint32_t port)
{
	size_t at = port > UINT16_MAX ? space->count : cell_at(space, port);
	struct cell *cell = &space->cells[at];

	if (at == space->count || cell->first >= port || !make_room(space, at, 1))
		return at;
	cell = &space->cells[at];
	cell[1].region = region_share(cell->region);
	cell[1].first = port;
	cell->last = port - 1;
	return at + 1;
}

bool space_take_ports(struct space *space, const struct interval *intervals, size_t count,
		      struct space *ret_taken)
{
	struct space taken = { 0 };

	for (size_t i = 0; i < count && space->count; i++) {
		size_t first = split_at(space, intervals[i].first), end;

		if (first == space->count || space->cells[first].first > intervals[i].last)
			continue;
		end = split_at(space, (uint32_t)intervals[i].last + 1);
		for (size_t at = first; at < end; at++)
			space_append(&taken, space->cells[at].first, space->cells[at].last,
				     space->cells[at].region);
		memmove(&space->cells[first], &space->cells[end],
			(space->count - end) * sizeof(*space->cells));
		space->count -= end - first;
	}
	taken.failed |= space->failed;
	*ret_taken = taken;
	return !space_is_empty(&taken);
}

void space_put_ports(struct space *space, struct space *more)
{
	for (size_t i = 0; i < more->count; i++) {
		size_t at = cell_at(space, more->cells[i].first);

		if (make_room(space, at, 1))
			space->cells[at] = more->cells[i];
		else
			region_drop(more->cells[i].region);
	}
	space->failed |= more->failed;
	free(more->cells);
	*more = (struct space){ 0 };
}

/* ---- together ---- */

void space_join(struct space *space, struct space *more)
{
	struct space joined = { .failed = space->failed || more->failed };
	uint64_t operation = operation_next();
	size_t i = 0, j = 0;
	uint32_t at = 0;

	if (!more->count) {
		space->failed |= more->failed;
		space_release(more);
		return;
	}

	while (i < space->count || j < more->count) {
		struct cell *a = i < space->count ? &space->cells[i] : NULL;
		struct cell *b = j < more->count ? &more->cells[j] : NULL;
		uint32_t from_a = a ? (a->first > at ? a->first : at) : UINT32_MAX;
		uint32_t from_b = b ? (b->first > at ? b->first : at) : UINT32_MAX;
		uint32_t from = from_a < from_b ? from_a : from_b, to = UINT16_MAX;
		bool has_a = a && from_a == from, has_b = b && from_b == from;

		if (a)
			to = has_a ? a->last : a->first - 1u;
		if (b && (has_b ? b->last : b->first - 1u) < to)
			to = has_b ? b->last : b->first - 1u;
		space_append(&joined, from, to,
			     region_join(has_a ? region_share(a->region) : NULL,
					 has_b ? region_share(b->region) : NULL, operation,
					 &joined.failed));
		at = to + 1;
		i += a && a->last < at;
		j += b && b->last < at;
	}
	space_release(space);
	space_release(more);
	*space = joined;
}

void space_add_ports(struct space *space, uint16_t first, uint16_t last, const struct space *model)
{
	space->failed |= model->failed;
	if (model->count)
		space_append(space, first, last, region_share(model->cells[0].region));
}

static int compare_port_boxes(const void *left, const void *right)
{
	const struct port_box *a = left, *b = right;

	return a->first != b->first ? a->first - b->first : a->last - b->last;
}

void space_make(struct port_box *list, size_t count, bool apart, struct space *ret_space)
{
	struct space made = { 0 };
	struct region *region = NULL;

	if (count)
		qsort(list, count, sizeof(*list), compare_port_boxes);
	for (size_t i = 0; i < count; i++) {
		bool same = i && !compare_port_boxes(&list[i - 1], &list[i]);

		if (!apart ||
		    (!same && made.count && list[i].first <= made.cells[made.count - 1].last)) {
			space_add_box(&made, list[i].first, list[i].last, &list[i].box);
			apart = false;
			continue;
		}
		if (!same) {
			region = region_new(1);
			made.failed |= !region;
			space_append(&made, list[i].first, list[i].last, region);
		}
		made.failed |= !region || !region_add(region, &list[i].box);
	}
	*ret_space = made;
}

void space_unite(struct space *space, struct space *more)
{
	struct space both, fresh;

	space_cut_by(more, space, &both, &fresh);
	space_release(&both);
	space_join(space, &fresh);
}

/* What it would take to compare them. */
static size_t work_to_compare(const struct space *a, const struct space *b)
{
	size_t work = 0;

	for (size_t i = 0; i < a->count; i++) {
		const struct region *mine = a->cells[i].region;
		size_t at = cell_at(b, a->cells[i].first);

		for (; at < b->count && b->cells[at].first <= a->cells[i].last; at++)
			if (mine != b->cells[at].region)
				work += mine->count * b->cells[at].region->count;
	}
	return work;
}

bool spaces_are_equal(const struct space *a, const struct space *b)
{
	const struct space *sides[] = { a, b, a };

	if (work_to_compare(a, b) > WORK_MAX)
		return false;

	for (unsigned int i = 0; i < 2; i++) {
		struct space copy, in, out;
		bool empty;

		space_copy(&copy, sides[i]);
		space_cut_by(&copy, sides[i + 1], &in, &out);
		empty = space_is_empty(&out);
		space_release(&in);
		space_release(&out);
		if (!empty)
			return false;
	}
	return true;
}
