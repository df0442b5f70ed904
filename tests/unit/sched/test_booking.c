#include "sched/graph/booking.h"

#include "flow_sample.h"

#define TIMES 60u

/* Against a table of every moment. */
static void starts_are_the_earliest_that_hold(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 4);
    for (uint32_t round = 0; round < 300; round++) {
        uint32_t taken[TIMES * 4] = {0};
        struct booking b;
        booking_init(&b);
        for (uint32_t i = 0; i < 12; i++) {
            uint32_t ready = (uint32_t)dice_below(&dice, TIMES);
            uint32_t run = (uint32_t)dice_below(&dice, 9);
            uint32_t cores = (uint32_t)dice_between(&dice, 1, 3);
            uint32_t start = ready;
            uint64_t found = booking_earliest(&b, ready, run, cores, 0, 3, 0);
            for (uint32_t at = start; at < start + run; at++) {
                if (taken[at] + cores > 3)
                    start = at + 1;
            }
            assert_int_equal(found, start);
            for (uint32_t at = start; at < start + run; at++)
                taken[at] += cores;
            assert_int_equal(booking_take(&b, start, start + run, cores, 0),
                             OK);
            if (dice_chance(&dice, 300)) {
                booking_give(&b, start, start + run, cores, 0);
                for (uint32_t at = start; at < start + run; at++)
                    taken[at] -= cores;
            }
        }
        booking_done(&b);
    }
}

static void memory_holds_a_task_back_too(void **state)
{
    struct booking b;
    (void)state;
    booking_init(&b);
    assert_int_equal(booking_take(&b, 0, 10, 1, 6), OK);
    assert_int_equal(booking_earliest(&b, 0, 5, 1, 4, 8, 10), 0);
    assert_int_equal(booking_earliest(&b, 0, 5, 1, 5, 8, 10), 10);
    assert_int_equal(booking_earliest(&b, 3, 0, 1, 5, 8, 10), 3);
    booking_clear(&b);
    assert_int_equal(booking_earliest(&b, 0, 5, 1, 5, 8, 10), 0);
    booking_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_are_the_earliest_that_hold),
        cmocka_unit_test(memory_holds_a_task_back_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
