/*
 * Listeners joined with opinions and counters: what `listeners` shows, as text or
 * JSON, and what a policy says of it. Pure: a snapshot and facts in, rows and text out.
 */
#ifndef PORTSCRIBE_LISTENER_ROWS_H
#define PORTSCRIBE_LISTENER_ROWS_H

#include <jansson.h>
#include <stdio.h>

#include "listeners/verdict.h"
#include "snapshot.h"
#include "what.h"

#define LISTENER_ADMITS_MAX 80

struct listener_row {
	const struct listener *listener;
	struct listener_opinion opinion;
	char admits[LISTENER_ADMITS_MAX]; /* whom the ruleset lets in: "any"; "" not known */
};

struct listener_rows {
	const struct listeners *listeners;
	const struct snapshot *traffic; /* of our own namespace; NULL: nothing is counted */
	bool admission;			/* it is known whom the ruleset lets in */
	struct listener_row *items;	/* owned; in the order of the snapshot */
	size_t count;
};

struct listener_choice {
	const struct what *whats; /* what is wanted; NULL: everything */
	size_t what_count;
};

/* An opinion about each listener that @choice wants. 0 or -ENOMEM. */
int listener_rows_make(const struct listeners *listeners, const struct listener_choice *choice,
		       const struct verdict_facts *facts, struct listener_rows *ret_rows);
void listener_rows_release(struct listener_rows *rows);

struct listener_style {
	bool colour;
	bool all;      /* clients' UDP ports too, each */
	size_t width;  /* of the terminal; 0: as wide as need be */
	bool no_owner; /* nobody looked who owns them */
};

/* Rows with the same answer in one line, a table for each namespace. 0 or -ENOMEM. */
int listener_rows_print(FILE *out, const struct listener_rows *rows,
			const struct listener_style *style);

/* All that is known of each, in some lines. */
void listener_rows_print_evidence(FILE *out, const struct listener_rows *rows);

/* The members "listeners", "namespaces", "taken" ... of portscribe.listeners.v1. NULL: no memory.
 */
json_t *listener_rows_json(const struct listener_rows *rows);

/* One of the "listeners", with the counters of @traffic (NULL: none). NULL: no memory. */
json_t *listener_json(const struct listener *listener, const struct listener_opinion *opinion,
		      const struct snapshot *traffic);

/* One of its "owners". NULL: no memory. */
json_t *listener_owner_json(const struct listener_owner *owner);

#endif
