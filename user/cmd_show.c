/* portscribe show: the counters, by port, with names. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "datapath/datapath.h"
#include "join.h"
#include "render/report.h"
#include "render/text.h"
#include "scene.h"
#include "util/cleanup.h"

struct show_command {
	struct row_wish wish;
	struct what *whats; /* owned */
	size_t what_count;
	const char *netns;
	bool all, json, watch;
	double interval;
};

static const char help[] =
	"WHAT is a port (3069, :3069), with a transport (udp/3069, 3069/udp), a range\n"
	"(3224-3324), a service name (ls3) or a span (framehawk). Without WHAT: every\n"
	"local port that counted, busiest first, the ephemeral range in one row unless\n"
	"somebody listens there.\n"
	"\n"
	"      --peer              the other side's ports instead of the local ones\n"
	"  -a, --all               do not fold the ephemeral range\n"
	"  -t, --tcp               only tcp\n"
	"  -u, --udp               only udp\n"
	"      --sort KEY          packets (default), bytes, in, out, attempts, port\n"
	"      --top N             the first N rows\n"
	"  -w, --watch             rates, again and again until Ctrl-C\n"
	"      --interval SECONDS  of --watch (default 1)\n"
	"  -N, --netns NETNS       in that network namespace (a name, or a path with '/')\n"
	"  -j, --json              schema portscribe.show.v1; with --watch a line each time\n"
	"\n"
	"IN arrived (before netfilter), OUT left (after it). ATTEMPTS: TCP SYN arriving,\n"
	"ANSWERS: SYN-ACK leaving. Packets as on the wire, bytes as L2 frames.\n";

enum { OPTION_PEER = OPTION_LONG, OPTION_SORT, OPTION_TOP, OPTION_INTERVAL };

static const struct option long_options[] = {
	{ "peer", no_argument, NULL, OPTION_PEER },
	{ "all", no_argument, NULL, 'a' },
	{ "tcp", no_argument, NULL, 't' },
	{ "udp", no_argument, NULL, 'u' },
	{ "sort", required_argument, NULL, OPTION_SORT },
	{ "top", required_argument, NULL, OPTION_TOP },
	{ "watch", no_argument, NULL, 'w' },
	{ "interval", required_argument, NULL, OPTION_INTERVAL },
	{ "netns", required_argument, NULL, 'N' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static const struct {
	const char *name;
	enum row_order order;
} orders[] = {
	{ "packets", ORDER_PACKETS }, { "bytes", ORDER_BYTES },	      { "in", ORDER_IN },
	{ "out", ORDER_OUT },	      { "attempts", ORDER_ATTEMPTS }, { "port", ORDER_PORT },
};

static int parse_order(const char *text, enum row_order *ret_order)
{
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		if (!strcmp(text, orders[i].name)) {
			*ret_order = orders[i].order;
			return 0;
		}
	}
	return cli_usage(&command_show,
			 "--sort '%s': one of packets, bytes, in, out, attempts, port expected",
			 text);
}

static int parse_option(int option, char **argv, struct show_command *command)
{
	switch (option) {
	case 'a': command->all = true; return 0;
	case 't': command->wish.transports |= SERVICE_TCP; return 0;
	case 'u': command->wish.transports |= SERVICE_UDP; return 0;
	case 'w': command->watch = true; return 0;
	case 'N': command->netns = optarg; return 0;
	case 'j': command->json = true; return 0;
	case 'h': cli_help(&command_show); return -1;
	case OPTION_PEER: command->wish.side = SIDE_PEER; return 0;
	case OPTION_SORT: return parse_order(optarg, &command->wish.order);
	case OPTION_TOP:
		return cli_parse_count(optarg, &command->wish.top)
			       ? cli_usage(&command_show, "--top '%s' is no number above 0", optarg)
			       : 0;
	case OPTION_INTERVAL:
		return cli_parse_seconds(optarg, &command->interval)
			       ? cli_usage(&command_show, "--interval '%s' is no time in seconds",
					   optarg)
			       : 0;
	default: return cli_bad_option(&command_show, argv, option);
	}
}

static int parse(int argc, char **argv, struct show_command *command)
{
	int option, code = 0;

	while (!code && (option = getopt_long(argc, argv, ":atuwN:jh", long_options, NULL)) >= 0)
		code = parse_option(option, argv, command);
	if (!command->wish.transports)
		command->wish.transports = TRANSPORTS_ALL;
	return code;
}

static int parse_whats(int argc, char **argv, const struct scene *scene,
		       struct show_command *command)
{
	struct fault fault = {};

	if (optind == argc)
		return 0;
	command->whats = calloc(argc - optind, sizeof(*command->whats));
	if (!command->whats)
		return cli_fail(&command_show, EXIT_RUNTIME, "out of memory");
	for (int i = optind; i < argc; i++) {
		int error = what_parse(argv[i], &scene->knowledge,
				       &command->whats[command->what_count], &fault);

		if (error)
			return cli_usage(&command_show, "%s", fault.text);
		command->what_count++;
	}
	command->wish.whats = command->whats;
	command->wish.what_count = command->what_count;
	return 0;
}

static int print_json(const struct snapshot *now, const struct rows *rows, const struct rows *rates,
		      const struct report_style *style, const struct scene *scene)
{
	json_t *json = report_json(now, rows, rates, style, scene->forwards);
	int error = json ? json_dumpf(json, stdout, JSON_COMPACT) : -1;

	json_decref(json);
	putchar('\n');
	return error ? -ENOMEM : 0;
}

static void print_text(const struct snapshot *now, const struct rows *rows,
		       const struct report_style *style, const struct show_command *command)
{
	char since[32];

	if (rows->port_count)
		report_ports(stdout, rows, style);
	else
		printf("no packets to or from %s%s\n",
		       command->what_count ? "these ports" : "any port",
		       style->seconds > 0 ? " in this interval" : "");
	if (rows->port_total > rows->port_count)
		printf("... and %zu more rows\n", rows->port_total - rows->port_count);
	if (rows->span_count) {
		putchar('\n');
		report_spans(stdout, rows, style);
	}
	printf("\nsince %s\n", text_time(since, sizeof(since), now->since));
	if (!command->what_count)
		report_ifaces(stdout, now);
}

static int print_once(const struct snapshot *now, const struct snapshot *before, double seconds,
		      const struct scene *scene, const struct show_command *command)
{
	struct report_style style = { text_colour(stdout), command->wish.side, seconds };
	_cleanup_free_ struct listener_ports *listeners = malloc(sizeof(*listeners));
	struct join_facts facts = { scene->knowledge.registry, listeners };
	struct row_wish wish = command->wish;
	struct rows rows = {}, rates = {};
	int error;

	if (!listeners)
		return -ENOMEM;
	if (listener_ports_read(listeners, NULL))
		facts.listeners = NULL;
	wish.fold = !command->all && !command->json;
	wish.ephemeral_first = scene->ephemeral_first;
	wish.ephemeral_last = scene->ephemeral_last;
	error = rows_make(now, command->json ? NULL : before, &wish, &facts, &rows);
	wish.order = ORDER_PORT;
	wish.top = 0;
	if (!error && command->json && before)
		error = rows_make(now, before, &wish, &facts, &rates);
	if (!error && command->json)
		error = print_json(now, &rows, before ? &rates : NULL, &style, scene);
	else if (!error)
		print_text(now, &rows, &style, command);
	rows_release(&rows);
	rows_release(&rates);
	return error;
}

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

static double elapsed(const struct snapshot *before, const struct snapshot *now)
{
	return (now->taken.tv_sec - before->taken.tv_sec) +
	       (now->taken.tv_nsec - before->taken.tv_nsec) / 1e9;
}

static bool same_counting(const struct snapshot *a, const struct snapshot *b)
{
	return a->since.tv_sec == b->since.tv_sec && a->since.tv_nsec == b->since.tv_nsec;
}

/* Opens the pins anew each time: what was watched may have ended, or begun again. */
static int take_snapshot(struct snapshot **ret_snapshot, struct fault *fault)
{
	struct datapath *datapath;
	int error = datapath_open(&datapath, fault);

	if (error)
		return error;
	error = datapath_snapshot(datapath, ret_snapshot);
	datapath_close(datapath);
	return error;
}

static int watch(const struct scene *scene, const struct show_command *command, struct fault *fault)
{
	struct timespec pause = { .tv_sec = command->interval,
				  .tv_nsec =
					  (command->interval - (time_t)command->interval) * 1e9 };
	struct snapshot *before = NULL, *now = NULL;
	int error = take_snapshot(&before, fault);

	sigaction(SIGINT, &(struct sigaction){ .sa_handler = stop }, NULL);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = stop }, NULL);
	while (!error && !stopped && !ferror(stdout) && !nanosleep(&pause, NULL)) {
		double seconds;

		error = take_snapshot(&now, fault);
		if (error)
			break;
		seconds = elapsed(before, now);
		if (!command->json && isatty(STDOUT_FILENO))
			fputs("\033[H\033[2J", stdout);
		if (same_counting(before, now))
			error = print_once(now, before, seconds > 0 ? seconds : command->interval,
					   scene, command);
		fflush(stdout);
		snapshot_free(before);
		before = now;
	}
	snapshot_free(before);
	if (error == -ENOENT)
		fault_set(fault, error, "the counting has ended");
	return error;
}

/* Counters of hooks that are all gone are history: say so. */
static void note_if_over(const struct datapath *datapath)
{
	struct device_list devices = {};
	struct datapath_state state = {};
	bool alive = false;

	if (device_list_read(&devices, NULL) || datapath_state_read(datapath, &devices, &state)) {
		device_list_release(&devices);
		return;
	}
	for (size_t i = 0; i < state.iface_count; i++)
		alive |=
			state.ifaces[i].hooks[DIR_IN].alive || state.ifaces[i].hooks[DIR_OUT].alive;
	if (!alive)
		fputs("note: nothing is attached any more, these are old counts; see: portscribe "
		      "status\n",
		      stderr);
	datapath_state_release(&state);
	device_list_release(&devices);
}

static void print_notes(const struct datapath *datapath, const struct scene *scene)
{
	note_if_over(datapath);
	if (scene->forwards)
		fputs("note: this host forwards packets: \"local\" is the destination of what "
		      "arrives and the source of what leaves, not what is served here; a "
		      "forwarded packet counts on each interface it passes\n",
		      stderr);
}

/* 0, or the exit code with the reason said. */
static int refuse_peer(const struct show_command *command, const struct snapshot *snapshot)
{
	if (command->wish.side == SIDE_LOCAL || !snapshot->local_only)
		return 0;
	return cli_fail(&command_show, EXIT_RUNTIME,
			"peer ports are not counted here: it was attached with --local-only");
}

static int show(const struct show_command *command, const struct scene *scene)
{
	struct datapath *datapath;
	struct snapshot *now;
	struct fault fault = {};
	int error = datapath_open(&datapath, &fault), code = EXIT_DONE;

	if (error == -ENOENT)
		return cli_fail(&command_show, EXIT_RUNTIME,
				"nothing is counted here; type: portscribe attach%s%s",
				command->netns ? " -N " : "", command->netns ? command->netns : "");
	if (error)
		return cli_fail(&command_show, EXIT_RUNTIME, "%s", fault.text);
	if (!command->json)
		print_notes(datapath, scene);
	error = datapath_snapshot(datapath, &now);
	if (!error) {
		code = refuse_peer(command, now);
		if (!code && !command->watch)
			error = print_once(now, NULL, 0, scene, command);
		snapshot_free(now);
	}
	if (!error && !code && command->watch)
		error = watch(scene, command, &fault);
	datapath_close(datapath);
	if (error)
		return cli_fail(&command_show, EXIT_RUNTIME, "%s%s",
				fault.text[0] ? "" : "cannot read the counters: ",
				fault.text[0] ? fault.text : strerror(-error));
	return code;
}

static int run(int argc, char **argv)
{
	struct show_command command = { .interval = 1 };
	struct scene scene;
	int code = parse(argc, argv, &command);

	if (code)
		return code < 0 ? EXIT_DONE : code;
	code = cli_enter(&command_show, command.netns, &scene);
	if (code)
		return code;
	code = parse_whats(argc, argv, &scene, &command);
	if (!code)
		code = show(&command, &scene);
	for (size_t i = 0; i < command.what_count; i++)
		what_release(&command.whats[i]);
	free(command.whats);
	return cli_leave(&scene, code);
}

const struct command command_show = {
	.name = "show",
	.arguments = "[OPTION]... [WHAT]...",
	.summary = "Packets and bytes to and from each port, with names",
	.help = help,
	.run = run,
};
