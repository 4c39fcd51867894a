/* The part of `portscribe annotate` that is about the live ruleset. */
#ifndef PORTSCRIBE_CMD_ANNOTATE_H
#define PORTSCRIBE_CMD_ANNOTATE_H

#include "nft/annotate.h"

struct annotate_live {
	enum annotate_style style; /* ANNOTATE_COMMENT or ANNOTATE_STRIP */
	bool apply;		   /* else what would change is printed */
	bool force;		   /* rules with counters that are hit fast, too */
	bool check;
};

/* Returns an exit code, having said what there is to say. */
int annotate_live(const struct annotate_live *live, const struct comment_facts *facts);

#endif
