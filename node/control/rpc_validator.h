#ifndef NODE_RPC_VALIDATOR_H
#define NODE_RPC_VALIDATOR_H

/* Validators and their bonds: docs/control.md, "Validators". */

#include "node/node.h"

void rpc_validator_list(struct node *node, struct control_call *call);
void rpc_validator_show(struct node *node, struct control_call *call);
void rpc_validator_prove(struct node *node, struct control_call *call);
void rpc_validator_recall(struct node *node, struct control_call *call);

#endif
