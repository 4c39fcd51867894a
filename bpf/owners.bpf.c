// SPDX-License-Identifier: GPL-2.0
/*
 * Which process holds which listening socket, in one walk over all open files:
 * what /proc/PID/fd tells too, ten times as slow. Reads, and changes nothing.
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "owner_record.h"
#include "task_file.h"

#define SOCKFS_MAGIC 0x534F434B /* include/uapi/linux/magic.h */

/* What libc's headers say, which cannot be included here. */
enum { INET = 2, INET6 = 10 };
enum { STATE_CLOSE = 7, STATE_LISTEN = 10 };
enum { PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_SCTP = 132, PROTOCOL_MPTCP = 262 };

/* As SOCK_DIAG is asked (user/net/sockets.c): UDP that is bound and not connected is closed. */
static bool is_listening(const struct sock *sock, __u16 protocol)
{
	__u16 family = BPF_CORE_READ(sock, __sk_common.skc_family);
	__u8 state = BPF_CORE_READ(sock, __sk_common.skc_state);

	if (family != INET && family != INET6)
		return false;
	if (protocol == PROTOCOL_UDP)
		return state == STATE_CLOSE && BPF_CORE_READ(sock, __sk_common.skc_num);
	return state == STATE_LISTEN && (protocol == PROTOCOL_TCP || protocol == PROTOCOL_SCTP ||
					 protocol == PROTOCOL_MPTCP);
}

/* A process has a number in its own PID namespace and in each around it. */
static const struct upid *number_at(const struct pid *pid, __u32 level)
{
	const char *numbers = (const char *)pid + bpf_core_field_offset(struct pid, numbers);

	return (const struct upid *)(numbers + level * bpf_core_type_size(struct upid));
}

static void read_pid(const struct task_struct *process, struct owner_record *record)
{
	const struct task_struct *reader = (void *)bpf_get_current_task();
	const struct pid *pid = BPF_CORE_READ(process, thread_pid);
	__u32 ours = BPF_CORE_READ(reader, thread_pid, level), own = BPF_CORE_READ(pid, level);

	record->pid = BPF_CORE_READ(number_at(pid, ours), nr);
	record->pidns = BPF_CORE_READ(number_at(pid, own), ns, ns.inum);
}

static void read_process(const struct task_struct *process, struct owner_record *record)
{
	const struct file *exe = BPF_CORE_READ(process, mm, exe_file);

	read_pid(process, record);
	record->start_ns = BPF_CORE_READ(process, start_boottime);
	record->cgroups = (__u64)BPF_CORE_READ(process, cgroups);
	record->exe[0] = (__u64)BPF_CORE_READ(exe, f_path.dentry);
	record->exe[1] = (__u64)BPF_CORE_READ(exe, f_path.mnt);
	bpf_core_read_str(record->name, sizeof(record->name), &process->comm);
}

SEC("iter/task_file")
int portscribe_owners(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct owner_record record = {};
	const struct sock *sock;

	/* Not by file->f_op: the symbol socket_file_ops does not resolve on every kernel. */
	if (!task || !file || file->f_inode->i_sb->s_magic != SOCKFS_MAGIC)
		return 0;
	sock = BPF_CORE_READ((const struct socket *)file->private_data, sk);
	if (!sock)
		return 0;
	record.protocol = BPF_CORE_READ(sock, sk_protocol);
	if (!is_listening(sock, record.protocol))
		return 0;
	record.inode = file->f_inode->i_ino;
	record.cookie = BPF_CORE_READ(sock, __sk_common.skc_cookie.counter);
	record.netns = BPF_CORE_READ(sock, __sk_common.skc_net.net, ns.inum);
	read_process(BPF_CORE_READ(task, group_leader), &record);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
