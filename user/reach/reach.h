/*
 * What a ruleset does with the first packet of a new connection, by port: open to
 * whom, and by which rule; closed, and by which; or why that cannot be told. Many
 * questions at once cost little more than one. Pure but for what is handed in.
 *
 *	reach_new(&kernel_ruleset, &host, &reach);
 *	reach_ask(reach, questions, count, answers);
 */
#ifndef PORTSCRIBE_REACH_H
#define PORTSCRIBE_REACH_H

#include "nft/live/kernel.h"
#include "ports.h"
#include "reach/host.h"

struct reach;

/* @ruleset (ELEMENTS_ALL) and @host must outlive it. 0 or -ENOMEM. */
int reach_new(const struct kernel_ruleset *ruleset, const struct host *host,
	      struct reach **ret_reach);
void reach_free(struct reach *reach);

/*
 * For a ruleset that is another host's: @host, which was read where it is loaded, gets
 * all interfaces that it tells apart, and all addresses. 0 or -ENOMEM.
 */
int reach_assume(const struct kernel_ruleset *ruleset, struct host *host);

#define REACH_ANY_INTERFACE SIZE_MAX

struct reach_question {
	uint8_t family;		  /* NFPROTO_IPV4, NFPROTO_IPV6 */
	enum transport transport; /* tcp, udp, sctp */
	uint16_t port;		  /* that is asked for, as sent */
	bool has_bound;		  /* a listener takes only what is sent to this address */
	number_t bound;
	bool has_from; /* only from these sources */
	struct interval from;
	size_t interface; /* only by this one: its place in the host; or REACH_ANY_INTERFACE */
};

enum reach_verdict {
	REACH_OPEN,
	REACH_MAYBE,   /* open only when ... */
	REACH_SENT_ON, /* to another host */
	REACH_CANNOT_TELL,
	REACH_REJECTED, /* the sender is told */
	REACH_DROPPED,
};

/* A rule, or a chain's policy (rule NULL). */
struct reach_rule {
	const struct kernel_chain *chain; /* NULL: the kernel itself decides */
	const struct kernel_rule *rule;
	struct slice comment; /* length 0: none */
};

/* Packets that differ in nothing but what is said here; all lists are sorted. */
struct reach_where {
	bool any_source;
	struct interval *sources; /* owned, also where they are any */
	size_t source_count;
	bool any_interface;	     /* all but lo */
	struct interval *interfaces; /* owned; places in the host */
	size_t interface_count;
	bool any_destination;	       /* all of the host's own that can be reached there */
	struct interval *destinations; /* owned */
	size_t destination_count;
	bool any_source_port;
	struct interval *source_ports; /* owned */
	size_t source_port_count;
	bool is_loopback;
};

struct reach_part {
	enum reach_verdict verdict;
	const struct reach_where *where; /* may be that of other answers, too */
	size_t where_count;
	struct where_list *where_list; /* owned: a reference to it */
	struct reach_rule decides;
	struct reach_rule translates; /* chain NULL: nothing does */
	const char *reason;	      /* what cannot be told, or what the kernel says; NULL */
	bool has_address;	      /* it is sent to another one */
	number_t address;
	uint16_t port;	   /* where it comes to */
	const char **when; /* owned; what must be, REACH_MAYBE; texts live as long as the reach */
	size_t when_count;
	struct reach_rule *path; /* owned; the rules that lead to the deciding one, then that */
	size_t path_count;
};

struct reach_answer {
	struct reach_question question;
	struct reach_part *parts; /* owned; by verdict */
	size_t count;
	bool no_address; /* nothing can be sent to this family here */
};

/*
 * Answers to @count questions. 0 or -ENOMEM. Release each with reach_answer_release(),
 * before the reach.
 */
int reach_ask(struct reach *reach, const struct reach_question *questions, size_t count,
	      struct reach_answer *ret_answers);
void reach_answer_release(struct reach_answer *answer);

/* The worst that can be said of it in one word: REACH_OPEN where some of it is open ... */
enum reach_verdict reach_answer_verdict(const struct reach_answer *answer);

#endif
