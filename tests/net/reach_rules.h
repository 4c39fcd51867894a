/*
 * Rulesets by chance, for tests/net/reach.c: all of the grammar that `reach` follows,
 * about the ports and addresses that are tried there. The same number makes the same
 * ruleset.
 */
#ifndef PORTSCRIBE_REACH_RULES_H
#define PORTSCRIBE_REACH_RULES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum place_kind { PLACE_FILTER, PLACE_RAW, PLACE_NAT, PLACE_INGRESS, PLACE_PLAIN };

struct chance {
	uint64_t state;
	FILE *out;
	bool v4, v6; /* what the table sees */
	bool inet;   /* and must tell apart */
	enum place_kind place;
	unsigned int chain; /* may jump to those with a larger number */
	unsigned int chains;
};

static inline unsigned int roll(struct chance *chance, unsigned int sides)
{
	chance->state = chance->state * 6364136223846793005u + 1442695040888963407u;
	return (chance->state >> 33) % sides;
}

static inline const char *pick_of(struct chance *chance, const char *const *words, size_t count)
{
	return words[roll(chance, count)];
}

#define PICK(chance, ...)                                     \
	pick_of(chance, (const char *const[]){ __VA_ARGS__ }, \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static inline const char *a_port(struct chance *chance)
{
	return PICK(chance, "22", "25", "53", "80", "123", "443", "1194", "3069", "3306", "5432",
		    "8080", "51820", "ssh", "http", "7");
}

static inline const char *some_ports(struct chance *chance)
{
	return PICK(chance, "22", "80", "443", "{ 22, 80, 443 }", "{ 53, 123 }", "1-1023",
		    "1024-65535", "{ 20-25, 3000-4000 }", "3069", "!= 22", "!= { 80, 443 }",
		    "!= 1000-9000", "< 1024", ">= 1024", "> 443", "<= 53", "@ports", "@spans",
		    "& 1 == 1", "{ 8080 }", "5432", "!= @ports", "0-65535", "3306");
}

static inline const char *some_old(struct chance *chance)
{
	return PICK(chance, "10.77.1.2", "10.0.0.0/8", "192.168.0.0/16", "203.0.113.7",
		    "{ 10.77.1.2, 203.0.113.0/24 }", "!= 10.77.0.0/16", "10.77.1.0-10.77.2.5",
		    "@old", "!= @old", "@old_spans", "!= { 192.168.5.9 }", "0.0.0.0/0",
		    "10.76.0.0/15", "128.0.0.0/1", "& 0.0.0.255 == 2", "172.16.0.0/12",
		    "!= 192.168.5.0/27");
}

static inline const char *some_new(struct chance *chance)
{
	return PICK(chance, "fd77:1::2", "fd00::/8", "2001:db8::/32", "{ fd77:1::2, fd77:2::/64 }",
		    "!= fd77:1::/64", "@new", "!= @new", "@new_spans", "fd77:2::1-fd77:2::80",
		    "2001:db8:5::9", "::/0", "fe80::/10", "!= { 2001:db8:5::8/126 }");
}

static inline const char *some_interface(struct chance *chance)
{
	return PICK(chance, "iifname \"eth0\"", "iifname \"eth1\"", "iif eth0", "iif != eth1",
		    "iifname != \"eth1\"", "iifname \"eth*\"", "iifname { \"eth0\", \"lo\" }",
		    "iif { eth1, lo }", "iif lo", "iifname \"lo\"", "iifname \"wlan0\"",
		    "iifname @names", "iiftype ether", "meta iifgroup 7", "meta iifgroup != 7",
		    "iifname != { \"eth0\" }", "iifkind \"veth\"", "oifname \"eth0\"",
		    "oifname != \"eth1\"");
}

static inline const char *some_tracking(struct chance *chance)
{
	return PICK(chance, "ct state new", "ct state established,related", "ct state invalid",
		    "ct state != new", "ct state untracked", "ct state new,untracked",
		    "ct status dnat", "ct direction original", "ct original proto-dst 80",
		    "ct mark 1", "ct mark != 0", "ct mark 0", "ct protocol tcp",
		    "ct original proto-dst { 22, 443 }", "! ct state established");
}

/* Of one family alone; nothing where the table does not see it. */
static inline void address_match(struct chance *chance)
{
	bool six = chance->v6 && (!chance->v4 || roll(chance, 2));

	switch (roll(chance, 8)) {
	case 0:
		fprintf(chance->out, "%s daddr %s ", six ? "ip6" : "ip",
			six ? PICK(chance, "fd77:1::1", "fd77:2::1", "!= fd77:1::1", "fd77:1::/64")
			    : PICK(chance, "10.77.1.1", "10.77.2.1", "!= 10.77.1.1", "10.77.1.0/24",
				   "{ 10.77.1.1, 10.77.2.1 }"));
		break;
	case 1:
		fprintf(chance->out, "%s saddr . tcp dport %s ", six ? "ip6" : "ip",
			six ? PICK(chance, "{ fd77:1::2 . 22, fd77:2::2 . 80 }", "@new_pairs",
				   "{ fd77::/16 . 20-90 }")
			    : PICK(chance, "{ 10.77.1.2 . 22, 203.0.113.7 . 80 }", "@old_pairs",
				   "{ 10.0.0.0/8 . 20-90, 192.168.0.0/16 . 443 }",
				   "!= @old_pairs"));
		break;
	case 2:
		if (!six) {
			fprintf(chance->out, "iifname . ip saddr %s ",
				PICK(chance, "{ \"eth0\" . 10.77.1.2, \"eth1\" . 203.0.113.7 }",
				     "{ \"eth0\" . 192.168.5.9 }"));
			break;
		}
		/* fallthrough */
	default:
		fprintf(chance->out, "%s saddr %s ", six ? "ip6" : "ip",
			six ? some_new(chance) : some_old(chance));
	}
}

static inline void odd_match(struct chance *chance)
{
	const char *words = PICK(
		chance, "meta nfproto ipv4", "meta nfproto ipv6", "meta protocol ip", "meta mark 1",
		"meta mark 0", "meta mark & 0x1 == 0x1", "meta mark != 2", "fib daddr type local",
		"fib daddr type != local", "fib saddr type local",
		"fib saddr type { unicast, local }", "fib saddr . iif oif missing",
		"limit rate 100/second", "limit rate over 1000/second", "numgen random mod 2 0",
		"meta pkttype host", "meta pkttype { broadcast, multicast }",
		"tcp flags & (fin|syn|rst|ack) == syn", "tcp flags syn", "tcp flags != syn",
		"tcp flags & (syn|ack) == ack", "meta length 1-100", "meta l4proto { tcp, udp }",
		"meta l4proto . th dport { tcp . 22, udp . 53, tcp . 3000-4000 }",
		"meta l4proto . th dport vmap { tcp . 22 : accept, udp . 123 : drop }",
		"tcp option maxseg size 1-500", "quota 1000 mbytes", "meta time < \"2001-01-01\"",
		"iifname . tcp dport { \"eth0\" . 22, \"eth1\" . 443 }", "meta skuid 0",
		"meta cpu 0-1", "udp length > 8", "meta random > 0.5", "meta day \"Monday\"",
		"jhash tcp dport mod 3 1", "ct count 1000", "rt classid 0", "@th,16,16 80",
		"@th,0,32 & 0xffff == 443", "meta priority 0");

	fprintf(chance->out, "%s ", words);
}

/* What can be asked of IPv4's header, or of both. */
static inline void header_match(struct chance *chance)
{
	if (chance->v4)
		fprintf(chance->out, "%s ",
			PICK(chance, "ip protocol tcp", "ip protocol { tcp, udp }", "ip ttl 1-255",
			     "ip ttl < 5", "ip dscp cs0", "ip frag-off & 0x1fff != 0",
			     "ip version 4", "ip hdrlength 5",
			     "ip saddr & 255.255.0.0 == 10.77.0.0", "ip length < 2000",
			     "ip option lsrr exists", "ip option ra missing",
			     "ip protocol . ip saddr { tcp . 10.77.1.2 }"));
	else
		fprintf(chance->out, "%s ",
			PICK(chance, "ip6 nexthdr tcp", "ip6 hoplimit > 5", "ip6 version 6",
			     "ip6 nexthdr { tcp, udp }", "ip6 dscp cs0", "exthdr frag exists",
			     "exthdr hbh missing", "frag more-fragments 1"));
}

static inline void port_match(struct chance *chance)
{
	fprintf(chance->out, "%s %s ",
		PICK(chance, "tcp dport", "tcp dport", "tcp dport", "udp dport", "udp dport",
		     "th dport", "tcp sport", "udp sport"),
		some_ports(chance));
}

static inline void a_match(struct chance *chance)
{
	switch (roll(chance, 10)) {
	case 0 ... 3: port_match(chance); break;
	case 4 ... 5: address_match(chance); break;
	case 6: fprintf(chance->out, "%s ", some_interface(chance)); break;
	case 7:
		if (chance->place != PLACE_INGRESS)
			fprintf(chance->out, "%s ", some_tracking(chance));
		break;
	case 8: odd_match(chance); break;
	default:
		if (!chance->inet)
			header_match(chance);
		else
			address_match(chance);
	}
}

static inline void translation(struct chance *chance)
{
	const char *proto = PICK(chance, "tcp", "udp");

	switch (roll(chance, 7)) {
	case 0 ... 2:
		fprintf(chance->out, "%s dport %s redirect to :%s\n", proto, a_port(chance),
			PICK(chance, "22", "80", "8080", "3069", "5432"));
		break;
	case 3:
		if (chance->v4)
			fprintf(chance->out, "%s dport %s dnat %sto %s\n", proto, a_port(chance),
				chance->inet ? "ip " : "",
				PICK(chance, "10.77.1.1:22", "10.77.2.1:8080", "10.77.2.2:80",
				     "127.0.0.1:80", "10.77.1.1", ":443"));
		else
			fprintf(chance->out, "%s dport %s dnat to [fd77:1::1]:22\n", proto,
				a_port(chance));
		break;
	case 4:
		fprintf(chance->out, "redirect to :%s dport map { 22 : 80, 443 : 8080 }\n", proto);
		break;
	case 5: fprintf(chance->out, "%s dport 3306 redirect\n", proto); break;
	default:
		fprintf(chance->out, "%s dport %s %s\n", proto, a_port(chance),
			PICK(chance, "accept", "drop", "return"));
	}
}

static inline void verdict_map(struct chance *chance)
{
	switch (roll(chance, 5)) {
	case 0:
		fprintf(chance->out, "tcp dport vmap { 22 : accept, 80 : drop, 443 : %s }\n",
			PICK(chance, "continue", "return", "accept"));
		break;
	case 1:
		fprintf(chance->out, "iifname vmap { \"eth0\" : %s, \"lo\" : accept }\n",
			PICK(chance, "accept", "drop", "continue"));
		break;
	case 2:
		fputs("udp dport vmap { 1-1023 : accept, 1024-65535 : drop }\n", chance->out);
		break;
	case 3:
		if (chance->v4) {
			fprintf(chance->out,
				"ip saddr vmap { 10.0.0.0/8 : %s, 203.0.113.7 : drop }\n",
				PICK(chance, "accept", "continue", "return"));
			break;
		}
		/* fallthrough */
	default: fputs("meta l4proto vmap { tcp : continue, udp : drop }\n", chance->out);
	}
}

static inline void an_action(struct chance *chance)
{
	switch (roll(chance, 16)) {
	case 0 ... 4: fputs("accept\n", chance->out); break;
	case 5 ... 7: fputs("drop\n", chance->out); break;
	case 8:
		fputs(chance->place == PLACE_FILTER ? "reject\n" : "counter drop\n", chance->out);
		break;
	case 9: fputs("return\n", chance->out); break;
	case 10 ... 11:
		if (chance->chain + 1 < chance->chains)
			fprintf(chance->out, "%s c%u\n", PICK(chance, "jump", "jump", "goto"),
				chance->chain + 1 +
					roll(chance, chance->chains - chance->chain - 1));
		else
			fputs("counter\n", chance->out);
		break;
	case 12: fprintf(chance->out, "meta mark set %u\n", roll(chance, 3)); break;
	case 13:
		fputs(chance->place == PLACE_FILTER ? "ct mark set 1\n" : "counter accept\n",
		      chance->out);
		break;
	case 14:
		if (chance->v4)
			fprintf(chance->out, "%s @seen { ip saddr } %s\n",
				PICK(chance, "add", "update"), PICK(chance, "accept", "drop", ""));
		else
			fputs("counter accept\n", chance->out);
		break;
	default:
		fputs(chance->place == PLACE_RAW ? "notrack\n" : "counter continue\n", chance->out);
	}
}

static inline void a_rule(struct chance *chance)
{
	unsigned int matches = roll(chance, 3);

	fputs("\t\t", chance->out);
	if (chance->place == PLACE_NAT && roll(chance, 4)) {
		translation(chance);
		return;
	}
	if (!roll(chance, 8)) {
		verdict_map(chance);
		return;
	}
	do
		a_match(chance);
	while (matches--);
	an_action(chance);
}

static inline void rules(struct chance *chance, unsigned int count)
{
	while (count--)
		a_rule(chance);
	fputs("\t}\n", chance->out);
}

static inline void sets(struct chance *chance)
{
	fputs("\tset ports { type inet_service; elements = { 22, 443, 3069 }; }\n"
	      "\tset spans { type inet_service; flags interval; elements = { 20-25, 8000-9000 }; "
	      "}\n"
	      "\tset names { type ifname; elements = { \"eth1\", \"lo\" }; }\n",
	      chance->out);
	if (chance->v4)
		fputs("\tset old { type ipv4_addr; elements = { 10.77.1.2, 203.0.113.7 }; }\n"
		      "\tset old_spans { type ipv4_addr; flags interval; "
		      "elements = { 10.77.1.0/24, 192.168.5.0-192.168.5.9 }; }\n"
		      "\tset old_pairs { type ipv4_addr . inet_service; flags interval; "
		      "elements = { 10.77.1.2 . 20-30, 10.77.2.0/24 . 80, 203.0.0.0/8 . 1-65535 }; "
		      "}\n"
		      "\tset seen { type ipv4_addr; size 1000; flags dynamic; }\n",
		      chance->out);
	if (chance->v6)
		fputs("\tset new { type ipv6_addr; elements = { fd77:1::2, 2001:db8:5::9 }; }\n"
		      "\tset new_spans { type ipv6_addr; flags interval; elements = { fd77:2::/64 "
		      "}; }\n"
		      "\tset new_pairs { type ipv6_addr . inet_service; "
		      "elements = { fd77:1::2 . 22, fd77:2::77 . 443 }; }\n",
		      chance->out);
}

static inline void base_chain(struct chance *chance, const char *name, const char *type,
			      const char *hook, const char *priority, enum place_kind place)
{
	chance->place = place;
	chance->chain = 0;
	fprintf(chance->out, "\tchain %s {\n\t\ttype %s hook %s priority %s; policy %s;\n", name,
		type, hook, priority, place == PLACE_FILTER && roll(chance, 2) ? "drop" : "accept");
	rules(chance, place == PLACE_FILTER ? 2 + roll(chance, 7) : 1 + roll(chance, 3));
}

static inline void table(struct chance *chance, unsigned int number)
{
	static const char *const families[] = { "inet", "inet", "inet", "ip", "ip6" };
	const char *family = families[roll(chance, 5)];

	chance->inet = family[1] == 'n';
	chance->v6 = chance->inet || family[2] == '6';
	chance->v4 = chance->inet || !chance->v6;
	chance->chains = 1 + roll(chance, 4);
	fprintf(chance->out, "table %s t%u {\n", family, number);
	sets(chance);
	for (unsigned int i = chance->chains; --i;) {
		chance->place = PLACE_PLAIN;
		chance->chain = i;
		fprintf(chance->out, "\tchain c%u {\n", i);
		rules(chance, 1 + roll(chance, 4));
	}
	base_chain(chance, "in", "filter", "input", PICK(chance, "0", "0", "-10", "10", "mangle"),
		   PLACE_FILTER);
	if (!roll(chance, 3))
		base_chain(chance, "raw", "filter", "prerouting",
			   PICK(chance, "raw", "mangle", "-250", "0"), PLACE_RAW);
	if (!roll(chance, 3))
		base_chain(chance, "nat", "nat", "prerouting", PICK(chance, "dstnat", "-90"),
			   PLACE_NAT);
	if (!roll(chance, 6))
		base_chain(chance, "in2", "filter", "input", PICK(chance, "0", "20"), PLACE_FILTER);
	fputs("}\n", chance->out);
}

/* A ruleset, owned. nft may refuse it: not all that is thrown together is legal. */
static inline char *rules_by_chance(uint64_t number)
{
	struct chance chance = { .state = number * 0x9e3779b97f4a7c15u + 1 };
	char *text = NULL;
	size_t length;

	chance.out = open_memstream(&text, &length);
	if (!chance.out)
		abort();
	roll(&chance, 2);
	table(&chance, 0);
	if (!roll(&chance, 2))
		table(&chance, 1);
	if (!roll(&chance, 8)) {
		chance.v4 = chance.v6 = true;
		chance.inet = true;
		chance.chains = 1;
		fprintf(chance.out, "table netdev n {\n");
		chance.place = PLACE_INGRESS;
		chance.chain = 0;
		sets(&chance);
		fputs("\tchain in {\n\t\ttype filter hook ingress device eth0 priority 0; policy "
		      "accept;\n",
		      chance.out);
		rules(&chance, 1 + roll(&chance, 3));
		fputs("}\n", chance.out);
	}
	fclose(chance.out);
	return text;
}

#endif
