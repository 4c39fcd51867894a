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
#include "nft/interfaces.h"
#include "unit/comments.h"

#define DATA   "tests/data/nft"
#define CORPUS "../shared/corpus/nft"

static char *file_read(const char *folder, const char *name, size_t *ret_length)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return fixture_read(path, ret_length);
}

/* Each rule and each element has a comment, or stands in the list; a merging set stands once. */
static void assert_accounted(const char *text, const struct annotate_result *result)
{
	size_t named = result->rules + result->elements;
	size_t told = result->comments + result->element_comments + result->skip_count;

	if (strstr(text, "auto-merge"))
		assert_in_range(told, result->rules, named);
	else
		assert_int_equal(told, named);
}

static struct annotate_result annotate(const struct comment_facts *facts, const char *text)
{
	struct annotate_result result = { 0 };

	assert_int_equal(nft_annotate(text, strlen(text),
				      &(struct annotate_options){ .facts = facts }, &result),
			 0);
	assert_non_null(result.text);
	assert_int_equal(strlen(result.text), result.length);
	assert_accounted(text, &result);
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

/* Ours taken out of what we made of it, in both styles, is what ours taken out of the text is. */
static void assert_strips_back(const struct comment_facts *facts, const char *text, size_t length)
{
	static const enum annotate_style styles[] = { ANNOTATE_COMMENT, ANNOTATE_HASH };
	struct annotate_options options = { .facts = facts, .style = ANNOTATE_STRIP };
	struct annotate_result bare = { 0 };

	assert_int_equal(nft_annotate(text, length, &options, &bare), 0);
	for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++) {
		struct annotate_result made = { 0 }, again = { 0 }, stripped_again = { 0 };

		options.style = styles[i];
		assert_int_equal(nft_annotate(text, length, &options, &made), 0);
		assert_int_equal(nft_annotate(made.text, made.length, &options, &again), 0);
		assert_string_equal(again.text, made.text);
		options.style = ANNOTATE_STRIP;
		assert_int_equal(nft_annotate(made.text, made.length, &options, &stripped_again),
				 0);
		assert_string_equal(stripped_again.text, bare.text);
		annotate_result_release(&made);
		annotate_result_release(&again);
		annotate_result_release(&stripped_again);
	}
	annotate_result_release(&bare);
}

/* Any text at all: annotated or refused, and in the first case both properties hold. */
static int assert_properties(const struct comment_facts *facts, const char *text, size_t length)
{
	struct annotate_result once = { 0 }, twice = { 0 };
	const struct annotate_options options = { .facts = facts };
	int err = nft_annotate(text, length, &options, &once);

	if (err) {
		assert_int_equal(err, -EINVAL);
		assert_null(once.text);
		assert_int_equal(once.skip_count, 1);
		assert_true(once.skips[0].line >= 1 && once.skips[0].column >= 1);
		assert_non_null(once.skips[0].reason);
	} else {
		assert_only_comments(text, length, once.text, once.length);
		assert_accounted(once.text, &once);
		assert_int_equal(nft_annotate(once.text, once.length, &options, &twice), 0);
		assert_int_equal(twice.length, once.length);
		assert_memory_equal(twice.text, once.text, once.length);
		assert_int_equal(twice.comments, once.comments);
		assert_strips_back(facts, text, length);
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
	{ "tcp dport 22 tcp sport != 80",
	  "tcp dport 22 tcp sport != 80" P "22 ssh; from all but 80 http\"" },
	{ "ip saddr { 10.0.0.1, 10.0.0.2 } tcp dport 22",
	  "ip saddr { 10.0.0.1, 10.0.0.2 } tcp dport 22" SSH },
	{ "ip6 saddr fe80::/10 tcp dport 22 accept",
	  "ip6 saddr fe80::/10 tcp dport 22 accept" SSH },
	{ "ip saddr @set tcp dport 22 ip daddr $X", "ip saddr @set tcp dport 22 ip daddr $X" SSH },
	{ "iifname \"eth*\" tcp dport 22", "iifname \"eth*\" tcp dport 22" SSH },
	{ "iifname eth* tcp dport 22", "iifname eth* tcp dport 22" SSH },
	/* All ports but some, and ports by order. */
	{ "tcp dport != 22",
	  "tcp dport != 22" P "all but 22 ssh: The Secure Shell (SSH) Protocol\"" },
	{ "tcp dport ne 22",
	  "tcp dport ne 22" P "all but 22 ssh: The Secure Shell (SSH) Protocol\"" },
	{ "tcp dport != { 22, 80 } drop",
	  "tcp dport != { 22, 80 } drop" P "all but 22 ssh, 80 http\"" },
	{ "tcp dport != 8008-8009 drop",
	  "tcp dport != 8008-8009 drop" P "all but 8008-8009: 8008 http-alt, 8009 nvme-disc\"" },
	{ "tcp sport != 22",
	  "tcp sport != 22" P "from all but 22 ssh: The Secure Shell (SSH) Protocol\"" },
	{ "tcp dport < 1024", "tcp dport < 1024" P "0-1023 system ports\"" },
	{ "tcp dport lt 1024", "tcp dport lt 1024" P "0-1023 system ports\"" },
	{ "tcp dport <= 1023", "tcp dport <= 1023" P "0-1023 system ports\"" },
	{ "tcp dport le 1023", "tcp dport le 1023" P "0-1023 system ports\"" },
	{ "tcp dport > 1023", "tcp dport > 1023" P "1024-65535 user and dynamic ports\"" },
	{ "tcp dport gt 1023", "tcp dport gt 1023" P "1024-65535 user and dynamic ports\"" },
	{ "tcp dport >= 1024", "tcp dport >= 1024" P "1024-65535 user and dynamic ports\"" },
	{ "tcp dport ge 1024", "tcp dport ge 1024" P "1024-65535 user and dynamic ports\"" },
	{ "tcp dport < 1", "tcp dport < 1" P "0 reserved\"" },
	{ "tcp dport >= 65535", "tcp dport >= 65535" P "65535 dynamic\"" },
	{ "tcp dport & 0xfff8 == 8008",
	  "tcp dport & 0xfff8 == 8008" P "8008-8015: 8008 http-alt, 8009 nvme-disc\"" },
	{ "tcp dport and 0xffff == 22", "tcp dport and 0xffff == 22" SSH },
	/* Keys of maps, parts of concatenations. */
	{ "tcp dport vmap { 22 : accept, 80 : jump a }",
	  "tcp dport vmap { 22 : accept, 80 : jump a }" P "22 ssh; 80 http\"" },
	{ "tcp dport vmap {\n22 counter : accept,\n80 : drop,\n}",
	  "tcp dport vmap {\n22 counter : accept,\n80 : drop,\n}" P "22 ssh; 80 http\"" },
	{ "meta mark set tcp dport map { 22 : 1 }", "meta mark set tcp dport map { 22 : 1 }" SSH },
	{ "ip saddr . tcp dport { 10.0.0.1 . 22, 10.0.0.0/8 . 80 }",
	  "ip saddr . tcp dport { 10.0.0.1 . 22, 10.0.0.0/8 . 80 }" P "22 ssh; 80 http\"" },
	{ "ip saddr . tcp dport 10.0.0.1 . 22", "ip saddr . tcp dport 10.0.0.1 . 22" SSH },
	{ "ip6 saddr . tcp dport != { fe80::1 . 22 }",
	  "ip6 saddr . tcp dport != { fe80::1 . 22 }" P
	  "all but 22 ssh: The Secure Shell (SSH) Protocol\"" },
	{ "ip saddr . tcp dport vmap { 10.0.0.1 . 22 : accept, * . * : drop }",
	  "ip saddr . tcp dport vmap { 10.0.0.1 . 22 : accept, * . * : drop }" SSH },
	{ "meta l4proto . th dport { tcp . 514, udp . 514 }",
	  "meta l4proto . th dport { tcp . 514, udp . 514 }" P "514 shell (tcp), syslog (udp)\"" },
	{ "meta l4proto . th dport { udp . 514 }",
	  "meta l4proto . th dport { udp . 514 }" P "514 syslog\"" },
	{ "ip protocol . th dport vmap { tcp . 514 : accept }",
	  "ip protocol . th dport vmap { tcp . 514 : accept }" P
	  "514 shell (in practice syslog over TCP)\"" },
	{ "tcp sport . tcp dport { 53 . 1024-65535 }",
	  "tcp sport . tcp dport { 53 . 1024-65535 }" P
	  "1024-65535 user and dynamic ports; from 53 domain\"" },
	/* What a translation makes of it. */
	{ "redirect to :8080",
	  "redirect to :8080" P "to 8080 http-alt: HTTP Alternate (see port 80)\"" },
	{ "tcp dport 80 redirect to :8080",
	  "tcp dport 80 redirect to :8080" P "80 http; to 8080 http-alt\"" },
	{ "tcp dport 80 redirect to :8080 random",
	  "tcp dport 80 redirect to :8080 random" P "80 http; to 8080 http-alt\"" },
	{ "tcp dport 80 dnat to 10.0.0.1:8080",
	  "tcp dport 80 dnat to 10.0.0.1:8080" P "80 http; to 8080 http-alt\"" },
	{ "tcp dport 80 dnat ip to 10.0.0.1-10.0.0.9:8080",
	  "tcp dport 80 dnat ip to 10.0.0.1-10.0.0.9:8080" P "80 http; to 8080 http-alt\"" },
	{ "tcp dport 80 dnat to [::1]:8080",
	  "tcp dport 80 dnat to [::1]:8080" P "80 http; to 8080 http-alt\"" },
	{ "tcp dport 80 dnat to 10.0.0.1:8000-8010",
	  "tcp dport 80 dnat to 10.0.0.1:8000-8010" P "80 http; to 8000-8010 (10 names)\"" },
	{ "tcp dport 80 dnat to 10.0.0.1:http",
	  "tcp dport 80 dnat to 10.0.0.1:http" P "80 http; to 80 http\"" },
	{ "tcp dport 80 tproxy to :8080",
	  "tcp dport 80 tproxy to :8080" P "80 http; to 8080 http-alt\"" },
	{ "meta l4proto tcp masquerade to :8008-8009",
	  "meta l4proto tcp masquerade to :8008-8009" P
	  "to 8008-8009: 8008 http-alt, 8009 nvme-disc\"" },
	{ "ip daddr 10.0.0.1 meta l4proto udp snat to 10.0.0.2:514",
	  "ip daddr 10.0.0.1 meta l4proto udp snat to 10.0.0.2:514" P "to 514 syslog\"" },
	{ "tcp dport set 8080",
	  "tcp dport set 8080" P "to 8080 http-alt: HTTP Alternate (see port 80)\"" },
	{ "tcp dport 22 tcp dport set 8080",
	  "tcp dport 22 tcp dport set 8080" P "22 ssh; to 8080 http-alt\"" },
	/* A port is translated to one of the same transport. */
	{ "udp dport 9 redirect to :514",
	  "udp dport 9 redirect to :514" P "9 discard; to 514 syslog\"" },
	{ "dnat to udp dport map { 9 : 10.0.0.1 . 514 }",
	  "dnat to udp dport map { 9 : 10.0.0.1 . 514 }" P "9 discard; to 514 syslog\"" },
	{ "th dport 9 redirect to :514",
	  "th dport 9 redirect to :514" P "9 discard; to 514 shell (tcp), syslog (udp)\"" },
	{ "udp dport 9 udp dport set 514",
	  "udp dport 9 udp dport set 514" P "9 discard; to 514 syslog\"" },
	{ "tcp dport 80 redirect to 8080",
	  "tcp dport 80 redirect to 8080" P "80 http; to 8080 http-alt\"" },
	{ "tcp dport 80 redirect random", "tcp dport 80 redirect random" WEB },
	{ "tcp dport 80 redirect to tcp dport map { 80 : 8080 }",
	  "tcp dport 80 redirect to tcp dport map { 80 : 8080 }" P "80 http; to 8080 http-alt\"" },
	{ "dnat ip addr . port to ip saddr map { 10.0.0.1 : 10.1.0.1 . 22 }",
	  "dnat ip addr . port to ip saddr map { 10.0.0.1 : 10.1.0.1 . 22 }" P
	  "to 22 ssh: The Secure Shell (SSH) Protocol\"" },
	{ "dnat to numgen inc mod 2 map { 0 : 10.0.0.1 . 80, 1 : 10.0.0.2 . 8080 }",
	  "dnat to numgen inc mod 2 map { 0 : 10.0.0.1 . 80, 1 : 10.0.0.2 . 8080 }" P
	  "to 80 http; to 8080 http-alt\"" },
	{ "tcp dport 80 dnat to jhash ip saddr . tcp sport mod 2 map { 0 : 10.0.0.1 . 8080 }",
	  "tcp dport 80 dnat to jhash ip saddr . tcp sport mod 2 map { 0 : 10.0.0.1 . 8080 }" P
	  "80 http; to 8080 http-alt\"" },
	{ "dnat to tcp dport map { 80 : 10.0.0.1, 22 : 10.0.0.2 }",
	  "dnat to tcp dport map { 80 : 10.0.0.1, 22 : 10.0.0.2 }" P "80 http; 22 ssh\"" },
	{ "dnat to tcp dport map { 80 : 10.0.0.1 . 8080 }",
	  "dnat to tcp dport map { 80 : 10.0.0.1 . 8080 }" P "80 http; to 8080 http-alt\"" },
	{ "redirect to :tcp dport map { 80 : 8080 }",
	  "redirect to :tcp dport map { 80 : 8080 }" P "80 http; to 8080 http-alt\"" },
	{ "meta l4proto tcp redirect to :ip saddr map { 10.0.0.1 : 8080 }",
	  "meta l4proto tcp redirect to :ip saddr map { 10.0.0.1 : 8080 }" P
	  "to 8080 http-alt: HTTP Alternate (see port 80)\"" },
	{ "tcp dport set tcp dport map { 80 : 8080 }",
	  "tcp dport set tcp dport map { 80 : 8080 }" P "80 http; to 8080 http-alt\"" },
	/* By offset, and of the connection. */
	{ "@th,16,16 22", "@th,16,16 22" SSH },
	{ "@th,0,16 53 accept", "@th,0,16 53 accept" P "from 53 domain: Domain Name Server\"" },
	{ "udp length > 8 @th,64,32 0x1", "udp length > 8 @th,64,32 0x1" },
	{ "ct original proto-dst 22", "ct original proto-dst 22" SSH },
	{ "ct reply proto-src { 22 }",
	  "ct reply proto-src { 22 }" P "from 22 ssh: The Secure Shell (SSH) Protocol\"" },
	{ "meta l4proto udp ct original proto-dst 514",
	  "meta l4proto udp ct original proto-dst 514" P "514 syslog\"" },
	/* Blocks of their own. */
	{ "tcp dport 22 goto { accept; }", "tcp dport 22 goto { accept; }" SSH },
	{ "tcp dport 22 jump {\n\ttcp dport 80\n}",
	  "tcp dport 22 jump {\n\ttcp dport 80" WEB "\n}" SSH },
	{ "jump { tcp dport 22; jump {\ntcp dport 80; }\n}",
	  "jump { tcp dport 22" SSH "; jump {\ntcp dport 80" WEB "; }\n}" },
	{ "ct state new jump {\n# a\n\n# b\n tcp dport 22 accept\n\n}",
	  "ct state new jump {\n# a\n\n# b\n tcp dport 22 accept" SSH "\n\n}" },
	/* Elements with options, lists within lists. */
	{ "tcp dport { 22 comment \"x\", 80 }",
	  "tcp dport { 22 comment \"x\", 80 }" P "22 ssh; 80 http\"" },
	{ "tcp dport { 22 timeout 1m }", "tcp dport { 22 timeout 1m }" SSH },
	{ "tcp dport { { 22, 80 }, 443 }",
	  "tcp dport { { 22, 80 }, 443 }" P "22 ssh; 80 http; 443 https\"" },
	{ "tcp dport 22 add @s { tcp dport }", "tcp dport 22 add @s { tcp dport }" SSH },
	/* A line of nothing but a comment does not end a rule that goes on (nft 1.0.6). */
	{ "tcp dport 22 \\\n# x\naccept", "tcp dport 22 \\\n# x\naccept" SSH },
	{ "tcp dport {\n22,\n# a\n# b\n80 # c\n# d\n}",
	  "tcp dport {\n22,\n# a\n# b\n80 # c\n# d\n}" P "22 ssh; 80 http\"" },
	{ "log prefix \"tcp dport 80 { # ; }\" tcp dport 22",
	  "log prefix \"tcp dport 80 { # ; }\" tcp dport 22" SSH },
	{ "tcp dport 22 log prefix \"comment \"", "tcp dport 22 log prefix \"comment \"" SSH },
	{ "tcp dport 22 ip saddr @comment", "tcp dport 22 ip saddr @comment" SSH },
	{ "tcp dport 22 accept comment \"[ps] 80 http\"", "tcp dport 22 accept" SSH },
	{ "tcp dport 22 comment  \"[ps] 22\" # x",
	  "tcp dport 22 comment  \"[ps] 22 ssh: The Secure Shell (SSH) Protocol\" # x" },
	/* No ports, no comment, and no skip either. */
	{ "accept", "accept" },
	{ "ct state established accept", "ct state established accept" },
	{ "accept comment \"[ps] ours, but why\"", "accept comment \"[ps] ours, but why\"" },
	{ "log prefix \"tcp dport 22\"", "log prefix \"tcp dport 22\"" },
	{ "accept comment \"[ps] 22 ssh\"", "accept comment \"[ps] 22 ssh\"" },
	{ "ip daddr 10.0.0.1 dnat to 10.0.0.2", "ip daddr 10.0.0.1 dnat to 10.0.0.2" },
	{ "dport 22", "dport 22" },
	{ "masquerade random", "masquerade random" },
	{ "dnat to fe80::1", "dnat to fe80::1" },
	{ "dnat to ip saddr map { 10.0.0.1 : 10.1.0.1 }",
	  "dnat to ip saddr map { 10.0.0.1 : 10.1.0.1 }" },
	{ "dnat to ip saddr map @m", "dnat to ip saddr map @m" },
	{ "dnat to numgen inc mod 2 map { 0 : 10.0.0.1 }",
	  "dnat to numgen inc mod 2 map { 0 : 10.0.0.1 }" },
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
	/* Pieces that are included within a chain. */
	{ "# fragment\ntcp dport 22 accept\n", "# fragment\ntcp dport 22 accept" SSH "\n" },
	{ "ip saddr 10.0.0.1 tcp dport 22; iifname lo udp sport 9 drop",
	  "ip saddr 10.0.0.1 tcp dport 22" SSH "; iifname lo udp sport 9 drop" P
	  "from 9 discard\"" },
	/* Sets and maps. */
	{ "table t { set s { type inet_service; elements = { 22 }; }; }",
	  "table t { set s { type inet_service; elements = { 22" SSH " }; }; }" },
	{ "table t { set s { typeof tcp dport; elements = { 22, 80 }; }; }",
	  "table t { set s { typeof tcp dport; elements = { 22" SSH ", 80" WEB " }; }; }" },
	{ "table t { set s { type inet_service; flags interval\nelements = { ssh, 8008-8009, }\n} "
	  "}",
	  "table t { set s { type inet_service; flags interval\nelements = { ssh" SSH
	  ", 8008-8009" P "8008-8009: 8008 http-alt, 8009 nvme-disc\", }\n} }" },
	{ "table t { set s { type inet_service; flags timeout; elements = { 22 timeout 1h expires "
	  "5m }; }; }",
	  "table t { set s { type inet_service; flags timeout; elements = { 22 timeout 1h expires "
	  "5m" SSH " }; }; }" },
	/* A piece that is included within a table: its sets are its chains'. */
	{ "set s { type inet_service; elements = { 22 }; }\nmap m {\n\ttype inet_service : "
	  "verdict\n"
	  "\telements = { 80 : accept }\n}\nchain c {\n\ttcp dport @s accept\n\ttcp dport vmap "
	  "@m\n}\n",
	  "set s { type inet_service; elements = { 22" SSH " }; }\nmap m {\n\ttype inet_service : "
	  "verdict\n\telements = { 80" WEB " : accept }\n}\nchain c {\n\ttcp dport @s accept" SSH
	  "\n\ttcp dport vmap @m" WEB "\n}\n" },
	/* What a map of addresses translates to has ports, or it has none. */
	{ "table t { map m { type ipv4_addr : ipv4_addr . inet_service; elements = { 10.0.0.1 : "
	  "10.1.0.1 . 22 }; }\nchain c {\ndnat to ip saddr map @m\n}\n}",
	  "table t { map m { type ipv4_addr : ipv4_addr . inet_service; elements = { 10.0.0.1" P
	  "to 22 ssh: The Secure Shell (SSH) Protocol\" : 10.1.0.1 . 22 }; }\nchain c {\ndnat to "
	  "ip "
	  "saddr map @m" P "to 22 ssh: The Secure Shell (SSH) Protocol\"\n}\n}" },
	{ "table t { map m { type ipv4_addr : ipv4_addr; elements = { 10.0.0.1 : 10.1.0.1 }; }\n"
	  "chain c {\ntcp dport 80 dnat to ip saddr map @m\ndnat to ip saddr map @m\n}\n}",
	  "table t { map m { type ipv4_addr : ipv4_addr; elements = { 10.0.0.1 : 10.1.0.1 }; }\n"
	  "chain c {\ntcp dport 80 dnat to ip saddr map @m" WEB "\ndnat to ip saddr map @m\n}\n}" },
	{ "table t { map m { typeof numgen inc mod 2 : ip daddr . tcp dport; elements = { 0 : "
	  "10.1.0.1 . 22 }; }\nchain c {\ndnat to numgen inc mod 2 map @m\n}\n}",
	  "table t { map m { typeof numgen inc mod 2 : ip daddr . tcp dport; elements = { 0" P
	  "to 22 ssh: The Secure Shell (SSH) Protocol\" : 10.1.0.1 . 22 }; }\nchain c {\ndnat to "
	  "numgen inc mod 2 map @m" P "to 22 ssh: The Secure Shell (SSH) Protocol\"\n}\n}" },
	{ "table t { map m { typeof numgen inc mod 2 : ip daddr; elements = { 0 : 10.1.0.1 }; }\n"
	  "chain c {\ntcp dport 80 dnat to numgen inc mod 2 map @m\n}\n}",
	  "table t { map m { typeof numgen inc mod 2 : ip daddr; elements = { 0 : 10.1.0.1 }; }\n"
	  "chain c {\ntcp dport 80 dnat to numgen inc mod 2 map @m" WEB "\n}\n}" },
	/* nft takes a MAC address with lone digits, too, and it is no map. */
	{ "table bridge t { set s { type inet_service . ether_addr; elements = { 22 . "
	  "0:1:2:aa:4:5 } } }",
	  "table bridge t { set s { type inet_service . ether_addr; elements = { 22 . "
	  "0:1:2:aa:4:5" SSH " } } }" },
	{ "table bridge t { map m { type ether_addr . inet_service : verdict; elements = { "
	  "a:b:c:d:e:f . 22 : drop } } }",
	  "table bridge t { map m { type ether_addr . inet_service : verdict; elements = { "
	  "a:b:c:d:e:f . 22" SSH " : drop } } }" },
	{ "table t { map m { type inet_service : verdict\n elements = { 22 : drop }\n}\n}",
	  "table t { map m { type inet_service : verdict\n elements = { 22" SSH " : drop }\n}\n}" },
	{ "table t { map m { typeof tcp dport : verdict; elements = { 22 counter packets 1 bytes "
	  "2: jump x,\n80:drop } } }",
	  "table t { map m { typeof tcp dport : verdict; elements = { 22 counter packets 1 bytes "
	  "2" SSH ": jump x,\n80" WEB ":drop } } }" },
	{ "table t { map m { type inet_service : ipv4_addr . inet_service; elements = { 80 : "
	  "10.0.0.1 . 8080 }; }; }",
	  "table t { map m { type inet_service : ipv4_addr . inet_service; elements = { 80" P
	  "80 http; to 8080 http-alt\" : 10.0.0.1 . 8080 }; }; }" },
	{ "table t { set s { type ipv4_addr . inet_proto . inet_service; elements = { 10.0.0.1 . "
	  "udp . 514 }; }; }",
	  "table t { set s { type ipv4_addr . inet_proto . inet_service; elements = { 10.0.0.1 . "
	  "udp . 514" P "514 syslog\" }; }; }" },
	{ "table t { set s { type ipv4_addr; elements = { 10.0.0.1 }; }; }",
	  "table t { set s { type ipv4_addr; elements = { 10.0.0.1 }; }; }" },
	{ "table t { set s { type mark; elements = { 22 }; }; }",
	  "table t { set s { type mark; elements = { 22 }; }; }" },
	{ "add set t s { type inet_service; }; add element t s { 22, 80 }",
	  "add set t s { type inet_service; }; add element t s { 22" SSH ", 80" WEB " }" },
	{ "table ip t {\nset s {\ntype inet_service\n}\n}\nadd element ip t s {\n22,\n}\n",
	  "table ip t {\nset s {\ntype inet_service\n}\n}\nadd element ip t s {\n22" SSH ",\n}\n" },
	{ "add element ip t s { 22, 80 }\nflush ruleset\nlist ruleset\n",
	  "add element ip t s { 22, 80 }\nflush ruleset\nlist ruleset\n" },
	{ "add map ip t m { typeof tcp dport : verdict; }; delete element ip t m { 22 }",
	  "add map ip t m { typeof tcp dport : verdict; }; delete element ip t m { 22 }" },
	/* The transport of a set is that of the rules that use it. */
	{ "table t { set s { type inet_service; elements = { 514 }; }\nchain c {\nudp dport "
	  "@s\n}\n}",
	  "table t { set s { type inet_service; elements = { 514" P
	  "514 syslog\" }; }\nchain c {\nudp dport @s" P "514 syslog\"\n}\n}" },
	{ "table t { set s { type inet_service; elements = { 514 }; }\nchain c {\nudp dport @s; "
	  "tcp dport @s\n}\n}",
	  "table t { set s { type inet_service; elements = { 514" P
	  "514 shell (tcp), syslog (udp)\" }; }\nchain c {\nudp dport @s" P
	  "514 syslog\"; tcp dport @s" P "514 shell (in practice syslog over TCP)\"\n}\n}" },
	{ "table t { set s { type inet_service; elements = { 22, 80 }; }\nchain c {\ntcp dport != "
	  "@s drop\n}\n}",
	  "table t { set s { type inet_service; elements = { 22" SSH ", 80" WEB
	  " }; }\nchain c {\ntcp dport != @s drop" P "all but 22 ssh, 80 http\"\n}\n}" },
	/* Elements that are added later, and below the rule. */
	{ "table t { set s { type inet_service; }\nchain c {\ntcp dport @s\n}\n}\nadd element t s "
	  "{ 22 }",
	  "table t { set s { type inet_service; }\nchain c {\ntcp dport @s" SSH
	  "\n}\n}\nadd element t s { 22" SSH " }" },
	{ "table t { map m { type inet_service : verdict; elements = { 22 : drop }; }\nchain c "
	  "{\ntcp dport vmap @m\n}\n}",
	  "table t { map m { type inet_service : verdict; elements = { 22" SSH
	  " : drop }; }\nchain c {\ntcp dport vmap @m" SSH "\n}\n}" },
	{ "table t { set s { type ipv4_addr . inet_service; elements = { 10.0.0.1 . 22 }; }\nchain "
	  "c {\nip saddr . tcp dport @s\n}\n}",
	  "table t { set s { type ipv4_addr . inet_service; elements = { 10.0.0.1 . 22" SSH
	  " }; }\nchain c {\nip saddr . tcp dport @s" SSH "\n}\n}" },
	/* The same name in another table is another set. */
	{ "table a { set s { type inet_service; elements = { 22 }; }; }\ntable b { set s { type "
	  "inet_service; elements = { 80 }; }\nchain c {\ntcp dport @s\n}\n}",
	  "table a { set s { type inet_service; elements = { 22" SSH
	  " }; }; }\ntable b { set s { type inet_service; elements = { 80" WEB
	  " }; }\nchain c {\ntcp dport @s" WEB "\n}\n}" },
	/* Defines. */
	{ "define X = 22\nadd rule t c tcp dport $X",
	  "define X = 22\nadd rule t c tcp dport $X" SSH },
	{ "define X = { 22, 80 }\nadd rule t c tcp dport $X",
	  "define X = { 22, 80 }\nadd rule t c tcp dport $X" P "22 ssh; 80 http\"" },
	{ "define X = 22\ndefine Y = { $X, 80 }\nadd rule t c tcp dport { $Y, 443 }",
	  "define X = 22\ndefine Y = { $X, 80 }\nadd rule t c tcp dport { $Y, 443 }" P
	  "22 ssh; 80 http; 443 https\"" },
	{ "define X = 8008-8009\nadd rule t c tcp dport $X",
	  "define X = 8008-8009\nadd rule t c tcp dport $X" P
	  "8008-8009: 8008 http-alt, 8009 nvme-disc\"" },
	{ "define X = 8008\nadd rule t c tcp dport $X - 8009",
	  "define X = 8008\nadd rule t c tcp dport $X - 8009" P
	  "8008-8009: 8008 http-alt, 8009 nvme-disc\"" },
	{ "define X = 22\nredefine X = 80\nadd rule t c tcp dport $X",
	  "define X = 22\nredefine X = 80\nadd rule t c tcp dport $X" WEB },
	{ "define X = 22\ntable t {\ndefine Y = 80\nchain c {\ntcp dport { $X, $Y }\n}\n}",
	  "define X = 22\ntable t {\ndefine Y = 80\nchain c {\ntcp dport { $X, $Y }" P
	  "22 ssh; 80 http\"\n}\n}" },
	{ "table a {\ndefine Y = 22\nchain c {\ntcp dport $Y\n}\n}\ntable b {\ndefine Y = "
	  "80\nchain c {\ntcp dport $Y\n}\n}",
	  "table a {\ndefine Y = 22\nchain c {\ntcp dport $Y" SSH
	  "\n}\n}\ntable b {\ndefine Y = 80\nchain c {\ntcp dport $Y" WEB "\n}\n}" },
	{ "define X = 8080\nadd rule t c redirect to :$X",
	  "define X = 8080\nadd rule t c redirect to :$X" P
	  "to 8080 http-alt: HTTP Alternate (see port 80)\"" },
	{ "define X = { 22 }\ntable t {\nset s { type inet_service; elements = $X; }\nchain c "
	  "{\ntcp dport @s\n}\n}",
	  "define X = { 22 }\ntable t {\nset s { type inet_service; elements = $X; }\nchain c "
	  "{\ntcp dport @s" SSH "\n}\n}" },
	/* Nothing outside of rules is a rule. */
	{ "table t { flowtable f { hook ingress priority 0; devices = { a, b }; }; }",
	  "table t { flowtable f { hook ingress priority 0; devices = { a, b }; }; }" },
	{ "add map ip t m { typeof tcp dport : verdict; }",
	  "add map ip t m { typeof tcp dport : verdict; }" },
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
	{ "tcp dport 22 comment \"[ps] ask Bob\"", "it has a comment already" },
	{ "tcp dport 22 comment \"[ps] 22\" accept", "it has a comment already" },
	{ "tcp dport 22 counter comment \"c\" accept", "it has a comment already" },
	{ "tcp dport 22 \\\n\tcomment \"[ps] 22\" # x", "it has a comment already" },
	{ "tcp dport @s", "its ports come from a set that is not in reach" },
	{ "tcp dport != @s", "its ports come from a set that is not in reach" },
	{ "tcp dport 22 tcp sport @s", "its ports come from a set that is not in reach" },
	{ "tcp dport vmap @s", "its ports come from a set that is not in reach" },
	{ "tcp dport . ip saddr @s", "its ports come from a set that is not in reach" },
	{ "tcp dport $X", "its ports come from a define that is not in reach" },
	{ "tcp dport { 22, $X }", "its ports come from a define that is not in reach" },
	{ "tcp dport 22-$X", "its ports come from a define that is not in reach" },
	{ "redirect to :$X", "its ports come from a define that is not in reach" },
	{ "redirect to :numgen inc mod 10 offset 2000", "its ports are reckoned, not named" },
	{ "dnat to 10.0.0.1:jhash ip saddr mod 2", "its ports are reckoned, not named" },
	{ "tcp dport set symhash mod 2", "its ports are reckoned, not named" },
	{ "dnat to ip saddr map { 10.0.0.1 : 10.1.0.1 . 65536 }",
	  "a port number that nft would refuse" },
	{ "meta mark set tcp dport", "its ports are taken from the packet, not compared" },
	{ "add @s { tcp dport }", "its ports are taken from the packet, not compared" },
	{ "tcp dport", "its ports are taken from the packet, not compared" },
	{ "meta mark set jhash tcp dport mod 2",
	  "its ports are taken from the packet, not compared" },
	{ "tcp dport & 0xff == 22", "it compares ports through a mask" },
	{ "tcp dport & 1 != 0", "it compares ports through a mask" },
	{ "tcp dport | 1 == 22", "it compares ports through a mask" },
	{ "tcp dport ^ 1 == 22", "it compares ports through a mask" },
	{ "tcp dport < 0", "no port is as small, or as large, as it wants" },
	{ "tcp dport > 65535", "no port is as small, or as large, as it wants" },
	{ "tcp dport 22 | 1", "the expression around its ports is not understood" },
	{ "tcp dport (22)", "the expression around its ports is not understood" },
	{ "tcp dport 22,80", "the expression around its ports is not understood" },
	{ "tcp dport { }", "the expression around its ports is not understood" },
	{ "tcp dport 22-", "the expression around its ports is not understood" },
	{ "tcp dport -22", "the expression around its ports is not understood" },
	{ "tcp dport *", "the expression around its ports is not understood" },
	{ "tcp dport 22 80", "the expression around its ports is not understood" },
	{ "ip saddr . tcp dport { 10.0.0.1 }",
	  "the expression around its ports is not understood" },
	{ "ip saddr . tcp dport { 10.0.0.1 . }",
	  "the expression around its ports is not understood" },
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
	{ "meta l4proto . th dport { dccp . 22 }", "its transport is none of tcp, udp, sctp" },
	{ "udp dport 4789 vxlan tcp dport 80", "its ports are those of a packet inside a tunnel" },
	{ "@th,8,16 22", "it may name ports by their offset in the packet" },
	{ "@th,0,32 22", "it may name ports by their offset in the packet" },
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
	skip_expect(&fixture->facts, "#!/bin/sh\nnft add rule t c tcp dport 22 accept\n",
		    "it stands in no chain and in no \"add rule\"", 2, 1);
	skip_expect(&fixture->facts, "log prefix \"a\nb\"; ip t c tcp dport 22",
		    "it stands in no chain and in no \"add rule\"", 2, 5);
}

static void refuse_expect(const struct comment_facts *facts, const char *text, size_t length,
			  const char *reason, unsigned int line, unsigned int column)
{
	struct annotate_result result = { 0 };

	assert_int_equal(
		nft_annotate(text, length, &(struct annotate_options){ .facts = facts }, &result),
		-EINVAL);
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

static char *annotate_style(const struct comment_facts *facts, const char *text,
			    enum annotate_style style)
{
	const struct annotate_options options = { .facts = facts, .style = style };
	struct annotate_result result = { 0 };

	assert_int_equal(nft_annotate(text, strlen(text), &options, &result), 0);
	text = result.text;
	result.text = NULL;
	annotate_result_release(&result);
	return (char *)text;
}

static void style_expect(const struct comment_facts *facts, const char *text,
			 enum annotate_style style, const char *expected)
{
	char *got = annotate_style(facts, text, style);

	assert_string_equal(got, expected);
	free(got);
}

static const struct rule_row remarks[] = {
	{ "tcp dport 22\n", "# [ps] 22 ssh: The Secure Shell (SSH) Protocol\ntcp dport 22\n" },
	{ "\t tcp dport { 80, 22, 80 }", "\t # [ps] 22 ssh: The Secure Shell (SSH) Protocol\n"
					 "\t # [ps] 80 http: World Wide Web HTTP\n"
					 "\t tcp dport { 80, 22, 80 }" },
	/* Also where a human's comment is, and where a brace ends the rule. */
	{ "tcp dport 22 comment \"mine\"",
	  "# [ps] 22 ssh: The Secure Shell (SSH) Protocol\ntcp dport 22 comment \"mine\"" },
	{ "table t { chain c { tcp dport 22 } }",
	  "# [ps] 22 ssh: The Secure Shell (SSH) Protocol\ntable t { chain c { tcp dport 22 } }" },
	/* Each line has its own. */
	{ "tcp dport {\n\t22,\n\n\t80, 514\n} drop\n",
	  "tcp dport {\n\t# [ps] 22 ssh: The Secure Shell (SSH) Protocol\n\t22,\n\n"
	  "\t# [ps] 80 http: World Wide Web HTTP\n"
	  "\t# [ps] 514 shell (in practice syslog over TCP)\n\t80, 514\n} drop\n" },
	/* None can go where a line goes on. */
	{ "tcp dport { 22, \\\n80 }\n",
	  "# [ps] 22 ssh: The Secure Shell (SSH) Protocol\n# [ps] 80 http: World Wide Web HTTP\n"
	  "tcp dport { 22, \\\n80 }\n" },
	{ "# x\nlog prefix \"a\nb\" accept; tcp dport 22",
	  "# x\n# [ps] 22 ssh: The Secure Shell (SSH) Protocol\nlog prefix \"a\nb\" accept; tcp "
	  "dport 22" },
	{ "tcp sport 1 log prefix \"a\nb\" tcp dport 22",
	  "# [ps] 22 ssh: The Secure Shell (SSH) Protocol\n# [ps] from 1 unassigned\ntcp sport 1 "
	  "log prefix \"a\nb\" tcp dport 22" },
	/* What is used for ports is told where it is defined; many from there in one line. */
	{ "define A = 1\ndefine X = { 22, 80 }\nadd rule t c tcp dport $X",
	  "define A = 1\n# [ps] 22 ssh: The Secure Shell (SSH) Protocol\n# [ps] 80 http: World "
	  "Wide "
	  "Web HTTP\ndefine X = { 22, 80 }\n# [ps] 22 ssh: The Secure Shell (SSH) Protocol\n"
	  "# [ps] 80 http: World Wide Web HTTP\nadd rule t c tcp dport $X" },
	{ "define X = {\n22,\n80,\n443,\n514,\n}\nadd rule t c tcp dport { $X, 9 }",
	  "define X = {\n# [ps] 22 ssh: The Secure Shell (SSH) Protocol\n22,\n# [ps] 80 http: "
	  "World "
	  "Wide Web HTTP\n80,\n# [ps] 443 https: http protocol over TLS/SSL\n443,\n# [ps] 514 "
	  "shell "
	  "(in practice syslog over TCP)\n514,\n}\n# [ps] 9 discard\n# [ps] 22 ssh: The Secure "
	  "Shell "
	  "(SSH) Protocol\n# [ps] 80 http: World Wide Web HTTP\n# [ps] 443 https: http protocol "
	  "over "
	  "TLS/SSL\n# [ps] 514 shell (in practice syslog over TCP)\nadd rule t c tcp dport { $X, 9 "
	  "}" },
	{ "define X = { 7, 9, 25, 53, 514 }\nadd rule t c udp dport { $X, 22 }",
	  "# [ps] 7 echo\n# [ps] 9 discard\n# [ps] 25 smtp: Simple Mail Transfer\n# [ps] 53 "
	  "domain: "
	  "Domain Name Server\n# [ps] 514 syslog\ndefine X = { 7, 9, 25, 53, 514 }\n# [ps] 22 ssh: "
	  "The Secure Shell (SSH) Protocol\n# [ps] 7 echo; 9 discard; 25 smtp; 53 domain; 514 "
	  "syslog\nadd rule t c udp dport { $X, 22 }" },
	/* Of merging sets, too. */
	{ "table t { set s { type inet_service; flags interval; auto-merge\nelements = { 22 }; }; "
	  "}",
	  "table t { set s { type inet_service; flags interval; auto-merge\n"
	  "# [ps] 22 ssh: The Secure Shell (SSH) Protocol\nelements = { 22 }; }; }" },
	/* The other style gives way. */
	{ "tcp dport 22" SSH "\n",
	  "# [ps] 22 ssh: The Secure Shell (SSH) Protocol\ntcp dport 22\n" },
	/* Lines of ours that are no longer right; those of others. */
	{ "# [ps] 80 http\n\t# [ps] 22 ssh\n# [ps] ask Bob\n# [ps] 443 https\ntcp dport 22\n# [ps] "
	  "9 "
	  "discard",
	  "# [ps] ask Bob\n# [ps] 22 ssh: The Secure Shell (SSH) Protocol\ntcp dport 22\n" },
	{ "log prefix \"\n# [ps] 22 ssh\n\"", "log prefix \"\n# [ps] 22 ssh\n\"" },
	{ "accept # [ps] 22 ssh\n", "accept # [ps] 22 ssh\n" },
};

static void test_remarks(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(remarks) / sizeof(remarks[0]); i++) {
		style_expect(&fixture->facts, remarks[i].before, ANNOTATE_HASH, remarks[i].after);
		style_expect(&fixture->facts, remarks[i].after, ANNOTATE_HASH, remarks[i].after);
	}
}

/* What we write is known again whatever the counts; what a human writes is never ours. */
static const struct {
	const char *comment;
	bool ours;
} comments[] = {
	{ "22", true },
	{ "22 ssh", true },
	{ "22 ssh: The Secure Shell", true },
	{ "22 ssh: The Secure Shell (SSH) Protocol; 12.4k pkts to port since 2026-11-03", true },
	{ "22 ssh; 1 pkts to port since 2026-11-03", true },
	{ "22 ssh; 0 pkts to ports since 2026-11-03", true },
	{ "from 53 domain; 9 pkts from port since 2026-11-03", true },
	{ "22 ssh; 80 http; 443 https; +12 more", true },
	{ "from 22 ssh", true },
	{ "to 8080 http-alt", true },
	{ "22 ssh; from 53 domain; to 8080 http-alt", true },
	{ "all but 22 ssh, 80 http", true },
	{ "from all but 514 shell (tcp), syslog (udp), 80 http", true },
	{ "514 shell (tcp), syslog (udp)", true },
	{ "514 syslog", true },
	{ "4 unassigned", true },
	{ "0 reserved", true },
	{ "65535 dynamic", true },
	{ "8000-8010 (10 names)", true },
	{ "8008-8009: 8008 http-alt, 8009 nvme-disc", true },
	{ "0-1023 system ports", true },
	{ "Citrix Framehawk 3224-3324; covers 97 other UDP names", true },
	{ "3069 ls3; in Citrix Framehawk 3224-3324; pair 3068 ls3bcast", true },
	{ "22 ssh; TLS pair 80 http", true },

	{ "", false },
	{ " 22 ssh", false },
	{ "ask Bob", false },
	{ "22 is for Bob", false },
	{ "22 ssh ask Bob", false },
	{ "22 ssh: ask Bob", false },
	{ "22 ssh; ask Bob", false },
	{ "22 ssh (ask Bob)", false },
	{ "22 ssh, but ask Bob", false },
	{ "22 http", false },
	{ "22ssh", false },
	{ "222222 ssh", false },
	{ "80-22", false },
	{ "+12 more", false },
	{ "pair 22 ssh", false },
	{ "ssh", false },
	{ "all but Bob", false },
	{ "Citrix Framehawk", false },
	{ "Citrix Framehawk 3224-3325", false },
	{ "22 ssh; 12 pkts to Bob since 2026-11-03", false },
	{ "12.4k pkts to port since 2026-11-03", false },
};

static void test_ours(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(comments) / sizeof(comments[0]); i++) {
		char rule[256], line[256];

		snprintf(rule, sizeof(rule), "tcp dport 22 accept comment \"[ps] %s\" # [ps] 22\n",
			 comments[i].comment);
		snprintf(line, sizeof(line), "\t# [ps] %s\naccept\n", comments[i].comment);
		print_message("[ps] %s\n", comments[i].comment);
		style_expect(&fixture->facts, rule, ANNOTATE_STRIP,
			     comments[i].ours ? "tcp dport 22 accept # [ps] 22\n" : rule);
		style_expect(&fixture->facts, line, ANNOTATE_STRIP,
			     comments[i].ours ? "accept\n" : line);
	}
}

/* Ours goes wherever it stands; nothing else does. */
static const struct rule_row stripped[] = {
	/* Without the comment the rule would go on in the line behind. */
	{ "tcp dport 22 \\\n\tcomment \"[ps] 22 ssh\" # x\ntcp dport 80\n",
	  "tcp dport 22 \\\n\tcomment \"[ps] 22 ssh\" # x\ntcp dport 80\n" },
	{ "tcp dport 22 \\\n\tcomment \"[ps] 22 ssh\"\ntcp dport 80\n",
	  "tcp dport 22 \\\n\ntcp dport 80\n" },
	{ "accept comment \"[ps] 22 ssh\"", "accept" },
	{ "tcp dport 22 comment\t \"[ps] 22 ssh\";accept", "tcp dport 22;accept" },
	{ "tcp dport 22\t \\\n\tcomment \"[ps] 22 ssh\"\n", "tcp dport 22\t \\\n\n" },
	{ "table t { chain c { comment \"[ps] 22 ssh\"; }; }",
	  "table t { chain c { comment \"[ps] 22 ssh\"; }; }" },
	{ "table t { comment \"[ps] 22 ssh\"; }", "table t { comment \"[ps] 22 ssh\"; }" },
	{ "add element t s { 22 comment \"[ps] 22 ssh\" : drop, 23 comment \"x\" }",
	  "add element t s { 22 : drop, 23 comment \"x\" }" },
	{ "table t { set s { type mark; elements = { 22 comment \"[ps] 22 ssh\" }; }; }",
	  "table t { set s { type mark; elements = { 22 }; }; }" },
	{ "tcp dport { 22 comment \"[ps] 22 ssh\" } accept",
	  "tcp dport { 22 comment \"[ps] 22 ssh\" } accept" },
	{ "jump {\naccept comment \"[ps] 22 ssh\"\n} comment \"[ps] 80 http\"",
	  "jump {\naccept\n}" },
	{ "log prefix \"comment [ps] 22 ssh\"", "log prefix \"comment [ps] 22 ssh\"" },
	{ "# comment \"[ps] 22 ssh\"", "# comment \"[ps] 22 ssh\"" },
	{ "nft add rule t c tcp dport 22 comment \"[ps] 22 ssh\"",
	  "nft add rule t c tcp dport 22" },
};

static void test_strip(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(stripped) / sizeof(stripped[0]); i++)
		style_expect(&fixture->facts, stripped[i].before, ANNOTATE_STRIP,
			     stripped[i].after);
}

struct included {
	const char *path, *text;
};

static const struct included included[] = {
	{ "./ports.nft", "define WEB = { 80, 443 }\ndefine SSH = 22\n" },
	{ "./sets.nft", "table t {\nset s {\ntype inet_service\nelements = { 22, $SSH }\n}\n}\n" },
	{ "./self.nft", "define SELF = 22\ninclude \"./self.nft\"\n" },
	{ "./piece.nft", "set s { type inet_service; elements = { 22 }; }\n" },
	{ "./twice.nft", "define TWICE = 22\ninclude \"./twice.nft\"\ninclude \"./twice.nft\"\n" },
	{ "./broken.nft", "define BROKEN = 22\ntable t {\n" },
};

static int read_included(void *data, struct slice pattern,
			 int (*take)(void *taker, const char *text, size_t length), void *taker)
{
	size_t *reads = data;

	if (reads)
		++*reads;
	for (size_t i = 0; i < sizeof(included) / sizeof(included[0]); i++)
		if (slice_equals(pattern, included[i].path))
			return take(taker, included[i].text, strlen(included[i].text));
	return -ENOENT;
}

static const struct rule_row including[] = {
	{ "include \"./ports.nft\"\nadd rule t c tcp dport $WEB",
	  "include \"./ports.nft\"\nadd rule t c tcp dport $WEB" P "80 http; 443 https\"" },
	{ "include \"./ports.nft\"\ninclude \"./sets.nft\"\nadd rule t c tcp dport @s",
	  "include \"./ports.nft\"\ninclude \"./sets.nft\"\nadd rule t c tcp dport @s" SSH },
	{ "include \"./self.nft\"\nadd rule t c tcp dport $SELF",
	  "include \"./self.nft\"\nadd rule t c tcp dport $SELF" SSH },
	{ "include \"./broken.nft\"\nadd rule t c tcp dport $BROKEN",
	  "include \"./broken.nft\"\nadd rule t c tcp dport $BROKEN" SSH },
	{ "table t {\ninclude \"./ports.nft\"\nchain c {\ntcp dport $SSH\n}\n}",
	  "table t {\ninclude \"./ports.nft\"\nchain c {\ntcp dport $SSH" SSH "\n}\n}" },
	{ "table t {\ninclude \"./piece.nft\"\nchain c {\ntcp dport @s\n}\n}\ntable u {\nchain c "
	  "{\ntcp dport @s\n}\n}",
	  "table t {\ninclude \"./piece.nft\"\nchain c {\ntcp dport @s" SSH
	  "\n}\n}\ntable u {\nchain c {\ntcp dport @s\n}\n}" },
	{ "include \"./missing.nft\"\nadd rule t c tcp dport $X",
	  "include \"./missing.nft\"\nadd rule t c tcp dport $X" },
};

static void test_includes(void **state)
{
	struct fixture *fixture = *state;
	const struct nft_includes includes = { read_included, NULL };
	const struct annotate_options options = { .facts = &fixture->facts, .includes = &includes };

	for (size_t i = 0; i < sizeof(including) / sizeof(including[0]); i++) {
		struct annotate_result result = { 0 };

		assert_int_equal(nft_annotate(including[i].before, strlen(including[i].before),
					      &options, &result),
				 0);
		assert_string_equal(result.text, including[i].after);
		annotate_result_release(&result);
	}
}

/* nft gives up at sixteen files within each other: not each of 65,536 is read then. */
static void test_includes_endless(void **state)
{
	static const char text[] = "include \"./twice.nft\"\nadd rule t c tcp dport $TWICE\n";
	struct fixture *fixture = *state;
	size_t reads = 0;
	const struct nft_includes includes = { read_included, &reads };
	const struct annotate_options options = { .facts = &fixture->facts, .includes = &includes };
	struct annotate_result result = { 0 };
	struct interface_names names = { 0 };

	assert_int_equal(nft_annotate(text, strlen(text), &options, &result), 0);
	assert_string_equal(result.text,
			    "include \"./twice.nft\"\nadd rule t c tcp dport $TWICE" SSH "\n");
	assert_int_equal(reads, 2 * 16);
	annotate_result_release(&result);
	reads = 0;
	assert_int_equal(interface_names_read(&names, text, strlen(text), &includes), 0);
	assert_int_equal(reads, 16);
	interface_names_release(&names);
}

/* Where counts do not matter, those that are there stay, and change nothing else. */
static void test_keep_counts(void **state)
{
	static const char *const texts[] = {
		("tcp dport 22 comment \"[ps] 22 ssh: The Secure Shell (SSH) Protocol; 12.4k pkts "
		 "to "
		 "port since 2026-11-03\"\n"),
		("udp dport 3224-3324 comment \"[ps] Citrix Framehawk 3224-3324; covers 97 other "
		 "UDP "
		 "names; 1 pkts to ports since 2026-11-03\"\n"),
		("table t { set s { type inet_service; elements = { 22 comment \"[ps] 22 ssh: The "
		 "Secure Shell (SSH) Protocol; 0 pkts to port since 2026-11-03\" }; }; }\n"),
	};
	static const char hashed[] =
		"# [ps] 22 ssh: The Secure Shell (SSH) Protocol; 7 pkts to port since 2026-11-03\n"
		"tcp dport 22\n";
	struct fixture *fixture = *state;
	struct annotate_options options = { .facts = &fixture->facts, .keep_counts = true };
	struct annotate_result result = { 0 };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(nft_annotate(texts[i], strlen(texts[i]), &options, &result), 0);
		assert_string_equal(result.text, texts[i]);
		assert_int_equal(result.edits.count, 0);
		annotate_result_release(&result);
	}
	options.style = ANNOTATE_HASH;
	assert_int_equal(nft_annotate(hashed, strlen(hashed), &options, &result), 0);
	assert_int_equal(result.edits.count, 0);
	annotate_result_release(&result);
	style_expect(&fixture->facts, texts[0], ANNOTATE_COMMENT, "tcp dport 22" SSH "\n");
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
	assert_int_equal(
		nft_annotate(text, length, &(struct annotate_options){ .facts = facts }, &result),
		0);
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
	assert_int_equal(nft_annotate(text, length,
				      &(struct annotate_options){ .facts = &fixture->facts },
				      &result),
			 0);
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
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_skips),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_golden_files),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_machine_names),
		cmocka_unit_test(test_remarks),
		cmocka_unit_test(test_ours),
		cmocka_unit_test(test_strip),
		cmocka_unit_test(test_includes_endless),
		cmocka_unit_test(test_includes),
		cmocka_unit_test(test_keep_counts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
