/*
 * One element of a set or a map, as written: where its key, its options and its
 * comment are. Pure.
 */
#ifndef PORTSCRIBE_NFT_ELEMENT_H
#define PORTSCRIBE_NFT_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "nft/lexer.h"

/* Indexes of tokens. A comment goes before @key_end: in maps, that is before the colon. */
struct element {
	size_t first;	   /* of the key */
	size_t options;	   /* behind the key: timeout, counter, comment ... */
	size_t key_end;	   /* behind the options */
	size_t end;	   /* behind the value, where there is one; at the comma or the end */
	ptrdiff_t comment; /* the word "comment" among the options; -1: none */
};

/*
 * The element that begins at or behind *@at and before @end, of a list that commas
 * separate; moves *@at behind its comma. False at the end. Newlines are passed over.
 */
bool element_next(const struct tokens *tokens, size_t *at, size_t end, struct element *ret_element);

#endif
