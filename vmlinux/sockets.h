/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note
 *
 * The members of kernel structs that bpf/events.bpf.c reads. Offsets and order are
 * the running kernel's: libbpf relocates every access by member name (CO-RE). Names
 * as in Linux 5.10 to 6.18: include/net/sock.h, inet_sock.h, net_namespace.h,
 * include/linux/sched.h, nsproxy.h, ns_common.h, fs.h.
 */
#ifndef PORTSCRIBE_VMLINUX_SOCKETS_H
#define PORTSCRIBE_VMLINUX_SOCKETS_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
	__u64 net_cookie; /* 5.12; before, an atomic64_t that is 0 until somebody asks */
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	__u8 in6_u[16];
};

typedef struct {
	__s64 counter;
} atomic64_t;

struct sock_common {
	__be32 skc_rcv_saddr;
	__u16 skc_num; /* host order */
	unsigned short skc_family;
	unsigned char skc_ipv6only : 1;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	unsigned long skc_flags; /* 1 << enum sock_flags */
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
};

struct inode {
	unsigned long i_ino;
};

struct socket;

struct socket_alloc {
	struct inode vfs_inode; /* behind the struct socket */
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	struct socket *sk_socket;
};

struct inet_sock {
	__be16 inet_sport;
};

enum sock_flags {
	SOCK_RCU_FREE = 23, /* the value of 6.18; the running kernel's is looked up */
};

struct nsproxy {
	struct net *net_ns;
};

struct task_struct {
	struct task_struct *group_leader;
	__u64 start_boottime;
	__u32 self_exec_id;
	struct nsproxy *nsproxy;
};

#pragma clang attribute pop

#endif
