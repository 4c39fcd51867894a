/*
 * The right-hand side of a port match: numbers, names, ranges, lists in braces,
 * defines, keys of maps, parts of concatenations; read as nft reads them. Pure.
 */
#ifndef PORTSCRIBE_NFT_VALUE_H
#define PORTSCRIBE_NFT_VALUE_H

#include "nft/element.h"
#include "nft/environment.h"

struct value_reader {
	const struct comment_facts *facts;
	struct environment *environment; /* NULL: nothing is known by name */
	struct port_list *list;
	const struct selector_row *data; /* of maps, what the key is mapped to; NULL: not asked */
	const char *reason;		 /* set: what is read is not understood; a constant */
	int error;			 /* 0 or -ENOMEM */
	unsigned int depth;		 /* of defines within defines */
	const char *text; /* where positions count from: those of other texts are elsewhere */
	bool in_define;
};

/*
 * One port at *@at, as number or name, quoted or not, or a define of one, for
 * @part of a key; moves *@at. False with reason set.
 */
bool value_port(struct value_reader *reader, const struct tokens *tokens, size_t *at,
		const struct selector *part, uint16_t *ret_port);

/*
 * What stands at *@at for the parts of @key: a value, a range, a define or a list
 * in braces; of several parts, joined by dots. Adds the ports, each with the role
 * and the transports of its part, @negated or not. False with reason or error set.
 */
bool value_read(struct value_reader *reader, const struct tokens *tokens, size_t *at,
		const struct selector_row *key, bool negated);

/* The same for the key of one element of a list. */
bool value_element(struct value_reader *reader, const struct tokens *tokens,
		   const struct element *element, const struct selector_row *key, bool negated);

#endif
