/*
 * What traffic at a port probably is: explanations from what is known and from
 * this machine's own facts, most likely first. Each one names something of this
 * port; what would be true of any port is not said.
 */
#ifndef PORTSCRIBE_LIKELY_H
#define PORTSCRIBE_LIKELY_H

#include "explain/subject.h"

struct explanation {
	int score;    /* only to compare */
	size_t order; /* as found: decides between equals */
	char *text;
};

struct explanations {
	struct explanation *items; /* owned */
	size_t count, room;
	bool failed; /* out of memory */
};

/* 0 or -ENOMEM. */
int explanations_find(const struct subject *subject, const struct explain_facts *facts,
		      struct explanations *ret_explanations);

void explanations_release(struct explanations *explanations);

#endif
