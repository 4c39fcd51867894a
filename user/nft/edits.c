/* See edits.h. */
#include "nft/edits.h"
#include "util/grow.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int bytes_add(struct edits *edits, struct slice text)
{
	if (edits->bytes_capacity - edits->length < text.length) {
		size_t capacity = (edits->bytes_capacity + text.length) * 2;
		char *bytes = realloc(edits->bytes, capacity);

		if (!bytes)
			return -ENOMEM;
		edits->bytes = bytes;
		edits->bytes_capacity = capacity;
	}
	if (text.length)
		memcpy(edits->bytes + edits->length, text.text, text.length);
	edits->length += text.length;
	return 0;
}

int edits_add(struct edits *edits, size_t start, size_t end, struct slice text)
{
	struct edit edit = { start, end, edits->length, text.length };

	if (!array_room(&edits->list, edits->count, &edits->capacity, sizeof(*edits->list)))
		return -ENOMEM;
	if (bytes_add(edits, text))
		return -ENOMEM;
	edits->list[edits->count++] = edit;
	return 0;
}

/* @at grows with each edit added. */
static int compare(const void *left, const void *right)
{
	const struct edit *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

void edits_sort(struct edits *edits)
{
	bool sorted = true;

	for (size_t i = 1; i < edits->count && sorted; i++)
		sorted = compare(&edits->list[i - 1], &edits->list[i]) <= 0;
	if (!sorted)
		qsort(edits->list, edits->count, sizeof(*edits->list), compare);
}

int edits_apply(struct edits *edits, const char *text, size_t length, char **ret_text,
		size_t *ret_length)
{
	size_t size = length, from = 0, to = 0;
	char *result;

	edits_sort(edits);
	for (size_t i = 0; i < edits->count; i++)
		size += edits->list[i].length - (edits->list[i].end - edits->list[i].start);
	result = malloc(size + 1);
	if (!result)
		return -ENOMEM;
	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *edit = &edits->list[i];

		memcpy(result + to, text + from, edit->start - from);
		to += edit->start - from;
		if (edit->length)
			memcpy(result + to, edits->bytes + edit->at, edit->length);
		to += edit->length;
		from = edit->end;
	}
	memcpy(result + to, text + from, length - from);
	result[size] = '\0';
	*ret_text = result;
	*ret_length = size;
	return 0;
}

void edits_release(struct edits *edits)
{
	free(edits->list);
	free(edits->bytes);
	*edits = (struct edits){ 0 };
}
