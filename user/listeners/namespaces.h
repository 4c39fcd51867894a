/*
 * Which network namespaces there are: ours, those with a name, those that are
 * mounted somewhere (containers), those of processes; each once.
 */
#ifndef PORTSCRIBE_LISTENER_NAMESPACES_H
#define PORTSCRIBE_LISTENER_NAMESPACES_H

#include <stddef.h>
#include <stdint.h>

struct namespace_found {
	uint64_t inode;
	char *path; /* owned; to enter it by */
	char *name; /* owned; "" is ours, a name of `ip netns`, else the path */
};

struct namespaces {
	struct namespace_found *items; /* owned; ours first */
	size_t count;
	size_t hidden; /* processes whose namespace may not be read */
};

/* 0; -ENOMEM; -EIO where /proc does not even tell ours. */
int namespaces_find(struct namespaces *ret_namespaces);
void namespaces_release(struct namespaces *namespaces);

#endif
