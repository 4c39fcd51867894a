/*
 * The kernel's half of `watch`: loading, attaching and reading the programs of
 * bpf/events.bpf.c, whose only user this is. Everything ends with the process,
 * whatever ends it: nothing is pinned.
 */
#ifndef PORTSCRIBE_WATCH_HOOKS_H
#define PORTSCRIBE_WATCH_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events.h"
#include "util/fault.h"

#define HOOKS_RING_MAX	   (512u << 20)
#define HOOKS_RING_DEFAULT (1u << 20) /* bytes: some 9,000 events */

struct hooks_options {
	uint64_t ring; /* bytes, rounded up to a power of 2; 0: the default */
	/* One bit a port: UDP sockets that are bound there are not told of. */
	const uint64_t *quiet_udp;
};

struct hooks;

/* A part each, so that one can be had without the other. */
struct hooks_missing {
	struct fault states; /* TCP and SCTP begin or cease to listen; "": it is told */
	struct fault binds;  /* UDP sockets are bound and closed; "": it is told */
};

/*
 * Attach what can be attached. 0, also where nothing could: *ret_missing has the
 * reasons, sentences with the next step. -ENOMEM.
 */
int hooks_open(const struct hooks_options *options, struct hooks **ret_hooks,
	       struct hooks_missing *ret_missing);

/* Detach. NULL is fine. */
void hooks_close(struct hooks *hooks);

/* A descriptor that can be read while events wait; -1 where nothing is attached. */
int hooks_fd(const struct hooks *hooks);

/*
 * Hand each waiting event to @take, in the order in which they happened. An event
 * lives until @take returns; what it returns below 0 ends this and is returned. 0.
 */
int hooks_drain(struct hooks *hooks, int (*take)(void *data, const struct socket_event *event),
		void *data);

/* Events that the ring had no room for, since hooks_open(). */
uint64_t hooks_lost(const struct hooks *hooks);

/*
 * Tell also when the UDP socket with this cookie is closed, which was not seen to
 * be bound. Kernels before 5.19 may want CAP_BPF for it: false where it could not
 * be had, and only the next look at all sockets will miss it.
 */
bool hooks_follow(struct hooks *hooks, uint64_t cookie);

#endif
