/* See spans.h. Spans may overlap, and most of them are practice, not assignment. */
#include "registry/spans.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int span_list_add(struct span_list *list, const struct span *span)
{
	struct span copy = *span, *spans;

	copy.label = strdup(span->label ? span->label : "");
	copy.source = strdup(span->source ? span->source : "");
	spans = reallocarray(list->spans, list->count + 1, sizeof(*spans));
	if (spans)
		list->spans = spans;
	if (!spans || !copy.label || !copy.source) {
		free((char *)copy.label);
		free((char *)copy.source);
		return -ENOMEM;
	}
	list->spans[list->count++] = copy;
	return 0;
}

void span_list_release(struct span_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free((char *)list->spans[i].label);
		free((char *)list->spans[i].source);
	}
	free(list->spans);
	*list = (struct span_list){ 0 };
}
