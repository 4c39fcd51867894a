/*
 * From left to right over a rule: selectors and what they are compared with,
 * translations and where they go, and all other words, which are passed over.
 */
#include "nft/rule.h"

#include <errno.h>
#include <string.h>

#include "nft/value.h"

static const char WHY_UNKNOWN[] = "the expression around its ports is not understood";
static const char WHY_TAKEN[] = "its ports are taken from the packet, not compared";
static const char WHY_TUNNEL[] = "its ports are those of a packet inside a tunnel";
static const char WHY_TRANSPORT[] = "its transport is none of tcp, udp, sctp";
static const char WHY_SET[] = "its ports come from a set that is not in reach";
static const char WHY_DYNAMIC[] = "its ports come from a set that is filled at run time";
static const char WHY_EMPTY[] = "its ports come from a set that has no elements here";
static const char WHY_RECKONED[] = "its ports are reckoned, not named";
static const char WHY_OFFSET[] = "it may name ports by their offset in the packet";
static const char WHY_MASK[] = "it compares ports through a mask";

#define PORT_MAX (PORT_COUNT - 1)

/* One pass over one rule. */
struct reading {
	const struct tokens *tokens;
	const struct rule_text *rule;
	struct value_reader value;
	size_t at;		  /* index of the next token */
	uint8_t transports;	  /* what the rule says of them elsewhere; 0: nothing */
	bool taken;		  /* ports that are looked at, but not compared */
	struct selector_row data; /* what the next map maps to; no parts: nothing of ports */
};

static bool give_up(struct reading *reading, const char *reason)
{
	if (!reading->value.reason)
		reading->value.reason = reason;
	return false;
}

static bool is(const struct reading *reading, size_t ahead, const char *word)
{
	return tokens_is(reading->tokens, reading->at + ahead, word);
}

static bool is_one(const struct reading *reading, size_t ahead, const char *const *words)
{
	return tokens_is_one(reading->tokens, reading->at + ahead, words);
}

static bool is_kind(const struct reading *reading, size_t ahead, enum token_kind kind)
{
	return tokens_kind(reading->tokens, reading->at + ahead, kind);
}

/* ---- what the rule is about ---- */

size_t rule_block(const struct tokens *rule)
{
	for (size_t i = 1; i < rule->count;
	     i = tokens_kind(rule, i, TOKEN_OPEN) ? tokens_group_end(rule, i) : i + 1)
		if (tokens_kind(rule, i, TOKEN_OPEN) &&
		    (tokens_is(rule, i - 1, "jump") || tokens_is(rule, i - 1, "goto")))
			return i;
	return rule->count;
}

/* The colon before the port of "redirect to :8080", "dnat to 10.0.0.1:80", "to [::1]:80". */
static bool is_target_colon(const struct tokens *tokens, size_t index)
{
	const struct token *before = index ? &tokens->list[index - 1] : NULL;

	if (!before || !tokens_kind(tokens, index, TOKEN_SIGN) || !tokens_is(tokens, index, ":"))
		return false;
	return tokens_is(tokens, index - 1, "to") || tokens_is(tokens, index - 1, "]") ||
	       before->kind == TOKEN_DEFINE ||
	       (before->kind == TOKEN_NUMBER &&
		memchr(tokens->text + before->start, '.', before->end - before->start));
}

static const char *const translations[] = {
	"dnat", "snat", "redirect", "masquerade", "tproxy", NULL
};
static const char *const reckoners[] = { "numgen", "jhash", "symhash", NULL };

/* The "to" of a translation at @index; 0: it has none. */
static size_t translation_to(const struct tokens *tokens, size_t index)
{
	for (size_t i = index + 1; i < index + 6 && i < tokens->count; i++)
		if (tokens_is(tokens, i, "to"))
			return i;
	return 0;
}

/* Whether the tokens name the port that a translation at @index goes to. */
static bool names_target(const struct tokens *tokens, size_t index)
{
	size_t to = translation_to(tokens, index);

	if (to && tokens_is(tokens, index, "redirect"))
		return true;
	for (size_t i = to + 1; to && i < tokens->count && !tokens_kind(tokens, i, TOKEN_OPEN) &&
				!tokens_kind(tokens, i, TOKEN_WORD);
	     i++)
		if (is_target_colon(tokens, i))
			return true;
	return false;
}

bool rule_names_ports(const struct tokens *rule)
{
	size_t block = rule_block(rule);

	for (size_t i = 0; i < rule->count; i++) {
		struct selector selector;

		if (i == block)
			i = tokens_group_end(rule, block);
		if (tokens_kind(rule, i, TOKEN_WORD) || tokens_kind(rule, i, TOKEN_SET)) {
			if (selector_read(rule, i, &selector) &&
			    (selector.kind == SELECTOR_PORT || selector.kind == SELECTOR_UNCLEAR))
				return true;
			if (tokens_is_one(rule, i, translations) && names_target(rule, i))
				return true;
		}
	}
	return false;
}

bool rule_translates_by_map(const struct tokens *rule)
{
	size_t block = rule_block(rule), to = 0;

	for (size_t i = 0; i < block; i++) {
		if (!tokens_kind(rule, i, TOKEN_WORD))
			continue;
		if (to && tokens_is(rule, i, "map"))
			return true;
		if (tokens_is_one(rule, i, translations))
			to = translation_to(rule, i);
	}
	return false;
}

ptrdiff_t rule_comment(const struct tokens *rule)
{
	for (size_t i = 0; i < rule->count;
	     i = tokens_kind(rule, i, TOKEN_OPEN) ? tokens_group_end(rule, i) : i + 1)
		if (tokens_kind(rule, i, TOKEN_WORD) && tokens_is(rule, i, "comment"))
			return i;
	return -1;
}

/*
 * The transports that "meta l4proto tcp", "ip protocol { tcp, udp }" and the like
 * leave open, from the value at @index; 0: none of ours. *@ret_known is false
 * where the value is anything but a plain name or a list of names.
 */
static uint8_t transports_listed(const struct tokens *tokens, size_t index, bool *ret_known)
{
	uint8_t transports = 0;
	size_t end;

	*ret_known = true;
	if (tokens_is(tokens, index, "==") || tokens_is(tokens, index, "eq"))
		index++;
	if (tokens_kind(tokens, index, TOKEN_WORD) || tokens_kind(tokens, index, TOKEN_NUMBER)) {
		/* "l4proto != tcp" and what else is no name. */
		*ret_known = !tokens_is(tokens, index, "ne") && !tokens_is(tokens, index, "vmap") &&
			     !tokens_is(tokens, index, "map");
		return selector_transport(tokens, index);
	}
	if (!tokens_kind(tokens, index, TOKEN_OPEN)) {
		*ret_known = false;
		return 0;
	}
	end = tokens_group_end(tokens, index);
	while (++index < end)
		transports |= selector_transport(tokens, index);
	return transports;
}

/* What the rule says of the transport of "th dport", before or behind it. */
static void read_transports(struct reading *reading)
{
	const struct tokens *tokens = reading->tokens;

	for (size_t i = 0; i < tokens->count; i++) {
		struct selector selector;
		uint8_t transports;
		bool known;

		if (tokens_kind(tokens, i, TOKEN_OPEN))
			i = tokens_group_end(tokens, i);
		if (!tokens_kind(tokens, i, TOKEN_WORD) || !selector_read(tokens, i, &selector))
			continue;
		if (selector.kind == SELECTOR_TRANSPORT &&
		    !tokens_is(tokens, i + selector.length, ".") &&
		    !(i && tokens_is(tokens, i - 1, "."))) {
			transports = transports_listed(tokens, i + selector.length, &known);
			if (known && !transports)
				transports = SERVICE_DCCP; /* known, and none that is counted */
			reading->transports |= transports;
		}
		i += selector.length - 1;
	}
}

/* ---- comparisons ---- */

/* The ports among the parts, with the transports that the rule says elsewhere. */
static void complete_row(struct reading *reading, struct selector_row *row)
{
	bool in_key = false;

	for (size_t i = 0; i < row->count; i++)
		in_key |= row->parts[i].kind == SELECTOR_TRANSPORT;
	for (size_t i = 0; i < row->count; i++) {
		struct selector *part = &row->parts[i];

		if (part->kind != SELECTOR_PORT)
			continue;
		if (part->unknown)
			give_up(reading, WHY_TRANSPORT);
		if (part->transports || in_key || !reading->transports)
			continue;
		part->transports = reading->transports & (SERVICE_TCP | SERVICE_UDP | SERVICE_SCTP);
		if (!part->transports)
			give_up(reading, WHY_TRANSPORT);
	}
}

/* What the ports of part @number of a named set are for a rule; see struct named_set. */
static const struct selector *part_of(const struct reading *reading, const struct selector_row *row,
				      uint8_t number)
{
	const struct selector_row *data = reading->value.data;

	if (number < SELECTORS_MAX)
		return number < row->count ? &row->parts[number] : NULL;
	number -= SELECTORS_MAX;
	return data && number < data->count ? &data->parts[number] : NULL;
}

static bool has_ports(const struct selector_row *row)
{
	for (size_t i = 0; i < row->count; i++)
		if (row->parts[i].kind == SELECTOR_PORT)
			return true;
	return false;
}

/* The elements of a named set, as ports of the parts that they are compared with. */
static bool read_named(struct reading *reading, const struct selector_row *row, bool negated)
{
	const struct named_set *set = NULL;
	bool any = false;

	if (reading->value.environment)
		set = environment_set_used(reading->value.environment, &reading->rule->place,
					   tokens_slice(reading->tokens, reading->at), row);
	reading->at++;
	if (!set || !set->key.count)
		return give_up(reading, WHY_SET);
	if (!set->has_ports && !has_ports(row))
		return true;
	if (set->is_dynamic)
		return give_up(reading, WHY_DYNAMIC);
	for (size_t i = 0; i < set->ports.count && !reading->value.error; i++) {
		struct port_use use = set->ports.uses[i];
		const struct selector *part = part_of(reading, row, use.role);

		if (!part || part->kind != SELECTOR_PORT)
			continue;
		if (part->transports)
			use.transports = part->transports;
		use.role = part->role;
		use.negated = negated;
		use.at = PORT_ELSEWHERE;
		reading->value.error = port_list_add(reading->value.list, &use);
		any = true;
	}
	return any || give_up(reading, WHY_EMPTY);
}

static bool read_value(struct reading *reading, const struct selector_row *row, bool negated)
{
	if (is_kind(reading, 0, TOKEN_SET))
		return read_named(reading, row, negated);
	return value_read(&reading->value, reading->tokens, &reading->at, row, negated);
}

/* "< 1024" and the like, of a lone port. */
static bool read_order(struct reading *reading, const struct selector *part)
{
	static const struct {
		const char *words[3];
		bool below, with;
	} orders[] = {
		{ { "<", "lt", NULL }, true, false },
		{ { "<=", "le", NULL }, true, true },
		{ { ">", "gt", NULL }, false, false },
		{ { ">=", "ge", NULL }, false, true },
	};
	struct port_use use = { .transports = part->transports,
				.role = part->role,
				.at = PORT_ELSEWHERE };
	uint16_t port;
	size_t i = 0;

	while (!is_one(reading, 0, orders[i].words))
		i++;
	reading->at++;
	if (!value_port(&reading->value, reading->tokens, &reading->at, part, &port))
		return false;
	if (!orders[i].with && port == (orders[i].below ? 0 : PORT_MAX))
		return give_up(reading, "no port is as small, or as large, as it wants");
	use.first = orders[i].below ? 0 : port + !orders[i].with;
	use.last = orders[i].below ? port - !orders[i].with : PORT_MAX;
	reading->value.error = port_list_add(reading->value.list, &use);
	return !reading->value.error;
}

/* "& 0xff00 == 0x1f00": where those are neighbours, they are a range. */
static bool read_mask(struct reading *reading, const struct selector *part)
{
	struct port_use use = { .transports = part->transports,
				.role = part->role,
				.at = PORT_ELSEWHERE };
	uint16_t mask, wanted;
	unsigned int count = 0;

	reading->at++;
	if (!value_port(&reading->value, reading->tokens, &reading->at, part, &mask))
		return false;
	if (is(reading, 0, "==") || is(reading, 0, "eq"))
		reading->at++;
	else if (is_kind(reading, 0, TOKEN_SIGN) || is_kind(reading, 0, TOKEN_WORD))
		return give_up(reading, WHY_MASK);
	if (!value_port(&reading->value, reading->tokens, &reading->at, part, &wanted))
		return false;
	for (unsigned int port = 0; port < PORT_COUNT; port++) {
		if ((port & mask) != wanted)
			continue;
		if (!count++)
			use.first = port;
		use.last = port;
	}
	if (!count || use.last - use.first + 1u != count)
		return give_up(reading, WHY_MASK);
	reading->value.error = port_list_add(reading->value.list, &use);
	return !reading->value.error;
}

/* "tcp dport set 8080": the packet's port becomes that one. */
static bool read_rewrite(struct reading *reading, const struct selector *part)
{
	struct selector_row row = { .parts = { *part }, .count = 1 };

	reading->at++;
	row.parts[0].role = PORT_TARGET;
	if (is_one(reading, 0, reckoners))
		return give_up(reading, WHY_RECKONED);
	/* "set tcp dport map { ... }": read where it stands. */
	if (is_kind(reading, 0, TOKEN_WORD) &&
	    selector_read(reading->tokens, reading->at, &row.parts[1])) {
		reading->data = row;
		return true;
	}
	return read_value(reading, &row, false);
}

/* Whether the expression goes on behind a value: then it was not the value alone. */
static bool value_continues(const struct reading *reading)
{
	static const char *const words[] = { "and", "or",   "xor", "lshift", "rshift",
					     "map", "vmap", "mod", NULL };

	return is_kind(reading, 0, TOKEN_SIGN) || is_kind(reading, 0, TOKEN_JUNK) ||
	       is_kind(reading, 0, TOKEN_OPEN) || is_kind(reading, 0, TOKEN_NUMBER) ||
	       is_one(reading, 0, words);
}

static bool read_equal(struct reading *reading, const struct selector_row *row)
{
	bool negated = is(reading, 0, "!=") || is(reading, 0, "ne");

	if (negated || is(reading, 0, "==") || is(reading, 0, "eq"))
		reading->at++;
	if (!read_value(reading, row, negated))
		return false;
	return !value_continues(reading) || give_up(reading, WHY_UNKNOWN);
}

/* What stands behind selectors of which some are ports. */
static bool read_comparison(struct reading *reading, const struct selector_row *row)
{
	static const char *const orders[] = { "<", ">", "<=", ">=", "lt", "gt", "le", "ge", NULL };
	static const char *const masks[] = { "&", "and", NULL };
	static const char *const arithmetic[] = { "|",	"^",	  "or",	    "xor", "<<",
						  ">>", "lshift", "rshift", "mod", NULL };
	static const char *const maps[] = { "map", "vmap", NULL };

	if (is_one(reading, 0, maps)) {
		bool verdicts = is(reading, 0, "vmap"), read;

		reading->at++;
		reading->value.data = verdicts ? NULL : &reading->data;
		read = read_value(reading, row, false);
		reading->value.data = NULL;
		return read;
	}
	if (row->count == 1 && is(reading, 0, "set"))
		return read_rewrite(reading, &row->parts[0]);
	if (row->count == 1 && is_one(reading, 0, orders))
		return read_order(reading, &row->parts[0]);
	if (row->count == 1 && is_one(reading, 0, masks))
		return read_mask(reading, &row->parts[0]);
	if (is_one(reading, 0, arithmetic))
		return give_up(reading, WHY_MASK);
	if (reading->at == reading->tokens->count || is_kind(reading, 0, TOKEN_CLOSE)) {
		reading->taken = true;
		return true;
	}
	return read_equal(reading, row);
}

/* Why what stands before a port at @at makes it something other than a match. NULL: it does not. */
static const char *context_reason(const struct reading *reading)
{
	static const char *const tunnels[] = { "vxlan", "geneve", "gre", "gretap", NULL };
	size_t at = reading->at;

	if (!at)
		return NULL;
	if (tokens_is_one(reading->tokens, at - 1, tunnels))
		return WHY_TUNNEL;
	return tokens_is_one(reading->tokens, at - 1, reckoners) ? WHY_TAKEN : NULL;
}

/* Selectors at reading->at. Whether there were any: then reading->at is behind them. */
static bool read_selectors(struct reading *reading)
{
	struct selector_row row;
	const char *reason;
	bool ports, unclear = false;

	if (!selector_row_read(reading->tokens, reading->at, &row))
		return false;
	ports = has_ports(&row);
	for (size_t i = 0; i < row.count; i++)
		unclear |= row.parts[i].kind == SELECTOR_UNCLEAR;
	reason = ports ? context_reason(reading) : NULL;
	reading->at += row.length;
	if (unclear)
		give_up(reading, WHY_OFFSET);
	/* "redirect to :ip saddr map { 10.0.0.1 : 8080 }" is about ports, too. */
	if (reading->data.count && is(reading, 0, "map"))
		ports = true;
	if (!ports || unclear)
		return true;
	if (reason) {
		/* Where a hash is all there is, the rule names no port after all. */
		if (reason != WHY_TAKEN)
			give_up(reading, reason);
		reading->taken = true;
		return true;
	}
	complete_row(reading, &row);
	if (!reading->value.reason)
		read_comparison(reading, &row);
	return true;
}

/* ---- translations ---- */

/* "redirect to :8080", "dnat to 10.0.0.1:8000-8010": reading->at stands on the first word. */
static void read_translation(struct reading *reading)
{
	static const struct selector_row address_and_port = {
		.parts = { { .kind = SELECTOR_OTHER },
			   { .kind = SELECTOR_PORT, .role = PORT_TARGET } },
		.count = 2,
	};
	struct selector_row row = { .parts = { { .kind = SELECTOR_PORT, .role = PORT_TARGET } },
				    .count = 1 };
	size_t to = translation_to(reading->tokens, reading->at);
	bool redirects = is(reading, 0, "redirect");

	if (!to) {
		reading->at++;
		return;
	}
	reading->at = to + 1;
	/* An address, which may be a range, and then a colon. */
	while (!redirects && reading->at < reading->tokens->count &&
	       !is_kind(reading, 0, TOKEN_WORD) && !is_kind(reading, 0, TOKEN_OPEN) &&
	       !is_target_colon(reading->tokens, reading->at))
		reading->at++;
	if (is_target_colon(reading->tokens, reading->at)) {
		reading->at++;
	} else if (!redirects) {
		/* "dnat to tcp dport map { 80 : 10.0.0.1 . 8080 }" */
		reading->data = address_and_port;
		return;
	}
	if (is_one(reading, 0, reckoners)) {
		give_up(reading, WHY_RECKONED);
		return;
	}
	row.parts[0].transports = reading->transports & (SERVICE_TCP | SERVICE_UDP | SERVICE_SCTP);
	/* "redirect to :tcp dport map { ... }": read where it stands. */
	if (is_kind(reading, 0, TOKEN_WORD) &&
	    selector_read(reading->tokens, reading->at, &row.parts[1])) {
		reading->data = row;
		return;
	}
	read_value(reading, &row, false);
}

/* "dnat to numgen inc mod 2 map { 0 : 10.0.0.1 . 8080 }": the number is no port. */
static void read_reckoned(struct reading *reading)
{
	static const struct selector_row number = { .parts = { { .kind = SELECTOR_OTHER } },
						    .count = 1 };

	reading->at++;
	reading->value.data = &reading->data;
	read_value(reading, &number, false);
	reading->value.data = NULL;
}

/* ---- the whole rule ---- */

static bool holds_junk(const struct tokens *tokens)
{
	for (size_t i = 0; i < tokens->count; i++)
		if (tokens_kind(tokens, i, TOKEN_JUNK))
			return true;
	return false;
}

/* A group that no match has taken: elements to add to a set, a block that is jumped to. */
static void pass_group(struct reading *reading)
{
	struct tokens inside = *reading->tokens;
	size_t end = tokens_group_end(reading->tokens, reading->at);
	bool block = reading->at && (tokens_is(reading->tokens, reading->at - 1, "jump") ||
				     tokens_is(reading->tokens, reading->at - 1, "goto"));

	inside.list += reading->at;
	inside.count = end - reading->at;
	reading->taken |= !block && rule_names_ports(&inside);
	reading->at = end;
}

/* What a packet is translated to is of its own transport, where all matches say which. */
static void complete_targets(struct port_list *list)
{
	uint8_t transports = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (list->uses[i].role == PORT_TARGET)
			continue;
		if (!list->uses[i].transports)
			return;
		transports |= list->uses[i].transports;
	}
	for (size_t i = 0; i < list->count; i++)
		if (list->uses[i].role == PORT_TARGET && !list->uses[i].transports)
			list->uses[i].transports = transports;
}

static void read_rule(struct reading *reading)
{
	while (reading->at < reading->tokens->count && !reading->value.reason &&
	       !reading->value.error) {
		if (is_kind(reading, 0, TOKEN_OPEN))
			pass_group(reading);
		else if (is_kind(reading, 0, TOKEN_WORD) && is_one(reading, 0, translations))
			read_translation(reading);
		else if (reading->data.count && is(reading, 0, "map"))
			read_reckoned(reading);
		else if ((!is_kind(reading, 0, TOKEN_WORD) && !is_kind(reading, 0, TOKEN_SET)) ||
			 !read_selectors(reading))
			reading->at++;
	}
	if (!reading->value.reason && !reading->value.list->count)
		give_up(reading, reading->taken ? WHY_TAKEN : WHY_UNKNOWN);
	/* Only its map could tell, and has no ports, or is not known. */
	if ((reading->value.reason == WHY_UNKNOWN || reading->value.reason == WHY_SET) &&
	    !rule_names_ports(reading->tokens))
		reading->value.reason = NULL;
}

int rule_ports(const struct rule_text *rule, const struct comment_facts *facts,
	       struct environment *environment, struct port_list *list, const char **ret_reason)
{
	struct reading reading = {
		.tokens = &rule->tokens,
		.rule = rule,
		.value = { .facts = facts,
			   .environment = environment,
			   .list = list,
			   .text = rule->tokens.text },
	};

	list->count = 0;
	if (holds_junk(&rule->tokens)) {
		reading.value.reason = "it holds bytes that nft does not know";
	} else {
		read_transports(&reading);
		read_rule(&reading);
		complete_targets(list);
	}
	if (reading.value.error || reading.value.reason)
		list->count = 0;
	if (!reading.value.error)
		*ret_reason = reading.value.reason;
	return reading.value.error;
}
