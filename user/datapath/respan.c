/* See respan.h. */
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "datapath/respan.h"
#include "registry/local.h"
#include "util/cleanup.h"

#define STANDSTILL_TRIES 2000

int respan_plan(const struct meta *meta, const struct span_list *spans,
		struct segment_plan *ret_plan, bool *ret_changed, struct fault *fault)
{
	_cleanup_free_ struct segment_plan *plan = calloc(1, sizeof(*plan));
	bool taken[SEGMENTS_MAX] = {};
	int error;

	if (!plan)
		return -ENOMEM;
	for (uint32_t i = 0; meta && i < meta->plan.count; i++)
		taken[meta->plan.segments[i].id] = true;
	for (uint32_t i = 0; meta && i < meta->next.count; i++)
		taken[meta->next.segments[i].id] = true;
	error = segment_plan_make(spans, taken, plan);
	if (!error && spans->count > META_SPANS_MAX)
		error = -ENOSPC;
	if (error)
		return fault_set(fault, error,
				 "too many spans: %zu, with more borders than the %d the kernel's "
				 "half can tell apart; leave out some of those in " LOCAL_DIRECTORY,
				 spans->count, SEGMENTS_MAX);
	*ret_changed = !meta || meta->next.count || meta->sequence % 2 ||
		       !segment_plan_equal(plan, &meta->plan);
	*ret_plan = *plan;
	return 0;
}

void respan_store(struct meta *meta, const struct span_list *spans)
{
	meta->span_count = spans->count;
	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->spans[i];

		meta->spans[i] = (struct meta_span){ .first = span->first,
						     .last = span->last,
						     .transport = span->transport };
		memcpy(meta->spans[i].name, span->name, sizeof(meta->spans[i].name));
	}
}

static void add_counter(struct counter *sum, const struct counter *counter)
{
	sum->packets += counter->packets;
	sum->bytes += counter->bytes;
}

struct counter datapath_port(const struct datapath *datapath, enum transport transport,
			     enum side side, enum direction direction, uint16_t port)
{
	uint32_t rows = transport == TRANSPORT_SCTP ? 1 : datapath->meta->rows;
	struct counter sum = {};

	if (side == SIDE_PEER && datapath->meta->local_only)
		return sum;
	for (uint32_t row = 0; row < rows; row++) {
		uint32_t key = transport == TRANSPORT_SCTP ? PORT_BLOCK_SCTP
							   : PORT_BLOCK_KEY(row, transport);
		const struct port_block *block =
			(const void *)(datapath->ports + key * datapath->block_size);

		add_counter(&sum, &block->side[side][direction][port]);
	}
	return sum;
}

static struct counter segment_count(const struct datapath *datapath, uint16_t id, int side,
				    int direction)
{
	struct counter sum = {};

	for (uint32_t row = 0; row < datapath->meta->rows; row++)
		add_counter(&sum, &datapath->tallies[row].segments[side][direction][id]);
	return sum;
}

/*
 * base = ports - segment does not change once every program counts both, so one
 * reading during which the segment stood still tells it. Under traffic that
 * never pauses, the nearest reading is taken and its doubt returned.
 */
static uint64_t find_base(const struct datapath *datapath, const struct segment *segment, int side,
			  int direction, struct counter *ret_base)
{
	uint64_t doubt = UINT64_MAX;

	for (int attempt = 0; attempt < STANDSTILL_TRIES && doubt; attempt++) {
		struct counter before = segment_count(datapath, segment->id, side, direction);
		struct counter sum = {}, after;

		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		for (unsigned int port = segment->first; port <= segment->last; port++) {
			struct counter one =
				datapath_port(datapath, segment->transport, side, direction, port);

			add_counter(&sum, &one);
		}
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		after = segment_count(datapath, segment->id, side, direction);
		if (after.packets - before.packets < doubt) {
			doubt = after.packets - before.packets;
			ret_base->packets = sum.packets - before.packets;
			ret_base->bytes = sum.bytes - before.bytes;
		}
	}
	return doubt;
}

/* Ids that are free must be zero, for whoever gets them next. */
static void clear_free_segments(struct datapath *datapath, const struct segment_plan *plan)
{
	bool used[SEGMENTS_MAX] = {};

	for (uint32_t i = 0; i < plan->count; i++)
		used[plan->segments[i].id] = true;
	for (int id = 0; id < SEGMENTS_MAX; id++) {
		if (used[id])
			continue;
		for (int side = 0; side < SIDE_COUNT; side++)
			for (int direction = 0; direction < DIR_COUNT; direction++) {
				for (uint32_t row = 0; row < datapath->meta->rows; row++)
					datapath->tallies[row].segments[side][direction][id] =
						(struct counter){};
				datapath->meta->base[side][direction][id] = (struct counter){};
			}
	}
}

uint64_t respan_finish(struct datapath *datapath, const struct span_list *spans)
{
	struct meta *meta = datapath->meta;
	uint64_t doubt = 0;

	/* A global membarrier waits for an RCU grace period: replaced programs have ended. */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	for (uint32_t i = 0; i < meta->next.count; i++) {
		const struct segment *segment = &meta->next.segments[i];

		for (int side = 0; side < SIDE_COUNT; side++)
			for (int direction = 0; direction < DIR_COUNT; direction++)
				doubt += find_base(datapath, segment, side, direction,
						   &meta->base[side][direction][segment->id]);
	}
	/* Readers that come now take the sums of ports. */
	__atomic_store_n(&meta->sequence, meta->sequence | 1, __ATOMIC_SEQ_CST);
	clear_free_segments(datapath, &meta->next);
	meta->plan = meta->next;
	respan_store(meta, spans);
	meta->next.count = 0;
	__atomic_store_n(&meta->sequence, meta->sequence + 1, __ATOMIC_SEQ_CST);
	return doubt;
}
