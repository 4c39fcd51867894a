/* portscribe reach: what the ruleset does with the first packet of a new connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netfilter.h>

#include <jansson.h>

#include "cli.h"
#include "net/listeners.h"
#include "net/throwaway.h"
#include "nft/includes.h"
#include "nft/interfaces.h"
#include "nft/program.h"
#include "reach/reach.h"
#include "reach/render.h"
#include "render/json.h"
#include "render/text.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "what.h"

#define FILE_LIMIT ((size_t)1 << 30)

struct reach_command {
	const char *path; /* NULL: the live ruleset */
	const char *netns;
	const char *interface;
	const char *from;
	char **whats;
	size_t what_count;
	uint8_t transports; /* SERVICE_*; 0: all that WHAT says */
	bool families[2];   /* IPv4, IPv6 */
	bool json, verbose;
};

static const char help[] =
	"For each WHAT (a port, transport/port, name, span or range): what the live nftables\n"
	"ruleset does with the first packet of a new connection to it, from elsewhere and over\n"
	"lo, and which rule decides. Follows all tables, by hook and priority, those of\n"
	"iptables-nft, too. What it does not understand it says: cannot tell. Changes\n"
	"nothing, sends nothing.\n"
	"\n"
	"  -f, --file FILE         the ruleset in FILE (- is standard input), which may be\n"
	"                          another host's; loaded in a namespace that is thrown away\n"
	"      --from ADDR[/LEN]   from these sources only\n"
	"      --iface IFACE       by this interface only\n"
	"  -t, -u                  TCP only, UDP only\n"
	"  -4, -6                  IPv4 only, IPv6 only\n"
	"  -N, --netns NETNS       of that network namespace (a name, or a path with '/')\n"
	"  -v, --verbose           the path through the chains, all sources\n"
	"  -j, --json              schema portscribe.reach.v1\n"
	"\n"
	"Exit status 4: something cannot be told.\n";

enum { OPTION_FROM = OPTION_LONG, OPTION_IFACE };

static const struct option long_options[] = {
	{ "file", required_argument, NULL, 'f' },
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "iface", required_argument, NULL, OPTION_IFACE },
	{ "netns", required_argument, NULL, 'N' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int parse(int argc, char **argv, struct reach_command *command)
{
	int option;

	while ((option = getopt_long(argc, argv, ":f:tu46N:vjh", long_options, NULL)) >= 0) {
		switch (option) {
		case 'f': command->path = optarg; break;
		case OPTION_FROM: command->from = optarg; break;
		case OPTION_IFACE: command->interface = optarg; break;
		case 't': command->transports |= SERVICE_TCP; break;
		case 'u': command->transports |= SERVICE_UDP; break;
		case '4': command->families[0] = true; break;
		case '6': command->families[1] = true; break;
		case 'N': command->netns = optarg; break;
		case 'v': command->verbose = true; break;
		case 'j': command->json = true; break;
		case 'h': cli_help(&command_reach); return -1;
		default: return cli_bad_option(&command_reach, argv, option);
		}
	}
	if (optind == argc)
		return cli_usage(&command_reach, "say what: a port, a range, a name");
	if (command->path && command->netns)
		return cli_usage(&command_reach, "-f is a file's ruleset, -N a live one");
	command->whats = argv + optind;
	command->what_count = argc - optind;
	return 0;
}

/* ---- what is asked ---- */

struct asking {
	const struct reach_command *command;
	const struct scene *scene;
	bool families[2];
	bool has_from;
	uint8_t from_family;
	struct interval from;
	struct reach_question *questions; /* owned; by WHAT, transport, port, family */
	size_t count, room;
	struct reach_answer *answers; /* owned */
	struct kernel_ruleset ruleset;
	struct host host;
	struct beside beside;
	struct reach *reach;
	struct listener_ports *listeners; /* owned; NULL: not known */
	struct slice file;		  /* the text of -f */
	const struct interface_names *stand_ins;
};

static void asking_release(struct asking *asking)
{
	for (size_t i = 0; asking->answers && i < asking->count; i++)
		reach_answer_release(&asking->answers[i]);
	free(asking->answers);
	free(asking->questions);
	free(asking->listeners);
	reach_free(asking->reach);
	beside_release(&asking->beside);
	host_release(&asking->host);
	kernel_ruleset_release(&asking->ruleset);
}

/* "10.0.0.0/8", "fd00::1" */
static int parse_from(struct asking *asking)
{
	const char *text = asking->command->from, *slash = strchr(text, '/');
	char address[64] = "", bytes[16], *end;
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	uint8_t family = strchr(text, ':') ? NFPROTO_IPV6 : NFPROTO_IPV4;
	unsigned int width = family == NFPROTO_IPV4 ? 32 : 128;
	unsigned long prefix = width;
	number_t host_bits;

	if (length < sizeof(address))
		memcpy(address, text, length);
	if (slash) {
		prefix = strtoul(slash + 1, &end, 10);
		if (!slash[1] || strspn(slash + 1, "0123456789") != strlen(slash + 1))
			prefix = width + 1;
	}
	if (inet_pton(family == NFPROTO_IPV4 ? AF_INET : AF_INET6, address, bytes) != 1 ||
	    prefix > width)
		return cli_usage(&command_reach,
				 "--from '%s' is no address such as 10.0.0.1, 10.0.0.0/8, fd00::/8",
				 text);
	host_bits = prefix == 0 ? address_last(family) : address_last(family) >> prefix;
	asking->from.first = address_number(family, bytes) & ~host_bits;
	asking->from.last = asking->from.first | host_bits;
	asking->from_family = family;
	asking->has_from = true;
	if (!asking->families[host_family(family)])
		return cli_usage(&command_reach, "--from '%s' and -%c exclude each other", text,
				 family == NFPROTO_IPV4 ? '6' : '4');
	asking->families[!host_family(family)] = false;
	return 0;
}

static int ask(struct asking *asking, enum transport transport, uint16_t port)
{
	for (unsigned int f = 0; f < 2; f++) {
		struct reach_question *grown;

		if (!asking->families[f])
			continue;
		if (asking->count == asking->room) {
			asking->room = asking->room ? asking->room * 2 : 16;
			grown = reallocarray(asking->questions, asking->room, sizeof(*grown));
			if (!grown)
				return -ENOMEM;
			asking->questions = grown;
		}
		asking->questions[asking->count++] = (struct reach_question){
			.family = f ? NFPROTO_IPV6 : NFPROTO_IPV4,
			.transport = transport,
			.port = port,
			.has_from = asking->has_from,
			.from = asking->from,
			.interface = REACH_ANY_INTERFACE,
		};
	}
	return 0;
}

static int ask_what(struct asking *asking, const char *text)
{
	struct fault fault = {};
	struct what what;
	int error = what_parse(text, &asking->scene->knowledge, &what, &fault);

	if (error)
		return cli_usage(&command_reach, "%s", fault.text);
	for (unsigned int t = 0; t < TRANSPORT_COUNT && !error; t++) {
		/* A number means TCP and UDP; who means SCTP says so. */
		bool said = strstr(text, "sctp") || what.by_name;

		if (asking->command->transports ? !(asking->command->transports >> t & 1)
						: t == TRANSPORT_SCTP && !said)
			continue;
		for (size_t i = 0; i < what.count && !error; i++)
			for (uint32_t port = what.ranges[i].first;
			     what.ranges[i].transports >> t & 1 && port <= what.ranges[i].last &&
			     !error;
			     port++)
				error = ask(asking, t, port);
	}
	what_release(&what);
	return error ? cli_fail(&command_reach, EXIT_RUNTIME, "out of memory") : 0;
}

static int ask_all(struct asking *asking)
{
	const struct reach_command *command = asking->command;
	bool any = !command->families[0] && !command->families[1];
	int code = 0;

	for (unsigned int f = 0; f < 2; f++)
		asking->families[f] = any || command->families[f];
	if (command->from)
		code = parse_from(asking);
	for (size_t i = 0; i < command->what_count && !code; i++)
		code = ask_what(asking, command->whats[i]);
	if (!code && !asking->count)
		code = cli_usage(&command_reach, "'%s' is on no transport that was asked for",
				 command->whats[0]);
	return code;
}

/* ---- what is answered ---- */

/* Both rulesets and hosts are read now; @fault says what went wrong. */
static int find_answers(struct asking *asking, struct fault *fault)
{
	const char *name = asking->command->interface;
	size_t interface = REACH_ANY_INTERFACE;
	int error;

	if (name) {
		interface = host_interface_find(&asking->host, name);
		if (interface == asking->host.count)
			return fault_set(fault, -ENODEV, "there is no interface '%s' here", name);
	}
	for (size_t i = 0; i < asking->count; i++)
		asking->questions[i].interface = interface;
	asking->answers = calloc(asking->count + 1, sizeof(*asking->answers));
	error = asking->answers ? reach_new(&asking->ruleset, &asking->host, &asking->reach)
				: -ENOMEM;
	if (!error)
		error = reach_ask(asking->reach, asking->questions, asking->count, asking->answers);
	return error ? fault_set(fault, error, "out of memory") : 0;
}

/* Whether something of it could not be told. */
static bool is_incomplete(const struct asking *asking, const struct reach_style *style)
{
	for (size_t i = 0; i < asking->count; i++)
		for (size_t p = 0; p < asking->answers[i].count; p++) {
			const struct reach_part *part = &asking->answers[i].parts[p];

			if (part->verdict == REACH_CANNOT_TELL)
				return true;
			for (size_t w = 0; part->verdict <= REACH_MAYBE && w < part->where_count;
			     w++)
				if (reach_beside(style, &asking->questions[i], &part->where[w]))
					return true;
		}
	return false;
}

/* Writes @json, which is used up, but for its last @without bytes. */
static int print_value(FILE *out, json_t *json, size_t without)
{
	_cleanup_free_ char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (!text)
		return -ENOMEM;
	fwrite(text, 1, strlen(text) - without, out);
	return 0;
}

/* Answers one by one: thousands of them at once would be slow, and large. */
static int print_json(const struct asking *asking, const struct reach_style *style, FILE *out)
{
	const char *path = asking->command->path;
	json_t *head = json_pack("{s:s, s:o, s:I, s:o}", "schema", "portscribe.reach.v1", "file",
				 path ? json_foreign(path, strlen(path)) : json_null(),
				 "generation", (json_int_t)asking->ruleset.generation, "beside",
				 beside_json(&asking->beside, &asking->host));
	int error = print_value(out, head, strlen("}"));

	fputs(",\"answers\":[", out);
	for (size_t i = 0; i < asking->count && !error; i++) {
		fputs(i ? "," : "", out);
		error = print_value(out, reach_json(&asking->answers[i], style), 0);
	}
	fputs("]}\n", out);
	return error;
}

/* What is said of one port: a block of lines, with the family before them. */
static int print_block(const struct asking *asking, size_t first, size_t families,
		       const struct reach_style *style, FILE *out)
{
	static const char *const names[] = { "IPv4", "IPv6" };
	_cleanup_free_ char *texts[2] = { NULL, NULL };
	bool same = false;
	size_t length;
	int error = 0;

	for (size_t f = 0; f < families && !error; f++) {
		FILE *memory = open_memstream(&texts[f], &length);

		error = memory ? reach_print(memory, &asking->answers[first + f], style) : -ENOMEM;
		if (memory && fclose(memory))
			error = -ENOMEM;
	}
	same = !error && families == 2 && !strcmp(texts[0], texts[1]);
	for (size_t f = 0; f < (same ? 1 : families) && !error; f++) {
		const char *label = same ? "IPv4, IPv6"
					 : names[host_family(asking->questions[first + f].family)];

		for (char *line = texts[f], *end; *line; line = end + 1, label = "") {
			end = strchrnul(line, '\n');
			fprintf(out, "  %-10s  %.*s\n", label, (int)(end - line), line);
			if (!*end)
				break;
		}
	}
	free(texts[1]);
	return error;
}

static void print_head(const struct asking *asking, const struct reach_question *question,
		       uint16_t last, FILE *out)
{
	struct slice name = knowledge_name(&asking->scene->knowledge, 1u << question->transport,
					   question->port);
	char safe[64];

	if (last != question->port) {
		fprintf(out, "%u-%u/%s\n", question->port, last,
			transport_name(question->transport));
		return;
	}
	fprintf(out, "%u/%s", question->port, transport_name(question->transport));
	if (name.length)
		fprintf(out, " %s", text_safe(safe, sizeof(safe), name.text, name.length));
	if (asking->listeners)
		fputs(listener_on(asking->listeners, question->transport, question->port)
			      ? "; somebody listens"
			      : "; nobody listens",
		      out);
	putc('\n', out);
}

/* Ports in a row of which the same is said go together, where many were asked for. */
static int print_text(const struct asking *asking, const struct reach_style *style, FILE *out)
{
	size_t families = asking->families[0] + asking->families[1];
	bool together = asking->count / families > 16;
	_cleanup_free_ char *block = NULL;
	size_t first = 0, length;
	int error = 0;

	for (size_t i = 0; i <= asking->count && !error; i += families) {
		_cleanup_free_ char *next = NULL;
		const struct reach_question *question = &asking->questions[i];
		FILE *memory;

		if (i < asking->count) {
			memory = open_memstream(&next, &length);
			error = memory ? print_block(asking, i, families, style, memory) : -ENOMEM;
			if ((memory && fclose(memory)) || error)
				return -ENOMEM;
		}
		if (next && block && together && !strcmp(next, block) &&
		    question->transport == asking->questions[first].transport &&
		    question->port == asking->questions[i - families].port + 1)
			continue;
		if (block) {
			print_head(asking, &asking->questions[first],
				   asking->questions[i - families].port, out);
			fputs(block, out);
		}
		free(block);
		block = TAKE_PTR(next);
		first = i;
	}
	return error;
}

static void print_beside(const struct asking *asking, FILE *out)
{
	for (size_t i = 0; i < asking->beside.count; i++) {
		const struct beside_item *item = &asking->beside.items[i];

		fputs("beside nftables: ", out);
		text_print_lines(out, item->text, strlen(item->text));
		fputs(item->partial ? " decides about sockets in there\n" : "\n", out);
	}
}

/* To @out; the exit code, or -ENOMEM. */
static int print_answers(const struct asking *asking, FILE *out)
{
	const struct reach_style style = { &asking->host, &asking->beside,
					   asking->command->verbose };
	int error = asking->command->json ? print_json(asking, &style, out)
					  : print_text(asking, &style, out);

	if (error)
		return error;
	if (!asking->command->json)
		print_beside(asking, out);
	return is_incomplete(asking, &style) ? EXIT_INCOMPLETE : EXIT_DONE;
}

/* ---- the live ruleset ---- */

static int reach_live(struct asking *asking)
{
	struct fault fault = {};
	int error = kernel_ruleset_read(ELEMENTS_ALL, &asking->ruleset, &fault);

	if (!error)
		error = host_read(&asking->host, &fault);
	if (!error)
		error = beside_read(&asking->host, &asking->beside, &fault);
	if (error == -EPERM)
		return cli_fail(&command_reach, EXIT_INCOMPLETE, "%s", fault.text);
	if (!error)
		error = find_answers(asking, &fault);
	if (error == -ENODEV)
		return cli_usage(&command_reach, "%s", fault.text);
	if (error)
		return cli_fail(&command_reach, EXIT_RUNTIME, "%s", fault.text);
	asking->listeners = malloc(sizeof(*asking->listeners));
	if (asking->listeners && listener_ports_read(asking->listeners, NULL)) {
		free(asking->listeners);
		asking->listeners = NULL;
	}
	error = print_answers(asking, stdout);
	return error < 0 ? cli_fail(&command_reach, EXIT_RUNTIME, "out of memory") : error;
}

/* ---- a file's ---- */

/* What the child tells of itself, by its exit status. */
enum { TRIED_FAULT = 90 };

static int load_file(struct asking *asking, struct fault *fault)
{
	static const char *const arguments[] = { "-f", "-", NULL };
	struct nft_output output;
	int error;

	/* Where one cannot be made, nft says whether it is needed. */
	for (size_t i = 0; i < asking->stand_ins->count; i++)
		throwaway_interface(asking->stand_ins->names[i]);
	error = nft_run(arguments, asking->file.text, asking->file.length, &output, fault);
	if (error)
		return error;
	if (output.status)
		error = fault_set(fault, -EINVAL, "nft does not load it: %.*s",
				  (int)strcspn(output.errors, "\n"), output.errors);
	nft_output_release(&output);
	return error;
}

/* In the throwaway namespace: a report, or what went wrong. */
static int try_file(void *data, FILE *report)
{
	struct asking *asking = data;
	struct fault fault = {};
	int error = load_file(asking, &fault);

	if (!error)
		error = kernel_ruleset_read(ELEMENTS_ALL, &asking->ruleset, &fault);
	if (!error)
		error = host_read(&asking->host, &fault);
	if (!error && reach_assume(&asking->ruleset, &asking->host))
		error = fault_set(&fault, -ENOMEM, "out of memory");
	if (!error)
		error = find_answers(asking, &fault);
	if (!error) {
		error = print_answers(asking, report);
		if (error >= 0)
			return error;
		fault_set(&fault, error, "out of memory");
	}
	fputs(fault.text, report);
	return TRIED_FAULT;
}

static int reach_file(struct asking *asking)
{
	const char *path = asking->command->path;
	_cleanup_free_ char *text = NULL, *report = NULL;
	struct interface_names stand_ins = { 0 };
	struct include_files includes;
	struct fault fault = {};
	size_t length;
	int status;

	if (file_read_limited(path, FILE_LIMIT, &text, &length, &fault))
		return cli_fail(&command_reach, EXIT_RUNTIME, "%s", fault.text);
	include_files_init(&includes);
	status = interface_names_read(&stand_ins, text, length, &includes.callbacks);
	asking->file = (struct slice){ text, length };
	asking->stand_ins = &stand_ins;
	if (!status)
		status = throwaway_run(try_file, asking, &report, &length, &fault);
	else
		fault_set(&fault, status, "out of memory");
	interface_names_release(&stand_ins);
	include_files_release(&includes);
	if (status < 0)
		return cli_fail(&command_reach, status == -EPERM ? EXIT_INCOMPLETE : EXIT_RUNTIME,
				"%s: %s", path, fault.text);
	if (status == TRIED_FAULT)
		return cli_fail(&command_reach, EXIT_RUNTIME, "%s: %s", path, report);
	fwrite(report, 1, length, stdout);
	return status;
}

static int run(int argc, char **argv)
{
	struct reach_command command = {};
	struct scene scene;
	struct asking asking = { .command = &command, .scene = &scene };
	int code = parse(argc, argv, &command);

	if (code)
		return code < 0 ? EXIT_DONE : code;
	code = cli_enter(&command_reach, command.netns, &scene);
	if (code)
		return code;
	code = ask_all(&asking);
	if (!code)
		code = command.path ? reach_file(&asking) : reach_live(&asking);
	asking_release(&asking);
	return cli_leave(&scene, code);
}

const struct command command_reach = {
	.name = "reach",
	.arguments = "[-f FILE | -N NETNS] [--from ADDR[/LEN]] [--iface IFACE] [-tu46vj] WHAT...",
	.summary = "Tell what the ruleset does with new connections to a port",
	.help = help,
	.run = run,
};
