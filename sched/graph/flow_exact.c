#include "sched/graph/flow_exact.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sched/graph/booking.h"

/* ---- cost over a forest ---- */

struct tree {
    const struct flowcase *fc;
    uint64_t *cost;  /* [task * offers + offer]: of all below, it there */
    uint32_t *above; /* the edge to what it hangs from; WORKFLOW_NONE: root */
    uint32_t *order; /* roots first */
    uint32_t *best;  /* by site: the cheapest offer there */
};

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a >= FLOWCASE_NEVER - b ? FLOWCASE_NEVER : a + b;
}

/* Hangs up every tree, breadth first. */
static void hang(struct tree *tree, uint8_t *seen)
{
    const struct workflow *w = tree->fc->w;
    uint32_t tail = 0;
    uint32_t head = 0;
    for (uint32_t root = 0; root < w->task_count; root++) {
        if (seen[root])
            continue;
        seen[root] = 1;
        tree->above[root] = WORKFLOW_NONE;
        tree->order[tail++] = root;
        for (; head < tail; head++) {
            uint32_t t = tree->order[head];
            uint32_t outs = w->out_first[t + 1] - w->out_first[t];
            uint32_t ins = w->in_first[t + 1] - w->in_first[t];
            for (uint32_t k = 0; k < outs + ins; k++) {
                uint32_t e = k < outs ? w->out_edges[w->out_first[t] + k]
                                      : w->in_first[t] + k - outs;
                uint32_t next = k < outs ? w->edges[e].to : w->edges[e].from;
                if (seen[next])
                    continue;
                seen[next] = 1;
                tree->above[next] = e;
                tree->order[tail++] = next;
            }
        }
    }
    CHECK(tail == w->task_count);
}

static uint64_t haul(const struct tree *tree, uint32_t edge, uint32_t below,
                     uint32_t site_below, uint32_t site_above)
{
    const struct workflow_edge *e = &tree->fc->w->edges[edge];
    return e->from == below
               ? flowcase_haul_micro(tree->fc, e->bytes, site_below, site_above)
               : flowcase_haul_micro(tree->fc, e->bytes, site_above,
                                     site_below);
}

/* The cheapest offer of each site for `t` and what hangs from it. */
static void find_best(struct tree *tree, uint32_t t)
{
    const struct offerset *set = tree->fc->set;
    const uint64_t *cost = &tree->cost[(size_t)t * set->count];
    for (uint32_t s = 0; s < set->sites; s++)
        tree->best[s] = WORKFLOW_NONE;
    for (uint32_t o = 0; o < set->count; o++) {
        uint32_t *best = &tree->best[set->offers[o].site];
        if (cost[o] < FLOWCASE_NEVER &&
            (*best == WORKFLOW_NONE || cost[o] < cost[*best]))
            *best = o;
    }
}

/* Where `t` goes if what it hangs from is at `offer`; find_best was for t. */
static uint64_t follow(const struct tree *tree, uint32_t t, uint32_t offer,
                       uint32_t *out)
{
    const struct offerset *set = tree->fc->set;
    const uint64_t *cost = &tree->cost[(size_t)t * set->count];
    uint64_t least = cost[offer];
    *out = offer;
    for (uint32_t s = 0; s < set->sites; s++) {
        uint32_t o = tree->best[s];
        uint64_t by;
        if (o == WORKFLOW_NONE || cost[o] >= least || o == offer)
            continue;
        by = sum(cost[o],
                 haul(tree, tree->above[t], t, s, set->offers[offer].site));
        if (by < least) {
            least = by;
            *out = o;
        }
    }
    return least;
}

static uint32_t hung_from(const struct tree *tree, uint32_t t)
{
    const struct workflow_edge *e = &tree->fc->w->edges[tree->above[t]];
    return e->from == t ? e->to : e->from;
}

static void gather(struct tree *tree)
{
    uint32_t n = tree->fc->set->count;
    uint32_t tasks = tree->fc->w->task_count;
    for (uint32_t t = 0; t < tasks; t++) {
        for (uint32_t o = 0; o < n; o++)
            tree->cost[(size_t)t * n + o] = flowcase_task_micro(tree->fc, t, o);
    }
    for (uint32_t i = tasks; i-- > 0;) {
        uint32_t t = tree->order[i];
        uint64_t *up;
        uint32_t there;
        if (tree->above[t] == WORKFLOW_NONE)
            continue;
        up = &tree->cost[(size_t)hung_from(tree, t) * n];
        find_best(tree, t);
        for (uint32_t o = 0; o < n; o++) {
            if (up[o] < FLOWCASE_NEVER)
                up[o] = sum(up[o], follow(tree, t, o, &there));
        }
    }
}

static enum err choose(struct tree *tree, uint32_t *offers, uint64_t *out)
{
    uint32_t n = tree->fc->set->count;
    uint64_t total = 0;
    for (uint32_t i = 0; i < tree->fc->w->task_count; i++) {
        uint32_t t = tree->order[i];
        const uint64_t *cost = &tree->cost[(size_t)t * n];
        if (tree->above[t] != WORKFLOW_NONE) {
            find_best(tree, t);
            (void)follow(tree, t, offers[hung_from(tree, t)], &offers[t]);
            continue;
        }
        offers[t] = 0;
        for (uint32_t o = 1; o < n; o++)
            offers[t] = cost[o] < cost[offers[t]] ? o : offers[t];
        total = sum(total, cost[offers[t]]);
    }
    *out = total;
    return total < FLOWCASE_NEVER ? OK : ERR_NO_OFFER;
}

enum err flow_exact_cost(const struct flowcase *fc, uint32_t *out_offers,
                         uint64_t *out_micro)
{
    size_t tasks = fc->w->task_count;
    uint8_t *seen = calloc(tasks, 1);
    struct tree tree = {fc, calloc(tasks * fc->set->count, sizeof(uint64_t)),
                        calloc(tasks, sizeof(uint32_t)),
                        calloc(tasks, sizeof(uint32_t)),
                        calloc(fc->set->sites, sizeof(uint32_t))};
    enum err err = ERR_NOMEM;
    if (seen != NULL && tree.cost != NULL && tree.above != NULL &&
        tree.order != NULL && tree.best != NULL) {
        CHECK(workflow_is_forest(fc->w));
        hang(&tree, seen);
        gather(&tree);
        err = choose(&tree, out_offers, out_micro);
    }
    free(seen);
    free(tree.cost);
    free(tree.above);
    free(tree.order);
    free(tree.best);
    return err;
}

/* ---- branch and bound ---- */

struct search {
    const struct flowcase *fc;
    bool cheapest;
    uint64_t deadline_us;
    uint64_t steps;
    struct booking *bookings;
    struct timetable_slot *slots; /* as far as placed */
    struct timetable_slot *best;
    uint64_t best_us;
    uint64_t best_micro;
    uint64_t *tail;      /* from a task's start to the end, at best */
    uint64_t *least;     /* cost of a task, at best */
    uint64_t least_left; /* of all not placed */
    uint32_t waits[FLOW_EXACT_TASKS_MAX];
    uint64_t placed; /* bit set */
};

static bool better(const struct search *s, uint64_t us, uint64_t micro)
{
    if (!s->cheapest)
        return us < s->best_us || (us == s->best_us && micro < s->best_micro);
    if (us > s->deadline_us)
        return false;
    return micro < s->best_micro || (micro == s->best_micro && us < s->best_us);
}

/* No completion of what is placed can be better. */
static bool hopeless(const struct search *s, uint64_t us, uint64_t micro)
{
    if (!s->cheapest)
        return us >= s->best_us;
    return us > s->deadline_us || micro > s->best_micro ||
           (micro == s->best_micro && us >= s->best_us);
}

static uint64_t edges_micro(const struct search *s, uint32_t t, uint32_t offer)
{
    const struct workflow *w = s->fc->w;
    const struct offerset_offer *offers = s->fc->set->offers;
    uint64_t cost = 0;
    for (uint32_t k = w->in_first[t]; k < w->in_first[t + 1]; k++) {
        uint32_t from = s->slots[w->edges[k].from].offer;
        if (from != offer)
            cost = sum(cost, flowcase_haul_micro(s->fc, w->edges[k].bytes,
                                                 offers[from].site,
                                                 offers[offer].site));
    }
    return cost;
}

static uint64_t ready_us(const struct search *s, uint32_t t, uint32_t offer)
{
    const struct workflow *w = s->fc->w;
    const struct offerset_offer *offers = s->fc->set->offers;
    uint64_t latest = flowcase_input_us(s->fc, t, offer);
    for (uint32_t k = w->in_first[t]; k < w->in_first[t + 1]; k++) {
        const struct timetable_slot *from = &s->slots[w->edges[k].from];
        uint64_t at = from->end_us;
        if (from->offer != offer)
            at = sum(at, flowcase_haul_us(s->fc, w->edges[k].bytes,
                                          offers[from->offer].site,
                                          offers[offer].site));
        latest = at > latest ? at : latest;
    }
    return latest;
}

static void release(struct search *s, uint32_t t, int by)
{
    const struct workflow *w = s->fc->w;
    for (uint32_t k = w->out_first[t]; k < w->out_first[t + 1]; k++) {
        uint32_t to = w->edges[w->out_edges[k]].to;
        s->waits[to] = by > 0 ? s->waits[to] + 1 : s->waits[to] - 1;
    }
}

static enum err descend(struct search *s, uint32_t depth, uint64_t us,
                        uint64_t bound_us, uint64_t micro);

/* us: the latest end; bound_us: no completion ends earlier. */
static enum err attempt(struct search *s, uint32_t depth, uint32_t t,
                        uint32_t offer, uint64_t us, uint64_t bound_us,
                        uint64_t micro)
{
    const struct offerset_offer *o = &s->fc->set->offers[offer];
    const struct workflow_task *task = &s->fc->w->tasks[t];
    uint64_t ready = ready_us(s, t, offer);
    uint64_t run = flowcase_run_us(s->fc, t, offer);
    uint64_t start;
    enum err err;
    s->steps--;
    micro = sum(micro, sum(flowcase_task_micro(s->fc, t, offer),
                           edges_micro(s, t, offer)));
    if (ready >= FLOWCASE_NEVER || micro >= FLOWCASE_NEVER)
        return OK;
    start = booking_earliest(&s->bookings[offer], ready, run, task->cores,
                             task->memory_mib, o->cores, o->memory_mib);
    us = start + run > us ? start + run : us;
    bound_us = us > bound_us ? us : bound_us;
    /* What follows a task starts when it has ended, at the earliest. */
    for (uint32_t k = s->fc->w->out_first[t]; k < s->fc->w->out_first[t + 1];
         k++) {
        uint32_t to = s->fc->w->edges[s->fc->w->out_edges[k]].to;
        uint64_t by = start + run + s->tail[to];
        bound_us = by > bound_us ? by : bound_us;
    }
    if (hopeless(s, bound_us, sum(micro, s->least_left - s->least[t])))
        return OK;
    TRY(booking_take(&s->bookings[offer], start, start + run, task->cores,
                     task->memory_mib));
    s->slots[t] = (struct timetable_slot){start, start + run, offer};
    s->placed |= UINT64_C(1) << t;
    s->least_left -= s->least[t];
    release(s, t, -1);
    err = descend(s, depth + 1, us, bound_us, micro);
    release(s, t, 1);
    s->least_left += s->least[t];
    s->placed &= ~(UINT64_C(1) << t);
    booking_give(&s->bookings[offer], start, start + run, task->cores,
                 task->memory_mib);
    return err;
}

/* Every active timetable is met: every task that may come next, on every
 * offer, as early as it can. */
static enum err descend(struct search *s, uint32_t depth, uint64_t us,
                        uint64_t bound_us, uint64_t micro)
{
    uint32_t n = s->fc->w->task_count;
    if (depth == n) {
        if (better(s, us, micro)) {
            s->best_us = us;
            s->best_micro = micro;
            memcpy(s->best, s->slots, n * sizeof(*s->best));
        }
        return OK;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t t = s->fc->w->order[i];
        if (s->waits[t] > 0 || (s->placed >> t & 1) != 0)
            continue;
        for (uint32_t o = 0; o < s->fc->set->count && s->steps > 0; o++) {
            if (flowcase_fits(s->fc, t, o))
                TRY(attempt(s, depth, t, o, us, bound_us, micro));
        }
    }
    return OK;
}

static void look_ahead(struct search *s)
{
    const struct workflow *w = s->fc->w;
    for (uint32_t i = w->task_count; i-- > 0;) {
        uint32_t t = w->order[i];
        uint64_t run = FLOWCASE_NEVER;
        uint64_t way = 0;
        s->least[t] = FLOWCASE_NEVER;
        for (uint32_t o = 0; o < s->fc->set->count; o++) {
            uint64_t takes = flowcase_run_us(s->fc, t, o);
            uint64_t costs = flowcase_task_micro(s->fc, t, o);
            if (!flowcase_fits(s->fc, t, o))
                continue;
            run = takes < run ? takes : run;
            s->least[t] = costs < s->least[t] ? costs : s->least[t];
        }
        for (uint32_t k = w->out_first[t]; k < w->out_first[t + 1]; k++) {
            uint64_t by = s->tail[w->edges[w->out_edges[k]].to];
            way = by > way ? by : way;
        }
        s->tail[t] = run + way;
        s->least_left = sum(s->least_left, s->least[t]);
        s->waits[t] = w->in_first[t + 1] - w->in_first[t];
    }
}

static uint64_t end_of(const struct timetable_slot *slots, uint32_t count)
{
    uint64_t end = 0;
    for (uint32_t t = 0; t < count; t++)
        end = slots[t].end_us > end ? slots[t].end_us : end;
    return end;
}

static uint64_t cost_of(const struct flowcase *fc,
                        const struct timetable_slot *slots, uint32_t *offers)
{
    for (uint32_t t = 0; t < fc->w->task_count; t++)
        offers[t] = slots[t].offer;
    return flowcase_cost(fc, offers);
}

enum err flow_exact_search(const struct flowcase *fc, bool cheapest,
                           uint64_t deadline_us, uint64_t steps,
                           struct timetable_slot *slots, bool *out_proven)
{
    uint32_t n = fc->w->task_count;
    uint32_t offers[FLOW_EXACT_TASKS_MAX];
    uint64_t tail[FLOW_EXACT_TASKS_MAX];
    uint64_t least[FLOW_EXACT_TASKS_MAX];
    struct timetable_slot placed[FLOW_EXACT_TASKS_MAX];
    struct search s = {.fc = fc, .cheapest = cheapest, .best = slots};
    enum err err;
    if (n > FLOW_EXACT_TASKS_MAX)
        return ERR_TOO_LARGE;
    s.deadline_us = deadline_us;
    s.steps = steps;
    s.slots = placed;
    s.tail = tail;
    s.least = least;
    s.best_us = end_of(slots, n);
    s.best_micro = cost_of(fc, slots, offers);
    if (cheapest && s.best_us > deadline_us)
        s.best_micro = s.best_us = UINT64_MAX;
    s.bookings = calloc(fc->set->count, sizeof(*s.bookings));
    if (s.bookings == NULL)
        return ERR_NOMEM;
    look_ahead(&s);
    err = descend(&s, 0, 0, 0, 0);
    for (uint32_t o = 0; o < fc->set->count; o++)
        booking_done(&s.bookings[o]);
    free(s.bookings);
    if (err == OK)
        *out_proven = s.steps > 0;
    return err;
}
