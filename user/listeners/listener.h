/*
 * Who listens here: sockets, their processes, their network namespaces, as plain
 * facts at one moment. A snapshot owns all it points to and needs no privilege to
 * be looked at, compared or judged (verdict.h, policy.h); only the reader touches
 * the machine.
 */
#ifndef PORTSCRIBE_LISTENER_H
#define PORTSCRIBE_LISTENER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "net/netlink.h"
#include "net/netns.h"
#include "ports.h"
#include "util/arena.h"
#include "util/fault.h"

/* From where the address can be reached, as far as the address tells. */
enum listener_scope {
	LISTENER_LOOPBACK, /* 127.0.0.0/8, ::1, also mapped */
	LISTENER_ADDRESS,  /* one address */
	LISTENER_ALL,	   /* 0.0.0.0, :: */
	LISTENER_SCOPES,
};

enum container_kind {
	CONTAINER_NONE,
	CONTAINER_DOCKER,
	CONTAINER_PODMAN,
	CONTAINER_LXC,
	CONTAINER_KUBERNETES, /* by its pod */
	CONTAINER_CONTAINERD,
	CONTAINER_CRIO,
	CONTAINER_NSPAWN, /* or a virtual machine: what systemd-machined registers */
	CONTAINER_KINDS,
};

/*
 * A process that holds the socket. All texts are foreign bytes (text_safe(),
 * json_foreign()), NUL-terminated, never NULL: "" where not asked for or not to be
 * read.
 */
struct listener_owner {
	uint32_t pid;	       /* in our PID namespace; the process, never a thread */
	uint64_t start;	       /* clock ticks after boot: tells a PID from the next of its number */
	const char *name;      /* as in /proc/PID/comm */
	const char *exe;       /* without " (deleted)" */
	const char *cmdline;   /* arguments separated by blanks */
	const char *unit;      /* systemd's: "ssh.service" */
	const char *container; /* its name, else what is known of its id; see container_kind */
	uint8_t container_kind; /* enum container_kind */
	bool container_named;	/* @container is a name, which lasts; else of an id */
	bool exe_deleted;	/* replaced since it was started, as by an upgrade */
	/* What @exe names here is another file: a container's, or another's mount namespace. */
	bool exe_foreign;
	uint64_t pidns;	    /* inode of its PID namespace; 0: not known */
	bool pidns_foreign; /* that is not ours */
};

enum owners_known {
	OWNERS_NOT_ASKED,
	OWNERS_KNOWN,	   /* at least one; those that could be read */
	OWNERS_UNREADABLE, /* there may be some, and we may not look */
	OWNERS_KERNEL,	   /* every process was looked at and none has it */
};

struct listener {
	uint8_t transport; /* enum transport */
	uint8_t family;	   /* AF_INET or AF_INET6 */
	uint8_t scope;	   /* enum listener_scope */
	uint8_t known;	   /* enum owners_known */
	bool v6only;	   /* of AF_INET6: takes no IPv4 */
	bool mptcp;	   /* a TCP listener that speaks MPTCP (RFC 8684) */
	uint16_t port;	   /* host order */
	union {
		struct in_addr v4; /* network order */
		struct in6_addr v6;
		uint8_t bytes[16]; /* zero behind an IPv4 address */
	} address;
	uint32_t ifindex;      /* SO_BINDTODEVICE, or the zone of a link-local address; 0: none */
	const char *interface; /* its name; "" where there is none, or it is gone */
	uint32_t queued;       /* tcp: connections to accept; udp: bytes to read */
	uint32_t backlog;      /* tcp, sctp: the limit of @queued; udp: 0 */
	uint32_t uid;
	uint32_t inode;	 /* as in /proc/PID/fd: socket:[INODE] */
	uint64_t cookie; /* SO_COOKIE: never used again while the machine runs */
	uint32_t netns;	 /* index in listeners.netns */
	/* Sockets that share this address, port and interface (SO_REUSEPORT), itself included. */
	uint32_t group;
	const struct listener_owner **owners; /* by pid; the snapshot's */
	size_t owner_count;
	/*
	 * Of OWNERS_KERNEL, what it is for where that can be told ("nfsd", "wireguard wg0");
	 * a guess begins with LISTENER_PERHAPS; "".
	 */
	const char *kernel;
};

#define LISTENER_PERHAPS "perhaps "

/* It is the kernel's, and what it is for is known and no guess. */
bool listener_is_of_kernel(const struct listener *listener);

struct listener_netns {
	struct netns_id id;
	const char *name; /* as in `ip netns`, or the path it was found by; "" is our own */
};

/* What could not be had, for one line to the person and exit status 4. */
struct listener_gaps {
	size_t owners;	       /* listeners whose owner is OWNERS_UNREADABLE */
	size_t executables;    /* owners whose exe was asked for and could not be read */
	size_t netns;	       /* namespaces that could not be entered */
	size_t hidden;	       /* processes whose network namespace could not be read */
	size_t unreached;      /* namespaces that nothing leads to, and somebody listens in */
	bool fallback;	       /* no BPF iterator: /proc was walked */
	struct fault iterator; /* then: why */
	struct fault needed; /* the sentence: what is missing, and what is needed; "" if nothing */
};

struct listeners {
	struct timespec taken;	/* CLOCK_REALTIME */
	struct listener *items; /* by netns, port, transport, family, address, inode */
	size_t count;
	struct listener_netns *netns;
	size_t netns_count;
	struct listener_owner *processes; /* all that own any, by pid */
	size_t process_count;
	const struct listener_owner **lists; /* what the listeners' owners point into */
	struct listener_gaps gaps;
	struct arena arena; /* all texts */
};

#define LISTENER_WANT_OWNERS  (1u << 0) /* pid, start, name, pidns */
#define LISTENER_WANT_EXE     (1u << 1)
#define LISTENER_WANT_CMDLINE (1u << 2)
#define LISTENER_WANT_UNIT    (1u << 3) /* unit and container */
#define LISTENER_WANT_ALL     0xfu

struct listener_wish {
	uint8_t transports; /* SERVICE_TCP | ...; 0: all */
	uint8_t family;	    /* AF_INET, AF_INET6; 0: both */
	uint16_t port;	    /* only that one; 0: all */
	unsigned int want;  /* LISTENER_WANT_* */
	bool plain;	    /* leave out mptcp: the kernel takes its time to tell */
};

struct listener_reader;

/*
 * Open what snapshots are read by: a SOCK_DIAG socket in our network namespace, or
 * in every one that a name, a mount or a process leads to (@all_netns, each once),
 * and the BPF iterator where privileges allow. What is open stays usable after
 * privileges were dropped. Namespaces that cannot be entered are a gap of each
 * snapshot. 0 or -errno.
 */
int listener_reader_open(bool all_netns, struct listener_reader **ret_reader, struct fault *fault);

/* The same without the iterator, which takes its time: for snapshots without owners. */
int listener_reader_open_sockets(bool all_netns, struct listener_reader **ret_reader,
				 struct fault *fault);

void listener_reader_close(struct listener_reader *reader);

/*
 * The SOCK_DIAG socket of the namespace that snapshots call @netns; NULL: none is
 * open. It stays the reader's.
 */
struct netlink *listener_reader_diag(struct listener_reader *reader, uint32_t netns);

/*
 * What is open keeps a network namespace alive: close that of namespaces which
 * neither a process nor a name nor a mount holds any more, so that they can end. For
 * who keeps a reader open for long. 0 or -errno.
 */
int listener_reader_let_go(struct listener_reader *reader);

/*
 * Everything that listens now: TCP and SCTP sockets in LISTEN, UDP sockets that are
 * bound and not connected. Owners are read after the sockets. 0 or -errno; what
 * cannot be had is in ret->gaps, not an error. Free with listeners_free().
 */
int listeners_read(struct listener_reader *reader, const struct listener_wish *wish,
		   struct listeners **ret_listeners, struct fault *fault);
void listeners_free(struct listeners *listeners);

enum listener_change_kind {
	LISTENER_APPEARED,
	LISTENER_DISAPPEARED,
	LISTENER_CHANGED_HANDS, /* the same socket, and none of its owners is left */
};

struct listener_change {
	enum listener_change_kind kind;
	const struct listener *before, *after; /* NULL where there is none */
};

/*
 * What @after has that @before has not, and the other way round: socket by socket,
 * by cookie. In the order of @after, then what disappeared in that of @before.
 * *ret_changes is owned by the caller and points into both. 0 or -ENOMEM. Pure.
 */
int listeners_compare(const struct listeners *before, const struct listeners *after,
		      struct listener_change **ret_changes, size_t *ret_count);

/* ---- words ---- */

#define LISTENER_ADDRESS_MAX (INET6_ADDRSTRLEN + 16)

/* "10.0.0.1", "fe80::1%eth0", "*" for all addresses of both families, "0.0.0.0", "::". */
char *listener_address_text(const struct listener *listener, char target[LISTENER_ADDRESS_MAX]);

/*
 * The address by the family it is of in truth: ::ffff:10.0.0.1 takes what 10.0.0.1
 * does. 4 or 16 bytes of the listener's, network order.
 */
const uint8_t *listener_plain_address(const struct listener *listener, int *ret_family);

/* "loopback", "address", "all". */
const char *listener_scope_word(enum listener_scope scope);

/* "docker", "podman", "lxc", "kubernetes" ...; "" of CONTAINER_NONE. */
const char *container_word(enum container_kind kind);

#endif
