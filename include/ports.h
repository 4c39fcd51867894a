/* SPDX-License-Identifier: GPL-2.0
 *
 * The words that every other file uses for a port: transport, direction, side.
 * Both the kernel's and the user's half index arrays with these values, so
 * their order is part of the layout in counters.h. Ports are in host order
 * everywhere; only the packet parser (bpf/parse.h) knows network order.
 */
#ifndef PORTSCRIBE_PORTS_H
#define PORTSCRIBE_PORTS_H

#define PORT_COUNT 65536 /* 0..65535; port 0 is counted like any other */

enum transport {
	TRANSPORT_TCP,
	TRANSPORT_UDP,
	TRANSPORT_SCTP,
	TRANSPORT_COUNT,
};

enum direction {
	DIR_IN,	 /* arrived: ingress, before netfilter may drop it */
	DIR_OUT, /* left: egress, after netfilter */
	DIR_COUNT,
};

/*
 * local: the destination port of an arriving packet, the source port of a
 * leaving one. peer: the other one. On a host that forwards, "local" is not
 * "served here".
 */
enum side {
	SIDE_LOCAL,
	SIDE_PEER,
	SIDE_COUNT,
};

#endif
