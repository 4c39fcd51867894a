/* The first line of an answer: what the port is, in words, and whether it is served here. */
#ifndef PORTSCRIBE_VERDICT_H
#define PORTSCRIBE_VERDICT_H

#include "explain/subject.h"

/*
 * "3069 ls3: Powerware UPS mgmt, likely legacy; nobody listens here", at most
 * SHEET_COLUMNS columns. Owned by the caller; NULL: no memory.
 */
char *verdict_make(const struct subject *subject, const struct explain_facts *facts);

/*
 * The same of any ports: a range, a span, a name that stands for several.
 */
char *verdict_make_range(const struct what *what, const struct explain_facts *facts);

#endif
