/* Whether a ruleset that was rewritten is what it was but for comments. Pure. */
#ifndef PORTSCRIBE_NFT_VERIFY_H
#define PORTSCRIBE_NFT_VERIFY_H

#include "nft/live/rewrite.h"

/*
 * Whether @after is @before but for the comments of @list, which is in the order of its rules.
 * Where @report says that somebody else changed things, only the rules of @list are compared. False
 * with
 * @fault.
 */
bool rewrite_verify(const struct kernel_ruleset *before, const struct kernel_ruleset *after,
		    const struct rewrite *list, size_t count, const struct rewrite_report *report,
		    struct fault *fault);

#endif
