#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/policy.h"
#include "tests/unit/sched/sample.h"

/* <0 when a is ranked before b. */
static int order(enum policy policy, const struct candidate *a,
                 const struct candidate *b)
{
    struct demand d = sample_demand();
    struct rank ra;
    struct rank rb;
    d.policy = policy;
    policy_rank(&d, a, 0, &ra);
    policy_rank(&d, b, 1, &rb);
    assert_int_equal(rank_compare(&ra, &rb), -rank_compare(&rb, &ra));
    return rank_compare(&ra, &rb);
}

static void cheapest_goes_by_the_price_of_an_hour(void **state)
{
    struct candidate a = sample_candidate();
    struct candidate b = sample_candidate();
    (void)state;
    b.provider.b[0] = 8;
    b.hour = amount_micro(999);
    b.rtt_us = 0; /* what the policy does not ask about does not matter */
    b.grade = (struct grade){0};
    assert_true(order(POLICY_CHEAPEST, &b, &a) < 0);
}

static void nearest_goes_by_distance_and_then_price(void **state)
{
    struct candidate a = sample_candidate();
    struct candidate b = sample_candidate();
    (void)state;
    b.provider.b[0] = 8;
    b.rtt_us = 250;
    b.hour = amount_micro(9999);
    assert_true(order(POLICY_NEAREST, &b, &a) < 0);
    b.rtt_us = a.rtt_us + 3; /* the same step: no farther */
    assert_true(order(POLICY_NEAREST, &a, &b) < 0);
    b.hour = amount_micro(999);
    assert_true(order(POLICY_NEAREST, &b, &a) < 0);
}

static void fastest_goes_by_measured_speed_and_then_price(void **state)
{
    struct candidate a = sample_candidate();
    struct candidate b = sample_candidate();
    (void)state;
    b.provider.b[0] = 8;
    b.grade.int_ops *= 2;
    b.hour = amount_micro(9999);
    assert_true(order(POLICY_FASTEST, &b, &a) < 0);
    b.grade.int_ops = a.grade.int_ops;
    assert_true(order(POLICY_FASTEST, &a, &b) < 0);
}

static void unknown_is_never_better_than_the_worst_known(void **state)
{
    struct candidate far = sample_candidate();
    struct candidate unknown = sample_candidate();
    (void)state;
    unknown.provider.b[0] = 8;
    unknown.rtt_us = 0;
    unknown.hour = amount_micro(0);
    unknown.grade.mem_bps = 0;
    unknown.grade.int_ops = UINT64_MAX;
    far.rtt_us = UINT64_MAX;
    far.hour = amount_micro(UINT64_MAX);
    far.grade = (struct grade){.int_ops = 1, .float_ops = 1, .mem_bps = 1};
    assert_true(order(POLICY_NEAREST, &far, &unknown) < 0);
    assert_true(order(POLICY_FASTEST, &far, &unknown) < 0);
    unknown.rtt_us = 1; /* near, but measured too long ago */
    unknown.rtt_age_ms = CANDIDATE_RTT_AGE_MAX_MS + 1;
    assert_true(order(POLICY_NEAREST, &far, &unknown) < 0);
}

static void among_the_unknown_the_price_decides(void **state)
{
    struct candidate a = sample_candidate();
    struct candidate b = sample_candidate();
    (void)state;
    b.provider.b[0] = 8;
    a.rtt_us = 0;
    b.rtt_us = 0;
    b.hour = amount_micro(999);
    assert_true(order(POLICY_NEAREST, &b, &a) < 0);
}

static void equals_share_the_requests(void **state)
{
    enum { SELLERS = 5, REQUESTS = 5000 };
    uint32_t wins[SELLERS] = {0};
    struct demand d = sample_demand();
    (void)state;
    for (uint32_t i = 0; i < REQUESTS; i++) {
        struct rank ranks[SELLERS];
        memcpy(d.salt, &i, sizeof(i));
        for (uint32_t k = 0; k < SELLERS; k++) {
            struct candidate c = sample_candidate();
            c.provider.b[0] = (uint8_t)k;
            policy_rank(&d, &c, k, &ranks[k]);
        }
        policy_sort(ranks, SELLERS);
        wins[ranks[0].index]++;
    }
    for (uint32_t k = 0; k < SELLERS; k++) /* 1000 +- 5 standard deviations */
        assert_in_range(wins[k], 859, 1141);
}

static void the_order_does_not_depend_on_where_one_starts(void **state)
{
    enum { COUNT = 200 };
    uint64_t seed = 5;
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct rank ranks[COUNT];
        struct rank turned[COUNT];
        struct demand d;
        sample_random_demand(&seed, &d);
        for (uint32_t i = 0; i < COUNT; i++) {
            struct candidate c;
            sample_random_candidate(&seed, &c);
            policy_rank(&d, &c, i, &ranks[i]);
            turned[COUNT - 1 - i] = ranks[i];
        }
        policy_sort(ranks, COUNT);
        policy_sort(turned, COUNT);
        for (uint32_t i = 0; i < COUNT; i++) {
            assert_int_equal(rank_compare(&ranks[i], &turned[i]), 0);
            if (i > 0)
                assert_true(rank_compare(&ranks[i - 1], &ranks[i]) <= 0);
        }
    }
}

/* A walk in the order of the figure stops by the floor: no candidate whose
 * figure is as good as the one seen or worse may rank before it. */
static void no_candidate_ranks_before_its_floor(void **state)
{
    uint64_t seed = 3;
    (void)state;
    for (int i = 0; i < 50000; i++) {
        struct demand d;
        struct candidate c;
        struct rank rank;
        struct rank floor;
        uint32_t step = 0;
        sample_random_demand(&seed, &d);
        sample_random_candidate(&seed, &c);
        policy_rank(&d, &c, 0, &rank);
        uint64_t slack = sample_below(&seed, 3);
        if (d.policy == POLICY_CHEAPEST && c.hour.micro >= slack) {
            policy_floor(d.policy, FIGURE_KNOWN, c.hour.micro - slack, &floor);
        } else if (d.policy == POLICY_NEAREST && c.rtt_us >= slack) {
            policy_floor(d.policy, FIGURE_KNOWN, c.rtt_us - slack, &floor);
        } else if (d.policy == POLICY_FASTEST && grade_step(&c.grade, &step)) {
            policy_floor(d.policy, FIGURE_KNOWN, step + slack, &floor);
        } else {
            continue;
        }
        assert_true(rank_compare(&floor, &rank) <= 0);
        policy_floor(d.policy, FIGURE_UNKNOWN, 0, &floor);
        assert_int_equal(rank_compare(&floor, &rank) <= 0, rank.key[0] == 1);
    }
}

static void distance_steps_never_fall(void **state)
{
    (void)state;
    for (uint64_t us = 0; us < 200000; us++)
        assert_true(policy_rtt_step(us) <= policy_rtt_step(us + 1));
    for (unsigned top = 4; top < 63; top++) {
        uint64_t us = UINT64_C(1) << top;
        assert_true(policy_rtt_step(us - 1) < policy_rtt_step(us));
        assert_int_equal(policy_rtt_step(us * 2), policy_rtt_step(us) + 8);
    }
}

static void policies_read_as_they_print(void **state)
{
    enum policy out = POLICY_CHEAPEST;
    (void)state;
    for (int i = POLICY_CHEAPEST; i <= POLICY_FASTEST; i++) {
        assert_true(policy_known((enum policy)i));
        assert_int_equal(policy_parse(policy_text((enum policy)i), &out), OK);
        assert_int_equal(out, i);
        assert_true(strlen(policy_help((enum policy)i)) > 10);
    }
    assert_int_equal(policy_parse("best", &out), ERR_PARSE);
    assert_int_equal(out, POLICY_FASTEST);
    assert_false(policy_known((enum policy)0));
    assert_string_equal(policy_text((enum policy)0), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cheapest_goes_by_the_price_of_an_hour),
        cmocka_unit_test(nearest_goes_by_distance_and_then_price),
        cmocka_unit_test(fastest_goes_by_measured_speed_and_then_price),
        cmocka_unit_test(unknown_is_never_better_than_the_worst_known),
        cmocka_unit_test(among_the_unknown_the_price_decides),
        cmocka_unit_test(equals_share_the_requests),
        cmocka_unit_test(the_order_does_not_depend_on_where_one_starts),
        cmocka_unit_test(no_candidate_ranks_before_its_floor),
        cmocka_unit_test(distance_steps_never_fall),
        cmocka_unit_test(policies_read_as_they_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
