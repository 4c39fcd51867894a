/*
 * What to think of a listener: its facts joined with what is known of ports and
 * with the administrator's policy. Apart from reading either: pure, so that it
 * can be tested on listeners that never were.
 */
#ifndef PORTSCRIBE_LISTENER_VERDICT_H
#define PORTSCRIBE_LISTENER_VERDICT_H

#include "listeners/listener.h"
#include "listeners/policy.h"
#include "registry/knowledge.h"

/* By how much they ask for a look: the lowest first. */
enum listener_verdict {
	VERDICT_EPHEMERAL,  /* a client's bound UDP port */
	VERDICT_KNOWN,	    /* the policy allows it */
	VERDICT_EXPECTED,   /* a program that is usual on this port */
	VERDICT_REGISTERED, /* the port has a name, and nothing says which program is usual */
	VERDICT_UNASSIGNED, /* nothing is known of this port */
	VERDICT_DORMANT,    /* registered for what nobody runs any more */
	VERDICT_MISMATCH,   /* another program than is usual there */
	VERDICT_RISKY,	    /* should not be reached from outside, and is bound so */
	VERDICT_COUNT,
};

/* "expected", "mismatch" ... */
const char *listener_verdict_word(enum listener_verdict verdict);

struct verdict_facts {
	const struct knowledge *knowledge;
	const struct policy *policy; /* NULL: there is none */
	uint16_t ephemeral_first, ephemeral_last;
};

#define LISTENER_REASON_MAX 240

struct listener_opinion {
	enum listener_verdict verdict;
	struct slice service; /* the name of the port as registered; length 0: none */
	/* The row of practice the verdict goes by; NULL: none. */
	const struct overlay *practice;
	const struct policy_rule *rule;	  /* that allows it; NULL: none */
	char reason[LISTENER_REASON_MAX]; /* holds foreign bytes, as a process's name does */
};

/* No router of the Internet sends there. AF_INET or AF_INET6; network byte order. */
bool address_is_private(int family, const uint8_t *address);

/* Bound to one such address. Bound to all: false, they may hold a public one. */
bool listener_is_private(const struct listener *listener);

void listener_judge(const struct listener *listener, const struct verdict_facts *facts,
		    struct listener_opinion *ret_opinion);

#endif
