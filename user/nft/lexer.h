/*
 * The words of an nftables file, each with its place in the bytes, so that
 * whoever reads a ruleset can also edit it where it stands. Follows nft's own
 * scanner where the two could disagree: comments, quotes, continuation lines,
 * hyphens in names. Pure; owns nothing.
 */
#ifndef PORTSCRIBE_NFT_LEXER_H
#define PORTSCRIBE_NFT_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "util/slice.h"

enum token_kind {
	TOKEN_END,
	TOKEN_NEWLINE,
	TOKEN_SEMICOLON,
	TOKEN_OPEN,   /* { */
	TOKEN_CLOSE,  /* } */
	TOKEN_NUMBER, /* starts with a digit: 22, 0x16, 10.0.0.1, 30s; or fe80::1, a MAC address */
	TOKEN_WORD,   /* keyword, name; may hold - / . _ inside, as in ms-sql-s */
	TOKEN_STRING, /* "...", quotes included */
	TOKEN_DEFINE, /* $NAME */
	TOKEN_SET,    /* @NAME; also @th of a raw payload match */
	TOKEN_SIGN,   /* an operator or other punctuation, such as != or , */
	TOKEN_JUNK,   /* bytes that nft does not know either */
};

struct token {
	enum token_kind kind;
	unsigned int line, column; /* from 1; columns count bytes */
	size_t start, end;	   /* bytes [start, end) of the text */
	/*
	 * The byte that its line begins with, or the first of the lines that go on into
	 * its own, in a string or behind a backslash: a line can be put in there.
	 */
	size_t line_start;
};

struct lexer {
	const char *text;
	size_t length;
	size_t at;
	size_t line_start, joined_start; /* of this line; of the first that goes on into it */
	unsigned int line;
	const char *error; /* set where lexer_next() failed: a constant */
};

void lexer_init(struct lexer *lexer, const char *text, size_t length);

/*
 * The next token. Blanks, comments, lines that hold nothing but a comment, and
 * "\<newline>" are passed over. At the end of the text TOKEN_END, again and again. -EINVAL where no
 * nftables file goes on like this (a quote never closed, a carriage return outside comments and
 * quotes): then @ret_token is the offending place and lexer->error says why.
 */
int lexer_next(struct lexer *lexer, struct token *ret_token);

/* Whether the token is spelled exactly as @spelling. */
bool token_is(const char *text, const struct token *token, const char *spelling);

/* Some tokens of a text, in a row: a statement, or a part of one. Owns nothing. */
struct tokens {
	const char *text;
	const struct token *list;
	size_t count;
};

/* Whether there is a token @index, and it is of @kind, or spelled as @spelling. */
bool tokens_kind(const struct tokens *tokens, size_t index, enum token_kind kind);
bool tokens_is(const struct tokens *tokens, size_t index, const char *spelling);

/* Whether it is spelled as one of @words, a list that ends in NULL. */
bool tokens_is_one(const struct tokens *tokens, size_t index, const char *const *words);

/* The index behind the group that token @index, an opening brace, begins; count where it is cut. */
size_t tokens_group_end(const struct tokens *tokens, size_t index);

/* Its bytes in the text. */
struct slice tokens_slice(const struct tokens *tokens, size_t index);

#endif
