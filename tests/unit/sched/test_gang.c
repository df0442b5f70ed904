#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/fleet/gang.h"
#include "tests/unit/sched/fleet_sample.h"

#define MACHINES 6
#define TASKS    64

struct rig {
    struct fleet fleet;
    struct picker *picker;
    struct dice dice;
};

static void rig_init(struct rig *rig, const struct machine *machines,
                     uint32_t count)
{
    dice_init(&rig->dice, 3);
    assert_int_equal(fleet_init(&rig->fleet, count), OK);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(fleet_add(&rig->fleet, &machines[i]), OK);
    assert_int_equal(
        picker_new(FLEET_BESTFIT, &rig->fleet, NULL, 8, &rig->picker), OK);
}

static void rig_done(struct rig *rig)
{
    picker_free(rig->picker);
    fleet_done(&rig->fleet);
}

static const struct gang_domains one_domain = {NULL, 1};

/* Three machines of eight cores do not hold four tasks of five: cores that are
 * free in total are no room. */
static void room_is_counted_machine_by_machine(void **state)
{
    const struct machine machines[3] = {sample_machine(8, 0, 0),
                                        sample_machine(8, 0, 0),
                                        sample_machine(8, 0, 0)};
    const struct gang gang = {sample_whole(5, 0), 4, 4};
    struct grant grants[4];
    uint32_t room = 0;
    uint32_t count = 7;
    uint32_t domain = 7;
    struct rig rig;
    (void)state;
    rig_init(&rig, machines, 3);
    assert_int_equal(gang_room(&rig.fleet, &gang, &one_domain, &room), OK);
    assert_int_equal(room, 3);
    assert_int_equal(gang_place(&rig.fleet, rig.picker, &gang, &one_domain,
                                &rig.dice, grants, &count, &domain),
                     ERR_CAPACITY);
    assert_int_equal(count, 7);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(machine_empty(&rig.fleet.machines[i]));
    rig_done(&rig);
}

static void the_least_that_runs_is_enough(void **state)
{
    const struct machine machines[2] = {sample_machine(8, 2, 1),
                                        sample_machine(8, 1, 1)};
    const struct gang gang = {sample_whole(1, 1), 5, 3};
    struct grant grants[5];
    uint32_t count = 0;
    uint32_t domain = 7;
    struct rig rig;
    (void)state;
    rig_init(&rig, machines, 2);
    assert_int_equal(gang_place(&rig.fleet, rig.picker, &gang, &one_domain,
                                &rig.dice, grants, &count, &domain),
                     OK);
    assert_int_equal(count, 3);
    assert_int_equal(domain, 0);
    assert_int_equal(rig.fleet.idle_milli, 0);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(fleet_give(&rig.fleet, &gang.ask, &grants[i]), OK);
    assert_int_equal(rig.fleet.idle_milli, 3000);
    rig_done(&rig);
}

static void a_gang_stays_in_the_smallest_domain_that_holds_it(void **state)
{
    const struct machine machines[6] = {
        sample_machine(8, 4, 1), sample_machine(8, 4, 1),
        sample_machine(8, 2, 1), sample_machine(8, 1, 1),
        sample_machine(8, 1, 1), sample_machine(8, 1, 1)};
    static const uint32_t of_machine[6] = {0, 0, 1, 1, 2, 2};
    const struct gang_domains domains = {of_machine, 3};
    struct gang gang = {sample_whole(1, 1), 3, 3};
    struct grant grants[TASKS];
    uint32_t room[3];
    uint32_t count = 0;
    uint32_t domain = 7;
    struct rig rig;
    (void)state;
    rig_init(&rig, machines, 6);
    assert_int_equal(gang_room(&rig.fleet, &gang, &domains, room), OK);
    assert_int_equal(room[0], 8);
    assert_int_equal(room[1], 3);
    assert_int_equal(room[2], 2);
    assert_int_equal(gang_place(&rig.fleet, rig.picker, &gang, &domains,
                                &rig.dice, grants, &count, &domain),
                     OK);
    assert_int_equal(domain, 1);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(of_machine[grants[i].machine], 1);
    gang.count = 9; /* nowhere all of them: where most */
    gang.least = 2;
    assert_int_equal(gang_place(&rig.fleet, rig.picker, &gang, &domains,
                                &rig.dice, grants, &count, &domain),
                     OK);
    assert_int_equal(domain, 0);
    assert_int_equal(count, 8);
    rig_done(&rig);
}

static void odd_gangs_are_refused(void **state)
{
    const struct machine machine = sample_machine(8, 4, 1);
    static const uint32_t of_machine[1] = {3};
    const struct gang_domains nowhere = {of_machine, 3};
    const struct gang_domains none = {NULL, 0};
    const struct gang_domains two = {NULL, 2};
    struct gang gang = {sample_whole(1, 1), 1, 1};
    uint32_t room[4];
    struct rig rig;
    (void)state;
    rig_init(&rig, &machine, 1);
    assert_int_equal(gang_room(&rig.fleet, &gang, &one_domain, room), OK);
    assert_int_equal(gang_room(&rig.fleet, &gang, &nowhere, room), ERR_RANGE);
    assert_int_equal(gang_room(&rig.fleet, &gang, &none, room), ERR_RANGE);
    assert_int_equal(gang_room(&rig.fleet, &gang, &two, room), ERR_RANGE);
    gang.least = 2;
    assert_int_equal(gang_room(&rig.fleet, &gang, &one_domain, room),
                     ERR_RANGE);
    gang.least = 0;
    assert_int_equal(gang_room(&rig.fleet, &gang, &one_domain, room),
                     ERR_RANGE);
    gang = (struct gang){sample_whole(1, 1), GANG_TASKS_MAX + 1, 1};
    assert_int_equal(gang_room(&rig.fleet, &gang, &one_domain, room),
                     ERR_RANGE);
    gang = (struct gang){{.devices = 1}, 1, 1};
    assert_int_equal(gang_room(&rig.fleet, &gang, &one_domain, room),
                     ERR_RANGE);
    rig_done(&rig);
}

/* An ask for parts of several devices, too: the hard case of counting. */
static struct ask hard_ask(struct dice *dice)
{
    struct ask ask = sample_any_ask(dice);
    if (ask.devices > 0 && dice_chance(dice, 400)) {
        ask.devices = (uint16_t)dice_between(dice, 2, 3);
        ask.milli = (uint16_t)(250 * dice_between(dice, 1, 2));
    }
    return ask;
}

static void disturb(struct rig *rig)
{
    for (int i = 0; i < 12; i++) {
        struct ask ask = sample_any_ask(&rig->dice);
        struct grant grant;
        if (picker_pick(rig->picker, &ask, NULL, &rig->dice, &grant) == OK)
            assert_int_equal(fleet_take(&rig->fleet, &ask, &grant), OK);
    }
}

/* What is counted is what can be placed, to the last task. */
static void the_count_is_exact(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 21);
    for (int round = 0; round < 4000; round++) {
        struct machine machines[MACHINES];
        uint32_t of_machine[MACHINES];
        const struct gang_domains domains = {of_machine, 3};
        struct gang gang = {hard_ask(&dice), TASKS, 1};
        struct grant grants[TASKS];
        uint32_t room[3];
        uint32_t count = 0;
        uint32_t domain = 0;
        struct rig rig;
        enum err err;
        for (uint32_t i = 0; i < MACHINES; i++) {
            machines[i] = sample_any_machine(&dice);
            of_machine[i] = (uint32_t)dice_below(&dice, 3);
        }
        rig_init(&rig, machines, MACHINES);
        rig.dice = dice;
        disturb(&rig);
        gang.least = (uint32_t)dice_between(&dice, 1, 12);
        assert_int_equal(gang_room(&rig.fleet, &gang, &domains, room), OK);
        err = gang_place(&rig.fleet, rig.picker, &gang, &domains, &rig.dice,
                         grants, &count, &domain);
        if (err == OK)
            assert_int_equal(count,
                             room[domain] < TASKS ? room[domain] : TASKS);
        for (uint32_t i = 0; i < 3; i++)
            assert_true(err == OK || room[i] < gang.least);
        (void)dice_next(&dice);
        rig_done(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_is_counted_machine_by_machine),
        cmocka_unit_test(the_least_that_runs_is_enough),
        cmocka_unit_test(a_gang_stays_in_the_smallest_domain_that_holds_it),
        cmocka_unit_test(odd_gangs_are_refused),
        cmocka_unit_test(the_count_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
