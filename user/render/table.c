/* See table.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "render/table.h"
#include "render/text.h"

void table_column(struct table *table, const char *head, bool right)
{
	if (table->columns == TABLE_COLUMNS) {
		table->failed = true;
		return;
	}
	table->heads[table->columns] = head;
	table->right[table->columns++] = right;
}

void table_cell(struct table *table, const char *text)
{
	if (table->rows == table->room) {
		size_t room = table->room ? table->room * 2 : 64;
		char **grown = reallocarray(table->cells, room, sizeof(*grown));

		if (!grown) {
			table->failed = true;
			return;
		}
		table->cells = grown;
		table->room = room;
	}
	table->cells[table->rows] = strdup(text);
	if (!table->cells[table->rows]) {
		table->failed = true;
		return;
	}
	table->rows++;
}

static void print_cell(FILE *out, const char *text, size_t width, bool right, bool last)
{
	size_t padding = width - text_width(text);

	if (right)
		fprintf(out, "%*s%s", (int)padding, "", text);
	else
		fprintf(out, "%s%*s", text, last ? 0 : (int)padding, "");
	if (!last)
		fputs("  ", out);
}

int table_print(const struct table *table, FILE *out, bool colour)
{
	size_t widths[TABLE_COLUMNS] = {}, columns = table->columns;

	if (table->failed || !columns)
		return -ENOMEM;
	for (size_t i = 0; i < columns; i++)
		widths[i] = text_width(table->heads[i]);
	for (size_t i = 0; i < table->rows; i++)
		if (text_width(table->cells[i]) > widths[i % columns])
			widths[i % columns] = text_width(table->cells[i]);

	if (colour)
		fputs("\033[1m", out);
	for (size_t i = 0; i < columns; i++)
		print_cell(out, table->heads[i], widths[i], table->right[i], i + 1 == columns);
	fputs(colour ? "\033[0m\n" : "\n", out);
	for (size_t i = 0; i < table->rows; i++) {
		bool last = i % columns + 1 == columns;

		print_cell(out, table->cells[i], widths[i % columns], table->right[i % columns],
			   last);
		if (last)
			fputc('\n', out);
	}
	return 0;
}

void table_release(struct table *table)
{
	for (size_t i = 0; i < table->rows; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct table){};
}
