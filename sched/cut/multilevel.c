#include "sched/cut/multilevel.h"

#include <string.h>

#include "base/check.h"
#include "sched/cut/bisect.h"
#include "sched/cut/match.h"
#include "sched/cut/quotient.h"
#include "sched/cut/refine.h"

#define STEPS_MAX      48u
#define COARSEST       24u /* units; not joined further */
#define KICK_UNITS     200u
#define EXCHANGE_UNITS 2500u /* larger graphs are not worth the time */

struct trial {
    const struct multilevel_rules *rules;
    struct dice dice;
    struct arena arena;
    struct coarse graphs[STEPS_MAX];
    uint32_t *maps[STEPS_MAX]; /* from graphs[i] to graphs[i + 1] */
    uint32_t steps;
    uint64_t size_max;
    bool by_size;
    uint32_t *part;
    uint32_t k;
};

/* ---- down ---- */

static enum err coarsen(struct trial *t)
{
    struct match_rules rules = {t->rules->boxes, t->size_max, t->rules->ordered,
                                t->by_size};
    while (t->steps + 1 < STEPS_MAX && t->graphs[t->steps].n > COARSEST) {
        const struct coarse *g = &t->graphs[t->steps];
        uint32_t *map = arena_calloc(&t->arena, g->n, sizeof(*map));
        uint32_t n = 0;
        if (map == NULL)
            return ERR_NOMEM;
        TRY(match_pairs(&t->arena, g, &rules, &t->dice, map, &n));
        if (n + n / 64 >= g->n)
            break;
        TRY(coarse_contract(&t->arena, g, map, n, &t->graphs[t->steps + 1]));
        t->maps[t->steps++] = map;
    }
    return OK;
}

/* ---- up ---- */

/* Joins parts that fit one box together, until there are none. */
static enum err join_parts(struct trial *t, const struct coarse *g)
{
    struct match_rules rules = {t->rules->boxes, UINT64_MAX, t->rules->ordered,
                                false};
    for (;;) {
        struct coarse parts;
        uint32_t n = 0;
        uint32_t *map = arena_calloc(&t->arena, t->k, sizeof(*map));
        if (map == NULL)
            return ERR_NOMEM;
        TRY(coarse_contract(&t->arena, g, t->part, t->k, &parts));
        TRY(match_pairs(&t->arena, &parts, &rules, &t->dice, map, &n));
        if (n == t->k)
            return OK;
        for (uint32_t u = 0; u < g->n; u++)
            t->part[u] = map[t->part[u]];
        t->k = n;
    }
}

static enum err refine(struct trial *t, const struct coarse *g)
{
    struct refine r = {.g = g,
                       .boxes = t->rules->boxes,
                       .ordered = t->rules->ordered,
                       .k = t->k + 1, /* and one to open */
                       .part = t->part,
                       .arena = &t->arena};
    TRY(refine_moves(&r));
    if (g->n <= EXCHANGE_UNITS)
        TRY(refine_exchanges(&r));
    TRY(refine_number(&r));
    t->k = r.k;
    TRY(join_parts(t, g));
    r.k = t->k;
    TRY(refine_number(&r));
    if (r.k <= QUOTIENT_PARTS_MAX)
        TRY(refine_joins(&r));
    r.k++;
    TRY(refine_moves(&r));
    TRY(refine_number(&r));
    t->k = r.k;
    return OK;
}

static enum err run(struct trial *t)
{
    TRY(coarsen(t));
    TRY(bisect(&t->graphs[t->steps], t->rules->boxes, t->rules->ordered,
               &t->dice, t->part, &t->k));
    for (uint32_t i = t->steps + 1; i-- > 0;) {
        uint32_t *fine;
        TRY(refine(t, &t->graphs[i]));
        if (i == 0)
            break;
        fine = arena_calloc(&t->arena, t->graphs[i - 1].n, sizeof(*fine));
        if (fine == NULL)
            return ERR_NOMEM;
        for (uint32_t u = 0; u < t->graphs[i - 1].n; u++)
            fine[u] = t->part[t->maps[i - 1][u]];
        t->part = fine;
    }
    return OK;
}

/* ---- trials ---- */

static uint32_t trials_for(uint32_t n)
{
    if (n <= 100)
        return 32;
    if (n <= 400)
        return 16;
    return n <= 3000 ? 6 : 3;
}

/* The second half of the trials on a small graph begin at the best so far. */
static bool is_kick(const struct coarse *g, uint32_t i, uint32_t trials)
{
    return g->n <= KICK_UNITS && i > 0 && i >= trials / 2;
}

static enum err kick(struct trial *t, const uint32_t *best, uint32_t k)
{
    const struct coarse *g = &t->graphs[0];
    struct refine r = {.g = g,
                       .boxes = t->rules->boxes,
                       .ordered = t->rules->ordered,
                       .k = k + 1,
                       .part = t->part,
                       .arena = &t->arena};
    memcpy(t->part, best, g->n * sizeof(*best));
    t->k = k;
    if (k + 1 > QUOTIENT_PARTS_MAX) /* parts have to be in a row */
        return OK;
    TRY(refine_kick(&r, &t->dice, g->n / 2 + 2));
    TRY(refine_number(&r));
    t->k = r.k;
    return refine(t, g);
}

/* Trials differ by how large a pair may get, what heavy means, and the dice. */
static enum err trial_init(const struct coarse *g,
                           const struct multilevel_rules *rules, uint32_t i,
                           struct trial *t)
{
    static const uint64_t shares[] = {1, 2, 4, 8};
    memset(t, 0, sizeof(*t));
    t->rules = rules;
    t->graphs[0] = *g;
    t->size_max = COARSE_BOX / shares[i / 2 % 4];
    t->by_size = i % 2 == 1;
    dice_init(&t->dice, rules->seed + i);
    arena_init(&t->arena, CUT_SCRATCH_MAX);
    t->part = arena_calloc(&t->arena, g->n, sizeof(*t->part));
    return t->part == NULL ? ERR_NOMEM : OK;
}

enum err multilevel(const struct coarse *g,
                    const struct multilevel_rules *rules, uint32_t *out_part,
                    uint32_t *out_k, uint64_t *out_cut)
{
    uint32_t trials = rules->trials == 0 ? trials_for(g->n) : rules->trials;
    uint64_t best = UINT64_MAX;
    for (uint32_t u = 0; u < g->n; u++)
        CHECK(unit_fits(rules->boxes, &g->units[u]));
    for (uint32_t i = 0; i < trials; i++) {
        struct trial t;
        uint64_t cut;
        enum err err = trial_init(g, rules, i, &t);
        if (err == OK)
            err = is_kick(g, i, trials) ? kick(&t, out_part, *out_k) : run(&t);
        cut = err == OK ? refine_cut(g, t.part) : 0;
        if (err == OK && (cut < best || (cut == best && t.k < *out_k))) {
            best = cut;
            *out_k = t.k;
            memcpy(out_part, t.part, g->n * sizeof(*out_part));
        }
        arena_done(&t.arena);
        TRY(err);
        if (best == 0 && *out_k == 1)
            break;
    }
    *out_cut = best;
    return OK;
}
