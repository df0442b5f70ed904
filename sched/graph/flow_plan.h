#ifndef SCHED_GRAPH_FLOW_PLAN_H
#define SCHED_GRAPH_FLOW_PLAN_H

/* A workflow planned on offers: as early as can be, or as cheap as can be by a
 * deadline. List scheduling by two ranks gives the start; the cheapest places
 * without a deadline are found by tree where the graph is one; slack is turned
 * into savings; a local search and, for small workflows, branch and bound spend
 * what budget is left. Budgets are counts, so the same question has the same
 * answer on every machine. */

#include "sched/graph/flowcase.h"

enum flow_plan_goal { FLOW_PLAN_FASTEST, FLOW_PLAN_CHEAPEST };

struct flow_plan_ask {
    enum flow_plan_goal goal;
    uint64_t deadline_us; /* or TIMETABLE_UNBOUND */
    uint64_t steps;       /* tasks placed in the local search */
    uint64_t exact_steps; /* tasks placed in branch and bound */
    uint64_t seed;        /* of the local search */
};

struct flow_plan {
    uint64_t makespan_us;
    uint64_t cost_micro;
    uint64_t least_us;    /* no timetable ends earlier */
    uint64_t least_micro; /* none costs less, whatever the deadline */
    uint64_t heft_us;     /* of the two ranks alone, FLOWCASE_NEVER: a dead */
    uint64_t peft_us;     /* end, or (PEFT) too large to try */
    bool proven;          /* nothing better exists for this goal */
};

/* Enough for most: a fraction of a second for a hundred tasks. */
#define FLOW_PLAN_STEPS       400000u
#define FLOW_PLAN_EXACT_STEPS 200000u

/* slots: one a task. ERR_NO_OFFER: no way was found to bring all data where it
 * is needed; ERR_TOO_LATE: none was found to end by the deadline, and `slots`
 * and `out` hold the earliest that was; ERR_NOMEM. */
MUST_USE enum err flow_plan(const struct flowcase *fc,
                            const struct flow_plan_ask *ask,
                            struct timetable_slot *slots,
                            struct flow_plan *out);

#endif
