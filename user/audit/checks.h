/*
 * What the checks of an audit share: the facts with what the ruleset does with each
 * port, and how a finding is written. For audit/ alone.
 */
#ifndef PORTSCRIBE_AUDIT_CHECKS_H
#define PORTSCRIBE_AUDIT_CHECKS_H

#include "audit/audit.h"

struct audit {
	const struct audit_facts *facts;
	struct survey *survey;
	struct survey_port (
		*bound)[SURVEY_FAMILIES]; /* owned; of each listener's own address, by family */
	struct port_set listening;	  /* outside of lo */
	struct findings *findings;
};

/* A new finding, NULL where there is no memory. Valid until the next one. */
struct finding *finding_add(struct audit *audit, enum finding_code code,
			    enum finding_severity severity, uint8_t transports, uint16_t first,
			    uint16_t last);

/* Write into one of its texts, behind what is there. */
void finding_say(struct audit *audit, char **text, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "inet filter input, handle 41", "the policy of inet filter input". */
void finding_say_rule(struct audit *audit, char **text, const struct reach_rule *rule);

/* The same and the rule's own text. */
void finding_say_item(struct audit *audit, char **text, const struct rules_item *item,
		      const struct kernel_rule *rule);

/* "sshd (812, ssh.service) at 10.0.0.1" */
void finding_say_listener(struct audit *audit, char **text, const struct listener *listener);

/*
 * What was counted for a port: "3 attempts since ..., none answered."; nothing where
 * nothing is counted.
 */
void finding_say_traffic(struct audit *audit, char **text, uint8_t transports, uint16_t first,
			 uint16_t last);

/* What it decides about the first packet of a connection, it decides about all of them. */
bool rule_is_stateless(const struct kernel_rule *rule);

/* The registered name, or "". */
struct slice audit_name(const struct audit *audit, uint8_t transports, uint16_t port);

/* What practice says of a port that is dead and registered for that; NULL. */
const struct overlay *audit_dead(const struct audit *audit, enum transport transport,
				 uint16_t port);

/* A finding for each thing of its kind. What has no memory is in audit->findings->failed. */
void check_rules(struct audit *audit);
void check_shadows(struct audit *audit);
void check_listeners(struct audit *audit);
void check_traffic(struct audit *audit);
void check_published(struct audit *audit);

#endif
