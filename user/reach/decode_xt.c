/*
 * Matches and targets that iptables-nft leaves in rules: the structures of xtables as
 * they are, with their revision. Each becomes the instructions that nftables would
 * have for it. What is not known is refused, with its name. Sources: linux/netfilter/
 * xt_*.h; net/netfilter/xt_*.c, 6.12.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <stdio.h>
#include <string.h>

#include "reach/program.h"

enum { TCP_FLAGS_AT = 13 };

struct xt {
	struct slice name, info; /* info begins with the structure; padding may follow */
	uint32_t revision;
};

/* A copy of the structure, which need not be aligned where it is. False: it is too short. */
static bool take(const struct xt *xt, void *ret_structure, size_t size)
{
	if (xt->info.length < size)
		return false;
	memcpy(ret_structure, xt->info.text, size);
	return true;
}

/* ---- values into the scratch registers ---- */

static void load_payload(struct decoding *decoding, uint8_t base, uint16_t offset, uint8_t length)
{
	struct instruction *instruction = decode_add(decoding, OP_PAYLOAD);

	instruction->base = base;
	instruction->offset = offset;
	instruction->length = length;
	instruction->to = REGISTER_SCRATCH;
}

static void load(struct decoding *decoding, enum operation operation, uint32_t key)
{
	struct instruction *instruction = decode_add(decoding, operation);

	instruction->key = key;
	instruction->to = REGISTER_SCRATCH;
	instruction->length = 4;
}

static void mask(struct decoding *decoding, const void *bits, uint8_t length)
{
	struct instruction *instruction = decode_add(decoding, OP_MASK);
	uint8_t both[2 * VALUE_MAX] = { 0 };

	memcpy(both, bits, length);
	instruction->low = program_bytes(decoding->program, both, 2 * (size_t)length);
	instruction->high = instruction->low ? instruction->low + length : NULL;
	instruction->from = instruction->to = REGISTER_SCRATCH;
	instruction->length = length;
}

static void compare(struct decoding *decoding, const void *low, const void *high, uint8_t length,
		    bool inverted)
{
	struct instruction *instruction = decode_add(decoding, OP_COMPARE);

	instruction->from = REGISTER_SCRATCH;
	instruction->length = length;
	instruction->inverted = inverted;
	instruction->low = program_bytes(decoding->program, low, length);
	instruction->high = program_bytes(decoding->program, high, length);
}

/* Goes on where the masked number is not 0; inverted: where it is. */
static void compare_bits(struct decoding *decoding, uint32_t bits, bool inverted)
{
	static const uint8_t none[4];

	mask(decoding, &bits, sizeof(bits));
	compare(decoding, none, none, sizeof(none), !inverted);
}

/* ---- matches ---- */

static void match_ports(struct decoding *decoding, const uint16_t ports[2], uint16_t offset,
			bool inverted)
{
	uint16_t low = htons(ports[0]), high = htons(ports[1]);

	if (!inverted && ports[0] == 0 && ports[1] == UINT16_MAX)
		return;
	load_payload(decoding, NFT_PAYLOAD_TRANSPORT_HEADER, offset, sizeof(low));
	compare(decoding, &low, &high, sizeof(low), inverted);
}

static bool match_tcp(struct decoding *decoding, const struct xt *xt)
{
	struct xt_tcp tcp;

	if (xt->revision || !take(xt, &tcp, sizeof(tcp)) || tcp.invflags & ~XT_TCP_INV_MASK)
		return false;
	match_ports(decoding, tcp.spts, 0, tcp.invflags & XT_TCP_INV_SRCPT);
	match_ports(decoding, tcp.dpts, 2, tcp.invflags & XT_TCP_INV_DSTPT);
	if (tcp.flg_mask || tcp.flg_cmp) {
		load_payload(decoding, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_AT, 1);
		mask(decoding, &tcp.flg_mask, 1);
		compare(decoding, &tcp.flg_cmp, &tcp.flg_cmp, 1, tcp.invflags & XT_TCP_INV_FLAGS);
	}
	if (tcp.option)
		decode_add(decoding, OP_MAYBE)->text =
			program_text(decoding->program, "the packet has %sTCP option %u",
				     tcp.invflags & XT_TCP_INV_OPTION ? "not " : "", tcp.option);
	return true;
}

static bool match_udp(struct decoding *decoding, const struct xt *xt)
{
	struct xt_udp udp;

	if (xt->revision || !take(xt, &udp, sizeof(udp)) || udp.invflags & ~XT_UDP_INV_MASK)
		return false;
	match_ports(decoding, udp.spts, 0, udp.invflags & XT_UDP_INV_SRCPT);
	match_ports(decoding, udp.dpts, 2, udp.invflags & XT_UDP_INV_DSTPT);
	return true;
}

static bool match_multiport(struct decoding *decoding, const struct xt *xt)
{
	struct xt_multiport_v1 ports;
	struct instruction *instruction;
	struct set *set;

	if (xt->revision != 1 || !take(xt, &ports, sizeof(ports)) || ports.count > XT_MULTI_PORTS ||
	    ports.flags > XT_MULTIPORT_DESTINATION)
		return false;
	set = program_set(decoding->program, sizeof(uint16_t));
	for (unsigned int i = 0; i < ports.count; i++) {
		uint16_t low = htons(ports.ports[i]), high = low;

		if (ports.pflags[i] && i + 1 < ports.count)
			high = htons(ports.ports[++i]);
		set_add(decoding->program, set, &low, &high);
	}
	load_payload(decoding, NFT_PAYLOAD_TRANSPORT_HEADER,
		     ports.flags == XT_MULTIPORT_SOURCE ? 0 : 2, sizeof(uint16_t));
	instruction = decode_add(decoding, OP_LOOKUP);
	instruction->set = set;
	instruction->from = REGISTER_SCRATCH;
	instruction->inverted = ports.invert;
	return true;
}

/* The states have the same bits as nftables' own, but those of translation. */
static bool match_state(struct decoding *decoding, uint32_t states, bool inverted)
{
	uint32_t known =
		states &
		(XT_CONNTRACK_STATE_INVALID | XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED) |
		 XT_CONNTRACK_STATE_BIT(IP_CT_RELATED) | XT_CONNTRACK_STATE_BIT(IP_CT_NEW));

	if (states & XT_CONNTRACK_STATE_UNTRACKED)
		known |= NF_CT_STATE_UNTRACKED_BIT;
	if (states & (XT_CONNTRACK_STATE_SNAT | XT_CONNTRACK_STATE_DNAT)) {
		uint32_t status = (states & XT_CONNTRACK_STATE_SNAT ? IPS_SRC_NAT : 0) |
				  (states & XT_CONNTRACK_STATE_DNAT ? IPS_DST_NAT : 0);

		if (states & ~(uint32_t)(XT_CONNTRACK_STATE_SNAT | XT_CONNTRACK_STATE_DNAT))
			return false;
		load(decoding, OP_CT, NFT_CT_STATUS);
		compare_bits(decoding, status, inverted);
		return true;
	}
	load(decoding, OP_CT, NFT_CT_STATE);
	compare_bits(decoding, known, inverted);
	return true;
}

static bool match_conntrack(struct decoding *decoding, const struct xt *xt)
{
	enum {
		KNOWN = XT_CONNTRACK_STATE | XT_CONNTRACK_STATE_ALIAS | XT_CONNTRACK_STATUS |
			XT_CONNTRACK_DIRECTION
	};
	struct xt_conntrack_mtinfo3 info;

	/* Revision 2 is the beginning of 3. */
	if (xt->revision < 2 || xt->revision > 3 ||
	    !take(xt, &info,
		  xt->revision == 2 ? sizeof(struct xt_conntrack_mtinfo2) : sizeof(info)) ||
	    info.match_flags & ~KNOWN)
		return false;
	/* The first packet goes the original way. */
	if (info.match_flags & XT_CONNTRACK_DIRECTION && info.invert_flags & XT_CONNTRACK_DIRECTION)
		decode_add(decoding, OP_NEVER);
	if (info.match_flags & XT_CONNTRACK_STATE &&
	    !match_state(decoding, info.state_mask, info.invert_flags & XT_CONNTRACK_STATE))
		return false;
	if (info.match_flags & XT_CONNTRACK_STATUS) {
		load(decoding, OP_CT, NFT_CT_STATUS);
		compare_bits(decoding, info.status_mask, info.invert_flags & XT_CONNTRACK_STATUS);
	}
	return true;
}

static bool match_old_state(struct decoding *decoding, const struct xt *xt)
{
	struct xt_state_info info;

	return !xt->revision && take(xt, &info, sizeof(info)) &&
	       match_state(decoding, info.statemask, false);
}

static void match_type(struct decoding *decoding, uint16_t types, uint32_t flags, bool inverted)
{
	struct set *set = program_set(decoding->program, sizeof(uint32_t));
	struct instruction *instruction;

	for (uint32_t type = 0; type < 12; type++)
		if (types >> type & 1)
			set_add(decoding->program, set, &type, &type);
	load(decoding, OP_FIB, flags);
	decoding->program->instructions[decoding->program->count - 1].result = FIB_TYPE;
	instruction = decode_add(decoding, OP_LOOKUP);
	instruction->set = set;
	instruction->from = REGISTER_SCRATCH;
	instruction->inverted = inverted;
}

static bool match_addrtype(struct decoding *decoding, const struct xt *xt)
{
	struct xt_addrtype_info_v1 info;
	uint32_t interface;

	if (xt->revision != 1 || !take(xt, &info, sizeof(info)) ||
	    info.flags & ~(uint32_t)(XT_ADDRTYPE_INVERT_SOURCE | XT_ADDRTYPE_INVERT_DEST |
				     XT_ADDRTYPE_LIMIT_IFACE_IN))
		return false;
	interface = info.flags & XT_ADDRTYPE_LIMIT_IFACE_IN ? NFTA_FIB_F_IIF : 0;
	if (info.source)
		match_type(decoding, info.source, NFTA_FIB_F_SADDR | interface,
			   info.flags & XT_ADDRTYPE_INVERT_SOURCE);
	if (info.dest)
		match_type(decoding, info.dest, NFTA_FIB_F_DADDR | interface,
			   info.flags & XT_ADDRTYPE_INVERT_DEST);
	return true;
}

static bool match_mark(struct decoding *decoding, const struct xt *xt)
{
	struct xt_mark_mtinfo1 info;

	if (xt->revision != 1 || !take(xt, &info, sizeof(info)))
		return false;
	load(decoding, OP_META, NFT_META_MARK);
	mask(decoding, &info.mask, sizeof(info.mask));
	compare(decoding, &info.mark, &info.mark, sizeof(info.mark), info.invert);
	return true;
}

static bool match_limit(struct decoding *decoding, const struct xt *xt)
{
	struct xt_rateinfo info;

	if (xt->revision || !take(xt, &info, sizeof(info)) || !info.avg)
		return false;
	decode_add(decoding, OP_MAYBE)->text =
		program_text(decoding->program, "the rate is within one in %g seconds",
			     (double)info.avg / XT_LIMIT_SCALE);
	return true;
}

static bool match_comment(struct decoding *decoding, const struct xt *xt)
{
	if (!xt->revision)
		decoding->comment =
			program_text(decoding->program, "%.*s",
				     (int)strnlen(xt->info.text, xt->info.length), xt->info.text);
	return !xt->revision;
}

/* ---- targets ---- */

static void constant(struct decoding *decoding, uint8_t at, const void *bytes, uint8_t length)
{
	struct instruction *instruction = decode_add(decoding, OP_CONSTANT);

	instruction->to = at;
	instruction->length = length;
	instruction->low = program_bytes(decoding->program, bytes, length);
}

/* The verdict's register holds no value: ports go there. */
static void translate(struct decoding *decoding, enum operation operation,
		      const struct nf_nat_range2 *range, size_t address_length)
{
	uint8_t address = NO_REGISTER, port = NO_REGISTER, port_last = NO_REGISTER;
	struct instruction *instruction;
	bool many = memcmp(&range->min_addr, &range->max_addr, address_length) != 0;

	if (range->flags & NF_NAT_RANGE_MAP_IPS && operation == OP_DNAT) {
		address = REGISTER_SCRATCH;
		constant(decoding, address, &range->min_addr, address_length);
	}
	if (range->flags & NF_NAT_RANGE_PROTO_SPECIFIED) {
		port = 0;
		port_last = range->min_proto.all == range->max_proto.all ? 0 : 2;
		constant(decoding, 0, &range->min_proto, 2);
		constant(decoding, 2, &range->max_proto, 2);
	}
	instruction = decode_add(decoding, operation);
	instruction->family = address_length == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	instruction->from = address;
	instruction->to = many && address != NO_REGISTER ? 4 : address;
	instruction->port_from = port;
	instruction->port_to = port_last;
	instruction->key = range->flags;
}

static bool target_nat(struct decoding *decoding, const struct xt *xt, enum operation operation)
{
	struct nf_nat_ipv4_multi_range_compat old;
	struct nf_nat_range2 range = { 0 };
	size_t length = decoding->rule->item.family == NFPROTO_IPV4 ? 4 : 16;
	size_t size = xt->revision < 2 ? sizeof(struct nf_nat_range) : sizeof(range);

	if (xt->revision == 0 && length == 4) {
		if (!take(xt, &old, sizeof(old)) || old.rangesize != 1)
			return false;
		range.flags = old.range[0].flags;
		range.min_addr.ip = old.range[0].min_ip;
		range.max_addr.ip = old.range[0].max_ip;
		range.min_proto = old.range[0].min;
		range.max_proto = old.range[0].max;
	} else if (xt->revision > 2 || !take(xt, &range, size)) {
		return false;
	}
	if (range.flags & ~(unsigned int)NF_NAT_RANGE_MASK)
		return false;
	translate(decoding, operation, &range, length);
	return true;
}

static bool target_dnat(struct decoding *decoding, const struct xt *xt)
{
	return target_nat(decoding, xt, OP_DNAT);
}

static bool target_redirect(struct decoding *decoding, const struct xt *xt)
{
	return target_nat(decoding, xt, OP_REDIRECT);
}

static bool target_source(struct decoding *decoding, const struct xt *xt)
{
	decode_add(decoding, OP_DNAT)->inverted = true;
	return true;
}

static bool target_nothing(struct decoding *decoding, const struct xt *xt)
{
	return true;
}

static bool target_reject(struct decoding *decoding, const struct xt *xt)
{
	decode_add(decoding, OP_REJECT);
	return true;
}

static bool target_mark(struct decoding *decoding, const struct xt *xt)
{
	struct xt_mark_tginfo2 info;
	struct instruction *instruction;
	uint32_t both[2];

	if (xt->revision != 2 || !take(xt, &info, sizeof(info)))
		return false;
	/* skb->mark = (skb->mark & ~mask) ^ mark */
	load(decoding, OP_META, NFT_META_MARK);
	both[0] = ~info.mask;
	both[1] = info.mark;
	instruction = decode_add(decoding, OP_MASK);
	instruction->from = instruction->to = REGISTER_SCRATCH;
	instruction->length = sizeof(uint32_t);
	instruction->low = program_bytes(decoding->program, both, sizeof(both));
	instruction->high = instruction->low ? instruction->low + sizeof(uint32_t) : NULL;
	decode_add(decoding, OP_SET_MARK)->from = REGISTER_SCRATCH;
	return true;
}

static const struct {
	const char *name;
	bool target;
	bool (*decode)(struct decoding *decoding, const struct xt *xt);
} extensions[] = {
	{ "tcp", false, match_tcp },
	{ "udp", false, match_udp },
	{ "multiport", false, match_multiport },
	{ "conntrack", false, match_conntrack },
	{ "state", false, match_old_state },
	{ "addrtype", false, match_addrtype },
	{ "mark", false, match_mark },
	{ "limit", false, match_limit },
	{ "comment", false, match_comment },
	{ "DNAT", true, target_dnat },
	{ "REDIRECT", true, target_redirect },
	{ "SNAT", true, target_source },
	{ "MASQUERADE", true, target_source },
	{ "LOG", true, target_nothing },
	{ "NFLOG", true, target_nothing },
	{ "TCPMSS", true, target_nothing },
	{ "CHECKSUM", true, target_nothing },
	{ "MARK", true, target_mark },
	{ "REJECT", true, target_reject },
};

bool decode_xt(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	const struct nlattr *fields[NFTA_MATCH_MAX + 1];
	bool target = slice_equals(name, "target");
	struct xt xt;

	if (!target && !slice_equals(name, "match"))
		return false;
	/* NFTA_TARGET_* are the same numbers. */
	if (!attributes_within(data, fields, NFTA_MATCH_INFO)) {
		decode_refuse(decoding, "an attribute of xt");
		return true;
	}
	xt.name = attribute_string(fields[NFTA_MATCH_NAME]);
	xt.info = attribute_bytes(fields[NFTA_MATCH_INFO]);
	xt.revision = attribute_u32(fields[NFTA_MATCH_REV]);
	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (extensions[i].target == target && slice_equals(xt.name, extensions[i].name) &&
		    extensions[i].decode(decoding, &xt))
			return true;
	decode_refuse(decoding, "xt %s %.*s revision %u", target ? "target" : "match",
		      SLICE_ARGS(xt.name), xt.revision);
	return true;
}
