#include "sched/lab/adjust_replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sched/graph/wakeup.h"

#define MIB       (UINT64_C(1024) * 1024)
#define STATE_MIB 1000u
#define WEAKER    10u   /* what an event leaves of a link: a tenth */
#define OUT_MAX   4096u /* events at one time */
#define UNIT_MS   1000u
#define WAKE_MAX  64u /* that one end of an event wakes */

struct guest {
    uint64_t id; /* order of arrival, from 1 */
    double ends_at;
    double wanted;
    double since; /* it runs; < 0: it waits */
    double ran;
    struct job_graph job;
    struct plan plan;
    uint64_t state[JOB_COMPONENTS_MAX];
    struct adjust_history history;
};

struct outage {
    double ends_at;
    bool is_link;
    uint16_t subject;
    struct stock cap;
    uint64_t kbps;
};

struct world {
    struct topology *t;
    const struct adjust_workload *workload;
    const struct adjust_way *way;
    struct embed *embed;
    struct adjust *adjust;
    struct wakeup *wakeup;
    struct guest **guests; /* by arrival */
    uint32_t guest_count;
    uint32_t guest_room;
    uint64_t next_id;
    struct outage outages[OUT_MAX];
    uint32_t outage_count;
    double now;
    double wanted; /* time of all accepted jobs */
    uint64_t *sum_links;
    struct stock *sum_nodes;
    struct dice times;
    struct dice requests;
    struct dice events;
    struct hold hold;
    struct plan plan;
    uint32_t turn; /* whose turn it is to be asked */
    struct adjust_report report;
};

/* Exponential, by inversion; never 0 and never infinite. */
static double draw(struct dice *dice, double mean)
{
    double u = ((double)(dice_next(dice) >> 11) + 0.5) / 9007199254740992.0;
    return -log(u) * mean;
}

static uint64_t cpu_now(const struct world *w)
{
    return w->way->cpu_ns == NULL ? 0 : w->way->cpu_ns();
}

/* ---- reservations ---- */

static void take(struct world *w, const struct guest *g)
{
    plan_hold(&g->job, &g->plan, &w->hold);
    CHECK(topology_take(w->t, &w->hold) == OK);
}

static void give(struct world *w, const struct guest *g)
{
    plan_hold(&g->job, &g->plan, &w->hold);
    topology_give(w->t, &w->hold);
}

static void check_plan(struct world *w, const struct job_graph *job,
                       const struct plan *plan)
{
    struct plan_verdict verdict;
    CHECK(plan_check(w->t, job, plan, &verdict));
    w->report.checked++;
}

/* What the guests hold is what is used. */
static void compare_sums(struct world *w)
{
    const struct topology *t = w->t;
    memset(w->sum_links, 0, t->link_count * sizeof(*w->sum_links));
    memset(w->sum_nodes, 0, t->node_count * sizeof(*w->sum_nodes));
    for (uint32_t i = 0; i < w->guest_count; i++) {
        if (w->guests[i]->since < 0)
            continue;
        plan_hold(&w->guests[i]->job, &w->guests[i]->plan, &w->hold);
        for (uint32_t k = 0; k < w->hold.link_count; k++)
            w->sum_links[w->hold.links[k].link] += w->hold.links[k].kbps;
        for (uint32_t k = 0; k < w->hold.node_count; k++)
            for (uint32_t r = 0; r < RES_COUNT; r++)
                w->sum_nodes[w->hold.nodes[k].node].of[r] +=
                    w->hold.nodes[k].stock.of[r];
    }
    for (uint32_t e = 0; e < t->link_count; e++)
        CHECK(w->sum_links[e] == t->links[e].used_kbps);
    for (uint32_t v = 0; v < t->node_count; v++)
        CHECK(memcmp(&w->sum_nodes[v], &t->nodes[v].used,
                     sizeof(struct stock)) == 0);
}

/* ---- guests ---- */

static bool lay(struct world *w, const struct job_graph *job, struct plan *out)
{
    return embed_solve(w->embed, job, &w->way->options, out, NULL) == OK;
}

static enum err guest_room(struct world *w)
{
    uint32_t room = w->guest_room == 0 ? 64 : w->guest_room * 2;
    struct guest **grown;
    if (w->guest_count < w->guest_room)
        return OK;
    grown = realloc(w->guests, room * sizeof(struct guest *));
    if (grown == NULL)
        return ERR_NOMEM;
    w->guests = grown;
    w->guest_room = room;
    return OK;
}

static enum err arrive(struct world *w)
{
    struct guest *g = calloc(1, sizeof(*g));
    if (g == NULL)
        return ERR_NOMEM;
    embed_request(&w->workload->jobs, &w->requests, &g->job);
    g->wanted = draw(&w->requests, w->workload->jobs.life_mean);
    for (uint32_t c = 0; c < g->job.component_count; c++)
        g->state[c] = dice_between(&w->requests, 1, STATE_MIB) * MIB;
    w->report.requests++;
    if (!lay(w, &g->job, &g->plan)) {
        free(g);
        return OK;
    }
    if (guest_room(w) != OK) {
        free(g);
        return ERR_NOMEM;
    }
    check_plan(w, &g->job, &g->plan);
    take(w, g);
    g->id = ++w->next_id;
    g->since = w->now;
    g->ends_at = w->now + g->wanted;
    w->wanted += g->wanted;
    w->guests[w->guest_count++] = g;
    w->report.accepted++;
    return OK;
}

static void stop_running(struct world *w, struct guest *g)
{
    g->ran += w->now - g->since;
    g->since = -1;
}

static void leave(struct world *w, uint32_t i)
{
    struct guest *g = w->guests[i];
    if (g->since >= 0) {
        give(w, g);
        stop_running(w, g);
    } else {
        CHECK(wakeup_remove(w->wakeup, g->id));
    }
    w->report.served += g->ran;
    free(g);
    memmove(&w->guests[i], &w->guests[i + 1],
            (w->guest_count - i - 1) * sizeof(struct guest *));
    w->guest_count--;
}

/* ---- waking ---- */

static struct guest *guest_of(const struct world *w, uint64_t id)
{
    for (uint32_t i = 0; i < w->guest_count; i++)
        if (w->guests[i]->id == id)
            return w->guests[i];
    return NULL;
}

static void try_again(struct world *w, const uint64_t *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct guest *g = guest_of(w, ids[i]);
        CHECK(g != NULL && g->since < 0);
        w->report.wakes++;
        if (!lay(w, &g->job, &w->plan))
            continue;
        check_plan(w, &g->job, &w->plan);
        g->plan = w->plan;
        take(w, g);
        g->since = w->now;
        CHECK(wakeup_remove(w->wakeup, g->id));
        w->report.resumed++;
    }
}

static void wake_by_node(struct world *w, uint32_t node)
{
    uint64_t ids[WAKE_MAX];
    struct stock left;
    topology_left(w->t, node, &left);
    try_again(w, ids, wakeup_node(w->wakeup, &left, ids, WAKE_MAX));
}

/* What a job gives back may help at any of its nodes; those that wait are asked
 * once each. */
static void wake_after(struct world *w, const struct hold *freed)
{
    uint16_t nodes[HOLD_NODES_MAX];
    uint32_t count = freed->node_count;
    if (wakeup_count(w->wakeup) == 0)
        return;
    for (uint32_t i = 0; i < count; i++)
        nodes[i] = freed->nodes[i].node;
    for (uint32_t i = 0; i < count && wakeup_count(w->wakeup) > 0; i++)
        wake_by_node(w, nodes[i]);
}

/* ---- those that were hit ---- */

/* Components that want something of what the outage touches. */
static uint32_t hurt(const struct guest *g, const struct outage *o)
{
    uint32_t mask = 0;
    for (uint32_t c = 0; !o->is_link && c < g->job.component_count; c++)
        if (g->plan.node[c] == o->subject)
            mask |= 1u << c;
    for (uint32_t i = 0; o->is_link && i < g->job.link_count; i++)
        for (uint32_t s = g->plan.begin[i]; s < g->plan.begin[i + 1]; s++)
            if (g->plan.steps[s] == o->subject)
                mask |= 1u << g->job.links[i].from | 1u << g->job.links[i].to;
    return mask;
}

static void count_moves(struct world *w, const struct guest *g,
                        const struct plan *plan, const struct outage *o)
{
    uint32_t touched = hurt(g, o);
    for (uint32_t c = 0; c < g->job.component_count; c++) {
        if (g->plan.node[c] == plan->node[c])
            continue;
        w->report.moves++;
        w->report.moves_unhurt += (touched >> c & 1) == 0;
        w->report.moved_mib += g->state[c] / MIB;
    }
}

static struct adjust_case case_of(const struct world *w, const struct guest *g)
{
    return (struct adjust_case){.topology = w->t,
                                .job = &g->job,
                                .plan = &g->plan,
                                .state_bytes = g->state,
                                .terms = &w->way->terms,
                                .history = &g->history,
                                .now_ms = (uint64_t)(w->now * UNIT_MS)};
}

static enum err mend(struct world *w, struct guest *g, bool *out_ok)
{
    struct adjust_case what = case_of(w, g);
    struct adjust_result result;
    TRY(adjust_repair(w->adjust, &what, &result));
    w->report.levels[result.level]++;
    *out_ok = result.level != ADJUST_LOST;
    if (!*out_ok)
        return OK;
    adjust_note(&what, &result, false, &g->history);
    w->report.rerouted += result.rerouted;
    w->plan = result.plan;
    return OK;
}

/* Its hold is given back; a new plan is in w->plan. */
static enum err new_plan(struct world *w, struct guest *g, bool *out_ok)
{
    *out_ok = false;
    switch (w->way->policy) {
    case ADJUST_BY_REPAIR:
        return mend(w, g, out_ok);
    case ADJUST_BY_RESOLVE:
        *out_ok = lay(w, &g->job, &w->plan);
        return OK;
    case ADJUST_BY_STOP:
        return OK;
    }
    return OK;
}

static enum err deal_with(struct world *w, struct guest *g,
                          const struct outage *o)
{
    struct plan_verdict verdict;
    uint64_t began;
    bool ok = false;
    enum err err;
    give(w, g);
    if (plan_check(w->t, &g->job, &g->plan, &verdict)) {
        take(w, g);
        return OK;
    }
    w->report.hits++;
    began = cpu_now(w);
    err = new_plan(w, g, &ok);
    began = cpu_now(w) - began;
    w->report.cpu_ns += began;
    if (began > w->report.cpu_ns_most)
        w->report.cpu_ns_most = began;
    if (err == OK && ok) {
        check_plan(w, &g->job, &w->plan);
        count_moves(w, g, &w->plan, o);
        g->plan = w->plan;
        take(w, g);
    } else if (err == OK) {
        w->report.lost++;
        stop_running(w, g);
        err = wakeup_add(w->wakeup, g->id, &g->job);
    }
    return err;
}

/* ---- events ---- */

static bool is_out(const struct world *w, bool is_link, uint32_t subject)
{
    for (uint32_t i = 0; i < w->outage_count; i++)
        if (w->outages[i].is_link == is_link &&
            w->outages[i].subject == subject)
            return true;
    return false;
}

static enum err outage_begins(struct world *w)
{
    bool is_link = dice_chance(&w->events, 500) && w->t->link_count > 0;
    uint32_t all = is_link ? w->t->link_count : w->t->node_count;
    struct outage o = {.is_link = is_link};
    o.subject = (uint16_t)dice_below(&w->events, all);
    o.ends_at = w->now + draw(&w->events, w->workload->down_mean);
    if (w->outage_count == OUT_MAX || is_out(w, is_link, o.subject))
        return OK; /* it is out already */
    w->report.events++;
    if (is_link) {
        o.kbps = w->t->links[o.subject].cap_kbps;
        w->t->links[o.subject].cap_kbps = o.kbps / WEAKER;
    } else {
        o.cap = w->t->nodes[o.subject].cap;
        w->t->nodes[o.subject].cap = (struct stock){{0}};
    }
    w->outages[w->outage_count++] = o;
    for (uint32_t i = 0; i < w->guest_count; i++)
        if (w->guests[i]->since >= 0 && hurt(w->guests[i], &o) != 0)
            TRY(deal_with(w, w->guests[i], &o));
    return OK;
}

static void outage_ends(struct world *w, uint32_t i)
{
    struct outage o = w->outages[i];
    uint64_t ids[WAKE_MAX];
    w->outages[i] = w->outages[--w->outage_count];
    if (o.is_link) {
        w->t->links[o.subject].cap_kbps = o.kbps;
        try_again(w, ids,
                  wakeup_link(w->wakeup, topology_left_kbps(w->t, o.subject),
                              ids, WAKE_MAX));
    } else {
        w->t->nodes[o.subject].cap = o.cap;
        wake_by_node(w, o.subject);
    }
}

/* One that runs is asked whether it would move. */
static enum err ask_one(struct world *w)
{
    struct adjust_result result;
    struct adjust_case what;
    struct guest *g;
    if (w->guest_count == 0)
        return OK;
    g = w->guests[w->turn++ % w->guest_count];
    if (g->since < 0)
        return OK;
    give(w, g);
    what = case_of(w, g);
    TRY(adjust_improve(w->adjust, &what, &result));
    if (result.moves > 0) {
        check_plan(w, &g->job, &result.plan);
        adjust_note(&what, &result, true, &g->history);
        g->plan = result.plan;
        w->report.willing += result.moves;
    }
    take(w, g);
    return OK;
}

/* ---- the clock ---- */

struct next {
    double at;
    enum { NEXT_ARRIVAL, NEXT_EVENT, NEXT_LEAVE, NEXT_END, NEXT_ASK } what;
    uint32_t index;
};

static void sooner(struct next *next, double at, int what, uint32_t index)
{
    if (at >= next->at)
        return;
    next->at = at;
    next->what = what;
    next->index = index;
}

static struct next next_of(const struct world *w, double arrival, double event,
                           double ask)
{
    struct next next = {.at = arrival, .what = NEXT_ARRIVAL};
    sooner(&next, event, NEXT_EVENT, 0);
    for (uint32_t i = 0; i < w->guest_count; i++)
        sooner(&next, w->guests[i]->ends_at, NEXT_LEAVE, i);
    for (uint32_t i = 0; i < w->outage_count; i++)
        sooner(&next, w->outages[i].ends_at, NEXT_END, i);
    if (w->workload->improve)
        sooner(&next, ask, NEXT_ASK, 0);
    return next;
}

static void one_leaves(struct world *w, uint32_t i)
{
    struct hold freed = {0};
    if (w->guests[i]->since >= 0)
        plan_hold(&w->guests[i]->job, &w->guests[i]->plan, &freed);
    leave(w, i);
    wake_after(w, &freed);
}

static enum err run(struct world *w)
{
    const struct adjust_workload *load = w->workload;
    double arrival = draw(&w->times, 1 / load->jobs.rate);
    double event = draw(&w->events, 1 / load->event_rate);
    double ask = 1;
    while (w->report.requests < load->jobs.requests) {
        struct next next = next_of(w, arrival, event, ask);
        CHECK(next.at >= w->now);
        w->now = next.at;
        switch (next.what) {
        case NEXT_ARRIVAL:
            TRY(arrive(w));
            arrival = w->now + draw(&w->times, 1 / load->jobs.rate);
            break;
        case NEXT_EVENT:
            TRY(outage_begins(w));
            event = w->now + draw(&w->events, 1 / load->event_rate);
            break;
        case NEXT_LEAVE:
            one_leaves(w, next.index);
            break;
        case NEXT_END:
            outage_ends(w, next.index);
            break;
        case NEXT_ASK:
            TRY(ask_one(w));
            ask = w->now + 1;
            break;
        }
        compare_sums(w);
    }
    return OK;
}

/* Everybody goes; what they would still have run is not counted as wanted. */
static void close_down(struct world *w)
{
    while (w->guest_count > 0) {
        w->wanted -= w->guests[0]->ends_at - w->now;
        leave(w, 0);
    }
    while (w->outage_count > 0)
        outage_ends(w, 0);
}

static bool in_bounds(const struct adjust_workload *load)
{
    return load->jobs.rate > 0 && load->jobs.life_mean > 0 &&
           load->event_rate > 0 && load->down_mean > 0 &&
           load->jobs.requests >= 1 &&
           load->jobs.requests <= REPLAY_REQUESTS_MAX &&
           load->jobs.size_min >= 2 &&
           load->jobs.size_min <= load->jobs.size_max &&
           load->jobs.size_max <= JOB_COMPONENTS_MAX &&
           load->jobs.edge_permille >= 1;
}

enum err adjust_replay(struct topology *topology,
                       const struct adjust_workload *workload,
                       const struct adjust_way *way, struct adjust_report *out)
{
    struct world *w;
    enum err err;
    if (!in_bounds(workload))
        return ERR_RANGE;
    w = calloc(1, sizeof(*w));
    if (w == NULL)
        return ERR_NOMEM;
    w->t = topology;
    w->workload = workload;
    w->way = way;
    dice_init(&w->times, workload->jobs.seed);
    dice_init(&w->requests, workload->jobs.seed ^ UINT64_C(0x72657175));
    dice_init(&w->events, workload->jobs.seed ^ UINT64_C(0x6576656e));
    w->sum_links = calloc(topology->link_count + 1u, sizeof(*w->sum_links));
    w->sum_nodes = calloc(topology->node_count, sizeof(*w->sum_nodes));
    err = w->sum_links == NULL || w->sum_nodes == NULL ? ERR_NOMEM : OK;
    if (err == OK)
        err = embed_new(topology, &w->embed);
    if (err == OK)
        err = adjust_new(topology, &w->adjust);
    if (err == OK)
        err = wakeup_new(workload->jobs.requests, &w->wakeup);
    if (err == OK)
        err = run(w);
    if (w->wakeup != NULL)
        close_down(w);
    w->report.served = w->wanted > 0 ? w->report.served / w->wanted : 1;
    if (err == OK)
        *out = w->report;
    wakeup_free(w->wakeup);
    adjust_free(w->adjust);
    embed_free(w->embed);
    free(w->guests);
    free(w->sum_links);
    free(w->sum_nodes);
    free(w);
    return err;
}
