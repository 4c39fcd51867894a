/*
 * Every row is looked at: a few thousand. A word counts by where it stands and
 * how much of what stands there it is; the best place counts, once.
 */
#include "registry/search.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum score {
	SCORE_WHOLE_NAME = 100,
	SCORE_PROGRAM = 80,
	SCORE_NAME = 50,
	SCORE_LABEL = 50,
	SCORE_TEXT = 30,
	SCORE_ASSIGNEE = 20,
	SCORE_PRACTICE = 10, /* what is found goes before what is registered */
};

static char folded(char c)
{
	return c == '_' ? '-' : tolower((unsigned char)c);
}

static bool is_letter(char c)
{
	return isalnum((unsigned char)c) || c & 0x80;
}

/*
 * How well @word fits somewhere in @text: all of @most where it is a word of it,
 * two thirds where one begins with it, a third where it is inside one; 0: not there.
 */
static unsigned int fit(struct slice text, const char *word, unsigned int most)
{
	size_t length = strlen(word);
	unsigned int best = 0;

	for (size_t at = 0; at + length <= text.length; at++) {
		bool starts = at == 0 || !is_letter(text.text[at - 1]);
		unsigned int score;
		size_t i = 0;

		while (i < length && folded(text.text[at + i]) == folded(word[i]))
			i++;
		if (i < length)
			continue;
		if (starts && (at + length == text.length || !is_letter(text.text[at + length])))
			return most;
		score = starts ? most * 2 / 3 : most / 3;
		if (score > best)
			best = score;
	}
	return best;
}

static bool is_all(struct slice text, const char *word)
{
	if (text.length != strlen(word))
		return false;
	for (uint32_t i = 0; i < text.length; i++)
		if (folded(text.text[i]) != folded(word[i]))
			return false;
	return true;
}

static unsigned int larger(unsigned int a, unsigned int b)
{
	return a > b ? a : b;
}

static unsigned int fit_service(const struct service *service, const char *word)
{
	unsigned int score;

	if (is_all(service->name, word))
		return SCORE_WHOLE_NAME;
	score = fit(service->name, word, SCORE_NAME);
	score = larger(score, fit(service->aliases, word, SCORE_NAME));
	score = larger(score, fit(service->former, word, SCORE_ASSIGNEE));
	score = larger(score, fit(service->description, word, SCORE_TEXT));
	score = larger(score, fit(service->notes, word, SCORE_ASSIGNEE));
	score = larger(score, fit(service->unauthorized, word, SCORE_ASSIGNEE));
	return larger(score, fit(service->assignee, word, SCORE_ASSIGNEE));
}

static unsigned int fit_overlay(const struct overlay *overlay, const char *word)
{
	struct slice programs = overlay->programs, program;
	unsigned int score;

	if (is_all(overlay->name, word) || is_all(overlay->label, word))
		return SCORE_WHOLE_NAME + SCORE_PRACTICE;
	while (slice_next_word(&programs, &program))
		if (is_all(program, word))
			return SCORE_PROGRAM + SCORE_PRACTICE;
	score = fit(overlay->name, word, SCORE_NAME);
	score = larger(score, fit(overlay->label, word, SCORE_LABEL));
	score = larger(score, fit(overlay->programs, word, SCORE_NAME));
	score = larger(score, fit(overlay->text, word, SCORE_TEXT));
	score = larger(score, fit(overlay->condition, word, SCORE_ASSIGNEE));
	score = larger(score, fit(overlay->successor, word, SCORE_ASSIGNEE));
	return score ? score + SCORE_PRACTICE : 0;
}

struct search {
	const char *const *words;
	size_t word_count;
	struct search_hits found;
	size_t room;
};

/* Adds @hit if all words fit. */
static int consider(struct search *search, struct search_hit hit)
{
	struct search_hits *found = &search->found;

	for (size_t i = 0; i < search->word_count; i++) {
		unsigned int score = hit.service ? fit_service(hit.service, search->words[i])
						 : fit_overlay(hit.overlay, search->words[i]);

		if (!score)
			return 0;
		hit.score += score;
	}
	if (found->count == search->room) {
		size_t room = search->room ? search->room * 2 : 64;
		struct search_hit *hits = reallocarray(found->hits, room, sizeof(*hits));

		if (!hits)
			return -ENOMEM;
		found->hits = hits;
		search->room = room;
	}
	found->hits[found->count++] = hit;
	return 0;
}

static unsigned int first_port(const struct search_hit *hit)
{
	return hit->service ? hit->service->first : hit->overlay->first;
}

static int compare(const void *left, const void *right)
{
	const struct search_hit *a = left, *b = right;

	if (a->score != b->score)
		return a->score < b->score ? 1 : -1;
	if (first_port(a) != first_port(b))
		return first_port(a) < first_port(b) ? -1 : 1;
	/* Rows of one kind lie in one array. */
	if (!a->service != !b->service)
		return a->service ? 1 : -1;
	if (a->service)
		return a->service < b->service ? -1 : 1;
	return a->overlay < b->overlay ? -1 : 1;
}

int search(const struct knowledge *knowledge, const char *const *words, size_t count,
	   struct search_hits *ret_hits)
{
	struct search search = { .words = words, .word_count = count };
	const struct service *service;
	int error = 0;

	for (unsigned int i = 0; !error && (service = registry_row(knowledge->registry, i)); i++)
		error = consider(&search, (struct search_hit){ .service = service });
	for (size_t i = 0; !error && i < knowledge->overlays.count; i++)
		error = consider(&search,
				 (struct search_hit){ .overlay = &knowledge->overlays.rows[i] });
	if (error) {
		free(search.found.hits);
		return error;
	}
	if (search.found.count)
		qsort(search.found.hits, search.found.count, sizeof(struct search_hit), compare);
	*ret_hits = search.found;
	return 0;
}
