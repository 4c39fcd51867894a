/* What another registry changes, for a person and as JSON. */
#ifndef PORTSCRIBE_CHANGES_H
#define PORTSCRIBE_CHANGES_H

#include <jansson.h>
#include <stdio.h>

#include "registry/difference.h"

/* How many pairs change in which way, a line each; nothing where none does. */
void changes_print_counts(FILE *out, const struct difference *difference);

/* The changes, at most @most lines of them in all; what is left out is counted. */
void changes_print(FILE *out, const struct difference *difference, size_t most);

/* {"added": 3, ...}, in pairs. NULL: no memory. */
json_t *changes_counts_json(const struct difference *difference);

/* [{kind, first, last, transports, before, after}, ...], all of them. NULL: no memory. */
json_t *changes_json(const struct difference *difference);

#endif
