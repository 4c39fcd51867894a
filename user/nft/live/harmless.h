/*
 * Names and comments that hold quotes, newlines or other bytes which nft prints as
 * they are: netlink lets anybody with CAP_NET_ADMIN store them, and a listing could
 * seem to hold rules that are not there. Pure.
 */
#ifndef PORTSCRIBE_NFT_HARMLESS_H
#define PORTSCRIBE_NFT_HARMLESS_H

#include <stddef.h>

#include "nft/live/kernel.h"

/* Whether @listed is how @name, of a table or chain, is shown: with '_' for what misleads. */
bool harmless_equal(struct slice listed, struct slice name);

/*
 * Replace, in @length bytes of a listing, all such names and comments of @ruleset,
 * each by as many bytes. Returns how many it replaced, or -ENOMEM.
 */
ptrdiff_t harmless_make(const struct kernel_ruleset *ruleset, char *text, size_t length);

#endif
