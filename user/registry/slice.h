/* Small questions about text that is not NUL-terminated. */
#ifndef PORTSCRIBE_SLICE_H
#define PORTSCRIBE_SLICE_H

#include <stdbool.h>
#include <string.h>

#include "registry/registry.h"

/* Without white space at both ends. */
struct slice slice_trim(struct slice text);

bool slice_all_digits(struct slice text);

/* YYYY-MM or YYYY-MM-DD, with a month and a day that exist in some year. */
bool slice_is_date(struct slice text);

static inline struct slice slice_of(const char *text)
{
	return (struct slice){ text, strlen(text) };
}

static inline bool slices_equal(struct slice a, struct slice b)
{
	return a.length == b.length && (!a.length || !memcmp(a.text, b.text, a.length));
}

#endif
