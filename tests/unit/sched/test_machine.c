#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/fleet/machine.h"
#include "tests/unit/sched/fleet_sample.h"

static void take(struct machine *machine, struct ask ask, uint32_t devices)
{
    assert_int_equal(machine_take(machine, &ask, devices), OK);
}

static void expect_miss(const struct machine *machine, struct ask ask,
                        enum miss miss)
{
    assert_int_equal(machine_misses(machine, &ask), miss_bit(miss));
    assert_false(machine_fits(machine, &ask));
}

static void halves_of_two_cards_are_not_a_card(void **state)
{
    struct machine machine = sample_machine(16, 2, 1);
    (void)state;
    take(&machine, sample_share(1, 500), 1);
    take(&machine, sample_share(1, 500), 2);
    assert_int_equal(machine_idle_milli(&machine), 1000);
    expect_miss(&machine, sample_whole(1, 1), MISS_DEVICE_SPLIT);
    expect_miss(&machine, sample_share(1, 501), MISS_DEVICE_SPLIT);
    expect_miss(&machine, sample_whole(1, 2), MISS_DEVICE_FREE);
    take(&machine, sample_share(1, 500), 1);
    expect_miss(&machine, sample_whole(1, 1), MISS_DEVICE_FREE);
}

static void whole_cards_and_shares_do_not_mix(void **state)
{
    struct machine machine = sample_machine(16, 4, 1);
    (void)state;
    take(&machine, sample_share(1, 1), 4);
    expect_miss(&machine, sample_whole(1, 4), MISS_DEVICE_FREE);
    take(&machine, sample_whole(1, 3), 1 | 2 | 8);
    expect_miss(&machine, sample_whole(1, 1), MISS_DEVICE_FREE);
    take(&machine, sample_share(1, 999), 4);
    assert_int_equal(machine_idle_milli(&machine), 0);
}

static void each_thing_that_lacks_is_named(void **state)
{
    struct machine machine = sample_machine(8, 2, 1);
    struct ask ask = sample_share(1, 200);
    (void)state;
    ask.arch = ARCH_RISCV64;
    expect_miss(&machine, ask, MISS_ARCH);
    ask = sample_share(1, 200);
    ask.models = model_bit(2) | model_bit(3);
    expect_miss(&machine, ask, MISS_MODEL);
    expect_miss(&machine, sample_whole(1, 3), MISS_DEVICE_TOTAL);
    ask = sample_share(1, 200);
    ask.want.cpu_milli = 8001;
    expect_miss(&machine, ask, MISS_CPU_TOTAL);
    ask = sample_share(1, 200);
    ask.want.mem_mib = 8 * 4096 + 1;
    expect_miss(&machine, ask, MISS_MEM_TOTAL);
    ask = sample_share(1, 200);
    ask.want.disk_mib = 1001;
    expect_miss(&machine, ask, MISS_DISK_TOTAL);
    take(&machine, sample_whole(1, 0), 0);
    ask = sample_share(0, 200);
    ask.want = (struct resources){.cpu_milli = 8000};
    expect_miss(&machine, ask, MISS_CPU_FREE);
    ask.want = (struct resources){.mem_mib = 8 * 4096};
    expect_miss(&machine, ask, MISS_MEM_FREE);
    ask.want = (struct resources){.disk_mib = 1000};
    expect_miss(&machine, ask, MISS_DISK_FREE);
}

static void a_machine_without_devices_lacks_devices(void **state)
{
    struct machine machine = sample_machine(8, 0, 0);
    struct ask ask = sample_share(1, 200);
    (void)state;
    expect_miss(&machine, ask, MISS_DEVICE_TOTAL);
    ask.models = 2;
    expect_miss(&machine, ask, MISS_DEVICE_TOTAL);
    take(&machine, sample_whole(2, 0), 0);
}

static void only_allowed_models_count(void **state)
{
    struct machine machine = sample_machine(8, 4, 1);
    struct ask ask = sample_whole(1, 2);
    (void)state;
    machine.devices[1].model = 2;
    machine.devices[3].model = 2;
    ask.models = model_bit(2);
    assert_int_equal(machine_eligible(&machine, &ask), 2 | 8);
    assert_int_equal(machine_take(&machine, &ask, 1 | 2), ERR_CAPACITY);
    take(&machine, ask, 2 | 8);
    expect_miss(&machine, ask, MISS_DEVICE_FREE);
}

static void nothing_changes_when_taking_is_refused(void **state)
{
    struct machine machine = sample_machine(8, 2, 1);
    struct machine before = machine;
    struct ask ask = sample_whole(1, 1);
    (void)state;
    assert_int_equal(machine_take(&machine, &ask, 0), ERR_CAPACITY);
    assert_int_equal(machine_take(&machine, &ask, 3), ERR_CAPACITY);
    assert_int_equal(machine_take(&machine, &ask, 4), ERR_CAPACITY);
    ask.arch = ARCH_AARCH64;
    assert_int_equal(machine_take(&machine, &ask, 1), ERR_CAPACITY);
    ask.arch = ARCH_ANY;
    ask.want.cpu_milli = 9000;
    assert_int_equal(machine_take(&machine, &ask, 1), ERR_CAPACITY);
    assert_true(sample_same(&machine, &before));
}

static void what_was_not_taken_is_not_given_back(void **state)
{
    struct machine machine = sample_machine(8, 2, 1);
    struct machine before;
    struct ask share = sample_share(1, 400);
    struct ask other = sample_share(1, 500);
    (void)state;
    assert_int_equal(machine_give(&machine, &share, 1), ERR_OVERFLOW);
    take(&machine, share, 1);
    before = machine;
    assert_int_equal(machine_give(&machine, &share, 2), ERR_OVERFLOW);
    assert_int_equal(machine_give(&machine, &share, 4), ERR_OVERFLOW);
    assert_int_equal(machine_give(&machine, &other, 1), ERR_OVERFLOW);
    assert_true(sample_same(&machine, &before));
    assert_int_equal(machine_give(&machine, &share, 1), OK);
    assert_int_equal(machine_give(&machine, &share, 1), ERR_OVERFLOW);
    assert_true(machine_empty(&machine));
}

static void odd_machines_are_refused(void **state)
{
    struct machine machine;
    const struct resources total = sample_amounts(1);
    (void)state;
    assert_int_equal(machine_init(&machine, &total, ARCH_ANY, 17, 1),
                     ERR_RANGE);
    assert_int_equal(machine_init(&machine, &total, ARCH_ANY, 1, 0), ERR_RANGE);
    assert_int_equal(machine_init(&machine, &total, ARCH_ANY, 1, 64),
                     ERR_RANGE);
    assert_int_equal(machine_init(&machine, &total, ARCH_ANY, 16, 63), OK);
    assert_int_equal(machine_total_milli(&machine), 16000);
}

/* Feasibility from first principles. */
static bool fits_plainly(const struct machine *machine, const struct ask *ask)
{
    uint32_t devices = 0;
    for (uint32_t i = 0; i < machine->device_count; i++) {
        bool allowed = ask->models == 0 ||
                       (ask->models >> machine->devices[i].model & 1) == 1;
        devices += allowed && machine->devices[i].free_milli >= ask->milli;
    }
    return (ask->arch == ARCH_ANY || ask->arch == machine->arch) &&
           ask->want.cpu_milli <= machine->free.cpu_milli &&
           ask->want.mem_mib <= machine->free.mem_mib &&
           ask->want.disk_mib <= machine->free.disk_mib &&
           devices >= ask->devices;
}

struct held {
    struct ask ask;
    uint32_t devices;
};

/* The first of the eligible devices. */
static uint32_t first_devices(const struct machine *machine,
                              const struct ask *ask)
{
    uint32_t left = ask->devices == 0 ? 0 : machine_eligible(machine, ask);
    uint32_t chosen = 0;
    for (uint32_t i = 0; i < ask->devices; i++) {
        chosen |= left & ~(left - 1);
        left &= left - 1;
    }
    return chosen;
}

static void give_any(struct machine *machine, struct held *held,
                     uint32_t *count, struct dice *dice)
{
    uint32_t i = (uint32_t)dice_below(dice, *count);
    assert_int_equal(machine_give(machine, &held[i].ask, held[i].devices), OK);
    held[i] = held[--*count];
}

static void random_lives_leak_nothing(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 5);
    for (int round = 0; round < 300; round++) {
        struct machine machine = sample_any_machine(&dice);
        const struct machine fresh = machine;
        struct held held[64];
        uint32_t count = 0;
        for (int step = 0; step < 200; step++) {
            struct ask ask = sample_any_ask(&dice);
            bool fits = fits_plainly(&machine, &ask);
            assert_int_equal(machine_fits(&machine, &ask), fits);
            assert_int_equal(machine_misses(&machine, &ask) == 0, fits);
            if (fits && count < 64) {
                held[count] = (struct held){ask, first_devices(&machine, &ask)};
                take(&machine, ask, held[count++].devices);
            }
            if (count > 0 && dice_chance(&dice, 400))
                give_any(&machine, held, &count, &dice);
        }
        while (count > 0)
            give_any(&machine, held, &count, &dice);
        assert_true(sample_same(&machine, &fresh));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_of_two_cards_are_not_a_card),
        cmocka_unit_test(whole_cards_and_shares_do_not_mix),
        cmocka_unit_test(each_thing_that_lacks_is_named),
        cmocka_unit_test(a_machine_without_devices_lacks_devices),
        cmocka_unit_test(only_allowed_models_count),
        cmocka_unit_test(nothing_changes_when_taking_is_refused),
        cmocka_unit_test(what_was_not_taken_is_not_given_back),
        cmocka_unit_test(odd_machines_are_refused),
        cmocka_unit_test(random_lives_leak_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
