/* See sheet.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "explain/sheet.h"
#include "render/text.h"
#include "util/cleanup.h"

#define INDENT 2 /* of a paragraph; its further lines have twice that */
#define DOTS   " ..."

/* A page that is not to have all there is has no more of one paragraph. */
#define PARAGRAPH_LINES 6

struct sheet_part {
	char *text; /* owned, safe */
	bool head;
	unsigned int weight;
};

static void add(struct sheet *sheet, bool head, unsigned int weight, const char *text)
{
	size_t length = strlen(text), room = length * 4 + 1;
	struct sheet_part part = { .text = malloc(room), .head = head, .weight = weight };

	if (sheet->count == sheet->room) {
		size_t more = sheet->room ? sheet->room * 2 : 32;
		struct sheet_part *parts = reallocarray(sheet->parts, more, sizeof(*parts));

		if (parts) {
			sheet->parts = parts;
			sheet->room = more;
		}
	}
	if (!part.text || sheet->count == sheet->room) {
		free(part.text);
		sheet->failed = true;
		return;
	}
	text_safe(part.text, room, text, length);
	sheet->parts[sheet->count++] = part;
}

void sheet_head(struct sheet *sheet, const char *text)
{
	add(sheet, true, 0, text);
}

void sheet_add(struct sheet *sheet, unsigned int weight, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		text = NULL;
		sheet->failed = true;
		return;
	}
	add(sheet, false, weight, text);
}

/* Bytes of @text that go into a line: whole words, or a piece of one that is longer. */
static size_t line_bytes(const char *text, size_t columns)
{
	size_t fitting = text_fitting(text, columns), bytes = fitting;

	if (!text[fitting])
		return fitting;
	while (bytes && text[bytes] != ' ')
		bytes--;
	while (bytes && text[bytes - 1] == ' ')
		bytes--;
	return bytes ? bytes : fitting;
}

/* How many lines @part takes, at most @most (0: all); printed too where @out is given. */
static size_t lay_out(const struct sheet_part *part, size_t most, FILE *out)
{
	const char *text = part->text, *dots = "";
	size_t lines = 0;

	do {
		size_t indent = part->head ? (lines ? INDENT : 0) : INDENT * (lines ? 2 : 1);
		size_t columns = SHEET_COLUMNS - indent, bytes = line_bytes(text, columns);

		if (++lines == most && text[bytes]) {
			dots = DOTS;
			bytes = line_bytes(text, columns - strlen(DOTS));
		}
		if (out)
			fprintf(out, "%*s%.*s%s\n", (int)indent, "", (int)bytes, text, dots);
		text += bytes;
		text += strspn(text, " ");
	} while (*text && !*dots);
	return lines;
}

/* Mark what is left out so that the page fits. */
static void choose(const struct sheet *sheet, size_t lines, bool *left_out)
{
	size_t total = 0;

	for (size_t i = 0; i < sheet->count; i++)
		total += lay_out(&sheet->parts[i], PARAGRAPH_LINES, NULL);
	while (lines && total > lines) {
		size_t heaviest = sheet->count;

		/* Of equal ones the last: it was the least telling. */
		for (size_t i = 0; i < sheet->count; i++)
			if (sheet->parts[i].weight && !left_out[i] &&
			    (heaviest == sheet->count ||
			     sheet->parts[i].weight >= sheet->parts[heaviest].weight))
				heaviest = i;
		if (heaviest == sheet->count)
			return;
		left_out[heaviest] = true;
		total -= lay_out(&sheet->parts[heaviest], PARAGRAPH_LINES, NULL);
	}
}

static size_t missing_under(const struct sheet *sheet, size_t head, const bool *left_out)
{
	size_t missing = 0;

	for (size_t i = head + 1; i < sheet->count && !sheet->parts[i].head; i++)
		missing += left_out[i];
	return missing;
}

int sheet_print(const struct sheet *sheet, FILE *out, size_t lines)
{
	_cleanup_free_ bool *left_out = calloc(sheet->count + 1, sizeof(*left_out));

	if (sheet->failed || !left_out)
		return -ENOMEM;
	choose(sheet, lines, left_out);
	for (size_t i = 0; i < sheet->count; i++) {
		size_t missing = sheet->parts[i].head ? missing_under(sheet, i, left_out) : 0;

		if (left_out[i])
			continue;
		if (missing)
			fprintf(out, "%s (%zu more with -v)\n", sheet->parts[i].text, missing);
		else
			lay_out(&sheet->parts[i], lines ? PARAGRAPH_LINES : 0, out);
	}
	return 0;
}

void sheet_release(struct sheet *sheet)
{
	for (size_t i = 0; i < sheet->count; i++)
		free(sheet->parts[i].text);
	free(sheet->parts);
	*sheet = (struct sheet){};
}
