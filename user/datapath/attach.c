/*
 * Attaching and upgrading in place: the order of steps that keeps every
 * packet counted once and leaves something sound wherever a kill falls. Each
 * step is recorded in meta or in a pin before the next one depends on it.
 */
#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/internal.h"
#include "datapath/respan.h"
#include "datapath/slots.h"
#include "registry/local.h"
#include "render/text.h"
#include "util/cleanup.h"
#include "util/system.h"

/* One call of datapath_attach(). */
struct attaching {
	const struct attach_options *options;
	struct datapath *datapath;
	struct device_list devices;
	struct segment_plan plan;
	struct attach_report report;
	bool exists;	 /* pinned counting was there before */
	bool made_place; /* none was: what is pinned now is this call's */
	struct {
		uint16_t slot;
		uint8_t direction;
	} added[IFACE_SLOTS * DIR_COUNT]; /* hooks of this call, to be taken back */
	size_t added_count;
	bool fresh[IFACE_SLOTS]; /* slots of this call */
	struct fault *fault;
};

/* ---- which interfaces ---- */

static int mark_named(struct attaching *attaching)
{
	for (size_t i = 0; i < attaching->devices.count; i++)
		attaching->devices.devices[i].chosen = false;
	for (size_t i = 0; i < attaching->options->interface_count; i++) {
		const char *name = attaching->options->interfaces[i];
		struct device *device = device_by_name(&attaching->devices, name);

		if (!device)
			return fault_set(attaching->fault, -ENODEV,
					 "no interface '%s' here (see: ip link)", name);
		if (device_l2_len(device) < 0)
			return fault_set(
				attaching->fault, -EAFNOSUPPORT,
				"cannot count on '%s': its link layer (ARP type %u) is not "
				"one portscribe can read",
				name, device->type);
		device->chosen = true;
	}
	return 0;
}

static int choose_devices(struct attaching *attaching)
{
	int error = device_list_read(&attaching->devices, attaching->fault);

	if (error)
		return error;
	if (attaching->options->interfaces)
		return mark_named(attaching);
	if (!device_choose(&attaching->devices))
		return fault_set(
			attaching->fault, -ENODEV,
			"no interface to count on by default (no physical, virtio, veth or "
			"tap device here); name one with -i");
	return 0;
}

/* ---- maps ---- */

/* Which CPUs get a row: those online; one more row for those that may come. */
static int make_shape(const struct attaching *attaching, struct meta *shape)
{
	const struct attach_options *options = attaching->options;
	_cleanup_free_ uint32_t *cpus = calloc(CPUS_MAX, sizeof(*cpus));
	int online, possible;

	if (!cpus)
		return -ENOMEM;
	possible = cpus_read("possible", cpus, CPUS_MAX);
	online = cpus_read("online", cpus, CPUS_MAX);
	if (online <= 0 || possible <= 0)
		return fault_set(attaching->fault, -EIO, "cannot read which CPUs are online");
	if (options->own_rows && options->own_rows < (unsigned int)online)
		online = options->own_rows;
	shape->rows = online + (possible > online);
	shape->shared_row = possible > online ? (uint32_t)online : UINT32_MAX;
	shape->local_only = options->local_only;
	return 0;
}

static int check_memory(const struct attaching *attaching, const struct meta *shape)
{
	uint64_t needed = datapath_memory(shape->rows, shape->local_only);
	uint64_t limit = attaching->options->memory_limit ?: memory_limit_default();
	uint64_t mib = 1 << 20;
	char has[32];

	if (needed <= limit)
		return 0;
	return fault_set(
		attaching->fault, -ENOMEM,
		"counting would take %llu MiB (%u rows), more than the %s%s; allow it with "
		"--memory %lluM%s",
		(unsigned long long)((needed + mib - 1) / mib), shape->rows,
		text_bytes(has, sizeof(has), limit),
		attaching->options->memory_limit ? " of --memory" : " that need no asking",
		(unsigned long long)((needed + mib - 1) / mib),
		shape->local_only ? "" : ", or halve it with --local-only");
}

static int place_cpus(struct datapath *datapath)
{
	_cleanup_free_ uint32_t *cpus = calloc(CPUS_MAX, sizeof(*cpus));
	uint32_t shared = datapath->meta->shared_row;
	int online;

	if (!cpus)
		return -ENOMEM;
	online = cpus_read("online", cpus, CPUS_MAX);
	for (int cpu = 0; cpu < CPUS_MAX; cpu++)
		datapath->placement->row[cpu] = shared == UINT32_MAX ? 0 : shared;
	for (int row = 0; row < online; row++)
		if ((uint32_t)row != shared && (uint32_t)row < datapath->meta->rows)
			datapath->placement->row[cpus[row]] = row;
	return 0;
}

static int make_meta(struct attaching *attaching, const struct meta *shape)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	struct datapath *datapath = attaching->datapath;
	_cleanup_free_ struct meta *meta = calloc(1, sizeof(*meta));
	struct netns_id id;
	uint32_t key = 0;

	if (!meta)
		return -ENOMEM;
	if (netns_identify(&id))
		return -errno;
	*meta = (struct meta){
		.magic = META_MAGIC,
		.layout = COUNTERS_LAYOUT,
		.size = sizeof(*meta),
		.rows = shape->rows,
		.shared_row = shape->shared_row,
		.local_only = shape->local_only,
		.since_ns = now_realtime_ns(),
		.netns_cookie = id.cookie,
		.netns_inode = id.inode,
		.plan = attaching->plan,
	};
	snprintf(meta->netns_name, sizeof(meta->netns_name), "%s", attaching->options->netns_name);
	respan_store(meta, attaching->options->spans);
	datapath->fds[MAP_META] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ps_meta", sizeof(key),
						 sizeof(*meta), 1, &options);
	if (datapath->fds[MAP_META] < 0)
		return -errno;
	return bpf_map_update_elem(datapath->fds[MAP_META], &key, meta, BPF_ANY) ? -errno : 0;
}

static int write_segments(struct attaching *attaching)
{
	_cleanup_free_ struct segment_table *table = calloc(1, sizeof(*table));
	uint32_t key = 0;
	int error;

	if (!table)
		return -ENOMEM;
	error = segment_table_make(&attaching->plan, table);
	if (error == -ENOSPC)
		fault_set(attaching->fault, error,
			  "too many spans for the kernel's table; leave out some of those "
			  "in " LOCAL_DIRECTORY);
	if (error)
		return error;
	return bpf_map_update_elem(attaching->datapath->fds[MAP_SEGMENTS], &key, table, BPF_ANY)
		       ? -errno
		       : 0;
}

static int pin_map(struct attaching *attaching, enum map_id map, const char *name)
{
	struct pin_path path = pins_path(&attaching->datapath->pins, "%s", name);

	unlink(path.text);
	if (bpf_obj_pin(attaching->datapath->fds[map], path.text))
		return fault_set(attaching->fault, -errno, "cannot pin '%s': %s", path.text,
				 strerror(errno));
	return 0;
}

/* Loads programs with maps of their own. meta is pinned last: it makes the rest valid. */
static int begin_counting(struct attaching *attaching, unsigned int programs)
{
	struct datapath *datapath = attaching->datapath;
	_cleanup_free_ struct meta *shape = calloc(1, sizeof(*shape));
	int error = shape ? make_shape(attaching, shape) : -ENOMEM;

	if (!error)
		error = check_memory(attaching, shape);
	if (!error)
		error = datapath_load(datapath, programs, shape, attaching->fault);
	if (!error)
		error = make_meta(attaching, shape);
	if (!error)
		error = datapath_map(datapath);
	if (!error)
		error = place_cpus(datapath);
	if (!error)
		error = write_segments(attaching);
	for (int map = 0; map < MAP_COUNT && !error && datapath_is_pinned(datapath); map++)
		error = pin_map(attaching, map, map_pin_names[map]);
	attaching->report.created = true;
	return error;
}

/* Loads programs over the maps that count already; new spans get a segment map of their own. */
static int continue_counting(struct attaching *attaching, unsigned int programs)
{
	struct datapath *datapath = attaching->datapath;
	int error;

	if (attaching->options->local_only && !datapath->meta->local_only)
		return fault_set(attaching->fault, -EBUSY,
				 "counting already, with peer ports; to count without them, "
				 "`portscribe detach` first (the counts end)");
	if (attaching->report.respanned) {
		cleanup_close(&datapath->fds[MAP_SEGMENTS]);
		datapath->fds[MAP_SEGMENTS] = -1;
		datapath->meta->next = attaching->plan;
	}
	error = datapath_load(datapath, programs, datapath->meta, attaching->fault);
	if (!error && attaching->report.respanned)
		error = write_segments(attaching);
	if (!error && attaching->report.respanned)
		error = pin_map(attaching, MAP_SEGMENTS, "segments-next");
	return error;
}

/* ---- hooks ---- */

static int program_for(const struct datapath *datapath, enum hook hook, int direction)
{
	if (hook == HOOK_XDP_NATIVE || hook == HOOK_XDP_GENERIC)
		return datapath->programs[PROGRAM_XDP];
	return datapath->programs[direction == DIR_IN ? PROGRAM_IN : PROGRAM_OUT];
}

static int upgrade_link(struct attaching *attaching, const struct meta_iface *iface, int direction)
{
	struct datapath *datapath = attaching->datapath;
	struct pin_path path = datapath_link_pin(datapath, iface->ifindex, direction);
	int program = program_for(datapath, iface->hooks[direction].hook, direction);
	_cleanup_close_ int link = bpf_obj_get(path.text);
	uint32_t old_program, ifindex;
	int error;

	if (link < 0)
		return errno == ENOENT ? -ENOLINK : -errno;
	error = hook_link_info(link, &old_program, &ifindex);
	if (!error && ifindex && bpf_link_update(link, program, NULL))
		error = -errno;
	if (!error && ifindex)
		return 0;
	if (error && error != -ENOLINK)
		return error;
	unlink(path.text); /* the device went; the link only remembers it */
	return -ENOLINK;
}

static int upgrade_filter(struct attaching *attaching, struct meta_iface *iface, int direction)
{
	struct clsact_filter filter =
		datapath_filter(attaching->datapath, &iface->hooks[direction]);

	if (!hook_clsact_program(iface->ifindex, direction, &filter))
		return -ENOLINK;
	return hook_attach_clsact(program_for(attaching->datapath, HOOK_CLSACT, direction),
				  iface->ifindex, direction, &filter);
}

/* Swap the programs of all hooks. A hook that is gone is recorded so. */
static int upgrade_hooks(struct attaching *attaching)
{
	struct meta *meta = attaching->datapath->meta;

	for (int slot = 1; slot < IFACE_SLOTS; slot++) {
		struct meta_iface *iface = &meta->ifaces[slot];
		bool upgraded = false;

		for (int direction = 0; iface->ifindex && direction < DIR_COUNT; direction++) {
			struct meta_hook *hook = &iface->hooks[direction];
			int error;

			if (hook->hook == HOOK_NONE)
				continue;
			error = hook->hook == HOOK_CLSACT
					? upgrade_filter(attaching, iface, direction)
					: upgrade_link(attaching, iface, direction);
			if (error == -ENOLINK) {
				*hook = (struct meta_hook){};
				continue;
			}
			if (error)
				return fault_set(attaching->fault, error,
						 "cannot upgrade the program on '%s': %s",
						 iface->name, strerror(-error));
			upgraded = true;
		}
		attaching->report.upgraded += upgraded;
	}
	return 0;
}

static int keep_link(struct attaching *attaching, int slot, int direction, int link)
{
	struct datapath *datapath = attaching->datapath;
	struct pin_path path;

	if (!datapath_is_pinned(datapath)) {
		datapath->links[slot][direction] = link;
		return 0;
	}
	path = datapath_link_pin(datapath, datapath->meta->ifaces[slot].ifindex, direction);
	unlink(path.text);
	if (bpf_obj_pin(link, path.text)) {
		int error = -errno;

		close(link);
		return fault_set(attaching->fault, error, "cannot pin '%s': %s", path.text,
				 strerror(-error));
	}
	close(link);
	return 0;
}

static int attach_filter(struct attaching *attaching, int slot, int direction)
{
	struct datapath *datapath = attaching->datapath;
	struct meta_iface *iface = &datapath->meta->ifaces[slot];
	struct clsact_filter filter = { datapath->filter_handle, 0 };
	int error, made;
	bool noted;

	error = datapath_is_pinned(datapath) ? 0 : datapath_guard(datapath);
	if (error)
		return error;
	/* Noted before it is made: a kill in between must not leave one that nobody claims. */
	noted = !hook_has_clsact(iface->ifindex);
	if (noted)
		iface->made_qdisc = 1;
	made = hook_make_clsact(iface->ifindex);
	if (noted && made <= 0)
		iface->made_qdisc = 0; /* somebody else was faster */
	if (made < 0)
		return made;
	/* One that an attach left behind when it was killed before recording it. */
	error = hook_sweep_clsact(iface->ifindex, direction, filter.handle);
	if (error >= 0)
		error = hook_attach_clsact(program_for(datapath, HOOK_CLSACT, direction),
					   iface->ifindex, direction, &filter);
	if (!error)
		iface->hooks[direction] =
			(struct meta_hook){ .hook = HOOK_CLSACT, .priority = filter.priority };
	return error;
}

static int explain_xdp(const struct attaching *attaching, const struct device *device, int error)
{
	if (error == -EBUSY || error == -EEXIST)
		return fault_set(attaching->fault, error,
				 "cannot attach XDP to '%s': another XDP program (id %u) is there; "
				 "count at tc instead, without --xdp",
				 device->name, device->xdp_program);
	if (error == -EOPNOTSUPP)
		return fault_set(
			attaching->fault, error,
			"cannot attach XDP to '%s': its driver has no native XDP; count at "
			"tc instead, without --xdp (or --xdp=generic, which is slower)",
			device->name);
	return fault_set(attaching->fault, error,
			 "cannot attach XDP to '%s': %s%s; count at tc instead, without --xdp",
			 device->name, strerror(-error),
			 error == -ERANGE ? " (the MTU is too large for this driver)" : "");
}

static int attach_hook(struct attaching *attaching, const struct device *device, int slot,
		       int direction)
{
	struct datapath *datapath = attaching->datapath;
	struct meta_hook *hook = &datapath->meta->ifaces[slot].hooks[direction];
	const struct attach_options *options = attaching->options;
	int link = -EINVAL, error;

	if (direction == DIR_IN && options->xdp != XDP_OFF) {
		if (!device_l2_len(device))
			return fault_set(attaching->fault, -EOPNOTSUPP,
					 "cannot attach XDP to '%s': its frames have no Ethernet "
					 "header; count at tc instead, without --xdp",
					 device->name);
		link = hook_attach_xdp(datapath->programs[PROGRAM_XDP], device->ifindex,
				       options->xdp == XDP_IN_STACK);
		if (link < 0)
			return explain_xdp(attaching, device, link);
		hook->hook = options->xdp == XDP_IN_STACK ? HOOK_XDP_GENERIC : HOOK_XDP_NATIVE;
		return keep_link(attaching, slot, direction, link);
	}
	if (!options->clsact)
		link = hook_attach_tcx(program_for(datapath, HOOK_TCX, direction), device->ifindex,
				       direction);
	if (link >= 0) {
		hook->hook = HOOK_TCX;
		return keep_link(attaching, slot, direction, link);
	}
	/* Kernels before 6.6 answer EINVAL to tcx. */
	error = link == -EINVAL ? attach_filter(attaching, slot, direction) : link;
	if (error)
		return fault_set(attaching->fault, error, "cannot attach to '%s': %s", device->name,
				 strerror(-error));
	return 0;
}

/* What was asked for must not be taken for done where another hook counts already. */
static int refuse_other_hook(const struct attaching *attaching, const struct meta_iface *iface)
{
	const struct attach_options *options = attaching->options;
	enum hook in = iface->hooks[DIR_IN].hook, out = iface->hooks[DIR_OUT].hook, now = in;
	bool other = false;

	if (options->xdp != XDP_OFF && in != HOOK_NONE)
		other = in != (options->xdp == XDP_IN_STACK ? HOOK_XDP_GENERIC : HOOK_XDP_NATIVE);
	if (!other && options->clsact && out != HOOK_NONE) {
		other = out != HOOK_CLSACT;
		now = out;
	}
	if (!other)
		return 0;
	return fault_set(attaching->fault, -EBUSY,
			 "'%s' is counted at %s already; to count it at another hook, first "
			 "`portscribe detach -i %s`",
			 iface->name, hook_name(now), iface->name);
}

static int attach_device(struct attaching *attaching, const struct device *device)
{
	struct datapath *datapath = attaching->datapath;
	bool added = false, fresh;
	int slot = slot_take(datapath, device, &fresh, attaching->fault), error;

	if (slot < 0)
		return slot;
	attaching->fresh[slot] = fresh;
	error = refuse_other_hook(attaching, &datapath->meta->ifaces[slot]);
	/* On loopback every packet leaves and arrives: one direction counts it once. */
	for (int direction = 0; direction < DIR_COUNT && !error; direction++) {
		if (datapath->meta->ifaces[slot].hooks[direction].hook != HOOK_NONE ||
		    (direction == DIR_OUT && device->type == ARPHRD_LOOPBACK))
			continue;
		attaching->added[attaching->added_count].slot = slot;
		attaching->added[attaching->added_count++].direction = direction;
		added = true;
		error = attach_hook(attaching, device, slot, direction);
	}
	attaching->report.added += added && !error;
	return error;
}

/* Undo what this call attached since there were @keep hooks. Counts of before stay. */
static void take_back(struct attaching *attaching, size_t keep)
{
	struct datapath *datapath = attaching->datapath;

	while (attaching->added_count > keep) {
		int slot = attaching->added[--attaching->added_count].slot;

		datapath_drop_hook(datapath, slot,
				   attaching->added[attaching->added_count].direction);
		if (attaching->fresh[slot] && !slot_is_attached(&datapath->meta->ifaces[slot]))
			slot_drop(datapath, slot);
	}
}

/*
 * Devices come and go while we attach. One that was not named and is gone by now
 * is no reason to leave the others uncounted.
 */
static int attach_devices(struct attaching *attaching)
{
	for (size_t i = 0; i < attaching->devices.count; i++) {
		struct device *device = &attaching->devices.devices[i];
		size_t before = attaching->added_count;
		int error = device->chosen ? attach_device(attaching, device) : 0;

		if ((error == -ENODEV || error == -ENXIO) && !attaching->options->interfaces) {
			take_back(attaching, before);
			continue;
		}
		if (error) {
			take_back(attaching, 0);
			return error;
		}
	}
	if (!attaching->report.added && attaching->report.created)
		return fault_set(
			attaching->fault, -ENODEV,
			"every interface to count on went away while attaching; try again");
	attaching->fault->text[0] = '\0';
	return 0;
}

static unsigned int programs_needed(const struct attaching *attaching)
{
	const struct meta *meta = attaching->exists ? attaching->datapath->meta : NULL;
	unsigned int programs = 1 << PROGRAM_OUT;

	programs |= 1 << (attaching->options->xdp == XDP_OFF ? PROGRAM_IN : PROGRAM_XDP);
	for (int slot = 1; meta && slot < IFACE_SLOTS; slot++) {
		switch (meta->ifaces[slot].hooks[DIR_IN].hook) {
		case HOOK_TCX:
		case HOOK_CLSACT: programs |= 1 << PROGRAM_IN; break;
		case HOOK_XDP_NATIVE:
		case HOOK_XDP_GENERIC: programs |= 1 << PROGRAM_XDP; break;
		}
	}
	return programs;
}

static int open_place(struct attaching *attaching)
{
	struct datapath *datapath = attaching->datapath;
	struct netns_id id;
	int error = netns_identify(&id);

	if (error)
		return error;
	if (!attaching->options->pinned) {
		datapath->filter_handle = FILTER_HANDLE_UNPINNED(getpid());
		return 0;
	}
	error = pins_open(&id, PINS_CREATE, &datapath->pins, attaching->fault);
	if (error)
		return error;
	error = datapath_open_pins(datapath, attaching->fault);
	attaching->exists = !error;
	if (error != -ENOENT)
		return error;
	/* What a detach left that was killed half-way. */
	attaching->made_place = true;
	return pins_clear(&datapath->pins, attaching->fault);
}

static int finish_spans(struct attaching *attaching)
{
	struct datapath *datapath = attaching->datapath;
	struct pin_path from, to;

	if (!attaching->exists || !attaching->report.respanned) {
		/* Same borders, perhaps other names. */
		respan_store(datapath->meta, attaching->options->spans);
		return 0;
	}
	from = pins_path(&datapath->pins, "segments-next");
	to = pins_path(&datapath->pins, "%s", map_pin_names[MAP_SEGMENTS]);
	if (rename(from.text, to.text))
		return fault_set(attaching->fault, -errno, "cannot rename '%s': %s", from.text,
				 strerror(errno));
	attaching->report.residue = respan_finish(datapath, attaching->options->spans);
	return 0;
}

static int attach_steps(struct attaching *attaching)
{
	unsigned int programs;
	char missing[128];
	int error;

	if (capabilities_missing(DATAPATH_CAPABILITIES, missing, sizeof(missing)))
		return fault_set(attaching->fault, -EPERM, "cannot attach: this needs %s; try sudo",
				 missing);
	error = open_place(attaching);
	if (!error)
		error = choose_devices(attaching);
	if (!error)
		error = respan_plan(attaching->exists ? attaching->datapath->meta : NULL,
				    attaching->options->spans, &attaching->plan,
				    &attaching->report.respanned, attaching->fault);
	if (error)
		return error;
	programs = programs_needed(attaching);
	error = attaching->exists ? continue_counting(attaching, programs)
				  : begin_counting(attaching, programs);
	if (!error && attaching->exists)
		error = upgrade_hooks(attaching);
	if (error)
		return error;
	error = attach_devices(attaching);
	return error ? error : finish_spans(attaching);
}

int datapath_attach(const struct attach_options *options, struct datapath **ret_datapath,
		    struct attach_report *ret_report, struct fault *fault)
{
	_cleanup_free_ struct attaching *attaching = calloc(1, sizeof(*attaching));
	struct fault own = {};
	int error;

	if (!attaching)
		return -ENOMEM;
	attaching->options = options;
	attaching->fault = &own;
	attaching->datapath = datapath_new();
	if (!attaching->datapath)
		return -ENOMEM;
	error = attach_steps(attaching);
	device_list_release(&attaching->devices);
	if (error) {
		if (!own.text[0])
			fault_set(&own, error, "cannot attach: %s", strerror(-error));
		if (attaching->made_place)
			pins_remove(&attaching->datapath->pins, NULL);
		datapath_close(attaching->datapath);
		if (fault)
			*fault = own;
		return error;
	}
	attaching->report.memory = datapath_memory(attaching->datapath->meta->rows,
						   attaching->datapath->meta->local_only);
	attaching->report.respanned &= attaching->exists;
	*ret_report = attaching->report;
	if (ret_datapath)
		*ret_datapath = attaching->datapath;
	else
		datapath_close(attaching->datapath);
	return 0;
}

int datapath_open(struct datapath **ret_datapath, struct fault *fault)
{
	struct datapath *datapath = datapath_new();
	struct netns_id id;
	int error = datapath ? netns_identify(&id) : -ENOMEM;

	if (!error)
		error = pins_open(&id, PINS_READ, &datapath->pins, fault);
	if (!error)
		error = datapath_open_pins(datapath, fault);
	if (error) {
		if (error == -EIO)
			fault_set(fault, error,
				  "cannot tell the network namespace: "
				  "/proc/self/ns/net cannot be read (is /proc mounted?)");
		datapath_close(datapath);
		return error;
	}
	/* Looking takes no lock: the maps stay sound while others attach. */
	pins_close(&datapath->pins);
	*ret_datapath = datapath;
	return 0;
}
