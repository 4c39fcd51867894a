/*
 * Blocks and separators. Braces that open a table or a chain nest; all other
 * braces (sets, maps, flowtables, jump blocks) belong to the statement they
 * stand in, newlines included. A file can nest no deeper than chain in table,
 * so the reader needs no recursion and cannot be driven into one.
 */
#include "nft/statement.h"

#include <errno.h>
#include <stdlib.h>

static bool listed(const char *text, const struct token *token, const char *const *words)
{
	for (; *words; words++) {
		if (token_is(text, token, *words))
			return true;
	}
	return false;
}

void statement_reader_init(struct statement_reader *reader, const char *text, size_t length)
{
	*reader = (struct statement_reader){ .blocks = { BLOCK_FILE } };
	lexer_init(&reader->lexer, text, length);
}

void statement_reader_release(struct statement_reader *reader)
{
	free(reader->tokens);
	reader->tokens = NULL;
	reader->count = reader->capacity = 0;
}

static int token_push(struct statement_reader *reader, const struct token *token)
{
	if (reader->count == reader->capacity) {
		size_t capacity = reader->capacity ? reader->capacity * 2 : 64;
		struct token *tokens = reallocarray(reader->tokens, capacity, sizeof(*tokens));

		if (!tokens)
			return -ENOMEM;
		reader->tokens = tokens;
		reader->capacity = capacity;
	}
	reader->tokens[reader->count++] = *token;
	return 0;
}

static int refuse(struct statement_reader *reader, const struct token *culprit, const char *error)
{
	reader->culprit = *culprit;
	reader->error = error;
	return -EINVAL;
}

static enum block block_of(const struct statement_reader *reader)
{
	return reader->blocks[reader->depth];
}

/* The index of the first word behind "add", "create" and the like, if there is one. */
static size_t verb_length(const struct statement_reader *reader)
{
	static const char *const verbs[] = { "add", "create", "insert", "replace", NULL };

	return reader->count && listed(reader->lexer.text, &reader->tokens[0], verbs);
}

/* Which block a { would open here, after the tokens read so far; BLOCK_FILE: none. */
static enum block block_opened(const struct statement_reader *reader)
{
	const char *text = reader->lexer.text;
	enum block here = block_of(reader);
	size_t object = here == BLOCK_FILE ? verb_length(reader) : 0;

	if (here == BLOCK_CHAIN || object >= reader->count)
		return BLOCK_FILE;
	if (here == BLOCK_FILE && token_is(text, &reader->tokens[object], "table"))
		return BLOCK_TABLE;
	if (token_is(text, &reader->tokens[object], "chain"))
		return BLOCK_CHAIN;
	return BLOCK_FILE;
}

static void block_enter(struct statement_reader *reader, enum block block,
			const struct token *opening)
{
	reader->depth++;
	reader->blocks[reader->depth] = block;
	reader->opened[reader->depth] = *opening;
}

/* "add rule ip t c tcp ...", with or without "add"; the names before the rule do no harm. */
static bool is_rule_command(const struct statement_reader *reader)
{
	static const char *const verbs[] = { "add", "insert", "replace", NULL };
	const char *text = reader->lexer.text;
	size_t object = listed(text, &reader->tokens[0], verbs);

	return object < reader->count && token_is(text, &reader->tokens[object], "rule");
}

static enum statement_kind command_kind(const struct statement_reader *reader)
{
	static const char *const objects[] = {
		"table",   "chain", "rule",    "set",	 "map",	    "element",	"flowtable",
		"counter", "quota", "limit",   "ct",	 "secmark", "synproxy", "counters",
		"quotas",  "sets",  "ruleset", "tunnel", "meter",   NULL,
	};
	static const char *const others[] = {
		"include", "define",  "redefine", "undefine", "flush",
		"delete",  "destroy", "list",	  "reset",    "monitor",
		"export",  "import",  "rename",	  "describe", NULL,
	};
	const char *text = reader->lexer.text;
	size_t object = verb_length(reader);

	if (is_rule_command(reader))
		return STATEMENT_RULE;
	if (object < reader->count && listed(text, &reader->tokens[object], objects))
		return STATEMENT_COMMAND;
	return listed(text, &reader->tokens[0], others) ? STATEMENT_COMMAND : STATEMENT_STRAY;
}

static enum statement_kind kind_of(const struct statement_reader *reader)
{
	static const char *const not_rules[] = {
		"type",	   "policy", "flags",	 "comment",  "device", "devices",
		"include", "define", "redefine", "undefine", "hook",   NULL,
	};

	switch (block_of(reader)) {
	case BLOCK_TABLE: return STATEMENT_TABLE;
	case BLOCK_CHAIN:
		return listed(reader->lexer.text, &reader->tokens[0], not_rules) ? STATEMENT_CHAIN
										 : STATEMENT_RULE;
	case BLOCK_FILE: break;
	}
	return command_kind(reader);
}

static int statement_done(const struct statement_reader *reader, enum statement_kind kind,
			  bool closed_early, struct statement *ret_statement)
{
	*ret_statement = (struct statement){
		.kind = kind,
		.tokens = reader->tokens,
		.count = reader->count,
		.closed_early = closed_early,
	};
	return 1;
}

/* The rest of a brace group, from its { on, to its } inclusive. */
static int group_read(struct statement_reader *reader, const struct token *opening)
{
	unsigned int depth = 0;
	struct token first = *opening, token = first;

	for (;;) {
		int err = token.kind == TOKEN_NEWLINE ? 0 : token_push(reader, &token);

		if (err)
			return err;
		if (token.kind == TOKEN_OPEN)
			depth++;
		if (token.kind == TOKEN_CLOSE && --depth == 0)
			return 0;
		if (lexer_next(&reader->lexer, &token))
			return refuse(reader, &token, reader->lexer.error);
		if (token.kind == TOKEN_END)
			return refuse(reader, &first, "a brace is never closed");
	}
}

static int close_read(struct statement_reader *reader, const struct token *token,
		      struct statement *ret_statement)
{
	int done = 0;

	if (!reader->depth)
		return refuse(reader, token, "a closing brace without an opening one");
	if (reader->count)
		done = statement_done(reader, kind_of(reader), true, ret_statement);
	reader->depth--;
	return done;
}

static int open_read(struct statement_reader *reader, const struct token *token,
		     struct statement *ret_statement)
{
	enum block block = block_opened(reader);

	if (block == BLOCK_FILE)
		return group_read(reader, token);
	block_enter(reader, block, token);
	return statement_done(reader, STATEMENT_OPENING, false, ret_statement);
}

static int end_read(struct statement_reader *reader, struct statement *ret_statement)
{
	if (reader->depth)
		return refuse(reader, &reader->opened[reader->depth], "a brace is never closed");
	return reader->count ? statement_done(reader, kind_of(reader), false, ret_statement) : 0;
}

int statement_next(struct statement_reader *reader, struct statement *ret_statement)
{
	reader->count = 0;
	for (;;) {
		struct token token;
		int done = 0;

		if (lexer_next(&reader->lexer, &token))
			return refuse(reader, &token, reader->lexer.error);
		switch (token.kind) {
		case TOKEN_END: return end_read(reader, ret_statement);
		case TOKEN_NEWLINE:
		case TOKEN_SEMICOLON:
			if (reader->count)
				return statement_done(reader, kind_of(reader), false,
						      ret_statement);
			break;
		case TOKEN_CLOSE: done = close_read(reader, &token, ret_statement); break;
		case TOKEN_OPEN: done = open_read(reader, &token, ret_statement); break;
		default: done = token_push(reader, &token);
		}
		if (done)
			return done;
	}
}
