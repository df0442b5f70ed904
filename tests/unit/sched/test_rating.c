#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/dice.h"
#include "sched/meter/rating.h"

/* The reference machine, `times` over. */
static struct grade machine(uint64_t times)
{
    struct grade grade;
    memset(&grade, 0, sizeof(grade));
    grade.source = METRIC_MEASURED;
    for (unsigned k = 0; k < METER_KERNEL_COUNT; k++) {
        for (unsigned w = 0; w <= METER_ALL; w++) {
            uint64_t rate =
                meter_row((enum meter_kernel)k)
                    ->reference[meter_scales((enum meter_kernel)k) ? w : 0];
            grade_rate_set(&grade, (enum meter_kernel)k, (enum meter_width)w,
                           rate * times);
        }
    }
    return grade;
}

static void the_reference_machine_is_one_in_everything(void **state)
{
    struct grade grade = machine(1);
    struct rating rating;
    (void)state;
    for (unsigned w = 0; w <= METER_ALL; w++) {
        rating_of(&grade, (enum meter_width)w, &rating);
        for (unsigned k = 0; k < METER_KERNEL_COUNT; k++)
            assert_int_equal(rating.kernel[k].log2_q16, 0);
        for (unsigned c = 0; c < METER_CLASS_COUNT; c++)
            assert_true(rating.class[c].known && rating.class[c].log2_q16 == 0);
        assert_true(rating.compute.known && rating.whole.known);
        assert_int_equal(rating_permille(rating.whole.log2_q16), 1000);
    }
}

static void composites_are_geometric_means(void **state)
{
    struct grade grade = machine(1);
    struct rating rating;
    (void)state;
    grade.int_ops *= 16; /* logic: sqrt(16 * 1) = 4 */
    rating_of(&grade, METER_ONE, &rating);
    assert_int_equal(rating.class[METER_LOGIC].log2_q16, 2 * 65536);
    /* compute: 4^(1/3), whole: 4^(1/9) */
    assert_int_equal(rating.compute.log2_q16, 2 * 65536 / 3);
    assert_int_equal(rating.whole.log2_q16, 2 * 65536 / 9);
    rating_of(&grade, METER_ALL, &rating); /* the other width does not see it */
    assert_int_equal(rating.class[METER_LOGIC].log2_q16, 0);
}

static void what_is_not_known_leaves_its_composites_unknown(void **state)
{
    struct grade grade = machine(2);
    struct rating rating;
    uint32_t step = 77;
    (void)state;
    grade.net_bps = 0;
    rating_of(&grade, METER_ONE, &rating);
    assert_true(rating.compute.known);
    assert_false(rating.class[METER_NETWORK].known);
    assert_false(rating.whole.known);
    grade.fp32_ops = 0;
    rating_of(&grade, METER_ONE, &rating);
    assert_false(rating.class[METER_PARALLEL].known);
    assert_false(rating.compute.known);
    assert_true(rating.class[METER_LOGIC].known);
    assert_false(rating_step(&grade, METER_PARALLEL, &step));
    assert_int_equal(step, 77);
}

static void steps_grow_with_the_class_and_count_nothing_declared(void **state)
{
    struct grade grade = machine(1);
    uint32_t slow;
    uint32_t fast;
    (void)state;
    assert_true(rating_step(&grade, METER_NEURAL, &slow));
    grade.int8_ops *= 2;
    assert_true(rating_step(&grade, METER_NEURAL, &fast));
    assert_int_equal(fast - slow, 16);
    grade.int8_ops = 1;
    assert_true(rating_step(&grade, METER_NEURAL, &fast));
    assert_true(fast < slow);
    grade.source = METRIC_NOMINAL;
    assert_false(rating_step(&grade, METER_NEURAL, &fast));
}

static void the_order_does_not_depend_on_the_reference(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 9);
    for (int i = 0; i < 500; i++) {
        struct grade a = machine(1);
        struct grade b = machine(1);
        struct rating ra;
        struct rating rb;
        double exact;
        a.int_ops = 1 + dice_below(&dice, 1u << 30);
        a.sha256_bps = 1 + dice_below(&dice, 1u << 30);
        b.int_ops = 1 + dice_below(&dice, 1u << 30);
        b.sha256_bps = 1 + dice_below(&dice, 1u << 30);
        rating_of(&a, METER_ONE, &ra);
        rating_of(&b, METER_ONE, &rb);
        exact = log2((double)a.int_ops) + log2((double)a.sha256_bps) -
                log2((double)b.int_ops) - log2((double)b.sha256_bps);
        if (fabs(exact) > 1e-3)
            assert_int_equal(ra.class[METER_LOGIC].log2_q16 >
                                 rb.class[METER_LOGIC].log2_q16,
                             exact > 0);
    }
}

static void thousandths_are_the_power_of_two(void **state)
{
    (void)state;
    assert_int_equal(rating_permille(65536), 2000);
    assert_int_equal(rating_permille(-65536), 500);
    assert_int_equal(rating_permille(-20 * 65536), 0);
    assert_int_equal(rating_permille(60 * 65536), UINT64_MAX);
    for (int32_t q = -8 * 65536; q < 24 * 65536; q += 777) {
        double exact = exp2(q / 65536.0) * 1000;
        double got = (double)rating_permille(q);
        assert_true(got <= exact + exact * 2e-8 &&
                    exact - got < 1 + exact * 2e-8);
    }
}

static void scores_are_a_byte_from_nought_to_ten(void **state)
{
    (void)state;
    assert_int_equal(rating_score(INT32_MIN), 0);
    assert_int_equal(rating_score(-4 * 65536), 0);
    assert_int_equal(rating_score(-3 * 65536 - 1), 0);
    assert_int_equal(rating_score(-3 * 65536), 1);
    assert_int_equal(rating_score(0), 4);
    assert_int_equal(rating_score(6 * 65536 - 1), 9);
    assert_int_equal(rating_score(6 * 65536), 10);
    assert_int_equal(rating_score(INT32_MAX), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_machine_is_one_in_everything),
        cmocka_unit_test(composites_are_geometric_means),
        cmocka_unit_test(what_is_not_known_leaves_its_composites_unknown),
        cmocka_unit_test(steps_grow_with_the_class_and_count_nothing_declared),
        cmocka_unit_test(the_order_does_not_depend_on_the_reference),
        cmocka_unit_test(thousandths_are_the_power_of_two),
        cmocka_unit_test(scores_are_a_byte_from_nought_to_ten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
