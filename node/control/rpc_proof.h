#ifndef NODE_RPC_PROOF_H
#define NODE_RPC_PROOF_H

/* The parts of a proof file (ledger/light.h), which the command line joins. */

#include "node/node.h"

void rpc_chain_prove(struct node *node, struct control_call *call);
void rpc_chain_prove_steps(struct node *node, struct control_call *call);

#endif
