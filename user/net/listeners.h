/*
 * Which ports somebody listens on in the current network namespace: TCP and
 * SCTP listeners and bound UDP sockets, as sockets.h finds them: one bit a port, for
 * answers that need no more. Needs no privilege.
 */
#ifndef PORTSCRIBE_LISTENERS_H
#define PORTSCRIBE_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>

#include "ports.h"
#include "util/fault.h"

struct listener_ports {
	uint64_t set[TRANSPORT_COUNT][PORT_COUNT / 64]; /* one bit a port */
};

/*
 * 0 or -errno; transports whose diagnosis the kernel does not offer (sctp
 * without its module) have no listeners. UDP sockets that are connected are
 * clients, not listeners.
 */
int listener_ports_read(struct listener_ports *ret_ports, struct fault *fault);

static inline bool listener_on(const struct listener_ports *ports, enum transport transport,
			       uint16_t port)
{
	return ports->set[transport][port / 64] >> (port % 64) & 1;
}

#endif
