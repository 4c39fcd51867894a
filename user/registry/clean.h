/*
 * The official file's text as it goes into the table: on one line, with no
 * character that changes how a terminal shows it, and without e-mail addresses.
 * The same rules as build-registry.py, which made the table that ships.
 */
#ifndef PORTSCRIBE_CLEAN_H
#define PORTSCRIBE_CLEAN_H

#include "registry/registry.h"
#include "util/arena.h"

/*
 * Each returns text in @arena; of length 0 where nothing is left. A slice whose
 * text is NULL: out of memory. @text must be valid UTF-8.
 */

/* White space to single blanks, control and format characters and addresses gone. */
struct slice clean_text(struct arena *arena, struct slice text);

/* A name has no blanks (they become _), and what looks like an address stays. */
struct slice clean_name(struct arena *arena, struct slice text);

/* Without the sentence on well-formed names. */
struct slice clean_description(struct arena *arena, struct slice text);

/* "[Jon_Postel][Ann_Lee_2]" is "Jon Postel; Ann Lee". */
struct slice clean_assignee(struct arena *arena, struct slice text);

/* "[1][RFC4727][RFC6335]" is "RFC 4727; RFC 6335". */
struct slice clean_reference(struct arena *arena, struct slice text);

/* "[Name <address> date]" in the reference is an assignee; else empty. */
struct slice clean_assignee_in_reference(struct arena *arena, struct slice text);

/* Whether the list "a; b" has @item. */
bool list_has_item(struct slice list, struct slice item);

#endif
