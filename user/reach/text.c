/* See render.h: what is said to a person, one line for each place packets come from. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "reach/render.h"
#include "reach/sources.h"
#include "render/text.h"

#define SOURCES_SHOWN 6

const char *reach_verdict_name(enum reach_verdict verdict)
{
	static const char *const names[] = { "open",	    "open-when", "sent-on",
					     "cannot-tell", "rejected",	 "dropped" };

	return names[verdict];
}

static void address_text(char *target, size_t size, uint8_t family, number_t address)
{
	uint8_t bytes[16];

	address_bytes(family, address, bytes);
	inet_ntop(family == NFPROTO_IPV4 ? AF_INET : AF_INET6, bytes, target, size);
}

char *addresses_text(char target[ADDRESSES_MAX], uint8_t family, struct interval interval)
{
	number_t size = interval.last - interval.first;
	unsigned int bits = 0, width = family == NFPROTO_IPV4 ? 32 : 128;
	size_t used;

	address_text(target, ADDRESSES_MAX, family, interval.first);
	used = strlen(target);
	if (!size)
		return target;
	while (bits < width && size >> bits)
		bits++;
	/* A prefix: as long as a power of two, and beginning where one can. */
	if (!(size & (size + 1)) && !(interval.first & size)) {
		snprintf(target + used, ADDRESSES_MAX - used, "/%u", width - bits);
		return target;
	}
	target[used++] = '-';
	address_text(target + used, ADDRESSES_MAX - used, family, interval.last);
	return target;
}

/* ---- where ---- */

/* With -v exactly; else as they were meant, without holes for this host's own addresses. */
static void print_sources(FILE *out, const struct reach_where *where, uint8_t family,
			  const struct reach_style *style)
{
	const struct interval *sources = where->sources;
	size_t count = where->source_count, used = count;
	struct interval meant[SOURCES_SHOWN];
	char text[ADDRESSES_MAX];

	if (!style->all) {
		sources = meant;
		count = sources_as_meant(style->host, family, where->sources, count, meant,
					 SOURCES_SHOWN, &used);
	}
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i ? ", " : "", addresses_text(text, family, sources[i]));
	if (used < where->source_count)
		fprintf(out, ", +%zu more (-v shows them)", where->source_count - used);
}

static void print_name(FILE *out, const char *name)
{
	char safe[64];

	fputs(text_safe(safe, sizeof(safe), name, strlen(name)), out);
}

static void print_interfaces(FILE *out, const struct reach_where *where, const struct host *host)
{
	bool first = true;

	for (size_t i = 0; i < where->interface_count; i++)
		for (number_t at = where->interfaces[i].first;
		     at <= where->interfaces[i].last && at < host->count; at++) {
			fputs(first ? " on " : ", ", out);
			if (host->assumed && !strcmp(host->interfaces[at].name, "*"))
				fputs("other interfaces", out);
			else
				print_name(out, host->interfaces[at].name);
			first = false;
		}
}

static void print_where(FILE *out, const struct reach_answer *answer, const struct reach_part *part,
			const struct reach_where *where, const struct reach_style *style)
{
	const char *from = part->verdict == REACH_SENT_ON || part->verdict == REACH_CANNOT_TELL
				   ? " from "
				   : " to ";
	uint8_t family = answer->question.family;
	char text[ADDRESSES_MAX];

	if (!where->any_source || answer->question.has_from) {
		fputs(from, out);
		print_sources(out, where, family, style);
	} else if (!where->is_loopback) {
		fprintf(out, "%sany", from);
	}
	if (where->is_loopback || !where->any_interface)
		print_interfaces(out, where, style->host);
	if (!where->any_destination)
		for (size_t i = 0; i < where->destination_count; i++)
			fprintf(out, "%s%s", i ? ", " : " at ",
				addresses_text(text, family, where->destinations[i]));
	if (!where->any_source_port)
		for (size_t i = 0; i < where->source_port_count; i++)
			fprintf(out, "%s%u-%u", i ? ", " : " from source ports ",
				(unsigned int)where->source_ports[i].first,
				(unsigned int)where->source_ports[i].last);
}

/* ---- who decides ---- */

static void print_slice(FILE *out, struct slice text)
{
	char safe[512];

	fputs(text_safe(safe, sizeof(safe), text.text, text.length), out);
}

static void print_rule(FILE *out, const struct reach_rule *rule)
{
	const struct kernel_item *item;

	if (!rule->chain)
		return;
	item = &rule->chain->item;
	fprintf(out, "%s ", family_name(item->family));
	print_slice(out, item->table);
	putc(' ', out);
	print_slice(out, item->name);
	if (!rule->rule) {
		fputs(", policy", out);
		return;
	}
	fprintf(out, ", handle %llu", (unsigned long long)rule->rule->item.handle);
	if (rule->comment.length) {
		fputs(": ", out);
		print_slice(out, rule->comment);
	}
}

static void print_decision(FILE *out, const struct reach_part *part)
{
	static const char *const words[] = {
		[REACH_OPEN] = "accepted by ",	   [REACH_MAYBE] = "accepted by ",
		[REACH_SENT_ON] = "let on by ",	   [REACH_CANNOT_TELL] = "at ",
		[REACH_REJECTED] = "rejected by ", [REACH_DROPPED] = "dropped by ",
	};

	fputs(" (", out);
	if (part->decides.chain) {
		fputs(words[part->verdict], out);
		print_rule(out, &part->decides);
	} else if (part->reason) {
		fputs(part->reason, out);
	} else {
		fputs("no chain decides", out);
	}
	if (part->translates.chain) {
		fputs("; translated by ", out);
		print_rule(out, &part->translates);
	}
	fputs(")", out);
}

static void print_path(FILE *out, const struct reach_part *part)
{
	fputs("    path:", out);
	for (size_t i = 0; i < part->path_count; i++) {
		fputs(i ? " -> " : " ", out);
		print_rule(out, &part->path[i]);
	}
	putc('\n', out);
}

/* ---- a part ---- */

/* "10.0.0.5 port 22", "port 80"; nothing where it comes to what it was sent to. */
static void print_target(FILE *out, const char *before, const struct reach_answer *answer,
			 const struct reach_part *part)
{
	char text[ADDRESSES_MAX];

	if (part->port == answer->question.port && !part->has_address)
		return;
	fputs(before, out);
	if (part->has_address) {
		address_text(text, sizeof(text), answer->question.family, part->address);
		fprintf(out, "%s ", text);
	}
	fprintf(out, "port %u", part->port);
}

static void print_verdict(FILE *out, const struct reach_answer *answer,
			  const struct reach_part *part, const struct beside_item *beside)
{
	if (beside) {
		fputs("cannot tell: ", out);
		print_slice(out, slice_of(beside->text));
		fputs(" decides, too; nftables alone: ", out);
	}
	switch (part->verdict) {
	case REACH_OPEN:
	case REACH_MAYBE: fputs("open", out); break;
	case REACH_SENT_ON: print_target(out, "sent on to ", answer, part); break;
	case REACH_CANNOT_TELL:
		fputs("cannot tell: ", out);
		print_slice(out, slice_of(part->reason ? part->reason : "not known"));
		fputs(", for what comes", out);
		break;
	default: fputs("closed", out);
	}
}

static void print_conditions(FILE *out, const struct reach_part *part)
{
	for (size_t i = 0; i < part->when_count; i++) {
		fputs(i ? " and " : " only when ", out);
		print_slice(out, slice_of(part->when[i]));
	}
}

/* What is open to any needs no word about lo. */
static bool is_implied(const struct reach_answer *answer, const struct reach_part *part,
		       const struct reach_where *where)
{
	if (!where->is_loopback || part->verdict != REACH_OPEN ||
	    part->port != answer->question.port)
		return false;
	for (size_t i = 0; i < answer->count; i++)
		for (size_t j = 0; j < answer->parts[i].where_count; j++) {
			const struct reach_where *other = &answer->parts[i].where[j];

			if (answer->parts[i].verdict == REACH_OPEN && !other->is_loopback &&
			    other->any_source && other->any_interface && other->any_destination)
				return true;
		}
	return false;
}

/* How many places from outside have another part than this one. */
static bool is_rest(const struct reach_answer *answer, const struct reach_part *part)
{
	size_t outside = 0, closed = 0;

	for (size_t i = 0; i < answer->count; i++)
		for (size_t j = 0; j < answer->parts[i].where_count; j++) {
			if (answer->parts[i].where[j].is_loopback)
				continue;
			outside++;
			closed += answer->parts[i].verdict >= REACH_REJECTED;
		}
	return part->verdict >= REACH_REJECTED && closed == 1 && outside > 1;
}

static void print_part(FILE *out, const struct reach_answer *answer, const struct reach_part *part,
		       const struct reach_where *where, const struct reach_style *style)
{
	const struct beside_item *beside =
		part->verdict <= REACH_MAYBE ? reach_beside(style, &answer->question, where) : NULL;

	print_verdict(out, answer, part, beside);
	if (is_rest(answer, part) && !where->is_loopback && !where->any_source && !style->all)
		fputs(" to all others", out);
	else
		print_where(out, answer, part, where, style);
	print_conditions(out, part);
	if (part->verdict <= REACH_MAYBE)
		print_target(out, ", comes to ", answer, part);
	print_decision(out, part);
	putc('\n', out);
	if (style->all && part->path_count)
		print_path(out, part);
}

const struct beside_item *reach_beside(const struct reach_style *style,
				       const struct reach_question *question,
				       const struct reach_where *where)
{
	for (size_t i = 0; style->beside && i < style->beside->count; i++) {
		const struct beside_item *item = &style->beside->items[i];

		if (item->partial || !item->families[host_family(question->family)])
			continue;
		if (item->interface == SIZE_MAX)
			return item;
		for (size_t j = 0; j < where->interface_count; j++)
			if (where->interfaces[j].first <= item->interface &&
			    item->interface <= where->interfaces[j].last)
				return item;
	}
	return NULL;
}

int reach_print(FILE *out, const struct reach_answer *answer, const struct reach_style *style)
{
	if (answer->no_address)
		fputs("this host has no such address\n", out);
	for (size_t i = 0; i < answer->count; i++)
		for (size_t j = 0; j < answer->parts[i].where_count; j++) {
			const struct reach_part *part = &answer->parts[i];

			if (style->all || !is_implied(answer, part, &part->where[j]))
				print_part(out, answer, part, &part->where[j], style);
		}
	return ferror(out) ? -ENOMEM : 0;
}
