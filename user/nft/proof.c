/*
 * Listings are compared word by word, for nft breaks its lines elsewhere where a
 * set's elements have comments.
 */
#include "nft/proof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/throwaway.h"
#include "nft/interfaces.h"
#include "nft/ours.h"
#include "nft/program.h"
#include "nft/statement.h"
#include "util/cleanup.h"

/* ---- loading ---- */

enum trial_status {
	TRIAL_LISTED,	/* the report is the listing */
	TRIAL_REFUSED,	/* nft would not load it; the report is what nft said */
	TRIAL_TROUBLED, /* something else went wrong, which the report tells */
};

struct trial {
	struct slice text;
	const struct interface_names *interfaces;
};

static int nft_do(const char *const *arguments, struct slice input, FILE *report, int refused)
{
	struct nft_output output;
	struct fault fault = { 0 };
	int status;

	if (nft_run(arguments, input.text, input.length, &output, &fault)) {
		fputs(fault.text, report);
		return TRIAL_TROUBLED;
	}
	status = output.status ? refused : TRIAL_LISTED;
	if (output.status)
		fputs(output.errors, report);
	else
		fwrite(output.text, 1, output.length, report);
	nft_output_release(&output);
	return status;
}

/* In the throwaway namespace. */
static int try_load(void *data, FILE *report)
{
	static const char *const load[] = { "-f", "-", NULL };
	static const char *const list[] = { "-s", "list", "ruleset", NULL };
	const struct trial *trial = data;
	_cleanup_free_ char *said = NULL;
	size_t said_length = 0;
	FILE *loading = open_memstream(&said, &said_length);
	int status;

	if (!loading)
		return TRIAL_TROUBLED;
	/* Where one cannot be made, nft says whether it is needed. */
	for (size_t i = 0; i < trial->interfaces->count; i++)
		throwaway_interface(trial->interfaces->names[i]);
	status = nft_do(load, trial->text, loading, TRIAL_REFUSED);
	if (fclose(loading))
		return TRIAL_TROUBLED;
	/* What the file itself lists is no concern of ours. */
	if (status != TRIAL_LISTED) {
		fwrite(said, 1, said_length, report);
		return status;
	}
	return nft_do(list, (struct slice){ "", 0 }, report, TRIAL_TROUBLED);
}

/* The line of what nft said that has the reason; those before may say where it is included. */
static struct slice reason_line(const char *text)
{
	static const char included[] = "In file included from ", further[] = " ";
	size_t length = strcspn(text, "\n");

	while (text[length] && (!strncmp(text, included, strlen(included)) ||
				!strncmp(text, further, strlen(further)))) {
		text += length + 1;
		length = strcspn(text, "\n");
	}
	return (struct slice){ text, length };
}

/* 0: *ret_listing is owned by the caller. 1: it cannot be loaded. -errno. Both with @fault. */
static int list_of(const struct trial *trial, char **ret_listing, size_t *ret_length,
		   struct fault *fault)
{
	_cleanup_free_ char *report = NULL;
	struct slice reason;
	size_t length;
	int status = throwaway_run(try_load, (void *)trial, &report, &length, fault);

	if (status < 0)
		return status;
	if (status == TRIAL_LISTED) {
		*ret_listing = TAKE_PTR(report);
		*ret_length = length;
		return 0;
	}
	reason = reason_line(report);
	fault_set(fault, -EINVAL, "%.*s", SLICE_ARGS(reason));
	return status == TRIAL_REFUSED ? 1 : -EIO;
}

/* ---- comparing ---- */

/* What is told of two listings side by side. */
struct listing {
	struct statement_reader reader;
	struct statement statement;
	const struct comment_facts *facts;
	int got;   /* of statement_next() */
	size_t at; /* token */
};

static void listing_advance(struct listing *listing)
{
	listing->got = statement_next(&listing->reader, &listing->statement);
	listing->at = 0;
}

static bool is_our_comment(const struct listing *listing)
{
	const struct tokens *tokens = &listing->statement.tokens;
	struct slice text;

	if (!tokens_kind(tokens, listing->at, TOKEN_WORD) ||
	    !tokens_is(tokens, listing->at, "comment") ||
	    !tokens_kind(tokens, listing->at + 1, TOKEN_STRING))
		return false;
	text = tokens_slice(tokens, listing->at + 1);
	return comment_is_ours(listing->facts, (struct slice){ text.text + 1, text.length - 2 });
}

/* The next token that counts; false at the end of the statement. */
static bool listing_token(struct listing *listing, struct slice *ret_text)
{
	while (is_our_comment(listing))
		listing->at += 2;
	if (listing->at == listing->statement.tokens.count)
		return false;
	*ret_text = tokens_slice(&listing->statement.tokens, listing->at++);
	return true;
}

static bool statements_equal(struct listing *old, struct listing *new)
{
	for (;;) {
		struct slice a = { 0 }, b = { 0 };
		bool any = listing_token(old, &a);

		if (listing_token(new, &b) != any)
			return false;
		if (!any)
			return true;
		if (!slices_equal(a, b))
			return false;
	}
}

static int differ(const struct listing *old, const struct listing *new, struct fault *fault)
{
	const struct listing *listing = new->got > 0 ? new : old;
	const struct tokens *tokens = &listing->statement.tokens;
	struct slice text = { 0 };

	if (listing->got > 0)
		text = (struct slice){ tokens->text + tokens->list[0].start,
				       tokens->list[tokens->count - 1].end -
					       tokens->list[0].start };
	if (text.length > 200)
		text.length = 200;
	return fault_set(fault, -EINVAL, "it would %s: %.*s",
			 new->got > 0 ? "change the ruleset, which then lists" : "lose",
			 SLICE_ARGS(text));
}

bool listings_equal(struct slice old, struct slice new, const struct comment_facts *facts,
		    struct fault *fault)
{
	struct listing left = { .facts = facts }, right = { .facts = facts };
	bool equal = true;

	statement_reader_init(&left.reader, old.text, old.length);
	statement_reader_init(&right.reader, new.text, new.length);
	do {
		listing_advance(&left);
		listing_advance(&right);
		equal = left.got == right.got && left.got >= 0 &&
			(!left.got || (left.statement.kind == right.statement.kind &&
				       statements_equal(&left, &right)));
	} while (equal && left.got);
	if (!equal)
		differ(&left, &right, fault);
	statement_reader_release(&left.reader);
	statement_reader_release(&right.reader);
	return equal;
}

/* ---- both ---- */

/* A file that says "monitor" would never end to load. */
static bool waits(struct slice text)
{
	struct statement_reader reader;
	struct statement statement;
	bool found = false;

	statement_reader_init(&reader, text.text, text.length);
	while (!found && statement_next(&reader, &statement) > 0)
		found = tokens_is(&statement.tokens, 0, "monitor");
	statement_reader_release(&reader);
	return found;
}

static enum proof_result compare(const struct trial *old, const struct trial *new,
				 const struct comment_facts *facts, struct fault *fault)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	size_t before_length = 0, after_length = 0;
	char said[sizeof(fault->text)];
	int error = list_of(old, &before, &before_length, fault);

	if (error) {
		snprintf(said, sizeof(said), "%s", fault->text);
		if (error == 1)
			fault_set(fault, 0, "nft does not load it by itself (%s)", said);
		return PROOF_NONE;
	}
	error = list_of(new, &after, &after_length, fault);
	if (error < 0)
		return PROOF_NONE;
	if (error) {
		snprintf(said, sizeof(said), "%s", fault->text);
		fault_set(fault, 0, "nft would not load it any more (%s)", said);
		return PROOF_DIFFERENT;
	}
	return listings_equal((struct slice){ before, before_length },
			      (struct slice){ after, after_length }, facts, fault)
		       ? PROOF_EQUAL
		       : PROOF_DIFFERENT;
}

enum proof_result nft_prove(struct slice old, struct slice new, const struct comment_facts *facts,
			    const struct nft_includes *includes, struct fault *fault)
{
	struct interface_names interfaces = { 0 };
	struct trial before = { old, &interfaces }, after = { new, &interfaces };
	enum proof_result result = PROOF_NONE;

	if (!nft_is_installed())
		fault_set(fault, 0, "nft is not installed");
	else if (waits(old))
		fault_set(fault, 0, "it holds a \"monitor\" command");
	else if (interface_names_read(&interfaces, old.text, old.length, includes))
		fault_set(fault, 0, "there is no memory");
	else
		result = compare(&before, &after, facts, fault);
	interface_names_release(&interfaces);
	return result;
}
