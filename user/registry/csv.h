/*
 * Comma-separated values as RFC 4180 has them: records of fields in memory, with
 * the place of each. Knows nothing of ports.
 */
#ifndef PORTSCRIBE_CSV_H
#define PORTSCRIBE_CSV_H

#include <stddef.h>
#include <stdint.h>

struct csv_field {
	char *text; /* without the quotes; in the reader's text, not NUL-terminated */
	uint32_t length;
	unsigned int line, column; /* where it begins; both from 1, columns in bytes */
};

struct csv {
	char *next, *end; /* what is not read yet */
	char *line_start;
	unsigned int line;   /* of @next, from 1 */
	const char *problem; /* after -EINVAL: a constant phrase, and its place */
	unsigned int problem_line, problem_column;
};

/*
 * Read @length bytes of @text, which must outlive the reader, and which it
 * changes: quotes inside of quotes are undone in place. A byte order mark is
 * skipped. Lines end in LF or CRLF, in one file also mixed.
 */
void csv_init(struct csv *csv, char *text, size_t length);

/*
 * The next record into @fields, at most @room of them. 1; 0 at the end; -EINVAL
 * where a quote stands where none may, is never closed, the last line has no end
 * (so the file is cut), or there are more fields. Empty lines are skipped.
 */
int csv_record(struct csv *csv, struct csv_field *fields, unsigned int room,
	       unsigned int *ret_count);

#endif
