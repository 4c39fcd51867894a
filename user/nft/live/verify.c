/*
 * Compared as the kernel tells them: handles, order, expressions and the elements of
 * sets without a name; not the numbers that packets change, nor the names that the
 * kernel gives to such sets.
 */
#include "nft/live/verify.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "nft/live/judge.h"
#include "util/grow.h"

static int compare_elements(const void *left, const void *right)
{
	return slices_compare(attribute_bytes(*(const struct nlattr *const *)left),
			      attribute_bytes(*(const struct nlattr *const *)right));
}

/* The elements of a set, in an order of their own: the kernel's is random. */
struct elements {
	const struct nlattr **list; /* owned */
	size_t count, capacity;
};

static bool sort_elements(const struct kernel_ruleset *ruleset, const struct kernel_set *set,
			  struct elements *elements)
{
	const struct nlattr *parts[NFTA_SET_ELEM_LIST_MAX + 1], *element;

	for (size_t i = 0; i < set->count; i++) {
		message_spread(ruleset->elements[set->first + i], parts, NFTA_SET_ELEM_LIST_MAX);
		if (!parts[NFTA_SET_ELEM_LIST_ELEMENTS])
			continue;
		mnl_attr_for_each_nested (element, parts[NFTA_SET_ELEM_LIST_ELEMENTS]) {
			if (!array_room(&elements->list, elements->count, &elements->capacity,
					sizeof(*elements->list)))
				return false;
			elements->list[elements->count++] = element;
		}
	}
	if (elements->count)
		qsort(elements->list, elements->count, sizeof(*elements->list), compare_elements);
	return true;
}

static bool sets_equal(const struct kernel_ruleset *before, const struct kernel_set *old,
		       const struct kernel_ruleset *after, const struct kernel_set *new)
{
	struct elements left = { 0 }, right = { 0 };
	bool equal = sort_elements(before, old, &left) && sort_elements(after, new, &right) &&
		     left.count == right.count && old->flags == new->flags &&
		     old->key_type == new->key_type && old->data_type == new->data_type;

	for (size_t i = 0; equal && i < left.count; i++)
		equal = !compare_elements(&left.list[i], &right.list[i]);
	free(left.list);
	free(right.list);
	return equal;
}

/* The sets without a name of two rules that are equal otherwise. */
static bool own_sets_equal(const struct kernel_ruleset *before, const struct kernel_rule *old,
			   const struct kernel_ruleset *after, const struct kernel_rule *new)
{
	const struct nlattr *expression, *other;

	if (!old->expressions)
		return true;
	other = mnl_attr_get_payload(new->expressions);
	mnl_attr_for_each_nested (expression, old->expressions) {
		const struct kernel_set *left = anonymous_set(before, &old->item, expression);
		const struct kernel_set *right = anonymous_set(after, &new->item, other);

		other = mnl_attr_next(other);
		if (!left != !right || (left && !sets_equal(before, left, after, right)))
			return false;
	}
	return true;
}

static bool rule_unchanged(const struct kernel_ruleset *before, const struct kernel_rule *old,
			   const struct kernel_ruleset *after, const struct kernel_rule *new,
			   const char *comment)
{
	uint8_t userdata[USERDATA_MAX];
	struct slice wanted = old->item.userdata;

	if (comment)
		wanted = (struct slice){ (const char *)userdata,
					 rewrite_userdata(old, comment, userdata) };
	return old->item.family == new->item.family &&
	       old->item.handle ==
		       new->item.handle &&slices_equal(old->item.table, new->item.table) &&
	       slices_equal(old->item.name, new->item.name) &&
	       slices_equal(new->item.userdata, wanted) &&
	       rules_equal(old->expressions, new->expressions) &&
	       own_sets_equal(before, old, after, new);
}

static bool tell_changed(const struct kernel_rule *rule, struct fault *fault)
{
	char place[KERNEL_PLACE_MAX];

	fault_set(fault, -EPROTO, "%s is not what it was", kernel_rule_place(rule, place));
	return false;
}

/* ---- where somebody else changed things, too ---- */

static int compare_rules(const void *left, const void *right)
{
	const struct kernel_item *a = &(*(const struct kernel_rule *const *)left)->item;
	const struct kernel_item *b = &(*(const struct kernel_rule *const *)right)->item;

	if (a->handle != b->handle)
		return a->handle < b->handle ? -1 : 1;
	if (a->family != b->family)
		return a->family - b->family;
	if (a->table.length != b->table.length)
		return a->table.length < b->table.length ? -1 : 1;
	return memcmp(a->table.text, b->table.text, a->table.length);
}

static const struct kernel_rule **sorted_rules(const struct kernel_ruleset *ruleset)
{
	const struct kernel_rule **sorted =
		reallocarray(NULL, ruleset->rule_count + 1, sizeof(*sorted));

	for (size_t i = 0; sorted && i < ruleset->rule_count; i++)
		sorted[i] = &ruleset->rules[i];
	if (sorted && ruleset->rule_count)
		qsort(sorted, ruleset->rule_count, sizeof(*sorted), compare_rules);
	return sorted;
}

/* The rules that we changed, as far as they are there still. */
static bool verify_own(const struct kernel_ruleset *before, const struct kernel_ruleset *after,
		       const struct rewrite *list, size_t count, struct fault *fault)
{
	const struct kernel_rule **sorted = sorted_rules(after), **found;
	bool equal = true;

	if (!sorted) {
		fault_set(fault, -ENOMEM, "there is no memory to compare with");
		return false;
	}
	for (size_t i = 0; equal && i < count; i++) {
		if (list[i].result != REWRITE_DONE || !after->rule_count)
			continue;
		found = bsearch(&list[i].rule, sorted, after->rule_count, sizeof(*sorted),
				compare_rules);
		equal = !found ||
			rule_unchanged(before, list[i].rule, after, *found, list[i].comment) ||
			tell_changed(list[i].rule, fault);
	}
	free(sorted);
	return equal;
}

/* ---- all of it ---- */

bool rewrite_verify(const struct kernel_ruleset *before, const struct kernel_ruleset *after,
		    const struct rewrite *list, size_t count, const struct rewrite_report *report,
		    struct fault *fault)
{
	size_t next = 0;

	if (report->foreign || after->generation != report->generation)
		return verify_own(before, after, list, count, fault);
	if (before->table_count != after->table_count ||
	    before->chain_count != after->chain_count || before->set_count != after->set_count ||
	    before->rule_count != after->rule_count ||
	    before->object_count != after->object_count) {
		fault_set(fault, -EPROTO, "the number of tables, chains, sets or rules changed");
		return false;
	}
	for (size_t i = 0; i < before->rule_count; i++) {
		const struct kernel_rule *old = &before->rules[i];
		const char *comment = NULL;

		if (next < count && list[next].rule == old) {
			if (list[next].result == REWRITE_DONE)
				comment = list[next].comment;
			next++;
		}
		if (!rule_unchanged(before, old, after, &after->rules[i], comment))
			return tell_changed(old, fault);
	}
	return true;
}
