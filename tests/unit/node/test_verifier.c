/* verifier.h: a chain is executed again in memory, or on the disk. */

#define _GNU_SOURCE /* mkdtemp, nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/chain_rig.h"

#include "node/chain/verifier.h"

static struct kind_table no_kinds;

static int set_up(void **state)
{
    (void)state;
    chain_rig_open();
    for (unsigned i = 0; i < 4; i++) {
        chain_rig_submit(i);
        chain_rig_until(i + 1, 0);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    chain_rig_close();
    return 0;
}

static struct verifier *verifier_of(const char *dir, uint64_t memory_bytes)
{
    struct node *node = &chain_rig.rig->node;
    struct verifier_options options = {
        .store = chain_store(chain_host_chain(node->host)),
        .genesis = &node->genesis,
        .kinds = &no_kinds,
        .memory_bytes = memory_bytes};
    struct verifier *verifier;
    snprintf(options.scratch_dir, sizeof(options.scratch_dir), "%s", dir);
    assert_int_equal(verifier_new(&options, &verifier), OK);
    return verifier;
}

static void run(struct verifier *verifier, struct verifier_now *now)
{
    assert_int_equal(verifier_start(verifier), OK);
    for (verifier_get(verifier, now); !now->done; verifier_get(verifier, now))
        usleep(1000);
}

static void what_is_too_large_for_memory_goes_to_the_disk(void **state)
{
    char dir[128];
    char lost[160];
    struct verifier_now now;
    (void)state;
    rig_path(chain_rig.rig, "again", dir);
    for (unsigned i = 0; i < 2; i++) {
        struct verifier *verifier = verifier_of(dir, i == 0 ? 0 : UINT64_MAX);
        run(verifier, &now);
        assert_int_equal(now.err, OK);
        assert_int_equal(now.report.height, 4);
        assert_int_equal(now.report.txs, 4);
        assert_int_equal(access(dir, F_OK), -1);
        verifier_free(verifier);
    }
    /* On the disk: where nothing can be made there is none. */
    snprintf(lost, sizeof(lost), "%s/no/such", dir);
    struct verifier *verifier = verifier_of(lost, 0);
    run(verifier, &now);
    assert_int_equal(now.err, ERR_NOT_FOUND);
    verifier_free(verifier);
}

/* A process that was killed has left its own. */
static void what_was_left_is_removed(void **state)
{
    char dir[128];
    struct store *store;
    (void)state;
    rig_path(chain_rig.rig, "again", dir);
    assert_int_equal(store_lmdb_open(dir, NULL, &store), OK);
    store_close(store);
    assert_int_equal(access(dir, F_OK), 0);
    verifier_free(verifier_of(dir, 0));
    assert_int_equal(access(dir, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_too_large_for_memory_goes_to_the_disk),
        cmocka_unit_test(what_was_left_is_removed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
