/*
 * From the kernel's messages to instructions: values and tests. Strict: an expression,
 * an attribute or a flag that is not known makes the rule say so where it stands, for
 * what follows may depend on it. Sources: net/netfilter/nft_*.c, 6.12.
 */
#include <arpa/inet.h>
#include <errno.h>
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

/* The value in NFTA_DATA_VALUE. */
static bool decode_data(const struct nlattr *attribute, struct slice *ret_value)
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

/* ---- values ---- */

static void decode_payload(struct decoding *decoding, const struct nlattr **fields)
{
	uint32_t base = attribute_u32(fields[NFTA_PAYLOAD_BASE]);
	uint32_t offset = attribute_u32(fields[NFTA_PAYLOAD_OFFSET]);
	uint32_t length = attribute_u32(fields[NFTA_PAYLOAD_LEN]);
	uint8_t to = decode_register(fields[NFTA_PAYLOAD_DREG], length);
	struct instruction *instruction;

	if (fields[NFTA_PAYLOAD_SREG]) {
		/* Writing the time to live, the traffic class or a length decides nothing here. */
		bool ports = base == NFT_PAYLOAD_TRANSPORT_HEADER && offset < 4;
		bool addresses = base == NFT_PAYLOAD_NETWORK_HEADER && offset + length > 8;

		if (ports || addresses || base > NFT_PAYLOAD_TRANSPORT_HEADER)
			decode_refuse(decoding, "a rule that rewrites %s",
				      ports ? "ports" : "addresses");
		return;
	}
	if (to == NO_REGISTER || !length || length > VALUE_MAX || offset > UINT16_MAX) {
		decode_refuse(decoding, "payload");
		return;
	}
	if (base > NFT_PAYLOAD_TRANSPORT_HEADER) {
		instruction = decode_add(decoding, OP_UNKNOWN_VALUE);
		instruction->text = "the payload";
	} else {
		instruction = decode_add(decoding, OP_PAYLOAD);
	}
	instruction->base = base;
	instruction->offset = offset;
	instruction->length = length;
	instruction->to = to;
}

/* What decides nothing of a packet's way here. */
static bool meta_is_harmless(uint32_t key)
{
	return key == NFT_META_NFTRACE || key == NFT_META_PRIORITY || key == NFT_META_SECMARK;
}

static void decode_meta(struct decoding *decoding, const struct nlattr **fields)
{
	uint32_t key = attribute_u32(fields[NFTA_META_KEY]);
	bool is_name = key == NFT_META_IIFNAME || key == NFT_META_OIFNAME ||
		       key == NFT_META_IIFKIND || key == NFT_META_OIFKIND ||
		       key == NFT_META_SDIFNAME || key == NFT_META_BRI_IIFNAME ||
		       key == NFT_META_BRI_OIFNAME;
	struct instruction *instruction;

	if (fields[NFTA_META_SREG]) {
		if (key == NFT_META_MARK) {
			instruction = decode_add(decoding, OP_SET_MARK);
			instruction->from = decode_register(fields[NFTA_META_SREG], 4);
			if (instruction->from == NO_REGISTER)
				instruction->operation = OP_CANNOT_TELL, instruction->text = "meta";
		} else if (!meta_is_harmless(key)) {
			decode_refuse(decoding, "a rule that sets meta key %u", key);
		}
		return;
	}
	if (key > NFT_META_SDIFNAME) {
		decode_refuse(decoding, "meta key %u", key);
		return;
	}
	instruction = decode_add(decoding, OP_META);
	instruction->key = key;
	instruction->length = is_name ? IFNAMSIZ : key == NFT_META_TIME_NS ? 8 : 4;
	instruction->to = decode_register(fields[NFTA_META_DREG], instruction->length);
	if (instruction->to == NO_REGISTER)
		instruction->operation = OP_CANNOT_TELL, instruction->text = "meta";
}

static void decode_ct(struct decoding *decoding, const struct nlattr **fields)
{
	uint32_t key = attribute_u32(fields[NFTA_CT_KEY]);
	struct instruction *instruction;

	if (fields[NFTA_CT_SREG]) {
		/* Marks are followed; labels, events, zones and helpers decide nothing yet. */
		if (key == NFT_CT_MARK) {
			instruction = decode_add(decoding, OP_SET_CT_MARK);
			instruction->from = decode_register(fields[NFTA_CT_SREG], 4);
			if (instruction->from == NO_REGISTER)
				instruction->operation = OP_CANNOT_TELL, instruction->text = "ct";
		} else if (key != NFT_CT_LABELS && key != NFT_CT_EVENTMASK &&
			   key != NFT_CT_SECMARK && key != NFT_CT_HELPER) {
			decode_refuse(decoding, "a rule that sets ct key %u", key);
		}
		return;
	}
	if (key > NFT_CT_ID) {
		decode_refuse(decoding, "ct key %u", key);
		return;
	}
	instruction = decode_add(decoding, OP_CT);
	instruction->key = key;
	instruction->base = attribute_u8(fields[NFTA_CT_DIRECTION]);
	instruction->to = decode_register(fields[NFTA_CT_DREG], 4);
	if (instruction->to == NO_REGISTER)
		instruction->operation = OP_CANNOT_TELL, instruction->text = "ct";
}

static void decode_fib(struct decoding *decoding, const struct nlattr **fields)
{
	static const uint8_t results[] = {
		[NFT_FIB_RESULT_OIF] = FIB_OIF,
		[NFT_FIB_RESULT_OIFNAME] = FIB_OIFNAME,
		[NFT_FIB_RESULT_ADDRTYPE] = FIB_TYPE,
	};
	uint32_t result = attribute_u32(fields[NFTA_FIB_RESULT]);
	uint32_t flags = attribute_u32(fields[NFTA_FIB_FLAGS]);
	size_t length =
		result == NFT_FIB_RESULT_OIFNAME && !(flags & NFTA_FIB_F_PRESENT) ? IFNAMSIZ : 4;
	uint8_t to = decode_register(fields[NFTA_FIB_DREG], length);
	struct instruction *instruction;

	if (!result || result > NFT_FIB_RESULT_ADDRTYPE || to == NO_REGISTER ||
	    flags >= NFTA_FIB_F_PRESENT << 1) {
		decode_refuse(decoding, "fib");
		return;
	}
	instruction = decode_add(decoding, OP_FIB);
	instruction->result = results[result];
	instruction->key = flags;
	instruction->to = to;
	instruction->length = length;
}

/* ---- values of values ---- */

static void decode_mask(struct decoding *decoding, const struct nlattr **fields, uint32_t length)
{
	struct program *program = decoding->program;
	struct slice mask, xor;
	struct instruction *instruction;
	uint8_t both[2 * VALUE_MAX];

	if (fields[NFTA_BITWISE_DATA] || !decode_data(fields[NFTA_BITWISE_MASK], &mask) ||
	    !decode_data(fields[NFTA_BITWISE_XOR], &xor) || mask.length != length ||
	    xor.length != length) {
		decode_refuse(decoding, "bitwise");
		return;
	}
	memcpy(both, mask.text, length);
	memcpy(both + length, xor.text, length);
	instruction = decode_add(decoding, OP_MASK);
	instruction->low = program_bytes(program, both, 2 * (size_t)length);
	instruction->high = instruction->low ? instruction->low + length : NULL;
}

static void decode_bitwise(struct decoding *decoding, const struct nlattr **fields)
{
	uint32_t operation = attribute_u32(fields[NFTA_BITWISE_OP]);
	uint32_t length = attribute_u32(fields[NFTA_BITWISE_LEN]);
	uint8_t from = decode_register(fields[NFTA_BITWISE_SREG], length);
	uint8_t to = decode_register(fields[NFTA_BITWISE_DREG], length);
	struct instruction *instruction;
	struct slice bits;
	size_t before = decoding->program->count;

	if (from == NO_REGISTER || to == NO_REGISTER || !length || length > VALUE_MAX) {
		decode_refuse(decoding, "bitwise");
		return;
	}
	if (operation == NFT_BITWISE_BOOL) {
		decode_mask(decoding, fields, length);
	} else if ((operation == NFT_BITWISE_LSHIFT || operation == NFT_BITWISE_RSHIFT) &&
		   decode_data(fields[NFTA_BITWISE_DATA], &bits) && bits.length == 4) {
		uint32_t count;

		memcpy(&count, bits.text, 4);
		instruction = decode_add(decoding, OP_SHIFT);
		instruction->inverted = operation == NFT_BITWISE_RSHIFT;
		instruction->offset = count & 31;
	} else {
		decode_refuse(decoding, "bitwise");
	}
	if (decoding->program->count == before)
		return;
	instruction = &decoding->program->instructions[decoding->program->count - 1];
	instruction->from = from;
	instruction->to = to;
	instruction->length = length;
}

static void decode_byteorder(struct decoding *decoding, const struct nlattr **fields)
{
	uint32_t length = attribute_u32(fields[NFTA_BYTEORDER_LEN]);
	uint32_t size = attribute_u32(fields[NFTA_BYTEORDER_SIZE]);
	uint8_t from = decode_register(fields[NFTA_BYTEORDER_SREG], length);
	uint8_t to = decode_register(fields[NFTA_BYTEORDER_DREG], length);
	struct instruction *instruction;

	if (from == NO_REGISTER || to == NO_REGISTER || !length || length > VALUE_MAX ||
	    (size != 2 && size != 4 && size != 8) || (length % size && from != to)) {
		decode_refuse(decoding, "byteorder");
		return;
	}
	/* nft asks for the swap of single bytes, too: what is no whole unit stays as it is. */
	length -= length % size;
	instruction = decode_add(decoding, OP_BYTEORDER);
	instruction->from = from;
	instruction->to = to;
	instruction->length = length;
	instruction->base = size;
}

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

/* Numbers that mean nothing but "some value": of time, chance, or other machines. */
static const struct {
	const char *name;
	unsigned int known, register_at;
	uint8_t length;
	const char *text;
} values[] = {
	{ "numgen", NFTA_NG_OFFSET, NFTA_NG_DREG, 4, "chance or turn (numgen)" },
	{ "hash", NFTA_HASH_TYPE, NFTA_HASH_DREG, 4, "a hash of the packet" },
	{ "osf", NFTA_OSF_FLAGS, NFTA_OSF_DREG, 16, "the sender's system (osf)" },
	{ "socket", NFTA_SOCKET_LEVEL, NFTA_SOCKET_DREG, 4, "the socket that is there" },
	{ "xfrm", NFTA_XFRM_SPNUM, NFTA_XFRM_DREG, 16, "IPsec" },
	{ "rt", NFTA_RT_KEY, NFTA_RT_DREG, 16, "the route" },
};

static bool decode_value(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	const struct nlattr *fields[32];
	struct instruction *instruction;
	size_t i = 0;

	while (i < sizeof(values) / sizeof(values[0]) && !slice_equals(name, values[i].name))
		i++;
	if (i == sizeof(values) / sizeof(values[0]))
		return false;
	if (!attributes_within(data, fields, values[i].known)) {
		decode_refuse(decoding, "%s", values[i].name);
		return true;
	}
	instruction = decode_add(decoding, OP_UNKNOWN_VALUE);
	instruction->text = values[i].text;
	instruction->to = decode_register(fields[values[i].register_at], 4);
	instruction->length = values[i].length;
	if (instruction->to == NO_REGISTER)
		instruction->operation = OP_CANNOT_TELL;
	else if (instruction->to + instruction->length > REGISTER_BYTES)
		instruction->length = REGISTER_BYTES - instruction->to;
	return true;
}

/* TCP options, IPv6 extension headers and such. */
static void decode_exthdr(struct decoding *decoding, const struct nlattr **fields)
{
	uint32_t flags = attribute_u32(fields[NFTA_EXTHDR_FLAGS]);
	uint32_t length = attribute_u32(fields[NFTA_EXTHDR_LEN]);
	uint32_t kind = attribute_u32(fields[NFTA_EXTHDR_OP]);
	struct instruction *instruction;

	if (!fields[NFTA_EXTHDR_DREG]) /* writes or takes away an option */
		return;
	if (flags & NFT_EXTHDR_F_PRESENT)
		length = 1;
	instruction = decode_add(decoding, OP_UNKNOWN_VALUE);
	instruction->to = decode_register(fields[NFTA_EXTHDR_DREG], length);
	instruction->length = length;
	instruction->text = program_text(decoding->program, "%s %u",
					 kind ? "TCP or IP option" : "IPv6 extension header",
					 attribute_u8(fields[NFTA_EXTHDR_TYPE]));
	if (instruction->to == NO_REGISTER || !length || length > VALUE_MAX)
		instruction->operation = OP_CANNOT_TELL;
}

static const struct {
	const char *name;
	unsigned int known; /* the highest attribute */
	void (*decode)(struct decoding *decoding, const struct nlattr **fields);
} expressions[] = {
	{ "payload", NFTA_PAYLOAD_CSUM_FLAGS, decode_payload },
	{ "meta", NFTA_META_SREG, decode_meta },
	{ "ct", NFTA_CT_SREG, decode_ct },
	{ "fib", NFTA_FIB_FLAGS, decode_fib },
	{ "bitwise", NFTA_BITWISE_DATA, decode_bitwise },
	{ "byteorder", NFTA_BYTEORDER_SIZE, decode_byteorder },
	{ "immediate", NFTA_IMMEDIATE_DATA, decode_immediate },
	{ "cmp", NFTA_CMP_DATA, decode_cmp },
	{ "range", NFTA_RANGE_TO_DATA, decode_range },
	{ "lookup", NFTA_LOOKUP_FLAGS, decode_lookup },
	{ "exthdr", NFTA_EXTHDR_SREG, decode_exthdr },
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
