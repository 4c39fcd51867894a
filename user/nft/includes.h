/*
 * The files that a ruleset includes, found and read as nft does it. For reading
 * along only: what is not there is not known, and no error.
 */
#ifndef PORTSCRIBE_NFT_INCLUDES_H
#define PORTSCRIBE_NFT_INCLUDES_H

#include "nft/environment.h"

struct include_files {
	struct nft_includes callbacks; /* to be handed to who reads the ruleset */
	struct include_file *files;    /* owned: what was read so far */
	size_t count, capacity;
};

void include_files_init(struct include_files *files);
void include_files_release(struct include_files *files);

#endif
