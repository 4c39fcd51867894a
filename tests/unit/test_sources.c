/*
 * Sources as they were meant: what is left of a prefix without this host's own
 * addresses becomes the prefix again, and nothing else grows.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <linux/netfilter.h>

#include "reach/render.h"
#include "reach/sources.h"

#define ADDRESS(a, b, c, d) ((number_t)((a) << 24 | (b) << 16 | (c) << 8 | (d)))

/* 10.0.0.1/24 with its broadcast address. */
static struct host_address own[] = {
	{ .family = NFPROTO_IPV4, .range = { ADDRESS(10, 0, 0, 1), ADDRESS(10, 0, 0, 1) } },
	{ .family = NFPROTO_IPV4, .range = { ADDRESS(10, 0, 0, 255), ADDRESS(10, 0, 0, 255) } },
};

static const struct host host = { .addresses = own, .address_count = 2 };

struct row {
	struct interval sources[3];
	size_t count;
	const char *meant;
};

#define INTERVAL(b1, c1, d1, b2, c2, d2)                         \
	{                                                        \
		ADDRESS(10, b1, c1, d1), ADDRESS(10, b2, c2, d2) \
	}

static const struct row rows[] = {
	{ { INTERVAL(0, 0, 0, 0, 0, 0), INTERVAL(0, 0, 2, 0, 0, 254),
	    INTERVAL(0, 1, 0, 255, 255, 255) },
	  3,
	  "10.0.0.0/8" },
	{ { INTERVAL(0, 0, 0, 0, 0, 0), INTERVAL(0, 0, 2, 0, 0, 254) }, 2, "10.0.0.0/24" },
	{ { INTERVAL(0, 0, 2, 0, 0, 254) }, 1, "10.0.0.2-10.0.0.254" },
	{ { INTERVAL(0, 0, 0, 0, 0, 0) }, 1, "10.0.0.0" },
	{ { INTERVAL(0, 0, 0, 0, 0, 0), INTERVAL(0, 0, 3, 0, 0, 3) }, 2, "10.0.0.0 10.0.0.3" },
	{ { INTERVAL(1, 0, 0, 1, 0, 255), INTERVAL(1, 1, 1, 1, 1, 1) }, 2, "10.1.0.0/24 10.1.1.1" },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct interval meant[3];
		char text[3 * ADDRESSES_MAX] = "", one[ADDRESSES_MAX];
		size_t used, count = sources_as_meant(&host, NFPROTO_IPV4, rows[i].sources,
						      rows[i].count, meant, 3, &used);

		assert_int_equal(used, rows[i].count);

		for (size_t k = 0; k < count; k++) {
			strcat(text, k ? " " : "");
			strcat(text, addresses_text(one, NFPROTO_IPV4, meant[k]));
		}
		assert_string_equal(text, rows[i].meant);
	}
}

/* The first one, where there is no room for more. */
static void test_room(void **state)
{
	static const struct interval sources[] = { INTERVAL(0, 0, 0, 0, 0, 0),
						   INTERVAL(0, 0, 2, 0, 0, 254),
						   INTERVAL(0, 2, 0, 0, 2, 9) };
	struct interval meant;
	size_t used;

	assert_int_equal(sources_as_meant(&host, NFPROTO_IPV4, sources, 3, &meant, 1, &used), 1);
	assert_int_equal(used, 2);
	assert_true(meant.first == sources[0].first && meant.last == ADDRESS(10, 0, 0, 255));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
