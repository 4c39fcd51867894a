// SPDX-License-Identifier: GPL-2.0
/*
 * What `watch` is told by the kernel: TCP and SCTP sockets that begin or cease to
 * listen, UDP sockets that are bound and closed. Apart from the counter, because
 * it sees sockets, not packets. Nothing here decides anything: bind_*() must
 * return 1, since 0 refuses every bind() of the machine.
 */
#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "events.h"
#include "sockets.h"

#define AF_INET	     2
#define AF_INET6     10
#define SOCK_DGRAM   2
#define IPPROTO_TCP  6
#define IPPROTO_UDP  17
#define IPPROTO_SCTP 132

/* include/net/tcp_states.h, include/net/sctp/constants.h: SCTP has the same numbers. */
#define STATE_CLOSE  7
#define STATE_LISTEN 10

/* UDP sockets whose end is of interest, by cookie. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u8);
} bound SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* set before loading */
} events SEC(".maps");

/* Events for which the ring had no room. */
__u64 lost;

/* bpf_get_socket_cookie() in tracing programs: Linux 5.12. */
const volatile bool has_cookies = true;

/* One bit a port, where a UDP socket is nothing to speak of. */
const volatile __u64 quiet_udp[PORT_COUNT / 64];

/* To be tested for NULL at once, and once: 5.10 forgets later that it is none. */
static __always_inline struct socket_event *event_reserve(void)
{
	struct socket_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		__sync_fetch_and_add(&lost, 1);
	return event;
}

/* What is true of every event; the rest of it is zero. */
static __always_inline void event_begin(struct socket_event *event, enum socket_event_kind kind,
					enum transport transport)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	__builtin_memset(event, 0, sizeof(*event));
	event->time_ns = bpf_ktime_get_ns();
	event->kind = kind;
	event->transport = transport;
	event->cgroup = bpf_get_current_cgroup_id();
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->uid = bpf_get_current_uid_gid();
	event->started = BPF_CORE_READ(leader, start_boottime);
	event->execs = BPF_CORE_READ(leader, self_exec_id);
	bpf_get_current_comm(event->comm, sizeof(event->comm));
}

static __always_inline void tell_socket(struct socket_event *event, struct sock *sk)
{
	struct socket_alloc *file;

	if (has_cookies) {
		event->socket = bpf_get_socket_cookie(sk);
		return;
	}
	file = (struct socket_alloc *)BPF_CORE_READ(sk, sk_socket);
	event->inode = BPF_CORE_READ(file, vfs_inode.i_ino);
	event->socket = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	if (!event->socket)
		event->socket = SOCKET_BY_INODE | event->inode;
}

/*
 * Whether it ever was in the table of listeners. __inet_hash() sets this flag on a
 * TCP listener, and on no other TCP socket; a listen() that fails comes not as far.
 */
static __always_inline bool was_heard(struct sock *sk)
{
	unsigned long flag = bpf_core_enum_value(enum sock_flags, SOCK_RCU_FREE);

	return BPF_CORE_READ(sk, __sk_common.skc_flags) >> flag & 1;
}

static __always_inline void tell_state(struct sock *sk, enum socket_event_kind kind,
				       enum transport transport)
{
	struct socket_event *event = event_reserve();
	struct net *net;

	if (!event)
		return;
	event_begin(event, kind, transport);
	net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	tell_socket(event, sk);
	event->netns_inode = BPF_CORE_READ(net, ns.inum);
	if (has_cookies)
		event->netns_cookie = BPF_CORE_READ(net, net_cookie);
	event->ifindex = BPF_CORE_READ(sk, __sk_common.skc_bound_dev_if);
	event->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	event->port = BPF_CORE_READ(sk, __sk_common.skc_num);
	/* A port that listen() chose is given back before it stops; this stays. */
	if (!event->port)
		event->port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	if (event->family == AF_INET6) {
		BPF_CORE_READ_INTO(&event->address, sk, __sk_common.skc_v6_rcv_saddr);
		event->v6only = BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only);
	} else {
		__be32 address = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);

		__builtin_memcpy(event->address, &address, sizeof(address));
	}
	bpf_ringbuf_submit(event, 0);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_changed, struct sock *sk, int old, int new)
{
	__u16 protocol;

	if (old != STATE_LISTEN && new != STATE_LISTEN)
		return 0;
	/* MPTCP: its TCP socket tells the same, and is the one that SOCK_DIAG shows. */
	protocol = BPF_CORE_READ(sk, sk_protocol);
	if (protocol == IPPROTO_TCP)
		tell_state(sk,
			   new == STATE_LISTEN ? SOCKET_LISTENS
			   : was_heard(sk)     ? SOCKET_STOPPED
					       : SOCKET_UNHEARD,
			   TRANSPORT_TCP);
	else if (protocol == IPPROTO_SCTP) /* closing goes by way of another state than failing */
		tell_state(sk,
			   new == STATE_LISTEN	? SOCKET_LISTENS
			   : new == STATE_CLOSE ? SOCKET_UNHEARD
						: SOCKET_STOPPED,
			   TRANSPORT_SCTP);
	return 0;
}

/* Whether a UDP socket was bound that somebody wants to know of; then its end too. */
static __always_inline bool is_wanted(struct bpf_sock *socket)
{
	__u64 cookie = bpf_get_socket_cookie(socket); /* also gives TCP its cookie, before 5.12 */
	__u16 port = socket->src_port;
	__u8 value = 1;

	if (socket->type != SOCK_DGRAM || socket->protocol != IPPROTO_UDP ||
	    quiet_udp[port / 64] >> (port % 64) & 1)
		return false;
	bpf_map_update_elem(&bound, &cookie, &value, BPF_ANY);
	return true;
}

/* All but the address. The hook may not read the interface. */
static __always_inline void tell_bound(struct socket_event *event, struct bpf_sock *socket)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	event_begin(event, SOCKET_BOUND, TRANSPORT_UDP);
	event->socket = bpf_get_socket_cookie(socket);
	event->netns_cookie = bpf_get_netns_cookie(socket);
	event->netns_inode = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	event->family = socket->family;
	event->port = socket->src_port;
}

SEC("cgroup/post_bind4")
int bind_4(struct bpf_sock *socket)
{
	struct socket_event *event;
	__be32 address;

	if (!is_wanted(socket))
		return 1;
	event = event_reserve();
	if (!event)
		return 1;
	tell_bound(event, socket);
	address = socket->src_ip4;
	__builtin_memcpy(event->address, &address, sizeof(address));
	bpf_ringbuf_submit(event, 0);
	return 1;
}

SEC("cgroup/post_bind6")
int bind_6(struct bpf_sock *socket)
{
	struct socket_event *event;
	__be32 *address;

	if (!is_wanted(socket))
		return 1;
	event = event_reserve();
	if (!event)
		return 1;
	tell_bound(event, socket);
	address = (__be32 *)event->address;
	address[0] = socket->src_ip6[0];
	address[1] = socket->src_ip6[1];
	address[2] = socket->src_ip6[2];
	address[3] = socket->src_ip6[3];
	bpf_ringbuf_submit(event, 0);
	return 1;
}

SEC("cgroup/sock_release")
int released(struct bpf_sock *socket)
{
	__u64 cookie = bpf_get_socket_cookie(socket);
	struct socket_event *event;

	if (bpf_map_delete_elem(&bound, &cookie))
		return 1;
	event = event_reserve();
	if (!event)
		return 1;
	event_begin(event, SOCKET_RELEASED, TRANSPORT_UDP);
	event->socket = cookie;
	bpf_ringbuf_submit(event, 0);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
