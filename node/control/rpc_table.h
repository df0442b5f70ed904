#ifndef NODE_RPC_TABLE_H
#define NODE_RPC_TABLE_H

/* The control methods by name: docs/control.md is their specification. */

#include "node/control/control.h"

/* A control_fn; node is a struct node. Unknown methods are refused with the
 * nearest known one. */
void rpc_dispatch(void *node, struct control_call *call);

/* The i-th method's name, NULL past the end: for tests. */
const char *rpc_method(size_t i);

#endif
