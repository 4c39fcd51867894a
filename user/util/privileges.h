/*
 * Giving up what is needed no more. Apart from system.h, which only looks: this
 * changes the process, for good.
 */
#ifndef PORTSCRIBE_PRIVILEGES_H
#define PORTSCRIBE_PRIVILEGES_H

#include <stdint.h>

/*
 * Keep the capabilities of @keep (bits by CAP_* number) that we have, and no other:
 * neither effective, permitted, inheritable nor ambient, nor by executing a program
 * (no_new_privs; the bounding set too where CAP_SETPCAP allows). One thread must be
 * all there is. 0 or -errno.
 */
int privileges_keep(uint64_t keep);

#endif
