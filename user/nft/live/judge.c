/*
 * Replacing keeps what an expression says, and loses what it has gathered: tokens of
 * a limit, connections of a ct count. Counters and quotas can be restated. Measured
 * on 6.18; the expressions are those of net/netfilter/nft_*.c, 6.12.
 */
#include "nft/live/judge.h"

#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "nft/live/keeper.h"

static const struct {
	const char *name;
	unsigned int known; /* the highest attribute */
	const char *reason; /* NULL: it can be replayed */
} expressions[] = {
	{ "payload", NFTA_PAYLOAD_MAX, NULL },
	{ "cmp", NFTA_CMP_MAX, NULL },
	{ "meta", NFTA_META_MAX, NULL },
	{ "immediate", NFTA_IMMEDIATE_MAX, NULL },
	{ "counter", NFTA_COUNTER_MAX, NULL },
	{ "lookup", NFTA_LOOKUP_MAX, NULL },
	{ "ct", NFTA_CT_MAX, NULL },
	{ "bitwise", NFTA_BITWISE_MAX, NULL },
	{ "range", NFTA_RANGE_MAX, NULL },
	{ "log", NFTA_LOG_MAX, NULL },
	{ "nat", NFTA_NAT_MAX, NULL },
	{ "masq", NFTA_MASQ_MAX, NULL },
	{ "redir", NFTA_REDIR_MAX, NULL },
	{ "reject", NFTA_REJECT_MAX, NULL },
	{ "byteorder", NFTA_BYTEORDER_MAX, NULL },
	{ "hash", NFTA_HASH_MAX, NULL },
	{ "numgen", NFTA_NG_MAX, NULL },
	{ "fib", NFTA_FIB_MAX, NULL },
	{ "rt", NFTA_RT_MAX, NULL },
	{ "exthdr", NFTA_EXTHDR_MAX, NULL },
	{ "tproxy", NFTA_TPROXY_MAX, NULL },
	{ "socket", NFTA_SOCKET_MAX, NULL },
	{ "osf", NFTA_OSF_MAX, NULL },
	{ "dynset", NFTA_DYNSET_MAX, NULL },
	{ "objref", NFTA_OBJREF_MAX, NULL },
	{ "notrack", 0, NULL },
	{ "queue", NFTA_QUEUE_MAX, NULL },
	{ "fwd", NFTA_FWD_MAX, NULL },
	{ "dup", NFTA_DUP_MAX, NULL },
	{ "synproxy", NFTA_SYNPROXY_MAX, NULL },
	{ "xfrm", NFTA_XFRM_MAX, NULL },
	{ "flow_offload", NFTA_FLOW_MAX, NULL },
	{ "quota", NFTA_QUOTA_MAX, NULL },
	{ "limit", 0, "its limit would begin anew" },
	{ "connlimit", 0, "its ct count would forget its connections" },
	{ "last", 0, "it would forget when it was last used" },
	{ "match", 0, "it has an xt match, which cannot be replayed" },
	{ "target", 0, "it has an xt target, which cannot be replayed" },
};

const char judge_kept[] = "its table is kept by another program";

static bool spread(const struct nlattr *expression, struct slice *ret_name,
		   const struct nlattr **ret_data)
{
	const struct nlattr *parts[NFTA_EXPR_MAX + 1];
	bool known = attributes_within(expression, parts, NFTA_EXPR_MAX);

	*ret_name = attribute_string(parts[NFTA_EXPR_NAME]);
	*ret_data = parts[NFTA_EXPR_DATA];
	return known && attribute_type(expression) == NFTA_LIST_ELEM;
}

/* ---- numbers ---- */

struct number_list {
	struct rule_number *numbers;
	size_t count, size;
};

static void add_number(struct number_list *list, const struct nlattr *attribute, bool is_packets)
{
	if (attribute && list->count++ < list->size)
		list->numbers[list->count - 1] =
			(struct rule_number){ attribute, attribute_u64(attribute), is_packets };
}

size_t rule_numbers(const struct nlattr *nest, struct rule_number *ret_numbers, size_t size)
{
	const struct nlattr *expression, *data, *fields[NFTA_QUOTA_MAX + 1];
	struct number_list list = { ret_numbers, 0, size };
	struct slice name;

	if (!nest)
		return 0;
	mnl_attr_for_each_nested (expression, nest) {
		spread(expression, &name, &data);
		if (slice_equals(name, "counter")) {
			attributes_within(data, fields, NFTA_COUNTER_MAX);
			add_number(&list, fields[NFTA_COUNTER_PACKETS], true);
			add_number(&list, fields[NFTA_COUNTER_BYTES], false);
		} else if (slice_equals(name, "quota")) {
			attributes_within(data, fields, NFTA_QUOTA_MAX);
			add_number(&list, fields[NFTA_QUOTA_CONSUMED], false);
		}
	}
	return list.count;
}

bool rule_counts(const struct kernel_rule *rule)
{
	return rule_numbers(rule->expressions, NULL, 0) > 0;
}

/* ---- judging ---- */

struct slice lookup_name(const struct nlattr *expression)
{
	const struct nlattr *data, *fields[NFTA_LOOKUP_MAX + 1];
	struct slice name;

	spread(expression, &name, &data);
	if (!slice_equals(name, "lookup"))
		return (struct slice){ "", 0 };
	attributes_within(data, fields, NFTA_LOOKUP_MAX);
	return attribute_string(fields[NFTA_LOOKUP_SET]);
}

const struct kernel_set *anonymous_set(const struct kernel_ruleset *ruleset,
				       const struct kernel_item *rule,
				       const struct nlattr *expression)
{
	struct slice name = lookup_name(expression);
	const struct kernel_set *set =
		name.length ? kernel_set_find(ruleset, rule->family, rule->table, name) : NULL;

	return set && set->flags & NFT_SET_ANONYMOUS ? set : NULL;
}

/* An element that counts, or that ends by itself. */
static bool has_state(const struct nlattr *element)
{
	const struct nlattr *parts[NFTA_SET_ELEM_MAX + 1];

	return !attributes_within(element, parts, NFTA_SET_ELEM_MAX) || parts[NFTA_SET_ELEM_EXPR] ||
	       parts[NFTA_SET_ELEM_EXPRESSIONS] || parts[NFTA_SET_ELEM_TIMEOUT] ||
	       parts[NFTA_SET_ELEM_EXPIRATION] || parts[NFTA_SET_ELEM_OBJREF];
}

static const char *judge_elements(const struct kernel_ruleset *ruleset,
				  const struct kernel_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct nlattr *parts[NFTA_SET_ELEM_LIST_MAX + 1], *element;

		if (!message_spread(ruleset->elements[set->first + i], parts,
				    NFTA_SET_ELEM_LIST_MAX))
			return "its set has elements that are not understood";
		if (!parts[NFTA_SET_ELEM_LIST_ELEMENTS])
			continue;
		mnl_attr_for_each_nested (element, parts[NFTA_SET_ELEM_LIST_ELEMENTS])
			if (has_state(element))
				return "elements of its set have counters or other state";
	}
	return NULL;
}

static const char *judge_lookup(const struct kernel_ruleset *ruleset,
				const struct kernel_rule *rule, const struct nlattr *expression)
{
	const struct kernel_set *set = kernel_set_find(ruleset, rule->item.family, rule->item.table,
						       lookup_name(expression));

	if (!set)
		return "its set is not there any more";
	if (!(set->flags & NFT_SET_ANONYMOUS))
		return NULL;
	if (set->item.unknown)
		return "its set has attributes that are not known";
	return judge_elements(ruleset, set);
}

/* Sets that a rule fills, and that have no name: meters. */
static const char *judge_dynset(const struct kernel_ruleset *ruleset,
				const struct kernel_rule *rule, const struct nlattr *data)
{
	const struct nlattr *fields[NFTA_DYNSET_MAX + 1];
	const struct kernel_set *set;

	attributes_within(data, fields, NFTA_DYNSET_MAX);
	set = kernel_set_find(ruleset, rule->item.family, rule->item.table,
			      attribute_string(fields[NFTA_DYNSET_SET_NAME]));
	return !set || set->flags & NFT_SET_ANONYMOUS ? "it has a meter, which would begin anew"
						      : NULL;
}

static const char *judge_immediate(const struct kernel_ruleset *ruleset,
				   const struct kernel_rule *rule, const struct nlattr *data)
{
	const struct nlattr *fields[NFTA_IMMEDIATE_MAX + 1], *value[NFTA_DATA_MAX + 1];
	const struct nlattr *verdict[NFTA_VERDICT_MAX + 1];
	const struct kernel_chain *chain;

	attributes_within(data, fields, NFTA_IMMEDIATE_MAX);
	if (!attributes_within(fields[NFTA_IMMEDIATE_DATA], value, NFTA_DATA_MAX) ||
	    !attributes_within(value[NFTA_DATA_VERDICT], verdict, NFTA_VERDICT_MAX))
		return "it has attributes that are not known";
	if (!verdict[NFTA_VERDICT_CHAIN])
		return NULL;
	chain = kernel_chain_find(ruleset, rule->item.family, rule->item.table,
				  attribute_string(verdict[NFTA_VERDICT_CHAIN]));
	if (!chain || chain->flags & NFT_CHAIN_BINDING || verdict[NFTA_VERDICT_CHAIN_ID])
		return "it jumps to a block of its own";
	return NULL;
}

static const char *judge_quota(const struct nlattr *data)
{
	const struct nlattr *fields[NFTA_QUOTA_MAX + 1];

	attributes_within(data, fields, NFTA_QUOTA_MAX);
	if (attribute_u64(fields[NFTA_QUOTA_CONSUMED]) >= attribute_u64(fields[NFTA_QUOTA_BYTES]))
		return "its quota is used up, which nf_tables does not take back";
	return NULL;
}

static const char *judge_objref(const struct nlattr *data)
{
	const struct nlattr *fields[NFTA_OBJREF_MAX + 1];

	attributes_within(data, fields, NFTA_OBJREF_MAX);
	return fields[NFTA_OBJREF_SET_NAME] ? "it finds counters or other objects in a map" : NULL;
}

static const char *judge_expression(const struct kernel_ruleset *ruleset,
				    const struct kernel_rule *rule, const struct nlattr *expression)
{
	const struct nlattr *data, *fields[64];
	struct slice name;
	size_t i = 0;

	if (!spread(expression, &name, &data))
		return "it has attributes that are not known";
	while (i < sizeof(expressions) / sizeof(expressions[0]) &&
	       !slice_equals(name, expressions[i].name))
		i++;
	if (i == sizeof(expressions) / sizeof(expressions[0]))
		return "it has an expression that is not known";
	if (expressions[i].reason)
		return expressions[i].reason;
	if (!attributes_within(data, fields, expressions[i].known))
		return "it has attributes that are not known";
	if (slice_equals(name, "lookup"))
		return judge_lookup(ruleset, rule, expression);
	if (slice_equals(name, "dynset"))
		return judge_dynset(ruleset, rule, data);
	if (slice_equals(name, "immediate"))
		return judge_immediate(ruleset, rule, data);
	if (slice_equals(name, "quota"))
		return judge_quota(data);
	return slice_equals(name, "objref") ? judge_objref(data) : NULL;
}

const char *rule_judge(const struct kernel_ruleset *ruleset, const struct kernel_rule *rule)
{
	const struct kernel_table *table =
		kernel_table_find(ruleset, rule->item.family, rule->item.table);
	const struct nlattr *expression;

	if (!table)
		return "its table is not there any more";
	if (table_keeper(ruleset, table))
		return judge_kept;
	if (rule->item.unknown)
		return "it has attributes that are not known";
	if (rule->has_compat)
		return "iptables wrote it";
	if (rule_numbers(rule->expressions, NULL, 0) > NUMBERS_MAX)
		return "it has too many counters";
	if (!rule->expressions)
		return NULL;
	mnl_attr_for_each_nested (expression, rule->expressions) {
		const char *reason = judge_expression(ruleset, rule, expression);

		if (reason)
			return reason;
	}
	return NULL;
}

/* ---- comparing ---- */

/* Where the bytes of the expressions may differ: numbers, and names of anonymous sets. */
static bool expressions_equal(const struct nlattr *left, const struct nlattr *right)
{
	const struct nlattr *a, *b, *fields_a[NFTA_LOOKUP_MAX + 1], *fields_b[NFTA_LOOKUP_MAX + 1];
	struct slice name, other;

	spread(left, &name, &a);
	spread(right, &other, &b);
	if (!slices_equal(name, other))
		return false;
	if (slice_equals(name, "counter"))
		return true;
	if (slice_equals(name, "quota")) {
		attributes_within(a, fields_a, NFTA_QUOTA_MAX);
		attributes_within(b, fields_b, NFTA_QUOTA_MAX);
		return attribute_u64(fields_a[NFTA_QUOTA_BYTES]) ==
			       attribute_u64(fields_b[NFTA_QUOTA_BYTES]) &&
		       attribute_u32(fields_a[NFTA_QUOTA_FLAGS]) ==
			       attribute_u32(fields_b[NFTA_QUOTA_FLAGS]);
	}
	if (!slice_equals(name, "lookup"))
		return slices_equal(attribute_bytes(left), attribute_bytes(right));
	attributes_within(a, fields_a, NFTA_LOOKUP_MAX);
	attributes_within(b, fields_b, NFTA_LOOKUP_MAX);
	for (unsigned int i = 0; i <= NFTA_LOOKUP_MAX; i++)
		if (i != NFTA_LOOKUP_SET &&
		    !slices_equal(attribute_bytes(fields_a[i]), attribute_bytes(fields_b[i])))
			return false;
	name = attribute_string(fields_a[NFTA_LOOKUP_SET]);
	other = attribute_string(fields_b[NFTA_LOOKUP_SET]);
	return slices_equal(name, other) ||
	       (name.length > 5 && other.length > 5 &&
		(!memcmp(name.text, "__set", 5) || !memcmp(name.text, "__map", 5)) &&
		!memcmp(name.text, other.text, 5));
}

bool rules_equal(const struct nlattr *left, const struct nlattr *right)
{
	const struct nlattr *a = left ? mnl_attr_get_payload(left) : NULL;
	const struct nlattr *b = right ? mnl_attr_get_payload(right) : NULL;
	int left_size = left ? mnl_attr_get_payload_len(left) : 0;
	int right_size = right ? mnl_attr_get_payload_len(right) : 0;

	while (left_size > 0 && right_size > 0 && mnl_attr_ok(a, left_size) &&
	       mnl_attr_ok(b, right_size)) {
		if (!expressions_equal(a, b))
			return false;
		left_size -= MNL_ALIGN(a->nla_len);
		right_size -= MNL_ALIGN(b->nla_len);
		a = mnl_attr_next(a);
		b = mnl_attr_next(b);
	}
	return left_size <= 0 && right_size <= 0;
}
