#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched/avail/replicas.h"
#include "tests/unit/sched/sample.h"

#define STEPS 1000000u

static struct replicas_candidate candidates[REPLICAS_CANDIDATES_MAX];
static struct replicas got;

static void equal_candidates_are_counted(void **state)
{
    (void)state;
    assert_int_equal(replicas_equal(0.1, 0.2), 1);
    assert_int_equal(replicas_equal(0.1, 0.1), 1);
    assert_int_equal(replicas_equal(0.1, 0.01), 2);
    assert_int_equal(replicas_equal(0.1, 0.0099), 3);
    assert_int_equal(replicas_equal(0.1, 1e-5), 5);
    assert_int_equal(replicas_equal(0.05, 1e-5), 4);
    assert_int_equal(replicas_equal(0, 0), 1);
    assert_int_equal(replicas_equal(1, 1), 1);
    assert_int_equal(replicas_equal(1, 0.5), 0);
    assert_int_equal(replicas_equal(0.5, 0), 0);
}

static void the_count_is_the_least_that_is_enough(void **state)
{
    uint64_t seed = 3;
    (void)state;
    for (unsigned run = 0; run < 5000; run++) {
        double down = (double)(1 + sample_below(&seed, 999)) / 1000;
        double bound = pow(10, -(double)sample_below(&seed, 9000) / 1000);
        uint32_t n = replicas_equal(down, bound);
        assert_true(n >= 1);
        assert_true(pow(down, n) <= bound * (1 + 1e-9));
        assert_true(n == 1 || pow(down, n - 1) > bound * (1 - 1e-9));
    }
}

static void the_fewest_are_the_best_ones(void **state)
{
    (void)state;
    candidates[0] = (struct replicas_candidate){0.1, {5}, 0};
    candidates[1] = (struct replicas_candidate){0.01, {50}, 0};
    candidates[2] = (struct replicas_candidate){0.02, {7}, 0};
    assert_int_equal(replicas_fewest(candidates, 3, 0.001, &got), OK);
    assert_int_equal(got.count, 2);
    assert_int_equal(got.picks[0], 1);
    assert_int_equal(got.picks[1], 2);
    assert_true(fabs(got.down - 0.0002) < 1e-15);
    assert_int_equal(got.price.micro, 57);
}

static void one_of_a_domain_is_taken(void **state)
{
    (void)state;
    candidates[0] = (struct replicas_candidate){0.1, {5}, 4};
    candidates[1] = (struct replicas_candidate){0.01, {50}, 4};
    candidates[2] = (struct replicas_candidate){0.02, {7}, 9};
    assert_int_equal(replicas_fewest(candidates, 3, 0.0002, &got), OK);
    assert_int_equal(got.count, 2);
    assert_int_equal(replicas_fewest(candidates, 3, 0.0001, &got),
                     ERR_CAPACITY);
    candidates[2].domain = 4;
    assert_int_equal(replicas_fewest(candidates, 3, 0.002, &got), ERR_CAPACITY);
    assert_int_equal(replicas_cheapest(candidates, 3, 0.002, STEPS, &got),
                     ERR_CAPACITY);
}

static void the_best_are_all_that_may_stand_together(void **state)
{
    (void)state;
    candidates[0] = (struct replicas_candidate){0.1, {5}, 4};
    candidates[1] = (struct replicas_candidate){0.2, {50}, 4};
    candidates[2] = (struct replicas_candidate){0.3, {7}, 9};
    assert_int_equal(replicas_best(candidates, 3, &got), OK);
    assert_int_equal(got.count, 2);
    assert_true(fabs(got.down - 0.03) < 1e-15);
    for (uint32_t i = 0; i < 40; i++)
        candidates[i] = (struct replicas_candidate){0.5, {1}, 0};
    assert_int_equal(replicas_best(candidates, 40, &got), OK);
    assert_int_equal(got.count, REPLICAS_MAX);
    assert_int_equal(replicas_best(candidates, 0, &got), ERR_RANGE);
}

/* ---- against every choice ---- */

struct truth {
    uint32_t count; /* fewest; 0: none reaches it */
    uint64_t price; /* lowest */
};

static bool allowed(uint32_t count, uint32_t set)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if ((set >> i & 1) != 0 && (set >> j & 1) != 0 &&
                candidates[i].domain != 0 &&
                candidates[i].domain == candidates[j].domain)
                return false;
        }
    }
    return true;
}

static struct truth try_all(uint32_t count, double down_max)
{
    struct truth truth = {0, UINT64_MAX};
    for (uint32_t set = 1; set < 1u << count; set++) {
        double down = 1;
        uint64_t price = 0;
        uint32_t members = 0;
        for (uint32_t i = 0; i < count; i++) {
            if ((set >> i & 1) == 0)
                continue;
            down *= candidates[i].down;
            price += candidates[i].price.micro;
            members++;
        }
        if (down > down_max * (1 + 1e-12) || !allowed(count, set))
            continue;
        truth.price = price < truth.price ? price : truth.price;
        truth.count =
            truth.count == 0 || members < truth.count ? members : truth.count;
    }
    return truth;
}

static uint32_t draw(uint64_t *seed)
{
    uint32_t count = 1 + (uint32_t)sample_below(seed, 10);
    for (uint32_t i = 0; i < count; i++) {
        candidates[i].down = (double)sample_below(seed, 11) / 20;
        if (candidates[i].down == 0 && sample_below(seed, 3) > 0)
            candidates[i].down = 1;
        candidates[i].price = amount_micro(sample_below(seed, 30));
        candidates[i].domain = (uint32_t)sample_below(seed, 6);
    }
    return count;
}

static void check_choice(double down_max, uint32_t count)
{
    uint32_t set = 0;
    double down = 1;
    uint64_t price = 0;
    for (uint32_t i = 0; i < got.count; i++) {
        assert_true(got.picks[i] < count);
        set |= 1u << got.picks[i];
        down *= candidates[got.picks[i]].down;
        price += candidates[got.picks[i]].price.micro;
    }
    assert_true(allowed(count, set));
    assert_int_equal(__builtin_popcount(set), got.count);
    assert_true(fabs(down - got.down) <= 1e-12 * down);
    assert_true(down <= down_max * (1 + 1e-9));
    assert_int_equal(price, got.price.micro);
}

static void choices_are_the_best_of_all(void **state)
{
    uint64_t seed = 4;
    unsigned reached = 0;
    (void)state;
    for (unsigned run = 0; run < 4000; run++) {
        uint32_t count = draw(&seed);
        double down_max = run % 50 == 0 ? (run % 100 == 0 ? 1 : 0)
                                        : pow(10, -(double)(run % 40) / 8);
        struct truth truth = try_all(count, down_max);
        enum err err = replicas_fewest(candidates, count, down_max, &got);
        assert_int_equal(err, truth.count == 0 ? ERR_CAPACITY : OK);
        if (err == OK) {
            check_choice(down_max, count);
            assert_int_equal(got.count, truth.count);
            reached++;
        }
        err = replicas_cheapest(candidates, count, down_max, STEPS, &got);
        assert_int_equal(err, truth.count == 0 ? ERR_CAPACITY : OK);
        if (err == OK) {
            check_choice(down_max, count);
            assert_int_equal(got.price.micro, truth.price);
            assert_int_equal(got.price_least.micro, truth.price);
        }
    }
    assert_true(reached > 1000 && reached < 3900);
}

static void a_search_cut_short_says_how_far_it_may_be_off(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (uint32_t i = 0; i < REPLICAS_CANDIDATES_MAX; i++)
        candidates[i] = (struct replicas_candidate){
            (double)(300 + sample_below(&seed, 400)) / 1000,
            {100000 + sample_below(&seed, 100000)},
            1 + i / 4};
    assert_int_equal(replicas_cheapest(candidates, REPLICAS_CANDIDATES_MAX,
                                       1e-4, 500000, &got),
                     OK);
    uint64_t price = got.price.micro;
    assert_true(got.price_least.micro <= price);
    assert_int_equal(
        replicas_cheapest(candidates, REPLICAS_CANDIDATES_MAX, 1e-4, 1, &got),
        OK);
    assert_true(got.price.micro >= price && got.price_least.micro < price);
    assert_true(got.down <= 1e-4);
}

static void what_is_no_chance_is_refused(void **state)
{
    static const double bad[] = {-0.1, 1.1, NAN};
    (void)state;
    candidates[0] = (struct replicas_candidate){0.1, {5}, 0};
    candidates[1] = (struct replicas_candidate){0.1, {5}, 0};
    got.count = 77;
    assert_int_equal(replicas_fewest(candidates, 0, 0.5, &got), ERR_RANGE);
    assert_int_equal(
        replicas_fewest(candidates, REPLICAS_CANDIDATES_MAX + 1, 0.5, &got),
        ERR_RANGE);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(replicas_fewest(candidates, 2, bad[i], &got),
                         ERR_RANGE);
        candidates[1].down = bad[i];
        assert_int_equal(replicas_fewest(candidates, 2, 0.5, &got), ERR_RANGE);
        candidates[1].down = 0.1;
    }
    candidates[1].price.micro = UINT64_MAX;
    assert_int_equal(replicas_cheapest(candidates, 2, 0.5, 10, &got),
                     ERR_RANGE);
    assert_int_equal(got.count, 77); /* outputs untouched */
}

/* ---- in somebody's order ---- */

static void the_first_that_can_be_one_of_them_is(void **state)
{
    (void)state;
    candidates[0] = (struct replicas_candidate){0.9, {1}, 0};
    candidates[1] = (struct replicas_candidate){0.1, {2}, 0};
    candidates[2] = (struct replicas_candidate){0.1, {3}, 0};
    candidates[3] = (struct replicas_candidate){0.01, {9}, 0};
    /* Two that reach 0.01: the first would want a third. */
    assert_int_equal(replicas_in_order(candidates, 4, 0.01, 2, &got), OK);
    assert_int_equal(got.count, 2);
    assert_int_equal(got.picks[0], 0);
    assert_int_equal(got.picks[1], 3);
    assert_int_equal(replicas_in_order(candidates, 4, 0.001, 2, &got), OK);
    assert_int_equal(got.picks[0], 1);
    assert_int_equal(got.picks[1], 3);
    assert_int_equal(got.price.micro, 11);
    assert_true(fabs(got.down - 0.001) < 1e-15);
    assert_int_equal(replicas_in_order(candidates, 4, 0.0009, 2, &got),
                     ERR_CAPACITY);
    assert_int_equal(replicas_in_order(candidates, 4, 0.5, 5, &got),
                     ERR_CAPACITY);
}

static void none_of_a_domain_stand_together_in_any_order(void **state)
{
    (void)state;
    candidates[0] = (struct replicas_candidate){0.1, {1}, 7};
    candidates[1] = (struct replicas_candidate){0.1, {2}, 7};
    candidates[2] = (struct replicas_candidate){0.1, {3}, 8};
    assert_int_equal(replicas_in_order(candidates, 3, 0.01, 2, &got), OK);
    assert_int_equal(got.picks[0], 0);
    assert_int_equal(got.picks[1], 2);
    assert_int_equal(replicas_in_order(candidates, 3, 0.01, 3, &got),
                     ERR_CAPACITY);
}

/* The same by trying all choices: the first in the order of their members. */
static bool first_choice(uint32_t count, uint32_t copies, double down_max,
                         uint32_t *out)
{
    bool found = false;
    for (uint32_t set = 1; set < 1u << count; set++) {
        double down = 1;
        uint32_t n = 0;
        uint32_t flipped = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (set >> i & 1) {
                down *= candidates[i].down;
                n++;
                flipped |= 1u << (count - 1 - i);
            }
        }
        if (n == copies && down <= down_max * (1 + 1e-9) &&
            (!found || flipped > *out)) {
            *out = flipped;
            found = true;
        }
    }
    return found;
}

static void the_order_is_that_of_all_choices(void **state)
{
    uint64_t seed = 11;
    (void)state;
    for (unsigned run = 0; run < 500; run++) {
        uint32_t count = 2 + (uint32_t)sample_below(&seed, 8);
        uint32_t copies = 1 + (uint32_t)sample_below(&seed, 4);
        double bound = pow(10, -(double)sample_below(&seed, 4000) / 1000);
        uint32_t wanted = 0;
        uint32_t set = 0;
        for (uint32_t i = 0; i < count; i++)
            candidates[i] = (struct replicas_candidate){
                (double)(1 + sample_below(&seed, 99)) / 100, {1}, 0};
        bool found = first_choice(count, copies, bound, &wanted);
        enum err err =
            replicas_in_order(candidates, count, bound, copies, &got);
        assert_int_equal(err, found ? OK : ERR_CAPACITY);
        for (uint32_t i = 0; err == OK && i < got.count; i++)
            set |= 1u << (count - 1 - got.picks[i]);
        assert_int_equal(set, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_candidates_are_counted),
        cmocka_unit_test(the_count_is_the_least_that_is_enough),
        cmocka_unit_test(the_fewest_are_the_best_ones),
        cmocka_unit_test(one_of_a_domain_is_taken),
        cmocka_unit_test(the_best_are_all_that_may_stand_together),
        cmocka_unit_test(choices_are_the_best_of_all),
        cmocka_unit_test(a_search_cut_short_says_how_far_it_may_be_off),
        cmocka_unit_test(what_is_no_chance_is_refused),
        cmocka_unit_test(the_first_that_can_be_one_of_them_is),
        cmocka_unit_test(none_of_a_domain_stand_together_in_any_order),
        cmocka_unit_test(the_order_is_that_of_all_choices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
