/*
 * cost [-l LOADS] [-r ROUNDS] [-n REPEAT] NAME=OBJECT[:PROGRAM[:parse]]...
 *
 * Nanoseconds of CPU that each program takes for one packet, by
 * BPF_PROG_TEST_RUN. In turns within a round; all loaded anew LOADS times,
 * since where the kernel puts code and maps in memory changes the cost.
 */
#include <getopt.h>
#include <sys/resource.h>

#include "bench.h"
#include "object.h"

#define SUBJECTS_MAX 64

struct subject {
	char *name, *path, *program; /* program NULL: the first one */
	bool parse_only;
	struct bpf_object *object;
	int fd;
	struct samples samples;
};

static unsigned int loads = 4, rounds = 25, repeat = 100000;

static int subject_parse(struct subject *subject, char *text)
{
	char *rest = text, *parse;

	subject->name = strsep(&rest, "=");
	subject->path = strsep(&rest, ":");
	subject->program = strsep(&rest, ":");
	parse = rest;
	subject->parse_only = parse && !strcmp(parse, "parse");
	if (subject->program && !*subject->program)
		subject->program = NULL;
	return subject->path ? 0 : -EINVAL;
}

/* udp 12345 -> 3232 over IPv4, 40 bytes of payload: a port within a shipped span. */
static const unsigned char packet[14 + 20 + 8 + 40] = {
	2, 2,  2,  2, 2, 2,  4, 4, 4, 4,  4, 4, 0x08, 0x00, 0x45, 0,	0,    68, 0,  0, 0,
	0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,    0x30, 0x39, 0x0c, 0xa0, 0,  48, 0, 0,
};

static int subject_run(struct subject *subject, double *ret_ns)
{
	unsigned char out[256];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof(packet),
		    .data_out = out, .data_size_out = sizeof(out), .repeat = repeat);
	double start = bench_clock(CLOCK_THREAD_CPUTIME_ID);
	int error = bpf_prog_test_run_opts(subject->fd, &options);

	*ret_ns = (bench_clock(CLOCK_THREAD_CPUTIME_ID) - start) / repeat;
	if (error)
		fprintf(stderr, "cannot run '%s': %s\n", subject->name, strerror(-error));
	return error;
}

static int measure(struct subject *subjects, int count)
{
	for (unsigned int round = 0; round < rounds + 1; round++) /* the first warms up */
		for (int i = 0; i < count; i++) {
			struct subject *subject = &subjects[(i + round) % count];
			double ns;

			if (subject_run(subject, &ns))
				return -1;
			if (round)
				samples_add(&subject->samples, ns);
		}
	return 0;
}

int main(int argc, char **argv)
{
	static struct subject subjects[SUBJECTS_MAX];
	int count, option, status = 0;

	while ((option = getopt(argc, argv, "l:r:n:")) != -1) {
		unsigned int value = optarg ? strtoul(optarg, NULL, 10) : 0;

		if (option == '?' || !value)
			return 2;
		*(option == 'l' ? &loads : option == 'r' ? &rounds : &repeat) = value;
	}
	count = argc - optind;
	if (!count || count > SUBJECTS_MAX)
		return 2;
	for (int i = 0; i < count; i++)
		if (subject_parse(&subjects[i], argv[optind + i]))
			return 2;
	setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
	bench_pin();

	for (unsigned int load = 0; load < loads && !status; load++) {
		for (int i = 0; i < count && !status; i++) {
			/* In another order each time, so that nobody always has the same
			 * neighbours. */
			struct subject *subject =
				&subjects[(i * (load % 2 ? count - 1 : 1) + load) % count];

			subject->object = object_load(subject->path, subject->program,
						      subject->parse_only, &subject->fd);
			status = !subject->object;
		}
		if (!status)
			status = measure(subjects, count) != 0;
		for (int i = 0; i < count; i++) {
			bpf_object__close(subjects[i].object);
			subjects[i].object = NULL;
		}
	}
	for (int i = 0; i < count && !status; i++)
		samples_print(&subjects[i].samples, subjects[i].name);
	return status;
}
