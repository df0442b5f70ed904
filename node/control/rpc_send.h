#ifndef NODE_RPC_SEND_H
#define NODE_RPC_SEND_H

/* node.send: the operator has the node send credits from the node's own
 * account. It goes the way of the node's other transactions (own_tx.h), so that
 * their numbers never collide. */

#include "node/node.h"

void rpc_node_send(struct node *node, struct control_call *call);

/* Told by the chain's callbacks; payment: the name that own_tx.h knows it by,
 * id: the transaction that is final in the block of this height. */
void rpc_send_final(struct node *node, const struct hash *payment,
                    const struct hash *id, uint64_t height);
void rpc_send_refused(struct node *node, const struct hash *payment,
                      enum err err);

#endif
