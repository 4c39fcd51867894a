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

struct table_cell {
	const char *text;
	size_t width;
};

void table_cell(struct table *table, const char *text)
{
	struct table_cell *cell;

	if (table->rows == table->room) {
		size_t room = table->room ? table->room * 2 : 64;
		struct table_cell *grown = reallocarray(table->cells, room, sizeof(*grown));

		if (!grown) {
			table->failed = true;
			return;
		}
		table->cells = grown;
		table->room = room;
	}
	cell = &table->cells[table->rows];
	cell->text = arena_copy(&table->arena, text, strlen(text));
	cell->width = text_width(text);
	if (!cell->text) {
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
		if (table->cells[i].width > layout.widths[i % columns])
			layout.widths[i % columns] = table->cells[i].width;
	for (size_t i = 0; i + 1 < columns; i++)
		taken += layout.widths[i] + strlen(SEPARATOR);
	if (table->width)
		layout.room = table->width > taken + LAST_LEAST ? table->width - taken : LAST_LEAST;
	*ret_layout = layout;
}

static void print_blanks(FILE *out, size_t count)
{
	static const char blanks[] = "                                ";

	for (size_t most = sizeof(blanks) - 1; count; count -= count < most ? count : most)
		fwrite(blanks, 1, count < most ? count : most, out);
}

static void print_cell(FILE *out, const struct table *table, const struct layout *layout,
		       size_t column, const struct table_cell *cell)
{
	size_t padding = layout->widths[column] - cell->width;
	bool last = column + 1 == table->columns, right = table->right[column];

	if (last && cell->width > layout->room) {
		fwrite(cell->text, 1, text_fitting(cell->text, layout->room - strlen(DOTS)), out);
		fputs(DOTS, out);
		return;
	}
	if (right)
		print_blanks(out, padding);
	fputs(cell->text, out);
	if (!last)
		print_blanks(out, (right ? 0 : padding) + strlen(SEPARATOR));
}

static void print_head(FILE *out, const struct table *table, const struct layout *layout)
{
	for (size_t i = 0; i < table->columns; i++) {
		const struct table_cell head = { table->heads[i], text_width(table->heads[i]) };

		print_cell(out, table, layout, i, &head);
	}
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
	print_head(out, table, &layout);
	fputs(colour ? "\033[0m\n" : "\n", out);
	for (size_t i = 0; i < table->rows; i++) {
		print_cell(out, table, &layout, i % columns, &table->cells[i]);
		if (i % columns + 1 == columns)
			fputc('\n', out);
	}
	return 0;
}

void table_release(struct table *table)
{
	free(table->cells);
	arena_release(&table->arena);
	*table = (struct table){};
}
