/*
 * An nftables file as a row of statements: what stands between newlines and
 * semicolons, with the block it stands in. Tells rules from the rest of tables
 * and chains, and knows nothing of ports or comments. Pure.
 */
#ifndef PORTSCRIBE_NFT_STATEMENT_H
#define PORTSCRIBE_NFT_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "nft/lexer.h"

enum statement_kind {
	STATEMENT_RULE,	   /* a rule in a chain, or the rule of "add rule ..." */
	STATEMENT_OPENING, /* "table inet t {", "chain c {" */
	STATEMENT_CHAIN,   /* of a chain, but no rule: type, policy, flags, comment ... */
	STATEMENT_TABLE,   /* of a table: sets, maps, objects, flags ... */
	STATEMENT_COMMAND, /* at the top: add element, flush, define, include ... */
	STATEMENT_STRAY,   /* at the top, and no command that we know */
};

struct statement {
	enum statement_kind kind;
	const struct token *tokens; /* never none; no newlines. Valid until the next read */
	size_t count;
	bool closed_early; /* the enclosing block's } ended it, no separator */
};

enum block {
	BLOCK_FILE,
	BLOCK_TABLE,
	BLOCK_CHAIN,
};

struct statement_reader {
	struct lexer lexer;
	struct token *tokens; /* owned */
	size_t count, capacity;
	struct token opened[3]; /* the { of each block we are in */
	enum block blocks[3];
	unsigned int depth;   /* index of the innermost one */
	struct token culprit; /* set where statement_next() returned -EINVAL */
	const char *error;    /* a constant */
};

void statement_reader_init(struct statement_reader *reader, const char *text, size_t length);
void statement_reader_release(struct statement_reader *reader);

/*
 * Read on to the next statement. 1: @ret_statement is filled; 0: the text is
 * over; -ENOMEM; -EINVAL: unbalanced braces or what lexer_next() refuses, see
 * reader->culprit and reader->error.
 */
int statement_next(struct statement_reader *reader, struct statement *ret_statement);

#endif
