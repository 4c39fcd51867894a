/*
 * A page of an answer: a first line, then headings with paragraphs under them,
 * wrapped to the width of a terminal. Each paragraph has a weight; where the
 * page is too long the heaviest go first, and their heading says how many.
 */
#ifndef PORTSCRIBE_SHEET_H
#define PORTSCRIBE_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define SHEET_COLUMNS 80
#define SHEET_LINES   25

struct sheet {
	struct sheet_part *parts; /* owned */
	size_t count, room;
	bool failed; /* out of memory on the way: sheet_print() says so */
};

/* A line that is never left out, unindented. */
void sheet_head(struct sheet *sheet, const char *text);

/*
 * A paragraph under the heading before it. @weight 0: never left out. The text
 * may hold anything; it is made safe for a terminal here.
 */
void sheet_add(struct sheet *sheet, unsigned int weight, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Print at most @lines lines, and of a long paragraph the start, or with 0 all there
 * is; of SHEET_COLUMNS columns, a word that is longer in pieces. 0 or -ENOMEM.
 */
int sheet_print(const struct sheet *sheet, FILE *out, size_t lines);

void sheet_release(struct sheet *sheet);

#endif
