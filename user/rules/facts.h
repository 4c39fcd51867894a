/*
 * What this machine knows of the ports that a rule names: who listens there, what
 * arrived for them. Pure; for the renderers of rules/ alone.
 */
#ifndef PORTSCRIBE_RULES_FACTS_H
#define PORTSCRIBE_RULES_FACTS_H

#include "rules/rules.h"

#define LISTENED_MAX 4 /* ports that are named */

struct port_facts {
	bool is_range;
	bool has_listeners; /* it is known, and the ports are those of this machine's side */
	unsigned int listened_count;
	uint16_t listened[LISTENED_MAX]; /* the first of them */
	bool has_traffic;
	enum side side;
	struct counter in;
	bool has_attempts; /* tcp */
	bool has_answers;  /* what leaves is counted somewhere */
	uint64_t attempts, answers;
	const char *admits[TRANSPORT_COUNT]; /* of one port; NULL: not known */
};

/* For qsort() and bsearch() of rules_facts.admissions. */
int admission_compare(const void *left, const void *right);

void port_facts_read(const struct rules_facts *facts, const struct port_use *use,
		     struct port_facts *ret_facts);

/* "; nobody listens; the ruleset lets in: any; 12,345 packets in since 2026-11-03 09:12:44, 310
 * attempts, none answered" */
void port_facts_print(FILE *out, const struct port_facts *facts, const struct snapshot *traffic);

#endif
