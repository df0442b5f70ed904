#ifndef SCHED_CUT_BOUND_H
#define SCHED_CUT_BOUND_H

/* What of a case is decided before anything is cut: which components are bound
 * together at each level, and in which boxes they can be at all, with what they
 * are bound to, given what the finer levels have room for. */

#include "sched/cut/coarse.h"
#include "sched/cut/decompose.h"

struct bound {
    const struct cut_case *cut;  /* lent */
    struct arena *arena;         /* lent; holds all below */
    struct coarse all;           /* the components as units; links between the
                                    same two are arcs of their own */
    uint32_t *of[CUT_LEVELS];    /* of each component: the first of those that
                                    it is bound to, itself included */
    uint64_t *boxes[CUT_LEVELS]; /* of each component: as a mask, never 0 */
};

/* Only the levels of the case are filled. ERR_CAPACITY with *out_fault, as
 * decompose; ERR_NOMEM. */
MUST_USE enum err bound_init(struct bound *bound, struct arena *arena,
                             const struct cut_case *cut,
                             struct cut_fault *out_fault);

/* The offers of these sites, as a mask. */
uint64_t bound_offers(const struct cut_places *places, uint64_t sites);

#endif
