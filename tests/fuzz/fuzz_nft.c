/*
 * Annotating any text: with our comments taken out again, in both styles, it is
 * what it was with ours taken out; annotating again changes nothing; what is
 * refused has a place and a reason; and the diff of all that can be printed.
 *
 * Seeds: tests/data/nft nft
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nft/annotate.h"
#include "nft/diff.h"
#include "nft/interfaces.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct knowledge knowledge;
static const struct comment_facts facts = { .knowledge = &knowledge };

static void check(int holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	check(knowledge_builtin(&knowledge) == 0);
	return 0;
}

/* Owned by the caller; NULL where the text is refused. */
static struct annotate_result *annotate(const char *text, size_t length, enum annotate_style style)
{
	const struct annotate_options options = { .style = style, .facts = &facts };
	struct annotate_result *result = calloc(1, sizeof(*result));
	int error;

	check(result != NULL);
	error = nft_annotate(text, length, &options, result);
	if (!error)
		return result;
	check(error == -EINVAL && !result->text && result->skip_count == 1);
	check(result->skips[0].line >= 1 && result->skips[0].column >= 1);
	check(result->skips[0].reason != NULL);
	annotate_result_release(result);
	free(result);
	return NULL;
}

static void result_free(struct annotate_result *result)
{
	annotate_result_release(result);
	free(result);
}

static void check_same(const struct annotate_result *a, const struct annotate_result *b)
{
	check(a->length == b->length && !memcmp(a->text, b->text, a->length));
}

static void check_diff(const struct annotate_result *result, const char *text, size_t length)
{
	char *diff = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&diff, &size);

	check(out != NULL);
	check(diff_print(out, "x", text, length, &result->edits, NULL) == 0);
	check(fclose(out) == 0);
	check((size > 0) == (result->length != length || memcmp(result->text, text, length) != 0));
	free(diff);
}

static void check_style(const char *text, size_t length, enum annotate_style style,
			const struct annotate_result *bare)
{
	struct annotate_result *made = annotate(text, length, style), *again, *stripped;

	check(made != NULL);
	again = annotate(made->text, made->length, style);
	stripped = annotate(made->text, made->length, ANNOTATE_STRIP);
	check(again && stripped);
	check_same(again, made);
	check_same(stripped, bare);
	check_diff(made, text, length);
	result_free(made);
	result_free(again);
	result_free(stripped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct interface_names names = { 0 };
	struct annotate_result *bare;
	char *text = malloc(size ? size : 1);

	/* Of its own, so that reading too far is noticed. */
	check(text != NULL);
	memcpy(text, data, size);
	bare = annotate(text, size, ANNOTATE_STRIP);
	if (bare) {
		check_style(text, size, ANNOTATE_COMMENT, bare);
		check_style(text, size, ANNOTATE_HASH, bare);
		result_free(bare);
	}
	check(interface_names_read(&names, text, size, NULL) == 0);
	interface_names_release(&names);
	free(text);
	return 0;
}
