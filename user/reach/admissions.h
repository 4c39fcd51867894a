/*
 * Whom the ruleset lets in to some ports, a few characters each: for lines that are
 * about something else.
 */
#ifndef PORTSCRIBE_REACH_ADMISSIONS_H
#define PORTSCRIBE_REACH_ADMISSIONS_H

#include "reach/brief.h"

struct admission_port {
	enum transport transport;
	uint16_t port;
	char text[REACH_BRIEF_MAX]; /* filled; as reach_brief_both() */
};

/* Of a ruleset that has been read, ELEMENTS_ALL, and this host. 0; -ENOMEM; -errno with @fault. */
int admissions_of(const struct kernel_ruleset *ruleset, struct admission_port *ports, size_t count,
		  struct fault *fault);

/*
 * Of the live ruleset of the current network namespace. -ENOENT: there is none;
 * -EPERM; else as admissions_of().
 */
int admissions_read(struct admission_port *ports, size_t count, struct fault *fault);

#endif
