/*
 * All counters at one moment, as plain numbers: summed over the kernel's rows
 * and free of any map. The datapath fills it; join and render read it. Pure.
 */
#ifndef PORTSCRIBE_SNAPSHOT_H
#define PORTSCRIBE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "counters.h"
#include "registry/spans.h"

enum hook {
	HOOK_NONE,
	HOOK_TCX,    /* tc by link, kernel 6.6 and newer */
	HOOK_CLSACT, /* tc by filter in a clsact qdisc */
	HOOK_XDP_NATIVE,
	HOOK_XDP_GENERIC,
};

/* "tcx", "clsact", "xdp-native", "xdp-generic", "none". */
const char *hook_name(enum hook hook);

/* "fragment", "icmp" ...: the words of JSON and of the screen. */
const char *bucket_name(enum bucket bucket);

struct snapshot_iface {
	uint32_t ifindex; /* 0: the slot for interfaces that are not listed */
	char name[64]; /* as now; "" where the interface is gone. May hold any byte but 0 and / */
	enum hook hook[DIR_COUNT];
	struct timespec since; /* CLOCK_REALTIME */
	uint64_t packets[DIR_COUNT][BUCKET_COUNT];
};

struct snapshot_span {
	struct span span; /* label and source are not filled: "" */
	struct counter count[SIDE_COUNT][DIR_COUNT];
};

struct snapshot {
	struct timespec since; /* when counting began, CLOCK_REALTIME */
	struct timespec taken;
	uint64_t netns_cookie;			   /* 0 where the kernel has none (before 5.14) */
	bool local_only;			   /* then the peer side is all zero */
	struct port_block *ports[TRANSPORT_COUNT]; /* in @arena */
	void *arena;				   /* snapshot.c's */
	uint64_t *attempts, *answers;		   /* [PORT_COUNT], tcp, local */
	struct snapshot_iface *ifaces;
	size_t iface_count;
	struct snapshot_span *spans;
	size_t span_count;
};

static inline struct counter snapshot_port(const struct snapshot *snapshot,
					   enum transport transport, enum side side,
					   enum direction direction, uint16_t port)
{
	return snapshot->ports[transport]->side[side][direction][port];
}

/* All arrays zero; @sparse: a few ports will be filled, not all. 0 or -ENOMEM. */
int snapshot_new(bool sparse, struct snapshot **ret_snapshot);
void snapshot_free(struct snapshot *snapshot);

#endif
