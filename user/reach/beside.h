/*
 * What decides about packets beside nftables, and may drop or redirect what the
 * ruleset lets through: found out, never guessed at. Reads the current network
 * namespace.
 */
#ifndef PORTSCRIBE_REACH_BESIDE_H
#define PORTSCRIBE_REACH_BESIDE_H

#include "reach/host.h"

struct beside_item {
	char text[192];	  /* "the XDP program 7 'guard' on eth0"; foreign names as they are */
	bool families[2]; /* IPv4, IPv6 */
	size_t interface; /* its place in the host; SIZE_MAX: all */
	bool partial;	  /* it concerns some sockets only: said, but open stays open */
};

struct beside {
	struct beside_item *items; /* owned */
	size_t count;
};

/* 0; -ENOMEM; -EPERM with @fault where it cannot be found out. */
int beside_read(const struct host *host, struct beside *ret_beside, struct fault *fault);
void beside_release(struct beside *beside);

#endif
