/* SPDX-License-Identifier: GPL-2.0
 *
 * What the kernel's half of `watch` tells the user's half, and nothing else. An
 * event is a hint: it says that a socket may listen now or no more. Integers are
 * in host byte order, addresses in network order as the kernel keeps them.
 */
#ifndef PORTSCRIBE_EVENTS_H
#define PORTSCRIBE_EVENTS_H

#include <linux/types.h>

#include "ports.h"

enum socket_event_kind {
	SOCKET_LISTENS,	 /* listen() is about to claim the port: it may fail yet */
	SOCKET_UNHEARD,	 /* listen() failed: what SOCKET_LISTENS said never became true */
	SOCKET_STOPPED,	 /* was a listener, is none any more */
	SOCKET_BOUND,	 /* bind() gave a UDP socket its port */
	SOCKET_RELEASED, /* the last descriptor of such a UDP socket was closed; @socket alone holds
			  */
};

#define SOCKET_EVENT_COMM 16 /* TASK_COMM_LEN */

/*
 * @socket is the cookie that SOCK_DIAG shows (idiag_cookie). Where a kernel before
 * 5.12 has given it none yet, it is the inode (idiag_inode) with the highest bit
 * set. @started with @execs tells a process from a later one of the same number,
 * and from itself before exec(): task_struct's start_boottime and self_exec_id; with
 * @cgroup, from itself before it was moved to another unit.
 */
struct socket_event {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 socket;
	__u64 netns_cookie; /* as SO_NETNS_COOKIE; 0 before 5.12 */
	__u64 cgroup;	    /* id of the caller's in the unified hierarchy */
	__u64 started;
	__u32 netns_inode; /* of /proc/PID/ns/net */
	__u32 execs;
	__u32 pid;	  /* the process (tgid), as the first PID namespace numbers it */
	__u32 uid;	  /* as the first user namespace numbers it */
	__u32 ifindex;	  /* SO_BINDTODEVICE; 0: none, or UDP, whose hook may not read it */
	__u16 port;	  /* host order; 0: not chosen yet (listen() without bind()) */
	__u8 kind;	  /* enum socket_event_kind */
	__u8 transport;	  /* enum transport */
	__u8 address[16]; /* IPv4 in the first four bytes */
	__u16 family;	  /* AF_INET, AF_INET6 */
	__u8 v6only;
	__u8 unused;
	__u32 inode; /* before 5.12: idiag_inode, by which it may have been told before; else 0 */
	char comm[SOCKET_EVENT_COMM]; /* the thread's name; foreign text, ends at a NUL */
};
_Static_assert(sizeof(struct socket_event) == 104, "no padding");

#define SOCKET_BY_INODE (1ULL << 63)

#endif
