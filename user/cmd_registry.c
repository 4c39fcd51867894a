/* portscribe registry: where the names come from; `import` is in cmd_registry_import.c. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "cli.h"
#include "registry/head.h"
#include "registry/registry.h"
#include "registry/store.h"
#include "render/json.h"
#include "render/text.h"
#include "scene.h"

struct registry_info_command {
	bool json;
};

/* Everything that info tells, gathered before anything is printed. */
struct registry_facts {
	const struct scene *scene;
	bool imported;
	struct registry_info info;
	struct registry_counts counts;
	struct head head;
};

static const char info_help[] =
	"Says which table of services is in use, the one that ships with the program or\n"
	"an imported one, of what day it is, what it holds, and the files that it was\n"
	"made from, with their licence and SHA-256. A pair is a port with a transport.\n"
	"\n"
	"  -j, --json              schema portscribe.registry.v1\n";

static const struct option info_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int parse_info(int argc, char **argv, struct registry_info_command *command)
{
	int option;

	while ((option = getopt_long(argc, argv, ":jh", info_options, NULL)) >= 0) {
		switch (option) {
		case 'j': command->json = true; break;
		case 'h': cli_help(&command_registry_info); return -1;
		default: return cli_bad_option(&command_registry_info, argv, option);
		}
	}
	return optind < argc ? cli_usage(&command_registry_info, "takes no argument") : 0;
}

static void gather(struct registry_facts *facts)
{
	const struct registry *registry = facts->scene->knowledge.registry;

	facts->imported = registry_is_imported(registry);
	registry_info(registry, &facts->info);
	registry_count(registry, &facts->counts);
	head_read(facts->info.head, &facts->head);
}

/* What is counted, in the order in which it is shown. */
struct fact {
	const char *member, *label;
	unsigned int value;
};

#define FACTS_MAX 16

/* Rows of practice: those of the administrator's files, or all. */
static unsigned int count_practice(const struct overlay_list *overlays, bool only_local)
{
	unsigned int count = 0;

	for (size_t i = 0; i < overlays->count; i++)
		count += overlays->rows[i].local || !only_local;
	return count;
}

static size_t list_facts(const struct registry_facts *facts, struct fact *ret_list)
{
	const struct knowledge *knowledge = &facts->scene->knowledge;
	const struct fact list[] = {
		{ "rows", "rows", facts->info.rows },
		{ "pairs", "assigned pairs", facts->info.pairs },
		{ "pairs_with_assignee", "  with an assignee", facts->counts.with_assignee },
		{ "pairs_with_date", "  with a date", facts->counts.with_date },
		{ "pairs_with_aliases", "  with aliases", facts->counts.with_aliases },
		{ "named_ranges", "named ranges", facts->counts.named_ranges },
		{ "unassigned_ranges", "unassigned ranges", facts->counts.unassigned_ranges },
		{ "practice", "rows of practice", count_practice(&knowledge->overlays, false) },
		{ "practice_local", "  from ports.d", count_practice(&knowledge->overlays, true) },
		{ "companions", "companions", knowledge->companions.count },
	};

	_Static_assert(sizeof(list) / sizeof(list[0]) <= FACTS_MAX, "room for all");
	memcpy(ret_list, list, sizeof(list));
	return sizeof(list) / sizeof(list[0]);
}

static void print_slice(const char *before, struct slice text, const char *after)
{
	char safe[1024];

	printf("%s%s%s", before, text_safe(safe, sizeof(safe), text.text, text.length), after);
}

static void print_sources(const struct head *head)
{
	for (unsigned int i = 0; i < head->source_count; i++) {
		const struct head_source *source = &head->sources[i];

		print_slice(i ? "                     " : "made from            ", source->what,
			    "");
		print_slice(", ", source->date, "");
		print_slice(" (", source->licence, ")\n");
		print_slice("                       SHA-256 ", source->sha256, "\n");
	}
}

static void print_info(const struct registry_facts *facts)
{
	struct fact list[FACTS_MAX];
	size_t count = list_facts(facts, list);
	char number[32];

	if (facts->imported)
		print_slice("in use               imported table " STORE_PATH ", imported ",
			    facts->head.imported, "\n");
	else
		printf("in use               embedded table of portscribe %s\n",
		       PORTSCRIBE_VERSION);
	print_slice("snapshots            ", facts->info.snapshots, "\n");
	for (size_t i = 0; i < count; i++)
		printf("%-20s %s\n", list[i].label,
		       text_count(number, sizeof(number), list[i].value));
	print_sources(&facts->head);
}

/* The dates, which are separated by blanks. */
static json_t *snapshots_json(struct slice text)
{
	json_t *array = json_array();
	const char *at = text.text, *end = text.text + text.length, *blank;

	for (; at < end; at = blank + 1) {
		blank = memchr(at, ' ', end - at);
		if (!blank)
			blank = end;
		json_array_append_new(array, json_foreign(at, blank - at));
	}
	return array;
}

static json_t *sources_json(const struct head *head)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < head->source_count; i++) {
		const struct head_source *source = &head->sources[i];

		json_array_append_new(array, json_pack("{s:o, s:o, s:o, s:o}", "what",
						       json_slice(source->what), "date",
						       json_slice(source->date), "licence",
						       json_slice(source->licence), "sha256",
						       json_slice(source->sha256)));
	}
	return array;
}

static json_t *complaints_json(const struct scene *scene)
{
	json_t *array = json_array();

	for (size_t i = 0; i < scene->complaint_count; i++)
		json_array_append_new(
			array, json_foreign(scene->complaints[i], strlen(scene->complaints[i])));
	return array;
}

static int print_json(const struct registry_facts *facts)
{
	struct fact list[FACTS_MAX];
	size_t count = list_facts(facts, list);
	json_t *json = json_pack(
		"{s:s, s:s, s:s?, s:o, s:o, s:o, s:o}", "schema", "portscribe.registry.v1",
		"in_use", facts->imported ? "imported" : "embedded", "path",
		facts->imported ? STORE_PATH : NULL, "imported", json_slice(facts->head.imported),
		"snapshots", snapshots_json(facts->info.snapshots), "sources",
		sources_json(&facts->head), "complaints", complaints_json(facts->scene));
	int error;

	for (size_t i = 0; i < count; i++)
		json_object_set_new(json, list[i].member, json_integer(list[i].value));
	error = json ? json_dumpf(json, stdout, JSON_COMPACT) : -1;
	json_decref(json);
	putchar('\n');
	return error ? cli_fail(&command_registry_info, EXIT_RUNTIME, "out of memory") : EXIT_DONE;
}

static int run_info(int argc, char **argv)
{
	struct registry_info_command command = {};
	struct scene scene;
	struct registry_facts facts = { .scene = &scene };
	int code = parse_info(argc, argv, &command);

	if (code)
		return code < 0 ? EXIT_DONE : code;
	code = cli_enter(&command_registry_info, NULL, &scene);
	if (code)
		return code;
	gather(&facts);
	if (command.json)
		code = print_json(&facts);
	else
		print_info(&facts);
	return cli_leave(&scene, code);
}

const struct command command_registry_info = {
	.name = "registry info",
	.arguments = "[-j]",
	.summary = "Which table of services is in use, what it holds and where it comes from",
	.help = info_help,
	.run = run_info,
};

/* ------------------------------------------------------------------ its parts */

static const struct {
	const char *word;
	const struct command *command;
} parts[] = {
	{ "info", &command_registry_info },
	{ "import", &command_registry_import },
};

static const char help[] =
	"  info                    which table of services is in use, and its sources\n"
	"  import FILE             use the official IANA file from now on\n"
	"\n"
	"`portscribe registry PART --help` lists the options of a part.\n";

static int run(int argc, char **argv)
{
	if (argc < 2)
		return cli_usage(&command_registry, "say what: info, import");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return cli_help(&command_registry);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strcmp(argv[1], parts[i].word))
			return parts[i].command->run(argc - 1, argv + 1);
	return cli_usage(&command_registry, "'%s' is neither info nor import", argv[1]);
}

const struct command command_registry = {
	.name = "registry",
	.arguments = "info|import ...",
	.summary = "The table of services: what is in use; import a newer one",
	.help = help,
	.run = run,
};
