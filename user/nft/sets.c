/* See sets.h. A set may be declared in one place and get its elements in others. */
#include "nft/sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nft/value.h"

#define BUCKETS 256

struct entry {
	struct named_set set;
	struct entry *next; /* in its bucket */
};

struct sets {
	struct entry *buckets[BUCKETS];
	bool finished;
};

struct sets *sets_new(void)
{
	return calloc(1, sizeof(struct sets));
}

void sets_free(struct sets *sets)
{
	for (size_t i = 0; sets && i < BUCKETS; i++)
		while (sets->buckets[i]) {
			struct entry *entry = sets->buckets[i];

			sets->buckets[i] = entry->next;
			port_list_release(&entry->set.ports);
			free(entry);
		}
	free(sets);
}

static size_t bucket_of(struct slice name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (uint32_t i = 0; i < name.length; i++)
		hash = (hash ^ (unsigned char)name.text[i]) * 16777619u;
	return hash % BUCKETS;
}

static struct named_set *find(const struct sets *sets, const struct place *place, struct slice name)
{
	for (struct entry *entry = sets->buckets[bucket_of(name)]; entry; entry = entry->next)
		if (slices_equal(entry->set.name, name) &&
		    slices_equal(entry->set.place.table, place->table) &&
		    slices_equal(entry->set.place.family, place->family))
			return &entry->set;
	return NULL;
}

const struct named_set *sets_find(const struct sets *sets, const struct place *place,
				  struct slice name)
{
	/* As referred to: @name. */
	if (name.length && name.text[0] == '@')
		name = (struct slice){ name.text + 1, name.length - 1 };
	return find(sets, place, name);
}

/* The set of that name, made where it is met for the first time. NULL: no memory. */
static struct named_set *get(struct sets *sets, const struct place *place, struct slice name)
{
	struct named_set *known = find(sets, place, name);
	size_t bucket = bucket_of(name);
	struct entry *entry;

	if (known)
		return known;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->set.place = *place;
	entry->set.place.chain = (struct slice){ 0 };
	entry->set.name = name;
	entry->next = sets->buckets[bucket];
	sets->buckets[bucket] = entry;
	return &entry->set;
}

/* "ipv4_addr . inet_service" from token @index on. Returns the index behind it. */
static size_t read_types(const struct tokens *tokens, size_t index, struct selector_row *ret_row)
{
	struct selector_row row = { 0 };

	while (index < tokens->count && row.count < SELECTORS_MAX) {
		struct selector *part = &row.parts[row.count++];

		part->kind = tokens_is(tokens, index, "inet_service") ? SELECTOR_PORT
			     : tokens_is(tokens, index, "inet_proto") ? SELECTOR_TRANSPORT
								      : SELECTOR_OTHER;
		index++;
		if (!tokens_is(tokens, index, "."))
			break;
		index++;
	}
	*ret_row = row;
	return index;
}

/* "numgen inc mod 2", no selector. Returns the index behind it; @index where it has parts. */
static size_t read_reckoned(const struct tokens *tokens, size_t index, struct selector_row *ret_row)
{
	size_t at = index;

	while (at < tokens->count && !tokens_is(tokens, at, ":")) {
		if (tokens_is(tokens, at++, "."))
			return index;
	}
	*ret_row = (struct selector_row){ .parts = { { .kind = SELECTOR_OTHER } }, .count = 1 };
	return at;
}

/* "type ipv4_addr . inet_service : verdict", "typeof tcp dport : ip daddr . tcp dport" */
static void read_type(const struct tokens *tokens, struct named_set *set)
{
	bool by_example = tokens_is(tokens, 0, "typeof");
	size_t at = 1;

	set->data.count = 0;
	if (!by_example)
		at = read_types(tokens, at, &set->key);
	else if (selector_row_read(tokens, at, &set->key))
		at += set->key.length;
	else
		at = read_reckoned(tokens, at, &set->key);
	if (tokens_is(tokens, at, ":") && by_example)
		selector_row_read(tokens, at + 1, &set->data);
	else if (tokens_is(tokens, at, ":"))
		read_types(tokens, at + 1, &set->data);
	for (size_t i = 0; i < set->data.count; i++)
		set->data.parts[i].role = PORT_TARGET;
}

static void read_flags(const struct tokens *tokens, struct named_set *set)
{
	for (size_t i = 1; i < tokens->count; i++) {
		set->is_interval |= tokens_is(tokens, i, "interval");
		set->is_dynamic |= tokens_is(tokens, i, "dynamic");
	}
}

static void look_for_ports(struct named_set *set)
{
	set->has_ports = false;
	for (size_t i = 0; i < set->key.count; i++)
		set->has_ports |= set->key.parts[i].kind == SELECTOR_PORT;
	for (size_t i = 0; i < set->data.count; i++)
		set->has_ports |= set->data.parts[i].kind == SELECTOR_PORT;
}

/* Each part says which it is, so that a rule can give it its meaning. */
static struct selector_row numbered(const struct selector_row *original, uint8_t first)
{
	struct selector_row row = *original;

	for (size_t i = 0; i < row.count; i++)
		row.parts[i].role = first + i;
	return row;
}

struct filling {
	struct environment *environment;
	const struct comment_facts *facts;
};

/* The elements of the group that begins at token @open. */
static int read_elements(const struct filling *filling, const struct tokens *tokens, size_t open,
			 struct named_set *set)
{
	struct selector_row key = numbered(&set->key, 0);
	struct selector_row data = numbered(&set->data, SELECTORS_MAX);
	struct value_reader reader = { .facts = filling->facts,
				       .environment = filling->environment,
				       .list = &set->ports,
				       .data = &data };
	size_t end = tokens_group_end(tokens, open), at = open;
	struct element element;

	if (!set->has_ports)
		return 0;
	if (!tokens_kind(tokens, open, TOKEN_OPEN)) {
		/* "elements = $PORTS" */
		value_read(&reader, tokens, &at, &key, false);
		set->is_dynamic |= reader.reason != NULL;
		return reader.error;
	}
	at++;
	while (element_next(tokens, &at, end - 1, &element)) {
		value_element(&reader, tokens, &element, &key, false);
		if (reader.error)
			return reader.error;
		/* An element that is not understood could be any port. */
		set->is_dynamic |= reader.reason != NULL;
		reader.reason = NULL;
		reader.depth = 0;
	}
	return 0;
}

static int read_declaration(const struct filling *filling, const struct tokens *tokens,
			    struct named_set *set)
{
	if (tokens_is(tokens, 0, "type") || tokens_is(tokens, 0, "typeof")) {
		read_type(tokens, set);
		look_for_ports(set);
	} else if (tokens_is(tokens, 0, "flags")) {
		read_flags(tokens, set);
	} else if (tokens_is(tokens, 0, "auto-merge")) {
		set->is_auto_merge = true;
	} else if (tokens_is(tokens, 0, "elements") && tokens_is(tokens, 1, "=")) {
		return read_elements(filling, tokens, 2, set);
	}
	return 0;
}

/* "{ type inet_service; elements = { 22 } }" from token @open on. */
static int read_body(const struct filling *filling, const struct tokens *tokens, size_t open,
		     struct named_set *set)
{
	size_t end = tokens_group_end(tokens, open), at = open + 1;
	struct tokens declaration;
	bool closed_early;

	if (!tokens_kind(tokens, open, TOKEN_OPEN))
		return 0;
	while (statement_within(tokens, &at, end - 1, &declaration, &closed_early)) {
		int err = read_declaration(filling, &declaration, set);

		if (err)
			return err;
	}
	return 0;
}

/* The index behind family and table of a command; the family is the default one, or written. */
static size_t behind_table(const struct tokens *tokens, size_t object, const struct place *place)
{
	size_t at = object + 1;

	while (at < tokens->count && !slices_equal(tokens_slice(tokens, at), place->table))
		at++;
	return at + 1;
}

bool set_reference_read(const struct statement *statement, struct set_reference *ret_reference)
{
	static const char *const set_words[] = { "set", "map", NULL };
	static const char *const removals[] = { "delete", "flush", "destroy", NULL };
	const struct tokens *tokens = &statement->tokens;
	struct set_reference reference = { 0 };
	size_t object = 0, name = 1;

	if (statement->kind == STATEMENT_COMMAND && !statement_is_piece(tokens)) {
		object = statement_object(tokens);
		name = behind_table(tokens, object, &statement->place);
		reference.removes = tokens_is_one(tokens, 0, removals);
	} else if (statement->kind != STATEMENT_TABLE && statement->kind != STATEMENT_COMMAND) {
		return false;
	}
	reference.is_map = tokens_is(tokens, object, "map");
	reference.declares = tokens_is_one(tokens, object, set_words);
	if ((!reference.declares && !tokens_is(tokens, object, "element")) || name >= tokens->count)
		return false;
	reference.name = tokens_slice(tokens, name);
	reference.open = name + 1;
	*ret_reference = reference;
	return true;
}

int sets_pass(struct sets *sets, const struct statement *statement, struct environment *environment,
	      const struct comment_facts *facts)
{
	const struct filling filling = { environment, facts };
	struct set_reference reference;
	struct named_set *set;

	if (!set_reference_read(statement, &reference))
		return 0;
	set = get(sets, &statement->place, reference.name);
	if (!set)
		return -ENOMEM;
	if (reference.removes) {
		set->is_dynamic = true;
		return 0;
	}
	if (!reference.declares)
		return read_elements(&filling, &statement->tokens, reference.open, set);
	set->is_map = reference.is_map;
	return read_body(&filling, &statement->tokens, reference.open, set);
}

static int compare(const void *left, const void *right)
{
	const struct port_use *a = left, *b = right;

	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	if (a->transports != b->transports)
		return a->transports < b->transports ? -1 : 1;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->last < b->last ? -1 : a->last > b->last;
}

static void sort_once(struct port_list *ports)
{
	size_t kept = 0;

	if (ports->count < 2)
		return;
	qsort(ports->uses, ports->count, sizeof(*ports->uses), compare);
	for (size_t i = 0; i < ports->count; i++)
		if (!kept || compare(&ports->uses[kept - 1], &ports->uses[i]))
			ports->uses[kept++] = ports->uses[i];
	ports->count = kept;
}

void sets_finish(struct sets *sets)
{
	if (sets->finished)
		return;
	sets->finished = true;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct entry *entry = sets->buckets[i]; entry; entry = entry->next)
			sort_once(&entry->set.ports);
}

const struct named_set *sets_use(struct sets *sets, const struct place *place, struct slice name,
				 const struct selector_row *row)
{
	struct named_set *set = (struct named_set *)sets_find(sets, place, name);

	/* Later uses are those of the same rules, read again. */
	if (!set || sets->finished)
		return set;
	for (size_t i = 0; i < set->key.count; i++) {
		uint8_t *known = &set->key.parts[i].transports;
		uint8_t used = i < row->count ? row->parts[i].transports : 0;

		*known = set->is_used ? (*known && used ? *known | used : 0) : used;
	}
	set->is_used = true;
	return set;
}
