/*
 * Which rules decide about all packets of a connection as they do about its first one:
 * those that ask for its ports, its protocols and its source, and for nothing that
 * changes from packet to packet or with the host's interfaces and addresses.
 */
#include <linux/netfilter/nf_tables.h>

#include "audit/checks.h"

/* The ports; protocol, source and next header of IPv4 and IPv6 (RFC 791, RFC 8200). */
static bool payload_stays(const struct nlattr *const parts[])
{
	uint32_t base = attribute_u32(parts[NFTA_PAYLOAD_BASE]);
	uint32_t offset = attribute_u32(parts[NFTA_PAYLOAD_OFFSET]);
	uint32_t length = attribute_u32(parts[NFTA_PAYLOAD_LEN]);

	if (length > 16 || offset > 24)
		return false;
	if (base == NFT_PAYLOAD_TRANSPORT_HEADER)
		return offset + length <= 4;
	if (base != NFT_PAYLOAD_NETWORK_HEADER)
		return false;
	/* One or two bytes at 8 may be IPv4's time to live, and at 16 begins its destination. */
	return (length == 1 && (offset == 6 || offset == 9)) || (offset == 12 && length <= 4) ||
	       (offset == 8 && length > 2);
}

static bool meta_stays(const struct nlattr *const parts[])
{
	switch (attribute_u32(parts[NFTA_META_KEY])) {
	case NFT_META_PROTOCOL:
	case NFT_META_NFPROTO:
	case NFT_META_L4PROTO: return true;
	default: return false;
	}
}

static bool expression_stays(const struct nlattr *expression)
{
	static const char *const names[] = { "cmp",	"immediate", "counter", "log",	 "range",
					     "bitwise", "byteorder", "reject",	"lookup" };
	const struct nlattr *parts[NFTA_EXPR_MAX + 1], *payload[NFTA_PAYLOAD_MAX + 1],
		*meta[NFTA_META_MAX + 1];
	struct slice name;

	attributes_within(expression, parts, NFTA_EXPR_MAX);
	name = attribute_string(parts[NFTA_EXPR_NAME]);
	if (slice_equals(name, "payload")) {
		attributes_within(parts[NFTA_EXPR_DATA], payload, NFTA_PAYLOAD_MAX);
		return payload_stays(payload);
	}
	if (slice_equals(name, "meta")) {
		attributes_within(parts[NFTA_EXPR_DATA], meta, NFTA_META_MAX);
		return meta_stays(meta);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_equals(name, names[i]))
			return true;
	return false;
}

bool rule_is_stateless(const struct kernel_rule *rule)
{
	const struct nlattr *expression;

	if (!rule->expressions)
		return true;
	mnl_attr_for_each_nested (expression, rule->expressions)
		if (!expression_stays(expression))
			return false;
	return true;
}
