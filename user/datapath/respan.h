/*
 * Changing which spans the kernel counts while it counts: new segments get ids
 * that nobody uses, and start from what their ports have counted so far.
 */
#ifndef PORTSCRIBE_RESPAN_H
#define PORTSCRIBE_RESPAN_H

#include "datapath/internal.h"

/*
 * Plan the segments of @spans for @meta (NULL: a new table). *ret_changed: the
 * plan is not the one in force. 0, or -errno with @fault.
 */
int respan_plan(const struct meta *meta, const struct span_list *spans,
		struct segment_plan *ret_plan, bool *ret_changed, struct fault *fault);

/* Store names and ranges of @spans in @meta. */
void respan_store(struct meta *meta, const struct span_list *spans);

/*
 * Once every program in force counts meta->next: give each of its segments the
 * base that makes it equal to the sum of its ports, and make it the plan of @spans. Waits
 * for programs still running. Returns packets that could not be attributed
 * because the counters never stood still; 0 at rest.
 */
uint64_t respan_finish(struct datapath *datapath, const struct span_list *spans);

/* Sum of one cell group over all rows: what @side and @direction of @port counted. */
struct counter datapath_port(const struct datapath *datapath, enum transport transport,
			     enum side side, enum direction direction, uint16_t port);

#endif
