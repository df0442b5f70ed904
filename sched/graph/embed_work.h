#ifndef SCHED_GRAPH_EMBED_WORK_H
#define SCHED_GRAPH_EMBED_WORK_H

/* The desk of sched/graph/embed.h: a job whose groups are drawn together into
 * units, what is left of the topology, and a layout that units are put into and
 * taken out of. */

#include "sched/graph/embed.h"
#include "sched/graph/route.h"

#define NOWHERE UINT16_MAX
#define NO_COST UINT64_MAX

struct unit {
    struct stock want;
    struct node_set may; /* nodes that could ever take it, as things stand */
    uint64_t weight;     /* demand and bandwidth, in shares of the mean */
    uint32_t apart;      /* bits of the groups it belongs to */
    uint16_t place;
    bool data;      /* nothing but data inputs: takes no room */
    uint32_t begin; /* its links in work.adjacent, most bandwidth first; */
    uint32_t end;   /* links inside a unit are in none */
};

struct path {
    uint16_t hops;
    uint16_t link[ROUTE_HOPS_MAX];
};

struct layout {
    uint64_t cost;
    uint16_t node[JOB_COMPONENTS_MAX]; /* of a unit; NOWHERE */
    struct path path[JOB_LINKS_MAX];   /* of a virtual link with both ends
                                          placed */
};

struct ranked {
    uint64_t room;
    uint16_t node;
};

struct embed {
    const struct topology *topology;
    const struct job_graph *job;
    struct route_search *search;
    uint32_t unit_count;
    uint8_t unit_of[JOB_COMPONENTS_MAX];
    struct unit units[JOB_COMPONENTS_MAX];
    uint8_t adjacent[2 * JOB_LINKS_MAX];
    uint8_t order[JOB_COMPONENTS_MAX]; /* placed units, then as they follow */
    uint32_t placed_count;
    uint64_t floor_after[JOB_COMPONENTS_MAX + 1]; /* least cost of the links
                                  not yet laid once order[0..i) are placed */
    bool exact;
    struct stock *node_left;
    uint64_t *link_left;
    uint8_t *busy; /* units on the node that want it alone */
    uint64_t *price;
    uint16_t *starts;
    struct ranked *ranks;
    struct route_map map;
    struct layout now;
    struct layout best;
    enum embed_aim aim;
    struct plan_weights weights;
    int32_t best_score; /* of best, under EMBED_AIM_SCORE */
    struct plan scored; /* scratch: what is scored */
};

/* Makes units, their order, and what is left. The job was checked.
 * ERR_RANGE (a place not there), ERR_CAPACITY (a group that wants to be apart
 * and together). */
MUST_USE enum err work_begin(struct embed *w, const struct job_graph *job);

/* Could the unit be on this node beside what is placed? */
bool work_allows(const struct embed *w, uint32_t unit, uint32_t node);
/* Puts it there and lays its links to placed units. False: nothing changed. */
bool work_put(struct embed *w, uint32_t unit, uint16_t node);
/* Takes it out with its links. */
void work_pull(struct embed *w, uint32_t unit);
void work_clear(struct embed *w);
/* w->price[v] of a unit that is not placed: bandwidth times distance to its
 * placed neighbours, or NO_COST. Prices of price_max and more may be NO_COST.
 */
void work_price(struct embed *w, uint32_t unit, uint64_t price_max);
/* The allowed node of least price above the ones tried: NOWHERE when none. */
uint16_t work_cheapest(const struct embed *w, uint32_t unit);
/* Does the run end in time as far as it is placed? */
bool work_in_time(const struct embed *w);

static inline uint32_t work_other(const struct embed *w, uint32_t link,
                                  uint32_t unit)
{
    const struct job_link *l = &w->job->links[link];
    uint32_t from = w->unit_of[l->from];
    return from == unit ? w->unit_of[l->to] : from;
}

#endif
