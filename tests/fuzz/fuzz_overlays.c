/*
 * The readers of practice, of the shipped form and of the administrator's: what
 * they take is found again by its ports and keeps what a comment needs, and what
 * they refuse has a place and a reason. The first byte picks the reader.
 *
 * Seeds: tests/data/registry conf
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "registry/companion.h"
#include "registry/overlay.h"
#include "registry/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_error(int error, const struct table_error *place)
{
	check(error == -EINVAL);
	check(place->line >= 1 && place->column >= 1 && place->reason);
}

static void check_overlays(const struct overlay_list *list)
{
	struct span_list spans = { 0 };

	for (size_t i = 0; i < list->count; i++) {
		const struct overlay *row = &list->rows[i], *found = NULL;

		check(row->first <= row->last && row->transports);
		check(row->label.length >= 1 && row->label.length <= OVERLAY_LABEL_MAX);
		for (uint32_t k = 0; k < row->label.length; k++)
			check(row->label.text[k] >= ' ' && row->label.text[k] <= '~' &&
			      row->label.text[k] != '"' && row->label.text[k] != '\\');
		check(row->name.length >= 1 && row->name.length <= OVERLAY_NAME_MAX);
		check(!i || row[-1].first <= row->first);
		while ((found = overlay_next_by_port(list, row->last, found)) && found != row)
			;
		check(found == row);
	}
	check(overlay_list_spans(list, &spans) == 0);
	span_list_release(&spans);
}

static void fuzz_shipped(const char *text, size_t length)
{
	struct overlay_list list = { 0 };
	struct table_error place = { 0 };
	int error = overlay_list_parse(text, length, &list, &place);

	if (error)
		check_error(error, &place);
	else
		check_overlays(&list);
	overlay_list_release(&list);
}

/* Over a shipped row, twice: the second time every row replaces itself. */
static void fuzz_local(const char *text, size_t length)
{
	static const char shipped[] = "80\ttcp\tuse\tweb\tWeb\t-\t-\t-\tno\t-\t-\tsource\thigh\n";
	struct overlay_list list = { 0 };
	struct table_error place = { 0 };
	size_t count = 0;

	check(overlay_list_parse(shipped, strlen(shipped), &list, NULL) == 0);
	for (int round = 0; round < 2; round++) {
		char *copy = malloc(length ? length : 1);
		int error;

		memcpy(copy, text, length);
		error = overlay_list_add_local(&list, copy, length, strdup("x.conf"), &place);
		if (error) {
			check_error(error, &place);
			break;
		}
		check(!round || list.count == count);
		count = list.count;
		check_overlays(&list);
	}
	overlay_list_release(&list);
}

static void fuzz_companions(const char *text, size_t length)
{
	struct companion_list list = { 0 };
	struct table_error place = { 0 };
	int error = companion_list_parse(text, length, &list, &place);

	if (error)
		check_error(error, &place);
	for (size_t i = 0; i < list.count; i++) {
		const struct companion *found;
		size_t at = 0;

		do
			found = companion_at(&list, list.rows[i].other, at++);
		while (found && found != &list.rows[i]);
		check(found == &list.rows[i]);
	}
	companion_list_release(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(const char *, size_t) = { fuzz_shipped, fuzz_local,
								 fuzz_companions };
	char *text;

	if (!size)
		return 0;
	/* An allocation of its own, so that reading too far is noticed. */
	text = malloc(size - 1 ? size - 1 : 1);
	memcpy(text, data + 1, size - 1);
	readers[data[0] % 3](text, size - 1);
	free(text);
	return 0;
}
