/* SPDX-License-Identifier: GPL-2.0
 *
 * What the iterator over open files (bpf/owners.bpf.c) writes and the reader of
 * owners reads: a record for each descriptor of a socket that listens. All values
 * are in host byte order.
 */
#ifndef PORTSCRIBE_OWNER_RECORD_H
#define PORTSCRIBE_OWNER_RECORD_H

#include <linux/types.h>

#define OWNER_NAME 16 /* TASK_COMM_LEN */

struct owner_record {
	__u64 cookie;	/* of the socket; 0: nobody has asked for it yet */
	__u64 start_ns; /* of the process, after boot */
	/*
	 * Where the kernel keeps the process's cgroups, and its program: two processes
	 * with the same have the same. No addresses to follow, and not for display.
	 */
	__u64 cgroups;
	__u64 exe[2];
	__u32 inode; /* of the socket */
	__u32 netns; /* inode of the socket's network namespace */
	__u32 pid;   /* of the process, in the PID namespace of who reads */
	__u32 pidns; /* inode of the process's own PID namespace */
	char name[OWNER_NAME];
	__u16 protocol; /* IPPROTO_TCP, ..., IPPROTO_MPTCP */
	__u16 unused[3];
};
_Static_assert(sizeof(struct owner_record) == 80, "layout");

#endif
