/*
 * The selectors of nft(8), "Payload expressions", "Primary expressions" and "CT".
 * A word that begins none is left to the reader of the rule.
 */
#include "nft/selector.h"

#include <stdlib.h>
#include <string.h>

/* Headers whose selectors are "HEADER FIELD". NULL fields: whatever follows. */
static const char *const tcp_fields[] = { "sport",    "dport",	  "sequence", "ackseq",
					  "doff",     "reserved", "flags",    "window",
					  "checksum", "urgptr",	  NULL };
static const char *const udp_fields[] = { "sport", "dport", "length", "checksum", "csumcov", NULL };
static const char *const sctp_fields[] = { "sport", "dport", "vtag", "checksum", NULL };
static const char *const dccp_fields[] = { "sport", "dport", "type", NULL };
static const char *const th_fields[] = { "sport", "dport", NULL };
static const char *const ip_fields[] = { "version", "hdrlength", "dscp", "ecn",	     "length",
					 "id",	    "frag-off",	 "ttl",	 "protocol", "checksum",
					 "saddr",   "daddr",	 NULL };
static const char *const ip6_fields[] = { "version", "dscp",	 "ecn",	  "flowlabel", "length",
					  "nexthdr", "hoplimit", "saddr", "daddr",     NULL };
static const char *const ether_fields[] = { "saddr", "daddr", "type", NULL };
static const char *const vlan_fields[] = { "id", "dei", "cfi", "pcp", "type", NULL };
static const char *const arp_fields[] = { "htype",     "ptype", "hlen",	 "plen",
					  "operation", "saddr", "daddr", NULL };
static const char *const icmp_fields[] = { "type",
					   "code",
					   "checksum",
					   "id",
					   "sequence",
					   "mtu",
					   "gateway",
					   "max-delay",
					   "parameter-problem",
					   "packet-too-big",
					   "taddr",
					   "daddr",
					   NULL };
static const char *const igmp_fields[] = { "type", "mrt", "checksum", "group", NULL };
static const char *const ipsec_fields[] = { "spi",     "sequence", "reserved", "hdrlength",
					    "nexthdr", "flags",	   "cpi",      NULL };
static const char *const extension_fields[] = { "nexthdr",    "hdrlength",	"frag-off",
						"reserved",   "more-fragments", "id",
						"type",	      "seg-left",	"checksum",
						"last-entry", "flags",		"tag",
						NULL };

static const struct {
	const char *header;
	const char *const *fields;
} headers[] = {
	{ "tcp", tcp_fields },	     { "udp", udp_fields },	   { "udplite", udp_fields },
	{ "sctp", sctp_fields },     { "dccp", dccp_fields },	   { "th", th_fields },
	{ "ip", ip_fields },	     { "ip6", ip6_fields },	   { "ether", ether_fields },
	{ "vlan", vlan_fields },     { "arp", arp_fields },	   { "icmp", icmp_fields },
	{ "icmpv6", icmp_fields },   { "igmp", igmp_fields },	   { "ah", ipsec_fields },
	{ "esp", ipsec_fields },     { "comp", ipsec_fields },	   { "hbh", extension_fields },
	{ "rt", extension_fields },  { "rt0", extension_fields },  { "rt2", extension_fields },
	{ "srh", extension_fields }, { "frag", extension_fields }, { "dst", extension_fields },
	{ "mh", extension_fields },
};

/* Keys that need no "meta" before them. */
static const char *const meta_keys[] = { "length",  "nfproto",	"l4proto", "mark",	"iif",
					 "iifname", "iiftype",	"oif",	   "oifname",	"oiftype",
					 "skuid",   "skgid",	"nftrace", "rtclassid", "ibrname",
					 "obrname", "pkttype",	"cpu",	   "iifgroup",	"oifgroup",
					 "cgroup",  "priority", NULL };

static const char *const conntrack_directions[] = { "original", "reply", NULL };
static const char *const address_families[] = { "ip", "ip6", NULL };

uint8_t selector_transport(const struct tokens *tokens, size_t index)
{
	static const struct {
		const char *name, *number;
		uint8_t bit;
	} known[] = {
		{ "tcp", "6", SERVICE_TCP },
		{ "udp", "17", SERVICE_UDP },
		{ "sctp", "132", SERVICE_SCTP },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (tokens_is(tokens, index, known[i].name) ||
		    tokens_is(tokens, index, known[i].number))
			return known[i].bit;
	}
	return 0;
}

static struct selector of_length(enum selector_kind kind, size_t length)
{
	return (struct selector){ .kind = kind, .length = length };
}

static struct selector port_of(const struct tokens *tokens, size_t index)
{
	struct selector selector = of_length(SELECTOR_PORT, 2);

	selector.role = tokens_is(tokens, index + 1, "sport") ? PORT_SOURCE : PORT_DESTINATION;
	selector.transports = selector_transport(tokens, index);
	selector.unknown = !selector.transports && !tokens_is(tokens, index, "th");
	return selector;
}

static bool read_header(const struct tokens *tokens, size_t index, struct selector *selector)
{
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		if (!tokens_is(tokens, index, headers[i].header))
			continue;
		if (tokens_is_one(tokens, index + 1,
				  (const char *const[]){ "sport", "dport", NULL }) &&
		    tokens_is_one(tokens, index + 1, headers[i].fields))
			*selector = port_of(tokens, index);
		else if (tokens_is(tokens, index + 1, "option"))
			*selector = of_length(SELECTOR_OTHER, 4); /* "tcp option maxseg size" */
		else if (tokens_is(tokens, index + 1, "chunk"))
			*selector = of_length(SELECTOR_OTHER, 4); /* "sctp chunk data type" */
		else if (!tokens_is_one(tokens, index + 1, headers[i].fields))
			return false;
		else if (tokens_is(tokens, index + 1, "protocol") ||
			 (tokens_is(tokens, index, "ip6") &&
			  tokens_is(tokens, index + 1, "nexthdr")))
			*selector = of_length(SELECTOR_TRANSPORT, 2);
		else
			*selector = of_length(SELECTOR_OTHER, 2);
		return true;
	}
	return false;
}

/* "ct original proto-dst", "ct state", "ct original ip saddr" */
static bool read_conntrack(const struct tokens *tokens, size_t index, struct selector *selector)
{
	size_t length = 1;

	if (!tokens_is(tokens, index, "ct"))
		return false;
	length += tokens_is_one(tokens, index + length, conntrack_directions);
	if (tokens_is(tokens, index + length, "proto-dst") ||
	    tokens_is(tokens, index + length, "proto-src")) {
		*selector = of_length(SELECTOR_PORT, length + 1);
		selector->role = tokens_is(tokens, index + length, "proto-src") ? PORT_SOURCE
										: PORT_DESTINATION;
		return true;
	}
	if (length == 2)
		length += tokens_is_one(tokens, index + length, address_families);
	*selector = of_length(tokens_is(tokens, index + length, "protocol") ? SELECTOR_TRANSPORT
									    : SELECTOR_OTHER,
			      length + 1);
	return true;
}

/* "fib saddr . iif oif": the dots are its own. */
static bool read_fib(const struct tokens *tokens, size_t index, struct selector *selector)
{
	size_t at = index + 2;

	if (!tokens_is(tokens, index, "fib"))
		return false;
	while (tokens_is(tokens, at, "."))
		at += 2;
	at += tokens_is(tokens, at, "check");
	*selector = of_length(SELECTOR_OTHER, at + 1 - index);
	return true;
}

static bool token_number(const struct tokens *tokens, size_t index, unsigned long *ret_number)
{
	struct slice slice;
	char copy[8], *end;

	if (!tokens_kind(tokens, index, TOKEN_NUMBER))
		return false;
	slice = tokens_slice(tokens, index);
	if (slice.length >= sizeof(copy))
		return false;
	memcpy(copy, slice.text, slice.length);
	copy[slice.length] = '\0';
	*ret_number = strtoul(copy, &end, 0);
	return !*end;
}

/* "@th,16,16": offset and length in bits. Ports are the first 32 of a transport header. */
static bool read_raw(const struct tokens *tokens, size_t index, struct selector *selector)
{
	unsigned long offset, length;

	if (!tokens_kind(tokens, index, TOKEN_SET) || !tokens_is(tokens, index + 1, ","))
		return false;
	*selector = of_length(SELECTOR_OTHER, 5);
	if (!tokens_is(tokens, index, "@th"))
		return true;
	selector->kind = SELECTOR_UNCLEAR;
	if (!token_number(tokens, index + 2, &offset) || !tokens_is(tokens, index + 3, ",") ||
	    !token_number(tokens, index + 4, &length))
		return true;
	if (length == 16 && (offset == 0 || offset == 16)) {
		selector->kind = SELECTOR_PORT;
		selector->role = offset ? PORT_DESTINATION : PORT_SOURCE;
	} else if (offset >= 32) {
		selector->kind = SELECTOR_OTHER;
	}
	return true;
}

static bool read_other(const struct tokens *tokens, size_t index, struct selector *selector)
{
	static const char *const two_words[] = { "meta", "osf", NULL };
	static const char *const ipsec_ways[] = { "in", "out", NULL };

	if (tokens_is_one(tokens, index, two_words))
		*selector = of_length(tokens_is(tokens, index + 1, "l4proto") ? SELECTOR_TRANSPORT
									      : SELECTOR_OTHER,
				      2);
	else if (tokens_is_one(tokens, index, meta_keys))
		*selector = of_length(tokens_is(tokens, index, "l4proto") ? SELECTOR_TRANSPORT
									  : SELECTOR_OTHER,
				      1);
	else if (tokens_is(tokens, index, "socket"))
		*selector =
			of_length(SELECTOR_OTHER, tokens_is(tokens, index + 2, "level") ? 4 : 2);
	else if (tokens_is(tokens, index, "exthdr"))
		*selector = of_length(SELECTOR_OTHER, 2);
	else if (tokens_is(tokens, index, "ipsec") && tokens_is_one(tokens, index + 1, ipsec_ways))
		*selector = of_length(SELECTOR_OTHER,
				      tokens_is_one(tokens, index + 2, address_families) ? 4 : 3);
	else if (tokens_is(tokens, index, "rt"))
		*selector = of_length(SELECTOR_OTHER,
				      tokens_is_one(tokens, index + 1, address_families) ? 3 : 2);
	else
		return false;
	return true;
}

bool selector_read(const struct tokens *tokens, size_t index, struct selector *ret_selector)
{
	struct selector selector;

	if (!read_header(tokens, index, &selector) && !read_conntrack(tokens, index, &selector) &&
	    !read_fib(tokens, index, &selector) && !read_raw(tokens, index, &selector) &&
	    !read_other(tokens, index, &selector))
		return false;
	if (index + selector.length > tokens->count)
		return false;
	*ret_selector = selector;
	return true;
}

bool selector_row_read(const struct tokens *tokens, size_t index, struct selector_row *ret_row)
{
	struct selector_row row = { 0 };
	size_t at = index;

	while (row.count < SELECTORS_MAX && selector_read(tokens, at, &row.parts[row.count])) {
		at += row.parts[row.count++].length;
		if (!tokens_is(tokens, at, "."))
			break;
		at++;
	}
	if (!row.count)
		return false;
	row.length = at - index;
	*ret_row = row;
	return true;
}
