/*
 * portscribe run: a look at this machine. Counts for a while with links that
 * end with the process, shows the ports live, then tells what it saw.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "cli.h"
#include "datapath/datapath.h"
#include "join.h"
#include "nft/annotate.h"
#include "nft/ruleset.h"
#include "render/json.h"
#include "render/report.h"
#include "render/text.h"
#include "scene.h"
#include "util/cleanup.h"

#define LIVE_ROWS    15
#define SUMMARY_ROWS 40

struct run_command {
	const char **interfaces; /* owned; the names are argv's */
	size_t interface_count;
	const char *netns;
	double seconds;
	bool json;
	struct attach_options options;
};

/* What it looks with: a counting of its own, or the one that is pinned already. */
struct look {
	struct scene scene;
	struct datapath *datapath;
	bool borrowed;
};

static const char help[] =
	"Counts on this machine's lowest interfaces for 10 seconds, shows the ports live,\n"
	"then prints ports, spans, what had no ports, and the live nftables ruleset with\n"
	"names and counts. Nothing stays behind, whatever ends it. Where `portscribe\n"
	"attach` counts already, it reads that and leaves it alone.\n"
	"\n"
	"      --for SECONDS       how long (default 10; Ctrl-C ends it early)\n"
	"  -i, --interface IFACE   count on IFACE (may be repeated)\n"
	"  -N, --netns NETNS       in that network namespace (a name, or a path with '/')\n"
	"      --xdp[=generic]     arriving packets at XDP, before tc\n"
	"      --clsact            clsact filters also where the kernel has tcx\n"
	"      --memory SIZE       allow SIZE (such as 200M) for the table\n"
	"  -j, --json              schema portscribe.run.v1, at the end\n";

enum { OPTION_FOR = OPTION_LONG, OPTION_XDP, OPTION_CLSACT, OPTION_MEMORY };

static const struct option long_options[] = {
	{ "for", required_argument, NULL, OPTION_FOR },
	{ "interface", required_argument, NULL, 'i' },
	{ "netns", required_argument, NULL, 'N' },
	{ "xdp", optional_argument, NULL, OPTION_XDP },
	{ "clsact", no_argument, NULL, OPTION_CLSACT },
	{ "memory", required_argument, NULL, OPTION_MEMORY },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int parse(int argc, char **argv, struct run_command *command)
{
	int option;

	command->interfaces = calloc(argc, sizeof(*command->interfaces));
	if (!command->interfaces)
		return cli_fail(&command_run, EXIT_RUNTIME, "out of memory");
	while ((option = getopt_long(argc, argv, ":i:N:jh", long_options, NULL)) >= 0) {
		switch (option) {
		case 'i': command->interfaces[command->interface_count++] = optarg; break;
		case 'N': command->netns = optarg; break;
		case 'j': command->json = true; break;
		case 'h': cli_help(&command_run); return -1;
		case OPTION_CLSACT: command->options.clsact = true; break;
		case OPTION_FOR:
			if (cli_parse_seconds(optarg, &command->seconds))
				return cli_usage(&command_run, "--for '%s' is no time in seconds",
						 optarg);
			break;
		case OPTION_XDP:
			if (optarg && strcmp(optarg, "generic") && strcmp(optarg, "native"))
				return cli_usage(&command_run,
						 "--xdp=%s: 'native' or 'generic' expected",
						 optarg);
			command->options.xdp =
				optarg && !strcmp(optarg, "generic") ? XDP_IN_STACK : XDP_IN_DRIVER;
			break;
		case OPTION_MEMORY:
			if (cli_parse_size(optarg, &command->options.memory_limit))
				return cli_usage(&command_run,
						 "--memory '%s' is no size such as 200M", optarg);
			break;
		default: return cli_bad_option(&command_run, argv, option);
		}
	}
	if (optind < argc)
		return cli_usage(&command_run, "'%s' is no option; interfaces are named with -i",
				 argv[optind]);
	return 0;
}

static int begin(struct run_command *command, struct look *look, struct fault *fault)
{
	struct attach_report report;
	int error = datapath_open(&look->datapath, fault);

	if (!error) {
		look->borrowed = true;
		fputs("counting is attached already: reading it, and leaving it alone\n", stderr);
		return 0;
	}
	/* Out of sight is no reason not to look with a counting of our own. */
	if (error == -ENODEV)
		fprintf(stderr, "whether it counts here already: %s\n", fault->text);
	else if (error != -ENOENT)
		return error;
	if (command->interface_count) {
		command->options.interfaces = command->interfaces;
		command->options.interface_count = command->interface_count;
	}
	command->options.spans = &look->scene.knowledge.spans;
	command->options.netns_name = command->netns ? command->netns : "";
	return datapath_attach(&command->options, &look->datapath, &report, fault);
}

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

static int make_rows(const struct look *look, const struct snapshot *snapshot, size_t top,
		     bool fold, struct rows *ret_rows)
{
	_cleanup_free_ struct listener_ports *listeners = malloc(sizeof(*listeners));
	struct join_facts facts = { look->scene.knowledge.registry, listeners };
	struct row_wish wish = {
		.transports = TRANSPORTS_ALL,
		.top = top,
		.fold = fold,
		.ephemeral_first = look->scene.ephemeral_first,
		.ephemeral_last = look->scene.ephemeral_last,
	};

	if (!listeners)
		return -ENOMEM;
	if (listener_ports_read(listeners, NULL))
		facts.listeners = NULL;
	return rows_make(snapshot, NULL, &wish, &facts, ret_rows);
}

static uint64_t packets_seen(const struct snapshot *snapshot)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < snapshot->iface_count; i++)
		for (int direction = 0; direction < DIR_COUNT; direction++)
			seen += snapshot->ifaces[i].packets[direction][BUCKET_SEEN];
	return seen;
}

static void print_ports(const struct rows *rows, const struct report_style *style)
{
	if (!rows->port_count) {
		puts("no packets to or from any port");
		return;
	}
	report_ports(stdout, rows, style);
	if (rows->port_total > rows->port_count)
		printf("... and %zu more rows (portscribe attach, then portscribe show, lists "
		       "all)\n",
		       rows->port_total - rows->port_count);
}

static int show_live(const struct look *look, double left)
{
	struct report_style style = { text_colour(stdout), SIDE_LOCAL, 0 };
	struct snapshot *snapshot;
	struct rows rows;
	int error = datapath_snapshot(look->datapath, &snapshot);

	if (error)
		return error;
	error = make_rows(look, snapshot, LIVE_ROWS, true, &rows);
	if (!error) {
		fputs("\033[H\033[2J", stdout);
		printf("counting, %.0f s left (Ctrl-C ends it early)\n\n", left);
		print_ports(&rows, &style);
		fflush(stdout);
		rows_release(&rows);
	}
	snapshot_free(snapshot);
	return error;
}

static int show_progress(const struct look *look, double left)
{
	struct snapshot *snapshot;
	int error = datapath_snapshot(look->datapath, &snapshot);
	char number[32];

	if (error)
		return error;
	fprintf(stderr, "counting, %.0f s left: %s packets\n", left,
		text_count(number, sizeof(number), packets_seen(snapshot)));
	snapshot_free(snapshot);
	return 0;
}

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static int wait_and_show(const struct run_command *command, const struct look *look)
{
	bool terminal = isatty(STDOUT_FILENO) && !command->json;
	double end = now_seconds() + command->seconds, left, pause;
	int error = 0;

	sigaction(SIGINT, &(struct sigaction){ .sa_handler = stop }, NULL);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = stop }, NULL);
	while (!error && !stopped && (left = end - now_seconds()) > 0) {
		error = terminal ? show_live(look, left) : show_progress(look, left);
		pause = terminal ? 0.5 : 2;
		pause = left < pause ? left : pause;
		nanosleep(&(struct timespec){ .tv_sec = pause,
					      .tv_nsec = (pause - (time_t)pause) * 1e9 },
			  NULL);
	}
	if (terminal)
		fputs("\033[H\033[2J", stdout);
	return error;
}

/* ---- the summary ---- */

struct annotated {
	bool example;
	const char *why; /* of the example */
	struct fault fault;
	struct annotate_result result;
};

static int annotate(const struct look *look, const struct snapshot *snapshot,
		    struct annotated *annotated)
{
	struct comment_facts facts = { &look->scene.knowledge, snapshot, scene_service_port };
	const struct annotate_options options = { .facts = &facts };
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int error = ruleset_list(&text, &length, &annotated->fault);

	if (!error && length && !nft_annotate(text, length, &options, &annotated->result))
		return 0;
	annotated->example = true;
	annotated->why = error	  ? annotated->fault.text
			 : length ? "the listed ruleset cannot be read"
				  : "no ruleset is loaded here";
	annotate_result_release(&annotated->result);
	return nft_annotate(ruleset_example, ruleset_example_end - ruleset_example, &options,
			    &annotated->result);
}

static void print_ruleset(const struct annotated *annotated)
{
	if (annotated->example)
		printf("\nnftables: %s; the example ruleset, annotated:\n", annotated->why);
	else
		printf("\nnftables, the live ruleset annotated (for reading; nothing was "
		       "changed):\n");
	text_print_lines(stdout, annotated->result.text, annotated->result.length);
}

static void print_text(const struct look *look, const struct snapshot *snapshot,
		       const struct rows *rows, const struct annotated *annotated)
{
	struct report_style style = { text_colour(stdout), SIDE_LOCAL, 0 };
	char since[32], number[32];

	printf("%s packets since %s\n\n",
	       text_count(number, sizeof(number), packets_seen(snapshot)),
	       text_time(since, sizeof(since), snapshot->since));
	print_ports(rows, &style);
	if (rows->span_count) {
		putchar('\n');
		report_spans(stdout, rows, &style);
	}
	putchar('\n');
	report_ifaces(stdout, snapshot);
	if (look->scene.forwards)
		puts("this host forwards packets: local ports are not only what is served here");
	print_ruleset(annotated);
}

static int print_json(const struct look *look, const struct snapshot *snapshot,
		      const struct rows *rows, const struct annotated *annotated)
{
	struct report_style style = { false, SIDE_LOCAL, 0 };
	json_t *show = report_json(snapshot, rows, NULL, &style, look->scene.forwards);
	json_t *json = json_pack("{s:s, s:b, s:o, s:{s:s, s:o}}", "schema", "portscribe.run.v1",
				 "borrowed", look->borrowed, "show", show, "ruleset", "source",
				 annotated->example ? "example" : "live", "text",
				 json_foreign(annotated->result.text, annotated->result.length));
	int error = json ? json_dumpf(json, stdout, JSON_COMPACT) : -1;

	json_decref(json);
	putchar('\n');
	return error ? -ENOMEM : 0;
}

static int summarize(const struct run_command *command, const struct look *look)
{
	struct annotated annotated = {};
	struct snapshot *snapshot;
	struct rows rows = {};
	int error = datapath_snapshot(look->datapath, &snapshot);

	if (error)
		return error;
	error = make_rows(look, snapshot, command->json ? 0 : SUMMARY_ROWS, !command->json, &rows);
	if (!error)
		error = annotate(look, snapshot, &annotated);
	if (!error && command->json)
		error = print_json(look, snapshot, &rows, &annotated);
	else if (!error)
		print_text(look, snapshot, &rows, &annotated);
	annotate_result_release(&annotated.result);
	rows_release(&rows);
	snapshot_free(snapshot);
	return error;
}

static int look_around(struct run_command *command)
{
	struct look look = {};
	struct fault fault = {};
	int code = cli_enter(&command_run, command->netns, &look.scene), error;

	if (code)
		return code;
	error = begin(command, &look, &fault);
	if (!error) {
		error = wait_and_show(command, &look);
		if (!error)
			error = summarize(command, &look);
		if (error)
			fault_set(&fault, error, "cannot read the counters: %s", strerror(-error));
	}
	datapath_close(look.datapath);
	if (error)
		code = cli_fail(&command_run, EXIT_RUNTIME, "%s", fault.text);
	return cli_leave(&look.scene, code);
}

static int run(int argc, char **argv)
{
	struct run_command command = { .seconds = 10 };
	int code = parse(argc, argv, &command);

	if (!code)
		code = look_around(&command);
	free(command.interfaces);
	return code < 0 ? EXIT_DONE : code;
}

const struct command command_run = {
	.name = "run",
	.arguments = "[--for SECONDS] [-i IFACE]... [-N NETNS] [-j]",
	.summary = "Count for 10 seconds, show ports live, then explain what was seen",
	.help = help,
	.run = run,
};
