/*
 * Ports that belong together: registered as a pair or a group, or used so. Read
 * from companions.tsv, which build-companions.py makes. A rule of names found
 * most of them, so each pair carries its rule. Pure.
 */
#ifndef PORTSCRIBE_COMPANION_H
#define PORTSCRIBE_COMPANION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/overlay.h"
#include "registry/registry.h"

enum companion_rule {
	COMPANION_TLS,	/* the same name with an ending such as s or -ssl, and TLS in its words */
	COMPANION_ROLE, /* the same name with an ending such as trap, near by */
	COMPANION_ROLE_FAR, /* the same, far apart: weak */
	COMPANION_ASSIGNEE, /* neighbours of one assignee whose names begin alike */
	COMPANION_GROUP, /* the same, where the registry names the assignee once, or not at all */
	COMPANION_DESCRIPTION, /* neighbours of one assignee whose descriptions begin alike */
	COMPANION_HAND,	       /* by hand, with a source */
	COMPANION_RULES,
};

struct companion {
	uint16_t main, other; /* @other is the @role of @main */
	uint8_t rule;	      /* enum companion_rule */
	uint8_t confidence;   /* enum confidence */
	struct slice main_name, other_name, role;
	struct slice source; /* length 0: the rule is the reason */
};

struct companion_list {
	struct companion *rows;	       /* owned */
	struct companion_index *index; /* owned: by port, both ports of each row */
	size_t count;
};

/* As overlay_list_parse(). */
int companion_list_parse(const char *text, size_t length, struct companion_list *ret_list,
			 struct table_error *ret_error);

/* The pairs that ship with the program. 0 or -ENOMEM. */
int companion_list_builtin(struct companion_list *ret_list);

void companion_list_release(struct companion_list *list);

/*
 * The pairs of @port, surest first. @after: the place in them, from 0 on. NULL
 * behind the last one.
 */
const struct companion *companion_at(const struct companion_list *list, uint16_t port,
				     size_t after);

/* The port in the pair that is not @port. */
static inline uint16_t companion_of(const struct companion *companion, uint16_t port)
{
	return companion->main == port ? companion->other : companion->main;
}

/* The rule in a few words for a person: "same name with a TLS ending". */
const char *companion_rule_words(enum companion_rule rule);

/* The word of the table: "tls". */
const char *companion_rule_word(enum companion_rule rule);

#endif
