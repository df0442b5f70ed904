#ifndef SCHED_CUT_CUTGRAPH_H
#define SCHED_CUT_CUTGRAPH_H

/* A component graph that is to be cut: components that take room, and links
 * whose weight is paid when their ends come apart. It may be much larger than
 * the job graph that is placed afterwards (sched/graph/job_graph.h): each
 * cluster becomes one component there.
 *
 * Levels, from coarse to fine: a site has offers, an offer has devices. A
 * cluster of a level is what goes to one place of that level. */

#include "sched/graph/topology.h"

#define CUT_COMPONENTS_MAX 16384u
#define CUT_LINKS_MAX      1048576u
#define CUT_APART_MAX      64u
#define CUT_WEIGHT_MAX     (UINT64_C(1) << 42)

enum cut_level { CUT_SITE, CUT_OFFER, CUT_DEVICE, CUT_LEVELS };

static inline uint32_t cut_level_bit(enum cut_level level)
{
    return UINT32_C(1) << (uint32_t)level;
}
const char *cut_level_text(
    enum cut_level level); /* "site", "offer", "device" */
/* ERR_PARSE. */
MUST_USE enum err cut_level_parse(const char *text, enum cut_level *out);

struct cut_component {
    struct stock want;  /* of a cluster: the sum */
    struct stock least; /* of a cluster: the largest; what its place must have
                           in one piece, whoever else uses it at other times */
    uint64_t sites;     /* a bit for each site it may be at; never 0 */
    uint32_t together;  /* equal and not 0: one site and one offer */
    uint32_t apart;     /* equal and not 0: different offers and devices; at
                           most CUT_APART_MAX */
};

struct cut_link {
    uint64_t weight; /* what cutting it costs, in the caller's unit */
    uint32_t from;
    uint32_t to;
    bool flow;     /* `to` waits for `from` */
    uint32_t kept; /* cut_level_bit()s at which it is not cut; one that is kept
                      at a level is kept at the coarser ones, too */
};

struct cutgraph {
    struct cut_component *components;
    struct cut_link *links;
    uint32_t component_count, component_room;
    uint32_t link_count, link_room;
};

void cutgraph_init(struct cutgraph *graph);
void cutgraph_done(struct cutgraph *graph); /* safe on a zeroed struct */

/* Copies. ERR_RANGE: it may be nowhere, a group of replicas above the limit, a
 * link to itself or to what is not there, or too heavy; ERR_TOO_LARGE: too
 * many; ERR_NOMEM. */
MUST_USE enum err cutgraph_add(struct cutgraph *graph,
                               const struct cut_component *component,
                               uint32_t *out);
MUST_USE enum err cutgraph_join(struct cutgraph *graph,
                                const struct cut_link *link);

#endif
