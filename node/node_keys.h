#ifndef NODE_NODE_KEYS_H
#define NODE_NODE_KEYS_H

/* The node's own keys, below keys/ of its data directory: its identity, its
 * transport key, and a validator's vote key with the safety log that belongs to
 * it. */

#include "base/err.h"

struct node;
struct rpc_error;

/* Opens them, making at the first start what is not there. A vote key that was
 * lost is not made anew. */
MUST_USE enum err node_keys_open(struct node *node, struct rpc_error *out);

#endif
