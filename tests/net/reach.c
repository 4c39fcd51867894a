/*
 * reach SERVER ALPHA BETA [-s SEED] [-n COUNT] [-v] [FILE]...
 *
 * Truth by experiment, for tests/net/reach.sh, which makes the network namespaces
 * (paths): rulesets are loaded in SERVER, real first packets are sent to listeners
 * there by ALPHA (its eth0) and BETA (its eth1), and what arrives is compared with
 * what was said before. COUNT rulesets are made by chance, from SEED; then each FILE.
 * Prints "kind NAME wrong N ..." lines; the status is 0 whatever they say.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/inet_diag.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/netlink.h"
#include "net/reach_rules.h"
#include "net/throwaway.h"
#include "nft/interfaces.h"
#include "nft/program.h"
#include "reach/host.h"
#include "reach/program.h"
#include "reach/walk.h"
#include "util/cleanup.h"
#include "util/file.h"

#define PORTS	   12
#define SOURCES	   8
#define TRANSPORTS 2
#define PROBES	   (SOURCES * TRANSPORTS * PORTS)
#define SLOTS	   4800

static const uint16_t ports[PORTS] = {
	22, 25, 53, 80, 123, 443, 1194, 3069, 3306, 5432, 8080, 51820
};
static const char *const transport_names[TRANSPORTS] = { "tcp", "udp" };

static const struct {
	const char *source, *destination, *interface;
	bool beta;
} sources[SOURCES] = {
	{ "10.77.1.2", "10.77.1.1", "eth0", false },
	{ "192.168.5.9", "10.77.1.1", "eth0", false },
	{ "10.77.2.2", "10.77.2.1", "eth1", true },
	{ "203.0.113.7", "10.77.2.1", "eth1", true },
	{ "fd77:1::2", "fd77:1::1", "eth0", false },
	{ "2001:db8:5::9", "fd77:1::1", "eth0", false },
	{ "fd77:2::2", "fd77:2::1", "eth1", true },
	{ "fd77:2::77", "fd77:2::1", "eth1", true },
};

/* One packet: what was said of it, and what became of it. */
struct probe {
	unsigned int source, transport, port;
	uint16_t source_port;
	int fd;
	bool said_open, said_closed, said_unknown;
	uint16_t said_port; /* where it is open */
	const char *unknown;
	bool arrived;
	uint16_t arrived_port;
};

struct score {
	const char *name;
	unsigned int rulesets, refused, pairs, open, closed, conditional, unknown, wrong;
};

static int netns[3]; /* server, alpha, beta */
static int listeners[TRANSPORTS][PORTS];
static bool verbose;
static unsigned int round_number;

static void enter(int which)
{
	if (setns(netns[which], CLONE_NEWNET)) {
		fprintf(stderr, "cannot enter a network namespace: %s\n", strerror(errno));
		exit(2);
	}
}

static bool is_new(unsigned int source)
{
	return source >= SOURCES / 2;
}

static socklen_t make_address(const char *text, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *four = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	if (strchr(text, ':')) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		inet_pton(AF_INET6, text, &six->sin6_addr);
		return sizeof(*six);
	}
	four->sin_family = AF_INET;
	four->sin_port = htons(port);
	inet_pton(AF_INET, text, &four->sin_addr);
	return sizeof(*four);
}

/* ---- listeners ---- */

static bool listen_all(void)
{
	struct sockaddr_storage any;
	int zero = 0, one = 1;

	enter(0);
	for (unsigned int t = 0; t < TRANSPORTS; t++)
		for (unsigned int p = 0; p < PORTS; p++) {
			int fd = socket(
				AF_INET6,
				(t ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
			socklen_t length = make_address("::", ports[p], &any);

			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
			setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
			if (bind(fd, (struct sockaddr *)&any, length) || (!t && listen(fd, 64))) {
				fprintf(stderr, "cannot listen on %u: %s\n", ports[p],
					strerror(errno));
				return false;
			}
			listeners[t][p] = fd;
		}
	return true;
}

/* ---- what is said ---- */

static number_t number_of(const char *text)
{
	uint8_t bytes[16];
	bool six = strchr(text, ':');

	inet_pton(six ? AF_INET6 : AF_INET, text, bytes);
	return address_number(six ? NFPROTO_IPV6 : NFPROTO_IPV4, bytes);
}

static void say(const struct walk *walk, const struct host *host, struct probe *probe)
{
	const number_t point[REGION_DIMENSIONS] = {
		[DIM_SOURCE] = number_of(sources[probe->source].source),
		[DIM_DESTINATION] = number_of(sources[probe->source].destination),
		[DIM_INTERFACE] = host_interface_find(host, sources[probe->source].interface),
		[DIM_SOURCE_PORT] = probe->source_port,
	};

	for (size_t i = 0; i < walk->count; i++) {
		const struct outcome *outcome = &walk->outcomes[i];
		const struct packet_state *state = &outcome->stream.state;

		if (!space_holds(&outcome->stream.space, ports[probe->port], point))
			continue;
		if (outcome->fate == FATE_CANNOT_TELL) {
			probe->said_unknown = true;
			probe->unknown = outcome->text;
		} else if (outcome->fate == FATE_OPEN) {
			if (state->port_unknown || state->by_synproxy)
				probe->said_unknown = true;
			probe->said_open = true;
			probe->said_port = state->has_port ? state->port : ports[probe->port];
		} else {
			probe->said_closed = true;
		}
	}
}

static bool say_all(struct probe *probes)
{
	const struct interval asked = { 0, UINT16_MAX };
	struct kernel_ruleset kernel;
	struct program program;
	struct arena arena = { 0 };
	struct fault fault = { 0 };
	struct host host;
	bool fine = true;

	enter(0);
	if (kernel_ruleset_read(ELEMENTS_ALL, &kernel, &fault) || host_read(&host, &fault)) {
		fprintf(stderr, "%s\n", fault.text);
		return false;
	}
	if (program_make(&kernel, &program))
		return false;
	for (unsigned int which = 0; which < 4 && fine; which++) {
		struct walk_question question = { &program,
						  &host,
						  &arena,
						  which & 1 ? NFPROTO_IPV6 : NFPROTO_IPV4,
						  which & 2 ? IPPROTO_UDP : IPPROTO_TCP,
						  &asked,
						  1 };
		struct walk walk;

		fine = !walk_run(&question, &walk);
		for (unsigned int i = 0; i < PROBES && fine; i++)
			if (is_new(probes[i].source) == (which & 1) &&
			    probes[i].transport == which >> 1)
				say(&walk, &host, &probes[i]);
		if (fine)
			walk_release(&walk);
	}
	for (unsigned int i = 0; i < PROBES; i++)
		if (probes[i].unknown)
			probes[i].unknown = strdup(probes[i].unknown);
	arena_release(&arena);
	program_release(&program);
	host_release(&host);
	kernel_ruleset_release(&kernel);
	return fine;
}

/* ---- what becomes of it ---- */

static void send_one(struct probe *probe)
{
	struct sockaddr_storage from, to;
	socklen_t length = make_address(sources[probe->source].source, probe->source_port, &from);
	int fd = socket(
		from.ss_family,
		(probe->transport ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	probe->fd = fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&from, length)) {
		fprintf(stderr, "cannot bind %s %u: %s\n", sources[probe->source].source,
			probe->source_port, strerror(errno));
		exit(2);
	}
	make_address(sources[probe->source].destination, ports[probe->port], &to);
	if (probe->transport)
		sendto(fd, "first", 5, MSG_NOSIGNAL, (struct sockaddr *)&to, length);
	else
		connect(fd, (struct sockaddr *)&to, length);
}

static void send_all(struct probe *probes)
{
	for (int beta = 0; beta < 2; beta++) {
		enter(1 + beta);
		for (unsigned int i = 0; i < PROBES; i++)
			if (sources[probes[i].source].beta == beta)
				send_one(&probes[i]);
	}
	enter(0);
}

static void arrive(struct probe *probes, unsigned int transport, uint16_t port, const void *address,
		   uint16_t source_port)
{
	for (unsigned int i = 0; i < PROBES; i++) {
		struct in6_addr mine;
		struct sockaddr_storage from;

		if (probes[i].transport != transport || probes[i].source_port != source_port)
			continue;
		make_address(sources[probes[i].source].source, 0, &from);
		if (from.ss_family == AF_INET6) {
			mine = ((struct sockaddr_in6 *)&from)->sin6_addr;
		} else {
			memset(&mine, 0, sizeof(mine));
			mine.s6_addr[10] = mine.s6_addr[11] = 0xff;
			memcpy(&mine.s6_addr[12], &((struct sockaddr_in *)&from)->sin_addr, 4);
		}
		if (memcmp(&mine, address, sizeof(mine)) != 0)
			continue;
		probes[i].arrived = true;
		probes[i].arrived_port = port;
	}
}

static void receive_all(struct probe *probes)
{
	struct linger hard = { 1, 0 };

	for (unsigned int t = 0; t < TRANSPORTS; t++)
		for (unsigned int p = 0; p < PORTS; p++)
			for (;;) {
				struct sockaddr_in6 from;
				socklen_t length = sizeof(from);
				char text[16];
				int fd = -1;

				if (t && recvfrom(listeners[t][p], text, sizeof(text), 0,
						  (struct sockaddr *)&from, &length) < 0)
					break;
				if (!t) {
					fd = accept4(listeners[t][p], (struct sockaddr *)&from,
						     &length, SOCK_CLOEXEC);
					if (fd < 0)
						break;
					setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
					close(fd);
				}
				arrive(probes, t, ports[p], &from.sin6_addr, ntohs(from.sin6_port));
			}
}

/* A SYN has arrived where a listener waits for the third packet: the answer may be lost. */
static int take_half(const struct nlmsghdr *message, void *data)
{
	const struct inet_diag_msg *half = mnl_nlmsg_get_payload(message);
	struct in6_addr from;

	memcpy(&from, half->id.idiag_dst, sizeof(from));
	if (half->idiag_family == AF_INET) {
		memset(&from, 0, sizeof(from));
		from.s6_addr[10] = from.s6_addr[11] = 0xff;
		memcpy(&from.s6_addr[12], half->id.idiag_dst, 4);
	}
	arrive(data, 0, ntohs(half->id.idiag_sport), &from, ntohs(half->id.idiag_dport));
	return MNL_CB_OK;
}

static void find_halves(struct probe *probes)
{
	for (int i = 0; i < 2; i++) {
		char buffer[256];
		struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
		struct inet_diag_req_v2 *diag;

		request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
		request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		diag = mnl_nlmsg_put_extra_header(request, sizeof(*diag));
		memset(diag, 0, sizeof(*diag));
		diag->sdiag_family = i ? AF_INET6 : AF_INET;
		diag->sdiag_protocol = IPPROTO_TCP;
		diag->idiag_states = 1u << TCP_SYN_RECV;
		netlink_talk(NETLINK_SOCK_DIAG, request, take_half, probes);
	}
}

static void close_all(struct probe *probes)
{
	struct linger hard = { 1, 0 };

	for (unsigned int i = 0; i < PROBES; i++) {
		setsockopt(probes[i].fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(probes[i].fd);
		free((char *)probes[i].unknown);
	}
}

/* Connections of the ruleset before must not be known any more. */
static void forget_connections(void)
{
	char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

	request->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	request->nlmsg_flags = NLM_F_REQUEST;
	*head = (struct nfgenmsg){ .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 };
	netlink_talk(NETLINK_NETFILTER, request, NULL, NULL);
}

/* ---- one ruleset ---- */

static void judge(const struct probe *probe, const char *name, struct score *score)
{
	bool open = probe->said_open, closed = probe->said_closed;

	score->pairs++;
	if (probe->said_unknown) {
		score->unknown++;
		if (verbose)
			printf("# %s: unknown: %s\n", name, probe->unknown ? probe->unknown : "");
		return;
	}
	score->open += open && !closed;
	score->closed += closed && !open;
	score->conditional += open && closed;
	if ((probe->arrived ? open : closed) &&
	    (!probe->arrived || probe->said_port == probe->arrived_port || closed))
		return;
	score->wrong++;
	printf("# %s: wrong: %s %s:%u -> %u by %s: said%s%s%s, %s %u\n", name,
	       transport_names[probe->transport], sources[probe->source].source, probe->source_port,
	       ports[probe->port], sources[probe->source].interface, open ? " open" : "",
	       closed ? " closed" : "", open || closed ? "" : " nothing",
	       probe->arrived ? "arrived at" : "did not arrive", probe->arrived_port);
}

/* Blank the lines that nft complains of: "/dev/stdin:12:3-9: Error: ...". */
static bool blank_lines(char *text, const char *errors)
{
	bool blanked = false;

	for (const char *at = errors; (at = strstr(at, "stdin:")); at++) {
		unsigned long number = strtoul(at + strlen("stdin:"), NULL, 10);
		char *line = text, *end;

		while (--number && line)
			line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
		if (!line || strncmp(line, "\t\t", 2) != 0 || !strncmp(line, "\t\ttype", 6))
			continue;
		end = strchrnul(line, '\n');
		blanked |= strspn(line, " \t") < (size_t)(end - line);
		memset(line, ' ', end - line);
		memset(line, '\t', 2);
	}
	return blanked;
}

/* @text: not all of it may be legal; what is not, goes. */
static bool load(char *text, bool repair)
{
	static const char *const arguments[] = { "-f", "-", NULL };
	struct nft_output output;
	struct fault fault;
	bool loaded;

	if (nft_run(arguments, text, strlen(text), &output, &fault)) {
		fprintf(stderr, "%s\n", fault.text);
		exit(2);
	}
	loaded = !output.status;
	if (!loaded && repair && blank_lines(text, output.errors)) {
		nft_output_release(&output);
		return load(text, repair);
	}
	if (!loaded && verbose)
		printf("# %s\n", output.errors);
	nft_output_release(&output);
	return loaded;
}

static void begin(struct probe *probes)
{
	unsigned int slot = round_number++ * 2741 % SLOTS, i = 0;

	for (unsigned int s = 0; s < SOURCES; s++)
		for (unsigned int t = 0; t < TRANSPORTS; t++)
			for (unsigned int p = 0; p < PORTS; p++)
				probes[i++] = (struct probe){
					.source = s,
					.transport = t,
					.port = p,
					.source_port = 1024 + slot * PORTS + p,
				};
}

static void try_ruleset(const char *name, struct score *score)
{
	static struct probe probes[PROBES];
	unsigned int wrong = score->wrong;

	score->rulesets++;
	begin(probes);
	forget_connections();
	if (!say_all(probes)) {
		fprintf(stderr, "%s: cannot be said\n", name);
		exit(2);
	}
	send_all(probes);
	usleep(2000);
	receive_all(probes);
	find_halves(probes);
	for (unsigned int i = 0; i < PROBES; i++)
		judge(&probes[i], name, score);
	close_all(probes);
	if (score->wrong != wrong)
		score->name = name;
}

static void try_text(const char *name, char *text, bool repair, struct score *score)
{
	char flush[] = "flush ruleset";

	enter(0);
	if (!load(flush, false))
		exit(2);
	if (!load(text, repair)) {
		score->refused++;
		return;
	}
	try_ruleset(name, score);
}

/* ---- files ---- */

static void remove_interface(const char *name)
{
	char buffer[MNL_NLMSG_HDRLEN + 128];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(request, sizeof(*link));

	request->nlmsg_type = RTM_DELLINK;
	request->nlmsg_flags = NLM_F_REQUEST;
	link->ifi_index = if_nametoindex(name);
	netlink_talk(NETLINK_ROUTE, request, NULL, NULL);
}

static void try_file(const char *path, struct score *score)
{
	struct interface_names names = { 0 };
	_cleanup_free_ char *text = NULL;
	struct fault fault;
	bool made[1024] = { false };
	char flush[] = "flush ruleset";
	size_t length;

	if (file_read_limited(path, 1 << 24, &text, &length, &fault)) {
		fprintf(stderr, "%s\n", fault.text);
		exit(2);
	}
	enter(0);
	interface_names_read(&names, text, length, NULL);
	for (size_t i = 0; i < names.count; i++)
		made[i] = !if_nametoindex(names.names[i]) && !throwaway_interface(names.names[i]);
	try_text(path, text, false, score);
	enter(0);
	load(flush, false);
	for (size_t i = 0; i < names.count; i++)
		if (made[i])
			remove_interface(names.names[i]);
	interface_names_release(&names);
}

static void report(const char *kind, const struct score *score)
{
	printf("%s: rulesets %u refused %u pairs %u open %u closed %u conditional %u unknown %u "
	       "wrong %u\n",
	       kind, score->rulesets, score->refused, score->pairs, score->open, score->closed,
	       score->conditional, score->unknown, score->wrong);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned int seed = 1, count = 0;
	bool dump = false, as_is = false;
	struct score score = { 0 };
	int option;

	while ((option = getopt(argc, argv, "s:n:vdl")) != -1) {
		switch (option) {
		case 's': seed = strtoul(optarg, NULL, 10); break;
		case 'n': count = strtoul(optarg, NULL, 10); break;
		case 'v': verbose = true; break;
		case 'd': dump = true; break;
		case 'l': as_is = true; break;
		default: return 2;
		}
	}
	if (argc - optind < 3)
		return 2;
	for (int i = 0; i < 3; i++) {
		netns[i] = open(argv[optind + i], O_RDONLY | O_CLOEXEC);
		if (netns[i] < 0)
			return 2;
	}
	if (!listen_all())
		return 2;
	for (unsigned int i = 0; i < count; i++) {
		_cleanup_free_ char *text = rules_by_chance(seed + i);
		char name[32];

		snprintf(name, sizeof(name), "chance %u", seed + i);
		if (dump)
			fprintf(stderr, "%s\n", name);
		try_text(name, text, true, &score);
		if (dump)
			fputs(text, stdout);
	}
	if (count)
		report("chance", &score);
	score = (struct score){ 0 };
	/* What is loaded already, by another program. */
	if (as_is) {
		try_ruleset("as it is", &score);
		report("loaded", &score);
		score = (struct score){ 0 };
	}
	for (int i = optind + 3; i < argc; i++)
		try_file(argv[i], &score);
	if (argc > optind + 3)
		report("files", &score);
	return 0;
}
