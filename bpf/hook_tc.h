/* SPDX-License-Identifier: GPL-2.0
 *
 * What an skb is on the wire. tc sees frames before segmentation and after
 * GRO: one skb can stand for many packets, each with headers of its own.
 */
#ifndef PORTSCRIBE_HOOK_TC_H
#define PORTSCRIBE_HOOK_TC_H

#include "count.h"

#define GSO_BY_FRAGS 0xffff /* gso_size of SCTP: segment sizes differ (linux/skbuff.h) */

/*
 * gso_segs is 0 both for a single packet (gso_size 0) and for an offloaded
 * frame that a guest or a tap handed in with a size only.
 */
static __always_inline __u32 wire_packets(const struct __sk_buff *skb, __u32 header_len)
{
	__u32 segments = skb->gso_segs, size = skb->gso_size;

	if (segments)
		return segments;
	if (!size || size == GSO_BY_FRAGS || skb->len <= header_len)
		return 1;
	return (skb->len - header_len + size - 1) / size;
}

static __noinline int parse_copied(struct __sk_buff *skb, __u32 l2_len, __u32 tags,
				   struct packet *packet)
{
	struct frame frame = { .skb = skb, .zero = placement.zero };

	parse_frame(&frame, l2_len, skb->protocol, tags, packet);
	forget_packet(packet, &frame);
	return 0;
}

/*
 * Whether a copy may tell more. An skb's linear part can end between the ports
 * and the flags: without a second look, a SYN would be missed and the length of
 * the headers guessed. A packet with no flag set is looked at twice for nothing.
 */
static __always_inline bool is_incomplete(const struct packet *packet)
{
	if (packet->bucket == BUCKET_PORTED)
		return packet->transport == TRANSPORT_TCP && !packet->tcp_flags;
	return packet->bucket == BUCKET_UNPARSED;
}

static __always_inline void count_skb(struct __sk_buff *skb, enum direction direction)
{
	struct frame frame = { (void *)(long)skb->data, (void *)(long)skb->data_end, NULL,
			       placement.zero };
	struct interface interface = find_interface(skb->ifindex);
	__u32 tags = skb->vlan_present;
	struct sighting sighting = { .direction = direction };
	struct packet packet = {};

	parse_frame(&frame, interface.l2_len, skb->protocol, tags, &packet);
	forget_packet(&packet, &frame);
	if (is_incomplete(&packet) && skb->len > frame.end - frame.data)
		parse_copied(skb, interface.l2_len, tags, &packet);

	sighting.packets = wire_packets(skb, packet.header_len);
	sighting.bytes = skb->len + (sighting.packets - 1) * packet.header_len +
			 sighting.packets * tags * VLAN_TAG_LEN;
	if (sighting.packets > 1)
		sighting.bytes -= sighting.packets * packet.unsent;
	count(&packet, &sighting, interface.slot);
}

#endif
