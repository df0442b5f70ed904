#ifndef NODE_RPC_JOB_H
#define NODE_RPC_JOB_H

/* The buyer's methods: placing (rpc_job.c), looking at output, outputs and
 * bills (rpc_job_out.c). */

#include "node/node.h"

void rpc_job_submit(struct node *node, struct control_call *call);
void rpc_job_quotes(struct node *node, struct control_call *call);
void rpc_job_approve(struct node *node, struct control_call *call);
void rpc_job_drop(struct node *node, struct control_call *call);
void rpc_job_forget(struct node *node, struct control_call *call);
void rpc_job_list(struct node *node, struct control_call *call);
void rpc_job_show(struct node *node, struct control_call *call);
void rpc_job_events(struct node *node, struct control_call *call);
void rpc_job_wait(struct node *node, struct control_call *call);
void rpc_job_cancel(struct node *node, struct control_call *call);
void rpc_job_explain(struct node *node, struct control_call *call);

void rpc_job_logs(struct node *node, struct control_call *call);
void rpc_job_fetch(struct node *node, struct control_call *call);
void rpc_job_receipt(struct node *node, struct control_call *call);

/* The job that "id" names: 64 digits, or a prefix of at least 4 that fits one
 * job. NULL: answered. Lent until the engine is changed. */
const struct buy_job *job_param(struct node *node, struct control_call *call);
/* "task": UINT32_MAX when absent. False: answered. */
bool job_task_param(struct control_call *call, const struct buy_job *job,
                    uint32_t *out);

#endif
