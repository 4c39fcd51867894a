// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that only measurements run: the counting code as shipped, or with
 * another layout, at one port and at random ones; and a program that does
 * nothing.
 *
 * -DLAYOUT='"layouts/X.bpf.h"': that file defines layout_ports(), which counts
 * both ports of a packet and their segments, and may define LAYOUT_NO_SEEN or
 * LAYOUT_FUNCTION. It has all of bpf/count.h to build on.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "count.h"

#ifdef LAYOUT
#include LAYOUT

#ifdef LAYOUT_FUNCTION /* out of line, verified by itself */
__noinline int layout_in_row(const struct packet *packet, const struct sighting *sighting,
			     __u32 slot, __u32 row)
#else
static __always_inline int layout_in_row(const struct packet *packet,
					 const struct sighting *sighting, __u32 slot, __u32 row)
#endif
{
	__u32 direction, key = row;
	struct tally *tally = bpf_map_lookup_elem(&tallies, &key);
	__u64 *buckets;
	__u16 local, peer;

	if (!tally || !packet || !sighting)
		return 0;
	direction = sighting->direction & 1;
	buckets = tally->ifaces[slot & (IFACE_SLOTS - 1)].packets[direction];
#ifndef LAYOUT_NO_SEEN
	add(&buckets[BUCKET_SEEN], sighting->packets, false);
#endif
	add(&buckets[packet->bucket & 15], sighting->packets, false);
	if (packet->bucket != BUCKET_PORTED)
		return 0;
	local = direction == DIR_IN ? packet->dest : packet->source;
	peer = direction == DIR_IN ? packet->source : packet->dest;
	layout_ports(tally, row, packet->transport, sighting, local, peer);
	if (packet->tcp_flags & TCP_FLAG_BYTE_SYN)
		count_handshake(tally, packet, direction, sighting->packets, false);
	return 0;
}

static __always_inline void count_layout(const struct packet *packet,
					 const struct sighting *sighting, __u32 slot)
{
	__u32 row = placement.row[bpf_get_smp_processor_id() & (CPUS_MAX - 1)];

	if (!config.parse_only)
		layout_in_row(packet, sighting, slot, row);
}

#define count count_layout
#endif
#include "hook_xdp.h"

#define PORTS_AT 34 /* Ethernet, IPv4 without options */
#define STATE_AT 46 /* within the payload */

SEC("xdp")
int bench_empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int bench_hot(struct xdp_md *ctx)
{
	count_xdp(ctx, false);
	return XDP_PASS;
}

/* Both ports anew for each packet; what that costs is in the parse-only build, too. */
static __always_inline bool write_ports(struct xdp_md *ctx)
{
	__u32 *state = (void *)(long)ctx->data + STATE_AT;
	__u32 *ports = (void *)(long)ctx->data + PORTS_AT;

	if ((void *)(state + 1) > (void *)(long)ctx->data_end)
		return false;
	*state = *state * 1664525 + 1013904223;
	*ports = *state;
	return true;
}

SEC("xdp")
int bench_random(struct xdp_md *ctx)
{
	if (write_ports(ctx))
		count_xdp(ctx, false);
	return XDP_PASS;
}

SEC("xdp.frags")
int bench_random_frags(struct xdp_md *ctx)
{
	if (write_ports(ctx))
		count_xdp(ctx, true);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
