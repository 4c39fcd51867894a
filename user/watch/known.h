/*
 * The listeners that watch knows, found by socket. Apart from state.h, which says
 * what becomes of them: here are only copies and look-up.
 */
#ifndef PORTSCRIBE_WATCH_KNOWN_H
#define PORTSCRIBE_WATCH_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "listeners/listener.h"

struct known {
	uint64_t socket; /* as in struct socket_event */
	struct known *next_of_hash;
	struct known *older, *newer; /* candidates */
	uint64_t since_ns;	     /* CLOCK_MONOTONIC, when it began or was first seen */
	uint64_t due_ns;	     /* of a candidate: when to look for it */
	unsigned int looks;	     /* generation of the look that saw it last */
	uint32_t netns_inode;	     /* as the event had it; 0: it was found by looking */
	bool candidate;
	bool stale;		  /* its owners could not be read when they were last looked for */
	bool since_event;	  /* since_ns is when it began */
	struct listener listener; /* owns its texts and owners */
	void *owned;		  /* they */
};

struct known_table {
	struct known **slots; /* owned: 1 << bits of them */
	unsigned int bits;
	size_t count;
};

/* NULL where it is not known. */
struct known *known_find(const struct known_table *table, uint64_t socket);

/*
 * A copy of @listener with owners and texts, which becomes @socket's. 0 or -ENOMEM.
 * The table owns it until known_remove().
 */
int known_add(struct known_table *table, uint64_t socket, const struct listener *listener,
	      struct known **ret_known);

/* Give it the owners that @listener has, copied. 0 or -ENOMEM; then it has those it had. */
int known_set_owners(struct known *known, const struct listener *listener);

/* It is found by @socket from now on. */
void known_rename(struct known_table *table, struct known *known, uint64_t socket);

/* Take it out; it is the caller's, for known_free(). */
void known_remove(struct known_table *table, struct known *known);
void known_free(struct known *known);

/* The next in no order; start with NULL. The table must not change meanwhile. */
struct known *known_next(const struct known_table *table, const struct known *after);

/* All of it. */
void known_release(struct known_table *table);

#endif
