/*
 * watching [-n LISTENERS] [-i SECONDS] [-r RATE] [-s SECONDS] PROGRAM
 *
 * What `PROGRAM watch -j` costs, and how late it is, in the namespace it is started in:
 *
 *   latency  ns from before listen() until the line is read, LISTENERS of them
 *   idle     CPU time while nothing happens for SECONDS (-i), in parts of a processor
 *   busy     the same at RATE listen() and close() a second for SECONDS (-s)
 *   grown    KiB of memory that it has more after that
 *   lost     events meanwhile
 *
 * A line each: NAME, minimum, median, 99th percentile, count; of one number all alike.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define PORT 20000

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "watching: %s: %s\n", what, strerror(errno));
	exit(1);
}

static pid_t program;
static FILE *lines;

static void start(const char *path)
{
	int pipe_of[2];

	if (pipe(pipe_of))
		die("pipe");
	program = fork();
	if (program < 0)
		die("fork");
	if (!program) {
		dup2(pipe_of[1], STDOUT_FILENO);
		close(pipe_of[0]);
		close(pipe_of[1]);
		execl(path, path, "watch", "-j", NULL);
		_exit(127);
	}
	close(pipe_of[1]);
	lines = fdopen(pipe_of[0], "r");
	if (!lines)
		die("fdopen");
}

static int listen_on(unsigned int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8))
		die("listen");
	return fd;
}

static void rest(double ns)
{
	struct timespec time = { ns / 1e9, (long)ns % 1000000000 };

	nanosleep(&time, NULL);
}

/* Until the line that says so of @port. */
static void wait_for(const char *event, unsigned int port)
{
	char wanted_event[64], wanted_port[32], line[65536];

	snprintf(wanted_event, sizeof(wanted_event), "\"event\":\"%s\"", event);
	snprintf(wanted_port, sizeof(wanted_port), "\"port\":%u,", port);
	while (fgets(line, sizeof(line), lines))
		if (strstr(line, wanted_event) && strstr(line, wanted_port))
			return;
	die("the program ended");
}

static void print_all(struct samples *samples, const char *name)
{
	size_t count = samples->count;

	qsort(samples->values, count, sizeof(double), samples_compare);
	printf("%s\t%.6g\t%.6g\t%.6g\t%zu\n", name, samples->values[0], samples->values[count / 2],
	       samples->values[count * 99 / 100], count);
}

static void print_one(const char *name, double value)
{
	printf("%s\t%.6g\t%.6g\t%.6g\t1\n", name, value, value, value);
}

static void measure_latency(unsigned int count)
{
	struct samples samples = {};

	for (unsigned int i = 0; i < count; i++) {
		double before = bench_clock(CLOCK_MONOTONIC);
		int fd = listen_on(PORT + i % 10000);

		wait_for("opened", PORT + i % 10000);
		samples_add(&samples, bench_clock(CLOCK_MONOTONIC) - before);
		close(fd);
		wait_for("closed", PORT + i % 10000);
		rest(2e6);
	}
	print_all(&samples, "latency");
	free(samples.values);
}

static double cpu_time(void)
{
	clockid_t clock;

	if (clock_getcpuclockid(program, &clock))
		die("clock_getcpuclockid");
	return bench_clock(clock);
}

static void measure_idle(double seconds)
{
	double cpu = cpu_time(), began = bench_clock(CLOCK_MONOTONIC);

	rest(seconds * 1e9);
	print_one("idle", (cpu_time() - cpu) / (bench_clock(CLOCK_MONOTONIC) - began));
}

static long memory(void)
{
	char path[64], line[256];
	long kib = -1;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", program);
	status = fopen(path, "r");
	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "VmRSS: %ld", &kib);
	if (status)
		fclose(status);
	return kib;
}

static uint64_t lost;
static volatile bool done;

static void *read_on(void *unused)
{
	static const char count[] = "\"count\":";
	char line[65536], *at;

	while (!done && fgets(line, sizeof(line), lines))
		if (strstr(line, "\"event\":\"lost\"") && (at = strstr(line, count)))
			lost += strtoull(at + sizeof(count) - 1, NULL, 10);
	return unused;
}

static void flood(double rate, double seconds)
{
	double began = bench_clock(CLOCK_MONOTONIC), now = began;
	uint64_t made = 0;

	while ((now = bench_clock(CLOCK_MONOTONIC)) < began + seconds * 1e9) {
		while (made < (now - began) / 1e9 * rate) {
			close(listen_on(PORT + made % 10000));
			made++;
		}
		rest(1e5);
	}
}

/* Once before it is measured, for memory that is taken once. */
static void measure_busy(double rate, double seconds)
{
	pthread_t reader;
	double cpu, began;
	long before;

	if (pthread_create(&reader, NULL, read_on, NULL))
		die("pthread_create");
	flood(rate, 1);
	rest(5e8);
	before = memory();
	cpu = cpu_time();
	began = bench_clock(CLOCK_MONOTONIC);
	flood(rate, seconds);
	print_one("busy", (cpu_time() - cpu) / (bench_clock(CLOCK_MONOTONIC) - began));
	rest(5e8);
	print_one("grown", memory() - before);
	done = true;
	kill(program, SIGTERM);
	pthread_join(reader, NULL);
	print_one("lost", lost);
}

int main(int argc, char **argv)
{
	unsigned int listeners = 2000;
	double idle = 30, rate = 10000, seconds = 10;
	int option;

	while ((option = getopt(argc, argv, "n:i:r:s:")) >= 0) {
		switch (option) {
		case 'n': listeners = strtoul(optarg, NULL, 10); break;
		case 'i': idle = strtod(optarg, NULL); break;
		case 'r': rate = strtod(optarg, NULL); break;
		case 's': seconds = strtod(optarg, NULL); break;
		default: return 2;
		}
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: see the head of tests/bench/watching.c\n");
		return 2;
	}
	start(argv[optind]);
	/* It watches from when this listener is told of, however it was found. */
	close(listen_on(PORT));
	rest(1e9);
	measure_latency(listeners);
	measure_idle(idle);
	measure_busy(rate, seconds);
	waitpid(program, NULL, 0);
	return 0;
}
