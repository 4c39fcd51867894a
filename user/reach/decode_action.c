/*
 * From the kernel's messages to instructions: what a rule does, and what it waits for.
 * What changes nothing of a packet's way becomes no instruction at all. Sources:
 * net/netfilter/nft_*.c, 6.12.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "reach/program.h"

/* ---- what it waits for ---- */

static const char *unit_name(uint64_t seconds)
{
	switch (seconds) {
	case 1: return "second";
	case 60: return "minute";
	case 3600: return "hour";
	case 86400: return "day";
	case 604800: return "week";
	default: return "period";
	}
}

static const char *limit_text(struct program *program, const struct nlattr *data)
{
	const struct nlattr *fields[NFTA_LIMIT_MAX + 1];
	uint32_t flags;

	if (!attributes_within(data, fields, NFTA_LIMIT_FLAGS))
		return NULL;
	flags = attribute_u32(fields[NFTA_LIMIT_FLAGS]);
	if (flags & ~(uint32_t)NFT_LIMIT_F_INV)
		return NULL;
	return program_text(
		program, "the rate is %s %llu%s/%s", flags & NFT_LIMIT_F_INV ? "over" : "within",
		(unsigned long long)attribute_u64(fields[NFTA_LIMIT_RATE]),
		attribute_u32(fields[NFTA_LIMIT_TYPE]) == NFT_LIMIT_PKT_BYTES ? " bytes" : "",
		unit_name(attribute_u64(fields[NFTA_LIMIT_UNIT])));
}

static const char *quota_text(struct program *program, const struct nlattr *data)
{
	const struct nlattr *fields[NFTA_QUOTA_MAX + 1];

	if (!attributes_within(data, fields, NFTA_QUOTA_CONSUMED))
		return NULL;
	return program_text(program, "%s %llu bytes have passed",
			    attribute_u32(fields[NFTA_QUOTA_FLAGS]) & 1 ? "more than"
									: "no more than",
			    (unsigned long long)attribute_u64(fields[NFTA_QUOTA_BYTES]));
}

static const char *connlimit_text(struct program *program, const struct nlattr *data)
{
	const struct nlattr *fields[NFTA_CONNLIMIT_MAX + 1];

	if (!attributes_within(data, fields, NFTA_CONNLIMIT_FLAGS))
		return NULL;
	return program_text(program, "there are %s %u connections",
			    attribute_u32(fields[NFTA_CONNLIMIT_FLAGS]) & 1 ? "more than"
									    : "no more than",
			    attribute_u32(fields[NFTA_CONNLIMIT_COUNT]));
}

const char *decode_maybe(struct program *program, struct slice name, const struct nlattr *data)
{
	if (slice_equals(name, "limit"))
		return limit_text(program, data);
	if (slice_equals(name, "quota"))
		return quota_text(program, data);
	return slice_equals(name, "connlimit") ? connlimit_text(program, data) : NULL;
}

static void add_maybe(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	const char *text = decode_maybe(decoding->program, name, data);

	if (text)
		decode_add(decoding, OP_MAYBE)->text = text;
	else
		decode_refuse(decoding, "an attribute of %.*s", SLICE_ARGS(name));
}

static void decode_objref(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	const struct nlattr *fields[NFTA_OBJREF_MAX + 1];
	uint32_t type;

	if (!attributes_within(data, fields, NFTA_OBJREF_SET_ID)) {
		decode_refuse(decoding, "an attribute of objref");
		return;
	}
	type = attribute_u32(fields[NFTA_OBJREF_IMM_TYPE]);
	if (fields[NFTA_OBJREF_SET_NAME])
		/* Goes on only where the map holds the key, and the object then agrees. */
		decode_add(decoding, OP_MAYBE)->text =
			program_text(decoding->program, "an object of map %.*s says so",
				     SLICE_ARGS(attribute_string(fields[NFTA_OBJREF_SET_NAME])));
	else if (type == NFT_OBJECT_QUOTA || type == NFT_OBJECT_LIMIT ||
		 type == NFT_OBJECT_CONNLIMIT)
		decode_add(decoding, OP_MAYBE)->text =
			program_text(decoding->program, "%s %.*s says so",
				     type == NFT_OBJECT_QUOTA ? "quota" : "limit",
				     SLICE_ARGS(attribute_string(fields[NFTA_OBJREF_IMM_NAME])));
	else if (type == NFT_OBJECT_SYNPROXY)
		decode_add(decoding, OP_SYNPROXY);
	else if (type == NFT_OBJECT_UNSPEC || type > NFT_OBJECT_SYNPROXY)
		decode_refuse(decoding, "an object of type %u", type);
}

/* ---- sets that packets change ---- */

/* The expressions of what is added: "{ ip saddr limit rate over 3/minute }". */
static void dynset_expressions(struct decoding *decoding, const struct nlattr *list,
			       struct slice set)
{
	const struct nlattr *expression, *parts[NFTA_EXPR_MAX + 1];
	struct slice name;

	mnl_attr_for_each_nested (expression, list) {
		const char *text;

		attributes_within(expression, parts, NFTA_EXPR_MAX);
		name = attribute_string(parts[NFTA_EXPR_NAME]);
		if (slice_equals(name, "counter") || slice_equals(name, "last"))
			continue;
		text = decode_maybe(decoding->program, name, parts[NFTA_EXPR_DATA]);
		if (text)
			decode_add(decoding, OP_MAYBE)->text =
				program_text(decoding->program, "%s for its entry in %.*s", text,
					     SLICE_ARGS(set));
		else
			decode_refuse(decoding, "%.*s in a set", SLICE_ARGS(name));
	}
}

static void decode_dynset(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	const struct kernel_item *item = &decoding->rule->item;
	const struct nlattr *fields[NFTA_DYNSET_MAX + 1], *parts[NFTA_EXPR_MAX + 1];
	const struct kernel_set *kernel;
	struct program *program = decoding->program;
	struct slice set;
	uint32_t flags;

	if (!attributes_within(data, fields, NFTA_DYNSET_EXPRESSIONS)) {
		decode_refuse(decoding, "an attribute of dynset");
		return;
	}
	set = attribute_string(fields[NFTA_DYNSET_SET_NAME]);
	flags = attribute_u32(fields[NFTA_DYNSET_FLAGS]);
	kernel = kernel_set_find(program->kernel, item->family, item->table, set);
	if (!kernel || flags & ~(uint32_t)(NFT_DYNSET_F_INV | NFT_DYNSET_F_EXPR)) {
		decode_refuse(decoding, "dynset");
		return;
	}
	decode_add(decoding, OP_CHANGES_SET)->set = &program->sets[kernel - program->kernel->sets];
	if (fields[NFTA_DYNSET_EXPRESSIONS]) {
		dynset_expressions(decoding, fields[NFTA_DYNSET_EXPRESSIONS], set);
	} else if (fields[NFTA_DYNSET_EXPR]) {
		const char *text;

		attributes_within(fields[NFTA_DYNSET_EXPR], parts, NFTA_EXPR_MAX);
		text = decode_maybe(program, attribute_string(parts[NFTA_EXPR_NAME]),
				    parts[NFTA_EXPR_DATA]);
		if (text)
			decode_add(decoding, OP_MAYBE)->text = program_text(
				program, "%s for its entry in %.*s", text, SLICE_ARGS(set));
	}
	if (flags & NFT_DYNSET_F_INV)
		decode_add(decoding, OP_MAYBE)->text =
			program_text(program, "set %.*s is full", SLICE_ARGS(set));
}

/* ---- translation ---- */

/* Registers of a least and a greatest port; a single one where both are the same. */
static void take_ports(struct instruction *instruction, const struct nlattr *least,
		       const struct nlattr *greatest)
{
	if (!least)
		return;
	instruction->port_from = decode_register(least, 2);
	instruction->port_to = greatest ? decode_register(greatest, 2) : instruction->port_from;
}

static void decode_nat(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	const struct nlattr *fields[NFTA_NAT_MAX + 1];
	struct instruction *instruction;
	uint8_t family;
	size_t length;

	if (!attributes_within(data, fields, NFTA_NAT_FLAGS) ||
	    attribute_u32(fields[NFTA_NAT_FLAGS]) & ~(uint32_t)NF_NAT_RANGE_MASK) {
		decode_refuse(decoding, "an attribute of nat");
		return;
	}
	family = attribute_u32(fields[NFTA_NAT_FAMILY]);
	length = family == NFPROTO_IPV4 ? 4 : 16;
	/* The source's translation leaves the way as it is, and ends the chain. */
	instruction = decode_add(decoding, OP_DNAT);
	instruction->inverted = attribute_u32(fields[NFTA_NAT_TYPE]) == NFT_NAT_SNAT;
	instruction->family = family;
	instruction->key = attribute_u32(fields[NFTA_NAT_FLAGS]);
	if (fields[NFTA_NAT_REG_ADDR_MIN])
		instruction->from = decode_register(fields[NFTA_NAT_REG_ADDR_MIN], length);
	instruction->to = instruction->from;
	if (fields[NFTA_NAT_REG_ADDR_MAX])
		instruction->to = decode_register(fields[NFTA_NAT_REG_ADDR_MAX], length);
	take_ports(instruction, fields[NFTA_NAT_REG_PROTO_MIN], fields[NFTA_NAT_REG_PROTO_MAX]);
}

static void decode_redir(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	const struct nlattr *fields[NFTA_REDIR_MAX + 1];
	struct instruction *instruction;

	if (!attributes_within(data, fields, NFTA_REDIR_FLAGS) ||
	    attribute_u32(fields[NFTA_REDIR_FLAGS]) & ~(uint32_t)NF_NAT_RANGE_MASK) {
		decode_refuse(decoding, "an attribute of redir");
		return;
	}
	instruction = decode_add(decoding, OP_REDIRECT);
	instruction->key = attribute_u32(fields[NFTA_REDIR_FLAGS]);
	take_ports(instruction, fields[NFTA_REDIR_REG_PROTO_MIN], fields[NFTA_REDIR_REG_PROTO_MAX]);
}

static void decode_masq(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	decode_add(decoding, OP_DNAT)->inverted = true;
}

static void decode_tproxy(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	const struct nlattr *fields[NFTA_TPROXY_MAX + 1];
	struct instruction *instruction;

	if (!attributes_within(data, fields, NFTA_TPROXY_REG_PORT)) {
		decode_refuse(decoding, "an attribute of tproxy");
		return;
	}
	instruction = decode_add(decoding, OP_TPROXY);
	instruction->family = attribute_u32(fields[NFTA_TPROXY_FAMILY]);
	if (fields[NFTA_TPROXY_REG_PORT])
		instruction->port_from = instruction->port_to =
			decode_register(fields[NFTA_TPROXY_REG_PORT], 2);
}

/* ---- ends ---- */

static void decode_reject(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	const struct nlattr *fields[NFTA_REJECT_MAX + 1];

	if (attributes_within(data, fields, NFTA_REJECT_ICMP_CODE))
		decode_add(decoding, OP_REJECT);
	else
		decode_refuse(decoding, "an attribute of reject");
}

static void decode_queue(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	decode_refuse(decoding, "queue: a program decides");
}

static void decode_fwd(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	decode_add(decoding, OP_STEAL);
}

static void decode_notrack(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	decode_add(decoding, OP_NOTRACK);
}

static void decode_synproxy(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	decode_add(decoding, OP_SYNPROXY);
}

static void decode_nothing(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
}

static const struct {
	const char *name;
	void (*decode)(struct decoding *decoding, struct slice name, const struct nlattr *data);
} actions[] = {
	{ "counter", decode_nothing },
	{ "log", decode_nothing },
	{ "last", decode_nothing },
	{ "dup", decode_nothing },
	{ "flow_offload", decode_nothing }, /* of connections that are there */
	{ "limit", add_maybe },
	{ "quota", add_maybe },
	{ "connlimit", add_maybe },
	{ "objref", decode_objref },
	{ "dynset", decode_dynset },
	{ "nat", decode_nat },
	{ "redir", decode_redir },
	{ "masq", decode_masq },
	{ "tproxy", decode_tproxy },
	{ "reject", decode_reject },
	{ "queue", decode_queue },
	{ "fwd", decode_fwd },
	{ "notrack", decode_notrack },
	{ "synproxy", decode_synproxy },
};

bool decode_action(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (!slice_equals(name, actions[i].name))
			continue;
		actions[i].decode(decoding, name, data);
		return true;
	}
	return false;
}

uint8_t expression_tracks(struct slice name, const struct nlattr *data, uint8_t family)
{
	static const char *const native[] = { "ct",	   "redir",    "masq",
					      "connlimit", "synproxy", "flow_offload" };
	static const char *const xt[] = { "conntrack", "state",	   "connmark",	"connlimit",
					  "connbytes", "helper",   "connlabel", "cluster",
					  "DNAT",      "SNAT",	   "REDIRECT",	"MASQUERADE",
					  "NETMAP",    "CONNMARK", "CT",	"CONNSECMARK",
					  "SYNPROXY" };
	const struct nlattr *fields[NFTA_NAT_MAX + 1];
	uint32_t type;

	for (size_t i = 0; i < sizeof(native) / sizeof(native[0]); i++)
		if (slice_equals(name, native[i]))
			return family;
	if (slice_equals(name, "nat")) {
		attributes_within(data, fields, NFTA_NAT_MAX);
		return attribute_u32(fields[NFTA_NAT_FAMILY]);
	}
	if (slice_equals(name, "objref")) {
		attributes_within(data, fields, NFTA_OBJREF_MAX);
		type = attribute_u32(fields[NFTA_OBJREF_IMM_TYPE]);
		return type == NFT_OBJECT_CT_HELPER || type == NFT_OBJECT_CT_TIMEOUT ||
				       type == NFT_OBJECT_CT_EXPECT ||
				       type == NFT_OBJECT_CONNLIMIT || type == NFT_OBJECT_SYNPROXY
			       ? family
			       : NFPROTO_UNSPEC;
	}
	if (!slice_equals(name, "match") && !slice_equals(name, "target"))
		return NFPROTO_UNSPEC;
	attributes_within(data, fields, NFTA_OBJREF_MAX);
	/* NFTA_MATCH_NAME and NFTA_TARGET_NAME are the first. */
	name = attribute_string(fields[1]);
	for (size_t i = 0; i < sizeof(xt) / sizeof(xt[0]); i++)
		if (slice_equals(name, xt[i]))
			return family;
	return NFPROTO_UNSPEC;
}
