#ifndef SCHED_CUT_MATCH_H
#define SCHED_CUT_MATCH_H

/* Joins units in pairs, heavy arcs first, so that a large graph becomes a small
 * one that is cut much like it. First with a unit that may be in the same
 * boxes (residency), then with any; then units that only share a neighbour.
 *
 * Joining pairs makes no circle of flow arcs where there was none. Two units
 * whose longest ways differ by more than one are never joined. A circle goes
 * through pairs (a, b) of which a is one step before b, all of them on the same
 * two steps, for every arc climbs a step and only such a pair climbs down; so
 * the last of them is refused: one whose a leads to another pair's b and whose
 * b is led to from another pair's a. */

#include "base/dice.h"
#include "sched/cut/coarse.h"

struct match_rules {
    const struct cut_boxes *boxes; /* a pair fits one of them, */
    uint64_t size_max;             /* and is no larger than this */
    bool ordered;                  /* make no circle; the graph has none */
    bool by_size; /* the weight of an arc is taken over the size of both ends */
};

/* out_map[u]: the number of u's pair, or of u alone. The dice say who chooses
 * first. ERR_NOMEM. */
MUST_USE enum err match_pairs(struct arena *arena, const struct coarse *g,
                              const struct match_rules *rules,
                              struct dice *dice, uint32_t *out_map,
                              uint32_t *out_n);

#endif
