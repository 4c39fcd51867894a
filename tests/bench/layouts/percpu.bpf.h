/* SPDX-License-Identifier: GPL-2.0
 *
 * The kernel's own array for each CPU, in blocks of 2,048 counters (a value may
 * have 32 KiB): a look-up for each side, and no memory to map when reading.
 */
struct layout_block {
	struct counter cell[2048];
};

/* By transport (tcp, udp), side, direction, then 32 blocks. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * SIDE_COUNT * DIR_COUNT * 32);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct layout_block));
} blocks SEC(".maps");

static __always_inline void layout_segment(struct tally *tally, __u32 transport, enum side side,
					   const struct sighting *sighting, __u32 port)
{
	__u32 segment = find_segment(transport, port);

	if (segment != SEGMENT_NONE)
		add_counter(&tally->segments[side][sighting->direction & 1][segment], sighting,
			    false);
}

static __always_inline void layout_add(__u32 transport, enum side side,
				       const struct sighting *sighting, __u32 port)
{
	__u32 key =
		(((transport & 1) * 2 + side) * 2 + (sighting->direction & 1)) * 32 + (port >> 11);
	struct layout_block *block = bpf_map_lookup_elem(&blocks, &key);

	if (block)
		add_counter(&block->cell[port & 2047], sighting, false);
}

static __always_inline void layout_ports(struct tally *tally, __u32 row, __u32 transport,
					 const struct sighting *sighting, __u32 local, __u32 peer)
{
	asm volatile("%0 &= 0xffff" : "+r"(local));
	asm volatile("%0 &= 0xffff" : "+r"(peer));
	layout_add(transport, SIDE_LOCAL, sighting, local);
	layout_add(transport, SIDE_PEER, sighting, peer);
	layout_segment(tally, transport, SIDE_LOCAL, sighting, local);
	layout_segment(tally, transport, SIDE_PEER, sighting, peer);
}
