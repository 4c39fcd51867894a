/* See brief.h. */
#include "reach/brief.h"

#include <stdio.h>
#include <string.h>

#include "reach/sources.h"
#include "render/text.h"

static char *say(char target[REACH_BRIEF_MAX], const char *text)
{
	snprintf(target, REACH_BRIEF_MAX, "%s", text);
	return target;
}

/* The one interface it is open on; host->count where there are more, or all. */
static size_t only_interface(const struct reach_where *where, const struct host *host)
{
	if (where->any_interface || where->interface_count != 1 ||
	    where->interfaces[0].first != where->interfaces[0].last)
		return host->count;
	return where->interfaces[0].first;
}

static char *say_where(const struct reach_answer *answer, const struct reach_where *where,
		       const struct reach_style *style, char target[REACH_BRIEF_MAX])
{
	char address[ADDRESSES_MAX], name[64];
	struct interval meant;
	size_t used;
	size_t interface = only_interface(where, style->host);

	if (where->any_source && where->any_interface)
		return say(target, "any");
	if (where->any_source && interface < style->host->count) {
		const char *raw = style->host->interfaces[interface].name;

		snprintf(target, REACH_BRIEF_MAX, "on %s",
			 text_safe(name, sizeof(name), raw, strlen(raw)));
		return target;
	}
	sources_as_meant(style->host, answer->question.family, where->sources, where->source_count,
			 &meant, 1, &used);
	if (where->any_interface && where->source_count && used == where->source_count)
		return say(target, addresses_text(address, answer->question.family, meant));
	return say(target, "some");
}

/* Places outside of this host where packets of @part come from; the first in *ret_where. */
static size_t outside(const struct reach_part *part, const struct reach_where **ret_where)
{
	size_t count = 0;

	for (size_t i = 0; i < part->where_count; i++) {
		if (part->where[i].is_loopback)
			continue;
		if (!count++)
			*ret_where = &part->where[i];
	}
	return count;
}

struct summary {
	const struct reach_where *open; /* NULL: to nobody outside */
	size_t opens;
	bool unknown, maybe, sent_on, lo;
};

static struct summary summarize(const struct reach_answer *answer, const struct reach_style *style)
{
	struct summary summary = { 0 };

	for (size_t i = 0; i < answer->count; i++) {
		const struct reach_part *part = &answer->parts[i];
		const struct reach_where *where = NULL;
		size_t places = outside(part, &where);

		if (part->verdict == REACH_OPEN) {
			summary.lo |= places < part->where_count;
			summary.opens += places;
			summary.open = summary.open ? summary.open : where;
		}
		summary.unknown |= places && part->verdict == REACH_CANNOT_TELL;
		summary.maybe |= places && part->verdict == REACH_MAYBE;
		summary.sent_on |= places && part->verdict == REACH_SENT_ON;
		for (size_t w = 0; part->verdict <= REACH_MAYBE && w < part->where_count; w++)
			summary.unknown |=
				!part->where[w].is_loopback &&
				reach_beside(style, &answer->question, &part->where[w]) != NULL;
	}
	return summary;
}

char *reach_brief(const struct reach_answer *answer, const struct reach_style *style,
		  char ret_text[REACH_BRIEF_MAX])
{
	struct summary summary;

	if (answer->no_address)
		return say(ret_text, "-");
	summary = summarize(answer, style);
	if (summary.unknown)
		return say(ret_text, "?");
	if (summary.opens == 1)
		return say_where(answer, summary.open, style, ret_text);
	if (summary.opens)
		return say(ret_text, "some");
	return say(ret_text, summary.maybe     ? "maybe"
			     : summary.sent_on ? "sent on"
			     : summary.lo      ? "lo"
					       : "closed");
}

char *reach_brief_both(const struct reach_answer *v4, const struct reach_answer *v6,
		       const struct reach_style *style, char ret_text[REACH_BRIEF_MAX])
{
	char four[REACH_BRIEF_MAX], six[REACH_BRIEF_MAX];

	if (!v4 || !v6)
		return reach_brief(v4 ? v4 : v6, style, ret_text);
	reach_brief(v4, style, four);
	reach_brief(v6, style, six);
	/* A family without an address says nothing. */
	if (!strcmp(four, six) || !strcmp(six, "-"))
		return say(ret_text, four);
	if (!strcmp(four, "-"))
		return say(ret_text, six);
	snprintf(ret_text, REACH_BRIEF_MAX, "v4 %.30s, v6 %.40s", four, six);
	return ret_text;
}
