#ifndef NODE_NODE_START_H
#define NODE_NODE_START_H

/* Starting and stopping a node, room by room, and what node.c hands to the
 * rooms it starts. */

#include "node/node.h"

struct node_options {
    const char *data_dir;
    const char *config; /* a file; NULL: <data-dir>/suan.conf if it is there */
    const char *const *sets; /* "name=value", NULL-ended; may be NULL */
};

/* Opens everything. On an error `out_error` says what, why and what to do, and
 * node_close is still to be called. */
MUST_USE enum err node_open(struct node *node, uv_loop_t *loop,
                            const struct node_options *options,
                            struct rpc_error *out_error);
/* Runs until node_stop; the exit code. */
int node_run(struct node *node);
/* In order, whatever is open; returns when all is at rest. */
void node_close(struct node *node);

/* node.c */
extern const struct executor_events node_executor_events;
extern const struct net_callbacks node_net_callbacks;
extern const struct chain_host_events node_chain_events;
void node_own_tx_options(struct node *node, struct own_tx_options *out);
void node_bulk_config(struct node *node, struct bulk_config *out);
void node_on_call(void *ctx, struct control_call *call);
void node_watch(struct node *node);
void node_unwarn(struct node *node, const char *what);
/* node_start.c: what the executor said of itself decides whether we sell. */
void node_exec_facts(struct node *node, json_t *facts);

#endif
