/* A node's own keys: made once, and never in the place of one that was lost. */

#define _GNU_SOURCE /* mkdtemp, nftw */

#include "node/node_keys.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "node/node.h"

static char root[64];

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int setup(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/suan-test-XXXXXX");
    return sodium_init() >= 0 && mkdtemp(root) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* One start as a validator; *out_vote: the key it would vote with. */
static enum err start(struct rpc_error *error, struct pubkey *out_vote)
{
    static struct node node; /* large */
    memset(&node, 0, sizeof(node));
    memset(error, 0, sizeof(*error));
    node.roles = NODE_ROLE_VALIDATOR;
    assert_int_equal(datadir_open(&node.dir, root), OK);
    enum err err = node_keys_open(&node, error);
    if (err == OK)
        *out_vote = node.vote_signer.key;
    key_free(node.key);
    key_free(node.vote_key);
    keyfile_transport_done(&node.transport);
    datadir_close(&node.dir);
    return err;
}

static void path_of(const char *leaf, char out[128])
{
    snprintf(out, 128, "%s/%s", root, leaf);
}

static void keys_are_made_once(void **state)
{
    struct rpc_error error;
    struct pubkey first;
    struct pubkey again;
    (void)state;
    assert_int_equal(start(&error, &first), OK);
    assert_int_equal(start(&error, &again), OK);
    assert_true(pubkey_equal(&first, &again));
}

static void a_lost_vote_key_is_not_made_anew(void **state)
{
    struct rpc_error error;
    struct pubkey first;
    struct pubkey again;
    char key[128];
    char kept[128];
    char votes[128];
    char away[128];
    (void)state;
    path_of("keys/" KEYFILE_NAME_VALIDATOR, key);
    path_of("backup", kept);
    path_of("votes", votes);
    path_of("votes-away", away);
    assert_int_equal(start(&error, &first), OK);
    assert_int_equal(rename(key, kept), 0);
    assert_int_equal(start(&error, &again), ERR_NO_KEY);
    assert_non_null(strstr(error.what, "the validator's key is gone"));
    assert_non_null(strstr(error.next, "backup"));
    assert_int_equal(access(key, F_OK), -1);
    /* As it says: the backup, or another key and no votes. */
    assert_int_equal(rename(kept, key), 0);
    assert_int_equal(start(&error, &again), OK);
    assert_true(pubkey_equal(&first, &again));
    assert_int_equal(unlink(key), 0);
    assert_int_equal(rename(votes, away), 0);
    assert_int_equal(start(&error, &again), OK);
    assert_false(pubkey_equal(&first, &again));
}

/* Else the next start would take it for one that has forgotten. */
static void a_key_whose_log_cannot_be_made_is_not_left(void **state)
{
    struct rpc_error error;
    struct pubkey vote;
    char key[128];
    char votes[128];
    (void)state;
    path_of("keys/" KEYFILE_NAME_VALIDATOR, key);
    path_of("votes", votes);
    FILE *file = fopen(votes, "w"); /* where a directory should be */
    assert_non_null(file);
    fclose(file);
    assert_true(start(&error, &vote) != OK);
    assert_int_equal(access(key, F_OK), -1);
    assert_int_equal(unlink(votes), 0);
    assert_int_equal(start(&error, &vote), OK);
    assert_int_equal(access(key, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_are_made_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_vote_key_is_not_made_anew, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_key_whose_log_cannot_be_made_is_not_left, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
