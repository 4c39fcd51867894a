/*
 * One program on one interface and direction, by tcx link, clsact filter or
 * XDP link; and what others have there. The only place that knows how the three
 * differ. Works in the current network namespace.
 */
#ifndef PORTSCRIBE_HOOKS_H
#define PORTSCRIBE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ports.h"

/* tcx, first in the chain. A link's descriptor, owned by the caller; -EINVAL before kernel 6.6. */
int hook_attach_tcx(int program, uint32_t ifindex, enum direction direction);

/* XDP. A link's descriptor; -EBUSY: another program is there; -EOPNOTSUPP: the driver has none. */
int hook_attach_xdp(int program, uint32_t ifindex, bool generic);

/* Whether the device has a clsact (or ingress) qdisc, whoever made it. */
bool hook_has_clsact(uint32_t ifindex);

/*
 * The clsact qdisc that filters need. 1: made now; 0: was there; or -errno.
 */
int hook_make_clsact(uint32_t ifindex);

/* A filter of ours in clsact: the handle tells whose it is, the priority its place. */
struct clsact_filter {
	uint32_t handle;
	uint32_t priority; /* 0: not attached yet */
};

#define FILTER_HANDLE_PINNED	    0x7073 /* "ps" */
#define FILTER_HANDLE_UNPINNED(pid) (0x70000000u | (uint32_t)(pid))

/*
 * Attach @filter, first in the chain where its priority is 0; then the kernel's
 * choice is stored there. Otherwise replaces it in one step. 0 or -errno.
 */
int hook_attach_clsact(int program, uint32_t ifindex, enum direction direction,
		       struct clsact_filter *filter);

/* The id of the program in @filter; 0 where it is gone or is not by us. */
uint32_t hook_clsact_program(uint32_t ifindex, enum direction direction,
			     const struct clsact_filter *filter);

/* Remove @filter. 0, also where it is gone already; or -errno. */
int hook_detach_clsact(uint32_t ifindex, enum direction direction,
		       const struct clsact_filter *filter);

/* Remove every filter of ours with @handle, whatever its priority. How many; or -errno. */
int hook_sweep_clsact(uint32_t ifindex, enum direction direction, uint32_t handle);

/*
 * Remove the clsact qdisc if no filter is left in it. 1: removed; 0: not empty,
 * left; or -errno.
 */
int hook_remove_empty_clsact(uint32_t ifindex);

/* A program of somebody else that runs on a packet before ours does. */
struct hook_foreign {
	uint32_t id; /* of the BPF program; 0 for a filter that is not BPF */
	char name[32];
	const char *hook; /* "xdp", "tcx", "clsact" */
};

/*
 * Those before ours on @ifindex. @ours: the id of our program, at tcx; or
 * @priority, not 0: that of our filter, at clsact. @xdp_program: id of the XDP
 * program on the device where it is not ours, else 0. At most @size are stored.
 * Returns how many there are, or -errno.
 */
int hook_list_before(uint32_t ifindex, enum direction direction, uint32_t ours, uint32_t priority,
		     uint32_t xdp_program, struct hook_foreign *ret_programs, size_t size);

/* Facts of a link by descriptor. -errno; *ret_ifindex is 0 for a device that is gone. */
int hook_link_info(int link, uint32_t *ret_program, uint32_t *ret_ifindex);

#endif
