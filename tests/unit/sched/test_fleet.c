#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/fleet/fleet.h"
#include "tests/unit/sched/fleet_sample.h"

static void add(struct fleet *fleet, struct machine machine)
{
    assert_int_equal(fleet_add(fleet, &machine), OK);
}

static void a_fleet_knows_what_is_idle(void **state)
{
    struct ask share = sample_share(1, 300);
    const struct grant grant = {1, 2};
    struct fleet fleet;
    (void)state;
    assert_int_equal(fleet_init(&fleet, 2), OK);
    add(&fleet, sample_machine(8, 4, 1));
    add(&fleet, sample_machine(8, 2, 2));
    assert_int_equal(fleet.total_milli, 6000);
    assert_int_equal(fleet_take(&fleet, &share, &grant), OK);
    assert_int_equal(fleet.idle_milli, 5700);
    assert_int_equal(fleet_give(&fleet, &share, &grant), OK);
    assert_int_equal(fleet_give(&fleet, &share, &grant), ERR_OVERFLOW);
    assert_int_equal(fleet.idle_milli, 6000);
    fleet_done(&fleet);
}

static void a_stamp_changes_with_the_machine_alone(void **state)
{
    struct ask share = sample_share(1, 300);
    const struct grant grant = {1, 1};
    uint32_t before[2];
    struct fleet fleet;
    (void)state;
    assert_int_equal(fleet_init(&fleet, 2), OK);
    add(&fleet, sample_machine(8, 4, 1));
    add(&fleet, sample_machine(8, 2, 2));
    memcpy(before, fleet.stamps, sizeof(before));
    assert_int_not_equal(before[0], 0);
    assert_int_equal(fleet_take(&fleet, &share, &grant), OK);
    assert_int_equal(fleet.stamps[0], before[0]);
    assert_int_not_equal(fleet.stamps[1], before[1]);
    fleet.stamps[1] = UINT32_MAX; /* 0 would be "not remembered" */
    assert_int_equal(fleet_give(&fleet, &share, &grant), OK);
    assert_int_not_equal(fleet.stamps[1], 0);
    fleet_done(&fleet);
}

static void clearing_makes_it_new(void **state)
{
    struct machine machine = sample_machine(8, 4, 1);
    struct ask whole = sample_whole(1, 2);
    const struct grant grant = {0, 5};
    struct fleet fleet;
    (void)state;
    assert_int_equal(fleet_init(&fleet, 1), OK);
    add(&fleet, machine);
    assert_int_equal(fleet_take(&fleet, &whole, &grant), OK);
    fleet_clear(&fleet);
    assert_true(sample_same(&fleet.machines[0], &machine));
    assert_int_equal(fleet.idle_milli, 4000);
    assert_int_equal(fleet_give(&fleet, &whole, &grant), ERR_OVERFLOW);
    fleet_done(&fleet);
}

static void what_is_not_there_is_refused(void **state)
{
    struct machine machine = sample_machine(1, 0, 0);
    struct ask ask = sample_whole(1, 0);
    const struct grant grant = {1, 0};
    struct fleet fleet;
    (void)state;
    assert_int_equal(fleet_init(&fleet, 1), OK);
    add(&fleet, machine);
    assert_int_equal(fleet_add(&fleet, &machine), ERR_TOO_LARGE);
    assert_int_equal(fleet_take(&fleet, &ask, &grant), ERR_RANGE);
    assert_int_equal(fleet_give(&fleet, &ask, &grant), ERR_RANGE);
    fleet_done(&fleet);
}

static void the_nearest_miss_explains(void **state)
{
    uint32_t alone[MISS_COUNT];
    struct ask ask = sample_whole(1, 2);
    struct ask most = sample_share(1, 900);
    struct fleet fleet;
    (void)state;
    assert_int_equal(fleet_init(&fleet, 4), OK);
    add(&fleet, sample_machine(8, 1, 1));
    add(&fleet, sample_machine(8, 1, 1));
    assert_int_equal(fleet_explain(&fleet, &ask, alone), MISS_DEVICE_TOTAL);
    assert_int_equal(alone[MISS_DEVICE_TOTAL], 2);
    add(&fleet, sample_machine(8, 3, 1));
    (void)fleet_explain(&fleet, &ask, alone);
    assert_int_equal(alone[MISS_NONE], 1);
    assert_int_equal(fleet_take(&fleet, &most, &(struct grant){2, 1}), OK);
    assert_int_equal(fleet_take(&fleet, &most, &(struct grant){2, 2}), OK);
    assert_int_equal(fleet_explain(&fleet, &ask, alone), MISS_DEVICE_FREE);
    assert_int_equal(alone[MISS_DEVICE_TOTAL], 2);
    assert_int_equal(alone[MISS_DEVICE_FREE], 1);
    ask.want.cpu_milli = 9000;
    assert_int_equal(fleet_explain(&fleet, &ask, alone), MISS_COUNT);
    fleet_done(&fleet);
}

static void a_view_is_shown_what_another_fleet_has(void **state)
{
    struct ask ask = sample_whole(2, 1);
    struct fleet fleet;
    struct fleet view;
    uint32_t stamp;
    (void)state;
    assert_int_equal(fleet_init(&fleet, 2), OK);
    assert_int_equal(fleet_init(&view, 2), OK);
    for (uint32_t i = 0; i < 2; i++) {
        add(&fleet, sample_machine(8, 2, 1));
        add(&view, sample_machine(8, 2, 1));
    }
    assert_int_equal(fleet_take(&fleet, &ask, &(struct grant){1, 1}), OK);
    stamp = view.stamps[1];
    assert_int_equal(fleet_show(&view, 1, &fleet.machines[1]), OK);
    assert_true(sample_same(&view.machines[1], &fleet.machines[1]));
    assert_int_equal(view.idle_milli, fleet.idle_milli);
    assert_int_not_equal(view.stamps[1], stamp);
    assert_int_equal(fleet_give(&view, &ask, &(struct grant){1, 1}), OK);
    assert_int_equal(view.idle_milli, view.total_milli);
    assert_int_equal(fleet_show(&view, 2, &fleet.machines[1]), ERR_RANGE);
    fleet_done(&view);
    fleet_done(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fleet_knows_what_is_idle),
        cmocka_unit_test(a_stamp_changes_with_the_machine_alone),
        cmocka_unit_test(clearing_makes_it_new),
        cmocka_unit_test(what_is_not_there_is_refused),
        cmocka_unit_test(the_nearest_miss_explains),
        cmocka_unit_test(a_view_is_shown_what_another_fleet_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
