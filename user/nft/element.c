/* See element.h. nft 1.0.6, parser_bison.y: set_list_member_expr, map_lhs_expr, set_elem_options.
 */
#include "nft/element.h"

static bool is_option(const struct tokens *tokens, size_t index)
{
	static const char *const words[] = { "timeout", "expires", "counter", "comment", "limit",
					     "quota",	"last",	   "ct",      NULL };

	return tokens_kind(tokens, index, TOKEN_WORD) && tokens_is_one(tokens, index, words);
}

/* The first token from @at on, outside groups, that is @sign; @end: none. */
static size_t find_sign(const struct tokens *tokens, size_t at, size_t end, const char *sign)
{
	while (at < end && !(tokens_kind(tokens, at, TOKEN_SIGN) && tokens_is(tokens, at, sign)))
		at = tokens_kind(tokens, at, TOKEN_OPEN) ? tokens_group_end(tokens, at) : at + 1;
	return at < end ? at : end;
}

bool element_next(const struct tokens *tokens, size_t *at, size_t end, struct element *ret_element)
{
	struct element element = { .comment = -1 };

	while (*at < end &&
	       (tokens_kind(tokens, *at, TOKEN_NEWLINE) || tokens_is(tokens, *at, ",")))
		++*at;
	if (*at >= end)
		return false;
	element.first = *at;
	element.end = find_sign(tokens, *at, end, ",");
	element.key_end = find_sign(tokens, *at, element.end, ":");
	element.options = tokens_kind(tokens, element.first, TOKEN_OPEN)
				  ? tokens_group_end(tokens, element.first)
				  : element.first + 1;
	while (element.options < element.key_end && !is_option(tokens, element.options))
		element.options++;
	for (size_t i = element.options; i < element.key_end && element.comment < 0; i++)
		if (tokens_is(tokens, i, "comment") && tokens_kind(tokens, i, TOKEN_WORD))
			element.comment = i;
	*at = element.end + (element.end < end);
	*ret_element = element;
	return true;
}
