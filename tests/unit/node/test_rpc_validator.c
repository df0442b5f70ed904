/* validator.*: what a chain at its genesis answers, and the proof that goes
 * into the first bond. What moves money is in tests/e2e/story.sh. */

#define _GNU_SOURCE /* mkdtemp, nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/rpc_rig.h"

#include "ledger/bond_tx.h"
#include "node/control/rpc_validator.h"

static struct rig *rig;
static struct pubkey others[3]; /* two validators, one owner */

static void no_final(void *ctx, const struct candidate *candidate)
{
    (void)ctx;
    (void)candidate;
}

static void no_halt(void *ctx, enum err err)
{
    (void)ctx;
    (void)err;
}

static void make_genesis(struct genesis *genesis)
{
    genesis_init(genesis);
    strcpy(genesis->network, "unit");
    genesis->test = true;
    genesis->time_ms = 1;
    assert_int_equal(params_set(&genesis->params, "epoch_blocks", 5), OK);
    assert_int_equal(genesis_add_validator(genesis, &rig->node.vote_signer.key,
                                           amount_micro(5000000), &others[2]),
                     OK);
    assert_int_equal(
        genesis_add_validator(genesis, &others[0], amount_micro(9000000), NULL),
        OK);
    assert_int_equal(
        genesis_add_validator(genesis, &others[1], amount_micro(1000000), NULL),
        OK);
    assert_int_equal(genesis_seal(genesis), OK);
}

static int set_up(void **state)
{
    uint8_t seed[32] = {1};
    char path[128];
    (void)state;
    rig = rig_open();
    struct node *node = &rig->node;
    assert_int_equal(key_from_seed(&purpose_validator, seed, &node->vote_key),
                     OK);
    node->vote_signer = key_signer(node->vote_key);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t secret[64];
        seed[0] = (uint8_t)(i + 2);
        crypto_sign_seed_keypair(others[i].b, secret, seed);
    }
    make_genesis(&node->genesis);
    rig_path(rig, "chain", path);
    assert_int_equal(mkdir(path, 0700), 0);
    struct chain_host_options options = {
        .loop = node->loop,
        .dir = path,
        .genesis = &node->genesis,
        .kinds = &(struct kind_table){0},
        .events = {.ctx = node, .on_final = no_final, .on_halt = no_halt}};
    assert_int_equal(chain_host_open(&options, &node->host), OK);
    return 0;
}

static int tear_down(void **state)
{
    struct node *node = &rig->node;
    (void)state;
    chain_host_close(node->host);
    key_free(node->vote_key);
    node->vote_key = NULL;
    genesis_done(&node->genesis);
    rig_close(rig);
    return 0;
}

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : "";
}

static bool is_address(const char *got, const struct pubkey *key)
{
    char address[ADDRESS_TEXT_MAX];
    address_format(ADDRESS_PREFIX_TEST, key, address);
    return strcmp(got, address) == 0;
}

static void a_list_has_the_largest_first_and_the_rules(void **state)
{
    (void)state;
    json_t *got = rig_result(rig, "validator.list", NULL);
    json_t *rows = json_object_get(got, "validators");
    assert_int_equal(json_array_size(rows), 3);
    assert_int_equal(number(got, "total"), 3);
    assert_int_equal(number(got, "epoch"), 1);
    assert_int_equal(number(got, "epoch_end_height"), 5);
    assert_int_equal(number(got, "weight"), 15000000);
    assert_int_equal(number(got, "bonded_all_micro"), 15000000);
    assert_int_equal(number(got, "may_leave_micro"), 5000000);
    json_t *first = json_array_get(rows, 0);
    assert_true(is_address(text(first, "validator"), &others[0]));
    assert_true(is_address(text(first, "owner"), &others[0]));
    assert_string_equal(text(first, "state"), "active");
    json_t *second = json_array_get(rows, 1);
    assert_true(is_address(text(second, "owner"), &others[2]));
    assert_true(json_is_true(json_object_get(second, "self")));
    assert_int_equal(number(second, "weight"), 5000000);
    json_decref(got);
}

static void one_is_shown_by_its_address_else_our_own(void **state)
{
    char address[ADDRESS_TEXT_MAX];
    (void)state;
    json_t *got = rig_result(rig, "validator.show", NULL);
    assert_true(is_address(text(got, "validator"), &rig->node.vote_signer.key));
    assert_int_equal(number(got, "bonded_micro"), 5000000);
    assert_int_equal(number(got, "set_weight"), 15000000);
    assert_int_equal(json_array_size(json_object_get(got, "unbondings")), 0);
    json_decref(got);
    address_format(ADDRESS_PREFIX_TEST, &others[1], address);
    got = rig_result(rig, "validator.show",
                     json_pack("{s:s}", "validator", address));
    assert_int_equal(number(got, "bonded_micro"), 1000000);
    json_decref(got);
    /* Nobody's validator: nothing, and no owner. */
    address_format(ADDRESS_PREFIX_TEST, &others[2], address);
    got = rig_result(rig, "validator.show",
                     json_pack("{s:s}", "validator", address));
    assert_string_equal(text(got, "state"), "none");
    assert_true(json_is_null(json_object_get(got, "owner")));
    json_decref(got);
    rig_refused(rig, "validator.show", json_pack("{s:s}", "validator", "x"),
                "ERR_PARSE", EXIT_USAGE, "validator", "");
}

static void the_proof_is_the_vote_keys_for_this_owner_alone(void **state)
{
    struct node *node = &rig->node;
    char address[ADDRESS_TEXT_MAX];
    struct signature proof;
    struct hash digest;
    struct buf raw;
    (void)state;
    address_format(ADDRESS_PREFIX_TEST, &others[2], address);
    json_t *got = rig_result(rig, "validator.prove",
                             json_pack("{s:s}", "owner", address));
    buf_init(&raw, 64);
    assert_int_equal(rpc_bytes_json(json_object_get(got, "proof"), &raw), OK);
    assert_int_equal(raw.len, 64);
    memcpy(proof.b, raw.ptr, 64);
    bond_digest(&node->genesis.chain, &others[2], &node->vote_signer.key,
                &digest);
    assert_int_equal(sign_verify(&node->vote_signer.key, &digest, &proof), OK);
    bond_digest(&node->genesis.chain, &others[1], &node->vote_signer.key,
                &digest);
    assert_int_equal(sign_verify(&node->vote_signer.key, &digest, &proof),
                     ERR_SIGNATURE);
    buf_done(&raw);
    json_decref(got);
    rig_refused(rig, "validator.prove", NULL, "ERR_PARSE", EXIT_USAGE, "owner",
                "");
}

static void a_node_without_a_vote_key_says_so(void **state)
{
    struct node *node = &rig->node;
    struct key *key = node->vote_key;
    char address[ADDRESS_TEXT_MAX];
    (void)state;
    node->vote_key = NULL;
    address_format(ADDRESS_PREFIX_TEST, &others[2], address);
    rig_refused(rig, "validator.show", NULL, "ERR_NOT_FOUND", EXIT_NOT_FOUND,
                "no validator's key", "suan validator list");
    rig_refused(rig, "validator.prove", json_pack("{s:s}", "owner", address),
                "ERR_NOT_FOUND", EXIT_NOT_FOUND, "no validator's key",
                "suan validator list");
    rig_refused(rig, "validator.recall", NULL, "ERR_NOT_FOUND", EXIT_NOT_FOUND,
                "no validator's key", "suan validator list");
    node->vote_key = key;
}

static void who_has_forgotten_nothing_need_not_recall(void **state)
{
    (void)state;
    rig_refused(rig, "validator.recall", json_pack("{s:b}", "vouch", true),
                "ERR_STATE", EXIT_POLICY, "has forgotten nothing",
                "suan chain status");
    rig_refused(rig, "validator.recall", json_pack("{s:s}", "vouch", "yes"),
                "ERR_PARSE", EXIT_USAGE, "vouch", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_has_the_largest_first_and_the_rules),
        cmocka_unit_test(one_is_shown_by_its_address_else_our_own),
        cmocka_unit_test(the_proof_is_the_vote_keys_for_this_owner_alone),
        cmocka_unit_test(a_node_without_a_vote_key_says_so),
        cmocka_unit_test(who_has_forgotten_nothing_need_not_recall),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
