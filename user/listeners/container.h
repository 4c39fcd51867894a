/*
 * The names of containers: control groups know them by their ids alone, people and
 * policies by name. Read from the files in which Docker and Podman keep them.
 */
#ifndef PORTSCRIBE_LISTENER_CONTAINER_H
#define PORTSCRIBE_LISTENER_CONTAINER_H

#include "listeners/listener.h"
#include "util/slice.h"

/*
 * The name of the container of @kind with @id (64 digits), owned by the caller; NULL
 * where it has none, or its files may not be read, are not root's alone, or are
 * something else than they should be: then there still is the id.
 */
char *container_name(enum container_kind kind, struct slice id);

/* The name in Docker's config.v2.json; in Podman's containers.json that of @id. As above. */
char *container_name_docker(const char *text, size_t length);
char *container_name_podman(const char *text, size_t length, struct slice id);

#endif
