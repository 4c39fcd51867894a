/* See slice.h. */
#include <ctype.h>
#include <strings.h>

#include "util/slice.h"

bool slice_same_name(struct slice a, struct slice b)
{
	return a.length == b.length && !strncasecmp(a.text, b.text, a.length);
}

bool slice_adds_to_name(struct slice text, struct slice name)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < text.length; i++) {
		unsigned char c = text.text[i];

		if (!isalnum(c) && c < 0x80)
			continue;
		while (at < name.length && !isalnum((unsigned char)name.text[at]))
			at++;
		if (at == name.length || tolower(c) != tolower((unsigned char)name.text[at]))
			return true;
		at++;
	}
	return false;
}

bool slice_next_word(struct slice *rest, struct slice *ret_word)
{
	const char *blank;

	while (rest->length && *rest->text == ' ')
		*rest = (struct slice){ rest->text + 1, rest->length - 1 };
	if (!rest->length)
		return false;
	blank = memchr(rest->text, ' ', rest->length);
	*ret_word = (struct slice){ rest->text, blank ? blank - rest->text : rest->length };
	rest->text += ret_word->length;
	rest->length -= ret_word->length;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int slices_compare(struct slice a, struct slice b)
{
	if (a.length != b.length)
		return a.length < b.length ? -1 : 1;
	return a.length ? memcmp(a.text, b.text, a.length) : 0;
}

struct slice slice_trim(struct slice text)
{
	while (text.length && is_blank(text.text[0])) {
		text.text++;
		text.length--;
	}
	while (text.length && is_blank(text.text[text.length - 1]))
		text.length--;
	return text;
}

bool slice_all_digits(struct slice text)
{
	for (uint32_t i = 0; i < text.length; i++)
		if (text.text[i] < '0' || text.text[i] > '9')
			return false;
	return true;
}

/* Two digits at @at, as a number from @low to @high. */
static bool is_part(const char *at, unsigned int low, unsigned int high)
{
	unsigned int number;

	if (!slice_all_digits((struct slice){ at, 2 }))
		return false;
	number = (at[0] - '0') * 10 + (at[1] - '0');
	return number >= low && number <= high;
}

bool slice_is_date(struct slice text)
{
	const char *at = text.text;

	if (text.length != 7 && text.length != 10)
		return false;
	if (!slice_all_digits((struct slice){ at, 4 }) || at[4] != '-' || !is_part(at + 5, 1, 12))
		return false;
	return text.length == 7 || (at[7] == '-' && is_part(at + 8, 1, 31));
}
