/*
 * The reader of services.tsv: what it takes is found again by its numbers and by
 * its names, and what it refuses has a place.
 *
 * Seeds: tests/data/registry tsv
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "registry/head.h"
#include "registry/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_numbers(const struct registry *registry, const struct service *row)
{
	for (unsigned int i = 0; i < SERVICE_TRANSPORTS; i++) {
		const struct service *found = registry_find(registry, i, row->first);

		if (!(row->transports & 1u << i))
			continue;
		check(found && found->first <= row->first && found->last >= row->first);
		check(found->transports & 1u << i);
		check(row->status != SERVICE_ASSIGNED || found->status == SERVICE_ASSIGNED);
		check(registry_find(registry, i, row->last) != NULL);
	}
}

static void check_name(const struct registry *registry, const struct service *row)
{
	const struct service *found = NULL;
	char name[256];

	if (!row->name.length || row->name.length >= sizeof(name))
		return;
	memcpy(name, row->name.text, row->name.length);
	name[row->name.length] = '\0';
	do
		found = registry_next_by_name(registry, name, NAME_EXACT, found);
	while (found && found != row);
	check(found == row);
}

static void check_registry(const struct registry *registry, size_t size)
{
	const struct service *row, *previous = NULL;
	struct registry_info info;
	struct head head;

	registry_info(registry, &info);
	check(info.head.length + info.body.length == size);
	for (unsigned int i = 0; (row = registry_row(registry, i)); i++) {
		check(row->first <= row->last && row->transports);
		check(!previous || previous->first <= row->first);
		check((row->status == SERVICE_ASSIGNED) == (row->name.length > 0));
		check_numbers(registry, row);
		if (i < 64)
			check_name(registry, row);
		previous = row;
	}
	check(!registry_row(registry, info.rows));
	head_read(info.head, &head);
	check(head.source_count <= HEAD_SOURCES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct registry *registry = NULL;
	char *text = malloc(size ? size : 1);
	unsigned int line = 0, column = 0;
	int error;

	memcpy(text, data, size);
	error = registry_parse(text, size, &registry, &line, &column);
	check(error == 0 || error == -EINVAL);
	if (error) {
		check(!registry && line >= 1 && column >= 1);
	} else {
		check_registry(registry, size);
		registry_free(registry);
	}
	free(text);
	return 0;
}
