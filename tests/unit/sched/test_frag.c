#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "sched/fleet/frag.h"
#include "tests/unit/sched/fleet_sample.h"

static void equal_asks_are_counted_most_frequent_first(void **state)
{
    struct ask asks[6];
    struct frag *frag = NULL;
    uint64_t frequency = 0;
    (void)state;
    for (size_t i = 0; i < 6; i++)
        asks[i] = i == 0 ? sample_whole(1, 1) : sample_share(1, 500);
    asks[5] = sample_whole(2, 0);
    assert_int_equal(frag_new(asks, 6, 1000, &frag), OK);
    assert_int_equal(frag_count(frag), 3);
    assert_int_equal(frag_weight(frag), 6);
    assert_int_equal(ask_compare(frag_ask(frag, 0, &frequency), &asks[1]), 0);
    assert_int_equal(frequency, 4);
    /* equally frequent: in the order of ask_compare, without devices first */
    assert_int_equal(ask_compare(frag_ask(frag, 1, &frequency), &asks[5]), 0);
    assert_int_equal(frequency, 1);
    frag_free(frag);
}

static void rare_asks_are_left_out(void **state)
{
    struct ask asks[20];
    struct frag *frag = NULL;
    (void)state;
    for (size_t i = 0; i < 20; i++)
        asks[i] = sample_share(1, i == 7 ? 100 : 500);
    assert_int_equal(frag_new(asks, 20, 950, &frag), OK);
    assert_int_equal(frag_count(frag), 1);
    assert_int_equal(frag_weight(frag), 19);
    frag_free(frag);
    assert_int_equal(frag_new(asks, 20, 951, &frag), OK);
    assert_int_equal(frag_count(frag), 2);
    frag_free(frag);
}

static void nothing_is_typical_of_nothing(void **state)
{
    struct ask ask = sample_share(1, 500);
    struct frag *frag = NULL;
    (void)state;
    assert_int_equal(frag_new(&ask, 0, 950, &frag), ERR_RANGE);
    assert_int_equal(frag_new(&ask, 1, 0, &frag), ERR_RANGE);
    assert_int_equal(frag_new(&ask, 1, 1001, &frag), ERR_RANGE);
    assert_null(frag);
}

/* A card, a half and a quarter are free; half of the tasks want a whole card,
 * half of them 600 of one with eight cores. */
static void waste_is_what_typical_tasks_cannot_use(void **state)
{
    struct ask asks[2] = {sample_whole(1, 1), sample_share(8, 600)};
    struct machine machine = sample_machine(16, 3, 1);
    struct ask half = sample_share(1, 500);
    struct ask most = sample_share(1, 750);
    struct frag *frag = NULL;
    (void)state;
    assert_int_equal(frag_new(asks, 2, 1000, &frag), OK);
    assert_int_equal(frag_of(frag, &machine), 0);
    assert_int_equal(machine_take(&machine, &half, 1), OK);
    assert_int_equal(machine_take(&machine, &most, 2), OK);
    assert_int_equal(frag_of(frag, &machine), 2 * 750);
    machine.free.cpu_milli = 7999; /* all is wasted on the second */
    assert_int_equal(frag_of(frag, &machine), 750 + 1750);
    machine.free.cpu_milli = 8000;
    machine.free.mem_mib = 1; /* on both */
    assert_int_equal(frag_of(frag, &machine), 2 * 1750);
    frag_free(frag);
}

/* The definition, one ask after the other. */
static uint64_t frag_plainly(const struct frag *frag,
                             const struct machine *machine)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < frag_count(frag); i++) {
        uint64_t frequency;
        const struct ask *ask = frag_ask(frag, i, &frequency);
        bool fits = ask->devices > 0 && machine_fits(machine, ask);
        uint32_t usable = fits ? machine_eligible(machine, ask) : 0;
        for (uint32_t d = 0; d < machine->device_count; d++) {
            if ((usable >> d & 1) == 0)
                sum += frequency * machine->devices[d].free_milli;
        }
    }
    return sum;
}

static void random_machines_waste_as_the_definition_says(void **state)
{
    struct ask asks[200];
    struct frag *frag = NULL;
    struct dice dice;
    (void)state;
    dice_init(&dice, 11);
    for (size_t i = 0; i < 200; i++)
        asks[i] = sample_any_ask(&dice);
    assert_int_equal(frag_new(asks, 200, 900, &frag), OK);
    for (int round = 0; round < 5000; round++) {
        struct machine machine = sample_any_machine(&dice);
        for (uint32_t d = 0; d < machine.device_count; d++)
            machine.devices[d].free_milli =
                (uint16_t)(250 * dice_below(&dice, 5));
        machine.free.cpu_milli =
            (uint32_t)dice_below(&dice, machine.total.cpu_milli + 1u);
        machine.free.mem_mib = dice_below(&dice, machine.total.mem_mib + 1);
        assert_int_equal(frag_of(frag, &machine), frag_plainly(frag, &machine));
    }
    frag_free(frag);
}

static void the_score_is_the_sigmoid_in_hundredths(void **state)
{
    struct ask asks[7];
    struct frag *frag = NULL;
    (void)state;
    for (size_t i = 0; i < 7; i++)
        asks[i] = sample_share(1, 500);
    assert_int_equal(frag_new(asks, 7, 1000, &frag), OK);
    for (int64_t gain = -120000; gain <= 120000; gain++) {
        double x = (double)gain / 7 / 2000;
        double score = floor(100 / (1 + exp(-x)));
        uint64_t before = 1000000;
        uint64_t after = (uint64_t)(1000000 - gain);
        assert_int_equal(frag_score(frag, before, after), (int)score);
        assert_int_equal(frag_gain(frag, before, after), gain / 7);
    }
    assert_int_equal(frag_score(frag, 0, 7u * 16000000u), 0);
    assert_int_equal(frag_score(frag, 7u * 16000000u, 0), FRAG_SCORE_MAX);
    frag_free(frag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_asks_are_counted_most_frequent_first),
        cmocka_unit_test(rare_asks_are_left_out),
        cmocka_unit_test(nothing_is_typical_of_nothing),
        cmocka_unit_test(waste_is_what_typical_tasks_cannot_use),
        cmocka_unit_test(random_machines_waste_as_the_definition_says),
        cmocka_unit_test(the_score_is_the_sigmoid_in_hundredths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
