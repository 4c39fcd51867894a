/*
 * From spans to segments: the ranges between two neighbouring span borders,
 * which the kernel counts, and back from segment counters to spans. Pure.
 */
#ifndef PORTSCRIBE_SEGMENTS_H
#define PORTSCRIBE_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters.h"
#include "registry/spans.h"

struct segment {
	uint16_t id; /* 1..SEGMENTS_MAX-1, index of its counters */
	uint16_t first, last;
	uint8_t transport;
	uint8_t unused;
};

struct segment_plan {
	uint32_t count;
	struct segment segments[SEGMENTS_MAX]; /* by transport, then first */
};

/*
 * Cut @spans into segments. Ids for which @taken is true are not used (@taken
 * may be NULL). 0; -ENOSPC: the spans have more borders than there are ids.
 */
int segment_plan_make(const struct span_list *spans, const bool taken[SEGMENTS_MAX],
		      struct segment_plan *ret_plan);

/* The same ranges, whatever their ids. */
bool segment_plan_equal(const struct segment_plan *a, const struct segment_plan *b);

/* The kernel's look-up for @plan. 0 or -ENOSPC. */
int segment_table_make(const struct segment_plan *plan, struct segment_table *ret_table);

/* What the kernel's look-up answers: SEGMENT_NONE or an id. */
uint16_t segment_table_find(const struct segment_table *table, enum transport transport,
			    uint16_t port);

#endif
