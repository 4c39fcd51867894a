/*
 * Looking at counters and hooks without changing either. Reading is plain loads
 * from shared memory: no system call a counter, no lock.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <bpf/bpf.h>

#include "datapath/internal.h"
#include "datapath/respan.h"
#include "util/cleanup.h"

static struct timespec from_ns(uint64_t ns)
{
	return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
}

static void add_block(uint64_t *restrict sum, const uint64_t *restrict row, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sum[i] += row[i];
}

/*
 * As add_block(), for tables that are mostly zero: a cache line without counts
 * is read and not written, and pages without any are never touched. @count is a
 * multiple of a line's words.
 */
#define LINE_WORDS 8

static void add_sparse(uint64_t *restrict sum, const uint64_t *restrict row, size_t count)
{
	for (size_t at = 0; at < count; at += LINE_WORDS) {
		uint64_t any = 0;

		for (size_t i = 0; i < LINE_WORDS; i++)
			any |= row[at + i];
		if (any)
			add_block(sum + at, row + at, LINE_WORDS);
	}
}

static void read_ports(const struct datapath *datapath, struct snapshot *snapshot)
{
	size_t words = datapath->block_size / sizeof(uint64_t);

	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		bool shared = transport == TRANSPORT_SCTP;

		for (uint32_t row = 0; row < (shared ? 1 : datapath->meta->rows); row++) {
			uint32_t key = shared ? PORT_BLOCK_SCTP : PORT_BLOCK_KEY(row, transport);
			const char *block = datapath->ports + key * datapath->block_size;

			add_sparse((uint64_t *)snapshot->ports[transport], (const uint64_t *)block,
				   words);
		}
	}
}

static uint32_t program_of_link(const struct datapath *datapath, int slot, int direction)
{
	uint32_t program = 0, ifindex = 0;
	_cleanup_close_ int opened = -1;
	int link = datapath->links[slot][direction];

	if (datapath->pins.path[0]) {
		static const char *const names[DIR_COUNT] = { "in", "out" };
		struct pin_path path =
			pins_path(&datapath->pins, "link-%u-%s",
				  datapath->meta->ifaces[slot].ifindex, names[direction]);

		link = opened = bpf_obj_get(path.text);
	}
	if (link < 0 || hook_link_info(link, &program, &ifindex) || !ifindex)
		return 0;
	return program;
}

static uint32_t program_of_hook(const struct datapath *datapath, int slot, int direction)
{
	const struct meta_iface *iface = &datapath->meta->ifaces[slot];
	struct clsact_filter filter = { datapath->filter_handle, iface->hooks[direction].priority };

	if (iface->hooks[direction].hook == HOOK_NONE)
		return 0;
	return iface->hooks[direction].hook == HOOK_CLSACT
		       ? hook_clsact_program(iface->ifindex, direction, &filter)
		       : program_of_link(datapath, slot, direction);
}

static bool slot_lives(const struct datapath *datapath, int slot)
{
	return program_of_hook(datapath, slot, DIR_IN) || program_of_hook(datapath, slot, DIR_OUT);
}

static int read_ifaces(const struct datapath *datapath, struct snapshot *snapshot)
{
	const struct meta *meta = datapath->meta;

	snapshot->ifaces = calloc(IFACE_SLOTS, sizeof(*snapshot->ifaces));
	if (!snapshot->ifaces)
		return -ENOMEM;
	for (int slot = 0; slot < IFACE_SLOTS; slot++) {
		struct snapshot_iface *iface = &snapshot->ifaces[snapshot->iface_count];
		uint64_t seen = 0;

		if (slot && !meta->ifaces[slot].ifindex)
			continue;
		*iface = (struct snapshot_iface){
			.ifindex = meta->ifaces[slot].ifindex,
			.since = from_ns(slot ? meta->ifaces[slot].since_ns : meta->since_ns)
		};
		/* Renamed since? A device that is gone keeps the name it had. */
		if (!slot_lives(datapath, slot) || !if_indextoname(iface->ifindex, iface->name))
			memcpy(iface->name, meta->ifaces[slot].name, sizeof(iface->name));
		for (int direction = 0; direction < DIR_COUNT; direction++) {
			iface->hook[direction] = meta->ifaces[slot].hooks[direction].hook;
			for (uint32_t row = 0; row < meta->rows; row++)
				add_block(iface->packets[direction],
					  (const uint64_t *)datapath->tallies[row]
						  .ifaces[slot]
						  .packets[direction],
					  BUCKET_COUNT);
			if (!slot)
				add_block(iface->packets[direction],
					  (const uint64_t *)meta->folded.packets[direction],
					  BUCKET_COUNT);
			seen += iface->packets[direction][BUCKET_SEEN];
		}
		/* The slot of unlisted interfaces is shown when something fell into it. */
		if (slot || seen)
			snapshot->iface_count++;
	}
	return 0;
}

static void add_to(struct counter *sum, struct counter counter)
{
	sum->packets += counter.packets;
	sum->bytes += counter.bytes;
}

static void sum_segments(const struct datapath *datapath, struct snapshot_span *span, int side,
			 int direction)
{
	const struct meta *meta = datapath->meta;
	struct counter *sum = &span->count[side][direction];

	for (uint32_t i = 0; i < meta->plan.count; i++) {
		const struct segment *segment = &meta->plan.segments[i];

		if (segment->transport != span->span.transport ||
		    segment->first < span->span.first || segment->last > span->span.last)
			continue;
		add_to(sum, meta->base[side][direction][segment->id]);
		for (uint32_t row = 0; row < meta->rows; row++)
			add_to(sum, datapath->tallies[row].segments[side][direction][segment->id]);
	}
}

/* While an attach that changes spans is under way, or was killed, ports are the truth. */
static void sum_ports(const struct datapath *datapath, struct snapshot_span *span, int side,
		      int direction)
{
	for (unsigned int port = span->span.first; port <= span->span.last; port++)
		add_to(&span->count[side][direction],
		       datapath_port(datapath, span->span.transport, side, direction, port));
}

static int read_spans_once(const struct datapath *datapath, struct snapshot *snapshot)
{
	const struct meta *meta = datapath->meta;
	bool changing = __atomic_load_n(&meta->next.count, __ATOMIC_ACQUIRE) ||
			__atomic_load_n(&meta->sequence, __ATOMIC_ACQUIRE) % 2;

	free(snapshot->spans);
	snapshot->spans = calloc(meta->span_count + 1, sizeof(*snapshot->spans));
	if (!snapshot->spans)
		return -ENOMEM;
	snapshot->span_count = meta->span_count;
	for (uint32_t i = 0; i < meta->span_count; i++) {
		struct snapshot_span *span = &snapshot->spans[i];

		span->span = (struct span){ .first = meta->spans[i].first,
					    .last = meta->spans[i].last,
					    .transport = meta->spans[i].transport,
					    .label = "",
					    .source = "" };
		memcpy(span->span.name, meta->spans[i].name, sizeof(span->span.name));
		for (int side = 0; side < SIDE_COUNT; side++)
			for (int direction = 0; direction < DIR_COUNT; direction++)
				(changing ? sum_ports : sum_segments)(datapath, span, side,
								      direction);
	}
	return 0;
}

/* Spans that changed meanwhile are read again. */
static int read_spans(const struct datapath *datapath, struct snapshot *snapshot)
{
	const uint32_t *sequence = &datapath->meta->sequence;
	uint32_t before;
	int error;

	do {
		before = __atomic_load_n(sequence, __ATOMIC_SEQ_CST);
		error = read_spans_once(datapath, snapshot);
	} while (!error && __atomic_load_n(sequence, __ATOMIC_SEQ_CST) != before);
	return error;
}

/* A snapshot of nothing yet. */
static int begin(const struct datapath *datapath, bool sparse, struct snapshot **ret_snapshot)
{
	const struct meta *meta = datapath->meta;
	struct snapshot *snapshot;
	int error = snapshot_new(sparse, &snapshot);

	if (error)
		return error;
	snapshot->since = from_ns(meta->since_ns);
	snapshot->netns_cookie = meta->netns_cookie;
	snapshot->local_only = meta->local_only;
	clock_gettime(CLOCK_REALTIME, &snapshot->taken);
	*ret_snapshot = snapshot;
	return 0;
}

static void read_port(const struct datapath *datapath, uint16_t port, struct snapshot *snapshot)
{
	int sides = snapshot->local_only ? 1 : SIDE_COUNT;

	for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
		for (int side = 0; side < sides; side++)
			for (int direction = 0; direction < DIR_COUNT; direction++)
				snapshot->ports[transport]->side[side][direction][port] =
					datapath_port(datapath, transport, side, direction, port);
	for (uint32_t row = 0; row < datapath->meta->rows; row++) {
		snapshot->attempts[port] += datapath->tallies[row].attempts[port];
		snapshot->answers[port] += datapath->tallies[row].answers[port];
	}
}

int datapath_snapshot_ports(const struct datapath *datapath, const uint64_t wanted[PORT_COUNT / 64],
			    struct snapshot **ret_snapshot)
{
	struct snapshot *snapshot;
	int error = begin(datapath, true, &snapshot);

	if (error)
		return error;
	for (unsigned int word = 0; word < PORT_COUNT / 64; word++)
		for (uint64_t left = wanted[word]; left; left &= left - 1)
			read_port(datapath, word * 64 + __builtin_ctzll(left), snapshot);
	*ret_snapshot = snapshot;
	return 0;
}

int datapath_snapshot(const struct datapath *datapath, struct snapshot **ret_snapshot)
{
	const struct meta *meta = datapath->meta;
	struct snapshot *snapshot;
	int error = begin(datapath, false, &snapshot);

	if (error)
		return error;
	read_ports(datapath, snapshot);
	for (uint32_t row = 0; row < meta->rows; row++) {
		add_sparse(snapshot->attempts, (const uint64_t *)datapath->tallies[row].attempts,
			   PORT_COUNT);
		add_sparse(snapshot->answers, (const uint64_t *)datapath->tallies[row].answers,
			   PORT_COUNT);
	}
	error = read_ifaces(datapath, snapshot);
	if (!error)
		error = read_spans(datapath, snapshot);
	clock_gettime(CLOCK_REALTIME, &snapshot->taken);
	if (error) {
		snapshot_free(snapshot);
		return error;
	}
	*ret_snapshot = snapshot;
	return 0;
}

/* ---- what is attached ---- */

static void read_hook(const struct datapath *datapath, const struct device_list *devices, int slot,
		      int direction, struct hook_state *state)
{
	const struct meta_iface *iface = &datapath->meta->ifaces[slot];
	struct clsact_filter filter = { datapath->filter_handle, iface->hooks[direction].priority };
	const struct device *device = device_by_index(devices, iface->ifindex);
	bool clsact = iface->hooks[direction].hook == HOOK_CLSACT, xdp;
	uint32_t program;
	int count;

	state->hook = iface->hooks[direction].hook;
	if (state->hook == HOOK_NONE)
		return;
	program = program_of_hook(datapath, slot, direction);
	state->alive = program && device;
	xdp = state->hook == HOOK_XDP_NATIVE || state->hook == HOOK_XDP_GENERIC;
	if (!state->alive || xdp)
		return;
	count = hook_list_before(iface->ifindex, direction, program, clsact ? filter.priority : 0,
				 device->xdp_program, state->before,
				 sizeof(state->before) / sizeof(state->before[0]));
	state->before_count = count < 0 ? 0 : count;
}

int datapath_state_read(const struct datapath *datapath, const struct device_list *devices,
			struct datapath_state *ret_state)
{
	const struct meta *meta = datapath->meta;
	struct datapath_state state = {
		.memory = datapath_memory(meta->rows, meta->local_only),
		.since_ns = meta->since_ns,
		.rows = meta->rows,
		.own_rows = meta->rows - (meta->shared_row != UINT32_MAX),
		.local_only = meta->local_only,
		.pinned = datapath->pins.path[0],
		.span_count = meta->span_count,
	};

	memcpy(state.path, datapath->pins.path, sizeof(state.path));
	memcpy(state.netns_name, meta->netns_name, sizeof(state.netns_name));
	state.ifaces = calloc(IFACE_SLOTS, sizeof(*state.ifaces));
	if (!state.ifaces)
		return -ENOMEM;
	for (int slot = 1; slot < IFACE_SLOTS; slot++) {
		struct datapath_iface *iface = &state.ifaces[state.iface_count];
		const struct device *device;

		if (!meta->ifaces[slot].ifindex)
			continue;
		iface->ifindex = meta->ifaces[slot].ifindex;
		iface->since_ns = meta->ifaces[slot].since_ns;
		device = device_by_index(devices, iface->ifindex);
		for (int direction = 0; direction < DIR_COUNT; direction++)
			read_hook(datapath, devices, slot, direction, &iface->hooks[direction]);
		/* An index is given out again: the name is this device's only while it is counted.
		 */
		if (!iface->hooks[DIR_IN].alive && !iface->hooks[DIR_OUT].alive)
			device = NULL;
		memcpy(iface->name, device ? device->name : meta->ifaces[slot].name,
		       sizeof(iface->name));
		state.iface_count++;
	}
	*ret_state = state;
	return 0;
}

void datapath_state_release(struct datapath_state *state)
{
	free(state->ifaces);
	*state = (struct datapath_state){};
}
