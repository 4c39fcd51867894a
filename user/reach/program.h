/*
 * The ruleset in a form that can be followed: each rule a row of instructions on
 * registers, each set its elements. What a rule holds that is not understood becomes
 * an instruction too, which says so. Made once, asked often. Pure.
 */
#ifndef PORTSCRIBE_REACH_PROGRAM_H
#define PORTSCRIBE_REACH_PROGRAM_H

#include <net/if.h>

#include "nft/live/kernel.h"
#include "reach/space.h"
#include "util/arena.h"

/* nf_tables' registers as bytes (net/netfilter/nf_tables_api.c), and some of our own behind them.
 */
enum {
	REGISTER_BYTES = 80,
	REGISTER_SCRATCH = REGISTER_BYTES,
	REGISTERS_SIZE = REGISTER_BYTES + 16,
	VALUE_MAX = 64, /* of the longest key */
};

enum operation {
	OP_PAYLOAD, /* bytes of a header */
	OP_META,
	OP_CT,
	OP_FIB,
	OP_UNKNOWN_VALUE, /* a value that depends on what only the packet or the machine knows */
	OP_CONSTANT,
	OP_MASK,      /* (value & mask) ^ xor */
	OP_SHIFT,     /* of a 32-bit number in host order */
	OP_BYTEORDER, /* swaps the bytes of each unit */
	OP_COMPARE,   /* goes on where low <= value <= high, by bytes; inverted: where not */
	OP_LOOKUP,
	OP_MAYBE, /* goes on or not, by something that no packet shows: a limit, a quota */
	OP_NEVER, /* no first packet gets further */
	OP_SET_MARK,
	OP_SET_CT_MARK,
	OP_NOTRACK,
	OP_CHANGES_SET, /* the packet adds itself to a set, or takes itself out */
	OP_ACCEPT,
	OP_DROP,
	OP_JUMP,
	OP_GOTO,
	OP_RETURN,
	OP_DNAT,
	OP_REDIRECT,
	OP_TPROXY,
	OP_SYNPROXY,
	OP_REJECT,
	OP_STEAL,	/* it goes to another device */
	OP_CANNOT_TELL, /* not understood, or decided by a program */
};

enum fib_result { FIB_OIF, FIB_OIFNAME, FIB_TYPE };

struct set;

struct instruction {
	uint8_t operation; /* OP_* */
	bool inverted;
	bool stable;		    /* OP_MAYBE: the same for one packet whenever it is asked */
	uint8_t base;		    /* NFT_PAYLOAD_*; OP_CT: direction; OP_BYTEORDER: unit */
	uint8_t from, to;	    /* registers, in bytes; NO_REGISTER */
	uint8_t length;		    /* of the value */
	uint8_t port_from;	    /* register of NAT's port */
	uint8_t port_to;	    /* the last of a range of ports */
	uint8_t result;		    /* enum fib_result */
	uint8_t family;		    /* NFPROTO_*, of NAT's address */
	uint16_t offset;	    /* OP_PAYLOAD; OP_SHIFT: bits, to the left where not inverted */
	uint32_t key;		    /* NFT_META_*, NFT_CT_*; OP_FIB: flags; NAT: flags */
	const uint8_t *low, *high;  /* OP_CONSTANT: low; OP_MASK: mask and xor; not owned */
	const struct set *set;	    /* OP_LOOKUP, OP_CHANGES_SET */
	const struct chain *target; /* OP_JUMP, OP_GOTO */
	const char *text;	    /* what is not known, in words */
};

enum { NO_REGISTER = 255 };

struct rule {
	const struct kernel_rule *kernel;
	size_t first, count; /* in program.instructions */
	bool has_effect;     /* else it only counts or logs */
	bool has_jump;
	/* It looks at these ports alone, whatever else it asks; count 0: at all. */
	struct interval *ports; /* owned; sorted, apart */
	size_t port_count;
	const char *comment; /* of iptables; NULL */
};

struct chain {
	const struct kernel_chain *kernel;
	size_t first, count;	   /* in program.rules */
	const char *unknown;	   /* why it cannot be followed; NULL */
	char (*devices)[IFNAMSIZ]; /* owned; of ingress hooks */
	size_t device_count;
};

struct set_element {
	const uint8_t *low, *high;  /* key_length bytes each; both within */
	const uint8_t *data;	    /* data_length bytes; NULL: none, or a verdict */
	uint8_t verdict;	    /* OP_ACCEPT, OP_DROP, OP_JUMP, OP_GOTO, OP_RETURN,
				       OP_MAYBE: goes on; OP_CANNOT_TELL */
	const struct chain *target; /* of a jump */
	const char *maybe;	    /* it has a limit or a quota of its own; NULL */
};

struct set {
	const struct kernel_set *kernel; /* NULL: not one of the ruleset */
	size_t key_length, data_length;
	bool has_data, has_verdicts;
	struct set_element *elements; /* owned; by data, then by key */
	size_t count, room;
	struct set_element *otherwise; /* owned; for what no element matches; NULL */
	uint8_t parts[16];	       /* of a key that is compared part by part: their bytes */
	uint8_t part_count;	       /* 0: it is compared as a whole */
	const char *unknown;	       /* why it cannot be read; NULL */
};

struct program {
	const struct kernel_ruleset *kernel; /* borrowed */
	struct chain *chains;		     /* owned; as kernel->chains */
	struct rule *rules;		     /* owned; as kernel->rules */
	struct set *sets;		     /* owned; as kernel->sets */
	struct set **made;		     /* owned; of xt expressions */
	size_t made_count;
	struct instruction *instructions; /* owned */
	size_t count, room;
	struct arena arena;
	bool tracks[2]; /* IPv4, IPv6: some rule makes conntrack work at all */
	bool failed;	/* out of memory while it was made */
};

/* Understand @kernel, which must outlive it. 0 or -ENOMEM. */
int program_make(const struct kernel_ruleset *kernel, struct program *ret_program);
void program_release(struct program *program);

/* ---- for decode*.c and sets.c alone ---- */

struct decoding {
	struct program *program;
	const struct kernel_rule *rule;
	const char *comment; /* that an expression holds; NULL */
};

/* The next instruction of the rule; never NULL (one that is thrown away without memory). */
struct instruction *decode_add(struct decoding *decoding, enum operation operation);

/* The rule cannot be followed further: "cannot tell: ...". */
void decode_refuse(struct decoding *decoding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A register's first byte; NO_REGISTER where it is none, or @length bytes do not fit. */
uint8_t decode_register(const struct nlattr *attribute, size_t length);

/* Words that live as long as the program; "" without memory. */
const char *program_text(struct program *program, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* @size bytes of it; NULL without memory. */
uint8_t *program_bytes(struct program *program, const void *bytes, size_t size);

/* A verdict of the attributes of NFTA_DATA_VERDICT. False: it is not known. */
struct verdict {
	enum operation operation;
	const struct chain *target;
	const char *text;
};
bool decode_verdict(struct program *program, uint8_t family, struct slice table,
		    const struct nlattr *data, struct verdict *ret_verdict);

/* The value in NFTA_DATA_VALUE. False: there is none, or it is too long. */
bool decode_data(const struct nlattr *attribute, struct slice *ret_value);

/* The expression @name with the attributes in @data. False: its name is not known. */
bool decode_value(struct decoding *decoding, struct slice name, const struct nlattr *data);
bool decode_expression(struct decoding *decoding, struct slice name, const struct nlattr *data);
bool decode_action(struct decoding *decoding, struct slice name, const struct nlattr *data);
bool decode_xt(struct decoding *decoding, struct slice name, const struct nlattr *data);

/*
 * For which family the expression, in a table of @family, makes conntrack work in its
 * network namespace, wherever it stands: NFPROTO_*, NFPROTO_UNSPEC for none.
 */
uint8_t expression_tracks(struct slice name, const struct nlattr *data, uint8_t family);

/* What a limit or quota says: "the rate is below 5/second"; NULL: it is none of these. */
const char *decode_maybe(struct program *program, struct slice name, const struct nlattr *data);

/* An empty set for the program's own use; NULL without memory. */
struct set *program_set(struct program *program, size_t key_length);
void set_add(struct program *program, struct set *set, const void *low, const void *high);
void set_read(struct program *program, const struct kernel_set *kernel, struct set *set);
void set_sort(struct set *set);
void set_release(struct set *set);

#endif
