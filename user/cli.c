/* See cli.h. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "render/text.h"

int cli_help(const struct command *command)
{
	printf("usage: portscribe %s%s%s\n\n%s.\n\n%s", command->name,
	       command->arguments[0] ? " " : "", command->arguments, command->summary,
	       command->help);
	return EXIT_DONE;
}

/* "portscribe COMMAND: sentence", safe on a terminal whatever the sentence quotes. */
static void say(const struct command *command, const char *format, va_list arguments,
		const char *after)
{
	char sentence[2048];

	vsnprintf(sentence, sizeof(sentence), format, arguments);
	fprintf(stderr, "portscribe %s: ", command->name);
	text_print_lines(stderr, sentence, strlen(sentence));
	fprintf(stderr, "%s\n", after);
}

int cli_fail(const struct command *command, enum exit_code code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(command, format, arguments, "");
	va_end(arguments);
	return code;
}

int cli_usage(const struct command *command, const char *format, ...)
{
	va_list arguments;
	char after[64];

	snprintf(after, sizeof(after), " (see: portscribe %s --help)", command->name);
	va_start(arguments, format);
	say(command, format, arguments, after);
	va_end(arguments);
	return EXIT_USAGE;
}

int cli_bad_option(const struct command *command, char **argv, int result)
{
	const char *word = argv[optind - 1];

	if (result == ':')
		return cli_usage(command, "option '%s' needs a value", word);
	if (!strncmp(word, "--", 2))
		return cli_usage(command, "option '%s' is unknown, ambiguous or takes no value",
				 word);
	return cli_usage(command, "unknown option '-%c'", optopt);
}

int cli_enter(const struct command *command, const char *netns, struct scene *ret_scene)
{
	struct fault fault = {};

	if (scene_enter(netns, ret_scene, &fault))
		return cli_fail(command, EXIT_RUNTIME, "%s", fault.text);
	for (size_t i = 0; i < ret_scene->complaint_count; i++)
		cli_fail(command, EXIT_INCOMPLETE, "%s", ret_scene->complaints[i]);
	return EXIT_DONE;
}

int cli_leave(struct scene *scene, int code)
{
	bool complete = !scene->complaint_count;

	scene_release(scene);
	return code == EXIT_DONE && !complete ? EXIT_INCOMPLETE : code;
}

int cli_parse_seconds(const char *text, double *ret_seconds)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !isfinite(value) || value <= 0 || value > 366.0 * 86400)
		return -EINVAL;
	*ret_seconds = value;
	return 0;
}

int cli_parse_size(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "KMGT";
	char *end;
	unsigned long long value;
	const char *unit;
	int shift = 0;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (end == text || errno || text[0] == '-' || text[0] == '+')
		return -EINVAL;
	if (*end) {
		unit = strchr(units, *end & ~0x20);
		if (!unit)
			return -EINVAL;
		shift = 10 * (unit - units + 1);
		end++;
		if (!strcmp(end, "iB") || !strcmp(end, "B"))
			end += strlen(end);
	}
	if (*end || !value || value > UINT64_MAX >> shift)
		return -EINVAL;
	*ret_bytes = value << shift;
	return 0;
}

int cli_parse_count(const char *text, size_t *ret_count)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (end == text || *end || errno || !value || text[0] == '-' || text[0] == '+')
		return -EINVAL;
	*ret_count = value;
	return 0;
}
