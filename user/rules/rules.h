/*
 * The rules and elements of a ruleset's text that concern ports, each with the ports
 * and with where it stands: what `portscribe rules` explains. Pure.
 */
#ifndef PORTSCRIBE_RULES_H
#define PORTSCRIBE_RULES_H

#include <jansson.h>
#include <stdio.h>

#include "net/listeners.h"
#include "nft/annotate.h"
#include "nft/live/keeper.h"
#include "reach/admissions.h"
#include "nft/statement.h"
#include "what.h"

struct rules_item {
	size_t start, end; /* bytes of the rule or the element */
	size_t below;	   /* behind its last line: where an explanation goes */
	unsigned int line; /* from 1 */
	struct place place;
	struct slice set;     /* of an element: the set's name */
	struct slice comment; /* its own, without quotes; length 0: none */
	uint64_t handle;      /* 0: not known */
	bool has_counter;     /* and what it has counted is known */
	uint64_t packets, bytes;
	struct slice counter_name;   /* length 0: it is its own */
	const char *reason;	     /* why its ports are not known; NULL: they are */
	size_t first_use, use_count; /* of rules->uses */
};

struct rules {
	const char *text; /* the caller's */
	size_t length;
	struct rules_item *items; /* owned; in the order of the text */
	size_t count, capacity;
	struct port_use *uses; /* owned */
	size_t use_count, use_capacity;
};

/*
 * Read @length bytes of @text, which must outlive @ret_rules. 0; -ENOMEM; -EINVAL
 * with @ret_error where it cannot be a ruleset.
 */
int rules_read(const char *text, size_t length, const struct comment_facts *facts,
	       const struct nft_includes *includes, struct rules *ret_rules,
	       struct text_error *ret_error);
void rules_release(struct rules *rules);

/* Keep those items alone that concern a port of @what. */
void rules_keep(struct rules *rules, const struct what *what);

/* What is known beside the text; NULL: nothing is. */
struct rules_facts {
	const struct comment_facts *comment;
	const struct snapshot *traffic;
	const struct listener_ports *listeners;
	/* The program that keeps a table, and what changes it; NULL: none, or not known. */
	const struct keeper *(*keeper)(const void *data, struct slice family, struct slice table);
	const void *keeper_data;
	/* Whom the ruleset lets in, sorted by transport and port; NULL: not asked. */
	const struct admission_port *admissions;
	size_t admission_count;
};

struct rules_style {
	bool colour;
	bool all;     /* each port, however many a rule has */
	bool handles; /* those that nft wrote stay */
	bool whole;   /* the text around the items, too */
};

/* The text, with what is to be said below each item. 0 or -ENOMEM. */
int rules_print(FILE *out, const struct rules *rules, const struct rules_facts *facts,
		const struct rules_style *style);

/* "rules" and "elements" of portscribe.rules.v1; a new reference. NULL: no memory. */
json_t *rules_json(const struct rules *rules, const struct rules_facts *facts);

#endif
