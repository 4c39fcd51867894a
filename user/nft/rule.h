/*
 * What one rule of an nftables file says about ports. The grammar understood
 * here is deliberately small; of everything else it says that it is not
 * understood, and why. Pure.
 */
#ifndef PORTSCRIBE_NFT_RULE_H
#define PORTSCRIBE_NFT_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "nft/comment.h"
#include "nft/lexer.h"

struct rule_text {
	const char *text;	    /* of the whole file */
	const struct token *tokens; /* of the rule */
	size_t count;
};

/* Whether anything in the rule names ports, understood or not. */
bool rule_names_ports(const struct rule_text *rule);

/*
 * The rule's own comment: index of the token "comment"; -1 where it has none.
 * Comments of set elements or of rules in a jump block are not its own.
 */
ptrdiff_t rule_comment(const struct rule_text *rule);

struct port_list {
	struct port_use *uses; /* owned */
	size_t count, capacity;
};

void port_list_release(struct port_list *list);

/*
 * Read the ports that the rule matches into @list, which is emptied first and
 * keeps its memory from rule to rule. Names are looked up in @facts. 0 or
 * -ENOMEM; where the rule is not understood, 0, no uses, and @ret_reason is set.
 */
int rule_ports(const struct rule_text *rule, const struct comment_facts *facts,
	       struct port_list *list, const char **ret_reason);

#endif
