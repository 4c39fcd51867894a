/* See clean.h. */
#include <string.h>
#include <strings.h>

#include "registry/clean.h"
#include "registry/table.h"
#include "util/utf8.h"

enum character { PLAIN, BLANK, NOTHING };

struct span_of_codes {
	uint32_t first, last;
};

static bool lies_in(uint32_t code, const struct span_of_codes *spans, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (code >= spans[i].first && code <= spans[i].last)
			return true;
	return false;
}

#define LIES_IN(code, spans) lies_in(code, spans, sizeof(spans) / sizeof((spans)[0]))

/* White space and line ends beyond ASCII (Unicode categories Zs, Zl, Zp). */
static const struct span_of_codes blanks[] = {
	{ 0xa0, 0xa0 },	    { 0x1680, 0x1680 }, { 0x2000, 0x200a }, { 0x2028, 0x2029 },
	{ 0x202f, 0x202f }, { 0x205f, 0x205f }, { 0x3000, 0x3000 },
};

/*
 * Unicode category Cf, format characters: soft hyphen, what turns the direction,
 * joiners, tags; then Co, private use, and the noncharacters.
 */
static const struct span_of_codes nothings[] = {
	{ 0xad, 0xad },	      { 0x600, 0x605 },	     { 0x61c, 0x61c },	   { 0x6dd, 0x6dd },
	{ 0x70f, 0x70f },     { 0x890, 0x891 },	     { 0x8e2, 0x8e2 },	   { 0x180e, 0x180e },
	{ 0x200b, 0x200f },   { 0x202a, 0x202e },    { 0x2060, 0x206f },   { 0xe000, 0xf8ff },
	{ 0xfdd0, 0xfdef },   { 0xfeff, 0xfeff },    { 0xfff0, 0xfffb },   { 0xfffe, 0xffff },
	{ 0x110bd, 0x110bd }, { 0x110cd, 0x110cd },  { 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a }, { 0xe0000, 0x10ffff },
};

static enum character classify(uint32_t code)
{
	if (code <= ' ' || (code >= 0x7f && code < 0xa0))
		return BLANK;
	if (code < 0x7f)
		return PLAIN;
	if (LIES_IN(code, blanks))
		return BLANK;
	return LIES_IN(code, nothings) ? NOTHING : PLAIN;
}

/* What Python's \w takes, well enough: letters, digits, _, and most beyond ASCII. */
static bool is_word(uint32_t code)
{
	if (code < 0x80)
		return (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') ||
		       (code >= 'A' && code <= 'Z') || code == '_';
	return code >= 0xc0 && code != 0xd7 && code != 0xf7 && !(code >= 0x2000 && code < 0x2070) &&
	       !(code >= 0x3000 && code < 0x3040);
}

/* ------------------------------------------------------------------ addresses */

/* Where the run of [\w-] that begins at @at ends. */
static size_t label_end(struct slice text, size_t at)
{
	uint32_t code;
	size_t step;

	while (at < text.length) {
		step = utf8_character(text.text + at, text.length - at, &code);
		if (!is_word(code) && code != '-')
			break;
		at += step;
	}
	return at;
}

/* Where the host that begins at @at ends, with a dot in it at least; @at if there is none. */
static size_t host_end(struct slice text, size_t at)
{
	size_t end = label_end(text, at), next;
	bool dotted = false;

	if (end == at)
		return at;
	while (end < text.length && text.text[end] == '.') {
		next = label_end(text, end + 1);
		if (next == end + 1)
			break;
		end = next;
		dotted = true;
	}
	return dotted ? end : at;
}

/* The registry writes & for @ in addresses. In place; returns what is left. */
static struct slice drop_addresses(char *text, uint32_t length)
{
	struct slice all = { text, length };
	size_t at = 0, used = 0, run = 0; /* where the local part begins, in what is kept */

	while (at < length) {
		uint32_t code;
		size_t step = utf8_character(text + at, length - at, &code), end = at + 1;

		if ((code == '@' || code == '&') && used > run)
			end = host_end(all, at + 1);
		if (end > at + 1) {
			if (run && text[run - 1] == '<')
				run--;
			at = end + (end < length && text[end] == '>');
			used = run;
			text[used++] = ' ';
			run = used;
			continue;
		}
		memmove(text + used, text + at, step);
		used += step;
		at += step;
		if (!is_word(code) && code != '.' && code != '+' && code != '-')
			run = used;
	}
	return (struct slice){ text, used };
}

/* ------------------------------------------------------------------ text */

/* Runs of blanks to one, none at the ends. In place. */
static struct slice collapse(char *text, uint32_t length)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < length; i++) {
		if (text[i] != ' ')
			text[used++] = text[i];
		else if (used && text[used - 1] != ' ')
			text[used++] = ' ';
	}
	if (used && text[used - 1] == ' ')
		used--;
	return (struct slice){ text, used };
}

static char *strip(struct arena *arena, struct slice text, uint32_t *ret_length)
{
	char *to = arena_bytes(arena, text.length + 1);
	uint32_t used = 0, code;
	size_t step;

	if (!to)
		return NULL;
	for (size_t at = 0; at < text.length; at += step) {
		step = utf8_character(text.text + at, text.length - at, &code);
		switch (classify(code)) {
		case PLAIN:
			memcpy(to + used, text.text + at, step);
			used += step;
			break;
		case BLANK: to[used++] = ' '; break;
		case NOTHING: break;
		}
	}
	*ret_length = used;
	return to;
}

struct slice clean_text(struct arena *arena, struct slice text)
{
	uint32_t length = 0;
	char *copy = strip(arena, text, &length);
	struct slice left;

	if (!copy)
		return (struct slice){ NULL, 0 };
	left = drop_addresses(copy, length);
	return collapse(copy, left.length);
}

struct slice clean_name(struct arena *arena, struct slice text)
{
	uint32_t length = 0;
	char *copy = strip(arena, text, &length);

	if (!copy)
		return (struct slice){ NULL, 0 };
	length = collapse(copy, length).length;
	for (uint32_t i = 0; i < length; i++)
		if (copy[i] == ' ')
			copy[i] = '_';
	return (struct slice){ copy, length };
}

/* The length of the sentence on well-formed names at @at; 0 where there is none. */
static size_t sentence_length(const char *at, const char *end)
{
	static const char start[] =
		"IANA assigned this well-formed service name as a replacement for \"";
	const char *quote;

	if ((size_t)(end - at) < strlen(start) || memcmp(at, start, strlen(start)))
		return 0;
	quote = memchr(at + strlen(start), '"', end - at - strlen(start));
	return quote && quote + 1 < end && quote[1] == '.' ? quote + 2 - at : 0;
}

struct slice clean_description(struct arena *arena, struct slice text)
{
	struct slice clean = clean_text(arena, text);
	char *copy = (char *)clean.text;
	uint32_t used = 0, at = 0;

	if (!copy)
		return clean;
	while (at < clean.length) {
		size_t length = sentence_length(copy + at, copy + clean.length);

		at += length;
		if (!length)
			copy[used++] = copy[at++];
	}
	return collapse(copy, used);
}

/* ------------------------------------------------------------------ lists */

/* The next "[...]" without brackets inside, as of *at. */
static bool next_bracket(struct slice text, size_t *at, struct slice *ret_item)
{
	size_t open = text.length;

	for (; *at < text.length; ++*at) {
		if (text.text[*at] == '[') {
			open = *at;
		} else if (text.text[*at] == ']' && open < text.length) {
			*ret_item = (struct slice){ text.text + open + 1, *at - open - 1 };
			++*at;
			return true;
		}
	}
	return false;
}

bool list_has_item(struct slice list, struct slice item)
{
	const char *at = list.text, *end = list.text + list.length, *stop;

	while (at && at < end) {
		stop = memmem(at, end - at, "; ", 2);
		if (!stop)
			stop = end;
		if ((uint32_t)(stop - at) == item.length && !memcmp(at, item.text, item.length))
			return true;
		at = stop + 2;
	}
	return false;
}

/* Beyond these a list is nonsense, and is not searched for doubles any more. */
#define LIST_SEARCHED 1024

/* @item, with its separators changed so that it stays one. @list has room. */
static void add_item(char *list, uint32_t *length, struct slice item)
{
	struct slice so_far = { list, *length };

	for (uint32_t i = 0; i < item.length; i++)
		if (item.text[i] == ';')
			((char *)item.text)[i] = ',';
	if (!item.length || (*length < LIST_SEARCHED && list_has_item(so_far, item)))
		return;
	if (*length) {
		memcpy(list + *length, "; ", 2);
		*length += 2;
	}
	memcpy(list + *length, item.text, item.length);
	*length += item.length;
}

/* _2 tells persons of the same name apart; it is no part of the name. */
static struct slice clean_person(struct arena *arena, struct slice person)
{
	uint32_t length = person.length;
	struct slice clean;
	char *copy;

	while (length && person.text[length - 1] >= '0' && person.text[length - 1] <= '9')
		length--;
	if (length && length < person.length && person.text[length - 1] == '_')
		person.length = length - 1;
	copy = arena_copy(arena, person.text, person.length);
	if (!copy)
		return (struct slice){ NULL, 0 };
	for (uint32_t i = 0; i < person.length; i++)
		if (copy[i] == '_')
			copy[i] = ' ';
	clean = clean_text(arena, (struct slice){ copy, person.length });
	return clean;
}

struct slice clean_assignee(struct arena *arena, struct slice text)
{
	/* Brackets make room for the separators. */
	char *list = arena_bytes(arena, text.length + 1);
	struct slice item, clean;
	uint32_t length = 0;
	bool any = false;
	size_t at = 0;

	if (!list)
		return (struct slice){ NULL, 0 };
	while (next_bracket(text, &at, &item)) {
		any = true;
		clean = clean_person(arena, item);
		if (!clean.text)
			return clean;
		add_item(list, &length, clean);
	}
	if (!any)
		return clean_person(arena, text);
	return (struct slice){ list, length };
}

static bool is_document(struct slice text)
{
	bool number = true;

	for (uint32_t i = 0; i < text.length; i++)
		number = number && text.text[i] >= '0' && text.text[i] <= '9';
	return !number && !slice_equals(text, "n/a");
}

struct slice clean_reference(struct arena *arena, struct slice text)
{
	/* "[RFC1]" becomes "RFC 1; ", which is a byte longer. */
	char *list = arena_bytes(arena, text.length + text.length / 2 + 2);
	struct slice item, clean;
	uint32_t length = 0;
	size_t at = 0;

	if (!list)
		return (struct slice){ NULL, 0 };
	/* An address in there is a person's: see clean_assignee_in_reference(). */
	if (memchr(text.text, '<', text.length))
		return (struct slice){ list, 0 };
	while (next_bracket(text, &at, &item)) {
		char *copy;

		clean = clean_text(arena, item);
		copy = clean.text ? arena_bytes(arena, clean.length + 1) : NULL;
		if (!copy)
			return (struct slice){ NULL, 0 };
		if (!is_document(clean))
			continue;
		memcpy(copy, clean.text, clean.length);
		if (clean.length > 3 && !memcmp(copy, "RFC", 3) && copy[3] >= '0' &&
		    copy[3] <= '9') {
			memmove(copy + 4, copy + 3, clean.length - 3);
			copy[3] = ' ';
			clean.length++;
		}
		add_item(list, &length, (struct slice){ copy, clean.length });
	}
	return (struct slice){ list, length };
}

struct slice clean_assignee_in_reference(struct arena *arena, struct slice text)
{
	const struct slice none = { "", 0 };
	const char *end = text.text + text.length, *open, *close;

	if (!text.length || text.text[0] != '[')
		return none;
	open = memchr(text.text, '<', text.length);
	if (!open || memchr(text.text, ']', open - text.text))
		return none;
	close = memchr(open, '>', end - open);
	if (!close || !memchr(close, ']', end - close))
		return none;
	return clean_text(arena, (struct slice){ text.text + 1, open - text.text - 1 });
}
