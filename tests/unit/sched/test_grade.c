#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched/grade.h"
#include "tests/unit/sched/sample.h"

static void powers_of_two_have_whole_logarithms(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(grade_log2_q16(UINT64_C(1) << i), i << 16);
}

/* log2(3) = 1.5849625..., log2(10) = 3.3219280...: by hand, in 1/65536. */
static void known_logarithms_are_met(void **state)
{
    (void)state;
    assert_int_equal(grade_log2_q16(3), 103872);
    assert_int_equal(grade_log2_q16(10), 217705);
    assert_int_equal(grade_log2_q16(UINT64_MAX), (64u << 16) - 1);
}

static void the_logarithm_never_falls(void **state)
{
    uint64_t seed = 11;
    (void)state;
    for (uint64_t v = 1; v < 5000; v++)
        assert_true(grade_log2_q16(v) <= grade_log2_q16(v + 1));
    for (int i = 0; i < 20000; i++) {
        uint64_t v = sample_random(&seed) >> sample_below(&seed, 60);
        uint64_t w = v + sample_below(&seed, 1000);
        if (v > 0 && w >= v)
            assert_true(grade_log2_q16(v) <= grade_log2_q16(w));
    }
}

static void speed_is_a_weighted_geometric_mean(void **state)
{
    struct grade g = {
        .int_ops = 1 << 10, .float_ops = 1 << 20, .mem_bps = 1 << 5};
    uint32_t speed = 0;
    (void)state;
    assert_true(grade_speed(&g, &speed)); /* (20 + 40 + 5) / 5 = 13 */
    assert_int_equal(speed, 13u << 16);
    g.disk_bps = 1u << 30;
    assert_true(grade_speed(&g, &speed));
    assert_int_equal(speed, 13u << 16);
}

static void the_order_does_not_depend_on_the_reference(void **state)
{
    struct grade a = {.int_ops = 3000, .float_ops = 900, .mem_bps = 70};
    struct grade b = {.int_ops = 2000, .float_ops = 2100, .mem_bps = 70};
    uint32_t speed_a = 0;
    uint32_t speed_b = 0;
    (void)state;
    assert_true(grade_speed(&a, &speed_a));
    assert_true(grade_speed(&b, &speed_b));
    assert_true(speed_a < speed_b);
    a.int_ops *= 1000; /* the unit of one kernel changes for both */
    b.int_ops *= 1000;
    assert_true(grade_speed(&a, &speed_a));
    assert_true(grade_speed(&b, &speed_b));
    assert_true(speed_a < speed_b);
}

static void what_was_not_measured_has_no_speed(void **state)
{
    const struct grade holes[] = {
        {.int_ops = 0, .float_ops = UINT64_MAX, .mem_bps = UINT64_MAX},
        {.int_ops = UINT64_MAX, .float_ops = 0, .mem_bps = UINT64_MAX},
        {.int_ops = UINT64_MAX, .float_ops = UINT64_MAX, .mem_bps = 0}};
    uint32_t out = 7;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_false(grade_speed(&holes[i], &out));
        assert_false(grade_step(&holes[i], &out));
    }
    assert_int_equal(out, 7);
}

static void within_a_step_machines_are_equally_fast(void **state)
{
    struct grade g = {
        .int_ops = 1u << 30, .float_ops = 1u << 30, .mem_bps = 1u << 30};
    uint32_t slow = 0;
    uint32_t near = 0;
    uint32_t fast = 0;
    (void)state;
    assert_true(grade_step(&g, &slow));
    g.int_ops += g.int_ops / 50; /* 2 % of one kernel */
    assert_true(grade_step(&g, &near));
    g.int_ops *= 2;
    assert_true(grade_step(&g, &fast));
    assert_int_equal(slow, near);
    assert_true(fast > near);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(powers_of_two_have_whole_logarithms),
        cmocka_unit_test(known_logarithms_are_met),
        cmocka_unit_test(the_logarithm_never_falls),
        cmocka_unit_test(speed_is_a_weighted_geometric_mean),
        cmocka_unit_test(the_order_does_not_depend_on_the_reference),
        cmocka_unit_test(what_was_not_measured_has_no_speed),
        cmocka_unit_test(within_a_step_machines_are_equally_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
