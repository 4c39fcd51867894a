/* What the readers of the two formats share; only official*.c include this. */
#ifndef PORTSCRIBE_OFFICIAL_INTERNAL_H
#define PORTSCRIBE_OFFICIAL_INTERNAL_H

#include "registry/official.h"

struct official_place {
	unsigned int line, column;
};

/* A record whose texts are still to be understood. */
struct official_draft {
	struct slice port, transport;
	struct official_place port_at, transport_at;
	struct slice columns[OFFICIAL_COLUMNS];
	struct official_place columns_at[OFFICIAL_COLUMNS];
};

struct official_reader {
	struct official official;
	char latest[sizeof("YYYY-MM-DD")]; /* date in a record */
	struct fault *fault;
	struct official_place place; /* of the fault */
};

/* Fill the fault, remember its place. Always -EINVAL. */
int official_refuse(struct official_reader *reader, struct official_place place, const char *format,
		    ...) __attribute__((format(printf, 3, 4)));

/* Append @draft; its texts must live as long as the official. 0, -EINVAL, -ENOMEM. */
int official_add(struct official_reader *reader, const struct official_draft *draft);

int official_read_csv(struct official_reader *reader, char *text, size_t length);
int official_read_xml(struct official_reader *reader, const char *text, size_t length);

#endif
