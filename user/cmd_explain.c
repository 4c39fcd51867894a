/* portscribe explain: what a port is, whether it is used, what traffic there may mean. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli.h"
#include "datapath/datapath.h"
#include "explain/explain.h"
#include "explain/subject.h"
#include "explain/subject.h"
#include "scene.h"
#include "what.h"

struct explain_command {
	const char *netns;
	bool json, verbose;
};

static const char help[] =
	"WHAT is a port (3069), with a transport (udp/3069), a range (3224-3324), a\n"
	"service name (ls3), a span (framehawk) or a name from practice (node_exporter).\n"
	"A name is what somebody registered or usually runs; it does not say which program\n"
	"uses the port here.\n"
	"\n"
	"  -v, --verbose           all there is, also how to check on other systems\n"
	"  -N, --netns NETNS       counters, listeners and ephemeral range of that network\n"
	"                          namespace\n"
	"  -j, --json              schema portscribe.explain.v1, a line for each WHAT\n"
	"\n"
	"Works without privilege; then the counters are left out, and a line says so.\n";

static const struct option long_options[] = {
	{ "verbose", no_argument, NULL, 'v' },
	{ "netns", required_argument, NULL, 'N' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int parse(int argc, char **argv, struct explain_command *command)
{
	int option;

	while ((option = getopt_long(argc, argv, ":vN:jh", long_options, NULL)) >= 0) {
		switch (option) {
		case 'v': command->verbose = true; break;
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

/* What this machine shows, as far as it lets us see; the answer says what is missing. */
struct evidence {
	struct explain_facts facts;
	struct snapshot *traffic;
	struct listener_ports listeners;
	struct frequencies frequencies;
	struct fault counters_fault, listeners_fault;
	struct admission_port admissions[TRANSPORT_COUNT];
};

static void read_counters(struct evidence *evidence, const uint64_t *ports)
{
	struct datapath *datapath;
	char option[CHECK_MAX];
	int error = datapath_open(&datapath, &evidence->counters_fault);

	if (error) {
		if (error == -ENOENT)
			fault_set(&evidence->counters_fault, error,
				  "nothing is counted here (portscribe attach%s begins)",
				  check_option(&evidence->facts, option));
		evidence->facts.counters_missing = evidence->counters_fault.text;
		return;
	}
	if (datapath_snapshot_ports(datapath, ports, &evidence->traffic))
		evidence->facts.counters_missing = "out of memory";
	evidence->facts.traffic = evidence->traffic;
	datapath_close(datapath);
}

/* Of one port; where there is no ruleset, or it may not be read, nothing is said. */
static void read_admissions(struct evidence *evidence, const struct what *what)
{
	struct subject subject;
	size_t count = 0;

	evidence->facts.admission_count = 0;
	if (!subject_of(what, &subject))
		return;
	for (enum transport t = 0; t < TRANSPORT_COUNT; t++)
		if (subject.transports & 1u << t &&
		    (t != TRANSPORT_SCTP || subject.transports == SERVICE_SCTP))
			evidence->admissions[count++] =
				(struct admission_port){ .transport = t, .port = subject.port };
	if (admissions_read(evidence->admissions, count, NULL))
		return;
	evidence->facts.admissions = evidence->admissions;
	evidence->facts.admission_count = count;
}

static void gather(struct evidence *evidence, const struct what *whats, size_t count)
{
	struct explain_facts *facts = &evidence->facts;
	uint64_t ports[PORT_COUNT / 64] = {};

	for (size_t i = 0; i < count; i++)
		explain_wanted_ports(&whats[i], &facts->scene->knowledge, ports);
	read_counters(evidence, ports);
	if (listener_ports_read(&evidence->listeners, &evidence->listeners_fault))
		facts->listeners_missing = evidence->listeners_fault.text;
	else
		facts->listeners = &evidence->listeners;
	if (!frequencies_read(&evidence->frequencies))
		facts->frequencies = &evidence->frequencies;
}

static void evidence_release(struct evidence *evidence)
{
	snapshot_free(evidence->traffic);
	frequencies_release(&evidence->frequencies);
}

/* A line for programs; as a string first, so that it is whole or not there. */
static int answer_json(const struct what *what, const struct explain_facts *facts)
{
	json_t *json = explain_json(what, facts);
	char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (!line)
		return -ENOMEM;
	puts(line);
	free(line);
	return 0;
}

static int answer(const struct explain_command *command, const struct what *what,
		  const struct explain_facts *facts, bool first)
{
	int error;

	if (!command->json && !first)
		putchar('\n');
	error = command->json ? answer_json(what, facts)
			      : explain_print(stdout, what, facts, command->verbose);
	return error ? cli_fail(&command_explain, EXIT_RUNTIME,
				"no memory for the answer about '%s'", what->text)
		     : EXIT_DONE;
}

/* All words are understood before the first is answered. */
static int understand(char **words, size_t count, const struct scene *scene, struct what *whats)
{
	struct fault fault = {};

	for (size_t i = 0; i < count; i++)
		if (what_parse(words[i], &scene->knowledge, &whats[i], &fault))
			return cli_usage(&command_explain, "%s", fault.text);
	return EXIT_DONE;
}

static int explain(const struct explain_command *command, char **words, size_t count,
		   const struct scene *scene)
{
	struct evidence evidence = { .facts = { .scene = scene, .netns = command->netns } };
	struct what *whats = calloc(count, sizeof(*whats));
	int code = whats ? understand(words, count, scene, whats)
			 : cli_fail(&command_explain, EXIT_RUNTIME, "out of memory");

	if (!code) {
		gather(&evidence, whats, count);
		for (size_t i = 0; i < count && !code; i++) {
			read_admissions(&evidence, &whats[i]);
			code = answer(command, &whats[i], &evidence.facts, i == 0);
		}
		evidence_release(&evidence);
	}
	for (size_t i = 0; whats && i < count; i++)
		what_release(&whats[i]);
	free(whats);
	return code;
}

static int run(int argc, char **argv)
{
	struct explain_command command = {};
	struct scene scene;
	int code = parse(argc, argv, &command);

	if (code)
		return code < 0 ? EXIT_DONE : code;
	code = cli_enter(&command_explain, command.netns, &scene);
	if (code)
		return code;
	code = explain(&command, argv + optind, argc - optind, &scene);
	return cli_leave(&scene, code);
}

const struct command command_explain = {
	.name = "explain",
	.arguments = "[-v] [-N NETNS] [-j] WHAT...",
	.summary = "What a port, range, service or span is, and what is seen there",
	.help = help,
	.run = run,
};
