/* Plans of graphs that are kept while offers and roads change. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/dice.h"
#include "market/graph/graph_adjust.h"
#include "tests/unit/market/book_sample.h"
#include "tests/unit/market/graph_sample.h"

#define MINUTE UINT64_C(60000)

static struct graph graph;
static struct request requests[GRAPH_PARTS_MAX];
static struct graph_ask ask;
static struct graph_plan plan; /* that runs */
static struct adjust_terms terms;
static struct graph_history history;
static struct graph_change change;
static uint64_t now;
static uint64_t version;
static char why[256];

/* Provider k sells `cores`, of which `idle` are free, at so much an hour. */
static void put_offer(struct sample *s, unsigned k, uint64_t price,
                      uint32_t cores, uint32_t idle)
{
    struct offer o = sample_offer(k, ++version);
    o.ttl_ms = OFFER_TTL_MAX_MS;
    o.price = sample_price(price * 60, 0, 0); /* a minute costs `price` */
    o.total.cpu_milli = cores * 1000;
    o.free.cpu_milli = idle * 1000;
    sample_put(s, &o, now);
    assert_int_equal(
        book_rtt_set(s->book, &o.provider, k * UINT64_C(1000), now), OK);
}

static void put(struct sample *s, unsigned k, uint64_t price)
{
    put_offer(s, k, price, 4, 4);
}

static void withdraw(struct sample *s, unsigned k)
{
    struct offer o = sample_offer(k, ++version);
    o.ttl_ms = 1;
    o.slots_free = 0;
    sample_put(s, &o, now - 10);
    book_unreachable_set(s->book, &o.provider, now + 100 * MINUTE, now);
}

static void begin(uint32_t parts)
{
    now += 100 * MINUTE;
    sample_graph(&graph, parts);
    memset(&ask, 0, sizeof(ask));
    memset(&history, 0, sizeof(history));
    terms = adjust_terms_default;
    ask.self = (struct pubkey){{0xa0}};
    for (uint32_t i = 0; i < parts; i++) {
        requests[i] = sample_request(1);
        ask.requests[i] = &requests[i];
    }
}

static void plan_it(struct sample *s)
{
    arena_reset(&s->arena);
    graph_seats(&graph, &ask);
    assert_int_equal(graph_plan_make(s->book, &ask, now, &s->arena, &plan, why),
                     OK);
    for (uint32_t i = 0; i < ask.seat_count; i++)
        ask.seats[i].provider = plan.places[i].provider;
}

/* The change is taken: places of who moved, and ways. */
static void take(void)
{
    if (change.level == ADJUST_KEEP || change.level == ADJUST_LOST)
        return;
    graph_change_note(&ask, &terms, &change, now, &history);
    plan = change.plan;
    for (uint32_t i = 0; i < ask.seat_count; i++)
        ask.seats[i].provider = plan.places[i].provider;
}

static enum adjust_level adjust(struct sample *s, bool willing)
{
    struct graph_keep keep = {&plan, &terms, &history, willing};
    arena_reset(&s->arena);
    assert_int_equal(
        graph_adjust(s->book, &ask, &keep, now, &s->arena, &change, why), OK);
    take();
    return change.level;
}

static unsigned at(uint32_t seat)
{
    return ask.seats[seat].provider.b[0];
}

static void what_holds_is_kept(void **state)
{
    struct sample *s = *state;
    begin(3);
    for (unsigned k = 1; k <= 3; k++)
        put(s, k, k * 10);
    plan_it(s);
    assert_int_equal(adjust(s, false), ADJUST_KEEP);
    assert_int_equal(adjust(s, true), ADJUST_KEEP);
    put(s, 2, 1); /* much better, and nobody who only repairs looks at it */
    assert_int_equal(adjust(s, false), ADJUST_KEEP);
    assert_int_equal(change.moves, 0);
}

static void only_who_was_there_leaves_an_offer_that_goes(void **state)
{
    struct sample *s = *state;
    begin(3);
    graph.parts[0].apart = graph.parts[1].apart = graph.parts[2].apart = 1;
    for (unsigned k = 1; k <= 4; k++)
        put(s, k, k * 10);
    plan_it(s);
    put(s, 4, 1); /* the best there is, from now on: for one of them */
    withdraw(s, at(1));
    assert_int_equal(adjust(s, false), ADJUST_MOVE);
    assert_int_equal(change.moved, 2);
    assert_int_equal(change.violated, 2);
    assert_int_equal(at(0), 1);
    assert_int_equal(at(1), 4);
    assert_int_equal(at(2), 3);
    assert_int_equal(adjust_budget(&terms, &history.moves, now), 4);
    assert_int_equal(adjust(s, false), ADJUST_KEEP);
}

/* The largest graph there is, on sixty offers. */
static void many_may_have_to_leave_at_once(void **state)
{
    struct sample *s = *state;
    uint32_t hit = 0;
    begin(GRAPH_PARTS_MAX);
    for (unsigned k = 1; k <= 60; k++)
        put(s, k, 1000 + k * 7);
    for (uint32_t i = 0; i + 1 < GRAPH_PARTS_MAX; i++)
        for (uint32_t k = 1; k <= 4 && i + k < GRAPH_PARTS_MAX; k++) {
            struct graph_link *link =
                sample_link(&graph, (uint8_t)i, (uint8_t)(i + k));
            link->delay_us_max = 50000;
            link->order = i % 8 == 7;
        }
    plan_it(s);
    for (uint32_t i = 0; i < GRAPH_PARTS_MAX; i++)
        hit |= at(i) == 1 ? 1u << i : 0;
    withdraw(s, 1);
    assert_int_equal(adjust(s, false), ADJUST_MOVE);
    assert_int_equal(change.moved, hit);
    assert_int_not_equal(hit, 0);
}

static void who_waits_for_its_turn_is_not_driven_out_by_who_is_there_now(
    void **state)
{
    struct sample *s = *state;
    begin(2);
    sample_link(&graph, 0, 1);
    put(s, 1, 10);
    put(s, 2, 20);
    plan_it(s);
    put_offer(s, 1, 10, 4, 0); /* all of it is busy */
    ask.seats[0].fixed = true;
    assert_int_equal(adjust(s, false), ADJUST_KEEP);
    ask.seats[1].due = true; /* now it needs the room */
    assert_int_equal(adjust(s, false), ADJUST_MOVE);
    assert_int_equal(at(1), 2);
    assert_int_equal(change.moved, 2);
}

static void who_sells_less_than_was_planned_keeps_as_many_as_fit(void **state)
{
    struct sample *s = *state;
    begin(3);
    put(s, 1, 10);
    put(s, 2, 20);
    plan_it(s);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(at(i), 1);
    put_offer(s, 1, 10, 2, 2);
    assert_int_equal(adjust(s, false), ADJUST_MOVE);
    assert_int_equal(change.moves, 1);
    assert_int_equal((at(0) == 1) + (at(1) == 1) + (at(2) == 1), 2);
}

static void devices_that_went_drive_out_who_wants_them(void **state)
{
    struct sample *s = *state;
    struct offer o;
    begin(2);
    put(s, 1, 10);
    put(s, 2, 20);
    for (unsigned k = 1; k <= 2; k++) {
        o = sample_offer(k, ++version);
        o.price = sample_price(k * 600, 0, 0);
        o.devices = (struct devices){
            .group_count = 1,
            .groups = {{.kind = DEVICE_GPU, .model = "t4", .count = 1}}};
        devices_all_free(&o.devices);
        sample_put(s, &o, now);
    }
    requests[1].devices =
        (struct device_wish){.kind = DEVICE_GPU, .count = 1, .milli = 1000};
    plan_it(s);
    assert_int_equal(at(0), 1);
    assert_int_equal(at(1), 1);
    put(s, 1, 10); /* the card is gone, the cores are not */
    assert_int_equal(adjust(s, false), ADJUST_MOVE);
    assert_int_equal(at(0), 1);
    assert_int_equal(at(1), 2);
}

/* Two devices, the first of them in use by somebody else. */
static void put_cards(struct sample *s, unsigned k, uint64_t price,
                      uint32_t count)
{
    struct offer o = sample_offer(k, ++version);
    o.ttl_ms = OFFER_TTL_MAX_MS;
    o.price = sample_price(price * 60, 0, 0);
    o.devices = (struct devices){
        .group_count = 1,
        .groups = {{.kind = DEVICE_GPU, .model = "t4", .count = count}}};
    devices_all_free(&o.devices);
    if (count > 1)
        o.devices.free_milli[0] = 0;
    sample_put(s, &o, now);
}

/* Who waits for its turn counts on all devices, who comes beside it on those
 * that are free: neither gets what the other has. */
static void who_comes_beside_one_that_waits_gets_another_device(void **state)
{
    struct sample *s = *state;
    begin(2);
    for (uint32_t i = 0; i < 2; i++)
        requests[i].devices =
            (struct device_wish){.kind = DEVICE_GPU, .count = 1, .milli = 1000};
    put_cards(s, 1, 10, 2);
    put_cards(s, 2, 20, 1);
    plan_it(s);
    assert_int_equal(at(0), 1);
    assert_int_equal(at(1), 2);
    withdraw(s, 2);
    assert_int_equal(adjust(s, false), ADJUST_MOVE);
    assert_int_equal(at(0), 1);
    assert_int_equal(at(1), 1);
    assert_int_equal(plan.places[0].devices + plan.places[1].devices, 3);
}

static void dearer_than_was_approved_is_left(void **state)
{
    struct sample *s = *state;
    begin(1);
    put(s, 1, 10);
    put(s, 2, 20);
    plan_it(s);
    ask.cap[0] = amount_micro(25);
    put(s, 1, 25);
    assert_int_equal(adjust(s, false), ADJUST_KEEP);
    put(s, 1, 26);
    assert_int_equal(adjust(s, false), ADJUST_MOVE);
    assert_int_equal(at(0), 2);
    put(s, 2, 26);
    assert_int_equal(adjust(s, false), ADJUST_LOST);
    assert_true(why[0] != '\0');
    assert_int_equal(at(0), 2);
}

static void of_its_own_will_it_moves_for_a_real_gain(void **state)
{
    struct sample *s = *state;
    begin(1);
    put(s, 1, 1000);
    put(s, 2, 1200);
    plan_it(s);
    put(s, 2, 960); /* 4 % */
    assert_int_equal(adjust(s, true), ADJUST_KEEP);
    put(s, 2, 800);
    assert_int_equal(adjust(s, false), ADJUST_KEEP);
    assert_int_equal(adjust(s, true), ADJUST_MOVE);
    assert_true(change.willing);
    assert_int_equal(at(0), 2);
    assert_int_equal(adjust_budget(&terms, &history.moves, now), 3);
    put(s, 3, 100); /* the cool-down */
    assert_int_equal(adjust(s, true), ADJUST_KEEP);
    now += 10 * MINUTE;
    put(s, 2, 800);
    put(s, 3, 100);
    assert_int_equal(adjust(s, true), ADJUST_MOVE);
    assert_int_equal(at(0), 3);
}

/* So many moves in so many turns of eleven minutes each. */
static uint32_t moves_in(struct sample *s, uint32_t turns)
{
    uint32_t moves = 0;
    for (unsigned turn = 1; turn <= turns; turn++) {
        now += 11 * MINUTE;
        put(s, 1, turn % 2 == 1 ? 2000 : 1000);
        put(s, 2, 1500);
        put(s, 3, 1200);
        (void)adjust(s, true);
        moves += change.moves;
    }
    return moves;
}

static void prices_that_go_back_and_forth_move_nobody_back_and_forth(
    void **state)
{
    struct sample *s = *state;
    begin(1);
    put(s, 1, 1000);
    put(s, 2, 1500);
    put(s, 3, 1200);
    plan_it(s);
    assert_int_equal(moves_in(s, 60), 1);
    assert_int_equal(at(0), 3);
    begin(2); /* several make way for each other, and then it is over */
    graph.parts[0].apart = graph.parts[1].apart = 1;
    put(s, 1, 1000);
    put(s, 2, 1500);
    put(s, 3, 1200);
    plan_it(s);
    assert_in_range(moves_in(s, 20), 1, 6);
    assert_int_equal(moves_in(s, 60), 0);
}

/* Roads of near pairs only: 1-2 and 3-4. */
static struct graph_road near_roads[2];

static void near_pairs(struct sample *s)
{
    begin(2);
    for (unsigned k = 1; k <= 4; k++)
        put(s, k, k * 10);
    for (unsigned i = 0; i < 2; i++)
        near_roads[i] = (struct graph_road){.a = sample_provider(2 * i + 1),
                                            .b = sample_provider(2 * i + 2),
                                            .kbps = 1000,
                                            .delay_us = 100,
                                            .risk_nn = 1};
    ask.roads = near_roads;
    ask.road_count = 2;
    graph.parts[0].apart = graph.parts[1].apart = 1;
    sample_link(&graph, 0, 1)->delay_us_max = 200;
    plan_it(s);
    assert_int_equal(at(0) + at(1), 3);
}

static void neighbours_follow_within_the_budget(void **state)
{
    struct sample *s = *state;
    near_pairs(s);
    withdraw(s, at(0));
    assert_int_equal(adjust(s, false), ADJUST_NEIGHBOURS);
    assert_int_equal(at(0) + at(1), 7);
    assert_int_equal(change.violated, 1);
    assert_int_equal(change.moved, 3);
    assert_int_equal(adjust_budget(&terms, &history.moves, now), 3);
}

static void without_a_budget_nobody_follows(void **state)
{
    struct sample *s = *state;
    near_pairs(s);
    terms.budget_moves = 0;
    withdraw(s, at(0));
    assert_int_equal(adjust(s, false), ADJUST_LOST);
    assert_int_equal(at(0) + at(1), 3);
    assert_true(why[0] != '\0');
}

static void a_way_that_got_too_slow_moves_its_ends_or_takes_another(
    void **state)
{
    struct sample *s = *state;
    near_pairs(s);
    near_roads[0].delay_us = 300;
    assert_int_equal(adjust(s, false), ADJUST_MOVE);
    assert_int_equal(at(0) + at(1), 7);
    near_roads[0].delay_us = 100;
    graph.links[0].delay_us_max = 5000; /* the way over the buyer would do */
    assert_int_equal(adjust(s, false), ADJUST_KEEP);
    near_roads[1].delay_us = 9000;
    assert_int_equal(adjust(s, false), ADJUST_REROUTE);
    assert_int_equal(change.moves, 0);
    assert_int_equal(plan.ways[0].steps, 2);
}

/* c's way to b got too slow. What c had been given of the road to a by then is
 * there for the way from d to e. */
static void who_cannot_stay_takes_no_bandwidth_from_who_can(void **state)
{
    struct sample *s = *state;
    struct graph_road roads[2] = {
        {.kbps = 130, .delay_us = 100, .risk_nn = 1}, /* 1-3 */
        {.kbps = 130, .delay_us = 100, .risk_nn = 1}, /* 2-3 */
    };
    begin(5);
    for (unsigned k = 1; k <= 3; k++)
        put(s, k, k * 10);
    for (unsigned i = 0; i < 2; i++) {
        roads[i].a = sample_provider(i + 1);
        roads[i].b = sample_provider(3);
    }
    ask.roads = roads;
    ask.road_count = 2;
    for (uint32_t i = 0; i < 3; i++)
        graph.parts[i].apart = 1;
    graph.parts[2].together = graph.parts[4].together = 1;
    sample_link(&graph, 2, 0)->kbps = 60;
    sample_link(&graph, 2, 1)->delay_us_max = 200;
    sample_link(&graph, 3, 4)->kbps = 60;
    for (uint32_t i = 0; i < graph.link_count; i++)
        graph.links[i].order = false; /* all at the same time */
    plan_it(s);
    assert_int_equal(at(2), 3);
    assert_int_equal(at(3), 1);
    assert_int_equal(at(4), 3);
    roads[0].kbps = 100;
    roads[1].delay_us = 300;
    (void)adjust(s, false);
    assert_int_equal(change.violated >> 2 & 1, 1);
    assert_int_equal(change.violated >> 3 & 1, 0);
}

static void what_runs_is_not_touched(void **state)
{
    struct sample *s = *state;
    near_pairs(s);
    ask.seats[0].fixed = true;
    withdraw(s, at(0));
    assert_int_equal(adjust(s, false), ADJUST_KEEP);
    withdraw(s, at(1)); /* what it is linked to runs on */
    assert_int_equal(adjust(s, false), ADJUST_LOST);
}

/* ---- whatever goes, if the others can stay they do ---- */

static void others_stay_wherever_they_can(void **state)
{
    struct sample *s = *state;
    struct dice dice;
    uint32_t moved = 0;
    uint32_t lost = 0;
    dice_init(&dice, 23);
    for (uint32_t round = 0; round < 300; round++) {
        uint32_t parts = (uint32_t)dice_between(&dice, 2, 5);
        uint32_t hit = 0;
        struct pubkey key;
        unsigned gone;
        begin(parts);
        for (unsigned k = 1; k <= 5; k++) {
            put_offer(s, k, dice_between(&dice, 10, 99), 4,
                      (uint32_t)dice_between(&dice, 1, 4));
            key = sample_provider(k);
            book_unreachable_set(s->book, &key, 0, now);
        }
        for (uint32_t i = 0; i < parts; i++)
            graph.parts[i].apart = (uint8_t)dice_below(&dice, 2);
        arena_reset(&s->arena);
        graph_seats(&graph, &ask);
        if (graph_plan_make(s->book, &ask, now, &s->arena, &plan, why) != OK)
            continue;
        for (uint32_t i = 0; i < ask.seat_count; i++) {
            ask.seats[i].provider = plan.places[i].provider;
            ask.seats[i].due = dice_below(&dice, 2) == 0;
        }
        gone = at((uint32_t)dice_below(&dice, parts));
        for (uint32_t i = 0; i < parts; i++)
            hit |= at(i) == gone ? 1u << i : 0;
        withdraw(s, gone);
        if (adjust(s, false) == ADJUST_MOVE) {
            assert_int_equal(change.moved, hit);
            moved++;
        } else {
            lost++;
        }
    }
    assert_in_range(moved, 100, 300);
    assert_in_range(lost, 1, 150);
}

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_holds_is_kept),
        T(only_who_was_there_leaves_an_offer_that_goes),
        T(many_may_have_to_leave_at_once),
        T(who_waits_for_its_turn_is_not_driven_out_by_who_is_there_now),
        T(who_sells_less_than_was_planned_keeps_as_many_as_fit),
        T(devices_that_went_drive_out_who_wants_them),
        T(who_comes_beside_one_that_waits_gets_another_device),
        T(dearer_than_was_approved_is_left),
        T(of_its_own_will_it_moves_for_a_real_gain),
        T(prices_that_go_back_and_forth_move_nobody_back_and_forth),
        T(neighbours_follow_within_the_budget),
        T(without_a_budget_nobody_follows),
        T(a_way_that_got_too_slow_moves_its_ends_or_takes_another),
        T(who_cannot_stay_takes_no_bandwidth_from_who_can),
        T(what_runs_is_not_touched),
        T(others_stay_wherever_they_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
