/*
 * The text format of the data files: one row a line, columns separated by
 * tabs, comments at the head only. Separate so that services.tsv and spans.tsv
 * are read by one strict reader and refuse the same things.
 */
#ifndef PORTSCRIBE_REGISTRY_TABLE_H
#define PORTSCRIBE_REGISTRY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry.h"

/* Where and why a table is malformed. */
struct table_error {
	unsigned int line, column; /* from 1; columns count bytes */
	const char *reason;	   /* a constant: "a port above 65535" */
};

struct table {
	const char *text;	/* all of it */
	const char *next, *end; /* what is not read yet */
	const char *last;	/* end of the last whole line */
	const char *row;	/* start of the current line */
	unsigned int line;	/* number of the current line, from 1 */
	unsigned int column;	/* where it is malformed: a byte position, from 1 */
	const char *reason;	/* why; a constant */
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

/*
 * As table_row() of a table that has been read by it before: only the first @count
 * fields, the rest of the line is passed over unread.
 */
int table_row_start(struct table *table, struct slice *fields, unsigned int count);

/*
 * As table_row() for files that people edit: comments and empty lines are passed
 * over, several tabs are one, and fields that are missing behind the first @least
 * come out as "-".
 */
int table_row_loose(struct table *table, struct slice *fields, unsigned int least,
		    unsigned int count);

/* Remember @where in the current line, and why, as the error. Always -EINVAL. */
int table_refuse(struct table *table, const char *where, const char *reason);

/* "22" or "6000-6063". 0 or -EINVAL. */
int table_ports(struct table *table, struct slice field, uint16_t *ret_first, uint16_t *ret_last);

/*
 * "tcp,udp": at least one of tcp, udp, sctp, dccp, in this order, each once.
 * @ret_transports: SERVICE_TCP | ... 0 or -EINVAL.
 */
int table_transports(struct table *table, struct slice field, uint8_t *ret_transports);

#endif
