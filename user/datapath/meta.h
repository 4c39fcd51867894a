/*
 * What userspace must remember beside the counters, in a map of its own that
 * is pinned with them: when counting began, which interface has which slot and
 * hook, which segments make which span. The kernel's half never reads it.
 */
#ifndef PORTSCRIBE_META_H
#define PORTSCRIBE_META_H

#include "counters.h"
#include "datapath/segments.h"
#include "snapshot.h"

#define META_MAGIC     0x70736372 /* "pscr" */
#define META_SPANS_MAX SEGMENTS_MAX

struct meta_span {
	char name[SPAN_NAME_MAX + 1];
	uint16_t first, last;
	uint8_t transport;
	uint8_t unused[3];
};

/* A hook of ours on one interface and direction. */
struct meta_hook {
	uint8_t hook; /* enum hook; HOOK_NONE: not attached */
	uint8_t unused[3];
	uint32_t priority; /* clsact: of our filter, chosen by the kernel */
};

struct meta_iface {
	uint32_t ifindex; /* 0: slot free, never used */
	uint8_t l2_len;
	uint8_t made_qdisc; /* clsact: the qdisc was not there before us */
	uint8_t history;    /* not attached any more, its counts are kept */
	uint8_t unused;
	char name[64];	   /* when it was attached */
	uint64_t since_ns; /* CLOCK_REALTIME of its first attach */
	struct meta_hook hooks[DIR_COUNT];
};

/* The single value of the map "meta". */
struct meta {
	uint32_t magic;
	uint32_t layout; /* COUNTERS_LAYOUT of the maps beside it */
	uint32_t size;	 /* of this struct */
	uint32_t rows;	 /* rows of "tallies", the shared one included */
	uint32_t shared_row;
	uint8_t local_only;
	uint8_t unused[3];
	uint64_t since_ns; /* CLOCK_REALTIME */
	uint64_t netns_cookie;
	uint64_t netns_inode;
	char netns_name[128]; /* as given to attach; "" for the namespace it ran in */

	struct meta_iface ifaces[IFACE_SLOTS]; /* by slot */
	struct iface_buckets folded;	       /* of slots that were given to other devices */

	/*
	 * While spans change, both lists are set: `next` is what newly loaded
	 * programs count. A process killed in between leaves it so, and its ids
	 * stay taken until an attach comes through.
	 */
	struct segment_plan plan, next;
	uint32_t span_count;
	uint32_t sequence; /* odd while plan, spans and base change */
	struct meta_span spans[META_SPANS_MAX];
	/* What a segment's ports had counted before the kernel counted the segment. */
	struct counter base[SIDE_COUNT][DIR_COUNT][SEGMENTS_MAX];
};

#endif
