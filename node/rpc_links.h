#ifndef NODE_RPC_LINKS_H
#define NODE_RPC_LINKS_H

/* The link matrix as people see it. */

#include "node/node.h"

void rpc_market_links(struct node *node, struct control_call *call);

#endif
