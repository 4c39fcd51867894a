/* SPDX-License-Identifier: GPL-2.0
 *
 * As today without spans. Not to be had, but says what they cost.
 */
static __always_inline void layout_ports(struct tally *tally, __u32 row, __u32 transport,
					 const struct sighting *sighting, __u32 local, __u32 peer)
{
	__u32 key = PORT_BLOCK_KEY(row, transport), direction = sighting->direction & 1;
	struct port_block *block = bpf_map_lookup_elem(&ports, &key);

	if (!block)
		return;
	asm volatile("%0 &= 0xffff" : "+r"(local));
	asm volatile("%0 &= 0xffff" : "+r"(peer));
	add_counter(&block->side[SIDE_LOCAL][direction][local], sighting, false);
	add_counter(&block->side[SIDE_PEER][direction][peer], sighting, false);
}
