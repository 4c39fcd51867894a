/* The stations of a conversion; only their files include this: see convert.c. */
#ifndef PORTSCRIBE_CONVERT_INTERNAL_H
#define PORTSCRIBE_CONVERT_INTERNAL_H

#include "registry/convert.h"
#include "util/slice.h"
#include "util/arena.h"

/* A record, cleaned. */
struct entry {
	uint16_t first, last;
	uint8_t transport; /* one of SERVICE_TCP ...; 0: none named */
	uint32_t position; /* in the file */
	bool has_reference;
	struct slice name, description, assignee, registered, modified, reference, unauthorized,
		notes;
	struct slice assignee_from; /* as in the column source: "next:3069" */
};

/* The records of one (first, last, transport), in the order of the file; the first is
 * the primary one. */
struct group {
	struct entry *entries; /* in the list of all, not owned */
	uint32_t count;
};

/* A row of the table. */
struct row {
	uint16_t first, last;
	uint8_t transports; /* SERVICE_TCP | ...; 0: none named */
	uint8_t status;	    /* enum service_status */
	struct slice name, description, aliases, assignee, registered, modified, reference,
		unauthorized, notes, former, source;
};

struct conversion {
	const struct registry *in_use;
	struct arena arena;
	struct entry *entries; /* owned */
	size_t entry_count;
	struct group *groups; /* owned; by first, last, transport */
	size_t group_count;
	struct row *rows; /* owned */
	size_t row_count, row_room;
	struct fault *fault;
};

/* Of several names the registry lists the older one first, also where the service has moved on. */
struct preferred_name {
	uint16_t port;
	uint8_t transport;
	const char *name;
};

#define PREFERRED_NAMES 3
extern const struct preferred_name preferred_names[PREFERRED_NAMES];

/* Fill entries and groups. 0, -EINVAL, -ENOMEM. */
int group_records(struct conversion *conversion, const struct official *official);

/* Assignees of rows that have none from the records that name it for them. 0 or -ENOMEM. */
int inherit_assignees(struct conversion *conversion);

/* Fill the rows, sorted and joined; @day: their source. 0 or -ENOMEM. */
int make_rows(struct conversion *conversion, struct slice day);

/*
 * The names that @port had on @transports (0: tcp and udp), in *ret_former,
 * separated by blanks: those of the table in use that it has no more. @row: what it
 * is now; ranges of the new table that hold the port count, too. 0 or -ENOMEM.
 */
int former_names(struct conversion *conversion, const struct row *row, uint16_t port,
		 struct slice *ret_former);

/* Whether the list "a b" has @name, without regard to case. */
bool list_has_name(struct slice list, struct slice name);

#endif
