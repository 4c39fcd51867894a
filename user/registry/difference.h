/*
 * What another table changes, pair by pair, and whether it can be the registry at
 * all. Pure.
 */
#ifndef PORTSCRIBE_DIFFERENCE_H
#define PORTSCRIBE_DIFFERENCE_H

#include <stddef.h>

#include "registry/registry.h"
#include "util/fault.h"

enum change_kind {
	CHANGE_ADDED,	    /* assigned now */
	CHANGE_REMOVED,	    /* not assigned any more */
	CHANGE_RENAMED,	    /* under another name; the rest may differ, too */
	CHANGE_DESCRIPTION, /* of a pair with the same name */
	CHANGE_ASSIGNEE,    /* the same; both counted where both changed */
	CHANGE_OTHER,	    /* whatever else is in a row, but for its source */
	CHANGE_KINDS,
};

/* One line for a person: neighbouring pairs that change alike are one. */
struct change {
	enum change_kind kind;
	uint16_t first, last;
	uint8_t transports;		      /* SERVICE_TCP | ... */
	const struct service *before, *after; /* of the first pair; NULL: no row */
};

struct difference {
	struct change *changes; /* owned; by kind, then in the order of the ports */
	size_t count;
	unsigned int lines[CHANGE_KINDS]; /* changes of a kind */
	/* Pairs that change; a port whose rows name no transport once, as registry_info.pairs. */
	unsigned int pairs[CHANGE_KINDS];
};

/* Both registries must outlive the difference. 0 or -ENOMEM. */
int difference_make(const struct registry *before, const struct registry *after,
		    struct difference *ret_difference);
void difference_release(struct difference *difference);

/*
 * How many reasons there are not to believe in @candidate: too few pairs, ports
 * missing that cannot be, many pairs fewer than @in_use has. @fault: the reasons,
 * with "; " between them.
 */
unsigned int difference_doubts(const struct registry *candidate, const struct registry *in_use,
			       struct fault *fault);

#endif
