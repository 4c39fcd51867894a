/* What a person types for a port: understood, or refused with the reason. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "what.h"

static struct knowledge knowledge;

static int set_up(void **state)
{
	return knowledge_builtin(&knowledge);
}

static int tear_down(void **state)
{
	knowledge_release(&knowledge);
	return 0;
}

static const struct {
	const char *text;
	uint8_t transports;
	uint16_t first, last;
} one_range[] = {
	{ "3069", TRANSPORTS_ALL, 3069, 3069 },
	{ ":3069", TRANSPORTS_ALL, 3069, 3069 },
	{ "0", TRANSPORTS_ALL, 0, 0 },
	{ "65535", TRANSPORTS_ALL, 65535, 65535 },
	{ "022", TRANSPORTS_ALL, 22, 22 },
	{ "udp/3069", SERVICE_UDP, 3069, 3069 },
	{ "3069/udp", SERVICE_UDP, 3069, 3069 },
	{ "3069/TCP", SERVICE_TCP, 3069, 3069 },
	{ "sctp/36412", SERVICE_SCTP, 36412, 36412 },
	{ ":3069/udp", SERVICE_UDP, 3069, 3069 },
	{ "3224-3324", TRANSPORTS_ALL, 3224, 3324 },
	{ "udp/3224-3324", SERVICE_UDP, 3224, 3324 },
	{ "3224-3324/udp", SERVICE_UDP, 3224, 3324 },
	{ "7-7", TRANSPORTS_ALL, 7, 7 },
	{ "framehawk", SERVICE_UDP, 3224, 3324 },
	{ "FrameHawk", SERVICE_UDP, 3224, 3324 },
	{ "ls3", SERVICE_TCP | SERVICE_UDP, 3069, 3069 },
	{ "ls3/udp", SERVICE_UDP, 3069, 3069 },
	{ "udp/ls3", SERVICE_UDP, 3069, 3069 },
	{ "www-http/udp", SERVICE_UDP, 80, 80 },
	/* names from practice, as people spell them */
	{ "node-exporter", SERVICE_TCP, 9100, 9100 },
	{ "node_exporter", SERVICE_TCP, 9100, 9100 },
	{ "Node_Exporter/tcp", SERVICE_TCP, 9100, 9100 },
	{ "wireguard", SERVICE_UDP, 51820, 51820 },
	/* names that begin with digits, and one that looks like a range */
	{ "3com-tsmux", SERVICE_TCP | SERVICE_UDP, 106, 106 },
	{ "914c-g", SERVICE_TCP | SERVICE_UDP, 211, 211 },
	{ "3exmp", SERVICE_TCP, 5221, 5221 },
};

static void test_one_range(void **state)
{
	for (size_t i = 0; i < sizeof(one_range) / sizeof(one_range[0]); i++) {
		struct fault fault = {};
		struct what what;

		print_message("# %s\n", one_range[i].text);
		assert_int_equal(what_parse(one_range[i].text, &knowledge, &what, &fault), 0);
		assert_int_equal(what.count, 1);
		assert_int_equal(what.ranges[0].transports & TRANSPORTS_ALL,
				 one_range[i].transports);
		assert_int_equal(what.ranges[0].first, one_range[i].first);
		assert_int_equal(what.ranges[0].last, one_range[i].last);
		what_release(&what);
	}
}

static const char *const refused[] = {
	"",	    ":",	"/",	     "/udp",	   "udp/",
	"3069x",    "3069 ",	" 3069",     "70000",	   "65536",
	"-1",	    "5-3",	"3224-",     "-3324",	   "1-2-3",
	"3069/xyz", "xyz/3069", "3069/",     "0x16",	   "22.5",
	"1e3",	    "no-such",	"3069/tcp/", "tcp/3069/u", "99999999999999999999",
	"22,80",    "*",
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct what what = { .text = "untouched" };
		struct fault fault = {};

		print_message("# '%s'\n", refused[i]);
		assert_int_equal(what_parse(refused[i], &knowledge, &what, &fault), -EINVAL);
		assert_string_equal(what.text, "untouched");
		/* The sentence quotes what was given. */
		assert_non_null(strstr(fault.text, refused[i]));
		assert_true(strlen(fault.text) > strlen(refused[i]) + 10);
	}
}

/* The sentence says what would have been understood. */
static void test_reasons(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "65536", "a port (0 to 65535)" },
		{ "5-3", "ends before it begins" },
		{ "22,80", "each port a word of its own" },
		{ "5/dccp", "the transport is tcp, udp or sctp" },
		{ "icmp/5", "the transport is tcp, udp or sctp" },
		{ "no-such", "portscribe search" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct what what;
		struct fault fault = {};

		assert_int_equal(what_parse(cases[i].text, &knowledge, &what, &fault), -EINVAL);
		if (!strstr(fault.text, cases[i].reason))
			fail_msg("%s: %s", cases[i].text, fault.text);
	}
}

static void test_several_ports(void **state)
{
	struct fault fault = {};
	struct what what;

	/* One name, several numbers: rows in the order of their ports. */
	assert_int_equal(what_parse("http-alt", &knowledge, &what, &fault), 0);
	assert_int_equal(what.count, 3);
	for (size_t i = 1; i < what.count; i++)
		assert_true(what.ranges[i - 1].first <= what.ranges[i].first);
	assert_true(what_holds(&what, TRANSPORT_TCP, 8080));
	assert_true(what_holds(&what, TRANSPORT_TCP, 591));
	assert_false(what_holds(&what, TRANSPORT_TCP, 8081));
	what_release(&what);
}

/* Rows of a name may overlap; counters of a port are to be summed up once. */
static void test_overlapping_rows(void **state)
{
	static const char table[] = "8-12\ttcp\tuse\tlots\tLots\n"
				    "1-3\ttcp,udp\tuse\tlots\tLots\n"
				    "2\ttcp\tuse\tlots\tLots\n"
				    "5-9\ttcp\tuse\tlots\tLots\n"
				    "20\ttcp\tuse\tlots\tLots\n"
				    "20-21\tudp\tuse\tlots\tLots\n";
	static const struct port_range expected[] = { { SERVICE_TCP | SERVICE_UDP, 1, 3 },
						      { SERVICE_TCP, 5, 12 },
						      { SERVICE_TCP, 20, 20 },
						      { SERVICE_UDP, 20, 21 } };
	struct knowledge local;
	struct fault fault = {};
	struct what what;

	assert_int_equal(knowledge_builtin(&local), 0);
	assert_int_equal(overlay_list_add_local(&local.overlays, strdup(table), strlen(table),
						strdup("local.conf"), NULL),
			 0);
	assert_int_equal(what_parse("lots", &local, &what, &fault), 0);
	assert_int_equal(what.count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < what.count; i++) {
		assert_int_equal(what.ranges[i].transports, expected[i].transports);
		assert_int_equal(what.ranges[i].first, expected[i].first);
		assert_int_equal(what.ranges[i].last, expected[i].last);
	}
	what_release(&what);
	knowledge_release(&local);
}

static void test_service_before_span(void **state)
{
	struct fault fault = {};
	struct what what;

	assert_int_equal(what_parse("x11", &knowledge, &what, &fault), 0);
	assert_string_equal(what.span, "");
	assert_true(what_holds(&what, TRANSPORT_TCP, 6063));
	what_release(&what);
	assert_int_equal(what_parse("framehawk", &knowledge, &what, &fault), 0);
	assert_string_equal(what.span, "framehawk");
	assert_true(what_holds(&what, TRANSPORT_UDP, 3248));
	assert_false(what_holds(&what, TRANSPORT_TCP, 3248));
	what_release(&what);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_range),	 cmocka_unit_test(test_refused),
		cmocka_unit_test(test_reasons),		 cmocka_unit_test(test_several_ports),
		cmocka_unit_test(test_overlapping_rows), cmocka_unit_test(test_service_before_span),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
