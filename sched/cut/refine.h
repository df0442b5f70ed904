#ifndef SCHED_CUT_REFINE_H
#define SCHED_CUT_REFINE_H

/* Moves single units between parts so that less weight is cut, in the manner of
 * Fiduccia and Mattheyses: the best move is made even where it makes things
 * worse for now, no unit moves twice in a pass, and the pass ends where it was
 * best. Then exchanges two units where neither could move alone.
 *
 * Where the graph is ordered, parts stand in a row and flow arcs lead to the
 * same part or a later one. */

#include "base/dice.h"
#include "sched/cut/coarse.h"

struct refine {
    const struct coarse *g;        /* lent */
    const struct cut_boxes *boxes; /* each part fits one of them; NULL: two
                                      parts, of which the first is within: */
    uint64_t least;                /* size of part 0 */
    uint64_t most;
    bool ordered; /* part numbers are the row */
    uint32_t k;   /* parts; some may be empty */
    uint32_t *part;
    struct arena *arena; /* scratch */
};

/* Changes part[] only. Passes until one gains nothing. ERR_NOMEM. */
MUST_USE enum err refine_moves(struct refine *r);
MUST_USE enum err refine_exchanges(struct refine *r);

/* Moves units at random where they may be, to get away from where no single
 * move helps: `count` are tried. ERR_NOMEM. */
MUST_USE enum err refine_kick(struct refine *r, struct dice *dice,
                              uint32_t count);
/* Joins parts that fit one box, the heaviest weight between them first, and
 * numbers them; at most QUOTIENT_PARTS_MAX parts (CHECKed). ERR_NOMEM. */
MUST_USE enum err refine_joins(struct refine *r);

/* The weight between different parts. */
uint64_t refine_cut(const struct coarse *g, const uint32_t *part);
/* Leaves out empty parts and, where ordered, puts the rest in a row by their
 * flow arcs. ERR_NOMEM. */
MUST_USE enum err refine_number(struct refine *r);

#endif
