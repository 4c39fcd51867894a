/*
 * Counters with a name: what they have counted stands in the table, far from the
 * rules that name them. Pure; for rules_read() alone.
 */
#ifndef PORTSCRIBE_RULES_COUNTERS_H
#define PORTSCRIBE_RULES_COUNTERS_H

#include "rules/rules.h"

/*
 * Give each item that names a counter what it has counted, where the text tells.
 * 0 or -ENOMEM.
 */
int rules_fill_counters(struct rules *rules);

/* "packets 12 bytes 720" at @at of @tokens. False where something else stands there. */
bool counter_numbers(const struct tokens *tokens, size_t at, uint64_t *ret_packets,
		     uint64_t *ret_bytes);

#endif
