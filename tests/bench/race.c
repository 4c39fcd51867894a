/*
 * race [-r ROUNDS] NAME COMMAND AFTER [NAME COMMAND AFTER]...
 *
 * Milliseconds from fork to the end of each COMMAND (words by spaces, no shell,
 * output thrown away), in turns; and as NAME.memory the most KiB it had in memory.
 * AFTER ("" for none) is a shell's, and not timed.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define RACERS_MAX 8
#define WORDS_MAX  64

struct racer {
	const char *name, *after;
	char *words[WORDS_MAX];
	struct samples samples, memory;
};

static void child(char *const *words)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execvp(words[0], words);
	_exit(127);
}

static int run(struct racer *racer, double *ret_ms, double *ret_memory)
{
	double start = bench_clock(CLOCK_MONOTONIC);
	struct rusage usage;
	pid_t pid = fork();
	int status;

	if (!pid)
		child(racer->words);
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return -errno;
	*ret_ms = (bench_clock(CLOCK_MONOTONIC) - start) / 1e6;
	*ret_memory = usage.ru_maxrss;
	if (status) {
		fprintf(stderr, "%s: '%s' ended with status %d\n", racer->name, racer->words[0],
			WIFEXITED(status) ? WEXITSTATUS(status) : -1);
		return -EINVAL;
	}
	if (*racer->after && system(racer->after)) {
		fprintf(stderr, "%s: failed: %s\n", racer->name, racer->after);
		return -EINVAL;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct racer racers[RACERS_MAX] = {};
	unsigned int rounds = 20, count;
	int option;

	while ((option = getopt(argc, argv, "r:")) != -1) {
		if (option == '?')
			return 2;
		rounds = strtoul(optarg, NULL, 10);
	}
	argv += optind;
	count = (argc - optind) / 3;
	if (!rounds || !count || count > RACERS_MAX || (argc - optind) % 3)
		return 2;
	for (unsigned int i = 0; i < count; i++, argv += 3) {
		unsigned int words = 0;

		racers[i].name = argv[0];
		racers[i].after = argv[2];
		for (char *word; words < WORDS_MAX - 1 && (word = strsep(&argv[1], " "));)
			if (*word)
				racers[i].words[words++] = word;
		if (!words)
			return 2;
	}
	for (unsigned int round = 0; round < rounds + 1;
	     round++) /* the first fills the page cache */
		for (unsigned int i = 0; i < count; i++) {
			struct racer *racer = &racers[(i + round) % count];
			double ms = 0, memory = 0;

			if (run(racer, &ms, &memory))
				return 1;
			if (!round)
				continue;
			samples_add(&racer->samples, ms);
			samples_add(&racer->memory, memory);
		}
	for (unsigned int i = 0; i < count; i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s.memory", racers[i].name);
		samples_print(&racers[i].samples, racers[i].name);
		samples_print(&racers[i].memory, name);
	}
	return 0;
}
