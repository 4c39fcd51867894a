/*
 * nft's own reading of port values: 022 is octal, names come from the machine's
 * service database before the registry, and what would be an error for nft is not
 * understood here either.
 */
#include "nft/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char WHY_UNKNOWN[] = "the expression around its ports is not understood";
static const char WHY_DEFINE[] = "its ports come from a define that is not in reach";
static const char WHY_NUMBER[] = "a port number that nft would refuse";
static const char WHY_DEEP[] = "its defines refer to each other too deeply";

#define DEFINES_DEEP 16

static bool fail(struct value_reader *reader, const char *reason)
{
	if (!reader->reason)
		reader->reason = reason;
	return false;
}

/*
 * nft's scanner reads 022 as octal and 0x16 as hexadecimal; what is no octal
 * number (08) goes to getaddrinfo(), which reads it as decimal.
 */
static bool number_read(struct slice digits, uint16_t *ret_port)
{
	char copy[24], *end;
	unsigned long value;

	if (digits.length >= sizeof(copy))
		return false;
	memcpy(copy, digits.text, digits.length);
	copy[digits.length] = '\0';
	value = strtoul(copy, &end, 0);
	if (*end && copy[0] == '0')
		value = strtoul(copy, &end, 10);
	if (*end || value > UINT16_MAX)
		return false;
	*ret_port = value;
	return true;
}

/* 0: @name is not known this way; 1: it is @ret_port; 2: it is several ports. */
static int name_ports(const struct registry *registry, const char *name, enum name_match match,
		      uint16_t *ret_port)
{
	const struct service *service = NULL;
	int found = 0;

	while ((service = registry_next_by_name(registry, name, match, service))) {
		if (service->status != SERVICE_ASSIGNED)
			continue;
		if (service->first != service->last || (found && service->first != *ret_port))
			return 2;
		*ret_port = service->first;
		found = 1;
	}
	return found;
}

static bool name_read(struct value_reader *reader, struct slice text, uint16_t *ret_port)
{
	const struct registry *registry = reader->facts->knowledge->registry;
	char name[64];
	int found;

	if (text.length >= sizeof(name))
		return fail(reader, WHY_UNKNOWN);
	memcpy(name, text.text, text.length);
	name[text.length] = '\0';
	found = reader->facts->service_port ? reader->facts->service_port(name) : -1;
	if (found >= 0) {
		*ret_port = found;
		return true;
	}
	found = name_ports(registry, name, NAME_EXACT, ret_port);
	if (!found)
		found = name_ports(registry, name, NAME_ALIAS, ret_port);
	if (found == 2)
		return fail(reader, "it has a service name that stands for several ports");
	return found || fail(reader, "it has a service name that the registry does not know");
}

/* A define that stands for one port. */
static bool define_port(struct value_reader *reader, struct slice name, const struct selector *part,
			uint16_t *ret_port)
{
	const struct selector_row key = { .parts = { *part }, .count = 1 };
	struct tokens value;
	size_t at = 0;
	bool read;

	if (!reader->environment || !environment_define(reader->environment, name, &key, &value))
		return fail(reader, WHY_DEFINE);
	if (++reader->depth > DEFINES_DEEP)
		return fail(reader, WHY_DEEP);
	read = value_port(reader, &value, &at, part, ret_port);
	reader->depth--;
	return read && (at == value.count || fail(reader, WHY_UNKNOWN));
}

bool value_port(struct value_reader *reader, const struct tokens *tokens, size_t *at,
		const struct selector *part, uint16_t *ret_port)
{
	struct slice text;

	if (*at >= tokens->count)
		return fail(reader, WHY_UNKNOWN);
	text = tokens_slice(tokens, *at);
	if (tokens_kind(tokens, *at, TOKEN_DEFINE)) {
		++*at;
		return define_port(reader, text, part, ret_port);
	}
	if (!tokens_kind(tokens, *at, TOKEN_NUMBER) && !tokens_kind(tokens, *at, TOKEN_STRING) &&
	    !tokens_kind(tokens, *at, TOKEN_WORD))
		return fail(reader, WHY_UNKNOWN);
	if (tokens_kind(tokens, *at, TOKEN_STRING))
		text = (struct slice){ text.text + 1, text.length - 2 };
	++*at;
	if (text.length && text.text[0] >= '0' && text.text[0] <= '9')
		return number_read(text, ret_port) || fail(reader, WHY_NUMBER);
	return name_read(reader, text, ret_port);
}

static bool add(struct value_reader *reader, const struct port_use *use)
{
	reader->error = port_list_add(reader->list, use);
	return !reader->error;
}

/* "22", "8000-8010": one part of a key. */
static bool read_range(struct value_reader *reader, const struct tokens *tokens, size_t *at,
		       const struct selector *part, const struct port_use *like)
{
	struct port_use use = *like;

	use.at = reader->text == tokens->text && !reader->in_define && *at < tokens->count
			 ? tokens->list[*at].start
			 : PORT_ELSEWHERE;
	if (!value_port(reader, tokens, at, part, &use.first))
		return false;
	use.last = use.first;
	if (tokens_is(tokens, *at, "-")) {
		++*at;
		if (!value_port(reader, tokens, at, part, &use.last))
			return false;
	}
	if (use.first > use.last)
		return fail(reader, WHY_NUMBER);
	return add(reader, &use);
}

/* The transports that a part such as "tcp" or "6" of a key leaves open; 0: none of ours. */
static uint8_t read_transport(const struct value_reader *reader, const struct tokens *tokens,
			      size_t at)
{
	struct tokens value;

	if (tokens_kind(tokens, at, TOKEN_DEFINE) && reader->environment &&
	    environment_define(reader->environment, tokens_slice(tokens, at), NULL, &value))
		return selector_transport(&value, 0);
	return selector_transport(tokens, at);
}

/* The dot that ends the part of a key at @at; @end: none. */
static size_t part_end(const struct tokens *tokens, size_t at, size_t end)
{
	while (at < end && !tokens_is(tokens, at, "."))
		at = tokens_kind(tokens, at, TOKEN_OPEN) ? tokens_group_end(tokens, at) : at + 1;
	return at < end ? at : end;
}

/* What "tcp . 22" says of the transport of its port; 0: nothing. Sets reason for others. */
static uint8_t transports_of_key(struct value_reader *reader, const struct tokens *tokens,
				 size_t at, size_t end, const struct selector_row *key)
{
	uint8_t transports = 0;

	for (size_t i = 0; i < key->count && at < end; i++) {
		size_t stop = part_end(tokens, at, end);

		if (key->parts[i].kind == SELECTOR_TRANSPORT) {
			transports = read_transport(reader, tokens, at);
			if (!transports)
				fail(reader, "its transport is none of tcp, udp, sctp");
		}
		at = stop + 1;
	}
	return transports;
}

static struct port_use use_of(const struct selector *part, uint8_t transports, bool negated)
{
	return (struct port_use){ .transports = part->transports ? part->transports : transports,
				  .role = part->role,
				  .negated = negated };
}

/* "10.0.0.1 . 22": the ports among the parts. Reads exactly up to @end. */
static bool read_parts(struct value_reader *reader, const struct tokens *tokens, size_t at,
		       size_t end, const struct selector_row *key, bool negated)
{
	uint8_t transports = transports_of_key(reader, tokens, at, end, key);

	for (size_t i = 0; i < key->count && !reader->reason; i++) {
		const struct selector *part = &key->parts[i];
		size_t stop = i + 1 < key->count ? part_end(tokens, at, end) : end;

		if (at >= stop)
			return fail(reader, WHY_UNKNOWN);
		/* "*" is all that no other element is. */
		if (part->kind == SELECTOR_PORT && !tokens_is(tokens, at, "*")) {
			struct port_use use = use_of(part, transports, negated);

			if (!read_range(reader, tokens, &at, part, &use))
				return false;
			if (at != stop)
				return fail(reader, WHY_UNKNOWN);
		}
		at = stop + 1;
	}
	return !reader->reason;
}

static bool read_list(struct value_reader *reader, const struct tokens *tokens, size_t *at,
		      const struct selector_row *key, bool negated)
{
	size_t end = tokens_group_end(tokens, *at), inside = *at + 1;
	struct element element;

	if (++reader->depth > DEFINES_DEEP)
		return fail(reader, WHY_DEEP);
	while (element_next(tokens, &inside, end - 1, &element))
		if (!value_element(reader, tokens, &element, key, negated))
			return false;
	reader->depth--;
	*at = end;
	return true;
}

/* All that a define stands for, where it takes the place of a whole value. */
static bool read_define(struct value_reader *reader, struct slice name,
			const struct selector_row *key, bool negated)
{
	struct tokens value;
	size_t at = 0;
	bool read, outer;

	if (!reader->environment || !environment_define(reader->environment, name, key, &value))
		return fail(reader, WHY_DEFINE);
	if (++reader->depth > DEFINES_DEEP)
		return fail(reader, WHY_DEEP);
	outer = reader->in_define;
	reader->in_define = true;
	read = value_read(reader, &value, &at, key, negated);
	reader->in_define = outer;
	reader->depth--;
	return read && (at == value.count || fail(reader, WHY_UNKNOWN));
}

/* Whether a lone define stands at @at, no end of a range and no part of a key. */
static bool is_lone_define(const struct tokens *tokens, size_t at)
{
	return tokens_kind(tokens, at, TOKEN_DEFINE) && !tokens_is(tokens, at + 1, "-") &&
	       !tokens_is(tokens, at + 1, ".");
}

/* Behind a value of several parts that no braces enclose: "10.0.0.1 . 22". */
static size_t parts_end(const struct tokens *tokens, size_t at, size_t count)
{
	for (size_t i = 0; i < count && at < tokens->count; i++) {
		/* A part is a word, a range or a prefix. */
		at += tokens_kind(tokens, at, TOKEN_OPEN) ? tokens_group_end(tokens, at) - at : 1;
		while (tokens_is(tokens, at, "-") || tokens_is(tokens, at, "/"))
			at += 2;
		if (i + 1 < count && tokens_is(tokens, at, "."))
			at++;
	}
	return at;
}

bool value_read(struct value_reader *reader, const struct tokens *tokens, size_t *at,
		const struct selector_row *key, bool negated)
{
	size_t end;

	if (tokens_kind(tokens, *at, TOKEN_OPEN))
		return read_list(reader, tokens, at, key, negated);
	if (is_lone_define(tokens, *at)) {
		++*at;
		return read_define(reader, tokens_slice(tokens, *at - 1), key, negated);
	}
	end = parts_end(tokens, *at, key->count);
	if (end > tokens->count)
		return fail(reader, WHY_UNKNOWN);
	if (!read_parts(reader, tokens, *at, end, key, negated))
		return false;
	*at = end;
	return true;
}

/* Behind the colon: "80 : 10.0.0.1 . 8080". What has other parts says nothing of ports. */
static bool read_data(struct value_reader *reader, const struct tokens *tokens,
		      const struct element *element)
{
	size_t at = element->key_end + 1, parts = 1;

	if (!reader->data || !reader->data->count || element->key_end == element->end)
		return true;
	for (size_t i = part_end(tokens, at, element->end); i < element->end;
	     i = part_end(tokens, i + 1, element->end))
		parts++;
	return parts != reader->data->count ||
	       read_parts(reader, tokens, at, element->end, reader->data, false);
}

bool value_element(struct value_reader *reader, const struct tokens *tokens,
		   const struct element *element, const struct selector_row *key, bool negated)
{
	size_t at = element->first;
	bool read;

	if (tokens_kind(tokens, at, TOKEN_OPEN) || is_lone_define(tokens, at))
		read = value_read(reader, tokens, &at, key, negated);
	else
		read = read_parts(reader, tokens, at, element->options, key, negated);
	return read && read_data(reader, tokens, element);
}
