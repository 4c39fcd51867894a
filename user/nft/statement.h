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
	STATEMENT_CLOSING, /* the } of such a block */
	STATEMENT_CHAIN,   /* of a chain, but no rule: type, policy, flags, comment ... */
	STATEMENT_TABLE,   /* of a table: sets, maps, objects, flags ... */
	STATEMENT_COMMAND, /* at the top: add element, flush, define, include ... */
	STATEMENT_STRAY,   /* at the top, and no command that we know */
};

/* Where a statement stands, as written; "ip" where a table names no family. Length 0: nowhere. */
struct place {
	struct slice family, table, chain;
};

struct statement {
	enum statement_kind kind;
	/*
	 * Never none. No newlines, but in the block of a "jump {" and in the block
	 * that declares a set, a map or another object. Valid until the next read.
	 */
	struct tokens tokens;
	bool closed_early; /* the enclosing block's } ended it, no separator */
	struct place place;
};

/* Where and why a text cannot be an nftables file. */
struct text_error {
	unsigned int line, column; /* from 1; columns count bytes */
	const char *reason;	   /* a constant */
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
	struct place places[3];	 /* of the file itself: nowhere, or where it is included */
	unsigned int depth;	 /* index of the innermost one */
	bool closing;		 /* a } was read that is to be told next */
	struct token closer;	 /* that } */
	struct text_error error; /* set where statement_next() returned -EINVAL */
};

void statement_reader_init(struct statement_reader *reader, const char *text, size_t length);
void statement_reader_release(struct statement_reader *reader);

/*
 * Read on to the next statement. 1: @ret_statement is filled; 0: the text is
 * over; -ENOMEM; -EINVAL: unbalanced braces or what lexer_next() refuses, see
 * reader->error.
 */
int statement_next(struct statement_reader *reader, struct statement *ret_statement);

/*
 * The statements of a block within one: those between @*at and @end, of the tokens
 * of an outer rule, behind the { of a "jump {". Moves @*at. False at the end.
 */
bool statement_within(const struct tokens *outer, size_t *at, size_t end, struct tokens *ret_tokens,
		      bool *ret_closed_early);

/*
 * Whether they are "chain c {" or "set s {" without a table: a piece of a file that is
 * included within one. Its place is that of the table, where that is known.
 */
bool statement_is_piece(const struct tokens *tokens);

/* The index of the word that says what a command is about: 1 behind "add", "delete" ... */
size_t statement_object(const struct tokens *tokens);

#endif
