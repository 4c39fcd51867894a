/*
 * The dangerous strings are those of the kernel's own messages, so that they are
 * known whole; where one of them stands in the listing as nft prints it, a name
 * behind the word for it, anything else in quotes, it is overwritten byte by byte. Of
 * binary values only those are strings that are compared with the name of an
 * interface.
 */
#include "nft/live/harmless.h"
#include "util/grow.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_INTERFACE 41 /* nft's TYPE_IFNAME; concatenated types have 6 bits each */
#define TYPE_BITS      6

enum {
	UDATA_COMMENT = 0,     /* of tables, chains, rules, objects, elements (libnftnl, udata.h) */
	UDATA_SET_COMMENT = 7, /* of sets */
};

struct string {
	struct slice text;
	bool is_name; /* of a table, chain, set or object; else it is printed in quotes */
};

struct strings {
	struct string *list; /* owned */
	size_t count, capacity;
	bool failed;
};

static char quoted_byte(char byte)
{
	unsigned char value = byte;

	return value < ' ' || value == 0x7f || byte == '"' ? '_' : byte;
}

static char name_byte(char byte)
{
	return strchr(" {}()[];#,:=!<>&|^@$*'\\", byte) ? '_' : quoted_byte(byte);
}

static char harmless_byte(const struct string *string, char byte)
{
	return string->is_name ? name_byte(byte) : quoted_byte(byte);
}

static bool is_dangerous(const struct string *string)
{
	for (uint32_t i = 0; i < string->text.length; i++)
		if (harmless_byte(string, string->text.text[i]) != string->text.text[i])
			return true;
	return false;
}

bool harmless_equal(struct slice listed, struct slice name)
{
	if (listed.length != name.length)
		return false;
	for (uint32_t i = 0; i < name.length; i++)
		if (listed.text[i] != name_byte(name.text[i]))
			return false;
	return true;
}

static void add_string(struct strings *strings, struct string string)
{
	if (!is_dangerous(&string))
		return;
	if (!array_room(&strings->list, strings->count, &strings->capacity,
			sizeof(*strings->list))) {
		strings->failed = true;
		return;
	}
	strings->list[strings->count++] = string;
}

static void add(struct strings *strings, struct slice text)
{
	add_string(strings, (struct string){ text, false });
}

static void add_name(struct strings *strings, struct slice text)
{
	add_string(strings, (struct string){ text, true });
}

/* The value in a struct nft_data; a verdict has none. */
static struct slice data_value(const struct nlattr *data)
{
	const struct nlattr *parts[NFTA_DATA_MAX + 1];

	attributes_within(data, parts, NFTA_DATA_MAX);
	return attribute_bytes(parts[NFTA_DATA_VALUE]);
}

static bool has_letter(struct slice text)
{
	for (uint32_t i = 0; i < text.length; i++)
		if ((text.text[i] | ' ') >= 'a' && (text.text[i] | ' ') <= 'z')
			return true;
	return false;
}

/* Names of interfaces in a key that may have other parts: padded with NUL, at words. */
static void add_key(struct strings *strings, struct slice key)
{
	for (uint32_t at = 0; at + IFNAMSIZ <= key.length; at += sizeof(uint32_t)) {
		struct slice name = { key.text + at, strnlen(key.text + at, IFNAMSIZ) };
		uint32_t zeros = name.length;

		while (zeros < IFNAMSIZ && !name.text[zeros])
			zeros++;
		if (zeros == IFNAMSIZ && has_letter(name))
			add(strings, name);
	}
}

/* Whether @meta loads the name of an interface, and into which register. */
static bool loads_name(const struct nlattr *meta, uint32_t *ret_register)
{
	const struct nlattr *fields[NFTA_META_MAX + 1];

	attributes_within(meta, fields, NFTA_META_MAX);
	*ret_register = attribute_u32(fields[NFTA_META_DREG]);
	switch (attribute_u32(fields[NFTA_META_KEY])) {
	case NFT_META_IIFNAME:
	case NFT_META_OIFNAME:
	case NFT_META_BRI_IIFNAME:
	case NFT_META_BRI_OIFNAME:
	case NFT_META_IIFKIND:
	case NFT_META_OIFKIND:
	case NFT_META_SDIFNAME: return true;
	default: return false;
	}
}

/* @named: the register with the name of an interface; 0: none. */
static void add_expression(struct strings *strings, const struct nlattr *expression,
			   uint32_t *named)
{
	const struct nlattr *parts[NFTA_EXPR_MAX + 1], *fields[NFTA_LOG_MAX + 1];
	struct slice name;

	attributes_within(expression, parts, NFTA_EXPR_MAX);
	name = attribute_string(parts[NFTA_EXPR_NAME]);
	if (slice_equals(name, "log")) {
		attributes_within(parts[NFTA_EXPR_DATA], fields, NFTA_LOG_MAX);
		add(strings, attribute_string(fields[NFTA_LOG_PREFIX]));
	} else if (slice_equals(name, "meta")) {
		*named = loads_name(parts[NFTA_EXPR_DATA], named) ? *named : 0;
	} else if (slice_equals(name, "cmp") && *named) {
		attributes_within(parts[NFTA_EXPR_DATA], fields, NFTA_CMP_MAX);
		if (attribute_u32(fields[NFTA_CMP_SREG]) == *named) {
			struct slice value = data_value(fields[NFTA_CMP_DATA]);

			value.length = strnlen(value.text, value.length);
			add(strings, value);
		}
	}
}

static void add_rule(struct strings *strings, const struct kernel_rule *rule)
{
	const struct nlattr *expression;
	uint32_t named = 0;

	add(strings, userdata_comment(rule->item.userdata, UDATA_COMMENT));
	if (!rule->expressions)
		return;
	mnl_attr_for_each_nested (expression, rule->expressions)
		add_expression(strings, expression, &named);
}

static bool has_interfaces(const struct kernel_set *set)
{
	for (uint32_t type = set->key_type; type; type >>= TYPE_BITS)
		if ((type & ((1u << TYPE_BITS) - 1)) == TYPE_INTERFACE)
			return true;
	return false;
}

static void add_element(struct strings *strings, const struct kernel_set *set,
			const struct nlattr *element)
{
	const struct nlattr *parts[NFTA_SET_ELEM_MAX + 1];

	attributes_within(element, parts, NFTA_SET_ELEM_MAX);
	add(strings,
	    userdata_comment(attribute_bytes(parts[NFTA_SET_ELEM_USERDATA]), UDATA_COMMENT));
	if (!has_interfaces(set))
		return;
	add_key(strings, data_value(parts[NFTA_SET_ELEM_KEY]));
	add_key(strings, data_value(parts[NFTA_SET_ELEM_KEY_END]));
}

static void add_elements(struct strings *strings, const struct kernel_set *set,
			 const struct nlmsghdr *message)
{
	const struct nlattr *parts[NFTA_SET_ELEM_LIST_MAX + 1], *element;

	message_spread(message, parts, NFTA_SET_ELEM_LIST_MAX);
	if (!parts[NFTA_SET_ELEM_LIST_ELEMENTS])
		return;
	mnl_attr_for_each_nested (element, parts[NFTA_SET_ELEM_LIST_ELEMENTS])
		add_element(strings, set, element);
}

/* Rules name interfaces by number, which nft lists by name. */
static void add_interfaces(struct strings *strings, const struct if_nameindex *interfaces)
{
	for (size_t i = 0; interfaces && interfaces[i].if_index; i++)
		add(strings, slice_of(interfaces[i].if_name));
}

static void collect(const struct kernel_ruleset *ruleset, struct strings *strings)
{
	for (size_t i = 0; i < ruleset->table_count; i++) {
		add_name(strings, ruleset->tables[i].item.name);
		add(strings, userdata_comment(ruleset->tables[i].item.userdata, UDATA_COMMENT));
	}
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		add_name(strings, ruleset->chains[i].item.name);
		add(strings, userdata_comment(ruleset->chains[i].item.userdata, UDATA_COMMENT));
	}
	for (size_t i = 0; i < ruleset->object_count; i++) {
		add_name(strings, ruleset->objects[i].item.name);
		add(strings, userdata_comment(ruleset->objects[i].item.userdata, UDATA_COMMENT));
	}
	for (size_t i = 0; i < ruleset->rule_count; i++)
		add_rule(strings, &ruleset->rules[i]);
	for (size_t i = 0; i < ruleset->set_count; i++) {
		const struct kernel_set *set = &ruleset->sets[i];

		add_name(strings, set->item.name);
		add(strings, userdata_comment(set->item.userdata, UDATA_SET_COMMENT));
		for (size_t k = 0; k < set->count; k++)
			add_elements(strings, set, ruleset->elements[set->first + k]);
	}
}

/* The longer one first, so that a part of it does not spoil it. */
static int compare(const void *left, const void *right)
{
	const struct slice *a = &((const struct string *)left)->text;
	const struct slice *b = &((const struct string *)right)->text;

	if (a->text[0] != b->text[0])
		return (unsigned char)a->text[0] - (unsigned char)b->text[0];
	return a->length > b->length ? -1 : a->length < b->length;
}

/* Whether @word ends before @at, and stands alone. */
static bool follows(const char *text, size_t at, const char *word)
{
	size_t length = strlen(word);

	return at > length && !memcmp(text + at - length, word, length) &&
	       strchr(" \t\n", text[at - length - 1]);
}

/* Whether nft prints a name at @at: "chain c", "jump c", "@s", "counter name \"n\"". */
static bool is_name_place(const char *text, size_t at)
{
	static const char *const heads[] = {
		"inet ",    "ip ",	 "ip6 ",	 "arp ",    "bridge ",
		"netdev ",  "chain ",	 "set ",	 "map ",    "flowtable ",
		"counter ", "quota ",	 "limit ",	 "helper ", "timeout ",
		"secmark ", "synproxy ", "expectation ", "jump ",   "goto ",
	};

	if (at && (text[at - 1] == '@' || text[at - 1] == '"'))
		return true;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (follows(text, at, heads[i]))
			return true;
	return false;
}

static bool stands_at(const char *text, size_t length, size_t at, const struct string *string)
{
	size_t end = at + string->text.length;

	if (end >= length || memcmp(text + at, string->text.text, string->text.length) != 0)
		return false;
	if (!string->is_name)
		return at && text[at - 1] == '"' && text[end] == '"';
	return is_name_place(text, at) && strchr(" \"\n,}", text[end]);
}

/* Returns how many times. */
static size_t overwrite(char *text, size_t length, const struct strings *strings)
{
	size_t first[257] = { 0 }, times = 0;

	/* Where those that begin with a byte begin. */
	for (size_t i = 0; i < strings->count; i++)
		first[(unsigned char)strings->list[i].text.text[0] + 1] = i + 1;
	for (size_t i = 1; i < 257; i++)
		if (first[i] < first[i - 1])
			first[i] = first[i - 1];
	for (size_t at = 0; at < length; at++) {
		unsigned char byte = text[at];

		for (size_t i = first[byte]; i < first[byte + 1]; i++) {
			const struct string *string = &strings->list[i];

			if (!stands_at(text, length, at, string))
				continue;
			for (uint32_t k = 0; k < string->text.length; k++)
				text[at + k] = harmless_byte(string, text[at + k]);
			at += string->text.length - 1;
			times++;
			break;
		}
	}
	return times;
}

ptrdiff_t harmless_make(const struct kernel_ruleset *ruleset, char *text, size_t length)
{
	struct if_nameindex *interfaces = if_nameindex();
	struct strings strings = { 0 };
	ptrdiff_t count = 0;

	collect(ruleset, &strings);
	add_interfaces(&strings, interfaces);
	if (strings.count)
		qsort(strings.list, strings.count, sizeof(*strings.list), compare);
	if (strings.failed)
		count = -ENOMEM;
	else if (strings.count)
		count = overwrite(text, length, &strings);
	if (interfaces)
		if_freenameindex(interfaces);
	free(strings.list);
	return count;
}
