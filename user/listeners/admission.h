/*
 * Whom the ruleset lets in to each listener: listeners joined with reach. What is
 * asked is pure; listener_rows_admit() reads the ruleset of the current network
 * namespace.
 */
#ifndef PORTSCRIBE_LISTENER_ADMISSION_H
#define PORTSCRIBE_LISTENER_ADMISSION_H

#include "listeners/rows.h"
#include "reach/reach.h"

/* Whether packets of @family (NFPROTO_IPV4, NFPROTO_IPV6) come to it. */
bool listener_takes(const struct listener *listener, uint8_t family);

/*
 * Who can open a connection to it by @family: to its own address, where it has one.
 * False where none of that family come to it.
 */
bool listener_question(const struct listener *listener, uint8_t family,
		       struct reach_question *ret_question);

/*
 * Fill rows->items[].admits of our own namespace, and set rows->admission where
 * there is a ruleset at all. 0; -EPERM, -ENOMEM, -errno with @fault.
 */
int listener_rows_admit(struct listener_rows *rows, struct fault *fault);

#endif
