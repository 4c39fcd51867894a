/*
 * A conversion from its first station to its last: records to groups (groups.c),
 * assignees (assignees.c), rows (rows.c, former.c), and the text, which is written
 * here. See convert.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/convert_internal.h"
#include "registry/head.h"

static void write_transports(FILE *out, uint8_t transports)
{
	static const char *const names[SERVICE_TRANSPORTS] = { "tcp", "udp", "sctp", "dccp" };
	const char *comma = "";

	if (!transports)
		fputc('*', out);
	for (unsigned int i = 0; i < SERVICE_TRANSPORTS; i++) {
		if (!(transports & 1u << i))
			continue;
		fprintf(out, "%s%s", comma, names[i]);
		comma = ",";
	}
}

static void write_row(FILE *out, const struct row *row)
{
	static const char *const statuses[] = { "assigned", "reserved", "unassigned" };
	const struct slice columns[] = { row->name,	 row->description,  row->aliases,
					 row->assignee,	 row->registered,   row->modified,
					 row->reference, row->unauthorized, row->notes,
					 row->former,	 row->source };

	fprintf(out, "%u", row->first);
	if (row->last != row->first)
		fprintf(out, "-%u", row->last);
	fputc('\t', out);
	write_transports(out, row->transports);
	fprintf(out, "\t%s", statuses[row->status]);
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		fputc('\t', out);
		fwrite(columns[i].text, 1, columns[i].length, out);
	}
	fputc('\n', out);
}

static int write_rows(const struct conversion *conversion, char **ret_text, size_t *ret_length)
{
	FILE *out = open_memstream(ret_text, ret_length);
	int error = out ? 0 : -ENOMEM;

	for (size_t i = 0; i < conversion->row_count && !error; i++) {
		write_row(out, &conversion->rows[i]);
		if (ftell(out) > (long)CONVERT_SIZE_MAX)
			error = fault_set(conversion->fault, -EFBIG,
					  "the table would be larger than %u MiB",
					  CONVERT_SIZE_MAX >> 20);
	}
	if (out && fclose(out) && !error)
		error = -ENOMEM;
	if (error) {
		free(out ? *ret_text : NULL);
		*ret_text = NULL;
	}
	return error;
}

static void write_preferred(FILE *out)
{
	fputs("# Set by hand, because the registry lists the older name first:\n", out);
	for (size_t i = 0; i < PREFERRED_NAMES; i++) {
		fprintf(out, "#   %u/", preferred_names[i].port);
		write_transports(out, preferred_names[i].transport);
		fprintf(out, " %s\n", preferred_names[i].name);
	}
}

/* The rows are parsed to count them, which proves that they can be. */
static int write_table(const char *day, const struct convert_source *source, const char *rows,
		       size_t length, char **ret_text, size_t *ret_length, struct fault *fault)
{
	struct registry *registry = NULL;
	unsigned int line = 0, column = 0;
	struct registry_info info;
	FILE *out;
	int error = registry_parse(rows, length, &registry, &line, &column);

	if (error == -EINVAL)
		return fault_set(fault, error, "made a table that is wrong at %u:%u; this is a bug",
				 line, column);
	if (error)
		return error;
	registry_info(registry, &info);
	registry_free(registry);
	out = open_memstream(ret_text, ret_length);
	if (!out)
		return -ENOMEM;
	head_write_start(out, source->file, day, source->sha256);
	write_preferred(out);
	fprintf(out, "#\n# %u rows, %u assigned (port, transport) pairs.\n", info.rows, info.pairs);
	head_write_end(out, day, source->imported);
	fwrite(rows, 1, length, out);
	if (!fclose(out))
		return 0;
	free(*ret_text);
	*ret_text = NULL;
	return -ENOMEM;
}

static int convert(struct conversion *conversion, const struct official *official,
		   const struct convert_source *source, char **ret_text, size_t *ret_length)
{
	const char *day = official->updated[0] ? official->updated : HEAD_UNDATED;
	char *rows = NULL;
	size_t length;
	int error = group_records(conversion, official);

	if (!error)
		error = inherit_assignees(conversion);
	if (!error)
		error = make_rows(conversion, slice_of(day));
	if (error)
		return error;
	error = write_rows(conversion, &rows, &length);
	if (!error)
		error = write_table(day, source, rows, length, ret_text, ret_length,
				    conversion->fault);
	free(rows);
	return error;
}

int registry_convert(const struct official *official, const struct registry *in_use,
		     const struct convert_source *source, char **ret_text, size_t *ret_length,
		     struct fault *fault)
{
	struct conversion conversion = { .in_use = in_use, .fault = fault };
	int error = convert(&conversion, official, source, ret_text, ret_length);

	if (error == -ENOMEM)
		fault_set(fault, error, "out of memory");
	free(conversion.entries);
	free(conversion.groups);
	free(conversion.rows);
	arena_release(&conversion.arena);
	return error;
}
