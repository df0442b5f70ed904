#include "sched/cut/refine.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sched/cut/quotient.h"

#define NONE        UINT32_MAX
#define PASSES      8u
#define SPARE_UNITS 200u /* in larger graphs units follow their arcs */
#define DOWNHILL    48u  /* moves in a row that gain nothing */

struct move {
    int64_t gain;
    uint32_t unit;
    uint32_t to;
};

/* The work of one call. */
struct mover {
    struct refine *r;
    bool exact;               /* circles are looked for, in: */
    struct quotient quotient; /* else parts stand in a row */
    bool spare;     /* units may go where no arc leads, and open a part */
    uint32_t *held; /* units in each part */
    struct cut_unit *sums; /* of each part; places, apart and least may be
                              stricter than what is there until summed anew */
    uint64_t *touch;       /* weight from the unit looked at to each part */
    uint32_t *touched;     /* which parts, in the order of its arcs */
    uint32_t touched_count;
    struct move *heap;
    uint32_t heap_count;
    uint32_t heap_room;
    bool *moved;
    struct move *log; /* `to` is where it came from */
    uint32_t log_count;
};

uint64_t refine_cut(const struct coarse *g, const uint32_t *part)
{
    uint64_t sum = 0;
    for (uint32_t u = 0; u < g->n; u++) {
        for (uint32_t i = g->first[u]; i < g->first[u + 1]; i++)
            sum += part[u] < part[g->arcs[i].to] ? g->arcs[i].weight : 0;
    }
    return sum;
}

static void sum_anew(struct mover *m)
{
    const struct coarse *g = m->r->g;
    memset(m->held, 0, m->r->k * sizeof(*m->held));
    for (uint32_t p = 0; p < m->r->k; p++)
        unit_clear(&m->sums[p]);
    for (uint32_t u = 0; u < g->n; u++) {
        unit_add(&m->sums[m->r->part[u]], &g->units[u]);
        m->held[m->r->part[u]]++;
    }
}

static enum err mover_init(struct mover *m, struct refine *r)
{
    size_t n = r->g->n;
    size_t arcs = r->g->first[r->g->n];
    memset(m, 0, sizeof(*m));
    m->r = r;
    m->sums = arena_calloc(r->arena, r->k, sizeof(*m->sums));
    m->touch = arena_calloc(r->arena, r->k, sizeof(*m->touch));
    m->touched = arena_calloc(r->arena, r->k + 1, sizeof(*m->touched));
    m->held = arena_calloc(r->arena, r->k, sizeof(*m->held));
    m->moved = arena_calloc(r->arena, n, sizeof(*m->moved));
    m->log = arena_calloc(r->arena, n, sizeof(*m->log));
    m->heap_room = (uint32_t)(n + 2 * arcs + 1);
    m->heap = arena_calloc(r->arena, m->heap_room, sizeof(*m->heap));
    if (m->sums == NULL || m->touch == NULL || m->touched == NULL ||
        m->held == NULL || m->moved == NULL || m->log == NULL ||
        m->heap == NULL)
        return ERR_NOMEM;
    sum_anew(m);
    m->exact = r->ordered && r->boxes != NULL && r->k <= QUOTIENT_PARTS_MAX;
    m->spare = r->boxes != NULL && r->g->n <= SPARE_UNITS;
    return m->exact ? quotient_init(&m->quotient, r->arena, r->g, r->part, r->k)
                    : OK;
}

/* ---- a heap of moves, the best on top ---- */

static bool better(const struct move *a, const struct move *b)
{
    if (a->gain != b->gain)
        return a->gain > b->gain;
    return a->unit != b->unit ? a->unit < b->unit : a->to < b->to;
}

static void push(struct mover *m, struct move move)
{
    uint32_t i = m->heap_count;
    if (i == m->heap_room)
        return; /* its unit has older moves there, looked at when they come */
    m->heap_count++;
    while (i > 0 && better(&move, &m->heap[(i - 1) / 2])) {
        m->heap[i] = m->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    m->heap[i] = move;
}

static struct move pop(struct mover *m)
{
    struct move top = m->heap[0];
    struct move last = m->heap[--m->heap_count];
    uint32_t i = 0;
    for (;;) {
        uint32_t next = 2 * i + 1;
        if (next >= m->heap_count)
            break;
        if (next + 1 < m->heap_count &&
            better(&m->heap[next + 1], &m->heap[next]))
            next++;
        if (!better(&m->heap[next], &last))
            break;
        m->heap[i] = m->heap[next];
        i = next;
    }
    m->heap[i] = last;
    return top;
}

/* ---- one unit ---- */

/* Do the flow arcs of u lead forwards, were it in this part? */
static bool in_row(const struct refine *r, uint32_t u, uint32_t part)
{
    const struct coarse *g = r->g;
    if (!r->ordered)
        return true;
    for (uint32_t i = g->first[u]; i < g->first[u + 1]; i++) {
        uint32_t other = r->part[g->arcs[i].to];
        if (((g->arcs[i].flow & ARC_OUT) != 0 && other < part) ||
            ((g->arcs[i].flow & ARC_IN) != 0 && other > part))
            return false;
    }
    return true;
}

/* Would all be as ordered as before, were it there? */
static bool in_order(struct mover *m, uint32_t u, uint32_t part)
{
    if (m->exact)
        return quotient_may_move(&m->quotient, u, part);
    return in_row(m->r, u, part);
}

static bool has_room(const struct mover *m, uint32_t u, uint32_t to)
{
    const struct refine *r = m->r;
    uint64_t size = r->g->units[u].size;
    uint64_t first = m->sums[0].size;
    if (r->boxes != NULL)
        return unit_joins(r->boxes, &m->sums[to], &r->g->units[u]);
    if (to == 0)
        return first + size <= r->most;
    return first >= size && first - size >= r->least;
}

/* Fills touch[] for u, and touched[] but for its own part. */
static void look_around(struct mover *m, uint32_t u)
{
    const struct coarse *g = m->r->g;
    for (uint32_t i = 0; i < m->touched_count; i++)
        m->touch[m->touched[i]] = 0;
    m->touched_count = 0;
    m->touch[m->r->part[u]] = 0;
    for (uint32_t i = g->first[u]; i < g->first[u + 1]; i++)
        m->touch[m->r->part[g->arcs[i].to]] = 0;
    for (uint32_t i = g->first[u]; i < g->first[u + 1]; i++) {
        uint32_t part = m->r->part[g->arcs[i].to];
        if (m->touch[part] == 0 && part != m->r->part[u] &&
            g->arcs[i].weight > 0)
            m->touched[m->touched_count++] = part;
        m->touch[part] += g->arcs[i].weight;
    }
}

/* Parts that no arc leads to, and the first empty one, are worth a look, too:
 * who steps aside clears the way for others. */
static void look_further(struct mover *m, uint32_t u)
{
    bool empty = m->held[m->r->part[u]] == 1;
    for (uint32_t p = 0; p < m->r->k; p++) {
        if (p == m->r->part[u] || m->touch[p] > 0 || (m->held[p] == 0 && empty))
            continue;
        m->touched[m->touched_count++] = p;
        empty = empty || m->held[p] == 0;
    }
}

/* The best move of u, or to NONE. */
static struct move best_move(struct mover *m, uint32_t u)
{
    struct move best = {INT64_MIN, u, NONE};
    look_around(m, u);
    if (m->spare)
        look_further(m, u);
    for (uint32_t i = 0; i < m->touched_count; i++) {
        uint32_t to = m->touched[i];
        struct move move = {
            (int64_t)m->touch[to] - (int64_t)m->touch[m->r->part[u]], u, to};
        if (best.to != NONE && !better(&move, &best))
            continue;
        if (has_room(m, u, to) && in_order(m, u, to))
            best = move;
    }
    return best;
}

static void put(struct mover *m, uint32_t u, uint32_t to)
{
    struct cut_unit *from = &m->sums[m->r->part[u]];
    const struct cut_unit *unit = &m->r->g->units[u];
    for (uint32_t r = 0; r < RES_COUNT; r++)
        from->want[r] -= unit->want[r];
    from->size -= unit->size;
    if (--m->held[m->r->part[u]] == 0)
        unit_clear(from);
    m->held[to]++;
    unit_add(&m->sums[to], unit);
    if (m->exact)
        quotient_move(&m->quotient, u, to);
    m->r->part[u] = to;
}

static void push_best(struct mover *m, uint32_t u)
{
    struct move move = best_move(m, u);
    if (move.to != NONE)
        push(m, move);
}

/* ---- a pass ---- */

static void undo_to(struct mover *m, uint32_t kept)
{
    while (m->log_count > kept) {
        const struct move *move = &m->log[--m->log_count];
        put(m, move->unit, move->to);
    }
}

/* Moves it, and looks again at who is next to it. */
static void make_move(struct mover *m, const struct move *move)
{
    const struct coarse *g = m->r->g;
    uint32_t u = move->unit;
    m->log[m->log_count++] = (struct move){move->gain, u, m->r->part[u]};
    put(m, u, move->to);
    m->moved[u] = true;
    for (uint32_t i = g->first[u]; i < g->first[u + 1]; i++) {
        if (!m->moved[g->arcs[i].to])
            push_best(m, g->arcs[i].to);
    }
}

/* What the pass gained. */
static int64_t pass(struct mover *m)
{
    int64_t gain = 0;
    int64_t best = 0;
    uint32_t kept = 0;
    memset(m->moved, 0, m->r->g->n * sizeof(*m->moved));
    m->heap_count = m->log_count = 0;
    for (uint32_t u = 0; u < m->r->g->n; u++)
        push_best(m, u);
    while (m->heap_count > 0 && m->log_count < kept + DOWNHILL) {
        struct move top = pop(m);
        struct move move;
        if (m->moved[top.unit])
            continue;
        move = best_move(m, top.unit);
        if (move.to == NONE)
            continue;
        if (better(&top, &move)) { /* it got worse: wait for its turn */
            push(m, move);
            continue;
        }
        make_move(m, &move);
        gain += move.gain;
        if (gain > best) {
            best = gain;
            kept = m->log_count;
        }
    }
    undo_to(m, kept);
    sum_anew(m);
    return best;
}

enum err refine_moves(struct refine *r)
{
    struct mover m;
    TRY(mover_init(&m, r));
    for (uint32_t i = 0; i < PASSES; i++) {
        if (pass(&m) == 0)
            break;
    }
    return OK;
}

/* ---- kicks ---- */

enum err refine_kick(struct refine *r, struct dice *dice, uint32_t count)
{
    struct mover m;
    TRY(mover_init(&m, r));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t u = (uint32_t)dice_below(dice, r->g->n);
        uint32_t to = (uint32_t)dice_below(dice, r->k);
        if (to != r->part[u] && has_room(&m, u, to) && in_order(&m, u, to)) {
            put(&m, u, to);
            sum_anew(&m);
        }
    }
    return OK;
}

/* ---- exchanges ---- */

/* Units looked at by one call of refine_exchanges, at most. */
#define EXCHANGE_STEPS 4000000u

static uint64_t between(const struct coarse *g, uint32_t u, uint32_t v)
{
    for (uint32_t i = g->first[u]; i < g->first[u + 1]; i++) {
        if (g->arcs[i].to == v)
            return g->arcs[i].weight;
    }
    return 0;
}

/* Do both parts fit a box when u and v have changed places? */
static bool exchange_fits(const struct mover *m, uint32_t u, uint32_t v)
{
    const struct refine *r = m->r;
    struct cut_unit a;
    struct cut_unit b;
    uint64_t groups_a = 0;
    uint64_t groups_b = 0;
    bool apart = true;
    unit_clear(&a);
    unit_clear(&b);
    for (uint32_t w = 0; w < r->g->n && apart; w++) {
        uint32_t part = w == u ? r->part[v] : w == v ? r->part[u] : r->part[w];
        const struct cut_unit *unit = &r->g->units[w];
        if (part == r->part[u]) {
            apart = (groups_a & unit->apart) == 0;
            groups_a |= unit->apart;
            unit_add(&a, unit);
        } else if (part == r->part[v]) {
            apart = (groups_b & unit->apart) == 0;
            groups_b |= unit->apart;
            unit_add(&b, unit);
        }
    }
    return apart && unit_fits(r->boxes, &a) && unit_fits(r->boxes, &b);
}

static bool exchange_in_order(struct mover *m, uint32_t u, uint32_t v)
{
    struct refine *r = m->r;
    uint32_t pu = r->part[u];
    uint32_t pv = r->part[v];
    bool ok;
    if (!r->ordered)
        return true;
    if (m->exact)
        return quotient_may_exchange(&m->quotient, u, v);
    r->part[u] = pv;
    r->part[v] = pu;
    ok = in_row(r, u, pv) && in_row(r, v, pu);
    r->part[u] = pu;
    r->part[v] = pv;
    return ok;
}

/* Sums by which a quick look refuses most exchanges: want alone. */
static bool sums_allow(const struct mover *m, uint32_t u, uint32_t v)
{
    const struct refine *r = m->r;
    const uint64_t *most = r->boxes->most;
    for (uint32_t d = 0; d < RES_COUNT; d++) {
        uint64_t wu = r->g->units[u].want[d];
        uint64_t wv = r->g->units[v].want[d];
        if (m->sums[r->part[u]].want[d] - wu + wv > most[d] ||
            m->sums[r->part[v]].want[d] - wv + wu > most[d])
            return false;
    }
    return true;
}

/* Weight of v towards `to`, less what ties it to its own part. */
static int64_t pull(const struct refine *r, uint32_t v, uint32_t to)
{
    const struct coarse *g = r->g;
    int64_t sum = 0;
    for (uint32_t i = g->first[v]; i < g->first[v + 1]; i++) {
        uint32_t part = r->part[g->arcs[i].to];
        if (part == to)
            sum += (int64_t)g->arcs[i].weight;
        else if (part == r->part[v])
            sum -= (int64_t)g->arcs[i].weight;
    }
    return sum;
}

/* The first exchange of u with a unit of `to` that gains. */
static bool exchange_one(struct mover *m, uint32_t u, uint32_t to,
                         uint64_t *steps)
{
    struct refine *r = m->r;
    int64_t mine = pull(r, u, to);
    for (uint32_t v = 0; v < r->g->n && *steps < EXCHANGE_STEPS; v++) {
        ++*steps;
        if (r->part[v] != to)
            continue;
        if (mine + pull(r, v, r->part[u]) - 2 * (int64_t)between(r->g, u, v) <=
                0 ||
            !sums_allow(m, u, v) || !exchange_in_order(m, u, v))
            continue;
        *steps += r->g->n;
        if (!exchange_fits(m, u, v))
            continue;
        put(m, v, r->part[u]);
        put(m, u, to);
        sum_anew(m);
        return true;
    }
    return false;
}

static bool exchange_any(struct mover *m, uint32_t u, uint64_t *steps)
{
    uint32_t parts[16];
    uint32_t count = 0;
    look_around(m, u);
    for (uint32_t i = 0; i < m->touched_count && count < 16; i++)
        parts[count++] = m->touched[i];
    for (uint32_t i = 0; i < count; i++) {
        if (exchange_one(m, u, parts[i], steps))
            return true;
    }
    return false;
}

enum err refine_exchanges(struct refine *r)
{
    struct mover m;
    uint64_t steps = 0;
    bool again = true;
    CHECK(r->boxes != NULL);
    TRY(mover_init(&m, r));
    while (again && steps < EXCHANGE_STEPS) {
        again = false;
        for (uint32_t u = 0; u < r->g->n && steps < EXCHANGE_STEPS; u++)
            again = exchange_any(&m, u, &steps) || again;
    }
    return OK;
}

/* ---- joining ---- */

struct pair {
    uint64_t weight;
    uint32_t a;
    uint32_t b;
};

/* The heaviest pair of parts that fit one box and close no circle. */
static struct pair heaviest_pair(const struct coarse *parts,
                                 const struct cut_boxes *boxes,
                                 const struct quotient *q)
{
    struct pair best = {0, NONE, NONE};
    for (uint32_t a = 0; a < parts->n; a++) {
        for (uint32_t i = parts->first[a]; i < parts->first[a + 1]; i++) {
            const struct coarse_arc *arc = &parts->arcs[i];
            if (arc->to > a && arc->weight > best.weight &&
                unit_joins(boxes, &parts->units[a], &parts->units[arc->to]) &&
                (q == NULL || quotient_may_join(q, a, arc->to)))
                best = (struct pair){arc->weight, a, arc->to};
        }
    }
    return best;
}

enum err refine_joins(struct refine *r)
{
    uint32_t *map = arena_calloc(r->arena, r->k, sizeof(*map));
    CHECK(r->boxes != NULL && r->k <= QUOTIENT_PARTS_MAX);
    if (map == NULL)
        return ERR_NOMEM;
    for (;;) {
        struct coarse parts;
        struct quotient q;
        struct pair pair;
        TRY(refine_number(r));
        for (uint32_t p = 0; p < r->k; p++)
            map[p] = p;
        TRY(coarse_contract(r->arena, r->g, r->part, r->k, &parts));
        TRY(quotient_init(&q, r->arena, &parts, map, r->k));
        pair = heaviest_pair(&parts, r->boxes, r->ordered ? &q : NULL);
        if (pair.a == NONE)
            return OK;
        for (uint32_t u = 0; u < r->g->n; u++)
            r->part[u] = r->part[u] == pair.b ? pair.a : r->part[u];
    }
}

/* ---- numbers ---- */

enum err refine_number(struct refine *r)
{
    uint32_t n = r->g->n;
    uint32_t *name = arena_calloc(r->arena, r->k, sizeof(*name));
    uint32_t *row = arena_calloc(r->arena, r->k, sizeof(*row));
    struct coarse parts;
    uint32_t used = 0;
    uint32_t circles = 0;
    if (name == NULL || row == NULL)
        return ERR_NOMEM;
    memset(name, 0xff, r->k * sizeof(*name));
    for (uint32_t u = 0; u < n; u++) {
        if (name[r->part[u]] == NONE)
            name[r->part[u]] = used++;
        r->part[u] = name[r->part[u]];
    }
    r->k = used;
    if (!r->ordered)
        return OK;
    TRY(coarse_contract(r->arena, r->g, r->part, used, &parts));
    TRY(coarse_circles(r->arena, &parts, row, &circles));
    CHECK(circles == used);
    for (uint32_t u = 0; u < n; u++)
        r->part[u] = row[r->part[u]];
    return OK;
}
