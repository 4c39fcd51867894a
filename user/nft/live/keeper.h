/*
 * Which program keeps a table: it writes the table anew when it likes, finds its own
 * rules in it, and would be surprised by changes. Pure.
 */
#ifndef PORTSCRIBE_NFT_KEEPER_H
#define PORTSCRIBE_NFT_KEEPER_H

#include "nft/live/kernel.h"

struct keeper {
	const char *program; /* "iptables-nft" */
	const char *change;  /* what changes it: "iptables" */
};

/* NULL where nobody is known to keep it but the administrator. */
const struct keeper *table_keeper(const struct kernel_ruleset *ruleset,
				  const struct kernel_table *table);

#endif
