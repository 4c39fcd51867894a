/*
 * The nft program: found, run in the current network namespace, its output and
 * its complaints kept. Its text is the interface that nftables promises to keep;
 * the library would cost every command its start-up time.
 */
#ifndef PORTSCRIBE_NFT_PROGRAM_H
#define PORTSCRIBE_NFT_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "util/fault.h"

struct nft_output {
	char *text; /* owned, NUL-terminated */
	size_t length;
	char *errors; /* owned, NUL-terminated */
	int status;   /* of exit(); 0: it did what was asked */
};

/* Whether there is one. Looks in known places, not in PATH: we may run as root. */
bool nft_is_installed(void);

/*
 * Run "nft @arguments" (ends in NULL) with @length bytes of @input as its standard
 * input. 0 whatever its exit status was; -ENOENT where it is not installed; -errno
 * with @fault where it could not be run, or was killed.
 */
int nft_run(const char *const *arguments, const char *input, size_t length,
	    struct nft_output *ret_output, struct fault *fault);

/*
 * The same in two steps, with time for other work between them. Each process that
 * was started must be finished, which waits for its end.
 */
struct nft_process;
int nft_start(const char *const *arguments, const char *input, size_t length,
	      struct nft_process **ret_process, struct fault *fault);
int nft_finish(struct nft_process *process, struct nft_output *ret_output, struct fault *fault);

void nft_output_release(struct nft_output *output);

#endif
