#ifndef NODE_RPC_MARKET_H
#define NODE_RPC_MARKET_H

/* The order book as people see it. */

#include "node/node.h"

void rpc_market_offers(struct node *node, struct control_call *call);

/* An offer with every field; given. */
json_t *offer_json(struct node *node, const struct offer *offer);
/* Given; {"offers", "histogram", "nearest", "relax"} of an explanation. */
json_t *explanation_json(struct node *node, const struct request *request,
                         const struct book_explanation *x, uint64_t now_ms);

#endif
