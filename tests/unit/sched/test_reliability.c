#include "sched/avail/reliability.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sched/target.h"

#define MINUTE 60000u
#define HOUR   3600000u

static struct reliability some(uint32_t served, uint32_t failed,
                               uint64_t time_ms, bool own)
{
    struct reliability r = {.failed = 0};
    for (uint32_t i = 0; i < served; i++)
        reliability_served(&r, time_ms, own);
    for (uint32_t i = 0; i < failed; i++)
        reliability_failed(&r, own);
    return r;
}

static uint32_t down_of(const struct reliability *r, uint64_t time_ms)
{
    struct reliability_account account;
    assert_true(reliability_reckon(r, time_ms, &account));
    return account.down_ppb;
}

static void nothing_known_is_not_known(void **state)
{
    struct reliability r = some(0, 0, MINUTE, true);
    struct reliability_account account;
    (void)state;
    assert_false(reliability_reckon(&r, MINUTE, &account));
    r.link_ppb = 1; /* a link that is always up is no contract */
    assert_false(reliability_reckon(&r, MINUTE, &account));
}

static void the_rule_of_succession_holds(void **state)
{
    struct reliability r = some(8, 0, MINUTE, true);
    (void)state;
    assert_int_equal(down_of(&r, MINUTE), TARGET_ONE / 10);
    r = some(997, 1, MINUTE, true);
    assert_int_equal(down_of(&r, MINUTE), 2 * (TARGET_ONE / 1000));
    r = some(0, 3, MINUTE, true);
    assert_int_equal(down_of(&r, MINUTE), TARGET_ONE / 5 * 4);
}

static void short_contracts_say_little_about_long_ones(void **state)
{
    struct reliability r = some(64, 0, MINUTE, true);
    struct reliability_account account;
    (void)state;
    assert_int_equal(reliability_class(MINUTE), 0);
    assert_int_equal(reliability_class(MINUTE + 1), 1);
    assert_int_equal(reliability_class(HOUR), 3);
    assert_int_equal(reliability_class(UINT64_MAX), RELIABILITY_CLASSES - 1);
    assert_true(reliability_reckon(&r, MINUTE, &account));
    assert_int_equal(account.served, 64);
    assert_true(reliability_reckon(&r, 4 * MINUTE, &account));
    assert_int_equal(account.served, 16);
    assert_true(reliability_reckon(&r, HOUR, &account));
    assert_int_equal(account.served, 1);
    assert_int_equal(account.down_ppb, (TARGET_ONE + 2) / 3);
    r = some(64, 0, HOUR, true);
    assert_true(reliability_reckon(&r, MINUTE, &account));
    assert_int_equal(account.served, 64);
}

static void what_others_bought_counts_so_far_and_no_farther(void **state)
{
    struct reliability r = some(500, 0, MINUTE, false);
    (void)state;
    assert_int_equal(down_of(&r, MINUTE), (TARGET_ONE + 17) / 18);
    reliability_served(&r, MINUTE, true);
    assert_int_equal(down_of(&r, MINUTE), (TARGET_ONE + 18) / 19);
}

static void the_worse_of_record_and_link_counts(void **state)
{
    struct reliability r = some(98, 0, MINUTE, true);
    struct reliability_account account;
    (void)state;
    r.link_ppb = TARGET_ONE / 50;
    assert_true(reliability_reckon(&r, MINUTE, &account));
    assert_true(account.by_link);
    assert_int_equal(account.down_ppb, TARGET_ONE / 50);
    r.link_ppb = 1;
    assert_true(reliability_reckon(&r, MINUTE, &account));
    assert_false(account.by_link);
    assert_int_equal(account.down_ppb, TARGET_ONE / 100);
}

static void who_forges_is_not_relied_on(void **state)
{
    struct reliability r = some(1000, 0, MINUTE, true);
    (void)state;
    r.forged = true;
    assert_int_equal(down_of(&r, MINUTE), TARGET_ONE);
    r = some(0, 0, MINUTE, true);
    r.forged = true;
    assert_int_equal(down_of(&r, MINUTE), TARGET_ONE);
}

static void the_old_fades(void **state)
{
    struct reliability r = some(0, 500, MINUTE, true);
    uint32_t before = down_of(&r, MINUTE);
    (void)state;
    for (uint32_t i = 0; i < 5000; i++)
        reliability_served(&r, MINUTE, true);
    assert_true(down_of(&r, MINUTE) < before / 50);
    assert_true(r.failed > 0);
    assert_true(r.own[0] < RELIABILITY_COUNT_MAX);
}

static void hearsay_makes_nothing_of_our_own_fade(void **state)
{
    struct reliability r = some(40, 10, MINUTE, true);
    struct reliability_account account;
    (void)state;
    for (uint32_t i = 0; i < 5000; i++)
        reliability_served(&r, MINUTE, false);
    assert_int_equal(r.own[0], 40);
    assert_int_equal(r.failed, 10);
    reliability_failed(&r, false);
    assert_true(reliability_reckon(&r, MINUTE, &account));
    assert_int_equal(account.failed, 11);
    for (uint32_t i = 0; i < 5000; i++)
        reliability_failed(&r, false);
    assert_true(r.heard_failed < RELIABILITY_COUNT_MAX);
    assert_int_equal(r.own[0], 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_known_is_not_known),
        cmocka_unit_test(the_rule_of_succession_holds),
        cmocka_unit_test(short_contracts_say_little_about_long_ones),
        cmocka_unit_test(what_others_bought_counts_so_far_and_no_farther),
        cmocka_unit_test(the_worse_of_record_and_link_counts),
        cmocka_unit_test(who_forges_is_not_relied_on),
        cmocka_unit_test(the_old_fades),
        cmocka_unit_test(hearsay_makes_nothing_of_our_own_fade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
