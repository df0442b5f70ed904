#ifndef SCHED_CUT_DECOMPOSE_H
#define SCHED_CUT_DECOMPOSE_H

/* Cuts a component graph into clusters, level by level: what goes to one site,
 * within it what goes to one offer, within it what goes to one device. Every
 * cluster fits a box of its level, and as little weight as it can find is cut.
 *
 * 1. What belongs together becomes one unit: groups (at site and offer) and the
 *    ends of links that are kept at the level.
 * 2. Where the flow links make no circle, the clusters make none. A group that
 *    closes one takes what lies between its members in, if that fits a box;
 *    if not, circles are allowed below there.
 * 3. Multilevel: units are joined in pairs until few are left, heavy arcs
 *    first, equal places first; these are bisected until each part fits; then
 *    the pairs are taken apart again, step by step, and at each step single
 *    units move, two change places, and parts that fit one box are joined. Of
 *    several trials the one that cuts least is kept; of those the one with the
 *    fewest clusters, of those the first.
 * 4. Few units (`exact_units`) are cut by looking at all ways there are.
 *
 * A finer level cuts within the clusters of the coarser, so its cut is never
 * less. The same case, options and seed give the same clusters on every
 * machine. */

#include "sched/cut/places.h"

#define CUT_EXACT_UNITS_MAX 16u

struct cut_case {
    const struct cutgraph *graph;    /* lent */
    const struct cut_places *places; /* lent */
    uint32_t levels;                 /* cut_level_bit()s of those wanted */
};

struct decompose_options {
    uint64_t seed;
    uint32_t trials;      /* 0: as many as seem right for the size */
    uint32_t exact_units; /* look at all ways for so many units or fewer;
                             at most CUT_EXACT_UNITS_MAX */
};
extern const struct decompose_options decompose_options_default;

/* One level, or nothing where count is 0. */
struct decompose_level {
    uint32_t count;    /* clusters */
    uint32_t *cluster; /* of each component, 0..count-1; where acyclic, flow
                          links lead to the same or a higher number */
    uint32_t *home;    /* of each cluster: a box of the level that it fits,
                          within the home of the cluster around it; others may
                          do as well */
    uint64_t cut;      /* weight between clusters */
    bool acyclic;      /* the clusters' flow links make no circle */
    bool proven;       /* no way to cut this level within the clusters of the
                          coarser one is cheaper */
};

struct decomposition {
    struct decompose_level levels[CUT_LEVELS];
};

/* Who could not be placed, and why. */
struct cut_fault {
    enum cut_level level;
    uint32_t component; /* one of those that stay together */
    uint32_t members;   /* how many these are */
    bool apart;         /* they are replicas that must not meet */
};

/* out      given on OK: decomposition_done
 * out_fault  on ERR_CAPACITY
 *
 * ERR_RANGE: no component, no level, exact_units above the limit;
 * ERR_CAPACITY: a component, or what belongs together, fits no box of a level;
 * ERR_NOMEM. */
MUST_USE enum err decompose(const struct cut_case *cut,
                            const struct decompose_options *options,
                            struct decomposition *out,
                            struct cut_fault *out_fault);
void decomposition_done(struct decomposition *d); /* safe on a zeroed struct */

#endif
