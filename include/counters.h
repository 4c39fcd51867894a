/* SPDX-License-Identifier: GPL-2.0
 *
 * The layout of every map that the kernel's half writes and the user's half
 * reads, and nothing else. All values are in host byte order. A change of
 * anything here is a change of COUNTERS_LAYOUT: pinned maps outlive programs.
 *
 * Memory: counting is dense. Each CPU that runs has a row of its own, written
 * with plain adds; one more row is shared, written with atomic adds, by CPUs
 * that came online after attaching. sctp lives in one shared block.
 */
#ifndef PORTSCRIBE_COUNTERS_H
#define PORTSCRIBE_COUNTERS_H

#include <linux/types.h>

#include "ports.h"

#define COUNTERS_LAYOUT 1

/* Packets as on the wire, bytes as L2 frames without FCS, VLAN tags included. */
struct counter {
	__u64 packets;
	__u64 bytes;
};
_Static_assert(sizeof(struct counter) == 16, "layout");

/*
 * One value of the map "ports": all ports of one transport as one row sees
 * them. Without peer ports (--local-only) the value ends after SIDE_LOCAL.
 * 4 MiB is the largest array value that kernels before 6.8 accept.
 */
struct port_block {
	struct counter side[SIDE_COUNT][DIR_COUNT][PORT_COUNT];
};
_Static_assert(sizeof(struct port_block) == 4u << 20, "layout");

#define PORT_BLOCK_LOCAL_ONLY (sizeof(struct port_block) / SIDE_COUNT)

/* Keys of "ports": block 0 is sctp, shared; then tcp and udp of each row. */
#define PORT_BLOCK_SCTP		       0
#define PORT_BLOCK_KEY(row, transport) (1 + (row)*2 + (transport))
#define PORT_BLOCKS(rows)	       (1 + (rows)*2)

/* What became of a packet. seen = ported + every bucket after it. */
enum bucket {
	BUCKET_SEEN,	 /* every packet the hook was run for */
	BUCKET_PORTED,	 /* tcp, udp, sctp with a readable port: is in "ports" */
	BUCKET_FRAGMENT, /* not the first fragment: has no ports (RFC 791, RFC 8200) */
	BUCKET_ICMP,
	BUCKET_ICMPV6,
	BUCKET_OTHER_IP, /* IP, another protocol: GRE, ESP, IGMP, UDP-Lite, DCCP ... */
	BUCKET_ARP,
	BUCKET_OTHER_L2, /* neither IP nor ARP: LLDP, STP, PPPoE, MPLS ... */
	BUCKET_UNPARSED, /* cut short, contradictory, or more headers than we walk */
	BUCKET_COUNT,
};

/*
 * An attached interface has a slot for as long as it is listed. Slot 0 takes
 * what arrives on an interface that is not (a device moved to another network
 * namespace and numbered anew there).
 */
#define IFACE_SLOTS    1024
#define IFACE_UNLISTED 0

struct iface_buckets {
	__u64 packets[DIR_COUNT][16]; /* by enum bucket; 16 keeps a direction in two lines */
};
_Static_assert(BUCKET_COUNT <= 16, "layout");

/*
 * Spans are counted by segment: the ports between two neighbouring borders of
 * any spans of one transport. So a port lies in exactly one segment however
 * many spans overlap there, and one add counts it for all of them.
 */
#define SEGMENTS_MAX 1024
#define SEGMENT_NONE 0 /* the ports that lie in no span */

/* One value of the map "tallies": everything of one row but the ports. */
struct tally {
	struct iface_buckets ifaces[IFACE_SLOTS];
	struct counter segments[SIDE_COUNT][DIR_COUNT][SEGMENTS_MAX];
	__u64 attempts[PORT_COUNT]; /* TCP SYN without ACK in, by local port */
	__u64 answers[PORT_COUNT];  /* TCP SYN with ACK out, by local port */
};
_Static_assert(sizeof(struct tally) == (256 + 64 + 1024) * 1024, "layout");

/*
 * From port to segment in two steps, so that the step most packets need stays
 * in the first-level cache: a page is 64 ports. If SEGMENT_SPLIT is set in its
 * entry, a border lies within the page and the rest of the entry says which
 * block of `split` holds the 64 answers; else the entry is the answer.
 */
#define SEGMENT_PAGE_SHIFT 6
#define SEGMENT_PAGE_PORTS (1 << SEGMENT_PAGE_SHIFT)
#define SEGMENT_PAGES	   (PORT_COUNT >> SEGMENT_PAGE_SHIFT)
#define SEGMENT_TRANSPORTS 4 /* TRANSPORT_COUNT, rounded up for a mask */
#define SEGMENT_SPLIT	   0x8000
#define SEGMENT_SPLITS	   1024 /* pages with a border inside; spans that need more are refused */

/* The global variable segment_of of the BPF object. */
struct segment_table {
	__u16 page[SEGMENT_TRANSPORTS][SEGMENT_PAGES];
	__u16 split[SEGMENT_SPLITS][SEGMENT_PAGE_PORTS];
};

/*
 * The global variable placement of the BPF object: which row a CPU writes to,
 * which slot an interface has. The interface table is open addressing on
 * ifindex with at most IFACE_PROBES steps.
 */
#define CPUS_MAX     8192 /* the largest NR_CPUS; a CPU beyond it would use the shared row */
#define IFACE_TABLE  4096
#define IFACE_PROBES 8

struct iface_entry {
	__u32 ifindex; /* 0: free */
	__u16 slot;    /* index in tally.ifaces */
	__u8 l2_len;   /* 14 (Ethernet), or 0: packets start with the IP header */
	__u8 unused;
};
_Static_assert(sizeof(struct iface_entry) == 8, "layout");

struct placement {
	__u32 zero; /* always 0, which the verifier cannot know: see forget() in bpf/parse.h */
	__u32 unused;
	__u16 row[CPUS_MAX]; /* index of the CPU's row */
	struct iface_entry ifaces[IFACE_TABLE + IFACE_PROBES];
};

/* Set before load, constant for the verifier, which drops what is switched off. */
struct counter_config {
	__u32 shared_row; /* the row that several CPUs write: atomic adds */
	__u8 all_atomic;  /* PREEMPT_RT: a program may be preempted by another on its CPU */
	__u8 local_only;  /* peer ports are not counted and have no memory */
	__u8 parse_only;  /* for measurements: parse, count nothing */
	__u8 unused;
};

#endif
