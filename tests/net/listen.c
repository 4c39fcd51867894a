/*
 * listen [-n NAME] [-f CHILDREN] [-t] SOCKET...
 *
 * Open sockets of every kind, print "ready" and the process's PID, and hold them until
 * standard input ends. A SOCKET is TRANSPORT:ADDRESS:PORT[,OPTION]...,
 * TRANSPORT tcp, udp or mptcp, ADDRESS v4 or v6 in brackets. Options: v6only=0|1,
 * dev=NAME (SO_BINDTODEVICE), reuse (SO_REUSEPORT), backlog=N, peer (connect it to
 * itself: UDP that is a client's). -n: PR_SET_NAME; -f: so many children hold them, too;
 * -t: a thread with descriptors of its own holds them, and nobody else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

struct wanted {
	int type, protocol, family;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	socklen_t length;
	const char *device;
	int v6only, backlog; /* -1: as it is */
	bool reuse, peer;
};

static void die(const char *what, const char *word)
{
	fprintf(stderr, "listen: %s: %s: %s\n", word, what, strerror(errno));
	exit(1);
}

static bool take(const char **at, const char *start)
{
	if (strncmp(*at, start, strlen(start)))
		return false;
	*at += strlen(start);
	return true;
}

static void read_address(char *text, struct wanted *wanted)
{
	char *colon = strrchr(text, ':'), *percent = NULL;

	if (!colon)
		die("no port", text);
	*colon = '\0';
	if (text[0] == '[') {
		text[strlen(text) - 1] = '\0';
		percent = strchr(++text, '%');
		if (percent)
			*percent++ = '\0';
		wanted->family = AF_INET6;
		wanted->address.v6 =
			(struct sockaddr_in6){ .sin6_family = AF_INET6,
					       .sin6_port = htons(atoi(colon + 1)),
					       .sin6_scope_id =
						       percent ? if_nametoindex(percent) : 0 };
		wanted->length = sizeof(wanted->address.v6);
		if (inet_pton(AF_INET6, text, &wanted->address.v6.sin6_addr) != 1)
			die("no address", text);
		return;
	}
	wanted->family = AF_INET;
	wanted->address.v4 =
		(struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(atoi(colon + 1)) };
	wanted->length = sizeof(wanted->address.v4);
	if (inet_pton(AF_INET, text, &wanted->address.v4.sin_addr) != 1)
		die("no address", text);
}

static void read_option(const char *option, struct wanted *wanted)
{
	if (take(&option, "v6only="))
		wanted->v6only = atoi(option);
	else if (take(&option, "dev="))
		wanted->device = option;
	else if (take(&option, "backlog="))
		wanted->backlog = atoi(option);
	else if (!strcmp(option, "reuse"))
		wanted->reuse = true;
	else if (!strcmp(option, "peer"))
		wanted->peer = true;
	else
		die("no option", option);
}

static void understand(char *word, struct wanted *wanted)
{
	char *address = strchr(word, ':');

	*wanted = (struct wanted){ .v6only = -1, .backlog = 16, .type = SOCK_STREAM };
	if (!address)
		die("no transport", word);
	*address++ = '\0';
	if (!strcmp(word, "udp"))
		wanted->type = SOCK_DGRAM;
	else if (!strcmp(word, "mptcp"))
		wanted->protocol = IPPROTO_MPTCP;
	else if (strcmp(word, "tcp"))
		die("no transport", word);
	read_address(address, wanted);
}

static void set(int fd, int level, int name, const void *value, socklen_t size, const char *word)
{
	if (setsockopt(fd, level, name, value, size))
		die("setsockopt", word);
}

static void open_socket(const char *word)
{
	char *copy = strdup(word), *rest = copy, *first = strsep(&rest, ","), *option;
	struct wanted wanted;
	int fd, one = 1;

	if (!copy)
		die("no memory", word);
	understand(first, &wanted);
	while ((option = strsep(&rest, ",")))
		read_option(option, &wanted);
	fd = socket(wanted.family, wanted.type, wanted.protocol);
	if (fd < 0)
		die("socket", word);
	if (wanted.v6only >= 0)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, &wanted.v6only, sizeof(int), word);
	if (wanted.reuse)
		set(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one), word);
	if (wanted.device)
		set(fd, SOL_SOCKET, SO_BINDTODEVICE, wanted.device, strlen(wanted.device), word);
	if (bind(fd, &wanted.address.any, wanted.length))
		die("bind", word);
	if (wanted.type == SOCK_STREAM && listen(fd, wanted.backlog))
		die("listen", word);
	if (wanted.peer && connect(fd, &wanted.address.any, wanted.length))
		die("connect", word);
	free(copy);
}

static void hold(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

static void say_ready(void)
{
	printf("ready %d\n", getpid());
	fflush(stdout);
}

static void *open_apart(void *words)
{
	if (unshare(CLONE_FILES))
		die("unshare", "-t");
	for (char **word = words; *word; word++)
		open_socket(*word);
	say_ready();
	hold();
	return NULL;
}

static int hold_apart(char **words)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, open_apart, words);
	if (errno)
		die("pthread_create", "-t");
	pthread_join(thread, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	int option, children = 0;
	bool apart = false;

	while ((option = getopt(argc, argv, "n:f:t")) != -1) {
		if (option == 'n' && prctl(PR_SET_NAME, optarg))
			die("PR_SET_NAME", optarg);
		if (option == 'f')
			children = atoi(optarg);
		if (option == 't')
			apart = true;
		if (option == '?')
			return 2;
	}
	if (apart)
		return hold_apart(argv + optind);
	for (int i = optind; i < argc; i++)
		open_socket(argv[i]);
	for (int i = 0; i < children; i++) {
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			hold();
			return 0;
		}
	}
	say_ready();
	hold();
	return 0;
}
