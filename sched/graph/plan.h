#ifndef SCHED_GRAPH_PLAN_H
#define SCHED_GRAPH_PLAN_H

/* A plan says where every component of a job graph runs and which links every
 * virtual link takes. Whoever proposes one, plan_check.h decides. */

#include "sched/graph/job_graph.h"

#define PLAN_STEPS_MAX HOLD_LINKS_MAX /* of all its paths together */

struct plan {
    uint32_t component_count;
    uint32_t link_count;
    uint16_t node[JOB_COMPONENTS_MAX];
    uint16_t begin[JOB_LINKS_MAX + 1]; /* virtual link i takes the steps
                                          begin[i] .. begin[i + 1] */
    uint16_t steps[PLAN_STEPS_MAX]; /* links of the topology, in order from the
                                       node of `from` to that of `to` */
};

/* What the plan takes of the topology. The plan must be of this job (CHECKed).
 */
void plan_hold(const struct job_graph *job, const struct plan *plan,
               struct hold *out);

/* Bandwidth taken, all steps together, in kbit/s. */
uint64_t plan_kbps(const struct job_graph *job, const struct plan *plan);

#endif
