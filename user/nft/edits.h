/*
 * Changes to a text by position, noted in any order and made at once; all other
 * bytes stay. Pure.
 */
#ifndef PORTSCRIBE_NFT_EDITS_H
#define PORTSCRIBE_NFT_EDITS_H

#include <stddef.h>

#include "util/slice.h"

struct edit {
	size_t start, end; /* bytes [start, end) of the old text go */
	size_t at, length; /* what comes in their place: bytes of edits->bytes */
};

struct edits {
	struct edit *list; /* owned */
	size_t count, capacity;
	char *bytes; /* owned */
	size_t length, bytes_capacity;
};

/* Replace [@start, @end) by @text, which is copied. 0 or -ENOMEM. Edits must not overlap. */
int edits_add(struct edits *edits, size_t start, size_t end, struct slice text);

/*
 * Bring the edits into the order of the text; those at one place keep the order
 * in which they were added.
 */
void edits_sort(struct edits *edits);

/* The text with all edits made: owned by the caller, NUL-terminated. Sorts. 0 or -ENOMEM. */
int edits_apply(struct edits *edits, const char *text, size_t length, char **ret_text,
		size_t *ret_length);

void edits_release(struct edits *edits);

#endif
