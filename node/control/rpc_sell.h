#ifndef NODE_RPC_SELL_H
#define NODE_RPC_SELL_H

/* The seller's methods. */

#include "node/node.h"

void rpc_sell_start(struct node *node, struct control_call *call);
void rpc_sell_stop(struct node *node, struct control_call *call);
void rpc_sell_status(struct node *node, struct control_call *call);
void rpc_sell_offer_set(struct node *node, struct control_call *call);
void rpc_sell_offer_show(struct node *node, struct control_call *call);
void rpc_sell_bench(struct node *node, struct control_call *call);

#endif
