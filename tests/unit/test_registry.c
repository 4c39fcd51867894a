/*
 * The registry: the facts of the embedded table, every pair of it against an
 * independent reading of the same bytes, and what the reader must refuse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/registry.h"

extern const char registry_services_tsv[], registry_services_tsv_end[];

#define TRANSPORTS 4 /* with DCCP, which has no enum transport */

static bool is(struct slice slice, const char *text)
{
	return slice.length == strlen(text) && !memcmp(slice.text, text, slice.length);
}

static void assert_slice_(struct slice slice, const char *text, const char *file, int line)
{
	char *copy = strndup(slice.text, slice.length);

	_assert_string_equal(copy, text, file, line);
	free(copy);
}
#define assert_slice(slice, text) assert_slice_(slice, text, __FILE__, __LINE__)
#define assert_name(transport, port, text) \
	assert_slice(registry_name(registry_builtin(), transport, port), text)

static const struct service *find(enum transport transport, uint16_t port)
{
	return registry_find(registry_builtin(), transport, port);
}

/* ------------------------------------------------------------- the embedded table */

static void test_counts(void **state)
{
	struct registry_info info;

	registry_info(registry_builtin(), &info);
	assert_true(info.pairs >= 11800);
	assert_int_equal(info.pairs, 11811);
	assert_int_equal(info.rows, 7988);
	assert_slice(info.snapshots, "2026-09 2015-07-24 2014-07-09");
}

/* The program reads only the first columns of it, unchecked, at every start. */
static void test_builtin_is_well_formed(void **state)
{
	struct registry *registry;
	unsigned int line = 0, column = 0;
	const struct service *row, *other;

	if (registry_parse(registry_services_tsv, registry_services_tsv_end - registry_services_tsv,
			   &registry, &line, &column))
		fail_msg("services.tsv:%u:%u", line, column);
	for (unsigned int i = 0; (row = registry_row(registry, i)); i++) {
		other = registry_row(registry_builtin(), i);
		assert_int_equal(row->first, other->first);
		assert_int_equal(row->last, other->last);
		assert_ptr_equal(row->name.text, other->name.text);
		assert_ptr_equal(row->source.text, other->source.text);
		assert_int_equal(row->source.length, other->source.length);
	}
	assert_null(registry_row(registry_builtin(), 7988));
	registry_free(registry);
}

/*
 * What the merge of the snapshots knows, against what was found when it was
 * compared with an official copy: as many pairs, and no fewer details.
 */
static void test_score(void **state)
{
	struct registry_counts counts;
	const struct service *row;

	registry_count(registry_builtin(), &counts);
	assert_int_equal(counts.named_ranges, 7);
	assert_int_equal(counts.with_aliases, 226);
	assert_true(counts.with_assignee >= 9736);
	assert_true(counts.with_date >= 3766);
	/* No phantoms: what is assigned is in the newest snapshot, or a range it leaves out. */
	for (unsigned int i = 0; (row = registry_row(registry_builtin(), i)); i++)
		if (row->status == SERVICE_ASSIGNED && row->first == row->last &&
		    strncmp(row->source.text, "2026", 4))
			assert_true(row->transportless);
}

static void test_builtin_is_parsed_once(void **state)
{
	assert_non_null(registry_builtin());
	assert_ptr_equal(registry_builtin(), registry_builtin());
}

static void test_well_known_names(void **state)
{
	assert_name(TRANSPORT_TCP, 22, "ssh");
	assert_name(TRANSPORT_UDP, 22, "ssh");
	assert_name(TRANSPORT_TCP, 25, "smtp");
	assert_name(TRANSPORT_TCP, 53, "domain");
	assert_name(TRANSPORT_UDP, 53, "domain");
	assert_name(TRANSPORT_UDP, 123, "ntp");
	assert_name(TRANSPORT_TCP, 443, "https");
	assert_name(TRANSPORT_UDP, 443, "https");
	assert_name(TRANSPORT_TCP, 5432, "postgresql");
	assert_name(TRANSPORT_TCP, 4317, "opentelemetry"); /* newer than 2015 */
}

static void test_primary_names_where_there_are_aliases(void **state)
{
	assert_name(TRANSPORT_TCP, 80, "http");
	assert_name(TRANSPORT_UDP, 80, "http");
	assert_slice(find(TRANSPORT_TCP, 80)->aliases, "www www-http");
	assert_name(TRANSPORT_TCP, 2049, "nfs");
	assert_slice(find(TRANSPORT_TCP, 2049)->aliases, "shilp");
	assert_name(TRANSPORT_TCP, 465, "submissions");
	assert_slice(find(TRANSPORT_TCP, 465)->aliases, "urd");
	assert_name(TRANSPORT_TCP, 631, "ipp");
	assert_slice(find(TRANSPORT_TCP, 631)->aliases, "ipps");
	assert_name(TRANSPORT_TCP, 9100, "hp-pdl-datastr");
	assert_name(TRANSPORT_UDP, 3478, "stun");
	assert_slice(find(TRANSPORT_UDP, 3478)->aliases, "turn stun-behavior");
	/* A well-formed name comes before the old one with an underscore. */
	assert_name(TRANSPORT_TCP, 4151, "menandmice-noh");
	assert_slice(find(TRANSPORT_TCP, 4151)->aliases, "menandmice_noh");
	assert_slice(find(TRANSPORT_TCP, 4151)->description, "Men & Mice Remote Control");
	assert_name(TRANSPORT_TCP, 44818, "EtherNet-IP-2");
}

static void test_transports_differ(void **state)
{
	assert_name(TRANSPORT_TCP, 514, "shell");
	assert_name(TRANSPORT_UDP, 514, "syslog");
	assert_slice(find(TRANSPORT_UDP, 514)->description, "");
	assert_int_equal(find(TRANSPORT_TCP, 514)->transports, SERVICE_TCP);
	assert_name(TRANSPORT_UDP, 465, "igmpv3lite");
	assert_name(TRANSPORT_TCP, 512, "exec");
	assert_name(TRANSPORT_UDP, 512, "comsat");
}

static void test_ups_and_event_ports(void **state)
{
	const struct service *service;

	assert_name(TRANSPORT_UDP, 3068, "ls3bcast");
	service = find(TRANSPORT_TCP, 3069);
	assert_slice(service->name, "ls3");
	assert_slice(service->assignee, "Jim Thompson");
	assert_slice(service->source, "2026 2015 2014");
	/* The registry names the registrant of a group on its last row only. */
	service = find(TRANSPORT_TCP, 3068);
	assert_slice(service->assignee, "Jim Thompson");
	assert_slice(service->source, "2026 2015 2014 assignee=next:3069");

	service = find(TRANSPORT_TCP, 3409);
	assert_slice(service->name, "networklens");
	assert_slice(service->description, "NetworkLens Event Port");
	assert_slice(service->assignee, "Greg Bailey");
	assert_slice(service->registered, "");
	assert_slice(service->source, "2026 2015 2014 assignee=next:3410");
	service = find(TRANSPORT_UDP, 3410);
	assert_slice(service->name, "networklenss");
	assert_slice(service->description, "NetworkLens SSL Event");
	assert_slice(service->registered, "2002-02");

	service = find(TRANSPORT_TCP, 3248);
	assert_slice(service->name, "procos-lm");
	assert_slice(service->description, "PROCOS LM");
	assert_slice(service->assignee, "Torsten Rendelmann");
	assert_int_equal(service->transports, SERVICE_TCP | SERVICE_UDP);
	assert_ptr_equal(find(TRANSPORT_UDP, 3248), service);
	assert_null(find(TRANSPORT_SCTP, 3248));
}

static void test_named_ranges(void **state)
{
	static const struct {
		uint16_t first, last;
		uint8_t transports;
		const char *name;
	} ranges[] = {
		{ 3322, 3325, SERVICE_TCP | SERVICE_UDP, "active-net" },
		{ 3367, 3371, SERVICE_TCP | SERVICE_UDP, "satvid-datalnk" },
		{ 4200, 4299, SERVICE_TCP | SERVICE_UDP, "vrml-multi-use" },
		{ 6000, 6063, SERVICE_TCP | SERVICE_UDP, "x11" },
		{ 6665, 6669, SERVICE_TCP, "ircu" },
		{ 7300, 7359, SERVICE_TCP | SERVICE_UDP, "swx" },
		{ 27000, 27009, SERVICE_TCP | SERVICE_UDP, "flex-lm" },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		for (unsigned int port = ranges[i].first; port <= ranges[i].last; port++) {
			const struct service *row = find(TRANSPORT_TCP, port);

			assert_slice(row->name, ranges[i].name);
			assert_int_equal(row->first, ranges[i].first);
			assert_int_equal(row->last, ranges[i].last);
			assert_int_equal(row->transports, ranges[i].transports);
		}
		assert_false(
			is(registry_name(registry_builtin(), TRANSPORT_TCP, ranges[i].first - 1),
			   ranges[i].name));
		assert_false(
			is(registry_name(registry_builtin(), TRANSPORT_TCP, ranges[i].last + 1),
			   ranges[i].name));
	}
	assert_int_equal(find(TRANSPORT_UDP, 6666)->status, SERVICE_RESERVED);
	assert_slice(find(TRANSPORT_TCP, 6003)->unauthorized,
		     "Known Unauthorized Use on port 6003");
}

static void test_reserved_and_unassigned(void **state)
{
	const struct service *row;

	assert_int_equal(find(TRANSPORT_TCP, 0)->status, SERVICE_RESERVED);
	assert_slice(find(TRANSPORT_TCP, 0)->assignee, "Jon Postel");
	/* Set aside for anybody's private use: no service, and not to be had. */
	assert_int_equal(find(TRANSPORT_TCP, 24)->status, SERVICE_RESERVED);
	assert_slice(find(TRANSPORT_TCP, 24)->description, "any private mail system");
	assert_slice(find(TRANSPORT_TCP, 24)->name, "");
	/* De-assigned since 2015: nothing of the old row is left but its name. */
	row = find(TRANSPORT_UDP, 143);
	assert_int_equal(row->status, SERVICE_RESERVED);
	assert_slice(row->former, "imap");
	assert_slice(row->assignee, "");
	assert_name(TRANSPORT_UDP, 143, "");
	assert_name(TRANSPORT_TCP, 143, "imap");
	assert_int_equal(find(TRANSPORT_TCP, 585)->status, SERVICE_RESERVED); /* de-registered */

	assert_int_equal(find(TRANSPORT_TCP, 4)->status, SERVICE_UNASSIGNED);
	assert_name(TRANSPORT_TCP, 4, "");
	row = find(TRANSPORT_UDP, 27018);
	assert_int_equal(row->status, SERVICE_UNASSIGNED);
	assert_slice(row->unauthorized, "Unauthorized Use Known on ports 27017, 27018 and 27019");
	/* Assigned since 2015 inside a range that was free then. */
	assert_int_equal(find(TRANSPORT_TCP, 4317)->status, SERVICE_ASSIGNED);
	assert_int_equal(find(TRANSPORT_TCP, 4318)->status, SERVICE_UNASSIGNED);
	/* The registry has no rows for the dynamic ports (RFC 6335 section 6). */
	assert_null(find(TRANSPORT_TCP, 49152));
	assert_null(find(TRANSPORT_UDP, 65535));
	assert_name(TRANSPORT_TCP, 65535, "");
}

static void test_sctp_and_dccp(void **state)
{
	const struct service *row;

	assert_name(TRANSPORT_SCTP, 22, "ssh");
	assert_slice(find(TRANSPORT_SCTP, 22)->description, "SSH");
	assert_slice(find(TRANSPORT_SCTP, 22)->reference, "RFC 4960");
	assert_int_equal(find(TRANSPORT_SCTP, 22)->transports, SERVICE_SCTP);
	assert_name(TRANSPORT_SCTP, 36412, "s1-control");
	row = find(TRANSPORT_SCTP, 9);
	assert_slice(row->name, "discard");
	for (row = NULL; (row = registry_next_by_port(registry_builtin(), 9, row));)
		if (row->transports & SERVICE_DCCP)
			break;
	assert_non_null(row);
	assert_slice(row->name, "discard");
}

static void test_documents(void **state)
{
	assert_slice(find(TRANSPORT_TCP, 22)->reference, "RFC 4251");
	/* Another document on each transport is no other service. */
	assert_slice(find(TRANSPORT_UDP, 5004)->reference, "RFC 3551; RFC 4571; RFC 5762");
	assert_slice(find(TRANSPORT_UDP, 6081)->reference, "draft-gross-geneve-00");
	/* An address in that column is a person, who is the assignee. */
	assert_slice(find(TRANSPORT_TCP, 9105)->reference, "");
}

static void test_changed_hands(void **state)
{
	const struct service *row;

	/* Renamed by the same holder: it stays the holder. */
	row = find(TRANSPORT_TCP, 4307);
	assert_slice(row->name, "trueconf");
	assert_slice(row->former, "visicron-vs");
	assert_slice(row->assignee, "Alexey Vlaskin");
	/* Another service altogether: the old holder is not shown for it. */
	row = find(TRANSPORT_TCP, 7680);
	assert_slice(row->name, "ms-do");
	assert_slice(row->former, "pando-pub");
	assert_slice(row->assignee, "");
	assert_slice(row->registered, "");
}

static void test_text_is_clean(void **state)
{
	const char *at = memchr(registry_services_tsv, '\n',
				registry_services_tsv_end - registry_services_tsv);

	assert_slice(find(TRANSPORT_TCP, 9105)->assignee, "Ari\303\253n Huisken");
	assert_null(strstr(find(TRANSPORT_TCP, 126)->notes.text, "feil"));
	/* No address, in neither of its two spellings. */
	assert_null(memchr(at, '@', registry_services_tsv_end - at));
	assert_null(strstr(at, "unisys.com"));
	assert_null(strstr(at, "IANA assigned this well-formed service name"));
}

static unsigned int count_by_name(const char *name, enum name_match match, uint16_t *ret_first)
{
	const struct service *row = NULL;
	unsigned int count = 0;

	while ((row = registry_next_by_name(registry_builtin(), name, match, row)))
		if (!count++)
			*ret_first = row->first;
	return count;
}

static void test_look_up_by_name(void **state)
{
	const struct service *row;
	uint16_t first = 0;

	assert_int_equal(count_by_name("ls3", NAME_EXACT, &first), 1);
	assert_int_equal(first, 3069);
	assert_int_equal(count_by_name("LS3", NAME_EXACT, &first), 1);
	assert_int_equal(count_by_name("ls", NAME_EXACT, &first), 0);
	assert_int_equal(count_by_name("", NAME_EXACT, &first), 0);
	assert_int_equal(count_by_name("", NAME_ALIAS, &first), 0);

	assert_int_equal(count_by_name("www-http", NAME_ALIAS, &first), 1);
	assert_int_equal(first, 80);
	assert_int_equal(count_by_name("WWW", NAME_ALIAS, &first), 1);
	assert_int_equal(count_by_name("www-http", NAME_EXACT, &first), 0);
	assert_int_equal(count_by_name("http", NAME_ALIAS, &first), 0);
	assert_int_equal(count_by_name("www www-http", NAME_ALIAS, &first), 0);
	assert_int_equal(count_by_name("w", NAME_ALIAS, &first), 0);

	assert_int_equal(count_by_name("ibm-mqisdp", NAME_FORMER, &first), 1);
	assert_int_equal(first, 1883);
	assert_int_equal(count_by_name("sai_sentlm", NAME_FORMER, &first), 1);
	assert_int_equal(first, 2640);
	assert_int_equal(count_by_name("mqtt", NAME_FORMER, &first), 0);

	/* One name on several ports. */
	assert_int_equal(count_by_name("http-alt", NAME_EXACT, &first), 3);
	row = registry_next_by_name(registry_builtin(), "http-alt", NAME_EXACT, NULL);
	assert_int_equal(row->first, 591);
	row = registry_next_by_name(registry_builtin(), "http-alt", NAME_EXACT, row);
	assert_int_equal(row->first, 8008);
	row = registry_next_by_name(registry_builtin(), "http-alt", NAME_EXACT, row);
	assert_int_equal(row->first, 8080);
	assert_null(registry_next_by_name(registry_builtin(), "http-alt", NAME_EXACT, row));

	/* One port, one row for each set of transports. */
	assert_int_equal(count_by_name("ssh", NAME_EXACT, &first), 2);
	assert_int_equal(first, 22);
}

static void test_names_that_start_with_digits(void **state)
{
	uint16_t first = 0;

	assert_int_equal(count_by_name("9pfs", NAME_EXACT, &first), 1);
	assert_int_equal(first, 564);
	assert_int_equal(count_by_name("802-11-iapp", NAME_EXACT, &first), 1);
	assert_int_equal(first, 3517);
	assert_int_equal(count_by_name("914c/g", NAME_ALIAS, &first), 1);
	assert_int_equal(first, 211);
	assert_int_equal(count_by_name("3com-nsd", NAME_EXACT, &first), 1); /* 3Com-nsd */
	assert_int_equal(first, 1742);
	assert_int_equal(count_by_name("22", NAME_EXACT, &first), 0);
}

static void test_rows_of_a_port_in_order(void **state)
{
	const struct registry *registry = registry_builtin();
	const struct service *row = registry_next_by_port(registry, 514, NULL);

	assert_slice(row->name, "shell");
	row = registry_next_by_port(registry, 514, row);
	assert_slice(row->name, "syslog");
	assert_null(registry_next_by_port(registry, 514, row));
	assert_null(registry_next_by_port(registry, 50000, NULL));
	assert_slice(registry_next_by_port(registry, 6063, NULL)->name, "x11");
}

/* ------------------------------------------- against another reading of the bytes */

struct expected {
	uint8_t status;
	bool listed;
	uint32_t width;
	const char *name;
	size_t length;
};

static struct expected expected[TRANSPORTS][PORT_COUNT];

/* Slow and simple on purpose: shares nothing with the reader it checks. */
static void read_expected(void)
{
	static const char *const names[TRANSPORTS] = { "tcp", "udp", "sctp", "dccp" };
	const char *at = registry_services_tsv;

	while (at < registry_services_tsv_end) {
		char transports[32], status[16];
		unsigned int first, last;
		const char *name = at;

		if (*at != '#') {
			if (sscanf(at, "%u-%u\t%31s\t%15s", &first, &last, transports, status) !=
			    4) {
				assert_int_equal(
					sscanf(at, "%u\t%31s\t%15s", &first, transports, status),
					3);
				last = first;
			}
			if (!strcmp(transports, "*"))
				strcpy(transports, "tcp,udp");
			for (int tabs = 0; tabs < 3; tabs++)
				name = strchr(name, '\t') + 1;
			for (unsigned int port = first; port <= last; port++)
				for (int t = 0; t < TRANSPORTS; t++)
					if (strstr(transports, names[t])) {
						struct expected *e = &expected[t][port];

						assert_false(e->listed);
						e->listed = true;
						e->status = *status == 'a'   ? SERVICE_ASSIGNED
							    : *status == 'r' ? SERVICE_RESERVED
									     : SERVICE_UNASSIGNED;
						e->name = name;
						e->length = strcspn(name, "\t");
					}
		}
		at = strchr(at, '\n') + 1;
	}
}

static void test_every_pair(void **state)
{
	const struct registry *registry = registry_builtin();
	unsigned int assigned[TRANSPORTS] = { 0 };

	read_expected();
	for (unsigned int t = 0; t < TRANSPORTS; t++) {
		for (unsigned int port = 0; port < PORT_COUNT; port++) {
			const struct service *row = registry_find(registry, t, port);
			const struct expected *e = &expected[t][port];

			assert_int_equal(row != NULL, e->listed);
			if (!row)
				continue;
			assert_true(row->first <= port && port <= row->last);
			assert_true(row->transports & 1u << t);
			assert_int_equal(row->status, e->status);
			assert_int_equal(row->name.length, e->length);
			assert_memory_equal(row->name.text, e->name, e->length);
			assigned[t] += row->status == SERVICE_ASSIGNED;
		}
	}
	/*
	 * 12,001 in all: 190 ports more than the 11,811 pairs, because the rows without
	 * transport (5 named ranges of 179 ports, and 6400-6410) are found on both.
	 */
	assert_int_equal(assigned[TRANSPORT_TCP], 6148);
	assert_int_equal(assigned[TRANSPORT_UDP], 5756);
	assert_int_equal(assigned[TRANSPORT_SCTP], 88);
	assert_int_equal(assigned[3], 9);
}

static void test_tcp_and_udp_names_differ(void **state)
{
	const struct registry *registry = registry_builtin();
	unsigned int differ = 0;

	for (unsigned int port = 0; port < PORT_COUNT; port++) {
		struct slice tcp = registry_name(registry, TRANSPORT_TCP, port);
		struct slice udp = registry_name(registry, TRANSPORT_UDP, port);

		if (tcp.length && udp.length &&
		    (tcp.length != udp.length || memcmp(tcp.text, udp.text, tcp.length)))
			differ++;
	}
	/* Ports assigned on both, under different primary names; 113 (ident, auth) counts. */
	assert_int_equal(differ, 136);
}

/* ------------------------------------------------------------- crafted tables */

#define REST "\t\t\t\t\t\t\t\t\t\n" /* the columns from aliases on, empty */
#define SSH  "22\ttcp,udp\tassigned\tssh\tSecure Shell" REST
#define HTTP "80\ttcp\tassigned\thttp\tWeb" REST

static struct registry *parse(const char *table)
{
	struct registry *registry = NULL;
	unsigned int line = 0, column = 0;
	int err = registry_parse(table, strlen(table), &registry, &line, &column);

	if (err)
		fail_msg("refused at %u:%u", line, column);
	return registry;
}

static void test_small_tables(void **state)
{
	struct registry *registry = parse("");
	struct registry_info info;

	registry_info(registry, &info);
	assert_int_equal(info.rows, 0);
	assert_int_equal(info.snapshots.length, 0);
	assert_null(registry_find(registry, TRANSPORT_TCP, 22));
	assert_null(registry_next_by_port(registry, 0, NULL));
	assert_null(registry_next_by_name(registry, "ssh", NAME_EXACT, NULL));
	registry_free(registry);

	registry = parse("# a comment\n#snapshots\t2026-09\n" SSH HTTP);
	registry_info(registry, &info);
	assert_int_equal(info.rows, 2);
	assert_int_equal(info.pairs, 3);
	assert_slice(info.snapshots, "2026-09");
	assert_slice(registry_find(registry, TRANSPORT_UDP, 22)->description, "Secure Shell");
	assert_null(registry_find(registry, TRANSPORT_UDP, 80));
	registry_free(registry);
	registry_free(NULL);
}

static void test_every_column(void **state)
{
	struct registry *registry = parse("1-65535\tdccp\tassigned\tn\td d\ta1 a2\tp; "
					  "q\t2001-02\t2003-04-05\tr\tu\to\tf1 f2\t"
					  "s\n");
	const struct service *row = registry_next_by_port(registry, 65535, NULL);

	assert_int_equal(row->first, 1);
	assert_int_equal(row->last, 65535);
	assert_int_equal(row->transports, SERVICE_DCCP);
	assert_int_equal(row->status, SERVICE_ASSIGNED);
	assert_slice(row->name, "n");
	assert_slice(row->description, "d d");
	assert_slice(row->aliases, "a1 a2");
	assert_slice(row->assignee, "p; q");
	assert_slice(row->registered, "2001-02");
	assert_slice(row->modified, "2003-04-05");
	assert_slice(row->reference, "r");
	assert_slice(row->unauthorized, "u");
	assert_slice(row->notes, "o");
	assert_slice(row->former, "f1 f2");
	assert_slice(row->source, "s");
	assert_ptr_equal(registry_next_by_name(registry, "F2", NAME_FORMER, NULL), row);
	registry_free(registry);
}

static void test_range_and_port_inside_it(void **state)
{
	struct registry *registry =
		parse("6000-6063\ttcp\tassigned\tx11\t" REST "6000\ttcp\tassigned\tzero\t" REST
		      "6003\ttcp\treserved\t\t" REST "6004\ttcp\tassigned\tspecial\t" REST
		      "6005\tudp\tassigned\tother\t" REST "7000-7100\ttcp\tunassigned\t\t" REST
		      "7050-7200\ttcp\tassigned\twide\t" REST);
	struct registry_info info;

	registry_info(registry, &info);
	/* 6000 and 6004 are in the range already. */
	assert_int_equal(info.pairs, 64 + 1 + 151);
	assert_slice(registry_name(registry, TRANSPORT_TCP, 6000), "zero");
	assert_slice(registry_name(registry, TRANSPORT_TCP, 6001), "x11");
	assert_slice(registry_name(registry, TRANSPORT_TCP, 6003), "x11");
	assert_slice(registry_name(registry, TRANSPORT_TCP, 6004), "special");
	assert_slice(registry_name(registry, TRANSPORT_TCP, 6005), "x11");
	assert_slice(registry_name(registry, TRANSPORT_UDP, 6005), "other");
	assert_slice(registry_name(registry, TRANSPORT_TCP, 6063), "x11");
	assert_null(registry_find(registry, TRANSPORT_TCP, 6064));
	/* What is assigned counts more than what is narrow. */
	assert_int_equal(registry_find(registry, TRANSPORT_TCP, 7049)->status, SERVICE_UNASSIGNED);
	assert_slice(registry_name(registry, TRANSPORT_TCP, 7050), "wide");
	assert_slice(registry_name(registry, TRANSPORT_TCP, 7200), "wide");
	assert_null(registry_find(registry, TRANSPORT_TCP, 5999));
	registry_free(registry);
}

static void test_rows_without_transport_count_once(void **state)
{
	struct registry *registry =
		parse("10-19\t*\tassigned\tten\t" REST "30\ttcp,udp\tassigned\tthirty\t" REST);
	struct registry_info info;

	registry_info(registry, &info);
	assert_int_equal(info.pairs, 10 + 2);
	assert_slice(registry_name(registry, TRANSPORT_TCP, 12), "ten");
	assert_slice(registry_name(registry, TRANSPORT_UDP, 12), "ten");
	assert_null(registry_find(registry, TRANSPORT_SCTP, 12));
	registry_free(registry);
}

static void test_malformed_tables(void **state)
{
	static const struct {
		const char *table;
		unsigned int line, column;
	} cases[] = {
		/* lines and columns */
		{ "22\ttcp\tassigned\tssh\tSSH\t\t\t\t\t\t\t\t\t", 1, 33 }, /* no newline */
		{ SSH "80\ttcp", 2, 7 },
		{ "# comment only, cut", 1, 20 },
		{ SSH "\n", 2, 1 },
		{ SSH "22\ttcp\tassigned\n", 2, 16 },
		{ "22\ttcp\tassigned\tssh\tSSH\t\t\t\t\t\t\t\t\n", 1, 32 },	/* 13 columns */
		{ "22\ttcp\tassigned\tssh\tSSH\t\t\t\t\t\t\t\t\t\t\n", 1, 33 }, /* 15 */
		{ SSH "# comment\n" HTTP, 2, 10 },
		{ "\357\273\277" SSH, 1, 1 }, /* a byte order mark */
		{ "22\ttcp\tassigned\tssh\tSSH\t\t\t\t\t\t\t\t\t\r\n", 1, 33 },
		/* ports */
		{ "\ttcp\tassigned\ta\t" REST, 1, 1 },
		{ "x\ttcp\tassigned\ta\t" REST, 1, 1 },
		{ "-1\ttcp\tassigned\ta\t" REST, 1, 1 },
		{ "65536\ttcp\tassigned\ta\t" REST, 1, 5 },
		{ "4294967318\ttcp\tassigned\ta\t" REST, 1, 6 }, /* 22 modulo 2^32 */
		{ "022\ttcp\tassigned\ta\t" REST, 1, 2 },
		{ "22x\ttcp\tassigned\ta\t" REST, 1, 3 },
		{ "22 \ttcp\tassigned\ta\t" REST, 1, 3 },
		{ "22-\ttcp\tassigned\ta\t" REST, 1, 4 },
		{ "22-x\ttcp\tassigned\ta\t" REST, 1, 4 },
		{ "22-65536\ttcp\tassigned\ta\t" REST, 1, 8 },
		{ "22-23-24\ttcp\tassigned\ta\t" REST, 1, 6 },
		{ "23-22\ttcp\tassigned\ta\t" REST, 1, 4 },
		{ "22-22\ttcp\tassigned\ta\t" REST, 1, 4 },
		/* transports */
		{ "22\t\tassigned\ta\t" REST, 1, 4 },
		{ "22\ticmp\tassigned\ta\t" REST, 1, 4 },
		{ "22\tTCP\tassigned\ta\t" REST, 1, 4 },
		{ "22\ttcp,\tassigned\ta\t" REST, 1, 8 },
		{ "22\t,tcp\tassigned\ta\t" REST, 1, 4 },
		{ "22\ttcp,tcp\tassigned\ta\t" REST, 1, 8 },
		{ "22\tudp,tcp\tassigned\ta\t" REST, 1, 8 },
		{ "22\ttcp, udp\tassigned\ta\t" REST, 1, 8 },
		{ "22\ttcp,*\tassigned\ta\t" REST, 1, 8 },
		{ "22\t**\tassigned\ta\t" REST, 1, 4 },
		/* status and name */
		{ "22\ttcp\t\ta\t" REST, 1, 8 },
		{ "22\ttcp\tAssigned\ta\t" REST, 1, 8 },
		{ "22\ttcp\tassign\ta\t" REST, 1, 8 },
		{ "22\ttcp\tassigned\t\t" REST, 1, 17 },
		{ "22\ttcp\treserved\ta\t" REST, 1, 17 },
		{ "22\ttcp\tunassigned\ta\t" REST, 1, 19 },
		{ "22\ttcp\tassigned\ta b\t" REST, 1, 18 },
		/* dates */
		{ "22\ttcp\tassigned\ta\t\t\t\t2002\t\t\t\t\t\t\n", 1, 22 },
		{ "22\ttcp\tassigned\ta\t\t\t\t2002-2x\t\t\t\t\t\t\n", 1, 22 },
		{ "22\ttcp\tassigned\ta\t\t\t\t02-2002\t\t\t\t\t\t\n", 1, 22 },
		{ "22\ttcp\tassigned\ta\t\t\t\t\t2002-02-3\t\t\t\t\t\n", 1, 23 },
		/* order */
		{ HTTP SSH, 2, 1 },
		{ SSH SSH, 2, 4 },
		{ SSH "22\tudp\tassigned\ta\t" REST, 2, 4 },
		{ "22\tudp\tassigned\ta\t" REST "22\ttcp\tassigned\ta\t" REST, 2, 4 },
		{ "22\t*\treserved\t\t" REST "22\tudp\tassigned\ta\t" REST, 2, 4 },
		{ "22\ttcp,sctp\treserved\t\t" REST "22\tudp\treserved\t\t" REST
		  "22\tsctp\treserved\t\t" REST,
		  3, 4 },
		/* text: control characters, and what is not UTF-8 */
		{ "22\ttcp\tassigned\ta\tx\001" REST, 1, 20 },
		{ "22\ttcp\tassigned\ta\tx\033[31m" REST, 1, 20 },
		{ "22\ttcp\tassigned\ta\tx\177" REST, 1, 20 },
		{ "22\ttcp\tassigned\ta\tx\200" REST, 1, 20 },		   /* continuation alone */
		{ "22\ttcp\tassigned\ta\tx\300\200" REST, 1, 20 },	   /* overlong NUL */
		{ "22\ttcp\tassigned\ta\tx\340\200\200" REST, 1, 20 },	   /* overlong */
		{ "22\ttcp\tassigned\ta\tx\340\202\251" REST, 1, 20 },	   /* overlong U+00A9 */
		{ "22\ttcp\tassigned\ta\tx\303" REST, 1, 20 },		   /* cut */
		{ "22\ttcp\tassigned\ta\tx\342\202" REST, 1, 20 },	   /* cut */
		{ "22\ttcp\tassigned\ta\tx\355\240\200" REST, 1, 20 },	   /* surrogate */
		{ "22\ttcp\tassigned\ta\tx\364\220\200\200" REST, 1, 20 }, /* over U+10FFFF */
		{ "22\ttcp\tassigned\ta\tx\377" REST, 1, 20 },
		{ "22\ttcp\tassigned\ta\tx\302\205" REST, 1, 20 },     /* NEL */
		{ "22\ttcp\tassigned\ta\tx\342\200\256" REST, 1, 20 }, /* right-to-left override */
		{ "22\ttcp\tassigned\ta\tx\342\201\246" REST, 1, 20 }, /* isolate */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct registry *const untouched = (struct registry *)&cases[i];
		struct registry *registry = untouched;
		unsigned int line = 0, column = 0;
		size_t length = strlen(cases[i].table);
		/* In a block of its exact size, so that reading too far is seen. */
		char *copy = malloc(length);
		int err;

		memcpy(copy, cases[i].table, length);
		err = registry_parse(copy, length, &registry, &line, &column);
		if (err != -EINVAL || line != cases[i].line || column != cases[i].column)
			fail_msg("case %zu: %d at %u:%u, expected %u:%u: %s", i, err, line, column,
				 cases[i].line, cases[i].column, cases[i].table);
		assert_ptr_equal(registry, untouched);
		assert_int_equal(registry_parse(copy, length, &registry, NULL, NULL), -EINVAL);
		free(copy);
	}
}

static void test_nul_is_refused(void **state)
{
	static const char table[] = "22\ttcp\tassigned\ta\t\0" REST;
	struct registry *registry = NULL;
	unsigned int line = 0, column = 0;

	assert_int_equal(registry_parse(table, sizeof(table) - 1, &registry, &line, &column),
			 -EINVAL);
	assert_int_equal(line, 1);
	assert_int_equal(column, 19);
	assert_null(registry);
}

static void test_success_leaves_the_place_alone(void **state)
{
	struct registry *registry = NULL;
	unsigned int line = 77, column = 78;

	assert_int_equal(registry_parse(SSH, strlen(SSH), &registry, &line, &column), 0);
	assert_int_equal(line, 77);
	assert_int_equal(column, 78);
	registry_free(registry);
}

/* The embedded table, cut anywhere, is refused or shorter, never misread. */
static void test_cut_table(void **state)
{
	size_t length = registry_services_tsv_end - registry_services_tsv;

	for (size_t cut = length - 3000; cut < length; cut++) {
		struct registry *registry = NULL;
		bool whole = registry_services_tsv[cut - 1] == '\n';
		int err;

		if (cut % 7 && !whole)
			continue;
		err = registry_parse(registry_services_tsv, cut, &registry, NULL, NULL);
		assert_int_equal(err, whole ? 0 : -EINVAL);
		registry_free(registry);
	}
}

/* What looks in the text finds what a look at every row does. */
static void test_assignees(void **state)
{
	const struct registry *registry = registry_builtin();
	static const char *const assignees[] = {
		"Jim Thompson", "IESG", "Jon Postel", "tcp", "2026", "ssh", "nobody has this name"
	};

	for (size_t a = 0; a < sizeof(assignees) / sizeof(assignees[0]); a++) {
		const struct service *found = NULL, *row;

		for (unsigned int i = 0; (row = registry_row(registry, i)); i++) {
			if (!slice_equals(row->assignee, assignees[a]))
				continue;
			found = registry_next_by_assignee(registry, slice_of(assignees[a]), found);
			assert_ptr_equal(found, row);
		}
		assert_null(registry_next_by_assignee(registry, slice_of(assignees[a]), found));
	}
}

static void test_rows_in_a_range(void **state)
{
	const struct registry *registry = registry_builtin();
	const struct service *found = NULL, *row;

	for (unsigned int i = 0; (row = registry_row(registry, i)); i++) {
		if (row->first > 6100 || row->last < 6010)
			continue;
		found = registry_next_in(registry, 6010, 6100, found);
		assert_ptr_equal(found, row);
	}
	assert_true(found && found->last >= 6100);
	assert_null(registry_next_in(registry, 6010, 6100, found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_builtin_is_well_formed),
		cmocka_unit_test(test_score),
		cmocka_unit_test(test_builtin_is_parsed_once),
		cmocka_unit_test(test_well_known_names),
		cmocka_unit_test(test_primary_names_where_there_are_aliases),
		cmocka_unit_test(test_transports_differ),
		cmocka_unit_test(test_ups_and_event_ports),
		cmocka_unit_test(test_named_ranges),
		cmocka_unit_test(test_reserved_and_unassigned),
		cmocka_unit_test(test_sctp_and_dccp),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_changed_hands),
		cmocka_unit_test(test_text_is_clean),
		cmocka_unit_test(test_look_up_by_name),
		cmocka_unit_test(test_names_that_start_with_digits),
		cmocka_unit_test(test_rows_of_a_port_in_order),
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_assignees),
		cmocka_unit_test(test_rows_in_a_range),
		cmocka_unit_test(test_tcp_and_udp_names_differ),
		cmocka_unit_test(test_small_tables),
		cmocka_unit_test(test_every_column),
		cmocka_unit_test(test_range_and_port_inside_it),
		cmocka_unit_test(test_rows_without_transport_count_once),
		cmocka_unit_test(test_malformed_tables),
		cmocka_unit_test(test_nul_is_refused),
		cmocka_unit_test(test_success_leaves_the_place_alone),
		cmocka_unit_test(test_cut_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
