/*
 * Traffic by real sockets, in exact numbers, for the tests in this directory.
 *
 *   traffic udp FROM ADDRESS PORT[-LAST] COUNT SIZE   COUNT datagrams to each port
 *   traffic flood FROM ADDRESS PORT[-LAST] MOST SIZE  until standard input ends or
 *                                          MOST are sent; prints how many
 *   traffic hail ADDRESS PORT RATE MOST    RATE datagrams a second (0: as many as
 *                                          can be) until standard input ends or MOST
 *                                          are sent, also those that a firewall here
 *                                          drops; prints how many
 *   traffic echo PORT COUNT                answer COUNT datagrams, IPv4 and IPv6
 *   traffic ask FROM ADDRESS PORT COUNT SIZE   send and wait for each answer
 *   traffic serve PORT COUNT SIZE          COUNT connections, one after another: read
 *                                          to the end, answer with SIZE bytes
 *   traffic connect ADDRESS PORT COUNT SIZE    COUNT connections, SIZE bytes each
 *   traffic listen TRANSPORT PORT          hold a socket until standard input ends
 *   traffic sctp PORT                      one sctp message to ourselves; 77: none here
 *
 * echo, serve and listen print "ready" when they are. FROM 0: any port.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SIZE_MOST 65507 /* of an IPv4 datagram */

static char payload[SIZE_MOST + 1];

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	exit(1);
}

union address {
	struct sockaddr any;
	struct sockaddr_in ip4;
	struct sockaddr_in6 ip6;
};

static socklen_t address_set(union address *address, const char *text, unsigned int port)
{
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &address->ip4.sin_addr) == 1) {
		address->ip4.sin_family = AF_INET;
		address->ip4.sin_port = htons(port);
		return sizeof(address->ip4);
	}
	if (inet_pton(AF_INET6, text, &address->ip6.sin6_addr) != 1)
		die(text);
	address->ip6.sin6_family = AF_INET6;
	address->ip6.sin6_port = htons(port);
	return sizeof(address->ip6);
}

/* Both families on one socket. */
static int bound(int type, int protocol, unsigned int port)
{
	union address address;
	int fd = socket(AF_INET6, type, protocol), no = 0, yes = 1;
	socklen_t length = address_set(&address, "::", port);

	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
	    bind(fd, &address.any, length))
		die("bind");
	return fd;
}

static int sender(const char *to, unsigned int from)
{
	union address address;
	socklen_t length = address_set(&address, to, 0);
	int fd = socket(address.any.sa_family, SOCK_DGRAM, 0);

	if (fd < 0)
		die("socket");
	address_set(&address, address.any.sa_family == AF_INET ? "0.0.0.0" : "::", from);
	if (bind(fd, &address.any, length))
		die("bind");
	return fd;
}

static void send_one(int fd, const union address *address, socklen_t length, size_t size)
{
	/* A closed port's answer comes up in a later call and concerns nobody. */
	while (sendto(fd, payload, size, 0, &address->any, length) < 0)
		if (errno != ECONNREFUSED && errno != ENOBUFS)
			die("sendto");
}

struct range {
	unsigned int first, last;
};

static struct range range_parse(const char *text)
{
	struct range range;

	switch (sscanf(text, "%u-%u", &range.first, &range.last)) {
	case 1: range.last = range.first; break;
	case 2: break;
	default: errno = EINVAL; die(text);
	}
	return range;
}

static int udp(char **words)
{
	int fd = sender(words[1], atoi(words[0]));
	struct range range = range_parse(words[2]);
	long count = atol(words[3]);

	for (unsigned int port = range.first; port <= range.last; port++) {
		union address address;
		socklen_t length = address_set(&address, words[1], port);

		for (long i = 0; i < count; i++)
			send_one(fd, &address, length, atoi(words[4]));
	}
	return 0;
}

static bool input_ended(void)
{
	struct pollfd poll_input = { .fd = STDIN_FILENO, .events = POLLIN };
	char byte;

	return poll(&poll_input, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

static int flood(char **words)
{
	int fd = sender(words[1], atoi(words[0]));
	struct range range = range_parse(words[2]);
	long most = atol(words[3]), sent = 0;
	unsigned int port = range.first;

	puts("ready");
	fflush(stdout);
	while (sent < most && !input_ended()) {
		for (int i = 0; i < 50 && sent < most; i++, sent++) {
			union address address;
			socklen_t length = address_set(&address, words[1], port);

			send_one(fd, &address, length, atoi(words[4]));
			port = port == range.last ? range.first : port + 1;
		}
		usleep(100);
	}
	printf("%ld\n", sent);
	return 0;
}

static long nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* Evenly spaced. Standard input is looked at between millisecond's worths. */
static int hail(char **words)
{
	union address address;
	socklen_t length = address_set(&address, words[0], atoi(words[1]));
	long rate = atol(words[2]), most = atol(words[3]), sent = 0;
	long gap = rate ? 1000000000L / rate : 0, next, look = rate ? rate / 1000 + 1 : 1000;
	int fd = socket(address.any.sa_family, SOCK_DGRAM, 0);

	if (fd < 0 || connect(fd, &address.any, length))
		die("connect");
	puts("ready");
	fflush(stdout);
	next = nanoseconds();
	while (sent < most && (sent % look || !input_ended())) {
		while (gap && nanoseconds() < next)
			;
		/* EPERM: the firewall here dropped it, and counted it. */
		if (send(fd, payload, 18, 0) < 0 && errno != EPERM && errno != ECONNREFUSED)
			die("send");
		sent++;
		next += gap;
	}
	printf("%ld\n", sent);
	return 0;
}

static int echo(char **words)
{
	int fd = bound(SOCK_DGRAM, 0, atoi(words[0]));

	puts("ready");
	fflush(stdout);
	for (long left = atol(words[1]); left; left--) {
		union address address;
		socklen_t length = sizeof(address);
		ssize_t size = recvfrom(fd, payload, sizeof(payload), 0, &address.any, &length);

		if (size < 0)
			die("recvfrom");
		if (sendto(fd, payload, size, 0, &address.any, length) < 0)
			die("sendto");
	}
	return 0;
}

static int ask(char **words)
{
	int fd = sender(words[1], atoi(words[0]));
	union address address;
	socklen_t length = address_set(&address, words[1], atoi(words[2]));

	for (long left = atol(words[3]); left; left--) {
		send_one(fd, &address, length, atoi(words[4]));
		if (recv(fd, payload, sizeof(payload), 0) != atoi(words[4]))
			die("recv");
	}
	return 0;
}

static void send_all(int fd, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, payload, size < SIZE_MOST ? size : SIZE_MOST, MSG_NOSIGNAL);

		if (sent < 0)
			die("send");
		size -= sent;
	}
}

static void read_to_end(int fd)
{
	ssize_t size;

	while ((size = recv(fd, payload, sizeof(payload), 0)) > 0)
		;
	if (size < 0)
		die("recv");
}

static int serve(char **words)
{
	int fd = bound(SOCK_STREAM, 0, atoi(words[0]));

	if (listen(fd, 64))
		die("listen");
	puts("ready");
	fflush(stdout);
	for (long left = atol(words[1]); left; left--) {
		int connection = accept(fd, NULL, NULL);

		if (connection < 0)
			die("accept");
		read_to_end(connection);
		send_all(connection, atol(words[2]));
		close(connection);
	}
	return 0;
}

static int do_connect(char **words)
{
	for (long left = atol(words[2]); left; left--) {
		union address address;
		socklen_t length = address_set(&address, words[0], atoi(words[1]));
		int fd = socket(address.any.sa_family, SOCK_STREAM, 0);

		if (fd < 0)
			die("socket");
		if (connect(fd, &address.any, length))
			die("connect");
		send_all(fd, atol(words[3]));
		if (shutdown(fd, SHUT_WR))
			die("shutdown");
		read_to_end(fd);
		close(fd);
	}
	return 0;
}

static int hold(char **words)
{
	bool tcp = !strcmp(words[0], "tcp");
	int fd = bound(tcp ? SOCK_STREAM : SOCK_DGRAM, 0, atoi(words[1]));
	char byte;

	if (tcp && listen(fd, 1))
		die("listen");
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

static int sctp(char **words)
{
	int server = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
	int client = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
	union address address;
	socklen_t length = address_set(&address, "127.0.0.1", atoi(words[0]));

	if (server < 0 || client < 0)
		return 77;
	if (bind(server, &address.any, length) || listen(server, 1) ||
	    connect(client, &address.any, length) || send(client, payload, 100, 0) != 100)
		die("sctp");
	return 0;
}

static const struct {
	const char *name;
	int words;
	int (*run)(char **words);
} commands[] = {
	{ "udp", 5, udp },
	{ "flood", 5, flood },
	{ "hail", 4, hail },
	{ "echo", 2, echo },
	{ "ask", 5, ask },
	{ "serve", 3, serve },
	{ "connect", 4, do_connect },
	{ "listen", 2, hold },
	{ "sctp", 1, sctp },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name) && argc - 2 == commands[i].words)
			return commands[i].run(argv + 2);
	fputs("usage: see the head of tests/net/traffic.c\n", stderr);
	return 2;
}
