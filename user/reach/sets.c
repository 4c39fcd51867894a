/*
 * The elements of sets and maps as ranges of keys, both ends within. The kernel tells
 * intervals in three ways: as ends that follow each other (nft_set_rbtree.c), as key
 * and closing key (nft_set_pipapo.c), or as one key.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "reach/program.h"

#define KNOWN_ELEMENT NFTA_SET_ELEM_EXPRESSIONS

/* ---- making ---- */

struct set *program_set(struct program *program, size_t key_length)
{
	struct set **grown =
		reallocarray(program->made, program->made_count + 1, sizeof(*program->made));
	struct set *set = calloc(1, sizeof(*set));

	if (grown)
		program->made = grown;
	if (!grown || !set) {
		free(set);
		program->failed = true;
		return NULL;
	}
	set->key_length = key_length;
	program->made[program->made_count++] = set;
	return set;
}

static struct set_element *add_element(struct program *program, struct set *set)
{
	if (set->count == set->room) {
		size_t room = set->room ? set->room * 2 : 8;
		void *grown = reallocarray(set->elements, room, sizeof(*set->elements));

		if (!grown) {
			program->failed = true;
			return NULL;
		}
		set->elements = grown;
		set->room = room;
	}
	set->elements[set->count] = (struct set_element){ 0 };
	return &set->elements[set->count++];
}

void set_add(struct program *program, struct set *set, const void *low, const void *high)
{
	struct set_element *element = set ? add_element(program, set) : NULL;

	if (!element)
		return;
	element->low = program_bytes(program, low, set->key_length);
	element->high = program_bytes(program, high, set->key_length);
	if (!element->low || !element->high)
		set->count--;
}

void set_release(struct set *set)
{
	free(set->elements);
	free(set->otherwise);
}

/* ---- reading ---- */

struct reading {
	struct program *program;
	const struct kernel_set *kernel;
	struct set *set;
	bool *ends; /* owned; of each element: it is where an interval ends */
	size_t ends_room;
};

static const char *element_maybe(struct reading *reading, const struct nlattr *expression)
{
	const struct nlattr *parts[NFTA_EXPR_MAX + 1];
	struct slice name;
	const char *text;

	attributes_within(expression, parts, NFTA_EXPR_MAX);
	name = attribute_string(parts[NFTA_EXPR_NAME]);
	if (slice_equals(name, "counter") || slice_equals(name, "last"))
		return NULL;
	text = decode_maybe(reading->program, name, parts[NFTA_EXPR_DATA]);
	if (!text) {
		reading->set->unknown = "expressions that are not known";
		return NULL;
	}
	return program_text(reading->program, "%s for its entry in %.*s", text,
			    SLICE_ARGS(reading->kernel->item.name));
}

static void take_expressions(struct reading *reading, const struct nlattr **fields,
			     struct set_element *element)
{
	const struct nlattr *expression;

	if (fields[NFTA_SET_ELEM_EXPR])
		element->maybe = element_maybe(reading, fields[NFTA_SET_ELEM_EXPR]);
	if (!fields[NFTA_SET_ELEM_EXPRESSIONS])
		return;
	mnl_attr_for_each_nested (expression, fields[NFTA_SET_ELEM_EXPRESSIONS]) {
		const char *maybe = element_maybe(reading, expression);

		if (maybe)
			element->maybe = maybe;
	}
}

static bool take_data(struct reading *reading, const struct nlattr *attribute,
		      struct set_element *element)
{
	const struct nlattr *parts[NFTA_DATA_MAX + 1];
	const struct kernel_item *item = &reading->kernel->item;
	struct set *set = reading->set;
	struct verdict verdict;
	struct slice value;

	if (set->has_verdicts) {
		if (!decode_verdict(reading->program, item->family, item->table, attribute,
				    &verdict))
			return false;
		element->verdict = verdict.operation;
		element->target = verdict.target;
		return true;
	}
	if (!set->has_data)
		return true;
	if (!attributes_within(attribute, parts, NFTA_DATA_MAX) || !parts[NFTA_DATA_VALUE])
		return false;
	value = attribute_bytes(parts[NFTA_DATA_VALUE]);
	element->data = (const uint8_t *)value.text;
	return value.length == set->data_length;
}

/* The bytes of a key, in the message. */
static const uint8_t *take_key(struct reading *reading, const struct nlattr *attribute)
{
	const struct nlattr *parts[NFTA_DATA_MAX + 1];
	struct slice value;

	if (!attributes_within(attribute, parts, NFTA_DATA_MAX) || !parts[NFTA_DATA_VALUE])
		return NULL;
	value = attribute_bytes(parts[NFTA_DATA_VALUE]);
	return value.length == reading->set->key_length ? (const uint8_t *)value.text : NULL;
}

static bool note_end(struct reading *reading, bool is_end)
{
	size_t at = reading->set->count - 1;

	if (at >= reading->ends_room) {
		size_t room = reading->set->room;
		bool *grown = reallocarray(reading->ends, room, sizeof(*grown));

		if (!grown)
			return false;
		reading->ends = grown;
		reading->ends_room = room;
	}
	reading->ends[at] = is_end;
	return true;
}

static bool take_element(struct reading *reading, const struct nlattr *attribute)
{
	const struct nlattr *fields[KNOWN_ELEMENT + 1];
	struct set *set = reading->set;
	struct set_element *element;
	uint32_t flags;
	bool is_end;

	if (!attributes_within(attribute, fields, KNOWN_ELEMENT))
		return false;
	flags = attribute_u32(fields[NFTA_SET_ELEM_FLAGS]);
	is_end = flags & NFT_SET_ELEM_INTERVAL_END;
	if (flags & ~(uint32_t)(NFT_SET_ELEM_INTERVAL_END | NFT_SET_ELEM_CATCHALL))
		return false;
	if (flags & NFT_SET_ELEM_CATCHALL) {
		element = set->otherwise = calloc(1, sizeof(*element));
	} else {
		element = add_element(reading->program, set);
		if (!element || !note_end(reading, is_end))
			return false;
		element->low = take_key(reading, fields[NFTA_SET_ELEM_KEY]);
		element->high = fields[NFTA_SET_ELEM_KEY_END]
					? take_key(reading, fields[NFTA_SET_ELEM_KEY_END])
					: element->low;
		if (!element->low || !element->high)
			return false;
	}
	if (!element || is_end)
		return element;
	take_expressions(reading, fields, element);
	return take_data(reading, fields[NFTA_SET_ELEM_DATA], element);
}

static bool take_message(struct reading *reading, const struct nlmsghdr *message)
{
	const struct nlattr *fields[NFTA_SET_ELEM_LIST_MAX + 1], *element;

	if (!message_spread(message, fields, NFTA_SET_ELEM_LIST_SET_ID))
		return false;
	if (!fields[NFTA_SET_ELEM_LIST_ELEMENTS])
		return true;
	mnl_attr_for_each_nested (element, fields[NFTA_SET_ELEM_LIST_ELEMENTS])
		if (!take_element(reading, element))
			return false;
	return true;
}

/* ---- intervals that are told by their ends ---- */

struct end {
	struct set_element element;
	bool is_end;
	size_t length;
};

/* An interval that ends where another begins: its end comes first. */
static int compare_ends(const void *left, const void *right)
{
	const struct end *a = left, *b = right;
	int order = memcmp(a->element.low, b->element.low, a->length);

	return order ? order : b->is_end - a->is_end;
}

/* The last key before @end, which is no part of the interval; at the top, all ones. */
static const uint8_t *last_before(struct program *program, const uint8_t *end, size_t length)
{
	uint8_t bytes[VALUE_MAX];
	size_t i = length;

	if (!end) {
		memset(bytes, 0xff, length);
		return program_bytes(program, bytes, length);
	}
	memcpy(bytes, end, length);
	while (i-- && bytes[i]-- == 0)
		;
	return program_bytes(program, bytes, length);
}

static bool pair_ends(struct reading *reading)
{
	struct set *set = reading->set;
	struct end *list = reallocarray(NULL, set->count + 1, sizeof(*list));
	size_t kept = 0;

	if (!list)
		return false;
	for (size_t i = 0; i < set->count; i++)
		list[i] = (struct end){ set->elements[i], reading->ends[i], set->key_length };
	qsort(list, set->count, sizeof(*list), compare_ends);
	for (size_t i = 0; i < set->count; i++) {
		struct set_element element = list[i].element;
		bool closed = i + 1 < set->count;

		if (list[i].is_end)
			continue;
		element.high = last_before(
			reading->program, closed ? list[i + 1].element.low : NULL, set->key_length);
		if (element.high)
			set->elements[kept++] = element;
	}
	set->count = kept;
	free(list);
	return true;
}

/* ---- order ---- */

static int compare_data(const struct set_element *a, const struct set_element *b, size_t length)
{
	if (a->verdict != b->verdict)
		return a->verdict < b->verdict ? -1 : 1;
	if (a->target != b->target)
		return a->target < b->target ? -1 : 1;
	if (a->maybe != b->maybe)
		return !a->maybe ? -1 : !b->maybe ? 1 : strcmp(a->maybe, b->maybe);
	return a->data && b->data ? memcmp(a->data, b->data, length) : 0;
}

static int compare_elements(const void *left, const void *right, void *data)
{
	const struct set_element *a = left, *b = right;
	const struct set *set = data;
	int order = compare_data(a, b, set->data_length);

	return order ? order : memcmp(a->low, b->low, set->key_length);
}

void set_sort(struct set *set)
{
	if (set->count)
		qsort_r(set->elements, set->count, sizeof(*set->elements), compare_elements, set);
}

/* How long the parts of a concatenated key are in registers: each begins a new one. */
static bool read_parts(const struct kernel_set *kernel, struct set *set)
{
	const struct nlattr *fields[32], *desc[NFTA_SET_DESC_MAX + 1], *part, *length;
	size_t sum = 0;

	message_spread(kernel->item.message, fields, 31);
	if (!attributes_within(fields[NFTA_SET_DESC], desc, NFTA_SET_DESC_CONCAT) ||
	    !desc[NFTA_SET_DESC_CONCAT])
		return false;
	mnl_attr_for_each_nested (part, desc[NFTA_SET_DESC_CONCAT]) {
		const struct nlattr *field[NFTA_SET_FIELD_MAX + 1];
		uint32_t bytes;

		if (!attributes_within(part, field, NFTA_SET_FIELD_LEN) ||
		    set->part_count == sizeof(set->parts))
			return false;
		length = field[NFTA_SET_FIELD_LEN];
		bytes = (attribute_u32(length) + 3) & ~(uint32_t)3;
		if (!bytes || bytes > VALUE_MAX)
			return false;
		set->parts[set->part_count++] = bytes;
		sum += bytes;
	}
	return sum == set->key_length;
}

void set_read(struct program *program, const struct kernel_set *kernel, struct set *set)
{
	struct reading reading = { .program = program, .kernel = kernel, .set = set };
	bool intervals = kernel->flags & NFT_SET_INTERVAL, concatenated;

	*set = (struct set){ .kernel = kernel,
			     .key_length = kernel->key_length,
			     .data_length = kernel->data_length,
			     .has_data = kernel->flags & NFT_SET_MAP,
			     .has_verdicts = kernel->flags & NFT_SET_MAP &&
					     kernel->data_type == NFT_DATA_VERDICT };
	concatenated = kernel->flags & NFT_SET_CONCAT;
	if (kernel->item.unknown || kernel->flags >= NFT_SET_EXPR << 1 || !set->key_length ||
	    set->key_length > VALUE_MAX || set->data_length > VALUE_MAX)
		set->unknown = "attributes that are not known";
	else if (intervals && concatenated && !read_parts(kernel, set))
		set->unknown = "a key that is not known";
	for (size_t i = 0; i < kernel->count && !set->unknown; i++)
		if (!take_message(&reading, program->kernel->elements[kernel->first + i]) &&
		    !set->unknown)
			set->unknown = "elements that are not known";
	if (intervals && !concatenated && !set->unknown && !pair_ends(&reading))
		program->failed = true;
	if (set->unknown)
		set->count = 0;
	set_sort(set);
	free(reading.ends);
}
