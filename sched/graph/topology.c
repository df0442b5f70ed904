#include "sched/graph/topology.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

bool stock_fits(const struct stock *want, const struct stock *left)
{
    uint32_t over = 0;
    for (uint32_t r = 0; r < RES_COUNT; r++)
        over |= want->of[r] > left->of[r];
    return over == 0;
}

static bool power_rises(const struct power_curve *curve)
{
    for (uint32_t i = 1; i < POWER_STEPS; i++)
        if (curve->milliwatt[i] < curve->milliwatt[i - 1])
            return false;
    return true;
}

static bool node_ok(const struct topo_node *node, uint32_t power_count)
{
    return node->zone < TOPOLOGY_ZONES && stock_fits(&node->used, &node->cap) &&
           (power_count == 0 || node->power < power_count);
}

static bool link_ok(const struct topo_link *link, uint32_t node_count)
{
    return link->a < node_count && link->b < node_count && link->a != link->b &&
           link->used_kbps <= link->cap_kbps;
}

static enum err parts_ok(const struct topo_node *nodes, uint32_t node_count,
                         const struct topo_link *links, uint32_t link_count,
                         const struct power_curve *power, uint32_t power_count)
{
    if (node_count == 0 || node_count > TOPOLOGY_NODES_MAX ||
        link_count > TOPOLOGY_LINKS_MAX || power_count > POWER_CURVES_MAX)
        return ERR_TOO_LARGE;
    for (uint32_t i = 0; i < node_count; i++)
        if (!node_ok(&nodes[i], power_count))
            return ERR_RANGE;
    for (uint32_t i = 0; i < link_count; i++)
        if (!link_ok(&links[i], node_count))
            return ERR_RANGE;
    for (uint32_t i = 0; i < power_count; i++)
        if (!power_rises(&power[i]))
            return ERR_RANGE;
    return OK;
}

/* Arcs by counting: first[] becomes the ends, then the beginnings. */
static void join(struct topology *t)
{
    for (uint32_t i = 0; i < t->link_count; i++) {
        t->first[t->links[i].a + 1]++;
        t->first[t->links[i].b + 1]++;
    }
    for (uint32_t v = 0; v < t->node_count; v++)
        t->first[v + 1] += t->first[v];
    for (uint32_t i = t->link_count; i-- > 0;) {
        const struct topo_link *l = &t->links[i];
        t->arcs[--t->first[l->a + 1]] = (struct topo_arc){l->b, (uint16_t)i};
        t->arcs[--t->first[l->b + 1]] = (struct topo_arc){l->a, (uint16_t)i};
    }
    for (uint32_t v = 0; v < t->node_count; v++)
        t->first[v] = t->first[v + 1];
    t->first[t->node_count] = 2 * t->link_count;
}

static void *copy_of(const void *from, size_t count, size_t size)
{
    void *copy = calloc(count + 1, size);
    if (copy != NULL && count > 0 && from != NULL)
        memcpy(copy, from, count * size);
    return copy;
}

enum err topology_init(struct topology *topology, const struct topo_node *nodes,
                       uint32_t node_count, const struct topo_link *links,
                       uint32_t link_count, const struct power_curve *power,
                       uint32_t power_count)
{
    struct topology t = {.node_count = node_count, .link_count = link_count};
    TRY(parts_ok(nodes, node_count, links, link_count, power, power_count));
    t.nodes = copy_of(nodes, node_count, sizeof(*nodes));
    t.links = copy_of(links, link_count, sizeof(*links));
    t.first = copy_of(NULL, node_count + 1, sizeof(*t.first));
    t.arcs = copy_of(NULL, 2 * (size_t)link_count, sizeof(*t.arcs));
    if (t.nodes == NULL || t.links == NULL || t.first == NULL ||
        t.arcs == NULL) {
        topology_done(&t);
        return ERR_NOMEM;
    }
    t.power_count = power_count;
    for (uint32_t i = 0; i < power_count; i++)
        t.power[i] = power[i];
    join(&t);
    *topology = t;
    return OK;
}

enum err topology_copy(const struct topology *from, struct topology *out)
{
    return topology_init(out, from->nodes, from->node_count, from->links,
                         from->link_count, from->power, from->power_count);
}

void topology_done(struct topology *topology)
{
    free(topology->nodes);
    free(topology->links);
    free(topology->first);
    free(topology->arcs);
    *topology = (struct topology){0};
}

void topology_left(const struct topology *topology, uint32_t node,
                   struct stock *out)
{
    const struct topo_node *n = &topology->nodes[node];
    for (uint32_t r = 0; r < RES_COUNT; r++)
        out->of[r] =
            n->cap.of[r] > n->used.of[r] ? n->cap.of[r] - n->used.of[r] : 0;
}

/* ---- reservations ---- */

static void stock_add(struct stock *to, const struct stock *what)
{
    for (uint32_t r = 0; r < RES_COUNT; r++)
        to->of[r] += what->of[r];
}

static void stock_sub(struct stock *from, const struct stock *what)
{
    CHECK(stock_fits(what, from));
    for (uint32_t r = 0; r < RES_COUNT; r++)
        from->of[r] -= what->of[r];
}

static enum err take_node(struct topology *t, const struct hold_node *h)
{
    struct stock left;
    if (h->node >= t->node_count)
        return ERR_RANGE;
    topology_left(t, h->node, &left);
    if (!stock_fits(&h->stock, &left))
        return ERR_CAPACITY;
    stock_add(&t->nodes[h->node].used, &h->stock);
    return OK;
}

static enum err take_link(struct topology *t, const struct hold_link *h)
{
    if (h->link >= t->link_count)
        return ERR_RANGE;
    if (h->kbps > topology_left_kbps(t, h->link))
        return ERR_CAPACITY;
    t->links[h->link].used_kbps += h->kbps;
    return OK;
}

static void give(struct topology *t, const struct hold *hold, uint32_t nodes,
                 uint32_t links)
{
    while (links-- > 0) {
        const struct hold_link *h = &hold->links[links];
        CHECK(t->links[h->link].used_kbps >= h->kbps);
        t->links[h->link].used_kbps -= h->kbps;
    }
    while (nodes-- > 0)
        stock_sub(&t->nodes[hold->nodes[nodes].node].used,
                  &hold->nodes[nodes].stock);
}

enum err topology_take(struct topology *topology, const struct hold *hold)
{
    uint32_t nodes = 0;
    uint32_t links = 0;
    enum err err = OK;
    CHECK(hold->node_count <= HOLD_NODES_MAX);
    CHECK(hold->link_count <= HOLD_LINKS_MAX);
    while (err == OK && nodes < hold->node_count) {
        err = take_node(topology, &hold->nodes[nodes]);
        nodes += err == OK;
    }
    while (err == OK && links < hold->link_count) {
        err = take_link(topology, &hold->links[links]);
        links += err == OK;
    }
    if (err != OK)
        give(topology, hold, nodes, links);
    return err;
}

void topology_give(struct topology *topology, const struct hold *hold)
{
    give(topology, hold, hold->node_count, hold->link_count);
}
