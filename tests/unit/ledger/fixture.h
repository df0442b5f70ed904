#ifndef TESTS_UNIT_LEDGER_FIXTURE_H
#define TESTS_UNIT_LEDGER_FIXTURE_H

/* What the tests of ledger share: keys from small numbers, a genesis, signed
 * transactions, a network of one validator on a store in memory, and a back end
 * that fails on demand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/check.h"
#include "ledger/chain/chain.h"
#include "ledger/sx/sx.h"
#include "ledger/disk/store_backend.h"
#include "ledger/transfer.h"

#define UNUSED __attribute__((unused))

/* ---- keys ---- */

struct test_key {
    struct signer signer;
    uint8_t secret[64];
};

static enum err test_sign(void *ctx, const char *tag, const struct hash *digest,
                          struct signature *out)
{
    struct test_key *key = ctx;
    (void)tag;
    crypto_sign_detached(out->b, NULL, digest->b, HASH_LEN, key->secret);
    return OK;
}

UNUSED static void test_key_init(struct test_key *key, uint64_t number)
{
    uint8_t seed[32] = {0};
    u64le_put(seed, number + 1);
    memset(key, 0, sizeof(*key));
    crypto_sign_seed_keypair(key->signer.key.b, key->secret, seed);
    key->signer.sign = test_sign;
    key->signer.ctx = key;
}

/* ---- numbers ---- */

/* xorshift64*: a test's own, so that a seed means the same everywhere. */
UNUSED static uint64_t test_random(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(0x2545F4914F6CDD1D);
}

/* ---- a network ---- */

#define USERS   4
#define CREDITS UINT64_C(1000000)
#define T0      UINT64_C(1700000000000)

struct world {
    struct test_key validator;
    struct test_key users[USERS];
    struct genesis genesis;
    struct store *store;
    struct chain *chain;
    struct pool *pool;
};

/* The validator's bond is the owner's; NULL: its own. */
UNUSED static void world_genesis_owned(struct world *w, uint64_t epoch_blocks,
                                       const struct pubkey *owner)
{
    test_key_init(&w->validator, 1000);
    genesis_init(&w->genesis);
    strcpy(w->genesis.network, "unit");
    w->genesis.test = true;
    w->genesis.time_ms = T0;
    assert_int_equal(
        params_set(&w->genesis.params, "epoch_blocks", epoch_blocks), OK);
    assert_int_equal(genesis_add_validator(&w->genesis,
                                           &w->validator.signer.key,
                                           amount_micro(1000000), owner),
                     OK);
    for (unsigned i = 0; i < USERS; i++) {
        test_key_init(&w->users[i], i);
        assert_int_equal(genesis_add_account(&w->genesis,
                                             &w->users[i].signer.key,
                                             amount_micro(100 * CREDITS)),
                         OK);
    }
    assert_int_equal(genesis_seal(&w->genesis), OK);
}

UNUSED static void world_genesis(struct world *w, uint64_t epoch_blocks)
{
    world_genesis_owned(w, epoch_blocks, NULL);
}

UNUSED static void world_open_kinds(struct world *w,
                                    const struct kind_table *kinds)
{
    memset(w, 0, sizeof(*w));
    world_genesis(w, 5);
    assert_int_equal(store_mem_new(&w->store), OK);
    assert_int_equal(chain_open(w->store, &w->genesis, kinds, &w->chain), OK);
    assert_int_equal(pool_new(NULL, &w->pool), OK);
}

UNUSED static void world_open(struct world *w)
{
    world_open_kinds(w, NULL);
}

UNUSED static void world_close(struct world *w)
{
    pool_free(w->pool);
    chain_close(w->chain);
    store_close(w->store);
    genesis_done(&w->genesis);
}

/* ---- transactions ---- */

struct test_tx {
    struct buf payload;
    struct buf bytes;
    struct tx tx; /* payload points into `bytes` after test_tx_make */
    struct arena arena;
};

UNUSED static void test_tx_done(struct test_tx *t)
{
    buf_done(&t->payload);
    buf_done(&t->bytes);
    arena_done(&t->arena);
}

/* Signs whatever is in t->tx and t->payload. */
UNUSED static void test_tx_finish(struct test_tx *t,
                                  const struct test_key *from)
{
    t->tx.payload = buf_bytes(&t->payload);
    assert_int_equal(tx_sign(&t->tx, &from->signer), OK);
    tx_encode(&t->tx, &t->bytes);
    assert_int_equal(t->bytes.err, OK);
    arena_init(&t->arena, 64 * 1024);
    assert_int_equal(tx_decode(buf_bytes(&t->bytes), &t->arena, &t->tx), OK);
}

UNUSED static void test_tx_start(struct test_tx *t, const struct hash *chain,
                                 uint32_t kind, uint64_t nonce)
{
    memset(t, 0, sizeof(*t));
    buf_init(&t->payload, LIMIT_TX_BYTES);
    buf_init(&t->bytes, LIMIT_TX_BYTES);
    t->tx.chain = *chain;
    t->tx.kind = kind;
    t->tx.nonce = nonce;
    t->tx.expiry_height = 1000000;
    t->tx.fee = amount_micro(10000);
}

UNUSED static void test_transfer(struct test_tx *t, const struct hash *chain,
                                 const struct test_key *from, uint64_t nonce,
                                 const struct pubkey *to, uint64_t micro)
{
    struct transfer transfer = {.to = *to, .amount = amount_micro(micro)};
    test_tx_start(t, chain, TX_TRANSFER, nonce);
    transfer_encode(&transfer, &t->payload);
    test_tx_finish(t, from);
}

UNUSED static enum err pool_transfer(struct world *w, unsigned from,
                                     uint64_t nonce, const struct pubkey *to,
                                     uint64_t micro)
{
    struct test_tx t;
    struct account account;
    test_transfer(&t, chain_id(w->chain), &w->users[from], nonce, to, micro);
    assert_int_equal(
        account_get(chain_head_state(w->chain), &t.tx.sender, &account), OK);
    enum err err =
        pool_add(w->pool, &t.tx, buf_bytes(&t.bytes), account.nonce, 0, 0);
    test_tx_done(&t);
    return err;
}

/* ---- blocks ---- */

/* The certificate of the world's one validator. */
UNUSED static void test_certify(const struct chain *chain,
                                const struct test_key *validator,
                                const struct block *block, struct cert *out)
{
    struct chain_tip head = chain_head(chain);
    struct proposal on = {.epoch = block->header.epoch, .id = block->id};
    struct vote vote;
    on.parent_view = head.header.epoch == on.epoch ? head.view : 0;
    on.view = on.parent_view + 1;
    assert_int_equal(vote_sign(VOTE_FINALIZE, &on, 0, chain_id(chain),
                               &validator->signer, &vote),
                     OK);
    cert_init(out, VOTE_FINALIZE, &on, 1);
    assert_int_equal(cert_add(out, &vote), OK);
    assert_int_equal(cert_verify(out, chain_validators(chain), chain_id(chain)),
                     OK);
}

/* Decides and stores a candidate at once. */
UNUSED static void test_settle(struct chain *chain, struct store *store,
                               const struct test_key *validator,
                               struct candidate *candidate)
{
    const struct candidate *run[CHAIN_RUN_MAX];
    struct cert cert;
    struct store_batch *batch;
    test_certify(chain, validator, candidate_block(candidate), &cert);
    assert_int_equal(chain_commit(chain, &candidate, 1, &cert, &batch), OK);
    assert_int_equal(store_commit(store, batch), OK);
    assert_int_equal(chain_stored(chain, store_batch_height(batch), run), 1);
    assert_ptr_equal(run[0], candidate);
    store_batch_free(batch);
}

/* The next block of what waits in the pool. */
UNUSED static struct chain_drops build(struct world *w, struct candidate **out)
{
    struct chain_drops drops;
    assert_int_equal(chain_build(w->chain, NULL, w->pool, NULL, 0, 0,
                                 &w->validator.signer.key, &drops, out),
                     OK);
    return drops;
}

/* Builds a block of what waits in the pool, settles it, empties the pool of it.
 * Returns how many transactions it holds. */
UNUSED static uint32_t world_block(struct world *w)
{
    struct candidate *candidate;
    struct chain_drops drops;
    assert_int_equal(chain_build(w->chain, NULL, w->pool, NULL, 0, 0,
                                 &w->validator.signer.key, &drops, &candidate),
                     OK);
    free(drops.items);
    test_settle(w->chain, w->store, &w->validator, candidate);
    const struct block *block = candidate_block(candidate);
    for (uint32_t i = 0; i < block->tx_count; i++)
        pool_remove(w->pool, &block->txs[i].id);
    pool_sweep(w->pool);
    return block->tx_count;
}

UNUSED static uint64_t balance_of(struct chain *chain, const struct pubkey *key)
{
    struct account account;
    assert_int_equal(account_get(chain_state(chain), key, &account), OK);
    return account.balance.micro;
}

/* ---- files ---- */

UNUSED static void temp_dir(char out[64])
{
    strcpy(out, "/tmp/suan-ledger-XXXXXX");
    assert_non_null(mkdtemp(out));
}

UNUSED static void remove_dir(const char *dir)
{
    char path[160];
    static const char *const names[] = {"data.mdb", "lock.mdb", "store.lock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        remove(path);
    }
    remove(dir);
}

/* ---- a store that fails at the n-th call ---- */

struct faulty {
    struct store store;
    struct store *inner; /* lent */
    unsigned calls;
    unsigned fail_at; /* 0: never */
    enum err err;
};

static struct faulty *faulty_of(struct store *store)
{
    return (struct faulty *)(void *)store;
}

static bool faulty_now(struct faulty *f)
{
    f->calls++;
    return f->calls == f->fail_at;
}

static enum err faulty_hold(struct store *store)
{
    struct faulty *f = faulty_of(store);
    return faulty_now(f) ? f->err : store_hold(f->inner);
}

static void faulty_release(struct store *store)
{
    store_release(faulty_of(store)->inner);
}

static enum err faulty_peek(struct store *store, enum store_table table,
                            struct bytes key, struct bytes *out)
{
    struct faulty *f = faulty_of(store);
    if (faulty_now(f))
        return f->err;
    return f->inner->ops->peek(f->inner, table, key, out);
}

static enum err faulty_each(struct store *store,
                            const struct store_range *range, store_each_fn fn,
                            void *ctx)
{
    struct faulty *f = faulty_of(store);
    return faulty_now(f) ? f->err : store_each(f->inner, range, fn, ctx);
}

static enum err faulty_commit(struct store *store,
                              const struct store_batch *batch)
{
    struct faulty *f = faulty_of(store);
    return faulty_now(f) ? f->err : store_commit(f->inner, batch);
}

static enum err faulty_stat(struct store *store, struct store_stat *out)
{
    return store_stat(faulty_of(store)->inner, out);
}

static void faulty_check_readers(struct store *store)
{
    (void)store;
}

static void faulty_close(struct store *store)
{
    (void)store;
}

static const struct store_ops faulty_ops = {
    .hold = faulty_hold,
    .release = faulty_release,
    .peek = faulty_peek,
    .each = faulty_each,
    .commit = faulty_commit,
    .stat = faulty_stat,
    .check_readers = faulty_check_readers,
    .close = faulty_close,
};

UNUSED static void faulty_init(struct faulty *f, struct store *inner,
                               enum err err)
{
    memset(f, 0, sizeof(*f));
    f->store.ops = &faulty_ops;
    f->inner = inner;
    f->err = err;
}

#endif
