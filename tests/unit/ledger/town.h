#ifndef TESTS_UNIT_LEDGER_TOWN_H
#define TESTS_UNIT_LEDGER_TOWN_H

/* A chain with all that many validators bring: epochs of five blocks, sets that
 * change, runs of which only the last block is certified, evidence. Made by
 * hand, without anybody voting. Include after fixture.h. */

#include "kinds.h"

#define TOWN_KEYS 4u

struct town {
    struct world w;
    struct test_key keys[TOWN_KEYS]; /* the first is of the genesis */
    uint64_t nonce[USERS];
    struct evidence evidence[1];
    size_t evidence_count;
    struct candidate *run[CHAIN_RUN_MAX];
    size_t run_count;
};

UNUSED static void town_open(struct town *t)
{
    memset(t, 0, sizeof(*t));
    world_open_kinds(&t->w, &test_table);
    for (unsigned i = 0; i < TOWN_KEYS; i++)
        test_key_init(&t->keys[i], 1000 + i);
}

UNUSED static void town_close(struct town *t)
{
    while (t->run_count > 0)
        candidate_free(t->run[--t->run_count]);
    world_close(&t->w);
}

static const struct test_key *town_key(const struct town *t,
                                       const struct pubkey *key)
{
    for (unsigned i = 0; i < TOWN_KEYS; i++) {
        if (pubkey_equal(&t->keys[i].signer.key, key))
            return &t->keys[i];
    }
    fail_msg("nobody has this key");
    return NULL;
}

/* All of the epoch's set but `silent` (a place; -1: none) sign. */
static void town_certify(struct town *t, const struct block *block, int silent,
                         struct cert *out)
{
    struct chain *chain = t->w.chain;
    const struct validators *set = chain_validators(chain);
    struct proposal on = {.epoch = block->header.epoch, .id = block->id};
    on.view = (block->header.height - 1) % 5 + 1;
    cert_init(out, VOTE_FINALIZE, &on, (uint16_t)set->count);
    for (uint16_t i = 0; i < set->count; i++) {
        const struct test_key *key = town_key(t, &set->items[i].key);
        struct vote vote;
        if (i == silent)
            continue;
        assert_int_equal(vote_sign(VOTE_FINALIZE, &on, i, chain_id(chain),
                                   &key->signer, &vote),
                         OK);
        assert_int_equal(cert_add(out, &vote), OK);
    }
}

/* Everything executed so far is decided and stored. */
UNUSED static void town_end_run(struct town *t)
{
    const struct candidate *run[CHAIN_RUN_MAX];
    struct cert cert;
    struct store_batch *batch;
    size_t count = t->run_count;
    town_certify(t, candidate_block(t->run[count - 1]), -1, &cert);
    assert_int_equal(chain_commit(t->w.chain, t->run, count, &cert, &batch),
                     OK);
    t->run_count = 0;
    assert_int_equal(store_commit(t->w.store, batch), OK);
    assert_int_equal(chain_stored(t->w.chain, store_batch_height(batch), run),
                     count);
    store_batch_free(batch);
    for (size_t r = 0; r < count; r++) {
        const struct block *block = candidate_block(run[r]);
        for (uint32_t i = 0; i < block->tx_count; i++)
            pool_remove(t->w.pool, &block->txs[i].id);
    }
    pool_sweep(t->w.pool);
}

/* One block of what waits; end: its run ends with it. */
UNUSED static void town_block(struct town *t, bool end)
{
    struct chain *chain = t->w.chain;
    struct candidate *on = t->run_count > 0 ? t->run[t->run_count - 1] : NULL;
    struct candidate *next;
    struct chain_drops drops;
    assert_int_equal(
        chain_build(chain, on, t->w.pool, t->evidence, t->evidence_count, 0,
                    &chain_validators(chain)->items[0].key, &drops, &next),
        OK);
    assert_int_equal(drops.count, 0);
    free(drops.items);
    t->evidence_count = 0;
    t->run[t->run_count++] = next;
    if (end || candidate_block(next)->header.height % 5 == 0)
        town_end_run(t);
}

UNUSED static void town_pay(struct town *t, unsigned from, uint64_t micro)
{
    assert_int_equal(pool_transfer(&t->w, from, t->nonce[from]++,
                                   &t->w.users[(from + 1) % USERS].signer.key,
                                   micro),
                     OK);
}

UNUSED static void town_bond(struct town *t, unsigned key, uint64_t micro)
{
    assert_int_equal(pool_kind(&t->w, 3, t->nonce[3]++, KIND_VALIDATOR,
                               t->keys[key].signer.key.b, micro),
                     OK);
}

/* Two votes of the one in the set's first place. */
UNUSED static void town_accuse(struct town *t)
{
    const struct validators *set = chain_validators(t->w.chain);
    struct proposal one = {.epoch = chain_next_epoch(t->w.chain), .view = 77};
    struct proposal two = one;
    struct vote votes[2];
    const struct signer *signer = &town_key(t, &set->items[0].key)->signer;
    one.id.b[0] = 1;
    two.id.b[0] = 2;
    assert_int_equal(vote_sign(VOTE_NOTARIZE, &one, 0, chain_id(t->w.chain),
                               signer, &votes[0]),
                     OK);
    assert_int_equal(vote_sign(VOTE_NOTARIZE, &two, 0, chain_id(t->w.chain),
                               signer, &votes[1]),
                     OK);
    assert_int_equal(evidence_make(&votes[0], &votes[1], &t->evidence[0]), OK);
    t->evidence_count = 1;
}

/* 33 blocks, six epochs and three blocks: a bond in each of the first three
 * epochs, evidence in the fifth, payments all along, runs of one to three. */
UNUSED static void town_history(struct town *t)
{
    for (unsigned h = 1; h <= 33; h++) {
        town_pay(t, h % 3, 100 + h);
        if (h == 2 || h == 6 || h == 11)
            town_bond(t, 1 + h / 5, 2 * CREDITS);
        if (h == 22)
            town_accuse(t);
        town_block(t, h % 3 == 0);
    }
    assert_int_equal(chain_tip(t->w.chain).height, 33);
}

#endif
