#include "market/graph/graph_plan.h"

#include "base/check.h"
#include "market/graph/graph_desk.h"

#include <stdio.h>
#include <string.h>

void graph_seats(const struct graph *graph, struct graph_ask *ask)
{
    ask->graph = graph;
    ask->seat_count = 0;
    for (uint32_t i = 0; i < graph->part_count; i++)
        for (uint32_t k = 0; k < graph->parts[i].tasks; k++) {
            CHECK(ask->seat_count < GRAPH_SEATS_MAX);
            ask->seats[ask->seat_count] =
                (struct graph_seat){.part = (uint8_t)i,
                                    .number = (uint8_t)ask->seat_count,
                                    .task = k};
            ask->seat_count++;
        }
}

uint64_t graph_time_ms(const struct graph *graph,
                       const struct request *const *requests)
{
    uint32_t level[GRAPH_PARTS_MAX];
    uint64_t ends[GRAPH_PARTS_MAX] = {0};
    uint64_t last = 0;
    CHECK(graph_levels(graph, level));
    for (uint32_t at = 0; at < GRAPH_PARTS_MAX; at++) {
        for (uint32_t i = 0; i < graph->part_count; i++) {
            uint64_t start = 0;
            for (uint32_t k = 0; k < graph->link_count; k++) {
                const struct graph_link *link = &graph->links[k];
                if (link->to == i && link->order && link->from != GRAPH_BUYER &&
                    ends[link->from] > start)
                    start = ends[link->from];
            }
            if (level[i] == at)
                ends[i] = start + requests[i]->time_ms_max;
            last = ends[i] > last ? ends[i] : last;
        }
    }
    return last;
}

/* ---- the desk: nodes ---- */

static uint32_t clamp32(uint64_t value)
{
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static struct stock stock_of(const struct resources *r, uint32_t slots)
{
    struct stock stock = {{0}};
    stock.of[RES_CPU] = r->cpu_milli;
    stock.of[RES_MEM] = clamp32(r->mem_mib);
    stock.of[RES_DISK] = clamp32(r->disk_mib);
    stock.of[DESK_NIC] = clamp32(r->nic_kbit);
    stock.of[DESK_SLOTS] = slots;
    return stock;
}

/* One way. The link to the buyer's node has the number of the node less one. */
static void add_star(struct desk *desk, uint16_t node, uint64_t rtt_us)
{
    desk->links[node - 1] = (struct desk_link){
        .a = DESK_SELF,
        .b = node,
        .delay_us = rtt_us == 0 || rtt_us / 2 >= UINT32_MAX
                        ? LINK_UNKNOWN
                        : (uint32_t)((rtt_us + 1) / 2),
        .risk_nn = LINK_UNKNOWN,
    };
}

static uint16_t node_of(const struct desk *desk, const struct pubkey *key)
{
    for (uint32_t i = 1; i < desk->node_count; i++)
        if (pubkey_equal(&desk->nodes[i].key, key))
            return (uint16_t)i;
    return DESK_NOWHERE;
}

/* Both are the arena's. */
static void add_offer(struct desk_node *node, struct offer *offer,
                      const struct book_left *left)
{
    node->price = offer->price;
    node->all = stock_of(&offer->total, UINT32_MAX);
    if (left->devices.group_count == 0)
        return;
    devices_all_free(&offer->devices);
    node->devices = &left->devices;
    node->devices_all = &offer->devices;
}

static uint16_t add_node(struct desk *desk, struct book *book,
                         const struct pubkey *key, uint64_t now_ms)
{
    struct book_offer *offer;
    struct book_left *left;
    uint16_t node = node_of(desk, key);
    if (node != DESK_NOWHERE)
        return node;
    CHECK(desk->node_count < DESK_NODES_MAX);
    offer = arena_calloc(desk->arena, 1, sizeof(*offer));
    left = arena_calloc(desk->arena, 1, sizeof(*left));
    if (offer == NULL || left == NULL)
        return DESK_NOWHERE;
    node = (uint16_t)desk->node_count++;
    desk->nodes[node].key = *key;
    if (book_offer_get(book, key, now_ms, offer) &&
        book_left_get(book, key, now_ms, left))
        add_offer(&desk->nodes[node], &offer->offer, left);
    desk->nodes[node].room = stock_of(&left->free, left->slots);
    add_star(desk, node, offer->rtt_us);
    return node;
}

/* ---- the desk: options ---- */

/* The time a task of one hour takes at the measured speed, in some unit; what
 * was not measured is slower than all that was. Linear within an octave. */
static uint64_t slowness(const struct grade *grade)
{
    uint32_t log2 = 0;
    uint32_t whole;
    uint64_t speed;
    if (!grade_speed(grade, &log2))
        return UINT64_C(1) << 51;
    whole = log2 >> 16 < 46 ? log2 >> 16 : 46;
    speed = ((65536u + (uint64_t)(log2 & 65535u)) << whole) >> 16;
    return (UINT64_C(1) << 50) / (speed > 0 ? speed : 1);
}

/* Policies of several figures say only which is better: its place in order. */
static uint64_t figure_of(const struct request *request,
                          const struct book_placement *place,
                          const struct grade *grade, uint32_t place_in_order)
{
    switch (request->policy) {
    case POLICY_CHEAPEST:
        return amount_figure(place->bill);
    case POLICY_NEAREST:
        return place->rtt_us > 0 ? place->rtt_us : UINT64_C(1) << 40;
    case POLICY_FASTEST:
        return slowness(grade);
    case POLICY_BALANCED:
    case POLICY_COMPOSITE:
    case POLICY_FRAGMENTATION:
    case POLICY_SPREAD:
    case POLICY_PACK:
        return place_in_order;
    }
    return amount_figure(place->bill);
}

static bool is_avoided(const struct graph_ask *ask, const struct pubkey *key)
{
    for (uint32_t i = 0; i < ask->avoid_count; i++)
        if (pubkey_equal(&ask->avoid[i], key))
            return true;
    return false;
}

static bool too_dear(const struct graph_ask *ask, uint32_t part,
                     struct amount bill)
{
    return !amount_is_zero(ask->cap[part]) &&
           amount_cmp(bill, ask->cap[part]) > 0;
}

static void put_option(struct desk *desk, uint32_t part, uint16_t node,
                       const struct book_placement *from,
                       const struct offer *offer)
{
    struct desk_part *p = &desk->parts[part];
    struct desk_option *option = &p->options[p->option_count];
    option->node = node;
    option->figure = figure_of(desk->ask->requests[part], from, &offer->grade,
                               p->option_count);
    option->place = (struct graph_place){
        .provider = from->provider,
        .hour = from->hour,
        .bill = from->bill,
        .rtt_us = from->rtt_us,
    };
    memcpy(option->place.name, offer->name, LIMIT_NAME);
    memcpy(option->place.address, from->address, LIMIT_NAME);
    if (p->option_count == 0 || option->figure < p->least)
        p->least = option->figure;
    p->option_count++;
}

static enum err add_option(struct desk *desk, struct book *book, uint32_t part,
                           const struct book_placement *from, uint64_t now_ms)
{
    struct book_offer *offer = arena_calloc(desk->arena, 1, sizeof(*offer));
    uint16_t node;
    if (offer == NULL)
        return ERR_NOMEM;
    if (!book_offer_get(book, &from->provider, now_ms, offer))
        return OK;
    node = add_node(desk, book, &from->provider, now_ms);
    if (node == DESK_NOWHERE)
        return ERR_NOMEM;
    put_option(desk, part, node, from, &offer->offer);
    return OK;
}

/* ---- the desk: homes ---- */

static bool has_option(const struct desk_part *part, uint16_t node)
{
    for (uint32_t i = 0; i < part->option_count; i++)
        if (part->options[i].node == node)
            return true;
    return false;
}

/* What the part costs at an offer that nobody uses; false: it sells too little,
 * for too short a time, or too dear. */
static bool price_of_all(const struct desk *desk, uint32_t part,
                         const struct book_offer *known,
                         const struct devices *devices,
                         struct book_placement *out)
{
    const struct request *r = desk->ask->requests[part];
    const struct offer *offer = &known->offer;
    struct amount device = amount_micro(0);
    struct devices_verdict verdict;
    if (!resources_cover(&offer->total, &r->resources) ||
        offer->time_ms_max < r->time_ms_max)
        return false;
    if (r->devices.count > 0) {
        if (devices == NULL)
            return false;
        devices_check(devices, &r->devices, &verdict);
        if (verdict.reason != REASON_NONE)
            return false;
        device = devices->groups[verdict.group].hour;
    }
    if (price_per_hour_with(&offer->price, &r->resources, device, &r->devices,
                            &out->hour) != OK ||
        price_for_time(out->hour, r->time_ms_max, &out->bill) != OK)
        return false;
    return !too_dear(desk->ask, part, out->bill) &&
           (amount_is_zero(r->price_max) ||
            amount_cmp(out->bill, r->price_max) <= 0);
}

/* Where a seat is planned that is not due: an option as long as the offer could
 * take it, free or not. */
static enum err add_home(struct desk *desk, struct book *book,
                         const struct graph_seat *seat, uint64_t now_ms)
{
    struct book_placement place = {.provider = seat->provider};
    struct book_offer *known;
    uint16_t node;
    if (pubkey_is_zero(&seat->provider) || seat->fixed ||
        is_avoided(desk->ask, &seat->provider))
        return OK;
    known = arena_calloc(desk->arena, 1, sizeof(*known));
    if (known == NULL)
        return ERR_NOMEM;
    if (!book_offer_get(book, &seat->provider, now_ms, known) ||
        known->unreachable_until_ms > now_ms)
        return OK;
    node = add_node(desk, book, &seat->provider, now_ms);
    if (node == DESK_NOWHERE)
        return ERR_NOMEM;
    if (seat->due || has_option(&desk->parts[seat->part], node) ||
        !price_of_all(desk, seat->part, known, desk->nodes[node].devices_all,
                      &place))
        return OK;
    place.rtt_us = known->rtt_us;
    memcpy(place.address, known->offer.address, LIMIT_NAME);
    put_option(desk, seat->part, node, &place, &known->offer);
    return OK;
}

/* A seat that is due and whose place is not among the best: is it one still? */
static enum err ask_home(struct desk *desk, struct book *book,
                         const struct graph_seat *seat, uint64_t now_ms)
{
    struct request request = *desk->ask->requests[seat->part];
    struct book_result result;
    uint16_t node = node_of(desk, &seat->provider);
    if (!seat->due || node == DESK_NOWHERE ||
        has_option(&desk->parts[seat->part], node) ||
        is_avoided(desk->ask, &seat->provider) ||
        !pubkey_is_zero(&request.only_seller))
        return OK;
    request.only_seller = seat->provider;
    TRY(book_preview(book, &request, 1, 0, now_ms, desk->arena, &result));
    if (result.count == 0 ||
        too_dear(desk->ask, seat->part, result.placements[0].bill))
        return OK;
    return add_option(desk, book, seat->part, &result.placements[0], now_ms);
}

static enum err add_homes(struct desk *desk, struct book *book, uint32_t part,
                          uint64_t now_ms)
{
    for (uint32_t i = 0; i < desk->ask->seat_count; i++) {
        const struct graph_seat *seat = &desk->ask->seats[i];
        if (seat->part != part)
            continue;
        TRY(add_home(desk, book, seat, now_ms));
        TRY(ask_home(desk, book, seat, now_ms));
    }
    return OK;
}

static void say_none(const struct desk *desk, uint32_t part,
                     const struct book_result *result, char why[256])
{
    struct buf text;
    buf_init(&text, 512);
    book_result_format(result, &text);
    snprintf(why, 256, "no place for %.63s: %.160s",
             desk->ask->graph->parts[part].name,
             result->count > 0 ? "the offers that fit are left alone for a "
                                 "moment, or dearer than what was approved"
                               : buf_cstr(&text));
    buf_done(&text);
}

static enum err add_options(struct desk *desk, struct book *book, uint32_t part,
                            uint64_t now_ms, char why[256])
{
    struct desk_part *p = &desk->parts[part];
    struct book_result result;
    TRY(book_preview(book, desk->ask->requests[part], 1, GRAPH_OFFERS_MAX - 1,
                     now_ms, desk->arena, &result));
    p->options =
        arena_calloc(desk->arena, result.count + 1 + desk->ask->seat_count,
                     sizeof(*p->options));
    if (p->options == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < result.count; i++)
        if (!is_avoided(desk->ask, &result.placements[i].provider) &&
            !too_dear(desk->ask, part, result.placements[i].bill))
            TRY(add_option(desk, book, part, &result.placements[i], now_ms));
    if (desk->keep != NULL)
        TRY(add_homes(desk, book, part, now_ms));
    if (p->option_count > 0)
        return OK;
    say_none(desk, part, &result, why);
    return ERR_NO_OFFER;
}

static bool wants_place(const struct graph_ask *ask, uint32_t part)
{
    for (uint32_t i = 0; i < ask->seat_count; i++)
        if (ask->seats[i].part == part && !ask->seats[i].fixed)
            return true;
    return false;
}

static enum err add_parts(struct desk *desk, struct book *book, uint64_t now_ms,
                          char why[256])
{
    uint32_t level[GRAPH_PARTS_MAX];
    const struct graph *graph = desk->ask->graph;
    CHECK(graph_levels(graph, level));
    for (uint32_t i = 0; i < graph->part_count; i++) {
        desk->parts[i].level = level[i];
        desk->parts[i].want = stock_of(&desk->ask->requests[i]->resources, 1);
        if (wants_place(desk->ask, i))
            TRY(add_options(desk, book, i, now_ms, why));
    }
    for (uint32_t i = 0; i < desk->ask->seat_count; i++) {
        const struct graph_seat *seat = &desk->ask->seats[i];
        desk->node_of[i] = desk->home_of[i] = DESK_NOWHERE;
        if (desk->keep != NULL && !pubkey_is_zero(&seat->provider))
            desk->home_of[i] = node_of(desk, &seat->provider);
        if (!seat->fixed)
            continue;
        desk->node_of[i] = add_node(desk, book, &seat->provider, now_ms);
        if (desk->node_of[i] == DESK_NOWHERE)
            return ERR_NOMEM;
    }
    return OK;
}

/* ---- the desk: roads ---- */

static void add_road(struct desk *desk, const struct graph_road *road)
{
    bool from_self = pubkey_equal(&road->a, &desk->ask->self);
    bool to_self = pubkey_equal(&road->b, &desk->ask->self);
    uint16_t a = from_self ? DESK_SELF : node_of(desk, &road->a);
    uint16_t b = to_self ? DESK_SELF : node_of(desk, &road->b);
    struct desk_link link = {.a = a < b ? a : b,
                             .b = a < b ? b : a,
                             .kbps = road->kbps,
                             .delay_us = road->delay_us,
                             .risk_nn = road->risk_nn};
    if (a == b || a == DESK_NOWHERE || b == DESK_NOWHERE)
        return;
    if (link.a == DESK_SELF) {
        if (link.delay_us == LINK_UNKNOWN)
            link.delay_us = desk->links[link.b - 1].delay_us;
        desk->links[link.b - 1] = link;
        return;
    }
    desk->road_of[(size_t)a * desk->node_count + b] =
        desk->road_of[(size_t)b * desk->node_count + a] =
            (uint16_t)desk->link_count;
    desk->links[desk->link_count++] = link;
}

static enum err add_roads(struct desk *desk)
{
    const struct graph_ask *ask = desk->ask;
    uint32_t count =
        ask->road_count < GRAPH_ROADS_MAX ? ask->road_count : GRAPH_ROADS_MAX;
    desk->link_count = desk->node_count - 1;
    desk->road_of =
        arena_calloc(desk->arena, (size_t)desk->node_count * desk->node_count,
                     sizeof(*desk->road_of));
    if (desk->road_of == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++)
        add_road(desk, &ask->roads[i]);
    desk->left_kbps =
        arena_calloc(desk->arena, desk->link_count + 1, sizeof(uint64_t));
    if (desk->left_kbps == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < desk->link_count; i++)
        desk->left_kbps[i] = desk->links[i].kbps;
    return OK;
}

enum err desk_make(struct book *book, const struct graph_ask *ask,
                   const struct graph_keep *keep, uint64_t now_ms,
                   struct arena *arena, struct desk **out, char why[256])
{
    struct desk *desk = arena_calloc(arena, 1, sizeof(*desk));
    if (desk == NULL)
        return ERR_NOMEM;
    desk->ask = ask;
    desk->keep = keep;
    desk->now_ms = now_ms;
    desk->arena = arena;
    desk->movers = desk->must = DESK_ALL;
    desk->tries_max = GRAPH_TRIES_MAX;
    desk->nodes = arena_calloc(arena, DESK_NODES_MAX, sizeof(*desk->nodes));
    desk->links = arena_calloc(arena, DESK_NODES_MAX + GRAPH_ROADS_MAX,
                               sizeof(*desk->links));
    if (desk->nodes == NULL || desk->links == NULL)
        return ERR_NOMEM;
    desk->nodes[DESK_SELF].key = ask->self;
    desk->node_count = 1;
    TRY(add_parts(desk, book, now_ms, why));
    TRY(add_roads(desk));
    *out = desk;
    return OK;
}

/* ---- the answer ---- */

void desk_say_why(const struct desk *desk, char why[256])
{
    static const char *const texts[DESK_FAULTS] = {
        "no room beside the others",
        "its devices are the others'",
        "dearer on the devices that are left than what is paid",
        "it belongs together with others",
        "it belongs apart from others",
        "the way is too slow or not measured",
        "the way is not known to be reliable enough",
        "no bandwidth is known to be free on the way"};
    const struct graph_ask *ask = desk->ask;
    const char *join = "";
    uint32_t seat;
    struct buf text;
    if (desk->deepest == UINT32_MAX) {
        snprintf(why, 256, "the search was cut short");
        return;
    }
    seat = desk->order[desk->deepest];
    buf_init(&text, 1024);
    for (uint32_t i = 0; i < DESK_FAULTS; i++) {
        if (desk->faults[i] == 0)
            continue;
        buf_addf(&text, "%s%s", join, texts[i]);
        join = ", or ";
    }
    snprintf(
        why, 256,
        "no place for %.40s beside the rest, %u offers fit it alone: %.140s",
        ask->graph->parts[ask->seats[seat].part].name,
        desk->parts[ask->seats[seat].part].option_count, buf_cstr(&text));
    buf_done(&text);
}

static bool is_used(const struct desk *desk, uint8_t part, uint16_t node)
{
    for (uint32_t i = 0; i < desk->ask->seat_count; i++)
        if (desk->ask->seats[i].part == part && desk->best_node[i] == node)
            return true;
    return false;
}

/* The bill at the best option where no task of the part is; else at another
 * than the seat's own. */
static struct amount spare_of(const struct desk *desk, uint8_t part,
                              uint32_t own)
{
    const struct desk_part *p = &desk->parts[part];
    for (uint32_t i = 0; i < p->option_count; i++)
        if (!is_used(desk, part, p->options[i].node))
            return p->options[i].place.bill;
    for (uint32_t i = 0; i < p->option_count; i++)
        if (i != own)
            return p->options[i].place.bill;
    return amount_micro(0);
}

static uint32_t count_providers(const struct graph_plan *plan)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->seat_count; i++) {
        uint32_t k = 0;
        while (
            !pubkey_equal(&plan->places[k].provider, &plan->places[i].provider))
            k++;
        count += k == i;
    }
    return count;
}

void desk_fill(const struct desk *desk, struct graph_plan *out)
{
    const struct graph_ask *ask = desk->ask;
    out->seat_count = ask->seat_count;
    for (uint32_t i = 0; i < ask->seat_count; i++) {
        const struct desk_part *part = &desk->parts[ask->seats[i].part];
        uint32_t option = desk->best_option[i];
        if (ask->seats[i].fixed) {
            out->places[i].provider = ask->seats[i].provider;
            continue;
        }
        out->places[i] = part->options[option].place;
        out->places[i].hour = desk->best_share[i].hour;
        out->places[i].bill = desk->best_share[i].bill;
        out->places[i].devices = desk->best_share[i].devices;
        out->places[i].spare = spare_of(desk, ask->seats[i].part, option);
    }
    out->providers = count_providers(out);
    out->tries = desk->tries;
    out->exact = desk->tries < desk->tries_max;
}

enum err graph_plan_make(struct book *book, const struct graph_ask *ask,
                         uint64_t now_ms, struct arena *arena,
                         struct graph_plan *out, char why[256])
{
    struct desk *desk;
    struct graph_plan *plan = arena_calloc(arena, 1, sizeof(*plan));
    CHECK(ask->seat_count >= 1 && ask->seat_count <= GRAPH_SEATS_MAX);
    why[0] = '\0';
    if (plan == NULL)
        return ERR_NOMEM;
    TRY(desk_make(book, ask, NULL, now_ms, arena, &desk, why));
    desk_begin(desk);
    desk_search(desk);
    if (!desk->found) {
        desk_say_why(desk, why);
        return ERR_NO_OFFER;
    }
    TRY(desk_judge(desk, plan, why));
    desk_fill(desk, plan);
    *out = *plan;
    return OK;
}
