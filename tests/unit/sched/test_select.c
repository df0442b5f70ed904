#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sched/cfn_sample.h"

static struct service_table table;
static struct select_rules rules;
static struct dice dice;

static int begin(void **state)
{
    (void)state;
    sample_table(&table);
    select_rules_init(&rules, sample_key);
    dice_init(&dice, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    service_table_done(&table);
    return 0;
}

static void tell(uint32_t n, uint64_t seq, struct metrics metrics,
                 uint32_t rtt_us)
{
    struct service_update u = sample_update(n, seq);
    u.metrics = metrics;
    assert_int_equal(service_hear(&table, &u, 0), OK);
    if (rtt_us > 0)
        assert_int_equal(
            service_set_rtt(&table, &u.egress, rtt_us, UINT64_MAX, 0), OK);
}

static uint32_t chosen(uint64_t flow)
{
    struct select_choice c;
    assert_int_equal(
        select_instance(&table, &sample_service, &rules, flow, 0, &dice, &c),
        OK);
    assert_ptr_equal(service_get(&table, c.ref, 0), c.instance);
    return sample_number(c.instance);
}

static struct select_cost cost_of(uint32_t n)
{
    struct select_cost c = {0};
    assert_int_equal(
        select_judge(&table, sample_instance(&table, n), &rules, 0, &c),
        SELECT_FITS);
    return c;
}

static void the_cost_is_way_and_service_and_wait(void **state)
{
    struct metrics m = sample_metrics(1000, 750, 3);
    struct select_cost c;
    (void)state;
    tell(1, 1, m, 401);
    c = cost_of(1);
    assert_int_equal(c.path_us, 201);
    assert_int_equal(c.service_us, 1000);
    assert_int_equal(c.wait_us, 3000);
    assert_int_equal(c.key, 4201);
    m.of[METRIC_SLOTS].value = 2;
    tell(1, 2, m, 401);
    assert_int_equal(cost_of(1).wait_us, 1500);
    /* With a load only: service time / (1 - load). */
    m.of[METRIC_QUEUE] = (struct metric){0};
    tell(1, 3, m, 401);
    assert_int_equal(cost_of(1).key, 201 + 4000);
}

static void flows_begun_since_count_for_all_ingresses(void **state)
{
    struct service_ref ref;
    (void)state;
    rules.peers = 4;
    tell(1, 1, sample_metrics(1000, 0, 2), 400);
    ref = service_ref(&table, sample_instance(&table, 1));
    service_begin(&table, ref);
    assert_int_equal(cost_of(1).wait_us, 6000);
    /* Told anew, it is among those that were told. */
    tell(1, 2, sample_metrics(1000, 0, 5), 400);
    assert_int_equal(cost_of(1).wait_us, 5000);
    service_end(&table, ref);
    assert_int_equal(cost_of(1).wait_us, 1000);
    /* No fewer than ours. */
    service_begin(&table, ref);
    service_begin(&table, ref);
    tell(1, 3, sample_metrics(1000, 0, 0), 400);
    assert_int_equal(cost_of(1).wait_us, 2000);
}

static void the_choice_is_the_least_of_all(void **state)
{
    (void)state;
    for (uint32_t run = 0; run < 500; run++) {
        uint32_t count = 1 + (uint32_t)dice_below(&dice, SELECT_EXACT_MAX);
        uint64_t least = UINT64_MAX;
        uint32_t got;
        service_table_done(&table);
        sample_table(&table);
        for (uint32_t n = 0; n < count; n++)
            tell(n, 1,
                 sample_metrics(1 + (uint32_t)dice_below(&dice, 5000),
                                (uint32_t)dice_below(&dice, 1001),
                                (uint32_t)dice_below(&dice, 9)),
                 1 + (uint32_t)dice_below(&dice, 9000));
        for (uint32_t n = 0; n < count; n++)
            least = cost_of(n).key < least ? cost_of(n).key : least;
        got = chosen(run);
        assert_int_equal(cost_of(got).key, least);
    }
}

static void what_is_not_known_comes_last(void **state)
{
    struct metrics nothing = {0};
    struct metrics scored = {0};
    (void)state;
    scored.of[METRIC_SCORE] = (struct metric){10, METRIC_NORMALIZATION};
    tell(0, 1, nothing, 1);
    assert_int_equal(chosen(1), 0); /* better than nobody */
    tell(1, 1, sample_metrics(1, 0, 0), 0);
    tell(2, 1, scored, 1);
    assert_int_equal(cost_of(1).tier, 2); /* the way is not known */
    assert_int_equal(chosen(1), 2);
    scored.of[METRIC_SCORE].value = 9;
    tell(3, 1, scored, 1);
    assert_int_equal(chosen(1), 2);
    tell(4, 1, sample_metrics(900000, 990, 900), 900000);
    assert_int_equal(chosen(1), 4); /* dreadful, and known */
}

static void instances_of_one_score_share_the_flows(void **state)
{
    struct metrics scored = {0};
    uint32_t got[3] = {0};
    (void)state;
    scored.of[METRIC_SCORE] = (struct metric){7, METRIC_NORMALIZATION};
    for (uint32_t n = 0; n < 3; n++)
        tell(n, 1, scored, 100 * (n + 1));
    for (uint32_t flow = 0; flow < 300; flow++) {
        uint32_t n = chosen(flow);
        got[n]++;
        service_begin(&table, service_ref(&table, sample_instance(&table, n)));
    }
    for (uint32_t n = 0; n < 3; n++)
        assert_int_equal(got[n], 100);
}

static void declared_times_count_double(void **state)
{
    struct metrics m = sample_metrics(1000, 0, 1);
    (void)state;
    m.of[METRIC_SERVICE].source = METRIC_NOMINAL;
    tell(1, 1, m, 400);
    assert_int_equal(cost_of(1).service_us, 2000);
    assert_int_equal(cost_of(1).wait_us, 2000);
}

static void a_bound_refuses_what_is_slow_or_not_known(void **state)
{
    struct metrics nothing = {0};
    struct select_choice c;
    struct select_cost cost;
    (void)state;
    rules.delay_us = 2200;
    tell(1, 1, sample_metrics(1000, 0, 1), 401);
    tell(2, 1, nothing, 400);
    assert_int_equal(
        select_judge(&table, sample_instance(&table, 1), &rules, 0, &cost),
        SELECT_SLOW);
    assert_int_equal(cost.key, 2201);
    assert_int_equal(
        select_judge(&table, sample_instance(&table, 2), &rules, 0, &cost),
        SELECT_NOT_KNOWN);
    assert_int_equal(
        select_instance(&table, &sample_service, &rules, 1, 0, &dice, &c),
        ERR_CAPACITY);
    rules.delay_us = 2201;
    assert_int_equal(chosen(1), 1);
}

static void who_is_gone_is_not_chosen(void **state)
{
    struct service_update u = sample_update(0, 2);
    struct service_id other = {{1}};
    struct select_choice c;
    (void)state;
    sample_fill(&table, 2, 0);
    u.withdrawn = true;
    assert_int_equal(service_hear(&table, &u, 0), OK);
    for (uint64_t flow = 0; flow < 50; flow++)
        assert_int_equal(chosen(flow), 1);
    assert_int_equal(
        select_instance(&table, &sample_service, &rules, 1, 60000, &dice, &c),
        ERR_CAPACITY);
    assert_int_equal(select_instance(&table, &other, &rules, 1, 0, &dice, &c),
                     ERR_NOT_FOUND);
}

static void equals_share_the_flows(void **state)
{
    uint32_t got[4] = {0};
    (void)state;
    sample_fill(&table, 4, 0);
    for (uint64_t flow = 0; flow < 4000; flow++) {
        uint32_t n = chosen(flow);
        assert_int_equal(chosen(flow), n);
        got[n]++;
    }
    for (uint32_t n = 0; n < 4; n++)
        assert_in_range(got[n], 850, 1150);
}

static void ingresses_settle_equals_differently(void **state)
{
    uint32_t alike = 0;
    (void)state;
    sample_fill(&table, 4, 0);
    for (uint64_t flow = 0; flow < 4000; flow++) {
        uint32_t n = chosen(flow);
        rules.key[0] ^= 0xff;
        alike += chosen(flow) == n;
        rules.key[0] ^= 0xff;
    }
    assert_in_range(alike, 850, 1150);
}

static void of_many_four_are_looked_at(void **state)
{
    uint32_t got[40] = {0};
    struct select_choice c;
    (void)state;
    sample_fill(&table, 40, 0);
    for (uint64_t flow = 0; flow < 8000; flow++) {
        assert_int_equal(select_instance(&table, &sample_service, &rules, flow,
                                         0, &dice, &c),
                         OK);
        assert_int_equal(c.looked_at, SELECT_CHOICES);
        got[sample_number(c.instance)]++;
    }
    for (uint32_t n = 0; n < 40; n++)
        assert_in_range(got[n], 130, 270);
}

/* Four ingresses, each of which was told that 0 is idle and 1 is not: the flows
 * before ours fill it. */
static void others_are_thought_to_choose_too(void **state)
{
    uint32_t got[2] = {0};
    (void)state;
    tell(0, 1, sample_metrics(1000, 0, 0), 400);
    tell(1, 1, sample_metrics(1000, 0, 2), 400);
    for (uint64_t flow = 0; flow < 100; flow++)
        assert_int_equal(chosen(flow), 0);
    rules.peers = 4;
    for (uint64_t flow = 0; flow < 4000; flow++)
        got[chosen(flow)]++;
    /* Behind 0 to 7 others: 0, 0, either, 1, either, 1, either, 1. */
    assert_in_range(got[0], 1600, 1900);
    assert_int_equal(got[0] + got[1], 4000);
}

static void the_only_one_is_found_among_many(void **state)
{
    (void)state;
    sample_fill(&table, 100, 0);
    for (uint32_t n = 0; n < 100; n++) {
        struct service_update u = sample_update(n, 2);
        u.withdrawn = true;
        if (n != 77)
            assert_int_equal(service_hear(&table, &u, 0), OK);
    }
    for (uint64_t flow = 0; flow < 100; flow++)
        assert_int_equal(chosen(flow), 77);
}

static void the_largest_figures_do_not_overflow(void **state)
{
    struct metrics m = sample_metrics(3600000000u, 1000, 1000000);
    struct select_cost c;
    struct service_ref ref;
    uint64_t last;
    (void)state;
    rules.peers = SELECT_PEERS_MAX;
    rules.nominal_permille = 10000;
    m.of[METRIC_SERVICE].source = METRIC_NOMINAL;
    tell(1, 1, m, SERVICE_RTT_US_MAX);
    last = cost_of(1).key;
    ref = service_ref(&table, sample_instance(&table, 1));
    for (uint32_t i = 0; i < 100000; i++)
        service_begin(&table, ref);
    c = cost_of(1);
    assert_true(c.key > last && c.key < UINT64_C(1) << 63);
    m.of[METRIC_QUEUE] = (struct metric){0};
    tell(1, 2, m, SERVICE_RTT_US_MAX);
    c = cost_of(1);
    assert_true(c.key > last && c.key < UINT64_C(1) << 63);
}

static uint32_t met(uint64_t flow)
{
    struct select_choice c;
    assert_int_equal(
        select_rendezvous(&table, &sample_service, sample_key, flow, 0, &c),
        OK);
    return sample_number(c.instance);
}

static void only_flows_of_the_gone_move_their_rendezvous(void **state)
{
    uint32_t before[2000];
    uint32_t moved = 0;
    struct service_update u = sample_update(3, 2);
    (void)state;
    sample_fill(&table, 8, 0);
    for (uint32_t flow = 0; flow < 2000; flow++)
        before[flow] = met(flow);
    u.withdrawn = true;
    assert_int_equal(service_hear(&table, &u, 0), OK);
    for (uint32_t flow = 0; flow < 2000; flow++) {
        uint32_t after = met(flow);
        assert_true(after == before[flow] || before[flow] == 3);
        moved += after != before[flow];
    }
    assert_in_range(moved, 200, 300);
}

static void each_reason_has_words(void **state)
{
    (void)state;
    for (unsigned i = SELECT_FITS; i <= SELECT_SLOW; i++)
        assert_true(strlen(select_why_text((enum select_why)i)) > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_cost_is_way_and_service_and_wait),
        TEST(flows_begun_since_count_for_all_ingresses),
        TEST(the_choice_is_the_least_of_all),
        TEST(what_is_not_known_comes_last),
        TEST(instances_of_one_score_share_the_flows),
        TEST(declared_times_count_double),
        TEST(a_bound_refuses_what_is_slow_or_not_known),
        TEST(who_is_gone_is_not_chosen),
        TEST(equals_share_the_flows),
        TEST(ingresses_settle_equals_differently),
        TEST(of_many_four_are_looked_at),
        TEST(others_are_thought_to_choose_too),
        TEST(the_only_one_is_found_among_many),
        TEST(the_largest_figures_do_not_overflow),
        TEST(only_flows_of_the_gone_move_their_rendezvous),
        TEST(each_reason_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
