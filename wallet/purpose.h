#ifndef WALLET_PURPOSE_H
#define WALLET_PURPOSE_H

/* A purpose is what a key may sign: a set of domain tags. The tag that made the
 * digest is stated with every signature, and a key opened for one purpose
 * refuses the tags of another. So a node that is broken into can sign bad
 * offers, but no transfer out of its owner's account.
 *
 * The three below serve Suan; a program may state its own. */

#include "base/hash.h"

#define PURPOSE_TAGS_MAX 12

struct purpose {
    const char *name;                   /* for messages: "account" */
    const char *tags[PURPOSE_TAGS_MAX]; /* ends at NULL or at the array's end */
};

/* The owner's money: TX, REQUEST, APPROVAL. */
extern const struct purpose purpose_account;
/* A node's identity: OFFER, QUOTE, RECEIPT, TX (its own: delivered and the
 * like, and what its operator sends from the node's account), NOISE (it vouches
 * for its transport key), LINKS. */
extern const struct purpose purpose_node;
/* A validator: PROPOSAL, VOTE, NOISE (it is dialled by this key), BOND (it
 * knows its owner). */
extern const struct purpose purpose_validator;

bool purpose_allows(const struct purpose *purpose, const char *tag);

#endif
