/*
 * A short text of bounded length that nft can hold as a comment, built piece
 * by piece: each piece goes in whole or not at all. The only place that knows
 * which bytes a comment may hold. Pure; owns no memory.
 */
#ifndef PORTSCRIBE_NFT_WORDS_H
#define PORTSCRIBE_NFT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "nft/comment.h"

#define WORDS_MAX NFT_REMARK_MAX

struct words {
	char text[WORDS_MAX + 1];
	size_t length;
	size_t limit; /* at most WORDS_MAX */
};

void words_init(struct words *words, size_t limit);

static inline size_t words_left(const struct words *words)
{
	return words->limit - words->length;
}

/* Back to an earlier @length. */
void words_cut(struct words *words, size_t length);

/* For texts and numbers of our own. False, and nothing added, where they do not fit. */
bool words_add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * For texts from outside, without the bytes that no comment can hold, without
 * invalid UTF-8 and controls of writing direction, blanks run together; ';', which
 * separates what we write, becomes ','. False, and nothing added, where they do
 * not fit.
 */
bool words_add_clean(struct words *words, struct slice slice);

/* As many whole words of @slice as fit, then " ..."; false where not even two do. */
bool words_add_start(struct words *words, struct slice slice);

#endif
