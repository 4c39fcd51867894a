/*
 * nft reads a comment between two quotes, without escapes: '"' cannot be
 * written, '\' is taken out because other tools would read it as an escape,
 * and control bytes because a listing prints them raw on a terminal.
 */
#include "nft/words.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "util/utf8.h"

#define INVALID UINT32_MAX

void words_init(struct words *words, size_t limit)
{
	words->limit = limit < WORDS_MAX ? limit : WORDS_MAX;
	words_cut(words, 0);
}

void words_cut(struct words *words, size_t length)
{
	words->length = length;
	words->text[length] = '\0';
}

static bool bytes_add(struct words *words, const char *bytes, size_t length)
{
	if (length > words->limit - words->length)
		return false;
	memcpy(words->text + words->length, bytes, length);
	words_cut(words, words->length + length);
	return true;
}

bool words_add(struct words *words, const char *format, ...)
{
	char bytes[WORDS_MAX + 1];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(bytes, sizeof(bytes), format, arguments);
	va_end(arguments);
	return length >= 0 && (size_t)length < sizeof(bytes) &&
	       bytes_add(words, bytes, (size_t)length);
}

/* The code point at @text; INVALID, and one byte long, where there is none. */
static uint32_t code_point(const char *text, size_t length, size_t *ret_used)
{
	uint32_t code = INVALID;

	*ret_used = utf8_character(text, length, &code);
	if (!*ret_used)
		*ret_used = 1;
	return code;
}

static bool is_blank(uint32_t code)
{
	return code <= ' ' || code == 0x7f || (code >= 0x80 && code <= 0xa0) || code == 0x2028 ||
	       code == 0x2029;
}

static bool is_dropped(uint32_t code)
{
	return code == INVALID || code == '"' || code == '\\' || code == 0x200e || code == 0x200f ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
	       code == 0xfeff;
}

/* The next word of @rest, cleaned, into @word. 1: got it; 0: no more; -1: longer than any comment.
 */
static int word_next(struct slice *rest, char *word, size_t *ret_length)
{
	size_t at = 0, length = 0;

	while (at < rest->length) {
		size_t used;
		uint32_t code = code_point(rest->text + at, rest->length - at, &used);

		if (is_blank(code) && length)
			break;
		if (!is_blank(code) && !is_dropped(code)) {
			if (length + used > NFT_COMMENT_MAX)
				return -1;
			memcpy(word + length, code == ';' ? "," : rest->text + at, used);
			length += used;
		}
		at += used;
	}
	rest->text += at;
	rest->length -= (uint32_t)at;
	*ret_length = length;
	return length > 0;
}

/* Words of @slice until one does not fit: how many went in, and whether all did. */
static size_t clean_words_add(struct words *words, struct slice slice, bool *ret_all)
{
	char word[NFT_COMMENT_MAX];
	size_t length, count = 0;
	int got;

	while ((got = word_next(&slice, word, &length)) > 0) {
		size_t before = words->length;

		if ((count && !bytes_add(words, " ", 1)) || !bytes_add(words, word, length)) {
			words_cut(words, before);
			break;
		}
		count++;
	}
	*ret_all = got == 0;
	return count;
}

bool words_add_clean(struct words *words, struct slice slice)
{
	size_t before = words->length;
	bool all;

	clean_words_add(words, slice, &all);
	if (!all)
		words_cut(words, before);
	return all;
}

bool words_add_start(struct words *words, struct slice slice)
{
	size_t before = words->length, limit = words->limit, count;
	bool all;

	if (limit - before < 4)
		return false;
	words->limit = limit - 4;
	count = clean_words_add(words, slice, &all);
	words->limit = limit;
	if (count >= 2 && (all || words_add(words, " ...")))
		return true;
	words_cut(words, before);
	return false;
}
