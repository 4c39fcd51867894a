// SPDX-License-Identifier: GPL-2.0
/*
 * A sender of frames with random ports: run by BPF_PROG_TEST_RUN with live
 * frames, it hands each to an interface.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define PORTS_AT 34 /* Ethernet, IPv4 without options */

const volatile __u32 ifindex = 0;
static __u32 state; /* one CPU runs this */

SEC("xdp")
int bench_generate(struct xdp_md *ctx)
{
	__u32 *ports = (void *)(long)ctx->data + PORTS_AT;

	if ((void *)(ports + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	state = state * 1664525 + 1013904223;
	*ports = state;
	return bpf_redirect(ifindex, 0);
}

char LICENSE[] SEC("license") = "GPL";
