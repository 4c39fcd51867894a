/*
 * Words for one port or one range of ports: its service name, what is known
 * beyond the name, the span it is or lies in. Pure.
 */
#ifndef PORTSCRIBE_NFT_DESCRIBE_H
#define PORTSCRIBE_NFT_DESCRIBE_H

#include <stdbool.h>

#include "nft/comment.h"
#include "nft/words.h"

/* From most to least telling; the last one fits into any comment. */
enum detail {
	DETAIL_FULL,	 /* name, meaning, span, companion: what fits */
	DETAIL_PRACTICE, /* name, and what is found there in practice: the form for lists */
	DETAIL_SHORT,	 /* one of the two, what is found there in parentheses */
	DETAIL_NUMBER,	 /* number or range */
};

/* Append the words for @use. False, and nothing added, where they do not fit. */
bool describe_ports(struct words *words, const struct comment_facts *facts,
		    const struct port_use *use, enum detail detail);

/* What goes before the words for @use: "from ", "to ", "all but ", or nothing. */
const char *describe_role(const struct port_use *use);

/*
 * How much there is to say: 2 of a port that is in use in practice, or a range;
 * 1 of one with a name; 0.
 */
unsigned int describe_weight(const struct comment_facts *facts, const struct port_use *use);

/* The transports of @use as a mask that is never 0. */
uint8_t use_transports(const struct port_use *use);

#endif
