/* portscribe listeners: who listens here, whether that is usual, whether it is allowed. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <jansson.h>

#include "cli.h"
#include "datapath/datapath.h"
#include "listeners/admission.h"
#include "listeners/rows.h"
#include "render/json.h"
#include "render/text.h"
#include "what.h"

struct listeners_command {
	const char *netns, *policy_path;
	struct listener_wish wish;
	bool all_netns, all, json, verbose, no_owners, learn, check, strict;
};

static const char help[] =
	"Every TCP and SCTP listener and every bound UDP socket, with its process, and a\n"
	"verdict with its reason. WHAT is a port, transport/port, range, name or span.\n"
	"\n"
	"  -a, --all               also UDP ports that clients have in the ephemeral range\n"
	"  -t, --tcp               only tcp\n"
	"  -u, --udp               only udp\n"
	"  -4, --ipv4              only IPv4 sockets\n"
	"  -6, --ipv6              only IPv6 sockets\n"
	"  -v, --verbose           the evidence: all that is known of each socket\n"
	"      --no-owners         do not look for processes; needs no privilege\n"
	"  -N, --netns NETNS       in that network namespace (a name, or a path with '/')\n"
	"      --all-netns         in every network namespace that can be found\n"
	"      --policy FILE       what may listen (default /etc/portscribe/listeners.conf)\n"
	"      --learn             print a policy that allows what listens now\n"
	"      --check             print what the policy does not allow; exit status 1\n"
	"      --strict            with --check: also what it allows and is absent\n"
	"  -j, --json              schema portscribe.listeners.v1\n"
	"\n"
	"expected: a program that is usual on this port. known: the policy allows it.\n"
	"registered: the port has a name, which program is usual is not known. unassigned:\n"
	"nothing is known of the port. dormant: it belongs to what is dead. mismatch: another\n"
	"program than is usual. risky: should not be reached from outside, and is bound so.\n"
	"ephemeral: a client's UDP port. An owner that cannot be read is '?', exit status 4.\n";

enum {
	OPTION_NO_OWNERS = OPTION_LONG,
	OPTION_ALL_NETNS,
	OPTION_POLICY,
	OPTION_LEARN,
	OPTION_CHECK,
	OPTION_STRICT,
};

static const struct option long_options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "tcp", no_argument, NULL, 't' },
	{ "udp", no_argument, NULL, 'u' },
	{ "ipv4", no_argument, NULL, '4' },
	{ "ipv6", no_argument, NULL, '6' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "no-owners", no_argument, NULL, OPTION_NO_OWNERS },
	{ "netns", required_argument, NULL, 'N' },
	{ "all-netns", no_argument, NULL, OPTION_ALL_NETNS },
	{ "policy", required_argument, NULL, OPTION_POLICY },
	{ "learn", no_argument, NULL, OPTION_LEARN },
	{ "check", no_argument, NULL, OPTION_CHECK },
	{ "strict", no_argument, NULL, OPTION_STRICT },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int parse_option(int option, char **argv, struct listeners_command *command)
{
	switch (option) {
	case 'a': command->all = true; return 0;
	case 't': command->wish.transports |= SERVICE_TCP; return 0;
	case 'u': command->wish.transports |= SERVICE_UDP; return 0;
	case 'v': command->verbose = true; return 0;
	case 'N': command->netns = optarg; return 0;
	case 'j': command->json = true; return 0;
	case 'h': cli_help(&command_listeners); return -1;
	case OPTION_NO_OWNERS: command->no_owners = true; return 0;
	case OPTION_ALL_NETNS: command->all_netns = true; return 0;
	case OPTION_POLICY: command->policy_path = optarg; return 0;
	case OPTION_LEARN: command->learn = true; return 0;
	case OPTION_CHECK: command->check = true; return 0;
	case OPTION_STRICT: command->strict = true; return 0;
	default: return cli_bad_option(&command_listeners, argv, option);
	}
}

static int refuse_nonsense(const struct listeners_command *command, bool whats)
{
	if (command->netns && command->all_netns)
		return cli_usage(&command_listeners,
				 "-N is one network namespace, --all-netns all");
	if (command->learn && command->check)
		return cli_usage(&command_listeners, "--learn writes a policy, --check reads one");
	if (command->strict && !command->check)
		return cli_usage(&command_listeners, "--strict goes with --check");
	if (command->no_owners && (command->learn || command->check))
		return cli_usage(&command_listeners,
				 "a policy is about owners; leave --no-owners out");
	if (command->learn && (command->json || command->policy_path))
		return cli_usage(&command_listeners,
				 "--learn prints a policy, and reads none and no JSON");
	if (command->strict && (whats || command->wish.transports || command->wish.family))
		return cli_usage(&command_listeners,
				 "--strict is about all listeners; leave WHAT, -t, -u, -4, -6 out");
	return 0;
}

static int parse(int argc, char **argv, struct listeners_command *command)
{
	bool v4 = false, v6 = false;
	int option, code = 0;

	while (!code &&
	       (option = getopt_long(argc, argv, ":atu46vN:jh", long_options, NULL)) >= 0) {
		v4 |= option == '4';
		v6 |= option == '6';
		if (option != '4' && option != '6')
			code = parse_option(option, argv, command);
	}
	if (code)
		return code;
	command->wish.family = v4 == v6 ? 0 : v4 ? AF_INET : AF_INET6;
	if (!command->no_owners)
		command->wish.want =
			LISTENER_WANT_OWNERS | LISTENER_WANT_EXE | LISTENER_WANT_UNIT |
			(command->json || command->verbose ? LISTENER_WANT_CMDLINE : 0);
	command->wish.plain = !command->json && !command->verbose;
	return refuse_nonsense(command, optind < argc);
}

/* ---- what is needed for an answer ---- */

struct answering {
	const struct listeners_command *command;
	const struct scene *scene;
	struct what *whats;
	size_t what_count;
	struct policy *policy;
	struct snapshot *traffic;
	struct listeners *listeners;
	struct listener_rows rows;
	bool incomplete;
};

static void answering_release(struct answering *answering)
{
	for (size_t i = 0; i < answering->what_count; i++)
		what_release(&answering->whats[i]);
	free(answering->whats);
	listener_rows_release(&answering->rows);
	listeners_free(answering->listeners);
	policy_free(answering->policy);
	snapshot_free(answering->traffic);
}

static int understand(struct answering *answering, char **words, size_t count)
{
	struct fault fault = {};

	answering->whats = count ? calloc(count, sizeof(*answering->whats)) : NULL;
	if (count && !answering->whats)
		return cli_fail(&command_listeners, EXIT_RUNTIME, "out of memory");
	for (; answering->what_count < count; answering->what_count++)
		if (what_parse(words[answering->what_count], &answering->scene->knowledge,
			       &answering->whats[answering->what_count], &fault))
			return cli_usage(&command_listeners, "%s", fault.text);
	return 0;
}

/* Without being asked for, a policy that is not there is no matter; one that is bad is. */
static int read_policy(struct answering *answering)
{
	const struct listeners_command *command = answering->command;
	const char *path = command->policy_path ? command->policy_path : POLICY_PATH;
	bool asked = command->policy_path || command->check;
	struct fault fault = {};
	int error;

	if (command->learn)
		return 0;
	error = policy_read(path, &answering->scene->knowledge.spans, &answering->policy, &fault);
	if (!error || (error == -ENOENT && !asked))
		return 0;
	if (asked)
		return cli_fail(&command_listeners, EXIT_RUNTIME, "%s%s", fault.text,
				error == -ENOENT ? " (portscribe listeners --learn prints one)"
						 : "");
	answering->incomplete = true;
	cli_fail(&command_listeners, EXIT_INCOMPLETE, "the policy is left out: %s", fault.text);
	return 0;
}

/* The counters of our own namespace, where it counts. */
static void read_traffic(struct answering *answering)
{
	struct datapath *datapath;

	if (datapath_open(&datapath, NULL))
		return;
	if (datapath_snapshot(datapath, &answering->traffic))
		answering->traffic = NULL;
	datapath_close(datapath);
}

static int read_listeners(struct answering *answering)
{
	struct listener_reader *reader;
	struct fault fault = {};
	bool all_netns = answering->command->all_netns;
	int error = answering->command->no_owners
			    ? listener_reader_open_sockets(all_netns, &reader, &fault)
			    : listener_reader_open(all_netns, &reader, &fault);

	if (!error) {
		error = listeners_read(reader, &answering->command->wish, &answering->listeners,
				       &fault);
		listener_reader_close(reader);
	}
	if (error)
		return cli_fail(&command_listeners, EXIT_RUNTIME, "%s", fault.text);
	if (answering->listeners->gaps.needed.text[0]) {
		answering->incomplete = true;
		cli_fail(&command_listeners, EXIT_INCOMPLETE, "%s",
			 answering->listeners->gaps.needed.text);
	}
	return 0;
}

static int make_rows(struct answering *answering)
{
	const struct scene *scene = answering->scene;
	const struct listener_choice choice = { answering->whats, answering->what_count };
	const struct verdict_facts facts = {
		.knowledge = &scene->knowledge,
		.policy = answering->policy,
		.ephemeral_first = scene->ephemeral_first,
		.ephemeral_last = scene->ephemeral_last,
	};

	if (listener_rows_make(answering->listeners, &choice, &facts, &answering->rows))
		return cli_fail(&command_listeners, EXIT_RUNTIME, "out of memory");
	answering->rows.traffic = answering->traffic;
	return 0;
}

/* Whom the ruleset lets in to each of them; that takes its time, as owners do. */
static void read_admission(struct answering *answering)
{
	struct fault fault = {};

	if (answering->command->no_owners || answering->command->all_netns)
		return;
	if (!listener_rows_admit(&answering->rows, &fault))
		return;
	answering->incomplete = true;
	cli_fail(&command_listeners, EXIT_INCOMPLETE, "whom the firewall lets in is left out: %s",
		 fault.text);
}

/* ---- answers ---- */

static int print_json(json_t *json)
{
	int error = json ? json_dumpf(json, stdout, JSON_COMPACT) : -1;

	json_decref(json);
	putchar('\n');
	return error ? cli_fail(&command_listeners, EXIT_RUNTIME, "out of memory") : 0;
}

static int print_rows(struct answering *answering)
{
	const struct listeners_command *command = answering->command;
	const struct listener_style style = {
		.colour = text_colour(stdout),
		/* Who names a port wants to see it. */
		.all = command->all || answering->what_count,
		.width = text_terminal_width(stdout),
		.no_owner = command->no_owners,
	};

	if (command->json)
		return print_json(listener_rows_json(&answering->rows));
	if (!answering->rows.count)
		printf("nobody listens here%s\n", answering->what_count ? " on these ports" : "");
	else if (command->verbose)
		listener_rows_print_evidence(stdout, &answering->rows);
	else if (listener_rows_print(stdout, &answering->rows, &style))
		return cli_fail(&command_listeners, EXIT_RUNTIME, "out of memory");
	return 0;
}

static int learn(struct answering *answering)
{
	size_t unknown = 0;

	if (policy_write(stdout, answering->listeners, &answering->scene->knowledge, &unknown))
		return cli_fail(&command_listeners, EXIT_RUNTIME, "out of memory");
	answering->incomplete |= unknown;
	return 0;
}

/* Leave the rows that are findings. What cannot be judged is no finding, but a gap. */
static void keep_findings(struct answering *answering)
{
	struct listener_rows *rows = &answering->rows;
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++) {
		const struct listener_row *row = &rows->items[i];

		if (row->opinion.rule)
			continue;
		if (policy_might_match(answering->policy, row->listener))
			answering->incomplete = true;
		else
			rows->items[kept++] = *row;
	}
	rows->count = kept;
}

static bool is_absent(const struct answering *answering, const struct policy_rule *rule)
{
	if (policy_rule_is_ephemeral(rule))
		return false;
	for (size_t i = 0; i < answering->listeners->count; i++)
		if (policy_rule_is_for(rule, &answering->listeners->items[i]))
			return false;
	return true;
}

/* Rules that nobody uses; as JSON where @ret_absent is not NULL. How many. */
static size_t find_absent(const struct answering *answering, json_t *ret_absent)
{
	const struct policy_rule *rule = NULL;
	size_t count = 0;

	while ((rule = policy_next(answering->policy, rule))) {
		if (!is_absent(answering, rule))
			continue;
		count++;
		if (ret_absent)
			json_array_append_new(ret_absent,
					      json_pack("{s:i, s:o}", "line",
							(int)policy_rule_line(rule), "rule",
							json_slice(policy_rule_text(rule))));
		else
			printf("absent: line %u: %.*s\n", policy_rule_line(rule),
			       SLICE_ARGS(policy_rule_text(rule)));
	}
	return count;
}

static int check_json(struct answering *answering, size_t *ret_absent)
{
	json_t *json = listener_rows_json(&answering->rows), *absent = json_array();

	if (answering->command->strict)
		*ret_absent = find_absent(answering, absent);
	if (json)
		json_object_set_new(json, "absent", absent);
	return print_json(json);
}

static int check(struct answering *answering)
{
	size_t absent = 0;
	int code = 0;

	keep_findings(answering);
	if (answering->command->json) {
		code = check_json(answering, &absent);
	} else {
		if (answering->rows.count) {
			puts("the policy does not allow:");
			code = print_rows(answering);
		}
		if (!code && answering->command->strict)
			absent = find_absent(answering, NULL);
	}
	if (code)
		return code;
	return answering->rows.count || absent ? EXIT_FINDINGS : 0;
}

static int answer(struct answering *answering)
{
	const struct listeners_command *command = answering->command;
	int code = read_policy(answering);

	if (!code)
		code = read_listeners(answering);
	if (!code && command->learn)
		return learn(answering);
	if (!code)
		read_traffic(answering);
	if (!code)
		code = make_rows(answering);
	if (!code)
		read_admission(answering);
	if (!code)
		code = command->check ? check(answering) : print_rows(answering);
	return code;
}

static int run(int argc, char **argv)
{
	struct listeners_command command = {};
	struct scene scene;
	struct answering answering = { .command = &command, .scene = &scene };
	int code = parse(argc, argv, &command);

	if (code)
		return code < 0 ? EXIT_DONE : code;
	code = cli_enter(&command_listeners, command.netns, &scene);
	if (code)
		return code;
	code = understand(&answering, argv + optind, argc - optind);
	if (!code)
		code = answer(&answering);
	if (!code && answering.incomplete)
		code = EXIT_INCOMPLETE;
	answering_release(&answering);
	return cli_leave(&scene, code);
}

const struct command command_listeners = {
	.name = "listeners",
	.arguments = "[OPTION]... [WHAT]...",
	.summary = "Who listens here, and whether that is usual or allowed",
	.help = help,
	.run = run,
};
