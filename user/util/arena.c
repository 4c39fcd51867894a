/* See arena.h. */
#include <stdlib.h>
#include <string.h>

#include "util/arena.h"

#define BLOCK_SIZE (64u << 10)

struct arena_block {
	struct arena_block *older;
	size_t used, room;
	char bytes[];
};

char *arena_bytes(struct arena *arena, size_t length)
{
	struct arena_block *block = arena->newest;

	if (!block || block->room - block->used < length) {
		size_t room = length > BLOCK_SIZE ? length : BLOCK_SIZE;

		block = malloc(sizeof(*block) + room);
		if (!block)
			return NULL;
		*block = (struct arena_block){ .older = arena->newest, .room = room };
		arena->newest = block;
	}
	block->used += length;
	return block->bytes + block->used - length;
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_bytes(arena, length + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

void arena_release(struct arena *arena)
{
	struct arena_block *older;

	for (; arena->newest; arena->newest = older) {
		older = arena->newest->older;
		free(arena->newest);
	}
}
