/* See difference.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/difference.h"
#include "util/slice.h"

/* The registry has had more since 2014, and grows. */
#define PAIRS_LEAST 11000
#define DROP_MOST   5 /* percent; 2014 to 2026 took 0.3 % away */

struct list {
	struct change *changes; /* owned */
	size_t count, room;
};

struct comparison {
	struct list lists[CHANGE_KINDS];
	unsigned int pairs[CHANGE_KINDS];
};

static bool is_assigned(const struct service *row)
{
	return row && row->status == SERVICE_ASSIGNED;
}

static bool same_rest(const struct service *a, const struct service *b)
{
	return a->status == b->status && slices_equal(a->aliases, b->aliases) &&
	       slices_equal(a->registered, b->registered) &&
	       slices_equal(a->modified, b->modified) && slices_equal(a->reference, b->reference) &&
	       slices_equal(a->unauthorized, b->unauthorized) && slices_equal(a->notes, b->notes) &&
	       slices_equal(a->former, b->former);
}

static bool same_text(const struct service *a, const struct service *b)
{
	if (!a || !b)
		return a == b;
	return slices_equal(a->name, b->name) && slices_equal(a->description, b->description) &&
	       slices_equal(a->assignee, b->assignee) && same_rest(a, b);
}

/* The kinds of change from @a to @b, as bits. */
static unsigned int kinds_of(const struct service *a, const struct service *b)
{
	unsigned int kinds = 0;

	if (is_assigned(a) != is_assigned(b))
		return 1u << (is_assigned(b) ? CHANGE_ADDED : CHANGE_REMOVED);
	if (!a || !b)
		return a == b ? 0 : 1u << CHANGE_OTHER;
	if (!slices_equal(a->name, b->name))
		return 1u << CHANGE_RENAMED;
	if (is_assigned(a) && !slices_equal(a->description, b->description))
		kinds |= 1u << CHANGE_DESCRIPTION;
	if (is_assigned(a) && !slices_equal(a->assignee, b->assignee))
		kinds |= 1u << CHANGE_ASSIGNEE;
	if (!kinds && !same_text(a, b))
		kinds |= 1u << CHANGE_OTHER;
	return kinds;
}

static int append(struct list *list, const struct change *change)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		struct change *grown = realloc(list->changes, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->changes = grown;
		list->room = room;
	}
	list->changes[list->count++] = *change;
	return 0;
}

static bool same_change(const struct change *change, const struct service *before,
			const struct service *after)
{
	return same_text(change->before, before) && same_text(change->after, after);
}

/* Into the change of the same port on another transport, if there is one. */
static int note(struct comparison *comparison, enum change_kind kind, uint16_t port,
		uint8_t transports, const struct service *before, const struct service *after)
{
	struct list *list = &comparison->lists[kind];

	comparison->pairs[kind]++;
	for (size_t i = list->count; i-- && list->changes[i].first == port;) {
		if (same_change(&list->changes[i], before, after)) {
			list->changes[i].transports |= transports;
			return 0;
		}
	}
	return append(list, &(struct change){ kind, port, port, transports, before, after });
}

/* One pair, not two, where neither table tells tcp from udp. */
static bool counts_once(const struct service *const *before, const struct service *const *after)
{
	const struct service *a = before[TRANSPORT_TCP], *b = after[TRANSPORT_TCP];

	return a == before[TRANSPORT_UDP] && b == after[TRANSPORT_UDP] &&
	       (!a || a->transportless) && (!b || b->transportless);
}

static int compare_port(struct comparison *comparison, const struct registry *before,
			const struct registry *after, uint16_t port)
{
	const struct service *a[SERVICE_TRANSPORTS], *b[SERVICE_TRANSPORTS];
	int error = 0;

	for (unsigned int i = 0; i < SERVICE_TRANSPORTS; i++) {
		a[i] = registry_find(before, i, port);
		b[i] = registry_find(after, i, port);
	}
	for (unsigned int i = 0; i < SERVICE_TRANSPORTS && !error; i++) {
		unsigned int kinds = kinds_of(a[i], b[i]);
		uint8_t transports = 1u << i;

		if (i <= TRANSPORT_UDP && counts_once(a, b)) {
			if (i == TRANSPORT_UDP)
				continue;
			transports = SERVICE_TCP | SERVICE_UDP;
		}
		for (enum change_kind kind = 0; kind < CHANGE_KINDS && !error; kind++)
			if (kinds & 1u << kind)
				error = note(comparison, kind, port, transports, a[i], b[i]);
	}
	return error;
}

/* Neighbouring ports that change alike are one line. Sorted by port already. */
static void join_neighbours(struct list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct change *change = &list->changes[i];
		struct change *previous = NULL;

		/* Those that end at the port before are among the last few. */
		for (size_t k = kept; k-- && kept - k <= 2 * SERVICE_TRANSPORTS && !previous;)
			if (list->changes[k].last + 1 == change->first &&
			    list->changes[k].transports == change->transports &&
			    same_change(&list->changes[k], change->before, change->after))
				previous = &list->changes[k];
		if (previous)
			previous->last = change->last;
		else
			list->changes[kept++] = *change;
	}
	list->count = kept;
}

static int gather(struct comparison *comparison, struct difference *ret_difference)
{
	struct difference difference = { 0 };
	size_t count = 0;

	for (enum change_kind kind = 0; kind < CHANGE_KINDS; kind++) {
		join_neighbours(&comparison->lists[kind]);
		count += comparison->lists[kind].count;
	}
	difference.changes = calloc(count + 1, sizeof(*difference.changes));
	if (!difference.changes)
		return -ENOMEM;
	for (enum change_kind kind = 0; kind < CHANGE_KINDS; kind++) {
		const struct list *list = &comparison->lists[kind];

		if (list->count)
			memcpy(difference.changes + difference.count, list->changes,
			       list->count * sizeof(*list->changes));
		difference.count += list->count;
		difference.lines[kind] = list->count;
		difference.pairs[kind] = comparison->pairs[kind];
	}
	*ret_difference = difference;
	return 0;
}

int difference_make(const struct registry *before, const struct registry *after,
		    struct difference *ret_difference)
{
	struct comparison comparison = { 0 };
	int error = 0;

	for (unsigned int port = 0; port < PORT_COUNT && !error; port++)
		error = compare_port(&comparison, before, after, port);
	if (!error)
		error = gather(&comparison, ret_difference);
	for (enum change_kind kind = 0; kind < CHANGE_KINDS; kind++)
		free(comparison.lists[kind].changes);
	return error;
}

void difference_release(struct difference *difference)
{
	free(difference->changes);
	*difference = (struct difference){ 0 };
}

/* ------------------------------------------------------------------ doubts */

static const struct {
	enum transport transport;
	uint16_t port;
	const char *transport_name, *name;
} sentinels[] = {
	{ TRANSPORT_TCP, 22, "tcp", "ssh" },	{ TRANSPORT_TCP, 53, "tcp", "domain" },
	{ TRANSPORT_UDP, 53, "udp", "domain" }, { TRANSPORT_TCP, 80, "tcp", "http" },
	{ TRANSPORT_TCP, 443, "tcp", "https" },
};

static void add_doubt(char *text, size_t size, unsigned int *doubts, const char *doubt)
{
	size_t length = strlen(text);

	snprintf(text + length, size - length, "%s%s", *doubts ? "; " : "", doubt);
	++*doubts;
}

unsigned int difference_doubts(const struct registry *candidate, const struct registry *in_use,
			       struct fault *fault)
{
	char text[512] = "", doubt[128];
	struct registry_info info, old;
	unsigned int doubts = 0;

	registry_info(candidate, &info);
	registry_info(in_use, &old);
	if (info.pairs < PAIRS_LEAST) {
		snprintf(doubt, sizeof(doubt), "%u assigned pairs, where the registry has over %u",
			 info.pairs, PAIRS_LEAST);
		add_doubt(text, sizeof(text), &doubts, doubt);
	}
	for (size_t i = 0; i < sizeof(sentinels) / sizeof(sentinels[0]); i++) {
		struct slice name =
			registry_name(candidate, sentinels[i].transport, sentinels[i].port);

		if (slices_equal(name, slice_of(sentinels[i].name)))
			continue;
		snprintf(doubt, sizeof(doubt), "%u/%s is not %s", sentinels[i].port,
			 sentinels[i].transport_name, sentinels[i].name);
		add_doubt(text, sizeof(text), &doubts, doubt);
	}
	if ((uint64_t)info.pairs * 100 < (uint64_t)old.pairs * (100 - DROP_MOST)) {
		snprintf(doubt, sizeof(doubt), "%u of the %u pairs in use are gone (over %u %%)",
			 old.pairs - info.pairs, old.pairs, DROP_MOST);
		add_doubt(text, sizeof(text), &doubts, doubt);
	}
	fault_set(fault, 0, "%s", text);
	return doubts;
}
