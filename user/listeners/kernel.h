/*
 * What the kernel's own sockets are for: they have no process, so links, nfsd's
 * list of ports and kernel threads must tell.
 */
#ifndef PORTSCRIBE_LISTENER_KERNEL_H
#define PORTSCRIBE_LISTENER_KERNEL_H

#include "listeners/listener.h"
#include "net/devices.h"
#include "net/netlink.h"

/*
 * Fill @kernel of those listeners from @first, @count of them, of one network
 * namespace, that are OWNERS_KERNEL. @devices: of that namespace. @generic: a socket
 * of NETLINK_GENERIC there. @ours: it is our own namespace, whose /proc we see. What
 * cannot be told stays "". 0 or -ENOMEM.
 */
int kernel_explain(struct listener *first, size_t count, const struct device_list *devices,
		   struct netlink *generic, bool ours, struct arena *arena);

/* What a kernel thread of that name and a socket on that port may be: "nfsd"; NULL: nothing. */
const char *kernel_thread_service(const char *thread, enum transport transport, uint16_t port);

#endif
