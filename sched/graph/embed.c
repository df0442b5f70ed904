#include "sched/graph/embed.h"

#include "base/check.h"
#include "sched/graph/embed_work.h"

#include <stdlib.h>
#include <string.h>

const struct embed_options embed_options_default = {
    .starts_max = 100,
    .tries_max = 4,
    .moves_max = 200,
    .backs_max = 200,
    .weights = {.node = 1, .link = 1}};

enum err embed_new(const struct topology *topology, struct embed **out)
{
    struct embed *w = calloc(1, sizeof(*w));
    size_t nodes = topology->node_count;
    if (w == NULL)
        return ERR_NOMEM;
    w->topology = topology;
    w->node_left = calloc(nodes, sizeof(*w->node_left));
    w->link_left = calloc(topology->link_count + 1u, sizeof(*w->link_left));
    w->busy = calloc(nodes, sizeof(*w->busy));
    w->price = calloc(nodes, sizeof(*w->price));
    w->starts = calloc(nodes, sizeof(*w->starts));
    w->ranks = calloc(nodes, sizeof(*w->ranks));
    if (w->node_left == NULL || w->link_left == NULL || w->busy == NULL ||
        w->price == NULL || w->starts == NULL || w->ranks == NULL ||
        route_search_new(topology, &w->search) != OK) {
        embed_free(w);
        return ERR_NOMEM;
    }
    *out = w;
    return OK;
}

void embed_free(struct embed *embed)
{
    if (embed == NULL)
        return;
    route_search_free(embed->search);
    free(embed->node_left);
    free(embed->link_left);
    free(embed->busy);
    free(embed->price);
    free(embed->starts);
    free(embed->ranks);
    free(embed);
}

/* ---- where to start ---- */

static int ranked_compare(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;
    if (x->room != y->room)
        return x->room > y->room ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

/* Thousandths of all its capacities that are free, on average. */
static uint64_t free_share(const struct topology *t, uint32_t node)
{
    struct stock left;
    uint64_t sum = 0;
    uint64_t count = 0;
    topology_left(t, node, &left);
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        uint64_t cap = t->nodes[node].cap.of[r];
        if (cap == 0)
            continue;
        sum += (uint64_t)left.of[r] * 1000 / cap;
        count++;
    }
    return count == 0 ? 0 : sum / count;
}

void embed_starts(struct embed *embed, uint16_t *out)
{
    const struct topology *t = embed->topology;
    struct ranked *ranks = embed->ranks;
    for (uint32_t v = 0; v < t->node_count; v++) {
        uint64_t kbps = 0;
        for (uint32_t i = t->first[v]; i < t->first[v + 1]; i++)
            kbps += topology_left_kbps(t, t->arcs[i].link);
        ranks[v] = (struct ranked){(free_share(t, v) + 1) * (kbps / 64 + 1),
                                   (uint16_t)v};
    }
    qsort(ranks, t->node_count, sizeof(ranks[0]), ranked_compare);
    for (uint32_t i = 0; i < t->node_count; i++)
        out[i] = ranks[i].node;
}

uint32_t embed_first(struct embed *embed, const struct job_graph *job)
{
    uint32_t first = JOB_COMPONENTS_MAX;
    if (work_begin(embed, job) != OK ||
        embed->placed_count == embed->unit_count)
        return first;
    for (uint32_t c = job->component_count; c-- > 0;)
        if (embed->unit_of[c] == embed->order[embed->placed_count])
            first = c;
    return first;
}

/* ---- what is better ---- */

static enum err write_plan(const struct embed *w, const struct layout *layout,
                           struct plan *out)
{
    uint32_t steps = 0;
    for (uint32_t i = 0; i < w->job->link_count; i++)
        steps += layout->path[i].hops;
    if (steps > PLAN_STEPS_MAX)
        return ERR_TOO_LARGE;
    out->component_count = w->job->component_count;
    out->link_count = w->job->link_count;
    for (uint32_t c = 0; c < w->job->component_count; c++)
        out->node[c] = layout->node[w->unit_of[c]];
    steps = 0;
    for (uint32_t i = 0; i < w->job->link_count; i++) {
        const struct job_link *link = &w->job->links[i];
        const struct path *path = &layout->path[i];
        out->begin[i] = (uint16_t)steps;
        CHECK(path->hops > 0 || layout->node[w->unit_of[link->from]] ==
                                    layout->node[w->unit_of[link->to]]);
        for (uint32_t h = 0; h < path->hops; h++)
            out->steps[steps++] = path->link[h];
    }
    out->begin[w->job->link_count] = (uint16_t)steps;
    return OK;
}

/* The score of what stands now; below all scores when it is no plan that can be
 * written. */
static int32_t score_now(struct embed *w)
{
    struct plan_score score;
    if (write_plan(w, &w->now, &w->scored) != OK)
        return INT32_MIN;
    plan_score_of(w->topology, w->job, &w->scored, &w->weights, &score);
    return score.all;
}

/* Keeps what stands now if it is better than the best so far. */
static bool keep_better(struct embed *w)
{
    int32_t score = 0;
    if (w->aim == EMBED_AIM_SCORE) {
        score = score_now(w);
        if (w->best.cost != NO_COST &&
            (score < w->best_score ||
             (score == w->best_score && w->now.cost >= w->best.cost)))
            return false;
    } else if (w->now.cost >= w->best.cost) {
        return false;
    }
    w->best_score = score;
    w->best.cost = w->now.cost;
    memcpy(w->best.node, w->now.node, sizeof(w->best.node));
    for (uint32_t i = 0; i < w->job->link_count; i++)
        w->best.path[i] = w->now.path[i];
    return true;
}

/* Can what stands now, with links that cost so much more, still be better? By
 * its score one cannot say. */
static bool may_better(const struct embed *w, uint64_t more)
{
    return w->aim == EMBED_AIM_SCORE || w->now.cost + more < w->best.cost;
}

/* ---- one start ---- */

/* Can units placed up to order[n] with one more of this price still win? */
static bool may_win(const struct embed *w, uint32_t n, uint64_t price)
{
    return may_better(w, price + w->floor_after[n + 1]);
}

/* A price must stay below this to win. */
static uint64_t room_for(const struct embed *w, uint64_t floor)
{
    if (w->best.cost == NO_COST || w->aim == EMBED_AIM_SCORE)
        return NO_COST;
    return w->best.cost > w->now.cost + floor
               ? w->best.cost - w->now.cost - floor
               : 0;
}

static bool follow(struct embed *w, uint32_t n, uint32_t tries_max)
{
    uint32_t unit = w->order[n];
    work_price(w, unit, room_for(w, w->floor_after[n + 1]));
    for (uint32_t i = 0; i < tries_max; i++) {
        uint16_t node = work_cheapest(w, unit);
        if (node == NOWHERE || !may_win(w, n, w->price[node]))
            return false;
        if (work_put(w, unit, node))
            return may_win(w, n, 0);
        w->price[node] = NO_COST;
    }
    return false;
}

/* Units from order[n] on, each where it is cheapest. */
static bool follow_all(struct embed *w, uint32_t n, uint32_t tries_max)
{
    while (n < w->unit_count && follow(w, n, tries_max))
        n++;
    return n == w->unit_count;
}

static void forget_from(struct embed *w, uint32_t n)
{
    while (n < w->unit_count) {
        uint32_t unit = w->order[n++];
        if (w->now.node[unit] != NOWHERE)
            work_pull(w, unit);
    }
}

static bool put_placed(struct embed *w)
{
    for (uint32_t n = 0; n < w->placed_count; n++)
        if (!work_put(w, w->order[n], w->units[w->order[n]].place))
            return false;
    return true;
}

static void try_start(struct embed *w, uint16_t node,
                      const struct embed_options *options,
                      struct embed_stats *stats)
{
    uint32_t n = w->placed_count;
    stats->starts++;
    if (work_put(w, w->order[n], node) && may_win(w, n, 0) &&
        follow_all(w, n + 1, options->tries_max))
        stats->complete += keep_better(w);
    forget_from(w, n);
}

/* ---- when no start led to a plan ---- */

#define BACK_TRIES_MAX 8u

/* Units from order[n] on with steps back, keeping the best. Each node that is
 * tried costs one of the budget. */
static void deepen(struct embed *w, uint32_t n, uint32_t *budget)
{
    uint16_t nodes[BACK_TRIES_MAX];
    uint64_t prices[BACK_TRIES_MAX];
    uint32_t count = 0;
    uint32_t unit;
    if (n == w->unit_count) {
        (void)keep_better(w);
        return;
    }
    unit = w->order[n];
    work_price(w, unit, room_for(w, w->floor_after[n + 1]));
    while (count < BACK_TRIES_MAX &&
           (nodes[count] = work_cheapest(w, unit)) != NOWHERE) {
        prices[count] = w->price[nodes[count]];
        w->price[nodes[count++]] = NO_COST;
    }
    for (uint32_t i = 0; *budget > 0 && i < count; i++) {
        if (!may_win(w, n, prices[i]))
            return; /* the rest is dearer */
        (*budget)--;
        if (!work_put(w, unit, nodes[i]))
            continue;
        if (may_win(w, n, 0))
            deepen(w, n + 1, budget);
        work_pull(w, unit);
    }
}

/* A tenth of the budget for each start, in their order. */
static void try_back(struct embed *w, uint16_t node,
                     const struct embed_options *options, uint32_t *budget)
{
    uint32_t tenth = options->backs_max / 10 + 1;
    uint32_t share = tenth < *budget ? tenth : *budget;
    uint32_t rest = share;
    uint32_t n = w->placed_count;
    if (work_put(w, w->order[n], node))
        deepen(w, n + 1, &rest);
    forget_from(w, n);
    *budget -= share - rest < 1 ? 1 : share - rest;
}

static void try_starts(struct embed *w, const struct embed_options *options,
                       struct embed_stats *stats)
{
    const uint16_t *starts = options->starts;
    uint32_t count = options->start_count;
    uint32_t first = w->order[w->placed_count];
    uint32_t budget = options->backs_max;
    uint32_t tried = 0;
    if (starts == NULL) {
        embed_starts(w, w->starts);
        starts = w->starts;
        count = w->topology->node_count;
    }
    for (; tried < count && stats->starts < options->starts_max; tried++)
        if (starts[tried] < w->topology->node_count &&
            work_allows(w, first, starts[tried]))
            try_start(w, starts[tried], options, stats);
    if (w->best.cost != NO_COST)
        return;
    for (uint32_t i = 0; i < tried && budget > 0; i++)
        if (starts[i] < w->topology->node_count &&
            work_allows(w, first, starts[i]))
            try_back(w, starts[i], options, &budget);
}

/* ---- improving ---- */

/* Puts units back as the best layout has them, paths and all. */
static void restore(struct embed *w)
{
    work_clear(w);
    w->now.cost = w->best.cost;
    memcpy(w->now.node, w->best.node, sizeof(w->now.node));
    for (uint32_t u = 0; u < w->unit_count; u++) {
        uint16_t node = w->now.node[u];
        w->busy[node] =
            (uint8_t)(w->busy[node] + (w->job->alone && !w->units[u].data));
        for (uint32_t r = 0; r < RES_COUNT; r++)
            w->node_left[node].of[r] -= w->units[u].want.of[r];
    }
    for (uint32_t i = 0; i < w->job->link_count; i++) {
        w->now.path[i] = w->best.path[i];
        for (uint32_t h = 0; h < w->now.path[i].hops; h++)
            w->link_left[w->now.path[i].link[h]] -= w->job->links[i].kbps;
    }
}

#define SCORED_TRIES 4u

static bool settle_move(struct embed *w, bool laid)
{
    if (laid && keep_better(w))
        return true;
    restore(w);
    return false;
}

static bool move(struct embed *w, uint32_t unit)
{
    uint16_t node;
    work_pull(w, unit);
    work_price(w, unit, room_for(w, 0));
    node = work_cheapest(w, unit);
    return settle_move(w, node != NOWHERE && may_better(w, w->price[node]) &&
                              work_put(w, unit, node));
}

/* By the score, the cheapest node is where the unit is already, more often than
 * not: the next ones are tried. */
static bool move_scored(struct embed *w, uint32_t unit)
{
    uint16_t at = w->now.node[unit];
    uint16_t node;
    work_pull(w, unit);
    work_price(w, unit, NO_COST);
    w->price[at] = NO_COST;
    for (uint32_t i = 0; i < SCORED_TRIES; i++) {
        node = work_cheapest(w, unit);
        if (node == NOWHERE)
            break;
        w->price[node] = NO_COST;
        if (!work_put(w, unit, node))
            continue;
        if (keep_better(w))
            return true;
        work_pull(w, unit);
    }
    restore(w);
    return false;
}

static bool exchange(struct embed *w, uint32_t a, uint32_t b)
{
    uint16_t at_a = w->now.node[a];
    uint16_t at_b = w->now.node[b];
    if (at_a == at_b || !node_set_has(&w->units[a].may, at_b) ||
        !node_set_has(&w->units[b].may, at_a))
        return false;
    work_pull(w, a);
    work_pull(w, b);
    return settle_move(w, work_put(w, a, at_b) && work_put(w, b, at_a));
}

/* Takes both out and puts one, then the other, where it is cheapest. */
static bool move_both(struct embed *w, uint32_t a, uint32_t b)
{
    uint16_t node;
    bool laid;
    work_pull(w, a);
    work_pull(w, b);
    work_price(w, a, room_for(w, 0));
    node = work_cheapest(w, a);
    laid = node != NOWHERE && work_put(w, a, node);
    if (laid) {
        work_price(w, b, room_for(w, 0));
        node = work_cheapest(w, b);
        laid = node != NOWHERE && may_better(w, w->price[node]) &&
               work_put(w, b, node);
    }
    return settle_move(w, laid);
}

enum change { CHANGE_MOVE, CHANGE_EXCHANGE, CHANGE_BOTH };

static bool change(struct embed *w, enum change kind, uint32_t a, uint32_t b)
{
    switch (kind) {
    case CHANGE_MOVE:
        return w->aim == EMBED_AIM_SCORE ? move_scored(w, a) : move(w, a);
    case CHANGE_EXCHANGE:
        return exchange(w, a, b);
    case CHANGE_BOTH:
        return move_both(w, a, b);
    }
    return false;
}

/* One change of the budget. False: it is spent. */
static bool spend(struct embed *w, enum change kind, uint32_t a, uint32_t b,
                  uint32_t moves_max, struct embed_stats *stats)
{
    if (stats->moves == moves_max)
        return false;
    stats->moves++;
    stats->better += change(w, kind, a, b);
    return true;
}

/* All changes of units, in rounds, until one does not help. */
static void improve(struct embed *w, uint32_t moves_max,
                    struct embed_stats *stats)
{
    uint32_t before;
    do {
        before = stats->better;
        for (uint32_t n = w->placed_count; n < w->unit_count; n++) {
            uint32_t a = w->order[n];
            if (!spend(w, CHANGE_MOVE, a, a, moves_max, stats))
                return;
            for (uint32_t m = n + 1; m < w->unit_count; m++) {
                uint32_t b = w->order[m];
                if (!spend(w, CHANGE_EXCHANGE, a, b, moves_max, stats) ||
                    !spend(w, CHANGE_BOTH, a, b, moves_max, stats) ||
                    !spend(w, CHANGE_BOTH, b, a, moves_max, stats))
                    return;
            }
        }
    } while (stats->better > before);
}

/* ---- the plan ---- */

enum err embed_solve(struct embed *embed, const struct job_graph *job,
                     const struct embed_options *options, struct plan *out,
                     struct embed_stats *out_stats)
{
    struct embed *w = embed;
    struct embed_stats stats = {0};
    CHECK(options->tries_max > 0);
    TRY(job_graph_check(job));
    TRY(work_begin(w, job));
    w->best.cost = NO_COST;
    w->aim = options->aim;
    w->weights = options->weights;
    if (!put_placed(w))
        return ERR_CAPACITY;
    if (w->placed_count == w->unit_count)
        (void)keep_better(w);
    else
        try_starts(w, options, &stats);
    if (w->best.cost == NO_COST)
        return ERR_CAPACITY;
    stats.cost_greedy = w->best.cost;
    restore(w);
    improve(w, options->moves_max, &stats);
    stats.cost = w->best.cost;
    stats.score = w->best_score;
    stats.exact = w->exact;
    TRY(write_plan(w, &w->best, out));
    if (out_stats != NULL)
        *out_stats = stats;
    return OK;
}

/* ---- only paths ---- */

static bool put_given(struct embed *w, const uint16_t *nodes)
{
    for (uint32_t c = 0; c < w->job->component_count; c++) {
        uint32_t unit = w->unit_of[c];
        if (nodes[c] >= w->topology->node_count ||
            (w->now.node[unit] != NOWHERE && w->now.node[unit] != nodes[c]))
            return false;
        if (w->now.node[unit] == NOWHERE && !work_put(w, unit, nodes[c]))
            return false;
    }
    return true;
}

enum err embed_paths(struct embed *embed, const struct job_graph *job,
                     const uint16_t *nodes, struct plan *out)
{
    TRY(job_graph_check(job));
    TRY(work_begin(embed, job));
    if (!put_given(embed, nodes))
        return ERR_CAPACITY;
    return write_plan(embed, &embed->now, out);
}
