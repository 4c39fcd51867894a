/*
 * The registry as IANA publishes it, 'service-names-port-numbers' as CSV or XML,
 * read into records as they are written there. Pure; what they mean is convert.c's.
 */
#ifndef PORTSCRIBE_OFFICIAL_H
#define PORTSCRIBE_OFFICIAL_H

#include <stddef.h>
#include <stdint.h>

#include "registry/registry.h"
#include "util/arena.h"
#include "util/fault.h"

/* The columns of the CSV that are text; their names there are in official.c. */
enum official_column {
	OFFICIAL_NAME,
	OFFICIAL_DESCRIPTION,
	OFFICIAL_ASSIGNEE,
	OFFICIAL_REGISTERED,
	OFFICIAL_MODIFIED,
	OFFICIAL_REFERENCE,
	OFFICIAL_UNAUTHORIZED,
	OFFICIAL_NOTES,
	OFFICIAL_COLUMNS,
};

/*
 * One record. The texts are as written: valid UTF-8, but with line breaks, quotes,
 * and whatever else stands there. Dates are dates, or empty.
 */
struct official_record {
	uint16_t first, last;
	uint8_t transport; /* one of SERVICE_TCP ...; 0: the registry names none */
	struct slice columns[OFFICIAL_COLUMNS];
};

enum official_format { OFFICIAL_CSV, OFFICIAL_XML };

struct official {
	enum official_format format;
	struct official_record *records; /* owned; in the order of the file */
	size_t count, room;
	unsigned int ranges;	 /* records of more than one port */
	unsigned int unnumbered; /* records without a port number, left out */
	/* Dates that are none, left out, and where the first stands. */
	unsigned int odd_dates, odd_line, odd_column;
	/* The day of the registry: as the XML says, else the latest date in it; "" */
	char updated[sizeof("YYYY-MM-DD")];
	struct arena arena; /* texts that are not in the file as they are */
};

/* Far more than there are: a file beyond is something else, and would take for ever. */
#define OFFICIAL_RECORDS_MAX 100000
#define OFFICIAL_RANGES_MAX  4000
#define OFFICIAL_TEXT_MAX    (16u << 10) /* bytes of a column; the longest has 3,000 */

/*
 * Read @length bytes of @text, which is changed and must outlive *ret_official.
 * CSV or XML, by the content. -EINVAL with a sentence in @fault and, where it has a
 * place, *ret_line and *ret_column (from 1, columns in bytes; else 0). -ENOMEM.
 */
int official_read(char *text, size_t length, struct official *ret_official, struct fault *fault,
		  unsigned int *ret_line, unsigned int *ret_column);

void official_release(struct official *official);

#endif
