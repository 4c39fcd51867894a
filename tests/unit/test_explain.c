/*
 * The answer to "what is this port": the verdicts of well-known questions, the
 * page's size, fifty obscure ports that must each be told something of their
 * own, explanations ranked by what a machine shows, hints, search.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"
#include "explain/hints.h"
#include "explain/likely.h"
#include "explain/sheet.h"
#include "explain/subject.h"
#include "explain/verdict.h"
#include "registry/search.h"
#include "render/text.h"

static struct scene scene = { .ephemeral_first = 32768, .ephemeral_last = 60999 };
static struct listener_ports nobody;
static unsigned int complaints;

static int set_up(void **state)
{
	return knowledge_builtin(&scene.knowledge);
}

static int tear_down(void **state)
{
	scene_release(&scene);
	return 0;
}

static void assert_no_complaints(void)
{
	unsigned int count = complaints;

	complaints = 0;
	assert_int_equal(count, 0);
}

static struct explain_facts quiet_facts(void)
{
	return (struct explain_facts){ .scene = &scene,
				       .counters_missing = "nothing is counted here",
				       .listeners = &nobody };
}

/* The page about @text. Owned by the caller. */
static char *page(const char *text, const struct explain_facts *facts, bool verbose)
{
	struct fault fault = {};
	struct what what;
	char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	if (what_parse(text, &scene.knowledge, &what, &fault))
		fail_msg("%s", fault.text);
	assert_int_equal(explain_print(out, &what, facts, verbose), 0);
	fclose(out);
	what_release(&what);
	return printed;
}

static void first_line(const char *text, const char *expected)
{
	struct explain_facts facts = quiet_facts();
	char *printed = page(text, &facts, false);

	*strchr(printed, '\n') = '\0';
	if (strcmp(printed, expected)) {
		print_error("%s\nis       %s\nexpected %s\n", text, printed, expected);
		complaints++;
	}
	free(printed);
}

static void test_verdicts(void **state)
{
	first_line("3069",
		   "3069 ls3: Powerware UPS management, likely legacy; nobody listens here");
	first_line("3409", "3409 networklens: NetworkLens alarm events, dead; nobody listens here");
	first_line("3248/udp",
		   "3248/udp procos-lm: in Citrix Framehawk 3224-3324/udp; nobody listens here");
	first_line("9100",
		   "9100 hp-pdl-datastr: in practice node_exporter or others; nobody listens here");
	first_line("514", "514 shell (tcp), syslog (udp): syslog or others; nobody listens here");
	first_line("10250", "10250 unassigned: in practice kubelet API; nobody listens here");
	first_line("51820/udp", "51820/udp dynamic: in practice WireGuard; nobody listens here");
	first_line("50999", "50999 dynamic: in this host's ephemeral range; nobody listens here");
	first_line("0/tcp", "0/tcp reserved; nobody listens here");
	first_line("4", "4 unassigned; nobody listens here");
	first_line("framehawk",
		   "3224-3324/udp framehawk: Citrix Framehawk; 100 names in it; nobody "
		   "listens here");
	first_line("36412", "36412 s1-control: S1AP (LTE); nobody listens here");
	/* What is gone does not speak for a number that has another name, or another use. */
	first_line("7680",
		   "7680 ms-do: Microsoft Delivery Optimization Peer-to-Peer; nobody listens here");
	first_line("5050",
		   "5050 mmcc: in practice Apache Mesos, likely legacy; nobody listens here");
	/* What does not fit goes in the order of what it tells. */
	first_line(
		"23",
		"23 telnet, likely legacy: Remote login that sends the ...; nobody listens here");
	first_line(
		"892",
		"892 unassigned: in practice NFS mountd ..., likely legacy; nobody listens here");
	first_line("7000",
		   "7000 afs3-fileserver: in practice Cassandra ... or others; nobody listens "
		   "here");
	first_line("8006",
		   "8006 wpl-analytics, wpl-disc: in practice Proxmox VE; nobody listens here");
	first_line("9216",
		   "9216 acme: Aionex Communication Management Engine; nobody listens here");
	first_line("3251",
		   "3251 sysscanner: in SAP dispatcher, 32NN 3200-3299/tcp; nobody listens here");
	first_line("27022", "27022 unassigned: in Steam clients and servers; nobody listens here");
	first_line("http-alt",
		   "591/tcp,udp, 8008/tcp,udp, 8080/tcp,udp http-alt; nobody listens here");
	first_line("15", "15 unassigned: once Netstat service, dead; nobody listens here");
	assert_no_complaints();
}

static void test_listeners_in_verdict(void **state)
{
	struct listener_ports listeners = {};
	struct explain_facts facts = quiet_facts();
	char *printed;

	facts.listeners = &listeners;
	listeners.set[TRANSPORT_UDP][3069 / 64] |= 1ULL << 3069 % 64;
	printed = page("3069", &facts, false);
	assert_non_null(strstr(printed, "; somebody listens here (udp)\n"));
	assert_non_null(strstr(printed, "1 the program that listens here on udp\n"));
	free(printed);
	printed = page("tcp/3069", &facts, false);
	assert_non_null(strstr(printed, "; nobody listens here\n"));
	free(printed);
	printed = page("3000-3100", &facts, false);
	assert_non_null(strstr(printed, "; somebody listens on 1 of them\n"));
	free(printed);
	facts.listeners = NULL;
	printed = page("3069", &facts, false);
	assert_null(strstr(printed, "listens here"));
	free(printed);
}

/* ------------------------------------------------------------- the page */

/* No line too wide, no blank at a line's end. Returns how many there are. */
static size_t check_lines(const char *what, char *printed)
{
	size_t lines = 0;

	for (char *line = strtok(printed, "\n"); line; line = strtok(NULL, "\n")) {
		lines++;
		if (text_width(line) > SHEET_COLUMNS || line[strlen(line) - 1] == ' ') {
			print_error("%s: line %zu: '%s'\n", what, lines, line);
			complaints++;
		}
	}
	return lines;
}

/* Not too many lines, and the four headings. */
static void check_page(const char *what, char *printed, size_t lines_most)
{
	static const char *const heads[] = { "\nWhat it is", "\nIs it used today",
					     "\nIf you see traffic", "\nHow to check" };
	size_t lines;

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (!strstr(printed, heads[i])) {
			print_error("%s: no heading '%s'\n", what, heads[i] + 1);
			complaints++;
		}
	lines = check_lines(what, printed);
	if (lines > lines_most || lines < 8) {
		print_error("%s: %zu lines\n", what, lines);
		complaints++;
	}
}

static void test_every_page_fits(void **state)
{
	struct explain_facts facts = quiet_facts();
	char text[16];

	for (unsigned int port = 0; port < PORT_COUNT; port += port < 12000 ? 1 : 7) {
		char *printed;

		snprintf(text, sizeof(text), "%u", port);
		printed = page(text, &facts, false);
		check_page(text, printed, SHEET_LINES);
		free(printed);
	}
	assert_no_complaints();
}

static void test_everything_with_verbose(void **state)
{
	struct explain_facts facts = quiet_facts();
	char *brief = page("8080", &facts, false), *all = page("8080", &facts, true);

	assert_non_null(strstr(brief, " more with -v)\n"));
	assert_null(strstr(brief, "netstat"));
	assert_null(strstr(all, "more with -v"));
	assert_non_null(strstr(all, "netstat -ano | findstr :8080"));
	assert_non_null(strstr(all, "sockstat -l -p 8080"));
	assert_non_null(strstr(all, "Kubernetes insecure API"));
	assert_non_null(strstr(all, "companion 80 http: this is its alternate port"));
	free(brief);
	free(all);
}

/*
 * Under a registry that is not the one that ships, as an imported one may be, a
 * row is about the registered use only where the names are the same.
 */
static void test_another_registry(void **state)
{
	static const char table[] = "22\ttcp,udp\tassigned\tssh\t\t\t\t\t\t\t\t\t\t\n"
				    "3069\ttcp,udp\tassigned\tother\t\t\t\t\t\t\t\t\tls3\t\n"
				    "9100\ttcp\tassigned\tnode-exporter\t\t\t\t\t\t\t\t\t\t\n";
	const struct scene shipped = scene;
	struct registry *registry;

	assert_int_equal(registry_parse(table, strlen(table), &registry, NULL, NULL), 0);
	assert_int_equal(knowledge_builtin(&scene.knowledge), 0);
	scene.knowledge.registry = registry;
	knowledge_settle(&scene.knowledge, registry_builtin());
	first_line("22",
		   "22 ssh: Remote shell, SFTP, scp, git and tunnels ...; nobody listens here");
	first_line("3069/tcp",
		   "3069/tcp other: in practice Powerware ..., likely legacy; nobody listens here");
	first_line("179", "179 unassigned: in practice BGP; nobody listens here");
	first_line("3409",
		   "3409 unassigned: once NetworkLens alarm events, dead; nobody listens here");
	first_line(
		"9100",
		"9100 node-exporter: node_exporter or JetDirect raw printing; nobody listens here");
	knowledge_release(&scene.knowledge);
	scene = shipped;
	registry_free(registry);
	assert_no_complaints();
}

/* What the pages this program grew from told of their ports must be in ours. */
static void test_background(void **state)
{
	static const struct {
		const char *what, *parts[10];
	} cases[] = {
		{ "3069",
		  { "user port (1024-49151)", "3069/tcp,udp ls3", "Jim Thompson", "3068 ls3bcast",
		    "broadcast half", "Powerware", "Eaton", "2004", "SNMP",
		    "ss -Hlntup 'sport = :3069'" } },
		{ "3409",
		  { "user port (1024-49151)", "NetworkLens Event Port", "Greg Bailey",
		    "3410 networklenss", "TLS half", "alpha", "Perl", "9002",
		    "something else, since NetworkLens alarm events is dead",
		    "lsof -nP -i :3409" } },
		{ "3248",
		  { "user port (1024-49151)", "3248/tcp,udp procos-lm", "Torsten Rendelmann",
		    "3224-3324/udp framehawk", "3248/tcp is outside", "CTX205257",
		    "\"lm\" in procos-lm often stands for a licence manager",
		    "nothing known about its use in practice", "ss -Hlntup",
		    "lsof -nP -i :3248" } },
	};
	struct explain_facts facts = quiet_facts();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *printed = page(cases[i].what, &facts, false);

		for (char *at = printed; *at; at++)
			/* A paragraph's lines become one, to look for words across them. */
			if (at[0] == '\n' && !strncmp(at, "\n    ", 5))
				memmove(at, at + 4, strlen(at + 4) + 1), *at = ' ';
		for (size_t k = 0; k < 10; k++)
			if (!strstr(printed, cases[i].parts[k])) {
				print_error("%s: '%s' is missing in\n%s\n", cases[i].what,
					    cases[i].parts[k], printed);
				complaints++;
			}
		free(printed);
	}
	assert_no_complaints();
}

/* ------------------------------------------------------------- obscure ports */

/* Registered, and nothing known of them; picked by a stride over the registry. */
#define OBSCURE 50

static size_t pick_obscure(uint16_t *ports)
{
	size_t count = 0;

	for (unsigned int port = 1031; port < PORT_DYNAMIC_FIRST && count < OBSCURE; port += 167) {
		struct subject subject = { port, TRANSPORTS_ALL };
		unsigned int other = port;

		/* The next one that is registered and without a row of practice. */
		while (other < PORT_DYNAMIC_FIRST &&
		       (!registry_name(scene.knowledge.registry, TRANSPORT_TCP, other).length ||
			subject_practice(&subject, &scene.knowledge, NULL)))
			subject.port = ++other;
		if (count && ports[count - 1] >= other)
			continue;
		ports[count++] = other;
	}
	return count;
}

/*
 * Sentences that may stand in many answers: headings, the class of the number,
 * that nothing is known or counted. Everything else must be about the port.
 */
static bool is_common(const char *line)
{
	static const char *const common[] = {
		"What it is",
		"Is it used today",
		"If you see traffic, most likely first",
		"How to check",
		"user port (1024-49151): registered with IANA by whoever asked for it",
		"nothing known about its use in practice",
		"counters left out: nothing is counted here",
	};

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (!strcmp(line, common[i]))
			return true;
	return false;
}

/* Paragraphs of a page, one line each. Returns how many; they point into @printed. */
static size_t paragraphs(char *printed, char **lines, size_t most)
{
	size_t count = 0;
	char *to = printed;

	for (char *from = printed; *from; from++) {
		if (!strncmp(from, "\n    ", 5)) {
			*to++ = ' ';
			from += 4;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	for (char *line = strtok(printed, "\n"); line && count < most; line = strtok(NULL, "\n"))
		lines[count++] = line + strspn(line, " ");
	return count;
}

#define LINES_MOST 64

static void test_obscure_ports(void **state)
{
	struct explain_facts facts = quiet_facts();
	uint16_t ports[OBSCURE];
	char *pages[OBSCURE], *lines[OBSCURE][LINES_MOST];
	size_t counts[OBSCURE], found = pick_obscure(ports);

	assert_int_equal(found, OBSCURE);
	for (size_t i = 0; i < found; i++) {
		char text[8];

		snprintf(text, sizeof(text), "%u", ports[i]);
		pages[i] = page(text, &facts, false);
		counts[i] = paragraphs(pages[i], lines[i], LINES_MOST);
	}
	for (size_t i = 0; i < found; i++) {
		size_t own = 0;

		for (size_t k = 0; k < counts[i]; k++) {
			size_t shared = 0;

			if (is_common(lines[i][k]))
				continue;
			for (size_t other = 0; other < found; other++)
				for (size_t l = 0; other != i && l < counts[other]; l++)
					shared += !strcmp(lines[i][k], lines[other][l]);
			own += !shared;
			/* A registrant or a span of two of them may be the same. */
			if (shared > 3) {
				print_error("%u: '%s' stands in %zu other answers\n", ports[i],
					    lines[i][k], shared);
				complaints++;
			}
		}
		/* The verdict, the assignment and an explanation at least. */
		if (own < 3) {
			print_error("%u: only %zu sentences of its own\n", ports[i], own);
			complaints++;
		}
	}
	for (size_t i = 0; i < found; i++)
		free(pages[i]);
	assert_no_complaints();
}

/* ------------------------------------------------------------- explanations */

static struct snapshot *traffic_make(void)
{
	struct snapshot *traffic;

	assert_int_equal(snapshot_new(false, &traffic), 0);
	traffic->since.tv_sec = 1793750399;
	return traffic;
}

static void count(struct snapshot *traffic, enum transport transport, enum side side, uint16_t port,
		  uint64_t packets)
{
	traffic->ports[transport]->side[side][DIR_IN][port].packets = packets;
}

static void assert_likely(uint16_t port, uint8_t transports, const struct explain_facts *facts,
			  size_t at, const char *expected)
{
	struct subject subject = { port, transports };
	struct explanations likely;

	assert_int_equal(explanations_find(&subject, facts, &likely), 0);
	if (at >= likely.count || strcmp(likely.items[at].text, expected)) {
		print_error("%u/%zu is       %s\nexpected %s\n", port, at,
			    at < likely.count ? likely.items[at].text : "nothing", expected);
		complaints++;
	}
	explanations_release(&likely);
}

static void test_likely(void **state)
{
	struct explain_facts facts = quiet_facts();
	struct snapshot *traffic = traffic_make();

	assert_likely(3069, SERVICE_UDP, &facts, 0,
		      "old Powerware UPS management, not replaced yet by SNMP, Modbus, Network UPS "
		      "Tools; expect 3068 ls3bcast too");
	assert_likely(3409, SERVICE_TCP, &facts, 0,
		      "something else, since NetworkLens alarm events is dead");
	assert_likely(3248, SERVICE_UDP, &facts, 0, "Citrix Framehawk (3224-3324/udp)");
	assert_likely(3248, SERVICE_UDP, &facts, 1,
		      "procos-lm, as registered by Torsten Rendelmann");
	assert_likely(40000, SERVICE_TCP, &facts, 0,
		      "a client's own port: 40000 lies in this host's ephemeral range 32768-60999");

	facts.traffic = traffic;
	assert_likely(3069, SERVICE_UDP, &facts, 0,
		      "old Powerware UPS management, not replaced yet by SNMP, Modbus, Network UPS "
		      "Tools; nothing at 3068 ls3bcast, though");
	/* Counted, and silent: a span says less than the registered name. */
	assert_likely(3248, SERVICE_UDP, &facts, 0,
		      "procos-lm, as registered by Torsten Rendelmann");
	assert_likely(3248, SERVICE_UDP, &facts, 1,
		      "Citrix Framehawk, but no other port of its 3224-3324/udp was active");

	count(traffic, TRANSPORT_UDP, SIDE_LOCAL, 3068, 5);
	count(traffic, TRANSPORT_UDP, SIDE_LOCAL, 3224, 5);
	assert_likely(3069, SERVICE_UDP, &facts, 0,
		      "old Powerware UPS management, not replaced yet by SNMP, Modbus, Network UPS "
		      "Tools; 3068 ls3bcast is active too");
	assert_likely(3248, SERVICE_UDP, &facts, 0,
		      "Citrix Framehawk: 3224 of its 3224-3324/udp is active too");
	for (unsigned int port = 3225; port < 3232; port++)
		count(traffic, TRANSPORT_UDP, SIDE_LOCAL, port, 1);
	assert_likely(
		3248, SERVICE_UDP, &facts, 0,
		"Citrix Framehawk: 3224, 3225, 3226, 3227 and 4 more of its 3224-3324/udp are "
		"active too");

	traffic->attempts[3409] = 12345;
	assert_likely(3409, SERVICE_TCP, &facts, 0,
		      "a scan, or a client that expects a service: 12,345 attempts at 3409/tcp, no "
		      "answer");
	traffic->answers[3409] = 1;
	assert_likely(3409, SERVICE_TCP, &facts, 0,
		      "something else, since NetworkLens alarm events is dead");
	count(traffic, TRANSPORT_TCP, SIDE_PEER, 3409, 7);
	assert_likely(3409, SERVICE_TCP, &facts, 0,
		      "this host as a client of somebody's port 3409: 7 packets so far");
	scene.forwards = true;
	assert_likely(3409, SERVICE_TCP, &facts, 0,
		      "a client of somebody's port 3409, this host or one behind it: 7 packets so "
		      "far");
	scene.forwards = false;
	snapshot_free(traffic);
	assert_no_complaints();
}

static void assert_in_page(const char *what, const struct explain_facts *facts, bool there,
			   const char *text)
{
	char *printed = page(what, facts, true);

	if (!strstr(printed, text) == there) {
		print_error("%s: '%s' is %s in\n%s\n", what, text, there ? "missing" : "there",
			    printed);
		complaints++;
	}
	free(printed);
}

static void test_ranges(void **state)
{
	struct explain_facts facts = quiet_facts();

	/* What is found on many ports is said once. */
	assert_in_page("x11", &facts, true,
		       "in practice: 6000-6063 X Window System, 6010 SSH X11 forwarding,");
	assert_in_page("x11", &facts, false, "6001");
	assert_in_page("3224-3324/udp", &facts, true,
		       "in practice: 3283 Apple Remote Desktop, 3322-3325 Active Networks\n");
	assert_in_page("2-3", &facts, true, "nothing known about its use in practice");
	assert_no_complaints();
}

/* SCTP is rare: its counters where there are some, or where it is asked for alone. */
static void test_sctp(void **state)
{
	struct explain_facts facts = quiet_facts();
	struct snapshot *traffic = traffic_make();

	facts.traffic = traffic;
	assert_in_page("2905", &facts, false, "\n  sctp since ");
	assert_in_page("2905/sctp", &facts, true, "\n  sctp since ");
	assert_in_page("2904-2906/sctp", &facts, true, "\n  sctp since ");
	assert_in_page("2904-2906", &facts, false, "\n  sctp since ");
	count(traffic, TRANSPORT_SCTP, SIDE_LOCAL, 2905, 5);
	assert_in_page("2905", &facts, true, "\n  sctp since ");
	assert_in_page("2904-2906", &facts, true, "\n  sctp since ");
	/* Where it is found there, ss is to look for it. */
	assert_in_page("2905", &facts, true, "\n  ss -HlntuSp 'sport = :2905'\n");
	assert_in_page("36412/sctp", &facts, true, "\n  ss -HlnSp 'sport = :36412'\n");
	assert_in_page("22", &facts, true, "\n  ss -Hlntup 'sport = :22'\n");
	snapshot_free(traffic);
	assert_no_complaints();
}

/* What is to be typed looks where the answer looked. */
static void test_another_namespace(void **state)
{
	struct explain_facts facts = quiet_facts();
	struct snapshot *traffic = traffic_make();

	facts.traffic = traffic;
	facts.netns = "web";
	assert_in_page("22", &facts, true, "\n  ip netns exec web ss -Hlntup 'sport = :22'\n");
	assert_in_page("22", &facts, true, "\n  ip netns exec web lsof -nP -i :22\n");
	assert_in_page("22", &facts, true, "\n  portscribe show -N web --watch 22\n");
	assert_in_page("22-23", &facts, true,
		       "\n  ip netns exec web ss -Hlntup 'sport >= :22 and ");
	facts.netns = "/proc/7/ns/net";
	assert_in_page("22", &facts, true,
		       "\n  nsenter --net=/proc/7/ns/net ss -Hlntup 'sport = :22'\n");
	assert_in_page("22", &facts, true, "\n  portscribe show -N /proc/7/ns/net --watch 22\n");
	facts.netns = "a b;c";
	assert_in_page("22", &facts, true, "\n  ip netns exec 'a b;c' ss -Hlntup 'sport = :22'\n");
	facts.netns = "it's";
	assert_in_page("22", &facts, true, "\n  ip netns exec \"it's\" ss -Hlntup");
	snapshot_free(traffic);
	assert_no_complaints();
}

static void test_wanted_ports(void **state)
{
	uint64_t ports[PORT_COUNT / 64] = {};
	struct fault fault = {};
	struct what what;

	assert_int_equal(what_parse("udp/3248", &scene.knowledge, &what, &fault), 0);
	explain_wanted_ports(&what, &scene.knowledge, ports);
	assert_true(ports[3248 / 64] >> 3248 % 64 & 1);
	assert_true(ports[3224 / 64] >> 3224 % 64 & 1); /* its span */
	assert_true(ports[3324 / 64] >> 3324 % 64 & 1);
	assert_false(ports[3325 / 64] >> 3325 % 64 & 1);
	what_release(&what);
	assert_int_equal(what_parse("3069", &scene.knowledge, &what, &fault), 0);
	explain_wanted_ports(&what, &scene.knowledge, ports);
	assert_true(ports[3068 / 64] >> 3068 % 64 & 1); /* its companion */
	what_release(&what);
}

static void hint(const char *name, const char *description, const char *part, const char *meaning)
{
	struct hint hints[4];
	size_t found = hints_find(slice_of(name), slice_of(description), hints, 4);

	for (size_t i = 0; i < found; i++)
		if (slice_equals(hints[i].part, part) && !strcmp(hints[i].meaning, meaning))
			return;
	print_error("%s (%s): no hint %s: %s\n", name, description, part, meaning);
	complaints++;
}

static void test_hints(void **state)
{
	struct explain_facts facts = quiet_facts();
	struct hint hints[4];

	assert_in_page("sctp/80", &facts, true, "a guess: \"http\" often stands for a web");
	assert_in_page("3248", &facts, true, "a guess: \"lm\" in procos-lm often stands for a");

	hint("procos-lm", "PROCOS LM", "lm", "a licence manager");
	hint("ls3bcast", "ls3 Broadcast", "bcast", "a broadcast");
	hint("some_trap", "", "trap", "messages about events, unasked for");
	hint("x", "Backup Service", "backup", "backup");
	assert_no_complaints();
	assert_int_equal(hints_find(slice_of("film"), slice_of(""), hints, 4), 0);
	assert_int_equal(hints_find(slice_of("lm"), slice_of("LM"), hints, 4), 1);
	assert_int_equal(hints_find(slice_of(""), slice_of(""), hints, 4), 0);
}

/* ------------------------------------------------------------- search */

static void assert_first(const char *first_word, const char *second, unsigned int port,
			 const char *name)
{
	const char *words[] = { first_word, second };
	struct search_hits found;
	struct slice best;

	assert_int_equal(search(&scene.knowledge, words, second ? 2 : 1, &found), 0);
	assert_true(found.count > 0);
	best = found.hits[0].service ? found.hits[0].service->name : found.hits[0].overlay->name;
	if (!slice_equals(best, name) ||
	    (found.hits[0].service ? found.hits[0].service->first : found.hits[0].overlay->first) !=
		    port) {
		print_error("%s %s: %.*s first\n", first_word, second ? second : "",
			    SLICE_ARGS(best));
		complaints++;
	}
	for (size_t i = 1; i < found.count; i++)
		assert_true(found.hits[i - 1].score >= found.hits[i].score);
	free(found.hits);
}

static void test_search(void **state)
{
	const char *nothing[] = { "xyzzyqq" }, *both[] = { "ssh", "xyzzyqq" };
	struct search_hits found;

	assert_first("ls3", NULL, 3069, "ls3");
	assert_first("node_exporter", NULL, 9100, "node-exporter");
	assert_first("Node-Exporter", NULL, 9100, "node-exporter");
	assert_first("powerware", "management", 3069, "ls3");
	assert_first("framehawk", NULL, 3224, "framehawk");
	assert_first("rendelmann", NULL, 3248, "procos-lm");
	assert_first("kubelet", "api", 10250, "kubelet");
	assert_first("dockerd", NULL, 2375, "docker");
	assert_no_complaints();
	assert_int_equal(search(&scene.knowledge, nothing, 1, &found), 0);
	assert_int_equal(found.count, 0);
	free(found.hits);
	assert_int_equal(search(&scene.knowledge, both, 2, &found), 0);
	assert_int_equal(found.count, 0);
	free(found.hits);
}

/* ------------------------------------------------------------- the sheet */

static void test_sheet(void **state)
{
	struct sheet sheet = {};
	char *printed = NULL, word[200];
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	sheet_head(&sheet, "Head");
	sheet_add(&sheet, 0, "kept \033[31m %s", "escaped");
	sheet_add(&sheet, 2, "dropped second");
	sheet_add(&sheet, 3, "dropped first");
	sheet_add(&sheet, 3, "dropped before it");
	sheet_head(&sheet, "Other");
	sheet_add(&sheet, 0, "%s", word);
	assert_int_equal(sheet_print(&sheet, out, 7), 0);
	fclose(out);
	assert_non_null(strstr(printed, "Head (2 more with -v)\n  kept \\x1b[31m escaped\n"
					"  dropped second\nOther\n  wwww"));
	free(printed);
	printed = NULL;
	out = open_memstream(&printed, &size);
	assert_int_equal(sheet_print(&sheet, out, 0), 0);
	fclose(out);
	assert_non_null(strstr(printed, "Head\n"));
	assert_non_null(strstr(printed, "dropped first\n"));
	/* A word that is longer than a line is broken. */
	assert_non_null(strstr(printed, "\n  wwww"));
	assert_non_null(strstr(printed, "w\n    wwww"));
	check_lines("sheet", printed);
	assert_no_complaints();
	free(printed);
	sheet_release(&sheet);
}

/* What the administrator wrote may be as long as it likes: a part of it is shown. */
static void test_long_paragraphs(void **state)
{
	struct sheet sheet = {};
	char *printed = NULL, essay[40000];
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	for (size_t i = 0; i < sizeof(essay) - 1; i++)
		essay[i] = i % 7 == 6 ? ' ' : 'a' + i % 7;
	essay[sizeof(essay) - 1] = '\0';
	sheet_head(&sheet, "Head");
	sheet_add(&sheet, 1, "%s", essay);
	sheet_add(&sheet, 2, "after it");
	assert_int_equal(sheet_print(&sheet, out, SHEET_LINES), 0);
	fclose(out);
	assert_non_null(strstr(printed, "Head\n  abcdef abcdef "));
	assert_non_null(strstr(printed, "abcdef ...\n  after it\n"));
	assert_true(strlen(printed) < 7 * (SHEET_COLUMNS + 1));
	free(printed);
	printed = NULL;
	out = open_memstream(&printed, &size);
	assert_int_equal(sheet_print(&sheet, out, 0), 0);
	fclose(out);
	assert_true(strlen(printed) > sizeof(essay)); /* with -v all of it */
	assert_null(strstr(printed, "..."));
	free(printed);
	sheet_release(&sheet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_listeners_in_verdict),
		cmocka_unit_test(test_every_page_fits),
		cmocka_unit_test(test_everything_with_verbose),
		cmocka_unit_test(test_another_registry),
		cmocka_unit_test(test_background),
		cmocka_unit_test(test_obscure_ports),
		cmocka_unit_test(test_likely),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_sctp),
		cmocka_unit_test(test_another_namespace),
		cmocka_unit_test(test_wanted_ports),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_sheet),
		cmocka_unit_test(test_long_paragraphs),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
