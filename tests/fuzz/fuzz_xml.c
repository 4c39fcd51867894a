/*
 * The official file, XML or CSV: whatever is taken converts to a table that can be
 * read, and converts to the same one again when that table is the one in use.
 *
 * Seeds: tests/data/registry xml csv
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "registry/convert.h"
#include "util/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char in_use[] = "1-9\t*\tassigned\tten\t\tx y\t\t\t\t\t\t\tz\t\n"
			     "4\ttcp,udp\treserved\t\t\t\t\t\t\t\t\t\tfour vier\t\n"
			     "22\ttcp\tassigned\tssh\t\t\t\t\t\t\t\t\told\t\n"
			     "22\tsctp\tassigned\tssh\t\t\t\t\t\t\t\t\t\t\n"
			     "4489-4500\ttcp\tunassigned\t\t\t\t\t\t\t\t\t\twas\t\n";

static void check(int holds)
{
	if (!holds)
		abort();
}

/* NULL where it is refused for a good reason. */
static char *convert(const struct official *official, const struct registry *before,
		     size_t *ret_length)
{
	const struct convert_source source = { "file", "sum", 0 };
	struct fault fault = {};
	char *table = NULL;
	int error = registry_convert(official, before, &source, &table, ret_length, &fault);

	check(!error || !strncmp(fault.text, "more than", strlen("more than")));
	return table;
}

static void check_official(const struct official *official)
{
	struct registry *before = NULL, *after = NULL;
	struct registry_info info, again;
	char *table, *second;
	size_t length;

	check(!registry_parse(in_use, strlen(in_use), &before, NULL, NULL));
	table = convert(official, before, &length);
	registry_free(before);
	if (!table)
		return;
	check(!registry_parse(table, length, &after, NULL, NULL));
	second = convert(official, after, &length);
	registry_info(after, &info);
	check(second && !registry_parse(second, length, &before, NULL, NULL));
	registry_info(before, &again);
	check(slices_equal(info.body, again.body));
	registry_free(before);
	registry_free(after);
	free(table);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);
	struct official official;
	struct fault fault = {};
	unsigned int line = 0, column = 0;
	int error;

	memcpy(text, data, size);
	error = official_read(text, size, &official, &fault, &line, &column);
	check(error == 0 || error == -EINVAL);
	check(!error || fault.text[0]);
	check((line == 0) == (column == 0));
	if (!error) {
		check(official.count > 0);
		check_official(&official);
		official_release(&official);
	}
	free(text);
	return 0;
}
