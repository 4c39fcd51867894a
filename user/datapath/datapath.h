/*
 * The kernel's half as the rest of the program sees it: attach, upgrade,
 * detach, look. The only users of the BPF skeleton and of the maps are the
 * files of this directory. Everything happens in the current network namespace.
 *
 * Pinned: counting lives in bpffs and goes on without us. Unpinned: it lives in
 * a struct datapath and ends with the process, whatever ends it.
 */
#ifndef PORTSCRIBE_DATAPATH_H
#define PORTSCRIBE_DATAPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/hooks.h"
#include "net/devices.h"
#include "net/netns.h"
#include "registry/spans.h"
#include "snapshot.h"
#include "util/fault.h"

struct datapath;

/* PERFMON: packet offsets that vary (IPv4 options, IPv6 extension headers). */
#define DATAPATH_CAPABILITIES \
	(CAPABILITY(CAP_BPF) | CAPABILITY(CAP_NET_ADMIN) | CAPABILITY(CAP_PERFMON))

enum xdp_choice {
	XDP_OFF,
	XDP_IN_DRIVER, /* native */
	XDP_IN_STACK,  /* generic */
};

struct attach_options {
	const char *const *interfaces; /* NULL: device_choose() decides */
	size_t interface_count;
	enum xdp_choice xdp; /* of interfaces attached now */
	bool clsact;	     /* filters even where tcx is to be had */
	bool local_only;     /* no memory for peer ports */
	bool pinned;
	uint64_t memory_limit; /* bytes; 0: memory_limit_default() */
	const struct span_list *spans;
	const char *netns_name; /* for messages; "" where none was given */
	unsigned int own_rows;	/* CPUs with a row of their own; 0: all that are online */
};

struct attach_report {
	uint64_t memory;	/* bytes, of all maps */
	size_t added, upgraded; /* interfaces */
	bool created;		/* counting began now */
	bool respanned;		/* the spans have changed */
	/* Packets that could not be attributed when spans changed under traffic. 0 as a rule. */
	uint64_t residue;
};

/*
 * Attach to interfaces, or upgrade in place and add. Where an interface cannot
 * be attached nothing that was there before changes, and what was added in this
 * call is taken back. @ret_datapath may be NULL when pinned. 0 or -errno.
 */
int datapath_attach(const struct attach_options *options, struct datapath **ret_datapath,
		    struct attach_report *ret_report, struct fault *fault);

/* The pinned counting of this namespace. -ENOENT: none. Release with datapath_close(). */
int datapath_open(struct datapath **ret_datapath, struct fault *fault);

/* Unpinned: counting ends. Pinned: it goes on. NULL is fine. */
void datapath_close(struct datapath *datapath);

/*
 * All counters now. Not atomic: under traffic, sums may differ by packets that
 * were being counted. Release with snapshot_free(). 0 or -ENOMEM.
 */
int datapath_snapshot(const struct datapath *datapath, struct snapshot **ret_snapshot);

/*
 * The same of some ports only, one bit each in @wanted; without interfaces and
 * spans. For an answer about a port or two, it takes no time.
 */
int datapath_snapshot_ports(const struct datapath *datapath, const uint64_t wanted[PORT_COUNT / 64],
			    struct snapshot **ret_snapshot);

struct detach_report {
	size_t interfaces;  /* detached */
	size_t left_qdiscs; /* clsact qdiscs that stay: others have filters there, or made them */
	bool freeing;	    /* detached, but the kernel takes its time to free the maps */
	bool removed;	    /* the counters are gone too */
};

/*
 * Detach @interfaces, or all (NULL); with the last one the counters go too.
 * -ENOENT: nothing is attached here.
 */
int datapath_detach(const char *const *interfaces, size_t count, struct detach_report *ret_report,
		    struct fault *fault);

/* Remove what counts in namespace @id, which may have ended. 0, -ENOENT or -errno. */
int datapath_detach_netns(const struct netns_id *id, struct detach_report *ret_report,
			  struct fault *fault);

/* What holds for one interface, beyond its counters. */
struct hook_state {
	enum hook hook;
	bool alive; /* the program runs; false: somebody removed it, or the device went */
	struct hook_foreign before[8];
	size_t before_count; /* of all, also beyond the eight */
};

struct datapath_iface {
	uint32_t ifindex;
	char name[64];	   /* when attached */
	uint64_t since_ns; /* CLOCK_REALTIME */
	struct hook_state hooks[DIR_COUNT];
};

struct datapath_state {
	uint64_t memory, since_ns;
	unsigned int rows, own_rows;
	bool local_only, pinned;
	char path[128]; /* of the pins; "" where unpinned */
	char netns_name[128];
	struct datapath_iface *ifaces; /* owned */
	size_t iface_count;
	size_t span_count;
};

int datapath_state_read(const struct datapath *datapath, const struct device_list *devices,
			struct datapath_state *ret_state);
void datapath_state_release(struct datapath_state *state);

/* Bytes that attaching would take with @rows rows. */
uint64_t datapath_memory(unsigned int rows, bool local_only);

/* What attach accepts unless told otherwise: max(64 MiB, 2 % of RAM). */
uint64_t memory_limit_default(void);

#endif
