/* See lookup.h. */
#include <errno.h>
#include <stdlib.h>

#include "util/lookup.h"

#define SLOTS_LEAST 256 /* a power of two */

struct lookup_slot {
	uint32_t key, index; /* 0: free */
};

/* Where @key is, or would be. A slot is always free. */
static struct lookup_slot *slot_of(const struct lookup *lookup, uint32_t key)
{
	/* Knuth's multiplicative hash: neighbouring pids and inodes scatter. */
	uint32_t at = (key * 2654435761u) & lookup->mask;

	while (lookup->slots[at].index && lookup->slots[at].key != key)
		at = (at + 1) & lookup->mask;
	return &lookup->slots[at];
}

static int grow(struct lookup *lookup)
{
	struct lookup grown = { .mask = lookup->slots ? lookup->mask * 2 + 1 : SLOTS_LEAST - 1,
				.used = lookup->used };

	grown.slots = calloc((size_t)grown.mask + 1, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (uint32_t i = 0; lookup->slots && i <= lookup->mask; i++)
		if (lookup->slots[i].index)
			*slot_of(&grown, lookup->slots[i].key) = lookup->slots[i];
	free(lookup->slots);
	*lookup = grown;
	return 0;
}

int lookup_add(struct lookup *lookup, uint32_t key, uint32_t index)
{
	struct lookup_slot *slot;

	if ((!lookup->slots || lookup->used > lookup->mask / 2) && grow(lookup))
		return -ENOMEM;
	slot = slot_of(lookup, key);
	lookup->used += !slot->index;
	*slot = (struct lookup_slot){ key, index };
	return 0;
}

uint32_t lookup_find(const struct lookup *lookup, uint32_t key)
{
	return lookup->slots ? slot_of(lookup, key)->index : 0;
}

void lookup_release(struct lookup *lookup)
{
	free(lookup->slots);
	*lookup = (struct lookup){};
}
