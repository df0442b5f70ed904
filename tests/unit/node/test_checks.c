/* checks: each transaction's signature is checked once, whoever brings it. */
#include "checks_rig.h"

static void they_are_told_in_the_order_they_came(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; i < TXS; i++)
        bring(&rig, i, i);
    rig_run(&rig);
    assert_int_equal(rig.told, TXS);
    for (unsigned i = 0; i < TXS; i++)
        assert_int_equal(rig.tokens[i], i);
    assert_int_equal(checks_count(rig.checks), TXS);
    rig_close(&rig);
}

static void one_that_two_bring_is_checked_once_and_told_to_both(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig);
    bring(&rig, 0, 10);
    bring(&rig, 1, 11);
    bring(&rig, 0, 12);
    rig_run(&rig);
    bring(&rig, 0, 13); /* and later */
    rig_run(&rig);
    assert_int_equal(rig.told, 4);
    assert_int_equal(rig.tokens[2], 12);
    assert_int_equal(rig.tokens[3], 13);
    assert_int_equal(checks_count(rig.checks), 2);
    rig_close(&rig);
}

static void what_waits_in_the_pool_is_not_checked_again(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig);
    rig.has_known = true;
    rig.known = rig.txs[3].id;
    bring(&rig, 3, 1);
    rig_run(&rig);
    assert_int_equal(rig.told, 1);
    assert_int_equal(checks_count(rig.checks), 0);
    rig_close(&rig);
}

static void a_bad_one_is_told_and_checked_each_time(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig);
    spoil(&rig, 0);
    bring(&rig, 0, 1);
    rig_run(&rig);
    assert_int_equal(rig.tx_err, ERR_SIGNATURE);
    bring(&rig, 0, 1);
    rig_run(&rig);
    assert_int_equal(rig.bad, 2);
    assert_int_equal(rig.told, 0);
    assert_int_equal(checks_tx(rig.checks, BYTES_LIT("nothing"), 1), OK);
    rig_run(&rig);
    assert_int_equal(rig.bad, 3);
    rig_close(&rig);
}

static void too_many_are_refused(void **state)
{
    static struct rig rig;
    enum err err = OK;
    unsigned taken = 0;
    (void)state;
    rig_open(&rig);
    assert_int_equal(checks_tx(rig.checks, (struct bytes){0}, 1),
                     ERR_TOO_LARGE);
    while (taken < TOLD && err == OK) {
        err = checks_tx(rig.checks, tx_of(&rig, 0), taken);
        taken += err == OK;
    }
    assert_int_equal(err, ERR_RATE);
    assert_int_equal(taken, 16384);
    rig_run(&rig);
    assert_int_equal(rig.told, taken);
    bring(&rig, 1, 1);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_told_in_the_order_they_came),
        cmocka_unit_test(one_that_two_bring_is_checked_once_and_told_to_both),
        cmocka_unit_test(what_waits_in_the_pool_is_not_checked_again),
        cmocka_unit_test(a_bad_one_is_told_and_checked_each_time),
        cmocka_unit_test(too_many_are_refused),
    };
    assert_true(sodium_init() >= 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
