/*
 * The IANA service name and port number registry, read from one text table
 * (services.tsv, embedded in the program) and looked up by number or by name.
 * Pure: knows nothing of the kernel, of files or of root.
 */
#ifndef PORTSCRIBE_REGISTRY_H
#define PORTSCRIBE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ports.h"
#include "util/slice.h"

#define PORT_DYNAMIC_FIRST 49152 /* never assigned from here on (RFC 6335, section 6) */

enum service_status {
	SERVICE_ASSIGNED,
	SERVICE_RESERVED,   /* nobody may register it; also de-assigned numbers */
	SERVICE_UNASSIGNED, /* explicitly listed as free */
};

#define SERVICE_TCP	   (1u << TRANSPORT_TCP)
#define SERVICE_UDP	   (1u << TRANSPORT_UDP)
#define SERVICE_SCTP	   (1u << TRANSPORT_SCTP)
#define SERVICE_DCCP	   (1u << 3) /* in the registry, but not counted: gone since Linux 6.16 */
#define SERVICE_TRANSPORTS 4	     /* how many there are */

/* One row of services.tsv, slices of its text; an empty column is a slice of length 0. */
struct service {
	uint16_t first, last; /* host order, inclusive; equal but for named ranges */
	uint8_t transports;   /* SERVICE_TCP | ...; TCP and UDP where the registry names none */
	uint8_t status;	      /* enum service_status */
	bool transportless;   /* the registry names no transport: a port of it counts once */
	struct slice name;
	struct slice description;
	struct slice aliases;  /* further names, separated by blanks, in registry order */
	struct slice assignee; /* persons or organisations, separated by "; " */
	struct slice registered, modified; /* YYYY-MM or YYYY-MM-DD */
	struct slice reference;		   /* documents, separated by "; ": "RFC 4251" */
	struct slice unauthorized;	   /* "Unauthorized Use Reported" */
	struct slice notes;
	struct slice former; /* names the numbers had in older snapshots, separated by blanks */
	struct slice source; /* snapshots that list the row; assignee=... (see services.tsv) */
};

struct registry;

/*
 * Read a table of @length bytes, which must outlive the registry. On a
 * malformed row returns -EINVAL and, where @ret_line and @ret_column are
 * given, sets them (both count from 1, columns in bytes). -ENOMEM.
 */
int registry_parse(const char *table, size_t length, struct registry **ret_registry,
		   unsigned int *ret_line, unsigned int *ret_column);

/* The embedded registry; parsed on first use, lives until the program ends. Never NULL. */
const struct registry *registry_builtin(void);

void registry_free(struct registry *registry);

/*
 * The row that holds (@transport, @port), whatever its status; NULL where the
 * registry says nothing. Where several rows hold a pair: an assigned one before
 * others, then the narrowest, so that a port inside a named range can have its own.
 */
const struct service *registry_find(const struct registry *registry, enum transport transport,
				    uint16_t port);

/*
 * The name to show beside a number: that of the assigned row for @transport.
 * A slice of length 0 where none is assigned.
 */
struct slice registry_name(const struct registry *registry, enum transport transport,
			   uint16_t port);

/*
 * Rows whose span of numbers holds @port, on any transport, in table order.
 * Start with @after NULL, go on with the row last returned; NULL ends.
 */
const struct service *registry_next_by_port(const struct registry *registry, uint16_t port,
					    const struct service *after);

/* The same, for rows that hold any port from @first to @last. */
const struct service *registry_next_in(const struct registry *registry, uint16_t first,
				       uint16_t last, const struct service *after);

/* The same, for rows of exactly that @assignee, which is not empty. */
const struct service *registry_next_by_assignee(const struct registry *registry,
						struct slice assignee, const struct service *after);

enum name_match {
	NAME_EXACT,  /* the primary name, compared without case */
	NAME_ALIAS,  /* one of the aliases */
	NAME_FORMER, /* a name it once had */
};

/* As registry_next_by_port, for rows known by @name in the sense of @match. */
const struct service *registry_next_by_name(const struct registry *registry, const char *name,
					    enum name_match match, const struct service *after);

/* Row number @index from 0 on, in the order of the table; NULL behind the last. */
const struct service *registry_row(const struct registry *registry, unsigned int index);

struct registry_info {
	unsigned int rows;
	/* Assigned (port, transport) pairs, ranges in full; once where no transport is named. */
	unsigned int pairs;
	struct slice snapshots; /* dates of the inputs, from the table's header */
	struct slice head;	/* the lines of comment that the table begins with; see head.h */
	struct slice body;	/* the rest: the rows as they are written */
};

void registry_info(const struct registry *registry, struct registry_info *ret_info);

/* What a person wants to know of a table; more work than registry_info(). */
struct registry_counts {
	unsigned int named_ranges, unassigned_ranges; /* rows of more than one port */
	/* Assigned pairs, as registry_info.pairs, of which the table knows this. */
	unsigned int with_assignee, with_date, with_aliases;
};

void registry_count(const struct registry *registry, struct registry_counts *ret_counts);

#endif
