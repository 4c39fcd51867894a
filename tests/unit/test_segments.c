/* Spans cut into segments, and the kernel's two-step look-up: every port gives the right answer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/segments.h"

static void add(struct span_list *list, enum transport transport, uint16_t first, uint16_t last)
{
	struct span span = { .name = "s",
			     .first = first,
			     .last = last,
			     .transport = transport,
			     .label = "",
			     .source = "" };

	assert_int_equal(span_list_add(list, &span), 0);
}

/* The definition: two ports share a segment exactly when the same spans hold both, side by side. */
static void check(const struct span_list *spans, const bool *taken)
{
	struct segment_plan *plan = calloc(1, sizeof(*plan));
	struct segment_table *table = calloc(1, sizeof(*table));

	assert_int_equal(segment_plan_make(spans, taken, plan), 0);
	assert_int_equal(segment_table_make(plan, table), 0);
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		for (unsigned int port = 0; port < PORT_COUNT; port++) {
			uint16_t id = segment_table_find(table, transport, port);
			bool covered = false;

			for (size_t i = 0; i < spans->count; i++)
				covered |= spans->spans[i].transport == transport &&
					   port >= spans->spans[i].first &&
					   port <= spans->spans[i].last;
			assert_int_equal(id != SEGMENT_NONE, covered);
			if (taken)
				assert_false(taken[id] && id);
		}
	}
	/* Each span is a union of whole segments. */
	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->spans[i];
		unsigned int ports = 0;

		for (uint32_t k = 0; k < plan->count; k++) {
			const struct segment *segment = &plan->segments[k];

			if (segment->transport != span->transport)
				continue;
			if (segment->first >= span->first && segment->last <= span->last)
				ports += segment->last - segment->first + 1;
			else
				assert_true(segment->last < span->first ||
					    segment->first > span->last);
		}
		assert_int_equal(ports, span->last - span->first + 1);
	}
	free(plan);
	free(table);
}

static void test_none(void **state)
{
	struct span_list spans = {};

	check(&spans, NULL);
}

static void test_shapes(void **state)
{
	struct span_list spans = {};

	add(&spans, TRANSPORT_UDP, 3224, 3324); /* alone */
	add(&spans, TRANSPORT_TCP, 10, 20);	/* beside the next */
	add(&spans, TRANSPORT_TCP, 21, 30);
	add(&spans, TRANSPORT_TCP, 100, 200); /* overlapping */
	add(&spans, TRANSPORT_TCP, 150, 250);
	add(&spans, TRANSPORT_TCP, 160, 170);  /* nested in both */
	add(&spans, TRANSPORT_TCP, 160, 170);  /* twice the same */
	add(&spans, TRANSPORT_TCP, 64, 127);   /* exactly a page */
	add(&spans, TRANSPORT_SCTP, 0, 65535); /* everything */
	add(&spans, TRANSPORT_UDP, 0, 0);      /* both ends of the numbers */
	add(&spans, TRANSPORT_UDP, 65535, 65535);
	check(&spans, NULL);
	span_list_release(&spans);
}

static void test_shipped(void **state)
{
	struct span_list spans = {};

	assert_int_equal(span_list_builtin(&spans), 0);
	check(&spans, NULL);
	span_list_release(&spans);
}

static void test_taken_ids(void **state)
{
	struct span_list spans = {};
	bool taken[SEGMENTS_MAX] = {};

	for (int id = 1; id < SEGMENTS_MAX; id += 2)
		taken[id] = true;
	assert_int_equal(span_list_builtin(&spans), 0);
	check(&spans, taken);
	span_list_release(&spans);
}

static void test_random(void **state)
{
	srand(1);
	for (int round = 0; round < 20; round++) {
		struct span_list spans = {};

		for (int i = 0; i < 1 + rand() % 60; i++) {
			uint16_t a = rand(), b = rand();

			add(&spans, rand() % TRANSPORT_COUNT, a < b ? a : b, a < b ? b : a);
		}
		check(&spans, NULL);
		span_list_release(&spans);
	}
}

static void test_too_many(void **state)
{
	struct span_list spans = {};
	struct segment_plan *plan = calloc(1, sizeof(*plan));

	for (int i = 0; i < SEGMENTS_MAX - 1; i++)
		add(&spans, TRANSPORT_TCP, i * 3, i * 3);
	assert_int_equal(segment_plan_make(&spans, NULL, plan), 0);
	assert_int_equal(plan->count, SEGMENTS_MAX - 1);
	add(&spans, TRANSPORT_UDP, 1, 1);
	assert_int_equal(segment_plan_make(&spans, NULL, plan), -ENOSPC);
	assert_int_equal(plan->count, SEGMENTS_MAX - 1); /* untouched */
	span_list_release(&spans);
	free(plan);
}

static void test_equal(void **state)
{
	struct segment_plan *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	struct span_list spans = {};
	bool taken[SEGMENTS_MAX] = { [1] = true, [2] = true };

	add(&spans, TRANSPORT_UDP, 5, 9);
	assert_int_equal(segment_plan_make(&spans, NULL, a), 0);
	assert_int_equal(segment_plan_make(&spans, taken, b), 0);
	assert_true(segment_plan_equal(a, b)); /* other ids, same ranges */
	add(&spans, TRANSPORT_UDP, 6, 6);
	assert_int_equal(segment_plan_make(&spans, NULL, b), 0);
	assert_false(segment_plan_equal(a, b));
	span_list_release(&spans);
	free(a);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),	cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_shipped), cmocka_unit_test(test_taken_ids),
		cmocka_unit_test(test_random),	cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
