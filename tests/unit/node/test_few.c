#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/dice.h"
#include "node/peer/few.h"

#define CROWD 30u

/* How many of the crowd are drawn; counts who was. */
static uint32_t draw(struct dice *dice, uint32_t crowd, uint32_t wanted,
                     uint32_t *times)
{
    struct few few = {.crowd = crowd, .wanted = wanted};
    uint32_t drawn = 0;
    for (uint32_t i = 0; i < crowd; i++) {
        if (!few_take(&few, (uint32_t)dice_next(dice)))
            continue;
        drawn++;
        times[i]++;
    }
    assert_false(few_take(&few, 0));
    return drawn;
}

static void exactly_so_many_are_drawn(void **state)
{
    struct dice dice;
    uint32_t times[CROWD] = {0};
    (void)state;
    dice_init(&dice, 1);
    for (uint32_t crowd = 0; crowd <= CROWD; crowd++) {
        for (uint32_t wanted = 0; wanted <= CROWD; wanted++) {
            uint32_t most = wanted < crowd ? wanted : crowd;
            assert_int_equal(draw(&dice, crowd, wanted, times), most);
        }
    }
}

/* 30,000 draws: each of the thirty is in 8,000 of them, give or take 77. */
static void each_is_as_likely(void **state)
{
    struct dice dice;
    uint32_t times[CROWD] = {0};
    (void)state;
    dice_init(&dice, 2);
    for (int i = 0; i < 30000; i++)
        (void)draw(&dice, CROWD, 8, times);
    for (uint32_t i = 0; i < CROWD; i++)
        assert_in_range(times[i], 8000 - 5 * 77, 8000 + 5 * 77);
}

/* Whether a neighbour was drawn says nothing more than that a place is taken:
 * both in 30,000 * 8/30 * 7/29. */
static void neighbours_are_drawn_apart(void **state)
{
    struct dice dice;
    uint32_t both = 0;
    (void)state;
    dice_init(&dice, 3);
    for (int i = 0; i < 30000; i++) {
        uint32_t times[CROWD] = {0};
        (void)draw(&dice, CROWD, 8, times);
        both += times[11] + times[12] == 2;
    }
    assert_in_range(both, 1931 - 5 * 43, 1931 + 5 * 43);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_so_many_are_drawn),
        cmocka_unit_test(each_is_as_likely),
        cmocka_unit_test(neighbours_are_drawn_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
