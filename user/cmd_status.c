/* portscribe status: what is attached where and how, what hides packets, what is missing. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "cli.h"
#include "datapath/datapath.h"
#include "datapath/pins.h"
#include "net/devices.h"
#include "render/json.h"
#include "render/text.h"
#include "scene.h"
#include "util/cleanup.h"
#include "util/system.h"

struct status_command {
	const char *netns;
	bool json;
};

/* Everything that status tells, gathered before anything is printed. */
struct status {
	struct scene scene;
	struct device_list devices;
	struct datapath_state state; /* valid where counting */
	bool counting;
	struct fault fault; /* why it cannot be told whether it counts; "" otherwise */
	struct pins_list netns;
	char capabilities[128]; /* missing ones; "" where none */
};

static const char help[] =
	"Says on which interfaces and hooks it counts and since when, which interfaces\n"
	"were left out and why, whether another program before ours hides packets, the\n"
	"memory taken, and, where something is missing, what it is and how to get it.\n"
	"\n"
	"  -N, --netns NETNS       of that network namespace (a name, or a path with '/')\n"
	"  -j, --json              schema portscribe.status.v1\n";

static const struct option long_options[] = {
	{ "netns", required_argument, NULL, 'N' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int parse(int argc, char **argv, struct status_command *command)
{
	int option;

	while ((option = getopt_long(argc, argv, ":N:jh", long_options, NULL)) >= 0) {
		switch (option) {
		case 'N': command->netns = optarg; break;
		case 'j': command->json = true; break;
		case 'h': cli_help(&command_status); return -1;
		default: return cli_bad_option(&command_status, argv, option);
		}
	}
	if (optind < argc)
		return cli_usage(&command_status, "'%s' is too much: status takes no argument",
				 argv[optind]);
	return 0;
}

static int gather(struct status *status, struct fault *fault)
{
	struct datapath *datapath;
	int error = device_list_read(&status->devices, fault);

	if (error)
		return error;
	device_choose(&status->devices);
	if (!capabilities_missing(DATAPATH_CAPABILITIES, status->capabilities,
				  sizeof(status->capabilities)))
		status->capabilities[0] = '\0';
	error = datapath_open(&datapath, &status->fault);
	if (!error) {
		error = datapath_state_read(datapath, &status->devices, &status->state);
		datapath_close(datapath);
		status->counting = !error;
	}
	if (pins_list_read(&status->netns, &status->fault))
		status->netns = (struct pins_list){};
	return error == -ENOMEM ? error : 0;
}

/* ---- what is missing ---- */

struct requirement {
	const char *name;
	bool met, needed; /* needed: attach cannot do without */
	char text[256];
};

enum { REQUIREMENTS = 5 };

static void check_requirements(const struct status *status, struct requirement needs[REQUIREMENTS])
{
	needs[0] = (struct requirement){ "privilege", !status->capabilities[0], true, "" };
	if (needs[0].met)
		snprintf(needs[0].text, sizeof(needs[0].text), "enough to attach");
	else
		snprintf(needs[0].text, sizeof(needs[0].text), "lacks %s; try sudo",
			 status->capabilities);
	needs[1] = (struct requirement){ "kernel", kernel_at_least(5, 10), true, "" };
	snprintf(needs[1].text, sizeof(needs[1].text), "%s",
		 needs[1].met ? "new enough (5.10 is)" : "Linux 5.10 or newer is needed");
	needs[2] = (struct requirement){ "bpffs", bpffs_mounted(), true, "" };
	snprintf(needs[2].text, sizeof(needs[2].text), "%s",
		 needs[2].met ? "mounted at " BPFFS_DIRECTORY
			      : "not mounted at " BPFFS_DIRECTORY
				" here; attach mounts it where it can (or: mount -t bpf "
				"bpf " BPFFS_DIRECTORY "); `ip netns exec` hides it: use -N");
	needs[3] = (struct requirement){ "tcx", kernel_at_least(6, 6), false, "" };
	snprintf(needs[3].text, sizeof(needs[3].text), "%s",
		 needs[3].met ? "to be had"
			      : "not before Linux 6.6; clsact filters do the same here");
	needs[4] =
		(struct requirement){ "BTF", !access("/sys/kernel/btf/vmlinux", R_OK), false, "" };
	snprintf(needs[4].text, sizeof(needs[4].text), "%s",
		 needs[4].met ? "to be had"
			      : "the kernel has none (CONFIG_DEBUG_INFO_BTF); counting does not "
				"need it");
}

/* ---- text ---- */

static const char *const direction_names[DIR_COUNT] = { "in", "out" };

static struct timespec from_ns(uint64_t ns)
{
	return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
}

static void print_before(const struct hook_state *state, int direction)
{
	for (size_t i = 0; i < state->before_count && i < 8; i++) {
		const struct hook_foreign *foreign = &state->before[i];
		char safe[64];

		printf("    before ours (%s): %s program %u '%s'; what it drops, redirects or "
		       "ends is not counted\n",
		       direction_names[direction], foreign->hook, foreign->id,
		       text_safe(safe, sizeof(safe), foreign->name, strlen(foreign->name)));
	}
	if (state->before_count > 8)
		printf("    before ours (%s): %zu more\n", direction_names[direction],
		       state->before_count - 8);
}

static void print_iface(const struct datapath_iface *iface)
{
	bool attached = false, alive = false;
	char safe[256], since[32];

	for (int direction = 0; direction < DIR_COUNT; direction++) {
		attached |= iface->hooks[direction].hook != HOOK_NONE;
		alive |= iface->hooks[direction].alive;
	}
	printf("  %-12s", text_safe(safe, sizeof(safe), iface->name, strlen(iface->name)));
	if (!attached) {
		puts(" not attached any more; what it counted is kept");
		return;
	}
	for (int direction = 0; direction < DIR_COUNT; direction++) {
		const struct hook_state *state = &iface->hooks[direction];

		printf(" %s %s%s", direction_names[direction], hook_name(state->hook),
		       state->hook != HOOK_NONE && !state->alive ? " (gone)" : "");
	}
	printf("  since %s%s\n", text_time(since, sizeof(since), from_ns(iface->since_ns)),
	       alive ? "" : "  (the device is gone, or in another network namespace)");
	for (int direction = 0; direction < DIR_COUNT; direction++)
		print_before(&iface->hooks[direction], direction);
}

static const struct datapath_iface *find_iface(const struct status *status, uint32_t ifindex)
{
	for (size_t i = 0; status->counting && i < status->state.iface_count; i++)
		if (status->state.ifaces[i].ifindex == ifindex &&
		    (status->state.ifaces[i].hooks[DIR_IN].hook != HOOK_NONE ||
		     status->state.ifaces[i].hooks[DIR_OUT].hook != HOOK_NONE))
			return &status->state.ifaces[i];
	return NULL;
}

static void print_left_out(const struct status *status)
{
	bool any = false;

	for (size_t i = 0; i < status->devices.count; i++) {
		const struct device *device = &status->devices.devices[i];
		char safe[256];

		if (find_iface(status, device->ifindex))
			continue;
		if (!any)
			puts(status->counting ? "not counted:" : "attach would leave out:");
		if (device->chosen && !status->counting)
			continue;
		any = true;
		printf("  %-12s %s\n",
		       text_safe(safe, sizeof(safe), device->name, strlen(device->name)),
		       device->chosen ? "came later, or was not named; `portscribe attach` adds it"
				      : device->reason);
	}
}

static void print_would_attach(const struct status *status)
{
	puts("attach would count on:");
	for (size_t i = 0; i < status->devices.count; i++) {
		const struct device *device = &status->devices.devices[i];
		char safe[256];

		if (device->chosen)
			printf("  %-12s %s\n",
			       text_safe(safe, sizeof(safe), device->name, strlen(device->name)),
			       device->reason);
	}
}

static void print_counting(const struct status *status)
{
	const struct datapath_state *state = &status->state;
	char since[32], memory[32];

	printf("counting since %s; %s of memory (%u rows for CPUs%s%s), %zu spans\n",
	       text_time(since, sizeof(since), from_ns(state->since_ns)),
	       text_bytes(memory, sizeof(memory), state->memory), state->own_rows,
	       state->rows > state->own_rows ? ", one shared" : "",
	       state->local_only ? ", local ports only" : "", state->span_count);
	printf("pinned in %s\n", state->path);
	for (size_t i = 0; i < state->iface_count; i++)
		print_iface(&state->ifaces[i]);
}

static void print_text(const struct status *status, const struct requirement needs[REQUIREMENTS])
{
	if (status->counting)
		print_counting(status);
	else if (status->fault.text[0])
		printf("cannot tell whether it counts here: %s\n", status->fault.text);
	else
		puts("not counting here; begin with: portscribe attach");
	if (!status->counting)
		print_would_attach(status);
	print_left_out(status);
	if (status->scene.forwards)
		puts("this host forwards packets: local ports are not only what is served here");
	for (int i = 0; i < REQUIREMENTS; i++)
		if (!needs[i].met)
			printf("%s %s: %s\n", needs[i].needed ? "missing" : "note:", needs[i].name,
			       needs[i].text);
	if (status->netns.count > (size_t)status->counting) {
		puts("pinned counting, all network namespaces:");
		for (size_t i = 0; i < status->netns.count; i++)
			printf("  %s\n", status->netns.names[i]);
	}
}

/* ---- JSON ---- */

static json_t *json_hook(const struct hook_state *state)
{
	json_t *before = json_array();

	for (size_t i = 0; i < state->before_count && i < 8; i++)
		json_array_append_new(before,
				      json_pack("{s:s, s:I, s:o}", "hook", state->before[i].hook,
						"id", (json_int_t)state->before[i].id, "name",
						json_foreign(state->before[i].name,
							     strlen(state->before[i].name))));
	return json_pack("{s:s, s:b, s:I, s:o}", "hook", hook_name(state->hook), "alive",
			 state->alive, "before_count", (json_int_t)state->before_count, "before",
			 before);
}

static json_t *json_ifaces(const struct status *status)
{
	json_t *array = json_array();

	for (size_t i = 0; status->counting && i < status->state.iface_count; i++) {
		const struct datapath_iface *iface = &status->state.ifaces[i];

		json_array_append_new(array,
				      json_pack("{s:I, s:o, s:o, s:o, s:o}", "ifindex",
						(json_int_t)iface->ifindex, "name",
						json_foreign(iface->name, strlen(iface->name)),
						"since", json_time(from_ns(iface->since_ns)), "in",
						json_hook(&iface->hooks[DIR_IN]), "out",
						json_hook(&iface->hooks[DIR_OUT])));
	}
	return array;
}

static int print_json(const struct status *status, const struct requirement needs[REQUIREMENTS])
{
	json_t *left = json_array(), *missing = json_array(), *json;
	int error;

	for (size_t i = 0; i < status->devices.count; i++) {
		const struct device *device = &status->devices.devices[i];

		if (find_iface(status, device->ifindex) || (!status->counting && device->chosen))
			continue;
		json_array_append_new(
			left,
			json_pack("{s:I, s:o, s:s}", "ifindex", (json_int_t)device->ifindex, "name",
				  json_foreign(device->name, strlen(device->name)), "reason",
				  device->chosen ? "not attached" : device->reason));
	}
	for (int i = 0; i < REQUIREMENTS; i++)
		if (!needs[i].met)
			json_array_append_new(missing,
					      json_pack("{s:s, s:b, s:s}", "name", needs[i].name,
							"needed", needs[i].needed, "text",
							needs[i].text));
	json = json_pack("{s:s, s:b, s:o, s:I, s:o, s:o, s:b, s:o, s:s}", "schema",
			 "portscribe.status.v1", "counting", status->counting, "since",
			 status->counting ? json_time(from_ns(status->state.since_ns))
					  : json_null(),
			 "memory", (json_int_t)status->state.memory, "interfaces",
			 json_ifaces(status), "not_counted", left, "forwards",
			 status->scene.forwards, "missing", missing, "error", status->fault.text);
	error = json ? json_dumpf(json, stdout, JSON_COMPACT) : -1;
	json_decref(json);
	putchar('\n');
	return error ? -ENOMEM : 0;
}

static int run(int argc, char **argv)
{
	struct requirement needs[REQUIREMENTS];
	struct status_command command = {};
	struct status status = {};
	struct fault fault = {};
	int code = parse(argc, argv, &command);

	if (code)
		return code < 0 ? EXIT_DONE : code;
	code = cli_enter(&command_status, command.netns, &status.scene);
	if (code)
		return code;
	if (gather(&status, &fault))
		return cli_leave(&status.scene,
				 cli_fail(&command_status, EXIT_RUNTIME, "%s", fault.text));
	check_requirements(&status, needs);
	if (!command.json)
		print_text(&status, needs);
	else if (print_json(&status, needs))
		code = cli_fail(&command_status, EXIT_RUNTIME, "out of memory");
	if (!code && status.fault.text[0])
		code = EXIT_INCOMPLETE;
	datapath_state_release(&status.state);
	device_list_release(&status.devices);
	pins_list_release(&status.netns);
	return cli_leave(&status.scene, code);
}

const struct command command_status = {
	.name = "status",
	.arguments = "[-N NETNS] [-j]",
	.summary = "Where it counts, by which hook, what is left out, what is missing",
	.help = help,
	.run = run,
};
