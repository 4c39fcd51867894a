/*
 * `portscribe attach` with another list of spans than the one that ships, for
 * upgrade.sh. Each list on the command line is one attach; the report of all of
 * them is one line: the residue.
 *
 *   respan LIST...       LIST: NAME:FIRST-LAST,NAME:FIRST-LAST ... all of them udp
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/datapath.h"

static int parse(char *text, struct span_list *list)
{
	char *rest = NULL;

	for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		struct span span = { .transport = TRANSPORT_UDP, .label = "", .source = "" };

		if (sscanf(word, "%31[^:]:%hu-%hu", span.name, &span.first, &span.last) != 3 ||
		    span_list_add(list, &span))
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long long residue = 0;

	for (int i = 1; i < argc; i++) {
		struct attach_options options = { .pinned = true, .netns_name = "" };
		struct span_list list = {};
		struct attach_report report;
		struct fault fault = {};

		if (parse(argv[i], &list)) {
			fprintf(stderr, "respan: bad list %d\n", i);
			return 2;
		}
		options.spans = &list;
		if (datapath_attach(&options, NULL, &report, &fault)) {
			fprintf(stderr, "respan: %s\n", fault.text);
			return 1;
		}
		residue += report.residue;
		span_list_release(&list);
	}
	printf("%llu\n", residue);
	return 0;
}
