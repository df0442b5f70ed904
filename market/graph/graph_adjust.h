#ifndef MARKET_GRAPH_ADJUST_H
#define MARKET_GRAPH_ADJUST_H

/* Keeps the plan of a graph good while offers and roads change under it: one
 * went, is dearer than what was approved, sells less, a way got worse or cannot
 * be told any more. Only seats that have not begun are touched.
 *
 * It is sched/graph/adjust.h's way of doing that, with its levels, terms,
 * budget and memory, over the search and the judge of graph_plan.h, which know
 * offers, devices, and what runs one after the other:
 *
 *   KEEP        all stay, by the same ways
 *   REROUTE     all stay, some ways are others
 *   MOVE        who cannot stay goes; of seats that get into each other's way
 *               one unit, else all of them
 *   NEIGHBOURS  and one unit linked to those, within the budget
 *   WHOLE       all that have not begun, likewise
 *   LOST        there is no plan
 *
 * The first level with a plan is taken, and in it the plan that is best by the
 * parts' policies, where a seat that could have stayed counts theta more
 * elsewhere. A unit is a seat, or all that belong together.
 *
 * A seat that is not due yet keeps its place as long as the offer is there, is
 * still paid for, and sells as much as all seats there want together: who has
 * it at the moment does not matter before it is wanted. To move somewhere needs
 * room that is free.
 *
 * Of one's own will, where the plan holds: the one unit whose move makes the
 * sum of the figures better by more than theta, after a cool-down, within the
 * budget, and not back to where that seat left of its own will within the
 * memory. */

#include "market/graph/graph_plan.h"
#include "sched/graph/adjust.h"

/* What a graph remembers of its moves; zero at first. Components are seats by
 * their number. */
struct graph_history {
    struct adjust_history moves;
    struct pubkey left[ADJUST_LEFT_MAX]; /* beside moves.left: the provider */
};

/* All lent. */
struct graph_keep {
    const struct graph_plan *plan;    /* of the graph's own seats: its ways */
    const struct adjust_terms *terms; /* theta, budget, cool-down, memory */
    const struct graph_history *history;
    bool willing; /* improve, not only repair */
};

struct graph_change {
    enum adjust_level level;
    bool willing;
    uint32_t violated; /* by number, as the next */
    uint32_t moved;
    uint32_t moves;
    struct graph_plan plan; /* by the seats of the ask; of KEEP and LOST none */
};

/* KEEP and LOST are answers; of LOST, why says what is in the way. Faults. */
MUST_USE enum err graph_adjust(struct book *book, const struct graph_ask *ask,
                               const struct graph_keep *keep, uint64_t now_ms,
                               struct arena *arena, struct graph_change *out,
                               char why[256]);
/* The graph does as the change says, from now on; `ask` as it was asked. */
void graph_change_note(const struct graph_ask *ask,
                       const struct adjust_terms *terms,
                       const struct graph_change *change, uint64_t now_ms,
                       struct graph_history *history);

#endif
