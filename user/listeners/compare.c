/* What changed between two snapshots, socket by socket. See listener.h. */
#include <errno.h>
#include <stdlib.h>

#include "listeners/listener.h"
#include "util/cleanup.h"

static int by_cookie(const void *a, const void *b)
{
	const struct listener *x = *(const struct listener *const *)a;
	const struct listener *y = *(const struct listener *const *)b;

	return (x->cookie > y->cookie) - (x->cookie < y->cookie);
}

/* Pointers to the listeners in the order of their cookies; NULL: no memory. */
static const struct listener **sorted(const struct listeners *listeners)
{
	const struct listener **index = calloc(listeners->count + 1, sizeof(const void *));

	for (size_t i = 0; index && i < listeners->count; i++)
		index[i] = &listeners->items[i];
	if (index)
		qsort(index, listeners->count, sizeof(const void *), by_cookie);
	return index;
}

static const struct listener *find(const struct listener **index, size_t count,
				   const struct listener *wanted)
{
	const struct listener **found = bsearch(&wanted, index, count, sizeof(*index), by_cookie);

	return found ? *found : NULL;
}

static bool is_same_process(const struct listener_owner *a, const struct listener_owner *b)
{
	return a->pid == b->pid && a->start == b->start;
}

/* Where one of them is not known, nothing can be said. */
static bool changed_hands(const struct listener *before, const struct listener *after)
{
	if (before->known != OWNERS_KNOWN || after->known != OWNERS_KNOWN)
		return false;
	for (size_t i = 0; i < before->owner_count; i++)
		for (size_t k = 0; k < after->owner_count; k++)
			if (is_same_process(before->owners[i], after->owners[k]))
				return false;
	return true;
}

int listeners_compare(const struct listeners *before, const struct listeners *after,
		      struct listener_change **ret_changes, size_t *ret_count)
{
	_cleanup_free_ const struct listener **old = sorted(before), **new = sorted(after);
	struct listener_change *changes =
		calloc(before->count + after->count + 1, sizeof(*changes));
	size_t count = 0;

	if (!old || !new || !changes) {
		free(changes);
		return -ENOMEM;
	}
	for (size_t i = 0; i < after->count; i++) {
		const struct listener *now = &after->items[i], *was = find(old, before->count, now);

		if (!was)
			changes[count++] = (struct listener_change){ LISTENER_APPEARED, NULL, now };
		else if (changed_hands(was, now))
			changes[count++] =
				(struct listener_change){ LISTENER_CHANGED_HANDS, was, now };
	}
	for (size_t i = 0; i < before->count; i++)
		if (!find(new, after->count, &before->items[i]))
			changes[count++] = (struct listener_change){ LISTENER_DISAPPEARED,
								     &before->items[i], NULL };
	*ret_changes = changes;
	*ret_count = count;
	return 0;
}
