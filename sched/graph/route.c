#include "sched/graph/route.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

void route_map(const struct topology *topology, const uint64_t *left,
               uint16_t from, uint16_t to, uint64_t kbps, uint32_t hops_max,
               struct route_map *map)
{
    const uint32_t *first = topology->first;
    const struct topo_arc *arcs = topology->arcs;
    uint32_t head = 0;
    uint32_t tail = 1;
    memset(map->hops, 0xff, topology->node_count * sizeof(map->hops[0]));
    map->hops[from] = 0;
    map->queue[0] = from;
    while (head < tail) {
        uint16_t at = map->queue[head++];
        uint16_t next = (uint16_t)(map->hops[at] + 1);
        if (next > hops_max)
            return;
        for (uint32_t i = first[at]; i < first[at + 1]; i++) {
            struct topo_arc arc = arcs[i];
            if (map->hops[arc.to] != ROUTE_FAR || left[arc.link] < kbps)
                continue;
            map->hops[arc.to] = next;
            map->via[arc.to] = arc.link;
            map->queue[tail++] = arc.to;
            if (arc.to == to)
                return;
        }
    }
}

static uint16_t other_end(const struct topo_link *link, uint16_t at)
{
    return link->a == at ? link->b : link->a;
}

bool route_read(const struct topology *topology, const struct route_map *map,
                uint16_t to, struct route *out)
{
    uint16_t at = to;
    if (map->hops[to] > ROUTE_HOPS_MAX) /* ROUTE_FAR is more */
        return false;
    out->hops = map->hops[to];
    out->delay_us = 0;
    out->risk_nn = 0;
    for (uint32_t i = out->hops; i-- > 0;) {
        out->link[i] = map->via[at];
        at = other_end(&topology->links[map->via[at]], at);
    }
    CHECK(map->hops[at] == 0);
    return true;
}

/* ---- under bounds ---- */

/* A way to a node: no other label of it is as good in delay and in risk with as
 * few links. */
struct label {
    uint64_t delay_us;
    uint64_t risk_nn;
    uint32_t parent; /* label it came from */
    uint16_t node;
    uint16_t link;
};

struct route_search {
    const struct topology *topology;
    uint8_t *count; /* labels of a node */
    uint32_t *of;   /* ROUTE_LABELS_MAX for each node: their places in pool */
    struct label *pool;
    uint32_t pool_max;
};

enum err route_search_new(const struct topology *topology,
                          struct route_search **out)
{
    struct route_search *s = calloc(1, sizeof(*s));
    size_t nodes = topology->node_count;
    if (s == NULL)
        return ERR_NOMEM;
    s->topology = topology;
    s->pool_max = (uint32_t)nodes * ROUTE_LABELS_MAX * 2;
    s->count = calloc(nodes, sizeof(*s->count));
    s->of = calloc(nodes * ROUTE_LABELS_MAX, sizeof(*s->of));
    s->pool = calloc(s->pool_max, sizeof(*s->pool));
    if (s->count == NULL || s->of == NULL || s->pool == NULL) {
        route_search_free(s);
        return ERR_NOMEM;
    }
    *out = s;
    return OK;
}

void route_search_free(struct route_search *search)
{
    if (search == NULL)
        return;
    free(search->count);
    free(search->of);
    free(search->pool);
    free(search);
}

static bool dominates(const struct label *a, const struct label *b)
{
    return a->delay_us <= b->delay_us && a->risk_nn <= b->risk_nn;
}

/* Where a search stands: labels up to pool[at] were followed, those from
 * pool[fresh] on have one link more than that one. */
struct stand {
    uint32_t at;
    uint32_t fresh;
    uint32_t pool_len;
    bool exact;
};

/* Keeps a label that arrives after all labels with fewer links. Labels in the
 * pool stay where they are, for others may have come from them; what is dropped
 * from a node is only not compared with, and not followed, any more. A label
 * that is still to be followed has fewer links and is not dropped for one that
 * has more. */
static void keep(struct route_search *s, struct stand *stand,
                 const struct label *label)
{
    uint32_t *of = s->of + (size_t)label->node * ROUTE_LABELS_MAX;
    uint8_t *count = &s->count[label->node];
    uint8_t kept = 0;
    for (uint8_t i = 0; i < *count; i++)
        if (dominates(&s->pool[of[i]], label))
            return;
    for (uint8_t i = 0; i < *count; i++)
        if ((of[i] > stand->at && of[i] < stand->fresh) ||
            !dominates(label, &s->pool[of[i]]))
            of[kept++] = of[i];
    *count = kept;
    if (kept == ROUTE_LABELS_MAX || stand->pool_len == s->pool_max) {
        stand->exact = false;
        return;
    }
    s->pool[stand->pool_len] = *label;
    of[(*count)++] = stand->pool_len++;
}

static bool alive(const struct route_search *s, uint32_t label)
{
    uint16_t node = s->pool[label].node;
    const uint32_t *of = s->of + (size_t)node * ROUTE_LABELS_MAX;
    for (uint8_t i = 0; i < s->count[node]; i++)
        if (of[i] == label)
            return true;
    return false;
}

/* One link further; false when the bounds do not let it. */
static bool step(const struct topo_link *link,
                 const struct route_bounds *bounds, struct label *label)
{
    if (bounds->delay_us_max != 0 && link->delay_us == LINK_UNKNOWN)
        return false;
    if (bounds->risk_nn_max != 0 && link->risk_nn == LINK_UNKNOWN)
        return false;
    label->delay_us += bounds->delay_us_max != 0 ? link->delay_us : 0;
    label->risk_nn += bounds->risk_nn_max != 0 ? link->risk_nn : 0;
    return label->delay_us <= (bounds->delay_us_max != 0 ? bounds->delay_us_max
                                                         : UINT64_MAX) &&
           label->risk_nn <=
               (bounds->risk_nn_max != 0 ? bounds->risk_nn_max : UINT64_MAX);
}

static void expand(struct route_search *s, const uint64_t *left,
                   const struct route_bounds *bounds, struct stand *stand)
{
    const struct topology *t = s->topology;
    uint16_t at = s->pool[stand->at].node;
    for (uint32_t i = t->first[at]; i < t->first[at + 1]; i++) {
        struct topo_arc arc = t->arcs[i];
        struct label label = s->pool[stand->at];
        if (left[arc.link] < bounds->kbps ||
            !step(&t->links[arc.link], bounds, &label))
            continue;
        label.node = arc.to;
        label.link = arc.link;
        label.parent = stand->at;
        keep(s, stand, &label);
    }
}

static const struct label *best_of(const struct route_search *s, uint16_t node)
{
    const uint32_t *of = s->of + (size_t)node * ROUTE_LABELS_MAX;
    const struct label *best = NULL;
    for (uint8_t i = 0; i < s->count[node]; i++) {
        const struct label *l = &s->pool[of[i]];
        if (best == NULL || l->delay_us < best->delay_us ||
            (l->delay_us == best->delay_us && l->risk_nn < best->risk_nn))
            best = l;
    }
    return best;
}

static void write_out(const struct route_search *s, const struct label *label,
                      uint32_t hops, struct route *out)
{
    out->hops = hops;
    out->delay_us = label->delay_us;
    out->risk_nn = label->risk_nn;
    for (uint32_t i = hops; i-- > 0;) {
        out->link[i] = label->link;
        label = &s->pool[label->parent];
    }
}

enum err route_bounded(struct route_search *search, const uint64_t *left,
                       uint16_t from, uint16_t to,
                       const struct route_bounds *bounds, struct route *out,
                       bool *out_exact)
{
    uint32_t begin = 0;
    struct stand stand = {.pool_len = 1, .exact = true};
    enum err err = ERR_CAPACITY;
    CHECK(from < search->topology->node_count);
    CHECK(to < search->topology->node_count);
    memset(search->count, 0, search->topology->node_count);
    search->pool[0] = (struct label){.node = from};
    search->of[(size_t)from * ROUTE_LABELS_MAX] = 0;
    search->count[from] = 1;
    for (uint32_t hops = 0; begin < stand.pool_len; hops++) {
        if (search->count[to] > 0) {
            write_out(search, best_of(search, to), hops, out);
            err = OK;
        }
        if (err == OK || hops == ROUTE_HOPS_MAX)
            break;
        stand.fresh = stand.pool_len;
        for (stand.at = begin; stand.at < stand.fresh; stand.at++)
            if (alive(search, stand.at))
                expand(search, left, bounds, &stand);
        begin = stand.fresh;
    }
    *out_exact = stand.exact;
    return err;
}
