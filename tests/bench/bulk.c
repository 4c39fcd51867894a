/*
 * bulk [-r ROUNDS] [-m MILLISECONDS] INTERFACE ADDRESS NETNS
 *
 * TCP as fast as it goes from the namespace NETNS (a path) to ADDRESS here,
 * without and with counting on INTERFACE, in the order without, with, without,
 * with. Each line is Gbit/s of the four runs of a round.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "counting.h"

#define BUFFER (256 * 1024)
#define PORT   5201

static const char *netns;
static struct sockaddr_in address = { .sin_family = AF_INET };
static char sent[BUFFER];

static void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set); /* where there is one CPU only: no matter */
}

/* Sends until the other side has enough and closes. */
static void *sender(void *unused)
{
	int space = open(netns, O_RDONLY | O_CLOEXEC), fd = -1;

	pin_to(0);
	if (space >= 0 && !setns(space, CLONE_NEWNET))
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		fprintf(stderr, "cannot send: %s\n", strerror(errno));
	else
		while (send(fd, sent, sizeof(sent), MSG_NOSIGNAL) > 0)
			;
	close(fd);
	close(space);
	return NULL;
}

static double receive(int listener, double seconds)
{
	static char buffer[BUFFER];
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	double start, now, bytes = 0;
	ssize_t got;

	if (fd < 0)
		return 0;
	start = now = bench_clock(CLOCK_MONOTONIC);
	while (now - start < seconds * 1.2e9 && (got = read(fd, buffer, sizeof(buffer))) > 0) {
		now = bench_clock(CLOCK_MONOTONIC);
		if (!bytes && now - start < seconds * 0.2e9)
			continue; /* slow start */
		if (!bytes)
			start = now;
		if (now - start > seconds * 1e9)
			break;
		bytes += got;
	}
	close(fd);
	return bytes * 8 / (now - start);
}

static double transfer(int listener, double seconds)
{
	pthread_t thread;
	double rate;

	if (pthread_create(&thread, NULL, sender, NULL))
		return 0;
	rate = receive(listener, seconds);
	pthread_join(thread, NULL);
	return rate;
}

static double transfer_counted(int listener, double seconds, const char *interface)
{
	struct datapath *datapath = counting_begin(interface);
	double rate = datapath ? transfer(listener, seconds) : 0;

	datapath_close(datapath);
	return rate;
}

int main(int argc, char **argv)
{
	unsigned int rounds = 8, milliseconds = 400;
	struct timeval patience = { .tv_sec = 5 };
	int option, listener, one = 1;

	while ((option = getopt(argc, argv, "r:m:")) != -1) {
		unsigned int value = optarg ? strtoul(optarg, NULL, 10) : 0;

		if (option == '?' || !value)
			return 2;
		*(option == 'r' ? &rounds : &milliseconds) = value;
	}
	if (argc - optind != 3)
		return 2;
	netns = argv[optind + 2];
	address.sin_port = htons(PORT);
	if (inet_pton(AF_INET, argv[optind + 1], &address.sin_addr) != 1)
		return 2;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 1)) {
		fprintf(stderr, "cannot listen: %s\n", strerror(errno));
		return 1;
	}
	pin_to(1);
	transfer(listener, 0.2);
	for (unsigned int round = 0; round < rounds; round++)
		for (int run = 0; run < 4; run++) {
			double seconds = milliseconds / 1e3;
			double rate = run & 1 ? transfer_counted(listener, seconds, argv[optind])
					      : transfer(listener, seconds);

			if (!rate)
				return 1;
			printf("%.3f%c", rate, run == 3 ? '\n' : '\t');
		}
	close(listener);
	return 0;
}
