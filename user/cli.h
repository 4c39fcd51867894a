/*
 * What all commands share: exit codes, the table they are in, how they speak
 * of errors, and the options that mean the same everywhere. Only main.c and
 * cmd_*.c include this.
 */
#ifndef PORTSCRIBE_CLI_H
#define PORTSCRIBE_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scene.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FINDINGS = 1,   /* the command reports findings, and there are some */
	EXIT_USAGE = 2,	     /* the command line is wrong; nothing was done */
	EXIT_RUNTIME = 3,    /* it could not be done */
	EXIT_INCOMPLETE = 4, /* done, but something could not be read: the answer may lack it */
};

struct command {
	const char *name;
	const char *arguments; /* as shown after the name in help */
	const char *summary;   /* one line */
	const char *help;      /* the rest of --help: one option a line */
	int (*run)(int argc, char **argv);
};

extern const struct command command_attach, command_detach, command_status, command_show,
	command_explain, command_search, command_annotate, command_rules, command_reach,
	command_audit, command_run, command_registry, command_listeners, command_watch;

/* The parts of command_registry, which finds them by its first argument. */
extern const struct command command_registry_info, command_registry_import;

/* "portscribe COMMAND: sentence" to stderr. Returns @code. */
int cli_fail(const struct command *command, enum exit_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As cli_fail() with EXIT_USAGE and a pointer to --help. */
int cli_usage(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What getopt_long() complained of, in our words; @optind, @optopt as it left them. */
int cli_bad_option(const struct command *command, char **argv, int result);

int cli_help(const struct command *command);

/*
 * scene_enter(), and say of each complaint that something is left out. Returns
 * EXIT_DONE, or EXIT_RUNTIME where it failed and said why.
 */
int cli_enter(const struct command *command, const char *netns, struct scene *ret_scene);

/* Release the scene. Returns @code; EXIT_INCOMPLETE instead of EXIT_DONE after complaints. */
int cli_leave(struct scene *scene, int code);

/* Parse "10", "0.5" seconds, above 0 and at most 366 days. 0 or -EINVAL. */
int cli_parse_seconds(const char *text, double *ret_seconds);

/* Parse "64M", "1G", "512K" or bytes. 0 or -EINVAL. */
int cli_parse_size(const char *text, uint64_t *ret_bytes);

/* Parse a count above 0. 0 or -EINVAL. */
int cli_parse_count(const char *text, size_t *ret_count);

/* Options that getopt_long() returns for long names without a letter start here. */
enum { OPTION_LONG = 256 };

#endif
