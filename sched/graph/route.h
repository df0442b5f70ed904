#ifndef SCHED_GRAPH_ROUTE_H
#define SCHED_GRAPH_ROUTE_H

/* Paths through what is left of a topology. The price of a path is its number
 * of links, for a virtual link takes its bandwidth on each of them. Equal paths
 * are settled by the order of the links: same question, same path. */

#include "sched/graph/topology.h"

#define ROUTE_HOPS_MAX   64u /* longer paths are not looked at */
#define ROUTE_FAR        UINT16_MAX
#define ROUTE_LABELS_MAX 16u /* of one node under bounds */

struct route {
    uint32_t hops;
    uint64_t delay_us; /* 0 when not known: nobody asked */
    uint64_t risk_nn;
    uint16_t link[ROUTE_HOPS_MAX];
};

/* Distances from one node over links that have the bandwidth left. */
struct route_map {
    uint16_t hops[TOPOLOGY_NODES_MAX]; /* ROUTE_FAR: not reached */
    uint16_t via[TOPOLOGY_NODES_MAX];  /* the link it was reached by */
    uint16_t queue[TOPOLOGY_NODES_MAX];
};

/* left: bandwidth left on each link of the topology. Fills the map as far as
 * hops_max links; with `to` (else ROUTE_FAR) it may end as soon as that node is
 * reached. */
void route_map(const struct topology *topology, const uint64_t *left,
               uint16_t from, uint16_t to, uint64_t kbps, uint32_t hops_max,
               struct route_map *map);

/* The path of a map from its origin to a node; its delay and risk are not
 * filled in. False when it is not reached or too long. */
bool route_read(const struct topology *topology, const struct route_map *map,
                uint16_t to, struct route *out);

/* What a path must hold; 0: no bound. A link whose value is not known is not
 * used under a bound on it. */
struct route_bounds {
    uint64_t kbps;
    uint64_t delay_us_max;
    uint64_t risk_nn_max;
};

struct route_search; /* scratch of route_bounded */
MUST_USE enum err route_search_new(const struct topology *topology,
                                   struct route_search **out);
void route_search_free(struct route_search *search);

/* The path of fewest links within the bounds; of these the one of least delay,
 * then of least risk. Label setting, hop by hop: exact as long as no node has
 * more than ROUTE_LABELS_MAX labels that do not dominate each other; beyond,
 * later ones are dropped and *out_exact is false, so a path may be missed. A
 * path from a node to itself has no links and passes all bounds.
 *
 * ERR_CAPACITY: there is none. */
MUST_USE enum err route_bounded(struct route_search *search,
                                const uint64_t *left, uint16_t from,
                                uint16_t to, const struct route_bounds *bounds,
                                struct route *out, bool *out_exact);

#endif
