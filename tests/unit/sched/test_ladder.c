#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched/index/ladder.h"

static void it_starts_with_rungs_that_double(void **state)
{
    struct ladder l;
    (void)state;
    ladder_init(&l, 5, 250);
    assert_int_equal(l.count, 5);
    assert_int_equal(l.rung[4], 4000);
    assert_int_equal(ladder_reach(&l, 249), 0);
    assert_int_equal(ladder_reach(&l, 250), 1);
    assert_int_equal(ladder_reach(&l, 999), 2);
    assert_int_equal(ladder_reach(&l, UINT64_MAX), 5);
}

static void rungs_that_would_not_fit_are_left_out(void **state)
{
    struct ladder l;
    (void)state;
    ladder_init(&l, 32, UINT64_C(1) << 60);
    assert_int_equal(l.count, 3);
}

static uint32_t see(struct ladder *l, uint64_t amount, uint32_t times)
{
    uint32_t changed = 0;
    while (times-- > 0) {
        ladder_observe(l, amount);
        changed += ladder_review(l);
    }
    return changed;
}

static void few_amounts_all_become_rungs(void **state)
{
    struct ladder l;
    uint32_t changed = 0;
    (void)state;
    ladder_init(&l, 8, 100);
    for (int i = 0; i < 100; i++) {
        changed += see(&l, 3152, 1);
        changed += see(&l, 11300, 1);
        changed += see(&l, 77, 1);
    }
    assert_int_equal(changed, 1);
    assert_int_equal(l.count, 3);
    assert_int_equal(l.rung[0], 77);
    assert_int_equal(l.rung[2], 11300);
}

static void many_amounts_give_quantiles(void **state)
{
    struct ladder l;
    uint64_t z = 1;
    (void)state;
    ladder_init(&l, 16, 1);
    for (int i = 0; i < 5000; i++) {
        z = z * UINT64_C(6364136223846793005) + 1;
        (void)see(&l, 1000 + (z >> 33) % 100000, 1);
    }
    assert_int_equal(l.count, 16);
    for (uint32_t i = 1; i < l.count; i++) {
        assert_true(l.rung[i] > l.rung[i - 1]);
        assert_true(l.rung[i] - l.rung[i - 1] < 30000);
    }
    assert_true(l.rung[0] < 20000 && l.rung[15] > 80000);
}

static void who_asks_for_what_stands_there_moves_nothing(void **state)
{
    struct ladder l;
    (void)state;
    ladder_init(&l, 8, 100);
    assert_int_equal(see(&l, 800, 100000), 0);
    assert_int_equal(l.rung[0], 100);
}

static void it_follows_when_what_is_asked_for_changes(void **state)
{
    struct ladder l;
    (void)state;
    ladder_init(&l, 2, 100);
    (void)see(&l, 5, 1000);
    assert_int_equal(l.rung[0], 5);
    assert_true(see(&l, 6, 100000) >= 1);
    assert_int_equal(ladder_reach(&l, 6), ladder_reach(&l, 5) + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts_with_rungs_that_double),
        cmocka_unit_test(rungs_that_would_not_fit_are_left_out),
        cmocka_unit_test(few_amounts_all_become_rungs),
        cmocka_unit_test(many_amounts_give_quantiles),
        cmocka_unit_test(who_asks_for_what_stands_there_moves_nothing),
        cmocka_unit_test(it_follows_when_what_is_asked_for_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
