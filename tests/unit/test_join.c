/* Rows out of a snapshot: filters, folding, order, spans, differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "join.h"

static struct snapshot *snapshot;
static struct listener_ports listeners;

static struct counter *cell(struct snapshot *of, enum transport transport, enum side side,
			    enum direction direction, uint16_t port)
{
	return &of->ports[transport]->side[side][direction][port];
}

static void set(enum transport transport, enum side side, uint16_t port, uint64_t in, uint64_t out)
{
	*cell(snapshot, transport, side, DIR_IN, port) = (struct counter){ in, in * 100 };
	*cell(snapshot, transport, side, DIR_OUT, port) = (struct counter){ out, out * 1000 };
}

static int set_up(void **state)
{
	if (snapshot_new(false, &snapshot))
		return -1;
	listeners = (struct listener_ports){};
	set(TRANSPORT_TCP, SIDE_LOCAL, 22, 10, 20);
	set(TRANSPORT_TCP, SIDE_LOCAL, 80, 5, 1);
	set(TRANSPORT_UDP, SIDE_LOCAL, 3248, 7, 0);
	set(TRANSPORT_TCP, SIDE_LOCAL, 40000, 3, 3);
	set(TRANSPORT_TCP, SIDE_LOCAL, 40001, 4, 4);
	set(TRANSPORT_UDP, SIDE_LOCAL, 50000, 1, 1);
	set(TRANSPORT_SCTP, SIDE_LOCAL, 36412, 2, 2);
	set(TRANSPORT_TCP, SIDE_PEER, 443, 9, 9);
	snapshot->attempts[22] = 3;
	snapshot->answers[22] = 2;
	snapshot->attempts[40000] = 1;
	return 0;
}

static int tear_down(void **state)
{
	snapshot_free(snapshot);
	return 0;
}

static struct row_wish everything(void)
{
	return (struct row_wish){ .transports = TRANSPORTS_ALL,
				  .fold = true,
				  .ephemeral_first = 32768,
				  .ephemeral_last = 60999 };
}

static struct rows make(const struct row_wish *wish, const struct snapshot *before)
{
	struct join_facts facts = { registry_builtin(), &listeners };
	struct rows rows;

	assert_int_equal(rows_make(snapshot, before, wish, &facts, &rows), 0);
	return rows;
}

static void check_ports(const struct rows *rows, const char *expected)
{
	char text[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < rows->port_count; i++)
		used += snprintf(text + used, sizeof(text) - used, "%s%u%s/%s", i ? " " : "",
				 rows->ports[i].first, rows->ports[i].folded ? "+" : "",
				 transport_name(rows->ports[i].transport));
	assert_string_equal(text, expected);
}

static void test_default(void **state)
{
	struct row_wish wish = everything();
	struct rows rows = make(&wish, NULL);

	/* The busiest first; sctp 36412 lies in the ephemeral range and is folded like the rest. */
	check_ports(&rows, "22/tcp 32768+/tcp 3248/udp 80/tcp 32768+/sctp 32768+/udp");
	assert_int_equal(rows.folded_ports, 4);
	assert_int_equal(rows.ports[0].attempts, 3);
	assert_int_equal(rows.ports[0].answers, 2);
	assert_memory_equal(rows.ports[0].name.text, "ssh", 3);
	assert_int_equal(rows.ports[1].count[DIR_IN].packets, 7);
	assert_int_equal(rows.ports[1].count[DIR_OUT].bytes, 7000);
	assert_int_equal(rows.ports[1].attempts, 1);
	assert_int_equal(rows.ports[1].last, 60999);
	rows_release(&rows);
}

static void test_listener_is_not_folded(void **state)
{
	struct row_wish wish = everything();
	struct rows rows;

	listeners.set[TRANSPORT_TCP][40001 / 64] |= 1ULL << (40001 % 64);
	rows = make(&wish, NULL);
	check_ports(&rows, "22/tcp 40001/tcp 3248/udp 80/tcp 32768+/tcp 32768+/sctp 32768+/udp");
	assert_true(rows.ports[1].listening);
	rows_release(&rows);
}

static void test_orders(void **state)
{
	struct row_wish wish = everything();
	struct rows rows;

	wish.fold = false;
	wish.order = ORDER_PORT;
	rows = make(&wish, NULL);
	check_ports(&rows, "22/tcp 80/tcp 3248/udp 36412/sctp 40000/tcp 40001/tcp 50000/udp");
	rows_release(&rows);
	wish.order = ORDER_IN;
	wish.top = 2;
	rows = make(&wish, NULL);
	check_ports(&rows, "22/tcp 3248/udp");
	assert_int_equal(rows.port_total, 7);
	rows_release(&rows);
	wish.order = ORDER_ATTEMPTS;
	rows = make(&wish, NULL);
	check_ports(&rows, "22/tcp 40000/tcp");
	rows_release(&rows);
	wish.order = ORDER_BYTES;
	wish.top = 3;
	rows = make(&wish, NULL);
	check_ports(&rows, "22/tcp 40001/tcp 40000/tcp");
	rows_release(&rows);
}

static void test_transports_and_peer(void **state)
{
	struct row_wish wish = everything();
	struct rows rows;

	wish.transports = SERVICE_UDP;
	rows = make(&wish, NULL);
	check_ports(&rows, "3248/udp 32768+/udp");
	rows_release(&rows);
	wish = everything();
	wish.side = SIDE_PEER;
	rows = make(&wish, NULL);
	check_ports(&rows, "443/tcp");
	rows_release(&rows);
}

static void test_wished(void **state)
{
	struct row_wish wish = everything();
	struct port_range range = { TRANSPORTS_ALL, 79, 79 };
	struct what what = { .text = "79", .ranges = &range, .count = 1 };
	struct rows rows;

	wish.whats = &what;
	wish.what_count = 1;
	rows = make(&wish, NULL); /* named by number: shown with its zeros; sctp is not */
	check_ports(&rows, "79/tcp 79/udp");
	rows_release(&rows);
	range = (struct port_range){ SERVICE_TCP, 40000, 40001 };
	rows = make(&wish, NULL); /* asked for: not folded */
	check_ports(&rows, "40001/tcp 40000/tcp");
	rows_release(&rows);
}

static void test_spans(void **state)
{
	struct row_wish wish = everything();
	struct rows rows;

	snapshot->span_count = 3;
	snapshot->spans = calloc(3, sizeof(*snapshot->spans));
	snapshot->spans[0].span = (struct span){
		.name = "framehawk", .first = 3224, .last = 3324, .transport = TRANSPORT_UDP
	};
	snapshot->spans[0].count[SIDE_LOCAL][DIR_IN].packets = 7;
	snapshot->spans[1].span = (struct span){ .name = "still", .first = 1, .last = 2 };
	snapshot->spans[2].span = (struct span){
		.name = "high", .first = 35000, .last = 65000, .transport = TRANSPORT_TCP
	};
	snapshot->spans[2].count[SIDE_LOCAL][DIR_IN].packets = 7;
	rows = make(&wish, NULL); /* without packets, or full of clients' own ports: not shown */
	assert_int_equal(rows.span_count, 1);
	assert_string_equal(rows.spans[0].span->name, "framehawk");
	assert_int_equal(rows.spans[0].count[DIR_IN].packets, 7);
	rows_release(&rows);

	listeners.set[TRANSPORT_TCP][40001 / 64] |= 1ULL << (40001 % 64);
	rows = make(&wish, NULL); /* somebody listens there */
	assert_int_equal(rows.span_count, 2);
	rows_release(&rows);
	wish.fold = false;
	listeners = (struct listener_ports){};
	rows = make(&wish, NULL);
	assert_int_equal(rows.span_count, 2);
	rows_release(&rows);
}

static void test_difference(void **state)
{
	struct row_wish wish = everything();
	struct snapshot *before;
	struct rows rows;

	assert_int_equal(snapshot_new(false, &before), 0);
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
		memcpy(before->ports[transport], snapshot->ports[transport],
		       sizeof(*before->ports[transport]));
	memcpy(before->attempts, snapshot->attempts, PORT_COUNT * sizeof(uint64_t));
	cell(before, TRANSPORT_TCP, SIDE_LOCAL, DIR_IN, 22)->packets -= 4;
	before->attempts[22]--;
	rows = make(&wish, before);
	check_ports(&rows, "22/tcp");
	assert_int_equal(rows.ports[0].count[DIR_IN].packets, 4);
	assert_int_equal(rows.ports[0].count[DIR_OUT].packets, 0);
	assert_int_equal(rows.ports[0].attempts, 1);
	rows_release(&rows);
	snapshot_free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_default, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_listener_is_not_folded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_orders, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_transports_and_peer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wished, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_spans, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_difference, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
