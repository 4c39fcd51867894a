/*
 * The BPF iterator over open files: the only user of its skeleton. What it says is
 * as good as /proc/PID/fd, in a tenth of the time, and of all network namespaces.
 */
#ifndef PORTSCRIBE_LISTENER_ITERATOR_H
#define PORTSCRIBE_LISTENER_ITERATOR_H

#include "owner_record.h"
#include "util/fault.h"

/* Iterators are tracing programs, and those read kernel memory. */
#define ITERATOR_CAPABILITIES (CAPABILITY(CAP_BPF) | CAPABILITY(CAP_PERFMON))

struct owner_iterator;

/* Load it. 0 or -errno: what is missing is in @fault. */
int owner_iterator_open(struct owner_iterator **ret_iterator, struct fault *fault);
void owner_iterator_close(struct owner_iterator *iterator);

/*
 * Call @found for each descriptor of a listening socket of any process in our PID
 * namespace, until it returns something else than 0, which is returned. 0 or -errno.
 */
int owner_iterator_walk(struct owner_iterator *iterator,
			int (*found)(const struct owner_record *record, void *data), void *data);

#endif
