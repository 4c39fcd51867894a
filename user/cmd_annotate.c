/* portscribe annotate: an nftables file with comments that say what its ports are. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "cli.h"
#include "cmd_annotate.h"
#include "datapath/datapath.h"
#include "nft/annotate.h"
#include "nft/diff.h"
#include "nft/includes.h"
#include "nft/proof.h"
#include "render/json.h"
#include "render/text.h"
#include "scene.h"
#include "util/cleanup.h"
#include "util/exchange.h"
#include "util/file.h"

#define FILE_LIMIT ((size_t)1 << 30)

struct annotate_command {
	char **paths; /* argv's */
	size_t path_count;
	const char *netns;
	const char *suffix; /* of the old file; NULL: it does not stay */
	enum annotate_style style;
	bool in_place, diff, check, traffic, json, no_proof;
	bool live, apply, force;
};

static const char help[] =
	"Prints FILE (- is standard input) with a comment \"[ps] ...\" on each rule that\n"
	"names ports, and on elements of named sets and maps; every other byte stays as it\n"
	"is. What is left alone is listed on stderr with the reason. A comment of somebody\n"
	"else is never touched. Before anything is written, the old and the new text are\n"
	"loaded in throwaway network namespaces: nft must list both alike but for comments.\n"
	"\n"
	"      --in-place[=SUFFIX] write the files themselves; with SUFFIX keep the old text\n"
	"                          as FILE plus SUFFIX. Mode, owner and attributes stay\n"
	"      --diff              print what would change\n"
	"      --check             exit status 1 where something would change; counts alone\n"
	"                          are no change\n"
	"      --strip             take our comments out again\n"
	"      --style STYLE       comment: comments of nft, listed by it later (default)\n"
	"                          hash: lines \"# [ps] ...\" above, also for defines\n"
	"      --traffic           add what was counted here for the ports; a port's count\n"
	"                          is not the rule's\n"
	"  -N, --netns NETNS       take the counts of that network namespace\n"
	"      --no-proof          do not load the texts before writing\n"
	"      --live              the live ruleset instead of a FILE: print what would change\n"
	"      --apply             with --live: change it, each rule in its place and under its\n"
	"                          handle; elements of sets stay as they are\n"
	"      --force             also rules with a counter that are hit more than 12,000\n"
	"                          times a second; what their counters miss is told\n"
	"  -j, --json              schema portscribe.annotate.v1 instead of the text\n";

enum {
	OPTION_IN_PLACE = OPTION_LONG,
	OPTION_DIFF,
	OPTION_CHECK,
	OPTION_STRIP,
	OPTION_STYLE,
	OPTION_TRAFFIC,
	OPTION_NO_PROOF,
	OPTION_LIVE,
	OPTION_APPLY,
	OPTION_FORCE,
};

static const struct option long_options[] = {
	{ "in-place", optional_argument, NULL, OPTION_IN_PLACE },
	{ "diff", no_argument, NULL, OPTION_DIFF },
	{ "check", no_argument, NULL, OPTION_CHECK },
	{ "strip", no_argument, NULL, OPTION_STRIP },
	{ "style", required_argument, NULL, OPTION_STYLE },
	{ "traffic", no_argument, NULL, OPTION_TRAFFIC },
	{ "netns", required_argument, NULL, 'N' },
	{ "no-proof", no_argument, NULL, OPTION_NO_PROOF },
	{ "live", no_argument, NULL, OPTION_LIVE },
	{ "apply", no_argument, NULL, OPTION_APPLY },
	{ "force", no_argument, NULL, OPTION_FORCE },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int check_suffix(const char *suffix)
{
	if (!*suffix || strchr(suffix, '/'))
		return cli_usage(&command_annotate, "--in-place=%s: a suffix such as .bak expected",
				 suffix);
	return 0;
}

static int check_live_options(const struct annotate_command *command)
{
	if (command->path_count)
		return cli_usage(&command_annotate, "--live is about the live ruleset: no FILE");
	if (command->in_place || command->json || command->no_proof)
		return cli_usage(&command_annotate,
				 "--live goes without --in-place, --json and --no-proof");
	if (command->style == ANNOTATE_HASH)
		return cli_usage(&command_annotate,
				 "the live ruleset keeps no # lines: no --style hash");
	if (command->apply && (command->diff || command->check))
		return cli_usage(&command_annotate, "--apply writes; --diff and --check do not");
	if (command->force && !command->apply)
		return cli_usage(&command_annotate, "--force goes with --apply");
	return 0;
}

/* What the options do not allow together. */
static int check_options(const struct annotate_command *command, const char *style)
{
	if (command->live)
		return check_live_options(command);
	if (command->apply || command->force)
		return cli_usage(&command_annotate, "--apply and --force go with --live");
	if (!command->path_count)
		return cli_usage(&command_annotate, "a FILE is needed (- is standard input)");
	if (command->path_count > 1 && !command->in_place)
		return cli_usage(&command_annotate,
				 "one FILE at a time; several only with --in-place");
	if (command->in_place && (command->diff || command->check))
		return cli_usage(&command_annotate, "--in-place writes; --diff and --check do not");
	if (command->json && (command->in_place || command->diff || command->check))
		return cli_usage(&command_annotate,
				 "--json is instead of the text: no --in-place, --diff or --check");
	if (command->style == ANNOTATE_STRIP && (style || command->traffic))
		return cli_usage(&command_annotate,
				 "--strip takes comments out: no --style and no --traffic");
	if (command->netns && !command->traffic)
		return cli_usage(&command_annotate,
				 "-N says whose counts or rules: it goes with --traffic or --live");
	return 0;
}

static int parse_style(const char *word, enum annotate_style *ret_style)
{
	if (strcmp(word, "comment") && strcmp(word, "hash"))
		return cli_usage(&command_annotate, "--style '%s': 'comment' or 'hash' expected",
				 word);
	*ret_style = strcmp(word, "hash") ? ANNOTATE_COMMENT : ANNOTATE_HASH;
	return 0;
}

static int parse(int argc, char **argv, struct annotate_command *command)
{
	const char *style = NULL;
	bool strip = false;
	int option, code = 0;

	while (!code && (option = getopt_long(argc, argv, ":N:jh", long_options, NULL)) >= 0) {
		switch (option) {
		case OPTION_IN_PLACE:
			command->in_place = true;
			command->suffix = optarg;
			code = optarg ? check_suffix(optarg) : 0;
			break;
		case OPTION_DIFF: command->diff = true; break;
		case OPTION_CHECK: command->check = true; break;
		case OPTION_STRIP: strip = true; break;
		case OPTION_STYLE:
			style = optarg;
			code = parse_style(optarg, &command->style);
			break;
		case OPTION_TRAFFIC: command->traffic = true; break;
		case OPTION_NO_PROOF: command->no_proof = true; break;
		case OPTION_LIVE: command->live = true; break;
		case OPTION_APPLY: command->apply = true; break;
		case OPTION_FORCE: command->force = true; break;
		case 'N': command->netns = optarg; break;
		case 'j': command->json = true; break;
		case 'h': cli_help(&command_annotate); return -1;
		default: return cli_bad_option(&command_annotate, argv, option);
		}
	}
	if (strip)
		command->style = ANNOTATE_STRIP;
	command->paths = argv + optind;
	command->path_count = argc - optind;
	return code ? code : check_options(command, style);
}

/* ---- one file ---- */

struct work {
	const struct annotate_command *command;
	const struct comment_facts *facts;
	const char *path, *shown;
	struct exchange exchange; /* of a file that is written in place */
	char *text;		  /* owned, unless it is the exchange's */
	size_t length;
	struct include_files includes;
	struct annotate_result result;
	const char *proof; /* for JSON: "equal", "none" or "different" */
};

static int nothing_done(const struct work *work, const char *why)
{
	return cli_fail(&command_annotate, EXIT_RUNTIME, "%s", why);
}

static struct annotate_options options_of(const struct work *work, enum annotate_style style)
{
	return (struct annotate_options){
		.style = style,
		.keep_counts = work->command->check,
		.facts = work->facts,
		.includes = &work->includes.callbacks,
	};
}

/* Whether two texts differ by comments of ours alone: then neither is worth keeping for the other.
 */
static bool same_but_comments(void *data, const char *text, size_t length, const char *left,
			      size_t left_length)
{
	const struct work *work = data;
	const struct annotate_options options = options_of(work, ANNOTATE_STRIP);
	struct annotate_result bare = { 0 }, left_bare = { 0 };
	bool same = !nft_annotate(text, length, &options, &bare) &&
		    !nft_annotate(left, left_length, &options, &left_bare) &&
		    bare.length == left_bare.length &&
		    !memcmp(bare.text, left_bare.text, bare.length);

	annotate_result_release(&bare);
	annotate_result_release(&left_bare);
	return same;
}

static int read_text(struct work *work)
{
	struct fault fault = {};
	int error;

	if (work->command->in_place) {
		error = exchange_open(work->path, FILE_LIMIT, same_but_comments, work,
				      &work->exchange, &fault);
		work->text = work->exchange.text;
		work->length = work->exchange.length;
	} else {
		error = file_read_limited(work->path, FILE_LIMIT, &work->text, &work->length,
					  &fault);
	}
	return error ? nothing_done(work, fault.text) : 0;
}

/* As it is to a file or a pipe, safe to a terminal. */
static void put_text(FILE *out, const char *text, size_t length)
{
	if (isatty(fileno(out)))
		text_print_lines(out, text, length);
	else
		fwrite(text, 1, length, out);
}

static bool prints_text(const struct annotate_command *command)
{
	return !command->in_place && !command->diff && !command->check && !command->json;
}

/* Whoever reads our output must not find less than the file in it. */
static int refuse(const struct work *work, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(const struct work *work, const char *format, ...)
{
	char why[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	if (prints_text(work->command))
		put_text(stdout, work->text, work->length);
	return cli_fail(&command_annotate, EXIT_RUNTIME, "%s: %s; it is left as it was",
			work->shown, why);
}

static int make(struct work *work)
{
	const struct annotate_options options = options_of(work, work->command->style);
	int error = nft_annotate(work->text, work->length, &options, &work->result);

	if (error == -EINVAL && work->result.skip_count)
		return refuse(work, "line %u, column %u: %s", work->result.skips[0].line,
			      work->result.skips[0].column, work->result.skips[0].reason);
	return error ? refuse(work, "%s", strerror(-error)) : 0;
}

static void list_skips(const struct work *work)
{
	for (size_t i = 0; i < work->result.skip_count; i++) {
		const struct annotate_skip *skip = &work->result.skips[i];

		text_print_lines(stderr, work->shown, strlen(work->shown));
		fprintf(stderr, ":%u:%u: left alone: %s\n", skip->line, skip->column, skip->reason);
	}
}

static int prove(struct work *work)
{
	struct fault fault = {};

	work->proof = "none";
	if (work->command->no_proof || !work->result.edits.count)
		return 0;
	switch (nft_prove((struct slice){ work->text, work->length },
			  (struct slice){ work->result.text, work->result.length }, work->facts,
			  &work->includes.callbacks, &fault)) {
	case PROOF_EQUAL: work->proof = "equal"; return 0;
	case PROOF_DIFFERENT: return refuse(work, "%s", fault.text);
	case PROOF_NONE: break;
	}
	cli_fail(&command_annotate, EXIT_DONE, "%s: not proved by loading it: %s", work->shown,
		 fault.text);
	return 0;
}

static int print_json(const struct work *work)
{
	const struct annotate_result *result = &work->result;
	json_t *skips = json_array(), *json;
	int error;

	for (size_t i = 0; i < result->skip_count; i++)
		json_array_append_new(skips, json_pack("{s:i, s:i, s:s}", "line",
						       (int)result->skips[i].line, "column",
						       (int)result->skips[i].column, "reason",
						       result->skips[i].reason));
	json = json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:s, s:o, s:o}", "schema",
			 "portscribe.annotate.v1", "file",
			 json_foreign(work->path, strlen(work->path)), "rules",
			 (json_int_t)result->rules, "comments", (json_int_t)result->comments,
			 "elements", (json_int_t)result->elements, "element_comments",
			 (json_int_t)result->element_comments, "remarks",
			 (json_int_t)result->remarks, "proof", work->proof, "left_alone", skips,
			 "text", json_foreign(result->text, result->length));
	error = json ? json_dumpf(json, stdout, JSON_COMPACT) : -1;
	json_decref(json);
	putchar('\n');
	return error ? cli_fail(&command_annotate, EXIT_RUNTIME, "out of memory") : EXIT_DONE;
}

static int write_in_place(struct work *work)
{
	struct fault fault = {};

	if (!work->result.edits.count)
		return EXIT_DONE;
	return exchange_commit(&work->exchange, work->result.text, work->result.length,
			       work->command->suffix, &fault)
		       ? cli_fail(&command_annotate, EXIT_RUNTIME, "%s", fault.text)
		       : EXIT_DONE;
}

static int deliver(struct work *work)
{
	const struct annotate_command *command = work->command;
	int code = EXIT_DONE;

	if (command->diff && diff_print(stdout, work->shown, work->text, work->length,
					&work->result.edits, put_text))
		return cli_fail(&command_annotate, EXIT_RUNTIME, "out of memory");
	if (command->check && work->result.edits.count)
		code = EXIT_FINDINGS;
	if (command->diff || command->check)
		return code;
	code = prove(work);
	if (code)
		return code;
	if (command->json)
		return print_json(work);
	if (command->in_place)
		return write_in_place(work);
	put_text(stdout, work->result.text, work->result.length);
	return EXIT_DONE;
}

static int annotate_one(const struct annotate_command *command, const struct comment_facts *facts,
			const char *path)
{
	struct work work = {
		.command = command,
		.facts = facts,
		.path = path,
		.shown = strcmp(path, "-") ? path : "(standard input)",
		.exchange = EXCHANGE_NONE,
	};
	int code;

	include_files_init(&work.includes);
	code = read_text(&work);
	if (!code)
		code = make(&work);
	if (!code) {
		list_skips(&work);
		code = deliver(&work);
	}
	annotate_result_release(&work.result);
	include_files_release(&work.includes);
	if (work.text != work.exchange.text)
		free(work.text);
	exchange_release(&work.exchange);
	return code;
}

/* All of them, whatever becomes of one. */
static int annotate(const struct annotate_command *command, const struct comment_facts *facts)
{
	int worst = EXIT_DONE;

	for (size_t i = 0; i < command->path_count; i++) {
		int code = annotate_one(command, facts, command->paths[i]);

		worst = code > worst ? code : worst;
	}
	return worst;
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
	if (!code && command.live)
		code = annotate_live(
			&(struct annotate_live){ command.style, command.apply, command.force,
						 command.check },
			&(struct comment_facts){ &scene.knowledge, snapshot, scene_service_port });
	else if (!code)
		code = annotate(&command, &(struct comment_facts){ &scene.knowledge, snapshot,
								   scene_service_port });
	snapshot_free(snapshot);
	return cli_leave(&scene, code);
}

const struct command command_annotate = {
	.name = "annotate",
	.arguments = "[--in-place[=SUFFIX] | --diff | --check] [--strip | --style STYLE]\n"
		     "                           [--traffic [-N NETNS]] [--no-proof] [-j] FILE...\n"
		     "       portscribe annotate --live [--apply [--force] | --check] [--strip]\n"
		     "                           [--traffic] [-N NETNS]",
	.summary = "Explain the ports of an nftables file in its comments",
	.help = help,
	.run = run,
};
