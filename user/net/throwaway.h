/*
 * A process in a network namespace of its own, which ends with it: for trying
 * things out. What happens there cannot touch the machine.
 */
#ifndef PORTSCRIBE_THROWAWAY_H
#define PORTSCRIBE_THROWAWAY_H

#include <stddef.h>
#include <stdio.h>

#include "util/fault.h"

/*
 * Run @work in a child in a new network namespace; without root, in a new user
 * namespace as well. It writes what it has to say to the stream @report, which is
 * given back in *ret_report (owned, NUL-terminated). Returns what @work returned,
 * from 0 to 100, or -errno with @fault: -EPERM where this process may make no
 * namespace.
 */
int throwaway_run(int (*work)(void *data, FILE *report), void *data, char **ret_report,
		  size_t *ret_length, struct fault *fault);

/* Make a network interface called @name in the current namespace, of whatever kind. 0 or -errno. */
int throwaway_interface(const char *name);

#endif
