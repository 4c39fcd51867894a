/*
 * One port, as the parts of an answer look at it, and the questions that
 * several of them ask.
 */
#ifndef PORTSCRIBE_SUBJECT_H
#define PORTSCRIBE_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "explain/explain.h"

struct subject {
	uint16_t port;
	uint8_t transports; /* SERVICE_TCP | ..., those asked for */
};

/* Whether @what is one port, and which. */
bool subject_of(const struct what *what, struct subject *ret_subject);

/* The registry's rows on it, in table order; as registry_next_by_port(). */
const struct service *subject_service(const struct subject *subject,
				      const struct knowledge *knowledge,
				      const struct service *after);

/*
 * Rows of practice on it, then ranges that are what it is registered for (6000 is
 * x11), without other spans; as overlay_next_by_port().
 */
const struct overlay *subject_practice(const struct subject *subject,
				       const struct knowledge *knowledge,
				       const struct overlay *after);

/* The pairs it is in, weak ones last; as companion_at(), without those that do not hold. */
const struct companion *subject_companion(const struct subject *subject,
					  const struct knowledge *knowledge, size_t *at);

/* Whether @span holds it, on one of its transports. */
bool subject_in_span(const struct subject *subject, const struct span *span);

/* The transports somebody listens on; 0 too where it is not known. */
uint8_t subject_listening(const struct subject *subject, const struct explain_facts *facts);

/* Whether it lies in this host's ephemeral range. */
bool subject_is_ephemeral(const struct subject *subject, const struct scene *scene);

/* Packets on the local side of @port, in and out, on one of @transports. */
uint64_t local_packets(const struct snapshot *traffic, uint8_t transports, uint16_t port);

/* Packets to and from that port of other hosts. */
uint64_t peer_packets(const struct snapshot *traffic, uint8_t transports, uint16_t port);

/* The letters that ask ss for @transports: "tu". */
const char *check_letters(uint8_t transports);

/*
 * What goes before a command so that it looks where the answer did: "ip netns exec
 * web ", "" for this namespace; and what our own commands get: " -N web", "".
 */
#define CHECK_MAX 600
char *check_prefix(const struct explain_facts *facts, char ret_text[CHECK_MAX]);
char *check_option(const struct explain_facts *facts, char ret_text[CHECK_MAX]);

/* "for own networks only"; "" where there is nothing to say. */
const char *exposure_sentence(const struct overlay *row);

/* Ports: a span of more says less about one of them, and of many more nothing. */
#define SPAN_SMALL  128
#define SPAN_NARROW 1024

#endif
