/*
 * The text format of the data files: one row a line, columns separated by
 * tabs, comments at the head only. Separate so that services.tsv and spans.tsv
 * are read by one strict reader and refuse the same things.
 */
#ifndef PORTSCRIBE_TABLE_H
#define PORTSCRIBE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "registry.h"

struct table {
	const char *next, *end; /* what is not read yet */
	const char *last;	/* end of the last whole line */
	const char *row;	/* start of the current line */
	unsigned int line;	/* number of the current line, from 1 */
	unsigned int column;	/* where it is malformed: a byte position, from 1 */
};

void table_init(struct table *table, const char *text, size_t length);

/* Take the next line if it is a comment; @ret_text is what follows the '#'. */
bool table_comment(struct table *table, struct slice *ret_text);

/*
 * Split the next line into exactly @count fields. 1; 0 at the end; -EINVAL where
 * the line has another number of columns, is cut, or is not clean UTF-8 text
 * (control and bidirectional characters are refused).
 */
int table_row(struct table *table, struct slice *fields, unsigned int count);

/* Remember @where in the current line as the place of the error. Always -EINVAL. */
int table_refuse(struct table *table, const char *where);

/* "22" or "6000-6063". 0 or -EINVAL. */
int table_ports(struct table *table, struct slice field, uint16_t *ret_first, uint16_t *ret_last);

/*
 * "tcp,udp": at least one of tcp, udp, sctp, dccp, in this order, each once.
 * @ret_transports: SERVICE_TCP | ... 0 or -EINVAL.
 */
int table_transports(struct table *table, struct slice field, uint8_t *ret_transports);

/* Inline, because it costs nothing where @text is a literal. */
static inline bool slice_equals(struct slice slice, const char *text)
{
	return slice.length == strlen(text) && !memcmp(slice.text, text, slice.length);
}

#endif
