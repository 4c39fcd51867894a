/*
 * Who holds a number where its own record does not say so: the rules by which the
 * registry's records share an assignee, the same as in build-registry.py. Separate,
 * because they are judgement, where the rest of a conversion is transport.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/convert_internal.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* The first run of letters and digits. */
static struct slice first_word(struct slice text)
{
	uint32_t start = 0, end;

#define IS_WORD(c) ((lower(c) >= 'a' && lower(c) <= 'z') || ((c) >= '0' && (c) <= '9'))
	while (start < text.length && !IS_WORD(text.text[start]))
		start++;
	for (end = start; end < text.length && IS_WORD(text.text[end]);)
		end++;
#undef IS_WORD
	return (struct slice){ text.text + start, end - start };
}

static uint32_t common_start(struct slice a, struct slice b)
{
	uint32_t length = 0;

	while (length < a.length && length < b.length &&
	       lower(a.text[length]) == lower(b.text[length]))
		length++;
	return length;
}

/* Both the names and the descriptions begin alike: a family of one registrant. */
static bool same_family(const struct entry *a, const struct entry *b)
{
	struct slice word = first_word(a->description), other = first_word(b->description);

	return common_start(a->name, b->name) >= 3 && word.length >= 3 &&
	       word.length == other.length && common_start(word, other) == word.length;
}

static int set_from(struct conversion *conversion, struct entry *entry, const char *what,
		    struct slice of)
{
	size_t length = strlen(what);
	char *text = arena_bytes(&conversion->arena, length + of.length);

	if (!text)
		return -ENOMEM;
	memcpy(text, what, length);
	memcpy(text + length, of.text, of.length);
	entry->assignee_from = (struct slice){ text, length + of.length };
	return 0;
}

/* The same description under two names is one assignment (80: http, www-http). */
static int take_from_alias(struct conversion *conversion, const struct group *group)
{
	struct entry *primary = &group->entries[0];

	for (uint32_t i = 1; i < group->count; i++) {
		const struct entry *other = &group->entries[i];

		if (other->assignee.length &&
		    slices_equal(other->description, primary->description)) {
			primary->assignee = other->assignee;
			return set_from(conversion, primary, "alias:", other->name);
		}
	}
	return 0;
}

static int take_from_transport(struct conversion *conversion, struct entry *primary,
			       const struct entry *other, const char *transport)
{
	if (!slices_equal(other->name, primary->name) || !other->assignee.length ||
	    other->assignee_from.length || other->registered.length || primary->registered.length)
		return 0;
	primary->assignee = other->assignee;
	return set_from(conversion, primary, "transport:", (struct slice){ transport, 3 });
}

static bool same_numbers(const struct entry *a, const struct entry *b)
{
	return a->first == b->first && a->last == b->last;
}

static int share(struct conversion *conversion, size_t index)
{
	const struct group *group = &conversion->groups[index], *other;
	struct entry *primary = &group->entries[0];
	int error;

	if (!primary->name.length || primary->assignee.length)
		return 0;
	error = take_from_alias(conversion, group);
	if (error || primary->assignee.length)
		return error;
	/* Groups are sorted, and tcp comes right before udp. */
	if (primary->transport == SERVICE_TCP && index + 1 < conversion->group_count) {
		other = group + 1;
		if (other->entries[0].transport == SERVICE_UDP &&
		    same_numbers(&other->entries[0], primary))
			return take_from_transport(conversion, primary, &other->entries[0], "udp");
	} else if (primary->transport == SERVICE_UDP && index) {
		other = group - 1;
		if (other->entries[0].transport == SERVICE_TCP &&
		    same_numbers(&other->entries[0], primary))
			return take_from_transport(conversion, primary, &other->entries[0], "tcp");
	}
	return 0;
}

/*
 * Until about 2002 the registry was a text file that named the registrant of
 * several numbers once, below the last of them; the columns of today put it on the
 * last row alone (3068 ls3bcast, 3069 ls3; 3409, 3410). A row takes the assignee of
 * the next number where both clearly belong together.
 */
static int take_from_next(struct conversion *conversion, struct entry *entry,
			  const struct entry *next)
{
	static const char chain[] = "next:";
	char number[8];
	int length;

	if (!entry->name.length || entry->assignee.length || entry->registered.length ||
	    entry->has_reference)
		return 0;
	if (!next->name.length || !next->assignee.length || !same_family(entry, next))
		return 0;
	entry->assignee = next->assignee;
	/* A chain names the row that has the text, not the next link. */
	if (next->assignee_from.length >= strlen(chain) &&
	    !memcmp(next->assignee_from.text, chain, strlen(chain))) {
		entry->assignee_from = next->assignee_from;
		return 0;
	}
	length = snprintf(number, sizeof(number), "%u", next->first);
	return set_from(conversion, entry, chain, (struct slice){ number, length });
}

static int inherit_on(struct conversion *conversion, uint8_t transport)
{
	struct entry *next = NULL;
	int error = 0;

	for (size_t i = conversion->group_count; i-- && !error;) {
		struct entry *entry = &conversion->groups[i].entries[0];

		if (entry->transport != transport || entry->first != entry->last)
			continue;
		if (next && next->first == entry->first + 1)
			error = take_from_next(conversion, entry, next);
		next = entry;
	}
	return error;
}

int inherit_assignees(struct conversion *conversion)
{
	int error = 0;

	for (size_t i = 0; i < conversion->group_count && !error; i++)
		error = share(conversion, i);
	if (!error)
		error = inherit_on(conversion, SERVICE_TCP);
	return error ? error : inherit_on(conversion, SERVICE_UDP);
}
