/*
 * Wide rather than exact: a name too many is an interface too many in a namespace
 * that is thrown away, one too few is a ruleset that cannot be loaded there.
 */
#include "nft/interfaces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nft/lexer.h"
#include "util/grow.h"

#define INCLUDES_DEEP 16
#define NAMES_MAX     1024

struct reading {
	struct interface_names *names;
	const struct nft_includes *includes;
	unsigned int depth; /* of files */
	bool endless;	    /* they were nested too deeply: no more are read */
};

/* Names that end in * stand for all that begin so, and need none to be there. */
static bool is_name(struct slice text)
{
	if (!text.length || text.length >= IFNAMSIZ || text.text[text.length - 1] == '*' ||
	    slice_equals(text, ".") || slice_equals(text, ".."))
		return false;
	for (size_t i = 0; i < text.length; i++)
		if (text.text[i] <= ' ' || text.text[i] == '/' || text.text[i] == ':')
			return false;
	return true;
}

static int add(struct interface_names *names, struct slice name)
{
	if (!is_name(name) || names->count == NAMES_MAX)
		return 0;
	for (size_t i = 0; i < names->count; i++)
		if (slice_equals(name, names->names[i]))
			return 0;
	if (!array_room(&names->names, names->count, &names->capacity, IFNAMSIZ))
		return -ENOMEM;
	memset(names->names[names->count], 0, IFNAMSIZ);
	memcpy(names->names[names->count++], name.text, name.length);
	return 0;
}

static int add_token(struct reading *reading, const struct tokens *tokens, size_t index)
{
	struct slice text = tokens_slice(tokens, index);

	if (tokens_kind(tokens, index, TOKEN_STRING))
		text = (struct slice){ text.text + 1, text.length - 2 };
	else if (!tokens_kind(tokens, index, TOKEN_WORD) &&
		 !tokens_kind(tokens, index, TOKEN_NUMBER))
		return 0;
	return add(reading->names, text);
}

static int add_tokens(struct reading *reading, const struct tokens *tokens, size_t first,
		      size_t end)
{
	int error = 0;

	for (size_t i = first; !error && i < end; i++)
		error = add_token(reading, tokens, i);
	return error;
}

/* What stands behind "iif", "oif", "device": a name, a list, the keys of a map. */
static int add_behind(struct reading *reading, const struct tokens *tokens, size_t index)
{
	static const char *const between[] = { "!=", "==", "=", "ne", "eq", "vmap", "map", NULL };

	while (tokens_is_one(tokens, index, between))
		index++;
	if (tokens_kind(tokens, index, TOKEN_OPEN))
		return add_tokens(reading, tokens, index, tokens_group_end(tokens, index));
	return index < tokens->count ? add_token(reading, tokens, index) : 0;
}

/* "fwd to eth0", "dup to meta mark map { 1 : eth0 }": @index is behind the "to". */
static int add_target(struct reading *reading, const struct tokens *tokens, size_t index)
{
	for (size_t i = index; i < tokens->count; i++)
		if (tokens_kind(tokens, i, TOKEN_OPEN))
			return add_tokens(reading, tokens, i, tokens_group_end(tokens, i));
	return add_behind(reading, tokens, index);
}

static int read_text(struct reading *reading, const char *text, size_t length);

static int take_included(void *taker, const char *text, size_t length)
{
	return read_text(taker, text, length);
}

static int read_include(struct reading *reading, const struct tokens *tokens)
{
	struct slice path;
	int error;

	if (!reading->includes || !tokens_kind(tokens, 1, TOKEN_STRING) || reading->endless)
		return 0;
	if (reading->depth == INCLUDES_DEEP) {
		reading->endless = true;
		return 0;
	}
	path = tokens_slice(tokens, 1);
	reading->depth++;
	error = reading->includes->read(reading->includes->data,
					(struct slice){ path.text + 1, path.length - 2 },
					take_included, reading);
	reading->depth--;
	return error == -ENOMEM ? error : 0;
}

static int read_statement(struct reading *reading, const struct statement *statement)
{
	static const char *const keywords[] = { "iif", "oif", "device", "devices", "sdif", NULL };
	static const char *const copies[] = { "fwd", "dup", NULL };
	const struct tokens *tokens = &statement->tokens;
	bool anywhere = false, by_example = false;
	int error = 0;

	if (tokens_is(tokens, 0, "include"))
		return read_include(reading, tokens);
	if (tokens_is(tokens, 0, "define") || tokens_is(tokens, 0, "redefine"))
		return add_tokens(reading, tokens, 3, tokens->count);
	for (size_t i = 0; !error && i < tokens->count; i++) {
		by_example |= tokens_is(tokens, i, "typeof");
		if (tokens_is_one(tokens, i, copies) && tokens_is(tokens, i + 1, "to")) {
			error = add_target(reading, tokens, i + 2);
		} else if (tokens_is_one(tokens, i, keywords) ||
			   tokens_is(tokens, i, "iface_index")) {
			anywhere |= by_example || tokens_is(tokens, i + 1, ".") ||
				    (i && tokens_is(tokens, i - 1, ".")) ||
				    tokens_is(tokens, i, "iface_index");
			error = add_behind(reading, tokens, i + 1);
		}
	}
	/* "iif . tcp dport { eth0 . 22 }", "type iface_index", "typeof iif": any may be one. */
	return anywhere && !error ? add_tokens(reading, tokens, 0, tokens->count) : error;
}

static int read_text(struct reading *reading, const char *text, size_t length)
{
	struct statement_reader reader;
	struct statement statement;
	int error = 0;

	statement_reader_init(&reader, text, length);
	while (!error && statement_next(&reader, &statement) > 0)
		error = read_statement(reading, &statement);
	statement_reader_release(&reader);
	return error;
}

int interface_names_read(struct interface_names *names, const char *text, size_t length,
			 const struct nft_includes *includes)
{
	return read_text(&(struct reading){ names, includes, 0, false }, text, length);
}

void interface_names_release(struct interface_names *names)
{
	free(names->names);
	*names = (struct interface_names){ 0 };
}
