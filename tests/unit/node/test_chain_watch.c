/* chain_watch.h: is it the chain that stands still, or only what waits? */

#define _GNU_SOURCE /* mkdtemp, nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/chain_rig.h"

#include "node/chain/chain_watch.h"

/* As if all this had begun long ago. */
static void age(struct node *node)
{
    if (node->chain_watch.since_ms != 0)
        node->chain_watch.since_ms = 1;
    if (node->chain_watch.behind_ms != 0)
        node->chain_watch.behind_ms = 1;
}

static void says(struct node *node, const char *wanted)
{
    char why[CHAIN_WATCH_TEXT];
    char behind[CHAIN_WATCH_TEXT];
    assert_false(chain_watch_why(node, why));
    assert_string_equal(why, "");
    assert_true(chain_watch_behind(node, behind) == (wanted[0] != '\0'));
    assert_string_equal(behind, wanted);
    json_t *status = rig_result(chain_rig.rig, "chain.status", NULL);
    assert_string_equal(
        json_string_value(json_object_get(status, "waiting_for")), wanted);
    json_decref(status);
}

static void what_waits_behind_a_missing_one_is_no_standstill(void **state)
{
    struct node *node = &chain_rig.rig->node;
    (void)state;
    chain_watch_tick(node);
    says(node, "");
    chain_rig_submit(1);
    chain_rig_until(0, 1);
    chain_watch_tick(node);
    says(node, ""); /* it may come yet */
    age(node);
    chain_watch_tick(node);
    says(node, "1 transaction waits for an earlier one of its sender, which "
               "is not here");
    chain_rig_submit(3);
    chain_rig_until(0, 2);
    chain_watch_tick(node);
    says(node, "2 transactions wait for an earlier one of their sender, which "
               "is not here");
    chain_rig_submit(0);
    chain_rig_until(1, 1);
    chain_rig_submit(2);
    chain_rig_until(2, 0);
    chain_watch_tick(node);
    says(node, "");
    assert_true(node->chain_watch.behind_ms == 0);
}

static void what_could_enter_and_does_not_is_one(void **state)
{
    struct node *node = &chain_rig.rig->node;
    struct pool *pool = sx_pool(chain_host_core(node->host));
    char why[CHAIN_WATCH_TEXT];
    (void)state;
    chain_rig_submit(5);
    chain_rig_until(0, 1);
    /* As on a network whose validators are away: in a block, not final. */
    struct hash id = pool_next(pool, NULL)->tx.id;
    pool_carry(pool, &id, 1);
    chain_watch_tick(node);
    age(node);
    chain_watch_tick(node);
    assert_true(chain_watch_why(node, why));
    assert_non_null(strstr(why, ": 1 of 1 validators reachable"));
    /* Linked, heard, and yet of no use: that has to be told, too. */
    assert_non_null(strstr(why, "; not all of them vote"));
    assert_int_equal(node->warning_count, 1);
    assert_string_equal(node->warnings[0].what, "no block is decided");
    assert_non_null(strstr(node->warnings[0].why, "not all of them vote"));
    pool_carry(pool, &id, -1);
    chain_watch_tick(node);
    assert_false(chain_watch_why(node, why));
    assert_int_equal(node->warning_count, 0);
}

/* A newcomer takes transactions in before it begins to fetch the state; while
 * it does, there is none to judge them by. */
static void what_waits_while_the_state_is_fetched_is_no_standstill(void **state)
{
    struct node *node = &chain_rig.rig->node;
    struct chain *chain = chain_host_chain(node->host);
    struct store_batch *batch = store_batch_new(0);
    (void)state;
    assert_non_null(batch);
    chain_rig_submit(1);
    chain_rig_until(0, 1);
    chain_sync_begin(chain, batch);
    chain_watch_tick(node);
    age(node);
    chain_watch_tick(node);
    says(node, "");
    chain_sync_cancel(chain);
    store_batch_free(batch);
    chain_watch_tick(node);
    assert_true(node->chain_watch.behind_ms != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_waits_behind_a_missing_one_is_no_standstill, chain_rig_set_up,
            chain_rig_tear_down),
        cmocka_unit_test_setup_teardown(what_could_enter_and_does_not_is_one,
                                        chain_rig_set_up, chain_rig_tear_down),
        cmocka_unit_test_setup_teardown(
            what_waits_while_the_state_is_fetched_is_no_standstill,
            chain_rig_set_up, chain_rig_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
