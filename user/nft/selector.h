/*
 * What an expression of a rule looks at: "tcp dport", "ip saddr", "meta l4proto",
 * "@th,16,16", and what such selectors joined by dots make. Only which of them are
 * ports, on which transport, is of interest; of all others, how many words they
 * take. Pure.
 */
#ifndef PORTSCRIBE_NFT_SELECTOR_H
#define PORTSCRIBE_NFT_SELECTOR_H

#include "nft/comment.h"
#include "nft/lexer.h"

enum selector_kind {
	SELECTOR_OTHER,
	SELECTOR_PORT,
	SELECTOR_TRANSPORT, /* "meta l4proto", "ip protocol" */
	SELECTOR_UNCLEAR,   /* bytes of the transport header that may hold ports */
};

struct selector {
	enum selector_kind kind;
	size_t length;	    /* in tokens */
	uint8_t role;	    /* of a port: enum port_role */
	uint8_t transports; /* of a port: SERVICE_TCP | ...; 0: any, or not said here */
	bool unknown;	    /* of a port: of dccp, udplite, which have no names here */
};

/* The selector that begins at token @index. False where none does. */
bool selector_read(const struct tokens *tokens, size_t index, struct selector *ret_selector);

/* How many can be joined: nft's NFT_REG32_COUNT allows no more than 16. */
#define SELECTORS_MAX 16

struct selector_row {
	struct selector parts[SELECTORS_MAX];
	size_t count;
	size_t length; /* in tokens, dots included */
};

/* "ip saddr . tcp dport" from token @index on. False where no selector begins there. */
bool selector_row_read(const struct tokens *tokens, size_t index, struct selector_row *ret_row);

/* The transport that a token names, as word or number: SERVICE_TCP ...; 0: another one. */
uint8_t selector_transport(const struct tokens *tokens, size_t index);

#endif
