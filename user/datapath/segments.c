/* See segments.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/segments.h"
#include "util/cleanup.h"

/* borders[p]: a span of this transport begins at p or ended before it; covered[p]: lies in one. */
struct cuts {
	bool border[PORT_COUNT + 1];
	int depth[PORT_COUNT + 1];
};

static void cut_transport(const struct span_list *spans, int transport, struct cuts *cuts)
{
	memset(cuts, 0, sizeof(*cuts));
	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->spans[i];

		if (span->transport != transport)
			continue;
		cuts->border[span->first] = true;
		cuts->border[span->last + 1] = true;
		cuts->depth[span->first]++;
		cuts->depth[span->last + 1]--;
	}
}

static int next_id(const bool taken[SEGMENTS_MAX], int id)
{
	do
		id++;
	while (id < SEGMENTS_MAX && taken && taken[id]);
	return id < SEGMENTS_MAX ? id : -ENOSPC;
}

int segment_plan_make(const struct span_list *spans, const bool taken[SEGMENTS_MAX],
		      struct segment_plan *ret_plan)
{
	_cleanup_free_ struct segment_plan *plan = calloc(1, sizeof(*plan));
	_cleanup_free_ struct cuts *cuts = malloc(sizeof(*cuts));
	int id = 0;

	if (!plan || !cuts)
		return -ENOMEM;
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		struct segment *segment = NULL;
		int depth = 0;

		cut_transport(spans, transport, cuts);
		for (int port = 0; port < PORT_COUNT; port++) {
			depth += cuts->depth[port];
			if (cuts->border[port])
				segment = NULL;
			if (!depth)
				continue;
			if (!segment) {
				id = next_id(taken, id);
				if (id < 0)
					return id;
				segment = &plan->segments[plan->count++];
				*segment = (struct segment){ .id = id,
							     .first = port,
							     .transport = transport };
			}
			segment->last = port;
		}
	}
	*ret_plan = *plan;
	return 0;
}

bool segment_plan_equal(const struct segment_plan *a, const struct segment_plan *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (a->segments[i].transport != b->segments[i].transport ||
		    a->segments[i].first != b->segments[i].first ||
		    a->segments[i].last != b->segments[i].last)
			return false;
	return true;
}

int segment_table_make(const struct segment_plan *plan, struct segment_table *ret_table)
{
	_cleanup_free_ uint16_t *of_port = calloc(PORT_COUNT, sizeof(*of_port));
	_cleanup_free_ struct segment_table *table = calloc(1, sizeof(*table));
	unsigned int splits = 0;

	if (!of_port || !table)
		return -ENOMEM;
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		memset(of_port, 0, PORT_COUNT * sizeof(*of_port));
		for (uint32_t i = 0; i < plan->count; i++) {
			const struct segment *segment = &plan->segments[i];

			if (segment->transport != transport)
				continue;
			for (unsigned int port = segment->first; port <= segment->last; port++)
				of_port[port] = segment->id;
		}
		for (unsigned int page = 0; page < SEGMENT_PAGES; page++) {
			const uint16_t *ports = of_port + page * SEGMENT_PAGE_PORTS;
			bool uniform = true;

			for (unsigned int i = 1; i < SEGMENT_PAGE_PORTS; i++)
				uniform &= ports[i] == ports[0];
			if (uniform) {
				table->page[transport][page] = ports[0];
				continue;
			}
			if (splits == SEGMENT_SPLITS)
				return -ENOSPC;
			memcpy(table->split[splits], ports, sizeof(table->split[splits]));
			table->page[transport][page] = SEGMENT_SPLIT | splits++;
		}
	}
	*ret_table = *table;
	return 0;
}

uint16_t segment_table_find(const struct segment_table *table, enum transport transport,
			    uint16_t port)
{
	uint16_t entry = table->page[transport][port >> SEGMENT_PAGE_SHIFT];

	if (entry & SEGMENT_SPLIT)
		entry = table->split[entry & (SEGMENT_SPLITS - 1)][port & (SEGMENT_PAGE_PORTS - 1)];
	return entry;
}
