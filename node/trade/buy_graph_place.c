/* Where the tasks of a graph go: to where the plan says, as soon as what they
 * need is done; and when that place is lost, a plan anew around what runs. */

#include "node/trade/buy_item.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAN_ARENA (64u * 1024 * 1024)
#define AVOID_MS   10000u
#define RETRY_MS   2000u
#define LOOK_MS    10000u /* between two looks at a plan */
#define GRACE_MS   60000u /* after a start */

/* ---- providers left alone ---- */

void buy_graph_avoid(struct buy *buy, struct buy_graph_item *graph,
                     const struct pubkey *provider, uint64_t until_ms)
{
    uint32_t at = 0;
    if (until_ms == 0)
        until_ms = buy->now_ms + AVOID_MS;
    while (at < graph->avoid_count &&
           !pubkey_equal(&graph->avoid[at].provider, provider) &&
           graph->avoid[at].until_ms > buy->now_ms)
        at++;
    if (at == BUY_AVOID_MAX) { /* the one that is free soonest gives way */
        at = 0;
        for (uint32_t i = 1; i < BUY_AVOID_MAX; i++)
            if (graph->avoid[i].until_ms < graph->avoid[at].until_ms)
                at = i;
    }
    if (at == graph->avoid_count)
        graph->avoid_count++;
    else if (pubkey_equal(&graph->avoid[at].provider, provider) &&
             graph->avoid[at].until_ms > until_ms)
        until_ms = graph->avoid[at].until_ms;
    graph->avoid[at].provider = *provider;
    graph->avoid[at].until_ms = until_ms;
}

static bool is_avoided(const struct buy *buy,
                       const struct buy_graph_item *graph,
                       const struct pubkey *provider)
{
    for (uint32_t i = 0; i < graph->avoid_count; i++)
        if (graph->avoid[i].until_ms > buy->now_ms &&
            pubkey_equal(&graph->avoid[i].provider, provider))
            return true;
    return false;
}

/* ---- planning ---- */

/* A task that has a provider is where it is; one that has ended takes no part,
 * but what it made lies there. */
static bool has_place(const struct buy_task *t)
{
    return t->state != BUY_WAITING && !pubkey_is_zero(&t->provider);
}

/* What is over without ever having had a place is not asked about. */
static bool is_moot(const struct buy_task *t)
{
    return buy_state_ended(t->state) && pubkey_is_zero(&t->provider);
}

static bool wants_place(const struct buy_graph_item *graph, uint32_t part,
                        uint32_t task)
{
    const struct buy_item *item = graph->items[part];
    return item->ready && item->face.approved &&
           item->tasks[task].state == BUY_WAITING;
}

struct planning {
    struct graph_ask ask;
    struct graph_plan plan;
    uint8_t seat_of[GRAPH_SEATS_MAX]; /* of the ask's seats: of the graph's */
    struct pubkey avoid[BUY_AVOID_MAX];
};

static void fill_seats(const struct buy_graph_item *graph, struct planning *p)
{
    uint32_t count = 0;
    graph_seats(&graph->face.graph, &p->ask);
    for (uint32_t i = 0; i < p->ask.seat_count; i++) {
        struct graph_seat seat = p->ask.seats[i];
        const struct buy_task *t = &graph->items[seat.part]->tasks[seat.task];
        if (is_moot(t))
            continue;
        seat.fixed = has_place(t);
        seat.due = wants_place(graph, seat.part, seat.task);
        if (seat.fixed)
            seat.provider = t->provider;
        else if (graph->face.planned)
            seat.provider = graph->face.plan.places[i].provider;
        p->seat_of[count] = (uint8_t)i;
        p->ask.seats[count++] = seat;
    }
    p->ask.seat_count = count;
}

static void fill_ask(const struct buy *buy, const struct buy_graph_item *graph,
                     struct planning *p)
{
    const struct graph *g = &graph->face.graph;
    fill_seats(graph, p);
    p->ask.self = buy->config.self;
    p->ask.roads = buy->roads;
    p->ask.road_count = buy->road_count;
    for (uint32_t i = 0; i < g->part_count; i++) {
        p->ask.requests[i] = &graph->items[i]->face.request;
        p->ask.cap[i] = graph->items[i]->face.task_cap;
    }
    for (uint32_t i = 0; i < graph->avoid_count; i++)
        if (graph->avoid[i].until_ms > buy->now_ms)
            p->avoid[p->ask.avoid_count++] = graph->avoid[i].provider;
    p->ask.avoid = p->avoid;
}

/* The new plan's places and ways by the graph's own seats. Ways between two
 * that were fixed stay as they were. */
static void take_plan(struct buy_graph_item *graph, const struct planning *p)
{
    struct graph_plan *old = &graph->face.plan;
    uint32_t kept = 0;
    bool fresh[GRAPH_SEATS_MAX] = {false};
    for (uint32_t i = 0; i < p->ask.seat_count; i++) {
        if (p->ask.seats[i].fixed)
            continue;
        old->places[p->seat_of[i]] = p->plan.places[i];
        fresh[p->seat_of[i]] = true;
    }
    for (uint32_t i = 0; i < old->way_count; i++) {
        const struct graph_way *way = &old->ways[i];
        if (!fresh[way->to] && (way->from == GRAPH_BUYER || !fresh[way->from]))
            old->ways[kept++] = *way;
    }
    for (uint32_t i = 0; i < p->plan.way_count && kept < GRAPH_WAYS_MAX; i++) {
        struct graph_way way = p->plan.ways[i];
        way.to = p->seat_of[way.to];
        if (way.from != GRAPH_BUYER)
            way.from = p->seat_of[way.from];
        if (fresh[way.to] || (way.from != GRAPH_BUYER && fresh[way.from]))
            old->ways[kept++] = way;
    }
    old->way_count = kept;
    old->tries = p->plan.tries;
    old->exact = p->plan.exact;
}

static void finish_plan(struct buy_graph_item *graph)
{
    struct graph_plan *plan = &graph->face.plan;
    plan->seat_count = 0;
    plan->providers = 0;
    for (uint32_t i = 0; i < graph->face.graph.part_count; i++)
        plan->seat_count += graph->face.graph.parts[i].tasks;
    for (uint32_t i = 0; i < plan->seat_count; i++) {
        uint32_t k = 0;
        while (
            !pubkey_equal(&plan->places[k].provider, &plan->places[i].provider))
            k++;
        plan->providers += k == i && !pubkey_is_zero(&plan->places[i].provider);
    }
    graph->face.planned = true;
}

/* Everything that a plan is asked with. ERR_STATE: all of it has ended. */
static enum err prepare(const struct buy *buy,
                        const struct buy_graph_item *graph, struct planning *p)
{
    fill_ask(buy, graph, p);
    if (p->ask.seat_count == 0)
        return ERR_STATE;
    for (uint32_t i = 0; i < graph->face.graph.part_count; i++)
        if (buy_balances_ways(&graph->items[i]->face.request))
            return buy_tell_ways(buy);
    return OK;
}

static void say_no_plan(struct buy_graph_item *graph, enum err err)
{
    if (err == ERR_STATE)
        snprintf(graph->face.why, sizeof(graph->face.why),
                 "all of it has ended");
    if (graph->face.why[0] == '\0')
        snprintf(graph->face.why, sizeof(graph->face.why), "%s", err_text(err));
}

void buy_graph_plan(struct buy *buy, struct buy_graph_item *graph)
{
    struct planning *p = calloc(1, sizeof(*p));
    struct arena arena;
    enum err err = p == NULL ? ERR_NOMEM : OK;
    arena_init(&arena, PLAN_ARENA);
    if (err == OK)
        err = prepare(buy, graph, p);
    if (err == OK)
        err = graph_plan_make(buy->book, &p->ask, buy->now_ms, &arena, &p->plan,
                              graph->face.why);
    graph->face.planned = err == OK;
    if (err == OK) {
        take_plan(graph, p);
        finish_plan(graph);
        graph->face.why[0] = '\0';
    } else {
        say_no_plan(graph, err);
    }
    arena_done(&arena);
    free(p);
}

/* ---- keeping a plan ---- */

/* Who moves is told so in the feed. */
static void tell_moves(struct buy *buy, const struct buy_graph_item *graph,
                       const struct graph_change *change)
{
    uint32_t seat = 0;
    for (uint32_t i = 0; i < graph->face.graph.part_count; i++)
        for (uint32_t k = 0; k < graph->items[i]->face.task_count; k++) {
            char name[ADDRESS_SHORT_MAX];
            char text[160];
            uint32_t at = seat++;
            if ((change->moved >> at & 1) == 0)
                continue;
            buy_peer_name(buy, &graph->face.plan.places[at].provider, name);
            snprintf(text, sizeof(text), "planned at %.60s now: %s", name,
                     change->willing ? "better there"
                     : (change->violated >> at & 1) != 0
                         ? "its place does not hold any more"
                         : "for one that had to move");
            buy_note(buy, graph->items[i], k, text);
        }
}

static void take_change(struct buy *buy, struct buy_graph_item *graph,
                        struct planning *p, const struct graph_change *change)
{
    graph_change_note(&p->ask, &adjust_terms_default, change, buy->now_ms,
                      &graph->history);
    p->plan = change->plan;
    take_plan(graph, p);
    finish_plan(graph);
    graph->face.replans++;
    graph->face.moved += change->moves;
    graph->face.level = change->level;
    graph->face.adjusted_ms = buy->now_ms;
    tell_moves(buy, graph, change);
    buy_graph_save(buy, graph);
}

static enum err adjust(struct buy *buy, struct buy_graph_item *graph,
                       struct planning *p, struct arena *arena, bool willing)
{
    struct graph_keep keep = {.plan = &graph->face.plan,
                              .terms = &adjust_terms_default,
                              .history = &graph->history,
                              .willing = willing};
    struct graph_change *change = arena_calloc(arena, 1, sizeof(*change));
    if (change == NULL)
        return ERR_NOMEM;
    TRY(prepare(buy, graph, p));
    TRY(graph_adjust(buy->book, &p->ask, &keep, buy->now_ms, arena, change,
                     graph->face.why));
    if (change->level == ADJUST_LOST)
        return ERR_NO_OFFER;
    if (change->level != ADJUST_KEEP)
        take_change(buy, graph, p, change);
    return OK;
}

/* Mends the plan where it does not hold, with as few moves as will do; willing:
 * and betters it. False: there is none, and why. */
static bool mend(struct buy *buy, struct buy_graph_item *graph, bool willing)
{
    struct planning *p = calloc(1, sizeof(*p));
    struct arena arena;
    enum err err = p == NULL ? ERR_NOMEM : OK;
    arena_init(&arena, PLAN_ARENA);
    graph->face.why[0] = '\0';
    if (err == OK)
        err = adjust(buy, graph, p, &arena, willing);
    if (err == OK)
        graph->face.why[0] = '\0';
    else
        say_no_plan(graph, err);
    arena_done(&arena);
    free(p);
    return err == OK;
}

/* ---- placing ---- */

static bool any_wants_place(const struct buy_graph_item *graph)
{
    for (uint32_t i = 0; i < graph->face.graph.part_count; i++)
        for (uint32_t k = 0; k < graph->items[i]->face.task_count; k++)
            if (wants_place(graph, i, k))
                return true;
    return false;
}

/* At the price of the devices it would get now; without a wish they cost
 * nothing. False: it would get none. */
static bool device_hour(const struct device_wish *wish,
                        const struct devices *left, struct amount *out)
{
    struct devices_verdict verdict;
    *out = amount_micro(0);
    if (wish->count == 0)
        return true;
    devices_check(left, wish, &verdict);
    if (verdict.reason != REASON_NONE)
        return false;
    *out = left->groups[verdict.group].hour;
    return true;
}

static bool is_affordable(const struct buy_item *item,
                          const struct offer *offer, const struct devices *left)
{
    const struct request *request = &item->face.request;
    struct amount device;
    struct amount hour;
    struct amount bill;
    return device_hour(&request->devices, left, &device) &&
           price_per_hour_with(&offer->price, &request->resources, device,
                               &request->devices, &hour) == OK &&
           price_for_time(hour, request->time_ms_max, &bill) == OK &&
           amount_cmp(bill, item->face.task_cap) <= 0;
}

/* Is the planned place still one, and free now? */
static bool place_holds(const struct buy *buy,
                        const struct buy_graph_item *graph, uint32_t part,
                        const struct graph_place *place,
                        struct book_offer *offer)
{
    const struct buy_item *item = graph->items[part];
    struct book_left left;
    return !pubkey_is_zero(&place->provider) &&
           !is_avoided(buy, graph, &place->provider) &&
           book_offer_get(buy->book, &place->provider, buy->now_ms, offer) &&
           book_left_get(buy->book, &place->provider, buy->now_ms, &left) &&
           offer->unreachable_until_ms <= buy->now_ms && left.slots > 0 &&
           resources_cover(&left.free, &item->face.request.resources) &&
           is_affordable(item, &offer->offer, &left.devices);
}

/* Places what the plan still holds for; true: some have none. */
static bool place_all(struct buy *buy, struct buy_graph_item *graph)
{
    uint32_t seat = 0;
    bool lost = false;
    for (uint32_t i = 0; i < graph->face.graph.part_count; i++) {
        for (uint32_t k = 0; k < graph->items[i]->face.task_count;
             k++, seat++) {
            const struct graph_place *place = &graph->face.plan.places[seat];
            struct book_offer offer;
            if (!wants_place(graph, i, k))
                continue;
            if (graph->face.planned &&
                place_holds(buy, graph, i, place, &offer))
                buy_hold_at(buy, graph->items[i], k, &place->provider,
                            offer.offer.address);
            else
                lost = true;
        }
    }
    return lost;
}

static void say_waits(struct buy *buy, struct buy_graph_item *graph)
{
    for (uint32_t i = 0; i < graph->face.graph.part_count; i++)
        for (uint32_t k = 0; k < graph->items[i]->face.task_count; k++)
            if (wants_place(graph, i, k)) {
                buy_reason(buy, graph->items[i], k, ERR_NO_OFFER, "%.150s",
                           graph->face.why);
                graph->items[i]->tasks[k].retry_at_ms = graph->retry_ms;
            }
}

static void plan_again(struct buy *buy, struct buy_graph_item *graph)
{
    bool mended;
    graph->retry_ms = buy->now_ms + RETRY_MS;
    if (graph->face.planned) {
        mended = mend(buy, graph, false);
    } else {
        buy_graph_plan(buy, graph);
        mended = graph->face.planned;
        graph->face.replans += mended;
        if (mended)
            buy_graph_save(buy, graph);
    }
    if (mended)
        (void)place_all(buy, graph);
    else
        say_waits(buy, graph);
}

void buy_graph_due(struct buy *buy, struct buy_graph_item *graph)
{
    if (graph->face.draft || graph->placing)
        return;
    graph->placing = true;
    if (any_wants_place(graph) && place_all(buy, graph) &&
        buy->now_ms >= graph->retry_ms)
        plan_again(buy, graph);
    graph->placing = false;
}

/* Something of it has not begun. */
static bool is_loose(const struct buy_graph_item *graph)
{
    for (uint32_t i = 0; i < graph->face.graph.part_count; i++)
        for (uint32_t k = 0; k < graph->items[i]->face.task_count; k++)
            if (graph->items[i]->face.approved &&
                graph->items[i]->tasks[k].state == BUY_WAITING)
                return true;
    return false;
}

/* After a start, offers come one by one: what is not here yet is not gone. */
static bool is_time_to_look(const struct buy *buy, struct buy_graph_item *graph)
{
    if (graph->look_ms == 0)
        graph->look_ms = buy->now_ms + GRACE_MS;
    return buy->now_ms >= graph->look_ms;
}

/* One at a time: does what has not begun still have its place? */
static void look_after(struct buy *buy)
{
    for (struct buy_graph_item *graph = buy->graphs; graph != NULL;
         graph = graph->next) {
        if (graph->face.draft || !graph->face.planned || graph->placing ||
            !is_time_to_look(buy, graph) || !is_loose(graph))
            continue;
        graph->look_ms = buy->now_ms + LOOK_MS;
        (void)mend(buy, graph, true);
        return;
    }
}

void buy_graphs_due(struct buy *buy)
{
    for (struct buy_graph_item *graph = buy->graphs; graph != NULL;
         graph = graph->next) {
        for (uint32_t i = 0; i < graph->face.graph.part_count; i++)
            if (graph->items[i]->face.ended_at_ms == 0 &&
                !graph->items[i]->ready && !graph->face.draft)
                (void)buy_uses_ready(buy, graph->items[i]);
        buy_graph_due(buy, graph);
    }
    look_after(buy);
}

/* ---- order ---- */

bool buy_graph_order_holds(struct buy *buy, struct buy_item *item)
{
    const struct graph *g;
    if (item->graph == NULL)
        return true;
    g = &item->graph->face.graph;
    for (uint32_t i = 0; i < g->link_count; i++) {
        const struct graph_link *link = &g->links[i];
        if (link->to != item->part || !link->order || link->from == GRAPH_BUYER)
            continue;
        if (!buy_use_is_there(buy, item, &g->parts[link->from].request,
                              g->parts[link->from].tasks))
            return false;
    }
    return true;
}

enum err buy_roads_set(struct buy *buy, const struct graph_road *roads,
                       uint32_t count)
{
    struct graph_road *copy;
    if (count > GRAPH_ROADS_MAX)
        count = GRAPH_ROADS_MAX;
    copy = calloc(count + 1, sizeof(*copy));
    if (copy == NULL)
        return ERR_NOMEM;
    memcpy(copy, roads, count * sizeof(*copy));
    free(buy->roads);
    buy->roads = copy;
    buy->road_count = count;
    return buy_tell_ways(buy);
}
