/*
 * Counters joined with names and listeners: the rows that `show` and `run`
 * print. Pure: a snapshot and facts in, rows out.
 */
#ifndef PORTSCRIBE_JOIN_H
#define PORTSCRIBE_JOIN_H

#include "net/listeners.h"
#include "registry/registry.h"
#include "snapshot.h"
#include "what.h"

enum row_order {
	ORDER_PACKETS, /* in and out together */
	ORDER_BYTES,
	ORDER_IN, /* packets in */
	ORDER_OUT,
	ORDER_ATTEMPTS,
	ORDER_PORT,
};

struct row_wish {
	enum side side;
	uint8_t transports;	  /* SERVICE_TCP | ... */
	const struct what *whats; /* NULL: every port that counted */
	size_t what_count;
	enum row_order order;
	size_t top; /* 0: all */
	bool fold;  /* the ephemeral range in one row a transport */
	uint16_t ephemeral_first, ephemeral_last;
};

struct join_facts {
	const struct registry *registry;
	const struct listener_ports *listeners; /* NULL: not known */
};

struct port_row {
	enum transport transport;
	uint16_t first, last; /* differ only in the folded row */
	bool folded, listening;
	struct slice name; /* length 0: none */
	struct counter count[DIR_COUNT];
	uint64_t attempts, answers; /* tcp, local side */
};

struct span_row {
	const struct span *span; /* belongs to the snapshot */
	struct counter count[DIR_COUNT];
};

struct rows {
	struct port_row *ports;
	size_t port_count, port_total; /* shown; and before `top` cut the list */
	struct span_row *spans;
	size_t span_count;
	uint64_t folded_ports; /* ports with traffic that a folded row stands for */
};

/*
 * @before: an earlier snapshot of the same counting, then rows hold the
 * difference; NULL: totals. Rows refer to @now and @facts. 0 or -ENOMEM.
 */
int rows_make(const struct snapshot *now, const struct snapshot *before,
	      const struct row_wish *wish, const struct join_facts *facts, struct rows *ret_rows);

void rows_release(struct rows *rows);

#endif
