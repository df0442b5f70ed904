/* Ways of graph_plan.h, and the judge of what the search proposes. */

#include "market/graph/graph_desk.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

/* ---- ways ---- */

static uint32_t joined(const struct desk *desk, uint16_t x, uint16_t y)
{
    uint16_t link;
    if (x == DESK_SELF || y == DESK_SELF)
        return (x == DESK_SELF ? y : x) - 1u;
    link = desk->road_of[(size_t)x * desk->node_count + y];
    return link == 0 ? UINT32_MAX : link;
}

/* Microseconds to send the link's bytes. */
static uint64_t sending(const struct graph_link *link)
{
    return link->bytes == 0
               ? 0
               : (link->bytes * 8000 + link->kbps - 1) / link->kbps;
}

static bool holds(const struct desk *desk, const struct graph_link *want,
                  const uint16_t *path, uint32_t count, enum desk_fault *out)
{
    uint64_t delay = sending(want);
    uint64_t risk = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct desk_link *link = &desk->links[path[i]];
        if (want->delay_us_max > 0 && link->delay_us == LINK_UNKNOWN)
            delay = UINT64_MAX / 2;
        if (want->risk_nn_max > 0 && link->risk_nn == LINK_UNKNOWN)
            risk = UINT64_MAX / 2;
        delay += link->delay_us;
        risk += link->risk_nn;
        if (want->kbps > desk->left_kbps[path[i]]) {
            *out = DESK_KBPS;
            return false;
        }
    }
    *out = want->delay_us_max > 0 && delay > want->delay_us_max ? DESK_DELAY
                                                                : DESK_RISK;
    return *out != DESK_DELAY &&
           (want->risk_nn_max == 0 || risk <= want->risk_nn_max);
}

bool desk_way(const struct desk *desk, const struct graph_link *link,
              uint16_t x, uint16_t y, uint16_t out[2], uint32_t *out_steps,
              enum desk_fault *out_fault)
{
    uint32_t direct;
    if (x == y) {
        *out_steps = 0;
        return true;
    }
    direct = joined(desk, x, y);
    if (direct != UINT32_MAX) {
        out[0] = (uint16_t)direct;
        *out_steps = 1;
        if (holds(desk, link, out, 1, out_fault))
            return true;
    }
    if (x == DESK_SELF || y == DESK_SELF)
        return false;
    out[0] = (uint16_t)joined(desk, DESK_SELF, x);
    out[1] = (uint16_t)joined(desk, DESK_SELF, y);
    *out_steps = 2;
    return holds(desk, link, out, 2, out_fault);
}

/* ---- the judge ---- */

struct court {
    struct topology topology;
    struct job_graph job;
    struct plan plan;
    bool buyer; /* component 0 is the buyer's node: a data input */
};

static enum err make_topology(const struct desk *desk, struct court *court)
{
    struct topo_node *nodes =
        arena_calloc(desk->arena, desk->node_count, sizeof(*nodes));
    struct topo_link *links =
        arena_calloc(desk->arena, desk->link_count + 1, sizeof(*links));
    if (nodes == NULL || links == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < desk->node_count; i++)
        nodes[i] =
            (struct topo_node){.cap = desk->nodes[i].room, .speed = 1000};
    for (uint32_t i = 0; i < desk->link_count; i++)
        links[i] = (struct topo_link){.cap_kbps = desk->links[i].kbps,
                                      .delay_us = desk->links[i].delay_us,
                                      .risk_nn = desk->links[i].risk_nn,
                                      .a = desk->links[i].a,
                                      .b = desk->links[i].b};
    return topology_init(&court->topology, nodes, desk->node_count, links,
                         desk->link_count, NULL, 0);
}

static bool uses_buyer(const struct graph *graph)
{
    for (uint32_t i = 0; i < graph->link_count; i++)
        if (graph->links[i].from == GRAPH_BUYER)
            return true;
    return false;
}

static void add_components(const struct desk *desk, struct court *court)
{
    const struct graph_ask *ask = desk->ask;
    struct job_component *c;
    if (court->buyer) {
        c = job_graph_add(&court->job);
        c->data = true;
        c->place = DESK_SELF;
        court->plan.node[0] = DESK_SELF;
    }
    for (uint32_t i = 0; i < ask->seat_count; i++) {
        const struct graph_part *part = &ask->graph->parts[ask->seats[i].part];
        c = job_graph_add(&court->job);
        CHECK(c != NULL);
        c->together = part->together;
        c->apart = part->apart;
        court->plan.node[i + court->buyer] = desk->best_node[i];
    }
    court->plan.component_count = court->job.component_count;
}

/* One way as the search laid it: the first that holds, in the same order. */
static bool add_way(struct desk *desk, struct court *court,
                    struct graph_plan *out, uint8_t link, uint8_t from,
                    uint8_t to)
{
    const struct graph_link *want = &desk->ask->graph->links[link];
    uint16_t x = from == GRAPH_BUYER ? DESK_SELF : desk->best_node[from];
    struct plan *plan = &court->plan;
    struct graph_way *way = &out->ways[out->way_count];
    uint16_t path[2];
    uint32_t steps = 0;
    enum desk_fault fault;
    struct job_link *l = job_graph_join(
        &court->job, from == GRAPH_BUYER ? 0 : (uint8_t)(from + court->buyer),
        (uint8_t)(to + court->buyer), want->kbps);
    if (l == NULL ||
        !desk_way(desk, want, x, desk->best_node[to], path, &steps, &fault))
        return false;
    l->bytes = want->bytes;
    l->delay_us_max = want->delay_us_max;
    l->risk_nn_max = want->risk_nn_max;
    l->flow = want->order && from != GRAPH_BUYER;
    *way = (struct graph_way){link, from, to, (uint8_t)steps, 0};
    for (uint32_t i = 0; i < steps; i++) {
        uint32_t delay = desk->links[path[i]].delay_us;
        desk->left_kbps[path[i]] -= want->kbps;
        plan->steps[plan->begin[plan->link_count] + i] = path[i];
        way->delay_us = delay == LINK_UNKNOWN || way->delay_us == LINK_UNKNOWN
                            ? LINK_UNKNOWN
                            : way->delay_us + delay;
    }
    plan->begin[plan->link_count + 1] =
        (uint16_t)(plan->begin[plan->link_count] + steps);
    plan->link_count++;
    out->way_count++;
    return true;
}

/* Ways between two that have their place already are as they are: nothing new
 * is asked of them. */
static bool add_ways_of(struct desk *desk, struct court *court,
                        struct graph_plan *out, uint8_t k)
{
    const struct graph_link *link = &desk->ask->graph->links[k];
    const struct graph_ask *ask = desk->ask;
    for (uint32_t to = 0; to < ask->seat_count; to++) {
        if (ask->seats[to].part != link->to)
            continue;
        if (link->from == GRAPH_BUYER && !ask->seats[to].fixed &&
            !add_way(desk, court, out, k, GRAPH_BUYER, (uint8_t)to))
            return false;
        for (uint32_t from = 0; from < ask->seat_count; from++)
            if (ask->seats[from].part == link->from &&
                !(ask->seats[from].fixed && ask->seats[to].fixed) &&
                !add_way(desk, court, out, k, (uint8_t)from, (uint8_t)to))
                return false;
    }
    return true;
}

/* Those of one level run at the same time: they take room, the others none. Who
 * waits for its turn where it is planned asks what there is in all. */
static void set_level(const struct desk *desk, struct court *court,
                      uint32_t level)
{
    static const struct stock nothing;
    for (uint32_t i = 0; i < desk->ask->seat_count; i++) {
        const struct graph_seat *seat = &desk->ask->seats[i];
        const struct desk_part *part = &desk->parts[seat->part];
        court->job.components[i + court->buyer].want =
            seat->fixed || part->level != level ? nothing : part->want;
    }
    for (uint32_t i = 0; i < desk->node_count; i++)
        court->topology.nodes[i].cap =
            desk->keep != NULL &&
                    desk_all_wait_at(desk, desk->best_node, level, (uint16_t)i)
                ? desk->nodes[i].all
                : desk->nodes[i].room;
}

static enum err hear(struct desk *desk, struct court *court,
                     struct graph_plan *out, char why[256])
{
    const struct graph *graph = desk->ask->graph;
    struct plan_verdict verdict;
    add_components(desk, court);
    for (uint32_t k = 0; k < graph->link_count; k++)
        if (!add_ways_of(desk, court, out, (uint8_t)k)) {
            snprintf(why, 256, "the plan's ways cannot all be laid together");
            return ERR_NO_OFFER;
        }
    if (!desk_devices_hold(desk)) {
        snprintf(why, 256, "the plan does not hold: a device is given twice");
        return ERR_NO_OFFER;
    }
    for (uint32_t level = 0; level < GRAPH_PARTS_MAX; level++) {
        set_level(desk, court, level);
        if (plan_check(&court->topology, &court->job, &court->plan, &verdict))
            continue;
        snprintf(why, 256, "the plan does not hold: %s",
                 plan_fault_text((enum plan_fault)verdict.first));
        return ERR_NO_OFFER;
    }
    return OK;
}

/* All that a road carries. */
static void reset_left(struct desk *desk)
{
    for (uint32_t i = 0; i < desk->link_count; i++)
        desk->left_kbps[i] = desk->links[i].kbps;
}

enum err desk_judge(struct desk *desk, struct graph_plan *out, char why[256])
{
    struct court *court = arena_calloc(desk->arena, 1, sizeof(*court));
    enum err err;
    if (court == NULL)
        return ERR_NOMEM;
    out->way_count = 0;
    reset_left(desk);
    court->buyer = uses_buyer(desk->ask->graph);
    job_graph_init(&court->job);
    TRY(make_topology(desk, court));
    err = hear(desk, court, out, why);
    topology_done(&court->topology);
    reset_left(desk);
    return err;
}
