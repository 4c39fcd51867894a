/* portscribe detach: end the counting and leave nothing of ours behind. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "datapath/datapath.h"
#include "datapath/pins.h"
#include "net/netns.h"

struct detach_command {
	const char **interfaces; /* owned; the names are argv's */
	size_t interface_count;
	const char *netns;
	bool all, json;
};

static const char help[] =
	"  -i, --interface IFACE   only from IFACE (may be repeated); its counts stay as\n"
	"                          long as another interface is counted\n"
	"  -N, --netns NETNS       in that network namespace (a name, or a path with '/')\n"
	"      --all-netns         in every network namespace, also those that ended\n"
	"  -j, --json              schema portscribe.detach.v1, a line a namespace\n"
	"\n"
	"With the last interface the counters end. Programs, filters and qdiscs of\n"
	"others are not touched.\n";

enum { OPTION_ALL_NETNS = OPTION_LONG };

static const struct option long_options[] = {
	{ "interface", required_argument, NULL, 'i' },
	{ "netns", required_argument, NULL, 'N' },
	{ "all-netns", no_argument, NULL, OPTION_ALL_NETNS },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int parse(int argc, char **argv, struct detach_command *command)
{
	int option;

	command->interfaces = calloc(argc, sizeof(*command->interfaces));
	if (!command->interfaces)
		return cli_fail(&command_detach, EXIT_RUNTIME, "out of memory");
	while ((option = getopt_long(argc, argv, ":i:N:jh", long_options, NULL)) >= 0) {
		switch (option) {
		case 'i': command->interfaces[command->interface_count++] = optarg; break;
		case 'N': command->netns = optarg; break;
		case OPTION_ALL_NETNS: command->all = true; break;
		case 'j': command->json = true; break;
		case 'h': cli_help(&command_detach); return -1;
		default: return cli_bad_option(&command_detach, argv, option);
		}
	}
	if (optind < argc)
		return cli_usage(&command_detach, "'%s' is no option; interfaces are named with -i",
				 argv[optind]);
	if (command->all && (command->netns || command->interface_count))
		return cli_usage(&command_detach, "--all-netns goes with neither -N nor -i");
	return 0;
}

static void report(const struct detach_report *detached, const char *where, bool json)
{
	if (json) {
		printf("{\"schema\":\"portscribe.detach.v1\",\"netns\":\"%s\",\"interfaces\":%zu,"
		       "\"removed\":%s,\"qdiscs_left\":%zu}\n",
		       where, detached->interfaces, detached->removed ? "true" : "false",
		       detached->left_qdiscs);
		return;
	}
	if (where[0])
		printf("%s: ", where);
	printf("detached from %zu interface%s; %s\n", detached->interfaces,
	       detached->interfaces == 1 ? "" : "s",
	       detached->removed ? "the counters are gone" : "counting goes on on others");
	if (detached->left_qdiscs)
		printf("%zu clsact qdisc%s stay%s: others have filters there, or made %s\n",
		       detached->left_qdiscs, detached->left_qdiscs == 1 ? "" : "s",
		       detached->left_qdiscs == 1 ? "s" : "",
		       detached->left_qdiscs == 1 ? "it" : "them");
	if (detached->freeing)
		puts("the kernel is still freeing memory of it");
}

static int detach_here(const struct detach_command *command)
{
	struct detach_report detached;
	struct fault fault = {};
	int error = command->netns ? netns_enter(command->netns, &fault) : 0;

	if (error)
		return cli_fail(&command_detach, EXIT_RUNTIME, "%s", fault.text);
	error = datapath_detach(command->interface_count ? command->interfaces : NULL,
				command->interface_count, &detached, &fault);
	if (error == -ENOENT && !command->interface_count) {
		if (command->json)
			report(&(struct detach_report){}, "", true);
		else
			puts("nothing is attached here");
		return EXIT_DONE;
	}
	if (error)
		return cli_fail(&command_detach, EXIT_RUNTIME, "%s",
				error == -ENOENT ? "nothing is attached here" : fault.text);
	report(&detached, "", command->json);
	return EXIT_DONE;
}

static int detach_everywhere(bool json)
{
	struct pins_list list;
	struct fault fault = {};
	int error = pins_list_read(&list, &fault), code = EXIT_DONE;

	if (error)
		return cli_fail(&command_detach, EXIT_RUNTIME, "%s", fault.text);
	if (!list.count && json)
		report(&(struct detach_report){}, "", true);
	else if (!list.count)
		puts("nothing is attached in any network namespace");
	for (size_t i = 0; i < list.count; i++) {
		struct detach_report detached = {};
		struct netns_id id;
		char where[96];

		if (pins_parse_name(list.names[i], &id))
			continue;
		snprintf(where, sizeof(where), "%.80s", list.names[i]);
		error = datapath_detach_netns(&id, &detached, &fault);
		if (!error)
			report(&detached, where, json);
		else if (error != -ENOENT)
			code = cli_fail(&command_detach, EXIT_RUNTIME, "%s: %s", where, fault.text);
	}
	pins_list_release(&list);
	return code;
}

static int run(int argc, char **argv)
{
	struct detach_command command = {};
	int code = parse(argc, argv, &command);

	if (!code)
		code = command.all ? detach_everywhere(command.json) : detach_here(&command);
	free(command.interfaces);
	return code < 0 ? EXIT_DONE : code;
}

const struct command command_detach = {
	.name = "detach",
	.arguments = "[-i IFACE]... [-N NETNS | --all-netns] [-j]",
	.summary = "End the counting; leave no program, map, pin or qdisc of ours",
	.help = help,
	.run = run,
};
