#ifndef NODE_RPC_CHAIN_H
#define NODE_RPC_CHAIN_H

/* The chain's methods, and the watches of those who submitted a transaction and
 * wait to hear of it. */

#include "node/node.h"

void rpc_chain_status(struct node *node, struct control_call *call);
void rpc_chain_block(struct node *node, struct control_call *call);
void rpc_chain_tx(struct node *node, struct control_call *call);
void rpc_chain_account(struct node *node, struct control_call *call);
void rpc_chain_history(struct node *node, struct control_call *call);
void rpc_chain_contract(struct node *node, struct control_call *call);
void rpc_chain_verify(struct node *node, struct control_call *call);
void rpc_tx_submit(struct node *node, struct control_call *call);

/* NULL when all are taken. */
struct tx_watch *tx_watch_new(struct node *node, const struct hash *id);
void tx_watch_free(struct node *node, struct tx_watch *watch);
/* Told by the chain's callbacks. */
void tx_watch_refused(struct node *node, uint64_t token, enum err err,
                      uint64_t height);
void tx_watch_final(struct node *node, const struct hash *id, uint64_t height);

#endif
