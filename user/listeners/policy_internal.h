/* A rule of a policy as its parts share it: reading (policy_parse.c), matching (policy.c). */
#ifndef PORTSCRIBE_POLICY_INTERNAL_H
#define PORTSCRIBE_POLICY_INTERNAL_H

#include "listeners/policy.h"
#include "util/arena.h"

enum reach {
	REACH_ALL,
	REACH_LOOPBACK,
	REACH_PREFIX, /* of one family */
};

struct policy_rule {
	unsigned int line;
	struct slice text; /* as written */
	struct {
		bool holds;
		uint16_t first, last;
	} ports[TRANSPORT_COUNT];
	bool ephemeral; /* names that span */

	enum reach reach;
	int family;	       /* of REACH_PREFIX */
	unsigned int bits;     /* of the prefix */
	uint8_t prefix[16];    /* network order */
	const char *interface; /* NULL: any, or none */

	/* All that are set must hold; with @anybody none is. */
	bool anybody, kernel;
	const char *exe;  /* glob(7); NULL: any */
	const char *unit; /* glob(7) */
	enum container_kind container_kind;
	const char *container; /* glob(7); NULL: any of that kind */
};

struct policy {
	char *text;		   /* owned: what the rules' texts lie in */
	struct policy_rule *rules; /* owned */
	size_t count;
	struct arena arena; /* of decoded words */
};

/*
 * The length of the character at @text, of which @length > 0 bytes are left; 0 where it
 * is none that may stand in a policy as it is: no UTF-8, a control, or one that turns
 * the direction of its neighbours, so that a person would read something else.
 */
size_t policy_character(const char *text, size_t length);

#endif
