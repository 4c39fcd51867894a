/* See csv.h. */
#include <errno.h>
#include <string.h>

#include "registry/csv.h"

void csv_init(struct csv *csv, char *text, size_t length)
{
	static const char mark[] = "\xef\xbb\xbf";

	*csv = (struct csv){ .next = text, .end = text + length, .line_start = text, .line = 1 };
	if (length >= strlen(mark) && !memcmp(text, mark, strlen(mark)))
		csv->next += strlen(mark);
}

static int refuse_at(struct csv *csv, unsigned int line, unsigned int column, const char *problem)
{
	csv->problem = problem;
	csv->problem_line = line;
	csv->problem_column = column;
	return -EINVAL;
}

static int refuse(struct csv *csv, const char *where, const char *problem)
{
	return refuse_at(csv, csv->line, where - csv->line_start + 1, problem);
}

/* The length of the line end at @at: LF or CRLF; 0 where there is none. */
static size_t line_end(const struct csv *csv, const char *at)
{
	if (at < csv->end && *at == '\n')
		return 1;
	if (csv->end - at >= 2 && at[0] == '\r' && at[1] == '\n')
		return 2;
	return 0;
}

static int read_plain(struct csv *csv, struct csv_field *field)
{
	char *at = csv->next;

	for (; at < csv->end && *at != ',' && !line_end(csv, at); at++) {
		if (*at == '"')
			return refuse(csv, at,
				      "a quote inside a field that does not begin with one");
		if (*at == '\r')
			return refuse(csv, at, "a carriage return that ends no line");
	}
	field->length = at - csv->next;
	csv->next = at;
	return 0;
}

static int read_quoted(struct csv *csv, struct csv_field *field)
{
	char *at = csv->next + 1, *to;

	field->text = to = at;
	for (;; at++) {
		if (at == csv->end)
			return refuse_at(csv, field->line, field->column,
					 "this quote is never closed: the file is cut");
		if (*at == '"') {
			if (at + 1 == csv->end || at[1] != '"')
				break;
			at++;
		} else if (*at == '\n') {
			csv->line++;
			csv->line_start = at + 1;
		}
		*to++ = *at;
	}
	field->length = to - field->text;
	csv->next = at + 1;
	if (csv->next < csv->end && *csv->next != ',' && !line_end(csv, csv->next))
		return refuse(csv, csv->next, "neither a comma nor a line's end after the quote");
	return 0;
}

static int read_field(struct csv *csv, struct csv_field *field)
{
	*field = (struct csv_field){ .text = csv->next,
				     .line = csv->line,
				     .column = csv->next - csv->line_start + 1 };
	return csv->next < csv->end && *csv->next == '"' ? read_quoted(csv, field)
							 : read_plain(csv, field);
}

static void end_line(struct csv *csv, size_t length)
{
	csv->next += length;
	csv->line_start = csv->next;
	csv->line++;
}

int csv_record(struct csv *csv, struct csv_field *fields, unsigned int room,
	       unsigned int *ret_count)
{
	unsigned int count = 0;
	size_t length;
	int error;

	while ((length = line_end(csv, csv->next)))
		end_line(csv, length);
	if (csv->next == csv->end)
		return 0;
	for (;;) {
		if (count == room)
			return refuse(csv, csv->next, "more fields than the file has columns");
		error = read_field(csv, &fields[count++]);
		if (error)
			return error;
		if (csv->next == csv->end)
			return refuse(csv, csv->next, "the last line has no end: the file is cut");
		length = line_end(csv, csv->next);
		if (length)
			break;
		csv->next++;
	}
	end_line(csv, length);
	*ret_count = count;
	return 1;
}
