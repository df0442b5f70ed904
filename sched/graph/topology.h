#ifndef SCHED_GRAPH_TOPOLOGY_H
#define SCHED_GRAPH_TOPOLOGY_H

/* A topology is what a job graph is laid into: nodes with capacities, links
 * with bandwidth, delay and reliability, and how much of each is reserved. A
 * link carries both directions; several may join the same two nodes. */

#include "base/bytes.h"

#define TOPOLOGY_NODES_MAX 4096u
#define TOPOLOGY_LINKS_MAX 65535u
#define TOPOLOGY_ZONES     64u
#define ACCEL_MODELS_MAX   5u
#define POWER_CURVES_MAX   16u
#define POWER_STEPS        11u

/* The dimensions of a stock. RES_ACCEL + i is the caller's i-th model. */
enum res {
    RES_CPU,  /* thousandths of a core */
    RES_MEM,  /* MiB */
    RES_DISK, /* MiB */
    RES_ACCEL /* thousandths of a device */
};
#define RES_COUNT (RES_ACCEL + ACCEL_MODELS_MAX)

struct stock {
    uint32_t of[RES_COUNT];
};

bool stock_fits(const struct stock *want, const struct stock *left);

/* Watts of one machine at 0, 10, ... 100 % load, in thousandths; between the
 * points it is a straight line (the form of SPECpower_ssj2008 results). */
struct power_curve {
    uint32_t milliwatt[POWER_STEPS];
};

struct topo_node {
    struct stock cap;
    struct stock used;
    uint64_t labels; /* the caller's predicates, one bit each */
    uint32_t speed;  /* thousandths of the reference machine; 0: not known */
    uint8_t zone;    /* below TOPOLOGY_ZONES */
    uint8_t power;   /* which power curve */
};

/* Not measured. Whoever states a bound may not use such a link. */
#define LINK_UNKNOWN UINT32_MAX

struct topo_link {
    uint64_t cap_kbps; /* not known: 0, for nothing can be promised on it */
    uint64_t used_kbps;
    uint32_t delay_us; /* one way */
    uint32_t risk_nn;  /* -ln(reliability) in nano-nats */
    uint32_t loss_ppm; /* told in reports; no bound refers to it */
    uint16_t a;
    uint16_t b;
};

struct topo_arc {
    uint16_t to;
    uint16_t link;
};

struct topology {
    uint32_t node_count;
    uint32_t link_count;
    struct topo_node *nodes;
    struct topo_link *links;
    uint32_t *first; /* arcs of node v: first[v] .. first[v + 1] */
    struct topo_arc *arcs;
    uint32_t power_count;
    struct power_curve power[POWER_CURVES_MAX];
};

/* A set of nodes. */
struct node_set {
    uint64_t word[TOPOLOGY_NODES_MAX / 64];
};
static inline bool node_set_has(const struct node_set *set, uint32_t node)
{
    return (set->word[node / 64] >> node % 64 & 1) != 0;
}
static inline void node_set_add(struct node_set *set, uint32_t node)
{
    set->word[node / 64] |= UINT64_C(1) << node % 64;
}

/* Copies nodes and links and joins them. power_count may be 0: then energy has
 * no score. topology_done frees; it is safe on a zeroed struct.
 *
 * Refuses: ERR_TOO_LARGE (no node, or more than the limits), ERR_RANGE (a zone,
 * a power curve or an end of a link that is not there, a link from a node to
 * itself, more used than there is, a power curve that falls), ERR_NOMEM. */
MUST_USE enum err topology_init(
    struct topology *topology, const struct topo_node *nodes,
    uint32_t node_count, const struct topo_link *links, uint32_t link_count,
    const struct power_curve *power, uint32_t power_count);
/* The same topology as it stands now. ERR_NOMEM. */
MUST_USE enum err topology_copy(const struct topology *from,
                                struct topology *out);
void topology_done(struct topology *topology);

/* What is not reserved; nothing where a capacity fell below what is. */
static inline uint64_t topology_left_kbps(const struct topology *topology,
                                          uint32_t link)
{
    const struct topo_link *l = &topology->links[link];
    return l->cap_kbps > l->used_kbps ? l->cap_kbps - l->used_kbps : 0;
}
void topology_left(const struct topology *topology, uint32_t node,
                   struct stock *out);

/* A reservation as one object: what an embedding takes and later gives back. */
#define HOLD_NODES_MAX 32u
#define HOLD_LINKS_MAX 2048u

struct hold_node {
    struct stock stock;
    uint16_t node;
};
struct hold_link {
    uint64_t kbps;
    uint16_t link;
};
struct hold {
    uint32_t node_count;
    uint32_t link_count;
    struct hold_node nodes[HOLD_NODES_MAX]; /* a node may stand here twice */
    struct hold_link links[HOLD_LINKS_MAX]; /* and so may a link */
};

/* All of it or nothing: ERR_RANGE for a node or link that is not there,
 * ERR_CAPACITY when something does not fit. */
MUST_USE enum err topology_take(struct topology *topology,
                                const struct hold *hold);
/* Exactly what was taken goes back; more than is used is CHECKed. */
void topology_give(struct topology *topology, const struct hold *hold);

#endif
