#include "sched/figure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sample.h"

static void a_load_is_the_fullest_dimension(void **state)
{
    struct candidate c = sample_candidate();
    const struct resources want = {
        .cpu_milli = 2000, .mem_mib = 1024, .disk_mib = 512};
    (void)state;
    c.free = c.total;
    assert_int_equal(figure_load(&c, NULL), 0);
    assert_true(figure_idle(&c));
    /* 2000 of 8000, 1024 of 4096, 512 of 10240 */
    assert_int_equal(figure_load(&c, &want), 250000);
    c.free.mem_mib = 1024;
    assert_false(figure_idle(&c));
    assert_int_equal(figure_load(&c, NULL), 750000);
    assert_int_equal(figure_load(&c, &want), 1000000);
    c.total.disk_mib = c.free.disk_mib = UINT64_C(1) << 60;
    assert_int_equal(figure_load(&c, NULL), 750000);
    c.total = (struct resources){0};
    assert_int_equal(figure_load(&c, &want), 0);
}

static void energy_is_known_from_both_labels_only(void **state)
{
    static const struct label told[] = {{"watts-idle", "60"},
                                        {"watts-full", "200"}};
    static const struct label silly[] = {{"watts-idle", "300"},
                                         {"watts-full", "200"}};
    static const struct label huge[] = {{"watts-idle", "60"},
                                        {"watts-full", "100001"}};
    struct candidate c = sample_candidate();
    const struct resources want = {
        .cpu_milli = 2000, .mem_mib = 1024, .disk_mib = 512};
    uint64_t added = 0;
    uint64_t full = 0;
    (void)state;
    c.labels = told;
    c.label_count = 1;
    assert_false(figure_energy(&c, &want, &added, &full));
    c.label_count = 2;
    assert_true(figure_energy(&c, &want, &added, &full));
    assert_int_equal(full, 200000);
    assert_int_equal(added, 140000 / 4); /* it is on already */
    c.free = c.total;
    assert_true(figure_energy(&c, &want, &added, &full));
    assert_int_equal(added, 60000 + 140000 / 4);
    c.labels = silly;
    assert_false(figure_energy(&c, &want, &added, &full));
    c.labels = huge;
    assert_false(figure_energy(&c, &want, &added, &full));
}

static uint64_t speed_of(const struct grade *grade, enum speed_class class_)
{
    uint64_t value = 0;
    assert_true(figure_speed(grade, class_, &value));
    return value;
}

/* The reference machine is 1 in every class, and twice of all is 2. */
static void a_class_is_all_of_its_kernels(void **state)
{
    struct grade grade = {.cores = 1};
    uint64_t value = 0;
    (void)state;
    for (unsigned i = 0; i < METER_KERNEL_COUNT; i++)
        grade_rate_set(&grade, (enum meter_kernel)i, METER_ONE,
                       meter_row((enum meter_kernel)i)->reference[METER_ONE]);
    for (unsigned i = SPEED_LOGIC; i < SPEED_CLASSES; i++)
        assert_int_equal(speed_of(&grade, (enum speed_class)i),
                         FIGURE_RATING_ONE);
    grade.float_ops *= 4; /* of two kernels */
    assert_int_equal(speed_of(&grade, SPEED_PARALLEL),
                     FIGURE_RATING_ONE + 65536);
    assert_int_equal(speed_of(&grade, SPEED_LOGIC), FIGURE_RATING_ONE);
    grade.fp32_ops = 0;
    assert_false(figure_speed(&grade, SPEED_PARALLEL, &value));
    assert_true(figure_speed(&grade, SPEED_NEURAL, &value));
    grade.int8_ops = 1; /* as slow as can be, and still measured */
    assert_int_equal(speed_of(&grade, SPEED_NEURAL), 0);
    grade.source = METRIC_NOMINAL; /* declared, not measured */
    assert_false(figure_speed(&grade, SPEED_LOGIC, &value));
    assert_false(figure_speed(&grade, SPEED_MEAN, &value));
}

static void near_another_node_only_that_node_is_near(void **state)
{
    struct policy_terms terms = {.near = {{9}}};
    struct candidate c = sample_candidate();
    uint64_t value = 0;
    (void)state;
    assert_false(figure_get(&c, PART_RTT, NULL, &terms, &value));
    c.provider = terms.near;
    assert_true(figure_get(&c, PART_RTT, NULL, &terms, &value));
    terms = (struct policy_terms){.speed = SPEED_MEAN};
    assert_true(figure_get(&c, PART_RTT, NULL, &terms, &value));
    assert_int_equal(value, c.rtt_us);
    assert_false(figure_get(&c, PART_LINK, NULL, &terms, &value));
}

static void figures_are_shown_with_their_units(void **state)
{
    struct buf text;
    (void)state;
    buf_init(&text, 200);
    figure_format(PART_PRICE, SPEED_MEAN, 12500, &text);
    buf_addf(&text, ", ");
    figure_format(PART_RTT, SPEED_MEAN, 942, &text);
    buf_addf(&text, ", ");
    figure_format(PART_SPEED, SPEED_MEAN, 26u << 16, &text);
    buf_addf(&text, ", ");
    figure_format(PART_SPEED, SPEED_LOGIC, FIGURE_RATING_ONE + 65536, &text);
    buf_addf(&text, ", ");
    figure_format(PART_LOAD, SPEED_MEAN, 123456, &text);
    buf_addf(&text, ", ");
    figure_format(PART_ENERGY, SPEED_MEAN, 35250, &text);
    assert_string_equal(buf_cstr(&text),
                        "0.0125, 942 us, 67M/s, logic 2.00x, 12.3 %, 35.2 W");
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_is_the_fullest_dimension),
        cmocka_unit_test(energy_is_known_from_both_labels_only),
        cmocka_unit_test(a_class_is_all_of_its_kernels),
        cmocka_unit_test(figures_are_shown_with_their_units),
        cmocka_unit_test(near_another_node_only_that_node_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
