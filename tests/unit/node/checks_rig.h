#ifndef TESTS_NODE_CHECKS_RIG_H
#define TESTS_NODE_CHECKS_RIG_H

/* Somebody who has signatures checked, and notes what it is told. */

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

enum { TXS = 640, TOLD = 20000, MESSAGES = 512, VALIDATOR = 1000 };

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
    uint64_t peers[MESSAGES];
    enum err message_err[MESSAGES];
    uint64_t checked[MESSAGES]; /* signatures before each of them */
    bool has_ids;
    struct hash first_id;
    struct hash known; /* "waits in the pool" */
    bool has_known;
    enum sx_use use;
};

/* ---- who is told ---- */

static inline bool is_known(void *ctx, const struct hash *id)
{
    const struct rig *rig = ctx;
    return rig->has_known && hash_equal(&rig->known, id);
}

static inline enum sx_use use_of(void *ctx, uint64_t peer,
                                 const struct sx_msg *msg)
{
    const struct rig *rig = ctx;
    (void)peer;
    (void)msg;
    return rig->use;
}

/* Peers from VALIDATOR on have proven that they sign. */
static inline int index_of(void *ctx, uint64_t peer)
{
    (void)ctx;
    return peer >= VALIDATOR ? (int)(peer - VALIDATOR) : -1;
}

static inline void on_txs(void *ctx, const struct sx_tx *txs, size_t count)
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

static inline void on_tx_bad(void *ctx, uint64_t token, enum err err)
{
    struct rig *rig = ctx;
    (void)token;
    rig->bad++;
    rig->tx_err = err;
}

static inline void on_message(void *ctx, uint64_t peer, struct bytes message,
                              const struct hash *ids, enum err err)
{
    struct rig *rig = ctx;
    assert_true(message.len > 0);
    assert_true(rig->messages < MESSAGES);
    rig->checked[rig->messages] = checks_count(rig->checks);
    rig->peers[rig->messages] = peer;
    rig->message_err[rig->messages++] = err;
    rig->has_ids = ids != NULL;
    if (ids != NULL)
        rig->first_id = ids[0];
}

/* ---- what they bring ---- */

static inline enum err sign_with(void *ctx, const char *tag,
                                 const struct hash *digest,
                                 struct signature *out)
{
    (void)tag;
    crypto_sign_detached(out->b, NULL, digest->b, HASH_LEN, ctx);
    return OK;
}

static inline void make_txs(struct rig *rig)
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

static inline struct bytes tx_of(struct rig *rig, unsigned i)
{
    return buf_bytes(&rig->txs[i].bytes);
}

/* Its signature is another's. */
static inline void spoil(struct rig *rig, unsigned i)
{
    struct buf *bytes = &rig->txs[i].bytes;
    bytes->ptr[bytes->len - 1] ^= 1;
    hash_bytes(HASH_TAG_TX, buf_bytes(bytes), &rig->txs[i].id);
}

static inline void rig_open(struct rig *rig)
{
    struct checks_events events = {.ctx = rig,
                                   .is_known = is_known,
                                   .use_of = use_of,
                                   .index_of = index_of,
                                   .on_txs = on_txs,
                                   .on_tx_bad = on_tx_bad,
                                   .on_message = on_message};
    memset(rig, 0, sizeof(*rig));
    rig->use = SX_USE_TAKE;
    make_txs(rig);
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    assert_int_equal(checks_new(&rig->loop, &chain, &events, &rig->checks), OK);
}

static inline void rig_run(struct rig *rig)
{
    while (checks_busy(rig->checks))
        uv_run(&rig->loop, UV_RUN_ONCE);
}

static inline void rig_close(struct rig *rig)
{
    checks_stop(rig->checks);
    rig_run(rig);
    checks_free(rig->checks);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    for (unsigned i = 0; i < TXS; i++)
        buf_done(&rig->txs[i].bytes);
}

static inline void bring(struct rig *rig, unsigned i, uint64_t token)
{
    assert_int_equal(checks_tx(rig->checks, tx_of(rig, i), token), OK);
}

/* Of the transactions from..to-1. */
static inline void make_block(struct rig *rig, unsigned from, unsigned to,
                              struct header *header, struct buf *out)
{
    struct bytes txs[TXS];
    struct hash items[TXS];
    buf_init(out, LIMIT_BLOCK_BYTES);
    for (unsigned i = from; i < to; i++) {
        txs[i - from] = tx_of(rig, i);
        block_tx_item(&rig->txs[i].id, &items[i - from]);
    }
    merkle_root(items, to - from, &header->tx_root);
    block_encode(header, NULL, 0, txs, to - from, out);
}

static inline void put_message(const struct sx_msg *msg, struct buf *out)
{
    buf_init(out, LIMIT_MESSAGE_BYTES);
    sx_msg_encode(msg, out);
    assert_int_equal(out->err, OK);
}

static inline void put_block(struct rig *rig, unsigned from, unsigned to,
                             struct buf *out)
{
    struct header header = {0};
    struct sx_msg msg = {.tag = SX_MSG_BLOCK};
    struct buf block;
    make_block(rig, from, to, &header, &block);
    msg.block = buf_bytes(&block);
    put_message(&msg, out);
    buf_done(&block);
}

static inline enum err bring_block(struct rig *rig, uint64_t peer,
                                   unsigned from, unsigned to,
                                   enum checks_verdict *out,
                                   const struct hash **out_ids)
{
    struct buf message;
    put_block(rig, from, to, &message);
    enum err err =
        checks_message(rig->checks, peer, buf_bytes(&message), out, out_ids);
    buf_done(&message);
    return err;
}

static inline void block_waits(struct rig *rig, uint64_t peer, unsigned from,
                               unsigned to)
{
    enum checks_verdict verdict;
    const struct hash *ids;
    assert_int_equal(bring_block(rig, peer, from, to, &verdict, &ids), OK);
    assert_int_equal(verdict, CHECKS_WAIT);
}

#endif
