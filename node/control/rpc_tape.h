#ifndef NODE_RPC_TAPE_H
#define NODE_RPC_TAPE_H

/* The market as a recorder asks for it. */

#include "node/node.h"

void rpc_market_tape(struct node *node, struct control_call *call);

#endif
