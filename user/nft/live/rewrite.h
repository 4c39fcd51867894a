/*
 * Other comments on rules of the live ruleset: each rule is replaced by itself, where
 * it stands and under its handle, and only if it still is the rule that was looked at.
 */
#ifndef PORTSCRIBE_NFT_REWRITE_H
#define PORTSCRIBE_NFT_REWRITE_H

#include "nft/live/kernel.h"

/*
 * Packets a second. A rule without a counter of its own can be hit at any rate; of one
 * with a counter, packets that come between reading it and replacing it would be
 * missing, and are put back once they are known.
 */
#define REWRITE_RATE_MAX 12000

enum rewrite_result {
	REWRITE_NOT_TRIED,
	REWRITE_DONE,
	REWRITE_GONE,	 /* somebody deleted it meanwhile */
	REWRITE_CHANGED, /* somebody changed it meanwhile */
	REWRITE_FAST,	 /* it is hit faster than REWRITE_RATE_MAX */
	REWRITE_REFUSED, /* by the kernel: see error */
};

struct rewrite {
	const struct kernel_rule *rule;
	char comment[129]; /* "": none */
	/* Filled: */
	enum rewrite_result result;
	int error;
	uint64_t rate; /* packets a second; of a rule with a counter */
	/*
	 * Of counters (packets and bytes) and quotas (bytes): what is missing for good;
	 * unknown where the kernel's notice of it was lost.
	 */
	uint64_t missing_packets, missing_bytes;
	bool missing_unknown;
	uint64_t restored_packets; /* that came between, and were put back */
};

struct rewrite_report {
	size_t done, tried;
	size_t restarts; /* how often the ruleset was another one when a change was to be made */
	bool foreign;	 /* somebody else changed the ruleset meanwhile */
	uint32_t generation; /* after the last change of ours */
};

/*
 * Make all changes of @list, which are to rules of @before. 0 with each result filled;
 * -EPERM, -errno with @fault where none could be made, or no more.
 */
int rewrite_rules(const struct kernel_ruleset *before, struct rewrite *list, size_t count,
		  bool force, struct rewrite_report *ret_report, struct fault *fault);

/* A rule's user data with another comment ("": none). Returns its length. */
#define USERDATA_MAX 256 /* NFT_USERDATA_MAXLEN */
size_t rewrite_userdata(const struct kernel_rule *rule, const char *comment,
			uint8_t ret_bytes[USERDATA_MAX]);

#endif
