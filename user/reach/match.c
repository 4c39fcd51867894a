/*
 * What a comparison says of the packets whose value it compares: intervals of
 * addresses, ports and interfaces. Where it takes bits of them that are no interval,
 * or something that no packet shows, it is a question with two answers.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reach/packet.h"
#include "util/cleanup.h"

void match_release(struct match *match)
{
	for (unsigned int i = 0; i <= REGION_DIMENSIONS; i++)
		free(match->sides[i].list);
	*match = (struct match){ 0 };
}

/* ---- sides ---- */

/* Also within @list, which is used up. */
static void narrow(struct context *context, struct match *match, enum dimension dimension,
		   struct interval *list, size_t count)
{
	struct interval *old = match->sides[dimension].list, *both;
	size_t old_count = match->sides[dimension].count, i = 0, j = 0, kept = 0;

	if (!match->sides[dimension].used) {
		match->sides[dimension].used = true;
		match->sides[dimension].list = list;
		match->sides[dimension].count = count;
		match->impossible |= !count;
		return;
	}
	both = reallocarray(NULL, old_count + count + 1, sizeof(*both));
	context->failed |= !both;
	while (both && i < old_count && j < count) {
		number_t first = old[i].first > list[j].first ? old[i].first : list[j].first;
		number_t last = old[i].last < list[j].last ? old[i].last : list[j].last;

		if (first <= last)
			both[kept++] = (struct interval){ first, last };
		if (old[i].last < list[j].last)
			i++;
		else
			j++;
	}
	free(old);
	free(list);
	match->sides[dimension].list = both;
	match->sides[dimension].count = kept;
	match->impossible |= !kept;
}

static void narrow_to(struct context *context, struct match *match, enum dimension dimension,
		      number_t first, number_t last)
{
	struct interval *list = malloc(sizeof(*list));

	if (!list) {
		context->failed = true;
		return;
	}
	*list = (struct interval){ first, last };
	narrow(context, match, dimension, list, 1);
}

static void depend(struct context *context, struct match *match, const struct unknown *unknown,
		   const char *what)
{
	/* Two questions at once are one that nobody asks again. */
	match->stable = !match->unknown && unknown->stable;
	match->unknown =
		match->unknown ? context_text(context, "%s and %s", match->unknown, what) : what;
}

/* ---- fields ---- */

static size_t field_width(const struct context *context, enum field field)
{
	switch (field) {
	case FIELD_SOURCE:
	case FIELD_DESTINATION:
	case FIELD_OWN_ADDRESS: return context->family == NFPROTO_IPV4 ? 4 : 16;
	case FIELD_SOURCE_PORT:
	case FIELD_PORT:
	case FIELD_INTERFACE_TYPE: return 2;
	case FIELD_INTERFACE_NAME:
	case FIELD_INTERFACE_KIND: return IFNAMSIZ;
	default: return 4;
	}
}

static bool is_of_interface(enum field field)
{
	return field >= FIELD_INTERFACE_INDEX && field <= FIELD_OWN_ADDRESS;
}

static enum dimension field_dimension(enum field field)
{
	switch (field) {
	case FIELD_SOURCE: return DIM_SOURCE;
	case FIELD_DESTINATION: return DIM_DESTINATION;
	case FIELD_SOURCE_PORT: return DIM_SOURCE_PORT;
	case FIELD_PORT: return DIM_PORT;
	default: return DIM_INTERFACE;
	}
}

static uint8_t interface_byte(const struct context *context, const struct symbol *symbol,
			      const struct host_interface *interface)
{
	uint8_t bytes[16] = { 0 };

	switch (symbol->field) {
	case FIELD_INTERFACE_INDEX: memcpy(bytes, &interface->index, 4); break;
	case FIELD_INTERFACE_NAME: memcpy(bytes, interface->name, IFNAMSIZ); break;
	case FIELD_INTERFACE_TYPE: memcpy(bytes, &interface->type, 2); break;
	case FIELD_INTERFACE_GROUP: memcpy(bytes, &interface->group, 4); break;
	case FIELD_INTERFACE_KIND: memcpy(bytes, interface->kind, IFNAMSIZ); break;
	default:
		address_bytes(context->family, interface->address[host_family(context->family)],
			      bytes);
	}
	return bytes[symbol->index];
}

/* Of each interface the bytes are known: those whose bytes are within the bounds. */
static void add_interfaces(struct context *context, const struct symbol *symbols, size_t length,
			   const uint8_t *low, const uint8_t *high, struct match *match)
{
	const struct host *host = context->host;
	struct interval *list = reallocarray(NULL, host->count + 1, sizeof(*list));
	size_t count = 0;

	context->failed |= !list;
	for (size_t i = 0; list && i < host->count; i++) {
		uint8_t bytes[VALUE_MAX];

		for (size_t j = 0; j < length; j++)
			bytes[j] = ((symbols[j].mask ? interface_byte(context, &symbols[j],
								      &host->interfaces[i])
						     : 0) &
				    symbols[j].mask) ^
				   symbols[j].value;
		if (memcmp(bytes, low, length) >= 0 && memcmp(bytes, high, length) <= 0)
			list[count++] = (struct interval){ i, i };
	}
	if (list)
		narrow(context, match, DIM_INTERFACE, list, intervals_merge(list, count));
}

static const struct unknown bits = { "bits of an address or a port", false, true };

#define INTERVALS_MAX 64 /* of source ports, each of which makes a box of its own */

/* Ports whose masked bits are as wanted, where those are no interval. */
static void add_port_bits(struct context *context, struct match *match, enum dimension dimension,
			  uint16_t mask, uint16_t want)
{
	struct interval *list = reallocarray(NULL, UINT16_MAX + 1, sizeof(*list));
	size_t count = 0;

	context->failed |= !list;
	for (uint32_t port = 0; list && port <= UINT16_MAX; port++)
		if ((port & mask) == want)
			list[count++] = (struct interval){ port, port };
	count = list ? intervals_merge(list, count) : 0;
	if (list && dimension == DIM_SOURCE_PORT && count > INTERVALS_MAX) {
		free(list);
		depend(context, match, &bits,
		       context_text(context, "the source port's bits 0x%04x are 0x%04x", mask,
				    want));
	} else if (list) {
		narrow(context, match, dimension, list, count);
	}
}

static void add_masked(struct context *context, struct match *match, enum field field,
		       number_t mask, number_t want)
{
	size_t width = field_width(context, field);
	number_t all = width == 16 ? ~(number_t)0 : ((number_t)1 << 8 * width) - 1;
	number_t loose = all & ~mask;
	enum dimension dimension = field_dimension(field);

	if (!(loose & (loose + 1))) {
		narrow_to(context, match, dimension, want, want | loose);
		return;
	}
	if (width == 2) {
		add_port_bits(context, match, dimension, mask, want);
		return;
	}
	depend(context, match, &bits,
	       context_text(context, "the %s address' bits 0x%08x are 0x%08x",
			    field == FIELD_SOURCE ? "source" : "destination", (uint32_t)mask,
			    (uint32_t)want));
}

/* ---- what is not known ---- */

/* "the packet's mark & 0xff is 0x1" */
static const char *describe(struct context *context, const struct symbol *symbols, size_t length,
			    const uint8_t *low, const uint8_t *high)
{
	const struct unknown *unknown = symbols[0].unknown;
	char mask[2 * VALUE_MAX + 8] = "", from[2 * VALUE_MAX + 1] = "", to[2 * VALUE_MAX + 1] = "";
	bool swap = unknown->host_order && htons(1) != 1, masked = false;

	for (size_t i = 0; i < length; i++) {
		size_t at = swap ? length - 1 - i : i;

		masked |= symbols[at].mask != 0xff;
		sprintf(mask + 2 * i, "%02x", symbols[at].mask);
		sprintf(from + 2 * i, "%02x", low[at] ^ symbols[at].value);
		sprintf(to + 2 * i, "%02x", high[at] ^ symbols[at].value);
	}
	return context_text(context, "%s%s%s is %s0x%s%s%s", unknown->text, masked ? " & 0x" : "",
			    masked ? mask : "", strcmp(from, to) ? "from " : "", from,
			    strcmp(from, to) ? " to 0x" : "", strcmp(from, to) ? to : "");
}

static void add_unknown(struct context *context, const struct symbol *symbols, size_t length,
			const uint8_t *low, const uint8_t *high, struct match *match)
{
	depend(context, match, symbols[0].unknown, describe(context, symbols, length, low, high));
}

/* The kernel says one of these of a route that is neither local nor to many. */
static bool may_be_route(uint32_t type)
{
	return type == RTN_UNICAST || (type >= RTN_BLACKHOLE && type <= RTN_THROW);
}

static void add_source_route(struct context *context, const uint8_t *low, struct match *match)
{
	static const struct unknown route = { "the route to the sender", true, true };
	uint32_t type;

	memcpy(&type, low, sizeof(type));
	if (may_be_route(type))
		depend(context, match, &route,
		       context_text(context, "the route to the sender is of type %u", type));
	else
		match->impossible = true;
}

/* ---- equal ---- */

/* Bytes of one field, in any order: what is wanted of which of its bits. */
struct care {
	number_t mask, want;
};

static void add_equal_field(struct context *context, const struct symbol *symbols, size_t length,
			    const uint8_t *value, struct match *match)
{
	enum field field = symbols[0].field;
	size_t width = field_width(context, field);
	struct care care = { 0 };

	for (size_t i = 0; i < length; i++) {
		unsigned int shift = 8 * (width - 1 - symbols[i].index);
		uint8_t want = value[i] ^ symbols[i].value;
		number_t mask = (number_t)symbols[i].mask << shift;

		if (want & ~symbols[i].mask ||
		    (care.want ^ (number_t)want << shift) & care.mask & mask) {
			match->impossible = true;
			return;
		}
		care.mask |= mask;
		care.want |= (number_t)want << shift;
	}
	add_masked(context, match, field, care.mask, care.want);
}

/* How many symbols from the first one belong to the same thing. */
static size_t run_length(const struct symbol *symbols, size_t length)
{
	size_t run = 1;

	while (run < length &&
	       (symbols[run].field == symbols[0].field ||
		(is_of_interface(symbols[0].field) && is_of_interface(symbols[run].field))) &&
	       symbols[run].unknown == symbols[0].unknown)
		run++;
	return run;
}

static void add_equal(struct context *context, const struct symbol *symbols, size_t length,
		      const uint8_t *value, struct match *match)
{
	for (size_t at = 0, run; at < length && !match->impossible; at += run) {
		const struct symbol *symbol = &symbols[at];

		run = run_length(symbol, length - at);
		/* Bits that are known must be as they are. */
		for (size_t i = 0; i < run; i++)
			if ((value[at + i] ^ symbol[i].value) & ~symbol[i].mask)
				match->impossible = true;
		if (match->impossible || symbol->field == FIELD_CONSTANT)
			continue;
		if (symbol->field == FIELD_UNKNOWN)
			add_unknown(context, symbol, run, value + at, value + at, match);
		else if (symbol->field == FIELD_SOURCE_ROUTE)
			add_source_route(context, value + at, match);
		else if (is_of_interface(symbol->field))
			add_interfaces(context, symbol, run, value + at, value + at, match);
		else
			add_equal_field(context, symbol, run, value + at, match);
	}
}

/* ---- between ---- */

/* Known bytes at both ends only move the bounds. Returns what is left to compare. */
static size_t strip_constants(const struct symbol **symbols, size_t length, uint8_t *low,
			      uint8_t *high, uint8_t **ret_low, uint8_t **ret_high, bool *ret_never)
{
	while (length && !(*symbols)->mask) {
		uint8_t byte = (*symbols)->value;

		if (byte < *low || byte > *high) {
			*ret_never = true;
			return 0;
		}
		if (byte > *low)
			memset(low, 0, length);
		if (byte < *high)
			memset(high, 0xff, length);
		low++, high++, length--, (*symbols)++;
	}
	*ret_low = low;
	*ret_high = high;
	return length;
}

static number_t number_of(const uint8_t *bytes, size_t length)
{
	number_t number = 0;

	for (size_t i = 0; i < length; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* The first @length bytes of a field, under a mask that keeps its head. */
static bool add_between_field(struct context *context, const struct symbol *symbols, size_t length,
			      const uint8_t *low, const uint8_t *high, struct match *match)
{
	enum field field = symbols[0].field;
	size_t width = field_width(context, field), used = 0;
	number_t mask = 0, first, last, loose;
	number_t all = width == 16 ? ~(number_t)0 : ((number_t)1 << 8 * width) - 1;

	while (used < length && symbols[used].field == field) {
		if (symbols[used].index != used || symbols[used].value)
			return false;
		mask |= (number_t)symbols[used].mask << 8 * (width - 1 - used);
		used++;
	}
	loose = all & ~mask;
	if (loose & (loose + 1))
		return false;
	/* What follows must be as good as nothing: bytes that are 0, with bounds that are, too. */
	for (size_t i = used; i < length; i++)
		if (symbols[i].mask || symbols[i].value || low[i])
			return false;
	first = number_of(low, used) << 8 * (width - used);
	last = number_of(high, used) << 8 * (width - used);
	if (first & loose) {
		if ((first | loose) == all) {
			match->impossible = true;
			return true;
		}
		first = (first | loose) + 1;
	}
	last = (last & ~loose) | loose;
	if (first > last)
		match->impossible = true;
	else
		narrow_to(context, match, field_dimension(field), first, last);
	return true;
}

static void add_between(struct context *context, const struct symbol *symbols, size_t length,
			const uint8_t *low, const uint8_t *high, struct match *match)
{
	static const struct unknown several = { "several values at once", false, false };
	uint8_t bounds[2][VALUE_MAX], *first, *last;
	bool all_interface = true, never = false;

	memcpy(bounds[0], low, length);
	memcpy(bounds[1], high, length);
	length = strip_constants(&symbols, length, bounds[0], bounds[1], &first, &last, &never);
	match->impossible |= never || (length && memcmp(first, last, length) > 0);
	if (!length || match->impossible)
		return;
	for (size_t i = 0; i < length; i++)
		all_interface &= !symbols[i].mask || is_of_interface(symbols[i].field);
	if (all_interface)
		add_interfaces(context, symbols, length, first, last, match);
	else if (symbols->field == FIELD_UNKNOWN)
		add_unknown(context, symbols, run_length(symbols, length), first, last, match);
	else if (symbols->field == FIELD_SOURCE_ROUTE ||
		 !add_between_field(context, symbols, length, first, last, match))
		depend(context, match, &several, several.text);
}

void match_add(struct context *context, const struct frame *frame, uint8_t from, uint8_t length,
	       const uint8_t *low, const uint8_t *high, struct match *match)
{
	const struct symbol *symbols = &frame->registers[from];

	if (!memcmp(low, high, length))
		add_equal(context, symbols, length, low, match);
	else
		add_between(context, symbols, length, low, high, match);
}

/* ---- parting ---- */

void match_part(struct context *context, struct stream *stream, const struct match *match,
		struct streams *ret_in, struct streams *ret_out)
{
	struct stream rest = *stream;
	struct space inside, outside;

	if (match->impossible) {
		streams_add(ret_out, stream);
		return;
	}
	rest.space = (struct space){ 0 };
	for (int d = REGION_DIMENSIONS; d >= 0; d--) {
		if (!match->sides[d].used)
			continue;
		space_cut(&stream->space, d, match->sides[d].list, match->sides[d].count, &inside,
			  &outside);
		stream->space = inside;
		space_join(&rest.space, &outside);
	}
	streams_add(ret_out, &rest);
	if (!match->unknown)
		streams_add(ret_in, stream);
	else if (space_is_empty(&stream->space))
		space_release(&stream->space);
	else
		literal_part(context, stream, match->unknown,
			     match->stable ? NULL : (const void *)match, ret_in, ret_out);
}
