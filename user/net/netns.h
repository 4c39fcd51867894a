/*
 * Network namespaces: entering one by name or path, and telling one from
 * another. Interface indexes and ports mean something only within one.
 */
#ifndef PORTSCRIBE_NETNS_H
#define PORTSCRIBE_NETNS_H

#include <stdint.h>

#include "util/fault.h"

/*
 * Enter the namespace that @name means: a name as in `ip netns`, or a path when
 * it holds a '/', such as /proc/PID/ns/net. Only the network namespace changes:
 * unlike `ip netns exec`, mounts stay, and with them bpffs. 0 or -errno.
 */
int netns_enter(const char *name, struct fault *fault);

/* An open descriptor of the current namespace, to go back to with netns_return(); or -EIO. */
int netns_remember(void);
int netns_return(int fd);

struct netns_id {
	uint64_t cookie; /* SO_NETNS_COOKIE, never reused; 0 on kernels before 5.14 */
	uint64_t inode;	 /* of /proc/self/ns/net; may be reused after the namespace ended */
};

/* 0, or -EIO where /proc is not there to tell. */
int netns_identify(struct netns_id *ret_id);

/*
 * Enter the namespace with @id: looks through /run/netns and /proc. 0, -ENOENT
 * where no process and no name holds it any more, or -errno.
 */
int netns_enter_id(const struct netns_id *id);

#endif
