/*
 * A ruleset's text from one end to the other: each rule and each element of a
 * named set, with the ports it names or the reason why they are not known. Who
 * annotates, and who explains, both walk. Pure.
 */
#ifndef PORTSCRIBE_NFT_WALK_H
#define PORTSCRIBE_NFT_WALK_H

#include "nft/element.h"
#include "nft/environment.h"

struct walk_rule {
	struct tokens tokens; /* all of it */
	ptrdiff_t comment;    /* index of the word "comment" of its own; -1: it has none */
	bool names_ports;     /* understood or not */
	bool closed_early;    /* a } ends it, no separator */
	bool stray;	      /* in no chain and in no "add rule" */
	unsigned int nesting; /* in how many jump blocks it stands */
	struct place place;
	const struct port_list *ports; /* none where @reason is set */
	const char *reason;	       /* why it is not understood; NULL: it is */
};

struct walk_element {
	struct tokens tokens; /* of the statement it is part of */
	struct element element;
	const struct named_set *set;   /* NULL: it is not known */
	const struct port_list *ports; /* of its key; none where it is not about ports */
	const char *reason;
};

/* What a walk tells. Each returns 0 to go on, or what nft_walk() shall return. Any may be NULL. */
struct walker {
	int (*rule)(void *data, const struct walk_rule *rule);
	int (*element)(void *data, const struct walk_element *element);
	/* "define NAME = ..." that rules or sets took ports from; told after all else. */
	int (*define)(void *data, const struct tokens *statement, const struct port_list *ports);
	void *data;
};

/*
 * 0; -ENOMEM; -EINVAL where the text cannot be an nftables file (CRLF, a byte
 * order mark, NUL, unbalanced braces or quotes): then @ret_error is filled, and
 * nothing was told. Or what a function of @walker returned.
 */
int nft_walk(const char *text, size_t length, const struct comment_facts *facts,
	     const struct nft_includes *includes, const struct walker *walker,
	     struct text_error *ret_error);

#endif
