/*
 * Regions: what packets to one port have in common that a space holds. For space.c alone,
 * which counts their references.
 */
#ifndef PORTSCRIBE_REACH_REGION_H
#define PORTSCRIBE_REACH_REGION_H

#include "reach/space.h"

/* With one reference, and room for @room boxes. NULL: no memory. */
struct region *region_new(size_t room);
struct region *region_share(struct region *region);
void region_drop(struct region *region); /* may be NULL */

/* False: no memory; so below. */
bool region_add(struct region *region, const struct box *box);

/* Whether they have something in common. */
bool regions_meet(struct region *a, struct region *b);

/* Each operation on spaces has its number, under which regions remember what became of them. */
uint64_t operation_next(void);

/*
 * Part a region by intervals of a dimension. Uses up a reference of @region; NULL stands
 * for no box.
 */
bool region_cut(struct region *region, uint64_t operation, enum dimension dimension,
		const struct interval *intervals, size_t count, struct region **ret_in,
		struct region **ret_out);

/* The same by the boxes of @other. */
bool region_cut_by(struct region *region, uint64_t operation, const struct region *other,
		   struct region **ret_in, struct region **ret_out);

/*
 * Both regions' boxes, which do not overlap or are the same. Uses up a reference of each,
 * which may be NULL.
 */
struct region *region_join(struct region *a, struct region *b, uint64_t operation, bool *failed);

/* The first of sorted intervals that ends at @value or behind it; @count where none does. */
size_t interval_at(const struct interval *intervals, size_t count, number_t value);

#endif
