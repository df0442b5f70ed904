/* Validators join, shrink and are judged by what stands in blocks, over epochs
 * and several signers. */

#include "fixture.h"

#include "stakes.h"

#define C CREDITS

struct village {
    struct world w;
    struct test_key nodes[2]; /* the second joins */
    uint64_t nonce;           /* of user 0, who owns it */
    struct evidence evidence[2];
    size_t evidence_count;
};

static void village_open(struct village *v)
{
    memset(v, 0, sizeof(*v));
    world_open(&v->w); /* epochs of 5 blocks, one validator of one credit */
    v->nodes[0] = v->w.validator;
    v->nodes[0].signer.ctx = &v->nodes[0];
    test_key_init(&v->nodes[1], 4000);
}

static const struct test_key *key_of(struct village *v,
                                     const struct pubkey *key)
{
    return pubkey_equal(&v->nodes[0].signer.key, key) ? &v->nodes[0]
                                                      : &v->nodes[1];
}

/* All of the epoch's set sign. */
static void certify(struct village *v, const struct block *block,
                    struct cert *out)
{
    struct chain *chain = v->w.chain;
    const struct validators *set = chain_validators(chain);
    struct chain_tip head = chain_head(chain);
    struct proposal on = {.epoch = block->header.epoch, .id = block->id};
    on.parent_view = head.header.epoch == on.epoch ? head.view : 0;
    on.view = on.parent_view + 1;
    cert_init(out, VOTE_FINALIZE, &on, (uint16_t)set->count);
    for (uint16_t i = 0; i < set->count; i++) {
        struct vote vote;
        assert_int_equal(vote_sign(VOTE_FINALIZE, &on, i, chain_id(chain),
                                   &key_of(v, &set->items[i].key)->signer,
                                   &vote),
                         OK);
        assert_int_equal(cert_add(out, &vote), OK);
    }
    assert_int_equal(cert_verify(out, set, chain_id(chain)), OK);
}

/* One block of what waits, the evidence too; both forms of it are executed. */
static void block(struct village *v)
{
    struct world *w = &v->w;
    const struct candidate *run[CHAIN_RUN_MAX];
    struct candidate *candidate;
    struct candidate *again;
    struct chain_drops drops;
    struct store_batch *batch;
    struct cert cert;
    assert_int_equal(chain_build(w->chain, NULL, w->pool, v->evidence,
                                 v->evidence_count, 0,
                                 &chain_validators(w->chain)->items[0].key,
                                 &drops, &candidate),
                     OK);
    assert_int_equal(drops.count, 0);
    free(drops.items);
    assert_int_equal(candidate_block(candidate)->evidence_count,
                     v->evidence_count);
    v->evidence_count = 0;
    assert_int_equal(chain_execute(w->chain, NULL, candidate_bytes(candidate),
                                   false, NULL, &again),
                     OK);
    candidate_free(again);
    certify(v, candidate_block(candidate), &cert);
    assert_int_equal(chain_commit(w->chain, &candidate, 1, &cert, &batch), OK);
    assert_int_equal(store_commit(w->store, batch), OK);
    assert_int_equal(chain_stored(w->chain, store_batch_height(batch), run), 1);
    store_batch_free(batch);
    const struct block *done = candidate_block(candidate);
    for (uint32_t i = 0; i < done->tx_count; i++)
        pool_remove(w->pool, &done->txs[i].id);
    pool_sweep(w->pool);
}

static void blocks_to(struct village *v, uint64_t height)
{
    while (chain_tip(v->w.chain).height < height)
        block(v);
}

static enum err submit(struct village *v, struct test_tx *t)
{
    struct account account;
    test_tx_finish(t, &v->w.users[0]);
    assert_int_equal(
        account_get(chain_head_state(v->w.chain), &t->tx.sender, &account), OK);
    enum err err = chain_check_tx(v->w.chain, &t->tx, 0);
    if (err == OK)
        err = pool_add(v->w.pool, &t->tx, buf_bytes(&t->bytes), account.nonce,
                       0, 0);
    if (err == OK)
        v->nonce++;
    test_tx_done(t);
    return err;
}

static enum err bond(struct village *v, uint64_t micro)
{
    const struct test_key *node = &v->nodes[1];
    struct bond_add add = {.validator = node->signer.key,
                           .amount = amount_micro(micro),
                           .has_proof = true};
    struct hash digest;
    struct test_tx t;
    bond_digest(chain_id(v->w.chain), &v->w.users[0].signer.key, &add.validator,
                &digest);
    assert_int_equal(
        test_sign(node->signer.ctx, HASH_TAG_BOND, &digest, &add.proof), OK);
    test_tx_start(&t, chain_id(v->w.chain), TX_VALIDATOR_BOND, v->nonce);
    bond_add_encode(&add, &t.payload);
    return submit(v, &t);
}

static enum err unbond(struct village *v, uint64_t micro)
{
    struct bond_take take = {v->nodes[1].signer.key, amount_micro(micro)};
    struct test_tx t;
    test_tx_start(&t, chain_id(v->w.chain), TX_VALIDATOR_UNBOND, v->nonce);
    bond_take_encode(&take, &t.payload);
    return submit(v, &t);
}

static enum err withdraw(struct village *v)
{
    struct test_tx t;
    test_tx_start(&t, chain_id(v->w.chain), TX_VALIDATOR_WITHDRAW, v->nonce);
    bond_withdraw_encode(&v->nodes[1].signer.key, &t.payload);
    return submit(v, &t);
}

/* Two votes in one view by whoever sits there in the running epoch. */
static void accuse(struct village *v, uint16_t index)
{
    struct stakes s = {0};
    const struct validators *set = chain_validators(v->w.chain);
    s.context.chain = *chain_id(v->w.chain);
    stakes_twice(&s, key_of(v, &set->items[index].key),
                 chain_next_epoch(v->w.chain), 77, index,
                 &v->evidence[v->evidence_count++]);
}

static uint64_t weight_of(struct village *v, uint64_t epoch, unsigned node)
{
    struct validators set;
    assert_int_equal(chain_set_of(v->w.chain, epoch, &set), OK);
    int at = validators_find(&set, &v->nodes[node].signer.key);
    return at < 0 ? 0 : set.items[at].weight;
}

static void verify(struct village *v)
{
    struct verify_report report;
    assert_int_equal(chain_audit_money(v->w.chain), OK);
    assert_int_equal(chain_audit_state(v->w.chain), OK);
    assert_int_equal(chain_verify(v->w.store, &v->w.genesis, NULL, NULL, NULL,
                                  NULL, &report),
                     OK);
    world_close(&v->w);
}

static void a_bond_signs_from_the_epoch_after_next(void **state)
{
    struct village v;
    struct stake stake;
    (void)state;
    village_open(&v);
    blocks_to(&v, 2);
    assert_int_equal(bond(&v, 3 * C), OK);
    blocks_to(&v, 5);
    assert_int_equal(weight_of(&v, 2, 1), 0);
    assert_int_equal(weight_of(&v, 3, 1), 3 * C);
    blocks_to(&v, 6);
    /* What may leave is a third of the set that is known, not of the old. */
    assert_int_equal(stake_get(chain_state(v.w.chain), &stake), OK);
    assert_int_equal(stake.weight, 4 * C);
    assert_int_equal(unbond(&v, 4 * C / 3 + 1), ERR_LEAVE_LIMIT);
    blocks_to(&v, 10);
    assert_int_equal(chain_validators(v.w.chain)->count, 2);
    blocks_to(&v, 16); /* two signers, and the next epoch */
    verify(&v);
}

static void what_is_asked_between_epochs_is_judged_in_the_new_one(void **state)
{
    struct village v;
    (void)state;
    village_open(&v);
    assert_int_equal(bond(&v, 2 * C), OK);
    blocks_to(&v, 6);
    assert_int_equal(unbond(&v, C), OK);
    blocks_to(&v, 7);
    assert_int_equal(bond(&v, C), OK);
    blocks_to(&v, 8);
    assert_int_equal(unbond(&v, C), ERR_LEAVE_LIMIT);
    blocks_to(&v, 10); /* the next block begins an epoch: a new third */
    assert_int_equal(unbond(&v, C), OK);
    blocks_to(&v, 11);
    verify(&v);
}

static void when_all_are_jailed_the_last_known_set_goes_on(void **state)
{
    struct village v;
    (void)state;
    village_open(&v);
    assert_int_equal(bond(&v, 2 * C), OK);
    blocks_to(&v, 6); /* epoch 2; epoch 3 will have 1 and 2 credits */
    assert_int_equal(unbond(&v, C), OK);
    blocks_to(&v, 11); /* epoch 3; epoch 4 will have 1 and 1 */
    assert_int_equal(weight_of(&v, 3, 1), 2 * C);
    assert_int_equal(weight_of(&v, 4, 1), C);
    accuse(&v, 0);
    accuse(&v, 1);
    blocks_to(&v, 15);
    assert_int_equal(weight_of(&v, 5, 0), C);
    assert_int_equal(weight_of(&v, 5, 1), C);
    blocks_to(&v, 22);
    assert_int_equal(chain_validators(v.w.chain)->count, 2);
    verify(&v);
}

static void the_accused_leaves_and_the_owner_gets_the_rest(void **state)
{
    struct village v;
    (void)state;
    village_open(&v);
    const struct pubkey *owner = &v.w.users[0].signer.key;
    assert_int_equal(bond(&v, 2 * C), OK);
    blocks_to(&v, 11);
    const struct validators *set = chain_validators(v.w.chain);
    accuse(&v, (uint16_t)validators_find(set, &v.nodes[1].signer.key));
    blocks_to(&v, 15);
    assert_int_equal(weight_of(&v, 4, 1), 2 * C); /* announced before */
    assert_int_equal(weight_of(&v, 5, 1), 0);
    assert_int_equal(bond(&v, C), ERR_JAILED);
    assert_int_equal(unbond(&v, 1900000), OK); /* epoch 4: released in 12 */
    blocks_to(&v, 54);
    assert_int_equal(withdraw(&v), ERR_NOT_RELEASED);
    blocks_to(&v, 55);
    uint64_t before = balance_of(v.w.chain, owner);
    assert_int_equal(withdraw(&v), OK);
    blocks_to(&v, 56);
    assert_int_equal(balance_of(v.w.chain, owner), before - 10000 + 1900000);
    verify(&v);
}

/* Evidence stands in a block before the transactions. */
static void a_transaction_is_found_behind_evidence(void **state)
{
    struct village v;
    struct test_tx t;
    struct tx_place place;
    struct arena arena;
    struct bytes bytes;
    struct result result;
    (void)state;
    village_open(&v);
    blocks_to(&v, 3);
    assert_int_equal(bond(&v, 3 * C), OK);
    blocks_to(&v, 11);
    const struct validators *set = chain_validators(v.w.chain);
    accuse(&v, (uint16_t)validators_find(set, &v.nodes[1].signer.key));
    test_transfer(&t, chain_id(v.w.chain), &v.w.users[1], 0,
                  &v.w.users[2].signer.key, 5);
    assert_int_equal(pool_add(v.w.pool, &t.tx, buf_bytes(&t.bytes), 0, 0, 0),
                     OK);
    block(&v);
    arena_init(&arena, 1u << 20);
    assert_int_equal(chain_find_tx(v.w.chain, &t.tx.id, &place), OK);
    assert_int_equal(chain_tx_at(v.w.chain, place, &arena, &bytes, &result),
                     OK);
    assert_true(bytes_equal(bytes, buf_bytes(&t.bytes)));
    arena_done(&arena);
    test_tx_done(&t);
    verify(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bond_signs_from_the_epoch_after_next),
        cmocka_unit_test(what_is_asked_between_epochs_is_judged_in_the_new_one),
        cmocka_unit_test(when_all_are_jailed_the_last_known_set_goes_on),
        cmocka_unit_test(the_accused_leaves_and_the_owner_gets_the_rest),
        cmocka_unit_test(a_transaction_is_found_behind_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
