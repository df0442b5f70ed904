#include "sched/cut/bisect.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sched/cut/refine.h"

#define GROWTHS 4u

/* ---- growing one half ---- */

struct wish {
    uint64_t pull; /* weight towards those taken */
    uint32_t unit;
};

struct growth {
    const struct coarse *g;
    bool ordered;
    uint32_t behind; /* ARC_IN: from the first units on; ARC_OUT: from the last
                        units backwards */
    uint64_t *pull;
    uint32_t *waits; /* arcs from units that must be taken before it */
    bool *taken;
    uint32_t *order; /* out */
    struct wish *heap;
    uint32_t heap_count;
};

static bool before(const struct wish *a, const struct wish *b)
{
    return a->pull != b->pull ? a->pull > b->pull : a->unit < b->unit;
}

static void wish_push(struct growth *w, uint32_t unit)
{
    struct wish wish = {w->pull[unit], unit};
    uint32_t i = w->heap_count++;
    while (i > 0 && before(&wish, &w->heap[(i - 1) / 2])) {
        w->heap[i] = w->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    w->heap[i] = wish;
}

static struct wish wish_pop(struct growth *w)
{
    struct wish top = w->heap[0];
    struct wish last = w->heap[--w->heap_count];
    uint32_t i = 0;
    for (;;) {
        uint32_t next = 2 * i + 1;
        if (next >= w->heap_count)
            break;
        if (next + 1 < w->heap_count &&
            before(&w->heap[next + 1], &w->heap[next]))
            next++;
        if (!before(&w->heap[next], &last))
            break;
        w->heap[i] = w->heap[next];
        i = next;
    }
    w->heap[i] = last;
    return top;
}

/* Every unit once, and once more for each arc to it. */
static enum err growth_init(struct arena *arena, const struct coarse *g,
                            bool ordered, struct growth *out)
{
    size_t n = g->n;
    out->g = g;
    out->ordered = ordered;
    out->pull = arena_calloc(arena, n, sizeof(*out->pull));
    out->waits = arena_calloc(arena, n, sizeof(*out->waits));
    out->taken = arena_calloc(arena, n, sizeof(*out->taken));
    out->order = arena_calloc(arena, n, sizeof(*out->order));
    out->heap = arena_calloc(arena, n + g->first[n] + 1, sizeof(*out->heap));
    if (out->pull == NULL || out->waits == NULL || out->taken == NULL ||
        out->order == NULL || out->heap == NULL)
        return ERR_NOMEM;
    return OK;
}

/* All of them in the order in which they are taken; `start` goes first if it
 * may. */
static void grow(struct growth *w, uint32_t behind, uint32_t start)
{
    const struct coarse *g = w->g;
    uint32_t ahead = behind == ARC_IN ? ARC_OUT : ARC_IN;
    uint32_t count = 0;
    w->heap_count = 0;
    w->behind = behind;
    memset(w->pull, 0, g->n * sizeof(*w->pull));
    memset(w->waits, 0, g->n * sizeof(*w->waits));
    memset(w->taken, 0, g->n * sizeof(*w->taken));
    for (uint32_t u = 0; u < g->n; u++) {
        for (uint32_t i = g->first[u]; i < g->first[u + 1]; i++)
            w->waits[u] += w->ordered && (g->arcs[i].flow & behind) != 0;
        w->pull[u] = u == start ? UINT64_MAX : 0;
        if (w->waits[u] == 0)
            wish_push(w, u);
        w->pull[u] = 0;
    }
    while (w->heap_count > 0) {
        struct wish wish = wish_pop(w);
        if (w->taken[wish.unit])
            continue;
        w->taken[wish.unit] = true;
        w->order[count++] = wish.unit;
        for (uint32_t i = g->first[wish.unit]; i < g->first[wish.unit + 1];
             i++) {
            uint32_t to = g->arcs[i].to;
            w->pull[to] += g->arcs[i].weight;
            if (w->ordered && (g->arcs[i].flow & ahead) != 0)
                w->waits[to]--;
            if (!w->taken[to] && w->waits[to] == 0)
                wish_push(w, to);
        }
    }
    CHECK(count == g->n);
}

/* ---- one cut ---- */

struct cut {
    uint64_t weight;
    uint64_t off;   /* size out of the window */
    uint32_t count; /* how many of the order are in the grown half */
};

struct window {
    uint64_t least;
    uint64_t most;
};

static uint64_t distance(const struct window *window, uint64_t size)
{
    if (size < window->least)
        return window->least - size;
    return size > window->most ? size - window->most : 0;
}

/* The cheapest place to stop, of those nearest to the window. */
static struct cut best_stop(struct growth *w, const struct window *window)
{
    const struct coarse *g = w->g;
    struct cut best = {0, UINT64_MAX, 0};
    uint64_t size = 0;
    uint64_t weight = 0;
    memset(w->taken, 0, g->n * sizeof(*w->taken));
    for (uint32_t c = 0; c + 1 < g->n; c++) {
        uint32_t u = w->order[c];
        uint64_t off;
        for (uint32_t i = g->first[u]; i < g->first[u + 1]; i++)
            weight = w->taken[g->arcs[i].to] ? weight - g->arcs[i].weight
                                             : weight + g->arcs[i].weight;
        w->taken[u] = true;
        size += g->units[u].size;
        off = distance(window, size);
        if (off < best.off || (off == best.off && weight < best.weight))
            best = (struct cut){weight, off, c + 1};
    }
    return best;
}

/* Where the first half should end: at the boxes that half of all want. */
static struct window window_of(const struct coarse *g, bool last_half)
{
    struct window window;
    uint64_t sum = 0;
    uint64_t boxes;
    uint64_t aim;
    uint64_t slack;
    for (uint32_t u = 0; u < g->n; u++)
        sum += g->units[u].size;
    boxes = (sum + COARSE_BOX - 1) / COARSE_BOX;
    if (boxes < 2)
        boxes = 2;
    aim = sum / boxes * (boxes / 2);
    slack = boxes > 2 || 2 * COARSE_BOX < sum ? sum / 10
                                              : (2 * COARSE_BOX - sum) / 2;
    if (slack > aim / 2)
        slack = aim / 2;
    if (last_half) /* the half that is grown backwards is the second one */
        aim = sum - aim;
    window.least = aim - slack;
    window.most = aim + slack;
    return window;
}

static void take(const struct growth *w, const struct cut *cut,
                 uint32_t *out_part)
{
    bool backwards = w->ordered && w->behind == ARC_OUT;
    for (uint32_t c = 0; c < w->g->n; c++)
        out_part[w->order[c]] = (c < cut->count) == backwards;
}

/* Part 0 and part 1, none of them empty. */
static enum err halve(struct arena *arena, const struct coarse *g, bool ordered,
                      struct dice *dice, uint32_t *out_part)
{
    struct growth w = {0};
    struct cut best = {0, UINT64_MAX, 0};
    struct window front = window_of(g, false);
    struct refine r = {g,       NULL, front.least, front.most,
                       ordered, 2,    out_part,    arena};
    uint32_t *grown = arena_calloc(arena, g->n, sizeof(*grown));
    uint32_t first = 0;
    if (grown == NULL)
        return ERR_NOMEM;
    TRY(growth_init(arena, g, ordered, &w));
    for (uint32_t i = 0; i < GROWTHS; i++) {
        uint32_t behind = ordered && i % 2 == 1 ? ARC_OUT : ARC_IN;
        struct window window = window_of(g, behind == ARC_OUT);
        struct cut cut;
        grow(&w, behind, (uint32_t)dice_below(dice, g->n));
        cut = best_stop(&w, &window);
        if (cut.off < best.off ||
            (cut.off == best.off && cut.weight < best.weight)) {
            best = cut;
            take(&w, &cut, out_part);
        }
    }
    memcpy(grown, out_part, g->n * sizeof(*grown));
    if (best.off == 0)
        TRY(refine_moves(&r));
    for (uint32_t u = 0; u < g->n; u++)
        first += out_part[u] == 0;
    if (first == 0 || first == g->n) /* units without size all went over */
        memcpy(out_part, grown, g->n * sizeof(*grown));
    return OK;
}

/* ---- all cuts ---- */

static bool fits(const struct coarse *g, const struct cut_boxes *boxes,
                 const uint32_t *members, uint32_t count)
{
    struct cut_unit sum;
    unit_clear(&sum);
    for (uint32_t i = 0; i < count; i++) {
        const struct cut_unit *unit = &g->units[members[i]];
        if ((sum.apart & unit->apart) != 0)
            return false;
        unit_add(&sum, unit);
    }
    return unit_fits(boxes, &sum);
}

/* Sorts the members by half; how many are in the first. ERR_NOMEM. */
static enum err cut_once(const struct coarse *g, bool ordered,
                         struct dice *dice, uint32_t *members, uint32_t count,
                         uint32_t *out_first)
{
    struct arena arena;
    struct coarse sub;
    uint32_t *part;
    uint32_t *second;
    uint32_t a = 0;
    uint32_t b = 0;
    enum err err;
    arena_init(&arena, CUT_SCRATCH_MAX);
    part = arena_calloc(&arena, count, sizeof(*part));
    second = arena_calloc(&arena, count, sizeof(*second));
    err = part == NULL || second == NULL
              ? ERR_NOMEM
              : coarse_subset(&arena, g, members, count, &sub);
    if (err == OK)
        err = halve(&arena, &sub, ordered, dice, part);
    for (uint32_t i = 0; err == OK && i < count; i++) {
        if (part[i] == 0)
            members[a++] = members[i];
        else
            second[b++] = members[i];
    }
    if (err == OK)
        memcpy(members + a, second, b * sizeof(*second));
    arena_done(&arena);
    *out_first = a;
    return err;
}

enum err bisect(const struct coarse *g, const struct cut_boxes *boxes,
                bool ordered, struct dice *dice, uint32_t *out_part,
                uint32_t *out_k)
{
    uint32_t *members = calloc(g->n, sizeof(*members));
    uint32_t *ends = calloc((size_t)g->n + 1, sizeof(*ends)); /* a stack */
    uint32_t depth = 1;
    uint32_t begin = 0;
    uint32_t k = 0;
    enum err err = members == NULL || ends == NULL ? ERR_NOMEM : OK;
    for (uint32_t u = 0; err == OK && u < g->n; u++)
        members[u] = u;
    if (err == OK)
        ends[0] = g->n;
    while (err == OK && depth > 0) {
        uint32_t count = ends[depth - 1] - begin;
        uint32_t first = 0;
        if (fits(g, boxes, members + begin, count)) {
            for (uint32_t i = 0; i < count; i++)
                out_part[members[begin + i]] = k;
            k++;
            begin = ends[--depth];
            continue;
        }
        CHECK(count > 1);
        err = cut_once(g, ordered, dice, members + begin, count, &first);
        ends[depth++] = begin + first;
    }
    free(members);
    free(ends);
    *out_k = k;
    return err;
}
