/* See known.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/arena.h"
#include "util/cleanup.h"
#include "watch/known.h"

static size_t slot_of(const struct known_table *table, uint64_t socket)
{
	/* Fibonacci hashing: cookies are consecutive, and differ in their low bits. */
	return socket * 0x9e3779b97f4a7c15ULL >> (64 - table->bits);
}

struct known *known_find(const struct known_table *table, uint64_t socket)
{
	struct known *known = table->slots ? table->slots[slot_of(table, socket)] : NULL;

	while (known && known->socket != socket)
		known = known->next_of_hash;
	return known;
}

static void put(struct known_table *table, struct known *known)
{
	struct known **slot = &table->slots[slot_of(table, known->socket)];

	known->next_of_hash = *slot;
	*slot = known;
	table->count++;
}

void known_remove(struct known_table *table, struct known *known)
{
	struct known **link = &table->slots[slot_of(table, known->socket)];

	while (*link != known)
		link = &(*link)->next_of_hash;
	*link = known->next_of_hash;
	table->count--;
}

void known_rename(struct known_table *table, struct known *known, uint64_t socket)
{
	known_remove(table, known);
	known->socket = socket;
	put(table, known);
}

static int grow(struct known_table *table)
{
	struct known_table larger = { .bits = table->slots ? table->bits + 1 : 6 };
	size_t slots = table->slots ? (size_t)1 << table->bits : 0;

	if (table->count < slots)
		return 0;
	larger.slots = calloc((size_t)1 << larger.bits, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < slots; i++) {
		struct known *known = table->slots[i], *next;

		for (; known; known = next) {
			next = known->next_of_hash;
			put(&larger, known);
		}
	}
	free(table->slots);
	*table = larger;
	return 0;
}

/* ---- copies ---- */

/* Where the parts of a copy go: counted with @bytes NULL, then written. */
struct packing {
	char *bytes;
	size_t used;
};

static void *pack(struct packing *packing, const void *data, size_t size)
{
	void *place = packing->bytes ? packing->bytes + packing->used : NULL;

	if (place && size)
		memcpy(place, data, size);
	packing->used += size;
	return place;
}

static const char *pack_text(struct packing *packing, const char *text)
{
	return text ? pack(packing, text, strlen(text) + 1) : "";
}

/* Aligned parts first, texts behind them. */
static void pack_owners(struct packing *packing, const struct listener *from, struct listener *to)
{
	struct listener_owner *owners;

	to->owners = pack(packing, from->owners, from->owner_count * sizeof(*from->owners));
	owners = packing->bytes ? (void *)(packing->bytes + packing->used) : NULL;
	for (size_t i = 0; i < from->owner_count; i++)
		pack(packing, from->owners[i], sizeof(*from->owners[i]));
	for (size_t i = 0; i < from->owner_count; i++) {
		const struct listener_owner *source = from->owners[i];
		struct listener_owner owner = *source;

		owner.name = pack_text(packing, source->name);
		owner.exe = pack_text(packing, source->exe);
		owner.cmdline = pack_text(packing, source->cmdline);
		owner.unit = pack_text(packing, source->unit);
		owner.container = pack_text(packing, source->container);
		if (!owners)
			continue;
		owners[i] = owner;
		to->owners[i] = &owners[i];
	}
	to->interface = pack_text(packing, from->interface);
	to->kernel = pack_text(packing, from->kernel);
}

int known_set_owners(struct known *known, const struct listener *listener)
{
	struct packing packing = {};
	struct listener copy = known->listener;

	pack_owners(&packing, listener, &copy);
	packing = (struct packing){ .bytes = malloc(packing.used) };
	if (!packing.bytes)
		return -ENOMEM;
	copy.known = listener->known;
	copy.owner_count = listener->owner_count;
	pack_owners(&packing, listener, &copy);
	free(known->owned);
	known->owned = packing.bytes;
	known->listener = copy;
	return 0;
}

int known_add(struct known_table *table, uint64_t socket, const struct listener *listener,
	      struct known **ret_known)
{
	struct known *known = calloc(1, sizeof(*known));

	if (!known || grow(table)) {
		free(known);
		return -ENOMEM;
	}
	known->socket = socket;
	known->listener = *listener;
	if (known_set_owners(known, listener)) {
		free(known);
		return -ENOMEM;
	}
	put(table, known);
	*ret_known = known;
	return 0;
}

void known_free(struct known *known)
{
	if (!known)
		return;
	free(known->owned);
	free(known);
}

struct known *known_next(const struct known_table *table, const struct known *after)
{
	size_t slot = after ? slot_of(table, after->socket) + 1 : 0;

	if (!table->slots)
		return NULL;
	if (after && after->next_of_hash)
		return after->next_of_hash;
	for (; slot < (size_t)1 << table->bits; slot++)
		if (table->slots[slot])
			return table->slots[slot];
	return NULL;
}

void known_release(struct known_table *table)
{
	struct known *known, *next;

	for (known = known_next(table, NULL); known; known = next) {
		next = known_next(table, known);
		known_free(known);
	}
	free(table->slots);
	*table = (struct known_table){};
}
