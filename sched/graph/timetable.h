#ifndef SCHED_GRAPH_TIMETABLE_H
#define SCHED_GRAPH_TIMETABLE_H

/* The answer to a workflow on offers: which task runs where and when. And its
 * judge, which believes no solver: it recomputes everything from the workflow
 * and the offers, with arithmetic of its own. */

#include "sched/graph/offerset.h"
#include "sched/graph/workflow.h"

#define TIMETABLE_UNBOUND UINT64_MAX

struct timetable_slot {
    uint64_t start_us; /* from the start of the workflow */
    uint64_t end_us;
    uint32_t offer;
};

struct timetable_limits {
    uint64_t deadline_us;  /* or TIMETABLE_UNBOUND */
    uint64_t budget_micro; /* or TIMETABLE_UNBOUND */
};

struct timetable_sums {
    uint64_t makespan_us;
    uint64_t run_micro;  /* cores while they run, rounded up a task */
    uint64_t haul_micro; /* egress, rounded up an edge and an input */
    uint64_t cost_micro; /* both */
};

enum timetable_rule {
    TIMETABLE_OFFER,    /* there is no such offer */
    TIMETABLE_ROOM,     /* the task is larger than its offer */
    TIMETABLE_ZONE,     /* the task or its data may not be there */
    TIMETABLE_LENGTH,   /* end - start is not the run time there */
    TIMETABLE_LINK,     /* no known link brings the data of `other` */
    TIMETABLE_WAIT,     /* starts before the data of `other` is there */
    TIMETABLE_CAPACITY, /* its offer is overfull when it starts */
    TIMETABLE_DEADLINE,
    TIMETABLE_BUDGET,
};

struct timetable_fault {
    enum timetable_rule rule;
    uint32_t task;
    uint32_t other; /* the task it waits for; WORKFLOW_NONE: its inputs */
};

/* workflow: closed, its inputs at sites of the offers (CHECKed). slots: one a
 * task. Run time: work * 1000 / speed; transfer: round trip + bits / bandwidth;
 * cost: price * cores * time, egress * bytes; each rounded up.
 *
 * ERR_RANGE: a rule is broken, *out_fault is the first one in the order of the
 * rules above, then of tasks; ERR_OVERFLOW: the cost is; ERR_NOMEM. */
MUST_USE enum err timetable_check(const struct workflow *workflow,
                                  const struct offerset *offers,
                                  const struct timetable_slot *slots,
                                  const struct timetable_limits *limits,
                                  struct timetable_sums *out,
                                  struct timetable_fault *out_fault);

/* "the task is larger than its offer". Static. */
const char *timetable_rule_text(enum timetable_rule rule);

#endif
