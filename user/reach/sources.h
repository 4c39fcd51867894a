/*
 * Sources as whoever wrote the rule meant them: 10.0.0.0/8, not what is left of it
 * without this host's own address in the middle, which cannot be a source. Pure.
 */
#ifndef PORTSCRIBE_REACH_SOURCES_H
#define PORTSCRIBE_REACH_SOURCES_H

#include "reach/host.h"

/*
 * Join @count sorted intervals of addresses over those that are @host's own, and let
 * them end where a prefix does, if only such addresses are added. Fills the first @room
 * of @ret_meant and returns how many; *ret_used is how many of @sources they stand for.
 */
size_t sources_as_meant(const struct host *host, uint8_t family, const struct interval *sources,
			size_t count, struct interval *ret_meant, size_t room, size_t *ret_used);

#endif
