#include "sched/cut/match.h"

#include "base/check.h"

#define NONE UINT32_MAX

enum role { ALONE, FIRST, SECOND, BESIDE };

struct match {
    const struct coarse *g;
    const struct match_rules *rules;
    uint32_t *mate; /* NONE: none */
    uint32_t *top;
    uint8_t *role;
};

/* Does an arc of u lead, in this direction, to another pair's end in `role`, on
 * the step given? */
static bool meets(const struct match *m, uint32_t u, uint32_t flow,
                  uint32_t top, enum role role)
{
    for (uint32_t i = m->g->first[u]; i < m->g->first[u + 1]; i++) {
        const struct coarse_arc *arc = &m->g->arcs[i];
        if ((arc->flow & flow) != 0 && m->top[arc->to] == top &&
            m->role[arc->to] == role)
            return true;
    }
    return false;
}

static bool may_join(const struct match *m, uint32_t u, uint32_t v)
{
    const struct cut_unit *a = &m->g->units[u];
    const struct cut_unit *b = &m->g->units[v];
    uint32_t before = u;
    uint32_t after = v;
    if (m->mate[v] != NONE || u == v ||
        a->size + b->size > m->rules->size_max ||
        !unit_joins(m->rules->boxes, a, b))
        return false;
    if (!m->rules->ordered || m->top[u] == m->top[v])
        return true;
    if (m->top[u] > m->top[v]) {
        before = v;
        after = u;
    }
    if (m->top[before] + 1 != m->top[after])
        return false;
    return !meets(m, before, ARC_OUT, m->top[after], SECOND) ||
           !meets(m, after, ARC_IN, m->top[before], FIRST);
}

static void join(struct match *m, uint32_t u, uint32_t v)
{
    m->mate[u] = v;
    m->mate[v] = u;
    m->role[u] = m->role[v] = BESIDE;
    if (!m->rules->ordered || m->top[u] == m->top[v])
        return;
    m->role[u] = m->top[u] < m->top[v] ? FIRST : SECOND;
    m->role[v] = m->top[u] < m->top[v] ? SECOND : FIRST;
}

/* More is better; both parts below 2^64. */
struct liking {
    bool same; /* boxes */
    uint64_t weight;
    uint64_t size;
};

static bool likes_more(const struct liking *a, const struct liking *b)
{
    __extension__ typedef unsigned __int128 wide;
    if (a->same != b->same)
        return a->same;
    return (wide)a->weight * b->size > (wide)b->weight * a->size;
}

/* The best neighbour that u may be joined with; the first among equals. */
static uint32_t best_mate(const struct match *m, uint32_t u)
{
    const struct cut_unit *units = m->g->units;
    struct liking best = {false, 0, 1};
    uint32_t mate = NONE;
    for (uint32_t i = m->g->first[u]; i < m->g->first[u + 1]; i++) {
        const struct coarse_arc *arc = &m->g->arcs[i];
        struct liking now = {units[u].boxes == units[arc->to].boxes,
                             arc->weight, 1};
        if (m->rules->by_size)
            now.size += units[u].size + units[arc->to].size;
        if (mate != NONE && !likes_more(&now, &best))
            continue;
        if (!may_join(m, u, arc->to))
            continue;
        best = now;
        mate = arc->to;
    }
    return mate;
}

/* Units that share the neighbour x and have no mate: two and two, as they
 * come. On the same step only, which is always safe. */
static void join_siblings(struct match *m, uint32_t x)
{
    uint32_t waiting = NONE;
    for (uint32_t i = m->g->first[x]; i < m->g->first[x + 1]; i++) {
        uint32_t u = m->g->arcs[i].to;
        if (m->mate[u] != NONE)
            continue;
        if (waiting != NONE &&
            m->g->units[u].boxes == m->g->units[waiting].boxes &&
            m->top[u] == m->top[waiting] && may_join(m, u, waiting)) {
            join(m, u, waiting);
            waiting = NONE;
            continue;
        }
        waiting = u;
    }
}

static void shuffle(uint32_t *order, uint32_t n, struct dice *dice)
{
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t k = (uint32_t)dice_below(dice, i);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }
}

/* A pair is numbered where its lower end stands. */
static uint32_t number(const struct match *m, uint32_t *out_map)
{
    uint32_t n = 0;
    for (uint32_t u = 0; u < m->g->n; u++) {
        bool second = m->mate[u] != NONE && m->mate[u] < u;
        out_map[u] = second ? out_map[m->mate[u]] : n++;
    }
    return n;
}

enum err match_pairs(struct arena *arena, const struct coarse *g,
                     const struct match_rules *rules, struct dice *dice,
                     uint32_t *out_map, uint32_t *out_n)
{
    struct match m = {g, rules, arena_calloc(arena, g->n, sizeof(uint32_t)),
                      arena_calloc(arena, g->n, sizeof(uint32_t)),
                      arena_calloc(arena, g->n, sizeof(uint8_t))};
    uint32_t *order = arena_calloc(arena, g->n, sizeof(*order));
    bool dag = true;
    if (m.mate == NULL || m.top == NULL || m.role == NULL || order == NULL)
        return ERR_NOMEM;
    if (rules->ordered)
        TRY(coarse_levels(arena, g, m.top, &dag));
    CHECK(dag);
    for (uint32_t u = 0; u < g->n; u++)
        m.mate[u] = NONE;
    shuffle(order, g->n, dice);
    for (uint32_t i = 0; i < g->n; i++) {
        uint32_t v = m.mate[order[i]] != NONE ? NONE : best_mate(&m, order[i]);
        if (v != NONE)
            join(&m, order[i], v);
    }
    for (uint32_t x = 0; x < g->n; x++)
        join_siblings(&m, x);
    *out_n = number(&m, out_map);
    return OK;
}
