/* SPDX-License-Identifier: GPL-2.0
 *
 * From a parsed packet to the counters: which row, which cells, plain or
 * atomic. Knows the layout of include/counters.h and nothing of hooks. Apart
 * from the entry points so that measurements can wrap the same code.
 */
#ifndef PORTSCRIBE_COUNT_H
#define PORTSCRIBE_COUNT_H

#include "parse.h"

const volatile struct counter_config config = {};

/* One value a block, set before load: PORT_BLOCKS(rows), or half a block each. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct port_block));
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* rows */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct tally));
} tallies SEC(".maps");

/* Written by userspace alone, hence volatile; each in a map of its own, to be pinned. */
volatile struct placement placement SEC(".data.placement");
volatile struct segment_table segment_of SEC(".data.segments");

/* A packet as the hook saw it: what parse_frame() cannot know. */
struct sighting {
	__u32 ifindex;
	__u32 direction; /* enum direction */
	__u64 packets;	 /* on the wire: an offloaded frame is several */
	__u64 bytes;
};

struct interface {
	__u32 slot;
	__u32 l2_len;
};

static __always_inline struct interface find_interface(__u32 ifindex)
{
	__u32 first = ifindex & (IFACE_TABLE - 1);

	for (int i = 0; i < IFACE_PROBES; i++) {
		volatile struct iface_entry *entry = &placement.ifaces[first + i];

		if (entry->ifindex == ifindex)
			return (struct interface){ entry->slot & (IFACE_SLOTS - 1), entry->l2_len };
	}
	return (struct interface){ IFACE_UNLISTED, ETH_HLEN };
}

static __always_inline void add(__u64 *cell, __u64 n, bool atomic)
{
	if (atomic)
		__sync_fetch_and_add(cell, n);
	else
		*cell += n;
}

static __always_inline void add_counter(struct counter *counter, const struct sighting *sighting,
					bool atomic)
{
	add(&counter->packets, sighting->packets, atomic);
	add(&counter->bytes, sighting->bytes, atomic);
}

static __always_inline __u32 find_segment(__u32 transport, __u16 port)
{
	__u16 entry =
		segment_of.page[transport & (SEGMENT_TRANSPORTS - 1)][port >> SEGMENT_PAGE_SHIFT];

	if (entry & SEGMENT_SPLIT)
		entry = segment_of.split[entry & (SEGMENT_SPLITS - 1)]
					[port & (SEGMENT_PAGE_PORTS - 1)];
	return entry & (SEGMENTS_MAX - 1);
}

static __always_inline void count_port(struct port_block *block, struct tally *tally,
				       __u32 transport, enum side side,
				       const struct sighting *sighting, __u32 port, bool atomic)
{
	__u32 segment;

	/* 5.10 forgets that a swapped __u16 is below 65,536: say it where clang cannot undo it. */
	asm volatile("%0 &= 0xffff" : "+r"(port));
	add_counter(&block->side[side][sighting->direction & 1][port], sighting, atomic);
	segment = find_segment(transport, port);
	if (segment != SEGMENT_NONE)
		add_counter(&tally->segments[side][sighting->direction & 1][segment], sighting,
			    atomic);
}

static __always_inline void count_handshake(struct tally *tally, const struct packet *packet,
					    __u32 direction, __u64 packets, bool atomic)
{
	__u8 flags = packet->tcp_flags & (TCP_FLAG_BYTE_SYN | TCP_FLAG_BYTE_ACK);
	__u32 port = direction == DIR_IN ? packet->dest : packet->source;

	asm volatile("%0 &= 0xffff" : "+r"(port));
	if (direction == DIR_IN && flags == TCP_FLAG_BYTE_SYN)
		add(&tally->attempts[port], packets, atomic);
	else if (direction == DIR_OUT && flags == (TCP_FLAG_BYTE_SYN | TCP_FLAG_BYTE_ACK))
		add(&tally->answers[port], packets, atomic);
}

static __always_inline void count_in_row(const struct packet *packet,
					 const struct sighting *sighting, __u32 slot, __u32 row,
					 bool atomic)
{
	__u32 direction = sighting->direction & 1, key = row;
	struct tally *tally = bpf_map_lookup_elem(&tallies, &key);
	struct port_block *block;
	__u64 *buckets;
	__u16 local, peer;

	if (!tally)
		return;
	buckets = tally->ifaces[slot & (IFACE_SLOTS - 1)].packets[direction];
	add(&buckets[BUCKET_SEEN], sighting->packets, atomic);
	add(&buckets[packet->bucket & 15], sighting->packets, atomic);
	if (packet->bucket != BUCKET_PORTED)
		return;

	key = PORT_BLOCK_SCTP;
	if (packet->transport == TRANSPORT_SCTP)
		atomic = true;
	else
		key = PORT_BLOCK_KEY(row, packet->transport);
	block = bpf_map_lookup_elem(&ports, &key);
	if (!block)
		return;
	local = direction == DIR_IN ? packet->dest : packet->source;
	peer = direction == DIR_IN ? packet->source : packet->dest;
	count_port(block, tally, packet->transport, SIDE_LOCAL, sighting, local, atomic);
	if (!config.local_only)
		count_port(block, tally, packet->transport, SIDE_PEER, sighting, peer, atomic);
	if (packet->tcp_flags & TCP_FLAG_BYTE_SYN)
		count_handshake(tally, packet, direction, sighting->packets, atomic);
}

/* Out of line: the rows that several CPUs may write at once are the rare case. */
static __noinline int count_shared(const struct packet *packet, const struct sighting *sighting,
				   __u32 slot, __u32 row)
{
	count_in_row(packet, sighting, slot, row, true);
	return 0;
}

static __always_inline void count(const struct packet *packet, const struct sighting *sighting,
				  __u32 slot)
{
	__u32 row = placement.row[bpf_get_smp_processor_id() & (CPUS_MAX - 1)];

	if (config.parse_only)
		return;
	if (config.all_atomic || row == config.shared_row)
		count_shared(packet, sighting, slot, row);
	else
		count_in_row(packet, sighting, slot, row, false);
}

#endif
