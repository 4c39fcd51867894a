/*
 * Sockets that listen for a moment, by real processes, for tests of `watch`.
 *
 *   churn random COUNT SEED PROCESSES  COUNT listeners, each for 1 to 50 ms, up to 16
 *                               at a time in each process: tcp and udp, IPv4 and IPv6,
 *                               bound or not; prints "TRANSPORT FAMILY PORT PID" of each
 *   churn fail ADDRESS PORT COUNT      COUNT listen() that fail beside one that does not,
 *                               which lasts until they are over; prints as above
 *   churn mptcp PORT MS         an MPTCP listener for MS; 77: none here
 *   churn sctp PORT MS          an SCTP listener for MS; 77: none here
 *   churn share PORT            listens, leaves the socket to a child and ends; the
 *                               child prints its pid and lasts until standard input ends
 *   churn hold TRANSPORT PORT   listens; prints its pid; until standard input ends. udp0:
 *                               its port is chosen by sending
 *   churn flood COUNT PORT      COUNT times listen() and close(), as fast as can be
 *   churn name TEXT PORT MS     listens under the name TEXT (prctl(2)) for MS
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define NONE_HERE 77
#define AT_A_TIME 16
#define PORT_BASE 10000

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "churn: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void sleep_ms(unsigned int ms)
{
	struct timespec rest = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&rest, &rest) && errno == EINTR)
		;
}

static void wait_for_end_of_input(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

union address {
	struct sockaddr any;
	struct sockaddr_in ip4;
	struct sockaddr_in6 ip6;
};

static void bind_to(int fd, int family, const char *text, unsigned int port)
{
	union address address = { .any.sa_family = family };
	int yes = 1;

	if (family == AF_INET) {
		address.ip4.sin_port = htons(port);
		inet_pton(family, text, &address.ip4.sin_addr);
	} else {
		address.ip6.sin6_port = htons(port);
		inet_pton(family, text, &address.ip6.sin6_addr);
	}
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
	    bind(fd, &address.any, sizeof(address)))
		die("bind");
}

static unsigned int port_of(int fd)
{
	union address address;
	socklen_t length = sizeof(address);

	if (getsockname(fd, &address.any, &length))
		die("getsockname");
	return ntohs(address.any.sa_family == AF_INET ? address.ip4.sin_port
						      : address.ip6.sin6_port);
}

static void print_listener(const char *transport, int family, unsigned int port)
{
	printf("%s ipv%c %u %d\n", transport, family == AF_INET ? '4' : '6', port, getpid());
}

static int listening(int protocol, int family, const char *address, unsigned int port)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return -1;
	if (address)
		bind_to(fd, family, address, port);
	if (listen(fd, 8))
		die("listen");
	return fd;
}

/* ---- random ---- */

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static int open_one(uint32_t *seed, unsigned int port)
{
	int family = random_next(seed) % 2 ? AF_INET : AF_INET6, fd;
	const char *any = family == AF_INET ? "0.0.0.0" : "::1";

	switch (random_next(seed) % 4) {
	case 0: /* udp */
		fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			die("socket");
		bind_to(fd, family, any, port);
		print_listener("udp", family, port_of(fd));
		return fd;
	case 1: /* the kernel chooses the port */ fd = listening(0, family, NULL, 0); break;
	default: fd = listening(0, family, any, port);
	}
	if (fd < 0)
		die("socket");
	print_listener("tcp", family, port_of(fd));
	return fd;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

static void random_part(unsigned int first, unsigned int count, uint32_t seed)
{
	struct {
		int fd;
		uint64_t until;
	} open[AT_A_TIME];
	unsigned int opened = 0, now_open = 0;

	while (opened < count || now_open) {
		uint64_t now = now_ms();

		while (now_open < AT_A_TIME && opened < count) {
			open[now_open].fd = open_one(&seed, PORT_BASE + first + opened++);
			open[now_open++].until = now + 1 + random_next(&seed) % 50;
		}
		for (unsigned int i = 0; i < now_open;) {
			if (open[i].until > now) {
				i++;
				continue;
			}
			close(open[i].fd);
			open[i] = open[--now_open];
		}
		sleep_ms(1);
	}
	fflush(stdout);
}

static int run_random(unsigned int count, uint32_t seed, unsigned int processes)
{
	int status, failed = 0;

	for (unsigned int i = 0; i < processes; i++) {
		unsigned int first = count * i / processes, next = count * (i + 1) / processes;
		pid_t child = fork();

		if (child < 0)
			die("fork");
		if (!child) {
			random_part(first, next - first, seed + i);
			exit(0);
		}
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}

/* ---- the others ---- */

/* Several may be bound where none listens yet; only one of them may then listen. */
static int run_fail(const char *address, unsigned int port, unsigned int count)
{
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	int first = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), *others;

	others = calloc(count, sizeof(*others));
	if (first < 0 || !others)
		die("socket");
	bind_to(first, family, address, port);
	for (unsigned int i = 0; i < count; i++) {
		others[i] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (others[i] < 0)
			die("socket");
		bind_to(others[i], family, address, port);
	}
	if (listen(first, 8))
		die("listen");
	print_listener("tcp", family, port);
	for (unsigned int i = 0; i < count; i++) {
		if (!listen(others[i], 8))
			die("it did not fail");
		close(others[i]);
	}
	free(others);
	close(first);
	return 0;
}

static int run_protocol(int protocol, const char *name, unsigned int port, unsigned int ms)
{
	int fd = listening(protocol, AF_INET, "127.0.0.1", port);

	if (fd < 0)
		return NONE_HERE;
	print_listener(name, AF_INET, port);
	sleep_ms(ms);
	close(fd);
	return 0;
}

static int run_share(unsigned int port)
{
	int fd = listening(0, AF_INET, "127.0.0.1", port);
	pid_t child = fork();

	if (fd < 0 || child < 0)
		die("share");
	if (child)
		return 0;
	/* It is another program from here on, as a service that was handed a socket. */
	prctl(PR_SET_NAME, "heir");
	printf("%d\n", getpid());
	fflush(stdout);
	wait_for_end_of_input();
	return 0;
}

static int run_hold(const char *transport, unsigned int port)
{
	union address peer = { .ip4 = { .sin_family = AF_INET, .sin_port = htons(9) } };
	bool udp = !strncmp(transport, "udp", 3);
	int fd = udp ? socket(AF_INET, SOCK_DGRAM, 0) : listening(0, AF_INET, "127.0.0.1", port);

	inet_pton(AF_INET, "127.0.0.1", &peer.ip4.sin_addr);
	if (!strcmp(transport, "udp0"))
		sendto(fd, "", 0, 0, &peer.any, sizeof(peer.ip4));
	else if (udp)
		bind_to(fd, AF_INET, "127.0.0.1", port);
	printf("%d %u\n", getpid(), port_of(fd));
	fflush(stdout);
	wait_for_end_of_input();
	return 0;
}

static int run_flood(unsigned int count, unsigned int port)
{
	for (unsigned int i = 0; i < count; i++)
		close(listening(0, AF_INET, "127.0.0.1", port));
	printf("%u\n", count);
	return 0;
}

static int run_name(const char *name, unsigned int port, unsigned int ms)
{
	prctl(PR_SET_NAME, name);
	return run_protocol(0, "tcp", port, ms);
}

static unsigned int number(const char *text)
{
	return strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	/* A line in one piece, whoever else prints. */
	setvbuf(stdout, NULL, _IOLBF, 0);

	if (!strcmp(mode, "random") && argc == 5)
		return run_random(number(argv[2]), number(argv[3]), number(argv[4]));
	if (!strcmp(mode, "fail") && argc == 5)
		return run_fail(argv[2], number(argv[3]), number(argv[4]));
	if (!strcmp(mode, "mptcp") && argc == 4)
		return run_protocol(IPPROTO_MPTCP, "tcp", number(argv[2]), number(argv[3]));
	if (!strcmp(mode, "sctp") && argc == 4)
		return run_protocol(IPPROTO_SCTP, "sctp", number(argv[2]), number(argv[3]));
	if (!strcmp(mode, "share") && argc == 3)
		return run_share(number(argv[2]));
	if (!strcmp(mode, "hold") && argc == 4)
		return run_hold(argv[2], number(argv[3]));
	if (!strcmp(mode, "flood") && argc == 4)
		return run_flood(number(argv[2]), number(argv[3]));
	if (!strcmp(mode, "name") && argc == 5)
		return run_name(argv[2], number(argv[3]), number(argv[4]));
	fprintf(stderr, "usage: see the head of tests/net/churn.c\n");
	return 2;
}
