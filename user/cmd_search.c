/* portscribe search: ports by words of their names, descriptions and uses. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli.h"
#include "registry/search.h"
#include "render/json.h"
#include "render/table.h"
#include "render/text.h"
#include "scene.h"
#include "what.h"

#define ROWS_SHOWN 30
#define WORD_MIN   2 /* letters: one would find everything */

struct search_command {
	bool all, json;
};

static const char help[] =
	"Finds registered services by name, description and assignee, and what is found in\n"
	"practice by name, program and description. All WORDS must be there, in any case;\n"
	"best matches first. `portscribe explain PORT` tells more of one.\n"
	"\n"
	"  -a, --all               all matches, not only the first 30\n"
	"  -j, --json              schema portscribe.search.v1\n"
	"\n"
	"Exit status 1: nothing found.\n";

static const struct option long_options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int parse(int argc, char **argv, struct search_command *command)
{
	int option;

	while ((option = getopt_long(argc, argv, ":ajh", long_options, NULL)) >= 0) {
		switch (option) {
		case 'a': command->all = true; break;
		case 'j': command->json = true; break;
		case 'h': cli_help(&command_search); return -1;
		default: return cli_bad_option(&command_search, argv, option);
		}
	}
	return 0;
}

/* One search for "ups management" typed as one argument or as two. */
static int split_words(int count, char **arguments, char ***ret_words, size_t *ret_count)
{
	char **words = NULL;
	size_t found = 0;

	for (int i = 0; i < count; i++)
		for (char *word = strtok(arguments[i], " \t"); word; word = strtok(NULL, " \t")) {
			char **grown = reallocarray(words, found + 1, sizeof(*words));

			if (!grown) {
				free(words);
				return -1;
			}
			words = grown;
			words[found++] = word;
		}
	*ret_words = words;
	*ret_count = found;
	return 0;
}

static int check_words(char *const *words, size_t count)
{
	if (!count)
		return cli_usage(&command_search, "say what to search for: one word or more");
	for (size_t i = 0; i < count; i++)
		if (strlen(words[i]) < WORD_MIN)
			return cli_usage(&command_search,
					 "'%s' is too short to search for: two letters at least",
					 words[i]);
	return EXIT_DONE;
}

static void cell_of(struct table *table, struct slice text, const char *instead)
{
	char safe[1024];

	table_cell(table,
		   text.length ? text_safe(safe, sizeof(safe), text.text, text.length) : instead);
}

static void ports_cell(struct table *table, uint16_t first, uint16_t last, uint8_t transports)
{
	char text[64], names[32];

	transports_text(names, sizeof(names), transports);
	if (first == last)
		snprintf(text, sizeof(text), "%u/%s", first, names);
	else
		snprintf(text, sizeof(text), "%u-%u/%s", first, last, names);
	table_cell(table, text);
}

static struct slice sentence_of(const struct overlay *row)
{
	return row->text.length ? row->text : row->label;
}

static void add_row(struct table *table, const struct search_hit *hit)
{
	static const char *const status[] = { "registered", "reserved", "unassigned" };

	if (hit->overlay) {
		const struct overlay *row = hit->overlay;

		ports_cell(table, row->first, row->last, row->transports);
		cell_of(table, row->name, "-");
		table_cell(table, overlay_kind_word(row->kind));
		cell_of(table, sentence_of(row), "");
		return;
	}
	ports_cell(table, hit->service->first, hit->service->last, hit->service->transports);
	cell_of(table, hit->service->name, "-");
	table_cell(table, status[hit->service->status]);
	cell_of(table, hit->service->description, "");
}

static int print_text(const struct search_command *command, const struct search_hits *found)
{
	size_t shown = command->all || found->count < ROWS_SHOWN ? found->count : ROWS_SHOWN;
	struct table table = { .width = text_terminal_width(stdout) };
	int error;

	table_column(&table, "PORT", false);
	table_column(&table, "NAME", false);
	table_column(&table, "KIND", false);
	table_column(&table, "WHAT", false);
	for (size_t i = 0; i < shown; i++)
		add_row(&table, &found->hits[i]);
	error = table_print(&table, stdout, text_colour(stdout));
	table_release(&table);
	if (error)
		return cli_fail(&command_search, EXIT_RUNTIME, "out of memory");
	if (shown < found->count)
		printf("and %zu more (-a)\n", found->count - shown);
	return EXIT_DONE;
}

static json_t *json_hit(const struct search_hit *hit)
{
	const struct service *service = hit->service;
	const struct overlay *row = hit->overlay;
	static const char *const status[] = { "assigned", "reserved", "unassigned" };

	if (row)
		return json_pack("{s:i, s:i, s:o, s:o, s:s, s:o, s:i}", "first", (int)row->first,
				 "last", (int)row->last, "transports",
				 json_transports(row->transports), "name", json_slice(row->name),
				 "kind", overlay_kind_word(row->kind), "text",
				 json_slice(sentence_of(row)), "score", (int)hit->score);
	return json_pack("{s:i, s:i, s:o, s:o, s:s, s:o, s:i}", "first", (int)service->first,
			 "last", (int)service->last, "transports",
			 json_transports(service->transports), "name", json_slice(service->name),
			 "kind", status[service->status], "text", json_slice(service->description),
			 "score", (int)hit->score);
}

static int print_json(const struct search_hits *found)
{
	json_t *matches = json_array(), *object;

	for (size_t i = 0; i < found->count; i++)
		json_array_append_new(matches, json_hit(&found->hits[i]));
	object = json_pack("{s:s, s:o}", "schema", "portscribe.search.v1", "matches", matches);
	if (!object)
		return cli_fail(&command_search, EXIT_RUNTIME, "out of memory");
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
	return EXIT_DONE;
}

static int find(const struct search_command *command, char **words, size_t count)
{
	struct search_hits found = {};
	struct scene scene;
	int code = cli_enter(&command_search, NULL, &scene);

	if (code)
		return code;
	if (search(&scene.knowledge, (const char *const *)words, count, &found))
		code = cli_fail(&command_search, EXIT_RUNTIME, "out of memory");
	else if (command->json)
		code = print_json(&found);
	else if (found.count)
		code = print_text(command, &found);
	else
		fprintf(stderr, "portscribe search: nothing found; fewer words find more\n");
	if (!code && !found.count)
		code = EXIT_FINDINGS;
	free(found.hits);
	return cli_leave(&scene, code);
}

static int run(int argc, char **argv)
{
	struct search_command command = {};
	char **words = NULL;
	size_t count = 0;
	int code = parse(argc, argv, &command);

	if (code)
		return code < 0 ? EXIT_DONE : code;
	if (split_words(argc - optind, argv + optind, &words, &count))
		return cli_fail(&command_search, EXIT_RUNTIME, "out of memory");
	code = check_words(words, count);
	if (!code)
		code = find(&command, words, count);
	free(words);
	return code;
}

const struct command command_search = {
	.name = "search",
	.arguments = "[-a] [-j] WORD...",
	.summary = "Ports by words of their names, descriptions and uses",
	.help = help,
	.run = run,
};
