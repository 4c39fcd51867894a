/* SPDX-License-Identifier: GPL-2.0
 *
 * A global variable: its address is in the program, nothing is looked up. Two
 * rows are enough to measure; 16 MiB in one map, which old kernels refuse.
 */
struct counter global_ports[2][2][SIDE_COUNT][DIR_COUNT][PORT_COUNT];

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
	__u32 direction = sighting->direction & 1;

	asm volatile("%0 &= 0xffff" : "+r"(local));
	asm volatile("%0 &= 0xffff" : "+r"(peer));
	add_counter(&global_ports[row & 1][transport & 1][SIDE_LOCAL][direction][local], sighting,
		    false);
	add_counter(&global_ports[row & 1][transport & 1][SIDE_PEER][direction][peer], sighting,
		    false);
	layout_segment(tally, transport, SIDE_LOCAL, sighting, local);
	layout_segment(tally, transport, SIDE_PEER, sighting, peer);
}
