/* SPDX-License-Identifier: GPL-2.0
 *
 * What an XDP frame is on the wire: one packet, with its VLAN tags inline
 * unless the device took them off (then its bytes lack them).
 */
#ifndef PORTSCRIBE_HOOK_XDP_H
#define PORTSCRIBE_HOOK_XDP_H

#include "count.h"

static __always_inline void count_xdp(struct xdp_md *ctx, __u64 bytes)
{
	struct frame frame = { (void *)(long)ctx->data, (void *)(long)ctx->data_end, NULL,
			       placement.zero };
	struct interface interface = find_interface(ctx->ingress_ifindex);
	struct sighting sighting = { .direction = DIR_IN, .packets = 1, .bytes = bytes };
	struct packet packet = {};

	parse_frame(&frame, ETH_HLEN, 0, 0, &packet);
	forget_packet(&packet, &frame);
	count(&packet, &sighting, interface.slot);
}

#endif
