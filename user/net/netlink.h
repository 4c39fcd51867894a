/*
 * Netlink requests and all their answers, over libmnl. Everything that asks
 * rtnetlink, sock_diag or nf_tables goes through here.
 */
#ifndef PORTSCRIBE_NETLINK_H
#define PORTSCRIBE_NETLINK_H

#include <libmnl/libmnl.h>

#define NETLINK_BUFFER 32768 /* the largest datagram the kernel makes of a dump */

/* A socket for many requests, one after the other. */
struct netlink {
	struct mnl_socket *socket; /* owned; NULL: closed */
	unsigned int portid;
	uint32_t sequence;
	char *buffer; /* owned, NETLINK_BUFFER bytes */
};

/* A socket of @bus (NETLINK_ROUTE ...) in the current network namespace. 0 or -errno. */
int netlink_open(int bus, struct netlink *ret_netlink);
void netlink_close(struct netlink *netlink);

/*
 * Send @request; call @callback (may be NULL) for each answering message until the
 * last. Its sequence number is set here. 0 or -errno; -EINTR: a dump was cut short
 * by a change and must be asked for again.
 */
int netlink_ask(struct netlink *netlink, struct nlmsghdr *request, mnl_cb_t callback, void *data);

/* The same with a socket for this one request. */
int netlink_talk(int bus, struct nlmsghdr *request, mnl_cb_t callback, void *data);

#endif
