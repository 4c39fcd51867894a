/*
 * The answer about many ports at once: a range, a span, a name that stands for
 * several numbers; and the sums of their counters.
 */
#ifndef PORTSCRIBE_RANGE_H
#define PORTSCRIBE_RANGE_H

#include <stdio.h>

#include "explain/explain.h"

/* As explain_print(). */
int range_print(FILE *out, const struct what *what, const struct explain_facts *facts,
		bool verbose);

struct range_sum {
	struct counter count[SIDE_COUNT][DIR_COUNT];
	uint64_t attempts, answers;
};

/* What was counted on @transport for those of @ranges that are about it. */
struct range_sum range_sum(const struct snapshot *traffic, const struct port_range *ranges,
			   size_t count, enum transport transport);

/*
 * The same in words: "3 packets in, 3 out; 3 attempts, 0 answers". Owned by the
 * caller; NULL: no memory.
 */
char *range_counts(const struct snapshot *traffic, const struct port_range *ranges, size_t count,
		   enum transport transport);

#endif
