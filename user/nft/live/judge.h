/*
 * Which rules of the live ruleset can be replaced by themselves without anybody
 * noticing. Strict: what is not known to be safe is not. Pure.
 */
#ifndef PORTSCRIBE_NFT_JUDGE_H
#define PORTSCRIBE_NFT_JUDGE_H

#include "nft/live/kernel.h"

/* The reason for all rules of a table that table_keeper() knows. */
extern const char judge_kept[];

/* Why @rule must not be replaced, a constant; NULL: it may be. */
const char *rule_judge(const struct kernel_ruleset *ruleset, const struct kernel_rule *rule);

/* The name of the set that a lookup refers to; empty where @expression is none. */
struct slice lookup_name(const struct nlattr *expression);

/* The set that a lookup without a name of its own refers to; NULL where @expression is none. */
const struct kernel_set *anonymous_set(const struct kernel_ruleset *ruleset,
				       const struct kernel_item *rule,
				       const struct nlattr *expression);

/* A number in a rule that packets change: of a counter, or what a quota has used. */
struct rule_number {
	const struct nlattr *attribute;
	uint64_t value;
	bool is_packets; /* else bytes */
};

/* Fills at most @size; returns how many there are. */
#define NUMBERS_MAX 32
size_t rule_numbers(const struct nlattr *expressions, struct rule_number *ret_numbers, size_t size);

/* Whether the rule has a counter or quota of its own. */
bool rule_counts(const struct kernel_rule *rule);

/*
 * Whether two rules do the same: their expressions are equal but for numbers and for
 * names of sets that have none of their own.
 */
bool rules_equal(const struct nlattr *left, const struct nlattr *right);

#endif
