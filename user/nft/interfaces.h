/*
 * The network interfaces that a ruleset needs to be there when it is loaded: nft
 * turns the names behind "iif", "oif" and "device" into numbers. Pure.
 */
#ifndef PORTSCRIBE_NFT_INTERFACES_H
#define PORTSCRIBE_NFT_INTERFACES_H

#include <net/if.h>

#include "nft/environment.h"

struct interface_names {
	char (*names)[IFNAMSIZ]; /* owned; each once */
	size_t count, capacity;
};

/*
 * Add the names in @text and in what it includes (@includes may be NULL); of defines
 * all values that could be one. 0 or -ENOMEM.
 */
int interface_names_read(struct interface_names *names, const char *text, size_t length,
			 const struct nft_includes *includes);

void interface_names_release(struct interface_names *names);

#endif
