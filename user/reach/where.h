/* Regions in words a person can read: from where, by which interface. For reach/ alone. */
#ifndef PORTSCRIBE_REACH_WHERE_H
#define PORTSCRIBE_REACH_WHERE_H

#include "reach/reach.h"
#include "reach/space.h"

/* What "any" stands for. */
struct everything {
	const struct host *host;
	const struct region *region;   /* all that can arrive for the question; NULL: nothing */
	const struct interval *silent; /* sources that nothing comes from, but over lo */
	size_t silent_count;
};

struct where_list {
	unsigned int references;
	struct reach_where *list; /* owned */
	size_t count;
};

/*
 * @region as a list of products: sources x interfaces x destinations x source ports,
 * with one reference. NULL: no memory.
 */
struct where_list *where_describe(const struct region *region, const struct everything *everything);
void where_release(struct where_list *where); /* may be NULL */

/* What was described already: many ports have the same regions. */
struct where_cache {
	struct where_known *slots; /* owned */
	size_t count, room;
};

/* As where_describe(), which is asked once for the same two regions. Keeps a reference to both. */
struct where_list *where_find(struct where_cache *cache, const struct region *region,
			      const struct everything *everything);
void where_cache_release(struct where_cache *cache);

#endif
