/*
 * See reach.h. One walk for all ports of a family and a transport; then, for each port,
 * only what concerns it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "reach/asked.h"

static const uint8_t families[2] = { NFPROTO_IPV4, NFPROTO_IPV6 };
static const uint8_t protocols[TRANSPORT_COUNT] = {
	[TRANSPORT_TCP] = IPPROTO_TCP,
	[TRANSPORT_UDP] = IPPROTO_UDP,
	[TRANSPORT_SCTP] = IPPROTO_SCTP,
};

int reach_new(const struct kernel_ruleset *ruleset, const struct host *host,
	      struct reach **ret_reach)
{
	struct reach *reach = calloc(1, sizeof(*reach));
	int error = reach ? program_make(ruleset, &reach->program) : -ENOMEM;

	if (error) {
		free(reach);
		return error;
	}
	reach->host = host;
	*ret_reach = reach;
	return 0;
}

static void asked_release(struct asked *asked)
{
	where_cache_release(&asked->cache);
	walk_release(&asked->walk);
	space_release(&asked->everything);
	free(asked->list);
	free(asked->silent);
	asked->silent = NULL;
	free(asked->outcomes.starts);
	free(asked->outcomes.items);
	free(asked->passages.starts);
	free(asked->passages.items);
	asked->list = NULL;
	asked->outcomes = asked->passages = (struct port_index){ 0 };
}

void reach_free(struct reach *reach)
{
	if (!reach)
		return;
	for (unsigned int f = 0; f < 2; f++)
		for (unsigned int t = 0; t < TRANSPORT_COUNT; t++) {
			asked_release(&reach->asked[f][t]);
		}
	program_release(&reach->program);
	arena_release(&reach->arena);
	free(reach);
}

/* ---- what concerns a port ---- */

size_t asked_place(const struct asked *asked, uint16_t port)
{
	size_t low = 0, high = asked->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (asked->list[middle] < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The ports as intervals. */
static size_t port_list(const uint64_t *ports, struct interval *list)
{
	size_t count = 0;

	for (uint32_t port = 0; port < PORT_COUNT; port++)
		if (ports[port / 64] >> port % 64 & 1)
			list[count++] = (struct interval){ port, port };
	return intervals_merge(list, count);
}

static const struct space *space_of(const struct walk *walk, bool passages, size_t i)
{
	return passages ? &walk->passages[i].space : &walk->outcomes[i].stream.space;
}

/* Calls for each port of each space: counts first, then fills in. */
static void index_pass(const struct asked *asked, bool passages, struct port_index *index,
		       bool fill)
{
	size_t count = passages ? asked->walk.passage_count : asked->walk.count;

	for (size_t i = 0; i < count; i++) {
		const struct space *space = space_of(&asked->walk, passages, i);

		for (size_t c = 0; c < space->count; c++) {
			const struct cell *cell = &space->cells[c];

			for (size_t at = asked_place(asked, cell->first);
			     at < asked->count && asked->list[at] <= cell->last; at++) {
				if (fill)
					index->items[index->starts[at]] = i;
				index->starts[at]++;
			}
		}
	}
}

static int index_make(const struct asked *asked, bool passages, struct port_index *index)
{
	uint32_t sum = 0;

	index->starts = calloc(asked->count + 1, sizeof(*index->starts));
	if (!index->starts)
		return -ENOMEM;
	index_pass(asked, passages, index, false);
	for (size_t i = 0; i <= asked->count; i++) {
		uint32_t count = index->starts[i];

		index->starts[i] = sum;
		sum += count;
	}
	index->items = calloc(sum + 1, sizeof(*index->items));
	if (!index->items)
		return -ENOMEM;
	index_pass(asked, passages, index, true);
	/* Each has been moved to its end, which is where the next begins. */
	memmove(index->starts + 1, index->starts, asked->count * sizeof(*index->starts));
	index->starts[0] = 0;
	return 0;
}

static int index_all(struct asked *asked)
{
	size_t count = 0;
	int error;

	asked->list = reallocarray(NULL, PORT_COUNT, sizeof(*asked->list));
	if (!asked->list)
		return -ENOMEM;
	for (uint32_t port = 0; port < PORT_COUNT; port++)
		if (asked->ports[port / 64] >> port % 64 & 1)
			asked->list[count++] = port;
	asked->count = count;
	error = index_make(asked, false, &asked->outcomes);
	return error ? error : index_make(asked, true, &asked->passages);
}

static int walk_asked(struct reach *reach, unsigned int family, unsigned int transport)
{
	struct asked *asked = &reach->asked[family][transport];
	struct interval *list = reallocarray(NULL, PORT_COUNT, sizeof(*list));
	struct walk_question question = { &reach->program,
					  reach->host,
					  &reach->arena,
					  families[family],
					  protocols[transport],
					  list,
					  0 };
	struct space lo = { 0 };
	int error;

	if (!list)
		return -ENOMEM;
	question.port_count = port_list(asked->ports, list);
	asked_release(asked);
	walk_begin(&question, false, &asked->everything);
	walk_begin(&question, true, &lo);
	space_join(&asked->everything, &lo);
	error = asked->everything.failed ? -ENOMEM
					 : host_silent(reach->host, question.family, &asked->silent,
						       &asked->silent_count);
	if (!error)
		error = walk_run(&question, &asked->walk);
	free(list);
	if (!error)
		error = index_all(asked);
	asked->done = !error;
	return error;
}

static int walk_all(struct reach *reach, const struct reach_question *questions, size_t count)
{
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		const struct reach_question *question = &questions[i];
		struct asked *asked =
			&reach->asked[host_family(question->family)][question->transport];
		uint64_t bit = 1ull << question->port % 64;

		if (!(asked->ports[question->port / 64] & bit))
			asked->done = false;
		asked->ports[question->port / 64] |= bit;
	}
	for (size_t i = 0; i < count && !error; i++) {
		unsigned int family = host_family(questions[i].family);

		if (!reach->asked[family][questions[i].transport].done)
			error = walk_asked(reach, family, questions[i].transport);
	}
	return error;
}

int reach_ask(struct reach *reach, const struct reach_question *questions, size_t count,
	      struct reach_answer *ret_answers)
{
	int error = walk_all(reach, questions, count);
	size_t i;

	for (i = 0; i < count && !error; i++) {
		ret_answers[i] = (struct reach_answer){ .question = questions[i] };
		error = answer_make(reach, &questions[i], &ret_answers[i]);
	}
	while (error && i--)
		reach_answer_release(&ret_answers[i]);
	return error;
}
