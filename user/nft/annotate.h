/*
 * Comments put into the text of an nftables file by source position: every
 * byte that is not our comment stays. Pure: text in, text out.
 */
#ifndef PORTSCRIBE_NFT_ANNOTATE_H
#define PORTSCRIBE_NFT_ANNOTATE_H

#include <stddef.h>

#include "nft/comment.h"
#include "nft/edits.h"
#include "nft/environment.h"

enum annotate_style {
	ANNOTATE_COMMENT, /* comment "[ps] ..." on rules and on elements of named sets */
	ANNOTATE_HASH,	  /* "# [ps] ..." lines above each line that names ports */
	ANNOTATE_STRIP,	  /* ours taken out, in both styles */
};

struct annotate_options {
	enum annotate_style style;
	bool keep_counts; /* other counts alone are no change */
	const struct comment_facts *facts;
	const struct nft_includes *includes; /* NULL: files that it includes are not read */
	bool rules_only;		     /* elements of sets stay as they are */
	/*
	 * Where a rule would change, which begins at byte @start: a constant that says why
	 * it must not, or NULL; and then told what its comment becomes (length 0: none).
	 * Both may be NULL.
	 */
	const char *(*veto)(void *data, size_t start);
	int (*change)(void *data, size_t start, struct slice comment);
	void *data;
};

/* What names ports but was left as it is. */
struct annotate_skip {
	unsigned int line, column; /* of its first token, from 1; columns count bytes */
	size_t start;		   /* byte of that */
	const char *reason;	   /* a constant, such as "it has a comment already" */
};

struct annotate_result {
	char *text; /* owned, @length bytes, NUL-terminated */
	size_t length;
	struct edits edits;	 /* sorted: what makes the new text out of the old */
	size_t rules, elements;	 /* that name ports; elements of named sets and maps */
	size_t comments;	 /* of rules, ours, in the new text */
	size_t element_comments; /* the same of elements; of the hash style, neither */
	size_t remarks;		 /* lines of the hash style */
	struct annotate_skip *skips;
	size_t skip_count;
};

/*
 * Annotate @length bytes of @text. 0; -ENOMEM; -EINVAL where the text cannot be
 * an nftables file (CRLF, a byte order mark, NUL, unbalanced braces or quotes):
 * then @ret_result->skips[0] alone says where and why, and text is NULL. Release
 * the result in that case too.
 *
 * What comment_is_ours() is written anew, in the style that is asked for; a
 * comment of ours where the ports are not understood (any more) stays, and is a
 * skip.
 */
int nft_annotate(const char *text, size_t length, const struct annotate_options *options,
		 struct annotate_result *ret_result);

void annotate_result_release(struct annotate_result *result);

#endif
