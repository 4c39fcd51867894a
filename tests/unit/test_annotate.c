/*
 * Comments in ruleset text: each way to write a rule, each reason to leave one
 * alone, and two properties on every file there is: nothing but our comments
 * changes, and annotating again changes nothing.
 * Golden files: tests/data/nft/X.nft becomes X.annotated.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nft/annotate.h"
#include "unit/fixture.h"

#define DATA   "tests/data/nft"
#define CORPUS "../shared/corpus/nft"

struct fixture {
	struct fixture_knowledge known;
	struct comment_facts facts;
};

static char *file_read(const char *folder, const char *name, size_t *ret_length)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return fixture_read(path, ret_length);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture_knowledge_load(&fixture->known);
	fixture->facts.knowledge = &fixture->known.knowledge;
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	fixture_knowledge_release(&fixture->known);
	free(fixture);
	return 0;
}

static struct annotate_result annotate(const struct comment_facts *facts, const char *text)
{
	struct annotate_result result = { 0 };

	assert_int_equal(nft_annotate(text, strlen(text), facts, &result), 0);
	assert_non_null(result.text);
	assert_int_equal(strlen(result.text), result.length);
	assert_int_equal(result.rules, result.comments + result.skip_count);
	return result;
}

static bool starts_with(const char *text, const char *end, const char *prefix)
{
	size_t length = strlen(prefix);

	return (size_t)(end - text) >= length && !memcmp(text, prefix, length);
}

/* Behind the closing quote of the string that begins at @text. */
static const char *string_end(const char *text, const char *end)
{
	const char *quote = memchr(text + 1, '"', (size_t)(end - text - 1));

	assert_non_null(quote);
	return quote + 1;
}

/* Walks both texts side by side; only our comments may be new, or differ. */
static void assert_only_comments(const char *before, size_t before_length, const char *after,
				 size_t after_length)
{
	const char *a = before, *a_end = before + before_length;
	const char *b = after, *b_end = after + after_length;

	while (b < b_end) {
		if (starts_with(b, b_end, " comment \"[ps] ") &&
		    !starts_with(a, a_end, " comment \"[ps] ")) {
			b = string_end(b + strlen(" comment "), b_end);
		} else if (starts_with(b, b_end, "\"[ps] ") && starts_with(a, a_end, "\"[ps] ") &&
			   memchr(a + 1, '"', (size_t)(a_end - a - 1))) {
			a = string_end(a, a_end);
			b = string_end(b, b_end);
		} else {
			assert_true(a < a_end);
			assert_int_equal(*a, *b);
			a++;
			b++;
		}
	}
	assert_true(a == a_end);
}

/* Any text at all: annotated or refused, and in the first case both properties hold. */
static int assert_properties(const struct comment_facts *facts, const char *text, size_t length)
{
	struct annotate_result once = { 0 }, twice = { 0 };
	int err = nft_annotate(text, length, facts, &once);

	if (err) {
		assert_int_equal(err, -EINVAL);
		assert_null(once.text);
		assert_int_equal(once.skip_count, 1);
		assert_true(once.skips[0].line >= 1 && once.skips[0].column >= 1);
		assert_non_null(once.skips[0].reason);
	} else {
		assert_only_comments(text, length, once.text, once.length);
		assert_int_equal(once.rules, once.comments + once.skip_count);
		assert_int_equal(nft_annotate(once.text, once.length, facts, &twice), 0);
		assert_int_equal(twice.length, once.length);
		assert_memory_equal(twice.text, once.text, once.length);
		assert_int_equal(twice.comments, once.comments);
	}
	annotate_result_release(&once);
	annotate_result_release(&twice);
	return err;
}

/* A rule, and what stands behind it once it is annotated; P is the comment's beginning. */
#define P   " comment \"[ps] "
#define SSH P "22 ssh: The Secure Shell (SSH) Protocol\""
#define WEB P "80 http: World Wide Web HTTP\""

struct rule_row {
	const char *before, *after;
};

static const struct rule_row rules[] = {
	{ "tcp dport 22", "tcp dport 22" SSH },
	{ "tcp dport 22 accept", "tcp dport 22 accept" SSH },
	{ "  tcp  dport\t22  accept  ", "  tcp  dport\t22  accept" SSH "  " },
	{ "tcp dport == 22 accept", "tcp dport == 22 accept" SSH },
	{ "tcp dport eq 22 accept", "tcp dport eq 22 accept" SSH },
	{ "tcp dport 22 accept # why", "tcp dport 22 accept" SSH " # why" },
	{ "tcp dport 22 accept#why", "tcp dport 22 accept" SSH "#why" },
	{ "tcp dport 22 accept;", "tcp dport 22 accept" SSH ";" },
	{ "tcp dport 22; tcp dport 80", "tcp dport 22" SSH "; tcp dport 80" WEB },
	{ "tcp dport 22;;tcp dport 80;", "tcp dport 22" SSH ";;tcp dport 80" WEB ";" },
	{ "tcp dport 22 \\\n accept", "tcp dport 22 \\\n accept" SSH },
	{ "tcp \\\ndport \\\n22", "tcp \\\ndport \\\n22" SSH },
	{ "tcp dport 22 \\\n", "tcp dport 22" SSH " \\\n" },
	{ "tcp dport { 22, 80 }", "tcp dport { 22, 80 }" P "22 ssh; 80 http\"" },
	{ "tcp dport {22,80,}accept", "tcp dport {22,80,}accept" P "22 ssh; 80 http\"" },
	{ "tcp dport{22}", "tcp dport{22}" SSH },
	{ "tcp dport {\n22, # }\n80\n} accept",
	  "tcp dport {\n22, # }\n80\n} accept" P "22 ssh; 80 http\"" },
	{ "tcp dport 8008-8009",
	  "tcp dport 8008-8009" P "8008-8009: 8008 http-alt, 8009 nvme-disc\"" },
	{ "tcp dport 8008 - 8009",
	  "tcp dport 8008 - 8009" P "8008-8009: 8008 http-alt, 8009 nvme-disc\"" },
	{ "tcp dport { 22, 8000-8010 }",
	  "tcp dport { 22, 8000-8010 }" P "22 ssh; 8000-8010 (10 names)\"" },
	{ "udp dport 3224-3324 accept", "udp dport 3224-3324 accept" P
					"Citrix Framehawk 3224-3324; covers 97 other UDP names\"" },
	{ "tcp dport ssh", "tcp dport ssh" SSH },
	{ "tcp dport \"ssh\"", "tcp dport \"ssh\"" SSH },
	{ "tcp dport www", "tcp dport www" WEB },
	{ "tcp dport ms-sql-s", "tcp dport ms-sql-s" P "1433 ms-sql-s: Microsoft-SQL-Server\"" },
	{ "tcp dport { ssh, http }", "tcp dport { ssh, http }" P "22 ssh; 80 http\"" },
	{ "tcp dport ms-sql-s - ms-sql-m",
	  "tcp dport ms-sql-s - ms-sql-m" P "1433-1434: 1433 ms-sql-s, 1434 ms-sql-m\"" },
	{ "tcp dport 20-ssh", "tcp dport 20-ssh" P "20-22: 22 ssh\"" },
	{ "tcp dport 026", "tcp dport 026" SSH },
	{ "tcp dport 022", "tcp dport 022" P "18 unassigned\"" },
	{ "tcp dport 08", "tcp dport 08" P "8 unassigned\"" },
	{ "tcp dport 0x16", "tcp dport 0x16" SSH },
	{ "tcp dport 0X16", "tcp dport 0X16" SSH },
	{ "tcp dport 0", "tcp dport 0" P "0 reserved\"" },
	{ "tcp dport 65535", "tcp dport 65535" P "65535 dynamic\"" },
	{ "udp dport 514", "udp dport 514" P "514 syslog\"" },
	{ "sctp dport 9", "sctp dport 9" P "9 discard\"" },
	{ "th dport 514", "th dport 514" P "514 shell (tcp), syslog (udp)\"" },
	{ "meta l4proto { tcp, udp } th dport 514",
	  "meta l4proto { tcp, udp } th dport 514" P "514 shell (tcp), syslog (udp)\"" },
	{ "meta l4proto udp th dport 514", "meta l4proto udp th dport 514" P "514 syslog\"" },
	{ "meta l4proto 17 th dport 514", "meta l4proto 17 th dport 514" P "514 syslog\"" },
	{ "ip protocol udp th dport 514", "ip protocol udp th dport 514" P "514 syslog\"" },
	{ "ip6 nexthdr { udp } th dport 514", "ip6 nexthdr { udp } th dport 514" P "514 syslog\"" },
	{ "meta l4proto != tcp th dport 514",
	  "meta l4proto != tcp th dport 514" P "514 shell (tcp), syslog (udp)\"" },
	{ "ether protocol ip th dport 9", "ether protocol ip th dport 9" P "9 discard\"" },
	{ "udp sport 53", "udp sport 53" P "from 53 domain: Domain Name Server\"" },
	{ "udp sport 67 udp dport 68",
	  "udp sport 67 udp dport 68" P "68 bootpc; from 67 bootps\"" },
	{ "tcp dport 22 tcp sport != 80", "tcp dport 22 tcp sport != 80" SSH },
	{ "ip saddr { 10.0.0.1, 10.0.0.2 } tcp dport 22",
	  "ip saddr { 10.0.0.1, 10.0.0.2 } tcp dport 22" SSH },
	{ "ip6 saddr fe80::/10 tcp dport 22 accept",
	  "ip6 saddr fe80::/10 tcp dport 22 accept" SSH },
	{ "ip saddr @set tcp dport 22 ip daddr $X", "ip saddr @set tcp dport 22 ip daddr $X" SSH },
	{ "iifname \"eth*\" tcp dport 22", "iifname \"eth*\" tcp dport 22" SSH },
	{ "iifname eth* tcp dport 22", "iifname eth* tcp dport 22" SSH },
	{ "tcp dport 80 redirect to :8080", "tcp dport 80 redirect to :8080" WEB },
	{ "tcp dport 80 dnat to [::1]:8080", "tcp dport 80 dnat to [::1]:8080" WEB },
	{ "log prefix \"tcp dport 80 { # ; }\" tcp dport 22",
	  "log prefix \"tcp dport 80 { # ; }\" tcp dport 22" SSH },
	{ "tcp dport 22 log prefix \"comment \"", "tcp dport 22 log prefix \"comment \"" SSH },
	{ "tcp dport 22 ip saddr @comment", "tcp dport 22 ip saddr @comment" SSH },
	{ "tcp dport 22 accept comment \"[ps] old\"", "tcp dport 22 accept" SSH },
	{ "tcp dport 22 comment  \"[ps] \" # x",
	  "tcp dport 22 comment  \"[ps] 22 ssh: The Secure Shell (SSH) Protocol\" # x" },
	/* No ports, no comment, and no skip either. */
	{ "accept", "accept" },
	{ "ct state established accept", "ct state established accept" },
	{ "accept comment \"[ps] ours, but why\"", "accept comment \"[ps] ours, but why\"" },
	{ "log prefix \"tcp dport 22\"", "log prefix \"tcp dport 22\"" },
	{ "ip daddr 10.0.0.1 dnat to 10.0.0.2", "ip daddr 10.0.0.1 dnat to 10.0.0.2" },
	{ "dnat to fe80::1", "dnat to fe80::1" },
	{ "# tcp dport 22 \\", "# tcp dport 22 \\" },
	{ "comment \"tcp dport 22\"", "comment \"tcp dport 22\"" },
	{ "type filter hook input priority 0; policy drop;",
	  "type filter hook input priority 0; policy drop;" },
	{ "include \"./tcp dport 22\"", "include \"./tcp dport 22\"" },
	{ "define X = { 22, 80 }", "define X = { 22, 80 }" },
};

static void text_expect(const struct comment_facts *facts, const char *before, const char *expected)
{
	struct annotate_result result = annotate(facts, before);

	assert_string_equal(result.text, expected);
	assert_int_equal(result.skip_count, 0);
	annotate_result_release(&result);
	assert_properties(facts, before, strlen(before));
}

/* Each rule in a chain and behind "add rule". */
static void test_rules(void **state)
{
	struct fixture *fixture = *state;
	char before[1024], after[1024];

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		snprintf(before, sizeof(before), "table ip t {\nchain c {\n%s\n}\n}\n",
			 rules[i].before);
		snprintf(after, sizeof(after), "table ip t {\nchain c {\n%s\n}\n}\n",
			 rules[i].after);
		text_expect(&fixture->facts, before, after);
	}
}

static const struct rule_row files[] = {
	{ "", "" },
	{ "\n", "\n" },
	{ "# tcp dport 22", "# tcp dport 22" },
	{ "add rule ip t c tcp dport 22", "add rule ip t c tcp dport 22" SSH },
	{ "add rule t c tcp dport 22 accept # x\n",
	  "add rule t c tcp dport 22 accept" SSH " # x\n" },
	{ "insert rule inet t c handle 3 tcp dport 22\n",
	  "insert rule inet t c handle 3 tcp dport 22" SSH "\n" },
	{ "replace rule inet t c handle 3 tcp dport 22\n",
	  "replace rule inet t c handle 3 tcp dport 22" SSH "\n" },
	{ "rule ip t c tcp dport 22\n", "rule ip t c tcp dport 22" SSH "\n" },
	{ "add rule ip t c tcp dport 22; add rule ip t c tcp dport { 80 }",
	  "add rule ip t c tcp dport 22" SSH "; add rule ip t c tcp dport { 80 }" WEB },
	{ "add table t; add chain t c { type filter hook input priority 0; tcp dport 22; }",
	  "add table t; add chain t c { type filter hook input priority 0; tcp dport 22" SSH
	  "; }" },
	{ "chain c {\ntcp dport 22\n}", "chain c {\ntcp dport 22" SSH "\n}" },
	{ "table t { chain a { tcp dport 22;}; chain b { tcp dport 80; }; }",
	  "table t { chain a { tcp dport 22" SSH ";}; chain b { tcp dport 80" WEB "; }; }" },
	{ "create table t { chain a { tcp dport 22; }; }",
	  "create table t { chain a { tcp dport 22" SSH "; }; }" },
	{ "table t{chain c{tcp dport 22\n}\n}", "table t{chain c{tcp dport 22" SSH "\n}\n}" },
	/* Nothing outside of rules is a rule. */
	{ "table t { set s { typeof tcp dport; elements = { 22 }; }; }",
	  "table t { set s { typeof tcp dport; elements = { 22 }; }; }" },
	{ "table t { map m { typeof tcp dport : verdict\n elements = { 22 : drop }\n}\n}",
	  "table t { map m { typeof tcp dport : verdict\n elements = { 22 : drop }\n}\n}" },
	{ "table t { flowtable f { hook ingress priority 0; devices = { a, b }; }; }",
	  "table t { flowtable f { hook ingress priority 0; devices = { a, b }; }; }" },
	{ "add map ip t m { typeof tcp dport : verdict; }",
	  "add map ip t m { typeof tcp dport : verdict; }" },
	{ "add element ip t s { 22, 80 }\nflush ruleset\nlist ruleset\n",
	  "add element ip t s { 22, 80 }\nflush ruleset\nlist ruleset\n" },
	{ "define X = { 22, 80 }\ndefine Y = tcp dport 22\n",
	  "define X = { 22, 80 }\ndefine Y = tcp dport 22\n" },
};

static void test_files(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		text_expect(&fixture->facts, files[i].before, files[i].after);
}

struct skip_row {
	const char *rule, *reason;
};

static const struct skip_row skips[] = {
	{ "tcp dport 22 comment \"mine\"", "it has a comment already" },
	{ "tcp dport 22 comment ssh", "it has a comment already" },
	{ "tcp dport 22 comment \"[ps]22\"", "it has a comment already" },
	{ "tcp dport 22 comment \"[ps] 22\" accept", "it has a comment already" },
	{ "tcp dport 22 counter comment \"c\" accept", "it has a comment already" },
	{ "tcp dport != 22", "it matches all ports but those it names" },
	{ "tcp dport ne 22", "it matches all ports but those it names" },
	{ "tcp dport != { 22, 80 } drop", "it matches all ports but those it names" },
	{ "tcp dport != 1-1024 drop", "it matches all ports but those it names" },
	{ "tcp dport 22 jump {\ntcp dport 80\n}", "it jumps to a block of its own" },
	{ "tcp dport 22 goto { accept; }", "it jumps to a block of its own" },
	{ "tcp dport @s", "its ports come from a named set" },
	{ "tcp dport != @s", "its ports come from a named set" },
	{ "tcp dport 22 tcp sport @s", "its ports come from a named set" },
	{ "tcp dport $X", "its ports come from a define" },
	{ "tcp dport { 22, $X }", "its ports come from a define" },
	{ "tcp dport 22-$X", "its ports come from a define" },
	{ "tcp dport set 8080", "it sets a port" },
	{ "tcp dport vmap { 22 : accept }", "its ports are keys of a map" },
	{ "tcp dport { 22 : accept }", "its ports are keys of a map" },
	{ "redirect to tcp dport map { 22 : 80 }",
	  "its ports are taken from the packet, not compared" },
	{ "meta mark set tcp dport", "its ports are taken from the packet, not compared" },
	{ "tcp dport 22 add @s { tcp dport }",
	  "its ports are taken from the packet, not compared" },
	{ "ip saddr . tcp dport { 10.0.0.1 . 22 }", "its ports are part of a concatenation" },
	{ "tcp dport . ip saddr @s", "its ports are part of a concatenation" },
	{ "meta l4proto . th dport @s", "its ports are part of a concatenation" },
	{ "tcp dport < 1024", "it compares ports by order" },
	{ "tcp dport > 1024", "it compares ports by order" },
	{ "tcp dport <= 1024", "it compares ports by order" },
	{ "tcp dport >= 1024", "it compares ports by order" },
	{ "tcp dport lt 1024", "it compares ports by order" },
	{ "tcp dport & 0xff == 22", "it compares ports through a mask" },
	{ "tcp dport 22 | 1", "it compares ports through a mask" },
	{ "tcp dport { 22 comment \"x\", 80 }", "its set elements have options of their own" },
	{ "tcp dport { 22 timeout 1m }", "its set elements have options of their own" },
	{ "tcp dport (22)", "the expression around its ports is not understood" },
	{ "tcp dport 22,80", "the expression around its ports is not understood" },
	{ "tcp dport { { 22, 80 }, 443 }", "the expression around its ports is not understood" },
	{ "tcp dport { }", "the expression around its ports is not understood" },
	{ "tcp dport", "the expression around its ports is not understood" },
	{ "dport 22", "the expression around its ports is not understood" },
	{ "tcp dport 22-", "the expression around its ports is not understood" },
	{ "tcp dport -22", "the expression around its ports is not understood" },
	{ "tcp dport *", "the expression around its ports is not understood" },
	{ "tcp dport 22 80", "the expression around its ports is not understood" },
	{ "tcp dport 65536", "a port number that nft would refuse" },
	{ "tcp dport 22ssh", "a port number that nft would refuse" },
	{ "tcp dport 099999999999999999999", "a port number that nft would refuse" },
	{ "tcp dport 80-22", "a port number that nft would refuse" },
	{ "tcp dport no-such-name", "it has a service name that the registry does not know" },
	{ "tcp dport ssh-smtp", "it has a service name that the registry does not know" },
	{ "tcp dport http-alt", "it has a service name that stands for several ports" },
	{ "tcp dport x11", "it has a service name that stands for several ports" },
	{ "dccp dport 22", "its transport is none of tcp, udp, sctp" },
	{ "udplite sport 22", "its transport is none of tcp, udp, sctp" },
	{ "meta l4proto dccp th dport 22", "its transport is none of tcp, udp, sctp" },
	{ "udp dport 4789 vxlan tcp dport 80", "its ports are those of a packet inside a tunnel" },
	{ "@th,16,16 22", "it may name ports by their offset in the packet" },
	{ "ct original proto-dst 22", "it names the ports of the original connection" },
	{ "redirect to :8080", "its only port is the target of a translation" },
	{ "dnat to 10.0.0.1:8080", "its only port is the target of a translation" },
	{ "dnat to [::1]:8080", "its only port is the target of a translation" },
	{ "tproxy to :8080", "its only port is the target of a translation" },
	{ "tcp dport 22 \\ accept", "it holds bytes that nft does not know" },
	{ "tcp dport 22 \xc3\xa4", "it holds bytes that nft does not know" },
	{ "tcp dport 22 accept }\n; chain d {", "a brace ends it, where nft wants a newline or ;" },
};

static void skip_expect(const struct comment_facts *facts, const char *text, const char *reason,
			unsigned int line, unsigned int column)
{
	struct annotate_result result = annotate(facts, text);

	if (result.skip_count != 1 || strcmp(result.skips[0].reason, reason) != 0)
		print_error("%s\n%s\n", text, result.skip_count ? result.skips[0].reason : "none");
	assert_int_equal(result.skip_count, 1);
	assert_string_equal(result.skips[0].reason, reason);
	assert_int_equal(result.skips[0].line, line);
	assert_int_equal(result.skips[0].column, column);
	assert_string_equal(result.text, text);
	annotate_result_release(&result);
}

static void test_skips(void **state)
{
	struct fixture *fixture = *state;
	char text[512];

	for (size_t i = 0; i < sizeof(skips) / sizeof(skips[0]); i++) {
		snprintf(text, sizeof(text), "table t {\n\tchain c {\n\t accept; %s\n}\n}\n",
			 skips[i].rule);
		skip_expect(&fixture->facts, text, skips[i].reason, 3, 11);
	}
	skip_expect(&fixture->facts, "# fragment\ntcp dport 22 accept\n",
		    "it stands in no chain and in no \"add rule\"", 2, 1);
	skip_expect(&fixture->facts, "log prefix \"a\nb\"; ip t c tcp dport 22",
		    "it stands in no chain and in no \"add rule\"", 2, 5);
}

static void refuse_expect(const struct comment_facts *facts, const char *text, size_t length,
			  const char *reason, unsigned int line, unsigned int column)
{
	struct annotate_result result = { 0 };

	assert_int_equal(nft_annotate(text, length, facts, &result), -EINVAL);
	assert_null(result.text);
	assert_int_equal(result.skip_count, 1);
	assert_string_equal(result.skips[0].reason, reason);
	assert_int_equal(result.skips[0].line, line);
	assert_int_equal(result.skips[0].column, column);
	annotate_result_release(&result);
}

#define REFUSE(text, reason, line, column) \
	refuse_expect(&fixture->facts, text, sizeof(text) - 1, reason, line, column)

static int machine_service(const char *name)
{
	return !strcmp(name, "ssh") ? 2222 : !strcmp(name, "only-here") ? 7 : -1;
}

/* nft takes names from the machine; the registry is asked for those the machine lacks. */
static void test_machine_names(void **state)
{
	struct fixture *fixture = *state;
	struct comment_facts facts = fixture->facts;

	facts.service_port = machine_service;
	text_expect(&facts,
		    "table t {\n\tchain c {\n\t\ttcp dport { ssh, only-here, https }\n\t}\n}\n",
		    "table t {\n\tchain c {\n\t\ttcp dport { ssh, only-here, https } comment "
		    "\"[ps] 2222 unassigned; 7 echo; 443 https\"\n\t}\n}\n");
}

static void test_refused(void **state)
{
	struct fixture *fixture = *state;

	REFUSE("table t {\r\n}\r\n", "a carriage return, which nft does not accept", 1, 10);
	REFUSE("\xef\xbb\xbftable t {\n}\n", "a byte order mark, which nft does not accept", 1, 1);
	REFUSE("table t {\n\0}\n", "a NUL byte", 2, 1);
	REFUSE("table t {\n\tchain c {\n}\n", "a brace is never closed", 1, 9);
	REFUSE("table t {\n\tset s { elements = { 1\n}\n}\n", "a brace is never closed", 1, 9);
	REFUSE("table t {\n\tset s { elements = { 1\n", "a brace is never closed", 2, 8);
	REFUSE("table t {\n}\n }\n", "a closing brace without an opening one", 3, 2);
	REFUSE("table t {\n# \"\n\"a }\n", "a quote is never closed", 3, 1);
	REFUSE("tcp dport 22 comment \"", "a quote is never closed", 1, 22);
	/* nft reads over a carriage return in a comment. */
	assert_int_equal(assert_properties(&fixture->facts, "# a\r\n", 5), 0);
}

static bool ends_with(const char *text, const char *ending)
{
	size_t length = strlen(text), wanted = strlen(ending);

	return length >= wanted && !strcmp(text + length - wanted, ending);
}

/* Calls @check for each *.nft in @folder; how many there were. */
static unsigned int each_file(const char *folder, const struct comment_facts *facts,
			      void (*check)(const struct comment_facts *, const char *,
					    const char *, size_t))
{
	DIR *directory = opendir(folder);
	struct dirent *entry;
	unsigned int count = 0;

	while (directory && (entry = readdir(directory))) {
		size_t length = 0;
		char *text;

		if (!ends_with(entry->d_name, ".nft"))
			continue;
		text = file_read(folder, entry->d_name, &length);
		assert_non_null(text);
		check(facts, entry->d_name, text, length);
		free(text);
		count++;
	}
	if (directory)
		closedir(directory);
	return count;
}

static void golden_write(const char *name, const struct annotate_result *result)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", DATA, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(result->text, 1, result->length, file), result->length);
	assert_int_equal(fclose(file), 0);
}

static void golden_check(const struct comment_facts *facts, const char *name, const char *text,
			 size_t length)
{
	struct annotate_result result = { 0 };
	char golden_name[256];
	size_t expected_length = 0;
	char *expected;

	snprintf(golden_name, sizeof(golden_name), "%.*s.annotated", (int)strlen(name) - 4, name);
	expected = file_read(DATA, golden_name, &expected_length);
	assert_non_null(expected);
	assert_int_equal(nft_annotate(text, length, facts, &result), 0);
	/* GOLDEN=1 writes them anew: read the diff before you commit it. */
	if (getenv("GOLDEN")) {
		golden_write(golden_name, &result);
		free(expected);
		expected = strdup(result.text);
		expected_length = result.length;
	}
	assert_string_equal(result.text, expected);
	assert_int_equal(result.length, expected_length);
	annotate_result_release(&result);
	free(expected);
}

static void test_golden_files(void **state)
{
	struct fixture *fixture = *state;

	assert_true(each_file(DATA, &fixture->facts, golden_check) >= 5);
}

/* Every text that begins like one of our files, and some with a byte changed. */
static void damage_check(const struct comment_facts *facts, const char *name, const char *text,
			 size_t length)
{
	static const char bytes[] = "{};\"\n\\#,$@ ";
	char *copy = malloc(length + 1);

	(void)name;
	assert_non_null(copy);
	for (size_t cut = 0; cut <= length; cut++) {
		/* An allocation of its own, so that reading too far is noticed. */
		char *start = malloc(cut + 1);

		memcpy(start, text, cut);
		assert_properties(facts, start, cut);
		free(start);
		memcpy(copy, text, length);
		if (cut < length)
			copy[cut] = bytes[cut % (sizeof(bytes) - 1)];
		assert_properties(facts, copy, length);
	}
	free(copy);
}

static void test_damaged(void **state)
{
	struct fixture *fixture = *state;

	assert_true(each_file(DATA, &fixture->facts, damage_check) >= 5);
}

static void property_check(const struct comment_facts *facts, const char *name, const char *text,
			   size_t length)
{
	(void)name;
	assert_properties(facts, text, length);
}

static void test_corpus(void **state)
{
	struct fixture *fixture = *state;
	unsigned int count = each_file(CORPUS, &fixture->facts, property_check);

	if (!count) {
		print_message("%s is not there\n", CORPUS);
		skip();
	}
	print_message("%u rulesets\n", count);
}

/* Time and memory grow with the text, not with its square. */
static void test_large(void **state)
{
	enum { ELEMENTS = 100000, ROOM = ELEMENTS * 8 + 64 };
	struct fixture *fixture = *state;
	char *text = malloc(ROOM);
	size_t length = (size_t)snprintf(text, ROOM, "add rule ip t c tcp dport { 1");
	struct annotate_result result = { 0 };

	for (unsigned int i = 0; i < ELEMENTS; i++)
		length += (size_t)snprintf(text + length, ROOM - length, ", %u", i % 65536);
	length += (size_t)snprintf(text + length, ROOM - length, " } accept\n");
	assert_int_equal(nft_annotate(text, length, &fixture->facts, &result), 0);
	assert_int_equal(result.comments, 1);
	assert_non_null(strstr(result.text, " more\"\n"));
	annotate_result_release(&result);
	memset(text, '{', length);
	assert_int_equal(assert_properties(&fixture->facts, text, length), -EINVAL);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),	      cmocka_unit_test(test_files),
		cmocka_unit_test(test_skips),	      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_golden_files),  cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_corpus),	      cmocka_unit_test(test_large),
		cmocka_unit_test(test_machine_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
