/* portscribe annotate: an nftables file with comments that say what its ports are. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli.h"
#include "datapath/datapath.h"
#include "nft/annotate.h"
#include "render/json.h"
#include "scene.h"
#include "util/cleanup.h"
#include "util/file.h"

struct annotate_command {
	const char *path;
	const char *netns;
	bool traffic, json;
};

static const char help[] =
	"Prints FILE (- is standard input) with a comment \"[ps] ...\" on each plain rule\n"
	"that names ports; every other byte stays as it is. Rules that are left alone are\n"
	"listed on stderr with the reason. A comment of somebody else is never touched.\n"
	"\n"
	"      --traffic           add what was counted here for the ports; a port's count\n"
	"                          is not the rule's\n"
	"  -N, --netns NETNS       take the counts of that network namespace\n"
	"  -j, --json              schema portscribe.annotate.v1 instead of the text\n";

enum { OPTION_TRAFFIC = OPTION_LONG };

static const struct option long_options[] = {
	{ "traffic", no_argument, NULL, OPTION_TRAFFIC },
	{ "netns", required_argument, NULL, 'N' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int parse(int argc, char **argv, struct annotate_command *command)
{
	int option;

	while ((option = getopt_long(argc, argv, ":N:jh", long_options, NULL)) >= 0) {
		switch (option) {
		case OPTION_TRAFFIC: command->traffic = true; break;
		case 'N': command->netns = optarg; break;
		case 'j': command->json = true; break;
		case 'h': cli_help(&command_annotate); return -1;
		default: return cli_bad_option(&command_annotate, argv, option);
		}
	}
	if (argc - optind != 1)
		return cli_usage(&command_annotate, "%s",
				 optind == argc ? "a FILE is needed (- is standard input)"
						: "one FILE at a time");
	if (command->netns && !command->traffic)
		return cli_usage(&command_annotate, "-N says whose counts: it goes with --traffic");
	command->path = argv[optind];
	return 0;
}

static const char *shown_path(const struct annotate_command *command)
{
	return strcmp(command->path, "-") ? command->path : "(standard input)";
}

static int print_json(const struct annotate_command *command, const struct annotate_result *result)
{
	json_t *skips = json_array(), *json;
	int error;

	for (size_t i = 0; i < result->skip_count; i++)
		json_array_append_new(skips, json_pack("{s:i, s:i, s:s}", "line",
						       (int)result->skips[i].line, "column",
						       (int)result->skips[i].column, "reason",
						       result->skips[i].reason));
	json = json_pack("{s:s, s:o, s:I, s:I, s:o, s:o}", "schema", "portscribe.annotate.v1",
			 "file", json_foreign(command->path, strlen(command->path)), "rules",
			 (json_int_t)result->rules, "comments", (json_int_t)result->comments,
			 "left_alone", skips, "text", json_foreign(result->text, result->length));
	error = json ? json_dumpf(json, stdout, JSON_COMPACT) : -1;
	json_decref(json);
	putchar('\n');
	return error ? cli_fail(&command_annotate, EXIT_RUNTIME, "out of memory") : EXIT_DONE;
}

static int print_result(const struct annotate_command *command,
			const struct annotate_result *result)
{
	if (command->json)
		return print_json(command, result);
	fwrite(result->text, 1, result->length, stdout);
	for (size_t i = 0; i < result->skip_count; i++)
		fprintf(stderr, "%s:%u:%u: left alone: %s\n", shown_path(command),
			result->skips[i].line, result->skips[i].column, result->skips[i].reason);
	return EXIT_DONE;
}

static int annotate(const struct annotate_command *command, const struct comment_facts *facts)
{
	struct annotate_result result = {};
	_cleanup_free_ char *text = NULL;
	size_t length;
	int error = file_read(command->path, &text, &length), code;

	if (error)
		return cli_fail(&command_annotate, EXIT_RUNTIME, "cannot read '%s': %s",
				command->path, strerror(-error));
	error = nft_annotate(text, length, facts, &result);
	if (error == -EINVAL && result.skip_count)
		code = cli_fail(&command_annotate, EXIT_RUNTIME,
				"%s:%u:%u: %s; nothing was written", shown_path(command),
				result.skips[0].line, result.skips[0].column,
				result.skips[0].reason);
	else if (error)
		code = cli_fail(&command_annotate, EXIT_RUNTIME, "cannot annotate '%s': %s",
				command->path, strerror(-error));
	else
		code = print_result(command, &result);
	annotate_result_release(&result);
	return code;
}

static int take_snapshot(struct snapshot **ret_snapshot)
{
	struct datapath *datapath;
	struct fault fault = {};
	int error = datapath_open(&datapath, &fault);

	if (error)
		return cli_fail(&command_annotate, EXIT_RUNTIME, "%s",
				error == -ENOENT
					? "nothing is counted here, so --traffic has nothing "
					  "to add; type: portscribe attach"
					: fault.text);
	error = datapath_snapshot(datapath, ret_snapshot);
	datapath_close(datapath);
	return error ? cli_fail(&command_annotate, EXIT_RUNTIME, "cannot read the counters: %s",
				strerror(-error))
		     : 0;
}

static int run(int argc, char **argv)
{
	struct annotate_command command = {};
	struct snapshot *snapshot = NULL;
	struct scene scene;
	int code = parse(argc, argv, &command);

	if (code)
		return code < 0 ? EXIT_DONE : code;
	code = cli_enter(&command_annotate, command.netns, &scene);
	if (code)
		return code;
	if (command.traffic)
		code = take_snapshot(&snapshot);
	if (!code)
		code = annotate(&command, &(struct comment_facts){ &scene.knowledge, snapshot,
								   scene_service_port });
	snapshot_free(snapshot);
	return cli_leave(&scene, code);
}

const struct command command_annotate = {
	.name = "annotate",
	.arguments = "[--traffic [-N NETNS]] [-j] FILE",
	.summary = "Print an nftables file with comments that say what its ports are",
	.help = help,
	.run = run,
};
