/*
 * The live ruleset of the current network namespace for looking at: as nft lists it
 * and as the kernel tells it, of one generation, and checked against each other.
 */
#ifndef PORTSCRIBE_NFT_VIEW_H
#define PORTSCRIBE_NFT_VIEW_H

#include "nft/live/keeper.h"
#include "nft/live/kernel.h"
#include "nft/statement.h"

struct live_view {
	/* "nft -a list ruleset" with harmless names; owned, NUL-terminated. Not for loading. */
	char *text;
	size_t length;
	struct kernel_ruleset kernel;
	size_t harmless; /* how many names and comments were made so */
};

/*
 * 0; -ENOENT: nft is not installed; -EPERM; -EBUSY: it changes all the time; -EPROTO:
 * the listing has other rules than the kernel; -errno. With @fault.
 */
int live_view_read(enum kernel_elements elements, struct live_view *ret_view, struct fault *fault);
void live_view_release(struct live_view *view);

/* The handle that nft -a writes behind a rule whose last token is @last; 0: none. */
uint64_t listed_handle(const char *text, size_t length, const struct token *last);

/*
 * Calls @take with each rule of the listing that is a rule of a chain of its own, in
 * the order of the listing, beside what the kernel has for it. 0, -EPROTO where they
 * do not belong together, or what @take returned.
 */
int live_view_rules(const struct live_view *view,
		    int (*take)(void *data, const struct statement *statement,
				const struct kernel_rule *rule),
		    void *data);

/* Who keeps a table of the listing; NULL: nobody is known to. */
const struct keeper *live_view_keeper(const struct live_view *view, struct slice family,
				      struct slice table);

#endif
