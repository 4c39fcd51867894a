/*
 * What `watch` says of a listener that comes, goes or changes hands: a line of
 * text, for a terminal or the journal, or a line of JSON. Plain facts in.
 */
#ifndef PORTSCRIBE_RENDER_WATCH_H
#define PORTSCRIBE_RENDER_WATCH_H

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "listeners/verdict.h"
#include "watch/state.h"

/* What the policy says. */
enum permission {
	PERMISSION_NOT_ASKED, /* there is none */
	PERMISSION_GIVEN,
	PERMISSION_UNKNOWN, /* it depends on an owner that could not be read */
	PERMISSION_REFUSED,
};

struct watch_line {
	const struct watch_report *report;
	const struct listener_opinion *opinion;
	const struct listener_netns *netns; /* NULL: one that no look reaches */
	struct timespec time;		    /* CLOCK_REALTIME */
	enum permission permission;
};

struct watch_style {
	bool colour;
	bool verbose; /* a second line: executable and command line */
	bool journal; /* "<4>" before each line instead of the time (sd-daemon(3)) */
};

/* "present", "opened", "closed", "handed-over". */
const char *watch_word(enum watch_kind kind);

void watch_print(FILE *out, const struct watch_line *line, const struct watch_style *style);

/* Schema "portscribe.watch.v1" (README.md, "JSON"). NULL: no memory. */
json_t *watch_json(const struct watch_line *line);

/* Events were lost. */
void watch_print_lost(FILE *out, uint64_t lost, struct timespec time,
		      const struct watch_style *style);
json_t *watch_lost_json(uint64_t lost, struct timespec time);

#endif
