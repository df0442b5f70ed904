#ifndef SCHED_CUT_QUOTIENT_H
#define SCHED_CUT_QUOTIENT_H

/* Which parts flow arcs lead from and to, kept while units move: says exactly
 * whether a move closes a circle, where a fixed row of parts would only say
 * whether it might. For few parts. */

#include "sched/cut/coarse.h"

#define QUOTIENT_PARTS_MAX 64u

struct quotient {
    const struct coarse *g; /* lent */
    uint32_t *part;         /* lent; changed by quotient_move alone */
    uint32_t k;
    uint32_t *count; /* [p * k + q]: flow arcs from part p to part q */
    uint64_t next[QUOTIENT_PARTS_MAX]; /* the same as masks */
};

/* k is at most QUOTIENT_PARTS_MAX (CHECKed). ERR_NOMEM. */
MUST_USE enum err quotient_init(struct quotient *q, struct arena *arena,
                                const struct coarse *g, uint32_t *part,
                                uint32_t k);
void quotient_move(struct quotient *q, uint32_t unit, uint32_t to);
/* Is there a way from the part back to it? */
bool quotient_circle(const struct quotient *q, uint32_t part);
/* Would there be one if the unit moved? */
bool quotient_may_move(struct quotient *q, uint32_t unit, uint32_t to);
/* Two units change places. */
bool quotient_may_exchange(struct quotient *q, uint32_t u, uint32_t v);
/* Would one part of both be on no circle? */
bool quotient_may_join(const struct quotient *q, uint32_t a, uint32_t b);

#endif
