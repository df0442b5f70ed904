/* chain.prove and chain.prove.steps of a node that makes its own blocks:
 * joined, the parts are a file that the light client believes. */

#define _GNU_SOURCE /* mkdtemp, nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/rpc_rig.h"

#include "ledger/light.h"
#include "ledger/transfer.h"

#define BLOCKS 8u /* of epochs of three */

static struct rig *rig;
static unsigned finals;
static struct hash tx_ids[BLOCKS];

static void count_final(void *ctx, const struct candidate *candidate)
{
    const struct block *block = candidate_block(candidate);
    (void)ctx;
    assert_true(finals < BLOCKS && block->tx_count == 1);
    tx_ids[finals++] = block->txs[0].id;
}

static void no_refusal(void *ctx, const struct hash *id, uint64_t token,
                       enum err err, uint64_t height)
{
    (void)ctx;
    (void)id;
    (void)token;
    (void)height;
    fail_msg("refused: %s", err_name(err));
}

static void no_relay(void *ctx, uint64_t token, bool first, struct bytes tx)
{
    (void)ctx;
    (void)token;
    (void)first;
    (void)tx;
}

static void no_notice(void *ctx, enum sx_notice notice, uint16_t index)
{
    (void)ctx;
    (void)notice;
    (void)index;
}

static void no_halt(void *ctx, enum err err)
{
    (void)ctx;
    fail_msg("halted: %s", err_name(err));
}

static void make_genesis(struct genesis *genesis)
{
    genesis_init(genesis);
    strcpy(genesis->network, "unit");
    genesis->test = true;
    genesis->time_ms = 1;
    assert_int_equal(params_set(&genesis->params, "epoch_blocks", 3), OK);
    assert_int_equal(genesis_add_validator(genesis, &rig->node.vote_signer.key,
                                           amount_micro(5000000), NULL),
                     OK);
    assert_int_equal(
        genesis_add_account(genesis, &rig->node.self, amount_micro(9000000)),
        OK);
    assert_int_equal(genesis_seal(genesis), OK);
}

/* One payment, and the block it is final in. */
static void make_block(uint64_t nonce)
{
    struct node *node = &rig->node;
    struct transfer transfer = {.to = node->vote_signer.key,
                                .amount = amount_micro(100)};
    struct tx tx = {.chain = node->genesis.chain,
                    .kind = TX_TRANSFER,
                    .nonce = nonce,
                    .expiry_height = 1000,
                    .fee = amount_micro(10000)};
    struct buf payload;
    struct buf bytes;
    buf_init(&payload, LIMIT_TX_BYTES);
    buf_init(&bytes, LIMIT_TX_BYTES);
    transfer_encode(&transfer, &payload);
    tx.payload = buf_bytes(&payload);
    assert_int_equal(tx_sign(&tx, &node->signer), OK);
    tx_encode(&tx, &bytes);
    assert_int_equal(chain_host_submit(node->host, buf_bytes(&bytes), 1), OK);
    for (unsigned turns = 0; finals <= nonce; turns++) {
        assert_true(turns < 100000);
        uv_run(node->loop, UV_RUN_ONCE);
    }
    buf_done(&payload);
    buf_done(&bytes);
}

static int set_up(void **state)
{
    uint8_t seed[32] = {1};
    char path[128];
    char log[128];
    (void)state;
    rig = rig_open();
    struct node *node = &rig->node;
    assert_int_equal(key_from_seed(&purpose_validator, seed, &node->vote_key),
                     OK);
    node->vote_signer = key_signer(node->vote_key);
    make_genesis(&node->genesis);
    rig_path(rig, "chain", path);
    rig_path(rig, "log", log);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(mkdir(log, 0700), 0);
    struct wal_owner owner = {.chain = node->genesis.chain,
                              .key = node->vote_signer.key};
    assert_int_equal(sx_make_log(log, &owner), OK);
    struct chain_host_options options = {.loop = node->loop,
                                         .dir = path,
                                         .log_dir = log,
                                         .genesis = &node->genesis,
                                         .kinds = &(struct kind_table){0},
                                         .signer = &node->vote_signer,
                                         .link_key = node->self,
                                         .events = {.ctx = node,
                                                    .on_final = count_final,
                                                    .on_refused = no_refusal,
                                                    .on_relay = no_relay,
                                                    .on_notice = no_notice,
                                                    .on_halt = no_halt}};
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

static json_t *params(const char *name, const char *value, const char *from)
{
    json_t *object = json_pack("{s:s}", name, value);
    if (from != NULL)
        json_object_set_new(object, "from", json_string(from));
    return object;
}

static uint64_t number(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void add(const json_t *answer, const char *name, struct buf *file)
{
    assert_int_equal(rpc_bytes_json(json_object_get(answer, name), file), OK);
}

/* What the command line does; steps one by one when `slow`. */
static void join(json_t *ask, bool slow, struct buf *file)
{
    json_t *answer = rig_result(rig, "chain.prove", ask);
    uint64_t to = number(answer, "epoch");
    add(answer, "start", file);
    for (uint64_t at = number(answer, "first_epoch"); at < to;) {
        json_t *steps =
            rig_result(rig, "chain.prove.steps",
                       json_pack("{s:I, s:I}", "from", (json_int_t)at, "to",
                                 (json_int_t)(slow ? at + 1 : to)));
        assert_true(number(steps, "next") > at);
        at = number(steps, "next");
        add(steps, "steps", file);
        json_decref(steps);
    }
    add(answer, "proof", file);
    json_decref(answer);
}

static void check(json_t *ask, const struct hash *trusted,
                  struct light_proof *out)
{
    for (unsigned slow = 0; slow < 2; slow++) {
        struct arena arena;
        struct buf file;
        buf_init(&file, LIGHT_BYTES_MAX);
        arena_init(&arena, 1u << 20);
        join(json_incref(ask), slow == 1, &file);
        assert_int_equal(light_check(buf_bytes(&file), trusted,
                                     &rig->node.genesis.chain, &arena, out),
                         OK);
        arena_done(&arena);
        buf_done(&file);
    }
    json_decref(ask);
}

static void nothing_is_proven_before_the_first_block(void **state)
{
    char address[ADDRESS_TEXT_MAX];
    (void)state;
    address_format(ADDRESS_PREFIX_TEST, &rig->node.self, address);
    rig_refused(rig, "chain.prove", params("account", address, NULL),
                "ERR_NOT_FOUND", EXIT_NOT_FOUND, "nothing to prove",
                "suan chain status");
}

static void the_parts_are_a_file_that_holds(void **state)
{
    char address[ADDRESS_TEXT_MAX];
    char id[HASH_TEXT_MAX];
    struct light_proof got;
    (void)state;
    for (unsigned i = 0; i < BLOCKS; i++)
        make_block(i);
    address_format(ADDRESS_PREFIX_TEST, &rig->node.self, address);
    check(params("account", address, NULL), &rig->node.genesis.chain, &got);
    assert_true(got.kind == 'S' && got.state.present);
    assert_int_equal(got.state.header.height, BLOCKS);
    assert_int_equal(got.steps, 1); /* of epoch 2: the tip is in the third */
    for (unsigned i = 0; i < BLOCKS; i++) {
        hash_format(&tx_ids[i], id);
        check(params("tx", id, NULL), &rig->node.genesis.chain, &got);
        assert_true(got.kind == 'T' && hash_equal(&got.tx.tx.id, &tx_ids[i]));
        assert_int_equal(got.tx.header.height, i + 1);
    }
    hash_format(&tx_ids[0], id);
    check(params("contract", id, NULL), &rig->node.genesis.chain, &got);
    assert_true(got.kind == 'S' && !got.state.present);
}

static void a_file_may_start_from_a_trusted_block(void **state)
{
    struct chain *chain = chain_host_chain(rig->node.host);
    struct light_proof got;
    struct header header;
    struct hash block;
    char from[HASH_TEXT_MAX];
    char id[HASH_TEXT_MAX];
    (void)state;
    for (uint64_t height = 0; height <= 6; height++) {
        assert_int_equal(chain_header_at(chain, height, &header), OK);
        header_id(&header, &block);
        hash_format(&block, from);
        hash_format(&tx_ids[2], id);
        check(params("tx", id, from), &block, &got);
        assert_int_equal(got.start, LIGHT_BLOCK);
        assert_int_equal(got.tx.header.height, 3);
        assert_true(got.tx.certified.epoch > header.epoch);
    }
    assert_int_equal(chain_header_at(chain, 7, &header), OK);
    header_id(&header, &block);
    hash_format(&block, from);
    rig_refused(rig, "chain.prove", params("tx", id, from), "ERR_TOO_EARLY",
                EXIT_FAILED, "cannot start from this block", "epoch");
}

static void what_makes_no_sense_is_refused(void **state)
{
    char id[HASH_TEXT_MAX];
    struct hash unknown = {{1}};
    (void)state;
    hash_format(&unknown, id);
    rig_refused(rig, "chain.prove", json_object(), "ERR_PARSE", EXIT_USAGE,
                "name one of", "control.md");
    rig_refused(rig, "chain.prove",
                json_pack("{s:s, s:s}", "tx", id, "contract", id), "ERR_PARSE",
                EXIT_USAGE, "name one of", "control.md");
    rig_refused(rig, "chain.prove", params("tx", id, NULL), "ERR_NOT_FOUND",
                EXIT_NOT_FOUND, "cannot be proven", "wallet history");
    rig_refused(rig, "chain.prove", params("tx", id, id), "ERR_NOT_FOUND",
                EXIT_NOT_FOUND, "no block with the id", "suan chain block");
    rig_refused(rig, "chain.prove.steps",
                json_pack("{s:i, s:i}", "from", 2, "to", 9), "ERR_NOT_FOUND",
                EXIT_NOT_FOUND, "no end of epoch 3", "suan chain status");
    rig_refused(rig, "chain.prove.steps",
                json_pack("{s:i, s:i}", "from", 0, "to", 2), "ERR_NOT_FOUND",
                EXIT_NOT_FOUND, "no end of epoch 0", "suan chain status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_proven_before_the_first_block),
        cmocka_unit_test(the_parts_are_a_file_that_holds),
        cmocka_unit_test(a_file_may_start_from_a_trusted_block),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
