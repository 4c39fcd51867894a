/*
 * Which comments are ours: those that begin with our prefix and say of a port
 * what we would say of it. A human's "[ps] ask Bob" is not. Pure.
 */
#ifndef PORTSCRIBE_NFT_OURS_H
#define PORTSCRIBE_NFT_OURS_H

#include <stdbool.h>

#include "nft/comment.h"

/* @text: what stands between the quotes, or behind "# ". */
bool comment_is_ours(const struct comment_facts *facts, struct slice text);

#endif
