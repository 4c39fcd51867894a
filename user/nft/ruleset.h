/*
 * The live ruleset as text, for looking at: what `nft list ruleset` prints in
 * the current network namespace. Never to be loaded again: names that hold
 * quotes or newlines come out raw.
 */
#ifndef PORTSCRIBE_NFT_RULESET_H
#define PORTSCRIBE_NFT_RULESET_H

#include <stddef.h>

#include "util/fault.h"

/*
 * Owned by the caller; length 0 where no rule is loaded. -ENOENT: nft is not
 * installed. -errno with @fault where nft failed.
 */
int ruleset_list(char **ret_text, size_t *ret_length, struct fault *fault);

/* The ruleset that ships with the program, NUL-terminated. */
extern const char ruleset_example[], ruleset_example_end[];

#endif
