/* Sorted intervals of numbers. See space.h. */
#include <stdlib.h>

#include "reach/region.h"

size_t interval_at(const struct interval *intervals, size_t count, number_t value)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (intervals[middle].last < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int compare_intervals(const void *left, const void *right)
{
	const struct interval *a = left, *b = right;

	return (a->first > b->first) - (a->first < b->first);
}

/* Most lists are short, or sorted already. */
static void sort(struct interval *intervals, size_t count)
{
	size_t sorted = 1;

	while (sorted < count && intervals[sorted - 1].first <= intervals[sorted].first)
		sorted++;
	if (sorted < count && count > 32) {
		qsort(intervals, count, sizeof(*intervals), compare_intervals);
		return;
	}
	for (size_t i = sorted; i < count; i++) {
		struct interval interval = intervals[i];
		size_t at = i;

		for (; at && intervals[at - 1].first > interval.first; at--)
			intervals[at] = intervals[at - 1];
		intervals[at] = interval;
	}
}

size_t intervals_merge(struct interval *intervals, size_t count)
{
	size_t kept = 0;

	sort(intervals, count);
	for (size_t i = 0; i < count; i++) {
		struct interval *before = kept ? &intervals[kept - 1] : NULL;

		if (!before || intervals[i].first > before->last + (before->last + 1 != 0))
			intervals[kept++] = intervals[i];
		else if (intervals[i].last > before->last)
			before->last = intervals[i].last;
	}
	return kept;
}

size_t intervals_invert(const struct interval *intervals, size_t count, number_t last,
			struct interval *ret_rest)
{
	number_t at = 0;
	size_t rest = 0;

	for (size_t i = 0; i < count; i++) {
		if (at < intervals[i].first)
			ret_rest[rest++] = (struct interval){ at, intervals[i].first - 1 };
		if (intervals[i].last >= last)
			return rest;
		at = intervals[i].last + 1;
	}
	ret_rest[rest++] = (struct interval){ at, last };
	return rest;
}
