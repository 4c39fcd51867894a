/*
 * Runs frames through the real programs and says which counters moved. The
 * programs are loaded as attach loads them, but unpinned and on no interface;
 * BPF_PROG_TEST_RUN stands in for one (its packets arrive on lo, index 1).
 *
 * Exactness: all counters begin at zero. After a frame, each cell it should
 * have moved must hold just that, and is set back to zero; whatever else moved
 * stays, and harness_expect_rest_zero() finds it. Cells only ever grow, so a
 * wrong add can be found late, but not missed.
 */
#ifndef PORTSCRIBE_TESTS_HARNESS_H
#define PORTSCRIBE_TESTS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "counters.h"
#include "counter.skel.h"
#include "bpf/frames.h"
#include "datapath/internal.h"
#include "datapath/respan.h"
#include "util/system.h"

#define LO	      1
#define LO_SLOT	      3
#define NO_SHARED_ROW UINT32_MAX
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The programs, and so the places where a frame can be counted. */
enum place {
	AT_TC_IN,
	AT_TC_OUT,
	AT_XDP,
	AT_XDP_FRAGS,
	PLACE_COUNT,
};

static const char *const place_names[PLACE_COUNT] = { "tc ingress", "tc egress", "xdp",
						      "xdp.frags" };

/* How the maps are made. */
struct harness_shape {
	uint32_t rows, shared_row;
	bool local_only;
	bool all_atomic;	       /* as on PREEMPT_RT */
	const struct span_list *spans; /* NULL: none */
};

struct harness {
	struct datapath *datapath;
	struct counter_bpf *beside; /* programs that datapath_load() does not load, same maps */
	struct segment_plan plan;
	int programs[PLACE_COUNT]; /* -1: this kernel has no such program */
	char doing[160];	   /* for messages */
	uint8_t *out;		   /* what came back */
	size_t out_size;
};

static inline enum direction direction_of(enum place place)
{
	return place == AT_TC_OUT ? DIR_OUT : DIR_IN;
}

/* ---- loading ---- */

static inline int harness_make_meta(struct harness *harness, const struct meta *shape)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	struct datapath *datapath = harness->datapath;
	uint32_t key = 0;

	datapath->fds[MAP_META] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "test_meta", sizeof(key),
						 sizeof(*shape), 1, &options);
	if (datapath->fds[MAP_META] < 0)
		return -errno;
	return bpf_map_update_elem(datapath->fds[MAP_META], &key, shape, BPF_ANY) ? -errno : 0;
}

/*
 * datapath_load() takes one of the two XDP programs, and atomic adds only where
 * the kernel is PREEMPT_RT. The others are loaded here, over the same maps.
 */
static inline int harness_load_beside(struct harness *harness, const struct harness_shape *shape)
{
	struct counter_bpf *beside = counter_bpf__open();
	int error;

	if (!beside)
		return -errno;
	harness->beside = beside;
	*(struct counter_config *)&beside->rodata->config = (struct counter_config){
		.shared_row = shape->shared_row,
		.all_atomic = shape->all_atomic,
		.local_only = shape->local_only,
	};
	bpf_program__set_autoload(beside->progs.portscribe_in, shape->all_atomic);
	bpf_program__set_autoload(beside->progs.portscribe_out, shape->all_atomic);
	bpf_program__set_autoload(beside->progs.portscribe_xdpf,
				  shape->all_atomic && kernel_at_least(5, 18));
	error = bpf_map__reuse_fd(beside->maps.ports, harness->datapath->fds[MAP_PORTS]);
	if (!error)
		error = bpf_map__reuse_fd(beside->maps.tallies,
					  harness->datapath->fds[MAP_TALLIES]);
	if (!error)
		error = bpf_map__reuse_fd(beside->maps.data_placement,
					  harness->datapath->fds[MAP_PLACEMENT]);
	if (!error)
		error = bpf_map__reuse_fd(beside->maps.data_segments,
					  harness->datapath->fds[MAP_SEGMENTS]);
	return error ? error : counter_bpf__load(beside);
}

static inline void harness_find_programs(struct harness *harness, bool all_atomic)
{
	struct counter_bpf *beside = harness->beside, *first = harness->datapath->skeleton;
	struct counter_bpf *skeleton = all_atomic ? beside : first;

	harness->programs[AT_TC_IN] = bpf_program__fd(skeleton->progs.portscribe_in);
	harness->programs[AT_TC_OUT] = bpf_program__fd(skeleton->progs.portscribe_out);
	harness->programs[AT_XDP] = bpf_program__fd(beside->progs.portscribe_xdp);
	harness->programs[AT_XDP_FRAGS] = bpf_program__fd(skeleton->progs.portscribe_xdpf);
}

/* By hand, not by the table that the program reads: that one is under test as well. */
static inline uint16_t harness_segment(const struct harness *harness, enum transport transport,
				       uint16_t port)
{
	for (uint32_t i = 0; i < harness->plan.count; i++) {
		const struct segment *segment = &harness->plan.segments[i];

		if (segment->transport == transport && segment->first <= port &&
		    port <= segment->last)
			return segment->id;
	}
	return SEGMENT_NONE;
}

static inline int harness_write_segments(struct harness *harness, const struct span_list *spans)
{
	struct segment_table *table = calloc(1, sizeof(*table));
	uint32_t key = 0;
	int error = table ? 0 : -ENOMEM;

	if (!error && spans)
		error = segment_plan_make(spans, NULL, &harness->plan);
	if (!error)
		error = segment_table_make(&harness->plan, table);
	if (!error &&
	    bpf_map_update_elem(harness->datapath->fds[MAP_SEGMENTS], &key, table, BPF_ANY))
		error = -errno;
	free(table);
	return error;
}

static inline void harness_place_iface(struct harness *harness, uint32_t step, uint32_t ifindex,
				       uint16_t slot, uint8_t l2_len)
{
	harness->datapath->placement->ifaces[(ifindex & (IFACE_TABLE - 1)) + step] =
		(struct iface_entry){ .ifindex = ifindex, .slot = slot, .l2_len = l2_len };
}

static inline void harness_place_cpus(struct harness *harness, uint16_t row)
{
	for (int cpu = 0; cpu < CPUS_MAX; cpu++)
		harness->datapath->placement->row[cpu] = row;
}

static inline void harness_close(struct harness *harness)
{
	counter_bpf__destroy(harness->beside);
	datapath_close(harness->datapath);
	free(harness->out);
	free(harness);
}

static inline int harness_load(struct harness *harness, const struct harness_shape *shape,
			       struct fault *fault)
{
	struct meta *meta = calloc(1, sizeof(*meta));
	int error = meta && harness->datapath && harness->out ? 0 : -ENOMEM;

	if (!error) {
		*meta = (struct meta){ .rows = shape->rows,
				       .shared_row = shape->shared_row,
				       .local_only = shape->local_only };
		error = datapath_load(harness->datapath,
				      1 << PROGRAM_IN | 1 << PROGRAM_OUT | 1 << PROGRAM_XDP, meta,
				      fault);
	}
	if (!error)
		error = harness_load_beside(harness, shape);
	if (!error)
		error = harness_make_meta(harness, meta);
	if (!error)
		error = datapath_map(harness->datapath);
	if (!error)
		error = harness_write_segments(harness, shape->spans);
	free(meta);
	return error;
}

/* Skips the test where the kernel does not let us load. */
static inline struct harness *harness_open(const struct harness_shape *shape)
{
	struct harness *harness = calloc(1, sizeof(*harness));
	struct fault fault = {};
	int error;

	assert_non_null(harness);
	harness->datapath = datapath_new();
	harness->out_size = 512 * 1024;
	harness->out = malloc(harness->out_size);
	error = harness_load(harness, shape, &fault);
	if (error == -EPERM || error == -EACCES) {
		print_message("# skipped: %s\n", fault.text[0] ? fault.text : strerror(-error));
		harness_close(harness);
		skip();
	}
	if (error)
		fail_msg("cannot load: %s (%s)", fault.text, strerror(-error));
	harness_find_programs(harness, shape->all_atomic);
	harness_place_iface(harness, 0, LO, LO_SLOT, 14);
	return harness;
}

/* ---- running ---- */

struct run {
	const void *data;
	uint32_t length;
	uint32_t ifindex; /* 0: lo */
	uint32_t gso_segs, gso_size;
	uint32_t linear; /* xdp.frags: bytes in the first buffer; 0: as many as fit */
	uint32_t repeat; /* 0: once */
};

static inline int run_program(struct harness *harness, enum place place, const struct run *run,
			      struct bpf_test_run_opts *options)
{
	struct __sk_buff skb = { .gso_segs = run->gso_segs,
				 .gso_size = run->gso_size,
				 .ifindex = run->ifindex };
	struct xdp_md xdp = { .data_end = run->linear ? run->linear : run->length,
			      .ingress_ifindex = run->ifindex };

	options->data_in = run->data;
	options->data_size_in = run->length;
	options->data_out = harness->out;
	options->data_size_out = harness->out_size;
	options->repeat = run->repeat;
	if (place <= AT_TC_OUT && (run->ifindex || run->gso_segs || run->gso_size)) {
		options->ctx_in = &skb;
		options->ctx_size_in = sizeof(skb);
	} else if (place > AT_TC_OUT && (run->ifindex || run->linear)) {
		options->ctx_in = &xdp;
		options->ctx_size_in = sizeof(xdp);
	}
	return bpf_prog_test_run_opts(harness->programs[place], options);
}

/* Run, and check what every packet is owed: it passes, unchanged. 0, or -errno of the kernel. */
static inline int harness_run(struct harness *harness, enum place place, const struct run *run)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);
	uint32_t pass = place <= AT_TC_OUT ? UINT32_MAX /* TC_ACT_UNSPEC */ : XDP_PASS;
	int error = run_program(harness, place, run, &options);

	if (error)
		return error;
	if (options.retval != pass)
		fail_msg("%s: verdict %d", harness->doing, (int)options.retval);
	if (options.data_size_out != run->length || memcmp(harness->out, run->data, run->length))
		fail_msg("%s: the frame was changed", harness->doing);
	return 0;
}

/* ---- counters ---- */

/* What one run should have moved. */
struct expect {
	enum bucket bucket;
	enum transport transport; /* this and the rest: BUCKET_PORTED only */
	uint16_t source, dest;
	uint8_t tcp_flags;
	uint64_t packets, bytes;
	uint32_t row, slot;
};

static inline void take_cell(struct harness *harness, uint64_t *cell, uint64_t expected,
			     const char *what, uint32_t index)
{
	uint64_t found = __atomic_exchange_n(cell, 0, __ATOMIC_RELAXED);

	if (found != expected)
		fail_msg("%s: %s %u counted %llu, not %llu", harness->doing, what, index,
			 (unsigned long long)found, (unsigned long long)expected);
}

static inline void take_counter(struct harness *harness, struct counter *counter,
				const struct expect *expect, const char *what, uint32_t index)
{
	char bytes[64];

	snprintf(bytes, sizeof(bytes), "bytes of %s", what);
	take_cell(harness, (uint64_t *)&counter->packets, expect->packets, what, index);
	take_cell(harness, (uint64_t *)&counter->bytes, expect->bytes, bytes, index);
}

static inline struct tally *harness_tally(struct harness *harness, uint32_t row)
{
	return &harness->datapath->tallies[row];
}

static inline struct port_block *harness_block(struct harness *harness, uint32_t row,
					       enum transport transport)
{
	uint32_t key =
		transport == TRANSPORT_SCTP ? PORT_BLOCK_SCTP : PORT_BLOCK_KEY(row, transport);

	return (struct port_block *)(harness->datapath->ports +
				     key * harness->datapath->block_size);
}

static inline void take_port(struct harness *harness, enum side side, enum direction direction,
			     uint16_t port, const struct expect *expect)
{
	uint16_t segment = harness_segment(harness, expect->transport, port);

	take_counter(harness,
		     &harness_block(harness, expect->row, expect->transport)
			      ->side[side][direction][port],
		     expect, side == SIDE_LOCAL ? "local port" : "peer port", port);
	if (segment == SEGMENT_NONE)
		return;
	take_counter(harness,
		     &harness_tally(harness, expect->row)->segments[side][direction][segment],
		     expect, side == SIDE_LOCAL ? "segment" : "peer segment", segment);
}

/* Check the cells that @expect moves, and set them back to zero. */
static inline void harness_take(struct harness *harness, enum direction direction,
				const struct expect *expect)
{
	struct tally *tally = harness_tally(harness, expect->row);
	uint64_t *buckets = (uint64_t *)tally->ifaces[expect->slot].packets[direction];
	bool in = direction == DIR_IN;

	take_cell(harness, &buckets[BUCKET_SEEN], expect->packets, "seen", expect->slot);
	take_cell(harness, &buckets[expect->bucket], expect->packets, bucket_name(expect->bucket),
		  expect->slot);
	if (expect->bucket != BUCKET_PORTED)
		return;
	take_port(harness, SIDE_LOCAL, direction, in ? expect->dest : expect->source, expect);
	if (!harness->datapath->meta->local_only)
		take_port(harness, SIDE_PEER, direction, in ? expect->source : expect->dest,
			  expect);
	if (expect->transport != TRANSPORT_TCP)
		return;
	if (in && (expect->tcp_flags & (SYN | ACK)) == SYN)
		take_cell(harness, (uint64_t *)&tally->attempts[expect->dest], expect->packets,
			  "attempts", expect->dest);
	if (!in && (expect->tcp_flags & (SYN | ACK)) == (SYN | ACK))
		take_cell(harness, (uint64_t *)&tally->answers[expect->source], expect->packets,
			  "answers", expect->source);
}

/* The first 8 bytes that are not zero; @size where all are. */
static inline size_t find_nonzero(const void *memory, size_t size)
{
	const char *bytes = memory;
	size_t at = 0;

	if (!bytes[0] && !memcmp(bytes, bytes + 1, size - 1))
		return size;
	while (!*(const uint64_t *)(bytes + at))
		at += sizeof(uint64_t);
	return at;
}

/* Every cell that nobody took: of all rows, ports and tallies alike. */
static inline void harness_expect_rest_zero(struct harness *harness)
{
	struct datapath *datapath = harness->datapath;
	size_t ports = PORT_BLOCKS(datapath->meta->rows) * datapath->block_size;
	size_t tallies = datapath->meta->rows * sizeof(struct tally);
	size_t at = find_nonzero(datapath->ports, ports);

	if (at != ports)
		fail_msg("%s: block %zu of ports moved, cell %zu in [side][direction][port]",
			 harness->doing, at / datapath->block_size,
			 at % datapath->block_size / sizeof(struct counter));
	at = find_nonzero(datapath->tallies, tallies);
	if (at != tallies)
		fail_msg("%s: row %zu of tallies moved at byte %zu", harness->doing,
			 at / sizeof(struct tally), at % sizeof(struct tally));
}

static inline void harness_zero(struct harness *harness)
{
	struct datapath *datapath = harness->datapath;

	memset(datapath->ports, 0, PORT_BLOCKS(datapath->meta->rows) * datapath->block_size);
	memset(datapath->tallies, 0, datapath->meta->rows * sizeof(struct tally));
}

#endif
