/*
 * What every command that looks at a machine needs first: the namespace, the
 * spans in force, the names, the ephemeral range. Gathered once, in one place.
 */
#ifndef PORTSCRIBE_SCENE_H
#define PORTSCRIBE_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/knowledge.h"
#include "util/fault.h"

struct scene {
	struct knowledge knowledge; /* with "ephemeral" among the spans */
	char **complaints;	    /* owned: what of it could not be read, a sentence each */
	size_t complaint_count;
	uint16_t ephemeral_first, ephemeral_last;
	bool forwards;
};

/*
 * Enter namespace @netns (NULL: stay) and look around. 0 or -errno. A registry or
 * a file of the administrator's that cannot be used is left out, and is a
 * complaint. Release with scene_release().
 */
int scene_enter(const char *netns, struct scene *ret_scene, struct fault *fault);
void scene_release(struct scene *scene);

/* The port nft takes the service @name for on this machine; -1 where it knows none. */
int scene_service_port(const char *name);

#endif
