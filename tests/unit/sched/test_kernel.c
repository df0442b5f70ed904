#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sched/grade.h"
#include "sched/meter/kernel.h"

static void every_kernel_has_its_own_name_and_reference(void **state)
{
    (void)state;
    for (unsigned i = 0; i < METER_KERNEL_COUNT; i++) {
        const struct meter_row *row = meter_row((enum meter_kernel)i);
        enum meter_kernel found = METER_KERNEL_COUNT;
        assert_int_equal(meter_kernel_parse(row->name, &found), OK);
        assert_int_equal(found, i);
        assert_true(row->weight > 0 && row->reference[METER_ONE] > 0);
        assert_int_equal(row->reference[METER_ALL] > 0,
                         meter_scales((enum meter_kernel)i));
    }
}

static void every_class_has_a_name_and_a_kernel(void **state)
{
    (void)state;
    for (unsigned c = 0; c < METER_CLASS_COUNT; c++) {
        enum meter_class found = METER_CLASS_COUNT;
        bool any = false;
        const char *name = meter_class_name((enum meter_class)c);
        assert_int_equal(meter_class_parse(name, &found), OK);
        assert_int_equal(found, c);
        for (unsigned i = 0; i < METER_KERNEL_COUNT; i++)
            any = any || meter_row((enum meter_kernel)i)->class == found;
        assert_true(any);
    }
}

static void other_names_are_refused(void **state)
{
    enum meter_class class = METER_MEMORY;
    enum meter_kernel kernel = METER_CHASE;
    (void)state;
    assert_int_equal(meter_class_parse("fast", &class), ERR_PARSE);
    assert_int_equal(meter_kernel_parse("", &kernel), ERR_PARSE);
    assert_int_equal(class, METER_MEMORY);
    assert_int_equal(kernel, METER_CHASE);
}

static void every_figure_of_a_grade_is_its_own(void **state)
{
    struct grade grade;
    uint64_t rate = 1000;
    (void)state;
    memset(&grade, 0, sizeof(grade));
    for (unsigned k = 0; k < METER_KERNEL_COUNT; k++) {
        for (unsigned w = 0; w < 2; w++)
            grade_rate_set(&grade, (enum meter_kernel)k, (enum meter_width)w,
                           ++rate);
    }
    rate = 1000;
    for (unsigned k = 0; k < METER_KERNEL_COUNT; k++) {
        bool scales = meter_scales((enum meter_kernel)k);
        for (unsigned w = 0; w < 2; w++) {
            rate++;
            assert_int_equal(
                grade_rate(&grade, (enum meter_kernel)k, (enum meter_width)w),
                !scales && w == 0 ? rate + 1 : rate);
        }
    }
}

static void an_audit_takes_away_and_never_adds(void **state)
{
    struct grade grade = {.int_ops = 100, .float_ops = 100, .mem_bps = 100};
    struct grade audited = {.int_ops = 60, .float_ops = 300};
    (void)state;
    grade_bound(&grade, &audited);
    assert_int_equal(grade.int_ops, 60);
    assert_int_equal(grade.float_ops, 100);
    assert_int_equal(grade.mem_bps, 100); /* it did not look */
}

static void what_is_only_declared_has_no_speed(void **state)
{
    struct grade grade = {.int_ops = 1, .float_ops = 1, .mem_bps = 1};
    uint32_t step = 9;
    (void)state;
    assert_true(grade_step(&grade, &step));
    grade.source = METRIC_NOMINAL;
    step = 9;
    assert_false(grade_step(&grade, &step));
    assert_int_equal(step, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_has_its_own_name_and_reference),
        cmocka_unit_test(every_class_has_a_name_and_a_kernel),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(every_figure_of_a_grade_is_its_own),
        cmocka_unit_test(an_audit_takes_away_and_never_adds),
        cmocka_unit_test(what_is_only_declared_has_no_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
