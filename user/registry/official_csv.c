/*
 * The official file as CSV: its columns by their names, wherever they stand, and
 * under the names that older files had for them.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "registry/csv.h"
#include "registry/official_internal.h"
#include "util/slice.h"

#define CSV_COLUMNS_MAX 64

/* Where draft and file have the columns; the texts first, in the order of their enum. */
enum { CSV_PORT = OFFICIAL_COLUMNS, CSV_TRANSPORT, CSV_NEEDED };

static const struct {
	const char *name, *older;
} csv_columns[CSV_NEEDED] = {
	[OFFICIAL_NAME] = { "Service Name", NULL },
	[OFFICIAL_DESCRIPTION] = { "Description", NULL },
	[OFFICIAL_ASSIGNEE] = { "Assignee", NULL },
	[OFFICIAL_REGISTERED] = { "Registration Date", NULL },
	[OFFICIAL_MODIFIED] = { "Modification Date", NULL },
	[OFFICIAL_REFERENCE] = { "Reference", NULL },
	[OFFICIAL_UNAUTHORIZED] = { "Unauthorized Use Reported", "Known Unauthorized Uses" },
	[OFFICIAL_NOTES] = { "Assignment Notes", NULL },
	[CSV_PORT] = { "Port Number", NULL },
	[CSV_TRANSPORT] = { "Transport Protocol", NULL },
};

static bool is_called(struct slice text, const char *name)
{
	return name && text.length == strlen(name) && !strncasecmp(text.text, name, text.length);
}

static int map_columns(struct official_reader *reader, const struct csv_field *fields,
		       unsigned int count, int *ret_at)
{
	char missing[256] = "";

	for (unsigned int i = 0; i < CSV_NEEDED; i++) {
		ret_at[i] = -1;
		for (unsigned int field = 0; field < count; field++) {
			struct slice text = slice_trim(
				(struct slice){ fields[field].text, fields[field].length });

			if (!is_called(text, csv_columns[i].name) &&
			    !is_called(text, csv_columns[i].older))
				continue;
			if (ret_at[i] >= 0)
				return official_refuse(
					reader,
					(struct official_place){ fields[field].line,
								 fields[field].column },
					"a second column '%s'", csv_columns[i].name);
			ret_at[i] = field;
		}
		if (ret_at[i] < 0)
			snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing),
				 "%s'%s'", missing[0] ? ", " : "", csv_columns[i].name);
	}
	if (missing[0])
		return official_refuse(
			reader, (struct official_place){ fields[0].line, fields[0].column },
			"neither the registry as XML nor as CSV, whose first line lacks "
			"%s",
			missing);
	return 0;
}

static void draft_csv(const struct csv_field *fields, const int *at, struct official_draft *draft)
{
	struct slice texts[CSV_NEEDED];
	struct official_place places[CSV_NEEDED];

	for (unsigned int i = 0; i < CSV_NEEDED; i++) {
		texts[i] = (struct slice){ fields[at[i]].text, fields[at[i]].length };
		places[i] = (struct official_place){ fields[at[i]].line, fields[at[i]].column };
	}
	memcpy(draft->columns, texts, sizeof(draft->columns));
	memcpy(draft->columns_at, places, sizeof(draft->columns_at));
	draft->port = texts[CSV_PORT];
	draft->port_at = places[CSV_PORT];
	draft->transport = texts[CSV_TRANSPORT];
	draft->transport_at = places[CSV_TRANSPORT];
}

static int next_record(struct official_reader *reader, struct csv *csv, struct csv_field *fields,
		       unsigned int room, unsigned int *ret_count)
{
	int result = csv_record(csv, fields, room, ret_count);

	if (result < 0)
		return official_refuse(
			reader, (struct official_place){ csv->problem_line, csv->problem_column },
			"%s", csv->problem);
	return result;
}

int official_read_csv(struct official_reader *reader, char *text, size_t length)
{
	struct csv_field fields[CSV_COLUMNS_MAX];
	struct official_draft draft;
	unsigned int columns = 0, count;
	int at[CSV_NEEDED], result, error;
	struct csv csv;

	csv_init(&csv, text, length);
	result = csv_record(&csv, fields, CSV_COLUMNS_MAX, &columns);
	if (result < 0)
		return official_refuse(
			reader, (struct official_place){ csv.problem_line, csv.problem_column },
			"neither the registry as XML nor as CSV: %s", csv.problem);
	if (!result)
		return official_refuse(reader, (struct official_place){ 0, 0 },
				       "the file is empty");
	error = map_columns(reader, fields, columns, at);
	if (error)
		return error;
	while ((result = next_record(reader, &csv, fields, columns, &count)) > 0) {
		if (count < columns)
			return official_refuse(
				reader, (struct official_place){ fields[0].line, fields[0].column },
				"a record of %u fields where the file has %u columns", count,
				columns);
		draft_csv(fields, at, &draft);
		error = official_add(reader, &draft);
		if (error)
			return error;
	}
	return result;
}
