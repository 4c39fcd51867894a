/* See counters.h. */
#include "rules/counters.h"
#include "util/grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct named_counter {
	struct slice family, table, name;
	uint64_t packets, bytes;
};

struct counters {
	struct named_counter *list; /* owned; sorted in the end */
	size_t count, capacity;
};

bool counter_numbers(const struct tokens *tokens, size_t at, uint64_t *ret_packets,
		     uint64_t *ret_bytes)
{
	if (at + 3 >= tokens->count || !tokens_is(tokens, at, "packets") ||
	    !tokens_is(tokens, at + 2, "bytes"))
		return false;
	*ret_packets = strtoull(tokens_slice(tokens, at + 1).text, NULL, 10);
	*ret_bytes = strtoull(tokens_slice(tokens, at + 3).text, NULL, 10);
	return true;
}

static int compare(const void *left, const void *right)
{
	const struct named_counter *a = left, *b = right;
	int order = slices_compare(a->name, b->name);

	if (!order)
		order = slices_compare(a->table, b->table);
	return order ? order : slices_compare(a->family, b->family);
}

/* "counter NAME { comment "..." packets 12 bytes 720 }" */
static int take(struct counters *counters, const struct statement *statement)
{
	const struct tokens *tokens = &statement->tokens;
	struct named_counter counter = {
		.family = statement->place.family,
		.table = statement->place.table,
	};
	size_t at = 3;

	if (statement->kind != STATEMENT_TABLE || !tokens_is(tokens, 0, "counter") ||
	    !tokens_kind(tokens, 2, TOKEN_OPEN))
		return 0;
	counter.name = tokens_slice(tokens, 1);
	while (at < tokens->count && !counter_numbers(tokens, at, &counter.packets, &counter.bytes))
		at++;
	if (at == tokens->count)
		return 0;
	if (!array_room(&counters->list, counters->count, &counters->capacity,
			sizeof(*counters->list)))
		return -ENOMEM;
	counters->list[counters->count++] = counter;
	return 0;
}

static int read_all(const struct rules *rules, struct counters *counters)
{
	struct statement_reader reader;
	struct statement statement;
	int got, error = 0;

	statement_reader_init(&reader, rules->text, rules->length);
	while (!error && (got = statement_next(&reader, &statement)) > 0)
		error = take(counters, &statement);
	statement_reader_release(&reader);
	if (counters->count)
		qsort(counters->list, counters->count, sizeof(*counters->list), compare);
	return error ? error : got == -ENOMEM ? got : 0;
}

static void fill(struct rules_item *item, const struct counters *counters)
{
	const struct named_counter key = { item->place.family, item->place.table,
					   item->counter_name, 0, 0 };
	const struct named_counter *found =
		counters->count
			? bsearch(&key, counters->list, counters->count, sizeof(key), compare)
			: NULL;

	if (!found)
		return;
	item->has_counter = true;
	item->packets = found->packets;
	item->bytes = found->bytes;
}

int rules_fill_counters(struct rules *rules)
{
	struct counters counters = { 0 };
	bool named = false;
	int error = 0;

	for (size_t i = 0; i < rules->count && !named; i++)
		named = rules->items[i].counter_name.length;
	if (named)
		error = read_all(rules, &counters);
	for (size_t i = 0; !error && i < rules->count; i++)
		if (rules->items[i].counter_name.length)
			fill(&rules->items[i], &counters);
	free(counters.list);
	return error;
}
