/*
 * The edit itself: copy the text, put one comment behind each rule that is
 * understood, say of every other rule that names ports why it was left. Only
 * bytes of our own comments are ever added, replaced or removed.
 */
#include "nft/annotate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nft/rule.h"
#include "nft/statement.h"

struct annotator {
	const char *text;
	size_t length;
	size_t copied; /* bytes of text that are in the result already */
	const struct comment_facts *facts;
	struct port_list ports;
	struct annotate_result *result;
	size_t text_capacity, skip_capacity;
};

static int output_reserve(struct annotator *annotator, size_t more)
{
	struct annotate_result *result = annotator->result;
	size_t capacity = annotator->text_capacity;
	char *text;

	if (capacity - result->length > more) /* > leaves room for the NUL */
		return 0;
	capacity = capacity * 2 > result->length + more ? capacity * 2 : result->length + more + 1;
	text = realloc(result->text, capacity);
	if (!text)
		return -ENOMEM;
	result->text = text;
	annotator->text_capacity = capacity;
	return 0;
}

static int output_add(struct annotator *annotator, const char *bytes, size_t length)
{
	struct annotate_result *result = annotator->result;
	int err = output_reserve(annotator, length);

	if (err)
		return err;
	memcpy(result->text + result->length, bytes, length);
	result->length += length;
	result->text[result->length] = '\0';
	return 0;
}

/* Copy what stands before @position. */
static int copy_until(struct annotator *annotator, size_t position)
{
	int err = output_add(annotator, annotator->text + annotator->copied,
			     position - annotator->copied);

	if (!err)
		annotator->copied = position;
	return err;
}

static int skip_add(struct annotator *annotator, unsigned int line, unsigned int column,
		    const char *reason)
{
	struct annotate_result *result = annotator->result;

	if (result->skip_count == annotator->skip_capacity) {
		size_t capacity = annotator->skip_capacity ? annotator->skip_capacity * 2 : 16;
		struct annotate_skip *skips = reallocarray(result->skips, capacity, sizeof(*skips));

		if (!skips)
			return -ENOMEM;
		result->skips = skips;
		annotator->skip_capacity = capacity;
	}
	result->skips[result->skip_count++] =
		(struct annotate_skip){ .line = line, .column = column, .reason = reason };
	return 0;
}

static int rule_skip(struct annotator *annotator, const struct rule_text *rule, const char *reason)
{
	return skip_add(annotator, rule->tokens[0].line, rule->tokens[0].column, reason);
}

/* The quoted text of the rule's comment, if we wrote it; else NULL. */
static const struct token *our_comment(const struct rule_text *rule, ptrdiff_t comment)
{
	static const char ours[] = "\"" NFT_COMMENT_PREFIX;
	const struct token *last = &rule->tokens[rule->count - 1];

	if (comment < 0 || (size_t)comment + 2 != rule->count || last->kind != TOKEN_STRING ||
	    last->end - last->start < sizeof(ours) - 1 ||
	    memcmp(rule->text + last->start, ours, sizeof(ours) - 1) != 0)
		return NULL;
	return last;
}

/* Behind the rule's last token, or in the place of the comment we wrote before. */
static int comment_write(struct annotator *annotator, const struct rule_text *rule,
			 const struct token *ours, const char *comment, size_t length)
{
	const struct token *last = &rule->tokens[rule->count - 1];
	int err = copy_until(annotator, ours ? ours->start : last->end);

	if (!err && !ours)
		err = output_add(annotator, " comment ", 9);
	if (!err)
		err = output_add(annotator, "\"", 1);
	if (!err)
		err = output_add(annotator, comment, length);
	if (!err)
		err = output_add(annotator, "\"", 1);
	if (err)
		return err;
	annotator->copied = last->end;
	annotator->result->comments++;
	return 0;
}

static int rule_comment_make(struct annotator *annotator, const struct rule_text *rule,
			     const struct token *ours)
{
	struct rule_text body = *rule;
	char comment[NFT_COMMENT_MAX + 1];
	const char *reason = NULL;
	size_t length;
	int err;

	if (ours)
		body.count -= 2;
	err = rule_ports(&body, annotator->facts, &annotator->ports, &reason);
	if (err)
		return err;
	if (reason)
		return rule_skip(annotator, rule, reason);
	length = nft_comment(annotator->facts, annotator->ports.uses, annotator->ports.count,
			     comment);
	if (!length)
		return rule_skip(annotator, rule, "there is nothing to say about its ports");
	return comment_write(annotator, rule, ours, comment, length);
}

static int rule_annotate(struct annotator *annotator, const struct statement *statement)
{
	const struct rule_text rule = {
		.text = annotator->text,
		.tokens = statement->tokens,
		.count = statement->count,
	};
	ptrdiff_t comment = rule_comment(&rule);
	const struct token *ours = our_comment(&rule, comment);

	if (!rule_names_ports(&rule))
		return 0;
	annotator->result->rules++;
	if (statement->kind == STATEMENT_STRAY)
		return rule_skip(annotator, &rule, "it stands in no chain and in no \"add rule\"");
	if (comment >= 0 && !ours)
		return rule_skip(annotator, &rule, "it has a comment already");
	if (statement->closed_early)
		return rule_skip(annotator, &rule,
				 "a brace ends it, where nft wants a newline or ;");
	return rule_comment_make(annotator, &rule, ours);
}

static int statements_annotate(struct annotator *annotator, struct statement_reader *reader)
{
	struct statement statement;
	int got;

	while ((got = statement_next(reader, &statement)) > 0) {
		int err = 0;

		if (statement.kind == STATEMENT_RULE || statement.kind == STATEMENT_STRAY)
			err = rule_annotate(annotator, &statement);
		if (err)
			return err;
	}
	return got ? got : copy_until(annotator, annotator->length);
}

/* Leave @result with the one line that says why the text is no nftables file. */
static int refuse(struct annotator *annotator, unsigned int line, unsigned int column,
		  const char *reason)
{
	int err;

	annotate_result_release(annotator->result);
	annotator->text_capacity = annotator->skip_capacity = 0;
	err = skip_add(annotator, line, column, reason);
	return err ? err : -EINVAL;
}

static int nul_refuse(struct annotator *annotator, const char *nul)
{
	unsigned int line = 1;
	const char *start = annotator->text;
	const char *newline;

	while ((newline = memchr(start, '\n', (size_t)(nul - start)))) {
		line++;
		start = newline + 1;
	}
	return refuse(annotator, line, (unsigned int)(nul - start) + 1, "a NUL byte");
}

static int text_annotate(struct annotator *annotator)
{
	const char *nul = memchr(annotator->text, 0, annotator->length);
	struct statement_reader reader;
	int err;

	if (nul)
		return nul_refuse(annotator, nul);
	if (annotator->length >= 3 && !memcmp(annotator->text, "\xef\xbb\xbf", 3))
		return refuse(annotator, 1, 1, "a byte order mark, which nft does not accept");
	statement_reader_init(&reader, annotator->text, annotator->length);
	err = statements_annotate(annotator, &reader);
	if (err == -EINVAL)
		err = refuse(annotator, reader.culprit.line, reader.culprit.column, reader.error);
	statement_reader_release(&reader);
	return err;
}

int nft_annotate(const char *text, size_t length, const struct comment_facts *facts,
		 struct annotate_result *ret_result)
{
	struct annotate_result result = { 0 };
	struct annotator annotator = {
		.text = text ?: "",
		.length = length,
		.facts = facts,
		.result = &result,
	};
	int err = text_annotate(&annotator);

	port_list_release(&annotator.ports);
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
	free(result->skips);
	*result = (struct annotate_result){ 0 };
}
