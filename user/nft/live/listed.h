/*
 * From a rule of the listing to what the kernel has for it.
 */
#ifndef PORTSCRIBE_NFT_LISTED_H
#define PORTSCRIBE_NFT_LISTED_H

#include "nft/live/view.h"

struct listed_rule;

struct listed_rules {
	struct listed_rule *list; /* owned; by place in the text */
	size_t count, capacity;
};

/* 0; -ENOMEM; -EPROTO as live_view_rules(). */
int listed_rules_read(const struct live_view *view, struct listed_rules *ret_rules);
void listed_rules_release(struct listed_rules *rules);

/* The rule whose text begins at byte @start; NULL: it stands in a block that is jumped to. */
const struct kernel_rule *listed_rule_find(const struct listed_rules *rules, size_t start);

#endif
