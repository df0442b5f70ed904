/* The search of graph_plan.h: seat by seat in the order of the work, each over
 * its options in the order of its policy, back when nothing fits or nothing
 * better can come. */

#include "market/graph/graph_desk.h"

#include "base/check.h"

#include <string.h>

static bool same_group(uint8_t a, uint8_t b)
{
    return a != 0 && a == b;
}

static const struct graph_part *part_of(const struct desk *desk, uint32_t seat)
{
    return &desk->ask->graph->parts[desk->ask->seats[seat].part];
}

static uint64_t plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* ---- may it be there? ---- */

static bool groups_hold(const struct desk *desk, uint32_t seat, uint16_t node,
                        enum desk_fault *out)
{
    const struct graph_part *mine = part_of(desk, seat);
    for (uint32_t i = 0; i < desk->ask->seat_count; i++) {
        const struct graph_part *other = part_of(desk, i);
        if (i == seat || desk->node_of[i] == DESK_NOWHERE)
            continue;
        if (same_group(mine->together, other->together) &&
            desk->node_of[i] != node) {
            *out = DESK_TOGETHER;
            return false;
        }
        if (same_group(mine->apart, other->apart) && desk->node_of[i] == node) {
            *out = DESK_APART;
            return false;
        }
    }
    return true;
}

/* ---- keeping a plan ---- */

bool desk_waits_at(const struct desk *desk, uint32_t seat, uint16_t node)
{
    return desk->keep != NULL && !desk->ask->seats[seat].fixed &&
           !desk->ask->seats[seat].due && desk->home_of[seat] == node;
}

bool desk_all_wait_at(const struct desk *desk, const uint16_t *node_of,
                      uint32_t level, uint16_t node)
{
    for (uint32_t i = 0; i < desk->ask->seat_count; i++)
        if (node_of[i] == node && !desk->ask->seats[i].fixed &&
            desk->parts[desk->ask->seats[i].part].level == level &&
            !desk_waits_at(desk, i, node))
            return false;
    return true;
}

uint32_t desk_unit(const struct desk *desk, uint32_t seat)
{
    uint32_t unit = 1u << seat;
    for (uint32_t i = 0; i < desk->ask->seat_count; i++)
        if (!desk->ask->seats[i].fixed &&
            same_group(part_of(desk, i)->together,
                       part_of(desk, seat)->together))
            unit |= 1u << i;
    return unit;
}

/* Did the seat leave that node of its own will, not so long ago? */
static bool is_left(const struct desk *desk, uint32_t seat, uint16_t node)
{
    const struct graph_history *h = desk->keep->history;
    uint32_t count = h->moves.left_count < ADJUST_LEFT_MAX ? h->moves.left_count
                                                           : ADJUST_LEFT_MAX;
    for (uint32_t i = 0; i < count; i++)
        if (h->moves.left[i].component == desk->ask->seats[seat].number &&
            desk->now_ms - h->moves.left[i].at_ms <
                desk->keep->terms->memory_ms &&
            pubkey_equal(&h->left[i], &desk->nodes[node].key))
            return true;
    return false;
}

static bool may_be_at(const struct desk *desk, uint32_t seat, uint16_t node)
{
    if (desk->keep == NULL || desk->home_of[seat] == node)
        return true;
    return (desk->movers >> seat & 1) != 0 &&
           !(desk->willing && is_left(desk, seat, node));
}

uint64_t desk_theta(const struct desk *desk, uint64_t figure)
{
    uint64_t theta = desk->keep->terms->theta_permille;
    return figure / 1000 * theta + figure % 1000 * theta / 1000;
}

/* Elsewhere than it could have stayed. */
static uint64_t dearer(const struct desk *desk, uint32_t seat, uint16_t node,
                       uint64_t figure)
{
    if (desk->keep == NULL || desk->home_of[seat] == node ||
        (desk->must >> seat & 1) != 0)
        return figure;
    return plus(figure, 1 + desk_theta(desk, figure));
}

/* Beside those of its level that are there. */
static bool has_room(const struct desk *desk, uint32_t seat, uint16_t node)
{
    const struct desk_part *part = &desk->parts[desk->ask->seats[seat].part];
    struct stock left =
        desk_waits_at(desk, seat, node) &&
                desk_all_wait_at(desk, desk->node_of, part->level, node)
            ? desk->nodes[node].all
            : desk->nodes[node].room;
    for (uint32_t i = 0; i < desk->ask->seat_count; i++) {
        const struct desk_part *other = &desk->parts[desk->ask->seats[i].part];
        if (i == seat || desk->node_of[i] != node ||
            desk->ask->seats[i].fixed || other->level != part->level)
            continue;
        for (uint32_t r = 0; r < RES_COUNT; r++)
            left.of[r] -=
                left.of[r] < other->want.of[r] ? left.of[r] : other->want.of[r];
    }
    return stock_fits(&part->want, &left);
}

/* What ways took. */
struct trail {
    uint32_t count;
    struct {
        uint16_t link;
        uint8_t want; /* which of the graph's links */
    } took[2 * GRAPH_WAYS_MAX];
};

/* All but the first `kept` of it. */
static void give_back(struct desk *desk, struct trail *trail, uint32_t kept)
{
    for (uint32_t i = kept; i < trail->count; i++)
        desk->left_kbps[trail->took[i].link] +=
            desk->ask->graph->links[trail->took[i].want].kbps;
    trail->count = kept;
}

/* Lays one way, or says why it cannot be. */
static bool lay(struct desk *desk, uint32_t want, uint16_t x, uint16_t y,
                struct trail *trail, uint64_t *steps, enum desk_fault *out)
{
    const struct graph_link *link = &desk->ask->graph->links[want];
    uint16_t path[2];
    uint32_t count;
    if (!desk_way(desk, link, x, y, path, &count, out))
        return false;
    for (uint32_t i = 0; i < count && link->kbps > 0; i++) {
        CHECK(trail->count < 2 * GRAPH_WAYS_MAX);
        desk->left_kbps[path[i]] -= link->kbps;
        trail->took[trail->count].link = path[i];
        trail->took[trail->count++].want = (uint8_t)want;
    }
    *steps += count;
    return true;
}

static uint16_t other_end(const struct desk *desk,
                          const struct graph_link *link, uint32_t seat,
                          uint32_t i)
{
    uint8_t mine = desk->ask->seats[seat].part;
    uint8_t part = desk->ask->seats[i].part;
    if (i == seat || desk->node_of[i] == DESK_NOWHERE)
        return DESK_NOWHERE;
    return (link->to == mine && link->from == part) ||
                   (link->from == mine && link->to == part)
               ? desk->node_of[i]
               : DESK_NOWHERE;
}

/* All ways between the seat and those that are placed. */
static bool lay_ways(struct desk *desk, uint32_t seat, uint16_t node,
                     struct trail *trail, uint64_t *steps, enum desk_fault *out)
{
    const struct graph *graph = desk->ask->graph;
    uint8_t mine = desk->ask->seats[seat].part;
    for (uint32_t k = 0; k < graph->link_count; k++) {
        const struct graph_link *link = &graph->links[k];
        if (link->from != mine && link->to != mine)
            continue;
        if (link->from == GRAPH_BUYER &&
            !lay(desk, k, DESK_SELF, node, trail, steps, out))
            return false;
        for (uint32_t i = 0; i < desk->ask->seat_count; i++) {
            uint16_t other = other_end(desk, link, seat, i);
            bool sends = link->from == mine;
            if (other == DESK_NOWHERE)
                continue;
            if (!lay(desk, k, sends ? node : other, sends ? other : node, trail,
                     steps, out))
                return false;
        }
    }
    return true;
}

/* ---- the search ---- */

static int compare(const struct desk_cost *a, const struct desk_cost *b)
{
    if (a->figure != b->figure)
        return a->figure < b->figure ? -1 : 1;
    if (a->steps != b->steps)
        return a->steps < b->steps ? -1 : 1;
    return a->bills < b->bills ? -1 : a->bills > b->bills;
}

static void tell(struct desk *desk, uint32_t depth, enum desk_fault fault)
{
    if (depth > desk->deepest || desk->deepest == UINT32_MAX) {
        desk->deepest = depth;
        memset(desk->faults, 0, sizeof(desk->faults));
    }
    if (depth == desk->deepest)
        desk->faults[fault]++;
}

static void keep_best(struct desk *desk, const struct desk_cost *cost)
{
    desk->found = true;
    desk->best_cost = *cost;
    memcpy(desk->best_node, desk->node_of, sizeof(desk->best_node));
    memcpy(desk->best_option, desk->option_of, sizeof(desk->best_option));
    memcpy(desk->best_share, desk->share_of, sizeof(desk->best_share));
}

static void descend(struct desk *desk, uint32_t depth,
                    const struct desk_cost *cost);

/* What its policy counts: the bill as it is with the devices it gets. */
static uint64_t figure_of(const struct desk *desk, uint32_t seat,
                          const struct desk_option *option)
{
    uint8_t part = desk->ask->seats[seat].part;
    if (desk->ask->requests[part]->policy == POLICY_CHEAPEST)
        return amount_figure(desk->share_of[seat].bill);
    return option->figure;
}

/* One option of the seat; all is as it was afterwards. */
static void try_option(struct desk *desk, uint32_t depth,
                       const struct desk_option *option, struct desk_cost cost)
{
    uint32_t seat = desk->order[depth];
    uint16_t node = option->node;
    enum desk_fault fault = DESK_ROOM;
    struct trail trail = {.count = 0};
    desk->tries++;
    if (has_room(desk, seat, node) && groups_hold(desk, seat, node, &fault) &&
        desk_share(desk, seat, option, &desk->share_of[seat], &fault) &&
        lay_ways(desk, seat, node, &trail, &cost.steps, &fault)) {
        cost.figure = plus(cost.figure, dearer(desk, seat, node,
                                               figure_of(desk, seat, option)));
        cost.bills = plus(cost.bills, amount_figure(desk->share_of[seat].bill));
        desk->node_of[seat] = node;
        descend(desk, depth + 1, &cost);
        desk->node_of[seat] = DESK_NOWHERE;
    } else {
        tell(desk, depth, fault);
    }
    give_back(desk, &trail, 0);
}

/* Tasks of one part are alike: their options never fall, so that no layout is
 * met twice by another name. Those that have a place each are not alike. */
static uint32_t first_option(const struct desk *desk, uint32_t depth)
{
    uint32_t seat = desk->order[depth];
    uint32_t before;
    if (depth == 0 || desk->keep != NULL)
        return 0;
    before = desk->order[depth - 1];
    if (desk->ask->seats[before].part != desk->ask->seats[seat].part ||
        desk->ask->seats[before].fixed)
        return 0;
    return desk->option_of[before];
}

static void try_options(struct desk *desk, uint32_t depth,
                        const struct desk_cost *cost)
{
    uint32_t seat = desk->order[depth];
    const struct desk_part *part = &desk->parts[desk->ask->seats[seat].part];
    for (uint32_t i = first_option(desk, depth); i < part->option_count; i++) {
        if (!may_be_at(desk, seat, part->options[i].node))
            continue;
        desk->option_of[seat] = (uint16_t)i;
        try_option(desk, depth, &part->options[i], *cost);
        if (desk->tries >= desk->tries_max)
            return;
    }
}

static void descend(struct desk *desk, uint32_t depth,
                    const struct desk_cost *cost)
{
    struct desk_cost least = *cost;
    uint32_t seat;
    if (desk->tries >= desk->tries_max)
        return;
    least.figure = plus(least.figure, desk->least_after[depth]);
    if (desk->found && compare(&least, &desk->best_cost) >= 0)
        return;
    if (depth == desk->ask->seat_count) {
        keep_best(desk, cost);
        return;
    }
    seat = desk->order[depth];
    if (desk->ask->seats[seat].fixed)
        descend(desk, depth + 1, cost);
    else
        try_options(desk, depth, cost);
}

static const struct desk_option *home_option(const struct desk *desk,
                                             uint32_t seat)
{
    const struct desk_part *part = &desk->parts[desk->ask->seats[seat].part];
    for (uint32_t i = 0; i < part->option_count; i++)
        if (part->options[i].node == desk->home_of[seat])
            return &part->options[i];
    return NULL;
}

static bool moves(const struct desk *desk, uint32_t seat)
{
    return !desk->ask->seats[seat].fixed && (desk->movers >> seat & 1) != 0;
}

/* By level, of those that may move or of those that may not. */
static uint32_t put_levels(struct desk *desk, uint32_t count, bool movers)
{
    for (uint32_t level = 0; level < GRAPH_PARTS_MAX; level++)
        for (uint32_t i = 0; i < desk->ask->seat_count; i++)
            if (!desk->ask->seats[i].fixed && moves(desk, i) == movers &&
                desk->parts[desk->ask->seats[i].part].level == level)
                desk->order[count++] = (uint8_t)i;
    return count;
}

/* What the seat costs at least. */
static uint64_t least_of(const struct desk *desk, uint32_t seat)
{
    const struct desk_option *home = NULL;
    if (desk->ask->seats[seat].fixed)
        return 0;
    if (!moves(desk, seat))
        home = home_option(desk, seat);
    return home != NULL ? home->figure
                        : desk->parts[desk->ask->seats[seat].part].least;
}

/* Fixed ones first: they are where they are; then who stays, so that nobody
 * takes its room; then who looks for a place. */
static void put_in_order(struct desk *desk)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < desk->ask->seat_count; i++)
        if (desk->ask->seats[i].fixed)
            desk->order[count++] = (uint8_t)i;
    count = put_levels(desk, count, false);
    count = put_levels(desk, count, true);
    CHECK(count == desk->ask->seat_count);
    desk->least_after[count] = 0;
    for (uint32_t i = count; i-- > 0;)
        desk->least_after[i] =
            plus(desk->least_after[i + 1], least_of(desk, desk->order[i]));
}

void desk_begin(struct desk *desk)
{
    put_in_order(desk);
    desk->found = false;
    desk->deepest = UINT32_MAX;
}

void desk_search(struct desk *desk)
{
    const struct desk_cost none = {0, 0, 0};
    put_in_order(desk);
    descend(desk, 0, &none);
}

/* ---- who is in whose way ---- */

/* Seats there that the seat may be in the way of, or they of it. */
static uint32_t others_in(const struct desk *desk, uint32_t seat, uint16_t node,
                          enum desk_fault fault)
{
    uint8_t part = desk->ask->seats[seat].part;
    uint32_t mask = 0;
    for (uint32_t i = 0; i < desk->ask->seat_count; i++) {
        uint8_t other = desk->ask->seats[i].part;
        bool near = desk->node_of[i] == node &&
                    desk->parts[other].level == desk->parts[part].level;
        bool grouped =
            same_group(part_of(desk, i)->together,
                       part_of(desk, seat)->together) ||
            same_group(part_of(desk, i)->apart, part_of(desk, seat)->apart);
        bool linked = false;
        for (uint32_t k = 0; k < desk->ask->graph->link_count; k++) {
            const struct graph_link *link = &desk->ask->graph->links[k];
            linked = linked || (link->from == part && link->to == other) ||
                     (link->to == part && link->from == other);
        }
        if (i == seat || desk->node_of[i] == DESK_NOWHERE ||
            desk->ask->seats[i].fixed)
            continue;
        if (fault <= DESK_PRICE ? near : fault <= DESK_APART ? grouped : linked)
            mask |= desk_unit(desk, i);
    }
    return mask;
}

uint32_t desk_conflicts(struct desk *desk)
{
    struct trail trail = {.count = 0};
    uint64_t steps = 0;
    uint32_t mask = 0;
    for (uint32_t depth = 0; depth < desk->ask->seat_count; depth++) {
        uint32_t seat = desk->order[depth];
        uint16_t node = desk->home_of[seat];
        const struct desk_option *option = home_option(desk, seat);
        enum desk_fault fault = DESK_ROOM;
        uint32_t before = trail.count;
        if (desk->ask->seats[seat].fixed || (desk->must >> seat & 1) != 0 ||
            option == NULL)
            continue;
        if (has_room(desk, seat, node) &&
            groups_hold(desk, seat, node, &fault) &&
            desk_share(desk, seat, option, &desk->share_of[seat], &fault) &&
            lay_ways(desk, seat, node, &trail, &steps, &fault)) {
            desk->node_of[seat] = node;
        } else {
            mask |= desk_unit(desk, seat) | others_in(desk, seat, node, fault);
            give_back(desk, &trail, before);
        }
    }
    give_back(desk, &trail, 0);
    for (uint32_t i = 0; i < desk->ask->seat_count; i++)
        if (!desk->ask->seats[i].fixed)
            desk->node_of[i] = DESK_NOWHERE;
    return mask;
}
