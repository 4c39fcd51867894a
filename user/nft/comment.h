/*
 * The text of one nftables comment, made from the ports a rule names and from
 * what is known about them. Pure. The only place that knows nft's limits on
 * comments (128 bytes; no quote, backslash or control byte can be written).
 */
#ifndef PORTSCRIBE_NFT_COMMENT_H
#define PORTSCRIBE_NFT_COMMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/knowledge.h"
#include "snapshot.h"

/* Bytes between the quotes, our prefix included (NFTNL_UDATA_COMMENT_MAXLEN). */
#define NFT_COMMENT_MAX	   128
#define NFT_COMMENT_PREFIX "[ps] "

/* Bytes of what goes on a "#" line, where nft sets no limit: room for the longest description. */
#define NFT_REMARK_MAX 480

enum port_role {
	PORT_DESTINATION,
	PORT_SOURCE,
	PORT_TARGET, /* what a translation or a rewrite makes of it */
	PORT_ROLES,
};

/* Ports named by a rule: one number (first == last) or a range, host order. */
struct port_use {
	uint8_t transports; /* SERVICE_TCP | ..., 0: the rule does not say */
	uint8_t role;	    /* enum port_role */
	bool negated;	    /* all but these */
	uint16_t first, last;
	uint32_t at; /* where it is written, for who asks; PORT_ELSEWHERE */
};

#define PORT_ELSEWHERE UINT32_MAX /* in a define, or in a set */

struct comment_facts {
	const struct knowledge *knowledge;
	const struct snapshot *traffic; /* NULL: no counts */
	/*
	 * The port that nft takes a service name for, -1 where it knows none; NULL:
	 * the registry alone decides. nft asks the machine's service database, which
	 * differs from the registry for some names.
	 */
	int (*service_port)(const char *name);
};

/*
 * Write the comment for @uses, prefix included, quotes not. Always valid UTF-8,
 * NUL-terminated, at most NFT_COMMENT_MAX bytes, without '"', '\\' and control
 * bytes. Returns its length; 0 where there is nothing to say (no uses).
 */
size_t nft_comment(const struct comment_facts *facts, const struct port_use *uses, size_t count,
		   char ret_text[NFT_COMMENT_MAX + 1]);

/* The same with @counts, "; 12.4k pkts to port since 2026-11-03" or empty, in place of ours. */
size_t nft_comment_counted(const struct comment_facts *facts, const struct port_use *uses,
			   size_t count, struct slice counts, char ret_text[NFT_COMMENT_MAX + 1]);

/*
 * The same for a "#" line: one port with all there is to say. At most
 * NFT_REMARK_MAX bytes.
 */
size_t nft_remark(const struct comment_facts *facts, const struct port_use *use,
		  char ret_text[NFT_REMARK_MAX + 1]);

/* The count at the end of a comment of ours, "; " included; empty where there is none. */
struct slice nft_comment_counts(struct slice comment);

#endif
