/*
 * The algebra of packets, and the strict reading of the kernel's messages: what is not
 * known is said, and never passed over.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_tcpudp.h>

#include <cmocka.h>

#include "reach/reach.h"
#include "reach/render.h"
#include "reach/space.h"

/* ---- packets ---- */

static struct box box(number_t from, number_t to, number_t interface, number_t last)
{
	struct box made = box_of_all();

	made.side[DIM_SOURCE] = (struct interval){ from, to };
	made.side[DIM_INTERFACE] = (struct interval){ interface, last };
	return made;
}

/* Sources 0 to 19, interfaces 0 to 3, ports 0 to 9: few enough to try each. */
static bool holds(const struct space *space, uint16_t port, number_t source, number_t interface)
{
	const number_t point[REGION_DIMENSIONS] = {
		[DIM_SOURCE] = source, [DIM_INTERFACE] = interface
	};

	return space_holds(space, port, point);
}

static unsigned int count(const struct space *space)
{
	unsigned int found = 0;

	for (uint16_t port = 0; port < 10; port++)
		for (unsigned int source = 0; source < 20; source++)
			for (unsigned int interface = 0; interface < 4; interface++)
				found += holds(space, port, source, interface);
	return found;
}

/* Boxes do not overlap: else a packet would be in two of them. */
static unsigned int count_boxes(const struct space *space, uint16_t port, number_t source,
				number_t interface)
{
	const struct region *region = space_region(space, port);
	unsigned int found = 0;

	for (size_t i = 0; region && i < region->count; i++) {
		const struct interval *sides = region->boxes[i].side;

		found += sides[DIM_SOURCE].first <= source && source <= sides[DIM_SOURCE].last &&
			 sides[DIM_INTERFACE].first <= interface &&
			 interface <= sides[DIM_INTERFACE].last;
	}
	return found;
}

static void test_cut(void **state)
{
	const struct interval sources[] = { { 2, 4 }, { 10, 12 } }, ports[] = { { 3, 5 } };
	struct space space = { 0 }, in, out, inner, outer;
	struct box all = box(0, 19, 0, 3);

	space_add_box(&space, 0, 9, &all);
	assert_int_equal(count(&space), 10 * 20 * 4);
	space_cut(&space, DIM_SOURCE, sources, 2, &in, &out);
	assert_true(space_is_empty(&space));
	assert_int_equal(count(&in), 10 * 6 * 4);
	assert_int_equal(count(&out), 10 * 14 * 4);
	/* One region for all ports, still. */
	assert_int_equal(in.count, 1);
	space_cut(&in, DIM_PORT, ports, 1, &inner, &outer);
	assert_int_equal(count(&inner), 3 * 6 * 4);
	assert_int_equal(count(&outer), 7 * 6 * 4);
	assert_ptr_equal(space_region(&outer, 0), space_region(&outer, 9));
	space_join(&inner, &outer);
	space_join(&inner, &out);
	assert_int_equal(count(&inner), 10 * 20 * 4);
	/* And put together it is one box again. */
	assert_int_equal(space_region(&inner, 4)->count, 1);
	space_release(&inner);
}

static void test_interfaces_beside_sources(void **state)
{
	struct space space = { 0 }, other = { 0 }, in, out;
	struct box all = box(0, 19, 0, 3), hole = box(5, 9, 1, 2), more = box(8, 15, 2, 3);

	space_add_box(&space, 0, 9, &all);
	space_add_box(&other, 2, 3, &hole);
	space_add_box(&other, 3, 4, &more);
	assert_int_equal(count(&other), 2 * 10 + 2 * 16 - 2);
	space_cut_by(&space, &other, &in, &out);
	for (uint16_t port = 0; port < 10; port++)
		for (unsigned int source = 0; source < 20; source++)
			for (unsigned int interface = 0; interface < 4; interface++) {
				bool within = holds(&other, port, source, interface);

				assert_int_equal(count_boxes(&in, port, source, interface), within);
				assert_int_equal(count_boxes(&out, port, source, interface),
						 !within);
			}
	assert_false(spaces_are_equal(&in, &out));
	assert_true(spaces_are_equal(&in, &other));
	space_release(&in);
	space_release(&out);
	space_release(&other);
}

static void test_unite(void **state)
{
	struct space space = { 0 };

	for (unsigned int i = 0; i < 12; i++) {
		struct box some = box(i, i + 6, i % 3, 3);

		space_add_box(&space, i % 5, i % 5 + 4, &some);
	}
	for (uint16_t port = 0; port < 10; port++)
		for (unsigned int source = 0; source < 20; source++)
			for (unsigned int interface = 0; interface < 4; interface++) {
				bool within = false;

				for (unsigned int i = 0; i < 12; i++)
					within |= port >= i % 5 && port <= i % 5 + 4 &&
						  source >= i && source <= i + 6 &&
						  interface >= i % 3;
				assert_int_equal(count_boxes(&space, port, source, interface),
						 within);
			}
	space_release(&space);
}

static void test_ports_taken_and_put_back(void **state)
{
	const struct interval ports[] = { { 2, 3 }, { 7, 7 } }, none[] = { { 20, 30 } };
	struct box all = box(0, 19, 0, 3);
	struct space space = { 0 }, taken;

	space_add_box(&space, 0, 9, &all);
	assert_false(space_take_ports(&space, none, 1, &taken));
	assert_true(space_take_ports(&space, ports, 2, &taken));
	assert_int_equal(count(&taken), 3 * 20 * 4);
	assert_int_equal(count(&space), 7 * 20 * 4);
	space_put_ports(&space, &taken);
	assert_int_equal(count(&space), 10 * 20 * 4);
	space_release(&space);
}

static void test_edges(void **state)
{
	const struct interval all = { 0, ~(number_t)0 };
	struct interval rest[4], list[] = { { 5, 9 }, { 0, 3 }, { 4, 4 }, { 12, ~(number_t)0 } };
	struct space space = { 0 }, in, out;
	struct box top = box_of_all();

	assert_int_equal(intervals_merge(list, 4), 2);
	assert_true(list[0].first == 0 && list[0].last == 9);
	assert_int_equal(intervals_invert(list, 2, ~(number_t)0, rest), 1);
	assert_true(rest[0].first == 10 && rest[0].last == 11);
	/* The largest address has nothing behind it. */
	space_add_box(&space, 0, UINT16_MAX, &top);
	space_cut(&space, DIM_SOURCE, &all, 1, &in, &out);
	assert_true(space_is_empty(&out));
	assert_true(space_region(&in, UINT16_MAX) && space_region(&in, 0));
	space_release(&in);
}

static void test_addresses(void **state)
{
	char text[ADDRESSES_MAX];

#define SHOWN(from, to, shown)                                                                 \
	assert_string_equal(addresses_text(text, NFPROTO_IPV4, (struct interval){ from, to }), \
			    shown)
	SHOWN(0x0a000000, 0x0affffff, "10.0.0.0/8");
	SHOWN(0x0a000001, 0x0a000001, "10.0.0.1");
	SHOWN(0x0a000001, 0x0a000002, "10.0.0.1-10.0.0.2");
	SHOWN(0, UINT32_MAX, "0.0.0.0/0");
	SHOWN(0x80000000, UINT32_MAX, "128.0.0.0/1");
#undef SHOWN
	assert_string_equal(
		addresses_text(text, NFPROTO_IPV6, (struct interval){ 0, ~(number_t)0 }), "::/0");
}

/* ---- a ruleset by hand ---- */

static char memory[1 << 16];
static struct kernel_ruleset ruleset;
static struct kernel_table table;
static struct kernel_chain chain;
static struct kernel_rule rule;
static struct nlmsghdr *message;
static struct nlattr *list, *element, *data;

static void begin_rule(void)
{
	memset(memory, 0, sizeof(memory));

	message = mnl_nlmsg_put_header(memory);
	mnl_nlmsg_put_extra_header(message, sizeof(struct nfgenmsg));
	list = mnl_attr_nest_start(message, NFTA_RULE_EXPRESSIONS);
}

static void begin(const char *name)
{
	element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	mnl_attr_put_strz(message, NFTA_EXPR_NAME, name);
	data = mnl_attr_nest_start(message, NFTA_EXPR_DATA);
}

static void end(void)
{
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, element);
}

static void number(uint16_t type, uint32_t value)
{
	mnl_attr_put_u32(message, type, htonl(value));
}

static void value(uint16_t type, const void *bytes, size_t length)
{
	struct nlattr *nest = mnl_attr_nest_start(message, type);

	mnl_attr_put(message, NFTA_DATA_VALUE, length, bytes);
	mnl_attr_nest_end(message, nest);
}

/* "tcp dport 22": the transport is the question's. */
static void port_is(uint16_t port)
{
	uint16_t network = htons(port);

	begin("payload");
	number(NFTA_PAYLOAD_DREG, NFT_REG_1);
	number(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	number(NFTA_PAYLOAD_OFFSET, 2);
	number(NFTA_PAYLOAD_LEN, 2);
	end();
	begin("cmp");
	number(NFTA_CMP_SREG, NFT_REG_1);
	number(NFTA_CMP_OP, NFT_CMP_EQ);
	value(NFTA_CMP_DATA, &network, sizeof(network));
	end();
}

static void verdict(int32_t code)
{
	struct nlattr *nest, *inner;

	begin("immediate");
	number(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	nest = mnl_attr_nest_start(message, NFTA_IMMEDIATE_DATA);
	inner = mnl_attr_nest_start(message, NFTA_DATA_VERDICT);
	number(NFTA_VERDICT_CODE, code);
	mnl_attr_nest_end(message, inner);
	mnl_attr_nest_end(message, nest);
	end();
}

/* What is said of port 22 where the rule stands alone in input, whose policy is to drop. */
static enum reach_verdict say(char *ret_reason, size_t size)
{
	const struct reach_question question = { .family = NFPROTO_IPV4,
						 .transport = TRANSPORT_TCP,
						 .port = 22,
						 .interface = REACH_ANY_INTERFACE };
	struct kernel_item item = { .message = message,
				    .family = NFPROTO_INET,
				    .table = slice_of("t"),
				    .name = slice_of("in") };
	struct reach_answer answer;
	enum reach_verdict said;
	struct host host = { 0 };
	struct reach *reach;

	mnl_attr_nest_end(message, list);
	table = (struct kernel_table){ .item = item };
	table.item.name = item.table;
	chain = (struct kernel_chain){ .item = item,
				       .is_base = true,
				       .type = slice_of("filter"),
				       .hook = NF_INET_LOCAL_IN,
				       .policy = NF_DROP,
				       .rule_count = 1 };
	rule = (struct kernel_rule){ .item = item, .expressions = list };
	ruleset = (struct kernel_ruleset){ .tables = &table,
					   .table_count = 1,
					   .chains = &chain,
					   .chain_count = 1,
					   .rules = &rule,
					   .rule_count = 1 };
	assert_int_equal(kernel_ruleset_sort(&ruleset), 0);
	assert_int_equal(reach_assume(&ruleset, &host), 0);
	assert_int_equal(reach_new(&ruleset, &host, &reach), 0);
	assert_int_equal(reach_ask(reach, &question, 1, &answer), 0);
	said = reach_answer_verdict(&answer);
	ret_reason[0] = '\0';
	for (size_t i = 0; i < answer.count; i++)
		if (answer.parts[i].verdict == said && answer.parts[i].reason)
			snprintf(ret_reason, size, "%s", answer.parts[i].reason);
	reach_answer_release(&answer);
	reach_free(reach);
	host_release(&host);
	free(ruleset.sorted_sets);
	free(ruleset.sorted_chains);
	return said;
}

static void said(enum reach_verdict expected, const char *reason)
{
	char got[256];

	assert_int_equal(say(got, sizeof(got)), expected);
	assert_string_equal(got, reason);
}

static void test_rule(void **state)
{
	begin_rule();
	port_is(22);
	verdict(NF_ACCEPT);
	said(REACH_OPEN, "");
	begin_rule();
	port_is(23);
	verdict(NF_ACCEPT);
	said(REACH_DROPPED, "");
}

static void test_unknown_expression(void **state)
{
	begin_rule();
	port_is(22);
	begin("frobnicate");
	end();
	verdict(NF_ACCEPT);
	said(REACH_CANNOT_TELL, "the expression frobnicate");
	/* Behind a port that is another one it does not matter. */
	begin_rule();
	port_is(23);
	begin("frobnicate");
	end();
	said(REACH_DROPPED, "");
}

static void test_unknown_attribute(void **state)
{
	begin_rule();
	begin("payload");
	number(NFTA_PAYLOAD_DREG, NFT_REG_1);
	number(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	number(NFTA_PAYLOAD_OFFSET, 2);
	number(NFTA_PAYLOAD_LEN, 2);
	number(NFTA_PAYLOAD_CSUM_FLAGS + 1, 7);
	end();
	verdict(NF_ACCEPT);
	said(REACH_CANNOT_TELL, "an attribute of payload");
	/* A second register, of 6.13: libraries of before would drop it silently. */
	begin_rule();
	begin("bitwise");
	number(NFTA_BITWISE_SREG, NFT_REG_1);
	number(NFTA_BITWISE_DREG, NFT_REG_1);
	number(NFTA_BITWISE_LEN, 4);
	number(NFTA_BITWISE_DATA + 1, NFT_REG_2);
	end();
	verdict(NF_ACCEPT);
	said(REACH_CANNOT_TELL, "an attribute of bitwise");
}

static void test_unknown_values(void **state)
{
	const uint32_t one = 1;

	begin_rule();
	begin("cmp");
	number(NFTA_CMP_SREG, NFT_REG_1);
	number(NFTA_CMP_OP, NFT_CMP_GTE + 1);
	value(NFTA_CMP_DATA, &one, sizeof(one));
	end();
	verdict(NF_ACCEPT);
	said(REACH_CANNOT_TELL, "cmp");
	begin_rule();
	begin("meta");
	number(NFTA_META_DREG, NFT_REG_1);
	number(NFTA_META_KEY, 4000);
	end();
	verdict(NF_ACCEPT);
	said(REACH_CANNOT_TELL, "meta key 4000");
	begin_rule();
	verdict(1234);
	said(REACH_CANNOT_TELL, "a verdict");
	/* A register that is none. */
	begin_rule();
	begin("cmp");
	number(NFTA_CMP_SREG, 5000);
	number(NFTA_CMP_OP, NFT_CMP_EQ);
	value(NFTA_CMP_DATA, &one, sizeof(one));
	end();
	verdict(NF_ACCEPT);
	said(REACH_CANNOT_TELL, "cmp");
}

static void test_queue(void **state)
{
	begin_rule();
	verdict(NF_QUEUE | 3 << 16);
	said(REACH_CANNOT_TELL, "queue: a program decides");
}

static void test_maybe(void **state)
{
	begin_rule();
	begin("limit");
	mnl_attr_put_u64(message, NFTA_LIMIT_RATE, htobe64(5));
	mnl_attr_put_u64(message, NFTA_LIMIT_UNIT, htobe64(1));
	end();
	verdict(NF_ACCEPT);
	said(REACH_MAYBE, "");
	/* A limit that decides nothing is no condition. */
	begin_rule();
	begin("limit");
	mnl_attr_put_u64(message, NFTA_LIMIT_RATE, htobe64(5));
	end();
	begin("log");
	end();
	said(REACH_DROPPED, "");
}

static void xt(const char *name, uint32_t revision, const void *info, size_t length)
{
	begin("match");
	mnl_attr_put_strz(message, NFTA_MATCH_NAME, name);
	number(NFTA_MATCH_REV, revision);
	mnl_attr_put(message, NFTA_MATCH_INFO, length, info);
	end();
}

static void test_xt(void **state)
{
	struct xt_tcp tcp = { .spts = { 0, UINT16_MAX }, .dpts = { 20, 30 } };

	begin_rule();
	xt("tcp", 0, &tcp, sizeof(tcp));
	verdict(NF_ACCEPT);
	said(REACH_OPEN, "");
	tcp.invflags = XT_TCP_INV_DSTPT;
	begin_rule();
	xt("tcp", 0, &tcp, sizeof(tcp));
	verdict(NF_ACCEPT);
	said(REACH_DROPPED, "");
	/* A revision, a flag, a size, a match that is not known. */
	begin_rule();
	xt("tcp", 9, &tcp, sizeof(tcp));
	verdict(NF_ACCEPT);
	said(REACH_CANNOT_TELL, "xt match tcp revision 9");
	tcp.invflags = 0x80;
	begin_rule();
	xt("tcp", 0, &tcp, sizeof(tcp));
	verdict(NF_ACCEPT);
	said(REACH_CANNOT_TELL, "xt match tcp revision 0");
	begin_rule();
	xt("tcp", 0, &tcp, 3);
	verdict(NF_ACCEPT);
	said(REACH_CANNOT_TELL, "xt match tcp revision 0");
	begin_rule();
	xt("recent", 1, &tcp, sizeof(tcp));
	verdict(NF_ACCEPT);
	said(REACH_CANNOT_TELL, "xt match recent revision 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_interfaces_beside_sources),
		cmocka_unit_test(test_unite),
		cmocka_unit_test(test_ports_taken_and_put_back),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_rule),
		cmocka_unit_test(test_unknown_expression),
		cmocka_unit_test(test_unknown_attribute),
		cmocka_unit_test(test_unknown_values),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_maybe),
		cmocka_unit_test(test_xt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
