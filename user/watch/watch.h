/*
 * Watching as a whole: the kernel's events, looks at all sockets, and the state
 * that makes reports of both; what is due when. Nothing here prints.
 */
#ifndef PORTSCRIBE_WATCH_H
#define PORTSCRIBE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "listeners/listener.h"
#include "util/fault.h"
#include "watch/hooks.h"
#include "watch/state.h"

struct watch_options {
	bool all_netns;
	bool poll;	      /* do without the kernel's events */
	uint64_t interval_ns; /* between two looks; 0: as the header says below */
	struct hooks_options hooks;
	int (*report)(void *data, const struct watch_report *report); /* below 0 ends watching */
	void *data;
};

/*
 * With the kernel's events a look every ten seconds finds what they do not tell;
 * without, one every second finds everything. Where looking takes long the time
 * between stretches, so that where nothing is new it takes a thousandth of a processor.
 */
#define WATCH_INTERVAL_NS      10000000000ULL
#define WATCH_INTERVAL_POLL_NS 1000000000ULL

struct watch;

/*
 * Open everything that needs privileges. What cannot be had is no error:
 * watch_missing() has it. 0 or -errno.
 */
int watch_open(const struct watch_options *options, struct watch **ret_watch, struct fault *fault);

/* Nothing stays attached. NULL is fine. */
void watch_close(struct watch *watch);

const struct hooks_missing *watch_missing(const struct watch *watch);

/* Whether the kernel's events of some kind are not to be had, so that looks stand in. */
bool watch_is_polling(const struct watch *watch);

/* How often it looks. */
uint64_t watch_interval_ns(const struct watch *watch);

/* What the last look could not see, and the namespaces it saw. */
const struct listeners *watch_last_look(const struct watch *watch);

/* The first look: everything that listens is reported as WATCH_PRESENT. 0 or -errno. */
int watch_begin(struct watch *watch, struct fault *fault);

/*
 * Wait until @until (CLOCK_MONOTONIC, ns) at most, or until a signal that @signals (a
 * mask for the time of waiting) lets through, for the next thing to happen; handle
 * it and all that waits with it. 0 or -errno; -EINTR: a signal came.
 */
int watch_turn(struct watch *watch, uint64_t until, const sigset_t *signals, struct fault *fault);

/* Events lost since the last call of this: a look was made because of them. */
uint64_t watch_take_lost(struct watch *watch);

/* CLOCK_MONOTONIC in ns. */
uint64_t watch_now(void);

#endif
