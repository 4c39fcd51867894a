/*
 * Comments put into the text of an nftables file by source position: every
 * byte that is not our comment stays. Pure: text in, text out.
 */
#ifndef PORTSCRIBE_NFT_ANNOTATE_H
#define PORTSCRIBE_NFT_ANNOTATE_H

#include <stddef.h>
#include <stdio.h>

#include "nft/comment.h"

/* A rule that names ports but was left as it is. */
struct annotate_skip {
	unsigned int line, column; /* of the rule's first token, from 1; columns count bytes */
	const char *reason;	   /* a constant, such as "has a comment already" */
};

struct annotate_result {
	char *text; /* owned, @length bytes, NUL-terminated */
	size_t length;
	size_t rules;	 /* rules that name ports */
	size_t comments; /* written */
	struct annotate_skip *skips;
	size_t skip_count;
};

/*
 * Annotate @length bytes of @text. 0; -ENOMEM; -EINVAL where the text cannot be
 * an nftables file (CRLF, a byte order mark, NUL, unbalanced braces or quotes):
 * then @ret_result->skips[0] alone says where and why, and text is NULL. Release
 * the result in that case too.
 *
 * A comment that begins with NFT_COMMENT_PREFIX is ours and is written anew; one
 * of ours on a rule that is not understood (any more) stays, and is a skip.
 */
int nft_annotate(const char *text, size_t length, const struct comment_facts *facts,
		 struct annotate_result *ret_result);

void annotate_result_release(struct annotate_result *result);

#endif
