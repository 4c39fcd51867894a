/*
 * Crafted frames: a list of layers, outermost first, becomes bytes as they are
 * on the wire. Lengths are filled in as an honest sender would; SET8 and SET16
 * then spoil them. Addresses are of the documentation ranges (RFC 5737, 3849).
 */
#ifndef PORTSCRIBE_TESTS_FRAMES_H
#define PORTSCRIBE_TESTS_FRAMES_H

#include <stdint.h>
#include <string.h>

#define FRAME_MAX  (256 * 1024)
#define LAYERS_MAX 16

enum layer_kind {
	LAYER_END,
	LAYER_ETH,
	LAYER_VLAN,
	LAYER_IP4,
	LAYER_IP6,
	LAYER_EXTENSION,
	LAYER_FRAGMENT6,
	LAYER_JUMBO,
	LAYER_AH,
	LAYER_TCP,
	LAYER_UDP,
	LAYER_SCTP,
	LAYER_FILL,
	LAYER_PAD,
	LAYER_SET8,
	LAYER_SET16,
};

struct layer {
	enum layer_kind kind;
	uint32_t a, b, c, d;
};

/* clang-format off */
#define ETH(ethertype)              { LAYER_ETH, ethertype, 0, 0, 0 }
#define VLAN(ethertype)             { LAYER_VLAN, ethertype, 0, 0, 0 }
#define IP4(protocol)               { LAYER_IP4, protocol, 0, 0, 0 }
#define IP4_OPTIONS(protocol, words){ LAYER_IP4, protocol, words, 0, 0 }
#define IP4_FRAGMENT(protocol, more, units) \
				    { LAYER_IP4, protocol, 0, ((more) << 13) | (units), 0 }
#define IP4_FROM(protocol, source)  { LAYER_IP4, protocol, 0, 0, source }
#define IP6(next)                   { LAYER_IP6, next, 0, 0, 0 }
/* Bytes 4 and 5 of the source address, which an L3 frame has where Ethernet has its type. */
#define IP6_FROM(next, group)       { LAYER_IP6, next, group, 0, 0 }
/* Hop-by-hop, routing, destination options; @units: length beyond the first 8 bytes, by 8. */
#define EXTENSION(next, units)      { LAYER_EXTENSION, next, units, 0, 0 }
#define FRAGMENT6(next, more, units){ LAYER_FRAGMENT6, next, more, units, 0 }
/* Hop-by-hop with the jumbo payload option; the IPv6 header then says 0 (RFC 2675). */
#define JUMBO(next)                 { LAYER_JUMBO, next, 0, 0, 0 }
/* @units: the payload length field, in units of 4 bytes less 2 (RFC 4302). */
#define AH(next, units)             { LAYER_AH, next, units, 0, 0 }
#define TCP(source, dest, flags)    { LAYER_TCP, source, dest, flags, 0 }
#define TCP_OPTIONS(source, dest, flags, words) { LAYER_TCP, source, dest, flags, words }
#define UDP(source, dest)           { LAYER_UDP, source, dest, 0, 0 }
#define SCTP(source, dest)          { LAYER_SCTP, source, dest, 0, 0 }
#define FILL(length)                { LAYER_FILL, length, 0, 0, 0 }
/* Ethernet padding: beyond what the IP header calls the packet. Reads as 8080 8080. */
#define PAD(length)                 { LAYER_PAD, length, 0, 0, 0 }
#define SET8(offset, value)         { LAYER_SET8, offset, value, 0, 0 }
#define SET16(offset, value)        { LAYER_SET16, offset, value, 0, 0 }
/* clang-format on */

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10

struct frame {
	uint32_t length;
	uint8_t bytes[FRAME_MAX];
};

static inline void set16(uint8_t *at, uint32_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static inline uint8_t *grow(struct frame *frame, uint32_t length, uint8_t fill)
{
	uint8_t *at = frame->bytes + frame->length;

	memset(at, fill, length);
	frame->length += length;
	return at;
}

static inline void put_eth(struct frame *frame, uint32_t ethertype)
{
	static const uint8_t addresses[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
	uint8_t *eth = grow(frame, 14, 0);

	memcpy(eth, addresses, sizeof(addresses));
	set16(eth + 12, ethertype);
}

static inline void put_vlan(struct frame *frame, uint32_t ethertype)
{
	uint8_t *tag = grow(frame, 4, 0);

	set16(tag, 0x6007); /* priority 3, VLAN 7 */
	set16(tag + 2, ethertype);
}

static inline void put_ip4(struct frame *frame, const struct layer *layer)
{
	static const uint8_t addresses[8] = { 192, 0, 2, 1, 198, 51, 100, 2 };
	uint8_t *ip = grow(frame, 20 + layer->b * 4, 1 /* options: no operation */);

	memset(ip, 0, 20);
	ip[0] = 0x40 | (5 + layer->b);
	set16(ip + 6, layer->c);
	ip[8] = 64;
	ip[9] = layer->a;
	memcpy(ip + 12, addresses, sizeof(addresses));
	if (layer->d) {
		set16(ip + 12, layer->d >> 16);
		set16(ip + 14, layer->d);
	}
}

static inline void put_ip6(struct frame *frame, const struct layer *layer)
{
	uint8_t *ip = grow(frame, 40, 0);

	ip[0] = 0x60;
	ip[6] = layer->a;
	ip[7] = 64;
	for (int address = 8; address <= 24; address += 16) {
		set16(ip + address, 0x2001);
		set16(ip + address + 2, 0x0db8);
		ip[address + 15] = address;
	}
	set16(ip + 12, layer->b);
}

static inline void put_extension(struct frame *frame, const struct layer *layer)
{
	uint8_t *extension = grow(frame, 8 + layer->b * 8, 0);

	extension[0] = layer->a;
	extension[1] = layer->b;
}

static inline void put_fragment6(struct frame *frame, const struct layer *layer)
{
	uint8_t *extension = grow(frame, 8, 0);

	extension[0] = layer->a;
	set16(extension + 2, layer->c << 3 | layer->b);
	extension[7] = 77;
}

static inline void put_jumbo(struct frame *frame, const struct layer *layer)
{
	uint8_t *extension = grow(frame, 8, 0);

	extension[0] = layer->a;
	extension[2] = 0xc2;
	extension[3] = 4;
}

static inline void put_ah(struct frame *frame, const struct layer *layer)
{
	uint8_t *ah = grow(frame, (layer->b + 2) * 4, 0x5a);

	ah[0] = layer->a;
	ah[1] = layer->b;
}

static inline void put_tcp(struct frame *frame, const struct layer *layer)
{
	uint8_t *tcp = grow(frame, 20 + layer->d * 4, 1);

	memset(tcp, 0, 20);
	set16(tcp, layer->a);
	set16(tcp + 2, layer->b);
	tcp[12] = (5 + layer->d) << 4;
	tcp[13] = layer->c;
	set16(tcp + 14, 65535);
}

static inline void put_layer(struct frame *frame, const struct layer *layer)
{
	uint8_t *header;

	switch (layer->kind) {
	case LAYER_ETH: put_eth(frame, layer->a); break;
	case LAYER_VLAN: put_vlan(frame, layer->a); break;
	case LAYER_IP4: put_ip4(frame, layer); break;
	case LAYER_IP6: put_ip6(frame, layer); break;
	case LAYER_EXTENSION: put_extension(frame, layer); break;
	case LAYER_FRAGMENT6: put_fragment6(frame, layer); break;
	case LAYER_JUMBO: put_jumbo(frame, layer); break;
	case LAYER_AH: put_ah(frame, layer); break;
	case LAYER_TCP: put_tcp(frame, layer); break;
	case LAYER_UDP:
	case LAYER_SCTP:
		header = grow(frame, layer->kind == LAYER_UDP ? 8 : 12, 0);
		set16(header, layer->a);
		set16(header + 2, layer->b);
		break;
	case LAYER_FILL: grow(frame, layer->a, 0x5a); break;
	case LAYER_PAD:
		for (uint32_t i = 0; i < layer->a; i++)
			*grow(frame, 1, 0) = i & 1 ? 0x90 : 0x1f;
		break;
	default: break;
	}
}

/* A packet that no length field can say has 0 there: BIG TCP. */
static inline void set_length(uint8_t *at, uint32_t length)
{
	set16(at, length > 65535 ? 0 : length);
}

static inline void fill_lengths(struct frame *frame, const struct layer *layers,
				const uint32_t *starts, uint32_t end)
{
	for (int i = 0; i < LAYERS_MAX && layers[i].kind; i++) {
		uint8_t *header = frame->bytes + starts[i];
		uint32_t length = end - starts[i];

		if (layers[i].kind == LAYER_IP4)
			set_length(header + 2, length);
		else if (layers[i].kind == LAYER_IP6)
			set_length(header + 4, length - 40);
		else if (layers[i].kind == LAYER_UDP)
			set_length(header + 4, length);
		else if (layers[i].kind == LAYER_JUMBO) {
			set16(header - 40 + 4, 0);
			set16(header + 4, length >> 16);
			set16(header + 6, length);
		}
	}
}

static inline void frame_build(struct frame *frame, const struct layer *layers)
{
	uint32_t starts[LAYERS_MAX], end = 0;

	frame->length = 0;
	for (int i = 0; i < LAYERS_MAX && layers[i].kind; i++) {
		starts[i] = frame->length;
		put_layer(frame, &layers[i]);
		if (layers[i].kind < LAYER_PAD)
			end = frame->length;
	}
	fill_lengths(frame, layers, starts, end);
	for (int i = 0; i < LAYERS_MAX && layers[i].kind; i++) {
		if (layers[i].kind == LAYER_SET8)
			frame->bytes[layers[i].a] = layers[i].b;
		else if (layers[i].kind == LAYER_SET16)
			set16(frame->bytes + layers[i].a, layers[i].b);
	}
}

#endif
