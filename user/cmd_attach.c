/* portscribe attach: count from now on, also when no process of ours runs. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli.h"
#include "datapath/datapath.h"
#include "render/text.h"
#include "scene.h"
#include "util/cleanup.h"

struct attach_command {
	const char **interfaces; /* owned; the names are argv's */
	size_t interface_count;
	const char *netns;
	bool json;
	struct attach_options options;
};

static const char help[] =
	"  -i, --interface IFACE   count on IFACE (may be repeated); without it: on the\n"
	"                          lowest devices, so that a packet counts once\n"
	"  -N, --netns NETNS       in that network namespace (a name, or a path with '/')\n"
	"      --xdp[=generic]     arriving packets at XDP, before tc: for physical devices\n"
	"      --clsact            a clsact filter also where the kernel has tcx\n"
	"      --local-only        no memory for the other side's ports: half the table\n"
	"      --memory SIZE       allow SIZE (such as 200M) for the table\n"
	"  -j, --json              schema portscribe.attach.v1\n"
	"\n"
	"Run again, it upgrades the program in place, without losing a packet or a\n"
	"count, and adds interfaces. `portscribe detach` ends the counting.\n";

enum { OPTION_XDP = OPTION_LONG, OPTION_CLSACT, OPTION_LOCAL_ONLY, OPTION_MEMORY };

static const struct option long_options[] = {
	{ "interface", required_argument, NULL, 'i' },
	{ "netns", required_argument, NULL, 'N' },
	{ "xdp", optional_argument, NULL, OPTION_XDP },
	{ "clsact", no_argument, NULL, OPTION_CLSACT },
	{ "local-only", no_argument, NULL, OPTION_LOCAL_ONLY },
	{ "memory", required_argument, NULL, OPTION_MEMORY },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int parse(int argc, char **argv, struct attach_command *command)
{
	int option;

	command->interfaces = calloc(argc, sizeof(*command->interfaces));
	if (!command->interfaces)
		return cli_fail(&command_attach, EXIT_RUNTIME, "out of memory");
	while ((option = getopt_long(argc, argv, ":i:N:jh", long_options, NULL)) >= 0) {
		switch (option) {
		case 'i': command->interfaces[command->interface_count++] = optarg; break;
		case 'N': command->netns = optarg; break;
		case 'j': command->json = true; break;
		case 'h': cli_help(&command_attach); return -1;
		case OPTION_CLSACT: command->options.clsact = true; break;
		case OPTION_LOCAL_ONLY: command->options.local_only = true; break;
		case OPTION_XDP:
			if (optarg && strcmp(optarg, "generic") && strcmp(optarg, "native"))
				return cli_usage(&command_attach,
						 "--xdp=%s: 'native' or 'generic' expected",
						 optarg);
			command->options.xdp =
				optarg && !strcmp(optarg, "generic") ? XDP_IN_STACK : XDP_IN_DRIVER;
			break;
		case OPTION_MEMORY:
			if (cli_parse_size(optarg, &command->options.memory_limit))
				return cli_usage(&command_attach,
						 "--memory '%s' is no size such as 200M", optarg);
			break;
		default: return cli_bad_option(&command_attach, argv, option);
		}
	}
	if (optind < argc)
		return cli_usage(&command_attach, "'%s' is no option; interfaces are named with -i",
				 argv[optind]);
	return 0;
}

static void report_json(const struct attach_report *attached)
{
	json_t *json = json_pack(
		"{s:s, s:b, s:I, s:I, s:I, s:b, s:I}", "schema", "portscribe.attach.v1", "created",
		attached->created, "added", (json_int_t)attached->added, "upgraded",
		(json_int_t)attached->upgraded, "memory", (json_int_t)attached->memory,
		"spans_changed", attached->respanned, "residue", (json_int_t)attached->residue);

	if (json)
		json_dumpf(json, stdout, JSON_COMPACT);
	json_decref(json);
	putchar('\n');
}

static void report(const struct attach_report *attached)
{
	char memory[32], residue[32];

	printf("%s: %zu interface%s added, %zu upgraded; %s of memory\n",
	       attached->created ? "counting" : "counting on", attached->added,
	       attached->added == 1 ? "" : "s", attached->upgraded,
	       text_bytes(memory, sizeof(memory), attached->memory));
	if (attached->respanned)
		puts("spans have changed; new ones start from what their ports have counted");
	if (attached->residue)
		fprintf(stderr,
			"portscribe attach: spans may be off by up to %s packets: traffic never "
			"paused while they changed\n",
			text_count(residue, sizeof(residue), attached->residue));
}

static int attach(struct attach_command *command)
{
	struct attach_report attached;
	struct fault fault = {};
	struct scene scene;
	int code = cli_enter(&command_attach, command->netns, &scene), error;

	if (code)
		return code;
	if (command->interface_count) {
		command->options.interfaces = command->interfaces;
		command->options.interface_count = command->interface_count;
	}
	command->options.pinned = true;
	command->options.spans = &scene.knowledge.spans;
	command->options.netns_name = command->netns ? command->netns : "";
	error = datapath_attach(&command->options, NULL, &attached, &fault);
	if (error)
		code = cli_fail(&command_attach, EXIT_RUNTIME, "%s", fault.text);
	else
		(command->json ? report_json : report)(&attached);
	return cli_leave(&scene, code);
}

static int run(int argc, char **argv)
{
	struct attach_command command = {};
	int code = parse(argc, argv, &command);

	if (!code)
		code = attach(&command);
	free(command.interfaces);
	return code < 0 ? EXIT_DONE : code;
}

const struct command command_attach = {
	.name = "attach",
	.arguments = "[-i IFACE]... [-N NETNS] [--xdp] [--local-only] [--memory SIZE] [-j]",
	.summary = "Count packets per port from now on, also when no process runs",
	.help = help,
	.run = run,
};
