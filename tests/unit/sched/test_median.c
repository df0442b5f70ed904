#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/dice.h"
#include "sched/meter/median.h"

static struct median of(const uint64_t *runs, uint32_t count)
{
    struct median median;
    median_of(runs, count, &median);
    return median;
}

static void the_median_and_its_deviation_are_those_of_the_book(void **state)
{
    const uint64_t runs[] = {1, 1, 2, 2, 4, 6, 9}; /* |x - 2|: 1 1 0 0 2 4 7 */
    struct median median = of(runs, 7);
    (void)state;
    assert_int_equal(median.median, 2);
    assert_int_equal(median.mad, 1);
    assert_int_equal(median.mad_permille, 500);
    assert_false(median_ok(&median));
}

static void a_few_disturbed_runs_change_nothing(void **state)
{
    const uint64_t runs[] = {1000, 3, 1001, 999, 1000, 1002, 4000000};
    struct median median = of(runs, 7);
    (void)state;
    assert_int_equal(median.median, 1000);
    assert_int_equal(median.mad, 1);
    assert_int_equal(median.mad_permille, 1);
    assert_true(median_ok(&median));
}

static void five_per_cent_pass_and_a_hair_more_does_not(void **state)
{
    const uint64_t just[] = {950, 950, 1000, 1050, 1050};
    const uint64_t more[] = {9499, 9499, 10000, 10501, 10501};
    struct median median = of(just, 5);
    (void)state;
    assert_int_equal(median.mad_permille, 50);
    assert_true(median_ok(&median));
    median = of(more, 5);
    assert_int_equal(median.mad_permille, 51);
    assert_false(median_ok(&median));
}

static void nothing_measured_is_not_a_figure(void **state)
{
    const uint64_t none[] = {0, 0, 0};
    const uint64_t most[] = {0, 0, 7};
    const uint64_t large[] = {1, UINT64_MAX, UINT64_MAX};
    struct median median = of(none, 3);
    (void)state;
    assert_false(median_ok(&median));
    median = of(most, 3);
    assert_false(median_ok(&median));
    median = of(large, 3);
    assert_int_equal(median.median, UINT64_MAX);
    assert_int_equal(median.mad, 0);
}

static void the_order_of_runs_does_not_matter_and_they_stay(void **state)
{
    uint64_t runs[15];
    struct dice dice;
    (void)state;
    dice_init(&dice, 5);
    for (int k = 0; k < 200; k++) {
        uint64_t copy[15];
        struct median a;
        struct median b;
        for (int i = 0; i < 15; i++)
            copy[14 - i] = runs[i] = dice_below(&dice, 1000);
        a = of(runs, 15);
        b = of(copy, 15);
        assert_int_equal(a.median, b.median);
        assert_int_equal(a.mad, b.mad);
        for (int i = 0; i < 15; i++)
            assert_int_equal(runs[i], copy[14 - i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_median_and_its_deviation_are_those_of_the_book),
        cmocka_unit_test(a_few_disturbed_runs_change_nothing),
        cmocka_unit_test(five_per_cent_pass_and_a_hair_more_does_not),
        cmocka_unit_test(nothing_measured_is_not_a_figure),
        cmocka_unit_test(the_order_of_runs_does_not_matter_and_they_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
