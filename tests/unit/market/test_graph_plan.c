/* Where a graph's tasks go, all together. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/dice.h"
#include "market/graph/graph_plan.h"
#include "tests/unit/market/book_sample.h"
#include "tests/unit/market/graph_sample.h"

#define NOW 1000u

static struct graph graph;
static struct request requests[GRAPH_PARTS_MAX];
static struct graph_ask ask;
static struct graph_plan plan;
static char why[256];

/* Provider k costs k credits a core-hour and is k ms away. */
static void put(struct sample *s, unsigned k)
{
    struct offer o = sample_offer(k, NOW);
    o.price.cpu_hour = amount_micro(k * UINT64_C(1000000));
    sample_put(s, &o, NOW);
    assert_int_equal(
        book_rtt_set(s->book, &o.provider, k * UINT64_C(1000), NOW), OK);
}

static void begin(uint32_t parts)
{
    sample_graph(&graph, parts);
    memset(&ask, 0, sizeof(ask));
    ask.self = (struct pubkey){{0xa0}};
    for (uint32_t i = 0; i < parts; i++) {
        requests[i] = sample_request(1);
        ask.requests[i] = &requests[i];
    }
}

static enum err make(struct sample *s)
{
    if (ask.seat_count == 0)
        graph_seats(&graph, &ask);
    arena_reset(&s->arena);
    return graph_plan_make(s->book, &ask, NOW, &s->arena, &plan, why);
}

static unsigned at(uint32_t seat)
{
    return plan.places[seat].provider.b[0];
}

static void alone_each_goes_to_the_cheapest(void **state)
{
    struct sample *s = *state;
    for (unsigned k = 1; k <= 3; k++)
        put(s, k);
    begin(3);
    assert_int_equal(make(s), OK);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(at(i), 1);
    assert_int_equal(plan.providers, 1);
    assert_true(plan.exact);
    assert_true(amount_cmp(plan.places[0].spare, plan.places[0].bill) > 0);
}

static void nothing_is_promised_twice_at_the_same_time(void **state)
{
    struct sample *s = *state;
    for (unsigned k = 1; k <= 3; k++)
        put(s, k);
    begin(6); /* a provider has room for four */
    assert_int_equal(make(s), OK);
    for (uint32_t i = 0; i < 6; i++)
        assert_in_range(at(i), 1, 2);
    assert_int_equal(plan.providers, 2);
}

static void what_comes_later_finds_the_room_free_again(void **state)
{
    struct sample *s = *state;
    put(s, 1);
    begin(6);
    for (uint8_t i = 1; i < 6; i++)
        sample_link(&graph, (uint8_t)(i - 1), i);
    assert_int_equal(make(s), OK);
    assert_int_equal(plan.providers, 1);
    assert_int_equal(plan.way_count, 5);
    assert_int_equal(plan.ways[0].steps, 0);
}

static void apart_means_a_provider_each(void **state)
{
    struct sample *s = *state;
    for (unsigned k = 1; k <= 3; k++)
        put(s, k);
    begin(1);
    graph.parts[0].tasks = 3;
    graph.parts[0].apart = 1;
    assert_int_equal(make(s), OK);
    assert_int_equal(plan.providers, 3);
    graph.parts[0].tasks = 4;
    ask.seat_count = 0;
    assert_int_equal(make(s), ERR_NO_OFFER);
    assert_non_null(strstr(why, "apart"));
}

static void together_means_the_same_one(void **state)
{
    struct sample *s = *state;
    struct offer big = sample_offer(9, NOW);
    for (unsigned k = 1; k <= 3; k++)
        put(s, k);
    big.price.cpu_hour = amount_micro(9000000);
    big.total.cpu_milli = big.free.cpu_milli = 8000;
    big.total.mem_mib = big.free.mem_mib = 16384;
    sample_put(s, &big, NOW);
    begin(2);
    graph.parts[0].together = graph.parts[1].together = 4;
    graph.parts[1].tasks = 4;
    assert_int_equal(make(s), OK); /* five at once fit the big one alone */
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(at(i), 9);
}

static void policies_decide_what_is_best(void **state)
{
    struct sample *s = *state;
    struct offer fast = sample_offer(7, NOW);
    for (unsigned k = 2; k <= 3; k++)
        put(s, k);
    fast.grade.int_ops = fast.grade.float_ops = fast.grade.mem_bps = 1ull << 34;
    fast.price.cpu_hour = amount_micro(1000000);
    sample_put(s, &fast, NOW); /* cheapest and fastest, its way not measured */
    begin(3);
    requests[1].policy = POLICY_NEAREST;
    requests[2].policy = POLICY_FASTEST;
    assert_int_equal(make(s), OK);
    assert_int_equal(at(0), 7);
    assert_int_equal(at(1), 2);
    assert_int_equal(at(2), 7);
}

static void a_bound_on_the_delay_is_kept(void **state)
{
    struct sample *s = *state;
    for (unsigned k = 1; k <= 4; k++)
        put(s, k);
    begin(2);
    graph.parts[0].apart = graph.parts[1].apart = 1;
    sample_link(&graph, 0, 1)->delay_us_max = 1500; /* 1 ms / 2 + 2 ms / 2 */
    assert_int_equal(make(s), OK);
    assert_int_equal(at(0) + at(1), 3);
    assert_int_equal(plan.ways[0].steps, 2);
    assert_int_equal(plan.ways[0].delay_us, 1500);
    graph.links[0].delay_us_max = 1499;
    assert_int_equal(make(s), ERR_NO_OFFER);
    assert_non_null(strstr(why, "too slow"));
}

static void what_is_not_measured_holds_no_bound(void **state)
{
    struct sample *s = *state;
    struct offer o = sample_offer(1, NOW);
    sample_put(s, &o, NOW); /* no round trip */
    put(s, 2);
    begin(2);
    graph.parts[0].apart = graph.parts[1].apart = 1;
    sample_link(&graph, 0, 1);
    assert_int_equal(make(s), OK);
    assert_int_equal(plan.ways[0].delay_us, LINK_UNKNOWN);
    graph.links[0].delay_us_max = 1000000;
    assert_int_equal(make(s), ERR_NO_OFFER);
    graph.links[0].delay_us_max = 0;
    graph.links[0].risk_nn_max = 1000000;
    assert_int_equal(make(s), ERR_NO_OFFER);
    graph.links[0].risk_nn_max = 0;
    graph.links[0].kbps = 1;
    assert_int_equal(make(s), ERR_NO_OFFER);
    graph.parts[1].apart = 0; /* on the same one no way is needed */
    assert_int_equal(make(s), OK);
    assert_int_equal(at(0), at(1));
}

static void a_measured_road_is_taken(void **state)
{
    struct sample *s = *state;
    struct graph_road road = {.a = sample_provider(3),
                              .b = sample_provider(2),
                              .kbps = 1000,
                              .delay_us = 200,
                              .risk_nn = 50};
    for (unsigned k = 1; k <= 3; k++)
        put(s, k);
    begin(2);
    graph.parts[0].apart = graph.parts[1].apart = 1;
    *sample_link(&graph, 0, 1) = (struct graph_link){.to = 1,
                                                     .order = true,
                                                     .kbps = 1000,
                                                     .bytes = 100,
                                                     .delay_us_max = 1000,
                                                     .risk_nn_max = 60};
    ask.roads = &road;
    ask.road_count = 1;
    assert_int_equal(make(s), OK); /* 200 us and 800 us of sending */
    assert_int_equal(at(0) + at(1), 5);
    assert_int_equal(plan.ways[0].steps, 1);
    graph.links[0].delay_us_max = 999;
    assert_int_equal(make(s), ERR_NO_OFFER);
    graph.links[0].delay_us_max = 0;
    graph.links[0].risk_nn_max = 49;
    assert_int_equal(make(s), ERR_NO_OFFER);
    graph.links[0].risk_nn_max = 0;
    graph.links[0].kbps = 1001;
    assert_int_equal(make(s), ERR_NO_OFFER);
}

static void ways_share_what_a_road_carries(void **state)
{
    struct sample *s = *state;
    struct graph_road road = {.a = sample_provider(1),
                              .b = sample_provider(2),
                              .kbps = 1000,
                              .delay_us = 1,
                              .risk_nn = 1};
    put(s, 1);
    put(s, 2);
    begin(2);
    graph.parts[0].tasks = 2;
    graph.parts[0].together = 1; /* both on one, the reader on the other */
    graph.parts[1].apart = 0;
    requests[0].only_seller = sample_provider(1);
    requests[1].only_seller = sample_provider(2);
    sample_link(&graph, 0, 1)->kbps = 500;
    ask.roads = &road;
    ask.road_count = 1;
    assert_int_equal(make(s), OK);
    graph.links[0].kbps = 501;
    assert_int_equal(make(s), ERR_NO_OFFER);
}

static void what_runs_stays_where_it_is(void **state)
{
    struct sample *s = *state;
    for (unsigned k = 1; k <= 3; k++)
        put(s, k);
    begin(2);
    graph.parts[0].apart = graph.parts[1].apart = 1;
    sample_link(&graph, 0, 1);
    graph_seats(&graph, &ask);
    ask.seats[0].fixed = true;
    ask.seats[0].provider = sample_provider(1);
    assert_int_equal(make(s), OK);
    assert_int_equal(at(0), 1);
    assert_int_equal(at(1), 2);
    ask.seats[0].provider = sample_provider(77); /* and gone from the book */
    assert_int_equal(make(s), OK);
    assert_int_equal(at(0), 77);
    assert_int_equal(at(1), 1);
}

static void the_avoided_and_the_too_dear_are_left_out(void **state)
{
    struct sample *s = *state;
    struct pubkey first = sample_provider(1);
    for (unsigned k = 1; k <= 3; k++)
        put(s, k);
    begin(1);
    ask.avoid = &first;
    ask.avoid_count = 1;
    assert_int_equal(make(s), OK);
    assert_int_equal(at(0), 2);
    ask.cap[0] = plan.places[0].bill;
    assert_int_equal(make(s), OK);
    assert_int_equal(amount_sub(ask.cap[0], amount_micro(1), &ask.cap[0]), OK);
    assert_int_equal(make(s), ERR_NO_OFFER);
    assert_non_null(strstr(why, "dearer"));
}

static void each_parts_own_wishes_hold(void **state)
{
    struct sample *s = *state;
    struct offer eu = sample_offer(5, NOW);
    put(s, 1);
    sample_label(&eu, "zone", "eu");
    eu.price.cpu_hour = amount_micro(9000000);
    sample_put(s, &eu, NOW);
    begin(2);
    sample_constraint(&requests[1], "zone", CONSTRAINT_EQUAL, "eu");
    assert_int_equal(make(s), OK);
    assert_int_equal(at(0), 1);
    assert_int_equal(at(1), 5);
    requests[1].constraints[0].value[0] = 'u';
    assert_int_equal(make(s), ERR_NO_OFFER);
    assert_non_null(strstr(why, "no place for b1"));
}

static void time_is_that_of_the_longest_way(void **state)
{
    (void)state;
    begin(4);
    requests[0].time_ms_max = 10;
    requests[1].time_ms_max = 200;
    requests[2].time_ms_max = 30;
    requests[3].time_ms_max = 4000;
    sample_link(&graph, 0, 1);
    sample_link(&graph, 0, 2);
    sample_link(&graph, 1, 2);
    assert_int_equal(graph_time_ms(&graph, ask.requests), 4000);
    requests[3].time_ms_max = 4;
    assert_int_equal(graph_time_ms(&graph, ask.requests), 240);
}

/* ---- against every layout there is ---- */

#define PROVIDERS 4u

/* Bills of the least layout that keeps to groups, room and delays; UINT64_MAX:
 * there is none. All of one level, one task each. */
static uint64_t least_by_all(const uint32_t room[PROVIDERS], uint32_t parts)
{
    uint64_t least = UINT64_MAX;
    uint32_t layouts = 1;
    for (uint32_t i = 0; i < parts; i++)
        layouts *= PROVIDERS;
    for (uint32_t code = 0; code < layouts; code++) {
        uint32_t where[8];
        uint32_t used[PROVIDERS] = {0};
        uint64_t bills = 0;
        bool good = true;
        for (uint32_t i = 0, rest = code; i < parts; i++, rest /= PROVIDERS) {
            where[i] = rest % PROVIDERS;
            used[where[i]]++;
            bills += where[i] + 1;
        }
        for (uint32_t k = 0; k < PROVIDERS; k++)
            good = good && used[k] <= room[k];
        for (uint32_t i = 0; i < parts; i++)
            for (uint32_t k = 0; k < i; k++) {
                const struct graph_part *a = &graph.parts[i];
                const struct graph_part *b = &graph.parts[k];
                if (a->together != 0 && a->together == b->together)
                    good = good && where[i] == where[k];
                if (a->apart != 0 && a->apart == b->apart)
                    good = good && where[i] != where[k];
            }
        for (uint32_t i = 0; i < graph.link_count; i++) {
            uint32_t x = where[graph.links[i].from];
            uint32_t y = where[graph.links[i].to];
            if (x != y && (x + 1 + y + 1) * 500 > graph.links[i].delay_us_max)
                good = false;
        }
        if (good && bills < least)
            least = bills;
    }
    return least;
}

static void it_is_the_least_of_all_layouts(void **state)
{
    struct sample *s = *state;
    uint32_t none = 0;
    struct dice dice;
    dice_init(&dice, 16);
    for (uint32_t round = 0; round < 150; round++) {
        uint32_t room[PROVIDERS];
        uint32_t parts = (uint32_t)dice_between(&dice, 2, 5);
        uint64_t sum = 0;
        uint64_t least;
        for (unsigned k = 1; k <= PROVIDERS; k++) {
            struct offer o = sample_offer(k, NOW + round);
            room[k - 1] = (uint32_t)dice_between(&dice, 0, 3);
            o.price = sample_price(k * UINT64_C(60000000), 0, 0);
            o.free.cpu_milli = room[k - 1] * 1000;
            sample_put(s, &o, NOW);
            assert_int_equal(
                book_rtt_set(s->book, &o.provider, k * UINT64_C(1000), NOW),
                OK);
        }
        begin(parts);
        for (uint32_t i = 0; i < parts; i++) {
            graph.parts[i].together = (uint8_t)dice_below(&dice, 4) % 3;
            graph.parts[i].apart = (uint8_t)dice_below(&dice, 3) % 2;
        }
        for (uint8_t i = 1; i < parts; i++) {
            struct graph_link *link = sample_link(&graph, (uint8_t)(i - 1), i);
            link->order = false; /* all at the same time */
            link->delay_us_max = 500 * (uint32_t)dice_between(&dice, 3, 8);
        }
        least = least_by_all(room, parts);
        if (least == UINT64_MAX) {
            none++;
            assert_int_equal(make(s), ERR_NO_OFFER);
            continue;
        }
        assert_int_equal(make(s), OK);
        assert_true(plan.exact);
        for (uint32_t i = 0; i < parts; i++)
            sum += at(i);
        assert_int_equal(sum, least);
    }
    assert_in_range(none, 10, 140);
}

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(alone_each_goes_to_the_cheapest),
        T(nothing_is_promised_twice_at_the_same_time),
        T(what_comes_later_finds_the_room_free_again),
        T(apart_means_a_provider_each),
        T(together_means_the_same_one),
        T(policies_decide_what_is_best),
        T(a_bound_on_the_delay_is_kept),
        T(what_is_not_measured_holds_no_bound),
        T(a_measured_road_is_taken),
        T(ways_share_what_a_road_carries),
        T(what_runs_stays_where_it_is),
        T(the_avoided_and_the_too_dear_are_left_out),
        T(each_parts_own_wishes_hold),
        T(time_is_that_of_the_longest_way),
        T(it_is_the_least_of_all_layouts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
