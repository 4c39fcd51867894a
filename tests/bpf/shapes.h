/*
 * Every shape of frame that the parser knows, as layers, with what must become
 * of it: shared by the tests that hand frames to the programs directly and
 * those that send them over a device.
 */
#ifndef PORTSCRIBE_TESTS_SHAPES_H
#define PORTSCRIBE_TESTS_SHAPES_H

#include "bpf/frames.h"
#include "bpf/harness.h"

#define IP     0x0800
#define ARP    0x0806
#define V6     0x86dd
#define DOT1Q  0x8100
#define DOT1AD 0x88a8

/* IP protocol numbers (IANA) that linux/in.h need not name. */
enum {
	HOPOPTS = 0,
	ICMP = 1,
	IGMP = 2,
	IPIP = 4,
	TCP_ = 6,
	UDP_ = 17,
	DCCP = 33,
	IPV6_IN_IP = 41,
	ROUTING = 43,
	FRAG = 44,
	GRE = 47,
	ESP = 50,
	AH_ = 51,
	ICMPV6 = 58,
	NO_NEXT = 59,
	DSTOPTS = 60,
	SCTP_ = 132,
	MOBILITY = 135,
	UDPLITE = 136,
};

#define PORTED(transport, source, dest) BUCKET_PORTED, TRANSPORT_##transport, source, dest
#define NO_PORTS(bucket)		BUCKET_##bucket, 0, 0, 0

struct shape {
	const char *name;
	struct layer layers[LAYERS_MAX];
	enum bucket bucket;
	enum transport transport;
	uint16_t source, dest;
	uint8_t tcp_flags;
	/* Bytes that must be there to know the above; a frame cut shorter is unparsed. */
	uint32_t known;
};

/*
 * 14 Ethernet, 4 a tag, 20 IPv4, 40 IPv6, 4 for ports. An IPv6 extension header
 * is read from its first 4 bytes. TCP flags end at byte 14 of their header.
 */
/* clang-format off */
static const struct shape shapes[] = {
	/* Transports over both families. */
	{ "TCP", { ETH(IP), IP4(TCP_), TCP(50123, 443, ACK), FILL(40) },
	  PORTED(TCP, 50123, 443), ACK, 38 },
	{ "UDP", { ETH(IP), IP4(UDP_), UDP(50123, 53), FILL(40) }, PORTED(UDP, 50123, 53), 0, 38 },
	{ "SCTP",
	  { ETH(IP), IP4(SCTP_), SCTP(50123, 2905), FILL(40) }, PORTED(SCTP, 50123, 2905), 0, 38 },
	{ "TCP over IPv6", { ETH(V6), IP6(TCP_), TCP(50123, 443, ACK | PSH), FILL(40) },
	  PORTED(TCP, 50123, 443), ACK | PSH, 58 },
	{ "UDP over IPv6",
	  { ETH(V6), IP6(UDP_), UDP(50123, 53), FILL(40) }, PORTED(UDP, 50123, 53), 0, 58 },
	{ "SCTP over IPv6",
	  { ETH(V6), IP6(SCTP_), SCTP(50123, 2905), FILL(40) }, PORTED(SCTP, 50123, 2905), 0, 58 },
	{ "UDP without payload", { ETH(IP), IP4(UDP_), UDP(1, 2) }, PORTED(UDP, 1, 2), 0, 38 },
	{ "equal ports",
	  { ETH(IP), IP4(UDP_), UDP(123, 123), FILL(48) }, PORTED(UDP, 123, 123), 0, 38 },
	{ "port 0", { ETH(IP), IP4(TCP_), TCP(0, 0, SYN) }, PORTED(TCP, 0, 0), SYN, 38 },
	{ "port 65535", { ETH(IP), IP4(TCP_), TCP(65535, 65535, SYN | ACK) },
	  PORTED(TCP, 65535, 65535), SYN | ACK, 38 },
	{ "ports 65535 and 0",
	  { ETH(V6), IP6(UDP_), UDP(65535, 0) }, PORTED(UDP, 65535, 0), 0, 58 },
	{ "ports 0 and 65535 of SCTP",
	  { ETH(IP), IP4(SCTP_), SCTP(0, 65535) }, PORTED(SCTP, 0, 65535), 0, 38 },

	/* At ingress only a SYN alone is an attempt, at egress only SYN+ACK an answer. */
	{ "SYN", { ETH(IP), IP4(TCP_), TCP(50123, 22, SYN) }, PORTED(TCP, 50123, 22), SYN, 38 },
	{ "SYN+ACK", { ETH(IP), IP4(TCP_), TCP(22, 50123, SYN | ACK) },
	  PORTED(TCP, 22, 50123), SYN | ACK, 38 },
	{ "SYN with ECN and data",
	  { ETH(IP), IP4(TCP_), TCP_OPTIONS(50123, 22, SYN | 0xc0, 10), FILL(9) },
	  PORTED(TCP, 50123, 22), SYN | 0xc0, 38 },
	{ "SYN over IPv6", { ETH(V6), IP6(TCP_), TCP_OPTIONS(50123, 22, SYN, 5) },
	  PORTED(TCP, 50123, 22), SYN, 58 },
	{ "SYN+ACK over IPv6", { ETH(V6), IP6(TCP_), TCP_OPTIONS(22, 50123, SYN | ACK, 5) },
	  PORTED(TCP, 22, 50123), SYN | ACK, 58 },
	{ "RST+ACK", { ETH(IP), IP4(TCP_), TCP(22, 50123, RST | ACK) },
	  PORTED(TCP, 22, 50123), RST | ACK, 38 },
	{ "all flags",
	  { ETH(IP), IP4(TCP_), TCP(22, 50123, 0xff) }, PORTED(TCP, 22, 50123), 0xff, 38 },
	{ "no flags", { ETH(IP), IP4(TCP_), TCP(22, 50123, 0) }, PORTED(TCP, 22, 50123), 0, 38 },
	{ "UDP with SYN's bit in its payload",
	  { ETH(IP), IP4(UDP_), UDP(50123, 22), FILL(20), SET8(14 + 20 + 13, SYN) },
	  PORTED(UDP, 50123, 22), 0, 38 },
	{ "SCTP with SYN's bit in its first chunk",
	  { ETH(IP), IP4(SCTP_), SCTP(50123, 22), FILL(20), SET8(14 + 20 + 13, SYN) },
	  PORTED(SCTP, 50123, 22), 0, 38 },

	/* IPv4: its own length fields. */
	{ "IPv4 with one word of options",
	  { ETH(IP), IP4_OPTIONS(TCP_, 1), TCP(50123, 443, SYN) },
	  PORTED(TCP, 50123, 443), SYN, 42 },
	{ "IPv4 with ten words of options",
	  { ETH(IP), IP4_OPTIONS(UDP_, 10), UDP(50123, 53) }, PORTED(UDP, 50123, 53), 0, 78 },
	{ "IHL 0",
	  { ETH(IP), IP4(UDP_), UDP(50123, 53), SET8(14, 0x40) }, NO_PORTS(UNPARSED), 0, 0 },
	{ "IHL 4",
	  { ETH(IP), IP4(UDP_), UDP(50123, 53), SET8(14, 0x44) }, NO_PORTS(UNPARSED), 0, 0 },
	{ "IHL beyond the packet",
	  { ETH(IP), IP4(UDP_), UDP(50123, 53), SET8(14, 0x4f) }, NO_PORTS(UNPARSED), 0, 0 },
	{ "IPv6 in the ethertype of IPv4",
	  { ETH(IP), IP6(UDP_), UDP(50123, 53) }, NO_PORTS(UNPARSED), 0, 0 },
	{ "IPv4 in the ethertype of IPv6",
	  { ETH(V6), IP4(UDP_), UDP(50123, 53), FILL(40) }, NO_PORTS(UNPARSED), 0, 0 },
	{ "IP version 0",
	  { ETH(IP), IP4(UDP_), UDP(50123, 53), SET8(14, 0x05) }, NO_PORTS(UNPARSED), 0, 0 },
	{ "IP version 15",
	  { ETH(V6), IP6(UDP_), UDP(50123, 53), SET8(14, 0xf0) }, NO_PORTS(UNPARSED), 0, 0 },
	{ "IPv4 shorter than its header",
	  { ETH(IP), IP4(UDP_), UDP(50123, 53), SET16(16, 19) }, NO_PORTS(UNPARSED), 0, 0 },
	{ "IPv4 shorter than its options",
	  { ETH(IP), IP4_OPTIONS(UDP_, 2), UDP(50123, 53), SET16(16, 27) },
	  NO_PORTS(UNPARSED), 0, 0 },
	{ "IPv4 ends with its header; padding",
	  { ETH(IP), IP4(UDP_), PAD(26) }, NO_PORTS(UNPARSED), 0, 0 },
	{ "IPv4 ends 3 bytes into the ports; padding",
	  { ETH(IP), IP4(TCP_), FILL(3), PAD(23) }, NO_PORTS(UNPARSED), 0, 0 },
	{ "IPv4 ends with the ports; padding",
	  { ETH(IP), IP4(TCP_), FILL(4), PAD(22) }, PORTED(TCP, 0x5a5a, 0x5a5a), 0, 38 },
	{ "IPv4 ends before the flags; padding where SYN is",
	  { ETH(IP), IP4(TCP_), FILL(13), PAD(13), SET8(47, SYN) },
	  PORTED(TCP, 0x5a5a, 0x5a5a), 0, 38 },
	{ "IPv4 ends with the flags; padding",
	  { ETH(IP), IP4(TCP_), FILL(14), PAD(12), SET8(47, SYN) },
	  PORTED(TCP, 0x5a5a, 0x5a5a), SYN, 38 },
	{ "UDP, padded to the least Ethernet frame",
	  { ETH(IP), IP4(UDP_), UDP(50123, 53), PAD(18) }, PORTED(UDP, 50123, 53), 0, 38 },
	{ "IPv4 says more than there is",
	  { ETH(IP), IP4(UDP_), UDP(50123, 53), SET16(16, 65535) },
	  PORTED(UDP, 50123, 53), 0, 38 },
	{ "IPv4 says nothing (BIG TCP)",
	  { ETH(IP), IP4(TCP_), TCP(50123, 443, ACK), FILL(9), SET16(16, 0) },
	  PORTED(TCP, 50123, 443), ACK, 38 },

	/* IPv4 fragments. */
	{ "first fragment", { ETH(IP), IP4_FRAGMENT(UDP_, 1, 0), UDP(50123, 53), FILL(16) },
	  PORTED(UDP, 50123, 53), 0, 38 },
	{ "second fragment",
	  { ETH(IP), IP4_FRAGMENT(UDP_, 1, 3), FILL(24) }, NO_PORTS(FRAGMENT), 0, 34 },
	{ "last fragment",
	  { ETH(IP), IP4_FRAGMENT(TCP_, 0, 8191), FILL(24) }, NO_PORTS(FRAGMENT), 0, 34 },
	{ "later fragment of ICMP",
	  { ETH(IP), IP4_FRAGMENT(ICMP, 0, 185), FILL(24) }, NO_PORTS(FRAGMENT), 0, 34 },
	{ "first fragment that holds no ports",
	  { ETH(IP), IP4_FRAGMENT(UDP_, 1, 0), PAD(26) }, NO_PORTS(UNPARSED), 0, 0 },
	{ "don't fragment",
	  { ETH(IP), IP4_FRAGMENT(UDP_, 2, 0), UDP(50123, 53) }, PORTED(UDP, 50123, 53), 0, 38 },

	/* IPv6 fragments (RFC 8200, 4.5; atomic: RFC 6946). */
	{ "first IPv6 fragment",
	  { ETH(V6), IP6(FRAG), FRAGMENT6(UDP_, 1, 0), UDP(50123, 53), FILL(16) },
	  PORTED(UDP, 50123, 53), 0, 66 },
	{ "second IPv6 fragment",
	  { ETH(V6), IP6(FRAG), FRAGMENT6(UDP_, 1, 3), FILL(24) }, NO_PORTS(FRAGMENT), 0, 58 },
	{ "last IPv6 fragment",
	  { ETH(V6), IP6(FRAG), FRAGMENT6(UDP_, 0, 8191), FILL(24) }, NO_PORTS(FRAGMENT), 0, 58 },
	{ "atomic IPv6 fragment",
	  { ETH(V6), IP6(FRAG), FRAGMENT6(TCP_, 0, 0), TCP(50123, 443, SYN) },
	  PORTED(TCP, 50123, 443), SYN, 66 },
	{ "first IPv6 fragment behind options",
	  { ETH(V6), IP6(HOPOPTS), EXTENSION(FRAG, 0), FRAGMENT6(UDP_, 1, 0), UDP(50123, 53) },
	  PORTED(UDP, 50123, 53), 0, 74 },
	{ "later IPv6 fragment behind options",
	  { ETH(V6), IP6(HOPOPTS), EXTENSION(ROUTING, 0), EXTENSION(FRAG, 2),
	    FRAGMENT6(DSTOPTS, 0, 9), FILL(24) },
	  NO_PORTS(FRAGMENT), 0, 90 },
	{ "later IPv6 fragment of ICMPv6",
	  { ETH(V6), IP6(FRAG), FRAGMENT6(ICMPV6, 0, 9), FILL(24) }, NO_PORTS(FRAGMENT), 0, 58 },
	{ "reserved bits of the fragment header set",
	  { ETH(V6), IP6(FRAG), FRAGMENT6(UDP_, 7, 0), UDP(50123, 53) },
	  PORTED(UDP, 50123, 53), 0, 66 },

	/* IPv6 extension headers. */
	{ "hop-by-hop options", { ETH(V6), IP6(HOPOPTS), EXTENSION(UDP_, 0), UDP(50123, 53) },
	  PORTED(UDP, 50123, 53), 0, 66 },
	{ "routing header", { ETH(V6), IP6(ROUTING), EXTENSION(TCP_, 2), TCP(50123, 443, SYN) },
	  PORTED(TCP, 50123, 443), SYN, 82 },
	{ "destination options",
	  { ETH(V6), IP6(DSTOPTS), EXTENSION(SCTP_, 1), SCTP(50123, 2905) },
	  PORTED(SCTP, 50123, 2905), 0, 74 },
	{ "authentication header",
	  { ETH(V6), IP6(AH_), AH(UDP_, 4), UDP(50123, 53) }, PORTED(UDP, 50123, 53), 0, 82 },
	{ "authentication header of odd length",
	  { ETH(V6), IP6(AH_), AH(UDP_, 5), UDP(50123, 53) }, PORTED(UDP, 50123, 53), 0, 86 },
	{ "authentication header of the least length",
	  { ETH(V6), IP6(AH_), AH(TCP_, 0), TCP(50123, 443, SYN) },
	  PORTED(TCP, 50123, 443), SYN, 66 },
	{ "one of each extension header",
	  { ETH(V6), IP6(HOPOPTS), EXTENSION(DSTOPTS, 0), EXTENSION(ROUTING, 0),
	    EXTENSION(FRAG, 1), FRAGMENT6(AH_, 0, 0), AH(DSTOPTS, 4), EXTENSION(TCP_, 0),
	    TCP(50123, 443, SYN) },
	  PORTED(TCP, 50123, 443), SYN, 54 + 8 + 8 + 16 + 8 + 24 + 8 + 4 },
	{ "8 extension headers",
	  { ETH(V6), IP6(HOPOPTS), EXTENSION(DSTOPTS, 0), EXTENSION(DSTOPTS, 0),
	    EXTENSION(DSTOPTS, 0), EXTENSION(DSTOPTS, 0), EXTENSION(DSTOPTS, 0),
	    EXTENSION(DSTOPTS, 0), EXTENSION(DSTOPTS, 0), EXTENSION(UDP_, 0), UDP(50123, 53) },
	  PORTED(UDP, 50123, 53), 0, 54 + 64 + 4 },
	{ "8 extension headers before ICMPv6",
	  { ETH(V6), IP6(HOPOPTS), EXTENSION(DSTOPTS, 0), EXTENSION(DSTOPTS, 0),
	    EXTENSION(DSTOPTS, 0), EXTENSION(DSTOPTS, 0), EXTENSION(DSTOPTS, 0),
	    EXTENSION(DSTOPTS, 0), EXTENSION(DSTOPTS, 0), EXTENSION(ICMPV6, 0), FILL(8) },
	  NO_PORTS(ICMPV6), 0, 54 + 56 + 4 },
	{ "9 extension headers",
	  { ETH(V6), IP6(HOPOPTS), EXTENSION(DSTOPTS, 0), EXTENSION(DSTOPTS, 0),
	    EXTENSION(DSTOPTS, 0), EXTENSION(DSTOPTS, 0), EXTENSION(DSTOPTS, 0),
	    EXTENSION(DSTOPTS, 0), EXTENSION(DSTOPTS, 0), EXTENSION(DSTOPTS, 0),
	    EXTENSION(UDP_, 0), UDP(50123, 53) },
	  NO_PORTS(UNPARSED), 0, 0 },
	{ "the longest extension header",
	  { ETH(V6), IP6(DSTOPTS), EXTENSION(UDP_, 255), UDP(50123, 53) },
	  PORTED(UDP, 50123, 53), 0, 54 + 2048 + 4 },
	{ "the longest authentication header",
	  { ETH(V6), IP6(AH_), AH(UDP_, 255), UDP(50123, 53) },
	  PORTED(UDP, 50123, 53), 0, 54 + 1028 + 4 },
	{ "an extension header beyond the payload",
	  { ETH(V6), IP6(HOPOPTS), EXTENSION(UDP_, 0), PAD(24), SET8(54 + 1, 1) },
	  NO_PORTS(UNPARSED), 0, 0 },
	{ "IPv6 ends with its header; padding",
	  { ETH(V6), IP6(DSTOPTS), EXTENSION(UDP_, 0), PAD(24) }, NO_PORTS(UNPARSED), 0, 0 },
	{ "IPv6 ends 3 bytes into the ports; padding",
	  { ETH(V6), IP6(UDP_), FILL(3), PAD(24) }, NO_PORTS(UNPARSED), 0, 0 },
	{ "IPv6 ends with the ports; padding",
	  { ETH(V6), IP6(UDP_), FILL(4), PAD(24) }, PORTED(UDP, 0x5a5a, 0x5a5a), 0, 58 },
	{ "IPv6 ends before the flags; padding where SYN is",
	  { ETH(V6), IP6(TCP_), FILL(13), PAD(13), SET8(67, SYN) },
	  PORTED(TCP, 0x5a5a, 0x5a5a), 0, 58 },
	{ "no next header", { ETH(V6), IP6(NO_NEXT), FILL(8) }, NO_PORTS(OTHER_IP), 0, 54 },
	{ "no next header behind options",
	  { ETH(V6), IP6(DSTOPTS), EXTENSION(NO_NEXT, 0), FILL(8) }, NO_PORTS(OTHER_IP), 0, 58 },
	{ "jumbo payload option",
	  { ETH(V6), IP6(HOPOPTS), JUMBO(TCP_), TCP(50123, 443, ACK), FILL(99) },
	  PORTED(TCP, 50123, 443), ACK, 66 },

	/* Protocols without ports, or whose ports are not counted. */
	{ "ICMP", { ETH(IP), IP4(ICMP), FILL(8) }, NO_PORTS(ICMP), 0, 34 },
	{ "ICMP that quotes TCP",
	  { ETH(IP), IP4(ICMP), FILL(8), IP4(TCP_), TCP(50123, 443, SYN) },
	  NO_PORTS(ICMP), 0, 34 },
	{ "ICMPv6", { ETH(V6), IP6(ICMPV6), FILL(8) }, NO_PORTS(ICMPV6), 0, 54 },
	{ "ICMPv6 that quotes UDP",
	  { ETH(V6), IP6(ICMPV6), FILL(8), IP6(UDP_), UDP(50123, 53) }, NO_PORTS(ICMPV6), 0, 54 },
	{ "MLD: ICMPv6 behind a router alert",
	  { ETH(V6), IP6(HOPOPTS), EXTENSION(ICMPV6, 0), FILL(24) }, NO_PORTS(ICMPV6), 0, 58 },
	{ "ICMPv6's number over IPv4",
	  { ETH(IP), IP4(ICMPV6), FILL(8) }, NO_PORTS(OTHER_IP), 0, 34 },
	{ "ICMP's number over IPv6", { ETH(V6), IP6(ICMP), FILL(8) }, NO_PORTS(OTHER_IP), 0, 54 },
	{ "IGMP", { ETH(IP), IP4_OPTIONS(IGMP, 1), FILL(8) }, NO_PORTS(OTHER_IP), 0, 34 },
	{ "GRE", { ETH(IP), IP4(GRE), FILL(4), IP4(TCP_), TCP(50123, 443, SYN) },
	  NO_PORTS(OTHER_IP), 0, 34 },
	{ "ESP", { ETH(IP), IP4(ESP), FILL(40) }, NO_PORTS(OTHER_IP), 0, 34 },
	{ "ESP over IPv6", { ETH(V6), IP6(ESP), FILL(40) }, NO_PORTS(OTHER_IP), 0, 54 },
	{ "AH over IPv4",
	  { ETH(IP), IP4(AH_), AH(UDP_, 4), UDP(50123, 53) }, NO_PORTS(OTHER_IP), 0, 34 },
	{ "UDP-Lite", { ETH(IP), IP4(UDPLITE), UDP(50123, 53) }, NO_PORTS(OTHER_IP), 0, 34 },
	{ "UDP-Lite over IPv6",
	  { ETH(V6), IP6(UDPLITE), UDP(50123, 53) }, NO_PORTS(OTHER_IP), 0, 54 },
	{ "DCCP", { ETH(IP), IP4(DCCP), UDP(50123, 5004), FILL(8) }, NO_PORTS(OTHER_IP), 0, 34 },
	{ "IPv4 in IPv4",
	  { ETH(IP), IP4(IPIP), IP4(UDP_), UDP(50123, 53) }, NO_PORTS(OTHER_IP), 0, 34 },
	{ "IPv6 in IPv4",
	  { ETH(IP), IP4(IPV6_IN_IP), IP6(UDP_), UDP(50123, 53) }, NO_PORTS(OTHER_IP), 0, 34 },
	{ "IPv6 in IPv6",
	  { ETH(V6), IP6(IPV6_IN_IP), IP6(UDP_), UDP(50123, 53) }, NO_PORTS(OTHER_IP), 0, 54 },
	{ "hop-by-hop's number over IPv4",
	  { ETH(IP), IP4(HOPOPTS), EXTENSION(UDP_, 0), UDP(1, 2) }, NO_PORTS(OTHER_IP), 0, 34 },
	{ "mobility header",
	  { ETH(V6), IP6(MOBILITY), EXTENSION(NO_NEXT, 0) }, NO_PORTS(OTHER_IP), 0, 54 },
	{ "VXLAN: the outer ports only",
	  { ETH(IP), IP4(UDP_), UDP(50123, 4789), FILL(8), ETH(IP), IP4(TCP_), TCP(1, 2, SYN) },
	  PORTED(UDP, 50123, 4789), 0, 38 },
	{ "protocol 255", { ETH(IP), IP4(255), FILL(8) }, NO_PORTS(OTHER_IP), 0, 34 },

	/* Neither IP nor ARP. */
	{ "ARP", { ETH(ARP), FILL(28), PAD(18) }, NO_PORTS(ARP), 0, 14 },
	{ "LLDP", { ETH(0x88cc), FILL(46) }, NO_PORTS(OTHER_L2), 0, 14 },
	{ "STP: a length where the type would be",
	  { ETH(0x0026), FILL(46) }, NO_PORTS(OTHER_L2), 0, 14 },
	{ "PPPoE with IPv4 inside",
	  { ETH(0x8864), FILL(8), IP4(UDP_), UDP(50123, 53) }, NO_PORTS(OTHER_L2), 0, 14 },
	{ "MPLS with IPv4 inside",
	  { ETH(0x8847), FILL(4), IP4(UDP_), UDP(50123, 53) }, NO_PORTS(OTHER_L2), 0, 14 },
	{ "ethertype 0", { ETH(0), FILL(46) }, NO_PORTS(OTHER_L2), 0, 14 },
	{ "ethertype 0xffff", { ETH(0xffff), FILL(46) }, NO_PORTS(OTHER_L2), 0, 14 },

	/* VLAN tags. */
	{ "802.1Q", { ETH(DOT1Q), VLAN(IP), IP4(TCP_), TCP(50123, 443, SYN) },
	  PORTED(TCP, 50123, 443), SYN, 42 },
	{ "802.1Q over IPv6",
	  { ETH(DOT1Q), VLAN(V6), IP6(UDP_), UDP(50123, 53) }, PORTED(UDP, 50123, 53), 0, 62 },
	{ "802.1ad alone",
	  { ETH(DOT1AD), VLAN(IP), IP4(UDP_), UDP(50123, 53) }, PORTED(UDP, 50123, 53), 0, 42 },
	{ "802.1Q in 802.1ad", { ETH(DOT1AD), VLAN(DOT1Q), VLAN(IP), IP4(UDP_), UDP(50123, 53) },
	  PORTED(UDP, 50123, 53), 0, 46 },
	{ "802.1Q in 802.1Q, with an extension header",
	  { ETH(DOT1Q), VLAN(DOT1Q), VLAN(V6), IP6(HOPOPTS), EXTENSION(TCP_, 0),
	    TCP(50123, 443, SYN) },
	  PORTED(TCP, 50123, 443), SYN, 74 },
	{ "three tags",
	  { ETH(DOT1AD), VLAN(DOT1Q), VLAN(DOT1Q), VLAN(IP), IP4(UDP_), UDP(50123, 53) },
	  NO_PORTS(UNPARSED), 0, 0 },
	{ "ARP in a tag", { ETH(DOT1Q), VLAN(ARP), FILL(28), PAD(14) }, NO_PORTS(ARP), 0, 18 },
	{ "a length in a tag", { ETH(DOT1Q), VLAN(0x0026), FILL(42) }, NO_PORTS(OTHER_L2), 0, 18 },
	{ "LLDP in two tags",
	  { ETH(DOT1AD), VLAN(DOT1Q), VLAN(0x88cc), FILL(42) }, NO_PORTS(OTHER_L2), 0, 22 },
	{ "later fragment in a tag", { ETH(DOT1Q), VLAN(IP), IP4_FRAGMENT(UDP_, 0, 9), FILL(24) },
	  NO_PORTS(FRAGMENT), 0, 38 },
	/* Tags of before 802.1ad; Linux takes 0x9100 for no tag either. */
	{ "a tag of type 0x9100",
	  { ETH(0x9100), VLAN(IP), IP4(UDP_), UDP(50123, 53) }, NO_PORTS(OTHER_L2), 0, 14 },
};
/* clang-format on */

/* 8 extension headers of 2,048 bytes: the farthest that the walk can get. */
#define LONG_CHAIN                                                                                 \
	{                                                                                          \
		ETH(V6), IP6(HOPOPTS), EXTENSION(DSTOPTS, 255), EXTENSION(DSTOPTS, 255),           \
			EXTENSION(DSTOPTS, 255), EXTENSION(DSTOPTS, 255), EXTENSION(DSTOPTS, 255), \
			EXTENSION(DSTOPTS, 255), EXTENSION(DSTOPTS, 255), EXTENSION(TCP_, 255),    \
			TCP(50123, 443, SYN), FILL(100)                                            \
	}

/* Devices without a link layer: tun, ppp. */
/* clang-format off */
static const struct shape l3_shapes[] = {
	{ "TCP without a link layer",
	  { IP4_FROM(TCP_, 0x08000001), TCP(50123, 443, SYN), FILL(9) },
	  PORTED(TCP, 50123, 443), SYN, 24 },
	{ "UDP over IPv6 without a link layer",
	  { IP6_FROM(UDP_, V6), UDP(50123, 53), FILL(9) }, PORTED(UDP, 50123, 53), 0, 44 },
	{ "ICMP without a link layer",
	  { IP4_FROM(ICMP, 0x08000001), FILL(29) }, NO_PORTS(ICMP), 0, 20 },
	{ "later fragment without a link layer",
	  { IP6_FROM(FRAG, V6), FRAGMENT6(UDP_, 0, 4), FILL(9) }, NO_PORTS(FRAGMENT), 0, 44 },
};
/* clang-format on */

#define TCP_FLAGS_AT 10 /* bytes after the ports, before and with the flags */

/* What one run of the first @length bytes of @shape moves, on lo. */
static inline struct expect expect_of(const struct shape *shape, uint32_t length)
{
	struct expect expect = { .bucket = shape->bucket,
				 .transport = shape->transport,
				 .source = shape->source,
				 .dest = shape->dest,
				 .tcp_flags = shape->tcp_flags,
				 .packets = 1,
				 .bytes = length,
				 .slot = LO_SLOT };

	if (length < shape->known)
		expect.bucket = BUCKET_UNPARSED;
	if (length < shape->known + TCP_FLAGS_AT)
		expect.tcp_flags = 0;
	return expect;
}

#endif
