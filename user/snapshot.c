/* See snapshot.h. */
#include <errno.h>
#include <stdlib.h>

#include "snapshot.h"
#include "util/cleanup.h"

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

int snapshot_new(struct snapshot **ret_snapshot)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot)
		return -ENOMEM;
	snapshot->attempts = calloc(PORT_COUNT, sizeof(*snapshot->attempts));
	snapshot->answers = calloc(PORT_COUNT, sizeof(*snapshot->answers));
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		snapshot->ports[transport] = calloc(1, sizeof(struct port_block));
		if (!snapshot->ports[transport])
			goto no_memory;
	}
	if (!snapshot->attempts || !snapshot->answers)
		goto no_memory;
	*ret_snapshot = snapshot;
	return 0;

no_memory:
	snapshot_free(snapshot);
	return -ENOMEM;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
		free(snapshot->ports[transport]);
	free(snapshot->attempts);
	free(snapshot->answers);
	free(snapshot->ifaces);
	free(snapshot->spans);
	free(snapshot);
}
