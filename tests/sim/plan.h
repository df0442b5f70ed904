#ifndef TESTS_SIM_PLAN_H
#define TESTS_SIM_PLAN_H

/* A plan: what kind of world a seed gives. Printed before it is lived. */

#include "base/dice.h"
#include "sched/queue/line.h"

struct sim_plan {
    uint64_t seed;
    bool real_signatures;
    uint32_t buyers;    /* nodes that only buy */
    uint32_t providers; /* nodes that sell */
    bool seller_buys;   /* the first provider buys, too */
    uint32_t jobs;
    bool graphs;       /* people ask for graphs of three (--graphs) */
    bool copies;       /* .. for an availability, most of them (--copies) */
    uint64_t chaos_ms; /* how long trouble is made */
    /* the network, while there is trouble */
    uint64_t delay_ms_max;
    uint32_t loss_permille;
    uint32_t copy_permille; /* messages that come twice */
    bool in_order;          /* as a real connection keeps them */
    uint64_t skew_ms_max;   /* clocks differ by as much */
    /* trouble */
    uint64_t mischief_ms;     /* mean time between two pieces of it; 0 = none */
    uint64_t down_ms_max;     /* a node, link or executor that is gone */
    uint32_t crash_effects;   /* mean number of effects to the next kill; 0 */
    uint32_t vanish_permille; /* providers that leave for good */
    bool buyer_vanishes;
    uint32_t wipe_permille;   /* kills that cost the disk, too */
    uint32_t meddle_permille; /* messages that come again from somebody else,
                                 damaged or not */
    /* jobs */
    uint32_t fail_permille;  /* non-zero exits, limits */
    uint32_t start_permille; /* that cannot be started */
    uint32_t lost_permille;  /* that the executor loses */
    uint32_t fetch_permille; /* transfers that break */
    uint64_t run_ms_max;
    /* the chain */
    uint64_t interval_ms;
    uint64_t claim_ms;
    uint64_t review_ms;
    /* sellers */
    enum line_rule queue; /* for who finds no room; then sellers are small */
    uint64_t patience_ms_max;
    uint64_t start_by_ms;
    uint64_t receipt_ms;
    uint64_t retention_ms;
    uint64_t lost_ms; /* buyers: after so much silence */
};

void plan_draw(struct sim_plan *plan, uint64_t seed);
void plan_print(const struct sim_plan *plan);

#endif
