#ifndef NODE_RPC_LINKS_H
#define NODE_RPC_LINKS_H

/* The link matrix as people see it. */

#include "node/node.h"

/* Who is meant by an address, or the name of a node that sells, or of this one.
 */
bool node_named(struct node *node, const char *text, struct pubkey *out);

void rpc_market_links(struct node *node, struct control_call *call);

#endif
