#include "sched/graph/adjust_work.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* embed_work.h has a NOWHERE of its own: the same. */

enum err adjust_new(const struct topology *topology, struct adjust **out)
{
    struct adjust *a = calloc(1, sizeof(*a));
    enum err err = ERR_NOMEM;
    if (a == NULL)
        return ERR_NOMEM;
    a->topology = topology;
    a->kept_left = calloc(topology->link_count + 1u, sizeof(*a->kept_left));
    a->link_left = calloc(topology->link_count + 1u, sizeof(*a->link_left));
    a->seats = calloc((size_t)topology->node_count * JOB_COMPONENTS_MAX,
                      sizeof(*a->seats));
    if (a->kept_left != NULL && a->link_left != NULL && a->seats != NULL)
        err = route_search_new(topology, &a->search);
    if (err == OK)
        err = embed_new(topology, &a->embed);
    if (err != OK) {
        adjust_free(a);
        return err;
    }
    *out = a;
    return OK;
}

void adjust_free(struct adjust *adjust)
{
    if (adjust == NULL)
        return;
    for (uint32_t i = 0; i < JOB_COMPONENTS_MAX; i++)
        free(adjust->hops[i]);
    embed_free(adjust->embed);
    route_search_free(adjust->search);
    free(adjust->kept_left);
    free(adjust->link_left);
    free(adjust->seats);
    free(adjust);
}

/* ---- costs ---- */

static uint64_t price_of(const struct adjust_case *what, uint32_t c,
                         uint32_t node)
{
    const uint64_t *price = what->terms->price_micro;
    uint64_t milli = what->job->components[c].want.of[RES_CPU];
    return price == NULL ? 0 : price[node] * milli / 1000;
}

static uint64_t path_price(const struct adjust_case *what, uint64_t kbps,
                           uint64_t hops)
{
    return what->terms->link_micro * kbps * hops / 1000000;
}

uint64_t work_hour(const struct adjust_case *what, const struct plan *plan)
{
    uint64_t sum = 0;
    for (uint32_t c = 0; c < what->job->component_count; c++)
        sum += price_of(what, c, plan->node[c]);
    for (uint32_t i = 0; i < what->job->link_count; i++)
        sum += path_price(what, what->job->links[i].kbps,
                          (uint64_t)plan->begin[i + 1] - plan->begin[i]);
    return sum;
}

uint32_t work_moved(const struct adjust_case *what, const struct plan *plan)
{
    uint32_t moved = 0;
    for (uint32_t c = 0; c < what->job->component_count; c++)
        if (plan->node[c] != what->plan->node[c] &&
            !what->job->components[c].data)
            moved |= 1u << c;
    return moved;
}

/* What of a link is left for state: the running job's paths beside it. */
static void fill_left(const struct adjust *a, uint64_t *left)
{
    for (uint32_t e = 0; e < a->topology->link_count; e++)
        left[e] = topology_left_kbps(a->topology, e);
}

uint64_t work_state_us(struct adjust *a, uint32_t c, uint16_t to)
{
    const struct adjust_case *what = a->what;
    uint64_t bytes = what->state_bytes == NULL ? 0 : what->state_bytes[c];
    uint64_t least = UINT64_MAX;
    struct route route;
    if (bytes == 0)
        return 0;
    fill_left(a, a->link_left);
    route_map(a->topology, a->link_left, what->plan->node[c], to, 1,
              ROUTE_HOPS_MAX, &a->map);
    if (!route_read(a->topology, &a->map, to, &route))
        return NO_WAY;
    for (uint32_t h = 0; h < route.hops; h++)
        if (a->link_left[route.link[h]] < least)
            least = a->link_left[route.link[h]];
    if (route.hops == 0 || least == 0)
        return NO_WAY;
    return bytes / least < UINT64_MAX / 16000 ? bytes * 8 / least * 1000 + 1000
                                              : NO_WAY - 1;
}

static uint64_t moving_of(struct adjust *a, uint32_t c, uint16_t to)
{
    const struct adjust_terms *terms = a->what->terms;
    uint64_t us = work_state_us(a, c, to);
    uint64_t hour_us = UINT64_C(3600000000);
    if (us == NO_WAY) /* it starts from what is kept elsewhere */
        us = 0;
    if (us > hour_us * 1000)
        us = hour_us * 1000;
    return terms->kappa_micro + terms->mu_micro * (us / 1000) / 1000;
}

uint64_t work_moving(struct adjust *a, const struct plan *plan)
{
    uint32_t moved = work_moved(a->what, plan);
    uint64_t sum = 0;
    for (uint32_t c = 0; c < a->what->job->component_count; c++)
        if ((moved >> c & 1) != 0)
            sum += moving_of(a, c, plan->node[c]);
    return sum;
}

/* ---- distances ---- */

/* Links from one node to all, over what is left; rows are kept for the case. */
static const uint16_t *hops_from(struct adjust *a, uint16_t node)
{
    uint32_t slot;
    for (uint32_t i = 0; i < a->hops_count; i++)
        if (a->hops_from[i] == node)
            return a->hops[i];
    slot = a->hops_next;
    a->hops_next = (a->hops_next + 1) % JOB_COMPONENTS_MAX;
    if (a->hops[slot] == NULL)
        a->hops[slot] = calloc(a->topology->node_count, sizeof(*a->hops[slot]));
    if (a->hops[slot] == NULL)
        return NULL;
    if (a->hops_count < JOB_COMPONENTS_MAX)
        a->hops_count++;
    a->hops_from[slot] = node;
    fill_left(a, a->link_left);
    route_map(a->topology, a->link_left, node, ROUTE_FAR, 0, ROUTE_HOPS_MAX,
              &a->map);
    memcpy(a->hops[slot], a->map.hops,
           a->topology->node_count * sizeof(*a->hops[slot]));
    return a->hops[slot];
}

/* ---- one layout ---- */

enum err work_start(struct adjust *a, const struct adjust_case *what)
{
    TRY(job_graph_check(what->job));
    if (what->plan->component_count != what->job->component_count ||
        what->plan->link_count != what->job->link_count)
        return ERR_RANGE;
    for (uint32_t c = 0; c < what->job->component_count; c++)
        if (what->plan->node[c] >= a->topology->node_count)
            return ERR_RANGE;
    for (uint32_t s = 0; s < what->plan->begin[what->plan->link_count]; s++)
        if (s >= PLAN_STEPS_MAX ||
            what->plan->steps[s] >= a->topology->link_count)
            return ERR_RANGE;
    CHECK(what->topology == a->topology && what->terms->tries_max > 0);
    a->what = what;
    a->hops_count = a->hops_next = 0;
    a->best_cost = UINT64_MAX;
    a->found = false;
    a->willing = a->home_barred = false;
    a->tries = 0;
    adjust_zones(what->job, a->zones);
    return OK;
}

void work_offer(struct adjust *a, const struct plan *plan)
{
    struct plan_verdict verdict;
    uint64_t cost;
    a->tries++;
    if (!plan_check(a->topology, a->what->job, plan, &verdict))
        return;
    cost = work_hour(a->what, plan) + work_moving(a, plan);
    if (cost >= a->best_cost)
        return;
    a->best_cost = cost;
    a->best = *plan;
    a->found = true;
}

struct lay {
    uint32_t count;
    uint8_t order[JOB_LINKS_MAX]; /* links to be laid */
    struct route routes[JOB_LINKS_MAX];
};

/* The widest first; a link that found no way goes to the front. */
static void lay_order(const struct adjust *a, struct lay *lay)
{
    const struct job_graph *job = a->what->job;
    lay->count = 0;
    for (uint32_t i = 0; i < job->link_count; i++) {
        uint32_t at = lay->count;
        if (!link_set_has(&a->relay, i))
            continue;
        while (at > 0 &&
               job->links[lay->order[at - 1]].kbps < job->links[i].kbps) {
            lay->order[at] = lay->order[at - 1];
            at--;
        }
        lay->order[at] = (uint8_t)i;
        lay->count++;
    }
}

static bool lay_one(struct adjust *a, uint32_t link, struct route *out)
{
    const struct job_link *l = &a->what->job->links[link];
    struct route_bounds bounds = {.kbps = l->kbps,
                                  .risk_nn_max = l->risk_nn_max};
    uint16_t from = a->node[l->from];
    uint16_t to = a->node[l->to];
    uint64_t send = job_link_send_us(l);
    bool exact;
    out->hops = 0;
    if (from == to)
        return true;
    if (l->delay_us_max != 0 && send >= l->delay_us_max)
        return false;
    if (l->delay_us_max != 0)
        bounds.delay_us_max = l->delay_us_max - send;
    else if (l->flow && a->what->job->time_us_max != 0)
        bounds.delay_us_max = UINT32_MAX; /* it must be known */
    if (route_bounded(a->search, a->link_left, from, to, &bounds, out,
                      &exact) != OK)
        return false;
    for (uint32_t h = 0; h < out->hops; h++)
        a->link_left[out->link[h]] -= l->kbps;
    return true;
}

/* True: all are laid; else out_failed is the place in the order of the first
 * that is not. */
static bool lay_all(struct adjust *a, struct lay *lay, uint32_t *out_failed)
{
    memcpy(a->link_left, a->kept_left,
           a->topology->link_count * sizeof(*a->link_left));
    for (uint32_t i = 0; i < lay->count; i++)
        if (!lay_one(a, lay->order[i], &lay->routes[lay->order[i]])) {
            *out_failed = i;
            return false;
        }
    return true;
}

static bool write_plan(const struct adjust *a, const struct lay *lay,
                       struct plan *out)
{
    const struct job_graph *job = a->what->job;
    const struct plan *old = a->what->plan;
    uint32_t steps = 0;
    memset(out, 0, sizeof(*out)); /* equal plans are equal bytes */
    out->component_count = job->component_count;
    out->link_count = job->link_count;
    memcpy(out->node, a->node, job->component_count * sizeof(out->node[0]));
    for (uint32_t i = 0; i < job->link_count; i++) {
        bool again = link_set_has(&a->relay, i);
        const uint16_t *from =
            again ? lay->routes[i].link : &old->steps[old->begin[i]];
        uint32_t hops = again ? lay->routes[i].hops
                              : (uint32_t)old->begin[i + 1] - old->begin[i];
        out->begin[i] = (uint16_t)steps;
        if (steps + hops > PLAN_STEPS_MAX)
            return false;
        memcpy(&out->steps[steps], from, hops * sizeof(*from));
        steps += hops;
    }
    out->begin[job->link_count] = (uint16_t)steps;
    return true;
}

/* All components have a node: lay the links, each first in turn while it is in
 * the way of itself. */
static void try_layout(struct adjust *a)
{
    struct lay lay;
    struct plan plan;
    uint32_t failed = 0;
    lay_order(a, &lay);
    for (uint32_t round = 0; round <= lay.count; round++) {
        if (lay_all(a, &lay, &failed)) {
            if (write_plan(a, &lay, &plan))
                work_offer(a, &plan);
            return;
        }
        a->tries++;
        if (failed == 0)
            return; /* it has all there is and no way */
        uint8_t link = lay.order[failed];
        memmove(&lay.order[1], &lay.order[0], failed);
        lay.order[0] = link;
    }
}

/* ---- seats ---- */

static bool left_by_will(const struct adjust *a, uint32_t c, uint32_t node)
{
    const struct adjust_history *h = a->what->history;
    uint32_t kept =
        h->left_count < ADJUST_LEFT_MAX ? h->left_count : ADJUST_LEFT_MAX;
    for (uint32_t i = 0; i < kept; i++)
        if (h->left[i].component == c && h->left[i].node == node &&
            a->what->now_ms - h->left[i].at_ms < a->what->terms->memory_ms)
            return true;
    return false;
}

/* Room, and the company it may keep, among those that have a node. */
static bool room_on(const struct adjust *a, uint32_t unit, uint16_t node)
{
    const struct job_graph *job = a->what->job;
    struct stock left;
    uint64_t sum[RES_COUNT] = {0};
    topology_left(a->topology, node, &left);
    for (uint32_t c = 0; c < job->component_count; c++) {
        const struct job_component *x = &job->components[c];
        bool mine = (unit >> c & 1) != 0;
        if (!mine && ((a->assigned >> c & 1) == 0 || a->node[c] != node))
            continue;
        for (uint32_t r = 0; r < RES_COUNT; r++)
            sum[r] += x->want.of[r];
        for (uint32_t o = 0; !mine && o < job->component_count; o++) {
            const struct job_component *y = &job->components[o];
            if ((unit >> o & 1) == 0)
                continue;
            if ((x->apart != 0 && x->apart == y->apart) ||
                (job->alone && !x->data && !y->data))
                return false;
        }
    }
    for (uint32_t r = 0; r < RES_COUNT; r++)
        if (sum[r] > left.of[r])
            for (uint32_t c = 0; c < job->component_count; c++)
                if ((unit >> c & 1) != 0 && job->components[c].want.of[r] > 0)
                    return false;
    return true;
}

static bool seat_ok(const struct adjust *a, uint32_t unit, uint16_t node)
{
    for (uint32_t c = 0; c < a->what->job->component_count; c++)
        if ((unit >> c & 1) != 0 &&
            (!adjust_may(a->topology, a->what->job, a->zones, c, node) ||
             (a->willing && left_by_will(a, c, node)) ||
             (a->home_barred && a->what->plan->node[c] == node)))
            return false;
    return room_on(a, unit, node);
}

/* At least this much for the unit there, links to those with a node included.
 */
static uint64_t seat_cost(struct adjust *a, uint32_t unit, uint16_t node)
{
    const struct job_graph *job = a->what->job;
    uint64_t sum = 0;
    for (uint32_t c = 0; c < job->component_count; c++) {
        if ((unit >> c & 1) == 0)
            continue;
        sum += price_of(a->what, c, node);
        if (a->what->plan->node[c] != node && !job->components[c].data)
            sum += a->what->terms->kappa_micro;
    }
    for (uint32_t i = 0; i < job->link_count; i++) {
        uint32_t from = job->links[i].from;
        uint32_t to = job->links[i].to;
        bool from_mine = (unit >> from & 1) != 0;
        uint32_t other = from_mine ? to : from;
        const uint16_t *hops;
        if (from_mine == ((unit >> to & 1) != 0) ||
            (a->assigned >> other & 1) == 0)
            continue;
        hops = hops_from(a, a->node[other]);
        if (hops == NULL)
            continue; /* no memory for a better bound */
        if (hops[node] == ROUTE_FAR)
            return NO_WAY;
        sum += path_price(a->what, job->links[i].kbps, hops[node]);
    }
    return sum;
}

static int seat_order(const void *x, const void *y)
{
    const struct seat *a = x;
    const struct seat *b = y;
    if (a->cost != b->cost)
        return a->cost < b->cost ? -1 : 1;
    return (a->node > b->node) - (a->node < b->node);
}

/* The unit's nodes, the cheapest first. */
static uint32_t seats_of(struct adjust *a, uint32_t n, struct seat *seats)
{
    uint32_t count = 0;
    for (uint32_t v = 0; v < a->topology->node_count; v++) {
        uint64_t cost;
        if (!seat_ok(a, a->units[n], (uint16_t)v))
            continue;
        cost = seat_cost(a, a->units[n], (uint16_t)v);
        if (cost != NO_WAY)
            seats[count++] = (struct seat){cost, (uint16_t)v};
    }
    qsort(seats, count, sizeof(*seats), seat_order);
    return count;
}

static void put(struct adjust *a, uint32_t unit, uint16_t node)
{
    for (uint32_t c = 0; c < a->what->job->component_count; c++)
        if ((unit >> c & 1) != 0)
            a->node[c] = node;
    a->assigned |= unit;
}

/* Units from the n-th on; so_far is the least that the ones before cost. */
static void descend(struct adjust *a, uint32_t n, uint64_t so_far)
{
    struct seat *seats = &a->seats[(size_t)n * a->topology->node_count];
    uint32_t count;
    if (n == a->unit_count) {
        if (a->tries_left > 0) {
            a->tries_left--;
            try_layout(a);
        }
        return;
    }
    count = seats_of(a, n, seats);
    for (uint32_t i = 0; i < count && a->tries_left > 0; i++) {
        if (so_far + seats[i].cost >= a->best_cost)
            break; /* the rest costs more */
        put(a, a->units[n], seats[i].node);
        descend(a, n + 1, so_far + seats[i].cost);
        a->assigned &= ~a->units[n];
    }
    if (count == 0 && a->tries_left > 0)
        a->tries_left--; /* so that dead ends come to an end */
}

/* ---- a search ---- */

/* What all layouts have in common. */
static uint64_t common_cost(const struct adjust *a)
{
    const struct job_graph *job = a->what->job;
    const struct plan *old = a->what->plan;
    uint64_t sum = 0;
    for (uint32_t c = 0; c < job->component_count; c++)
        if ((a->assigned >> c & 1) != 0)
            sum += price_of(a->what, c, a->node[c]);
    for (uint32_t i = 0; i < job->link_count; i++)
        if (!link_set_has(&a->relay, i))
            sum += path_price(a->what, job->links[i].kbps,
                              (uint64_t)old->begin[i + 1] - old->begin[i]);
    return sum;
}

/* Beside the paths that are kept; false when these themselves do not fit. */
static void keep_paths(struct adjust *a)
{
    const struct job_graph *job = a->what->job;
    const struct plan *old = a->what->plan;
    fill_left(a, a->kept_left);
    for (uint32_t i = 0; i < job->link_count; i++) {
        if (link_set_has(&a->relay, i))
            continue;
        for (uint32_t s = old->begin[i]; s < old->begin[i + 1]; s++) {
            uint64_t *left = &a->kept_left[old->steps[s]];
            *left -= *left < job->links[i].kbps ? *left : job->links[i].kbps;
        }
    }
}

static void take_units(struct adjust *a, uint32_t movers)
{
    const struct job_graph *job = a->what->job;
    uint32_t seen = 0;
    a->unit_count = 0;
    a->assigned = 0;
    for (uint32_t c = 0; c < job->component_count; c++) {
        a->node[c] = a->what->plan->node[c];
        if ((movers >> c & 1) == 0)
            a->assigned |= 1u << c;
        if ((movers >> c & 1) == 0 || (seen >> c & 1) != 0)
            continue;
        a->units[a->unit_count] = adjust_group(job, c);
        seen |= a->units[a->unit_count++];
    }
    a->assigned &= ~seen;
}

enum err work_search(struct adjust *a, uint32_t movers,
                     const struct link_set *relay, bool relay_all)
{
    const struct job_graph *job = a->what->job;
    take_units(a, movers);
    a->relay = *relay;
    for (uint32_t i = 0; i < job->link_count; i++) {
        uint32_t ends = 1u << job->links[i].from | 1u << job->links[i].to;
        if (relay_all || (ends & ~a->assigned) != 0)
            link_set_add(&a->relay, i);
    }
    keep_paths(a);
    a->tries_left = a->what->terms->tries_max;
    descend(a, 0, common_cost(a));
    return OK;
}
