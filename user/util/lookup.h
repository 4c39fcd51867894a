/*
 * From a number to an index, for many numbers: pids, inodes. Open addressing; keys
 * are never taken out.
 */
#ifndef PORTSCRIBE_LOOKUP_H
#define PORTSCRIBE_LOOKUP_H

#include <stdint.h>

struct lookup {
	struct lookup_slot *slots; /* owned */
	uint32_t mask, used;
};

/* Remember @index, from 1 on, under @key, in place of what was there. 0 or -ENOMEM. */
int lookup_add(struct lookup *lookup, uint32_t key, uint32_t index);

/* The index of @key; 0: it is not there. */
uint32_t lookup_find(const struct lookup *lookup, uint32_t key);

void lookup_release(struct lookup *lookup);

#endif
