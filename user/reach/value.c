/*
 * Values of the first packet of a connection: TCP's is a SYN without more flags, for
 * which conntrack has no entry yet. Sources: net/netfilter/nft_payload.c, nft_meta.c,
 * nft_ct.c, nft_fib.c, 6.12; RFC 791, 8200, 9293.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "reach/packet.h"

enum { SYN = 0x02, SYN_AT = 13 };

/* ---- symbols ---- */

static void put_constant(struct symbol *symbols, const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		symbols[i] = (struct symbol){ .value = ((const uint8_t *)bytes)[i] };
}

static void put_field(struct symbol *symbols, enum field field, size_t length)
{
	for (size_t i = 0; i < length; i++)
		symbols[i] = (struct symbol){ .field = field, .index = i, .mask = 0xff };
}

static void put_unknown(struct symbol *symbols, const struct unknown *unknown, size_t length)
{
	for (size_t i = 0; i < length; i++)
		symbols[i] = (struct symbol){
			.field = FIELD_UNKNOWN, .index = i, .mask = 0xff, .unknown = unknown
		};
}

/* A register is written as a whole: what the value leaves of it is 0. */
static void pad(struct frame *frame, uint8_t to, size_t length)
{
	static const uint8_t nothing[4];

	if (length % 4 && to + length + 4 - length % 4 <= REGISTERS_SIZE)
		put_constant(&frame->registers[to + length], nothing, 4 - length % 4);
}

void value_set_number(struct frame *frame, uint8_t to, uint32_t number)
{
	put_constant(&frame->registers[to], &number, sizeof(number));
}

static void put_byte(struct frame *frame, uint8_t to, uint8_t byte)
{
	put_constant(&frame->registers[to], &byte, 1);
	pad(frame, to, 1);
}

bool value_known(const struct frame *frame, uint8_t from, uint8_t length, uint8_t *ret_bytes)
{
	for (uint8_t i = 0; i < length; i++) {
		if (frame->registers[from + i].mask)
			return false;
		ret_bytes[i] = frame->registers[from + i].value;
	}
	return true;
}

/* ---- headers ---- */

static const struct unknown header_class = { "the traffic class (dscp, ecn)", false, true },
			    header_length = { "the packet's length", false, true },
			    header_id = { "the packet's id", false, true },
			    header_fragment = { "the don't-fragment bit", false, true },
			    header_ttl = { "the time to live", false, true },
			    header_label = { "the flow label", false, true },
			    header_checksum = { "a checksum", false, true },
			    header_link = { "the link layer's header", false, true },
			    header_tcp = { "a field of the TCP header", false, true },
			    payload = { "the payload", false, true },
			    chance = { "something else", false, false };

static void put_destination(const struct context *context, const struct packet_state *state,
			    struct symbol *symbol, unsigned int index)
{
	uint8_t bytes[16];

	switch (state->destination) {
	case DESTINATION_TRANSLATED:
		address_bytes(context->family, state->address, bytes);
		*symbol = (struct symbol){ .value = bytes[index] };
		break;
	case DESTINATION_OWN:
		*symbol = (struct symbol){ FIELD_OWN_ADDRESS, index, 0xff, 0, NULL };
		break;
	case DESTINATION_UNKNOWN:
		*symbol = (struct symbol){ FIELD_UNKNOWN, index, 0xff, 0, &chance };
		break;
	default: *symbol = (struct symbol){ FIELD_DESTINATION, index, 0xff, 0, NULL };
	}
}

static struct symbol unknown_bits(const struct unknown *unknown, uint8_t mask, uint8_t value)
{
	return (struct symbol){ FIELD_UNKNOWN, 0, mask, value, unknown };
}

/* Without options: the header is 20 bytes. */
static struct symbol ipv4_byte(const struct context *context, const struct packet_state *state,
			       unsigned int offset)
{
	struct symbol symbol = unknown_bits(&payload, 0xff, 0);

	switch (offset) {
	case 0: return (struct symbol){ .value = 0x45 };
	case 1: return unknown_bits(&header_class, 0xff, 0);
	case 2 ... 3: return unknown_bits(&header_length, 0xff, 0);
	case 4 ... 5: return unknown_bits(&header_id, 0xff, 0);
	case 6: return unknown_bits(&header_fragment, 0x40, 0); /* no fragment */
	case 7: return (struct symbol){ 0 };
	case 8: return unknown_bits(&header_ttl, 0xff, 0);
	case 9: return (struct symbol){ .value = context->transport };
	case 10 ... 11: return unknown_bits(&header_checksum, 0xff, 0);
	case 12 ... 15: return (struct symbol){ FIELD_SOURCE, offset - 12, 0xff, 0, NULL };
	case 16 ... 19: put_destination(context, state, &symbol, offset - 16); return symbol;
	default: return symbol;
	}
}

/* Without extension headers. */
static struct symbol ipv6_byte(const struct context *context, const struct packet_state *state,
			       unsigned int offset)
{
	struct symbol symbol = unknown_bits(&payload, 0xff, 0);

	switch (offset) {
	case 0: return unknown_bits(&header_class, 0x0f, 0x60);
	case 1: return unknown_bits(&header_class, 0xff, 0);
	case 2 ... 3: return unknown_bits(&header_label, 0xff, 0);
	case 4 ... 5: return unknown_bits(&header_length, 0xff, 0);
	case 6: return (struct symbol){ .value = context->transport };
	case 7: return unknown_bits(&header_ttl, 0xff, 0);
	case 8 ... 23: return (struct symbol){ FIELD_SOURCE, offset - 8, 0xff, 0, NULL };
	case 24 ... 39: put_destination(context, state, &symbol, offset - 24); return symbol;
	default: return symbol;
	}
}

static struct symbol transport_byte(const struct context *context, const struct packet_state *state,
				    unsigned int offset)
{
	if (offset < 2)
		return (struct symbol){ FIELD_SOURCE_PORT, offset, 0xff, 0, NULL };
	if (offset < 4) {
		if (state->port_unknown)
			return unknown_bits(&chance, 0xff, 0);
		if (state->has_port)
			return (struct symbol){ .value = offset == 2 ? state->port >> 8
								     : state->port & 0xff };
		return (struct symbol){ FIELD_PORT, offset - 2, 0xff, 0, NULL };
	}
	if (context->transport == IPPROTO_TCP && offset == SYN_AT)
		return (struct symbol){ .value = SYN };
	if (context->transport == IPPROTO_TCP && offset < 20)
		return unknown_bits(&header_tcp, 0xff, 0);
	if (context->transport == IPPROTO_UDP && offset < 8)
		return unknown_bits(offset < 6 ? &header_length : &header_checksum, 0xff, 0);
	return unknown_bits(&payload, 0xff, 0);
}

static bool load_payload(const struct context *context, struct frame *frame,
			 const struct instruction *instruction)
{
	const struct packet_state *state = &frame->stream.state;

	for (unsigned int i = 0; i < instruction->length; i++) {
		unsigned int offset = instruction->offset + i;
		struct symbol *symbol = &frame->registers[instruction->to + i];

		if (instruction->base == NFT_PAYLOAD_LL_HEADER)
			*symbol = unknown_bits(&header_link, 0xff, 0);
		else if (instruction->base == NFT_PAYLOAD_TRANSPORT_HEADER)
			*symbol = transport_byte(context, state, offset);
		else if (context->family == NFPROTO_IPV4)
			*symbol = ipv4_byte(context, state, offset);
		else
			*symbol = ipv6_byte(context, state, offset);
		if (symbol->field == FIELD_UNKNOWN)
			symbol->index = i;
	}
	pad(frame, instruction->to, instruction->length);
	return true;
}

/* ---- meta ---- */

static const struct unknown meta_mark = { "the packet's mark", true, true },
			    ct_mark = { "the connection's mark", true, true };

static const struct unknown meta_unknown[] = {
	[NFT_META_LEN] = { "the packet's length", true, true },
	[NFT_META_PRIORITY] = { "the packet's priority", true, true },
	[NFT_META_RTCLASSID] = { "the route's realm", true, true },
	[NFT_META_SECMARK] = { "the security mark", true, true },
	[NFT_META_BRI_IIFNAME] = { "the bridge's port", false, true },
	[NFT_META_BRI_OIFNAME] = { "the bridge's port", false, true },
	[NFT_META_CPU] = { "the CPU", true, true },
	[NFT_META_PRANDOM] = { "chance", true, false },
	[NFT_META_SECPATH] = { "it came by IPsec", false, true },
	[NFT_META_BRI_IIFPVID] = { "the bridge's VLAN", true, true },
	[NFT_META_BRI_IIFVPROTO] = { "the bridge's VLAN", true, true },
	[NFT_META_TIME_NS] = { "the time", true, false },
	[NFT_META_TIME_DAY] = { "the day of the week", true, true },
	[NFT_META_TIME_HOUR] = { "the time of day", true, false },
	[NFT_META_SDIF] = { "the VRF", true, true },
	[NFT_META_SDIFNAME] = { "the VRF", false, true },
	[NFT_META_OIF] = { "the interface it goes on to", true, true },
	[NFT_META_OIFNAME] = { "the interface it goes on to", false, true },
	[NFT_META_OIFTYPE] = { "the interface it goes on to", true, true },
	[NFT_META_OIFGROUP] = { "the interface it goes on to", true, true },
	[NFT_META_OIFKIND] = { "the interface it goes on to", false, true },
};

static void load_mark(struct frame *frame, uint8_t to, uint32_t value, uint32_t known,
		      const struct unknown *unknown)
{
	uint8_t values[4], masks[4];

	memcpy(values, &value, sizeof(value));
	memcpy(masks, &known, sizeof(known));
	for (unsigned int i = 0; i < 4; i++) {
		frame->registers[to + i] = (struct symbol){ .value = values[i] & masks[i] };
		if (masks[i] != 0xff) {
			frame->registers[to + i].field = FIELD_UNKNOWN;
			frame->registers[to + i].index = i;
			frame->registers[to + i].mask = ~masks[i];
			frame->registers[to + i].unknown = unknown;
		}
	}
}

/* There is no outgoing interface before a packet is on its way out. */
static bool load_out(const struct context *context, struct frame *frame, uint32_t key, uint8_t to)
{
	static const uint8_t none[IFNAMSIZ];
	bool is_name = key == NFT_META_OIFNAME || key == NFT_META_OIFKIND;
	size_t length = is_name ? IFNAMSIZ : key == NFT_META_OIFTYPE ? 2 : 4;

	if (context->forwarded)
		put_unknown(&frame->registers[to], &meta_unknown[key], length);
	else if (key == NFT_META_OIF || key == NFT_META_OIFNAME)
		put_constant(&frame->registers[to], none, length);
	else
		return false;
	pad(frame, to, length);
	return true;
}

static bool load_in(struct frame *frame, uint32_t key, uint8_t to)
{
	enum field field;
	size_t length = 4;

	switch (key) {
	case NFT_META_IIF: field = FIELD_INTERFACE_INDEX; break;
	case NFT_META_IIFNAME: field = FIELD_INTERFACE_NAME, length = IFNAMSIZ; break;
	case NFT_META_IIFTYPE: field = FIELD_INTERFACE_TYPE, length = 2; break;
	case NFT_META_IIFGROUP: field = FIELD_INTERFACE_GROUP; break;
	default: field = FIELD_INTERFACE_KIND, length = IFNAMSIZ;
	}
	put_field(&frame->registers[to], field, length);
	pad(frame, to, length);
	return true;
}

static bool load_meta(const struct context *context, struct frame *frame,
		      const struct instruction *instruction)
{
	const struct packet_state *state = &frame->stream.state;
	uint16_t protocol = htons(context->family == NFPROTO_IPV4 ? 0x0800 : 0x86dd);
	uint32_t key = instruction->key;
	uint8_t to = instruction->to;

	switch (key) {
	case NFT_META_PROTOCOL:
		put_constant(&frame->registers[to], &protocol, sizeof(protocol));
		pad(frame, to, sizeof(protocol));
		return true;
	case NFT_META_NFPROTO: put_byte(frame, to, context->family); return true;
	case NFT_META_L4PROTO: put_byte(frame, to, context->transport); return true;
	case NFT_META_PKTTYPE: put_byte(frame, to, 0); return true; /* PACKET_HOST */
	case NFT_META_MARK:
		load_mark(frame, to, state->mark, state->mark_known, &meta_mark);
		return true;
	case NFT_META_IIF:
	case NFT_META_IIFNAME:
	case NFT_META_IIFTYPE:
	case NFT_META_IIFGROUP:
	case NFT_META_IIFKIND: return load_in(frame, key, to);
	case NFT_META_OIF:
	case NFT_META_OIFNAME:
	case NFT_META_OIFTYPE:
	case NFT_META_OIFGROUP:
	case NFT_META_OIFKIND: return load_out(context, frame, key, to);
	/* No socket is known yet. */
	case NFT_META_SKUID:
	case NFT_META_SKGID:
	case NFT_META_CGROUP: return false;
	default:
		put_unknown(&frame->registers[to], &meta_unknown[key], instruction->length);
		return true;
	}
}

/* ---- conntrack ---- */

static const struct unknown ct_other = { "the connection's data", true, false };

/* Of a new connection everything is known but whether translation is done with it. */
static void load_status(struct frame *frame, uint8_t to)
{
	static const struct unknown done = { "the connection's status", true, true };
	uint32_t unknown = IPS_SRC_NAT_DONE | IPS_DST_NAT_DONE;
	uint32_t status = 0;

	if (frame->stream.state.destination != DESTINATION_AS_SENT ||
	    frame->stream.state.has_port || frame->stream.state.port_unknown)
		status |= IPS_DST_NAT;
	load_mark(frame, to, status, ~unknown, &done);
}

static bool load_tuple(const struct context *context, struct frame *frame, uint32_t key, uint8_t to)
{
	size_t length = context->family == NFPROTO_IPV4 ? 4 : 16;

	switch (key) {
	case NFT_CT_SRC_IP:
	case NFT_CT_DST_IP:
		if (context->family != NFPROTO_IPV4)
			return false;
		break;
	case NFT_CT_SRC_IP6:
	case NFT_CT_DST_IP6:
		if (context->family != NFPROTO_IPV6)
			return false;
		break;
	case NFT_CT_PROTO_SRC:
	case NFT_CT_PROTO_DST: length = 2; break;
	}
	switch (key) {
	case NFT_CT_SRC:
	case NFT_CT_SRC_IP:
	case NFT_CT_SRC_IP6: put_field(&frame->registers[to], FIELD_SOURCE, length); break;
	case NFT_CT_PROTO_SRC: put_field(&frame->registers[to], FIELD_SOURCE_PORT, length); break;
	case NFT_CT_PROTO_DST: put_field(&frame->registers[to], FIELD_PORT, length); break;
	default: put_field(&frame->registers[to], FIELD_DESTINATION, length);
	}
	pad(frame, to, length);
	return true;
}

static bool load_ct(const struct context *context, struct frame *frame,
		    const struct instruction *instruction)
{
	const struct packet_state *state = &frame->stream.state;
	uint8_t to = instruction->to;

	if (instruction->key == NFT_CT_STATE) {
		value_set_number(frame, to,
				 state->tracking == TRACKING_NEW   ? NF_CT_STATE_BIT(IP_CT_NEW)
				 : state->tracking == TRACKING_OFF ? NF_CT_STATE_UNTRACKED_BIT
								   : NF_CT_STATE_INVALID_BIT);
		return true;
	}
	if (state->tracking != TRACKING_NEW)
		return false;
	switch (instruction->key) {
	case NFT_CT_DIRECTION: put_byte(frame, to, IP_CT_DIR_ORIGINAL); return true;
	case NFT_CT_STATUS: load_status(frame, to); return true;
	case NFT_CT_MARK:
		load_mark(frame, to, state->ct_mark, state->ct_mark_known, &ct_mark);
		return true;
	case NFT_CT_L3PROTOCOL: put_byte(frame, to, context->family); return true;
	case NFT_CT_PROTOCOL: put_byte(frame, to, context->transport); return true;
	case NFT_CT_SRC:
	case NFT_CT_DST:
	case NFT_CT_SRC_IP:
	case NFT_CT_DST_IP:
	case NFT_CT_SRC_IP6:
	case NFT_CT_DST_IP6:
	case NFT_CT_PROTO_SRC:
	case NFT_CT_PROTO_DST:
		if (instruction->base == IP_CT_DIR_ORIGINAL)
			return load_tuple(context, frame, instruction->key, to);
		break;
	}
	put_unknown(&frame->registers[to], &ct_other, to + 16 <= REGISTERS_SIZE ? 16 : 4);
	return true;
}

/* ---- routes ---- */

/* The kind of the destination; that of the source parts packets, which others do. */
static void load_fib(const struct context *context, struct frame *frame,
		     const struct instruction *instruction)
{
	static const struct unknown back = { "the route back to the sender", true, true },
				    onward = { "the route to the destination", true, true },
				    source = { "the route to the sender", true, true };
	const struct packet_state *state = &frame->stream.state;
	uint32_t flags = instruction->key;
	uint8_t to = instruction->to, type = RTN_LOCAL;

	if (instruction->result != FIB_TYPE || flags & (NFTA_FIB_F_IIF | NFTA_FIB_F_OIF) ||
	    state->destination == DESTINATION_UNKNOWN) {
		put_unknown(&frame->registers[to],
			    !(flags & NFTA_FIB_F_SADDR)	      ? &onward
			    : instruction->result == FIB_TYPE ? &source
							      : &back,
			    instruction->length);
		return;
	}
	if (flags & NFTA_FIB_F_SADDR) {
		value_set_number(frame, to, RTN_UNICAST);
		/* IPv6 asks the routes; there may be none. */
		if (context->family == NFPROTO_IPV6)
			put_field(&frame->registers[to], FIELD_SOURCE_ROUTE, 4);
		return;
	}
	if (state->destination == DESTINATION_TRANSLATED)
		type = host_address_type(context->host, context->family, state->address);
	value_set_number(frame, to, type);
}

bool value_load(struct context *context, struct frame *frame, const struct instruction *instruction)
{
	struct unknown unknown = { instruction->text, true, false };
	char *copy;

	switch (instruction->operation) {
	case OP_PAYLOAD: return load_payload(context, frame, instruction);
	case OP_META: return load_meta(context, frame, instruction);
	case OP_CT: return load_ct(context, frame, instruction);
	case OP_FIB: load_fib(context, frame, instruction); return true;
	default:
		copy = arena_bytes(context->arena, sizeof(unknown) + _Alignof(struct unknown));
		if (!copy) {
			context->failed = true;
			return false;
		}
		copy += -(uintptr_t)copy & (_Alignof(struct unknown) - 1);
		memcpy(copy, &unknown, sizeof(unknown));
		put_unknown(&frame->registers[instruction->to], (const struct unknown *)copy,
			    instruction->length);
		pad(frame, instruction->to, instruction->length);
		return true;
	}
}

/* ---- values of values ---- */

static void compute_mask(struct frame *frame, const struct instruction *instruction)
{
	for (unsigned int i = 0; i < instruction->length; i++) {
		struct symbol symbol = frame->registers[instruction->from + i];

		symbol.mask &= instruction->low[i];
		symbol.value = (symbol.value & instruction->low[i]) ^ instruction->high[i];
		if (!symbol.mask)
			symbol = (struct symbol){ .value = symbol.value };
		frame->registers[instruction->to + i] = symbol;
	}
}

static void compute_shift(struct frame *frame, const struct instruction *instruction)
{
	static const struct unknown shifted = { "a value that is shifted", true, false };
	uint8_t bytes[VALUE_MAX];
	uint32_t word;

	if (instruction->length != sizeof(word) ||
	    !value_known(frame, instruction->from, sizeof(word), bytes)) {
		put_unknown(&frame->registers[instruction->to], &shifted, instruction->length);
		return;
	}
	memcpy(&word, bytes, sizeof(word));
	value_set_number(frame, instruction->to,
			 instruction->inverted ? word >> instruction->offset
					       : word << instruction->offset);
}

static void compute_byteorder(struct frame *frame, const struct instruction *instruction)
{
	struct symbol swapped[VALUE_MAX];
	unsigned int unit = instruction->base;

	for (unsigned int i = 0; i < instruction->length; i++) {
		unsigned int from = htons(1) == 1 ? i : i / unit * unit + unit - 1 - i % unit;

		swapped[i] = frame->registers[instruction->from + from];
	}
	memcpy(&frame->registers[instruction->to], swapped, instruction->length * sizeof(*swapped));
}

void value_compute(struct frame *frame, const struct instruction *instruction)
{
	switch (instruction->operation) {
	case OP_CONSTANT:
		put_constant(&frame->registers[instruction->to], instruction->low,
			     instruction->length);
		pad(frame, instruction->to, instruction->length);
		break;
	case OP_MASK: compute_mask(frame, instruction); break;
	case OP_SHIFT: compute_shift(frame, instruction); break;
	default: compute_byteorder(frame, instruction);
	}
}
