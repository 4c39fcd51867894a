/*
 * From sockets to the processes that hold them: one walk over all open files, by
 * the BPF iterator or through /proc, then the facts of the processes found.
 */
#ifndef PORTSCRIBE_LISTENER_OWNERS_H
#define PORTSCRIBE_LISTENER_OWNERS_H

#include "listeners/iterator.h"
#include "listeners/listener.h"

/*
 * Fill owners, owner_count and known of all listeners, processes and the gaps.
 * @iterator NULL: /proc is walked. 0 or -errno.
 */
int owners_find(struct listeners *listeners, struct owner_iterator *iterator, unsigned int want);

#endif
