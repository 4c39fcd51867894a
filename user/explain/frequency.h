/*
 * How often a port was found open in nmap's survey of the internet, from
 * nmap-services where nmap is installed. Read at run time: its licence does not
 * let us ship it.
 */
#ifndef PORTSCRIBE_FREQUENCY_H
#define PORTSCRIBE_FREQUENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ports.h"

struct frequencies {
	char *text; /* owned */
	size_t length;
};

/* -ENOENT: nmap is not installed, or its file is not to be trusted; -errno. */
int frequencies_read(struct frequencies *ret_frequencies);

void frequencies_release(struct frequencies *frequencies);

/* The share of hosts, 0 to 1, where (@transport, @port) was open. False: not listed. */
bool frequency_of(const struct frequencies *frequencies, enum transport transport, uint16_t port,
		  double *ret_share);

#endif
