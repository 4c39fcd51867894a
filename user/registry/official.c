/*
 * Tells the formats of the official file apart, refuses what is none of them, and
 * checks what both have in common: ports, transports, dates. See official.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "registry/official_internal.h"
#include "util/slice.h"
#include "render/text.h"
#include "util/utf8.h"

int official_refuse(struct official_reader *reader, struct official_place place, const char *format,
		    ...)
{
	char text[sizeof(reader->fault->text)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	reader->place = place;
	return fault_set(reader->fault, -EINVAL, "%s", text);
}

/* Foreign text for a sentence: cut, and safe on a terminal. */
static const char *shown(char *target, size_t size, struct slice text)
{
	return text_safe(target, size, text.text, text.length);
}

/* ------------------------------------------------------------------ one record */

static bool read_port(struct slice text, uint16_t *ret_port)
{
	unsigned int port = 0;

	if (!text.length || text.length > 5 || !slice_all_digits(text) ||
	    (text.length > 1 && text.text[0] == '0'))
		return false;
	for (uint32_t i = 0; i < text.length; i++)
		port = port * 10 + (text.text[i] - '0');
	*ret_port = port;
	return port <= 65535;
}

static int read_ports(struct official_reader *reader, const struct official_draft *draft,
		      struct slice text, struct official_record *record)
{
	const char *dash = memchr(text.text, '-', text.length);
	struct slice first = text, last = text;
	char safe[48];

	if (dash) {
		first.length = dash - text.text;
		last.text = dash + 1;
		last.length = text.length - first.length - 1;
	}
	if (!read_port(slice_trim(first), &record->first) ||
	    !read_port(slice_trim(last), &record->last))
		return official_refuse(reader, draft->port_at,
				       "'%s' is no port number or range within 0-65535",
				       shown(safe, sizeof(safe), text));
	if (record->first > record->last)
		return official_refuse(reader, draft->port_at, "the range '%s' runs backwards",
				       shown(safe, sizeof(safe), text));
	return 0;
}

static int read_transport(struct official_reader *reader, const struct official_draft *draft,
			  struct official_record *record)
{
	static const char *const names[SERVICE_TRANSPORTS] = { "tcp", "udp", "sctp", "dccp" };
	struct slice text = slice_trim(draft->transport);
	char safe[48];

	for (unsigned int i = 0; i < SERVICE_TRANSPORTS; i++)
		if (text.length == strlen(names[i]) &&
		    !strncasecmp(text.text, names[i], text.length))
			record->transport = 1u << i;
	if (text.length && !record->transport)
		return official_refuse(reader, draft->transport_at,
				       "'%s' is no transport: tcp, udp, sctp, dccp or nothing",
				       shown(safe, sizeof(safe), text));
	return 0;
}

/* A date that is none is no reason to do without the registry: it is left out, and told. */
static void read_date(struct official_reader *reader, const struct official_draft *draft,
		      enum official_column column, struct official_record *record)
{
	struct official *official = &reader->official;
	char date[sizeof(reader->latest)];
	struct slice text = slice_trim(draft->columns[column]);

	record->columns[column] = (struct slice){ "", 0 };
	if (!text.length)
		return;
	if (!slice_is_date(text)) {
		if (!official->odd_dates++) {
			official->odd_line = draft->columns_at[column].line;
			official->odd_column = draft->columns_at[column].column;
		}
		return;
	}
	record->columns[column] = text;
	snprintf(date, sizeof(date), "%.*s", (int)text.length, text.text);
	if (strcmp(date, reader->latest) > 0)
		strcpy(reader->latest, date);
}

static int append(struct official *official, const struct official_record *record)
{
	if (official->count == official->room) {
		size_t room = official->room ? official->room * 2 : 16384;
		struct official_record *grown =
			realloc(official->records, room * sizeof(*official->records));

		if (!grown)
			return -ENOMEM;
		official->records = grown;
		official->room = room;
	}
	official->records[official->count++] = *record;
	return 0;
}

int official_add(struct official_reader *reader, const struct official_draft *draft)
{
	struct official *official = &reader->official;
	struct slice port = slice_trim(draft->port);
	struct official_record record = { 0 };
	int error;

	error = read_transport(reader, draft, &record);
	if (error)
		return error;
	for (enum official_column i = 0; i < OFFICIAL_COLUMNS; i++) {
		record.columns[i] = draft->columns[i];
		if (record.columns[i].length > OFFICIAL_TEXT_MAX)
			return official_refuse(reader, draft->columns_at[i],
					       "a text of %u bytes: not the registry",
					       record.columns[i].length);
	}
	read_date(reader, draft, OFFICIAL_REGISTERED, &record);
	read_date(reader, draft, OFFICIAL_MODIFIED, &record);
	if (!port.length) {
		official->unnumbered++;
		return 0;
	}
	error = read_ports(reader, draft, port, &record);
	if (error)
		return error;
	official->ranges += record.first < record.last;
	if (official->count == OFFICIAL_RECORDS_MAX || official->ranges > OFFICIAL_RANGES_MAX)
		return official_refuse(reader, draft->port_at,
				       "more than %u records or %u ranges: not the registry",
				       OFFICIAL_RECORDS_MAX, OFFICIAL_RANGES_MAX);
	return append(official, &record);
}

/* ------------------------------------------------------------------ which it is */

static struct official_place place_of(const char *text, size_t at)
{
	struct official_place place = { 1, 1 };

	for (size_t i = 0; i < at; i++) {
		place.column++;
		if (text[i] == '\n')
			place = (struct official_place){ place.line + 1, 1 };
	}
	return place;
}

static bool begins(struct slice text, const char *with)
{
	return text.length >= strlen(with) && !strncasecmp(text.text, with, strlen(with));
}

static int check_text(struct official_reader *reader, const char *text, size_t length)
{
	const struct official_place none = { 0, 0 };
	struct slice start = slice_trim((struct slice){ text, length });
	const char *nul;
	size_t valid;

	if (!start.length)
		return official_refuse(reader, none, "the file is empty");
	if (begins(start, "version https://git-lfs"))
		return official_refuse(reader, none,
				       "a Git LFS pointer, which stands for a file that is "
				       "elsewhere (git lfs pull brings it)");
	if (begins(start, "<!doctype html") || begins(start, "<html"))
		return official_refuse(reader, none,
				       "an HTML page; the registry's page offers the file itself "
				       "as CSV and as XML");
	if (begins(start, "\xff\xfe") || begins(start, "\xfe\xff"))
		return official_refuse(reader, none, "UTF-16 text; the official file is UTF-8");
	if (begins(start, "\x1f\x8b"))
		return official_refuse(reader, none, "a gzip file within a gzip file");
	nul = memchr(text, '\0', length);
	valid = utf8_valid(text, nul ? (size_t)(nul - text) : length);
	if (nul || valid < length)
		return official_refuse(reader, place_of(text, valid), "%s here",
				       nul && text + valid == nul
					       ? "a zero byte stands"
					       : "text that is not UTF-8 stands");
	return 0;
}

int official_read(char *text, size_t length, struct official *ret_official, struct fault *fault,
		  unsigned int *ret_line, unsigned int *ret_column)
{
	struct official_reader reader = { .fault = fault };
	struct slice start = slice_trim((struct slice){ text, length });
	int error = check_text(&reader, text, length);

	if (!error && (begins(start, "<") || begins(start, "\xef\xbb\xbf<"))) {
		reader.official.format = OFFICIAL_XML;
		error = official_read_xml(&reader, text, length);
	} else if (!error) {
		error = official_read_csv(&reader, text, length);
	}
	if (!error && !reader.official.count)
		error = official_refuse(&reader, (struct official_place){ 0, 0 },
					"the file has no record with a port number");
	if (error) {
		official_release(&reader.official);
		if (error == -ENOMEM)
			fault_set(fault, error, "out of memory");
		*ret_line = reader.place.line;
		*ret_column = reader.place.column;
		return error;
	}
	if (!reader.official.updated[0])
		strcpy(reader.official.updated, reader.latest);
	*ret_official = reader.official;
	return 0;
}

void official_release(struct official *official)
{
	free(official->records);
	arena_release(&official->arena);
	*official = (struct official){ 0 };
}
