#ifndef NODE_RPC_GRAPH_H
#define NODE_RPC_GRAPH_H

/* The buyer's methods for graphs of jobs: docs/control.md, "Graphs". */

#include "node/node.h"
#include "node/trade/buy_graph.h"

void rpc_graph_submit(struct node *node, struct control_call *call);
void rpc_graph_plan(struct node *node, struct control_call *call);
void rpc_graph_approve(struct node *node, struct control_call *call);
void rpc_graph_drop(struct node *node, struct control_call *call);

/* The graph that "id" names, by 64 digits or at least four that fit one graph
 * alone; NULL: none, and nothing is answered. */
const struct buy_graph *graph_param(struct node *node,
                                    struct control_call *call);
/* What job.show, cancel, forget and wait do of a graph. False: "id" names none,
 * nothing is answered. */
bool graph_shown(struct node *node, struct control_call *call);
bool graph_cancelled(struct node *node, struct control_call *call);
bool graph_forgotten(struct node *node, struct control_call *call);
/* job.wait: *out_answered as waiter_fn returns. */
bool graph_waited(struct node *node, struct control_call *call, bool last,
                  bool *out_answered);
/* Is what a provider will fetch from here here? False: answered. rpc_job.c. */
bool job_blobs_here(struct node *node, struct control_call *call,
                    struct bytes spec);

#endif
