/* SPDX-License-Identifier: GPL-2.0
 *
 * As today, but for tcp and udp on a CPU with a row of its own and nothing
 * else: no sctp, no shared row, no atomic adds. What the other layouts compare
 * with, since they are built in the same way.
 */
static __always_inline void layout_ports(struct tally *tally, __u32 row, __u32 transport,
					 const struct sighting *sighting, __u32 local, __u32 peer)
{
	__u32 key = PORT_BLOCK_KEY(row, transport);
	struct port_block *block = bpf_map_lookup_elem(&ports, &key);

	if (!block)
		return;
	count_port(block, tally, transport, SIDE_LOCAL, sighting, local, false);
	count_port(block, tally, transport, SIDE_PEER, sighting, peer, false);
}
