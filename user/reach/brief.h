/* An answer in a few characters, for a column of a table. Pure. */
#ifndef PORTSCRIBE_REACH_BRIEF_H
#define PORTSCRIBE_REACH_BRIEF_H

#include "reach/render.h"

#define REACH_BRIEF_MAX 80

/*
 * Who outside may open a connection: "any", "10.0.0.0/8", "on eth0", "some" (several
 * of those), "maybe" (only when something holds), "sent on", "lo" (only this host),
 * "closed", "?" (it cannot be told), "-" (there is no such address). Returns @ret_text.
 */
char *reach_brief(const struct reach_answer *answer, const struct reach_style *style,
		  char ret_text[REACH_BRIEF_MAX]);

/* The same for both families; one where they say the same. @v4 or @v6 may be NULL. */
char *reach_brief_both(const struct reach_answer *v4, const struct reach_answer *v6,
		       const struct reach_style *style, char ret_text[REACH_BRIEF_MAX]);

#endif
