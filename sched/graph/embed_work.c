#include "sched/graph/embed_work.h"

#include "base/check.h"

#include <string.h>

/* ---- units ---- */

static uint32_t apart_bit(const struct job_graph *job, uint32_t component)
{
    uint32_t i = 0;
    if (job->components[component].apart == 0)
        return 0;
    while (job->components[i].apart != job->components[component].apart)
        i++;
    return 1u << i;
}

/* The component a group is known by. */
static uint32_t leader(const struct job_graph *job, uint32_t component)
{
    uint32_t i = 0;
    if (job->components[component].together == 0)
        return component;
    while (job->components[i].together != job->components[component].together)
        i++;
    return i;
}

static enum err unit_join(struct embed *w, struct unit *unit, uint32_t c)
{
    const struct job_component *component = &w->job->components[c];
    uint32_t apart = apart_bit(w->job, c);
    if ((unit->apart & apart) != 0)
        return ERR_CAPACITY;
    unit->apart |= apart;
    unit->data = unit->data && component->data;
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        if (unit->want.of[r] > UINT32_MAX - component->want.of[r])
            return ERR_CAPACITY;
        unit->want.of[r] += component->want.of[r];
    }
    if (component->place == JOB_ANYWHERE)
        return OK;
    if (component->place >= w->topology->node_count)
        return ERR_RANGE;
    if (unit->place != NOWHERE && unit->place != component->place)
        return ERR_CAPACITY;
    unit->place = component->place;
    return OK;
}

static enum err units_make(struct embed *w)
{
    w->unit_count = 0;
    for (uint32_t c = 0; c < w->job->component_count; c++) {
        uint32_t lead = leader(w->job, c);
        if (lead == c) {
            struct unit *unit = &w->units[w->unit_count];
            memset(unit, 0, sizeof(*unit));
            unit->data = true;
            unit->place = NOWHERE;
            w->unit_of[c] = (uint8_t)w->unit_count++;
        }
        w->unit_of[c] = w->unit_of[lead];
        TRY(unit_join(w, &w->units[w->unit_of[c]], c));
    }
    return OK;
}

/* ---- where a unit could be ---- */

/* Zones of a component and of every data input that it is reached from. */
static void zones_make(const struct job_graph *job,
                       uint64_t zones[JOB_COMPONENTS_MAX])
{
    bool changed = true;
    uint64_t content[JOB_COMPONENTS_MAX];
    for (uint32_t c = 0; c < job->component_count; c++) {
        zones[c] = job->components[c].zones;
        content[c] = job->components[c].data ? zones[c] : JOB_ZONES_ALL;
    }
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < job->link_count; i++) {
            const struct job_link *l = &job->links[i];
            changed = changed || (content[l->to] & ~content[l->from]) != 0;
            content[l->to] &= content[l->from];
        }
    }
    for (uint32_t c = 0; c < job->component_count; c++)
        zones[c] &= content[c];
}

static bool component_may(const struct job_component *component, uint64_t zones,
                          const struct topo_node *n, uint32_t node, bool timed)
{
    return (zones >> n->zone & 1) != 0 &&
           (component->labels & ~n->labels) == 0 &&
           (component->only == NULL || node_set_has(component->only, node)) &&
           !(timed && component->work_us > 0 && n->speed == 0);
}

static void may_make(struct embed *w)
{
    uint64_t zones[JOB_COMPONENTS_MAX];
    const struct topology *t = w->topology;
    bool timed = w->job->time_us_max != 0;
    zones_make(w->job, zones);
    for (uint32_t u = 0; u < w->unit_count; u++) {
        struct unit *unit = &w->units[u];
        for (uint32_t v = 0; v < t->node_count; v++)
            if ((unit->place == NOWHERE || unit->place == v) &&
                stock_fits(&unit->want, &w->node_left[v]))
                node_set_add(&unit->may, v);
    }
    for (uint32_t c = 0; c < w->job->component_count; c++) {
        struct node_set *may = &w->units[w->unit_of[c]].may;
        for (uint32_t v = 0; v < t->node_count; v++)
            if (!component_may(&w->job->components[c], zones[c], &t->nodes[v],
                               v, timed))
                may->word[v / 64] &= ~(UINT64_C(1) << v % 64);
    }
}

/* ---- links of a unit, and its weight ---- */

static bool inside(const struct embed *w, uint32_t link)
{
    const struct job_link *l = &w->job->links[link];
    return w->unit_of[l->from] == w->unit_of[l->to];
}

static void adjacent_sort(const struct job_graph *job, uint8_t *links,
                          uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t j = i;
             j > 0 && job->links[links[j]].kbps > job->links[links[j - 1]].kbps;
             j--) {
            uint8_t held = links[j];
            links[j] = links[j - 1];
            links[j - 1] = held;
        }
}

static void adjacent_make(struct embed *w)
{
    uint32_t len = 0;
    for (uint32_t u = 0; u < w->unit_count; u++) {
        w->units[u].begin = len;
        for (uint32_t i = 0; i < w->job->link_count; i++) {
            const struct job_link *l = &w->job->links[i];
            if (!inside(w, i) &&
                (w->unit_of[l->from] == u || w->unit_of[l->to] == u))
                w->adjacent[len++] = (uint8_t)i;
        }
        w->units[u].end = len;
        adjacent_sort(w->job, w->adjacent + w->units[u].begin,
                      len - w->units[u].begin);
    }
}

/* Shares are of the mean capacity, in thousandths, so that cores and bandwidth
 * can be added. */
static uint64_t share(uint64_t want, uint64_t total, uint64_t count)
{
    return total == 0 ? 0 : want * 1000 / (total / count + 1);
}

static void weights_make(struct embed *w)
{
    const struct topology *t = w->topology;
    uint64_t total[RES_COUNT] = {0};
    uint64_t kbps = 0;
    for (uint32_t v = 0; v < t->node_count; v++)
        for (uint32_t r = 0; r < RES_COUNT; r++)
            total[r] += t->nodes[v].cap.of[r];
    for (uint32_t l = 0; l < t->link_count; l++)
        kbps += t->links[l].cap_kbps;
    for (uint32_t u = 0; u < w->unit_count; u++) {
        struct unit *unit = &w->units[u];
        for (uint32_t r = 0; r < RES_COUNT; r++)
            unit->weight += share(unit->want.of[r], total[r], t->node_count);
        for (uint32_t i = unit->begin; i < unit->end; i++)
            unit->weight += share(w->job->links[w->adjacent[i]].kbps, kbps,
                                  t->link_count > 0 ? t->link_count : 1);
    }
}

/* ---- the order ---- */

static uint64_t bond(const struct embed *w, uint32_t unit, uint32_t in_order)
{
    uint64_t kbps = 0;
    for (uint32_t i = w->units[unit].begin; i < w->units[unit].end; i++)
        if ((in_order >> work_other(w, w->adjacent[i], unit) & 1) != 0)
            kbps += w->job->links[w->adjacent[i]].kbps;
    return kbps;
}

static uint32_t next_unit(const struct embed *w, uint32_t in_order)
{
    uint32_t best = w->unit_count;
    uint64_t best_bond = 0;
    for (uint32_t u = 0; u < w->unit_count; u++) {
        uint64_t b = bond(w, u, in_order);
        if ((in_order >> u & 1) != 0)
            continue;
        if (best == w->unit_count || b > best_bond ||
            (b == best_bond && w->units[u].weight > w->units[best].weight)) {
            best = u;
            best_bond = b;
        }
    }
    return best;
}

static uint32_t order_first(const struct embed *w)
{
    uint32_t best = w->unit_count;
    for (uint32_t u = 0; u < w->unit_count; u++)
        if (w->units[u].place == NOWHERE &&
            (best == w->unit_count ||
             w->units[u].weight > w->units[best].weight))
            best = u;
    return best;
}

static void order_make(struct embed *w)
{
    uint32_t in_order = 0;
    uint32_t len = 0;
    uint32_t first = order_first(w);
    for (uint32_t u = 0; u < w->unit_count; u++)
        if (w->units[u].place != NOWHERE) {
            w->order[len++] = (uint8_t)u;
            in_order |= 1u << u;
        }
    w->placed_count = len;
    if (first < w->unit_count) {
        w->order[len++] = (uint8_t)first;
        in_order |= 1u << first;
    }
    while (len < w->unit_count) {
        uint32_t u = next_unit(w, in_order);
        w->order[len++] = (uint8_t)u;
        in_order |= 1u << u;
    }
}

/* Where every node takes one unit, a link between two takes a hop at least. */
static bool hop_least(const struct embed *w, uint32_t link)
{
    const struct job_link *l = &w->job->links[link];
    const struct unit *a = &w->units[w->unit_of[l->from]];
    const struct unit *b = &w->units[w->unit_of[l->to]];
    return (w->job->alone && !a->data && !b->data) ||
           (a->apart & b->apart) != 0;
}

static void floor_make(struct embed *w)
{
    uint32_t placed = 0;
    uint64_t rest = 0;
    for (uint32_t i = 0; i < w->job->link_count; i++)
        if (!inside(w, i) && hop_least(w, i))
            rest += w->job->links[i].kbps;
    w->floor_after[0] = rest;
    for (uint32_t n = 0; n < w->unit_count; n++) {
        uint32_t u = w->order[n];
        for (uint32_t i = w->units[u].begin; i < w->units[u].end; i++) {
            uint32_t link = w->adjacent[i];
            if ((placed >> work_other(w, link, u) & 1) != 0 &&
                hop_least(w, link))
                rest -= w->job->links[link].kbps;
        }
        placed |= 1u << u;
        w->floor_after[n + 1] = rest;
    }
}

enum err work_begin(struct embed *w, const struct job_graph *job)
{
    w->job = job;
    w->exact = true;
    TRY(units_make(w));
    for (uint32_t v = 0; v < w->topology->node_count; v++)
        topology_left(w->topology, v, &w->node_left[v]);
    for (uint32_t l = 0; l < w->topology->link_count; l++)
        w->link_left[l] = topology_left_kbps(w->topology, l);
    memset(w->busy, 0, w->topology->node_count);
    w->now.cost = 0;
    for (uint32_t u = 0; u < w->unit_count; u++)
        w->now.node[u] = NOWHERE;
    for (uint32_t i = 0; i < job->link_count; i++)
        w->now.path[i].hops = 0;
    may_make(w);
    adjacent_make(w);
    weights_make(w);
    order_make(w);
    floor_make(w);
    return OK;
}

/* ---- time ---- */

/* The longest chain of runs and sendings, with nothing for what is not placed:
 * a bound from below. Flow links have no circle, so it settles. */
bool work_in_time(const struct embed *w)
{
    const struct job_graph *job = w->job;
    uint64_t start[JOB_COMPONENTS_MAX] = {0};
    uint64_t run[JOB_COMPONENTS_MAX] = {0};
    bool changed = true;
    if (job->time_us_max == 0)
        return true;
    for (uint32_t c = 0; c < job->component_count; c++) {
        uint16_t node = w->now.node[w->unit_of[c]];
        uint64_t work = (uint64_t)job->components[c].work_us * 1000;
        if (node != NOWHERE && work > 0)
            run[c] = (work + w->topology->nodes[node].speed - 1) /
                     w->topology->nodes[node].speed;
    }
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < job->link_count; i++) {
            const struct job_link *l = &job->links[i];
            uint64_t at = start[l->from] + run[l->from];
            const struct path *path = &w->now.path[i];
            if (!l->flow)
                continue;
            at += path->hops > 0 ? job_link_send_us(l) : 0;
            for (uint32_t h = 0; h < path->hops; h++)
                at += w->topology->links[path->link[h]].delay_us;
            if (at > start[l->to]) {
                start[l->to] = at;
                changed = true;
            }
        }
    }
    for (uint32_t c = 0; c < job->component_count; c++)
        if (start[c] + run[c] > job->time_us_max)
            return false;
    return true;
}

/* ---- putting and pulling ---- */

static bool takes_alone(const struct embed *w, uint32_t unit)
{
    return w->job->alone && !w->units[unit].data;
}

bool work_allows(const struct embed *w, uint32_t unit, uint32_t node)
{
    const struct unit *u = &w->units[unit];
    if (!node_set_has(&u->may, node))
        return false;
    if (takes_alone(w, unit) && w->busy[node] > 0)
        return false;
    if (!stock_fits(&u->want, &w->node_left[node]))
        return false;
    if (u->apart == 0)
        return true;
    for (uint32_t o = 0; o < w->unit_count; o++)
        if (w->now.node[o] == node && (w->units[o].apart & u->apart) != 0)
            return false;
    return true;
}

static void unroute(struct embed *w, uint32_t link)
{
    struct path *path = &w->now.path[link];
    uint64_t kbps = w->job->links[link].kbps;
    for (uint32_t h = 0; h < path->hops; h++)
        w->link_left[path->link[h]] += kbps;
    w->now.cost -= kbps * path->hops;
    path->hops = 0;
}

static void keep_route(struct embed *w, uint32_t link,
                       const struct route *route)
{
    struct path *path = &w->now.path[link];
    uint64_t kbps = w->job->links[link].kbps;
    path->hops = (uint16_t)route->hops;
    for (uint32_t h = 0; h < route->hops; h++) {
        path->link[h] = route->link[h];
        w->link_left[route->link[h]] -= kbps;
    }
    w->now.cost += kbps * route->hops;
}

/* The part of the bounds that is the path's. False: sending alone is too slow.
 */
static bool bounds_of(const struct embed *w, uint32_t link,
                      struct route_bounds *out)
{
    const struct job_link *l = &w->job->links[link];
    uint64_t delay = l->delay_us_max;
    uint64_t send = job_link_send_us(l);
    uint64_t time = w->job->time_us_max;
    if (l->flow && time != 0 && (delay == 0 || delay > time))
        delay = time;
    *out = (struct route_bounds){l->kbps, 0, l->risk_nn_max};
    if (delay == 0)
        return true;
    out->delay_us_max = delay > send ? delay - send : 0;
    return delay > send;
}

static bool route_link(struct embed *w, uint32_t link)
{
    const struct job_link *l = &w->job->links[link];
    uint16_t from = w->now.node[w->unit_of[l->from]];
    uint16_t to = w->now.node[w->unit_of[l->to]];
    struct route_bounds bounds;
    struct route route;
    bool exact = true;
    bool found;
    w->now.path[link].hops = 0;
    if (from == to)
        return true;
    if (!bounds_of(w, link, &bounds))
        return false;
    if (bounds.delay_us_max == 0 && bounds.risk_nn_max == 0) {
        route_map(w->topology, w->link_left, from, to, l->kbps, ROUTE_HOPS_MAX,
                  &w->map);
        found = route_read(w->topology, &w->map, to, &route);
    } else {
        found = route_bounded(w->search, w->link_left, from, to, &bounds,
                              &route, &exact) == OK;
    }
    w->exact = w->exact && exact;
    if (found)
        keep_route(w, link, &route);
    return found;
}

static bool route_links(struct embed *w, uint32_t unit)
{
    const struct unit *u = &w->units[unit];
    for (uint32_t i = u->begin; i < u->end; i++) {
        uint32_t link = w->adjacent[i];
        if (w->now.node[work_other(w, link, unit)] == NOWHERE)
            continue;
        if (!route_link(w, link)) {
            while (i-- > u->begin)
                unroute(w, w->adjacent[i]);
            return false;
        }
    }
    return true;
}

static void settle(struct embed *w, uint32_t unit, uint16_t node)
{
    w->now.node[unit] = node;
    w->busy[node] = (uint8_t)(w->busy[node] + takes_alone(w, unit));
    for (uint32_t r = 0; r < RES_COUNT; r++)
        w->node_left[node].of[r] -= w->units[unit].want.of[r];
}

static void leave(struct embed *w, uint32_t unit)
{
    uint16_t node = w->now.node[unit];
    w->now.node[unit] = NOWHERE;
    w->busy[node] = (uint8_t)(w->busy[node] - takes_alone(w, unit));
    for (uint32_t r = 0; r < RES_COUNT; r++)
        w->node_left[node].of[r] += w->units[unit].want.of[r];
}

bool work_put(struct embed *w, uint32_t unit, uint16_t node)
{
    CHECK(w->now.node[unit] == NOWHERE);
    if (!work_allows(w, unit, node))
        return false;
    settle(w, unit, node);
    if (!route_links(w, unit)) {
        leave(w, unit);
        return false;
    }
    if (!work_in_time(w)) {
        work_pull(w, unit);
        return false;
    }
    return true;
}

void work_pull(struct embed *w, uint32_t unit)
{
    const struct unit *u = &w->units[unit];
    CHECK(w->now.node[unit] != NOWHERE);
    for (uint32_t i = u->begin; i < u->end; i++)
        unroute(w, w->adjacent[i]);
    leave(w, unit);
}

void work_clear(struct embed *w)
{
    for (uint32_t u = 0; u < w->unit_count; u++)
        if (w->now.node[u] != NOWHERE)
            work_pull(w, u);
    CHECK(w->now.cost == 0);
}

/* ---- prices ---- */

static void price_add(struct embed *w, uint64_t kbps)
{
    for (uint32_t v = 0; v < w->topology->node_count; v++) {
        if (w->map.hops[v] == ROUTE_FAR)
            w->price[v] = NO_COST;
        else if (w->price[v] != NO_COST)
            w->price[v] += kbps * w->map.hops[v];
    }
}

/* How many links the virtual link may take for the price of all of them to stay
 * below price_max, when the others cost `others` at least. */
static uint32_t hops_within(uint64_t kbps, uint64_t others, uint64_t price_max)
{
    uint64_t hops;
    if (price_max == NO_COST || kbps == 0)
        return ROUTE_HOPS_MAX;
    if (price_max <= others)
        return 0;
    hops = (price_max - others - 1) / kbps;
    return hops < ROUTE_HOPS_MAX ? (uint32_t)hops : ROUTE_HOPS_MAX;
}

/* What the unit's links to placed units cost at least. */
static uint64_t price_floor(const struct embed *w, uint32_t unit)
{
    const struct unit *u = &w->units[unit];
    uint64_t sum = 0;
    for (uint32_t i = u->begin; i < u->end; i++) {
        uint32_t link = w->adjacent[i];
        if (w->now.node[work_other(w, link, unit)] != NOWHERE &&
            hop_least(w, link))
            sum += w->job->links[link].kbps;
    }
    return sum;
}

void work_price(struct embed *w, uint32_t unit, uint64_t price_max)
{
    const struct unit *u = &w->units[unit];
    uint64_t sum = price_floor(w, unit);
    for (uint32_t v = 0; v < w->topology->node_count; v++)
        w->price[v] = work_allows(w, unit, v) ? 0 : NO_COST;
    for (uint32_t i = u->begin; i < u->end; i++) {
        uint32_t link = w->adjacent[i];
        uint16_t at = w->now.node[work_other(w, link, unit)];
        uint64_t kbps = w->job->links[link].kbps;
        uint64_t others = sum - (hop_least(w, link) ? kbps : 0);
        if (at == NOWHERE)
            continue;
        route_map(w->topology, w->link_left, at, ROUTE_FAR, kbps,
                  hops_within(kbps, others, price_max), &w->map);
        price_add(w, kbps);
    }
}

/* Of equals the one with most room left, then the first. */
static bool roomier(const struct embed *w, uint32_t a, uint32_t b)
{
    for (uint32_t r = 0; r < RES_COUNT; r++)
        if (w->node_left[a].of[r] != w->node_left[b].of[r])
            return w->node_left[a].of[r] > w->node_left[b].of[r];
    return false;
}

uint16_t work_cheapest(const struct embed *w, uint32_t unit)
{
    uint32_t best = NOWHERE;
    (void)unit;
    for (uint32_t v = 0; v < w->topology->node_count; v++) {
        if (w->price[v] == NO_COST)
            continue;
        if (best == NOWHERE || w->price[v] < w->price[best] ||
            (w->price[v] == w->price[best] && roomier(w, v, best)))
            best = v;
    }
    return (uint16_t)best;
}
