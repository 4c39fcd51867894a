/*
 * The first packets of new connections, many at once: a space of them with what is
 * the same for all of it, and registers whose bytes are either known, or a byte of
 * what the sender chose, or not known at all. Pure; for reach/ alone.
 */
#ifndef PORTSCRIBE_REACH_PACKET_H
#define PORTSCRIBE_REACH_PACKET_H

#include "reach/host.h"
#include "reach/program.h"
#include "reach/space.h"

/* Something that no packet shows, and which way it went: "the mark is 0x1", or not. */
struct literal {
	const struct literal *before; /* what was asked earlier; NULL */
	const char *text;
	const void *asked; /* by this instruction; NULL: the same for one packet whoever asks */
	bool negated;
};

enum tracking {
	TRACKING_NONE, /* conntrack has not seen it yet */
	TRACKING_NEW,
	TRACKING_OFF, /* notrack */
};

enum destination {
	DESTINATION_AS_SENT,
	DESTINATION_TRANSLATED,
	DESTINATION_OWN, /* redirected: the first address of the interface */
	DESTINATION_UNKNOWN,
};

#define CHANGED_MAX 4

/* Compared as bytes: made by memset() and assignments to members. */
struct packet_state {
	number_t address; /* DESTINATION_TRANSLATED */
	uint32_t mark, mark_known, ct_mark;
	uint32_t ct_mark_known; /* bits */
	uint16_t port;		/* where has_port */
	uint16_t socket_port;	/* of tproxy; 0: none */
	uint8_t tracking, destination;
	bool has_port, port_unknown;
	bool translated;  /* its destination was asked for at nat's chains */
	bool by_synproxy; /* the kernel answers first */
	uint8_t changed_count;
	const struct set *changed[CHANGED_MAX]; /* sets that it has changed itself */
};

struct stream {
	struct space space;
	struct packet_state state;
	const struct literal *literals;
};

struct streams {
	struct stream *list; /* owned */
	size_t count, room;
	bool failed;
};

void streams_add(struct streams *streams, struct stream *stream); /* used up; empty ones vanish */
void streams_release(struct streams *streams);

/* Put together what differs in nothing that matters. */
void streams_join(struct streams *streams);

/* All of @more, which is used up. */
void streams_append(struct streams *streams, struct streams *more);

/* A copy that shares the regions. */
void stream_copy(struct stream *target, const struct stream *source);

/* ---- values ---- */

enum field {
	FIELD_CONSTANT,
	FIELD_SOURCE,
	FIELD_DESTINATION,
	FIELD_SOURCE_PORT,
	FIELD_PORT,
	FIELD_INTERFACE_INDEX,
	FIELD_INTERFACE_NAME,
	FIELD_INTERFACE_TYPE,
	FIELD_INTERFACE_GROUP,
	FIELD_INTERFACE_KIND,
	FIELD_OWN_ADDRESS,  /* of the interface */
	FIELD_SOURCE_ROUTE, /* RTN_* of a sender that is neither local nor a multicast one */
	FIELD_UNKNOWN,
	FIELDS,
};

/* One byte: (byte @index of @field & @mask) ^ @value. */
struct symbol {
	uint8_t field, index, mask, value;
	const struct unknown *unknown; /* FIELD_UNKNOWN: of what */
};

struct unknown {
	const char *text;
	bool host_order; /* a number as the machine has it */
	bool stable;	 /* the packet's own: the same whoever asks */
};

struct context {
	const struct program *program;
	const struct host *host;
	struct arena *arena;
	uint8_t family;	   /* NFPROTO_IPV4, NFPROTO_IPV6 */
	uint8_t transport; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
	bool forwarded;	   /* on its way to another host, with an outgoing interface */
	bool failed;	   /* out of memory */
};

struct frame {
	struct stream stream;
	struct symbol registers[REGISTERS_SIZE];
};

/*
 * Load the value of @instruction: OP_PAYLOAD, OP_META, OP_CT, OP_FIB, OP_UNKNOWN_VALUE.
 * False: no such packet has it, and the rule ends.
 */
bool value_load(struct context *context, struct frame *frame,
		const struct instruction *instruction);

/* A number of 32 bits in host order, as nf_tables keeps its own. */
void value_set_number(struct frame *frame, uint8_t to, uint32_t number);

/* OP_MASK, OP_SHIFT, OP_BYTEORDER, OP_CONSTANT. */
void value_compute(struct frame *frame, const struct instruction *instruction);

/* Known bytes of a register. False: they are not. */
bool value_known(const struct frame *frame, uint8_t from, uint8_t length, uint8_t *ret_bytes);

/* ---- tests ---- */

/* What packets must be for their value to be within bounds. */
struct match {
	bool impossible;
	const char *unknown; /* it also depends on this, in words; NULL */
	bool stable;	     /* and this is the packet's own */
	struct {
		bool used;
		struct interval *list; /* owned; sorted, apart */
		size_t count;
	} sides[REGION_DIMENSIONS + 1]; /* DIM_* */
};

/* Also low <= value <= high, by bytes. @match begins empty. */
void match_add(struct context *context, const struct frame *frame, uint8_t from, uint8_t length,
	       const uint8_t *low, const uint8_t *high, struct match *match);
void match_release(struct match *match);

/*
 * Part @stream, which is used up, by @match. @asked is the instruction, for literals.
 */
void match_part(struct context *context, struct stream *stream, const struct match *match,
		struct streams *ret_in, struct streams *ret_out);

/* Part it by something that no packet shows. @asked: see struct literal. */
void literal_part(struct context *context, struct stream *stream, const char *text,
		  const void *asked, struct streams *ret_in, struct streams *ret_out);

/* Words that live as long as the context's arena. */
const char *context_text(struct context *context, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
