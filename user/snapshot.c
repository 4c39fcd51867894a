/* See snapshot.h. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "snapshot.h"

static const char *const hook_names[] = {
	[HOOK_NONE] = "none",
	[HOOK_TCX] = "tcx",
	[HOOK_CLSACT] = "clsact",
	[HOOK_XDP_NATIVE] = "xdp-native",
	[HOOK_XDP_GENERIC] = "xdp-generic",
};

static const char *const bucket_names[BUCKET_COUNT] = {
	[BUCKET_SEEN] = "seen", [BUCKET_PORTED] = "ported",	[BUCKET_FRAGMENT] = "fragment",
	[BUCKET_ICMP] = "icmp", [BUCKET_ICMPV6] = "icmpv6",	[BUCKET_OTHER_IP] = "other-ip",
	[BUCKET_ARP] = "arp",	[BUCKET_OTHER_L2] = "other-l2", [BUCKET_UNPARSED] = "unparsed",
};

const char *hook_name(enum hook hook)
{
	return hook_names[hook];
}

const char *bucket_name(enum bucket bucket)
{
	return bucket_names[bucket];
}

/*
 * Fresh pages, all zero, and huge ones where the kernel gives them: filling 12 MiB
 * in pages of 4 KiB costs more in page faults than in copying. Not for a few ports,
 * each of which would have 2 MiB cleared.
 */
#define HUGE_PAGE   (2UL << 20)
#define ARENA_BYTES (TRANSPORT_COUNT * sizeof(struct port_block) + HUGE_PAGE)

static int map_ports(bool sparse, struct snapshot *snapshot)
{
	uintptr_t start;
	void *arena =
		mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (arena == MAP_FAILED)
		return -ENOMEM;
	snapshot->arena = arena;
	madvise(arena, ARENA_BYTES, sparse ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	start = ((uintptr_t)arena + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
		snapshot->ports[transport] = (struct port_block *)start + transport;
	return 0;
}

int snapshot_new(bool sparse, struct snapshot **ret_snapshot)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot)
		return -ENOMEM;
	snapshot->attempts = calloc(PORT_COUNT, sizeof(*snapshot->attempts));
	snapshot->answers = calloc(PORT_COUNT, sizeof(*snapshot->answers));
	if (!snapshot->attempts || !snapshot->answers || map_ports(sparse, snapshot)) {
		snapshot_free(snapshot);
		return -ENOMEM;
	}
	*ret_snapshot = snapshot;
	return 0;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	if (snapshot->arena)
		munmap(snapshot->arena, ARENA_BYTES);
	free(snapshot->attempts);
	free(snapshot->answers);
	free(snapshot->ifaces);
	free(snapshot->spans);
	free(snapshot);
}
