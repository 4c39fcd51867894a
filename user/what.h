/*
 * What a person means by 3069, udp/3069, 3224-3324, ls3 or framehawk: sets of
 * ports. Strict: junk after a number is an error, never ignored. Pure.
 */
#ifndef PORTSCRIBE_WHAT_H
#define PORTSCRIBE_WHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/knowledge.h"
#include "util/fault.h"

#define TRANSPORTS_ALL (SERVICE_TCP | SERVICE_UDP | SERVICE_SCTP)

struct port_range {
	uint8_t transports; /* SERVICE_TCP | ... */
	uint16_t first, last;
};

struct what {
	const char *text;	   /* as given */
	struct port_range *ranges; /* owned, by first port; a port once for a transport */
	size_t count;
	char span[SPAN_NAME_MAX + 1]; /* the span it names; "" where it names none */
	bool by_name;		      /* it is a name, not numbers */
};

/*
 * Understand @text: a port, :port, a range, each with a transport before or
 * after a slash; else a service name, exact, then alias; else a span; else a
 * name from practice (node_exporter); else a former name. -EINVAL with @fault
 * where it is none of them.
 */
int what_parse(const char *text, const struct knowledge *knowledge, struct what *ret_what,
	       struct fault *fault);

void what_release(struct what *what);

bool what_holds(const struct what *what, enum transport transport, uint16_t port);

/* "tcp", "udp", "sctp". */
const char *transport_name(enum transport transport);

/* "tcp,udp" for a mask of SERVICE_*, dccp included. Returns @target. */
char *transports_text(char *target, size_t size, uint8_t transports);

#endif
