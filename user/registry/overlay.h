/*
 * What is found on ports in practice, beside what is registered: software,
 * ranges used as a unit, dead names, risks; each row with its source and how
 * sure it is. Read from overlays.tsv (embedded) and from files of the same
 * format (the administrator's). Pure: knows nothing of files or of root.
 */
#ifndef PORTSCRIBE_OVERLAY_H
#define PORTSCRIBE_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/registry.h"
#include "registry/spans.h"

#define OVERLAY_NAME_MAX  SPAN_NAME_MAX
#define OVERLAY_LABEL_MAX 26 /* bytes: several must fit into one comment of a rule */

enum overlay_kind {
	OVERLAY_USE,	/* found here today */
	OVERLAY_RISK,	/* the same, and harmful to whom it is exposed */
	OVERLAY_LEGACY, /* replaced, and still met */
	OVERLAY_DEAD,	/* gone: what is seen here is something else */
	OVERLAY_ABUSE,	/* malware or a back door known for this number */
	OVERLAY_SPAN,	/* the ports are one unit */
	OVERLAY_KINDS,
};

/* Who should be able to reach it. */
enum exposure {
	EXPOSURE_NONE, /* nothing to say */
	EXPOSURE_OPEN,
	EXPOSURE_LIMITED,  /* known peers */
	EXPOSURE_INTERNAL, /* own networks */
	EXPOSURE_LOCAL,	   /* this host */
	EXPOSURE_NEVER,	   /* nobody from outside the segment it serves */
	EXPOSURE_COUNT,
};

enum confidence {
	CONFIDENCE_LOW,
	CONFIDENCE_MEDIUM,
	CONFIDENCE_HIGH,
	CONFIDENCE_COUNT,
};

/* One row; a column that says "-" is a slice of length 0. */
struct overlay {
	uint16_t first, last;  /* host order, inclusive */
	uint8_t transports;    /* SERVICE_TCP | ..., never DCCP */
	uint8_t kind;	       /* enum overlay_kind */
	uint8_t exposure;      /* enum exposure */
	uint8_t confidence;    /* enum confidence */
	bool registered;       /* it is what the numbers are registered for */
	bool local;	       /* from a file of the administrator's */
	struct slice name;     /* [a-z0-9-]: with the ports, the row's key; of a span, the key */
	struct slice label;    /* at most OVERLAY_LABEL_MAX printable ASCII bytes */
	struct slice text;     /* a sentence without full stop */
	struct slice programs; /* as in /proc/PID/comm, separated by blanks */
	struct slice condition, successor, source;
	unsigned int line;  /* in its file */
	const char *origin; /* that file; "" for the embedded table */
};

/* It is gone, and the number is registered for something else, or for nothing. */
static inline bool overlay_is_history(const struct overlay *overlay)
{
	return overlay->kind == OVERLAY_DEAD && !overlay->registered;
}

struct table_error; /* registry/table.h */

struct overlay_list {
	struct overlay *rows; /* owned; by first, then last port, the most usual use first */
	uint16_t *reach;      /* owned; the highest last port of the rows up to this one */
	size_t count;
	char **texts; /* owned: what local rows point into */
	size_t text_count;
};

/*
 * Read a table of @length bytes, which must outlive the list. -EINVAL with
 * @ret_error filled where it is malformed; -ENOMEM.
 */
int overlay_list_parse(const char *text, size_t length, struct overlay_list *ret_list,
		       struct table_error *ret_error);

/* The rows that ship with the program. 0 or -ENOMEM. */
int overlay_list_builtin(struct overlay_list *ret_list);

/*
 * Add the rows of a local file. There, comments and empty lines may stand
 * anywhere, several tabs are one, and columns missing at the end are "-". A row
 * replaces the rows of the same name and ports, a span those of the same name;
 * others come before the rows of the same ports. Takes over @text and @origin
 * (both from malloc), also where it fails; @list is untouched then. As
 * overlay_list_parse().
 */
int overlay_list_add_local(struct overlay_list *list, char *text, size_t length, char *origin,
			   struct table_error *ret_error);

void overlay_list_release(struct overlay_list *list);

/* Rows that hold @port, spans too, in the list's order. Start with @after NULL; NULL ends. */
const struct overlay *overlay_next_by_port(const struct overlay_list *list, uint16_t port,
					   const struct overlay *after);

/* Whether @overlay is called @name, without regard to case and to '_' against '-'. */
bool overlay_is_called(const struct overlay *overlay, const char *name);

/* Its source; of a local row that names none, the file and the line. Returns @target. */
char *overlay_source(const struct overlay *overlay, char *target, size_t size);

/* Append the rows that are spans, one span a transport. 0 or -ENOMEM. */
int overlay_list_spans(const struct overlay_list *list, struct span_list *spans);

/* The words of the table: "risk", "internal", "high". */
const char *overlay_kind_word(enum overlay_kind kind);
const char *exposure_word(enum exposure exposure);
const char *confidence_word(enum confidence confidence);

#endif
