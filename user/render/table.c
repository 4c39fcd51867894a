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

/* Of the last column at least, however narrow the screen. */
#define LAST_LEAST 20
#define SEPARATOR  "  "
#define DOTS	   "..."

struct layout {
	size_t widths[TABLE_COLUMNS];
	size_t room; /* of the last cell of a row */
};

static void lay_out(const struct table *table, struct layout *ret_layout)
{
	struct layout layout = { .room = SIZE_MAX };
	size_t columns = table->columns, taken = 0;

	for (size_t i = 0; i < columns; i++)
		layout.widths[i] = text_width(table->heads[i]);
	for (size_t i = 0; i < table->rows; i++)
		if (text_width(table->cells[i]) > layout.widths[i % columns])
			layout.widths[i % columns] = text_width(table->cells[i]);
	for (size_t i = 0; i + 1 < columns; i++)
		taken += layout.widths[i] + strlen(SEPARATOR);
	if (table->width)
		layout.room = table->width > taken + LAST_LEAST ? table->width - taken : LAST_LEAST;
	*ret_layout = layout;
}

static void print_cell(FILE *out, const struct table *table, const struct layout *layout,
		       size_t column, const char *text)
{
	size_t width = text_width(text), padding = layout->widths[column] - width;
	bool last = column + 1 == table->columns;

	if (last && width > layout->room)
		fprintf(out, "%.*s" DOTS, (int)text_fitting(text, layout->room - strlen(DOTS)),
			text);
	else if (table->right[column])
		fprintf(out, "%*s%s", (int)padding, "", text);
	else
		fprintf(out, "%s%*s", text, last ? 0 : (int)padding, "");
	if (!last)
		fputs(SEPARATOR, out);
}

int table_print(const struct table *table, FILE *out, bool colour)
{
	size_t columns = table->columns;
	struct layout layout;

	if (table->failed || !columns)
		return -ENOMEM;
	lay_out(table, &layout);
	if (colour)
		fputs("\033[1m", out);
	for (size_t i = 0; i < columns; i++)
		print_cell(out, table, &layout, i, table->heads[i]);
	fputs(colour ? "\033[0m\n" : "\n", out);
	for (size_t i = 0; i < table->rows; i++) {
		print_cell(out, table, &layout, i % columns, table->cells[i]);
		if (i % columns + 1 == columns)
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
