/* checks: each transaction's signature is checked once, whoever brings it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "ledger/block.h"
#include "ledger/params.h"
#include "ledger/sx/sx_msg.h"
#include "ledger/transfer.h"
#include "node/chain/checks.h"

enum { TXS = 640, TOLD = 20000 };

static const struct hash chain = {{7}};

struct made {
    struct buf bytes;
    struct hash id;
};

/* One who is told, and what it was told. */
struct rig {
    uv_loop_t loop;
    struct checks *checks;
    struct made txs[TXS];
    uint64_t tokens[TOLD];
    size_t told;
    size_t bad;
    size_t steps; /* calls of on_txs */
    enum err tx_err;
    size_t messages;
    uint64_t peers[16];
    enum err message_err[16];
    bool has_ids;
    struct hash first_id;
    struct hash known; /* "waits in the pool" */
    bool has_known;
    bool has_block;
};

/* ---- who is told ---- */

static bool is_known(void *ctx, const struct hash *id)
{
    const struct rig *rig = ctx;
    return rig->has_known && hash_equal(&rig->known, id);
}

static bool has_block(void *ctx, const struct hash *id)
{
    const struct rig *rig = ctx;
    (void)id;
    return rig->has_block;
}

static void on_txs(void *ctx, const struct sx_tx *txs, size_t count)
{
    struct rig *rig = ctx;
    rig->steps++;
    for (size_t i = 0; i < count; i++) {
        struct hash id;
        assert_true(txs[i].verified);
        hash_bytes(HASH_TAG_TX, txs[i].bytes, &id);
        if (txs[i].tx != NULL)
            assert_true(hash_equal(&txs[i].tx->id, &id));
        assert_true(rig->told < TOLD);
        rig->tokens[rig->told++] = txs[i].token;
    }
}

static void on_tx_bad(void *ctx, uint64_t token, enum err err)
{
    struct rig *rig = ctx;
    (void)token;
    rig->bad++;
    rig->tx_err = err;
}

static void on_message(void *ctx, uint64_t peer, struct bytes message,
                       const struct hash *ids, enum err err)
{
    struct rig *rig = ctx;
    assert_int_equal(message.ptr[0], SX_MSG_BLOCK);
    assert_true(rig->messages < 16);
    rig->peers[rig->messages] = peer;
    rig->message_err[rig->messages++] = err;
    rig->has_ids = ids != NULL;
    if (ids != NULL)
        rig->first_id = ids[0];
}

/* ---- what they bring ---- */

static enum err sign_with(void *ctx, const char *tag, const struct hash *digest,
                          struct signature *out)
{
    (void)tag;
    crypto_sign_detached(out->b, NULL, digest->b, HASH_LEN, ctx);
    return OK;
}

static void make_txs(struct rig *rig)
{
    uint8_t secret[64];
    uint8_t seed[32] = "checks";
    struct signer signer = {.sign = sign_with, .ctx = secret};
    crypto_sign_seed_keypair(signer.key.b, secret, seed);
    for (unsigned i = 0; i < TXS; i++) {
        struct transfer transfer = {.to = signer.key,
                                    .amount = amount_micro(1)};
        struct tx tx = {.kind = TX_TRANSFER, .chain = chain, .nonce = i};
        struct buf payload;
        buf_init(&payload, 1024);
        transfer_encode(&transfer, &payload);
        tx.payload = buf_bytes(&payload);
        assert_int_equal(tx_sign(&tx, &signer), OK);
        rig->txs[i].id = tx.id;
        buf_init(&rig->txs[i].bytes, LIMIT_TX_BYTES);
        tx_encode(&tx, &rig->txs[i].bytes);
        buf_done(&payload);
    }
}

static struct bytes tx_of(struct rig *rig, unsigned i)
{
    return buf_bytes(&rig->txs[i].bytes);
}

/* Its signature is another's. */
static void spoil(struct rig *rig, unsigned i)
{
    struct buf *bytes = &rig->txs[i].bytes;
    bytes->ptr[bytes->len - 1] ^= 1;
    hash_bytes(HASH_TAG_TX, buf_bytes(bytes), &rig->txs[i].id);
}

static void rig_open(struct rig *rig)
{
    struct checks_events events = {.ctx = rig,
                                   .is_known = is_known,
                                   .has_block = has_block,
                                   .on_txs = on_txs,
                                   .on_tx_bad = on_tx_bad,
                                   .on_message = on_message};
    memset(rig, 0, sizeof(*rig));
    make_txs(rig);
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    assert_int_equal(checks_new(&rig->loop, &chain, &events, &rig->checks), OK);
}

static void rig_run(struct rig *rig)
{
    while (checks_busy(rig->checks))
        uv_run(&rig->loop, UV_RUN_ONCE);
}

static void rig_close(struct rig *rig)
{
    checks_stop(rig->checks);
    rig_run(rig);
    checks_free(rig->checks);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    for (unsigned i = 0; i < TXS; i++)
        buf_done(&rig->txs[i].bytes);
}

static void bring(struct rig *rig, unsigned i, uint64_t token)
{
    assert_int_equal(checks_tx(rig->checks, tx_of(rig, i), token), OK);
}

static void put_block(struct rig *rig, unsigned from, unsigned to,
                      struct buf *out)
{
    struct header header = {0};
    struct bytes txs[TXS];
    struct sx_msg msg = {.tag = SX_MSG_BLOCK};
    struct buf block;
    buf_init(&block, LIMIT_BLOCK_BYTES);
    for (unsigned i = from; i < to; i++)
        txs[i - from] = tx_of(rig, i);
    block_encode(&header, NULL, 0, txs, to - from, &block);
    msg.block = buf_bytes(&block);
    buf_init(out, LIMIT_MESSAGE_BYTES);
    sx_msg_encode(&msg, out);
    assert_int_equal(out->err, OK);
    buf_done(&block);
}

/* Of the transactions from..to-1. */
static enum err bring_block(struct rig *rig, uint64_t peer, unsigned from,
                            unsigned to, enum checks_verdict *out,
                            const struct hash **out_ids)
{
    struct buf message;
    put_block(rig, from, to, &message);
    enum err err =
        checks_message(rig->checks, peer, buf_bytes(&message), out, out_ids);
    buf_done(&message);
    return err;
}

static void block_waits(struct rig *rig, uint64_t peer, unsigned from,
                        unsigned to)
{
    enum checks_verdict verdict;
    const struct hash *ids;
    assert_int_equal(bring_block(rig, peer, from, to, &verdict, &ids), OK);
    assert_int_equal(verdict, CHECKS_WAIT);
}

/* ---- transactions ---- */

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

/* ---- blocks ---- */

static void a_block_waits_for_what_is_being_checked(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; i < 500; i++) /* more than all workers take at once */
        bring(&rig, i, i);
    block_waits(&rig, 5, 0, 520);
    block_waits(&rig, 6, 400, TXS);
    rig_run(&rig);
    assert_int_equal(rig.messages, 2);
    assert_int_equal(rig.peers[0], 5);
    assert_int_equal(rig.message_err[0], OK);
    assert_int_equal(rig.message_err[1], OK);
    assert_true(rig.has_ids);
    assert_true(hash_equal(&rig.first_id, &rig.txs[400].id));
    assert_int_equal(rig.told, 500);
    assert_int_equal(checks_count(rig.checks), TXS);
    rig_close(&rig);
}

static void what_a_block_brought_is_known_when_it_comes_by_itself(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig);
    block_waits(&rig, 5, 0, 100);
    bring(&rig, 7, 1); /* while its check is under way */
    rig_run(&rig);
    bring(&rig, 8, 2);
    rig_run(&rig);
    assert_int_equal(rig.told, 2);
    assert_int_equal(checks_count(rig.checks), 100);
    rig_close(&rig);
}

static void a_block_of_what_is_known_does_not_wait(void **state)
{
    static struct rig rig;
    enum checks_verdict verdict;
    const struct hash *ids;
    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; i < 10; i++)
        bring(&rig, i, i);
    rig_run(&rig);
    assert_int_equal(bring_block(&rig, 5, 0, 10, &verdict, &ids), OK);
    assert_int_equal(verdict, CHECKS_GOOD);
    for (unsigned i = 0; i < 10; i++)
        assert_true(hash_equal(&ids[i], &rig.txs[i].id));
    assert_int_equal(checks_count(rig.checks), 10);
    rig_close(&rig);
}

static void a_block_that_is_here_is_not_looked_at_again(void **state)
{
    static struct rig rig;
    enum checks_verdict verdict;
    const struct hash *ids;
    (void)state;
    rig_open(&rig);
    rig.has_block = true;
    assert_int_equal(bring_block(&rig, 5, 0, 10, &verdict, &ids), OK);
    assert_int_equal(verdict, CHECKS_PLAIN);
    assert_null(ids);
    assert_int_equal(checks_count(rig.checks), 0);
    rig_close(&rig);
}

static void a_bad_block_is_told_and_costs_no_more_checks(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; i < 32; i++)
        spoil(&rig, i);
    block_waits(&rig, 5, 0, TXS);
    rig_run(&rig);
    assert_int_equal(rig.messages, 1);
    assert_int_equal(rig.message_err[0], ERR_SIGNATURE);
    assert_true(checks_count(rig.checks) < TXS);
    rig_close(&rig);
}

/* What nobody wanted any more is wanted after all. */
static void a_bad_block_does_not_spoil_what_others_bring(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig);
    spoil(&rig, 0);
    block_waits(&rig, 5, 0, TXS);
    while (rig.messages == 0 && checks_count(rig.checks) == 0)
        uv_run(&rig.loop, UV_RUN_ONCE);
    block_waits(&rig, 6, 1, TXS);
    bring(&rig, TXS - 1, 77);
    rig_run(&rig);
    assert_int_equal(rig.messages, 2);
    assert_int_equal(rig.message_err[0], ERR_SIGNATURE);
    assert_int_equal(rig.message_err[1], OK);
    assert_int_equal(rig.told, 1);
    assert_int_equal(rig.bad, 0);
    assert_int_equal(checks_count(rig.checks), TXS);
    rig_close(&rig);
}

static void what_is_no_block_is_left_to_the_core(void **state)
{
    static struct rig rig;
    enum checks_verdict verdict = CHECKS_WAIT;
    const struct hash *ids;
    struct buf message;
    (void)state;
    rig_open(&rig);
    assert_int_equal(
        checks_message(rig.checks, 1, BYTES_LIT("\x07"), &verdict, &ids), OK);
    assert_int_equal(verdict, CHECKS_PLAIN);
    put_block(&rig, 0, 3, &message);
    message.len--; /* the last transaction is cut */
    assert_int_equal(
        checks_message(rig.checks, 1, buf_bytes(&message), &verdict, &ids),
        ERR_TRUNCATED);
    buf_done(&message);
    rig_close(&rig);
}

static void a_block_of_scraps_is_refused_at_once(void **state)
{
    static struct rig rig;
    struct header header = {0};
    struct bytes scrap = BYTES_LIT("a scrap");
    struct sx_msg msg = {.tag = SX_MSG_BLOCK};
    enum checks_verdict verdict;
    const struct hash *ids;
    struct buf block;
    struct buf message;
    (void)state;
    rig_open(&rig);
    buf_init(&block, LIMIT_BLOCK_BYTES);
    buf_init(&message, LIMIT_MESSAGE_BYTES);
    block_encode(&header, NULL, 0, &scrap, 1, &block);
    msg.block = buf_bytes(&block);
    sx_msg_encode(&msg, &message);
    assert_int_equal(
        checks_message(rig.checks, 1, buf_bytes(&message), &verdict, &ids),
        ERR_TRUNCATED);
    buf_done(&message);
    buf_done(&block);
    rig_close(&rig);
}

static void blocks_that_wait_are_bounded(void **state)
{
    static struct rig rig;
    enum checks_verdict verdict;
    const struct hash *ids;
    enum err err = OK;
    unsigned taken = 0;
    (void)state;
    rig_open(&rig);
    while (err == OK && taken < 100) {
        err = bring_block(&rig, taken, 0, 2, &verdict, &ids);
        taken += err == OK;
    }
    assert_int_equal(err, ERR_RATE);
    assert_int_equal(taken, 64);
    rig_close(&rig); /* with all of them waiting */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_told_in_the_order_they_came),
        cmocka_unit_test(one_that_two_bring_is_checked_once_and_told_to_both),
        cmocka_unit_test(what_waits_in_the_pool_is_not_checked_again),
        cmocka_unit_test(a_bad_one_is_told_and_checked_each_time),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(a_block_waits_for_what_is_being_checked),
        cmocka_unit_test(what_a_block_brought_is_known_when_it_comes_by_itself),
        cmocka_unit_test(a_block_of_what_is_known_does_not_wait),
        cmocka_unit_test(a_block_that_is_here_is_not_looked_at_again),
        cmocka_unit_test(a_bad_block_is_told_and_costs_no_more_checks),
        cmocka_unit_test(a_bad_block_does_not_spoil_what_others_bring),
        cmocka_unit_test(what_is_no_block_is_left_to_the_core),
        cmocka_unit_test(a_block_of_scraps_is_refused_at_once),
        cmocka_unit_test(blocks_that_wait_are_bounded),
    };
    assert_true(sodium_init() >= 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
