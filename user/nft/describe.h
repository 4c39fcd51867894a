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
	DETAIL_FULL,   /* name, description, span */
	DETAIL_SPAN,   /* name, span; none where there is no span */
	DETAIL_STORY,  /* name, description */
	DETAIL_START,  /* name, the description's first words */
	DETAIL_NAME,   /* name: the form for lists */
	DETAIL_NUMBER, /* number or range */
};

/* Append the words for @use. False, and nothing added, where they do not fit. */
bool describe_ports(struct words *words, const struct comment_facts *facts,
		    const struct port_use *use, enum detail detail);

/* Whether there is more to say than the number: a name, or a range. */
bool describe_has_name(const struct comment_facts *facts, const struct port_use *use);

/* The transports of @use as a mask that is never 0. */
uint8_t use_transports(const struct port_use *use);

#endif
