#ifndef SCHED_GRAPH_ADJUST_WORK_H
#define SCHED_GRAPH_ADJUST_WORK_H

/* The desk of sched/graph/adjust.h: a layout in which some components stay, the
 * others are tried on all nodes that may take them, least cost first, and the
 * virtual links in question are laid anew. */

#include "sched/graph/adjust.h"
#include "sched/graph/adjust_find.h"
#include "sched/graph/route.h"

#define NO_WAY  UINT64_MAX
#define NOWHERE UINT16_MAX

/* A node for a unit, and the least that it can cost. */
struct seat {
    uint64_t cost;
    uint16_t node;
};

struct adjust {
    const struct topology *topology;
    struct embed *embed; /* for whole layouts */
    struct route_search *search;
    uint64_t *kept_left; /* of each link beside the paths that are kept */
    uint64_t *link_left; /* scratch of one layout */
    uint16_t *hops[JOB_COMPONENTS_MAX]; /* rows of distances from a node */
    uint16_t hops_from[JOB_COMPONENTS_MAX];
    uint32_t hops_count;
    uint32_t hops_next;
    struct route_map map;
    struct seat *seats; /* JOB_COMPONENTS_MAX rows of node_count */
    /* of the case under way */
    const struct adjust_case *what;
    uint64_t zones[JOB_COMPONENTS_MAX];
    uint32_t unit_count;
    uint32_t units[JOB_COMPONENTS_MAX]; /* masks of those that may move */
    uint32_t assigned;                  /* components that have a node now */
    uint16_t node[JOB_COMPONENTS_MAX];
    struct link_set relay; /* laid anew; the others keep their paths */
    bool home_barred;      /* old nodes of the movers are not tried */
    bool willing;          /* nodes left by will are not tried */
    uint32_t tries_left;
    uint32_t tries;
    uint64_t best_cost; /* a layout must cost less, moving included */
    bool found;
    struct plan best;
};

/* An hour of this plan. */
uint64_t work_hour(const struct adjust_case *what, const struct plan *plan);
/* Components whose node is another one; data inputs are not counted. */
uint32_t work_moved(const struct adjust_case *what, const struct plan *plan);
/* Microseconds for the state of c from its old node to another: 0 without any
 * state, NO_WAY when there is no way. */
uint64_t work_state_us(struct adjust *a, uint32_t c, uint16_t to);
/* mu and kappa of going over to the plan. */
uint64_t work_moving(struct adjust *a, const struct plan *plan);

/* Begins a case: nothing found, everything may cost. ERR_NOMEM. */
MUST_USE enum err work_start(struct adjust *a, const struct adjust_case *what);
/* Tries layouts in which only `movers` may be elsewhere; relay is laid anew
 * with all links of the movers, or all links with `relay_all`. Keeps the best
 * that passes plan_check. ERR_NOMEM. */
MUST_USE enum err work_search(struct adjust *a, uint32_t movers,
                              const struct link_set *relay, bool relay_all);
/* A plan from elsewhere takes part. */
void work_offer(struct adjust *a, const struct plan *plan);

#endif
