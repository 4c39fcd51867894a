/*
 * From the kernel's messages to instructions: verdicts and tests. Strict: an expression,
 * an attribute or a flag that is not known makes the rule say so where it stands, for
 * what follows may depend on it. Sources: net/netfilter/nft_*.c, 6.12.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reach/program.h"

/* ---- memory ---- */

const char *program_text(struct program *program, const char *format, ...)
{
	va_list arguments;
	char text[512];
	const char *copy;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	copy = arena_copy(&program->arena, text, strlen(text));
	program->failed |= !copy;
	return copy ? copy : "";
}

uint8_t *program_bytes(struct program *program, const void *bytes, size_t size)
{
	char *copy = arena_copy(&program->arena, bytes, size);

	program->failed |= !copy;
	return (uint8_t *)copy;
}

struct instruction *decode_add(struct decoding *decoding, enum operation operation)
{
	static struct instruction nowhere;
	struct program *program = decoding->program;
	struct instruction *instruction = &nowhere;

	if (program->count == program->room) {
		size_t room = program->room ? program->room * 2 : 256;
		void *grown = reallocarray(program->instructions, room, sizeof(*instruction));

		if (grown) {
			program->instructions = grown;
			program->room = room;
		}
	}
	if (program->count < program->room)
		instruction = &program->instructions[program->count++];
	else
		program->failed = true;
	*instruction = (struct instruction){ .operation = operation,
					     .from = NO_REGISTER,
					     .to = NO_REGISTER,
					     .port_from = NO_REGISTER,
					     .port_to = NO_REGISTER };
	return instruction;
}

void decode_refuse(struct decoding *decoding, const char *format, ...)
{
	va_list arguments;
	char text[256];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	decode_add(decoding, OP_CANNOT_TELL)->text = program_text(decoding->program, "%s", text);
}

/* ---- parts ---- */

uint8_t decode_register(const struct nlattr *attribute, size_t length)
{
	uint32_t number = attribute_u32(attribute), at;

	if (number >= NFT_REG_1 && number <= NFT_REG_4)
		at = number * 16;
	else if (number >= NFT_REG32_00 && number <= NFT_REG32_15)
		at = (number + 4 - NFT_REG32_00) * 4;
	else
		return NO_REGISTER;
	return at + length <= REGISTER_BYTES ? at : NO_REGISTER;
}

bool decode_data(const struct nlattr *attribute, struct slice *ret_value)
{
	const struct nlattr *parts[NFTA_DATA_MAX + 1];

	if (!attributes_within(attribute, parts, NFTA_DATA_MAX) || !parts[NFTA_DATA_VALUE])
		return false;
	*ret_value = attribute_bytes(parts[NFTA_DATA_VALUE]);
	return ret_value->length && ret_value->length <= VALUE_MAX;
}

static const struct chain *find_chain(const struct program *program, uint8_t family,
				      struct slice table, struct slice name)
{
	const struct kernel_chain *chain = kernel_chain_find(program->kernel, family, table, name);

	return chain ? &program->chains[chain - program->kernel->chains] : NULL;
}

bool decode_verdict(struct program *program, uint8_t family, struct slice table,
		    const struct nlattr *data, struct verdict *ret_verdict)
{
	const struct nlattr *parts[NFTA_DATA_MAX + 1], *fields[NFTA_VERDICT_MAX + 1];
	struct verdict verdict = { .operation = OP_CANNOT_TELL, .text = "a verdict" };
	int32_t code;

	if (!attributes_within(data, parts, NFTA_DATA_MAX) || !parts[NFTA_DATA_VERDICT] ||
	    !attributes_within(parts[NFTA_DATA_VERDICT], fields, NFTA_VERDICT_MAX))
		return false;
	code = (int32_t)attribute_u32(fields[NFTA_VERDICT_CODE]);
	switch (code) {
	case NF_ACCEPT: verdict.operation = OP_ACCEPT; break;
	case NF_DROP: verdict.operation = OP_DROP; break;
	case NFT_RETURN: verdict.operation = OP_RETURN; break;
	case NFT_CONTINUE: verdict.operation = OP_MAYBE; break;
	case NFT_JUMP: verdict.operation = OP_JUMP; break;
	case NFT_GOTO: verdict.operation = OP_GOTO; break;
	default:
		if ((code & 0xff) != NF_QUEUE)
			return false;
		verdict.text = "queue: a program decides";
	}
	if (code == NFT_JUMP || code == NFT_GOTO) {
		verdict.target = find_chain(program, family, table,
					    attribute_string(fields[NFTA_VERDICT_CHAIN]));
		if (!verdict.target)
			return false;
	}
	*ret_verdict = verdict;
	return true;
}

/* ---- verdicts and constants ---- */

static void decode_immediate(struct decoding *decoding, const struct nlattr **fields)
{
	const struct kernel_item *item = &decoding->rule->item;
	struct verdict verdict;
	struct instruction *instruction;
	struct slice value;
	uint8_t to;

	if (attribute_u32(fields[NFTA_IMMEDIATE_DREG]) == NFT_REG_VERDICT) {
		if (!decode_verdict(decoding->program, item->family, item->table,
				    fields[NFTA_IMMEDIATE_DATA], &verdict)) {
			decode_refuse(decoding, "a verdict");
		} else if (verdict.operation != OP_MAYBE) {
			instruction = decode_add(decoding, verdict.operation);
			instruction->target = verdict.target;
			instruction->text = verdict.text;
		}
		return;
	}
	if (!decode_data(fields[NFTA_IMMEDIATE_DATA], &value) ||
	    (to = decode_register(fields[NFTA_IMMEDIATE_DREG], value.length)) == NO_REGISTER) {
		decode_refuse(decoding, "immediate");
		return;
	}
	instruction = decode_add(decoding, OP_CONSTANT);
	instruction->to = to;
	instruction->length = value.length;
	instruction->low = program_bytes(decoding->program, value.text, value.length);
}

/* ---- tests ---- */

static bool all_are(const uint8_t *bytes, size_t length, uint8_t value)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != value)
			return false;
	return true;
}

/* The number before or behind, in network byte order. */
static void step(uint8_t *bytes, size_t length, int by)
{
	uint8_t carries = by > 0 ? 0xff : 0;

	while (length-- && bytes[length] == carries)
		bytes[length] += by;
	if (length + 1)
		bytes[length] += by;
}

static void decode_cmp(struct decoding *decoding, const struct nlattr **fields)
{
	uint32_t operation = attribute_u32(fields[NFTA_CMP_OP]);
	uint8_t low[VALUE_MAX], high[VALUE_MAX], from;
	struct instruction *instruction;
	struct slice value;

	if (operation > NFT_CMP_GTE || !decode_data(fields[NFTA_CMP_DATA], &value) ||
	    (from = decode_register(fields[NFTA_CMP_SREG], value.length)) == NO_REGISTER) {
		decode_refuse(decoding, "cmp");
		return;
	}
	memcpy(low, value.text, value.length);
	memcpy(high, value.text, value.length);
	if ((operation == NFT_CMP_LT && all_are(low, value.length, 0)) ||
	    (operation == NFT_CMP_GT && all_are(high, value.length, 0xff))) {
		decode_add(decoding, OP_NEVER);
		return;
	}
	if (operation == NFT_CMP_LT)
		step(high, value.length, -1);
	if (operation == NFT_CMP_GT)
		step(low, value.length, 1);
	if (operation == NFT_CMP_LT || operation == NFT_CMP_LTE)
		memset(low, 0, value.length);
	if (operation == NFT_CMP_GT || operation == NFT_CMP_GTE)
		memset(high, 0xff, value.length);
	instruction = decode_add(decoding, OP_COMPARE);
	instruction->from = from;
	instruction->length = value.length;
	instruction->inverted = operation == NFT_CMP_NEQ;
	instruction->low = program_bytes(decoding->program, low, value.length);
	instruction->high = program_bytes(decoding->program, high, value.length);
}

static void decode_range(struct decoding *decoding, const struct nlattr **fields)
{
	uint32_t operation = attribute_u32(fields[NFTA_RANGE_OP]);
	struct instruction *instruction;
	struct slice low, high;
	uint8_t from;

	if (operation > NFT_RANGE_NEQ || !decode_data(fields[NFTA_RANGE_FROM_DATA], &low) ||
	    !decode_data(fields[NFTA_RANGE_TO_DATA], &high) || low.length != high.length ||
	    (from = decode_register(fields[NFTA_RANGE_SREG], low.length)) == NO_REGISTER) {
		decode_refuse(decoding, "range");
		return;
	}
	instruction = decode_add(decoding, OP_COMPARE);
	instruction->from = from;
	instruction->length = low.length;
	instruction->inverted = operation == NFT_RANGE_NEQ;
	instruction->low = program_bytes(decoding->program, low.text, low.length);
	instruction->high = program_bytes(decoding->program, high.text, high.length);
}

static void decode_lookup(struct decoding *decoding, const struct nlattr **fields)
{
	struct program *program = decoding->program;
	const struct kernel_item *item = &decoding->rule->item;
	struct slice name = attribute_string(fields[NFTA_LOOKUP_SET]);
	const struct kernel_set *kernel =
		kernel_set_find(program->kernel, item->family, item->table, name);
	const struct set *set = kernel ? &program->sets[kernel - program->kernel->sets] : NULL;
	uint32_t flags = attribute_u32(fields[NFTA_LOOKUP_FLAGS]);
	struct instruction *instruction;
	bool is_verdict = fields[NFTA_LOOKUP_DREG] &&
			  attribute_u32(fields[NFTA_LOOKUP_DREG]) == NFT_REG_VERDICT;
	uint8_t from, to = NO_REGISTER;

	if (!set || set->unknown || flags & ~(uint32_t)NFT_LOOKUP_F_INV) {
		decode_refuse(decoding, "a set%s%s", set && set->unknown ? " with " : "",
			      set && set->unknown ? set->unknown : "");
		return;
	}
	from = decode_register(fields[NFTA_LOOKUP_SREG], set->key_length);
	if (fields[NFTA_LOOKUP_DREG] && !is_verdict)
		to = decode_register(fields[NFTA_LOOKUP_DREG], set->data_length);
	if (from == NO_REGISTER || (fields[NFTA_LOOKUP_DREG] && !is_verdict && to == NO_REGISTER) ||
	    is_verdict != set->has_verdicts) {
		decode_refuse(decoding, "lookup");
		return;
	}
	instruction = decode_add(decoding, OP_LOOKUP);
	instruction->set = set;
	instruction->from = from;
	instruction->to = to;
	instruction->inverted = flags & NFT_LOOKUP_F_INV;
}

/* ---- by name ---- */

static const struct {
	const char *name;
	unsigned int known; /* the highest attribute */
	void (*decode)(struct decoding *decoding, const struct nlattr **fields);
} expressions[] = {
	{ "immediate", NFTA_IMMEDIATE_DATA, decode_immediate },
	{ "cmp", NFTA_CMP_DATA, decode_cmp },
	{ "range", NFTA_RANGE_TO_DATA, decode_range },
	{ "lookup", NFTA_LOOKUP_FLAGS, decode_lookup },
};

bool decode_expression(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	const struct nlattr *fields[32];
	size_t i = 0;

	while (i < sizeof(expressions) / sizeof(expressions[0]) &&
	       !slice_equals(name, expressions[i].name))
		i++;
	if (i == sizeof(expressions) / sizeof(expressions[0]))
		return decode_value(decoding, name, data);
	if (attributes_within(data, fields, expressions[i].known))
		expressions[i].decode(decoding, fields);
	else
		decode_refuse(decoding, "an attribute of %s", expressions[i].name);
	return true;
}
