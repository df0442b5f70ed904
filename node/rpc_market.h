#ifndef NODE_RPC_MARKET_H
#define NODE_RPC_MARKET_H

/* The order book as people see it, and the seller's methods. */

#include "node/node.h"

void rpc_market_offers(struct node *node, struct control_call *call);
void rpc_market_watch(struct node *node, struct control_call *call);
void rpc_sell_start(struct node *node, struct control_call *call);
void rpc_sell_stop(struct node *node, struct control_call *call);
void rpc_sell_status(struct node *node, struct control_call *call);
void rpc_sell_offer_set(struct node *node, struct control_call *call);
void rpc_sell_offer_show(struct node *node, struct control_call *call);
void rpc_sell_bench(struct node *node, struct control_call *call);

/* Given; {"offers", "histogram", "nearest", "relax"} of an explanation. */
json_t *explanation_json(struct node *node, const struct request *request,
                         const struct book_explanation *x, uint64_t now_ms);

#endif
