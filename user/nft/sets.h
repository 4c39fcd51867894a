/*
 * The named sets and maps of an environment, and the statements that are about
 * them. Pure.
 */
#ifndef PORTSCRIBE_NFT_SETS_H
#define PORTSCRIBE_NFT_SETS_H

#include "nft/environment.h"

struct sets;

struct sets *sets_new(void);
void sets_free(struct sets *sets);

/* Take in what @statement says of sets: their declaration, elements added or removed. */
int sets_pass(struct sets *sets, const struct statement *statement, struct environment *environment,
	      const struct comment_facts *facts);

/* After the last statement: each port of a set once. */
void sets_finish(struct sets *sets);

const struct named_set *sets_find(const struct sets *sets, const struct place *place,
				  struct slice name);

/* See environment_set_used(). */
const struct named_set *sets_use(struct sets *sets, const struct place *place, struct slice name,
				 const struct selector_row *row);

/* What a statement says of a set or map. */
struct set_reference {
	struct slice name;
	size_t open; /* index of the token behind the name: the body, or the elements */
	bool is_map;
	bool declares; /* "set s { ... }"; else its elements are all: "add element t s { ... }" */
	bool removes;  /* the set, or elements of it */
};

/* False where the statement is not about a set. */
bool set_reference_read(const struct statement *statement, struct set_reference *ret_reference);

#endif
