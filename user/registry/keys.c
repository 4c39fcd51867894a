/* See keys.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "registry/keys.h"

static int compare_names(struct slice a, struct slice b)
{
	int difference = memcmp(a.text, b.text, a.length < b.length ? a.length : b.length);

	return difference ? difference : (a.length > b.length) - (a.length < b.length);
}

static int compare_keys(const struct overlay *a, const struct overlay *b)
{
	int difference = compare_names(a->name, b->name);

	if (!difference)
		difference = (b->kind == OVERLAY_SPAN) - (a->kind == OVERLAY_SPAN);
	if (!difference)
		difference = a->first - b->first;
	return difference ? difference : a->last - b->last;
}

/* Equal ones as they stand in their file. */
static int compare_places(const void *left, const void *right)
{
	const struct overlay *a = *(const struct overlay *const *)left;
	const struct overlay *b = *(const struct overlay *const *)right;
	int difference = compare_keys(a, b);

	return difference ? difference : (a > b) - (a < b);
}

int keys_make(const struct overlay_list *list, struct keys *ret_keys)
{
	const struct overlay **rows = reallocarray(NULL, list->count + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++)
		rows[i] = &list->rows[i];
	qsort(rows, list->count, sizeof(*rows), compare_places);
	*ret_keys = (struct keys){ rows, list->count };
	return 0;
}

/* The first row whose key is that of @key, or behind it; NULL: none. */
static const struct overlay *keys_from(const struct keys *keys, const struct overlay *key)
{
	size_t low = 0, high = keys->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_keys(keys->rows[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < keys->count ? keys->rows[low] : NULL;
}

/* The first row of the name and ports of @overlay that is a span, or is none; NULL: none. */
static const struct overlay *keys_find(const struct keys *keys, const struct overlay *overlay,
				       bool span)
{
	struct overlay key = *overlay;
	const struct overlay *found;

	key.kind = span ? OVERLAY_SPAN : OVERLAY_USE;
	found = keys_from(keys, &key);
	return found && !compare_keys(found, &key) ? found : NULL;
}

bool keys_replace(const struct keys *keys, const struct overlay *overlay)
{
	struct overlay any = { .name = overlay->name, .kind = OVERLAY_SPAN };
	const struct overlay *found;

	if (keys_find(keys, overlay, true) || keys_find(keys, overlay, false))
		return true;
	if (overlay->kind != OVERLAY_SPAN)
		return false;
	found = keys_from(keys, &any);
	return found && found->kind == OVERLAY_SPAN && !compare_names(found->name, overlay->name);
}

/* Two rows of one file that cannot both be meant: the later one, and why. */
struct clash {
	const struct overlay *row; /* NULL: there is none */
	const char *reason;
};

/* Keep the first in the file. */
static void note_clash(struct clash *clash, const struct overlay *a, const struct overlay *b,
		       const char *reason)
{
	const struct overlay *later = a > b ? a : b;

	if (!clash->row || later < clash->row)
		*clash = (struct clash){ later, reason };
}

/* A key is there once. */
static void find_same_keys(const struct keys *keys, struct clash *clash)
{
	static const char reason[] = "an earlier row has this name and these ports";

	for (size_t i = 0; i < keys->count; i++) {
		const struct overlay *row = keys->rows[i];
		const struct overlay *other =
			row->kind == OVERLAY_SPAN ? keys_find(keys, row, false) : NULL;

		if (other)
			note_clash(clash, row, other, reason);
		if (i && !compare_keys(row, keys->rows[i - 1]))
			note_clash(clash, row, keys->rows[i - 1], reason);
	}
}

/* Spans of a name have no port in common; they are in the order of their first one. */
static void find_overlaps(const struct keys *keys, struct clash *clash)
{
	const struct overlay *reaching[TRANSPORT_COUNT] = {};

	for (size_t i = 0; i < keys->count; i++) {
		const struct overlay *row = keys->rows[i];

		for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
			const struct overlay **before = &reaching[transport];

			if (row->kind != OVERLAY_SPAN || !(row->transports >> transport & 1))
				continue;
			if (!*before || compare_names((*before)->name, row->name))
				*before = row;
			if (*before != row && (*before)->last >= row->first)
				note_clash(clash, row, *before,
					   "an earlier span of this name has some of these ports");
			if ((*before)->last < row->last)
				*before = row;
		}
	}
}

void keys_release(struct keys *keys)
{
	free(keys->rows);
	*keys = (struct keys){};
}

const struct overlay *keys_clash(const struct keys *keys, const char **ret_reason)
{
	struct clash clash = {};

	find_same_keys(keys, &clash);
	find_overlaps(keys, &clash);
	if (clash.row)
		*ret_reason = clash.reason;
	return clash.row;
}
