/* portscribe audit: rules, listeners and traffic held against each other. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "audit/audit.h"
#include "audit/suppress.h"
#include "cli.h"
#include "datapath/datapath.h"
#include "render/json.h"
#include "render/text.h"

struct audit_command {
	const char *netns;
	const char *accept_path; /* NULL: SUPPRESS_PATH, where it is there */
	enum finding_severity severity;
	bool json, all;
};

static const char help[] =
	"Holds the live ruleset, the listeners and what was counted against each other, and\n"
	"prints what a person should look at, each with its evidence and what to do:\n"
	"\n"
	"  open-unserved   a rule lets a port in, and nobody listens\n"
	"  exposed         anybody reaches what is for few, or for this host\n"
	"  plaintext       anybody reaches it, and the same runs with TLS\n"
	"  shut-out        a listener that no rule lets in\n"
	"  one-family      open over IPv4 and closed over IPv6, or the reverse\n"
	"  dead            a rule or a listener on a port of dead software\n"
	"  probed          attempts at ports that nobody serves\n"
	"  published       sent on to a container, although input drops the port\n"
	"  never-reached   a rule that an earlier one always decides before\n"
	"\n"
	"Changes nothing, sends nothing.\n"
	"\n"
	"      --severity LEVEL    exit status 1 from this one on: info, warning (default),\n"
	"                          critical\n"
	"      --accept FILE       findings that are accepted, each with a reason, instead of\n"
	"                          " SUPPRESS_PATH "\n"
	"  -a, --all               the accepted ones, too\n"
	"  -N, --netns NETNS       of that network namespace (a name, or a path with '/')\n"
	"  -j, --json              schema portscribe.audit.v1\n"
	"\n"
	"Exit status 1: there are findings. 4: something could not be read, or told.\n";

enum { OPTION_SEVERITY = OPTION_LONG, OPTION_ACCEPT };

static const struct option long_options[] = {
	{ "severity", required_argument, NULL, OPTION_SEVERITY },
	{ "accept", required_argument, NULL, OPTION_ACCEPT },
	{ "all", no_argument, NULL, 'a' },
	{ "netns", required_argument, NULL, 'N' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int parse(int argc, char **argv, struct audit_command *command)
{
	int option;

	while ((option = getopt_long(argc, argv, ":aN:jh", long_options, NULL)) >= 0) {
		switch (option) {
		case OPTION_SEVERITY:
			if (finding_severity_parse(optarg, &command->severity))
				return cli_usage(&command_audit,
						 "--severity '%s': info, warning or critical "
						 "expected",
						 optarg);
			break;
		case OPTION_ACCEPT: command->accept_path = optarg; break;
		case 'a': command->all = true; break;
		case 'N': command->netns = optarg; break;
		case 'j': command->json = true; break;
		case 'h': cli_help(&command_audit); return -1;
		default: return cli_bad_option(&command_audit, argv, option);
		}
	}
	if (optind < argc)
		return cli_usage(&command_audit, "'%s': it takes no arguments", argv[optind]);
	if (command->all && command->accept_path)
		return cli_usage(&command_audit, "--all shows what --accept hides");
	return 0;
}

/* ---- what is held against each other ---- */

struct auditing {
	const struct audit_command *command;
	const struct scene *scene;
	struct suppressions *accepted;
	struct live_view view;
	struct listed_rules listed;
	struct rules rules;
	struct host host;
	struct beside beside;
	struct listeners *listeners;
	struct listener_rows rows;
	struct snapshot *traffic;
	struct device_list devices;
	struct findings findings;
	size_t accepted_count;
	bool incomplete;
};

static void auditing_release(struct auditing *auditing)
{
	findings_release(&auditing->findings);
	device_list_release(&auditing->devices);
	snapshot_free(auditing->traffic);
	listener_rows_release(&auditing->rows);
	listeners_free(auditing->listeners);
	beside_release(&auditing->beside);
	host_release(&auditing->host);
	rules_release(&auditing->rules);
	listed_rules_release(&auditing->listed);
	live_view_release(&auditing->view);
	suppressions_free(auditing->accepted);
}

/* Without being asked for, a file that is not there is no matter; one that is bad is. */
static int read_accepted(struct auditing *auditing)
{
	const struct audit_command *command = auditing->command;
	const char *path = command->accept_path ? command->accept_path : SUPPRESS_PATH;
	struct fault fault = {};
	int error;

	if (command->all)
		return 0;
	error = suppressions_read(path, &auditing->scene->knowledge, &auditing->accepted, &fault);
	if (!error || (error == -ENOENT && !command->accept_path))
		return 0;
	if (command->accept_path)
		return cli_fail(&command_audit, EXIT_RUNTIME, "%s", fault.text);
	auditing->incomplete = true;
	cli_fail(&command_audit, EXIT_INCOMPLETE, "what is accepted is left out: %s", fault.text);
	return 0;
}

/* The ruleset: as listed, as the kernel has it, and which ports each rule is about. */
static int read_ruleset(struct auditing *auditing)
{
	const struct comment_facts comment = { &auditing->scene->knowledge, NULL,
					       scene_service_port };
	struct text_error place;
	struct fault fault = {};
	int error = live_view_read(ELEMENTS_ALL, &auditing->view, &fault);

	if (error)
		return cli_fail(&command_audit, error == -EPERM ? EXIT_INCOMPLETE : EXIT_RUNTIME,
				"%s%s", fault.text,
				error == -EPERM ? " (needs CAP_NET_ADMIN; try sudo)" : "");
	error = rules_read(auditing->view.text, auditing->view.length, &comment, NULL,
			   &auditing->rules, &place);
	if (!error)
		error = listed_rules_read(&auditing->view, &auditing->listed);
	if (error)
		return cli_fail(&command_audit, EXIT_RUNTIME, "cannot understand the ruleset: %s",
				error == -EINVAL ? place.reason : strerror(-error));
	return 0;
}

static int read_host(struct auditing *auditing)
{
	struct fault fault = {};
	int error = host_read(&auditing->host, &fault);

	if (!error)
		error = beside_read(&auditing->host, &auditing->beside, &fault);
	if (error)
		return cli_fail(&command_audit, error == -EPERM ? EXIT_INCOMPLETE : EXIT_RUNTIME,
				"%s", fault.text);
	return 0;
}

static int read_listeners(struct auditing *auditing)
{
	static const struct listener_wish wish = {
		.want = LISTENER_WANT_OWNERS | LISTENER_WANT_EXE | LISTENER_WANT_UNIT,
		.plain = true,
	};
	static const struct listener_choice everything;
	const struct scene *scene = auditing->scene;
	const struct verdict_facts facts = {
		.knowledge = &scene->knowledge,
		.ephemeral_first = scene->ephemeral_first,
		.ephemeral_last = scene->ephemeral_last,
	};
	struct listener_reader *reader;
	struct fault fault = {};
	int error = listener_reader_open(false, &reader, &fault);

	if (!error) {
		error = listeners_read(reader, &wish, &auditing->listeners, &fault);
		listener_reader_close(reader);
	}
	if (error)
		return cli_fail(&command_audit, EXIT_RUNTIME, "%s", fault.text);
	if (auditing->listeners->gaps.needed.text[0]) {
		auditing->incomplete = true;
		cli_fail(&command_audit, EXIT_INCOMPLETE, "%s",
			 auditing->listeners->gaps.needed.text);
	}
	if (listener_rows_make(auditing->listeners, &everything, &facts, &auditing->rows))
		return cli_fail(&command_audit, EXIT_RUNTIME, "out of memory");
	return 0;
}

/* Where nothing counts, findings say so; and what is not counted of what there is. */
static int read_traffic(struct auditing *auditing)
{
	struct datapath *datapath;
	struct fault fault = {};

	if (datapath_open(&datapath, NULL))
		return 0;
	if (datapath_snapshot(datapath, &auditing->traffic))
		auditing->traffic = NULL;
	datapath_close(datapath);
	if (device_list_read(&auditing->devices, &fault))
		return cli_fail(&command_audit, EXIT_RUNTIME, "%s", fault.text);
	device_choose(&auditing->devices);
	return 0;
}

static int find(struct auditing *auditing)
{
	const struct scene *scene = auditing->scene;
	const struct audit_facts facts = {
		.knowledge = &scene->knowledge,
		.view = &auditing->view,
		.listed = &auditing->listed,
		.rules = &auditing->rules,
		.host = &auditing->host,
		.beside = &auditing->beside,
		.listeners = &auditing->rows,
		.traffic = auditing->traffic,
		.devices = &auditing->devices,
		.forwards = scene->forwards,
	};

	if (audit_run(&facts, &auditing->findings))
		return cli_fail(&command_audit, EXIT_RUNTIME, "out of memory");
	if (auditing->accepted)
		auditing->accepted_count =
			suppressions_apply(auditing->accepted, &auditing->findings);
	if (auditing->findings.untold) {
		auditing->incomplete = true;
		cli_fail(&command_audit, EXIT_INCOMPLETE,
			 "of %zu rules or listeners it cannot be told who is let in; "
			 "portscribe reach PORT says why",
			 auditing->findings.untold);
	}
	return 0;
}

/* ---- what is said ---- */

static int print_json(const struct auditing *auditing)
{
	json_t *json =
		json_pack("{s:s, s:o, s:I, s:I, s:o}", "schema", "portscribe.audit.v1", "since",
			  auditing->traffic ? json_time(auditing->traffic->since) : json_null(),
			  "accepted", (json_int_t)auditing->accepted_count, "untold",
			  (json_int_t)auditing->findings.untold, "findings",
			  findings_json(&auditing->findings));
	int error = json ? json_dumpf(json, stdout, JSON_COMPACT) : -1;

	json_decref(json);
	putchar('\n');
	return error ? cli_fail(&command_audit, EXIT_RUNTIME, "out of memory") : 0;
}

static void print_text(const struct auditing *auditing)
{
	const struct findings *findings = &auditing->findings;

	findings_print(stdout, findings, text_colour(stdout));
	printf("%s%zu finding%s", findings->count ? "\n" : "", findings->count,
	       findings->count == 1 ? "" : "s");
	if (auditing->accepted_count)
		printf(", and %zu accepted", auditing->accepted_count);
	putchar('\n');
	if (!auditing->traffic)
		puts("nothing is counted here, so who asks for what is not known; portscribe "
		     "attach begins");
}

static int say(const struct auditing *auditing)
{
	const struct findings *findings = &auditing->findings;

	if (auditing->command->json) {
		int code = print_json(auditing);

		if (code)
			return code;
	} else {
		print_text(auditing);
	}
	for (size_t i = 0; i < findings->count; i++)
		if (findings->list[i].severity >= auditing->command->severity)
			return EXIT_FINDINGS;
	return auditing->incomplete ? EXIT_INCOMPLETE : EXIT_DONE;
}

static int audit(struct auditing *auditing)
{
	int code = read_accepted(auditing);

	if (!code)
		code = read_ruleset(auditing);
	if (!code)
		code = read_host(auditing);
	if (!code)
		code = read_listeners(auditing);
	if (!code)
		code = read_traffic(auditing);
	if (!code)
		code = find(auditing);
	return code ? code : say(auditing);
}

static int run(int argc, char **argv)
{
	struct audit_command command = { .severity = SEVERITY_WARNING };
	struct scene scene;
	struct auditing auditing = { .command = &command, .scene = &scene };
	int code = parse(argc, argv, &command);

	if (code)
		return code < 0 ? EXIT_DONE : code;
	code = cli_enter(&command_audit, command.netns, &scene);
	if (code)
		return code;
	code = audit(&auditing);
	auditing_release(&auditing);
	return cli_leave(&scene, code);
}

const struct command command_audit = {
	.name = "audit",
	.arguments = "[--severity LEVEL] [--accept FILE | -a] [-N NETNS] [-j]",
	.summary = "Hold rules, listeners and traffic against each other",
	.help = help,
	.run = run,
};
