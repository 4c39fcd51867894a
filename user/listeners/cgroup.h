/*
 * From a process's control groups to what runs it: the unit of systemd, the
 * container. By the names that the programs give their groups; pure.
 */
#ifndef PORTSCRIBE_LISTENER_CGROUP_H
#define PORTSCRIBE_LISTENER_CGROUP_H

#include "listeners/listener.h"
#include "util/slice.h"

struct cgroup_meaning {
	struct slice unit;	  /* length 0: none */
	struct slice user_unit;	  /* below the unit user@UID.service; length 0: none */
	enum container_kind kind; /* CONTAINER_NONE: in none */
	struct slice container;	  /* its name, or its id in full */
	struct slice pod; /* of CONTAINER_KUBERNETES: the pod's UID, '_' for '-' in places */
};

/*
 * Understand @length bytes of a /proc/PID/cgroup (cgroups(7)): lines
 * ID:CONTROLLERS:PATH, of version 1, 2 or both. The slices lie in @text. What is
 * unknown is none, never an error.
 */
void cgroup_understand(const char *text, size_t length, struct cgroup_meaning *ret_meaning);

#endif
