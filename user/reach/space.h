/*
 * Sets of packets, exactly: unions of disjoint boxes over what a sender may choose
 * (source, destination, interface, source port), for ranges of destination ports.
 * Ports that nothing has told apart yet share one region, so that a rule costs as
 * much for a thousand ports as for one. Pure.
 */
#ifndef PORTSCRIBE_REACH_SPACE_H
#define PORTSCRIBE_REACH_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned __int128 number_t; /* an address as a number, host order; IPv4 in 32 bits */

/* An interface is its place in struct host. */
enum dimension {
	DIM_SOURCE,
	DIM_DESTINATION,
	DIM_INTERFACE,
	DIM_SOURCE_PORT,
	REGION_DIMENSIONS,
	DIM_PORT = REGION_DIMENSIONS, /* the port that is asked for */
};

struct interval {
	number_t first, last; /* both within */
};

struct box {
	struct interval side[REGION_DIMENSIONS];
};

/* Boxes that do not overlap, in no order. Shared: never changed where references > 1. */
struct region {
	unsigned int references;
	size_t count, room;
	struct box *boxes;
	struct box bounds; /* where has_bounds: all boxes are within */
	bool has_bounds;
	/* What the last operation made of it, for the next port that has it: see remember(). */
	uint64_t operation;
	const struct region *with;
	struct region *in, *out; /* borrowed */
};

struct cell {
	uint16_t first, last; /* ports */
	struct region *region;
};

struct space {
	struct cell *cells; /* owned; by port, without overlap; no region is empty */
	size_t count, room;
	bool failed; /* out of memory on the way: its content says nothing */
};

/* All ports of @first to @last with @box. */
void space_add_box(struct space *space, uint16_t first, uint16_t last, const struct box *box);

/* Ports and boxes of which a space is made. */
struct port_box {
	uint16_t first, last;
	struct box box;
};

/*
 * All of @count boxes, which are sorted here. @apart: they are known not to overlap, which
 * is cheaper.
 */
void space_make(struct port_box *list, size_t count, bool apart, struct space *ret_space);

/* Ports @first to @last, behind all that @space has, with what @model has for its first port. */
void space_add_ports(struct space *space, uint16_t first, uint16_t last, const struct space *model);

/* All packets. */
struct box box_of_all(void);

bool space_is_empty(const struct space *space);
bool space_holds(const struct space *space, uint16_t port, const number_t point[REGION_DIMENSIONS]);

/* Cells share their regions. */
void space_copy(struct space *target, const struct space *source);
void space_release(struct space *space);

/* The same for @port alone. */
void space_copy_port(struct space *target, const struct space *source, uint16_t port);

/* Whether both hold some packet to @port. */
bool space_meets(const struct space *a, const struct space *b, uint16_t port);

/*
 * Cut @space in two: what lies, in @dimension, in one of @count intervals, which are
 * sorted and do not overlap; and the rest. @space is used up. The others begin empty.
 */
void space_cut(struct space *space, enum dimension dimension, const struct interval *intervals,
	       size_t count, struct space *ret_in, struct space *ret_out);

/*
 * Take out of @space what goes to @intervals of ports; cheap where that is little. False:
 * there is nothing.
 */
bool space_take_ports(struct space *space, const struct interval *intervals, size_t count,
		      struct space *ret_taken);

/* Put @more, which is used up, back among the ports that @space has nothing of. */
void space_put_ports(struct space *space, struct space *more);

/* The same by another space. */
void space_cut_by(struct space *space, const struct space *other, struct space *ret_in,
		  struct space *ret_out);

/* Add @more, which is used up, to @space; where both hold a packet it stays once. */
void space_unite(struct space *space, struct space *more);

/* The same where they are known not to overlap. */
void space_join(struct space *space, struct space *more);

/* Whether they are known to hold the same packets: false also where that is hard to say. */
bool spaces_are_equal(const struct space *a, const struct space *b);

/* The region of one port; NULL: the space holds none of it. Borrowed. */
const struct region *space_region(const struct space *space, uint16_t port);

/*
 * Where the boxes of @region lie in @dimension: sorted intervals that neither overlap
 * nor touch. Returns how many, with *ret_intervals (owned); -ENOMEM.
 */
ptrdiff_t region_project(const struct region *region, enum dimension dimension,
			 struct interval **ret_intervals);

/* Sorts and merges what overlaps or touches, in place. Returns how many are left. */
size_t intervals_merge(struct interval *intervals, size_t count);

/* Of 0 to @last, what is in none of @count intervals that are sorted and apart; @ret_rest has
 * room for @count + 1. */
size_t intervals_invert(const struct interval *intervals, size_t count, number_t last,
			struct interval *ret_rest);

#endif
