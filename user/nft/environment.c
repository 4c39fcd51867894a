/*
 * Defines lie on a stack, those of a block above those around it, each with a
 * link to the one that had its hash before: what a name stands for is found at
 * once, and what a block defined goes when it closes.
 */
#include "nft/environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nft/sets.h"
#include "util/grow.h"

#define BUCKETS	      256
#define NONE	      SIZE_MAX
#define INCLUDES_DEEP 16

struct definition {
	struct slice name;
	struct tokens value; /* its list is owned; NULL: the name is undefined from here on */
	size_t before;	     /* the next older one of its bucket; NONE */
	unsigned int depth;  /* of the block it is in */
	bool used;	     /* for ports, as @key */
	struct selector_row key;
};

/* A definition that was used and is no more. */
struct use {
	const char *text;
	size_t start; /* of its value */
	struct selector_row key;
};

struct environment {
	const struct nft_includes *includes;
	struct definition *definitions; /* owned */
	size_t count, capacity;
	size_t newest[BUCKETS]; /* of each hash; NONE */
	unsigned int depth;	/* of blocks */
	unsigned int included;	/* depth of files */
	bool endless;		/* they were nested too deeply: no more are read */
	struct sets *sets;
	struct use *uses; /* owned */
	size_t use_count, use_capacity;
	bool collected;
};

int port_list_add(struct port_list *list, const struct port_use *use)
{
	if (!array_room(&list->uses, list->count, &list->capacity, sizeof(*list->uses)))
		return -ENOMEM;
	list->uses[list->count++] = *use;
	return 0;
}

void port_list_release(struct port_list *list)
{
	free(list->uses);
	*list = (struct port_list){ 0 };
}

static size_t bucket_of(struct slice name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (uint32_t i = 0; i < name.length; i++)
		hash = (hash ^ (unsigned char)name.text[i]) * 16777619u;
	return hash % BUCKETS;
}

/* define() made room for it. */
static void keep_use(struct environment *environment, const struct definition *definition)
{
	if (!definition->used || environment->collected)
		return;
	environment->uses[environment->use_count++] =
		(struct use){ definition->value.text, definition->value.list->start,
			      definition->key };
}

static void forget_newest(struct environment *environment)
{
	struct definition *newest = &environment->definitions[--environment->count];

	keep_use(environment, newest);
	environment->newest[bucket_of(newest->name)] = newest->before;
	free((struct token *)newest->value.list);
}

int environment_new(const struct nft_includes *includes, struct environment **ret_environment)
{
	struct environment *environment = calloc(1, sizeof(*environment));

	if (!environment)
		return -ENOMEM;
	environment->includes = includes;
	environment->sets = sets_new();
	if (!environment->sets) {
		free(environment);
		return -ENOMEM;
	}
	for (size_t i = 0; i < BUCKETS; i++)
		environment->newest[i] = NONE;
	*ret_environment = environment;
	return 0;
}

static void forget_all(struct environment *environment)
{
	while (environment->count)
		forget_newest(environment);
	environment->depth = 0;
	environment->endless = false;
}

void environment_rewind(struct environment *environment)
{
	forget_all(environment);
	sets_finish(environment->sets);
	if (!environment->collected)
		environment->use_count = 0;
}

static int compare_uses(const void *left, const void *right)
{
	const struct use *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

bool environment_collect_used(struct environment *environment)
{
	forget_all(environment);
	environment->collected = true;
	if (environment->use_count)
		qsort(environment->uses, environment->use_count, sizeof(*environment->uses),
		      compare_uses);
	return environment->use_count > 0;
}

const struct selector_row *environment_used(const struct environment *environment, const char *text,
					    size_t start)
{
	size_t low = 0, high = environment->use_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (environment->uses[middle].start < start)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < environment->use_count && environment->uses[low].start == start; low++)
		if (environment->uses[low].text == text)
			return &environment->uses[low].key;
	return NULL;
}

void environment_free(struct environment *environment)
{
	if (!environment)
		return;
	environment_rewind(environment);
	free(environment->definitions);
	free(environment->uses);
	sets_free(environment->sets);
	free(environment);
}

/* Room for one more, and for the use of each when it is forgotten. */
static int reserve(struct environment *environment)
{
	return array_room(&environment->definitions, environment->count, &environment->capacity,
			  sizeof(*environment->definitions)) &&
			       array_room_for(&environment->uses, environment->use_count,
					      environment->count + 1, &environment->use_capacity,
					      sizeof(*environment->uses))
		       ? 0
		       : -ENOMEM;
}

/* @value: its list is copied; NULL undefines the name. */
static int define(struct environment *environment, struct slice name, const struct tokens *value)
{
	struct definition definition = { .name = name, .depth = environment->depth };
	size_t *newest = &environment->newest[bucket_of(name)];

	if (reserve(environment))
		return -ENOMEM;
	if (value) {
		struct token *list = reallocarray(NULL, value->count + 1, sizeof(*list));

		if (!list)
			return -ENOMEM;
		memcpy(list, value->list, value->count * sizeof(*list));
		definition.value = (struct tokens){ value->text, list, value->count };
	}
	definition.before = *newest;
	*newest = environment->count;
	environment->definitions[environment->count++] = definition;
	return 0;
}

/* Of several transports, or none that is said, none is what they have in common. */
static void note_use(struct definition *definition, const struct selector_row *key)
{
	if (!definition->used) {
		definition->used = true;
		definition->key = *key;
		return;
	}
	for (size_t i = 0; i < key->count && i < definition->key.count; i++) {
		uint8_t *known = &definition->key.parts[i].transports;

		*known = *known && key->parts[i].transports ? *known | key->parts[i].transports : 0;
	}
}

bool environment_define(struct environment *environment, struct slice name,
			const struct selector_row *key, struct tokens *ret_value)
{
	size_t at;

	/* As referred to: $NAME. */
	if (name.length && name.text[0] == '$')
		name = (struct slice){ name.text + 1, name.length - 1 };
	for (at = environment->newest[bucket_of(name)]; at != NONE;
	     at = environment->definitions[at].before) {
		struct definition *definition = &environment->definitions[at];

		if (!slices_equal(definition->name, name))
			continue;
		if (key && !environment->collected && definition->value.count)
			note_use(definition, key);
		*ret_value = definition->value;
		return definition->value.list != NULL;
	}
	return false;
}

/* "define NAME = value", "redefine NAME = value", "undefine NAME" */
static int pass_define(struct environment *environment, const struct tokens *tokens)
{
	struct tokens value = { tokens->text, tokens->list + 3, tokens->count - 3 };

	if (tokens->count >= 2 && tokens_is(tokens, 0, "undefine"))
		return define(environment, tokens_slice(tokens, 1), NULL);
	if (tokens->count < 4 || !tokens_is(tokens, 2, "="))
		return 0;
	return define(environment, tokens_slice(tokens, 1), &value);
}

struct inclusion {
	struct environment *environment;
	const struct comment_facts *facts; /* NULL: only defines are read */
	struct place place;		   /* where the text is included */
};

static int read_text(const struct inclusion *inclusion, const char *text, size_t length);

static int take_included(void *taker, const char *text, size_t length)
{
	const struct inclusion *inclusion = taker;
	int err = read_text(inclusion, text, length);

	/* What is no ruleset defines nothing. */
	return err == -EINVAL ? 0 : err;
}

static int pass_include(const struct inclusion *inclusion, const struct statement *statement)
{
	struct environment *environment = inclusion->environment;
	const struct tokens *tokens = &statement->tokens;
	struct inclusion inner = { environment, inclusion->facts, statement->place };
	const struct nft_includes *includes = environment->includes;
	struct slice path;
	int err;

	if (!includes || !tokens_kind(tokens, 1, TOKEN_STRING) || environment->endless)
		return 0;
	if (environment->included == INCLUDES_DEEP) {
		environment->endless = true;
		return 0;
	}
	path = tokens_slice(tokens, 1);
	path = (struct slice){ path.text + 1, path.length - 2 };
	environment->included++;
	err = includes->read(includes->data, path, take_included, &inner);
	environment->included--;
	return err == -ENOMEM ? err : 0;
}

static int pass(const struct inclusion *inclusion, const struct statement *statement)
{
	struct environment *environment = inclusion->environment;
	const struct tokens *tokens = &statement->tokens;

	if (statement->kind == STATEMENT_OPENING) {
		environment->depth++;
	} else if (statement->kind == STATEMENT_CLOSING) {
		while (environment->count &&
		       environment->definitions[environment->count - 1].depth >= environment->depth)
			forget_newest(environment);
		environment->depth--;
	} else if (tokens_is(tokens, 0, "define") || tokens_is(tokens, 0, "redefine") ||
		   tokens_is(tokens, 0, "undefine")) {
		return pass_define(environment, tokens);
	} else if (tokens_is(tokens, 0, "include")) {
		return pass_include(inclusion, statement);
	} else if (inclusion->facts) {
		return sets_pass(environment->sets, statement, environment, inclusion->facts);
	}
	return 0;
}

int environment_pass(struct environment *environment, const struct statement *statement,
		     const struct comment_facts *facts)
{
	return pass(&(struct inclusion){ .environment = environment, .facts = facts }, statement);
}

static int read_text(const struct inclusion *inclusion, const char *text, size_t length)
{
	struct statement_reader reader;
	struct statement statement;
	int ret;

	statement_reader_init(&reader, text, length);
	reader.places[0] = inclusion->place;
	while ((ret = statement_next(&reader, &statement)) > 0) {
		ret = pass(inclusion, &statement);
		if (ret)
			break;
	}
	statement_reader_release(&reader);
	return ret;
}

const struct named_set *environment_set_used(struct environment *environment,
					     const struct place *place, struct slice name,
					     const struct selector_row *row)
{
	return sets_use(environment->sets, place, name, row);
}

const struct named_set *environment_set(const struct environment *environment,
					const struct place *place, struct slice name)
{
	return sets_find(environment->sets, place, name);
}
