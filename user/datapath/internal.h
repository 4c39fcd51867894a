/*
 * What the files of datapath/ share: the maps of one counting, opened or loaded.
 */
#ifndef PORTSCRIBE_DATAPATH_INTERNAL_H
#define PORTSCRIBE_DATAPATH_INTERNAL_H

#include "datapath/datapath.h"
#include "datapath/meta.h"
#include "datapath/pins.h"

enum map_id {
	MAP_PORTS,
	MAP_TALLIES,
	MAP_PLACEMENT,
	MAP_SEGMENTS,
	MAP_META,
	MAP_COUNT,
};

extern const char *const map_pin_names[MAP_COUNT];

enum program_id {
	PROGRAM_IN,
	PROGRAM_OUT,
	PROGRAM_XDP,
	PROGRAM_COUNT,
};

struct counter_bpf;

struct datapath {
	struct pins pins; /* lock -1 and path "" where unpinned */
	int fds[MAP_COUNT];

	/* The maps' memory. ports: PORT_BLOCKS(rows) blocks of block_size bytes. */
	char *ports;
	struct tally *tallies;
	struct placement *placement;
	struct meta *meta;
	size_t block_size;

	struct counter_bpf *skeleton; /* NULL when opened to look */
	int programs[PROGRAM_COUNT];  /* borrowed from the skeleton; -1: not loaded */

	uint32_t filter_handle; /* of our clsact filters */

	/* Unpinned: links by slot; and who cleans up behind clsact filters, see guard.c. */
	int links[IFACE_SLOTS][DIR_COUNT];
	int guard_pipe;
	int guard;
};

/*
 * Filters, unlike links, outlive the process that attached them. Start a process
 * that removes those of an unpinned counting when ours has ended, however it
 * ended. Call before the first filter. 0 or -errno; again: 0.
 */
int datapath_guard(struct datapath *datapath);

/* Our hooks are gone: the guard may go, too. */
void datapath_unguard(struct datapath *datapath);

bool datapath_is_pinned(const struct datapath *datapath);
struct pin_path datapath_link_pin(const struct datapath *datapath, uint32_t ifindex, int direction);
struct clsact_filter datapath_filter(const struct datapath *datapath, const struct meta_hook *hook);

/*
 * Detach one hook, and the clsact qdisc that we made when nothing is left in it.
 * 1: that qdisc had to stay; 0; or -errno.
 */
int datapath_drop_hook(struct datapath *datapath, int slot, int direction);

/* Take back every hook of an unpinned counting. */
void datapath_drop_hooks(struct datapath *datapath);

/* An empty datapath, every descriptor -1. NULL: no memory. */
struct datapath *datapath_new(void);

/* Map the maps of @datapath->fds into memory. 0 or -errno. */
int datapath_map(struct datapath *datapath);

/* Open pinned maps and check that they are of our layout. 0, -ENOENT, -errno. */
int datapath_open_pins(struct datapath *datapath, struct fault *fault);

/*
 * Load the programs that @programs asks for (bits by program_id), with maps of
 * their own, or with those whose descriptors are set already. @rows and
 * @shared_row as in struct meta. 0 or -errno.
 */
int datapath_load(struct datapath *datapath, unsigned int programs, const struct meta *shape,
		  struct fault *fault);

uint64_t now_realtime_ns(void);

#endif
