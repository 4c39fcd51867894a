/* The sockets of a network namespace as listeners. A part of the reader (reader.c). */
#ifndef PORTSCRIBE_LISTENER_COLLECT_H
#define PORTSCRIBE_LISTENER_COLLECT_H

#include "listeners/listener.h"
#include "net/netlink.h"
#include "net/sockets.h"

/* Set what @socket tells, and its scope; the rest of @listener stays. */
void listener_set_socket(struct listener *listener, const struct socket_found *socket);

/*
 * Append what listens in the namespace of @diag, a socket of NETLINK_SOCK_DIAG, which
 * is number @netns of the snapshot; all but owners and names of interfaces is filled.
 * 0 or -errno.
 */
int listeners_collect(struct netlink *diag, uint32_t netns, const struct listener_wish *wish,
		      struct listeners *listeners);

/* Fill @group of all from number @from on, which are in order. */
void listeners_count_groups(struct listeners *listeners, size_t from);

#endif
