/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note
 *
 * What bpf/owners.bpf.c reads of the kernel's own structures, by CO-RE: names and
 * types only, offsets come from the running kernel. From Linux 5.10 to 6.18, in
 * include/linux/{fs,net,pid,pid_namespace,path,sched,mm_types,ns_common}.h,
 * include/net/{sock,net_namespace}.h and kernel/bpf/task_iter.c.
 */
#ifndef PORTSCRIBE_VMLINUX_TASK_FILE_H
#define PORTSCRIBE_VMLINUX_TASK_FILE_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct {
		__s64 counter;
	} skc_cookie;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
};

struct socket {
	struct sock *sk;
};

struct super_block {
	unsigned long s_magic;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
};

struct path {
	void *mnt;
	void *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data; /* of a socket: struct socket */
};

struct mm_struct {
	struct file *exe_file;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct task_struct {
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct mm_struct *mm;
	void *cgroups;
	__u64 start_boottime;
	char comm[16];
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

#endif
