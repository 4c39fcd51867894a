/* See head.h. */
#include <string.h>

#include "registry/head.h"
#include "util/slice.h"
#include "registry/table.h"
#include "render/text.h"

#define SHA256_DIGITS 64

static bool is_sha256(struct slice text)
{
	static const char digits[] = "0123456789abcdef";

	for (uint32_t i = 0; i < text.length; i++)
		if (!memchr(digits, text.text[i], strlen(digits)))
			return false;
	return text.length == SHA256_DIGITS;
}

/*
 * "WHAT, DATE, LICENCE". The last date counts: what stands before it may be a
 * file's name, and be called anything.
 */
static bool read_source(struct slice line, struct head_source *ret_source)
{
	const char *end = line.text + line.length, *at = end, *comma;

	while ((comma = memrchr(line.text, ',', at - line.text))) {
		struct slice date = { comma + 2, 0 };

		at = comma;
		if (end - date.text < 0)
			continue;
		while (date.text + date.length < end && date.text[date.length] != ',')
			date.length++;
		if ((!slice_is_date(date) && !slice_equals(date, HEAD_UNDATED)) ||
		    date.text + date.length + 2 > end)
			continue;
		*ret_source = (struct head_source){
			.what = { line.text, comma - line.text },
			.date = date,
			.licence = { date.text + date.length + 2,
				     end - date.text - date.length - 2 },
		};
		return true;
	}
	return false;
}

static bool take_prefix(struct slice *text, const char *prefix)
{
	size_t length = strlen(prefix);

	if (text->length < length || memcmp(text->text, prefix, length))
		return false;
	text->text += length;
	text->length -= length;
	return true;
}

void head_read(struct slice text, struct head *ret_head)
{
	struct head_source source, *last = NULL;
	struct slice line;
	struct table table;

	*ret_head = (struct head){ 0 };
	table_init(&table, text.text, text.length);
	while (table_comment(&table, &line)) {
		if (take_prefix(&line, "imported\t")) {
			ret_head->imported = line;
			continue;
		}
		if (!take_prefix(&line, "   "))
			continue;
		line = slice_trim(line);
		if (is_sha256(line)) {
			if (last)
				last->sha256 = line;
			last = NULL;
		} else if (ret_head->source_count < HEAD_SOURCES_MAX &&
			   read_source(line, &source)) {
			last = &ret_head->sources[ret_head->source_count++];
			*last = source;
		}
	}
}

void head_write_start(FILE *out, const char *file, const char *date, const char *sha256)
{
	char safe[256];

	fprintf(out,
		"# The IANA Service Name and Transport Protocol Port Number Registry, made from\n"
		"# the official file by `portscribe registry import`. Do not edit by hand.\n"
		"#\n"
		"# The registry itself is in the public domain (CC0, joint IANA/IETF statement of "
		"2021).\n"
		"# Inputs: what, last date in it, licence, SHA-256 of the file\n"
		"#   official file %s, %s, the registry's own file, CC0\n"
		"#     %s\n",
		text_safe(safe, sizeof(safe), file, strlen(file)), date, sha256);
}

void head_write_end(FILE *out, const char *date, time_t imported)
{
	char when[32] = "";
	struct tm tm;

	if (gmtime_r(&imported, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	fprintf(out,
		"# Former names were carried over from the table that was in use before.\n"
		"# A row has 14 columns, separated by tabs: ports, transports, status, name,\n"
		"# description, aliases, assignee, registered, modified, reference, unauthorized,\n"
		"# notes, former, source. The table that ships explains them.\n"
		"#\n"
		"#imported\t%s\n"
		"#snapshots\t%s\n",
		when, date);
}
