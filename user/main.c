/*
 * portscribe: the command table and the words around it. Each command is one
 * file, cmd_*.c; this one finds it and prints help from the table.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "datapath/datapath.h"
#include "render/text.h"

static const struct command *const commands[] = {
	&command_run,	  &command_attach, &command_detach,   &command_status, &command_show,
	&command_explain, &command_search, &command_annotate, &command_rules,  &command_listeners,
	&command_watch,	  &command_reach,  &command_audit,    &command_registry,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_commands(FILE *out)
{
	fputs("usage: portscribe COMMAND [OPTION]... [ARGUMENT]...\n"
	      "       portscribe WHAT              the same as: portscribe explain WHAT\n\n",
	      out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n`portscribe COMMAND --help` lists a command's options; --version the version.\n",
	      out);
}

static int print_short_help(void)
{
	struct datapath *datapath = NULL;
	struct fault fault = {};
	int error;

	print_commands(stdout);
	error = datapath_open(&datapath, &fault);
	datapath_close(datapath);
	if (!error)
		puts("\nCounting here: see `portscribe show`.");
	else if (error == -ENOENT)
		puts("\nNot counting here: `portscribe attach` begins, `portscribe run` has a "
		     "look.");
	else
		printf("\nCannot tell whether it counts here: %s.\n", fault.text);
	return EXIT_DONE;
}

/* A full disk or a closed pipe must not pass for an answer. */
static int finish(int code)
{
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	if (errno != EPIPE)
		fprintf(stderr, "portscribe: cannot write the answer: %s\n", strerror(errno));
	return EXIT_RUNTIME;
}

/*
 * Who closed 0, 1 or 2 must not get our sockets there, nor our words into them.
 * Only to read: an answer written there is to fail, not to be lost.
 */
static void reserve_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static int dispatch(int argc, char **argv)
{
	static char explain[] = "explain";
	char **with_explain;

	if (argc < 2)
		return print_short_help();
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("portscribe " PORTSCRIBE_VERSION);
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		for (size_t i = 0; argc > 2 && i < COMMAND_COUNT; i++)
			if (!strcmp(argv[2], commands[i]->name))
				return cli_help(commands[i]);
		print_commands(stdout);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(argv[1], commands[i]->name))
			return commands[i]->run(argc - 1, argv + 1);
	if (argv[1][0] == '-') {
		char safe[256];

		fprintf(stderr, "portscribe: unknown option '%s' (see: portscribe --help)\n",
			text_safe(safe, sizeof(safe), argv[1], strlen(argv[1])));
		return EXIT_USAGE;
	}
	/* portscribe 3069 */
	with_explain = calloc(argc + 1, sizeof(*with_explain));
	if (!with_explain)
		return EXIT_RUNTIME;
	memcpy(with_explain, argv, argc * sizeof(*argv));
	with_explain[0] = explain;
	argc = command_explain.run(argc, with_explain);
	free(with_explain);
	return argc;
}

int main(int argc, char **argv)
{
	reserve_streams();
	opterr = 0;
	return finish(dispatch(argc, argv));
}
