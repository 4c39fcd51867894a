/* One rule at work on a stream. For chains.c, rule.c and effects.c alone. */
#ifndef PORTSCRIBE_REACH_WORKING_H
#define PORTSCRIBE_REACH_WORKING_H

#include "reach/chains.h"

struct working {
	struct travel *travel;
	const struct chain *chain;
	const struct rule *rule;
	const struct step *before; /* that led to the chain */
	unsigned int jumps;
	bool filters;
	struct streams *fallen;	  /* goes on to the next rule */
	struct streams *returned; /* goes back to where the chain was called */
	struct streams *passed;	  /* leaves the hook */
};

/* Where it is. NULL: no memory, which the travel knows. */
const struct step *working_step(const struct working *working);

/* @stream leaves the hook; it is used up, and told to the walk. */
void working_pass(const struct working *working, struct stream *stream, bool translates);

/* A verdict of a rule or of a map. Uses up @stream. */
void working_verdict(struct working *working, struct stream *stream, enum operation operation,
		     const struct chain *target, const char *text);

/* All instructions of the rule. Uses up the stream of @frame. */
void rule_work(struct working *working, struct frame *frame);

/* ---- what a rule does to a packet ---- */

/* The known bits of a register of 4 bytes. */
void effect_mark(const struct frame *frame, uint8_t from, uint32_t *ret_mark, uint32_t *ret_known);

void effect_changes_set(struct packet_state *state, const struct set *set);

/* OP_DNAT, OP_REDIRECT: a verdict, too. Uses up the stream. */
void effect_translate(struct working *working, struct frame *frame,
		      const struct instruction *instruction);

/* OP_TPROXY: what finds no proxy falls through. */
void effect_tproxy(struct working *working, struct frame *frame,
		   const struct instruction *instruction);

#endif
