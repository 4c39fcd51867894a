/* Regions in words a person can read: from where, by which interface. For reach/ alone. */
#ifndef PORTSCRIBE_REACH_WHERE_H
#define PORTSCRIBE_REACH_WHERE_H

#include "reach/reach.h"
#include "reach/space.h"

/* What "any" stands for. */
struct everything {
	const struct host *host;
	const struct region *region; /* all that can arrive for the question; NULL: nothing */
};

/*
 * @region as a list of products: sources x interfaces x destinations x source ports.
 * 0 or -ENOMEM; adds to *where.
 */
int where_describe(const struct region *region, const struct everything *everything,
		   struct reach_where **where, size_t *count);

void where_release(struct reach_where *where, size_t count);

#endif
