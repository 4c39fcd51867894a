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
