/*
 * From the kernel's messages to instructions: values, of packets and of the machine, and
 * values that are made of them. Strict, as decode.c. Sources: net/netfilter/nft_payload.c,
 * nft_meta.c, nft_ct.c, nft_fib.c, nft_bitwise.c, nft_byteorder.c, 6.12.
 */
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "reach/program.h"

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
			   key != NFT_CT_SECMARK && key != NFT_CT_HELPER && key != NFT_CT_ZONE) {
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

static bool decode_unknown(struct decoding *decoding, struct slice name, const struct nlattr *data)
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

/* IPv4's options and IPv6's extension headers are not there; TCP's and SCTP's may be. */
static void decode_exthdr(struct decoding *decoding, const struct nlattr **fields)
{
	static const uint8_t absent;
	bool present = attribute_u32(fields[NFTA_EXTHDR_FLAGS]) & NFT_EXTHDR_F_PRESENT;
	uint32_t length = present ? 1 : attribute_u32(fields[NFTA_EXTHDR_LEN]);
	uint32_t kind = attribute_u32(fields[NFTA_EXTHDR_OP]);
	bool of_address = kind == NFT_EXTHDR_OP_IPV6 || kind == NFT_EXTHDR_OP_IPV4;
	struct instruction *instruction;
	uint8_t to;

	if (!fields[NFTA_EXTHDR_DREG]) /* writes or takes away an option */
		return;
	to = decode_register(fields[NFTA_EXTHDR_DREG], length);
	if (to == NO_REGISTER || !length || length > VALUE_MAX) {
		decode_refuse(decoding, "exthdr");
		return;
	}
	instruction = decode_add(decoding, !of_address ? OP_UNKNOWN_VALUE
					   : present   ? OP_CONSTANT
						       : OP_NEVER);
	instruction->to = to;
	instruction->length = length;
	instruction->low = &absent;
	instruction->text = program_text(decoding->program, "%s option %u",
					 kind == NFT_EXTHDR_OP_TCPOPT ? "TCP" : "SCTP",
					 attribute_u8(fields[NFTA_EXTHDR_TYPE]));
}

static const struct {
	const char *name;
	unsigned int known; /* the highest attribute */
	void (*decode)(struct decoding *decoding, const struct nlattr **fields);
} loads[] = {
	{ "payload", NFTA_PAYLOAD_CSUM_FLAGS, decode_payload },
	{ "meta", NFTA_META_SREG, decode_meta },
	{ "ct", NFTA_CT_SREG, decode_ct },
	{ "fib", NFTA_FIB_FLAGS, decode_fib },
	{ "bitwise", NFTA_BITWISE_DATA, decode_bitwise },
	{ "byteorder", NFTA_BYTEORDER_SIZE, decode_byteorder },
	{ "exthdr", NFTA_EXTHDR_SREG, decode_exthdr },
};

bool decode_value(struct decoding *decoding, struct slice name, const struct nlattr *data)
{
	const struct nlattr *fields[32];
	size_t i = 0;

	while (i < sizeof(loads) / sizeof(loads[0]) && !slice_equals(name, loads[i].name))
		i++;
	if (i == sizeof(loads) / sizeof(loads[0]))
		return decode_unknown(decoding, name, data);
	if (attributes_within(data, fields, loads[i].known))
		loads[i].decode(decoding, fields);
	else
		decode_refuse(decoding, "an attribute of %s", loads[i].name);
	return true;
}
