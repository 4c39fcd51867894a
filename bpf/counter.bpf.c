// SPDX-License-Identifier: GPL-2.0
/*
 * The entry points: one for each hook, each saying how many packets and bytes
 * the frame is on the wire. They count and always pass on: XDP_PASS, and -1
 * at tc (TCX_NEXT, TC_ACT_UNSPEC), since TC_ACT_OK would end the chain for
 * everybody after us.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "count.h"
#include "hook_tc.h"
#include "hook_xdp.h"

SEC("tc")
int portscribe_in(struct __sk_buff *skb)
{
	count_skb(skb, DIR_IN);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int portscribe_out(struct __sk_buff *skb)
{
	count_skb(skb, DIR_OUT);
	return TC_ACT_UNSPEC;
}

SEC("xdp")
int portscribe_xdp(struct xdp_md *ctx)
{
	count_xdp(ctx, false);
	return XDP_PASS;
}

/* For devices whose frames may span buffers (MTU above a page); kernel 5.18 and newer. */
SEC("xdp.frags")
int portscribe_xdpf(struct xdp_md *ctx)
{
	count_xdp(ctx, true);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
