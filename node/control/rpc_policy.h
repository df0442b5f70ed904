#ifndef NODE_RPC_POLICY_H
#define NODE_RPC_POLICY_H

/* Policies by name: docs/control.md, "Policies". */

#include "node/node.h"

/* Reads what is kept; records are open. ERR_NOMEM, ERR_IO; ERR_CORRUPT: the
 * record is not one of ours. */
MUST_USE enum err rpc_policy_open(struct node *node);
void rpc_policy_close(struct node *node);

/* Finds the policy of that name for a request that is only looked at; false:
 * refused. */
bool rpc_policy_param(struct node *node, struct control_call *call,
                      const char *name, struct request *request);

void rpc_policy_list(struct node *node, struct control_call *call);
void rpc_policy_set(struct node *node, struct control_call *call);
void rpc_policy_remove(struct node *node, struct control_call *call);
void rpc_policy_enable(struct node *node, struct control_call *call);
void rpc_policy_bind(struct node *node, struct control_call *call);
void rpc_policy_unbind(struct node *node, struct control_call *call);
void rpc_policy_choose(struct node *node, struct control_call *call);

#endif
