/*
 * Two passes: the first learns the named sets, which may get their elements
 * after the rules that refer to them; the second tells. Blocks of "jump {" are
 * walked as chains are.
 */
#include "nft/walk.h"

#include <errno.h>
#include <string.h>

#include "nft/rule.h"
#include "nft/sets.h"
#include "nft/statement.h"
#include "nft/value.h"

#define BLOCKS_DEEP 32

struct walk {
	const struct walker *walker;
	const struct comment_facts *facts;
	struct environment *environment;
	const char *text;
	size_t length;
	struct port_list ports;
};

/* ---- rules ---- */

struct chain_rule {
	struct tokens tokens;
	struct place place;
	bool closed_early, stray;
	unsigned int nesting;
};

static int tell_rule(struct walk *walk, const struct chain_rule *rule)
{
	struct walk_rule told = {
		.tokens = rule->tokens,
		.comment = rule_comment(&rule->tokens),
		.closed_early = rule->closed_early,
		.stray = rule->stray,
		.nesting = rule->nesting,
		.place = rule->place,
		.ports = &walk->ports,
	};
	struct rule_text body = { rule->tokens, rule->place };
	int err = 0;

	if (told.comment >= 0)
		body.tokens.count = told.comment;
	if (!walk->walker->rule)
		return 0;
	walk->ports.count = 0;
	told.names_ports = rule_names_ports(&body.tokens);
	if (told.names_ports || rule_translates_by_map(&body.tokens))
		err = rule_ports(&body, walk->facts, walk->environment, &walk->ports, &told.reason);
	told.names_ports |= walk->ports.count || told.reason;
	return err ? err : walk->walker->rule(walk->walker->data, &told);
}

/* The rule, and those in the block that it jumps to. */
static int walk_rule(struct walk *walk, const struct chain_rule *rule)
{
	size_t block = rule_block(&rule->tokens), end, at = block + 1;
	struct chain_rule inner = { .place = rule->place, .nesting = rule->nesting + 1 };
	int err = tell_rule(walk, rule);

	if (block == rule->tokens.count || inner.nesting > BLOCKS_DEEP)
		return err;
	end = tokens_group_end(&rule->tokens, block) - 1;
	while (!err &&
	       statement_within(&rule->tokens, &at, end, &inner.tokens, &inner.closed_early))
		err = walk_rule(walk, &inner);
	return err;
}

/* ---- elements ---- */

static int tell_element(struct walk *walk, const struct tokens *tokens,
			const struct element *element, const struct named_set *set)
{
	struct walk_element told = {
		.tokens = *tokens, .element = *element, .set = set, .ports = &walk->ports
	};
	struct value_reader reader = { .facts = walk->facts,
				       .environment = walk->environment,
				       .list = &walk->ports,
				       .data = set ? &set->data : NULL,
				       .text = walk->text };

	walk->ports.count = 0;
	if (set && set->has_ports)
		value_element(&reader, tokens, element, &set->key, false);
	if (reader.error)
		return reader.error;
	told.reason = reader.reason;
	return walk->walker->element(walk->walker->data, &told);
}

static int walk_elements(struct walk *walk, const struct tokens *tokens, size_t open,
			 const struct named_set *set)
{
	size_t end = tokens_group_end(tokens, open), at = open + 1;
	struct element element;
	struct tokens value;
	int err = 0;

	/* "elements = $PORTS": looked up, so that the define counts as used. */
	if (set && tokens_kind(tokens, open, TOKEN_DEFINE))
		environment_define(walk->environment, tokens_slice(tokens, open), &set->key,
				   &value);
	if (!tokens_kind(tokens, open, TOKEN_OPEN))
		return 0;
	while (!err && element_next(tokens, &at, end - 1, &element))
		err = tell_element(walk, tokens, &element, set);
	return err;
}

/* "set s { type inet_service; elements = { 22 } }": the body begins at token @open. */
static int walk_body(struct walk *walk, const struct tokens *tokens, size_t open,
		     const struct named_set *set)
{
	size_t end = tokens_group_end(tokens, open), at = open + 1;
	struct tokens declaration;
	bool closed_early;
	int err = 0;

	if (!tokens_kind(tokens, open, TOKEN_OPEN))
		return 0;
	while (!err && statement_within(tokens, &at, end - 1, &declaration, &closed_early))
		if (tokens_is(&declaration, 0, "elements") && tokens_is(&declaration, 1, "="))
			err = walk_elements(walk, &declaration, 2, set);
	return err;
}

static int walk_set(struct walk *walk, const struct statement *statement)
{
	struct set_reference reference;
	const struct named_set *set;

	if (!walk->walker->element || !set_reference_read(statement, &reference) ||
	    reference.removes)
		return 0;
	set = environment_set(walk->environment, &statement->place, reference.name);
	return reference.declares ? walk_body(walk, &statement->tokens, reference.open, set)
				  : walk_elements(walk, &statement->tokens, reference.open, set);
}

/* ---- the text ---- */

/*
 * A piece of a file that is included within a chain holds rules that stand in none.
 * They begin with a match; what begins otherwise, as the lines of a shell script
 * do, is nothing that we know.
 */
static bool is_fragment(const struct tokens *tokens)
{
	struct selector selector;

	return selector_read(tokens, 0, &selector);
}

static int tell(struct walk *walk, const struct statement *statement)
{
	switch (statement->kind) {
	case STATEMENT_RULE:
	case STATEMENT_STRAY:
		return walk_rule(walk, &(struct chain_rule){
					       .tokens = statement->tokens,
					       .place = statement->place,
					       .closed_early = statement->closed_early,
					       .stray = statement->kind == STATEMENT_STRAY &&
							!is_fragment(&statement->tokens),
				       });
	case STATEMENT_TABLE:
	case STATEMENT_COMMAND: return walk_set(walk, statement);
	default: return 0;
	}
}

static bool mentions_set(const struct tokens *tokens)
{
	for (size_t i = 0; i < tokens->count; i++)
		if (tokens_kind(tokens, i, TOKEN_SET) && !tokens_is(tokens, i, "@th"))
			return true;
	return false;
}

/* Sets, and the transports that rules use them for. */
static int learn(struct walk *walk, const struct statement *statement)
{
	const struct rule_text rule = { statement->tokens, statement->place };
	const char *reason;

	if (statement->kind != STATEMENT_RULE || !mentions_set(&rule.tokens))
		return 0;
	return rule_ports(&rule, walk->facts, walk->environment, &walk->ports, &reason);
}

/* Each statement of the text by @each, with what is defined before it. */
static int walk_statements(struct walk *walk, const struct comment_facts *facts,
			   int (*each)(struct walk *walk, const struct statement *statement),
			   struct text_error *ret_error)
{
	struct statement_reader reader;
	struct statement statement;
	int got, err = 0;

	statement_reader_init(&reader, walk->text, walk->length);
	while (!err && (got = statement_next(&reader, &statement)) > 0) {
		err = environment_pass(walk->environment, &statement, facts);
		if (!err)
			err = each(walk, &statement);
	}
	if (!err && got == -EINVAL)
		*ret_error = reader.error;
	statement_reader_release(&reader);
	return err ? err : got;
}

/* The define that begins here, if ports were taken from it. */
static int tell_define(struct walk *walk, const struct statement *statement)
{
	const struct tokens *tokens = &statement->tokens;
	struct value_reader reader = { .facts = walk->facts,
				       .environment = walk->environment,
				       .list = &walk->ports,
				       .text = walk->text };
	const struct selector_row *key = NULL;
	size_t at = 3;

	if (tokens->count > at &&
	    (tokens_is(tokens, 0, "define") || tokens_is(tokens, 0, "redefine")))
		key = environment_used(walk->environment, walk->text, tokens->list[at].start);
	if (!key)
		return 0;
	walk->ports.count = 0;
	value_read(&reader, tokens, &at, key, false);
	if (reader.error)
		return reader.error;
	if (reader.reason || !walk->ports.count)
		return 0;
	return walk->walker->define(walk->walker->data, tokens, &walk->ports);
}

/* What nft rejects, and what no reader of lines should have to think about. */
static int check_bytes(const char *text, size_t length, struct text_error *ret_error)
{
	const char *nul = memchr(text, 0, length), *start = text, *newline;
	unsigned int line = 1;

	if (length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		*ret_error =
			(struct text_error){ 1, 1, "a byte order mark, which nft does not accept" };
		return -EINVAL;
	}
	if (!nul)
		return 0;
	while ((newline = memchr(start, '\n', nul - start))) {
		line++;
		start = newline + 1;
	}
	*ret_error = (struct text_error){ line, (unsigned int)(nul - start) + 1, "a NUL byte" };
	return -EINVAL;
}

static int walk_text(struct walk *walk, struct text_error *ret_error)
{
	int err = check_bytes(walk->text, walk->length, ret_error);

	if (!err)
		err = walk_statements(walk, walk->facts, learn, ret_error);
	if (err)
		return err;
	environment_rewind(walk->environment);
	err = walk_statements(walk, NULL, tell, ret_error);
	if (err || !walk->walker->define || !environment_collect_used(walk->environment))
		return err;
	return walk_statements(walk, NULL, tell_define, ret_error);
}

int nft_walk(const char *text, size_t length, const struct comment_facts *facts,
	     const struct nft_includes *includes, const struct walker *walker,
	     struct text_error *ret_error)
{
	struct walk walk = { .walker = walker, .facts = facts, .text = text, .length = length };
	int err = environment_new(includes, &walk.environment);

	if (err)
		return err;
	err = walk_text(&walk, ret_error);
	port_list_release(&walk.ports);
	environment_free(walk.environment);
	return err;
}
