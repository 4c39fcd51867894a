/* Following the rules of chains. For reach/ alone. */
#ifndef PORTSCRIBE_REACH_CHAINS_H
#define PORTSCRIBE_REACH_CHAINS_H

#include "reach/walk.h"

struct travel {
	struct context context;
	struct walk *walk;
	bool loopback; /* what comes over lo travels alone */
	size_t cases;  /* how often packets were parted */
};

/*
 * All rules of the base chain @chain, and its policy. @stream is used up; what is
 * let through is added to @ret_passed and told to the walk.
 */
void chain_travel(struct travel *travel, const struct chain *chain, struct stream *stream,
		  bool filters, struct streams *ret_passed);

/* The end of @stream, which is used up. */
void travel_end(struct travel *travel, struct stream *stream, enum fate fate,
		const struct step *step, const char *text);

#endif
