/* Those who submitted a transaction and wait to hear what came of it. */

#define _GNU_SOURCE /* mkdtemp, nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/rpc_rig.h"

#include "node/control/rpc_tx.h"

static struct rig *rig;

static int set_up(void **state)
{
    (void)state;
    rig = rig_open();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_close(rig);
    return 0;
}

static struct tx_watch *watch(uint8_t id)
{
    struct hash hash = {{id}};
    struct tx_watch *made = tx_watch_new(&rig->node, &hash);
    assert_non_null(made);
    assert_int_equal(made->state, TX_WATCH_POOL);
    return made;
}

static void as_many_wait_as_there_are_calls(void **state)
{
    struct hash id = {{1}};
    struct tx_watch *one = watch(1);
    (void)state;
    for (size_t i = 1; i < TX_WATCHES_MAX; i++)
        (void)watch(1);
    assert_null(tx_watch_new(&rig->node, &id));
    tx_watch_free(&rig->node, one);
    assert_ptr_equal(watch(2), one);
}

static void a_refusal_is_told_to_who_sent_it(void **state)
{
    struct tx_watch *one = watch(1);
    struct tx_watch *other = watch(1);
    (void)state;
    tx_watch_refused(&rig->node, one->token, ERR_NONCE, 0);
    assert_int_equal(one->state, TX_WATCH_REFUSED);
    assert_int_equal(one->err, ERR_NONCE);
    assert_int_equal(other->state, TX_WATCH_POOL);
}

/* A free watch has token 0, and so has what nobody waits for. */
static void nobodys_refusal_is_told_to_nobody(void **state)
{
    struct tx_watch *one = watch(1);
    (void)state;
    tx_watch_free(&rig->node, one);
    tx_watch_refused(&rig->node, 0, ERR_NONCE, 0);
    assert_int_equal(one->state, TX_WATCH_POOL);
}

static void what_waits_already_goes_on_waiting(void **state)
{
    struct tx_watch *one = watch(1);
    (void)state;
    tx_watch_refused(&rig->node, one->token, ERR_EXISTS, 0);
    assert_int_equal(one->state, TX_WATCH_POOL);
    tx_watch_refused(&rig->node, one->token, ERR_EXISTS, 7);
    assert_int_equal(one->state, TX_WATCH_FINAL);
    assert_int_equal(one->height, 7);
}

static void all_who_wait_for_it_hear_that_it_is_final(void **state)
{
    struct hash id = {{1}};
    struct tx_watch *one = watch(1);
    struct tx_watch *same = watch(1);
    struct tx_watch *other = watch(2);
    (void)state;
    tx_watch_final(&rig->node, &id, 9);
    assert_int_equal(one->state, TX_WATCH_FINAL);
    assert_int_equal(same->height, 9);
    assert_int_equal(other->state, TX_WATCH_POOL);
}

#define WATCH_TEST(name)                                                       \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WATCH_TEST(as_many_wait_as_there_are_calls),
        WATCH_TEST(a_refusal_is_told_to_who_sent_it),
        WATCH_TEST(nobodys_refusal_is_told_to_nobody),
        WATCH_TEST(what_waits_already_goes_on_waiting),
        WATCH_TEST(all_who_wait_for_it_hear_that_it_is_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
