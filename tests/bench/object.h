/*
 * A BPF object made ready to be measured: counters for every CPU, interface 1
 * (lo, where BPF_PROG_TEST_RUN pretends to be) listed, the shipped spans in the segment table.
 * Apart from user/datapath/, which loads the one object that is built in.
 */
#ifndef PORTSCRIBE_BENCH_OBJECT_H
#define PORTSCRIBE_BENCH_OBJECT_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "counters.h"
#include "datapath/segments.h"
#include "util/cleanup.h"

/* Where layouts.bpf.c has it: a segment for each port, in one step. */
struct flat_segments {
	__u16 port[SEGMENT_TRANSPORTS][PORT_COUNT];
};

static inline int object_fill_placement(int map)
{
	_cleanup_free_ struct placement *placement = calloc(1, sizeof(*placement));
	__u32 key = 0;

	if (!placement)
		return -ENOMEM;
	for (int cpu = 0; cpu < CPUS_MAX; cpu++)
		placement->row[cpu] = cpu;
	placement->ifaces[1] = (struct iface_entry){ .ifindex = 1, .slot = 1, .l2_len = 14 };
	return bpf_map_update_elem(map, &key, placement, BPF_ANY);
}

static inline int object_fill_segments(int map, bool flat)
{
	_cleanup_free_ struct segment_table *table = calloc(1, sizeof(*table));
	_cleanup_free_ struct flat_segments *by_port = calloc(1, sizeof(*by_port));
	_cleanup_free_ struct segment_plan *plan = calloc(1, sizeof(*plan));
	struct span_list spans = {};
	__u32 key = 0;
	int error;

	if (!table || !by_port || !plan)
		return -ENOMEM;
	error = span_list_builtin(&spans);
	if (!error)
		error = segment_plan_make(&spans, NULL, plan);
	if (!error)
		error = segment_table_make(plan, table);
	span_list_release(&spans);
	if (error)
		return error;
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
		for (int port = 0; port < PORT_COUNT; port++)
			by_port->port[transport][port] = segment_table_find(table, transport, port);
	return bpf_map_update_elem(map, &key, flat ? (void *)by_port : table, BPF_ANY);
}

/* xdp-filter: let every port match, for both transports, as destination. */
static inline int object_fill_filter(int map)
{
	__u64 flags[1024];

	for (size_t cpu = 0; cpu < 1024; cpu++)
		flags[cpu] = 2 | 4 | 8;
	for (__u32 port = 0; port < PORT_COUNT; port++)
		if (bpf_map_update_elem(map, &port, flags, BPF_ANY))
			return -errno;
	return 0;
}

static inline bool object_map_is(const struct bpf_map *map, const char *name)
{
	const char *have = bpf_map__name(map);
	size_t length = strlen(have), wanted = strlen(name);

	return length >= wanted && !strcmp(have + length - wanted, name);
}

static inline int object_set_maps(struct bpf_object *object, bool parse_only)
{
	struct bpf_map *map;
	int rows = libbpf_num_possible_cpus(), error = 0;

	bpf_object__for_each_map (map, object) {
		bpf_map__set_pin_path(map, NULL);
		if (bpf_map__max_entries(map) == 1 && object_map_is(map, "ports"))
			error = bpf_map__set_max_entries(map, PORT_BLOCKS(rows));
		else if (bpf_map__max_entries(map) == 1 && object_map_is(map, "tallies"))
			error = bpf_map__set_max_entries(map, rows);
		else if (object_map_is(map, "xdp_stats_map"))
			error = bpf_map__set_max_entries(map, 5); /* XDP's verdicts */
		else if (object_map_is(map, ".rodata")) {
			size_t size;
			struct counter_config *config;
			const void *now = bpf_map__initial_value(map, &size);

			if (!now || size < sizeof(*config))
				continue; /* not ours */
			/* The compiler's constants may follow the one variable. */
			config = malloc(size);
			if (!config)
				return -ENOMEM;
			memcpy(config, now, size);
			config->shared_row = (__u32)-1;
			config->parse_only = parse_only;
			error = bpf_map__set_initial_value(map, config, size);
			free(config);
		}
		if (error)
			return error;
	}
	return 0;
}

/* Load the one program @program (NULL: the first) of the object at @path. NULL: said why. */
static inline struct bpf_object *object_load(const char *path, const char *program, bool parse_only,
					     int *ret_program)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *each, *wanted = NULL;
	struct bpf_map *map;
	int error = object ? 0 : -errno;

	if (!error)
		bpf_object__for_each_program (each, object) {
			bool is_it = program ? !strcmp(bpf_program__name(each), program) : !wanted;

			bpf_program__set_autoload(each, is_it);
			if (is_it)
				wanted = each;
		}
	if (!error && !wanted)
		error = -ENOENT;
	if (!error)
		error = object_set_maps(object, parse_only);
	if (!error)
		error = bpf_object__load(object);
	if (!error)
		bpf_object__for_each_map (map, object) {
			int fd = bpf_map__fd(map);

			if (object_map_is(map, ".data.placement"))
				error = object_fill_placement(fd);
			else if (object_map_is(map, ".data.segments"))
				error = object_fill_segments(fd, false);
			else if (object_map_is(map, ".data.flat"))
				error = object_fill_segments(fd, true);
			else if (object_map_is(map, "filter_ports"))
				error = object_fill_filter(fd);
			if (error)
				break;
		}
	if (error) {
		fprintf(stderr, "cannot load '%s' of '%s': %s\n", program ?: "the program", path,
			strerror(-error));
		bpf_object__close(object);
		return NULL;
	}
	*ret_program = bpf_program__fd(wanted);
	return object;
}

#endif
