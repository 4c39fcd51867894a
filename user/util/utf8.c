/* See utf8.h. */
#include "util/utf8.h"

size_t utf8_character(const char *text, size_t length, uint32_t *ret_code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *bytes = (const unsigned char *)text;
	size_t size = bytes[0] < 0x80	? 1
		      : bytes[0] < 0xc2 ? 0
		      : bytes[0] < 0xe0 ? 2
		      : bytes[0] < 0xf0 ? 3
		      : bytes[0] < 0xf5 ? 4
					: 0;
	uint32_t code = size == 1 ? bytes[0] : bytes[0] & (0x7f >> size);

	if (!size || size > length)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if ((size > 1 && code < least[size]) || (code >= 0xd800 && code < 0xe000) ||
	    code > 0x10ffff)
		return 0;
	*ret_code = code;
	return size;
}

size_t utf8_valid(const char *text, size_t length)
{
	uint32_t code;
	size_t at = 0, step;

	while (at < length) {
		step = utf8_character(text + at, length - at, &code);
		if (!step)
			break;
		at += step;
	}
	return at;
}
