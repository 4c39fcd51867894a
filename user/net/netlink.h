/*
 * One netlink request and all its answers, over libmnl. Everything that asks
 * rtnetlink or sock_diag goes through here.
 */
#ifndef PORTSCRIBE_NETLINK_H
#define PORTSCRIBE_NETLINK_H

#include <libmnl/libmnl.h>

#define NETLINK_BUFFER 32768 /* the largest datagram the kernel makes of a dump */

/*
 * Send @request on a new socket of @bus (NETLINK_ROUTE ...) in the current
 * network namespace; call @callback for each answering message until the last.
 * @request's sequence number is set here. 0 or -errno; -EINTR: a dump was cut
 * short by a change and must be asked for again.
 */
int netlink_talk(int bus, struct nlmsghdr *request, mnl_cb_t callback, void *data);

#endif
