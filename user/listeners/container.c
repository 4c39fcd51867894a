/* See container.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "listeners/container.h"
#include "util/cleanup.h"
#include "util/file.h"

#define DOCKER_FILE "/var/lib/docker/containers/%.*s/config.v2.json"
#define PODMAN_FILE "/var/lib/containers/storage/overlay-containers/containers.json"
#define FILE_LIMIT  (16u << 20)

static char *copy_name(const json_t *string)
{
	const char *name = json_string_value(string);

	/* Docker's begin with '/', which would end the kind in a policy. */
	while (name && *name == '/')
		name++;
	return name && *name ? strdup(name) : NULL;
}

char *container_name_docker(const char *text, size_t length)
{
	json_t *config = json_loadb(text, length, 0, NULL);
	char *name = copy_name(json_object_get(config, "Name"));

	json_decref(config);
	return name;
}

char *container_name_podman(const char *text, size_t length, struct slice id)
{
	json_t *containers = json_loadb(text, length, 0, NULL), *container;
	char *name = NULL;
	size_t i;

	json_array_foreach(containers, i, container)
	{
		const char *known = json_string_value(json_object_get(container, "id"));

		if (!known || !slice_equals(id, known))
			continue;
		name = copy_name(json_array_get(json_object_get(container, "names"), 0));
		break;
	}
	json_decref(containers);
	return name;
}

char *container_name(enum container_kind kind, struct slice id)
{
	_cleanup_free_ char *text = NULL;
	char path[256] = PODMAN_FILE;
	size_t length;

	if (kind == CONTAINER_DOCKER)
		snprintf(path, sizeof(path), DOCKER_FILE, SLICE_ARGS(id));
	else if (kind != CONTAINER_PODMAN)
		return NULL;
	if (file_read_trusted(path, FILE_LIMIT, 0, &text, &length, NULL))
		return NULL;
	return kind == CONTAINER_DOCKER ? container_name_docker(text, length)
					: container_name_podman(text, length, id);
}
