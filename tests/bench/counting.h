/*
 * Counting on one interface of this namespace as `attach` does it, unpinned,
 * for as long as the caller wants.
 */
#ifndef PORTSCRIBE_BENCH_COUNTING_H
#define PORTSCRIBE_BENCH_COUNTING_H

#include "datapath/datapath.h"

/* NULL: said why. End with datapath_close(). */
static inline struct datapath *counting_begin(const char *interface)
{
	struct span_list spans = {};
	struct attach_options options = {
		.interfaces = &interface,
		.interface_count = 1,
		.memory_limit = ~0ULL,
		.spans = &spans,
		.netns_name = "",
	};
	struct datapath *datapath = NULL;
	struct attach_report report;
	struct fault fault = {};

	if (span_list_builtin(&spans))
		return NULL;
	if (datapath_attach(&options, &datapath, &report, &fault)) {
		fprintf(stderr, "%s\n", fault.text);
		datapath = NULL;
	}
	span_list_release(&spans);
	return datapath;
}

#endif
