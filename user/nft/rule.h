/*
 * What one rule of an nftables file says about ports: which it matches, which it
 * leaves out, which it translates to. Of what it does not understand it says so,
 * and why: one doubtful match is enough to leave a rule alone. Pure.
 */
#ifndef PORTSCRIBE_NFT_RULE_H
#define PORTSCRIBE_NFT_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "nft/comment.h"
#include "nft/environment.h"
#include "nft/lexer.h"

struct rule_text {
	struct tokens tokens; /* of the rule, without its comment where the caller took it off */
	struct place place;   /* for the sets it refers to */
};

/* Whether anything in the rule names ports, understood or not; not in the block of a jump. */
bool rule_names_ports(const struct tokens *rule);

/* Whether it translates to what a map says, which may be ports, and only rule_ports() tells. */
bool rule_translates_by_map(const struct tokens *rule);

/*
 * The rule's own comment: index of the token "comment"; -1 where it has none.
 * Comments of set elements or of rules in a jump block are not its own.
 */
ptrdiff_t rule_comment(const struct tokens *rule);

/*
 * The { of the block that the rule jumps to, as in "jump { ... }"; count: none.
 */
size_t rule_block(const struct tokens *rule);

/*
 * Read the ports of the rule into @list, which is emptied first and keeps its
 * memory from rule to rule. Names are looked up in @facts, defines and sets in
 * @environment (NULL: none are known). 0 or -ENOMEM; where the rule is not
 * understood, 0, no uses, and *@ret_reason says why; NULL where it is, and where it
 * names no port after all.
 */
int rule_ports(const struct rule_text *rule, const struct comment_facts *facts,
	       struct environment *environment, struct port_list *list, const char **ret_reason);

#endif
