/*
 * Spans: what ships with the program, that it agrees with the registry where it
 * claims to, and what the reader must refuse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "registry/registry.h"
#include "registry/spans.h"

static const struct span *find(const struct span_list *list, const char *name,
			       enum transport transport)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->spans[i].transport == transport && !strcmp(list->spans[i].name, name))
			return &list->spans[i];
	return NULL;
}

static struct span_list builtin(void)
{
	struct span_list list;

	assert_int_equal(span_list_builtin(&list), 0);
	return list;
}

static void test_framehawk(void **state)
{
	struct span_list list = builtin();
	const struct span *span = find(&list, "framehawk", TRANSPORT_UDP);

	assert_non_null(span);
	assert_int_equal(span->first, 3224);
	assert_int_equal(span->last, 3324);
	assert_non_null(strstr(span->label, "Citrix"));
	assert_non_null(strstr(span->source, "CTX205257"));
	assert_null(find(&list, "framehawk", TRANSPORT_TCP));
	assert_null(find(&list, "framehawk", TRANSPORT_SCTP));
	span_list_release(&list);
}

static void test_framehawk_overlies_assigned_numbers(void **state)
{
	struct span_list list = builtin();
	const struct span *span = find(&list, "framehawk", TRANSPORT_UDP);
	unsigned int assigned = 0;

	for (unsigned int port = span->first; port <= span->last; port++)
		assigned += registry_name(registry_builtin(), TRANSPORT_UDP, port).length > 0;
	/* 97 ports assigned one by one, and 3322-3324 of the range active-net. */
	assert_int_equal(assigned, 97 + 3);
	span_list_release(&list);
}

/* Every named range of the registry is a span of its name, on its transports, and no other. */
static void test_registry_ranges(void **state)
{
	struct span_list list = builtin();
	unsigned int ranges = 0, spans = 0;

	for (unsigned int port = 0; port < PORT_COUNT; port++) {
		const struct service *row = NULL;

		while ((row = registry_next_by_port(registry_builtin(), port, row))) {
			char *name = strndup(row->name.text, row->name.length);

			if (row->first == port && row->last > port &&
			    row->status == SERVICE_ASSIGNED) {
				ranges++;
				for (unsigned int t = 0; t < TRANSPORT_COUNT; t++) {
					const struct span *span = find(&list, name, t);

					assert_int_equal(span != NULL,
							 (row->transports & 1u << t) != 0);
					if (!span)
						continue;
					spans++;
					assert_int_equal(span->first, row->first);
					assert_int_equal(span->last, row->last);
					assert_string_equal(span->source, "IANA registry");
				}
			}
			free(name);
		}
	}
	assert_int_equal(ranges, 7);
	for (size_t i = 0; i < list.count; i++)
		spans -= !strcmp(list.spans[i].source, "IANA registry");
	assert_int_equal(spans, 0);
	span_list_release(&list);
}

static void test_builtin_is_orderly(void **state)
{
	struct span_list list = builtin();

	assert_int_equal(list.count, 57);
	for (size_t i = 0; i < list.count; i++) {
		const struct span *span = &list.spans[i];

		assert_true(span->first < span->last);
		assert_true(span->transport < TRANSPORT_COUNT);
		assert_true(strlen(span->name) > 0);
		assert_true(strlen(span->label) > 0);
		assert_true(strlen(span->source) > 0);
		assert_true(i == 0 || list.spans[i - 1].first <= span->first);
		/* One range for each name and transport: `show NAME` has one answer. */
		assert_ptr_equal(find(&list, span->name, span->transport), span);
	}
	span_list_release(&list);
}

static void test_practice(void **state)
{
	static const struct {
		const char *name;
		enum transport transport;
		uint16_t first, last;
	} cases[] = {
		{ "nodeport", TRANSPORT_TCP, 30000, 32767 },
		{ "nodeport", TRANSPORT_UDP, 30000, 32767 },
		{ "mosh", TRANSPORT_UDP, 60000, 61000 },
		{ "asterisk-rtp", TRANSPORT_UDP, 10000, 20000 },
		{ "traceroute", TRANSPORT_UDP, 33434, 33534 },
		{ "ceph", TRANSPORT_TCP, 6800, 7300 },
		{ "vnc", TRANSPORT_TCP, 5900, 5999 },
	};
	struct span_list list = builtin();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct span *span = find(&list, cases[i].name, cases[i].transport);

		assert_non_null(span);
		assert_int_equal(span->first, cases[i].first);
		assert_int_equal(span->last, cases[i].last);
	}
	assert_null(find(&list, "mosh", TRANSPORT_TCP));
	span_list_release(&list);
}

static void test_parse(void **state)
{
	char table[] = "# head\n"
		       "a-1\ttcp,udp,sctp\t1-2\tLabel \303\253\tRFC 1\n"
		       "a-1\ttcp\t4-5\t\tRFC 2\n"
		       "abcdefghijklmnopqrstuvwxyz-0123\tudp\t0-65535\tx\ty\n";
	struct span_list list;

	assert_int_equal(span_list_parse(table, strlen(table), &list, NULL, NULL), 0);
	memset(table, 'x', sizeof(table)); /* the list keeps copies */
	assert_int_equal(list.count, 5);
	for (unsigned int t = 0; t < TRANSPORT_COUNT; t++) {
		assert_string_equal(list.spans[t].name, "a-1");
		assert_int_equal(list.spans[t].transport, t);
		assert_int_equal(list.spans[t].first, 1);
		assert_int_equal(list.spans[t].last, 2);
		assert_string_equal(list.spans[t].label, "Label \303\253");
		assert_string_equal(list.spans[t].source, "RFC 1");
	}
	assert_string_equal(list.spans[3].label, "");
	assert_int_equal(list.spans[3].first, 4);
	assert_int_equal(strlen(list.spans[4].name), SPAN_NAME_MAX);
	assert_int_equal(list.spans[4].last, 65535);
	span_list_release(&list);
	assert_int_equal(list.count, 0);
	span_list_release(&list);

	assert_int_equal(span_list_parse("", 0, &list, NULL, NULL), 0);
	assert_int_equal(list.count, 0);
	span_list_release(&list);
}

static void test_add(void **state)
{
	char label[] = "host", source[] = "ip_local_port_range";
	struct span span = { .name = "ephemeral",
			     .first = 32768,
			     .last = 60999,
			     .transport = TRANSPORT_UDP,
			     .label = label,
			     .source = source };
	struct span_list list = { 0 };

	assert_int_equal(span_list_add(&list, &span), 0);
	span.transport = TRANSPORT_TCP;
	span.label = NULL;
	span.source = NULL;
	assert_int_equal(span_list_add(&list, &span), 0);
	memset(label, 'x', 4);
	memset(source, 'x', 4);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.spans[0].label, "host");
	assert_string_equal(list.spans[0].source, "ip_local_port_range");
	assert_string_equal(list.spans[1].label, "");
	assert_string_equal(list.spans[1].source, "");
	assert_int_equal(list.spans[1].transport, TRANSPORT_TCP);
	assert_string_equal(list.spans[1].name, "ephemeral");
	span_list_release(&list);
}

#define GOOD "good\ttcp\t1-2\tLabel\tSource\n"

static void test_malformed_tables(void **state)
{
	static const struct {
		const char *table;
		unsigned int line, column;
	} cases[] = {
		/* lines and columns */
		{ "good\ttcp\t1-2\tLabel\tSource", 1, 26 },
		{ GOOD "\n", 2, 1 },
		{ GOOD "good\ttcp\t3-4\tLabel\n", 2, 19 },
		{ "good\ttcp\t3-4\tLabel\tSource\t\n", 1, 26 },
		{ GOOD "# comment\n", 2, 10 },
		{ "good\ttcp\t1-2\tLabel\tSource\r\n", 1, 26 },
		/* names */
		{ "\ttcp\t1-2\tLabel\tSource\n", 1, 1 },
		{ "Good\ttcp\t1-2\tLabel\tSource\n", 1, 1 },
		{ "go_od\ttcp\t1-2\tLabel\tSource\n", 1, 3 },
		{ "go od\ttcp\t1-2\tLabel\tSource\n", 1, 3 },
		{ "22\ttcp\t1-2\tLabel\tSource\n", 1, 1 },
		{ "abcdefghijklmnopqrstuvwxyz-01234\ttcp\t1-2\tLabel\tSource\n", 1, 32 },
		/* transports */
		{ "good\t\t1-2\tLabel\tSource\n", 1, 6 },
		{ "good\t*\t1-2\tLabel\tSource\n", 1, 6 },
		{ "good\tdccp\t1-2\tLabel\tSource\n", 1, 6 },
		{ "good\tudp,tcp\t1-2\tLabel\tSource\n", 1, 10 },
		/* ports */
		{ "good\ttcp\t\tLabel\tSource\n", 1, 10 },
		{ "good\ttcp\t2-1\tLabel\tSource\n", 1, 12 },
		{ "good\ttcp\t1-65536\tLabel\tSource\n", 1, 16 },
		/* source, text, and two spans of one name on one port */
		{ "good\ttcp\t1-2\tLabel\t\n", 1, 20 },
		{ "good\ttcp\t1-2\tLab\033el\tSource\n", 1, 17 },
		{ "good\ttcp\t1-2\tLab\377el\tSource\n", 1, 17 },
		{ GOOD "good\ttcp,udp\t2-3\tLabel\tSource\n", 2, 14 },
		{ GOOD "good\ttcp,udp\t0-1\tLabel\tSource\n", 2, 14 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span_list list = { .count = 4711 };
		unsigned int line = 0, column = 0;
		size_t length = strlen(cases[i].table);
		char *copy = malloc(length);
		int err;

		memcpy(copy, cases[i].table, length);
		err = span_list_parse(copy, length, &list, &line, &column);
		if (err != -EINVAL || line != cases[i].line || column != cases[i].column)
			fail_msg("case %zu: %d at %u:%u, expected %u:%u: %s", i, err, line, column,
				 cases[i].line, cases[i].column, cases[i].table);
		assert_int_equal(list.count, 4711);
		assert_null(list.spans);
		assert_int_equal(span_list_parse(copy, length, &list, NULL, NULL), -EINVAL);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_framehawk),
		cmocka_unit_test(test_framehawk_overlies_assigned_numbers),
		cmocka_unit_test(test_registry_ranges),
		cmocka_unit_test(test_builtin_is_orderly),
		cmocka_unit_test(test_practice),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_malformed_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
