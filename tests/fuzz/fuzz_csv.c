/*
 * The CSV reader: whatever it takes lies within its text and has a place, and
 * written again it is read as the same fields.
 *
 * Seeds: tests/data/registry csv
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/csv.h"

#define FIELDS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_fields(const struct csv_field *fields, unsigned int count, const char *text,
			 size_t size)
{
	for (unsigned int i = 0; i < count; i++) {
		check(fields[i].text >= text && fields[i].text + fields[i].length <= text + size);
		check(fields[i].line >= 1 && fields[i].column >= 1);
	}
}

static void write_quoted(FILE *out, const struct csv_field *fields, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		fputs(i ? ",\"" : "\"", out);
		for (uint32_t at = 0; at < fields[i].length; at++) {
			if (fields[i].text[at] == '"')
				fputc('"', out);
			fputc(fields[i].text[at], out);
		}
		fputc('"', out);
	}
	fputs("\r\n", out);
}

static void check_again(const struct csv_field *fields, unsigned int count)
{
	struct csv_field again[FIELDS];
	unsigned int got = 0;
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	struct csv csv;

	write_quoted(out, fields, count);
	fclose(out);
	csv_init(&csv, text, length);
	check(csv_record(&csv, again, FIELDS, &got) == 1);
	check(got == count);
	for (unsigned int i = 0; i < count; i++)
		check(again[i].length == fields[i].length &&
		      !memcmp(again[i].text, fields[i].text, fields[i].length));
	check(csv_record(&csv, again, FIELDS, &got) == 0);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv_field fields[FIELDS];
	char *text = malloc(size ? size : 1);
	unsigned int count, line = 0;
	struct csv csv;
	int result;

	memcpy(text, data, size);
	csv_init(&csv, text, size);
	while ((result = csv_record(&csv, fields, FIELDS, &count)) > 0) {
		check(count >= 1 && count <= FIELDS);
		check(fields[0].line > line);
		line = fields[0].line;
		check_fields(fields, count, text, size);
		check_again(fields, count);
	}
	check(result == 0 || (csv.problem && csv.problem_line >= 1 && csv.problem_column >= 1));
	check(result < 0 || csv.next == csv.end);
	free(text);
	return 0;
}
