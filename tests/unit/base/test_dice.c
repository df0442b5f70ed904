#include "base/dice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_same_seed_throws_the_same(void **state)
{
    struct dice a;
    struct dice b;
    (void)state;
    dice_init(&a, 42);
    dice_init(&b, 42);
    for (int i = 0; i < 100; i++)
        assert_int_equal(dice_next(&a), dice_next(&b));
    dice_init(&b, 43);
    assert_int_not_equal(dice_next(&a), dice_next(&b));
}

/* The published first outputs of splitmix64 for the seed 1234567. */
static void the_sequence_is_splitmix64(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 1234567);
    assert_int_equal(dice_next(&dice), UINT64_C(6457827717110365317));
    assert_int_equal(dice_next(&dice), UINT64_C(3203168211198807973));
    assert_int_equal(dice_next(&dice), UINT64_C(9817491932198370423));
}

static void throws_stay_in_their_bounds_and_reach_both(void **state)
{
    struct dice dice;
    bool low = false;
    bool high = false;
    (void)state;
    dice_init(&dice, 7);
    for (int i = 0; i < 1000; i++) {
        uint64_t got = dice_between(&dice, 5, 8);
        assert_in_range(got, 5, 8);
        low = low || got == 5;
        high = high || got == 8;
        assert_true(dice_below(&dice, 3) < 3);
        assert_false(dice_chance(&dice, 0));
        assert_true(dice_chance(&dice, 1000));
    }
    assert_true(low && high);
}

static void named_dice_depend_on_seed_and_name(void **state)
{
    struct hash name = {{1}};
    struct hash other = {{2}};
    struct dice a;
    struct dice b;
    uint8_t first[9] = {0};
    uint8_t second[9] = {0};
    (void)state;
    dice_named(&a, 5, &name);
    dice_named(&b, 5, &name);
    dice_fill(&a, first, sizeof(first));
    dice_fill(&b, second, sizeof(second));
    assert_memory_equal(first, second, sizeof(first));
    dice_named(&b, 5, &other);
    dice_fill(&b, second, sizeof(second));
    assert_memory_not_equal(first, second, sizeof(first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_throws_the_same),
        cmocka_unit_test(the_sequence_is_splitmix64),
        cmocka_unit_test(throws_stay_in_their_bounds_and_reach_both),
        cmocka_unit_test(named_dice_depend_on_seed_and_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
