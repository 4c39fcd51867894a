/*
 * Making, opening and mapping the maps, and loading the programs over them.
 * Apart from attach.c: nothing here touches an interface.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "counters.h"
#include "counter.skel.h"
#include "datapath/internal.h"
#include "util/cleanup.h"
#include "util/system.h"

const char *const map_pin_names[MAP_COUNT] = {
	[MAP_PORTS] = "ports",	     [MAP_TALLIES] = "tallies", [MAP_PLACEMENT] = "placement",
	[MAP_SEGMENTS] = "segments", [MAP_META] = "meta",
};

bool datapath_is_pinned(const struct datapath *datapath)
{
	return datapath->pins.path[0];
}

struct pin_path datapath_link_pin(const struct datapath *datapath, uint32_t ifindex, int direction)
{
	static const char *const names[DIR_COUNT] = { "in", "out" };

	return pins_path(&datapath->pins, "link-%u-%s", ifindex, names[direction]);
}

struct clsact_filter datapath_filter(const struct datapath *datapath, const struct meta_hook *hook)
{
	return (struct clsact_filter){ datapath->filter_handle, hook->priority };
}

uint64_t now_realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* libbpf speaks to stderr on its own; keep its last warning for a fault instead. */
static __thread char libbpf_says[512];

static int keep_warning(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN)
		vsnprintf(libbpf_says, sizeof(libbpf_says), format, arguments);
	return 0;
}

struct datapath *datapath_new(void)
{
	struct datapath *datapath = calloc(1, sizeof(*datapath));

	if (!datapath)
		return NULL;
	libbpf_set_print(keep_warning);
	datapath->pins.lock = -1;
	datapath->filter_handle = FILTER_HANDLE_PINNED;
	datapath->guard_pipe = -1;
	for (int i = 0; i < MAP_COUNT; i++)
		datapath->fds[i] = -1;
	for (int i = 0; i < PROGRAM_COUNT; i++)
		datapath->programs[i] = -1;
	for (int slot = 0; slot < IFACE_SLOTS; slot++)
		for (int direction = 0; direction < DIR_COUNT; direction++)
			datapath->links[slot][direction] = -1;
	return datapath;
}

static size_t ports_size(const struct datapath *datapath)
{
	return PORT_BLOCKS(datapath->meta->rows) * datapath->block_size;
}

static void unmap(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

void datapath_close(struct datapath *datapath)
{
	if (!datapath)
		return;
	if (datapath->meta && datapath->filter_handle != FILTER_HANDLE_PINNED)
		datapath_drop_hooks(datapath);
	datapath_unguard(datapath);
	if (datapath->meta) {
		unmap(datapath->ports, ports_size(datapath));
		unmap(datapath->tallies, datapath->meta->rows * sizeof(struct tally));
	}
	unmap(datapath->placement, sizeof(*datapath->placement));
	unmap(datapath->meta, sizeof(*datapath->meta));
	for (int slot = 0; slot < IFACE_SLOTS; slot++)
		for (int direction = 0; direction < DIR_COUNT; direction++)
			cleanup_close(&datapath->links[slot][direction]);
	counter_bpf__destroy(datapath->skeleton);
	for (int i = 0; i < MAP_COUNT; i++)
		cleanup_close(&datapath->fds[i]);
	pins_close(&datapath->pins);
	free(datapath);
}

static void *map_memory(int fd, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

int datapath_map(struct datapath *datapath)
{
	if (!datapath->meta)
		datapath->meta = map_memory(datapath->fds[MAP_META], sizeof(struct meta));
	if (!datapath->meta)
		return -errno;
	datapath->block_size =
		datapath->meta->local_only ? PORT_BLOCK_LOCAL_ONLY : sizeof(struct port_block);
	if (!datapath->ports)
		datapath->ports = map_memory(datapath->fds[MAP_PORTS], ports_size(datapath));
	if (!datapath->tallies)
		datapath->tallies = map_memory(datapath->fds[MAP_TALLIES],
					       datapath->meta->rows * sizeof(struct tally));
	if (!datapath->placement)
		datapath->placement =
			map_memory(datapath->fds[MAP_PLACEMENT], sizeof(struct placement));
	return datapath->ports && datapath->tallies && datapath->placement ? 0 : -errno;
}

static bool map_has_shape(int fd, uint32_t value_size, uint32_t entries)
{
	struct bpf_map_info info = {};
	__u32 length = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &length) && info.type == BPF_MAP_TYPE_ARRAY &&
	       info.key_size == 4 && info.value_size == value_size && info.max_entries == entries;
}

static int refuse_layout(const struct datapath *datapath, const char *what, struct fault *fault)
{
	return fault_set(fault, -EPROTO,
			 "the counters pinned in '%s' are of another version of portscribe (%s); "
			 "use that version, or end its counting with `portscribe detach`",
			 datapath->pins.path, what);
}

static int check_shape(const struct datapath *datapath, struct fault *fault)
{
	const struct meta *meta = datapath->meta;
	char what[64];

	if (meta->magic != META_MAGIC || meta->size != sizeof(*meta) ||
	    meta->layout != COUNTERS_LAYOUT) {
		snprintf(what, sizeof(what), "layout %u, this one has %u", meta->layout,
			 COUNTERS_LAYOUT);
		return refuse_layout(datapath, meta->magic == META_MAGIC ? what : "unknown", fault);
	}
	if (!meta->rows || meta->rows > CPUS_MAX + 1 ||
	    !map_has_shape(datapath->fds[MAP_PORTS],
			   meta->local_only ? PORT_BLOCK_LOCAL_ONLY : sizeof(struct port_block),
			   PORT_BLOCKS(meta->rows)) ||
	    !map_has_shape(datapath->fds[MAP_TALLIES], sizeof(struct tally), meta->rows) ||
	    !map_has_shape(datapath->fds[MAP_PLACEMENT], sizeof(struct placement), 1) ||
	    !map_has_shape(datapath->fds[MAP_SEGMENTS], sizeof(struct segment_table), 1))
		return refuse_layout(datapath, "maps of another size", fault);
	return 0;
}

int datapath_open_pins(struct datapath *datapath, struct fault *fault)
{
	int error;

	for (int i = MAP_COUNT - 1; i >= 0; i--) {
		struct pin_path path = pins_path(&datapath->pins, "%s", map_pin_names[i]);

		datapath->fds[i] = bpf_obj_get(path.text);
		if (datapath->fds[i] >= 0)
			continue;
		error = -errno;
		if (error == -ENOENT && i == MAP_META)
			return -ENOENT; /* pinned last, removed first: without it there is nothing
					 */
		if (error == -ENOENT)
			return fault_set(fault, -EPROTO,
					 "'%s' is missing: the counters in '%s' are half removed; "
					 "`portscribe detach` removes the rest",
					 map_pin_names[i], datapath->pins.path);
		return fault_set(fault, error, "cannot open the pinned map '%s': %s%s", path.text,
				 strerror(-error),
				 error == -EPERM ? " (needs CAP_BPF; try sudo)" : "");
	}
	/* The size decides whether the first fields may be read at all. */
	if (!map_has_shape(datapath->fds[MAP_META], sizeof(struct meta), 1))
		return refuse_layout(datapath, "its description has another size", fault);
	datapath->meta = map_memory(datapath->fds[MAP_META], sizeof(struct meta));
	if (!datapath->meta)
		return fault_set(fault, -errno, "cannot map the counters: %s", strerror(errno));
	error = check_shape(datapath, fault);
	if (error) {
		munmap(datapath->meta, sizeof(struct meta));
		datapath->meta = NULL;
		return error;
	}
	error = datapath_map(datapath);
	return error ? fault_set(fault, error, "cannot map the counters: %s", strerror(-error)) : 0;
}

static int explain_load(int error, struct fault *fault)
{
	char missing[128];
	size_t length = strcspn(libbpf_says, "\n");

	if (capabilities_missing(DATAPATH_CAPABILITIES, missing, sizeof(missing)))
		return fault_set(fault, error,
				 "cannot load the counting program: %s (needs %s; try sudo)",
				 strerror(-error), missing);
	if (!kernel_at_least(5, 10))
		return fault_set(fault, error,
				 "cannot load the counting program: %s (needs Linux 5.10 or newer)",
				 strerror(-error));
	return fault_set(fault, error, "cannot load the counting program: %s%s%.*s",
			 strerror(-error), length ? ": " : "", (int)length, libbpf_says);
}

static int set_shape(struct counter_bpf *skeleton, const struct meta *shape)
{
	struct counter_config *config = (struct counter_config *)&skeleton->rodata->config;
	int error;

	*config = (struct counter_config){
		.shared_row = shape->shared_row,
		.all_atomic = kernel_is_realtime(),
		.local_only = shape->local_only,
	};
	error = bpf_map__set_max_entries(skeleton->maps.ports, PORT_BLOCKS(shape->rows));
	if (!error)
		error = bpf_map__set_max_entries(skeleton->maps.tallies, shape->rows);
	if (!error && shape->local_only)
		error = bpf_map__set_value_size(skeleton->maps.ports, PORT_BLOCK_LOCAL_ONLY);
	return error;
}

static int load_skeleton(struct datapath *datapath, unsigned int programs, bool frags,
			 const struct meta *shape)
{
	struct counter_bpf *skeleton = counter_bpf__open();
	struct bpf_map *maps[MAP_META];
	int error;

	if (!skeleton)
		return -errno;
	maps[MAP_PORTS] = skeleton->maps.ports;
	maps[MAP_TALLIES] = skeleton->maps.tallies;
	maps[MAP_PLACEMENT] = skeleton->maps.data_placement;
	maps[MAP_SEGMENTS] = skeleton->maps.data_segments;

	error = set_shape(skeleton, shape);
	for (int i = 0; i < MAP_META && !error; i++)
		if (datapath->fds[i] >= 0)
			error = bpf_map__reuse_fd(maps[i], datapath->fds[i]);
	bpf_program__set_autoload(skeleton->progs.portscribe_in, programs & 1 << PROGRAM_IN);
	bpf_program__set_autoload(skeleton->progs.portscribe_out, programs & 1 << PROGRAM_OUT);
	bpf_program__set_autoload(skeleton->progs.portscribe_xdp,
				  !frags && (programs & 1 << PROGRAM_XDP));
	bpf_program__set_autoload(skeleton->progs.portscribe_xdpf,
				  frags && (programs & 1 << PROGRAM_XDP));
	if (!error)
		error = counter_bpf__load(skeleton);
	for (int i = 0; i < MAP_META && !error; i++) {
		if (datapath->fds[i] >= 0)
			continue;
		datapath->fds[i] = fcntl(bpf_map__fd(maps[i]), F_DUPFD_CLOEXEC, 3);
		if (datapath->fds[i] < 0)
			error = -errno;
	}
	if (error) {
		counter_bpf__destroy(skeleton);
		return error;
	}
	datapath->skeleton = skeleton;
	datapath->programs[PROGRAM_IN] = bpf_program__fd(skeleton->progs.portscribe_in);
	datapath->programs[PROGRAM_OUT] = bpf_program__fd(skeleton->progs.portscribe_out);
	datapath->programs[PROGRAM_XDP] = bpf_program__fd(frags ? skeleton->progs.portscribe_xdpf
								: skeleton->progs.portscribe_xdp);
	return 0;
}

int datapath_load(struct datapath *datapath, unsigned int programs, const struct meta *shape,
		  struct fault *fault)
{
	bool frags = (programs & 1 << PROGRAM_XDP) && kernel_at_least(5, 18);
	int error;

	libbpf_says[0] = '\0';
	error = load_skeleton(datapath, programs, frags, shape);
	if (error == -EINVAL && frags) /* a kernel that says it is newer than it is */
		error = load_skeleton(datapath, programs, false, shape);
	return error ? explain_load(error, fault) : 0;
}

uint64_t datapath_memory(unsigned int rows, bool local_only)
{
	uint64_t block = local_only ? PORT_BLOCK_LOCAL_ONLY : sizeof(struct port_block);

	return PORT_BLOCKS(rows) * block + rows * sizeof(struct tally) + sizeof(struct placement) +
	       sizeof(struct segment_table) + sizeof(struct meta);
}

uint64_t memory_limit_default(void)
{
	uint64_t share = memory_total() / 50, least = 64ULL << 20;

	return share > least ? share : least;
}
