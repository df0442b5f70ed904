#include "sched/cut/quotient.h"

#include <string.h>

#include "base/check.h"

static uint64_t bit(uint32_t part)
{
    return UINT64_C(1) << part;
}

static void add_flow(struct quotient *q, uint32_t from, uint32_t to)
{
    if (from == to)
        return;
    q->count[from * q->k + to]++;
    q->next[from] |= bit(to);
}

static void take_flow(struct quotient *q, uint32_t from, uint32_t to)
{
    uint32_t *count = &q->count[from * q->k + to];
    if (from == to)
        return;
    CHECK(*count > 0);
    if (--*count == 0)
        q->next[from] &= ~bit(to);
}

enum err quotient_init(struct quotient *q, struct arena *arena,
                       const struct coarse *g, uint32_t *part, uint32_t k)
{
    CHECK(k <= QUOTIENT_PARTS_MAX);
    memset(q, 0, sizeof(*q));
    q->g = g;
    q->part = part;
    q->k = k;
    q->count = arena_calloc(arena, (size_t)k * k, sizeof(*q->count));
    if (q->count == NULL)
        return ERR_NOMEM;
    for (uint32_t u = 0; u < g->n; u++) {
        for (uint32_t i = g->first[u]; i < g->first[u + 1]; i++) {
            if ((g->arcs[i].flow & ARC_OUT) != 0)
                add_flow(q, part[u], part[g->arcs[i].to]);
        }
    }
    return OK;
}

void quotient_move(struct quotient *q, uint32_t unit, uint32_t to)
{
    const struct coarse *g = q->g;
    uint32_t from = q->part[unit];
    for (uint32_t i = g->first[unit]; i < g->first[unit + 1]; i++) {
        uint32_t other = q->part[g->arcs[i].to];
        if ((g->arcs[i].flow & ARC_OUT) != 0) {
            take_flow(q, from, other);
            add_flow(q, to, other);
        }
        if ((g->arcs[i].flow & ARC_IN) != 0) {
            take_flow(q, other, from);
            add_flow(q, other, to);
        }
    }
    q->part[unit] = to;
}

/* Parts that can be reached from those of the mask, them included. */
static uint64_t reach(const struct quotient *q, uint64_t from)
{
    uint64_t seen = 0;
    uint64_t left = from;
    while (left != 0) {
        uint32_t p = (uint32_t)__builtin_ctzll(left);
        seen |= bit(p);
        from |= q->next[p];
        left = from & ~seen;
    }
    return from;
}

bool quotient_circle(const struct quotient *q, uint32_t part)
{
    return (reach(q, q->next[part]) & bit(part)) != 0;
}

bool quotient_may_move(struct quotient *q, uint32_t unit, uint32_t to)
{
    uint32_t from = q->part[unit];
    bool may;
    quotient_move(q, unit, to);
    may = !quotient_circle(q, to);
    quotient_move(q, unit, from);
    return may;
}

bool quotient_may_exchange(struct quotient *q, uint32_t u, uint32_t v)
{
    uint32_t pu = q->part[u];
    uint32_t pv = q->part[v];
    bool may;
    quotient_move(q, u, pv);
    quotient_move(q, v, pu);
    may = !quotient_circle(q, pu) && !quotient_circle(q, pv);
    quotient_move(q, v, pv);
    quotient_move(q, u, pu);
    return may;
}

bool quotient_may_join(const struct quotient *q, uint32_t a, uint32_t b)
{
    uint64_t both = bit(a) | bit(b);
    uint64_t out = (q->next[a] | q->next[b]) & ~both;
    return (reach(q, out) & both) == 0;
}
