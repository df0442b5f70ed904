#ifndef MARKET_GRAPH_DESK_H
#define MARKET_GRAPH_DESK_H

/* The desk of graph_plan.h: nodes, ways and options in tables, and the layout
 * that the search works on. Shared by graph_plan.c, graph_search.c,
 * graph_device.c and graph_judge.c; nobody else. */

#include "market/graph/graph_adjust.h"
#include "sched/graph/plan_check.h"

#define DESK_SELF      0u /* the buyer's node */
#define DESK_NODES_MAX (1u + GRAPH_SEATS_MAX * (GRAPH_OFFERS_MAX + 1u))
#define DESK_NOWHERE   UINT16_MAX
/* A stock's dimensions for what topologies know nothing of. */
#define DESK_SLOTS RES_ACCEL       /* tasks an offer takes */
#define DESK_NIC   (RES_ACCEL + 1) /* kbit/s of its network interface */

struct desk_node {
    struct pubkey key;
    struct stock room; /* free now */
    struct stock all;  /* of the offer, whoever has it now */
    struct price price;
    const struct devices *devices;     /* with what is free; NULL: none */
    const struct devices *devices_all; /* with everything free */
};

struct desk_link {
    uint16_t a;
    uint16_t b;
    uint64_t kbps;
    uint32_t delay_us;
    uint32_t risk_nn;
};

/* A part at an offer. */
struct desk_option {
    uint16_t node;
    uint64_t figure; /* by its policy */
    struct graph_place place;
};

struct desk_part {
    struct stock want;
    uint32_t level;
    uint32_t option_count;
    struct desk_option *options;
    uint64_t least; /* figure of its best option */
};

/* What a task is given of an offer. */
struct desk_share {
    uint32_t devices; /* a bit for each; none without a wish */
    uint32_t group;   /* they are of */
    struct amount hour;
    struct amount bill;
};

struct desk_cost {
    uint64_t figure;
    uint64_t steps;
    uint64_t bills;
};

enum desk_fault {
    DESK_ROOM,
    DESK_DEVICES,
    DESK_PRICE,
    DESK_TOGETHER,
    DESK_APART,
    DESK_DELAY,
    DESK_RISK,
    DESK_KBPS,
    DESK_FAULTS
};

struct desk {
    const struct graph_ask *ask;
    struct arena *arena;
    struct desk_node *nodes;
    uint32_t node_count;
    struct desk_link *links; /* link i < node_count - 1: self to node i + 1 */
    uint32_t link_count;
    uint64_t *left_kbps;
    uint16_t *road_of; /* by two nodes: the link between them, 0: none */
    struct desk_part parts[GRAPH_PARTS_MAX];
    /* seats, in the order in which they are placed */
    uint8_t order[GRAPH_SEATS_MAX];
    uint64_t least_after[GRAPH_SEATS_MAX + 1];
    /* now: by seat */
    uint16_t node_of[GRAPH_SEATS_MAX];   /* DESK_NOWHERE */
    uint16_t option_of[GRAPH_SEATS_MAX]; /* not of fixed ones */
    struct desk_share share_of[GRAPH_SEATS_MAX];
    /* of graph_adjust.h, a bit for each seat */
    const struct graph_keep *keep;     /* NULL: a plan from scratch */
    uint16_t home_of[GRAPH_SEATS_MAX]; /* where the plan has it */
    uint32_t movers;                   /* may be elsewhere */
    uint32_t must;                     /* cannot stay: moving is free */
    bool willing; /* nobody returns to where it left of its own will */
    uint64_t now_ms;
    /* the best */
    uint16_t best_node[GRAPH_SEATS_MAX];
    uint16_t best_option[GRAPH_SEATS_MAX];
    struct desk_share best_share[GRAPH_SEATS_MAX];
    struct desk_cost best_cost;
    bool found;
    /* telling why not */
    uint32_t deepest;
    uint32_t faults[DESK_FAULTS]; /* at the deepest seat */
    uint32_t tries;
    uint32_t tries_max;
};

#define DESK_ALL UINT32_MAX /* seats */

/* ---- graph_plan.c ---- */
/* Everything but a layout. keep NULL: from scratch. ERR_NO_OFFER (a part has no
 * option at all), faults. */
MUST_USE enum err desk_make(struct book *book, const struct graph_ask *ask,
                            const struct graph_keep *keep, uint64_t now_ms,
                            struct arena *arena, struct desk **out,
                            char why[256]);
/* Everything that was in the way where the search came no further. */
void desk_say_why(const struct desk *desk, char why[256]);
/* The best layout's places. */
void desk_fill(const struct desk *desk, struct graph_plan *out);

/* ---- graph_device.c ---- */
/* What the seat gets at the option, beside those of its level that are placed:
 * the devices that a seller would pick at this moment, and what that costs.
 * False, and what is in the way. */
bool desk_share(const struct desk *desk, uint32_t seat,
                const struct desk_option *option, struct desk_share *out,
                enum desk_fault *out_fault);
/* Is no device of the best layout given twice, and is each what was wished for?
 * Shares no code with the above. */
bool desk_devices_hold(const struct desk *desk);

/* ---- graph_judge.c ---- */
/* The links of the way from x to y that holds what `link` wants, with `left`
 * kbps on each: 0 to 2 numbers in out. False, and what is in the way. */
bool desk_way(const struct desk *desk, const struct graph_link *link,
              uint16_t x, uint16_t y, uint16_t out[2], uint32_t *out_steps,
              enum desk_fault *out_fault);
/* Is the best layout valid, level by level? Fills in its ways. */
MUST_USE enum err desk_judge(struct desk *desk, struct graph_plan *out,
                             char why[256]);

/* ---- graph_search.c ---- */
/* Begins a search with nothing found. */
void desk_begin(struct desk *desk);
/* Fills in best_* where it finds something better than what is there; found is
 * false when there is nothing. May be called again with other movers. */
void desk_search(struct desk *desk);
/* Does the seat keep the place that it has in the plan before it wants it? Then
 * it asks what the offer has in all, not what is free at the moment. */
bool desk_waits_at(const struct desk *desk, uint32_t seat, uint16_t node);
/* Do all seats of that level that are at the node by `node_of`? */
bool desk_all_wait_at(const struct desk *desk, const uint16_t *node_of,
                      uint32_t level, uint16_t node);
/* Theta of a figure. */
uint64_t desk_theta(const struct desk *desk, uint64_t figure);
/* Of seats at their homes, laid one after the other: those that cannot be
 * there, and those they get into each other's way with. */
uint32_t desk_conflicts(struct desk *desk);
/* All that belong together with the seat, it included; none is fixed. */
uint32_t desk_unit(const struct desk *desk, uint32_t seat);

#endif
