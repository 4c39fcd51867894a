/*
 * Finding ports by words: names, descriptions and assignees of the registry,
 * names, labels, sentences and programs of practice. Pure.
 */
#ifndef PORTSCRIBE_SEARCH_H
#define PORTSCRIBE_SEARCH_H

#include <stddef.h>

#include "registry/knowledge.h"

/* One row that holds all the words; either the one or the other. */
struct search_hit {
	const struct service *service;
	const struct overlay *overlay;
	unsigned int score; /* the higher, the better: a whole name before a part of a sentence */
};

struct search_hits {
	struct search_hit *hits; /* owned; best first, then by port */
	size_t count;
};

/*
 * Rows that hold every one of @count @words, each somewhere, without regard to
 * case; '_' and '-' are the same. 0 or -ENOMEM; release with free().
 */
int search(const struct knowledge *knowledge, const char *const *words, size_t count,
	   struct search_hits *ret_hits);

#endif
