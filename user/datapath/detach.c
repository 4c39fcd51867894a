/*
 * Detaching: hooks first, then what is pinned, with meta as the first pin to go,
 * so that a kill half-way leaves nothing that looks whole. Touches only what is
 * ours by record, or by handle and program name.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/internal.h"
#include "datapath/slots.h"
#include "util/cleanup.h"

static bool any_hook_on(const struct meta_iface *iface, enum hook hook)
{
	return iface->hooks[DIR_IN].hook == hook || iface->hooks[DIR_OUT].hook == hook;
}

int datapath_drop_hook(struct datapath *datapath, int slot, int direction)
{
	struct meta_iface *iface = &datapath->meta->ifaces[slot];
	struct meta_hook *hook = &iface->hooks[direction];
	struct clsact_filter filter = datapath_filter(datapath, hook);
	bool clsact = hook->hook == HOOK_CLSACT;
	int error = 0;

	if (clsact) {
		error = hook_detach_clsact(iface->ifindex, direction, &filter);
	} else if (hook->hook != HOOK_NONE && datapath_is_pinned(datapath)) {
		struct pin_path path = datapath_link_pin(datapath, iface->ifindex, direction);

		if (unlink(path.text) && errno != ENOENT)
			error = -errno;
	} else if (datapath->links[slot][direction] >= 0) {
		close(datapath->links[slot][direction]);
		datapath->links[slot][direction] = -1;
	}
	if (error)
		return error;
	*hook = (struct meta_hook){};
	if (any_hook_on(iface, HOOK_CLSACT) || !iface->made_qdisc)
		return 0;
	error = hook_remove_empty_clsact(iface->ifindex);
	if (error == 1)
		iface->made_qdisc = 0;
	return error < 0 ? error : !error;
}

void datapath_drop_hooks(struct datapath *datapath)
{
	for (int slot = 1; slot < IFACE_SLOTS; slot++)
		for (int direction = 0; direction < DIR_COUNT; direction++)
			if (datapath->meta->ifaces[slot].hooks[direction].hook != HOOK_NONE)
				datapath_drop_hook(datapath, slot, direction);
}

/*
 * The kernel frees links, then programs, then maps after grace periods, some 30 ms
 * a link. Who looks right behind a detach should find nothing: wait until the
 * table is gone. False where it takes longer than it should.
 */
static bool wait_until_freed(uint32_t map_id, size_t interfaces)
{
	for (size_t i = 0; i < 400 + interfaces * 20; i++) {
		int fd = bpf_map_get_fd_by_id(map_id);

		if (fd < 0)
			return true;
		close(fd);
		usleep(5000);
	}
	return false;
}

static uint32_t id_of_map(int fd)
{
	struct bpf_map_info info = {};
	__u32 length = sizeof(info);

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &length) ? info.id : 0;
}

static int detach_slot(struct datapath *datapath, int slot, struct detach_report *report)
{
	struct meta_iface *iface = &datapath->meta->ifaces[slot];
	bool attached = false;

	for (int direction = 0; direction < DIR_COUNT; direction++) {
		int error;

		attached |= iface->hooks[direction].hook != HOOK_NONE;
		error = datapath_drop_hook(datapath, slot, direction);
		if (error < 0)
			return error;
		report->left_qdiscs += error;
	}
	report->interfaces += attached;
	if (attached)
		slot_drop(datapath, slot);
	return 0;
}

static bool anything_attached(const struct meta *meta)
{
	for (int slot = 1; slot < IFACE_SLOTS; slot++)
		if (meta->ifaces[slot].ifindex && slot_is_attached(&meta->ifaces[slot]))
			return true;
	return false;
}

/* By the index of the device that has @name now; one that is gone by the name it had. */
static int find_named(const struct meta *meta, const struct device_list *devices, const char *name)
{
	const struct device *named = device_by_name(devices, name);

	for (int slot = 1; slot < IFACE_SLOTS; slot++) {
		const struct meta_iface *iface = &meta->ifaces[slot];

		if (!iface->ifindex || !slot_is_attached(iface))
			continue;
		if (named ? iface->ifindex == named->ifindex
			  : !strcmp(iface->name, name) && !device_by_index(devices, iface->ifindex))
			return slot;
	}
	return -1;
}

static int detach_named(struct datapath *datapath, const char *name, struct detach_report *report,
			struct fault *fault)
{
	struct device_list devices;
	int error = device_list_read(&devices, fault), slot;

	if (error)
		return error;
	slot = find_named(datapath->meta, &devices, name);
	device_list_release(&devices);
	if (slot < 0)
		return fault_set(fault, -ENODEV, "'%s' is not counted (see: portscribe status)",
				 name);
	return detach_slot(datapath, slot, report);
}

/*
 * Filters hang on interfaces, not in bpffs: find ours where no record of them can
 * be read. How many interfaces had some; -errno.
 */
static int sweep_all(struct fault *fault)
{
	struct device_list devices;
	int error = device_list_read(&devices, fault), swept = 0;

	if (error)
		return error;
	for (size_t i = 0; i < devices.count; i++) {
		int found = 0;

		for (int direction = 0; direction < DIR_COUNT; direction++)
			found |= hook_sweep_clsact(devices.devices[i].ifindex, direction,
						   FILTER_HANDLE_PINNED) > 0;
		swept += found;
	}
	device_list_release(&devices);
	return swept;
}

/* No record: filters that may be there, then whatever is pinned. */
static int detach_unrecorded(struct datapath *datapath, struct detach_report *report,
			     struct fault *fault)
{
	int swept = sweep_all(fault);

	if (swept < 0)
		return swept;
	report->interfaces = swept;
	report->left_qdiscs = swept; /* who made them cannot be told */
	report->removed = true;
	return datapath_is_pinned(datapath) ? pins_remove(&datapath->pins, fault) : 0;
}

static int detach_opened(struct datapath *datapath, const char *const *interfaces, size_t count,
			 struct detach_report *report, struct fault *fault)
{
	int error = datapath_open_pins(datapath, fault);

	if ((error == -EPROTO || error == -ENOENT) && !interfaces)
		return detach_unrecorded(datapath, report, fault);
	for (int slot = 1; !error && !interfaces && slot < IFACE_SLOTS; slot++)
		if (datapath->meta->ifaces[slot].ifindex)
			error = detach_slot(datapath, slot, report);
	for (size_t i = 0; !error && i < count; i++)
		error = detach_named(datapath, interfaces[i], report, fault);
	if (error)
		return error;
	if (anything_attached(datapath->meta))
		return 0;
	report->removed = true;
	return pins_remove(&datapath->pins, fault);
}

int datapath_detach(const char *const *interfaces, size_t count, struct detach_report *ret_report,
		    struct fault *fault)
{
	struct datapath *datapath = datapath_new();
	struct detach_report report = {};
	struct fault own = {};
	struct netns_id id;
	uint32_t map = 0;
	int error = datapath ? netns_identify(&id) : -ENOMEM;

	if (!error)
		error = pins_open(&id, PINS_CHANGE, &datapath->pins, &own);
	if (!error)
		error = detach_opened(datapath, interfaces, count, &report, &own);
	else if (error == -ENOENT && !interfaces && sweep_all(NULL) > 0)
		error = detach_unrecorded(datapath, &report, &own);
	if (datapath)
		map = id_of_map(datapath->fds[MAP_TALLIES]);
	datapath_close(datapath);
	if (!error && report.removed && map)
		report.freeing = !wait_until_freed(map, report.interfaces);
	if (error && !own.text[0])
		fault_set(&own, error, "cannot detach: %s", strerror(-error));
	if (error && fault)
		*fault = own;
	if (!error)
		*ret_report = report;
	return error;
}

/*
 * A namespace that nobody we can find holds has ended, and its devices with it.
 * But filters in one that is merely out of sight would go on, and nobody could
 * find them again: then leave everything.
 */
static int check_ended(const struct netns_id *id, struct fault *fault)
{
	struct datapath *datapath = datapath_new();
	int error = datapath ? pins_open(id, PINS_READ, &datapath->pins, fault) : -ENOMEM;

	if (!error)
		error = datapath_open_pins(datapath, fault);
	for (int slot = 1; !error && slot < IFACE_SLOTS; slot++)
		if (any_hook_on(&datapath->meta->ifaces[slot], HOOK_CLSACT))
			error = fault_set(fault, -ESRCH,
					  "it has clsact filters and cannot be found below "
					  "/run/netns and /proc (attached with -N '%s'); use "
					  "`portscribe detach -N PATH`",
					  datapath->meta->netns_name);
	datapath_close(datapath);
	return error == -EPROTO || error == -ENOENT ? 0 : error;
}

/* The path that attach was given, where it still means the namespace. */
static int enter_recorded(const struct netns_id *id)
{
	struct datapath *datapath = datapath_new();
	struct netns_id here;
	int error = datapath ? pins_open(id, PINS_READ, &datapath->pins, NULL) : -ENOMEM;

	if (!error)
		error = datapath_open_pins(datapath, NULL);
	if (!error)
		error = datapath->meta->netns_name[0]
				? netns_enter(datapath->meta->netns_name, NULL)
				: -ENOENT;
	datapath_close(datapath);
	if (error || netns_identify(&here))
		return -ENOENT;
	return (id->cookie ? here.cookie == id->cookie : here.inode == id->inode) ? 0 : -ENOENT;
}

int datapath_detach_netns(const struct netns_id *id, struct detach_report *ret_report,
			  struct fault *fault)
{
	_cleanup_close_ int back = netns_remember();
	struct detach_report report = { .removed = true };
	struct pins pins;
	int error;

	if (back < 0)
		return fault_set(fault, back,
				 "/proc/self/ns/net cannot be read (is /proc mounted?)");
	if (!netns_enter_id(id) || !enter_recorded(id)) {
		error = datapath_detach(NULL, 0, ret_report, fault);
		netns_return(back);
		return error;
	}
	netns_return(back);
	error = check_ended(id, fault);
	if (error)
		return error;
	error = pins_open(id, PINS_CHANGE, &pins, fault);
	if (error)
		return error;
	error = pins_remove(&pins, fault);
	pins_close(&pins);
	if (!error)
		*ret_report = report;
	return error;
}
