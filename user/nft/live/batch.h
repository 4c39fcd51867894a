/*
 * Changes to the live ruleset that are made together or not at all, and only to the
 * generation they were made for.
 */
#ifndef PORTSCRIBE_NFT_BATCH_H
#define PORTSCRIBE_NFT_BATCH_H

#include "nft/live/kernel.h"

struct batch {
	char *bytes; /* owned */
	size_t length, capacity;
	uint32_t first, sequence; /* of its first message and its last; never the same again */
	unsigned int sets;	  /* that it makes */
	bool failed;		  /* there was no memory, or a message is too large */
};

/* Begin anew, for @generation. */
void batch_begin(struct batch *batch, uint32_t generation);

/*
 * Replace @rule by itself, with @userdata in place of its own. Its sets that have no
 * name are made again from @sets. Where its numbers are restated, offsets of those in
 * batch->bytes go to @ret_numbers (room for NUMBERS_MAX), in the order of
 * rule_numbers().
 */
void batch_put_rule(struct batch *batch, const struct kernel_rule *rule,
		    const struct kernel_ruleset *sets, struct slice userdata, size_t *ret_numbers);

/* Set a number of a rule in it. */
void batch_set_number(struct batch *batch, size_t offset, uint64_t number);

/*
 * Send it over @netlink. 0: it was done. -ERESTART: the generation is another one now;
 * -ENOMEM, -errno: nothing was done.
 */
int batch_commit(struct batch *batch, struct netlink *netlink);

void batch_release(struct batch *batch);

#endif
