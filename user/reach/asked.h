/* What reach.h's functions share: walks that were made, and what of them concerns a port. */
#ifndef PORTSCRIBE_REACH_ASKED_H
#define PORTSCRIBE_REACH_ASKED_H

#include "reach/reach.h"
#include "reach/walk.h"
#include "reach/where.h"

/* Of the ports that are asked for, what of a walk concerns each: numbers, by port. */
struct port_index {
	uint32_t *starts; /* owned; of each port's place, and one more */
	uint32_t *items;  /* owned */
};

/* For one family and one transport. */
struct asked {
	uint16_t *list; /* owned: the ports, sorted */
	size_t count;
	struct port_index outcomes, passages;

	struct interval *silent; /* owned: sources that nothing comes from */
	size_t silent_count;
	struct walk walk;
	struct where_cache cache;
	struct space everything;
	bool done;
	uint64_t ports[PORT_COUNT / 64]; /* that the walk is about */
};

struct reach {
	const struct host *host;
	struct program program;
	struct arena arena;
	struct asked asked[2][TRANSPORT_COUNT];
};

/* The place of @port, or where it would be, among those that are asked for. */
size_t asked_place(const struct asked *asked, uint16_t port);

/* Answer @question, whose port was asked for. 0 or -ENOMEM; @answer may then be half done. */
int answer_make(struct reach *reach, const struct reach_question *question,
		struct reach_answer *answer);

#endif
