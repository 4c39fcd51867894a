/*
 * Named ranges of ports: what a vendor or a protocol uses as a unit, whether
 * IANA says so or not. A span is counted beside its ports, never instead. Most
 * come from the overlays; the program adds the host's ephemeral range.
 */
#ifndef PORTSCRIBE_SPANS_H
#define PORTSCRIBE_SPANS_H

#include <stddef.h>
#include <stdint.h>

#include "ports.h"

#define SPAN_NAME_MAX 31

struct span {
	char name[SPAN_NAME_MAX + 1]; /* [a-z0-9-], looked up by `show NAME` */
	uint16_t first, last;	      /* host order, inclusive */
	uint8_t transport;	      /* enum transport; one span a transport */
	const char *label;	      /* a few words for a person; "" where none */
	const char *source;	      /* document and section */
};

struct span_list {
	struct span *spans; /* owned */
	size_t count;
};

/* The spans that ship with the program. 0 or -ENOMEM. */
int span_list_builtin(struct span_list *ret_list);

/* Append a copy of @span (its label and source are copied too). 0 or -ENOMEM. */
int span_list_add(struct span_list *list, const struct span *span);

void span_list_release(struct span_list *list);

#endif
