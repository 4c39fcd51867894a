/* portscribe watch: what listens, and then each listener that comes, goes or changes hands. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli.h"
#include "listeners/policy.h"
#include "listeners/verdict.h"
#include "render/text.h"
#include "render/watch.h"
#include "util/cleanup.h"
#include "util/privileges.h"
#include "util/system.h"
#include "watch/watch.h"

struct watch_command {
	const char *netns, *policy;
	double seconds, interval; /* 0: not given */
	size_t count;		  /* 0: without end */
	uint64_t ring;
	uint8_t transports; /* bits by enum transport; 0: all */
	int family;
	bool all_netns, all, poll, check, json;
	struct watch_style style;
};

/* What reports are made with, and what became of them. */
struct watching {
	const struct watch_command *command;
	struct scene scene;
	struct policy *policy;
	struct verdict_facts facts;
	struct watch *watch;
	uint64_t quiet_udp[PORT_COUNT / 64];
	size_t told;
	bool forbidden, incomplete, failed;
};

static const char help[] =
	"Prints what listens now, then a line for each listener that opens, closes or is\n"
	"handed over to another program, as it happens, also those that live for only a\n"
	"millisecond; until Ctrl-C. Clients' UDP ports are passed over.\n"
	"\n"
	"      --check             only what the policy does not allow; exit status 1\n"
	"                          where there was something\n"
	"      --policy FILE       what may listen (default " POLICY_PATH ")\n"
	"  -a, --all               also clients' UDP ports\n"
	"  -t, -u                  TCP only, UDP only\n"
	"  -4, -6                  IPv4 only, IPv6 only\n"
	"  -N, --netns NETNS       in that network namespace (a name, or a path with '/')\n"
	"      --all-netns         in all there are when it begins\n"
	"      --for SECONDS       end after that time\n"
	"      --count N           end after N events\n"
	"      --interval SECONDS  look at all sockets so often (default 10 beside the\n"
	"                          kernel's events, 1 without them); less often where\n"
	"                          that would take a thousandth of a processor\n"
	"      --poll              only look, without the kernel's events\n"
	"      --ring SIZE         memory for events on their way (default 1M)\n"
	"      --journal[=no]      priorities of the journal instead of times (default:\n"
	"                          where the journal is what standard output is)\n"
	"  -v, --verbose           executables and command lines\n"
	"  -j, --json              schema portscribe.watch.v1, a line each\n";

enum {
	OPTION_CHECK = OPTION_LONG,
	OPTION_POLICY,
	OPTION_ALL_NETNS,
	OPTION_FOR,
	OPTION_COUNT,
	OPTION_INTERVAL,
	OPTION_POLL,
	OPTION_RING,
	OPTION_JOURNAL,
};

static const struct option long_options[] = {
	{ "check", no_argument, NULL, OPTION_CHECK },
	{ "policy", required_argument, NULL, OPTION_POLICY },
	{ "all", no_argument, NULL, 'a' },
	{ "netns", required_argument, NULL, 'N' },
	{ "all-netns", no_argument, NULL, OPTION_ALL_NETNS },
	{ "for", required_argument, NULL, OPTION_FOR },
	{ "count", required_argument, NULL, OPTION_COUNT },
	{ "interval", required_argument, NULL, OPTION_INTERVAL },
	{ "poll", no_argument, NULL, OPTION_POLL },
	{ "ring", required_argument, NULL, OPTION_RING },
	{ "journal", optional_argument, NULL, OPTION_JOURNAL },
	{ "verbose", no_argument, NULL, 'v' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

/* ---- the command line ---- */

/* JOURNAL_STREAM is "DEVICE:INODE" of what the journal reads (systemd.exec(5)). */
static bool is_journal(FILE *out)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(fileno(out), &status) && status.st_dev == device && status.st_ino == inode;
}

static int parse_seconds(const char *option, const char *text, double *ret_seconds)
{
	return cli_parse_seconds(text, ret_seconds)
		       ? cli_usage(&command_watch, "%s '%s' is no time in seconds", option, text)
		       : 0;
}

static int parse_long(int option, struct watch_command *command)
{
	switch (option) {
	case OPTION_CHECK: command->check = true; break;
	case OPTION_POLICY: command->policy = optarg; break;
	case OPTION_ALL_NETNS: command->all_netns = true; break;
	case OPTION_POLL: command->poll = true; break;
	case OPTION_FOR: return parse_seconds("--for", optarg, &command->seconds);
	case OPTION_INTERVAL: return parse_seconds("--interval", optarg, &command->interval);
	case OPTION_COUNT:
		if (cli_parse_count(optarg, &command->count))
			return cli_usage(&command_watch, "--count '%s' is no number", optarg);
		break;
	case OPTION_RING:
		if (cli_parse_size(optarg, &command->ring) || command->ring > HOOKS_RING_MAX)
			return cli_usage(&command_watch,
					 "--ring '%s' is no size such as 4M, at most 512M", optarg);
		break;
	case OPTION_JOURNAL:
		if (optarg && strcmp(optarg, "no") && strcmp(optarg, "yes"))
			return cli_usage(&command_watch, "--journal=%s: 'yes' or 'no' expected",
					 optarg);
		command->style.journal = !optarg || strcmp(optarg, "no");
		break;
	}
	return 0;
}

static int parse(int argc, char **argv, struct watch_command *command)
{
	int option, code = 0;

	while (!code &&
	       (option = getopt_long(argc, argv, ":atu46N:vjh", long_options, NULL)) >= 0) {
		switch (option) {
		case 'a': command->all = true; break;
		case 't': command->transports |= 1 << TRANSPORT_TCP; break;
		case 'u': command->transports |= 1 << TRANSPORT_UDP; break;
		case '4': command->family = command->family == AF_INET6 ? 0 : AF_INET; break;
		case '6': command->family = command->family == AF_INET ? 0 : AF_INET6; break;
		case 'N': command->netns = optarg; break;
		case 'v': command->style.verbose = true; break;
		case 'j': command->json = true; break;
		case 'h': cli_help(&command_watch); return -1;
		case '?':
		case ':': return cli_bad_option(&command_watch, argv, option);
		default: code = parse_long(option, command);
		}
	}
	if (code)
		return code;
	if (optind < argc)
		return cli_usage(&command_watch, "'%s' is too much: watch takes no argument",
				 argv[optind]);
	if (command->netns && command->all_netns)
		return cli_usage(&command_watch, "-N and --all-netns exclude each other");
	return 0;
}

/* ---- what is told ---- */

/* Of clients, by its number or by the policy's word. */
static bool is_of_clients(const struct listener_opinion *opinion)
{
	return opinion->verdict == VERDICT_EPHEMERAL ||
	       (opinion->rule && policy_rule_is_ephemeral(opinion->rule));
}

static bool is_wanted(const struct watching *watching, const struct watch_line *line)
{
	const struct watch_command *command = watching->command;
	const struct listener *listener = line->report->listener;

	if (command->transports && !(command->transports >> listener->transport & 1))
		return false;
	if (command->family && command->family != listener->family)
		return false;
	if (command->check)
		return line->permission != PERMISSION_GIVEN;
	return command->all || !is_of_clients(line->opinion);
}

static bool has_told_enough(const struct watching *watching)
{
	return watching->command->count && watching->told >= watching->command->count;
}

static int write_json(json_t *json)
{
	int error = json ? json_dumpf(json, stdout, JSON_COMPACT) : -1;

	json_decref(json);
	putchar('\n');
	return error ? -ENOMEM : 0;
}

/* When that was, by the clock of people. */
static struct timespec moment(uint64_t monotonic_ns)
{
	struct timespec now;
	uint64_t ns, ago = watch_now() - monotonic_ns;

	clock_gettime(CLOCK_REALTIME, &now);
	ns = now.tv_sec * 1000000000ULL + now.tv_nsec - ago;
	return (struct timespec){ ns / 1000000000, ns % 1000000000 };
}

static const struct listener_netns *netns_of(const struct watching *watching,
					     const struct listener *listener)
{
	const struct listeners *look = watch_last_look(watching->watch);

	return listener->netns < look->netns_count ? &look->netns[listener->netns] : NULL;
}

static enum permission ask_policy(const struct watching *watching, const struct listener *listener,
				  const struct listener_opinion *opinion)
{
	if (!watching->policy)
		return PERMISSION_NOT_ASKED;
	if (opinion->rule)
		return PERMISSION_GIVEN;
	return policy_might_match(watching->policy, listener) ? PERMISSION_UNKNOWN
							      : PERMISSION_REFUSED;
}

static int tell(void *data, const struct watch_report *report)
{
	struct watching *watching = data;
	const struct watch_command *command = watching->command;
	struct listener_opinion opinion;
	struct watch_line line = {
		.report = report,
		.opinion = &opinion,
		.netns = netns_of(watching, report->listener),
		.time = moment(report->time_ns),
	};
	int error = 0;

	listener_judge(report->listener, &watching->facts, &opinion);
	line.permission = ask_policy(watching, report->listener, &opinion);
	if (!is_wanted(watching, &line) || has_told_enough(watching))
		return 0;
	if (command->check && report->kind != WATCH_DISAPPEARED) {
		watching->forbidden |= line.permission == PERMISSION_REFUSED;
		watching->incomplete |= line.permission == PERMISSION_UNKNOWN;
	}
	watching->told += report->kind != WATCH_PRESENT;
	if (command->json)
		error = write_json(watch_json(&line));
	else
		watch_print(stdout, &line, &command->style);
	return error;
}

static int tell_lost(struct watching *watching)
{
	uint64_t lost = watch_take_lost(watching->watch);
	struct timespec now = moment(watch_now());

	if (!lost)
		return 0;
	watching->incomplete = true;
	if (watching->command->json)
		return write_json(watch_lost_json(lost, now));
	watch_print_lost(stdout, lost, now, &watching->command->style);
	return 0;
}

/* ---- the beginning ---- */

/*
 * Whether a UDP socket bound to @port is worth no word, whoever has it, so that the
 * kernel need not tell.
 */
static bool is_quiet(const struct watching *watching, uint16_t port)
{
	if (knowledge_practice(&watching->scene.knowledge, SERVICE_UDP, port, OVERLAY_ALIVE))
		return false; /* it depends on who has it */
	for (int scope = 0; scope < LISTENER_SCOPES; scope++) {
		struct listener listener = {
			.transport = TRANSPORT_UDP,
			.family = AF_INET,
			.scope = scope,
			.port = port,
			.interface = "",
			.kernel = "",
		};
		struct listener_opinion opinion;

		if (scope != LISTENER_ALL)
			listener.address.bytes[0] = scope == LISTENER_LOOPBACK ? 127 : 10;
		listener_judge(&listener, &watching->facts, &opinion);
		if (watching->command->check ? !opinion.rule : !is_of_clients(&opinion))
			return false;
	}
	return true;
}

static void fill_quiet(struct watching *watching)
{
	for (unsigned int port = 0; port < PORT_COUNT && !watching->command->all; port++)
		if (is_quiet(watching, port))
			watching->quiet_udp[port / 64] |= 1ULL << (port % 64);
}

/* Without being asked for, a policy that is not there is no matter; one that is bad is. */
static int read_policy(struct watching *watching)
{
	const struct watch_command *command = watching->command;
	bool asked = command->check || command->policy;
	struct fault fault = {};
	int error = policy_read(command->policy ? command->policy : POLICY_PATH,
				&watching->scene.knowledge.spans, &watching->policy, &fault);

	if (!error || (error == -ENOENT && !asked))
		return 0;
	if (asked)
		return cli_fail(&command_watch, EXIT_RUNTIME, "%s%s", fault.text,
				error == -ENOENT ? " (portscribe listeners --learn prints one)"
						 : "");
	watching->incomplete = true;
	cli_fail(&command_watch, EXIT_INCOMPLETE, "the policy is left out: %s", fault.text);
	return 0;
}

static void say_missing(struct watching *watching)
{
	const struct hooks_missing *missing = watch_missing(watching->watch);
	const struct listeners *look = watch_last_look(watching->watch);

	if (watch_is_polling(watching->watch) && !watching->command->poll) {
		watching->incomplete = true;
		if (missing->states.text[0])
			cli_fail(&command_watch, EXIT_INCOMPLETE, "%s", missing->states.text);
		if (missing->binds.text[0])
			cli_fail(&command_watch, EXIT_INCOMPLETE, "%s", missing->binds.text);
		cli_fail(&command_watch, EXIT_INCOMPLETE,
			 "looking every %g s instead: what lives shorter is not seen",
			 watch_interval_ns(watching->watch) / 1e9);
	}
	if (look->gaps.needed.text[0]) {
		watching->incomplete = true;
		cli_fail(&command_watch, EXIT_INCOMPLETE, "%s", look->gaps.needed.text);
	}
}

static void say_begun(const struct watching *watching)
{
	size_t count = watch_last_look(watching->watch)->count;

	fprintf(stderr, "watching %zu listener%s\n", count, count == 1 ? "" : "s");
}

/*
 * Executables and open files of other users are read as long as it runs. Before
 * 5.19 bpf() itself wants CAP_BPF.
 */
static int drop_privileges(void)
{
	uint64_t keep = CAPABILITY(CAP_SYS_PTRACE) | CAPABILITY(CAP_DAC_READ_SEARCH);
	int error = privileges_keep(kernel_at_least(5, 19) ? keep : keep | CAPABILITY(CAP_BPF));

	return error ? cli_fail(&command_watch, EXIT_RUNTIME, "cannot give up privileges: %s",
				strerror(-error))
		     : 0;
}

static int begin(struct watching *watching)
{
	const struct watch_command *command = watching->command;
	struct watch_options options = {
		.all_netns = command->all_netns,
		.poll = command->poll,
		.interval_ns = command->interval * 1e9,
		.hooks = { .ring = command->ring, .quiet_udp = watching->quiet_udp },
		.report = tell,
		.data = watching,
	};
	struct fault fault = {};
	int code = read_policy(watching);

	if (code)
		return code;
	watching->facts = (struct verdict_facts){
		.knowledge = &watching->scene.knowledge,
		.policy = watching->policy,
		.ephemeral_first = watching->scene.ephemeral_first,
		.ephemeral_last = watching->scene.ephemeral_last,
	};
	fill_quiet(watching);
	if (watch_open(&options, &watching->watch, &fault))
		return cli_fail(&command_watch, EXIT_RUNTIME, "%s", fault.text);
	code = drop_privileges();
	if (code)
		return code;
	if (watch_begin(watching->watch, &fault))
		return cli_fail(&command_watch, EXIT_RUNTIME, "%s", fault.text);
	say_missing(watching);
	say_begun(watching);
	return 0;
}

/* ---- the loop ---- */

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

/* Signals come only while it waits: @ret_waiting is the mask for that. */
static void catch_signals(sigset_t *ret_waiting)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t ours;

	sigemptyset(&ours);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], &(struct sigaction){ .sa_handler = stop }, NULL);
		sigaddset(&ours, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &ours, ret_waiting);
}

static bool is_over(const struct watching *watching, uint64_t end)
{
	return stopped || watch_now() >= end || ferror(stdout) || has_told_enough(watching);
}

static int keep_watching(struct watching *watching, const sigset_t *signals)
{
	const struct watch_command *command = watching->command;
	uint64_t end =
		command->seconds ? watch_now() + (uint64_t)(command->seconds * 1e9) : UINT64_MAX;
	struct fault fault = {};
	int error = 0;

	fflush(stdout);
	while (!error && !is_over(watching, end)) {
		error = watch_turn(watching->watch, end, signals, &fault);
		if (error == -EINTR)
			error = 0;
		if (!error)
			error = tell_lost(watching);
		fflush(stdout);
	}
	if (error)
		return cli_fail(&command_watch, EXIT_RUNTIME, "%s",
				fault.text[0] ? fault.text : strerror(-error));
	return watching->forbidden    ? EXIT_FINDINGS
	       : watching->incomplete ? EXIT_INCOMPLETE
				      : EXIT_DONE;
}

static int run(int argc, char **argv)
{
	struct watch_command command = {
		.style = { text_colour(stdout), false, is_journal(stdout) },
	};
	struct watching watching = { .command = &command };
	sigset_t signals;
	int code = parse(argc, argv, &command);

	if (code)
		return code < 0 ? EXIT_DONE : code;
	code = cli_enter(&command_watch, command.netns, &watching.scene);
	if (code)
		return code;
	catch_signals(&signals);
	code = begin(&watching);
	if (!code)
		code = keep_watching(&watching, &signals);
	watch_close(watching.watch);
	policy_free(watching.policy);
	return cli_leave(&watching.scene, code);
}

const struct command command_watch = {
	.name = "watch",
	.arguments = "[--check] [-atu46] [-N NETNS | --all-netns] [--for SECONDS] [-j]",
	.summary = "What listens, and each listener that opens, closes or changes hands",
	.help = help,
	.run = run,
};
