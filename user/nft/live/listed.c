/* See listed.h. */
#include "nft/live/listed.h"

#include <errno.h>
#include <stdlib.h>

#include "util/grow.h"

struct listed_rule {
	size_t start; /* in the text */
	const struct kernel_rule *rule;
};

static int take_rule(void *data, const struct statement *statement, const struct kernel_rule *rule)
{
	struct listed_rules *rules = data;

	if (!array_room(&rules->list, rules->count, &rules->capacity, sizeof(*rules->list)))
		return -ENOMEM;
	rules->list[rules->count++] = (struct listed_rule){ statement->tokens.list[0].start, rule };
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct listed_rule *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

int listed_rules_read(const struct live_view *view, struct listed_rules *ret_rules)
{
	struct listed_rules rules = { 0 };
	int error = live_view_rules(view, take_rule, &rules);

	if (error) {
		listed_rules_release(&rules);
		return error;
	}
	*ret_rules = rules;
	return 0;
}

void listed_rules_release(struct listed_rules *rules)
{
	free(rules->list);
	*rules = (struct listed_rules){ 0 };
}

const struct kernel_rule *listed_rule_find(const struct listed_rules *rules, size_t start)
{
	const struct listed_rule key = { .start = start };
	const struct listed_rule *found =
		rules->count ? bsearch(&key, rules->list, rules->count, sizeof(key), compare)
			     : NULL;

	return found ? found->rule : NULL;
}
