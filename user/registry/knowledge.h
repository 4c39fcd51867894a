/*
 * All that is known about ports without looking at this machine: the registry,
 * the overlays with the administrator's own, the spans that come from them, the
 * companions. Loaded once, handed around as one thing. Pure.
 */
#ifndef PORTSCRIBE_KNOWLEDGE_H
#define PORTSCRIBE_KNOWLEDGE_H

#include "registry/companion.h"
#include "registry/overlay.h"
#include "registry/registry.h"
#include "registry/spans.h"

struct knowledge {
	const struct registry *registry; /* not owned */
	struct overlay_list overlays;
	struct span_list spans; /* those of the overlays, and what the program adds */
	struct companion_list companions;
};

/* What ships with the program. 0 or -ENOMEM. */
int knowledge_builtin(struct knowledge *ret_knowledge);

void knowledge_release(struct knowledge *knowledge);

/*
 * What is usually found on @port: the first row of @kinds (bits by enum
 * overlay_kind) that is about one of @transports. History speaks only for a
 * number that has neither a name nor another row. NULL where there is none.
 */
const struct overlay *knowledge_practice(const struct knowledge *knowledge, uint8_t transports,
					 uint16_t port, unsigned int kinds);

#define OVERLAY_ALIVE (1u << OVERLAY_USE | 1u << OVERLAY_RISK)
#define OVERLAY_GONE  (1u << OVERLAY_LEGACY | 1u << OVERLAY_DEAD)

/*
 * The name of @port on one of @transports, in the order tcp, udp, sctp: as
 * registered. Length 0: none.
 */
struct slice knowledge_name(const struct knowledge *knowledge, uint8_t transports, uint16_t port);

/* What goes before the label of a row: "in practice ", "once ", "" of the registered use. */
const char *practice_lead(const struct overlay *overlay);

/* What goes behind it: ", likely legacy", ", dead", "". */
const char *practice_note(const struct overlay *overlay);

/*
 * Rows of practice that ship were written beside @shipped. Settle which of them are
 * about the registered use under the registry in use: those whose ports have the
 * names there that they have in @shipped, and those whose own name their port has
 * got. What the administrator says is left as it is.
 */
void knowledge_settle(struct knowledge *knowledge, const struct registry *shipped);

/*
 * Whether the pair holds for the registry in use, which may be newer than the
 * table of companions: a rule went by names, so the names must be the same.
 */
bool knowledge_has_pair(const struct knowledge *knowledge, const struct companion *companion);

#endif
