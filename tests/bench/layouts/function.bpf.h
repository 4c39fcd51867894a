/* SPDX-License-Identifier: GPL-2.0
 *
 * As today, as a function of its own: verified once, called once a packet.
 */
#define LAYOUT_FUNCTION

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
