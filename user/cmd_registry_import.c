/* portscribe registry import: the official IANA file in place of the table that ships. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>
#include <sha2.h>

#include "cli.h"
#include "registry/convert.h"
#include "registry/difference.h"
#include "registry/official.h"
#include "registry/store.h"
#include "render/changes.h"
#include "render/json.h"
#include "render/text.h"
#include "util/cleanup.h"
#include "util/gunzip.h"

struct import_command {
	const char *path;
	bool dry_run, force, verbose, json;
};

#define LINES_SHOWN 40

static const char help[] =
	"FILE (- is standard input) is IANA's 'service-names-port-numbers', as CSV or XML,\n"
	"plain or packed with gzip; the content decides which. It is checked, compared with\n"
	"the table in use, and stored as " STORE_PATH ", which is used\n"
	"from then on. Names that a port has no more are kept as its former ones.\n"
	"\n"
	"  -n, --dry-run           only check and compare; needs no privilege\n"
	"      --force             also with too few pairs (under 11,000, or over 5 % fewer\n"
	"                          than in use) or without ssh, domain, http or https\n"
	"  -v, --verbose           all changes, not only 40 lines of them\n"
	"  -j, --json              schema portscribe.registry-import.v1\n"
	"\n"
	"The table before is kept as " STORE_NAME ".previous. To go back to the table that\n"
	"ships, remove the file.\n";

enum { OPTION_FORCE = OPTION_LONG };

static const struct option long_options[] = {
	{ "dry-run", no_argument, NULL, 'n' }, { "force", no_argument, NULL, OPTION_FORCE },
	{ "verbose", no_argument, NULL, 'v' }, { "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },    {},
};

/* One import, station by station. */
struct import {
	const struct import_command *command;
	char *text; /* owned; the file, unpacked */
	size_t length;
	char sha256[SHA256_DIGEST_STRING_LENGTH];
	bool packed;
	struct official official;
	struct file_lock lock;
	const struct registry *in_use;
	struct fault trouble; /* why an imported table is not in use; "" otherwise */
	char *table;	      /* owned */
	size_t table_length;
	struct registry *registry; /* the table, parsed */
	struct fault doubts;
	unsigned int doubt_count;
	struct difference difference;
	bool same, stored;
};

static int parse(int argc, char **argv, struct import_command *command)
{
	int option;

	while ((option = getopt_long(argc, argv, ":nvjh", long_options, NULL)) >= 0) {
		switch (option) {
		case 'n': command->dry_run = true; break;
		case OPTION_FORCE: command->force = true; break;
		case 'v': command->verbose = true; break;
		case 'j': command->json = true; break;
		case 'h': cli_help(&command_registry_import); return -1;
		default: return cli_bad_option(&command_registry_import, argv, option);
		}
	}
	if (argc - optind != 1)
		return cli_usage(&command_registry_import, "%s",
				 optind == argc ? "a FILE is needed (- is standard input)"
						: "one FILE at a time");
	command->path = argv[optind];
	return 0;
}

static const char *shown_path(const struct import_command *command)
{
	return strcmp(command->path, "-") ? command->path : "(standard input)";
}

static const char *base_name(const struct import_command *command)
{
	const char *path = shown_path(command), *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static int refuse(const char *sentence)
{
	return cli_fail(&command_registry_import, EXIT_RUNTIME, "%s", sentence);
}

static int read_file(struct import *import)
{
	const struct import_command *command = import->command;
	_cleanup_free_ char *packed = NULL;
	struct fault fault = {};
	int error = file_read_limited(command->path, STORE_SIZE_MAX, &import->text, &import->length,
				      &fault);

	if (error)
		return refuse(fault.text);
	SHA256Data((const uint8_t *)import->text, import->length, import->sha256);
	if (!gunzip_is_packed(import->text, import->length))
		return 0;
	import->packed = true;
	packed = TAKE_PTR(import->text);
	error = gunzip(packed, import->length, STORE_SIZE_MAX, &import->text, &import->length,
		       &fault);
	return error ? cli_fail(&command_registry_import, EXIT_RUNTIME,
				"%s: %s; nothing was stored", shown_path(command), fault.text)
		     : 0;
}

static int read_official(struct import *import)
{
	const struct import_command *command = import->command;
	struct fault fault = {};
	unsigned int line, column;
	int error = official_read(import->text, import->length, &import->official, &fault, &line,
				  &column);

	if (error && line)
		return cli_fail(&command_registry_import, EXIT_RUNTIME,
				"%s:%u:%u: %s; nothing was stored", shown_path(command), line,
				column, fault.text);
	if (error)
		return cli_fail(&command_registry_import, EXIT_RUNTIME,
				"%s: %s; nothing was stored", shown_path(command), fault.text);
	if (import->official.odd_dates)
		fprintf(stderr, "%s:%u:%u: not a date; left out, as %u in all\n",
			shown_path(command), import->official.odd_line, import->official.odd_column,
			import->official.odd_dates);
	return 0;
}

static int convert(struct import *import)
{
	const struct convert_source source = {
		.file = base_name(import->command),
		.sha256 = import->sha256,
		.imported = time(NULL),
	};
	struct fault fault = {};
	int error = registry_convert(&import->official, import->in_use, &source, &import->table,
				     &import->table_length, &fault);

	if (error)
		return cli_fail(&command_registry_import, EXIT_RUNTIME,
				"%s: %s; nothing was stored", shown_path(import->command),
				fault.text);
	/* It was parsed once already, so what can fail is memory. */
	error = registry_parse(import->table, import->table_length, &import->registry, NULL, NULL);
	if (!error)
		error = difference_make(import->in_use, import->registry, &import->difference);
	return error ? refuse("out of memory; nothing was stored") : 0;
}

/* The same rows, from the source on: as after importing the same file again. */
static bool same_rows(const struct registry *a, const struct registry *b)
{
	struct registry_info info, other;

	registry_info(a, &info);
	registry_info(b, &other);
	return slices_equal(info.body, other.body);
}

static int judge(struct import *import)
{
	const struct import_command *command = import->command;

	import->same =
		registry_is_imported(import->in_use) && same_rows(import->in_use, import->registry);
	import->doubt_count = difference_doubts(import->registry, import->in_use, &import->doubts);
	if (import->doubt_count && !command->force)
		return cli_fail(&command_registry_import, EXIT_RUNTIME,
				"%s: cannot be the whole registry: %s; nothing was stored "
				"(--force stores it all the same)",
				shown_path(command), import->doubts.text);
	if (import->doubt_count)
		fprintf(stderr, "%s: taken with --force: %s\n", shown_path(command),
			import->doubts.text);
	return 0;
}

static int store(struct import *import)
{
	struct fault fault = {};
	int error;

	if (import->command->dry_run)
		return 0;
	error = import->same ? file_recover(&import->lock, STORE_NAME, &fault)
			     : store_write(&import->lock, import->table, import->table_length,
					   registry_is_imported(import->in_use), &fault);
	import->stored = !error && !import->same;
	return error ? refuse(fault.text) : 0;
}

/* ------------------------------------------------------------------ what it says */

static void print_tables(const struct import *import)
{
	const struct official *official = &import->official;
	struct registry_info info, old;
	char number[3][32], snapshots[128];

	registry_info(import->registry, &info);
	registry_info(import->in_use, &old);
	printf("%s: %s records, %s assigned pairs, as of %s\n", shown_path(import->command),
	       text_count(number[0], sizeof(number[0]), official->count + official->unnumbered),
	       text_count(number[1], sizeof(number[1]), info.pairs),
	       official->updated[0] ? official->updated : "no date");
	printf("in use: %s table of %s, %s assigned pairs\n",
	       registry_is_imported(import->in_use) ? "imported" : "embedded",
	       text_safe(snapshots, sizeof(snapshots), old.snapshots.text, old.snapshots.length),
	       text_count(number[2], sizeof(number[2]), old.pairs));
}

static void print_text(const struct import *import)
{
	print_tables(import);
	if (import->same)
		puts("nothing changes");
	else if (!import->difference.count)
		puts("nothing changes but the day of the table");
	changes_print_counts(stdout, &import->difference);
	changes_print(stdout, &import->difference,
		      import->command->verbose ? SIZE_MAX : LINES_SHOWN);
	if (import->stored)
		puts("stored as " STORE_PATH);
	else if (!import->same)
		puts("nothing was stored (--dry-run)");
}

static json_t *table_json(const struct registry *registry)
{
	struct registry_info info;

	registry_info(registry, &info);
	return json_pack("{s:o, s:i, s:i}", "snapshots",
			 json_foreign(info.snapshots.text, info.snapshots.length), "rows",
			 (int)info.rows, "pairs", (int)info.pairs);
}

static int print_json(const struct import *import)
{
	const struct official *official = &import->official;
	const char *file = base_name(import->command);
	json_t *json = json_pack(
		"{s:s, s:o, s:s, s:s, s:b, s:I, s:I, s:o, s:o, s:b, s:b, s:s?, s:o, s:o}", "schema",
		"portscribe.registry-import.v1", "file", json_foreign(file, strlen(file)), "sha256",
		import->sha256, "format", official->format == OFFICIAL_XML ? "xml" : "csv",
		"packed", import->packed, "records",
		(json_int_t)(official->count + official->unnumbered), "dates_left_out",
		(json_int_t)official->odd_dates, "before", table_json(import->in_use), "after",
		table_json(import->registry), "same", import->same, "stored", import->stored,
		"forced", import->doubt_count ? import->doubts.text : NULL, "counts",
		changes_counts_json(&import->difference), "changes",
		changes_json(&import->difference));
	int error = json ? json_dumpf(json, stdout, JSON_COMPACT) : -1;

	json_decref(json);
	putchar('\n');
	return error ? refuse("out of memory") : EXIT_DONE;
}

/* ------------------------------------------------------------------ run */

static int import_file(struct import *import)
{
	struct fault fault = {};
	int code = read_file(import);

	if (!code)
		code = read_official(import);
	if (code)
		return code;
	/* Only now: another import need not wait for what arrives on standard input. */
	if (!import->command->dry_run && store_lock(&import->lock, &fault))
		return refuse(fault.text);
	import->in_use = registry_load(&import->trouble);
	if (import->trouble.text[0])
		fprintf(stderr, "the imported table is not in use: %s\n", import->trouble.text);
	code = convert(import);
	if (!code)
		code = judge(import);
	return code ? code : store(import);
}

static void release(struct import *import)
{
	difference_release(&import->difference);
	registry_free(import->registry);
	free(import->table);
	file_unlock(&import->lock);
	official_release(&import->official);
	free(import->text);
}

static int run(int argc, char **argv)
{
	struct import_command command = {};
	struct import import = { .command = &command, .lock = FILE_LOCK_NONE };
	int code = parse(argc, argv, &command);

	if (code)
		return code < 0 ? EXIT_DONE : code;
	code = import_file(&import);
	if (!code && command.json)
		code = print_json(&import);
	else if (!code)
		print_text(&import);
	/* Compared with another table than was asked for; storing one mends that. */
	if (!code && import.trouble.text[0] && !import.stored)
		code = EXIT_INCOMPLETE;
	release(&import);
	return code;
}

const struct command command_registry_import = {
	.name = "registry import",
	.arguments = "[-nvj] [--force] FILE",
	.summary = "Use the official IANA file in place of the table that ships",
	.help = help,
	.run = run,
};
