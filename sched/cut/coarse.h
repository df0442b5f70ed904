#ifndef SCHED_CUT_COARSE_H
#define SCHED_CUT_COARSE_H

/* The graph while it is being cut: units, each of which stands for one
 * component or for several that stay together, and the arcs between them, each
 * of which stands for all links between two units. Lies in an arena. */

#include "base/arena.h"
#include "sched/cut/places.h"

/* A box that is as large as the largest in every dimension, in these parts. */
#define COARSE_BOX (UINT64_C(1) << 20)

struct cut_unit {
    uint64_t want[RES_COUNT];
    uint32_t least[RES_COUNT];
    uint64_t boxes; /* a bit for each box of the level it may be in */
    uint64_t apart; /* a bit for each group of replicas in it */
    uint64_t size;  /* how much of a COARSE_BOX it takes, in the dimension that
                       is scarcest for it; of several the sum */
};

#define ARC_OUT 1u /* what the other end does waits for this one */
#define ARC_IN  2u /* the other way round */

struct coarse_arc {
    uint64_t weight;
    uint32_t to;
    uint32_t flow; /* ARC_OUT, ARC_IN */
};

struct coarse {
    uint32_t n;
    struct cut_unit *units;
    uint32_t *first; /* arcs of unit u: first[u] .. first[u + 1]; each arc
                        stands at both of its ends */
    struct coarse_arc *arcs;
};

void unit_clear(struct cut_unit *unit);
/* b comes to a. */
void unit_add(struct cut_unit *a, const struct cut_unit *b);
/* Is there a box for it? That replicas meet in it is not looked at. */
bool unit_fits(const struct cut_boxes *boxes, const struct cut_unit *unit);
/* Is there a box for both in one, and do no replicas meet? */
bool unit_joins(const struct cut_boxes *boxes, const struct cut_unit *a,
                const struct cut_unit *b);

/* map[u] of every unit of `fine`, 0..n-1, each at least once. ERR_NOMEM. */
MUST_USE enum err coarse_contract(struct arena *arena,
                                  const struct coarse *fine,
                                  const uint32_t *map, uint32_t n,
                                  struct coarse *out);
/* The units of `members`, and the arcs between them. ERR_NOMEM. */
MUST_USE enum err coarse_subset(struct arena *arena, const struct coarse *from,
                                const uint32_t *members, uint32_t count,
                                struct coarse *out);
/* out[u]: how many units the longest way of flow arcs to u has before it.
 * *out_dag: whether there is no circle; out_top is of no use otherwise.
 * ERR_NOMEM. */
MUST_USE enum err coarse_levels(struct arena *arena, const struct coarse *g,
                                uint32_t *out_top, bool *out_dag);
/* Numbers the circles: equal for units on a common circle of flow arcs, and
 * flow arcs lead to the same or a higher number. ERR_NOMEM. */
MUST_USE enum err coarse_circles(struct arena *arena, const struct coarse *g,
                                 uint32_t *out_map, uint32_t *out_n);

#endif
