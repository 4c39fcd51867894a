/*
 * What comments would change on the live ruleset, and what must not be touched.
 * Changes nothing.
 */
#ifndef PORTSCRIBE_NFT_PLAN_H
#define PORTSCRIBE_NFT_PLAN_H

#include "nft/annotate.h"
#include "nft/live/rewrite.h"
#include "nft/live/view.h"

struct live_skip {
	const struct kernel_rule *rule; /* NULL: one in the block of a "jump {" */
	unsigned int line;		/* of the listing */
	const char *reason;
};

struct live_plan {
	struct annotate_result result; /* of view->text: for a diff */
	struct rewrite *changes;       /* owned; in the kernel's order */
	size_t count;
	struct live_skip *skips; /* owned */
	size_t skip_count;
};

/*
 * For the rules of @view, which must outlive the plan. ANNOTATE_STRIP plans to take
 * our comments out. Elements of sets stay as they are: exchanging one would be a
 * moment in which it matches nothing. 0; -ENOMEM; -EPROTO as live_view_rules().
 */
int live_plan_make(const struct live_view *view, enum annotate_style style, bool keep_counts,
		   const struct comment_facts *facts, struct live_plan *ret_plan);
void live_plan_release(struct live_plan *plan);

#endif
