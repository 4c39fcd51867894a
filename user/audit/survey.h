/*
 * What the ruleset does with new connections to many ports, in a few words for each:
 * what the audit's checks look things up in. One answer of reach for each port and
 * family is looked at and let go, so that all ports take some megabytes.
 */
#ifndef PORTSCRIBE_AUDIT_SURVEY_H
#define PORTSCRIBE_AUDIT_SURVEY_H

#include "reach/beside.h"
#include "reach/reach.h"

/* Of one port, family and transport; what comes over lo is left out, but for @asked. */
struct survey_port {
	bool asked;
	bool no_address;     /* nothing can be sent to this family here */
	bool unknown;	     /* some of it cannot be told, or something beside nftables decides */
	bool open, from_any; /* to somebody; to any source, without a condition */
	bool from_public;    /* from any, by an interface that may be for more than own networks */
	bool sent_on;	     /* to another host, from any source */
	bool some_sent_on;   /* from some */
	bool has_target;     /* what is open comes to another port of this host */
	uint16_t target;
	uint16_t sent_to_port;
	number_t sent_to;
	struct reach_rule opens;  /* chain NULL: nothing opens it, or no rule decides */
	struct reach_rule closes; /* the first one; chain NULL: nothing does */
	struct reach_rule sends;  /* translates it to another host */
	bool rejected;		  /* @closes tells the sender */
	bool stateful; /* a rule that decides, or leads there, is not rule_is_stateless() */
};

struct survey;

/* @ruleset, @host and @beside must outlive it. 0 or -ENOMEM. */
int survey_new(const struct kernel_ruleset *ruleset, const struct host *host,
	       const struct beside *beside, struct survey **ret_survey);
void survey_free(struct survey *survey);

/* A set of ports of each transport: one bit a port. */
struct port_set {
	uint64_t bits[TRANSPORT_COUNT][PORT_COUNT / 64];
};

void port_set_add(struct port_set *set, enum transport transport, uint16_t first, uint16_t last);
bool port_set_holds(const struct port_set *set, enum transport transport, uint16_t port);

/* Ask for all ports of @set, IPv4 and IPv6, and keep what is answered. 0 or -ENOMEM. */
int survey_ask(struct survey *survey, const struct port_set *set);

enum survey_family { SURVEY_IPV4, SURVEY_IPV6, SURVEY_FAMILIES };

/* "IPv4" */
const char *survey_family_word(enum survey_family family);

/* NFPROTO_IPV4, NFPROTO_IPV6 */
uint8_t survey_family_number(enum survey_family family);

/* Of a port that was asked for; else one that says no more than that it was not. */
const struct survey_port *survey_port(const struct survey *survey, enum survey_family family,
				      enum transport transport, uint16_t port);

/*
 * The answers to other questions, such as those about one address. One for each;
 * 0 or -ENOMEM.
 */
int survey_ask_more(struct survey *survey, const struct reach_question *questions, size_t count,
		    struct survey_port *ret_ports);

/* Whether a rule decided, or led on, for some packet of what was asked, lo included. */
bool survey_reaches(const struct survey *survey, const struct kernel_rule *rule);

/* Whether it let something of that in from outside, or led to the rule that did. */
bool survey_lets_in(const struct survey *survey, const struct kernel_rule *rule);

#endif
