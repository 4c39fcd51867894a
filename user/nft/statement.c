/*
 * Blocks and separators. Braces that open a table or a chain nest; all other
 * braces (sets, maps, flowtables, jump blocks) belong to the statement they
 * stand in. A file can nest no deeper than chain in table, so the reader needs
 * no recursion and cannot be driven into one.
 */
#include "nft/statement.h"
#include "util/grow.h"

#include <errno.h>
#include <stdlib.h>

#define GROUPS_KNOWN 64 /* deeper ones keep no newlines */

static struct tokens read_so_far(const struct statement_reader *reader)
{
	return (struct tokens){ reader->lexer.text, reader->tokens, reader->count };
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
	if (!array_room(&reader->tokens, reader->count, &reader->capacity, sizeof(*reader->tokens)))
		return -ENOMEM;
	reader->tokens[reader->count++] = *token;
	return 0;
}

static int refuse(struct statement_reader *reader, const struct token *culprit, const char *error)
{
	reader->error = (struct text_error){ culprit->line, culprit->column, error };
	return -EINVAL;
}

static enum block block_of(const struct statement_reader *reader)
{
	return reader->blocks[reader->depth];
}

size_t statement_object(const struct tokens *tokens)
{
	static const char *const verbs[] = { "add",    "create",  "insert", "replace",
					     "delete", "destroy", "flush",  "reset",
					     "list",   "rename",  "get",    NULL };

	return tokens_is_one(tokens, 0, verbs);
}

bool statement_is_piece(const struct tokens *tokens)
{
	static const char *const objects[] = { "chain", "set", "map", NULL };

	return tokens_is_one(tokens, 0, objects) &&
	       (tokens->count == 2 || tokens_kind(tokens, 2, TOKEN_OPEN));
}

/* Which block a { would open here, after the tokens read so far; BLOCK_FILE: none. */
static enum block block_opened(const struct statement_reader *reader)
{
	struct tokens tokens = read_so_far(reader);
	enum block here = block_of(reader);
	size_t object = here == BLOCK_FILE ? statement_object(&tokens) : 0;

	if (here == BLOCK_CHAIN)
		return BLOCK_FILE;
	if (here == BLOCK_FILE && tokens_is(&tokens, object, "table"))
		return BLOCK_TABLE;
	return tokens_is(&tokens, object, "chain") ? BLOCK_CHAIN : BLOCK_FILE;
}

static const char *const families[] = { "ip", "ip6", "inet", "arp", "bridge", "netdev", NULL };

/*
 * Family and table, named from token @index on; the default family is ip. Returns
 * the index behind them.
 */
static size_t place_read(const struct tokens *tokens, size_t index, struct place *place)
{
	place->family = slice_of("ip");
	if (tokens_is_one(tokens, index, families) && index + 1 < tokens->count &&
	    !tokens_kind(tokens, index + 1, TOKEN_OPEN))
		place->family = tokens_slice(tokens, index++);
	if (index < tokens->count)
		place->table = tokens_slice(tokens, index++);
	return index;
}

static void block_enter(struct statement_reader *reader, enum block block,
			const struct token *opening)
{
	struct tokens tokens = read_so_far(reader);
	size_t object = block_of(reader) == BLOCK_FILE ? statement_object(&tokens) : 0;
	struct place place = reader->places[reader->depth];
	size_t name = object + 1;

	if (block_of(reader) == BLOCK_FILE && !statement_is_piece(&tokens))
		name = place_read(&tokens, object + 1, &place);
	if (block == BLOCK_CHAIN && name < tokens.count)
		place.chain = tokens_slice(&tokens, name);
	reader->depth++;
	reader->blocks[reader->depth] = block;
	reader->opened[reader->depth] = *opening;
	reader->places[reader->depth] = place;
}

/* "add rule ip t c tcp ...", with or without "add"; the names before the rule do no harm. */
static bool is_rule_command(const struct tokens *tokens)
{
	static const char *const verbs[] = { "add", "insert", "replace", NULL };

	return tokens_is(tokens, tokens_is_one(tokens, 0, verbs), "rule");
}

static enum statement_kind command_kind(const struct tokens *tokens)
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

	if (is_rule_command(tokens))
		return STATEMENT_RULE;
	if (tokens_is_one(tokens, statement_object(tokens), objects))
		return STATEMENT_COMMAND;
	return tokens_is_one(tokens, 0, others) ? STATEMENT_COMMAND : STATEMENT_STRAY;
}

static const char *const not_rules[] = {
	"type",	   "policy", "flags",	 "comment",  "device", "devices",
	"include", "define", "redefine", "undefine", "hook",   NULL,
};

static enum statement_kind kind_of(const struct statement_reader *reader)
{
	struct tokens tokens = read_so_far(reader);

	switch (block_of(reader)) {
	case BLOCK_TABLE: return STATEMENT_TABLE;
	case BLOCK_CHAIN:
		return tokens_is_one(&tokens, 0, not_rules) ? STATEMENT_CHAIN : STATEMENT_RULE;
	case BLOCK_FILE: break;
	}
	return command_kind(&tokens);
}

/* Of a command at the top, where it says it belongs. */
static struct place place_of(const struct statement_reader *reader, enum statement_kind kind)
{
	static const char *const placeless[] = { "include", "define", "redefine", "undefine",
						 NULL };
	struct place place = reader->places[reader->depth];
	struct tokens tokens = read_so_far(reader);
	size_t object, name;

	if (block_of(reader) != BLOCK_FILE || reader->count < 2 || kind == STATEMENT_STRAY ||
	    tokens_is_one(&tokens, 0, placeless) || statement_is_piece(&tokens))
		return place;
	object = statement_object(&tokens);
	name = place_read(&tokens, object + 1, &place);
	if ((tokens_is(&tokens, object, "chain") || tokens_is(&tokens, object, "rule")) &&
	    name < tokens.count)
		place.chain = tokens_slice(&tokens, name);
	return place;
}

static int statement_done(const struct statement_reader *reader, enum statement_kind kind,
			  bool closed_early, struct statement *ret_statement)
{
	*ret_statement = (struct statement){
		.kind = kind,
		.tokens = read_so_far(reader),
		.closed_early = closed_early,
		.place = place_of(reader, kind),
	};
	return 1;
}

/* Whether statements, or declarations, stand in the group that would open here. */
static bool is_structural(const struct statement_reader *reader)
{
	static const char *const objects[] = { "set",	"map", "flowtable", "counter",	"quota",
					       "limit", "ct",  "secmark",   "synproxy", NULL };
	struct tokens tokens = read_so_far(reader);
	size_t last = tokens.count - 1;

	if (!tokens.count)
		return false;
	if (tokens_is(&tokens, last, "jump") || tokens_is(&tokens, last, "goto"))
		return true;
	return block_of(reader) != BLOCK_CHAIN && last < 5 &&
	       tokens_is_one(&tokens,
			     block_of(reader) == BLOCK_FILE ? statement_object(&tokens) : 0,
			     objects);
}

/* The rest of a brace group, from its { on, to its } inclusive. */
static int group_read(struct statement_reader *reader, const struct token *opening)
{
	struct token first = *opening, token = first;
	bool structural[GROUPS_KNOWN] = { false };
	unsigned int depth = 0;

	for (;;) {
		bool opens = token.kind == TOKEN_OPEN, kept = token.kind != TOKEN_NEWLINE;
		int err;

		if (opens && ++depth < GROUPS_KNOWN)
			structural[depth] = is_structural(reader);
		if (token.kind == TOKEN_NEWLINE && depth < GROUPS_KNOWN)
			kept = structural[depth];
		err = kept ? token_push(reader, &token) : 0;
		if (err)
			return err;
		if (token.kind == TOKEN_CLOSE && --depth == 0)
			return 0;
		if (lexer_next(&reader->lexer, &token))
			return refuse(reader, &token, reader->lexer.error);
		if (token.kind == TOKEN_END)
			return refuse(reader, &first, "a brace is never closed");
	}
}

static int close_tell(struct statement_reader *reader, const struct token *token,
		      struct statement *ret_statement)
{
	int err;

	reader->closing = false;
	reader->count = 0;
	err = token_push(reader, token);
	if (err)
		return err;
	*ret_statement = (struct statement){ .kind = STATEMENT_CLOSING,
					     .tokens = read_so_far(reader),
					     .place = reader->places[reader->depth] };
	reader->depth--;
	return 1;
}

/* The } of a block: what stands before it is told first, then the } itself. */
static int close_read(struct statement_reader *reader, const struct token *token,
		      struct statement *ret_statement)
{
	if (!reader->depth)
		return refuse(reader, token, "a closing brace without an opening one");
	if (!reader->count)
		return close_tell(reader, token, ret_statement);
	reader->closing = true;
	reader->closer = *token;
	return statement_done(reader, kind_of(reader), true, ret_statement);
}

static int open_read(struct statement_reader *reader, const struct token *token,
		     struct statement *ret_statement)
{
	enum block block = block_opened(reader);

	if (block == BLOCK_FILE)
		return group_read(reader, token);
	block_enter(reader, block, token);
	*ret_statement = (struct statement){ .kind = STATEMENT_OPENING,
					     .tokens = read_so_far(reader),
					     .place = reader->places[reader->depth] };
	return reader->count ? 1 : refuse(reader, token, "a block without a name");
}

static int end_read(struct statement_reader *reader, struct statement *ret_statement)
{
	if (reader->depth)
		return refuse(reader, &reader->opened[reader->depth], "a brace is never closed");
	return reader->count ? statement_done(reader, kind_of(reader), false, ret_statement) : 0;
}

int statement_next(struct statement_reader *reader, struct statement *ret_statement)
{
	if (reader->closing)
		return close_tell(reader, &reader->closer, ret_statement);
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

bool statement_within(const struct tokens *outer, size_t *at, size_t end, struct tokens *ret_tokens,
		      bool *ret_closed_early)
{
	size_t first;

	while (*at < end &&
	       (tokens_kind(outer, *at, TOKEN_NEWLINE) || tokens_kind(outer, *at, TOKEN_SEMICOLON)))
		++*at;
	first = *at;
	while (*at < end && !tokens_kind(outer, *at, TOKEN_NEWLINE) &&
	       !tokens_kind(outer, *at, TOKEN_SEMICOLON))
		*at = tokens_kind(outer, *at, TOKEN_OPEN) ? tokens_group_end(outer, *at) : *at + 1;
	if (*at > end)
		*at = end;
	*ret_tokens = (struct tokens){ outer->text, outer->list + first, *at - first };
	*ret_closed_early = *at == end;
	return *at > first;
}
