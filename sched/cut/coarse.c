#include "sched/cut/coarse.h"

#include <string.h>

#include "base/check.h"

#define NONE UINT32_MAX

void unit_clear(struct cut_unit *unit)
{
    memset(unit, 0, sizeof(*unit));
    unit->boxes = UINT64_MAX;
}

void unit_add(struct cut_unit *a, const struct cut_unit *b)
{
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        a->want[r] += b->want[r];
        if (b->least[r] > a->least[r])
            a->least[r] = b->least[r];
    }
    a->boxes &= b->boxes;
    a->apart |= b->apart;
    a->size += b->size;
}

bool unit_fits(const struct cut_boxes *boxes, const struct cut_unit *unit)
{
    return cut_boxes_fit(boxes, unit->want, unit->least, unit->boxes) != 0;
}

bool unit_joins(const struct cut_boxes *boxes, const struct cut_unit *a,
                const struct cut_unit *b)
{
    struct cut_unit both = *a;
    if ((a->apart & b->apart) != 0 || (a->boxes & b->boxes) == 0)
        return false;
    unit_add(&both, b);
    return unit_fits(boxes, &both);
}

/* ---- contraction ---- */

/* Members of each new unit, one after the other. */
static enum err gather(struct arena *arena, const uint32_t *map, uint32_t fine,
                       uint32_t n, uint32_t **out_first, uint32_t **out_members)
{
    uint32_t *first = arena_calloc(arena, (size_t)n + 2, sizeof(*first));
    uint32_t *members = arena_calloc(arena, fine, sizeof(*members));
    if (first == NULL || members == NULL)
        return ERR_NOMEM;
    for (uint32_t u = 0; u < fine; u++) {
        CHECK(map[u] < n);
        first[map[u] + 2]++;
    }
    for (uint32_t i = 0; i < n; i++)
        first[i + 2] += first[i + 1];
    for (uint32_t u = 0; u < fine; u++)
        members[first[map[u] + 1]++] = u;
    *out_first = first;
    *out_members = members;
    return OK;
}

/* Adds the arcs of one fine unit to those of the new unit `at`, which begin at
 * `begin`; slot[v]: where the arc to v stands. */
static uint32_t add_arcs(const struct coarse *fine, uint32_t u,
                         const uint32_t *map, uint32_t at, uint32_t begin,
                         uint32_t end, uint32_t *slot, struct coarse_arc *arcs)
{
    for (uint32_t i = fine->first[u]; i < fine->first[u + 1]; i++) {
        const struct coarse_arc *arc = &fine->arcs[i];
        uint32_t to = map[arc->to];
        if (to == at)
            continue;
        if (slot[to] == NONE || slot[to] < begin) {
            slot[to] = end;
            arcs[end++] = (struct coarse_arc){0, to, 0};
        }
        arcs[slot[to]].weight += arc->weight;
        arcs[slot[to]].flow |= arc->flow;
    }
    return end;
}

enum err coarse_contract(struct arena *arena, const struct coarse *fine,
                         const uint32_t *map, uint32_t n, struct coarse *out)
{
    uint32_t *first = NULL;
    uint32_t *members = NULL;
    uint32_t *slot = arena_calloc(arena, n, sizeof(*slot));
    uint32_t end = 0;
    TRY(gather(arena, map, fine->n, n, &first, &members));
    out->n = n;
    out->units = arena_calloc(arena, n, sizeof(*out->units));
    out->first = arena_calloc(arena, (size_t)n + 1, sizeof(*out->first));
    out->arcs = arena_calloc(arena, fine->first[fine->n], sizeof(*out->arcs));
    if (slot == NULL || out->units == NULL || out->first == NULL ||
        out->arcs == NULL)
        return ERR_NOMEM;
    memset(slot, 0xff, n * sizeof(*slot));
    for (uint32_t i = 0; i < n; i++) {
        out->first[i] = end;
        unit_clear(&out->units[i]);
        for (uint32_t m = first[i]; m < first[i + 1]; m++) {
            unit_add(&out->units[i], &fine->units[members[m]]);
            end = add_arcs(fine, members[m], map, i, out->first[i], end, slot,
                           out->arcs);
        }
    }
    out->first[n] = end;
    return OK;
}

enum err coarse_subset(struct arena *arena, const struct coarse *from,
                       const uint32_t *members, uint32_t count,
                       struct coarse *out)
{
    uint32_t *map = arena_calloc(arena, from->n, sizeof(*map));
    size_t arcs = 0;
    uint32_t end = 0;
    for (uint32_t i = 0; i < count; i++)
        arcs += from->first[members[i] + 1] - from->first[members[i]];
    out->n = count;
    out->units = arena_calloc(arena, count, sizeof(*out->units));
    out->first = arena_calloc(arena, (size_t)count + 1, sizeof(*out->first));
    out->arcs = arena_calloc(arena, arcs, sizeof(*out->arcs));
    if (map == NULL || out->units == NULL || out->first == NULL ||
        out->arcs == NULL)
        return ERR_NOMEM;
    memset(map, 0xff, from->n * sizeof(*map));
    for (uint32_t i = 0; i < count; i++)
        map[members[i]] = i;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t u = members[i];
        out->units[i] = from->units[u];
        out->first[i] = end;
        for (uint32_t a = from->first[u]; a < from->first[u + 1]; a++) {
            out->arcs[end] = from->arcs[a];
            out->arcs[end].to = map[from->arcs[a].to];
            end += out->arcs[end].to != NONE;
        }
    }
    out->first[count] = end;
    return OK;
}

/* ---- order ---- */

enum err coarse_levels(struct arena *arena, const struct coarse *g,
                       uint32_t *out_top, bool *out_dag)
{
    uint32_t *waits = arena_calloc(arena, g->n, sizeof(*waits));
    uint32_t *queue = arena_calloc(arena, g->n, sizeof(*queue));
    uint32_t tail = 0;
    if (waits == NULL || queue == NULL)
        return ERR_NOMEM;
    for (uint32_t u = 0; u < g->n; u++) {
        out_top[u] = 0;
        for (uint32_t i = g->first[u]; i < g->first[u + 1]; i++)
            waits[u] += (g->arcs[i].flow & ARC_IN) != 0;
        if (waits[u] == 0)
            queue[tail++] = u;
    }
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t u = queue[head];
        for (uint32_t i = g->first[u]; i < g->first[u + 1]; i++) {
            uint32_t to = g->arcs[i].to;
            if ((g->arcs[i].flow & ARC_OUT) == 0)
                continue;
            if (out_top[to] < out_top[u] + 1)
                out_top[to] = out_top[u] + 1;
            if (--waits[to] == 0)
                queue[tail++] = to;
        }
    }
    *out_dag = tail == g->n;
    return OK;
}

/* A walk in depth along arcs of one direction, without recursion. */
struct walk {
    const struct coarse *g;
    uint32_t along; /* ARC_OUT or ARC_IN */
    uint32_t *stack;
    uint32_t *at; /* next arc of the unit */
    bool *seen;
};

/* Everything reached from `root` that was not seen, in the order in which it
 * is left; how many. */
static uint32_t walk_from(struct walk *w, uint32_t root, uint32_t *out)
{
    uint32_t depth = 1;
    uint32_t left = 0;
    w->stack[0] = root;
    w->at[root] = w->g->first[root];
    w->seen[root] = true;
    while (depth > 0) {
        uint32_t u = w->stack[depth - 1];
        if (w->at[u] == w->g->first[u + 1]) {
            out[left++] = u;
            depth--;
            continue;
        }
        {
            const struct coarse_arc *arc = &w->g->arcs[w->at[u]++];
            if ((arc->flow & w->along) == 0 || w->seen[arc->to])
                continue;
            w->seen[arc->to] = true;
            w->at[arc->to] = w->g->first[arc->to];
            w->stack[depth++] = arc->to;
        }
    }
    return left;
}

/* Kosaraju's: walk forwards, then backwards from who was left last. */
enum err coarse_circles(struct arena *arena, const struct coarse *g,
                        uint32_t *out_map, uint32_t *out_n)
{
    uint32_t *order = arena_calloc(arena, g->n, sizeof(*order));
    uint32_t *found = arena_calloc(arena, g->n, sizeof(*found));
    struct walk w = {g, ARC_OUT, arena_calloc(arena, g->n, sizeof(uint32_t)),
                     arena_calloc(arena, g->n, sizeof(uint32_t)),
                     arena_calloc(arena, g->n, sizeof(bool))};
    uint32_t done = 0;
    if (order == NULL || found == NULL || w.stack == NULL || w.at == NULL ||
        w.seen == NULL)
        return ERR_NOMEM;
    for (uint32_t u = 0; u < g->n; u++) {
        if (!w.seen[u])
            done += walk_from(&w, u, order + done);
    }
    CHECK(done == g->n);
    memset(w.seen, 0, g->n * sizeof(bool));
    w.along = ARC_IN;
    *out_n = 0;
    for (uint32_t i = g->n; i-- > 0;) {
        uint32_t count;
        if (w.seen[order[i]])
            continue;
        count = walk_from(&w, order[i], found);
        for (uint32_t k = 0; k < count; k++)
            out_map[found[k]] = *out_n;
        ++*out_n;
    }
    return OK;
}
