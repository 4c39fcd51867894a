/*
 * A table of text cells in columns as wide as they need to be. Cells are copied
 * and must be safe already (text_safe).
 */
#ifndef PORTSCRIBE_TABLE_H
#define PORTSCRIBE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "util/arena.h"

#define TABLE_COLUMNS 12

struct table_cell; /* its text, in @arena, and its width */

struct table {
	const char *heads[TABLE_COLUMNS]; /* constants */
	bool right[TABLE_COLUMNS];	  /* numbers */
	size_t columns;
	struct table_cell *cells; /* owned */
	size_t rows, room;	  /* cells */
	struct arena arena;
	size_t width; /* where not 0, the last column is cut so that rows have this width */
	bool failed;  /* out of memory on the way: table_print() says so */
};

/* Begin a column; call once a column, before any cell. */
void table_column(struct table *table, const char *head, bool right);

/* Append the next cell, row by row. */
void table_cell(struct table *table, const char *text);

/* Print head and rows; @colour: the head in bold. 0 or -ENOMEM. */
int table_print(const struct table *table, FILE *out, bool colour);

void table_release(struct table *table);

#endif
