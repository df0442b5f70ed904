#ifndef NODE_RPC_RECKON_H
#define NODE_RPC_RECKON_H

/* Availability: what it takes, and what a job has (docs/control.md). */

#include "node/node.h"

void rpc_market_reckon(struct node *node, struct control_call *call);

/* What a job was asked to keep to, and keeps to where its tasks are now; null
 * when nothing was asked. Given. */
json_t *availability_json(struct node *node, const struct buy_job *job);

#endif
