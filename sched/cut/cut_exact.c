#include "sched/cut/cut_exact.h"

#include <string.h>

#include "base/check.h"

#define UNITS CUT_EXACT_UNITS_MAX

struct search {
    const struct cut_boxes *boxes;
    uint32_t n;
    bool ordered;
    struct cut_unit units[UNITS];
    uint64_t weight[UNITS][UNITS];
    uint32_t after[UNITS]; /* units to which flow arcs lead, as a mask */
    struct cut_unit sums[UNITS];
    uint32_t members[UNITS]; /* of each part, as a mask */
    uint32_t parts;
    uint32_t part[UNITS];
    uint64_t steps;
    uint64_t best;
    uint32_t best_parts;
    uint32_t best_part[UNITS];
};

/* Parts led to from part p, as a mask, of those units that are placed. */
static uint32_t next_parts(const struct search *s, uint32_t p)
{
    uint32_t units = 0;
    uint32_t next = 0;
    for (uint32_t u = 0; u < s->n; u++) {
        if ((s->members[p] >> u & 1) != 0)
            units |= s->after[u];
    }
    for (uint32_t q = 0; q < s->parts; q++) {
        if (q != p && (units & s->members[q]) != 0)
            next |= UINT32_C(1) << q;
    }
    return next;
}

/* Takes away parts that nothing leads to, until none is left: a circle stays.
 */
static bool has_circle(const struct search *s)
{
    uint32_t next[UNITS];
    uint32_t left = (UINT32_C(1) << s->parts) - 1;
    for (uint32_t p = 0; p < s->parts; p++)
        next[p] = next_parts(s, p);
    for (uint32_t led = 0; left != 0;) {
        led = 0;
        for (uint32_t p = 0; p < s->parts; p++)
            led |= (left >> p & 1) != 0 ? next[p] : 0;
        if ((left & ~led) == 0)
            return true;
        left &= led;
    }
    return false;
}

static bool is_worse(const struct search *s, uint64_t cut)
{
    return cut > s->best || (cut == s->best && s->parts >= s->best_parts);
}

/* What unit u adds to the cut when it goes to part p. */
static uint64_t cost_of(const struct search *s, uint32_t u, uint32_t p)
{
    uint64_t cost = 0;
    for (uint32_t v = 0; v < u; v++)
        cost += s->part[v] == p ? 0 : s->weight[u][v];
    return cost;
}

static void place_rest(struct search *s, uint32_t u, uint64_t cut);

static void place_at(struct search *s, uint32_t u, uint32_t p, uint64_t cut)
{
    struct cut_unit kept = s->sums[p];
    bool opens = p == s->parts;
    uint64_t now = cut + cost_of(s, u, p);
    if (s->steps == 0)
        return;
    s->steps--;
    if (opens)
        unit_clear(&s->sums[p]);
    if (unit_joins(s->boxes, &s->sums[p], &s->units[u])) {
        s->parts += opens;
        s->members[p] |= UINT32_C(1) << u;
        s->part[u] = p;
        unit_add(&s->sums[p], &s->units[u]);
        if (!is_worse(s, now) && (!s->ordered || !has_circle(s)))
            place_rest(s, u + 1, now);
        s->members[p] &= ~(UINT32_C(1) << u);
        s->parts -= opens;
    }
    s->sums[p] = kept;
}

static void place_rest(struct search *s, uint32_t u, uint64_t cut)
{
    uint32_t parts = s->parts;
    if (u == s->n) {
        s->best = cut;
        s->best_parts = s->parts;
        memcpy(s->best_part, s->part, sizeof(s->part));
        return;
    }
    for (uint32_t p = 0; p <= parts; p++)
        place_at(s, u, p, cut);
}

/* Heavy units first: what is bad shows early. */
static void sort_units(const struct coarse *g, uint32_t *order)
{
    uint64_t incident[UNITS] = {0};
    for (uint32_t u = 0; u < g->n; u++) {
        for (uint32_t i = g->first[u]; i < g->first[u + 1]; i++)
            incident[u] += g->arcs[i].weight;
        order[u] = u;
        for (uint32_t i = u;
             i > 0 && incident[order[i]] > incident[order[i - 1]]; i--) {
            uint32_t swap = order[i];
            order[i] = order[i - 1];
            order[i - 1] = swap;
        }
    }
}

static void load(struct search *s, const struct coarse *g,
                 const uint32_t *order)
{
    uint32_t at[UNITS] = {0};
    for (uint32_t i = 0; i < g->n; i++)
        at[order[i]] = i;
    for (uint32_t i = 0; i < g->n; i++) {
        uint32_t u = order[i];
        s->units[i] = g->units[u];
        CHECK(unit_fits(s->boxes, &g->units[u]));
        for (uint32_t a = g->first[u]; a < g->first[u + 1]; a++) {
            const struct coarse_arc *arc = &g->arcs[a];
            s->weight[i][at[arc->to]] = arc->weight;
            if ((arc->flow & ARC_OUT) != 0)
                s->after[i] |= UINT32_C(1) << at[arc->to];
        }
    }
}

void cut_exact(const struct coarse *g, const struct cut_boxes *boxes,
               bool ordered, uint64_t steps, uint32_t *part, uint32_t *k,
               uint64_t *cut, bool *out_proven)
{
    struct search s = {.boxes = boxes,
                       .n = g->n,
                       .ordered = ordered,
                       .steps = steps,
                       .best = *cut,
                       .best_parts = *k};
    uint32_t order[UNITS] = {0};
    CHECK(g->n > 0 && g->n <= UNITS);
    sort_units(g, order);
    load(&s, g, order);
    place_rest(&s, 0, 0);
    *out_proven = s.steps > 0;
    if (s.best == *cut && s.best_parts == *k)
        return;
    for (uint32_t i = 0; i < g->n; i++)
        part[order[i]] = s.best_part[i];
    *cut = s.best;
    *k = s.best_parts;
}
