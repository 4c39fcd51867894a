/*
 * Edits know what changed, so nothing has to be compared: those on the same lines
 * make one block, blocks that share context make one hunk.
 */
#include "nft/diff.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

#define CONTEXT 3

/* Whole lines that are replaced by others. */
struct block {
	size_t start, end; /* bytes of the old text */
	size_t at, length; /* what comes in their place: bytes of diff->bytes */
	size_t old_line;   /* of @start, from 1 */
	size_t old_count, new_count;
};

struct diff {
	FILE *out;
	const char *text;
	size_t length;
	void (*put)(FILE *out, const char *text, size_t length);
	struct block *blocks; /* owned */
	size_t count;
	char *bytes; /* owned */
	size_t bytes_length;
};

static size_t line_start(const struct diff *diff, size_t at)
{
	const char *newline = at ? memrchr(diff->text, '\n', at) : NULL;

	return newline ? (size_t)(newline + 1 - diff->text) : 0;
}

/* Behind the newline of the line that @at is in. */
static size_t line_end(const struct diff *diff, size_t at)
{
	const char *newline = memchr(diff->text + at, '\n', diff->length - at);

	return newline ? (size_t)(newline + 1 - diff->text) : diff->length;
}

static size_t count_lines(const char *text, size_t length)
{
	size_t count = 0;

	for (const char *end = text + length; text < end; count++) {
		const char *newline = memchr(text, '\n', end - text);

		text = newline ? newline + 1 : end;
	}
	return count;
}

static bool is_whole_lines(const struct diff *diff, const struct edits *edits,
			   const struct edit *edit)
{
	return line_start(diff, edit->start) == edit->start &&
	       line_start(diff, edit->end) == edit->end &&
	       (!edit->length || edits->bytes[edit->at + edit->length - 1] == '\n');
}

/* The lines that an edit touches. */
static void touch(const struct diff *diff, const struct edits *edits, const struct edit *edit,
		  size_t *ret_start, size_t *ret_end)
{
	*ret_start = line_start(diff, edit->start);
	*ret_end = is_whole_lines(diff, edits, edit) ? edit->end : line_end(diff, edit->end);
}

/* Lines that both have at their beginning and end are no part of the block. */
static void block_trim(const struct diff *diff, struct block *block)
{
	const char *new = diff->bytes + block->at;

	while (block->start < block->end && block->length) {
		size_t size = line_end(diff, block->start) - block->start;

		if (size > block->length || memcmp(diff->text + block->start, new, size) != 0 ||
		    (size < block->length && new[size - 1] != '\n'))
			break;
		block->start += size;
		block->at += size;
		block->length -= size;
		new += size;
	}
	while (block->start < block->end && block->length) {
		size_t start = line_start(diff, block->end - 1), size = block->end - start;

		if (start < block->start || size > block->length ||
		    memcmp(diff->text + start, new + block->length - size, size) != 0 ||
		    (size < block->length && new[block->length - size - 1] != '\n'))
			break;
		block->end -= size;
		block->length -= size;
	}
}

/* The block of the edits from @first on; returns the index behind the last of them. */
static size_t block_make(const struct diff *diff, const struct edits *edits, size_t first,
			 FILE *bytes, struct block *block)
{
	size_t next = first + 1, start, end, from;

	touch(diff, edits, &edits->list[first], &block->start, &block->end);
	for (; next < edits->count; next++) {
		touch(diff, edits, &edits->list[next], &start, &end);
		if (start > block->end)
			break;
		block->end = end > block->end ? end : block->end;
	}
	block->at = ftell(bytes);
	from = block->start;
	for (size_t i = first; i < next; i++) {
		const struct edit *edit = &edits->list[i];

		fwrite(diff->text + from, 1, edit->start - from, bytes);
		/* There are no bytes at all where nothing is put in. */
		if (edit->length)
			fwrite(edits->bytes + edit->at, 1, edit->length, bytes);
		from = edit->end;
	}
	fwrite(diff->text + from, 1, block->end - from, bytes);
	block->length = ftell(bytes) - block->at;
	return next;
}

/* Places and sizes; blocks that turn out to change nothing go. */
static void blocks_count(struct diff *diff)
{
	size_t at = 0, line = 1, kept = 0;

	for (size_t i = 0; i < diff->count; i++) {
		struct block block = diff->blocks[i];

		block_trim(diff, &block);
		if (block.start == block.end && !block.length)
			continue;
		line += count_lines(diff->text + at, block.start - at);
		at = block.start;
		block.old_line = line;
		block.old_count = count_lines(diff->text + block.start, block.end - block.start);
		block.new_count = count_lines(diff->bytes + block.at, block.length);
		diff->blocks[kept++] = block;
	}
	diff->count = kept;
}

static int blocks_make(struct diff *diff, const struct edits *edits)
{
	FILE *bytes = open_memstream(&diff->bytes, &diff->bytes_length);

	diff->blocks = reallocarray(NULL, edits->count + 1, sizeof(*diff->blocks));
	if (!bytes || !diff->blocks)
		return -ENOMEM;
	for (size_t next = 0; next < edits->count;)
		next = block_make(diff, edits, next, bytes, &diff->blocks[diff->count++]);
	if (fclose(bytes))
		return -ENOMEM;
	blocks_count(diff);
	return 0;
}

/* Each line of @text behind @mark. */
static void lines_put(const struct diff *diff, char mark, const char *text, size_t length)
{
	for (const char *end = text + length; text < end;) {
		const char *newline = memchr(text, '\n', end - text);

		putc(mark, diff->out);
		diff->put(diff->out, text, (newline ?: end) - text);
		fputs(newline ? "\n" : "\n\\ No newline at end of file\n", diff->out);
		text = newline ? newline + 1 : end;
	}
}

/* Up to CONTEXT lines back from @at. */
static size_t context_start(const struct diff *diff, size_t at)
{
	for (unsigned int i = 0; i < CONTEXT && at; i++)
		at = line_start(diff, at - 1);
	return at;
}

static size_t context_end(const struct diff *diff, size_t at)
{
	for (unsigned int i = 0; i < CONTEXT && at < diff->length; i++)
		at = line_end(diff, at);
	return at;
}

/* "12,3", "12", or "11,0" of nothing behind line 11. */
static void range_put(FILE *out, char mark, size_t line, size_t count)
{
	if (count == 1)
		fprintf(out, "%c%zu", mark, line);
	else
		fprintf(out, "%c%zu,%zu", mark, count ? line : line - 1, count);
}

/* Blocks @first to @end; @grown: how many lines those before have added. */
static void hunk_put(const struct diff *diff, size_t first, size_t end, ptrdiff_t grown)
{
	const struct block *blocks = diff->blocks;
	size_t start = context_start(diff, blocks[first].start), at = start;
	size_t stop = context_end(diff, blocks[end - 1].end);
	size_t before = count_lines(diff->text + start, blocks[first].start - start);
	size_t old = count_lines(diff->text + start, stop - start), new = old;

	for (size_t i = first; i < end; i++)
		new += blocks[i].new_count - blocks[i].old_count;
	fputs("@@ ", diff->out);
	range_put(diff->out, '-', blocks[first].old_line - before, old);
	putc(' ', diff->out);
	range_put(diff->out, '+', blocks[first].old_line - before + grown, new);
	fputs(" @@\n", diff->out);
	for (size_t i = first; i < end; i++) {
		lines_put(diff, ' ', diff->text + at, blocks[i].start - at);
		lines_put(diff, '-', diff->text + blocks[i].start, blocks[i].end - blocks[i].start);
		lines_put(diff, '+', diff->bytes + blocks[i].at, blocks[i].length);
		at = blocks[i].end;
	}
	lines_put(diff, ' ', diff->text + at, stop - at);
}

static void hunks_put(const struct diff *diff)
{
	ptrdiff_t grown = 0;

	for (size_t first = 0, end; first < diff->count; first = end) {
		for (end = first + 1; end < diff->count; end++)
			if (context_end(diff, diff->blocks[end - 1].end) <
			    context_start(diff, diff->blocks[end].start))
				break;
		hunk_put(diff, first, end, grown);
		for (size_t i = first; i < end; i++)
			grown += diff->blocks[i].new_count - diff->blocks[i].old_count;
	}
}

static void put_bytes(FILE *out, const char *text, size_t length)
{
	fwrite(text, 1, length, out);
}

int diff_print(FILE *out, const char *name, const char *text, size_t length,
	       const struct edits *edits, void (*put)(FILE *out, const char *text, size_t length))
{
	struct diff diff = { .out = out, .text = text, .length = length, .put = put ?: put_bytes };
	int error = blocks_make(&diff, edits);

	if (!error && diff.count) {
		fputs("--- ", out);
		diff.put(out, name, strlen(name));
		fputs("\n+++ ", out);
		diff.put(out, name, strlen(name));
		putc('\n', out);
		hunks_put(&diff);
	}
	free(diff.blocks);
	free(diff.bytes);
	return error;
}
