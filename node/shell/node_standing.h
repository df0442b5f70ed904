#ifndef NODE_NODE_STANDING_H
#define NODE_NODE_STANDING_H

/* What this node knows of how providers keep their contracts
 * (market/standing.h), read from the chain's final state and kept up with each
 * block. */

#include "node/node.h"

/* The order book and the agent for links exist. ERR_NOMEM, ERR_RANDOM. */
MUST_USE enum err node_standing_open(struct node *node);
void node_standing_close(struct node *node);

/* All contracts anew: at the start, and when the state was fetched. Nothing
 * while that goes on. A fault of the chain's store, ERR_NOMEM. */
MUST_USE enum err node_standing_scan(struct node *node);
/* A block's transaction brought this contract to an end. */
void node_standing_settled(struct node *node, const struct hash *contract);
/* Once a second: what the links are seen to be. */
void node_standing_tick(struct node *node);
/* An audit found a made-up result, or a true one. */
void node_standing_forged(struct node *node, const struct pubkey *provider,
                          bool forged);

#endif
