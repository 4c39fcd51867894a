/*
 * crowd PROCESSES LISTENERS FILES COMMAND...
 *
 * Run COMMAND while PROCESSES are there, each with FILES open, and the first
 * LISTENERS of them with a socket that listens, too: TCP and UDP in turns, IPv4 and
 * IPv6, from port 1024 on. The crowd ends with the command.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT_FIRST 1024

/* The kinds take turns, so that each port is one socket's. */
static bool listen_as(unsigned int number)
{
	bool udp = number & 1, v6 = number & 2;
	struct sockaddr_in v4_address = { .sin_family = AF_INET,
					  .sin_port = htons(PORT_FIRST + number) };
	struct sockaddr_in6 v6_address = { .sin6_family = AF_INET6,
					   .sin6_port = htons(PORT_FIRST + number) };
	int fd = socket(v6 ? AF_INET6 : AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, v6 ? (void *)&v6_address : &v4_address,
			   v6 ? sizeof(v6_address) : sizeof(v4_address)))
		return false;
	return udp || !listen(fd, 16);
}

static void member(unsigned int number, unsigned int listeners, unsigned int files, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned int i = 0; i < files; i++)
		if (open("/dev/null", O_RDONLY) < 0)
			_exit(1);
	if (number < listeners && !listen_as(number))
		_exit(1);
	if (write(ready, "", 1) != 1)
		_exit(1);
	close(ready);
	for (;;)
		pause();
}

/* How many are there: fewer than @count where one could not be made, or ended. */
static unsigned int gather(pid_t *members, unsigned int count, unsigned int listeners,
			   unsigned int files)
{
	unsigned int made = 0, ready = 0;
	int ends[2];
	char byte;

	if (pipe(ends))
		return 0;
	for (; made < count; made++) {
		members[made] = fork();
		if (members[made] < 0)
			break;
		if (!members[made]) {
			close(ends[0]);
			member(made, listeners, files, ends[1]);
		}
	}
	close(ends[1]);
	while (ready < made && read(ends[0], &byte, 1) == 1)
		ready++;
	close(ends[0]);
	for (unsigned int i = made; i < count; i++)
		members[i] = 0;
	return ready;
}

static int run(char **command)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	unsigned int count, listeners, files, there;
	pid_t *members;
	int status = 1;

	if (argc < 5)
		return 2;
	count = strtoul(argv[1], NULL, 10);
	listeners = strtoul(argv[2], NULL, 10);
	files = strtoul(argv[3], NULL, 10);
	members = calloc(count + 1, sizeof(*members));
	if (!count || listeners > count || !members)
		return 2;
	there = gather(members, count, listeners, files);
	if (there == count)
		status = run(argv + 4);
	else
		fprintf(stderr, "crowd: %u of %u processes: %s\n", there, count, strerror(errno));
	for (unsigned int i = 0; i < count && members[i] > 0; i++)
		kill(members[i], SIGKILL);
	for (unsigned int i = 0; i < count && members[i] > 0; i++)
		waitpid(members[i], NULL, 0);
	free(members);
	return status;
}
