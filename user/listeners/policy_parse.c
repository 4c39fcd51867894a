/*
 * Reading a policy: lines to words to rules. Strict, because a rule that is
 * misunderstood allows what nobody meant: whatever is not understood is refused
 * with its place.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "listeners/policy_internal.h"
#include "registry/table.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/utf8.h"
#include "what.h"

#define WORDS_MAX 8 /* transport, ports, reach, and who by at most four things */
#define WHO_FIRST 3

struct word {
	const char *at;	  /* where it begins */
	const char *text; /* decoded, NUL-terminated; in the arena */
	size_t length;
	bool quoted;
};

struct reading {
	struct policy *policy;
	const struct span_list *spans;
	const char *line, *end; /* the current line */
	unsigned int number;
	struct table_error *error;
	size_t room; /* of the rules */
};

static int refuse(struct reading *reading, const char *where, const char *reason)
{
	if (reading->error)
		*reading->error = (struct table_error){
			.line = reading->number,
			.column = where - reading->line + 1,
			.reason = reason,
		};
	return -EINVAL;
}

/* ---- words ---- */

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit |= 0x20;
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* What follows a backslash: \" \\ \xNN. How many bytes it took; 0: it is none of them. */
static size_t read_escape(const char *at, const char *end, char *ret_byte)
{
	int high, low;

	if (at < end && (*at == '"' || *at == '\\')) {
		*ret_byte = *at;
		return 1;
	}
	if (end - at < 3 || *at != 'x')
		return 0;
	high = hex_digit(at[1]);
	low = hex_digit(at[2]);
	*ret_byte = high * 16 + low;
	return high < 0 || low < 0 || !*ret_byte ? 0 : 3;
}

static int read_quoted(struct reading *reading, const char **at, struct word *word)
{
	const char *open = *at, *next = open + 1;
	char *text = arena_bytes(&reading->policy->arena, reading->end - open + 1);

	if (!text)
		return -ENOMEM;
	word->text = text;
	word->quoted = true;
	while (next < reading->end && *next != '"') {
		size_t step = 1;

		text[word->length] = *next;
		if (*next == '\\') {
			step = read_escape(next + 1, reading->end, &text[word->length]);
			if (!step++)
				return refuse(reading, next,
					      "no such escape: behind a backslash stand another, a "
					      "quote, "
					      "or x and two hexadecimal digits");
		}
		word->length++;
		next += step;
	}
	text[word->length] = '\0';
	if (next == reading->end)
		return refuse(reading, open, "a quoted word without an end");
	*at = next + 1;
	if (*at < reading->end && !is_blank(**at))
		return refuse(reading, *at, "a blank is missing behind the quote");
	return 0;
}

static int read_plain(struct reading *reading, const char **at, struct word *word)
{
	const char *next = *at;

	for (; next < reading->end && !is_blank(*next); next++)
		if (*next == '"')
			return refuse(reading, next, "a quote within a word");
	word->length = next - *at;
	word->text = arena_copy(&reading->policy->arena, *at, word->length);
	*at = next;
	return word->text ? 0 : -ENOMEM;
}

/* The words of the line up to a comment. */
static int read_words(struct reading *reading, struct word *words, size_t *ret_count,
		      struct slice *ret_text)
{
	const char *at = reading->line, *first = NULL, *last = at;
	size_t count = 0;
	int error = 0;

	for (;;) {
		while (at < reading->end && is_blank(*at))
			at++;
		if (at == reading->end || *at == '#')
			break;
		if (count == WORDS_MAX)
			return refuse(reading, at, "too many words");
		words[count] = (struct word){ .at = at };
		if (!first)
			first = at;
		error = *at == '"' ? read_quoted(reading, &at, &words[count])
				   : read_plain(reading, &at, &words[count]);
		if (error)
			return error;
		count++;
		last = at;
	}
	*ret_count = count;
	*ret_text = (struct slice){ first, first ? last - first : 0 };
	return 0;
}

/* ---- transports and ports ---- */

static int read_transports(struct reading *reading, const struct word *word, uint8_t *ret_mask)
{
	const char *at = word->text;
	uint8_t mask = 0;

	for (;;) {
		size_t length = strcspn(at, ",");
		int transport = 0;

		while (transport < TRANSPORT_COUNT &&
		       !(strlen(transport_name(transport)) == length &&
			 !memcmp(transport_name(transport), at, length)))
			transport++;
		if (transport == TRANSPORT_COUNT)
			return refuse(reading, word->at + (at - word->text),
				      "no transport: tcp, udp or sctp");
		mask |= 1 << transport;
		if (!at[length])
			break;
		at += length + 1;
	}
	*ret_mask = mask;
	return 0;
}

/* Digits alone, at most 65535. Where they end; NULL: it is no port. */
static const char *read_port(const char *at, uint16_t *ret_port)
{
	unsigned int port = 0;
	const char *start = at;

	for (; *at >= '0' && *at <= '9'; at++) {
		port = port * 10 + (*at - '0');
		if (port >= PORT_COUNT)
			return NULL;
	}
	*ret_port = port;
	return at == start ? NULL : at;
}

static int read_numbers(struct reading *reading, const struct word *word, uint8_t mask,
			struct policy_rule *rule)
{
	uint16_t first, last;
	const char *at = read_port(word->text, &first);

	last = first;
	if (at && *at == '-')
		at = read_port(at + 1, &last);
	if (!at || *at)
		return refuse(reading, word->at, "no port (0 to 65535) or range of ports");
	if (last < first)
		return refuse(reading, word->at, "a range that ends before it begins");
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		rule->ports[transport].holds = mask >> transport & 1;
		rule->ports[transport].first = first;
		rule->ports[transport].last = last;
	}
	return 0;
}

static int read_span(struct reading *reading, const struct word *word, uint8_t mask,
		     struct policy_rule *rule)
{
	bool known = false, found = false;

	for (size_t i = 0; i < reading->spans->count; i++) {
		const struct span *span = &reading->spans->spans[i];

		if (strcmp(span->name, word->text))
			continue;
		known = true;
		if (!(mask >> span->transport & 1))
			continue;
		found = true;
		rule->ports[span->transport].holds = true;
		rule->ports[span->transport].first = span->first;
		rule->ports[span->transport].last = span->last;
	}
	if (!known)
		return refuse(reading, word->at, "no port, no range, and no span of that name");
	if (!found)
		return refuse(reading, word->at, "a span of another transport");
	rule->ephemeral = !strcmp(word->text, "ephemeral");
	return 0;
}

static int read_ports(struct reading *reading, const struct word *word, uint8_t mask,
		      struct policy_rule *rule)
{
	if (word->text[0] >= '0' && word->text[0] <= '9')
		return read_numbers(reading, word, mask, rule);
	return read_span(reading, word, mask, rule);
}

/* ---- reach ---- */

static bool bits_behind(const uint8_t *prefix, unsigned int bits, unsigned int total)
{
	for (unsigned int bit = bits; bit < total; bit++)
		if (prefix[bit / 8] >> (7 - bit % 8) & 1)
			return true;
	return false;
}

/* ::ffff:10.0.0.0/104 is 10.0.0.0/8. */
static void unmap(struct policy_rule *rule)
{
	struct in6_addr address;

	memcpy(&address, rule->prefix, sizeof(address));
	if (rule->family != AF_INET6 || rule->bits < 96 || !IN6_IS_ADDR_V4MAPPED(&address))
		return;
	rule->family = AF_INET;
	rule->bits -= 96;
	memmove(rule->prefix, rule->prefix + 12, 4);
}

static int read_prefix(struct reading *reading, const struct word *word, const char *text,
		       struct policy_rule *rule)
{
	static const char none[] = "no reach: all, loopback, an address, a prefix";
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	unsigned int total;
	uint16_t bits;

	if (length >= sizeof(address))
		return refuse(reading, word->at, none);
	memcpy(address, text, length);
	address[length] = '\0';
	rule->reach = REACH_PREFIX;
	rule->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(rule->family, address, rule->prefix) != 1)
		return refuse(reading, word->at, none);
	total = bits = rule->family == AF_INET6 ? 128 : 32;
	if (slash) {
		const char *end = read_port(slash + 1, &bits);

		if (!end || *end || bits > total)
			return refuse(reading, word->at + (slash - word->text),
				      "no length of a prefix");
	}
	rule->bits = bits;
	if (bits_behind(rule->prefix, bits, total))
		return refuse(reading, word->at, "an address with bits behind its prefix");
	unmap(rule);
	return 0;
}

static int read_reach(struct reading *reading, const struct word *word, struct policy_rule *rule)
{
	const char *percent = strrchr(word->text, '%');
	const char *text = word->text;

	if (percent) {
		if (!percent[1])
			return refuse(reading, word->at, "no interface behind '%'");
		rule->interface = percent + 1;
		text = arena_copy(&reading->policy->arena, word->text, percent - word->text);
		if (!text)
			return -ENOMEM;
	}
	if (!strcmp(text, "all"))
		rule->reach = REACH_ALL;
	else if (!strcmp(text, "loopback"))
		rule->reach = REACH_LOOPBACK;
	else
		return read_prefix(reading, word, text, rule);
	return 0;
}

/* ---- who ---- */

static int read_container(struct reading *reading, const struct word *word, const char *text,
			  struct policy_rule *rule)
{
	size_t length = strcspn(text, "/");

	for (enum container_kind kind = CONTAINER_NONE + 1; kind < CONTAINER_KINDS; kind++) {
		const char *known = container_word(kind);

		if (strlen(known) != length || memcmp(known, text, length))
			continue;
		if (text[length] && !text[length + 1])
			break;
		rule->container_kind = kind;
		rule->container = text[length] ? text + length + 1 : NULL;
		return 0;
	}
	return refuse(reading, word->at,
		      "no container: docker, podman, lxc, kubernetes, containerd, cri-o or "
		      "machine, and /NAME behind it");
}

static int read_who_word(struct reading *reading, const struct word *word, struct policy_rule *rule)
{
	static const char unit[] = "unit:", container[] = "container:";
	bool twice;

	if (word->text[0] == '/') {
		twice = rule->exe;
		rule->exe = word->text;
	} else if (!strncmp(word->text, unit, strlen(unit)) && word->text[strlen(unit)]) {
		twice = rule->unit;
		rule->unit = word->text + strlen(unit);
	} else if (!strncmp(word->text, container, strlen(container))) {
		twice = rule->container_kind != CONTAINER_NONE;
		if (!twice)
			return read_container(reading, word, word->text + strlen(container), rule);
	} else if (!strcmp(word->text, "kernel")) {
		twice = rule->kernel;
		rule->kernel = true;
	} else if (!strcmp(word->text, "*")) {
		twice = rule->anybody;
		rule->anybody = true;
	} else {
		return refuse(reading, word->at,
			      "nobody: a path, unit:NAME, container:KIND, kernel or * is needed");
	}
	return twice ? refuse(reading, word->at, "the same kind of thing twice") : 0;
}

static int read_who(struct reading *reading, const struct word *words, size_t count,
		    struct policy_rule *rule)
{
	for (size_t i = WHO_FIRST; i < count; i++) {
		int error = read_who_word(reading, &words[i], rule);

		if (error)
			return error;
	}
	/* What is alone in its line must be alone: kernel has no path, and * says all. */
	if ((rule->anybody || rule->kernel) && count > WHO_FIRST + 1)
		return refuse(reading, words[WHO_FIRST].at, "* and kernel stand alone");
	return 0;
}

/* ---- lines ---- */

static int add_rule(struct reading *reading, const struct policy_rule *rule)
{
	struct policy *policy = reading->policy;

	if (policy->count == reading->room) {
		size_t room = reading->room * 2 + 32;
		struct policy_rule *grown = reallocarray(policy->rules, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		policy->rules = grown;
		reading->room = room;
	}
	policy->rules[policy->count++] = *rule;
	return 0;
}

size_t policy_character(const char *text, size_t length)
{
	uint32_t code = 0;
	size_t step = utf8_character(text, length, &code);
	bool control = (code < ' ' && code != '\t') || (code >= 0x7f && code < 0xa0);
	/* Unicode, Bidi_Control; and the two separators of lines that are no newline. */
	bool turns = code == 0x61c || code == 0x200e || code == 0x200f ||
		     (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);

	return control || turns ? 0 : step;
}

static int check_bytes(struct reading *reading)
{
	size_t length = reading->end - reading->line;

	for (size_t i = 0, step; i < length; i += step) {
		step = policy_character(reading->line + i, length - i);
		if (!step)
			return refuse(
				reading, reading->line + i,
				"a byte that is no text; in quotes it is a backslash, x and two "
				"hexadecimal digits");
	}
	return 0;
}

static int read_line(struct reading *reading)
{
	struct word words[WORDS_MAX];
	struct policy_rule rule = { .line = reading->number };
	size_t count = 0;
	uint8_t mask = 0;
	int error = check_bytes(reading);

	if (!error)
		error = read_words(reading, words, &count, &rule.text);
	if (error || !count)
		return error;
	error = read_transports(reading, &words[0], &mask);
	if (!error && count <= WHO_FIRST)
		return refuse(reading, reading->end,
			      count == 1   ? "ports are missing"
			      : count == 2 ? "the reach is missing: all, loopback or an address"
					   : "who may listen is missing: a path, unit:NAME or *");
	if (!error)
		error = read_ports(reading, &words[1], mask, &rule);
	if (!error)
		error = read_reach(reading, &words[2], &rule);
	if (!error)
		error = read_who(reading, words, count, &rule);
	return error ? error : add_rule(reading, &rule);
}

int policy_parse(const char *text, size_t length, const struct span_list *spans,
		 struct policy **ret_policy, struct table_error *ret_error)
{
	struct policy *policy = calloc(1, sizeof(*policy));
	struct reading reading = { .policy = policy, .spans = spans, .error = ret_error };
	const char *at, *end;
	int error = 0;

	if (policy)
		policy->text = malloc(length + 1);
	if (!policy || !policy->text) {
		free(policy);
		return -ENOMEM;
	}
	memcpy(policy->text, text, length);
	end = policy->text + length;
	for (at = policy->text; at < end && !error; at = reading.end + 1) {
		const char *newline = memchr(at, '\n', end - at);

		reading.line = at;
		reading.end = newline ? newline : end;
		reading.number++;
		error = read_line(&reading);
	}
	if (error) {
		policy_free(policy);
		return error;
	}
	*ret_policy = policy;
	return 0;
}

int policy_read(const char *path, const struct span_list *spans, struct policy **ret_policy,
		struct fault *fault)
{
	_cleanup_free_ char *text = NULL;
	struct table_error place = {};
	size_t length;
	int error = file_read_trusted(path, POLICY_SIZE_MAX, geteuid(), &text, &length, fault);

	if (error)
		return error;
	error = policy_parse(text, length, spans, ret_policy, &place);
	if (error == -EINVAL)
		return fault_set(fault, error, "%s:%u:%u: %s", path, place.line, place.column,
				 place.reason);
	return error ? fault_set(fault, error, "cannot read '%s': out of memory", path) : 0;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	free(policy->text);
	free(policy->rules);
	arena_release(&policy->arena);
	free(policy);
}
