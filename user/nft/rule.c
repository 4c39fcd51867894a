/*
 * Port matches within a rule: "tcp dport 22", "th sport { 53, 5000-5010 }",
 * with nft's own reading of numbers and names. A match is read only where what
 * stands before and behind it leaves no doubt; one doubtful match is enough to
 * leave the rule alone.
 */
#include "nft/rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char WHY_UNKNOWN[] = "the expression around its ports is not understood";
static const char WHY_DEFINE[] = "its ports come from a define";
static const char WHY_TRANSPORT[] = "its transport is none of tcp, udp, sctp";
static const char WHY_NUMBER[] = "a port number that nft would refuse";

/* One pass over one rule. */
struct reading {
	const struct rule_text *rule;
	const struct comment_facts *facts;
	struct port_list *list;
	size_t at;	    /* index of the next token */
	uint8_t transports; /* of the match being read */
	uint8_t source;
	size_t negated;	    /* matches that name what they do not match */
	const char *reason; /* set: give up */
};

void port_list_release(struct port_list *list)
{
	free(list->uses);
	*list = (struct port_list){ 0 };
}

static int port_list_add(struct port_list *list, const struct port_use *use)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 16;
		struct port_use *uses = reallocarray(list->uses, capacity, sizeof(*uses));

		if (!uses)
			return -ENOMEM;
		list->uses = uses;
		list->capacity = capacity;
	}
	list->uses[list->count++] = *use;
	return 0;
}

/* Token @index, or NULL behind the rule's end. */
static const struct token *token_at(const struct rule_text *rule, size_t index)
{
	return index < rule->count ? &rule->tokens[index] : NULL;
}

static bool is_at(const struct rule_text *rule, size_t index, const char *spelling)
{
	const struct token *token = token_at(rule, index);

	return token && token_is(rule->text, token, spelling);
}

static bool kind_at(const struct rule_text *rule, size_t index, enum token_kind kind)
{
	const struct token *token = token_at(rule, index);

	return token && token->kind == kind;
}

static bool in_list_at(const struct rule_text *rule, size_t index, const char *const *words)
{
	for (; *words; words++) {
		if (is_at(rule, index, *words))
			return true;
	}
	return false;
}

static bool is_port_word(const struct rule_text *rule, size_t index)
{
	return is_at(rule, index, "dport") || is_at(rule, index, "sport");
}

/* The port behind the colon of "redirect to :8080", "dnat to 10.0.0.1:80" or "]:80". */
static bool is_target_port(const struct rule_text *rule, size_t index)
{
	const struct token *before = index ? token_at(rule, index - 1) : NULL;
	const char *text = rule->text;

	if (!before || !is_at(rule, index, ":") || kind_at(rule, index + 1, TOKEN_SIGN))
		return false;
	return token_is(text, before, "to") || token_is(text, before, "]") ||
	       (before->kind == TOKEN_NUMBER &&
		memchr(text + before->start, '.', before->end - before->start));
}

static bool translates(const struct rule_text *rule)
{
	static const char *const words[] = { "dnat",	   "snat",   "redirect",
					     "masquerade", "tproxy", NULL };

	for (size_t i = 0; i < rule->count; i++) {
		if (in_list_at(rule, i, words))
			return true;
	}
	return false;
}

/* Ways to name ports that this grammar knows of but does not read. */
static const char *other_port_naming(const struct rule_text *rule)
{
	bool target_possible = translates(rule);

	for (size_t i = 0; i < rule->count; i++) {
		if (is_at(rule, i, "proto-dst") || is_at(rule, i, "proto-src"))
			return "it names the ports of the original connection";
		if (is_at(rule, i, "@th") && is_at(rule, i + 1, ","))
			return "it may name ports by their offset in the packet";
		if (target_possible && is_target_port(rule, i))
			return "its only port is the target of a translation";
	}
	return NULL;
}

bool rule_names_ports(const struct rule_text *rule)
{
	for (size_t i = 0; i < rule->count; i++) {
		if (is_port_word(rule, i))
			return true;
	}
	return other_port_naming(rule) != NULL;
}

ptrdiff_t rule_comment(const struct rule_text *rule)
{
	unsigned int depth = 0;

	for (size_t i = 0; i < rule->count; i++) {
		if (kind_at(rule, i, TOKEN_OPEN))
			depth++;
		else if (kind_at(rule, i, TOKEN_CLOSE))
			depth--;
		else if (!depth && is_at(rule, i, "comment"))
			return (ptrdiff_t)i;
	}
	return -1;
}

/* 0 where @token names none of the transports that have ports we know. */
static uint8_t transport_of(const struct rule_text *rule, size_t index)
{
	static const struct {
		const char *name, *number;
		uint8_t bit;
	} known[] = {
		{ "tcp", "6", SERVICE_TCP },
		{ "udp", "17", SERVICE_UDP },
		{ "sctp", "132", SERVICE_SCTP },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (is_at(rule, index, known[i].name) || is_at(rule, index, known[i].number))
			return known[i].bit;
	}
	return 0;
}

/*
 * The transports that "meta l4proto tcp", "ip protocol { tcp, udp }" and the
 * like leave open, from the value at @index; 0: none of ours. Sets *@ret_known
 * to false where the value is anything but a plain name or set of names.
 */
static uint8_t transports_listed(const struct rule_text *rule, size_t index, bool *ret_known)
{
	uint8_t transports = 0;

	*ret_known = true;
	if (is_at(rule, index, "=="))
		index++;
	if (kind_at(rule, index, TOKEN_WORD) || kind_at(rule, index, TOKEN_NUMBER))
		return transport_of(rule, index);
	if (!kind_at(rule, index, TOKEN_OPEN)) {
		*ret_known = false;
		return 0;
	}
	while (token_at(rule, ++index) && !kind_at(rule, index, TOKEN_CLOSE))
		transports |= transport_of(rule, index);
	return transports;
}

/* What the rest of the rule says about the transport of "th dport". 0: nothing. */
static uint8_t transports_of_rule(struct reading *reading)
{
	static const char *const fields[] = { "l4proto", "protocol", "nexthdr", NULL };
	const struct rule_text *rule = reading->rule;

	for (size_t i = 0; i < rule->count; i++) {
		bool known;
		uint8_t transports;

		/* "ether protocol ip" is about another layer. */
		if (!in_list_at(rule, i, fields) || (i && is_at(rule, i - 1, "ether")) ||
		    (is_at(rule, i, "protocol") && i && is_at(rule, i - 1, "meta")))
			continue;
		transports = transports_listed(rule, i + 1, &known);
		if (!known)
			return 0;
		if (!transports)
			reading->reason = WHY_TRANSPORT;
		return transports;
	}
	return 0;
}

/*
 * nft's scanner reads 022 as octal and 0x16 as hexadecimal; what is no octal
 * number (08) goes to getaddrinfo(), which reads it as decimal.
 */
static bool number_read(const char *digits, size_t length, uint16_t *ret_port)
{
	char copy[24], *end;
	unsigned long value;

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, digits, length);
	copy[length] = '\0';
	value = strtoul(copy, &end, 0);
	if (*end && copy[0] == '0')
		value = strtoul(copy, &end, 10);
	if (*end || value > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)value;
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

static bool name_read(struct reading *reading, const char *text, size_t length, uint16_t *ret_port)
{
	char name[64];
	int found;

	if (length >= sizeof(name)) {
		reading->reason = WHY_UNKNOWN;
		return false;
	}
	memcpy(name, text, length);
	name[length] = '\0';
	if (reading->facts->service_port && reading->facts->service_port(name) >= 0) {
		*ret_port = reading->facts->service_port(name);
		return true;
	}
	found = name_ports(reading->facts->knowledge->registry, name, NAME_EXACT, ret_port);
	if (!found)
		found = name_ports(reading->facts->knowledge->registry, name, NAME_ALIAS, ret_port);
	if (found == 2)
		reading->reason = "it has a service name that stands for several ports";
	else if (!found)
		reading->reason = "it has a service name that the registry does not know";
	return found == 1;
}

/* One port, as number or name, quoted or not. */
static bool port_read(struct reading *reading, uint16_t *ret_port)
{
	const struct token *token = token_at(reading->rule, reading->at);
	const char *text = token ? reading->rule->text + token->start : NULL;
	size_t length = token ? token->end - token->start : 0;
	bool read = false;

	reading->at++;
	if (token && token->kind == TOKEN_STRING) {
		text++;
		length -= 2;
	}
	if (token && length && (token->kind == TOKEN_NUMBER || token->kind == TOKEN_STRING) &&
	    *text >= '0' && *text <= '9') {
		read = number_read(text, length, ret_port);
		if (!read)
			reading->reason = WHY_NUMBER;
	} else if (token && (token->kind == TOKEN_WORD || token->kind == TOKEN_STRING)) {
		read = name_read(reading, text, length, ret_port);
	} else {
		reading->reason = token && token->kind == TOKEN_DEFINE ? WHY_DEFINE : WHY_UNKNOWN;
	}
	return read;
}

/* "22" or "8000-8010". */
static int value_read(struct reading *reading)
{
	struct port_use use = { .transports = reading->transports, .source = reading->source };

	if (!port_read(reading, &use.first))
		return 0;
	use.last = use.first;
	if (is_at(reading->rule, reading->at, "-")) {
		reading->at++;
		if (!port_read(reading, &use.last))
			return 0;
	}
	if (use.first > use.last) {
		reading->reason = WHY_NUMBER;
		return 0;
	}
	return port_list_add(reading->list, &use);
}

/* "{ 22, 80, 8000-8010, }"; nft allows the last comma. */
static int set_read(struct reading *reading)
{
	const struct rule_text *rule = reading->rule;

	reading->at++;
	do {
		int err = value_read(reading);

		if (err || reading->reason)
			return err;
		if (kind_at(rule, reading->at, TOKEN_CLOSE))
			break;
		if (is_at(rule, reading->at, ":"))
			reading->reason = "its ports are keys of a map";
		else if (kind_at(rule, reading->at, TOKEN_WORD))
			reading->reason = "its set elements have options of their own";
		else if (!is_at(rule, reading->at, ","))
			reading->reason = WHY_UNKNOWN;
		reading->at++;
	} while (!reading->reason && !kind_at(rule, reading->at, TOKEN_CLOSE));
	reading->at++;
	return 0;
}

/* Why the word or sign behind "dport" makes the match one that we do not read. NULL: it does not.
 */
static const char *operator_reason(const struct rule_text *rule, size_t index)
{
	static const struct {
		const char *spelling, *reason;
	} operators[] = {
		{ ".", "its ports are part of a concatenation" },
		{ "set", "it sets a port" },
		{ "map", "its ports are keys of a map" },
		{ "vmap", "its ports are keys of a map" },
		{ "<", "it compares ports by order" },
		{ ">", "it compares ports by order" },
		{ "<=", "it compares ports by order" },
		{ ">=", "it compares ports by order" },
		{ "lt", "it compares ports by order" },
		{ "gt", "it compares ports by order" },
		{ "le", "it compares ports by order" },
		{ "ge", "it compares ports by order" },
		{ "&", "it compares ports through a mask" },
		{ "|", "it compares ports through a mask" },
		{ "^", "it compares ports through a mask" },
		{ "and", "it compares ports through a mask" },
		{ "or", "it compares ports through a mask" },
		{ "xor", "it compares ports through a mask" },
	};

	if (kind_at(rule, index, TOKEN_SET))
		return "its ports come from a named set";
	if (kind_at(rule, index, TOKEN_DEFINE))
		return WHY_DEFINE;
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (is_at(rule, index, operators[i].spelling))
			return operators[i].reason;
	}
	return NULL;
}

/* Why what stands before "tcp dport" at @index makes it something other than a match. */
static const char *context_reason(const struct rule_text *rule, size_t index)
{
	static const char *const not_matches[] = { "set",     "to",   "map",  "vmap", "jhash",
						   "symhash", "addr", "port", NULL };
	static const char *const tunnels[] = { "vxlan", "geneve", "gre", "gretap", NULL };
	const struct token *before = index ? token_at(rule, index - 1) : NULL;

	if (!before)
		return NULL;
	if (is_at(rule, index - 1, "."))
		return "its ports are part of a concatenation";
	if (in_list_at(rule, index - 1, not_matches) || before->kind == TOKEN_OPEN)
		return "its ports are taken from the packet, not compared";
	if (in_list_at(rule, index - 1, tunnels))
		return "its ports are those of a packet inside a tunnel";
	if (before->kind == TOKEN_SIGN && !is_at(rule, index - 1, "]") &&
	    !is_at(rule, index - 1, ")"))
		return WHY_UNKNOWN;
	return NULL;
}

/* Whether the expression goes on behind a value: then it was not the value alone. */
static bool value_continues(const struct rule_text *rule, size_t index)
{
	static const char *const words[] = { "and", "or",   "xor", "lshift", "rshift",
					     "map", "vmap", "mod", NULL };
	const struct token *token = token_at(rule, index);

	return token && (token->kind == TOKEN_SIGN || token->kind == TOKEN_JUNK ||
			 token->kind == TOKEN_OPEN || token->kind == TOKEN_NUMBER ||
			 in_list_at(rule, index, words));
}

static bool negation_read(struct reading *reading)
{
	const struct rule_text *rule = reading->rule;

	if (is_at(rule, reading->at, "!=") || is_at(rule, reading->at, "ne")) {
		reading->at++;
		return true;
	}
	if (is_at(rule, reading->at, "==") || is_at(rule, reading->at, "eq"))
		reading->at++;
	return false;
}

/* The values behind "dport"; reading->at stands there. */
static int match_values_read(struct reading *reading)
{
	const struct rule_text *rule = reading->rule;
	size_t kept = reading->list->count;
	bool negated;
	int err;

	reading->reason = operator_reason(rule, reading->at);
	if (reading->reason)
		return 0;
	negated = negation_read(reading);
	reading->reason = operator_reason(rule, reading->at);
	if (reading->reason)
		return 0;
	err = kind_at(rule, reading->at, TOKEN_OPEN) ? set_read(reading) : value_read(reading);
	if (err || reading->reason)
		return err;
	if (value_continues(rule, reading->at))
		reading->reason = operator_reason(rule, reading->at) ?: WHY_UNKNOWN;
	if (negated) {
		reading->negated++;
		reading->list->count = kept;
	}
	return 0;
}

/* "tcp dport ...": reading->at stands on "dport" or "sport". */
static int match_read(struct reading *reading)
{
	const struct rule_text *rule = reading->rule;
	size_t header = reading->at - 1;

	reading->source = is_at(rule, reading->at, "sport");
	if (!reading->at) {
		reading->reason = WHY_UNKNOWN;
		return 0;
	}
	reading->reason = context_reason(rule, header);
	if (reading->reason)
		return 0;
	reading->transports = transport_of(rule, header);
	if (is_at(rule, header, "th"))
		reading->transports = transports_of_rule(reading);
	else if (!reading->transports)
		reading->reason = WHY_TRANSPORT;
	if (reading->reason)
		return 0;
	reading->at++;
	return match_values_read(reading);
}

static bool holds_block(const struct rule_text *rule)
{
	for (size_t i = 1; i < rule->count; i++) {
		if (kind_at(rule, i, TOKEN_OPEN) &&
		    (is_at(rule, i - 1, "jump") || is_at(rule, i - 1, "goto")))
			return true;
	}
	return false;
}

static bool holds_junk(const struct rule_text *rule)
{
	for (size_t i = 0; i < rule->count; i++) {
		if (kind_at(rule, i, TOKEN_JUNK))
			return true;
	}
	return false;
}

static int matches_read(struct reading *reading)
{
	const struct rule_text *rule = reading->rule;

	while (reading->at < rule->count) {
		int err = 0;

		if (is_port_word(rule, reading->at))
			err = match_read(reading);
		else
			reading->at++;
		if (err || reading->reason)
			return err;
	}
	if (reading->list->count)
		return 0;
	if (reading->negated)
		reading->reason = "it matches all ports but those it names";
	else
		reading->reason = other_port_naming(rule) ?: WHY_UNKNOWN;
	return 0;
}

int rule_ports(const struct rule_text *rule, const struct comment_facts *facts,
	       struct port_list *list, const char **ret_reason)
{
	struct reading reading = { .rule = rule, .facts = facts, .list = list };
	int err = 0;

	list->count = 0;
	if (holds_block(rule))
		reading.reason = "it jumps to a block of its own";
	else if (holds_junk(rule))
		reading.reason = "it holds bytes that nft does not know";
	else
		err = matches_read(&reading);
	if (err || reading.reason)
		list->count = 0;
	if (!err && reading.reason)
		*ret_reason = reading.reason;
	return err;
}
