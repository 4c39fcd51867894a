/* Values that every JSON answer is made of. The only encoder for that sink. */
#ifndef PORTSCRIBE_JSON_H
#define PORTSCRIBE_JSON_H

#include <jansson.h>
#include <time.h>

#include "util/slice.h"

/*
 * A JSON string of foreign bytes: what is not UTF-8 becomes U+FFFD. NULL only
 * without memory.
 */
json_t *json_foreign(const char *text, size_t length);

/* The same; null for a slice of length 0. */
json_t *json_slice(struct slice slice);

/* ["tcp", "udp"] for a mask of SERVICE_*. */
json_t *json_transports(uint8_t transports);

/* "2026-11-21T03:40:12Z" */
json_t *json_time(struct timespec time);

#endif
