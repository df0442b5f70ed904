#include "market/graph/graph_adjust.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "market/graph/graph_desk.h"

#define TRIES_EACH 20000u /* of one search: few move */

struct work {
    struct desk *desk;
    uint32_t loose;  /* not begun */
    uint32_t must;   /* cannot stay */
    uint32_t soft;   /* get into each other's way */
    uint32_t around; /* linked to those */
    uint32_t budget; /* moves of who is not violated */
};

/* ---- who is violated ---- */

static bool has_home(const struct desk *desk, uint32_t seat)
{
    const struct desk_part *part = &desk->parts[desk->ask->seats[seat].part];
    if (desk->home_of[seat] == DESK_NOWHERE)
        return false;
    for (uint32_t i = 0; i < part->option_count; i++)
        if (part->options[i].node == desk->home_of[seat])
            return true;
    return false;
}

static bool are_linked(const struct desk *desk, uint32_t a, uint32_t b)
{
    const struct graph *graph = desk->ask->graph;
    uint8_t x = desk->ask->seats[a].part;
    uint8_t y = desk->ask->seats[b].part;
    for (uint32_t i = 0; i < graph->link_count; i++)
        if ((graph->links[i].from == x && graph->links[i].to == y) ||
            (graph->links[i].from == y && graph->links[i].to == x))
            return true;
    return false;
}

static void look(struct work *w)
{
    struct desk *desk = w->desk;
    for (uint32_t i = 0; i < desk->ask->seat_count; i++) {
        if (desk->ask->seats[i].fixed)
            continue;
        w->loose |= 1u << i;
        if (!has_home(desk, i))
            w->must |= desk_unit(desk, i);
    }
    desk->must = w->must;
    w->soft = desk_conflicts(desk) & ~w->must;
    for (uint32_t i = 0; i < desk->ask->seat_count; i++)
        for (uint32_t k = 0; k < desk->ask->seat_count; k++)
            if (((w->must | w->soft) >> k & 1) != 0 && are_linked(desk, i, k) &&
                !desk->ask->seats[i].fixed)
                w->around |= desk_unit(desk, i);
    w->around &= ~(w->must | w->soft);
}

/* ---- searching ---- */

static void search(struct work *w, uint32_t movers)
{
    struct desk *desk = w->desk;
    desk->movers = movers;
    desk->tries = 0;
    desk->tries_max = TRIES_EACH;
    desk_search(desk);
}

/* The base and of `more` one unit alone, the best of all; else all of them. */
static void with_one_of(struct work *w, uint32_t base, uint32_t more)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < w->desk->ask->seat_count; i++) {
        uint32_t unit = desk_unit(w->desk, i);
        if ((more >> i & 1) == 0 || (seen >> i & 1) != 0)
            continue;
        seen |= unit;
        search(w, base | unit);
    }
    if (!w->desk->found && more != 0)
        search(w, base | more);
}

static uint32_t moved_of(const struct desk *desk)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < desk->ask->seat_count; i++)
        if (!desk->ask->seats[i].fixed &&
            desk->best_node[i] != desk->home_of[i])
            mask |= 1u << i;
    return mask;
}

static bool within(const struct work *w)
{
    uint32_t extra = moved_of(w->desk) & ~(w->must | w->soft);
    return (uint32_t)__builtin_popcount(extra) <= w->budget;
}

/* A layout is there, in the budget, and the judge has nothing against it. */
static bool holds(struct work *w, struct graph_plan *plan, char why[256])
{
    if (!w->desk->found)
        return false;
    if (within(w) && desk_judge(w->desk, plan, why) == OK)
        return true;
    w->desk->found = false;
    return false;
}

/* The first level with a plan. */
static enum adjust_level escalate(struct work *w, struct graph_plan *plan,
                                  char why[256])
{
    if (w->must == 0 && w->soft == 0)
        search(w, 0);
    if (holds(w, plan, why))
        return ADJUST_KEEP;
    if (w->must != 0)
        search(w, w->must);
    if (!holds(w, plan, why))
        with_one_of(w, w->must, w->soft);
    if (w->desk->found && holds(w, plan, why))
        return ADJUST_MOVE;
    if (w->budget > 0)
        with_one_of(w, w->must | w->soft, w->around);
    if (holds(w, plan, why))
        return ADJUST_NEIGHBOURS;
    if (w->budget > 0)
        search(w, w->loose);
    if (holds(w, plan, why))
        return ADJUST_WHOLE;
    return ADJUST_LOST;
}

/* ---- of one's own will ---- */

static bool may_move_now(const struct desk *desk)
{
    const struct adjust_history *h = &desk->keep->history->moves;
    const struct adjust_terms *terms = desk->keep->terms;
    return h->willing_ms == 0 ||
           desk->now_ms - h->willing_ms >= terms->cooldown_ms;
}

/* The plan holds, as the desk's best. */
static void improve(struct work *w)
{
    struct desk *desk = w->desk;
    uint64_t figure = desk->best_cost.figure;
    uint32_t seen = 0;
    if (w->budget == 0 || !may_move_now(desk))
        return;
    desk->willing = true;
    desk->best_cost =
        (struct desk_cost){.figure = figure - desk_theta(desk, figure)};
    for (uint32_t i = 0; i < desk->ask->seat_count; i++) {
        uint32_t unit = desk_unit(desk, i);
        if ((w->loose >> i & 1) == 0 || (seen >> i & 1) != 0 ||
            (uint32_t)__builtin_popcount(unit) > w->budget)
            continue;
        seen |= unit;
        search(w, unit);
    }
}

/* ---- the answer ---- */

static uint32_t by_number(const struct graph_ask *ask, uint32_t seats)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < ask->seat_count; i++)
        if ((seats >> i & 1) != 0)
            mask |= 1u << ask->seats[i].number;
    return mask;
}

static uint32_t seat_of(const struct graph_ask *ask, uint8_t number)
{
    uint32_t i = 0;
    while (i < ask->seat_count && ask->seats[i].number != number)
        i++;
    return i;
}

/* The way in the graph's plan that is this one of the new; NULL: none. */
static const struct graph_way *old_way(const struct graph_ask *ask,
                                       const struct graph_plan *old,
                                       const struct graph_way *way)
{
    for (uint32_t i = 0; i < old->way_count; i++) {
        const struct graph_way *o = &old->ways[i];
        bool from = way->from == GRAPH_BUYER
                        ? o->from == GRAPH_BUYER
                        : o->from == ask->seats[way->from].number;
        if (o->link == way->link && from &&
            seat_of(ask, o->to) == (uint32_t)way->to)
            return o;
    }
    return NULL;
}

static bool ways_differ(const struct graph_ask *ask,
                        const struct graph_plan *old,
                        const struct graph_plan *plan)
{
    for (uint32_t i = 0; i < plan->way_count; i++) {
        const struct graph_way *o = old_way(ask, old, &plan->ways[i]);
        if (o == NULL || o->steps != plan->ways[i].steps)
            return true;
    }
    return false;
}

static enum err stay(struct graph_change *out)
{
    out->willing = false;
    out->level = ADJUST_KEEP;
    return OK;
}

static enum err answer(struct work *w, struct graph_change *out, char why[256])
{
    struct desk *desk = w->desk;
    out->level = escalate(w, &out->plan, why);
    if (out->level == ADJUST_KEEP && desk->keep->willing) {
        improve(w);
        out->willing = moved_of(desk) != 0;
        if (out->willing && desk_judge(desk, &out->plan, why) != OK)
            return stay(out);
        if (out->willing)
            out->level = ADJUST_MOVE;
    }
    if (out->level == ADJUST_LOST) {
        if (why[0] == '\0')
            desk_say_why(desk, why);
        return OK;
    }
    if (out->level == ADJUST_KEEP &&
        ways_differ(desk->ask, desk->keep->plan, &out->plan))
        out->level = ADJUST_REROUTE;
    if (out->level == ADJUST_KEEP)
        return OK;
    out->moved = by_number(desk->ask, moved_of(desk));
    out->moves = (uint32_t)__builtin_popcount(out->moved);
    desk_fill(desk, &out->plan);
    return OK;
}

enum err graph_adjust(struct book *book, const struct graph_ask *ask,
                      const struct graph_keep *keep, uint64_t now_ms,
                      struct arena *arena, struct graph_change *out,
                      char why[256])
{
    struct work w = {.desk = NULL};
    struct graph_change *change = arena_calloc(arena, 1, sizeof(*change));
    enum err err;
    CHECK(ask->seat_count >= 1 && ask->seat_count <= GRAPH_SEATS_MAX);
    why[0] = '\0';
    if (change == NULL)
        return ERR_NOMEM;
    change->level = ADJUST_LOST;
    err = desk_make(book, ask, keep, now_ms, arena, &w.desk, why);
    if (err != OK && err != ERR_NO_OFFER)
        return err;
    if (err == OK) {
        desk_begin(w.desk);
        w.budget = adjust_budget(keep->terms, &keep->history->moves, now_ms);
        look(&w);
        change->violated = by_number(ask, w.must | w.soft);
        TRY(answer(&w, change, why));
    }
    *out = *change;
    return OK;
}

void graph_change_note(const struct graph_ask *ask,
                       const struct adjust_terms *terms,
                       const struct graph_change *change, uint64_t now_ms,
                       struct graph_history *history)
{
    struct job_graph job = {.component_count = GRAPH_SEATS_MAX};
    struct plan plan = {.component_count = GRAPH_SEATS_MAX};
    struct adjust_case what = {.job = &job,
                               .plan = &plan,
                               .terms = terms,
                               .history = &history->moves,
                               .now_ms = now_ms};
    struct adjust_result result = {.level = change->level,
                                   .violated = change->violated,
                                   .moved = change->moved,
                                   .moves = change->moves};
    uint32_t at = history->moves.left_count;
    adjust_note(&what, &result, change->willing, &history->moves);
    for (; at < history->moves.left_count; at++) {
        const struct adjust_left *left =
            &history->moves.left[at % ADJUST_LEFT_MAX];
        uint32_t seat = seat_of(ask, left->component);
        CHECK(seat < ask->seat_count);
        history->left[at % ADJUST_LEFT_MAX] = ask->seats[seat].provider;
    }
}
