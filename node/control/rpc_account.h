#ifndef NODE_RPC_ACCOUNT_H
#define NODE_RPC_ACCOUNT_H

/* What is on an account, what is locked for it, and what happened to it. */

#include "node/node.h"

void rpc_chain_account(struct node *node, struct control_call *call);
void rpc_chain_history(struct node *node, struct control_call *call);

#endif
