/*
 * The unified diff between a text and what edits make of it, as patch(1) and
 * people read it. Pure.
 */
#ifndef PORTSCRIBE_NFT_DIFF_H
#define PORTSCRIBE_NFT_DIFF_H

#include <stdio.h>

#include "nft/edits.h"

/*
 * Print what @edits, which are sorted, change in @length bytes of @text, with three
 * lines around; nothing where they change nothing. @name is for both headers. @put
 * writes a piece of a line (NULL: as it is). 0 or -ENOMEM.
 */
int diff_print(FILE *out, const char *name, const char *text, size_t length,
	       const struct edits *edits, void (*put)(FILE *out, const char *text, size_t length));

#endif
