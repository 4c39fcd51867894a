/*
 * Who listens, as it changes: hints from the kernel and looks at all sockets go
 * in, reports come out, each listener's beginning and end once. Pure: it asks
 * nobody, so that it can be tested with sockets that never were.
 *
 * A hint (SOCKET_LISTENS, SOCKET_BOUND) makes a candidate. It becomes a listener
 * when SOCK_DIAG shows the socket, or when the kernel says that it ceased to be one
 * before anybody could look. A candidate that nothing confirms is forgotten.
 */
#ifndef PORTSCRIBE_WATCH_STATE_H
#define PORTSCRIBE_WATCH_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events.h"
#include "listeners/listener.h"
#include "net/sockets.h"

enum watch_kind {
	WATCH_PRESENT,	     /* was there when watching began */
	WATCH_APPEARED,	     /* began to listen */
	WATCH_DISAPPEARED,   /* listens no more */
	WATCH_CHANGED_HANDS, /* the same socket: another program holds it, or none of those before
			      */
};

struct watch_report {
	enum watch_kind kind;
	bool by_event;		   /* the kernel told it; otherwise it was found by looking */
	uint64_t time_ns;	   /* CLOCK_MONOTONIC: when it happened, or was found */
	uint64_t lived_ns;	   /* WATCH_DISAPPEARED: how long it listened; 0: not known */
	struct listener *listener; /* as it is now; of WATCH_DISAPPEARED, as it was */
	uint32_t netns_inode;	   /* as the event had it; 0: it was found by looking */
	/* WATCH_CHANGED_HANDS: who held it. */
	const struct listener_owner *const *before;
	size_t before_count;
};

struct watch_state;

/*
 * @report is called for each change; what it returns below 0 ends the call that led
 * to it and is returned from there. What it is given lives until it returns. 0 or
 * -ENOMEM.
 */
int watch_state_new(int (*report)(void *data, const struct watch_report *report), void *data,
		    struct watch_state **ret_state);
void watch_state_free(struct watch_state *state);

/* Of listeners in a network namespace that no look reaches: only events speak for them. */
#define WATCH_NETNS_UNKNOWN UINT32_MAX

/*
 * Something happened in network namespace @netns (an index, as in struct listener).
 * @process: who did it (NULL: not known), copied. 0, -ENOMEM or what a report said.
 */
int watch_event(struct watch_state *state, const struct socket_event *event, uint32_t netns,
		const struct listener_owner *process);

/* A socket to be looked for, since only a hint speaks for it. */
struct watch_candidate {
	uint64_t socket; /* as in struct socket_event */
	uint64_t since_ns;
	const struct listener *listener;
};

/*
 * The next candidate that is due at @now (CLOCK_MONOTONIC, ns); false where none is.
 * It is due again later, less and less often, and forgotten after a second.
 */
bool watch_next_candidate(struct watch_state *state, uint64_t now,
			  struct watch_candidate *ret_candidate);

/* When the next candidate will be due; UINT64_MAX: there is none. */
uint64_t watch_next_due(const struct watch_state *state);

/* SOCK_DIAG shows the candidate @socket to be @found. 0, -ENOMEM or what a report said. */
int watch_confirm(struct watch_state *state, uint64_t socket, const struct socket_found *found);

/*
 * Nobody can be asked about the candidate @socket, as its namespace cannot be entered,
 * and no SOCKET_UNHEARD followed: the hint alone is believed. 0 or what a report said.
 */
int watch_believe(struct watch_state *state, uint64_t socket);

/*
 * A look at all sockets begins at @now. Events that wait when the look is over are to
 * be handed in before watch_look_end(): what they end is not taken for something new.
 */
void watch_look_begin(struct watch_state *state, uint64_t now);

/*
 * What was seen. The first look reports everything as WATCH_PRESENT. Owners that
 * were not asked for (OWNERS_NOT_ASKED) are left as they were. 0, -ENOMEM or what a
 * report said.
 */
int watch_look_end(struct watch_state *state, const struct listeners *seen, uint64_t now);

/*
 * Whether owners are worth a look: @seen has other sockets than are known, or one
 * whose owners have all ended, as @lives (NULL: not asked) says.
 */
bool watch_is_news(const struct watch_state *state, const struct listeners *seen,
		   bool (*lives)(uint32_t pid));

/* Listeners that are known now. */
size_t watch_count(const struct watch_state *state);

/* Call @each for every one of them, in no order, until it returns below 0. 0 or that. */
int watch_each(struct watch_state *state, int (*each)(void *data, const struct listener *listener),
	       void *data);

#endif
