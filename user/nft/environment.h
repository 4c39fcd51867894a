/*
 * What a rule refers to by name: defines, with the blocks they are valid in, and
 * named sets and maps, with the ports among their elements. Filled from the text
 * of a file and of the files it includes. Pure: included texts are brought by a
 * callback.
 */
#ifndef PORTSCRIBE_NFT_ENVIRONMENT_H
#define PORTSCRIBE_NFT_ENVIRONMENT_H

#include "nft/comment.h"
#include "nft/lexer.h"
#include "nft/selector.h"
#include "nft/statement.h"

/* Brings the texts that "include @pattern" names. */
struct nft_includes {
	/*
	 * Calls @take with each text, NUL-terminated, which must live as long as the
	 * environment. 0, or -errno where the pattern names no file that can be read:
	 * what is defined there stays unknown.
	 */
	int (*read)(void *data, struct slice pattern,
		    int (*take)(void *taker, const char *text, size_t length), void *taker);
	void *data;
};

struct port_list {
	struct port_use *uses; /* owned */
	size_t count, capacity;
};

/* 0 or -ENOMEM. */
int port_list_add(struct port_list *list, const struct port_use *use);
void port_list_release(struct port_list *list);

/* A set or a map that has a name. */
struct named_set {
	struct place place; /* its chain is empty */
	struct slice name;
	/*
	 * What its key is made of: parts of kind SELECTOR_PORT are ports. None where
	 * the type is not known.
	 */
	struct selector_row key;
	struct selector_row data; /* the same of what a map maps to; no parts: verdicts, a set */
	bool has_ports;		  /* in key or data */
	bool is_used; /* by a rule: then the parts of its key have that rule's transports */
	bool is_map, is_interval, is_auto_merge;
	bool is_dynamic; /* filled at run time, or emptied by this file: elements say little */
	/*
	 * Of all elements, each once. Here, a role is the number of its part of the key;
	 * of the data, that and SELECTORS_MAX.
	 */
	struct port_list ports;
};

struct environment;

/* 0 or -ENOMEM. */
int environment_new(const struct nft_includes *includes, struct environment **ret_environment);
void environment_free(struct environment *environment);

/*
 * The statement that is read now: enters and leaves blocks, takes in defines and
 * what includes define; where @facts are given, also sets and their elements.
 * 0 or -ENOMEM.
 */
int environment_pass(struct environment *environment, const struct statement *statement,
		     const struct comment_facts *facts);

/*
 * Back to the state before the first statement. Sets stay known, and get no more
 * elements.
 */
void environment_rewind(struct environment *environment);

/*
 * The tokens that the define @name stands for here, which is noted as used for
 * ports of @key (NULL: not for ports). False: it is not known.
 */
bool environment_define(struct environment *environment, struct slice name,
			const struct selector_row *key, struct tokens *ret_value);

/*
 * End a pass over the statements: rewind, and note no more. Whether any define was
 * used for ports since the last rewind before.
 */
bool environment_collect_used(struct environment *environment);

/*
 * The key that the define whose value begins at byte @start of the text was used
 * for, with the transports of all its uses; NULL: it was not.
 */
const struct selector_row *environment_used(const struct environment *environment, const char *text,
					    size_t start);

/* The set or map called @name in the table of @place; NULL: it is not known. */
const struct named_set *environment_set(const struct environment *environment,
					const struct place *place, struct slice name);

/*
 * The same, for a rule that compares @row with it: its elements are ports of those
 * transports.
 */
const struct named_set *environment_set_used(struct environment *environment,
					     const struct place *place, struct slice name,
					     const struct selector_row *row);

#endif
