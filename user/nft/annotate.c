/*
 * From what a walk tells to edits: one comment behind each rule and each element
 * that is understood, or a line above; of all others that name ports, why they
 * were left.
 */
#include "nft/annotate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nft/ours.h"
#include "nft/remarks.h"
#include "nft/walk.h"
#include "util/grow.h"

static const char WHY_COMMENT[] = "it has a comment already";

struct annotator {
	const struct annotate_options *options;
	const char *text;
	size_t length;
	struct annotate_result *result;
	size_t skip_capacity;
	struct remarks remarks;
	const struct named_set *merging; /* whose elements were skipped last */
};

static int skip_add(struct annotator *annotator, const struct annotate_skip *skip)
{
	struct annotate_result *result = annotator->result;

	if (!array_room(&result->skips, result->skip_count, &annotator->skip_capacity,
			sizeof(*result->skips)))
		return -ENOMEM;
	result->skips[result->skip_count++] = *skip;
	return 0;
}

static int skip(struct annotator *annotator, const struct tokens *tokens, size_t index,
		const char *reason)
{
	const struct token *token = &tokens->list[index];

	return skip_add(annotator, &(struct annotate_skip){ token->line, token->column,
							    token->start, reason });
}

/* ---- comments ---- */

/* The place of a comment: behind token @last, or at the word "comment" at @index. */
struct spot {
	const struct tokens *tokens;
	size_t last;
	ptrdiff_t index; /* -1: there is none yet */
	size_t end;	 /* the index behind it, if it is where comments of ours are */
	bool is_rule;
};

/* What stands between the quotes; false where there are none, or more than a comment. */
static bool quoted(const struct spot *spot, struct slice *ret_text)
{
	struct slice text;

	if (spot->index < 0 || (size_t)spot->index + 2 != spot->end ||
	    !tokens_kind(spot->tokens, spot->index + 1, TOKEN_STRING))
		return false;
	text = tokens_slice(spot->tokens, spot->index + 1);
	*ret_text = (struct slice){ text.text + 1, text.length - 2 };
	return true;
}

/*
 * Whether the comment begins a line that goes on with a # comment. We write none there,
 * and without it nothing would end the rule: nft passes over a line that holds nothing
 * but a # comment, newline and all (comment_line).
 */
static bool ends_rule(const struct annotator *annotator, const struct spot *spot)
{
	const struct token *word = &spot->tokens->list[spot->index];
	size_t start = word->start, end = word[1].end;

	while (start && (annotator->text[start - 1] == ' ' || annotator->text[start - 1] == '\t'))
		start--;
	while (end < annotator->length &&
	       (annotator->text[end] == ' ' || annotator->text[end] == '\t'))
		end++;
	return spot->is_rule && start && annotator->text[start - 1] == '\n' &&
	       end < annotator->length && annotator->text[end] == '#';
}

/*
 * Whether the comment at @spot is ours. @now is what we would write there with
 * its counts: where it is that, no more has to be asked.
 */
static bool is_ours(const struct annotator *annotator, const struct spot *spot, struct slice now)
{
	struct slice text;

	return quoted(spot, &text) && !ends_rule(annotator, spot) &&
	       ((now.length && slices_equal(text, now)) ||
		comment_is_ours(annotator->options->facts, text));
}

/* What we would write for @ports, with the counts that the comment at @spot has. */
static size_t written_now(const struct annotator *annotator, const struct spot *spot,
			  const struct port_list *ports, char ret_text[NFT_COMMENT_MAX + 1])
{
	struct slice text;

	if (!ports->count || !quoted(spot, &text)) {
		ret_text[0] = '\0';
		return 0;
	}
	return nft_comment_counted(annotator->options->facts, ports->uses, ports->count,
				   nft_comment_counts(text), ret_text);
}

/* The blanks before the word "comment" go with it, for we put one there. */
static int comment_remove(struct annotator *annotator, const struct spot *spot)
{
	const struct token *word = &spot->tokens->list[spot->index];
	const struct token *string = word + 1;
	size_t start = word->start;

	while (start && (annotator->text[start - 1] == ' ' || annotator->text[start - 1] == '\t'))
		start--;
	return edits_add(&annotator->result->edits, start, string->end, (struct slice){ 0 });
}

static int comment_replace(struct annotator *annotator, const struct spot *spot, struct slice text)
{
	const struct token *string = &spot->tokens->list[spot->index + 1];

	return edits_add(&annotator->result->edits, string->start + 1, string->end - 1, text);
}

static int comment_insert(struct annotator *annotator, const struct spot *spot, struct slice text)
{
	char written[sizeof(" comment \"\"") + NFT_COMMENT_MAX];
	size_t end = spot->tokens->list[spot->last].end;
	int length = snprintf(written, sizeof(written), " comment \"%.*s\"", SLICE_ARGS(text));

	return edits_add(&annotator->result->edits, end, end, (struct slice){ written, length });
}

/* Of a rule, who asked may forbid it, and is told of it. */
static int comment_change(struct annotator *annotator, const struct spot *spot, bool ours,
			  struct slice text, const char **ret_reason)
{
	const struct annotate_options *options = annotator->options;
	size_t start = spot->tokens->list[0].start;
	struct slice now;
	int err = 0;

	if (ours && quoted(spot, &now) && slices_equal(now, text))
		return 0;
	if (spot->is_rule && options->veto)
		*ret_reason = options->veto(options->data, start);
	if (*ret_reason)
		return 0;
	if (spot->is_rule && options->change)
		err = options->change(options->data, start, text);
	if (err)
		return err;
	if (!text.length)
		return comment_remove(annotator, spot);
	return ours ? comment_replace(annotator, spot, text)
		    : comment_insert(annotator, spot, text);
}

/*
 * Put, replace or take out the comment of what @ports names. *@ret_reason is set
 * where a human's is in the way.
 */
static int comment_edit(struct annotator *annotator, const struct spot *spot,
			const struct port_list *ports, const char **ret_reason)
{
	const struct annotate_options *options = annotator->options;
	char text[NFT_COMMENT_MAX + 1];
	size_t length = written_now(annotator, spot, ports, text);
	bool ours = is_ours(annotator, spot, (struct slice){ text, length });

	if (options->style != ANNOTATE_COMMENT)
		return ours ? comment_change(annotator, spot, true, slice_of(""), ret_reason) : 0;
	if (spot->index >= 0 && !ours) {
		*ret_reason = WHY_COMMENT;
		return 0;
	}
	if (!length || !options->keep_counts)
		length = nft_comment(options->facts, ports->uses, ports->count, text);
	return comment_change(annotator, spot, ours, (struct slice){ text, length }, ret_reason);
}

/* ---- rules ---- */

/* Why no comment can go on this rule; NULL: one can. */
static const char *rule_reason(const struct walk_rule *rule)
{
	if (rule->stray)
		return "it stands in no chain and in no \"add rule\"";
	if (rule->closed_early)
		return "a brace ends it, where nft wants a newline or ;";
	return rule->reason;
}

static int take_rule(void *data, const struct walk_rule *rule)
{
	struct annotator *annotator = data;
	struct annotate_result *result = annotator->result;
	enum annotate_style style = annotator->options->style;
	const struct spot spot = { &rule->tokens, rule->tokens.count - 1, rule->comment,
				   rule->tokens.count, true };
	const char *reason = style == ANNOTATE_COMMENT ? rule_reason(rule) : rule->reason;
	int err = 0;

	result->rules += rule->names_ports;
	if (style == ANNOTATE_STRIP) {
		reason = NULL;
		err = comment_edit(annotator, &spot, rule->ports, &reason);
		return err || !reason ? err : skip(annotator, &rule->tokens, 0, reason);
	}
	if (!rule->names_ports)
		return 0;
	/* One of ours where there is nothing to put in its place stays. */
	if (!reason)
		err = comment_edit(annotator, &spot, rule->ports, &reason);
	else if (style == ANNOTATE_COMMENT && rule->comment >= 0 &&
		 !is_ours(annotator, &spot, (struct slice){ 0 }))
		reason = WHY_COMMENT;
	if (!err && reason)
		return skip(annotator, &rule->tokens, 0, reason);
	result->comments += style == ANNOTATE_COMMENT;
	if (!err && style == ANNOTATE_HASH)
		err = remarks_add(&annotator->remarks, annotator->options->facts, &rule->tokens, 0,
				  rule->ports);
	return err;
}

/* ---- elements ---- */

static const char *element_reason(const struct walk_element *element)
{
	if (tokens_kind(&element->tokens, element->element.first, TOKEN_OPEN))
		return "a list within a list takes no comment";
	if (tokens_kind(&element->tokens, element->element.first, TOKEN_DEFINE) &&
	    element->element.options == element->element.first + 1)
		return "nft would lose a comment behind a define";
	return element->reason;
}

/* Of an auto-merge set nothing is said for each element. */
static int skip_merging(struct annotator *annotator, const struct walk_element *element)
{
	if (annotator->merging == element->set)
		return 0;
	annotator->merging = element->set;
	return skip(annotator, &element->tokens, element->element.first,
		    "elements of an auto-merge set would end up with each other's comments");
}

static int take_element(void *data, const struct walk_element *element)
{
	struct annotator *annotator = data;
	struct annotate_result *result = annotator->result;
	enum annotate_style style = annotator->options->style;
	const struct spot spot = { &element->tokens, element->element.key_end - 1,
				   element->element.comment, element->element.comment + 2, false };
	const char *reason = style == ANNOTATE_COMMENT ? element_reason(element) : element->reason;
	int err = 0;

	if (style == ANNOTATE_STRIP)
		return comment_edit(annotator, &spot, element->ports, &reason);
	if (!element->ports->count && !reason)
		return 0;
	result->elements++;
	if (style == ANNOTATE_COMMENT && element->set->is_auto_merge)
		return skip_merging(annotator, element);
	if (!reason)
		err = comment_edit(annotator, &spot, element->ports, &reason);
	if (!err && reason)
		return skip(annotator, &element->tokens, element->element.first, reason);
	result->element_comments += style == ANNOTATE_COMMENT;
	if (!err && style == ANNOTATE_HASH)
		err = remarks_add(&annotator->remarks, annotator->options->facts, &element->tokens,
				  element->element.first, element->ports);
	return err;
}

static int take_define(void *data, const struct tokens *statement, const struct port_list *ports)
{
	struct annotator *annotator = data;

	return remarks_add(&annotator->remarks, annotator->options->facts, statement, 0, ports);
}

/* ---- the text ---- */

/* Leave the result with the one line that says why the text is no nftables file. */
static int refuse(struct annotator *annotator, const struct text_error *error)
{
	int err;

	annotate_result_release(annotator->result);
	annotator->skip_capacity = 0;
	err = skip_add(annotator,
		       &(struct annotate_skip){ error->line, error->column, 0, error->reason });
	return err ? err : -EINVAL;
}

static int lines_edit(struct annotator *annotator)
{
	ptrdiff_t count = remarks_edit(&annotator->remarks, annotator->text, annotator->length,
				       annotator->options->facts, annotator->options->keep_counts,
				       &annotator->result->edits);

	if (count < 0)
		return count;
	annotator->result->remarks = count;
	return 0;
}

static int annotate(struct annotator *annotator)
{
	const struct annotate_options *options = annotator->options;
	const struct walker walker = {
		.rule = take_rule,
		.element = options->rules_only ? NULL : take_element,
		.define = options->style == ANNOTATE_HASH ? take_define : NULL,
		.data = annotator,
	};
	struct text_error error;
	int err = nft_walk(annotator->text, annotator->length, options->facts, options->includes,
			   &walker, &error);

	if (err == -EINVAL)
		return refuse(annotator, &error);
	if (!err)
		err = lines_edit(annotator);
	if (err)
		return err;
	return edits_apply(&annotator->result->edits, annotator->text, annotator->length,
			   &annotator->result->text, &annotator->result->length);
}

int nft_annotate(const char *text, size_t length, const struct annotate_options *options,
		 struct annotate_result *ret_result)
{
	struct annotate_result result = { 0 };
	struct annotator annotator = {
		.options = options,
		.text = text ?: "",
		.length = length,
		.result = &result,
	};
	int err = annotate(&annotator);

	remarks_release(&annotator.remarks);
	if (err && err != -EINVAL) {
		annotate_result_release(&result);
		return err;
	}
	*ret_result = result;
	return err;
}

void annotate_result_release(struct annotate_result *result)
{
	free(result->text);
	edits_release(&result->edits);
	free(result->skips);
	*result = (struct annotate_result){ 0 };
}
