/* What endings and parts of service names usually stand for: guesses, and shown as such. */
#ifndef PORTSCRIBE_HINTS_H
#define PORTSCRIBE_HINTS_H

#include "util/slice.h"

struct hint {
	struct slice part;   /* of the name or description: "lm" */
	const char *meaning; /* "a licence manager" */
};

/*
 * Guesses from @name and @description, at most @size. Returns how many.
 */
size_t hints_find(struct slice name, struct slice description, struct hint *ret_hints, size_t size);

#endif
