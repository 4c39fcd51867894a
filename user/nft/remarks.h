/*
 * The hash style: lines "# [ps] ..." above each line of a ruleset that names
 * ports, one a port. They do nothing in nft and have no limit of length. Pure.
 */
#ifndef PORTSCRIBE_NFT_REMARKS_H
#define PORTSCRIBE_NFT_REMARKS_H

#include "nft/comment.h"
#include "nft/edits.h"
#include "nft/environment.h"
#include "nft/lexer.h"

/* A port, and the line it is to be remarked on. */
struct remark {
	size_t line; /* byte that the line begins with */
	struct port_use use;
	char *summary; /* of many ports from elsewhere, instead of @use; owned; else NULL */
};

struct remarks {
	struct remark *list; /* owned */
	size_t count, capacity;
};

/*
 * Note the ports of the statement @tokens, each for the line where it is written.
 * Those from elsewhere are for the line of token @first; many of them in one
 * summary, for they are told one by one where they are written. 0 or -ENOMEM.
 */
int remarks_add(struct remarks *remarks, const struct comment_facts *facts,
		const struct tokens *tokens, size_t first, const struct port_list *ports);

/*
 * Edits that make the lines of ours in @text what @remarks says, and take all
 * others of ours out. @keep_counts: lines that differ by their counts stay.
 * Returns how many lines of ours there are then, or -ENOMEM.
 */
ptrdiff_t remarks_edit(struct remarks *remarks, const char *text, size_t length,
		       const struct comment_facts *facts, bool keep_counts, struct edits *edits);

void remarks_release(struct remarks *remarks);

#endif
