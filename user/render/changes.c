/* See changes.h. */
#include <string.h>

#include "util/slice.h"
#include "render/changes.h"
#include "render/json.h"
#include "render/text.h"
#include "what.h"

static const struct {
	const char *word, *meaning;
} kinds[CHANGE_KINDS] = {
	[CHANGE_ADDED] = { "added", "assigned now" },
	[CHANGE_REMOVED] = { "removed", "not assigned any more" },
	[CHANGE_RENAMED] = { "renamed", "under another name" },
	[CHANGE_DESCRIPTION] = { "description", "described in other words" },
	[CHANGE_ASSIGNEE] = { "assignee", "held by another, or now said by whom" },
	[CHANGE_OTHER] = { "other", "only other columns differ" },
};

static const char *const statuses[] = { "assigned", "reserved", "unassigned" };

void changes_print_counts(FILE *out, const struct difference *difference)
{
	char number[32];

	for (enum change_kind kind = 0; kind < CHANGE_KINDS; kind++)
		if (difference->pairs[kind])
			fprintf(out, "  %-11s %6s  %s\n", kinds[kind].word,
				text_count(number, sizeof(number), difference->pairs[kind]),
				kinds[kind].meaning);
}

/* ------------------------------------------------------------------ lines */

static void print_text(FILE *out, const char *before, struct slice text)
{
	char safe[1024];

	fprintf(out, "%s%s", before, text_safe(safe, sizeof(safe), text.text, text.length));
}

static void print_pair(FILE *out, const char *before, const char *quote, struct slice from,
		       struct slice to)
{
	fprintf(out, "%s%s", before, quote);
	print_text(out, from.length ? "" : "(none)", from);
	fprintf(out, "%s -> %s", quote, quote);
	print_text(out, to.length ? "" : "(none)", to);
	fputs(quote, out);
}

struct column {
	const char *name;
	struct slice before, after;
};

static void print_columns(FILE *out, const struct service *before, const struct service *after)
{
	const struct column columns[] = {
		{ "description", before->description, after->description },
		{ "aliases", before->aliases, after->aliases },
		{ "assignee", before->assignee, after->assignee },
		{ "registration date", before->registered, after->registered },
		{ "modification date", before->modified, after->modified },
		{ "documents", before->reference, after->reference },
		{ "unauthorized use", before->unauthorized, after->unauthorized },
		{ "notes", before->notes, after->notes },
		{ "former names", before->former, after->former },
	};
	const char *comma = ": ";

	if (before->status != after->status) {
		fprintf(out, ": %s -> %s", statuses[before->status], statuses[after->status]);
		comma = ", ";
	}
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		if (slices_equal(columns[i].before, columns[i].after))
			continue;
		fprintf(out, "%s%s", comma, columns[i].name);
		comma = ", ";
	}
}

static void print_other(FILE *out, const struct service *before, const struct service *after)
{
	const struct service *row = after ? after : before;

	if (row->name.length)
		print_text(out, " ", row->name);
	if (before && after)
		print_columns(out, before, after);
	else
		fprintf(out, ": %s%s", after ? "listed as " : "no row any more; it was ",
			statuses[row->status]);
}

static void print_change(FILE *out, const struct change *change)
{
	const struct service *before = change->before, *after = change->after;
	char transports[32];

	fprintf(out, "  %u", change->first);
	if (change->last != change->first)
		fprintf(out, "-%u", change->last);
	fprintf(out, "/%s", transports_text(transports, sizeof(transports), change->transports));
	switch (change->kind) {
	case CHANGE_ADDED:
		print_text(out, " ", after->name);
		if (after->description.length)
			print_text(out, ": ", after->description);
		break;
	case CHANGE_REMOVED:
		print_text(out, " ", before->name);
		fprintf(out, " (%s)", after ? statuses[after->status] : "no row any more");
		break;
	case CHANGE_RENAMED: print_pair(out, " ", "", before->name, after->name); break;
	case CHANGE_DESCRIPTION:
		print_text(out, " ", after->name);
		print_pair(out, ": ", "\"", before->description, after->description);
		break;
	case CHANGE_ASSIGNEE:
		print_text(out, " ", after->name);
		print_pair(out, ": ", "", before->assignee, after->assignee);
		break;
	default: print_other(out, before, after); break;
	}
	fputc('\n', out);
}

/*
 * How many lines each list gets of @most: all the same, and what a short one does
 * not need goes to the others.
 */
static void share_lines(const struct difference *difference, size_t most, size_t *ret_shares)
{
	size_t left = most, open, share;

	memset(ret_shares, 0, CHANGE_KINDS * sizeof(*ret_shares));
	for (;;) {
		open = 0;
		for (int kind = 0; kind < CHANGE_KINDS; kind++)
			open += ret_shares[kind] < difference->lines[kind];
		if (!open || !left)
			break;
		share = left > open ? left / open : 1;
		for (int kind = 0; kind < CHANGE_KINDS && left; kind++) {
			size_t wanted = difference->lines[kind] - ret_shares[kind];
			size_t given = wanted < share ? wanted : share;

			ret_shares[kind] += given;
			left -= given;
		}
	}
}

void changes_print(FILE *out, const struct difference *difference, size_t most)
{
	const struct change *change = difference->changes;
	size_t shares[CHANGE_KINDS];

	share_lines(difference, most, shares);
	for (enum change_kind kind = 0; kind < CHANGE_KINDS; kind++) {
		size_t lines = difference->lines[kind];

		if (lines)
			fprintf(out, "%s:\n", kinds[kind].word);
		for (size_t i = 0; i < lines && i < shares[kind]; i++)
			print_change(out, &change[i]);
		if (lines > shares[kind])
			fprintf(out, "  and %zu more %s; -v shows them\n", lines - shares[kind],
				lines - shares[kind] == 1 ? "line" : "lines");
		change += lines;
	}
}

/* ------------------------------------------------------------------ JSON */

json_t *changes_counts_json(const struct difference *difference)
{
	json_t *object = json_object();

	for (enum change_kind kind = 0; kind < CHANGE_KINDS; kind++)
		json_object_set_new(object, kinds[kind].word,
				    json_integer(difference->pairs[kind]));
	return object;
}

static json_t *service_json(const struct service *service)
{
	if (!service)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "status", statuses[service->status], "name",
			 json_foreign(service->name.text, service->name.length), "description",
			 json_foreign(service->description.text, service->description.length),
			 "aliases", json_foreign(service->aliases.text, service->aliases.length),
			 "assignee",
			 json_foreign(service->assignee.text, service->assignee.length));
}

json_t *changes_json(const struct difference *difference)
{
	static const char *const names[SERVICE_TRANSPORTS] = { "tcp", "udp", "sctp", "dccp" };
	json_t *array = json_array();

	for (size_t i = 0; i < difference->count; i++) {
		const struct change *change = &difference->changes[i];
		json_t *transports = json_array();

		for (unsigned int t = 0; t < SERVICE_TRANSPORTS; t++)
			if (change->transports & 1u << t)
				json_array_append_new(transports, json_string(names[t]));
		json_array_append_new(array, json_pack("{s:s, s:i, s:i, s:o, s:o, s:o}", "kind",
						       kinds[change->kind].word, "first",
						       (int)change->first, "last",
						       (int)change->last, "transports", transports,
						       "before", service_json(change->before),
						       "after", service_json(change->after)));
	}
	return array;
}
