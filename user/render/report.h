/*
 * The tables of `show` and `run`: ports, spans, and what had no ports. Plain
 * rows in, text or JSON out.
 */
#ifndef PORTSCRIBE_REPORT_H
#define PORTSCRIBE_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "join.h"

struct report_style {
	bool colour;
	enum side side;
	double seconds; /* not 0: rows are differences over that time, shown as rates */
};

/* 0 or -ENOMEM, each. */
int report_ports(FILE *out, const struct rows *rows, const struct report_style *style);
int report_spans(FILE *out, const struct rows *rows, const struct report_style *style);

/* One line an interface: where, by which hook, and every bucket that is not zero. */
void report_ifaces(FILE *out, const struct snapshot *snapshot);

/*
 * The schema "portscribe.show.v1" (README.md, "JSON"). @rates: rows over an
 * interval of style->seconds, made with ORDER_PORT; NULL: none. NULL: no memory.
 */
json_t *report_json(const struct snapshot *snapshot, const struct rows *rows,
		    const struct rows *rates, const struct report_style *style, bool forwards);

#endif
