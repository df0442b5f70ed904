/* chain.prove and chain.prove.steps of a node that makes its own blocks:
 * joined, the parts are a file that the light client believes. */

#define _GNU_SOURCE /* mkdtemp, nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/chain_rig.h"

#include "ledger/light.h"

static struct rig *rig;
static const struct hash *tx_ids = chain_rig.tx_ids;

static int set_up(void **state)
{
    (void)state;
    rig = chain_rig_open();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    chain_rig_close();
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
    for (unsigned i = 0; i < CHAIN_RIG_BLOCKS; i++) {
        chain_rig_submit(i);
        chain_rig_until(i + 1, 0);
    }
    address_format(ADDRESS_PREFIX_TEST, &rig->node.self, address);
    check(params("account", address, NULL), &rig->node.genesis.chain, &got);
    assert_true(got.kind == 'S' && got.state.present);
    assert_int_equal(got.state.header.height, CHAIN_RIG_BLOCKS);
    assert_int_equal(got.steps, 1); /* of epoch 2: the tip is in the third */
    for (unsigned i = 0; i < CHAIN_RIG_BLOCKS; i++) {
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
