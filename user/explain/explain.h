/*
 * The answer to "what is this port": one line that says it, then what it is,
 * whether it is used today, what traffic there may mean, how to check. Pure:
 * facts in, text or JSON out. A name is a claim, so the number is always there.
 */
#ifndef PORTSCRIBE_EXPLAIN_H
#define PORTSCRIBE_EXPLAIN_H

#include <jansson.h>
#include <stdio.h>

#include "explain/frequency.h"
#include "net/listeners.h"
#include "reach/admissions.h"
#include "scene.h"
#include "snapshot.h"
#include "what.h"

struct explain_facts {
	const struct scene *scene;
	const char *netns;			/* as given to -N; NULL: this one */
	const struct snapshot *traffic;		/* NULL: see counters_missing */
	const char *counters_missing;		/* why there are no counters */
	const struct listener_ports *listeners; /* NULL: see listeners_missing */
	const char *listeners_missing;
	/* Whom the firewall lets in to the one port that is asked for; NULL: not known, or none. */
	const struct admission_port *admissions; /* a transport each */
	size_t admission_count;
	const struct frequencies *frequencies; /* NULL: nmap is not installed */
};

/*
 * At most 25 lines of 80 columns for one port, unless @verbose: then all there is.
 * 0; -ENOMEM, and nothing printed.
 */
int explain_print(FILE *out, const struct what *what, const struct explain_facts *facts,
		  bool verbose);

/* Schema portscribe.explain.v1 (README.md, "JSON"). NULL: no memory. */
json_t *explain_json(const struct what *what, const struct explain_facts *facts);

/*
 * The ports whose counters an answer about @what uses, beside those of @what:
 * companions, and the other ports of narrow spans. Bits by port.
 */
void explain_wanted_ports(const struct what *what, const struct knowledge *knowledge,
			  uint64_t ret_ports[PORT_COUNT / 64]);

#endif
