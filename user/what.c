/* See what.h. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "what.h"

static const char *const transport_names[] = { "tcp", "udp", "sctp", "dccp" };

const char *transport_name(enum transport transport)
{
	return transport_names[transport];
}

char *transports_text(char *target, size_t size, uint8_t transports)
{
	size_t used = 0;

	target[0] = '\0';
	for (int i = 0; i < 4; i++)
		if (transports >> i & 1 && used < size)
			used += snprintf(target + used, size - used, "%s%s", used ? "," : "",
					 transport_names[i]);
	return target;
}

static int parse_transport(const char *text, size_t length)
{
	for (int i = 0; i < TRANSPORT_COUNT; i++)
		if (length == strlen(transport_names[i]) &&
		    !strncasecmp(text, transport_names[i], length))
			return 1 << i;
	return 0;
}

/* A decimal number up to 65535 at *@text, which moves behind it. */
static bool parse_number(const char **text, uint16_t *ret_number)
{
	unsigned int number = 0;
	const char *at = *text;

	if (!isdigit((unsigned char)*at))
		return false;
	for (; isdigit((unsigned char)*at); at++) {
		number = number * 10 + (*at - '0');
		if (number > 65535)
			return false;
	}
	*text = at;
	*ret_number = number;
	return true;
}

/* "3069", ":3069", "3224-3324"; true only where all of @text is that. */
static bool parse_ports(const char *text, const char *end, uint16_t *ret_first, uint16_t *ret_last)
{
	const char *at = text + (*text == ':');

	if (!parse_number(&at, ret_first))
		return false;
	*ret_last = *ret_first;
	if (*at == '-') {
		at++;
		if (!parse_number(&at, ret_last))
			return false;
	}
	return at == end;
}

static int add_range(struct what *what, uint8_t transports, uint16_t first, uint16_t last)
{
	struct port_range *grown;

	if (!transports)
		return 0;
	grown = reallocarray(what->ranges, what->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	what->ranges = grown;
	grown[what->count++] = (struct port_range){ transports, first, last };
	return 0;
}

static int find_service(const struct registry *registry, const char *name, uint8_t transports,
			enum name_match match, struct what *what)
{
	const struct service *service = NULL;
	int error = 0;

	while (!error && (service = registry_next_by_name(registry, name, match, service)))
		if (service->status == SERVICE_ASSIGNED)
			error = add_range(what, service->transports & transports, service->first,
					  service->last);
	return error;
}

static int find_span(const struct span_list *spans, const char *name, uint8_t transports,
		     struct what *what)
{
	int error = 0;

	for (size_t i = 0; i < spans->count && !error; i++) {
		const struct span *span = &spans->spans[i];

		if (strcasecmp(span->name, name))
			continue;
		memcpy(what->span, span->name, sizeof(what->span));
		error = add_range(what, 1 << span->transport & transports, span->first, span->last);
	}
	return error;
}

static int find_practice(const struct overlay_list *overlays, const char *name, uint8_t transports,
			 struct what *what)
{
	int error = 0;

	for (size_t i = 0; i < overlays->count && !error; i++) {
		const struct overlay *row = &overlays->rows[i];

		if (row->kind != OVERLAY_SPAN && overlay_is_called(row, name))
			error = add_range(what, row->transports & transports, row->first,
					  row->last);
	}
	return error;
}

static int find_name(const char *name, const struct knowledge *knowledge, uint8_t transports,
		     struct what *what)
{
	const struct registry *registry = knowledge->registry;
	int error = find_service(registry, name, transports, NAME_EXACT, what);

	what->by_name = true;
	if (!error && !what->count)
		error = find_service(registry, name, transports, NAME_ALIAS, what);
	if (!error && !what->count)
		error = find_span(&knowledge->spans, name, transports, what);
	if (!error && !what->count)
		error = find_practice(&knowledge->overlays, name, transports, what);
	if (!error && !what->count)
		error = find_service(registry, name, transports, NAME_FORMER, what);
	return error;
}

static bool starts_like_number(const char *text)
{
	return isdigit((unsigned char)text[text[0] == ':' || text[0] == '-']);
}

static int refuse(const char *text, const char *name, struct fault *fault)
{
	const char *at = name + (*name == ':'), *slash = strchr(name, '/');
	uint16_t first, last;

	if (parse_number(&at, &first) && *at == '-' && (at++, parse_number(&at, &last)) && !*at)
		return fault_set(fault, -EINVAL, "'%.80s': the range ends before it begins", text);
	if (starts_like_number(name) && strchr(name, ','))
		return fault_set(fault, -EINVAL,
				 "'%.80s': each port a word of its own, as in 22 80", text);
	if (slash && (starts_like_number(name) || starts_like_number(slash + 1)))
		return fault_set(fault, -EINVAL, "'%.80s': the transport is tcp, udp or sctp, once",
				 text);
	if (starts_like_number(name))
		return fault_set(
			fault, -EINVAL,
			"'%.80s' is neither a port (0 to 65535), a range such as 3224-3324, "
			"nor a known service or span",
			text);
	return fault_set(fault, -EINVAL,
			 "'%.80s' is no service, span or program that portscribe knows; "
			 "portscribe search looks for words",
			 text);
}

/* The transport before or after a slash; the rest in @rest. */
static int split_transport(const char *text, char *rest, size_t size, uint8_t *ret_transports)
{
	const char *slash = strrchr(text, '/');
	int transport;

	*ret_transports = TRANSPORTS_ALL;
	if (slash) {
		transport = parse_transport(slash + 1, strlen(slash + 1));
		if (transport && slash > text) {
			*ret_transports = transport;
			return snprintf(rest, size, "%.*s", (int)(slash - text), text);
		}
		slash = strchr(text, '/');
		transport = parse_transport(text, slash - text);
		if (transport) {
			*ret_transports = transport;
			text = slash + 1;
		}
	}
	return snprintf(rest, size, "%s", text);
}

static int compare_transports(const void *left, const void *right)
{
	const struct port_range *a = left, *b = right;

	return a->transports != b->transports ? a->transports - b->transports : a->first - b->first;
}

static int compare_ranges(const void *left, const void *right)
{
	const struct port_range *a = left, *b = right;

	return a->first != b->first ? a->first - b->first : a->last - b->last;
}

/* The union of @ranges, of one transport each, sorted by that. Returns how many are left. */
static size_t unite(struct port_range *ranges, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct port_range *before = kept ? &ranges[kept - 1] : NULL;

		if (!before || before->transports != ranges[i].transports ||
		    before->last < ranges[i].first)
			ranges[kept++] = ranges[i];
		else if (before->last < ranges[i].last)
			before->last = ranges[i].last;
	}
	return kept;
}

/* Those of the same ports become one, with the transports of all. Sorted by ports. */
static size_t join_transports(struct port_range *ranges, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept && !compare_ranges(&ranges[kept - 1], &ranges[i]))
			ranges[kept - 1].transports |= ranges[i].transports;
		else
			ranges[kept++] = ranges[i];
	}
	return kept;
}

/* Each port once for each transport, whatever rows it came from; in the order of ports. */
static int settle(struct what *what)
{
	struct port_range *ranges =
		reallocarray(NULL, what->count * TRANSPORT_COUNT, sizeof(*ranges));
	size_t count = 0;

	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < what->count; i++)
		for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
			if (what->ranges[i].transports >> transport & 1) {
				ranges[count] = what->ranges[i];
				ranges[count++].transports = 1 << transport;
			}
	qsort(ranges, count, sizeof(*ranges), compare_transports);
	count = unite(ranges, count);
	qsort(ranges, count, sizeof(*ranges), compare_ranges);
	free(what->ranges);
	what->ranges = ranges;
	what->count = join_transports(ranges, count);
	return 0;
}

int what_parse(const char *text, const struct knowledge *knowledge, struct what *ret_what,
	       struct fault *fault)
{
	struct what what = { .text = text };
	char rest[256];
	uint8_t transports;
	uint16_t first, last;
	int length = split_transport(text, rest, sizeof(rest), &transports), error;

	if (length <= 0 || length >= (int)sizeof(rest))
		return fault_set(fault, -EINVAL, "'%.80s' is no port, range, service or span",
				 text);
	if (parse_ports(rest, rest + length, &first, &last) && first <= last)
		error = add_range(&what, transports, first, last);
	else
		error = find_name(rest, knowledge, transports, &what);
	if (!error && !what.count)
		error = refuse(text, rest, fault);
	if (!error)
		error = settle(&what);
	if (error) {
		what_release(&what);
		return error == -ENOMEM ? fault_set(fault, error, "out of memory") : error;
	}
	*ret_what = what;
	return 0;
}

void what_release(struct what *what)
{
	free(what->ranges);
	*what = (struct what){};
}

bool what_holds(const struct what *what, enum transport transport, uint16_t port)
{
	for (size_t i = 0; i < what->count; i++)
		if (what->ranges[i].transports >> transport & 1 && port >= what->ranges[i].first &&
		    port <= what->ranges[i].last)
			return true;
	return false;
}
