#ifndef NODE_RPC_CHAIN_H
#define NODE_RPC_CHAIN_H

/* How the chain stands, its blocks, transactions and contracts, and its
 * verification from the beginning. */

#include "node/node.h"

void rpc_chain_status(struct node *node, struct control_call *call);
void rpc_chain_block(struct node *node, struct control_call *call);
void rpc_chain_tx(struct node *node, struct control_call *call);
void rpc_chain_contract(struct node *node, struct control_call *call);
void rpc_chain_verify(struct node *node, struct control_call *call);

#endif
