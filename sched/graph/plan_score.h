#ifndef SCHED_GRAPH_PLAN_SCORE_H
#define SCHED_GRAPH_PLAN_SCORE_H

/* How good the topology stands once a plan is in it. All in thousandths, more
 * is better; every definition is linear, so that an exact solver can hold it.
 *
 *   use of a node    the largest of used / capacity over its dimensions
 *   use of a link    reserved / capacity
 *   node balance     1 - mean over nodes of |use - mean use|
 *   link balance     the same over links
 *   energy           1 - sum of power / sum of power at full load: a node where
 *                    nothing is reserved is off and draws nothing; one that is
 *                    on draws what its curve says at its share of cores
 *
 * Nodes without any capacity (routers) and links without are not counted. With
 * nothing to count a part is 1000; energy is 0 without power curves. */

#include "sched/graph/plan.h"

struct plan_weights {
    uint16_t node;
    uint16_t link;
    uint16_t energy;
};

struct plan_score {
    int32_t node;
    int32_t link;
    int32_t energy;
    int32_t all;        /* by the weights, rounded down; 0 if they are 0 */
    uint64_t milliwatt; /* drawn */
    uint64_t milliwatt_full;
    uint64_t kbps; /* bandwidth times links: what embed.h keeps small */
};

/* The topology before the plan is taken. The plan must have passed plan_check
 * against it. job and plan may be NULL: the topology as it is. */
void plan_score_of(const struct topology *topology, const struct job_graph *job,
                   const struct plan *plan, const struct plan_weights *weights,
                   struct plan_score *out);

#endif
