/* See remarks.h. */
#include "nft/remarks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nft/ours.h"
#include "util/grow.h"

#define REMARK_START   "# "
#define ELSEWHERE_MANY 4

/* ---- what is to be remarked ---- */

static int add(struct remarks *remarks, const struct remark *remark)
{
	if (!array_room(&remarks->list, remarks->count, &remarks->capacity, sizeof(*remarks->list)))
		return -ENOMEM;
	remarks->list[remarks->count++] = *remark;
	return 0;
}

/* The token that begins at byte @start, or the last one before it. */
static size_t token_at(const struct tokens *tokens, size_t start)
{
	size_t low = 0, high = tokens->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tokens->list[middle].start <= start)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : 0;
}

static size_t count_elsewhere(const struct port_list *ports)
{
	size_t count = 0;

	for (size_t i = 0; i < ports->count; i++)
		count += ports->uses[i].at == PORT_ELSEWHERE;
	return count;
}

/* Counts are told with each port, not here. */
static int add_summary(struct remarks *remarks, const struct comment_facts *facts, size_t line,
		       const struct port_list *ports, size_t count)
{
	struct port_use *uses = reallocarray(NULL, count, sizeof(*uses));
	char text[NFT_COMMENT_MAX + 1];
	struct remark remark = { .line = line };
	int err;

	if (!uses)
		return -ENOMEM;
	count = 0;
	for (size_t i = 0; i < ports->count; i++)
		if (ports->uses[i].at == PORT_ELSEWHERE)
			uses[count++] = ports->uses[i];
	nft_comment_counted(facts, uses, count, slice_of(""), text);
	free(uses);
	remark.summary = strdup(text);
	err = remark.summary ? add(remarks, &remark) : -ENOMEM;
	if (err)
		free(remark.summary);
	return err;
}

int remarks_add(struct remarks *remarks, const struct comment_facts *facts,
		const struct tokens *tokens, size_t first, const struct port_list *ports)
{
	size_t elsewhere = count_elsewhere(ports);
	bool sum_up = elsewhere > ELSEWHERE_MANY;
	int err = sum_up ? add_summary(remarks, facts, tokens->list[first].line_start, ports,
				       elsewhere)
			 : 0;

	for (size_t i = 0; !err && i < ports->count; i++) {
		const struct port_use *use = &ports->uses[i];
		size_t at = use->at == PORT_ELSEWHERE ? first : token_at(tokens, use->at);

		if (use->at != PORT_ELSEWHERE || !sum_up)
			err = add(remarks,
				  &(struct remark){ tokens->list[at].line_start, *use, NULL });
	}
	return err;
}

static int compare(const void *left, const void *right)
{
	const struct remark *a = left, *b = right;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	/* Summaries behind all else, each for itself. */
	if (a->summary || b->summary)
		return !b->summary ? 1 : !a->summary ? -1 : strcmp(a->summary, b->summary);
	if (a->use.role != b->use.role)
		return a->use.role - b->use.role;
	if (a->use.negated != b->use.negated)
		return a->use.negated - b->use.negated;
	if (a->use.first != b->use.first)
		return a->use.first - b->use.first;
	return a->use.last - b->use.last;
}

/* One remark for what a line says twice, on all transports that it says it for. */
static void merge(struct remarks *remarks)
{
	size_t kept = 0;

	if (remarks->count)
		qsort(remarks->list, remarks->count, sizeof(*remarks->list), compare);
	for (size_t i = 0; i < remarks->count; i++) {
		const struct remark *remark = &remarks->list[i];
		struct remark *last = kept ? &remarks->list[kept - 1] : NULL;

		if (!last || compare(last, remark))
			remarks->list[kept++] = *remark;
		else if (remark->summary)
			free(remark->summary);
		else
			last->use.transports =
				last->use.transports && remark->use.transports
					? last->use.transports | remark->use.transports
					: 0;
	}
	remarks->count = kept;
}

void remarks_release(struct remarks *remarks)
{
	for (size_t i = 0; i < remarks->count; i++)
		free(remarks->list[i].summary);
	free(remarks->list);
	*remarks = (struct remarks){ 0 };
}

/* ---- the lines of ours that are there ---- */

struct line {
	size_t start, end; /* newline included */
};

struct lines {
	struct line *list; /* owned; in the order of the text */
	size_t count, capacity;
};

static int lines_add(struct lines *lines, size_t start, size_t end)
{
	if (!array_room(&lines->list, lines->count, &lines->capacity, sizeof(*lines->list)))
		return -ENOMEM;
	lines->list[lines->count++] = (struct line){ start, end };
	return 0;
}

/* The text of a line "  # [ps] ...", from its prefix on; empty where it is none. */
static struct slice remark_text(const char *text, size_t start, size_t end)
{
	static const char head[] = REMARK_START NFT_COMMENT_PREFIX;

	while (start < end && (text[start] == ' ' || text[start] == '\t'))
		start++;
	if (end > start && text[end - 1] == '\n')
		end--;
	if (end - start < sizeof(head) - 1 || memcmp(text + start, head, sizeof(head) - 1) != 0)
		return (struct slice){ text + start, 0 };
	start += sizeof(REMARK_START) - 1;
	return (struct slice){ text + start, end - start };
}

/* The lines of ours between two tokens: there, nothing but blanks and comments can be. */
static int gap_read(struct lines *lines, const struct comment_facts *facts, const char *text,
		    size_t start, size_t end)
{
	while (start < end) {
		const char *newline = memchr(text + start, '\n', end - start);
		size_t next = newline ? (size_t)(newline + 1 - text) : end;
		bool whole = !start || text[start - 1] == '\n';
		struct slice remark = remark_text(text, start, next);

		if (whole && remark.length && comment_is_ours(facts, remark) &&
		    lines_add(lines, start, next))
			return -ENOMEM;
		start = next;
	}
	return 0;
}

static int lines_read(struct lines *lines, const struct comment_facts *facts, const char *text,
		      size_t length)
{
	static const char head[] = REMARK_START NFT_COMMENT_PREFIX;
	struct lexer lexer;
	struct token token = { .kind = TOKEN_NEWLINE };
	size_t before = 0;
	int err = 0;

	if (!memmem(text, length, head, sizeof(head) - 1))
		return 0;
	lexer_init(&lexer, text, length);
	while (!err && token.kind != TOKEN_END && !lexer_next(&lexer, &token)) {
		if (token.start - before >= sizeof(head) - 1)
			err = gap_read(lines, facts, text, before, token.start);
		before = token.end;
	}
	return err;
}

/* ---- from one to the other ---- */

struct buffer {
	char *text; /* owned */
	size_t length, capacity;
};

static int buffer_add(struct buffer *buffer, const char *text, size_t length)
{
	if (buffer->capacity - buffer->length < length) {
		size_t capacity = (buffer->capacity + length) * 2;
		char *grown = realloc(buffer->text, capacity);

		if (!grown)
			return -ENOMEM;
		buffer->text = grown;
		buffer->capacity = capacity;
	}
	if (length)
		memcpy(buffer->text + buffer->length, text, length);
	buffer->length += length;
	return 0;
}

struct editing {
	const char *text;
	size_t length;
	const struct comment_facts *facts;
	bool keep_counts;
	struct lines lines;
	size_t line; /* index of the next one of ours */
	struct buffer block;
	struct edits *edits;
};

/* The lines for remarks @first to @end, all for one line of the text, indented as that is. */
static int block_write(struct editing *editing, const struct remark *first,
		       const struct remark *end)
{
	const char *line = editing->text + first->line;
	size_t indent = 0;

	while (first->line + indent < editing->length &&
	       (line[indent] == ' ' || line[indent] == '\t'))
		indent++;
	editing->block.length = 0;
	for (; first < end; first++) {
		char remark[NFT_REMARK_MAX + 2];
		size_t length;

		if (first->summary)
			length = strlen(strcpy(remark, first->summary));
		else
			length = nft_remark(editing->facts, &first->use, remark);
		remark[length++] = '\n';
		if (buffer_add(&editing->block, line, indent) ||
		    buffer_add(&editing->block, REMARK_START, strlen(REMARK_START)) ||
		    buffer_add(&editing->block, remark, length))
			return -ENOMEM;
	}
	return 0;
}

static struct slice line_next(struct slice *text)
{
	const char *newline = memchr(text->text, '\n', text->length);
	struct slice line = *text;

	line.length = newline ? newline + 1 - text->text : text->length;
	*text = (struct slice){ text->text + line.length, text->length - line.length };
	return line;
}

static struct slice without_counts(struct slice line)
{
	if (line.length && line.text[line.length - 1] == '\n')
		line.length--;
	line.length -= nft_comment_counts(line).length;
	return line;
}

/* Whether two blocks of lines are the same, counts apart where those do not matter. */
static bool blocks_equal(const struct editing *editing, struct slice old, struct slice new)
{
	if (!editing->keep_counts)
		return slices_equal(old, new);
	while (old.length && new.length)
		if (!slices_equal(without_counts(line_next(&old)), without_counts(line_next(&new))))
			return false;
	return !old.length && !new.length;
}

static int lines_remove(struct editing *editing, size_t until)
{
	for (; editing->line < editing->lines.count &&
	       editing->lines.list[editing->line].start < until;
	     editing->line++) {
		const struct line *line = &editing->lines.list[editing->line];

		if (edits_add(editing->edits, line->start, line->end, (struct slice){ 0 }))
			return -ENOMEM;
	}
	return 0;
}

/* Our block above the line at @position: written, or left where it is the same. */
static int block_put(struct editing *editing, size_t position)
{
	const struct lines *lines = &editing->lines;
	size_t start = position, last = editing->line;
	struct slice new = { editing->block.text, editing->block.length };
	int err;

	/* Those of ours that end right here. */
	while (last < lines->count && lines->list[last].start < position)
		last++;
	for (size_t i = last; i > editing->line && lines->list[i - 1].end == start; i--)
		start = lines->list[i - 1].start;
	err = lines_remove(editing, start);
	editing->line = last;
	if (err ||
	    blocks_equal(editing, (struct slice){ editing->text + start, position - start }, new))
		return err;
	return edits_add(editing->edits, start, position, new);
}

static int blocks_edit(struct editing *editing, const struct remarks *remarks)
{
	for (size_t i = 0, end; i < remarks->count; i = end) {
		const struct remark *first = &remarks->list[i];
		int err;

		for (end = i + 1; end < remarks->count && remarks->list[end].line == first->line;)
			end++;
		err = block_write(editing, first, &remarks->list[end]);
		if (!err)
			err = block_put(editing, first->line);
		if (err)
			return err;
	}
	return lines_remove(editing, editing->length);
}

ptrdiff_t remarks_edit(struct remarks *remarks, const char *text, size_t length,
		       const struct comment_facts *facts, bool keep_counts, struct edits *edits)
{
	struct editing editing = { .text = text,
				   .length = length,
				   .facts = facts,
				   .keep_counts = keep_counts,
				   .edits = edits };
	int err = lines_read(&editing.lines, facts, text, length);

	merge(remarks);
	if (!err)
		err = blocks_edit(&editing, remarks);
	free(editing.lines.list);
	free(editing.block.text);
	return err ? err : (ptrdiff_t)remarks->count;
}
