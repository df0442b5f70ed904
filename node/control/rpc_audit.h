#ifndef NODE_RPC_AUDIT_H
#define NODE_RPC_AUDIT_H

/* Doubting a seller's figures, as people ask for it. */

#include "node/node.h"

void rpc_market_audit(struct node *node, struct control_call *call);

#endif
