/*
 * Byte by byte over an nftables file. The rules are those of nft's scanner.l
 * (1.0.6): quotes know no escapes and may span lines, a comment ends with its
 * line even after a backslash, a name may hold hyphens, a number may not.
 */
#include "nft/lexer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
	return is_letter(c) || c == '_';
}

static bool is_name_part(char c)
{
	return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '/' || c == '.';
}

/* Numbers take in addresses and times (10.0.0.1, 1d2h), but no hyphen: 22-ssh is a range. */
static bool is_number_part(char c)
{
	return is_letter(c) || is_digit(c) || c == '_' || c == '.';
}

/* A byte at @offset from where we stand, 0 behind the end (the text holds no NUL). */
static char peek(const struct lexer *lexer, size_t offset)
{
	return lexer->length - lexer->at > offset ? lexer->text[lexer->at + offset] : 0;
}

static void skip_while(struct lexer *lexer, bool (*wanted)(char))
{
	while (wanted(peek(lexer, 0)))
		lexer->at++;
}

static void newline_pass(struct lexer *lexer, bool joins)
{
	lexer->at++;
	lexer->line++;
	lexer->line_start = lexer->at;
	if (!joins)
		lexer->joined_start = lexer->at;
}

static bool is_alone_on_line(const struct lexer *lexer)
{
	for (size_t at = lexer->line_start; at < lexer->at; at++)
		if (lexer->text[at] != ' ' && lexer->text[at] != '\t')
			return false;
	return true;
}

/* A line that holds nothing else is no line for nft: its newline goes with it (comment_line). */
static void comment_pass(struct lexer *lexer)
{
	const char *rest = lexer->text + lexer->at;
	const char *newline = memchr(rest, '\n', lexer->length - lexer->at);
	bool alone = is_alone_on_line(lexer);

	lexer->at = newline ? (size_t)(newline - lexer->text) : lexer->length;
	if (newline && alone)
		newline_pass(lexer, lexer->joined_start != lexer->line_start);
}

static void blanks_pass(struct lexer *lexer)
{
	for (;;) {
		char c = peek(lexer, 0);

		if (c == ' ' || c == '\t') {
			lexer->at++;
		} else if (c == '#') {
			comment_pass(lexer);
		} else if (c == '\\' && peek(lexer, 1) == '\n') {
			lexer->at++;
			newline_pass(lexer, true);
		} else {
			return;
		}
	}
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Six times one or two digits (nft's macaddr). */
static bool is_mac(const char *text, size_t length)
{
	size_t colons = 0, digits = 0;

	for (size_t i = 0; i < length; i++) {
		if (is_hex(text[i]) && digits < 2) {
			digits++;
		} else if (text[i] == ':' && digits) {
			colons++;
			digits = 0;
		} else {
			return false;
		}
	}
	return colons == 5 && digits;
}

static bool is_ip6(const char *text, size_t length)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return inet_pton(AF_INET6, copy, &address) == 1;
}

/*
 * The length of an address with colons at @lexer->at, 0 where there is none: the
 * longest that is one, so that the colon in "{ fe80::1 : accept }" stays alone.
 */
static size_t address_length(const struct lexer *lexer)
{
	const char *text = lexer->text + lexer->at;
	size_t length = 0, colons = 0;

	while (is_hex(peek(lexer, length)) || peek(lexer, length) == ':' ||
	       (colons && peek(lexer, length) == '.'))
		colons += peek(lexer, length++) == ':';
	/* Most tokens are done with here. */
	if (colons < 2)
		return 0;
	while (length > 1 && !is_mac(text, length) && !is_ip6(text, length))
		length--;
	return length > 1 ? length : 0;
}

static int string_pass(struct lexer *lexer)
{
	lexer->at++;
	while (lexer->at < lexer->length) {
		char c = lexer->text[lexer->at];

		if (c == '\n') {
			newline_pass(lexer, true);
			continue;
		}
		lexer->at++;
		if (c == '"')
			return 0;
	}
	lexer->error = "a quote is never closed";
	return -EINVAL;
}

/* @NAME or $NAME; without a name it is a lone sign that we know nothing about. */
static enum token_kind reference_pass(struct lexer *lexer, enum token_kind kind)
{
	lexer->at++;
	if (!is_name_start(peek(lexer, 0)))
		return TOKEN_JUNK;
	skip_while(lexer, is_name_part);
	return kind;
}

static enum token_kind sign_pass(struct lexer *lexer)
{
	static const char signs[] = ",:.-/*+&|^<>=!()[]";
	static const char *const pairs[] = { "==", "!=", "<=", ">=", "<<", ">>" };
	char c = peek(lexer, 0);

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (c == pairs[i][0] && peek(lexer, 1) == pairs[i][1]) {
			lexer->at += 2;
			return TOKEN_SIGN;
		}
	}
	lexer->at++;
	return strchr(signs, c) ? TOKEN_SIGN : TOKEN_JUNK;
}

static int token_pass(struct lexer *lexer, enum token_kind *ret_kind)
{
	char c = peek(lexer, 0);

	*ret_kind = TOKEN_JUNK;
	if (c == '\r') {
		lexer->error = "a carriage return, which nft does not accept";
		return -EINVAL;
	}
	if (c == '"') {
		*ret_kind = TOKEN_STRING;
		return string_pass(lexer);
	}
	if ((is_hex(c) || c == ':') && address_length(lexer)) {
		lexer->at += address_length(lexer);
		*ret_kind = TOKEN_NUMBER;
	} else if (is_digit(c)) {
		skip_while(lexer, is_number_part);
		*ret_kind = TOKEN_NUMBER;
	} else if (is_name_start(c) || (c == '.' && is_name_part(peek(lexer, 1)))) {
		skip_while(lexer, is_name_part);
		if (peek(lexer, 0) == '*') /* eth* */
			lexer->at++;
		*ret_kind = TOKEN_WORD;
	} else if (c == '$') {
		*ret_kind = reference_pass(lexer, TOKEN_DEFINE);
	} else if (c == '@') {
		*ret_kind = reference_pass(lexer, TOKEN_SET);
	} else if (c == '{' || c == '}' || c == ';') {
		lexer->at++;
		*ret_kind = c == '{' ? TOKEN_OPEN : c == '}' ? TOKEN_CLOSE : TOKEN_SEMICOLON;
	} else {
		*ret_kind = sign_pass(lexer);
	}
	return 0;
}

void lexer_init(struct lexer *lexer, const char *text, size_t length)
{
	*lexer = (struct lexer){ .text = text, .length = length, .line = 1 };
}

int lexer_next(struct lexer *lexer, struct token *ret_token)
{
	struct token *token = ret_token;
	int err = 0;

	blanks_pass(lexer);
	*token = (struct token){
		.kind = TOKEN_END,
		.line = lexer->line,
		.column = (unsigned int)(lexer->at - lexer->line_start) + 1,
		.start = lexer->at,
		.line_start = lexer->joined_start,
	};
	if (lexer->at < lexer->length) {
		if (peek(lexer, 0) == '\n') {
			token->kind = TOKEN_NEWLINE;
			newline_pass(lexer, false);
		} else {
			err = token_pass(lexer, &token->kind);
		}
	}
	token->end = lexer->at;
	return err;
}

bool token_is(const char *text, const struct token *token, const char *spelling)
{
	size_t length = token->end - token->start;

	return strlen(spelling) == length && !memcmp(text + token->start, spelling, length);
}

bool tokens_kind(const struct tokens *tokens, size_t index, enum token_kind kind)
{
	return index < tokens->count && tokens->list[index].kind == kind;
}

bool tokens_is(const struct tokens *tokens, size_t index, const char *spelling)
{
	return index < tokens->count && token_is(tokens->text, &tokens->list[index], spelling);
}

bool tokens_is_one(const struct tokens *tokens, size_t index, const char *const *words)
{
	for (; *words; words++)
		if (tokens_is(tokens, index, *words))
			return true;
	return false;
}

size_t tokens_group_end(const struct tokens *tokens, size_t index)
{
	size_t depth = 0;

	for (; index < tokens->count; index++) {
		if (tokens->list[index].kind == TOKEN_OPEN)
			depth++;
		else if (tokens->list[index].kind == TOKEN_CLOSE && --depth == 0)
			return index + 1;
	}
	return index;
}

struct slice tokens_slice(const struct tokens *tokens, size_t index)
{
	const struct token *token = &tokens->list[index];

	return (struct slice){ tokens->text + token->start, token->end - token->start };
}
