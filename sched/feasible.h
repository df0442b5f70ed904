#ifndef SCHED_FEASIBLE_H
#define SCHED_FEASIBLE_H

/* May a task of this demand run at this candidate? The answer is exact, per
 * candidate, and says everything that is wrong, not only the first thing. */

#include "sched/candidate.h"
#include "sched/demand.h"

struct verdict {
    enum reason reason; /* the first that refuses, in the order of REASON_MAP;
                           REASON_NONE when it fits */
    uint64_t failing;   /* reason_bit() of all that refuse */
    uint64_t notes;     /* reason_bit() of what ranks it last, refusing nothing:
                           only those the demand's policy asks about */
    uint64_t want;      /* of `reason`, in its unit; 0 where it has none */
    uint64_t have;
    uint32_t constraint; /* index of the first constraint not satisfied; only
                            meaningful when REASON_LABEL is in `failing` */
    uint32_t group;      /* of devices, that a task gets; only meaningful
                            when the demand has some and none is missing */
    struct label taint;  /* the first that is not tolerated; only meaningful
                            when REASON_TAINT is in `failing` */
    uint32_t tasks;      /* how many tasks fit side by side now; 0 if refused */
};

/* Total is checked before free: where a dimension of `total` is too small,
 * only the TOTAL reason is set, for waiting would not help. */
void feasible_check(const struct demand *demand,
                    const struct candidate *candidate, struct verdict *out);

/* The figures behind a reason: what is wanted and what is there, in its unit
 * (for REASON_PRICE the cap and the bill). False, and untouched, for a reason
 * without figures. */
bool feasible_figures(enum reason reason, const struct demand *demand,
                      const struct candidate *candidate, uint64_t *out_want,
                      uint64_t *out_have);

/* How far the candidate is from fitting in one reason, in thousandths of what
 * is wanted (for a price: of the bill), rounded up, 1..1000. A reason without
 * figures is 1000: it is wholly missed; but another model of the kind is nearer
 * than none, and pieces that add up are nearer than too few: half of it. */
uint32_t feasible_shortage(enum reason reason, const struct demand *demand,
                           const struct candidate *candidate);

/* Appends one sentence without full stop: "too few cores are free now: needs
 * 4000m, has 2000m"; "fits 3 tasks". */
void verdict_format(const struct verdict *verdict, const struct demand *demand,
                    struct buf *out);

#endif
