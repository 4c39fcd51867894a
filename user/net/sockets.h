/*
 * Sockets that listen, by SOCK_DIAG: the one place that asks for them and knows
 * its messages. Who holds them is no matter here (listeners/). Needs no privilege.
 */
#ifndef PORTSCRIBE_SOCKETS_H
#define PORTSCRIBE_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "net/netlink.h"
#include "ports.h"

/* As inet_diag(7) tells it. */
struct socket_found {
	uint8_t transport;   /* enum transport */
	uint8_t family;	     /* AF_INET or AF_INET6 */
	bool v6only;	     /* IPV6_V6ONLY */
	bool mptcp;	     /* a TCP listener that speaks MPTCP; its inode is the MPTCP socket's */
	uint16_t port;	     /* host order */
	uint8_t address[16]; /* network order; zero behind an IPv4 address */
	uint32_t ifindex;
	uint32_t queued, limit; /* of udp: bytes to read, bytes not sent yet */
	uint32_t uid, inode;
	uint64_t cookie;
};

struct socket_question {
	uint8_t transports; /* SERVICE_TCP | ... */
	uint8_t family;	    /* 0: both */
	uint16_t port;	    /* 0: all */
	bool mptcp;	    /* also which of the TCP sockets speak it */
};

/*
 * Call @found for every TCP and SCTP socket in LISTEN and every UDP socket that is
 * bound and not connected (a connected one is a client), in the network namespace
 * of @diag, a socket of NETLINK_SOCK_DIAG. Transports whose diagnosis the kernel does
 * not offer (sctp without its module) have none. A cookie is never 0. 0 or -errno.
 */
int sockets_listening(struct netlink *diag, const struct socket_question *question,
		      void (*found)(const struct socket_found *socket, void *data), void *data);

/*
 * Call @found for the sockets that listen where @wanted does (transport, family,
 * address, port, ifindex), @wanted by its cookie among them where it still is; more
 * where only asking for all of that port finds it. 0 or -errno; -ENOENT: there is
 * none, or no longer.
 */
int socket_look_up(struct netlink *diag, const struct socket_found *wanted,
		   void (*found)(const struct socket_found *socket, void *data), void *data);

#endif
