/* See sources.h. */
#include "reach/sources.h"

/* An own address or broadcast address at @at; *ret_last is the last one in its row. */
static bool is_own(const struct host *host, uint8_t family, number_t at, number_t *ret_last)
{
	for (size_t i = 0; i < host->address_count; i++) {
		const struct host_address *address = &host->addresses[i];

		if (address->family != family || at < address->range.first ||
		    at > address->range.last)
			continue;
		*ret_last = address->range.last;
		return true;
	}
	return false;
}

static bool all_own(const struct host *host, uint8_t family, number_t first, number_t last)
{
	while (is_own(host, family, first, &first)) {
		if (first >= last)
			return true;
		first++;
	}
	return false;
}

static bool is_prefix(struct interval interval)
{
	number_t size = interval.last - interval.first;

	return !(size & (size + 1)) && !(interval.first & size);
}

/* By own addresses at both of its ends, as far as they go. */
static struct interval extended(const struct host *host, uint8_t family, struct interval interval)
{
	number_t largest = address_last(family), last;

	while (interval.last < largest && is_own(host, family, interval.last + 1, &last))
		interval.last++;
	while (interval.first && is_own(host, family, interval.first - 1, &last))
		interval.first--;
	return interval;
}

/* With own addresses at one end or at both, where that makes a prefix of it. */
static struct interval ended_well(const struct host *host, uint8_t family, struct interval interval)
{
	struct interval more = extended(host, family, interval);
	struct interval tries[] = {
		interval,
		{ interval.first, more.last },
		{ more.first, interval.last },
		more,
	};

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		if (is_prefix(tries[i]))
			return tries[i];
	return interval;
}

size_t sources_as_meant(const struct host *host, uint8_t family, const struct interval *sources,
			size_t count, struct interval *ret_meant, size_t room, size_t *ret_used)
{
	size_t joined = 0, used;

	for (used = 0; used < count; used++) {
		struct interval *before = joined ? &ret_meant[joined - 1] : NULL;

		if (before && sources[used].first > before->last + 1 &&
		    all_own(host, family, before->last + 1, sources[used].first - 1))
			before->last = sources[used].last;
		else if (joined < room)
			ret_meant[joined++] = sources[used];
		else
			break;
	}
	for (size_t i = 0; i < joined; i++)
		ret_meant[i] = ended_well(host, family, ret_meant[i]);
	*ret_used = used;
	return joined;
}
