/* See rows.h. */
#include <errno.h>
#include <stdlib.h>

#include "listeners/rows.h"

static bool is_wanted(const struct listener_choice *choice, const struct listener *listener)
{
	if (!choice->whats)
		return true;
	for (size_t i = 0; i < choice->what_count; i++)
		if (what_holds(&choice->whats[i], listener->transport, listener->port))
			return true;
	return false;
}

int listener_rows_make(const struct listeners *listeners, const struct listener_choice *choice,
		       const struct verdict_facts *facts, struct listener_rows *ret_rows)
{
	struct listener_rows rows = { .listeners = listeners };

	rows.items = calloc(listeners->count + 1, sizeof(*rows.items));
	if (!rows.items)
		return -ENOMEM;
	for (size_t i = 0; i < listeners->count; i++) {
		struct listener_row *row = &rows.items[rows.count];

		if (!is_wanted(choice, &listeners->items[i]))
			continue;
		row->listener = &listeners->items[i];
		listener_judge(row->listener, facts, &row->opinion);
		rows.count++;
	}
	*ret_rows = rows;
	return 0;
}

void listener_rows_release(struct listener_rows *rows)
{
	free(rows->items);
	*rows = (struct listener_rows){};
}
