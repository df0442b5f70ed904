#ifndef SCHED_GRAPH_PLAN_CHECK_H
#define SCHED_GRAPH_PLAN_CHECK_H

/* The judge of plans. Whatever proposed one (a heuristic, an exact solver,
 * something learned, a stranger), it is valid when this page says so; it shares
 * no code with any solver and is kept small enough to be read. The numbers in
 * brackets are the constraints of docs/scheduling.md, "Job graphs". */

#include "sched/graph/plan.h"

#define PLAN_FAULT_MAP(X)                                                      \
    X(PLAN_JOB, "the job graph is malformed")                                  \
    X(PLAN_SHAPE, "the plan is not of this job")                               \
    X(PLAN_NODE, "a component is on a node that is not there")                 \
    X(PLAN_STEP, "a path takes a link that is not there")                      \
    X(PLAN_COMPUTE, "(1) a node is too small for the component")               \
    X(PLAN_STORAGE, "(2) a node has too little memory or disk for it")         \
    X(PLAN_COMPUTE_SUM, "(3) a node has too little compute left for all")      \
    X(PLAN_STORAGE_SUM, "(4) a node has too little memory or disk left")       \
    X(PLAN_BANDWIDTH, "(5) a link has too little bandwidth left")              \
    X(PLAN_TIME, "(6) the run ends too late")                                  \
    X(PLAN_SPEED, "(6) a node of unknown speed, and a bound on the time")      \
    X(PLAN_PLACE, "(7) a component is not at its place")                       \
    X(PLAN_ZONE, "(7) a component is in a zone it may not run in")             \
    X(PLAN_DATA, "(7) data would leave the zones it may be in")                \
    X(PLAN_LABEL, "(7) a node lacks a label")                                  \
    X(PLAN_ONLY, "(7) a node is not among the allowed")                        \
    X(PLAN_DELAY, "(8) a path is too slow")                                    \
    X(PLAN_DELAY_UNKNOWN, "(8) the delay of a link is not known")              \
    X(PLAN_RISK, "(9) a path is not reliable enough")                          \
    X(PLAN_RISK_UNKNOWN, "(9) the reliability of a link is not known")         \
    X(PLAN_PATH, "a path does not lead from the one end to the other")         \
    X(PLAN_LOOP, "a path visits a node twice")                                 \
    X(PLAN_TOGETHER, "components that belong together are apart")              \
    X(PLAN_APART, "components that belong apart are together")                 \
    X(PLAN_ALONE, "two components share a node and the job forbids it")

#define X(name, text) name,
enum plan_fault { PLAN_FAULT_MAP(X) PLAN_FAULT_COUNT };
#undef X

struct plan_verdict {
    uint32_t faults;  /* a bit for each kind: 1u << fault */
    uint32_t first;   /* enum plan_fault; PLAN_FAULT_COUNT: the plan is valid */
    uint32_t subject; /* of the first: which component, virtual link, or link
                         of the topology (PLAN_BANDWIDTH) */
    uint64_t want;    /* of the first, in its unit; 0 where it has none */
    uint64_t have;
};
_Static_assert(PLAN_FAULT_COUNT <= 32, "faults are bits");

/* The topology before the plan is taken. Says everything that is wrong; after
 * one of the first four, the rest is not looked at. True: valid. */
bool plan_check(const struct topology *topology, const struct job_graph *job,
                const struct plan *plan, struct plan_verdict *out);

/* A sentence without full stop. */
const char *plan_fault_text(enum plan_fault fault);

#endif
