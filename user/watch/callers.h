/*
 * Which process an event is from: read from /proc the moment the event arrives,
 * since the process may end any moment, and remembered for a while, since one that
 * opens thousands of sockets is one process.
 */
#ifndef PORTSCRIBE_WATCH_CALLERS_H
#define PORTSCRIBE_WATCH_CALLERS_H

#include "events.h"
#include "listeners/listener.h"

struct callers;

/* @want: LISTENER_WANT_*. 0 or -ENOMEM. */
int callers_new(unsigned int want, struct callers **ret_callers);
void callers_free(struct callers *callers);

/*
 * The process of @event; where it is gone, or is not in our PID namespace, what the
 * event knows of it: number, start, name of the thread. *ret_owner lives until the
 * next call. 0 or -ENOMEM.
 */
int callers_find(struct callers *callers, const struct socket_event *event,
		 const struct listener_owner **ret_owner);

#endif
