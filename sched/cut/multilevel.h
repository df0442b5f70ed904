#ifndef SCHED_CUT_MULTILEVEL_H
#define SCHED_CUT_MULTILEVEL_H

/* Cuts one graph into parts of which each fits a box: joins pairs until the
 * graph is small, bisects that, and refines on the way back. */

#include "base/dice.h"
#include "sched/cut/coarse.h"

struct multilevel_rules {
    const struct cut_boxes *boxes; /* each unit fits one of them (CHECKed) */
    bool ordered; /* the graph has no circle, and the parts make none */
    uint64_t seed;
    uint32_t trials; /* 0: by the size of the graph */
};

/* out_part[u], 0..*out_k-1. Of several trials the one that cuts least; of those
 * the one with the fewest parts; of those the first. ERR_NOMEM. */
MUST_USE enum err multilevel(const struct coarse *g,
                             const struct multilevel_rules *rules,
                             uint32_t *out_part, uint32_t *out_k,
                             uint64_t *out_cut);

#endif
