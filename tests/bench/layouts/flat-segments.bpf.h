/* SPDX-License-Identifier: GPL-2.0
 *
 * The segment of a port in one step: 128 KiB a transport instead of 2 KiB.
 */
struct {
	__u16 port[SEGMENT_TRANSPORTS][PORT_COUNT];
} volatile flat_segments SEC(".data.flat") = { { { 0 } } };

static __always_inline void layout_segment(struct tally *tally, __u32 transport, enum side side,
					   const struct sighting *sighting, __u32 port)
{
	__u32 segment =
		flat_segments.port[transport & (SEGMENT_TRANSPORTS - 1)][port] & (SEGMENTS_MAX - 1);

	if (segment != SEGMENT_NONE)
		add_counter(&tally->segments[side][sighting->direction & 1][segment], sighting,
			    false);
}

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
	layout_segment(tally, transport, SIDE_LOCAL, sighting, local);
	layout_segment(tally, transport, SIDE_PEER, sighting, peer);
}
