/* SPDX-License-Identifier: GPL-2.0
 *
 * From a frame to its ports: Ethernet, VLAN, IPv4, IPv6, and the first bytes
 * of TCP, UDP and SCTP. Outer headers only. The one place with network byte
 * order; what leaves is in host order. Reads, never writes.
 *
 * Every header is fetched by frame_at(), which bounds-checks once a header.
 * The same walk is compiled twice: over the packet's linear part directly,
 * and over copies, for frames whose headers lie in fragments of an skb.
 */
#ifndef PORTSCRIBE_PARSE_H
#define PORTSCRIBE_PARSE_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "counters.h"

#ifndef IPPROTO_TCP /* linux/in.h clashes with nothing here, but brings a lot */
#define IPPROTO_HOPOPTS	 0
#define IPPROTO_ICMP	 1
#define IPPROTO_TCP	 6
#define IPPROTO_UDP	 17
#define IPPROTO_ROUTING	 43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_AH	 51
#define IPPROTO_ICMPV6	 58
#define IPPROTO_DSTOPTS	 60
#define IPPROTO_SCTP	 132
#endif

#define VLAN_TAGS_MAX	2 /* 802.1Q in 802.1ad; counted over both tag places at tc */
#define VLAN_TAG_LEN	4
#define IPV6_EXTENSIONS 8

#define OFFSET_MAX 0x7fff /* the verifier refuses packet offsets near 64 KiB */

#define IPV4_OFFSET_MASK 0x1fff /* RFC 791: fragment offset, in units of 8 bytes */
#define IPV6_OFFSET_MASK 0xfff8 /* RFC 8200, 4.5 */

#define TCP_FLAG_BYTE_SYN 0x02
#define TCP_FLAG_BYTE_ACK 0x10

/* What the walk found. Ports, transport and flags are set for BUCKET_PORTED only. */
struct packet {
	__u32 header_len; /* bytes before the transport's payload, or as far as was understood */
	__u32 ip_end;	  /* where the IP header says the packet ends; 0: it does not say */
	__u16 source, dest;
	__u8 bucket;	/* enum bucket */
	__u8 transport; /* enum transport */
	__u8 tcp_flags; /* byte 13 of the TCP header; 0 where it is cut off */
	__u8 unsent;	/* of header_len, bytes that segments of this frame will not have */
};

struct frame {
	void *data, *end;
	struct __sk_buff *skb; /* not NULL: fetch copies through the skb */
	__u32 zero;	       /* placement.zero */
};

/*
 * The verifier walks what follows once for every way that led here, as long as
 * it knows different values for each. After forget(x) it knows none, the ways
 * are one, and a program of 700,000 steps is one of some thousands.
 */
#define forget(x, frame) ((x) ^= (frame)->zero)

struct vlan_tag {
	__be16 tci;
	__be16 ethertype;
};

struct ipv6_extension {
	__u8 next;
	__u8 length; /* of the rest, in units of 8 bytes; AH: in units of 4, less 2 */
	__be16 fragment_offset;
};

/* Ends with the flags: a __be32 would pad it, and ask for bytes that nobody reads. */
struct tcp_start {
	__be16 source, dest;
	__be16 sequence[2], acknowledgement[2];
	__u8 data_offset; /* high nibble, in units of 4 bytes */
	__u8 flags;
};
_Static_assert(sizeof(struct tcp_start) == 14, "up to the flags and no further");

struct ports {
	__be16 source, dest;
};

static __always_inline void forget_packet(struct packet *packet, const struct frame *frame)
{
	forget(packet->header_len, frame);
	forget(packet->source, frame);
	forget(packet->dest, frame);
	forget(packet->bucket, frame);
	forget(packet->transport, frame);
	forget(packet->tcp_flags, frame);
	forget(packet->unsent, frame);
}

static __always_inline void *frame_at(const struct frame *frame, __u64 offset, __u32 length,
				      void *copy)
{
	void *at = frame->data + offset;

	if (frame->skb)
		return bpf_skb_load_bytes(frame->skb, offset, copy, length) ? NULL : copy;
	return at + length > frame->end ? NULL : at;
}

/*
 * The ports at @offset. @limit is where the IP header says the packet ends (0:
 * it does not say), so that padding of a short packet is not read as ports.
 */
static __always_inline void parse_transport(const struct frame *frame, __u64 offset, __u64 limit,
					    __u8 protocol, struct packet *packet)
{
	struct tcp_start tcp_copy, *tcp;
	struct ports ports_copy, *ports;

	if (limit && offset + sizeof(*ports) > limit)
		return;
	ports = frame_at(frame, offset, sizeof(*ports), &ports_copy);
	if (!ports)
		return;
	packet->source = bpf_ntohs(ports->source);
	packet->dest = bpf_ntohs(ports->dest);
	packet->bucket = BUCKET_PORTED;

	switch (protocol) {
	case IPPROTO_TCP:
		packet->transport = TRANSPORT_TCP;
		packet->header_len = offset + 20;
		if (limit && offset + sizeof(*tcp) > limit)
			return;
		tcp = frame_at(frame, offset, sizeof(*tcp), &tcp_copy);
		if (!tcp)
			return;
		packet->tcp_flags = tcp->flags;
		packet->header_len = offset + (tcp->data_offset >> 4) * 4;
		return;
	case IPPROTO_UDP:
		packet->transport = TRANSPORT_UDP;
		packet->header_len = offset + 8;
		return;
	default: packet->transport = TRANSPORT_SCTP; packet->header_len = offset + 12;
	}
}

static __always_inline bool has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static __always_inline void parse_ipv4(const struct frame *frame, __u32 offset,
				       struct packet *packet)
{
	struct iphdr copy, *ip = frame_at(frame, offset, sizeof(*ip), &copy);
	__u32 header, total;

	if (!ip || ip->version != 4)
		return;
	header = ip->ihl * 4;
	total = bpf_ntohs(ip->tot_len); /* 0: a BIG TCP frame, longer than the field can say */
	if (header < sizeof(*ip) || (total && total < header))
		return;
	packet->header_len = offset + header;
	packet->ip_end = total ? offset + total : 0;
	if (ip->frag_off & bpf_htons(IPV4_OFFSET_MASK))
		packet->bucket = BUCKET_FRAGMENT;
	else if (has_ports(ip->protocol))
		parse_transport(frame, offset + header, packet->ip_end, ip->protocol, packet);
	else
		packet->bucket = ip->protocol == IPPROTO_ICMP ? BUCKET_ICMP : BUCKET_OTHER_IP;
}

static __always_inline void parse_ipv6(const struct frame *frame, __u64 offset,
				       struct packet *packet)
{
	struct ipv6hdr copy, *ip = frame_at(frame, offset, sizeof(*ip), &copy);
	struct ipv6_extension extension_copy, *extension;
	__u64 limit;
	__u8 next;

	if (!ip || ip->version != 6)
		return;
	limit = bpf_ntohs(ip->payload_len); /* 0: a jumbogram or a BIG TCP frame (RFC 2675) */
	next = ip->nexthdr;
	offset += sizeof(*ip);
	if (limit)
		limit += offset;
	packet->ip_end = limit;

	for (int i = 0; i <= IPV6_EXTENSIONS; i++) {
		packet->header_len = offset;
		if (has_ports(next)) {
			parse_transport(frame, offset, limit, next, packet);
			return;
		}
		switch (next) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_FRAGMENT:
		case IPPROTO_DSTOPTS:
		case IPPROTO_AH: break;
		case IPPROTO_ICMPV6: packet->bucket = BUCKET_ICMPV6; return;
		default: packet->bucket = BUCKET_OTHER_IP; return;
		}
		if (i == IPV6_EXTENSIONS)
			return;
		extension = frame_at(frame, offset, sizeof(*extension), &extension_copy);
		if (!extension)
			return;
		if (next == IPPROTO_FRAGMENT) {
			if (extension->fragment_offset & bpf_htons(IPV6_OFFSET_MASK)) {
				packet->bucket = BUCKET_FRAGMENT;
				return;
			}
			offset += 8;
		} else if (next == IPPROTO_AH) {
			offset += (extension->length + 2) * 4; /* RFC 4302, 2.2 */
		} else {
			/*
			 * IPv6 BIG TCP, Linux 5.19 to 6.18: the jumbo payload option is
			 * for the stack alone, segmentation takes it out.
			 */
			if (next == IPPROTO_HOPOPTS && !limit)
				packet->unsent = 8;
			offset += (extension->length + 1) * 8;
		}
		next = extension->next;
		forget(offset, frame);
		asm volatile("" : "+r"(offset)); /* else clang checks a copy and uses the other */
		if (offset > OFFSET_MAX)
			return;
		asm volatile("" : "+r"(offset));
	}
}

/*
 * @l2_len: 14, or 0 where frames start with the IP header; then @ethertype
 * says which. @tags: VLAN tags that the hook took off before us.
 */
static __always_inline void parse_frame(const struct frame *frame, __u32 l2_len, __be16 ethertype,
					__u32 tags, struct packet *packet)
{
	__u32 offset = 0;

	packet->bucket = BUCKET_UNPARSED;
	packet->header_len = 0;
	packet->ip_end = 0;
	packet->tcp_flags = 0;
	packet->unsent = 0;
	if (l2_len) {
		struct ethhdr copy, *eth = frame_at(frame, 0, sizeof(*eth), &copy);

		if (!eth)
			return;
		ethertype = eth->h_proto;
		offset = sizeof(*eth);
	}
	for (int i = 0; i < VLAN_TAGS_MAX; i++) {
		struct vlan_tag copy, *tag;

		if (ethertype != bpf_htons(ETH_P_8021Q) && ethertype != bpf_htons(ETH_P_8021AD))
			break;
		if (i + tags >= VLAN_TAGS_MAX)
			return;
		tag = frame_at(frame, offset, sizeof(*tag), &copy);
		if (!tag)
			return;
		ethertype = tag->ethertype;
		offset += sizeof(*tag);
	}
	packet->header_len = offset;

	if (ethertype == bpf_htons(ETH_P_IP))
		parse_ipv4(frame, offset, packet);
	else if (ethertype == bpf_htons(ETH_P_IPV6))
		parse_ipv6(frame, offset, packet);
	else if (ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD))
		return;
	else
		packet->bucket = ethertype == bpf_htons(ETH_P_ARP) ? BUCKET_ARP : BUCKET_OTHER_L2;
}

#endif
