/*
 * The official records, cleaned, sorted, and put together by what they are about:
 * a group is one assignment, its first record the one whose name it has. See
 * convert_internal.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "registry/clean.h"
#include "registry/convert_internal.h"
#include "registry/table.h"

/* Four is what the registry has at most. */
#define NAMES_MAX 64

/* build-registry.py sets the same ones by hand. */
const struct preferred_name preferred_names[PREFERRED_NAMES] = {
	{ 465, SERVICE_TCP, "submissions" }, /* RFC 8314 section 7.3: added beside urd */
	{ 2049, SERVICE_TCP, "nfs" },	     /* RFC 7530 section 3.1; shilp has no holder */
	{ 2049, SERVICE_UDP, "nfs" },
};

static int clean_entry(struct arena *arena, const struct official_record *record,
		       struct entry *entry)
{
	const struct slice *columns = record->columns;

	entry->name = clean_name(arena, columns[OFFICIAL_NAME]);
	entry->description = clean_description(arena, columns[OFFICIAL_DESCRIPTION]);
	entry->assignee = clean_assignee(arena, columns[OFFICIAL_ASSIGNEE]);
	entry->registered = columns[OFFICIAL_REGISTERED];
	entry->modified = columns[OFFICIAL_MODIFIED];
	entry->reference = clean_reference(arena, columns[OFFICIAL_REFERENCE]);
	entry->unauthorized = clean_text(arena, columns[OFFICIAL_UNAUTHORIZED]);
	entry->notes = clean_text(arena, columns[OFFICIAL_NOTES]);
	entry->has_reference = columns[OFFICIAL_REFERENCE].length > 0;
	if (!entry->name.text || !entry->description.text || !entry->assignee.text ||
	    !entry->reference.text || !entry->unauthorized.text || !entry->notes.text)
		return -ENOMEM;
	if (!entry->assignee.length) {
		entry->assignee = clean_assignee_in_reference(arena, columns[OFFICIAL_REFERENCE]);
		if (!entry->assignee.text)
			return -ENOMEM;
		if (entry->assignee.length)
			entry->assignee_from = (struct slice){ "reference", 9 };
	}
	return 0;
}

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->last != b->last)
		return a->last < b->last ? -1 : 1;
	if (a->transport != b->transport)
		return a->transport < b->transport ? -1 : 1;
	return a->position < b->position ? -1 : a->position > b->position;
}

static int clean_entries(struct conversion *conversion, const struct official *official)
{
	conversion->entries = calloc(official->count + 1, sizeof(*conversion->entries));
	if (!conversion->entries)
		return -ENOMEM;
	for (size_t i = 0; i < official->count; i++) {
		const struct official_record *record = &official->records[i];
		struct entry *entry = &conversion->entries[i];

		entry->first = record->first;
		entry->last = record->last;
		entry->transport = record->transport;
		entry->position = i;
		if (clean_entry(&conversion->arena, record, entry))
			return -ENOMEM;
	}
	conversion->entry_count = official->count;
	qsort(conversion->entries, conversion->entry_count, sizeof(*conversion->entries),
	      compare_entries);
	return 0;
}

static void make_first(struct group *group, uint32_t index)
{
	struct entry entry = group->entries[index];

	memmove(group->entries + 1, group->entries, index * sizeof(entry));
	group->entries[0] = entry;
}

static bool is_preferred(const struct entry *entry)
{
	if (entry->first != entry->last)
		return false;
	for (size_t i = 0; i < PREFERRED_NAMES; i++)
		if (preferred_names[i].port == entry->first &&
		    preferred_names[i].transport == entry->transport &&
		    slice_equals(entry->name, preferred_names[i].name))
			return true;
	return false;
}

/* The primary record: the preferred one, else the first that has a name. */
static void order_group(struct group *group)
{
	uint32_t named = 0;

	while (named < group->count && !group->entries[named].name.length)
		named++;
	if (named && named < group->count)
		make_first(group, named);
	for (uint32_t i = 1; i < group->count; i++)
		if (is_preferred(&group->entries[i]))
			make_first(group, i);
}

static bool same_key(const struct entry *a, const struct entry *b)
{
	return a->first == b->first && a->last == b->last && a->transport == b->transport;
}

int group_records(struct conversion *conversion, const struct official *official)
{
	int error = clean_entries(conversion, official);
	struct entry *entries;

	if (error)
		return error;
	entries = conversion->entries;
	conversion->groups = calloc(conversion->entry_count + 1, sizeof(*conversion->groups));
	if (!conversion->groups)
		return -ENOMEM;
	for (size_t i = 0; i < conversion->entry_count; i++) {
		struct group *group = &conversion->groups[conversion->group_count];

		if (i && same_key(&entries[i - 1], &entries[i])) {
			if (++group[-1].count > NAMES_MAX)
				return fault_set(conversion->fault, -EINVAL,
						 "more than %u records for port %u", NAMES_MAX,
						 entries[i].first);
			continue;
		}
		*group = (struct group){ &entries[i], 1 };
		conversion->group_count++;
	}
	for (size_t i = 0; i < conversion->group_count; i++)
		order_group(&conversion->groups[i]);
	return 0;
}
