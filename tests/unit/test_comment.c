/*
 * The words of a comment: a table of what a rule's ports become, then random
 * ports against what nft can hold. The registry is a piece of the real one
 * (tests/data/nft/services.tsv), so that the table stays true when it grows.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nft/comment.h"
#include "nft/ours.h"
#include "unit/fixture.h"

#define USES_MAX 400

struct fixture {
	struct fixture_knowledge known;
	struct snapshot *traffic;
	struct comment_facts facts;
};

/* Only what comments read: no counters beyond the pages that are touched. */
static struct snapshot *traffic_make(void)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	snapshot->since.tv_sec = 1793750399; /* 2026-11-03 23:59:59 UTC */
	for (int t = 0; t < TRANSPORT_COUNT; t++)
		snapshot->ports[t] = calloc(1, sizeof(struct port_block));
	return snapshot;
}

static void packets_set(struct snapshot *snapshot, enum transport transport, enum side side,
			enum direction direction, uint16_t port, uint64_t packets)
{
	snapshot->ports[transport]->side[side][direction][port].packets = packets;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture_knowledge_load(&fixture->known);
	fixture->traffic = traffic_make();
	fixture->facts.knowledge = &fixture->known.knowledge;
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	for (int t = 0; t < TRANSPORT_COUNT; t++)
		free(fixture->traffic->ports[t]);
	free(fixture->traffic);
	fixture_knowledge_release(&fixture->known);
	free(fixture);
	return 0;
}

/* "tcp:22 <udp:53 tcp+udp:8000-8010 any:514"; < is a source port, > a target, ! left out. */
static size_t uses_parse(const char *text, struct port_use *uses)
{
	char copy[2048], *save = NULL;
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		struct port_use *use = &uses[count++];
		unsigned int first, last;
		char *ports = strchr(word, ':');

		*ports++ = '\0';
		*use = (struct port_use){ .role = *word == '<'	 ? PORT_SOURCE
						  : *word == '>' ? PORT_TARGET
								 : PORT_DESTINATION,
					  .negated = *word == '!' };
		use->transports |= strstr(word, "tcp") ? SERVICE_TCP : 0;
		use->transports |= strstr(word, "udp") ? SERVICE_UDP : 0;
		use->transports |= strstr(word, "sctp") ? SERVICE_SCTP : 0;
		if (!strcmp(word + (*word != 's'), "sctp"))
			use->transports = SERVICE_SCTP;
		if (sscanf(ports, "%u-%u", &first, &last) < 2)
			last = first;
		use->first = (uint16_t)first;
		use->last = (uint16_t)last;
	}
	return count;
}

static unsigned int unexpected;

static void expect(const struct comment_facts *facts, const char *ports, const char *expected)
{
	struct port_use uses[USES_MAX];
	char comment[NFT_COMMENT_MAX + 1];
	size_t length = nft_comment(facts, uses, uses_parse(ports, uses), comment);

	assert_int_equal(length, strlen(comment));
	if (!strcmp(comment, expected))
		return;
	print_error("ports    %s\ncomment  %s\nexpected %s\n", ports, comment, expected);
	unexpected++;
}

/* After all of them, so that one run shows every comment that changed. */
static void assert_expected(void)
{
	unsigned int count = unexpected;

	unexpected = 0;
	assert_int_equal(count, 0);
}

struct row {
	const char *ports, *comment;
};

static const struct row rows[] = {
	{ "tcp:22", "[ps] 22 ssh: The Secure Shell (SSH) Protocol" },
	{ "udp:22", "[ps] 22 ssh: The Secure Shell (SSH) Protocol" },
	{ "sctp:22", "[ps] 22 ssh" },
	{ "any:22", "[ps] 22 ssh: The Secure Shell (SSH) Protocol" },
	{ "tcp+udp:53", "[ps] 53 domain: Domain Name Server" },
	{ "tcp:3069", "[ps] 3069 ls3: Powerware UPS mgmt, likely legacy; pair 3068 ls3bcast" },
	{ "tcp:3068", "[ps] 3068 ls3bcast: ls3 Broadcast; pair 3069 ls3" },
	{ "tcp:3409",
	  "[ps] 3409 networklens: NetworkLens Event Port, dead; TLS pair 3410 networklenss" },
	{ "tcp:3410", "[ps] 3410 networklenss: NetworkLens SSL Event; pair 3409 networklens" },
	{ "udp:3248", "[ps] 3248 procos-lm; in Citrix Framehawk 3224-3324" },
	{ "tcp:3248", "[ps] 3248 procos-lm" },
	{ "tcp+udp:3248", "[ps] 3248 procos-lm; in Citrix Framehawk 3224-3324 (udp)" },
	{ "tcp:4", "[ps] 4 unassigned" },
	{ "udp:81", "[ps] 81 unassigned" },
	{ "tcp:0", "[ps] 0 reserved" },
	{ "udp:993", "[ps] 993 unassigned (tcp: imaps)" },
	{ "tcp:993", "[ps] 993 imaps: IMAP over TLS protocol" },
	{ "tcp:514", "[ps] 514 shell (in practice syslog over TCP)" },
	{ "udp:514", "[ps] 514 syslog" },
	{ "tcp+udp:514", "[ps] 514 shell (tcp), syslog (udp)" },
	{ "any:514", "[ps] 514 shell (tcp), syslog (udp)" },
	{ "any:465", "[ps] 465 submissions (tcp), igmpv3lite (udp)" },
	{ "tcp:8004",
	  "[ps] 8004 p2pevolvenet: Opensource Evolv Enterprise Platform P2P Network Node "
	  "Connection Protocol" },
	{ "udp:8004", "[ps] 8004 (in practice Nameless thing)" },
	{ "any:9", "[ps] 9 discard" },
	{ "udp:161", "[ps] 161 snmp" },
	{ "tcp:512", "[ps] 512 exec: remote process execution, authentication performed using "
		     "passwords and UNIX login names" },
	{ "tcp:8007", "[ps] 8007 warppipe: I/O oriented cluster computing software" },
	{ "tcp:9100", "[ps] 9100 hp-pdl-datastr (in practice node_exporter)" },
	{ "tcp:591", "[ps] 591 http-alt: FileMaker, Inc. - HTTP Alternate (see Port 80)" },
	{ "tcp:6000", "[ps] 6000 x11: X Window System" },
	{ "tcp:6010", "[ps] 6010 x11: X Window System" },
	{ "udp:6010", "[ps] 6010 x11: X Window System" },
	{ "tcp:5901", "[ps] 5901 unassigned; in VNC 5900-5999" },
	{ "udp:5901", "[ps] 5901 unassigned" },
	{ "tcp:51820", "[ps] 51820 dynamic" },
	{ "udp:65535", "[ps] 65535 dynamic" },
	{ "udp:20000", "[ps] 20000 unassigned" },
	{ "tcp:22 tcp:443", "[ps] 22 ssh; 443 https" },
	{ "tcp:22 tcp:80 tcp:443", "[ps] 22 ssh; 80 http; 443 https" },
	{ "tcp:22 tcp:22", "[ps] 22 ssh: The Secure Shell (SSH) Protocol" },
	{ "tcp:514 udp:514", "[ps] 514 shell (tcp), syslog (udp)" },
	{ "tcp:22 tcp:4 tcp:51820", "[ps] 22 ssh; 4 unassigned; 51820 dynamic" },
	{ "any:514 any:22", "[ps] 514 shell (tcp), syslog (udp); 22 ssh" },
	{ "udp:67 <udp:68", "[ps] 67 bootps; from 68 bootpc" },
	{ "<udp:67 udp:68", "[ps] 68 bootpc; from 67 bootps" },
	{ "<udp:53", "[ps] from 53 domain: Domain Name Server" },
	{ "<tcp:22 <tcp:80", "[ps] from 22 ssh; from 80 http" },
	{ "tcp:22 <tcp:22", "[ps] 22 ssh; from 22 ssh" },
	{ "tcp:22 <tcp:1024-65535", "[ps] 22 ssh; from 1024-65535 user and dynamic ports" },
	{ "udp:3224-3324", "[ps] Citrix Framehawk 3224-3324; covers 97 other UDP names" },
	{ "tcp:3224-3324", "[ps] 3224-3324: 3224 aes-discovery, 3225 fcip-port, 3226 isi-irp, 3227 "
			   "dwnmshttp, +95 more" },
	{ "tcp+udp:3224-3324", "[ps] Citrix Framehawk 3224-3324 (udp); covers 97 other UDP names" },
	{ "any:3224-3324", "[ps] Citrix Framehawk 3224-3324 (udp); covers 97 other UDP names" },
	{ "udp:3223-3325", "[ps] 3223-3325 holds Citrix Framehawk 3224-3324; covers 98 UDP names" },
	{ "udp:3230-3240", "[ps] 3230-3240 in Citrix Framehawk 3224-3324; covers 11 UDP names" },
	{ "udp:3300-3400",
	  "[ps] 3300-3400 overlaps Citrix Framehawk 3224-3324; covers 21 UDP names" },
	{ "udp:3000-4000", "[ps] 3000-4000: 1001 ports, 103 registered names" },
	{ "tcp+udp:1714-1764", "[ps] KDE Connect 1714-1764" },
	{ "tcp:1714-1764", "[ps] KDE Connect 1714-1764" },
	{ "tcp:5900-5999", "[ps] VNC 5900-5999" },
	{ "tcp:6000-6063", "[ps] X Window System 6000-6063" },
	{ "udp:6000-6063", "[ps] 6000-6063 x11: X Window System" },
	{ "tcp:6000-6010", "[ps] 6000-6010 x11 (6000-6063): X Window System" },
	{ "udp:60000-61000", "[ps] Mosh sessions 60000-61000" },
	{ "udp:60000-60010", "[ps] 60000-60010 dynamic" },
	{ "tcp:8000-8010",
	  "[ps] 8000-8010: 8000 irdmi, 8001 vcom-tunnel, 8002 teradataordbms, 8003 "
	  "mcreport, +6 more" },
	{ "udp:8000-8010",
	  "[ps] 8000-8010: 8000 irdmi, 8001 vcom-tunnel, 8002 teradataordbms, 8003 "
	  "mcreport, +4 more" },
	{ "tcp:8008-8009", "[ps] 8008-8009: 8008 http-alt, 8009 nvme-disc" },
	{ "tcp:8080-8081", "[ps] 8080-8081: 8080 http-alt" },
	{ "tcp:8010-8020", "[ps] 8010-8020 unassigned" },
	{ "tcp:50000-50010", "[ps] 50000-50010 dynamic" },
	{ "tcp:0-65535", "[ps] 0-65535 every port" },
	{ "tcp:1-65535", "[ps] 1-65535 every port" },
	{ "tcp:1024-65535", "[ps] 1024-65535 user and dynamic ports" },
	{ "udp:32768-60999", "[ps] 32768-60999 Linux ephemeral ports" },
	{ "tcp:0-1023", "[ps] 0-1023 system ports" },
	{ "tcp:20-1000", "[ps] 20-1000: 981 ports, 26 registered names" },
	{ "tcp:22 tcp:8000-8010", "[ps] 22 ssh; 8000-8010 (10 names)" },
	{ "udp:53 udp:3224-3324 udp:123", "[ps] 53 domain; 3224-3324 framehawk; 123 ntp" },
	{ "tcp:22 tcp:6000-6010 tcp:1024-65535",
	  "[ps] 22 ssh; 6000-6010 x11; 1024-65535 user and dynamic ports" },
	{ "udp:3230-3240 udp:53", "[ps] 3230-3240 in framehawk; 53 domain" },
	{ "tcp:137 tcp:138 tcp:139 tcp:445 tcp:546 tcp:547 tcp:587 tcp:993 tcp:1194 "
	  "tcp:1433 tcp:1434 tcp:2049 tcp:3068 tcp:3069",
	  "[ps] 445 microsoft-ds; 137 netbios-ns; 138 netbios-dgm; 139 netbios-ssn; 546 "
	  "dhcpv6-client; 547 dhcpv6-server; +8 more" },
	{ "tcp:1433 tcp:1434 tcp:8000 tcp:8001 tcp:8002 tcp:8003 tcp:8004 tcp:8005 "
	  "tcp:8006 tcp:8007",
	  "[ps] 1433 ms-sql-s; 1434 ms-sql-m; 8000 irdmi; 8001 vcom-tunnel; 8002 "
	  "teradataordbms; 8003 mcreport; 8004 p2pevolvenet; +3 more" },
	{ "tcp:40000 tcp:40001 tcp:40002 tcp:40003 tcp:40004 tcp:40005 tcp:40006 "
	  "tcp:40007 tcp:40008 tcp:40009 tcp:40010 tcp:40011 tcp:40012 tcp:40013 "
	  "tcp:40014 tcp:40015 tcp:40016 tcp:40017 tcp:40018 tcp:40019 tcp:40020 "
	  "tcp:40021 tcp:40022 tcp:40023 tcp:40024 tcp:40025 tcp:40026 tcp:40027 "
	  "tcp:40028 tcp:40029 tcp:40030 tcp:40031 tcp:40032 tcp:40033 tcp:40034 "
	  "tcp:40035 tcp:40036 tcp:40037 tcp:40038 tcp:40039 tcp:40040 tcp:40041 "
	  "tcp:40042 tcp:40043 tcp:40044 tcp:40045 tcp:40046 tcp:40047 tcp:40048 "
	  "tcp:40049 tcp:40050 tcp:40051 tcp:40052 tcp:40053 tcp:40054 tcp:40055 "
	  "tcp:40056 tcp:40057 tcp:40058 tcp:40059",
	  "[ps] 40000 unassigned; 40001 unassigned; 40002 unassigned; 40003 unassigned; "
	  "40004 unassigned; 40005 unassigned; +54 more" },
	{ "tcp:1 tcp:3 tcp:5 tcp:7 tcp:9 tcp:11 tcp:13 tcp:15 tcp:17 tcp:19 tcp:21 "
	  "tcp:23 tcp:25 tcp:27 tcp:29 tcp:31 tcp:33 tcp:35 tcp:37 tcp:39 tcp:41 tcp:43 "
	  "tcp:45 tcp:47 tcp:49 tcp:51 tcp:53 tcp:55 tcp:57 tcp:59 tcp:61 tcp:63 tcp:65 "
	  "tcp:67 tcp:69 tcp:71 tcp:73 tcp:75 tcp:77 tcp:79 tcp:81 tcp:83 tcp:85 tcp:87 "
	  "tcp:89 tcp:91 tcp:93 tcp:95 tcp:97 tcp:99 tcp:1 tcp:3 tcp:97 tcp:99",
	  "[ps] 7 echo; 9 discard; 25 smtp; 53 domain; 67 bootps; 69 tftp; 1 unassigned; "
	  "3 unassigned; 5 unassigned; +41 more" },
	{ "any:465 any:512 any:514 any:8004 any:8006 any:8009 any:993 any:27017",
	  "[ps] 8004 (Nameless thing); 465 submissions (tcp), igmpv3lite (udp); 512 exec (tcp), "
	  "comsat (udp); +5 more" },
};

static void test_words(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(&fixture->facts, rows[i].ports, rows[i].comment);
	assert_expected();
}

/* The most telling ones, however far behind they stand. */
static void test_many_ports(void **state)
{
	struct fixture *fixture = *state;
	char ports[2048] = "", *end = ports;

	for (unsigned int port = 40000; port < 40060; port++)
		end += sprintf(end, "tcp:%u ", port);
	strcpy(end, "tcp:22 tcp:9100 tcp:40000 tcp:443 tcp:22 tcp:3069 <tcp:53");
	expect(&fixture->facts, ports,
	       "[ps] 22 ssh; 9100 (node_exporter); 443 https; 3069 ls3; from 53 domain; 40000 "
	       "unassigned; 40001 unassigned; +58 more");
	assert_expected();
}

static void test_no_spans(void **state)
{
	struct fixture *fixture = *state;
	struct knowledge bare = { .registry = fixture->known.registry };
	struct comment_facts facts = { .knowledge = &bare };

	expect(&facts, "udp:3224-3324",
	       "[ps] 3224-3324: 3224 aes-discovery, 3225 fcip-port, 3226 isi-irp, 3227 dwnmshttp, "
	       "+94 more");
	assert_expected();
}

static void test_nothing(void **state)
{
	struct fixture *fixture = *state;

	expect(&fixture->facts, "", "");
	assert_expected();
}

static void test_traffic(void **state)
{
	struct fixture *fixture = *state;
	struct snapshot *traffic = fixture->traffic;
	struct comment_facts facts = fixture->facts;

	facts.traffic = traffic;
	packets_set(traffic, TRANSPORT_TCP, SIDE_LOCAL, DIR_IN, 22, 12499);
	packets_set(traffic, TRANSPORT_TCP, SIDE_LOCAL, DIR_OUT, 22, 7);
	packets_set(traffic, TRANSPORT_UDP, SIDE_LOCAL, DIR_IN, 22, 5);
	packets_set(traffic, TRANSPORT_TCP, SIDE_PEER, DIR_IN, 53, 999);
	packets_set(traffic, TRANSPORT_UDP, SIDE_PEER, DIR_IN, 53, 1000);
	packets_set(traffic, TRANSPORT_UDP, SIDE_LOCAL, DIR_IN, 53, 123456);
	packets_set(traffic, TRANSPORT_TCP, SIDE_LOCAL, DIR_IN, 443, UINT64_C(1999999));
	packets_set(traffic, TRANSPORT_SCTP, SIDE_LOCAL, DIR_IN, 9, UINT64_MAX);
	expect(&facts, "tcp:22",
	       "[ps] 22 ssh: The Secure Shell (SSH) Protocol; 12.4k pkts to port since "
	       "2026-11-03");
	expect(&facts, "udp:22",
	       "[ps] 22 ssh: The Secure Shell (SSH) Protocol; 5 pkts to port since 2026-11-03");
	expect(&facts, "tcp+udp:22",
	       "[ps] 22 ssh: The Secure Shell (SSH) Protocol; 12.5k pkts to port since "
	       "2026-11-03");
	expect(&facts, "any:22",
	       "[ps] 22 ssh: The Secure Shell (SSH) Protocol; 12.5k pkts to port since "
	       "2026-11-03");
	expect(&facts, "tcp:80",
	       "[ps] 80 http: World Wide Web HTTP; 0 pkts to port since 2026-11-03");
	expect(&facts, "<tcp:53",
	       "[ps] from 53 domain: Domain Name Server; 999 pkts from port since 2026-11-03");
	expect(&facts, "<udp:53",
	       "[ps] from 53 domain: Domain Name Server; 1.0k pkts from port since 2026-11-03");
	expect(&facts, "<tcp+udp:53",
	       "[ps] from 53 domain: Domain Name Server; 1.9k pkts from port since 2026-11-03");
	expect(&facts, "udp:53 <udp:22",
	       "[ps] 53 domain; from 22 ssh; 123k pkts to port since 2026-11-03");
	expect(&facts, "tcp:22 tcp:443",
	       "[ps] 22 ssh; 443 https; 2.0M pkts to ports since 2026-11-03");
	expect(&facts, "tcp:22 tcp:1-1000",
	       "[ps] 22 ssh; 1-1000 (28 names); 2.0M pkts to ports since 2026-11-03");
	expect(&facts, "tcp:443",
	       "[ps] 443 https: http protocol over TLS/SSL; 1.9M pkts to port since 2026-11-03");
	expect(&facts, "tcp:0-65535",
	       "[ps] 0-65535 every port; 2.0M pkts to ports since 2026-11-03");
	expect(&facts, "sctp:9", "[ps] 9 discard; 18.4E pkts to port since 2026-11-03");
	expect(&facts, "tcp:137 tcp:138 tcp:139 tcp:445 tcp:546 tcp:547 tcp:587 tcp:993 tcp:1194",
	       "[ps] 445 microsoft-ds; 137 netbios-ns; 138 netbios-dgm; 139 netbios-ssn; +5 more; "
	       "0 pkts to ports since 2026-11-03");
	expect(&facts, "udp:3224-3324",
	       "[ps] Citrix Framehawk 3224-3324; covers 97 other UDP names; 0 pkts to ports since "
	       "2026-11-03");
	expect(&facts, "tcp:8007",
	       "[ps] 8007 warppipe: I/O oriented cluster computing software; 0 pkts to port "
	       "since 2026-11-03");
	expect(&facts, "tcp:3409",
	       "[ps] 3409 networklens: NetworkLens Event Port, dead; TLS pair 3410 networklenss; 0 "
	       "pkts to port since 2026-11-03");
	assert_expected();
}

static void test_traffic_without_peers(void **state)
{
	struct fixture *fixture = *state;
	struct comment_facts facts = fixture->facts;

	fixture->traffic->local_only = true;
	facts.traffic = fixture->traffic;
	expect(&facts, "<udp:53", "[ps] from 53 domain: Domain Name Server");
	fixture->traffic->local_only = false;
	assert_expected();
}

/* What a replaced registry or a span of the administrator's may hold. */
static void test_hostile_names(void **state)
{
	static const char table[] =
		"1\ttcp\tassigned\tab\"c\\d\tsays \"x\" \\ y  z\t\t\t\t\t\t\t\t\t\n"
		"2\ttcp\tassigned\tumlaut\tGrüße aus Köln, Straße der Maße, "
		"ä ö ü äöüäöüäöüäöüäöüäöü äöüäöüäöüäöüäöüäöüäöü äöüäöüäöü\t\t\t\t\t\t\t\t\t\n"
		"3\ttcp\tassigned\tw\täöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü"
		"äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü\t\t\t\t\t\t\t\t\t\n";
	static const struct span hostile = { "odd",
					     10,
					     20,
					     TRANSPORT_TCP,
					     "a\033[31mb\x7f\xc2\x9b\xff\xc3 \"c\" \xe2\x80\xae"
					     "d\r\ne\xed\xa0\x80",
					     "" };
	struct knowledge known = { 0 };
	struct comment_facts facts = { .knowledge = &known };
	struct span_list list = { 0 };
	struct registry *registry;

	(void)state;
	assert_int_equal(registry_parse(table, sizeof(table) - 1, &registry, NULL, NULL), 0);
	assert_int_equal(span_list_add(&list, &hostile), 0);
	known.registry = registry;
	known.spans = list;
	expect(&facts, "tcp:1", "[ps] 1 abcd: says x y z");
	expect(&facts, "tcp:2",
	       "[ps] 2 umlaut: Grüße aus Köln, Straße der Maße, ä ö ü äöüäöüäöüäöüäöüäöü ...");
	expect(&facts, "tcp:3", "[ps] 3 w");
	expect(&facts, "tcp:10-20", "[ps] a [31mb c d e 10-20");
	span_list_release(&list);
	registry_free(registry);
	assert_expected();
}

static bool is_continuation(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Valid UTF-8 as far as the data can break it: no sequence cut, none begun in its middle. */
static void assert_loadable(const char *comment, size_t length)
{
	assert_in_range(length, sizeof(NFT_COMMENT_PREFIX), NFT_COMMENT_MAX);
	assert_int_equal(strlen(comment), length);
	assert_memory_equal(comment, NFT_COMMENT_PREFIX, sizeof(NFT_COMMENT_PREFIX) - 1);
	for (size_t i = 0; i < length;) {
		unsigned char byte = (unsigned char)comment[i++];
		int more = byte < 0x80 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;

		assert_true(byte >= ' ' && byte != '"' && byte != '\\' && byte != 0x7f);
		assert_true(byte < 0x80 || (byte >= 0xc2 && byte <= 0xf4));
		assert_false(byte == 0xc2 && (unsigned char)comment[i] < 0xa0);
		while (more--)
			assert_true(is_continuation((unsigned char)comment[i++]));
	}
	assert_true(comment[length - 1] != ' ' && comment[length - 1] != ';');
}

static uint16_t random_port(void)
{
	static const uint16_t often[] = { 0, 22, 80, 514, 3224, 3300, 6000, 8008, 65535 };
	long pick = random();

	return pick % 3 ? (uint16_t)random() : often[(size_t)pick % 9];
}

static void random_uses(struct port_use *uses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint16_t a = random_port(), b = a;

		/* Wide ranges are walked port by port: a few will do. */
		if (random() % 40 == 0)
			b = random_port();
		else if (random() % 4 == 0)
			b = (uint16_t)(a + random() % 200);

		uses[i] = (struct port_use){
			.transports = (uint8_t)(random() % 8),
			.role = random() % 5 == 0 ? random() % PORT_ROLES : PORT_DESTINATION,
			.negated = random() % 7 == 0,
			.first = a < b ? a : b,
			.last = a < b ? b : a,
		};
	}
}

/* Whether the packets of any of them are counted for sure: those that arrive for a port. */
static bool names_counted(const struct port_use *uses, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (uses[i].role == PORT_DESTINATION && !uses[i].negated)
			return true;
	return false;
}

/* Whatever the ports: nft can load the comment, and the same ports give the same words. */
static void test_random_ports(void **state)
{
	struct fixture *fixture = *state;
	struct port_use uses[USES_MAX];
	char comment[NFT_COMMENT_MAX + 1], again[NFT_COMMENT_MAX + 1];
	struct knowledge shipped;

	assert_int_equal(knowledge_builtin(&shipped), 0);
	srandom(20261103);
	for (int round = 0; round < 4000; round++) {
		struct comment_facts facts = fixture->facts;
		size_t count = 1 + (size_t)random() % (round % 50 ? 12 : USES_MAX);
		size_t length;

		facts.traffic = round % 3 ? NULL : fixture->traffic;
		if (round % 2)
			facts.knowledge = &shipped;
		random_uses(uses, count);
		length = nft_comment(&facts, uses, count, comment);
		assert_loadable(comment, length);
		assert_int_equal(nft_comment(&facts, uses, count, again), length);
		assert_string_equal(comment, again);
		assert_true(!facts.traffic || strstr(comment, " since 2026-11-03") ||
			    !names_counted(uses, count));
		if (!comment_is_ours(&facts, slice_of(comment)))
			print_error("%s\n", comment);
		assert_true(comment_is_ours(&facts, slice_of(comment)));
	}
	knowledge_release(&shipped);
}

/* ------------------------------------------------------------- golden comments */

#define GOLDEN_FILE "tests/data/comments.tsv"

/* Writes the line of the new file, and compares the comment with the old one. */
static void golden_line(FILE *new, char *line, const struct comment_facts *facts)
{
	char *tab = strchr(line, '\t');
	char comment[NFT_COMMENT_MAX + 1];
	struct port_use uses[USES_MAX];

	if (*line == '#' || !tab) {
		fprintf(new, "%s\n", line);
		return;
	}
	*tab = '\0';
	nft_comment(facts, uses, uses_parse(line, uses), comment);
	fprintf(new, "%s\t%s\n", line, comment);
	if (!getenv("GOLDEN"))
		expect(facts, line, tab + 1);
}

static void test_golden_comments(void **state)
{
	struct knowledge known;
	struct comment_facts facts = { .knowledge = &known };
	size_t length = 0, size, lines = 0;
	char *old = fixture_read(GOLDEN_FILE, &length), *made = NULL, *save = NULL;
	FILE *new = open_memstream(&made, &size), *file;

	assert_non_null(old);
	assert_int_equal(knowledge_builtin(&known), 0);
	for (char *line = strtok_r(old, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		golden_line(new, line, &facts);
		lines++;
	}
	assert_int_equal(fclose(new), 0);
	assert_true(lines >= 300);
	if (getenv("GOLDEN")) {
		file = fopen(GOLDEN_FILE, "w");
		assert_non_null(file);
		assert_int_equal(fwrite(made, 1, size, file), size);
		assert_int_equal(fclose(file), 0);
	}
	free(made);
	free(old);
	knowledge_release(&known);
	assert_expected();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_many_ports),
		cmocka_unit_test(test_golden_comments),
		cmocka_unit_test(test_no_spans),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_traffic),
		cmocka_unit_test(test_traffic_without_peers),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_random_ports),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
