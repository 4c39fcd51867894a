/*
 * Proof that two rulesets are the same to the kernel but for comments of ours:
 * both are loaded in throwaway network namespaces, and what nft lists there is
 * compared.
 */
#ifndef PORTSCRIBE_NFT_PROOF_H
#define PORTSCRIBE_NFT_PROOF_H

#include "nft/comment.h"
#include "nft/environment.h"
#include "util/fault.h"

enum proof_result {
	PROOF_EQUAL,
	PROOF_NONE,	 /* it could not be tried; the fault says why */
	PROOF_DIFFERENT, /* the fault says where */
};

/*
 * @old and @new are ruleset files' texts. @includes are read for names of interfaces
 * (NULL: none). @fault is a part of a sentence, such as "nft is not installed".
 */
enum proof_result nft_prove(struct slice old, struct slice new, const struct comment_facts *facts,
			    const struct nft_includes *includes, struct fault *fault);

/* Whether two listings of nft are equal but for comments of ours. @fault names the first
 * difference. */
bool listings_equal(struct slice old, struct slice new, const struct comment_facts *facts,
		    struct fault *fault);

#endif
