/*
 * Spans: what ships with the program, and that it agrees with the registry where
 * it claims to. Their table is read by test_overlays.c's subject.
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

/* Every named range of the registry is a span of its name, on its transports. */
static void test_registry_ranges(void **state)
{
	struct span_list list = builtin();
	unsigned int ranges = 0;

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
					assert_int_equal(span->first, row->first);
					assert_int_equal(span->last, row->last);
					assert_non_null(strstr(span->source, "IANA registry, "));
				}
			}
			free(name);
		}
	}
	assert_int_equal(ranges, 7);
	span_list_release(&list);
}

static void test_builtin_is_orderly(void **state)
{
	struct span_list list = builtin();

	assert_true(list.count >= 57);
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
		{ "ceph", TRANSPORT_TCP, 6800, 7568 },
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_framehawk),
		cmocka_unit_test(test_framehawk_overlies_assigned_numbers),
		cmocka_unit_test(test_registry_ranges),
		cmocka_unit_test(test_builtin_is_orderly),
		cmocka_unit_test(test_practice),
		cmocka_unit_test(test_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
