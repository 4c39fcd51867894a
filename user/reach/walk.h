/*
 * The way of first packets through all hooks: for one family and one transport, and
 * all ports that are asked for, at once. For reach/ alone.
 */
#ifndef PORTSCRIBE_REACH_WALK_H
#define PORTSCRIBE_REACH_WALK_H

#include "reach/packet.h"

enum fate {
	FATE_OPEN, /* it comes to a socket, if there is one */
	FATE_DROPPED,
	FATE_REJECTED,
	FATE_SENT_ON, /* to another host */
	FATE_CANNOT_TELL,
};

/* Where something was decided: the rule, and the rules that led to its chain. */
struct step {
	const struct step *before;
	const struct chain *chain;
	const struct rule *rule; /* NULL: the chain's policy, or its end */
};

struct outcome {
	struct stream stream;
	enum fate fate;
	const struct step *step; /* NULL: the kernel itself decides */
	bool loopback;		 /* it came over lo */
	const char *text;	 /* FATE_CANNOT_TELL: what; else what the kernel says; or NULL */
};

/* What let packets through one hook. */
struct passage {
	struct space space;
	const struct step *step;
	bool loopback;	 /* they came over lo */
	bool translates; /* it gave them another destination */
	bool filters;	 /* a chain at input or forward */
};

struct walk {
	struct outcome *outcomes; /* owned */
	size_t count, room;
	struct passage *passages; /* owned; in the order of the hooks */
	size_t passage_count, passage_room;
};

struct walk_question {
	const struct program *program;
	const struct host *host;
	struct arena *arena; /* for what the walk refers to */
	uint8_t family;	     /* NFPROTO_IPV4, NFPROTO_IPV6 */
	uint8_t transport;   /* IPPROTO_* */
	const struct interval *ports;
	size_t port_count;
};

/* 0 or -ENOMEM. The outcomes cover all packets that can arrive, some twice: by literals. */
int walk_run(const struct walk_question *question, struct walk *ret_walk);
void walk_release(struct walk *walk);

/* All that can arrive, from elsewhere or over lo. */
void walk_begin(const struct walk_question *question, bool loopback, struct space *ret_space);

#endif
