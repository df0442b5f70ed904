#ifndef NODE_JOB_VIEW_H
#define NODE_JOB_VIEW_H

/* A buyer's job as JSON: what `job.list`, `job.show` and `job.wait` say of it
 * (docs/control.md). Pure: the node lends its address prefix and the order book
 * for providers' names. */

#include "node/node.h"

/* Tasks of larger bags are shown in their short form: an answer holds all of
 * LIMIT_TASKS. */
#define JOB_VIEW_FULL_TASKS 128u
#define JOB_VIEW_TIMELINE   200u

/* As `suan run` exits for this task or job: its own code, 124 time limit, 137
 * memory limit, 125 provider or network failed, 130 cancelled; 0 while it runs
 * and when all is well. Of a bag: that of the first task that has one. */
int task_exit_code(const struct buy_task *task);
int job_exit_code(const struct buy_job *job);
/* Did this attempt come to a contract? Before, `contract` is only its
 * name-to-be. */
bool task_has_contract(const struct buy_task *task);
/* What stands in the way: of the first task that has a reason in the job's
 * state; that the chain stands still; "" when nothing. Given. */
json_t *job_reason(struct node *node, const struct buy_job *job);

/* One line of job.list. Given. */
json_t *job_line_json(struct node *node, const struct buy_job *job);
/* job.show: the line, spec, request, tasks, timeline. task UINT32_MAX: all. */
json_t *job_show_json(struct node *node, const struct buy_job *job,
                      uint32_t task);
json_t *task_json(struct node *node, const struct buy_job *job,
                  const struct buy_task *task, bool full);
json_t *request_json(struct node *node, const struct request *request);
/* null when the bytes are none. */
json_t *spec_json(struct bytes encoded);
/* What happened when, oldest first; the newest JOB_VIEW_TIMELINE. */
json_t *timeline_json(const struct buy_job *job);

/* The name in its offer, or the start of its key; out holds LIMIT_NAME. */
void provider_name(struct node *node, const struct pubkey *provider,
                   char out[LIMIT_NAME]);

#endif
