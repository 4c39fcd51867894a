/* SPDX-License-Identifier: GPL-2.0
 *
 * The two sides of a port side by side, 32 bytes; a direction an array.
 */
struct layout_block {
	struct counter cell[DIR_COUNT][PORT_COUNT][SIDE_COUNT];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct layout_block));
} paired_ports SEC(".maps");

static __always_inline void layout_segment(struct tally *tally, __u32 transport, enum side side,
					   const struct sighting *sighting, __u32 port)
{
	__u32 segment = find_segment(transport, port);

	if (segment != SEGMENT_NONE)
		add_counter(&tally->segments[side][sighting->direction & 1][segment], sighting,
			    false);
}

static __always_inline void layout_ports(struct tally *tally, __u32 row, __u32 transport,
					 const struct sighting *sighting, __u32 local, __u32 peer)
{
	__u32 key = PORT_BLOCK_KEY(row, transport), direction = sighting->direction & 1;
	struct layout_block *block = bpf_map_lookup_elem(&paired_ports, &key);

	if (!block)
		return;
	asm volatile("%0 &= 0xffff" : "+r"(local));
	asm volatile("%0 &= 0xffff" : "+r"(peer));
	add_counter(&block->cell[direction][local][SIDE_LOCAL], sighting, false);
	add_counter(&block->cell[direction][peer][SIDE_PEER], sighting, false);
	layout_segment(tally, transport, SIDE_LOCAL, sighting, local);
	layout_segment(tally, transport, SIDE_PEER, sighting, peer);
}
