#ifndef NODE_RPC_NODE_H
#define NODE_RPC_NODE_H

/* The node's methods, the configuration and the event feed. */

#include "node/feed.h"
#include "node/node.h"

void rpc_node_info(struct node *node, struct control_call *call);
void rpc_node_status(struct node *node, struct control_call *call);
void rpc_node_peers(struct node *node, struct control_call *call);
void rpc_node_connect(struct node *node, struct control_call *call);
void rpc_node_logs(struct node *node, struct control_call *call);
void rpc_node_stop(struct node *node, struct control_call *call);
void rpc_config_list(struct node *node, struct control_call *call);
/* Also market.watch. */
void rpc_events_poll(struct node *node, struct control_call *call);

/* One event as `events.poll` shows it; given. */
json_t *feed_event_json(const struct feed_event *event);

#endif
