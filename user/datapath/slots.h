/*
 * Slots: where an interface's buckets are. A slot belongs to one device for as
 * long as that is attached; afterwards it keeps what was counted, as history,
 * until another device needs it.
 */
#ifndef PORTSCRIBE_SLOTS_H
#define PORTSCRIBE_SLOTS_H

#include "datapath/internal.h"

/* The slot that @ifindex has now; -1 where it has none. History does not count. */
int slot_find(const struct meta *meta, uint32_t ifindex);

bool slot_is_attached(const struct meta_iface *iface);

/*
 * Give @device a slot, in meta and in the kernel's table. *ret_fresh: it had none.
 * A slot or -errno with @fault.
 */
int slot_take(struct datapath *datapath, const struct device *device, bool *ret_fresh,
	      struct fault *fault);

/* Nothing is attached there any more: free the slot if it never counted, else keep it as history.
 */
void slot_drop(struct datapath *datapath, int slot);

#endif
