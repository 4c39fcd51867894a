/*
 * The reader of the kernel's rules and sets, and what follows them: whatever a rule
 * holds, each packet has an answer, and none is followed out of its message.
 *
 * Seeds: tests/data/reach rule
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "reach/reach.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An input: the size of the expressions, the set's flags, key and data lengths, then both. */
enum { HEAD = 6 };

static char rule_message[1 << 14], set_message[1 << 14], elements_message[1 << 14];

static void check(int holds)
{
	if (!holds)
		abort();
}

static struct nlmsghdr *begin(char *memory)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(memory);

	mnl_nlmsg_put_extra_header(message, sizeof(struct nfgenmsg));
	return message;
}

/* A nest of bytes as they are. */
static struct nlattr *put(struct nlmsghdr *message, uint16_t type, const uint8_t *data, size_t size)
{
	struct nlattr *nest = mnl_nlmsg_get_payload_tail(message);

	mnl_attr_put(message, type, size, data);
	return nest;
}

static bool has(const struct interval *list, size_t count, number_t value)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].first <= value && value <= list[i].last)
			return true;
	return false;
}

/* 10.0.0.1 from source port 40000 by the first interface. */
static void check_answer(const struct reach_answer *answer)
{
	bool found = answer->no_address;

	for (size_t i = 0; i < answer->count; i++) {
		check(answer->parts[i].where_count > 0);
		for (size_t j = 0; j < answer->parts[i].where_count; j++) {
			const struct reach_where *where = &answer->parts[i].where[j];

			found |= has(where->sources, where->source_count, 0x0a000001) &&
				 has(where->interfaces, where->interface_count, 0) &&
				 has(where->destinations, where->destination_count, 0x0a000002) &&
				 has(where->source_ports, where->source_port_count, 40000);
		}
	}
	check(found);
}

static void ask(const struct kernel_ruleset *ruleset)
{
	const struct reach_question questions[] = {
		{ NFPROTO_IPV4, TRANSPORT_TCP, 22, .interface = REACH_ANY_INTERFACE },
		{ NFPROTO_IPV4, TRANSPORT_UDP, 53, .interface = REACH_ANY_INTERFACE },
	};
	struct reach_answer answers[2];
	struct host host = { 0 };
	struct reach *reach;

	check(!reach_assume(ruleset, &host));
	check(!reach_new(ruleset, &host, &reach));
	check(!reach_ask(reach, questions, 2, answers));
	for (unsigned int i = 0; i < 2; i++) {
		check_answer(&answers[i]);
		reach_answer_release(&answers[i]);
	}
	reach_free(reach);
	host_release(&host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlmsghdr *rule_head = begin(rule_message), *set_head = begin(set_message);
	struct nlmsghdr *elements_head = begin(elements_message);
	const struct nlmsghdr *elements[] = { elements_head };
	struct kernel_item item = { .message = rule_head,
				    .family = NFPROTO_INET,
				    .table = { "t", 1 },
				    .name = { "c", 1 } };
	struct kernel_table table = { .item = item };
	struct kernel_chain chain = { .item = item,
				      .is_base = true,
				      .type = { "filter", 6 },
				      .hook = NF_INET_LOCAL_IN,
				      .rule_count = 1 };
	struct kernel_rule rule = { .item = item };
	struct kernel_set set = { .item = item, .count = 1 };
	struct kernel_ruleset ruleset = { .tables = &table,
					  .table_count = 1,
					  .chains = &chain,
					  .chain_count = 1,
					  .rules = &rule,
					  .rule_count = 1,
					  .sets = &set,
					  .set_count = 1,
					  .elements = elements,
					  .element_count = 1 };
	size_t length;

	if (size < HEAD || size > 4096)
		return 0;
	length = (size_t)(data[0] | data[1] << 8) % (size - HEAD + 1);
	chain.item.message = set.item.message = set_head;
	set.item.name = (struct slice){ "s", 1 };
	table.item.name = item.table;
	set.flags = data[2];
	set.key_length = data[3];
	set.data_length = data[4];
	set.data_type = data[5] & 1 ? NFT_DATA_VERDICT : 0;
	rule.expressions = put(rule_head, NFTA_RULE_EXPRESSIONS, data + HEAD, length);
	put(elements_head, NFTA_SET_ELEM_LIST_ELEMENTS, data + HEAD + length, size - HEAD - length);
	check(!kernel_ruleset_sort(&ruleset));
	ask(&ruleset);
	free(ruleset.sorted_sets);
	free(ruleset.sorted_chains);
	return 0;
}
