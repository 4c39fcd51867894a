/*
 * A piece of somebody else's text: not NUL-terminated, owned by who has the
 * bytes it points into.
 */
#ifndef PORTSCRIBE_SLICE_H
#define PORTSCRIBE_SLICE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *text;
	uint32_t length;
};

/* For "%.*s". */
#define SLICE_ARGS(slice) (int)(slice).length, (slice).text

static inline struct slice slice_of(const char *string)
{
	return (struct slice){ string, (uint32_t)strlen(string) };
}

/* Inline, because it costs nothing where @text is a literal. */
static inline bool slice_equals(struct slice slice, const char *text)
{
	return slice.length == strlen(text) &&
	       (!slice.length || !memcmp(slice.text, text, slice.length));
}

static inline bool slices_equal(struct slice a, struct slice b)
{
	return a.length == b.length && (!a.length || !memcmp(a.text, b.text, a.length));
}

/* For sorting: some order, not that of the alphabet. Below, at or above 0. */
int slices_compare(struct slice a, struct slice b);

/* Without white space at both ends. */
struct slice slice_trim(struct slice text);

bool slice_all_digits(struct slice text);

/* YYYY-MM or YYYY-MM-DD, with a month and a day that exist in some year. */
bool slice_is_date(struct slice text);

/* As names compare: without regard to case. */
bool slice_same_name(struct slice a, struct slice b);

/* Whether @text says more than @name does, by letters and digits alone: "LS-3" does not of ls3. */
bool slice_adds_to_name(struct slice text, struct slice name);

/*
 * The next word of @rest, which a blank ends, and move @rest behind it. False
 * where there is none.
 */
bool slice_next_word(struct slice *rest, struct slice *ret_word);

#endif
