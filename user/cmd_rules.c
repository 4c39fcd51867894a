/* portscribe rules: the live ruleset, or a file's, with its ports explained. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli.h"
#include "datapath/datapath.h"
#include "net/listeners.h"
#include "nft/includes.h"
#include "nft/describe.h"
#include "nft/live/view.h"
#include "render/json.h"
#include "render/text.h"
#include "rules/facts.h"
#include "rules/rules.h"
#include "util/cleanup.h"
#include "util/file.h"

#define FILE_LIMIT ((size_t)1 << 30)

struct rules_command {
	const char *path; /* NULL: the live ruleset */
	const char *netns;
	const char *what; /* NULL: all */
	bool json, verbose, handles;
};

static const char help[] =
	"Prints the ruleset as nft lists it, and below each rule or element that concerns\n"
	"ports what they are: names, what is known, who listens, what was counted here for\n"
	"the port, and the rule's own counter. With WHAT (a port, transport/port, name,\n"
	"span or range) only what concerns it. Changes nothing.\n"
	"\n"
	"  -f, --file FILE         the ruleset in FILE (- is standard input), which may be\n"
	"                          another host's: without listeners and counts\n"
	"  -N, --netns NETNS       of that network namespace (a name, or a path with '/')\n"
	"  -a, --handle            with the handles of the rules\n"
	"  -v, --verbose           each port of rules that name many, and whom the ruleset\n"
	"                          lets in to it, as WHAT does\n"
	"  -j, --json              schema portscribe.rules.v1\n";

static const struct option long_options[] = {
	{ "file", required_argument, NULL, 'f' },
	{ "netns", required_argument, NULL, 'N' },
	{ "handle", no_argument, NULL, 'a' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int parse(int argc, char **argv, struct rules_command *command)
{
	int option;

	while ((option = getopt_long(argc, argv, ":f:N:avjh", long_options, NULL)) >= 0) {
		switch (option) {
		case 'f': command->path = optarg; break;
		case 'N': command->netns = optarg; break;
		case 'a': command->handles = true; break;
		case 'v': command->verbose = true; break;
		case 'j': command->json = true; break;
		case 'h': cli_help(&command_rules); return -1;
		default: return cli_bad_option(&command_rules, argv, option);
		}
	}
	if (argc - optind > 1)
		return cli_usage(&command_rules, "one WHAT at a time");
	command->what = argv[optind];
	if (command->path && command->netns)
		return cli_usage(&command_rules, "-f is a file's ruleset, -N a live one");
	return 0;
}

/* ---- what is shown ---- */

struct show {
	const struct rules_command *command;
	const struct scene *scene;
	struct comment_facts comment;
	struct live_view view; /* of the live ruleset */
	char *text;	       /* owned: of a file */
	size_t length;
	struct include_files includes;
	struct rules rules;
	struct snapshot *traffic;	  /* NULL: nothing is counted here */
	struct listener_ports *listeners; /* owned; NULL: not known */
	struct what what;
	size_t unknown;			   /* items whose ports are not known */
	struct admission_port *admissions; /* owned; whom the ruleset lets in, where asked */
	size_t admission_count;
};

static void show_release(struct show *show)
{
	live_view_release(&show->view);
	free(show->text);
	include_files_release(&show->includes);
	rules_release(&show->rules);
	snapshot_free(show->traffic);
	free(show->listeners);
	what_release(&show->what);
	free(show->admissions);
}

static int read_live(struct show *show)
{
	struct fault fault = {};
	int error = live_view_read(ELEMENTS_ALL, &show->view, &fault);

	if (error)
		return cli_fail(&command_rules, EXIT_RUNTIME, "%s%s", fault.text,
				error == -EPERM ? " (needs CAP_NET_ADMIN; try sudo)" : "");
	if (show->view.harmless)
		cli_fail(&command_rules, EXIT_DONE,
			 "%zu names or comments hold quotes or control bytes; '_' stands for those",
			 show->view.harmless);
	return 0;
}

/* Of the machine, as far as it can be had: neither is what was asked for first. */
static void read_machine(struct show *show)
{
	struct datapath *datapath;

	show->listeners = malloc(sizeof(*show->listeners));
	if (show->listeners && listener_ports_read(show->listeners, NULL)) {
		free(show->listeners);
		show->listeners = NULL;
	}
	if (datapath_open(&datapath, NULL))
		return;
	if (datapath_snapshot(datapath, &show->traffic))
		show->traffic = NULL;
	datapath_close(datapath);
}

static int read_ruleset(struct show *show)
{
	struct fault fault = {};

	if (!show->command->path) {
		read_machine(show);
		return read_live(show);
	}
	if (file_read_limited(show->command->path, FILE_LIMIT, &show->text, &show->length, &fault))
		return cli_fail(&command_rules, EXIT_RUNTIME, "%s", fault.text);
	return 0;
}

static int understand(struct show *show)
{
	bool live = !show->command->path;
	struct text_error place;
	int error = rules_read(live ? show->view.text : show->text,
			       live ? show->view.length : show->length, &show->comment,
			       &show->includes.callbacks, &show->rules, &place);

	if (error == -EINVAL)
		return cli_fail(&command_rules, EXIT_RUNTIME, "%s:%u:%u: %s",
				live ? "(the live ruleset)" : show->command->path, place.line,
				place.column, place.reason);
	if (error)
		return cli_fail(&command_rules, EXIT_RUNTIME, "%s", strerror(-error));
	for (size_t i = 0; i < show->rules.count; i++)
		show->unknown += show->rules.items[i].reason != NULL;
	return 0;
}

static bool is_one_port(const struct port_use *use)
{
	return use->role == PORT_DESTINATION && !use->negated && use->first == use->last;
}

/*
 * Whom the whole ruleset lets in to the ports that are shown. For a large one that
 * takes longer than listing it, so only for who asks for a port, or for everything.
 */
static int read_admissions(struct show *show)
{
	const struct rules *rules = &show->rules;
	struct fault fault = {};
	size_t room = rules->use_count * TRANSPORT_COUNT + 1;

	if (show->command->path || !(show->command->what || show->command->verbose))
		return 0;
	show->admissions = calloc(room, sizeof(*show->admissions));
	if (!show->admissions)
		return cli_fail(&command_rules, EXIT_RUNTIME, "out of memory");
	for (size_t i = 0; i < rules->count; i++)
		for (size_t k = 0; k < rules->items[i].use_count; k++) {
			const struct port_use *use = &rules->uses[rules->items[i].first_use + k];
			uint8_t transports = use_transports(use);

			for (enum transport t = 0; t < TRANSPORT_COUNT && is_one_port(use); t++)
				if (transports & 1u << t)
					show->admissions[show->admission_count++] =
						(struct admission_port){ t, use->first, "" };
		}
	qsort(show->admissions, show->admission_count, sizeof(*show->admissions),
	      admission_compare);
	if (admissions_of(&show->view.kernel, show->admissions, show->admission_count, &fault)) {
		show->admission_count = 0;
		cli_fail(&command_rules, EXIT_INCOMPLETE,
			 "whom the ruleset lets in is left out: %s", fault.text);
		return EXIT_INCOMPLETE;
	}
	return 0;
}

static const struct keeper *find_keeper(const void *data, struct slice family, struct slice table)
{
	return live_view_keeper(data, family, table);
}

static int print_json(const struct show *show, const struct rules_facts *facts)
{
	json_t *rules = rules_json(&show->rules, facts), *json;
	int error;

	json = json_pack("{s:s, s:o, s:O, s:O}", "schema", "portscribe.rules.v1", "file",
			 show->command->path
				 ? json_foreign(show->command->path, strlen(show->command->path))
				 : json_null(),
			 "rules", json_object_get(rules, "rules"), "elements",
			 json_object_get(rules, "elements"));
	json_decref(rules);
	error = json ? json_dumpf(json, stdout, JSON_COMPACT) : -1;
	json_decref(json);
	putchar('\n');
	return error ? cli_fail(&command_rules, EXIT_RUNTIME, "out of memory") : EXIT_DONE;
}

static int print_text(const struct show *show, const struct rules_facts *facts)
{
	const struct rules_style style = {
		.colour = text_colour(stdout),
		.all = show->command->verbose,
		.handles = show->command->handles,
		.whole = !show->command->what,
	};

	if (rules_print(stdout, &show->rules, facts, &style))
		return cli_fail(&command_rules, EXIT_RUNTIME, "out of memory");
	if (!show->command->what)
		return EXIT_DONE;
	if (!show->rules.count)
		printf("no rule and no element of a set names %s\n", show->command->what);
	if (show->unknown)
		printf("%s%zu rules or elements name ports that are not known; portscribe rules "
		       "shows them\n",
		       show->rules.count ? "\n" : "", show->unknown);
	return EXIT_DONE;
}

static int show_rules(struct show *show)
{
	struct rules_facts facts = { .comment = &show->comment };
	struct fault fault = {};
	int code = 0, incomplete;

	if (show->command->what &&
	    what_parse(show->command->what, &show->scene->knowledge, &show->what, &fault))
		code = cli_usage(&command_rules, "%s", fault.text);
	if (!code)
		code = read_ruleset(show);
	if (!code)
		code = understand(show);
	if (code)
		return code;
	facts.traffic = show->traffic;
	facts.listeners = show->listeners;
	if (!show->command->path) {
		facts.keeper = find_keeper;
		facts.keeper_data = &show->view;
	}
	if (show->command->what)
		rules_keep(&show->rules, &show->what);
	incomplete = read_admissions(show);
	facts.admissions = show->admissions;
	facts.admission_count = show->admission_count;
	code = show->command->json ? print_json(show, &facts) : print_text(show, &facts);
	return code ? code : incomplete;
}

static int run(int argc, char **argv)
{
	struct rules_command command = {};
	struct scene scene;
	struct show show = { .command = &command, .scene = &scene };
	int code = parse(argc, argv, &command);

	if (code)
		return code < 0 ? EXIT_DONE : code;
	code = cli_enter(&command_rules, command.netns, &scene);
	if (code)
		return code;
	show.comment = (struct comment_facts){ &scene.knowledge, NULL, scene_service_port };
	include_files_init(&show.includes);
	code = show_rules(&show);
	show_release(&show);
	return cli_leave(&scene, code);
}

const struct command command_rules = {
	.name = "rules",
	.arguments = "[-f FILE | -N NETNS] [-a] [-v] [-j] [WHAT]",
	.summary = "Show the nftables ruleset with its ports explained",
	.help = help,
	.run = run,
};
