/*
 * Memory for many small texts that live and die together: a reader of a large
 * file fills it and frees it at once.
 */
#ifndef PORTSCRIBE_ARENA_H
#define PORTSCRIBE_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_block *newest; /* owned */
};

/* @length bytes, not aligned; NULL: out of memory. They live until arena_release(). */
char *arena_bytes(struct arena *arena, size_t length);

/* A copy of @length bytes of @text, with a NUL behind them; NULL: out of memory. */
char *arena_copy(struct arena *arena, const char *text, size_t length);

void arena_release(struct arena *arena);

#endif
