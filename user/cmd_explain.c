/* portscribe explain: what a port is, by the registry, the spans and the counters. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli.h"
#include "datapath/datapath.h"
#include "explain.h"
#include "render/text.h"
#include "scene.h"
#include "what.h"

struct explain_command {
	const char *netns;
	bool json;
};

static const char help[] =
	"WHAT is a port (3069), with a transport (udp/3069), a range (3224-3324), a\n"
	"service name (ls3) or a span (framehawk). A name is what IANA registered for a\n"
	"number; it does not say which program uses the port.\n"
	"\n"
	"  -N, --netns NETNS       counters and ephemeral range of that network namespace\n"
	"  -j, --json              schema portscribe.explain.v1\n"
	"\n"
	"Works without privilege; then the counters are left out, and a line says so.\n";

static const struct option long_options[] = {
	{ "netns", required_argument, NULL, 'N' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int parse(int argc, char **argv, struct explain_command *command)
{
	int option;

	while ((option = getopt_long(argc, argv, ":N:jh", long_options, NULL)) >= 0) {
		switch (option) {
		case 'N': command->netns = optarg; break;
		case 'j': command->json = true; break;
		case 'h': cli_help(&command_explain); return -1;
		default: return cli_bad_option(&command_explain, argv, option);
		}
	}
	if (optind == argc)
		return cli_usage(&command_explain, "say what: a port, a range, a name");
	return 0;
}

/* Counters are a bonus: without them the answer is given, and says why they are missing. */
static void read_counters(struct explain_facts *facts, struct fault *fault)
{
	struct datapath *datapath;
	int error = datapath_open(&datapath, fault);

	if (error) {
		facts->counters_missing =
			error == -ENOENT ? "nothing is counted here (portscribe attach begins)"
					 : fault->text;
		return;
	}
	if (datapath_snapshot(datapath, &facts->traffic))
		facts->counters_missing = "out of memory";
	datapath_close(datapath);
}

static int explain_one(const char *text, const struct explain_command *command,
		       const struct explain_facts *facts, bool first)
{
	struct fault fault = {};
	struct what what;

	if (what_parse(text, facts->scene->registry, &facts->scene->spans, &what, &fault))
		return cli_usage(&command_explain, "%s", fault.text);
	if (command->json) {
		json_t *json = explain_json(&what, facts);

		if (json)
			json_dumpf(json, stdout, JSON_COMPACT);
		json_decref(json);
		putchar('\n');
	} else {
		if (!first)
			putchar('\n');
		explain_print(stdout, &what, facts);
	}
	what_release(&what);
	return EXIT_DONE;
}

static int run(int argc, char **argv)
{
	struct explain_command command = {};
	struct fault fault = {};
	struct scene scene;
	struct explain_facts facts = { .scene = &scene };
	int code = parse(argc, argv, &command);

	if (code)
		return code < 0 ? EXIT_DONE : code;
	if (scene_enter(command.netns, &scene, &fault))
		return cli_fail(&command_explain, EXIT_RUNTIME, "%s", fault.text);
	read_counters(&facts, &fault);
	for (int i = optind; i < argc && !code; i++)
		code = explain_one(argv[i], &command, &facts, i == optind);
	snapshot_free(facts.traffic);
	scene_release(&scene);
	return code;
}

const struct command command_explain = {
	.name = "explain",
	.arguments = "[-N NETNS] [-j] WHAT...",
	.summary = "What a port, range, service or span is, and what was counted there",
	.help = help,
	.run = run,
};
