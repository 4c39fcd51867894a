/*
 * What several unit tests need: files, and knowledge made of a piece of the
 * registry and a few rows of practice, so that a newer registry does not change
 * what they expect.
 */
#ifndef PORTSCRIBE_TESTS_FIXTURE_H
#define PORTSCRIBE_TESTS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/knowledge.h"
#include "registry/table.h"

/* All of a file, NUL-terminated; NULL where it is not there. Owned by the caller. */
static inline char *fixture_read(const char *path, size_t *ret_length)
{
	FILE *file = fopen(path, "r");
	char *bytes = NULL;
	long length;

	if (!file)
		return NULL;
	if (!fseek(file, 0, SEEK_END) && (length = ftell(file)) >= 0) {
		rewind(file);
		bytes = calloc(1, length + 1);
		*ret_length = bytes ? fread(bytes, 1, length, file) : 0;
	}
	fclose(file);
	return bytes;
}

struct fixture_knowledge {
	char *services, *overlays, *companions;
	struct registry *registry;
	struct knowledge knowledge;
};

static inline void fixture_die(const char *path, const struct table_error *error)
{
	fprintf(stderr, "%s:%u:%u: %s\n", path, error->line, error->column,
		error->reason ? error->reason : "cannot be read");
	exit(1);
}

/* From tests/data/nft/{services,overlays,companions}.tsv. Never fails but by ending the test. */
static inline void fixture_knowledge_load(struct fixture_knowledge *fixture)
{
	static const char services[] = "tests/data/nft/services.tsv";
	static const char overlays[] = "tests/data/nft/overlays.tsv";
	static const char companions[] = "tests/data/nft/companions.tsv";
	struct knowledge *knowledge = &fixture->knowledge;
	struct table_error error = {};
	size_t length = 0;

	fixture->services = fixture_read(services, &length);
	if (!fixture->services || registry_parse(fixture->services, length, &fixture->registry,
						 &error.line, &error.column))
		fixture_die(services, &error);
	knowledge->registry = fixture->registry;
	fixture->overlays = fixture_read(overlays, &length);
	if (!fixture->overlays ||
	    overlay_list_parse(fixture->overlays, length, &knowledge->overlays, &error) ||
	    overlay_list_spans(&knowledge->overlays, &knowledge->spans))
		fixture_die(overlays, &error);
	fixture->companions = fixture_read(companions, &length);
	if (!fixture->companions ||
	    companion_list_parse(fixture->companions, length, &knowledge->companions, &error))
		fixture_die(companions, &error);
}

static inline void fixture_knowledge_release(struct fixture_knowledge *fixture)
{
	knowledge_release(&fixture->knowledge);
	registry_free(fixture->registry);
	free(fixture->services);
	free(fixture->overlays);
	free(fixture->companions);
}

#endif
