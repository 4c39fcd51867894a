/* See rules.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nft/live/view.h"
#include "nft/walk.h"
#include "rules/counters.h"
#include "rules/rules.h"
#include "util/grow.h"

/* As it is named, without quotes. */
static struct slice name_of(const struct tokens *tokens, size_t at)
{
	struct slice name = tokens_slice(tokens, at);

	if (tokens_kind(tokens, at, TOKEN_STRING) && name.length >= 2)
		name = (struct slice){ name.text + 1, name.length - 2 };
	return name;
}

/* "counter packets 12 bytes 720" or "counter name "web"" among the tokens, outside of lists. */
static void read_counter(const struct tokens *tokens, size_t first, size_t end,
			 struct rules_item *item)
{
	for (size_t i = first; i + 2 < end;
	     i = tokens_kind(tokens, i, TOKEN_OPEN) ? tokens_group_end(tokens, i) : i + 1) {
		if (!tokens_is(tokens, i, "counter"))
			continue;
		item->has_counter = counter_numbers(tokens, i + 1, &item->packets, &item->bytes);
		if (tokens_is(tokens, i + 1, "name"))
			item->counter_name = name_of(tokens, i + 2);
		return;
	}
}

static struct slice comment_of(const struct tokens *tokens, ptrdiff_t index)
{
	if (index < 0 || (size_t)index + 1 >= tokens->count)
		return slice_of("");
	return name_of(tokens, index + 1);
}

static int add(struct rules *rules, const struct tokens *tokens, size_t first, size_t last,
	       const struct port_list *ports, struct rules_item *item)
{
	const char *newline;

	item->start = tokens->list[first].start;
	item->end = tokens->list[last].end;
	item->line = tokens->list[first].line;
	newline = memchr(rules->text + item->end, '\n', rules->length - item->end);
	item->below = newline ? (size_t)(newline + 1 - rules->text) : rules->length;
	item->first_use = rules->use_count;
	item->use_count = ports->count;
	if (!array_room_for(&rules->uses, rules->use_count, ports->count, &rules->use_capacity,
			    sizeof(*rules->uses)) ||
	    !array_room(&rules->items, rules->count, &rules->capacity, sizeof(*rules->items)))
		return -ENOMEM;
	if (ports->count)
		memcpy(rules->uses + rules->use_count, ports->uses,
		       ports->count * sizeof(*ports->uses));
	rules->use_count += ports->count;
	rules->items[rules->count++] = *item;
	return 0;
}

static int take_rule(void *data, const struct walk_rule *rule)
{
	struct rules *rules = data;
	const struct tokens *tokens = &rule->tokens;
	struct rules_item item = {
		.place = rule->place,
		.comment = comment_of(tokens, rule->comment),
		.reason = rule->reason,
	};

	if (!rule->names_ports)
		return 0;
	if (!rule->nesting)
		item.handle =
			listed_handle(rules->text, rules->length, &tokens->list[tokens->count - 1]);
	read_counter(tokens, 0, tokens->count, &item);
	return add(rules, tokens, 0, tokens->count - 1, rule->ports, &item);
}

static int take_element(void *data, const struct walk_element *element)
{
	struct rules *rules = data;
	const struct tokens *tokens = &element->tokens;
	struct rules_item item = {
		.comment = comment_of(tokens, element->element.comment),
		.reason = element->reason,
	};

	if (!element->ports->count && !element->reason)
		return 0;
	item.place = element->set->place;
	item.set = element->set->name;
	read_counter(tokens, element->element.first, element->element.key_end, &item);
	return add(rules, tokens, element->element.first, element->element.end - 1, element->ports,
		   &item);
}

static int compare(const void *left, const void *right)
{
	const struct rules_item *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

int rules_read(const char *text, size_t length, const struct comment_facts *facts,
	       const struct nft_includes *includes, struct rules *ret_rules,
	       struct text_error *ret_error)
{
	struct rules rules = { .text = text, .length = length };
	const struct walker walker = { .rule = take_rule, .element = take_element, .data = &rules };
	int error = nft_walk(text, length, facts, includes, &walker, ret_error);

	if (error) {
		rules_release(&rules);
		return error;
	}
	if (rules.count)
		qsort(rules.items, rules.count, sizeof(*rules.items), compare);
	error = rules_fill_counters(&rules);
	if (error) {
		rules_release(&rules);
		return error;
	}
	*ret_rules = rules;
	return 0;
}

void rules_release(struct rules *rules)
{
	free(rules->items);
	free(rules->uses);
	*rules = (struct rules){ 0 };
}

/* Whether @use is about a port of @what: all but 53 is about 53, and about all others. */
static bool use_holds(const struct port_use *use, const struct what *what)
{
	for (size_t i = 0; i < what->count; i++) {
		const struct port_range *range = &what->ranges[i];

		if ((use->negated || (range->first <= use->last && range->last >= use->first)) &&
		    (!use->transports || use->transports & range->transports))
			return true;
	}
	return false;
}

void rules_keep(struct rules *rules, const struct what *what)
{
	size_t kept = 0;

	for (size_t i = 0; i < rules->count; i++) {
		const struct rules_item *item = &rules->items[i];
		bool wanted = false;

		for (size_t k = 0; k < item->use_count && !wanted; k++)
			wanted = use_holds(&rules->uses[item->first_use + k], what);
		if (wanted)
			rules->items[kept++] = *item;
	}
	rules->count = kept;
}
