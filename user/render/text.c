/* See text.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "render/text.h"
#include "util/utf8.h"

static bool is_harmless(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	/* Characters that reorder or hide their neighbours (Unicode, Bidi_Control and zero width).
	 */
	return !(code >= 0x200b && code <= 0x200f) && !(code >= 0x202a && code <= 0x202e) &&
	       !(code >= 0x2060 && code <= 0x2069) && code != 0x61c && code != 0xfeff &&
	       code != 0x2028 && code != 0x2029;
}

char *text_safe(char *target, size_t size, const char *text, size_t length)
{
	size_t used = 0;

	for (size_t at = 0; at < length;) {
		uint32_t code = 0;
		size_t step = utf8_character(text + at, length - at, &code);
		bool plain = step && is_harmless(code) && code != '\\';
		size_t count = step ? step : 1;

		if (code == '\\' && step) {
			if (used + 3 > size)
				break;
			target[used++] = '\\';
			target[used++] = '\\';
		} else if (plain) {
			if (used + count + 1 > size)
				break;
			memcpy(target + used, text + at, count);
			used += count;
		} else {
			if (used + 4 * count + 1 > size)
				break;
			for (size_t i = 0; i < count; i++)
				used += snprintf(target + used, size - used, "\\x%02x",
						 (unsigned char)text[at + i]);
		}
		at += count;
	}
	target[used] = '\0';
	return target;
}

void text_print_lines(FILE *out, const char *text, size_t length)
{
	char safe[256];

	while (length) {
		/* Pieces that end at an ASCII byte never cut a character. */
		size_t piece = 0;

		while (piece < length && piece < 40 && text[piece] != '\n' && text[piece] != '\t')
			piece++;
		while (piece > 1 && piece < length && (text[piece] & 0xc0) == 0x80)
			piece--;
		fputs(text_safe(safe, sizeof(safe), text, piece), out);
		if (piece < length && (text[piece] == '\n' || text[piece] == '\t'))
			fputc(text[piece++], out);
		text += piece;
		length -= piece;
	}
}

char *text_count(char *target, size_t size, uint64_t count)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	size_t used = 0;

	for (int i = 0; i < length && used + 2 < size; i++) {
		if (i && (length - i) % 3 == 0)
			target[used++] = ',';
		target[used++] = digits[i];
	}
	target[used] = '\0';
	return target;
}

static char *scaled(char *target, size_t size, uint64_t value, unsigned int base,
		    const char *const *units)
{
	double number = value;
	int unit = 0;

	while (number >= base - 0.5 && units[unit + 1]) {
		number /= base;
		unit++;
	}
	snprintf(target, size, unit && number < 99.95 ? "%.1f%s" : "%.0f%s", number, units[unit]);
	return target;
}

char *text_short_count(char *target, size_t size, uint64_t count)
{
	static const char *const units[] = { "", "k", "M", "G", "T", "P", "E", NULL };

	return scaled(target, size, count, 1000, units);
}

char *text_bytes(char *target, size_t size, uint64_t bytes)
{
	static const char *const units[] = { " B",   " KiB", " MiB", " GiB",
					     " TiB", " PiB", " EiB", NULL };

	return scaled(target, size, bytes, 1024, units);
}

char *text_time(char *target, size_t size, struct timespec time)
{
	struct tm tm;

	if (!localtime_r(&time.tv_sec, &tm) || !strftime(target, size, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(target, size, "?");
	return target;
}

/* Those that do not take one column (Unicode, East_Asian_Width W and F; combining marks). */
static const struct {
	uint32_t first, last;
	uint8_t columns;
} widths[] = {
	{ 0x300, 0x36f, 0 },	 { 0x1100, 0x115f, 2 },	  { 0x1ab0, 0x1aff, 0 },
	{ 0x1dc0, 0x1dff, 0 },	 { 0x20d0, 0x20ff, 0 },	  { 0x2e80, 0x303e, 2 },
	{ 0x3041, 0x4dbf, 2 },	 { 0x4e00, 0xa4cf, 2 },	  { 0xa960, 0xa97f, 2 },
	{ 0xac00, 0xd7a3, 2 },	 { 0xf900, 0xfaff, 2 },	  { 0xfe00, 0xfe0f, 0 },
	{ 0xfe30, 0xfe6f, 2 },	 { 0xff00, 0xff60, 2 },	  { 0xffe0, 0xffe6, 2 },
	{ 0x1f300, 0x1f64f, 2 }, { 0x1f680, 0x1f6ff, 2 }, { 0x1f900, 0x1faff, 2 },
	{ 0x20000, 0x3fffd, 2 },
};

static size_t columns_of(uint32_t code)
{
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]) && code >= widths[i].first; i++)
		if (code <= widths[i].last)
			return widths[i].columns;
	return 1;
}

/* The columns of the character at @text, and its bytes. */
static size_t character(const char *text, const char *end, size_t *ret_bytes)
{
	uint32_t code = 0;
	size_t bytes = utf8_character(text, end - text, &code);

	*ret_bytes = bytes ? bytes : 1;
	return columns_of(code);
}

size_t text_width(const char *text)
{
	const char *at = text, *end;
	size_t width, bytes;

	/* Most text is plain. */
	while (*at >= ' ' && *at < 0x7f)
		at++;
	width = at - text;
	for (end = at + strlen(at); at < end; at += bytes)
		width += character(at, end, &bytes);
	return width;
}

size_t text_fitting(const char *text, size_t columns)
{
	const char *at = text, *end = text + strlen(text);
	size_t width = 0, bytes;

	for (; at < end; at += bytes) {
		width += character(at, end, &bytes);
		if (width > columns)
			break;
	}
	return at - text;
}

size_t text_terminal_width(FILE *out)
{
	struct winsize size;

	if (!isatty(fileno(out)))
		return 0;
	return ioctl(fileno(out), TIOCGWINSZ, &size) || !size.ws_col ? 80 : size.ws_col;
}

bool text_colour(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(out)) && !(no && no[0]) && !(term && !strcmp(term, "dumb"));
}
