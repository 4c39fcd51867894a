/*
 * Rows of practice by what makes them one: a name and ports, of a span the name. A
 * file of the administrator's may have tens of thousands of them, too many to
 * compare each with each. Pure.
 */
#ifndef PORTSCRIBE_KEYS_H
#define PORTSCRIBE_KEYS_H

#include "registry/overlay.h"

/* The rows of one file: by name, of a name the spans first, then by ports. */
struct keys {
	const struct overlay **rows; /* owned; the rows are not */
	size_t count;
};

/* 0 or -ENOMEM. */
int keys_make(const struct overlay_list *list, struct keys *ret_keys);

void keys_release(struct keys *keys);

/*
 * The first row of the file that cannot be meant beside an earlier one, and why: a
 * key is there once, and spans of a name have no port in common. NULL: none.
 */
const struct overlay *keys_clash(const struct keys *keys, const char **ret_reason);

/* Whether @keys has a row that stands in the place of @overlay. */
bool keys_replace(const struct keys *keys, const struct overlay *overlay);

#endif
