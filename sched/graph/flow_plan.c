#include "sched/graph/flow_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/dice.h"
#include "sched/graph/flow_bound.h"
#include "sched/graph/flow_exact.h"
#include "sched/graph/heft.h"

#define TABLE_CELLS_MAX (UINT64_C(8) << 20)
#define POLISH_PASSES   16u
#define TRIES_A_TASK    8u /* offers, the most saving first */

struct work {
    const struct flowcase *fc;
    const struct flow_plan_ask *ask;
    struct heft heft;
    uint64_t *rank;   /* of the best so far */
    uint64_t *rank2;  /* under trial */
    uint64_t *table;  /* NULL: the case is too large for it */
    uint32_t *offers; /* of the best so far */
    uint32_t *offers2;
    uint32_t *cheap; /* the cheapest places known, without a deadline */
    uint64_t *slack;
    struct timetable_slot *slots; /* of the best so far: the caller's */
    struct timetable_slot *slots2;
    uint64_t us, cost; /* of the best so far */
    uint64_t steps;    /* left */
};

static bool work_init(struct work *k, const struct flowcase *fc,
                      const struct flow_plan_ask *ask)
{
    size_t n = fc->w->task_count;
    uint64_t cells = (uint64_t)n * fc->set->count;
    memset(k, 0, sizeof(*k));
    k->fc = fc;
    k->ask = ask;
    k->us = k->cost = FLOWCASE_NEVER;
    k->steps = ask->steps;
    if (heft_init(&k->heft, fc) != OK)
        return false;
    k->rank = calloc(n, sizeof(*k->rank));
    k->rank2 = calloc(n, sizeof(*k->rank2));
    k->offers = calloc(n, sizeof(*k->offers));
    k->offers2 = calloc(n, sizeof(*k->offers2));
    k->cheap = calloc(n, sizeof(*k->cheap));
    k->slack = calloc(n, sizeof(*k->slack));
    k->slots2 = calloc(n, sizeof(*k->slots2));
    if (cells <= TABLE_CELLS_MAX)
        k->table = calloc((size_t)cells, sizeof(*k->table));
    return k->rank != NULL && k->rank2 != NULL && k->offers != NULL &&
           k->offers2 != NULL && k->cheap != NULL && k->slack != NULL &&
           k->slots2 != NULL && (cells > TABLE_CELLS_MAX || k->table != NULL);
}

static void work_done(struct work *k)
{
    heft_done(&k->heft);
    free(k->rank);
    free(k->rank2);
    free(k->table);
    free(k->offers);
    free(k->offers2);
    free(k->cheap);
    free(k->slack);
    free(k->slots2);
}

/* ---- the best so far ---- */

/* Late is worst, then what was asked for counts, then the other. */
static bool better(const struct work *k, uint64_t us, uint64_t micro)
{
    uint64_t deadline = k->ask->deadline_us;
    uint64_t late = us > deadline ? us - deadline : 0;
    uint64_t late_now = k->us > deadline ? k->us - deadline : 0;
    if (late != late_now)
        return late < late_now;
    if (k->ask->goal == FLOW_PLAN_FASTEST)
        return us < k->us || (us == k->us && micro < k->cost);
    return micro < k->cost || (micro == k->cost && us < k->us);
}

static uint64_t end_of(const struct timetable_slot *slots, uint32_t count)
{
    uint64_t end = 0;
    for (uint32_t t = 0; t < count; t++)
        end = slots[t].end_us > end ? slots[t].end_us : end;
    return end;
}

static bool same(const struct work *k, uint64_t us, uint64_t micro)
{
    return us == k->us && micro == k->cost;
}

/* Takes slots2, placed by `rank`, if it is better, or as good: a plateau is
 * crossed step by step. */
static bool keep(struct work *k, const uint64_t *rank)
{
    uint32_t n = k->fc->w->task_count;
    uint64_t us = end_of(k->slots2, n);
    uint64_t micro;
    for (uint32_t t = 0; t < n; t++)
        k->offers2[t] = k->slots2[t].offer;
    micro = flowcase_cost(k->fc, k->offers2);
    if (!better(k, us, micro) && !same(k, us, micro))
        return false;
    k->us = us;
    k->cost = micro;
    memcpy(k->slots, k->slots2, n * sizeof(*k->slots));
    memcpy(k->offers, k->offers2, n * sizeof(*k->offers));
    if (rank != k->rank)
        memcpy(k->rank, rank, n * sizeof(*rank));
    return true;
}

/* Places by offers2. *out_kept: it is the best so far. */
static enum err try_offers(struct work *k, const uint64_t *rank, bool *out_kept)
{
    enum err err = heft_place(&k->heft, rank, NULL, k->offers2, k->slots2);
    uint64_t n = k->fc->w->task_count;
    k->steps -= k->steps < n ? k->steps : n;
    *out_kept = err == OK && keep(k, rank);
    return err == ERR_NO_OFFER ? OK : err;
}

/* ---- where to begin ---- */

static enum err begin(struct work *k, struct flow_plan *out)
{
    uint32_t n = k->fc->w->task_count;
    enum err err;
    heft_rank_upward(k->fc, k->rank2);
    out->heft_us = out->peft_us = FLOWCASE_NEVER;
    err = heft_place(&k->heft, k->rank2, NULL, NULL, k->slots2);
    if (err == OK) {
        out->heft_us = end_of(k->slots2, n);
        (void)keep(k, k->rank2);
    }
    if (err == ERR_NOMEM || k->table == NULL)
        return err == ERR_NOMEM ? err : OK;
    TRY(heft_rank_optimistic(k->fc, k->table, k->rank2));
    err = heft_place(&k->heft, k->rank2, k->table, NULL, k->slots2);
    if (err == OK) {
        out->peft_us = end_of(k->slots2, n);
        (void)keep(k, k->rank2);
    }
    return err == ERR_NO_OFFER ? OK : err;
}

/* ---- the cheapest places, whatever the time ---- */

/* What task t costs on `offer` with all data from and to the others. */
static uint64_t local_micro(const struct work *k, const uint32_t *offers,
                            uint32_t t, uint32_t offer)
{
    const struct flowcase *fc = k->fc;
    const struct workflow *w = fc->w;
    const struct offerset_offer *at = fc->set->offers;
    uint64_t cost = flowcase_task_micro(fc, t, offer);
    for (uint32_t i = w->in_first[t];
         cost < FLOWCASE_NEVER && i < w->in_first[t + 1]; i++) {
        uint32_t from = offers[w->edges[i].from];
        if (from != offer)
            cost += flowcase_haul_micro(fc, w->edges[i].bytes, at[from].site,
                                        at[offer].site);
    }
    for (uint32_t i = w->out_first[t];
         cost < FLOWCASE_NEVER && i < w->out_first[t + 1]; i++) {
        const struct workflow_edge *e = &w->edges[w->out_edges[i]];
        uint32_t to = offers[e->to];
        if (to != offer)
            cost +=
                flowcase_haul_micro(fc, e->bytes, at[offer].site, at[to].site);
    }
    return cost < FLOWCASE_NEVER ? cost : FLOWCASE_NEVER;
}

/* Moves task t to where it costs least; does it move? */
static bool settle_task(const struct work *k, uint32_t *offers, uint32_t t)
{
    uint64_t least = local_micro(k, offers, t, offers[t]);
    bool moved = false;
    for (uint32_t o = 0; o < k->fc->set->count; o++) {
        uint64_t by;
        if (flowcase_task_micro(k->fc, t, o) >= least)
            continue;
        by = local_micro(k, offers, t, o);
        if (by < least) {
            least = by;
            offers[t] = o;
            moved = true;
        }
    }
    return moved;
}

/* Task by task, until none wants to move. */
static uint64_t polish(const struct work *k, uint32_t *offers)
{
    bool moved = true;
    for (uint32_t pass = 0; moved && pass < POLISH_PASSES; pass++) {
        moved = false;
        for (uint32_t t = 0; t < k->fc->w->task_count; t++)
            moved = settle_task(k, offers, t) || moved;
    }
    return flowcase_cost(k->fc, offers);
}

/* Each where it alone is cheapest: its cost is the bound. */
static uint64_t each_alone(const struct work *k, uint32_t *offers)
{
    uint64_t total = 0;
    for (uint32_t t = 0; t < k->fc->w->task_count; t++) {
        uint64_t least = FLOWCASE_NEVER;
        for (uint32_t o = 0; o < k->fc->set->count; o++) {
            uint64_t by = flowcase_task_micro(k->fc, t, o);
            if (by < least) {
                least = by;
                offers[t] = o;
            }
        }
        total += least;
    }
    return total;
}

/* All on the one offer where that costs least. */
static uint64_t all_on_one(const struct work *k, uint32_t *offers)
{
    uint32_t n = k->fc->w->task_count;
    uint64_t least = FLOWCASE_NEVER;
    uint32_t best = 0;
    for (uint32_t o = 0; o < k->fc->set->count; o++) {
        uint64_t cost = 0;
        for (uint32_t t = 0; t < n && cost < least; t++)
            cost += flowcase_task_micro(k->fc, t, o);
        if (cost < least) {
            least = cost;
            best = o;
        }
    }
    for (uint32_t t = 0; t < n; t++)
        offers[t] = best;
    return least;
}

/* Fills `cheap`; out->least_micro bounds every cost. *out_exact: it is met. */
static enum err cheapen(struct work *k, struct flow_plan *out, bool *out_exact)
{
    uint32_t n = k->fc->w->task_count;
    uint64_t cost;
    *out_exact = workflow_is_forest(k->fc->w);
    if (*out_exact)
        return flow_exact_cost(k->fc, k->cheap, &out->least_micro);
    out->least_micro = each_alone(k, k->cheap);
    cost = polish(k, k->cheap);
    if (all_on_one(k, k->offers2) < FLOWCASE_NEVER &&
        polish(k, k->offers2) < cost) {
        memcpy(k->cheap, k->offers2, n * sizeof(*k->cheap));
        cost = flowcase_cost(k->fc, k->cheap);
    }
    *out_exact = cost == out->least_micro;
    return OK;
}

/* ---- slack into savings ---- */

/* By how much each task may end later before the deadline breaks, if all else
 * stays where it is and nothing is crowded out. */
static void find_slack(struct work *k)
{
    const struct workflow *w = k->fc->w;
    const struct offerset_offer *at = k->fc->set->offers;
    for (uint32_t i = w->task_count; i-- > 0;) {
        uint32_t t = w->order[i];
        uint64_t slack = k->ask->deadline_us - k->slots[t].end_us;
        for (uint32_t o = w->out_first[t]; o < w->out_first[t + 1]; o++) {
            const struct workflow_edge *e = &w->edges[w->out_edges[o]];
            const struct timetable_slot *to = &k->slots[e->to];
            uint64_t came = k->slots[t].end_us;
            uint64_t by;
            if (to->offer != k->slots[t].offer)
                came += flowcase_haul_us(k->fc, e->bytes,
                                         at[k->slots[t].offer].site,
                                         at[to->offer].site);
            by = k->slack[e->to] + (to->start_us - came);
            slack = by < slack ? by : slack;
        }
        k->slack[t] = slack;
    }
}

struct saving {
    uint64_t cost; /* of the task there */
    uint32_t offer;
};

/* The cheapest offers for t that its slack allows, the cheapest first. */
static uint32_t list_savings(const struct work *k, uint32_t t,
                             struct saving out[TRIES_A_TASK])
{
    uint64_t now = local_micro(k, k->offers, t, k->offers[t]);
    uint64_t run = flowcase_run_us(k->fc, t, k->offers[t]);
    uint32_t count = 0;
    for (uint32_t o = 0; o < k->fc->set->count; o++) {
        uint64_t takes = flowcase_run_us(k->fc, t, o);
        uint64_t by;
        uint32_t i;
        if (takes > run && takes - run > k->slack[t])
            continue;
        by = local_micro(k, k->offers, t, o);
        if (by >= now || (count == TRIES_A_TASK && by >= out[count - 1].cost))
            continue;
        i = count < TRIES_A_TASK ? count++ : count - 1;
        for (; i > 0 && out[i - 1].cost > by; i--)
            out[i] = out[i - 1];
        out[i] = (struct saving){by, o};
    }
    return count;
}

/* The first of task t's savings that keeps the bounds is taken. */
static enum err downgrade_task(struct work *k, uint32_t t, bool *out_kept)
{
    struct saving savings[TRIES_A_TASK];
    uint32_t n = k->fc->w->task_count;
    uint32_t count = list_savings(k, t, savings);
    *out_kept = false;
    for (uint32_t s = 0; s < count && !*out_kept && k->steps > 0; s++) {
        memcpy(k->offers2, k->offers, n * sizeof(*k->offers));
        k->offers2[t] = savings[s].offer;
        TRY(try_offers(k, k->rank, out_kept));
    }
    return OK;
}

static enum err downgrade(struct work *k)
{
    bool moved = true;
    find_slack(k);
    while (moved && k->steps > 0) {
        moved = false;
        for (uint32_t i = 0; i < k->fc->w->task_count && k->steps > 0; i++) {
            bool kept;
            TRY(downgrade_task(k, k->fc->w->order[i], &kept));
            if (kept)
                find_slack(k);
            moved = moved || kept;
        }
    }
    return OK;
}

/* ---- local search ---- */

/* Offers or ranks of one task or of two, thrown with dice. */
static enum err climb(struct work *k)
{
    uint32_t n = k->fc->w->task_count;
    struct dice dice;
    dice_init(&dice, k->ask->seed);
    while (k->steps > 0) {
        uint32_t t = (uint32_t)dice_below(&dice, n);
        uint32_t u = (uint32_t)dice_below(&dice, n);
        uint32_t offer = (uint32_t)dice_below(&dice, k->fc->set->count);
        bool kept = false;
        memcpy(k->offers2, k->offers, n * sizeof(*k->offers));
        memcpy(k->rank2, k->rank, n * sizeof(*k->rank));
        switch (dice_below(&dice, 4)) {
        case 0:
            k->offers2[t] = offer;
            break;
        case 1:
            k->offers2[t] = k->offers[u];
            k->offers2[u] = k->offers[t];
            break;
        case 2:
            k->offers2[t] = k->offers[u];
            break;
        default:
            k->rank2[t] = k->rank[u] + dice_below(&dice, 2);
        }
        TRY(try_offers(k, k->rank2, &kept));
    }
    return OK;
}

/* ---- all of it ---- */

static enum err try_cheap(struct work *k)
{
    bool kept = false;
    heft_rank_upward(k->fc, k->rank2);
    memcpy(k->offers2, k->cheap, k->fc->w->task_count * sizeof(*k->cheap));
    return try_offers(k, k->rank2, &kept);
}

static enum err improve(struct work *k, struct flow_plan *out, bool cheap_exact)
{
    bool cheapest = k->ask->goal == FLOW_PLAN_CHEAPEST;
    if (cheapest && k->us <= k->ask->deadline_us) {
        if (cheap_exact && k->cost == out->least_micro) {
            out->proven = true;
            return OK;
        }
        TRY(downgrade(k));
    }
    TRY(climb(k));
    if (k->ask->exact_steps > 0 && k->fc->w->task_count <= FLOW_EXACT_TASKS_MAX)
        TRY(flow_exact_search(k->fc, cheapest, k->ask->deadline_us,
                              k->ask->exact_steps, k->slots, &out->proven));
    return OK;
}

static enum err solve(struct work *k, struct flow_plan *out)
{
    uint32_t n = k->fc->w->task_count;
    bool exact = false;
    TRY(flow_bound_us(k->fc, &out->least_us));
    TRY(begin(k, out));
    TRY(cheapen(k, out, &exact));
    if (k->us == FLOWCASE_NEVER || k->ask->goal == FLOW_PLAN_CHEAPEST)
        TRY(try_cheap(k));
    if (k->us == FLOWCASE_NEVER)
        return ERR_NO_OFFER;
    TRY(improve(k, out, exact));
    for (uint32_t t = 0; t < n; t++)
        k->offers[t] = k->slots[t].offer;
    out->makespan_us = end_of(k->slots, n);
    out->cost_micro = flowcase_cost(k->fc, k->offers);
    out->proven = out->proven || (k->ask->goal == FLOW_PLAN_FASTEST
                                      ? out->makespan_us == out->least_us
                                      : out->cost_micro == out->least_micro);
    return out->makespan_us > k->ask->deadline_us ? ERR_TOO_LATE : OK;
}

enum err flow_plan(const struct flowcase *fc, const struct flow_plan_ask *ask,
                   struct timetable_slot *slots, struct flow_plan *out)
{
    struct flow_plan made = {0};
    struct work k;
    enum err err = ERR_NOMEM;
    if (work_init(&k, fc, ask)) {
        k.slots = slots;
        err = solve(&k, &made);
    }
    work_done(&k);
    if (err == OK || err == ERR_TOO_LATE)
        *out = made;
    return err;
}
