#ifndef TESTS_ORACLE_ORACLE_H
#define TESTS_ORACLE_ORACLE_H

/* The least cost there is, by an integer programme that GLPK solves: the model
 * of docs/scheduling.md, "Job graphs", with every virtual link on one path. It
 * knows structs of sched/graph, and no code of the solver.
 *
 *   x[u,V]   component u is on node V
 *   f[k,e,d] virtual link k takes link e in direction d
 *   s[k]     virtual link k leaves its node (where it sends bytes)
 *   t[u]     start of u (where the run has a bound)
 *
 * Minimised: bandwidth of f over all links. */

#include "sched/graph/plan_score.h"

struct oracle_answer {
    bool proven;   /* optimal, or without a solution; false: the time ran out */
    bool feasible; /* there is a plan: */
    uint64_t kbps; /* bandwidth times links, the least there is */
    int32_t score; /* plan_score.all of the plan; of oracle_solve_score */
    struct plan plan;
    double seconds;
};

/* Components at most 8, nodes at most 24: beyond, GLPK takes hours. The job
 * must pass job_graph_check. */
void oracle_solve(const struct topology *topology, const struct job_graph *job,
                  uint32_t seconds_max, struct oracle_answer *out);

/* The best score instead (score_rows.h); kbps is what its plan takes. Takes
 * minutes beyond a few components on ten nodes. */
void oracle_solve_score(const struct topology *topology,
                        const struct job_graph *job,
                        const struct plan_weights *weights,
                        uint32_t seconds_max, struct oracle_answer *out);

#endif
