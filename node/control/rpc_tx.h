#ifndef NODE_RPC_TX_H
#define NODE_RPC_TX_H

/* A transaction that somebody submits, and the watches of those who wait to
 * hear what came of theirs. */

#include "node/node.h"

void rpc_tx_submit(struct node *node, struct control_call *call);

/* A transaction, and what it did; result NULL: that is not known. */
json_t *json_tx(struct node *node, const struct tx *tx,
                const struct result *result);

/* NULL when all are taken. */
struct tx_watch *tx_watch_new(struct node *node, const struct hash *id);
void tx_watch_free(struct node *node, struct tx_watch *watch);
/* Told by the chain's callbacks. */
void tx_watch_refused(struct node *node, uint64_t token, enum err err,
                      uint64_t height);
void tx_watch_final(struct node *node, const struct hash *id, uint64_t height);

#endif
