#ifndef NODE_RPC_NODE_H
#define NODE_RPC_NODE_H

/* The node's methods, the configuration and the event feed. */

#include "node/control/feed.h"
#include "node/node.h"

void rpc_node_info(struct node *node, struct control_call *call);
void rpc_node_status(struct node *node, struct control_call *call);
void rpc_node_peers(struct node *node, struct control_call *call);
void rpc_node_connect(struct node *node, struct control_call *call);
void rpc_node_logs(struct node *node, struct control_call *call);
void rpc_node_stop(struct node *node, struct control_call *call);
void rpc_config_list(struct node *node, struct control_call *call);
void rpc_events_poll(struct node *node, struct control_call *call);
/* The same with kinds "offer" and "trade" where none are named. */
void rpc_market_watch(struct node *node, struct control_call *call);

/* Which events to show. */
struct feed_filter {
    uint32_t kinds;  /* bits 1 << enum feed_kind; 0: all */
    struct hash job; /* zero: all */
};
/* {"events", "next", "lost"}: those after `since`, oldest first, at most
 * FEED_ANSWER_MAX; out_count tells how many (may be NULL). Given. */
#define FEED_ANSWER_MAX 512u
json_t *feed_json(const struct feed *feed, const struct feed_filter *filter,
                  uint64_t since, size_t *out_count);

#endif
