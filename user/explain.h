/*
 * The answer to "what is this port": the registry's rows, the range class, the
 * spans it lies in, its counters. Pure: facts in, text or JSON out.
 */
#ifndef PORTSCRIBE_EXPLAIN_H
#define PORTSCRIBE_EXPLAIN_H

#include <jansson.h>
#include <stdio.h>

#include "scene.h"
#include "snapshot.h"
#include "what.h"

struct explain_facts {
	const struct scene *scene;
	struct snapshot *traffic;     /* NULL: see counters_missing */
	const char *counters_missing; /* why there are no counters */
};

void explain_print(FILE *out, const struct what *what, const struct explain_facts *facts);

/* Schema portscribe.explain.v1 (README.md, "JSON"). NULL: no memory. */
json_t *explain_json(const struct what *what, const struct explain_facts *facts);

#endif
