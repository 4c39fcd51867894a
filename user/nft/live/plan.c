/* See plan.h. */
#include "nft/live/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nft/live/judge.h"
#include "nft/live/listed.h"
#include "util/grow.h"

struct planning {
	const struct live_view *view;
	struct live_plan *plan;
	struct listed_rules listed; /* owned */
	size_t change_capacity;
};

static const char *veto(void *data, size_t start)
{
	const struct planning *planning = data;
	const struct kernel_rule *rule = listed_rule_find(&planning->listed, start);

	return rule ? rule_judge(&planning->view->kernel, rule)
		    : "it stands in a block that is jumped to";
}

static int take_change(void *data, size_t start, struct slice comment)
{
	struct planning *planning = data;
	struct live_plan *plan = planning->plan;
	struct rewrite change = { .rule = listed_rule_find(&planning->listed, start) };

	if (!change.rule || comment.length >= sizeof(change.comment))
		return -EPROTO;
	memcpy(change.comment, comment.text, comment.length);
	if (!array_room(&plan->changes, plan->count, &planning->change_capacity,
			sizeof(*plan->changes)))
		return -ENOMEM;
	plan->changes[plan->count++] = change;
	return 0;
}

static int compare_changes(const void *left, const void *right)
{
	const struct rewrite *a = left, *b = right;

	return a->rule < b->rule ? -1 : a->rule > b->rule;
}

static int take_skips(struct planning *planning)
{
	struct live_plan *plan = planning->plan;
	const struct annotate_result *result = &plan->result;

	plan->skips = reallocarray(NULL, result->skip_count + 1, sizeof(*plan->skips));
	if (!plan->skips)
		return -ENOMEM;
	for (size_t i = 0; i < result->skip_count; i++)
		plan->skips[plan->skip_count++] =
			(struct live_skip){ listed_rule_find(&planning->listed,
							     result->skips[i].start),
					    result->skips[i].line, result->skips[i].reason };
	return 0;
}

static int make(struct planning *planning, enum annotate_style style, bool keep_counts,
		const struct comment_facts *facts)
{
	const struct annotate_options options = {
		.style = style,
		.keep_counts = keep_counts,
		.facts = facts,
		.rules_only = true,
		.veto = veto,
		.change = take_change,
		.data = planning,
	};
	struct live_plan *plan = planning->plan;
	int error = listed_rules_read(planning->view, &planning->listed);

	if (!error)
		error = nft_annotate(planning->view->text, planning->view->length, &options,
				     &plan->result);
	if (!error)
		error = take_skips(planning);
	if (!error && plan->count)
		qsort(plan->changes, plan->count, sizeof(*plan->changes), compare_changes);
	return error == -EINVAL ? -EPROTO : error;
}

int live_plan_make(const struct live_view *view, enum annotate_style style, bool keep_counts,
		   const struct comment_facts *facts, struct live_plan *ret_plan)
{
	struct live_plan plan = { 0 };
	struct planning planning = { .view = view, .plan = &plan };
	int error = make(&planning, style, keep_counts, facts);

	listed_rules_release(&planning.listed);
	if (error) {
		live_plan_release(&plan);
		return error;
	}
	*ret_plan = plan;
	return 0;
}

void live_plan_release(struct live_plan *plan)
{
	annotate_result_release(&plan->result);
	free(plan->changes);
	free(plan->skips);
	*plan = (struct live_plan){ 0 };
}
