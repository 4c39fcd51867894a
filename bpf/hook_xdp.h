/* SPDX-License-Identifier: GPL-2.0
 *
 * What an XDP frame is on the wire: one packet, with its VLAN tags inline
 * unless the device took them off (then its bytes lack them).
 */
#ifndef PORTSCRIBE_HOOK_XDP_H
#define PORTSCRIBE_HOOK_XDP_H

#include "count.h"

/*
 * Asking for the length of a frame in several buffers is a call, and those are
 * dear where returns are guarded against speculation. So it is asked only where
 * the IP header does not say that the first buffer holds all of the packet.
 * Only packets with ports count bytes.
 */
static __always_inline __u64 wire_bytes(struct xdp_md *ctx, const struct packet *packet,
					__u64 linear, const bool frags)
{
	if (!frags || packet->bucket != BUCKET_PORTED)
		return linear;
	return packet->ip_end && packet->ip_end <= linear ? linear : bpf_xdp_get_buff_len(ctx);
}

static __always_inline void count_xdp(struct xdp_md *ctx, const bool frags)
{
	struct frame frame = { (void *)(long)ctx->data, (void *)(long)ctx->data_end, NULL,
			       placement.zero };
	struct interface interface = find_interface(ctx->ingress_ifindex);
	struct sighting sighting = { .direction = DIR_IN, .packets = 1 };
	struct packet packet = {};

	parse_frame(&frame, ETH_HLEN, 0, 0, &packet);
	forget_packet(&packet, &frame);
	sighting.bytes = wire_bytes(ctx, &packet, frame.end - frame.data, frags);
	count(&packet, &sighting, interface.slot);
}

#endif
