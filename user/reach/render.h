/* Answers of reach as a person reads them, and as JSON. Pure. */
#ifndef PORTSCRIBE_REACH_RENDER_H
#define PORTSCRIBE_REACH_RENDER_H

#include <jansson.h>
#include <stdio.h>

#include "reach/beside.h"
#include "reach/reach.h"

struct reach_style {
	const struct host *host;
	const struct beside *beside;
	bool all; /* the path of chains, all sources */
};

/*
 * What one answer says, a line each, without its family: "open to any (...)". 0 or
 * -ENOMEM.
 */
int reach_print(FILE *out, const struct reach_answer *answer, const struct reach_style *style);

/* An element of "answers" of portscribe.reach.v1; a new reference. NULL: no memory. */
json_t *reach_json(const struct reach_answer *answer, const struct reach_style *style);

/* Of "beside". */
json_t *beside_json(const struct beside *beside, const struct host *host);

/* Whether something beside nftables may decide otherwise than @where was said to be. */
const struct beside_item *reach_beside(const struct reach_style *style,
				       const struct reach_question *question,
				       const struct reach_where *where);

/* "10.0.0.0/8"; "10.0.0.1-10.0.0.9" where no prefix is it. Returns @target. */
#define ADDRESSES_MAX 96
char *addresses_text(char target[ADDRESSES_MAX], uint8_t family, struct interval interval);

const char *reach_verdict_name(enum reach_verdict verdict);

#endif
