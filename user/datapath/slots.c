/* See slots.h. */
#include <errno.h>
#include <string.h>

#include "datapath/slots.h"

bool slot_is_attached(const struct meta_iface *iface)
{
	return iface->hooks[DIR_IN].hook != HOOK_NONE || iface->hooks[DIR_OUT].hook != HOOK_NONE;
}

int slot_find(const struct meta *meta, uint32_t ifindex)
{
	for (int slot = 1; slot < IFACE_SLOTS; slot++)
		if (meta->ifaces[slot].ifindex == ifindex && !meta->ifaces[slot].history)
			return slot;
	return -1;
}

static bool has_counted(const struct datapath *datapath, int slot)
{
	for (uint32_t row = 0; row < datapath->meta->rows; row++)
		for (int direction = 0; direction < DIR_COUNT; direction++)
			if (datapath->tallies[row].ifaces[slot].packets[direction][BUCKET_SEEN])
				return true;
	return false;
}

void slot_drop(struct datapath *datapath, int slot)
{
	struct meta_iface *iface = &datapath->meta->ifaces[slot];

	if (has_counted(datapath, slot))
		iface->history = 1;
	else
		*iface = (struct meta_iface){};
}

/* Its counts join those of all interfaces that have no slot of their own. */
static void fold_slot(struct datapath *datapath, int slot)
{
	struct meta *meta = datapath->meta;

	for (uint32_t row = 0; row < meta->rows; row++) {
		struct iface_buckets *buckets = &datapath->tallies[row].ifaces[slot];

		for (int direction = 0; direction < DIR_COUNT; direction++)
			for (int bucket = 0; bucket < BUCKET_COUNT; bucket++)
				meta->folded.packets[direction][bucket] +=
					buckets->packets[direction][bucket];
		memset(buckets, 0, sizeof(*buckets));
	}
	meta->ifaces[slot] = (struct meta_iface){};
}

static int free_slot(struct datapath *datapath)
{
	struct meta *meta = datapath->meta;
	int slot = slot_find(meta, 0), oldest = -1;

	if (slot >= 0)
		return slot;
	for (slot = 1; slot < IFACE_SLOTS; slot++)
		if (!slot_is_attached(&meta->ifaces[slot]) &&
		    (oldest < 0 || meta->ifaces[slot].since_ns < meta->ifaces[oldest].since_ns))
			oldest = slot;
	if (oldest >= 0)
		fold_slot(datapath, oldest);
	return oldest;
}

/* The entry for @ifindex: its own, a free one, or that of a device that is not attached. */
static struct iface_entry *find_entry(struct datapath *datapath, uint32_t ifindex)
{
	struct iface_entry *first = &datapath->placement->ifaces[ifindex & (IFACE_TABLE - 1)];
	struct iface_entry *usable = NULL;

	for (int probe = 0; probe < IFACE_PROBES; probe++) {
		struct iface_entry *entry = first + probe;

		if (entry->ifindex == ifindex)
			return entry;
		if (!usable && (!entry->ifindex ||
				datapath->meta->ifaces[entry->slot].ifindex != entry->ifindex ||
				!slot_is_attached(&datapath->meta->ifaces[entry->slot])))
			usable = entry;
	}
	return usable;
}

static int place(struct datapath *datapath, const struct device *device, int slot,
		 struct fault *fault)
{
	struct iface_entry *entry = find_entry(datapath, device->ifindex);

	if (!entry)
		return fault_set(fault, -ENOSPC,
				 "cannot attach to '%s': more than %d counted interfaces have an "
				 "index like its %u (modulo %d); detach one of them",
				 device->name, IFACE_PROBES, device->ifindex, IFACE_TABLE);
	if (entry->ifindex != device->ifindex)
		__atomic_store_n(&entry->ifindex, 0, __ATOMIC_RELEASE);
	entry->slot = slot;
	entry->l2_len = device_l2_len(device);
	__atomic_store_n(&entry->ifindex, device->ifindex, __ATOMIC_RELEASE);
	return 0;
}

int slot_take(struct datapath *datapath, const struct device *device, bool *ret_fresh,
	      struct fault *fault)
{
	int slot = slot_find(datapath->meta, device->ifindex), error;
	struct meta_iface *iface;

	/* An index is given out again: what another device counted is not this one's. */
	if (slot >= 0 && !slot_is_attached(&datapath->meta->ifaces[slot])) {
		slot_drop(datapath, slot);
		slot = -1;
	}
	*ret_fresh = slot < 0;
	if (slot < 0)
		slot = free_slot(datapath);
	if (slot < 0)
		return fault_set(fault, -ENOSPC,
				 "cannot attach to '%s': %d interfaces are counted already, the "
				 "most there can be; detach some",
				 device->name, IFACE_SLOTS - 1);
	error = place(datapath, device, slot, fault);
	if (error)
		return error;
	iface = &datapath->meta->ifaces[slot];
	if (*ret_fresh)
		*iface = (struct meta_iface){ .ifindex = device->ifindex,
					      .l2_len = device_l2_len(device),
					      .since_ns = now_realtime_ns() };
	memcpy(iface->name, device->name, sizeof(iface->name));
	return slot;
}
