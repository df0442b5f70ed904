/* The rules of blocks and transactions. What the disk has to do with it is in
 * test_chain_store.c. */

#include "fixture.h"

#include "golden.h"
#include "kinds.h"
#include "ledger/state/overlay.h"

static void a_new_chain_starts_at_its_genesis(void **state)
{
    struct world w;
    struct chain_tip tip;
    (void)state;
    world_open(&w);
    tip = chain_tip(w.chain);
    assert_int_equal(tip.height, 0);
    assert_int_equal(tip.header.time_ms, T0);
    assert_golden_hash("block0-id", &tip.id);
    assert_int_equal(balance_of(w.chain, &w.users[0].signer.key),
                     100 * CREDITS);
    assert_int_equal(chain_audit_money(w.chain), OK);
    assert_int_equal(chain_audit_state(w.chain), OK);
    world_close(&w);
}

static void a_transfer_moves_money_and_pays_the_proposer(void **state)
{
    struct world w;
    (void)state;
    world_open(&w);
    assert_int_equal(pool_transfer(&w, 0, 0, &w.users[1].signer.key, 500), OK);
    assert_int_equal(world_block(&w), 1);
    assert_int_equal(balance_of(w.chain, &w.users[0].signer.key),
                     100 * CREDITS - 500 - 10000);
    assert_int_equal(balance_of(w.chain, &w.users[1].signer.key),
                     100 * CREDITS + 500);
    assert_int_equal(balance_of(w.chain, &w.validator.signer.key), 10000);
    assert_int_equal(chain_audit_money(w.chain), OK);
    assert_int_equal(chain_audit_state(w.chain), OK);
    world_close(&w);
}

static void the_owner_of_the_proposers_bond_has_the_fees(void **state)
{
    struct world w;
    (void)state;
    memset(&w, 0, sizeof(w));
    world_genesis(&w, 5);
    struct pubkey owner = w.users[3].signer.key;
    genesis_done(&w.genesis);
    world_genesis_owned(&w, 5, &owner);
    assert_int_equal(store_mem_new(&w.store), OK);
    assert_int_equal(chain_open(w.store, &w.genesis, NULL, &w.chain), OK);
    assert_int_equal(pool_new(NULL, &w.pool), OK);
    assert_int_equal(pool_transfer(&w, 0, 0, &w.users[1].signer.key, 500), OK);
    assert_int_equal(world_block(&w), 1);
    assert_int_equal(balance_of(w.chain, &owner), 100 * CREDITS + 10000);
    assert_int_equal(balance_of(w.chain, &w.validator.signer.key), 0);
    assert_int_equal(chain_audit_money(w.chain), OK);
    world_close(&w);
}

static void the_first_block_is_the_golden_one(void **state)
{
    struct world w;
    struct candidate *candidate;
    struct chain_drops drops;
    (void)state;
    world_open(&w);
    assert_int_equal(pool_transfer(&w, 0, 0, &w.users[1].signer.key, 500), OK);
    assert_int_equal(chain_build(w.chain, NULL, w.pool, NULL, 0, 0,
                                 &w.validator.signer.key, &drops, &candidate),
                     OK);
    assert_int_equal(drops.count, 0);
    assert_golden("block1", candidate_bytes(candidate));
    assert_golden_hash("block1-id", &candidate_block(candidate)->id);
    candidate_free(candidate);
    world_close(&w);
}

static void a_transfer_to_oneself_costs_the_fee_alone(void **state)
{
    struct world w;
    (void)state;
    world_open(&w);
    assert_int_equal(pool_transfer(&w, 0, 0, &w.users[0].signer.key, 500), OK);
    assert_int_equal(world_block(&w), 1);
    assert_int_equal(balance_of(w.chain, &w.users[0].signer.key),
                     100 * CREDITS - 10000);
    world_close(&w);
}

/* ---- what the frame refuses, in its order ---- */

static enum err check(struct world *w, const struct tx *tx)
{
    return chain_check_tx(w->chain, tx, 0);
}

static void a_tx_is_refused_for_the_first_reason_that_holds(void **state)
{
    struct world w;
    struct test_tx t;
    (void)state;
    world_open(&w);
    world_block(&w);
    test_transfer(&t, chain_id(w.chain), &w.users[0], 0, &w.users[1].signer.key,
                  500);
    assert_int_equal(check(&w, &t.tx), OK);
    /* Everything is wrong; mended one by one, from the first check on. */
    struct tx bad = t.tx;
    bad.chain.b[0] ^= 1;
    bad.kind = 99;
    bad.fee = amount_micro(1);
    bad.expiry_height = 1;
    assert_int_equal(check(&w, &bad), ERR_CHAIN);
    bad.chain.b[0] ^= 1;
    assert_int_equal(check(&w, &bad), ERR_KIND);
    bad.kind = TX_TRANSFER;
    assert_int_equal(check(&w, &bad), ERR_FEE);
    bad.fee = amount_micro(200 * CREDITS);
    assert_int_equal(check(&w, &bad), ERR_EXPIRED);
    bad.expiry_height = 2;
    assert_int_equal(check(&w, &bad), ERR_FUNDS);
    bad.fee = t.tx.fee;
    assert_int_equal(check(&w, &bad), OK);
    bad.payload.len--;
    assert_int_equal(check(&w, &bad), ERR_TRUNCATED);
    test_tx_done(&t);
    world_close(&w);
}

static void a_nonce_is_good_once(void **state)
{
    struct world w;
    struct test_tx t;
    struct test_tx again;
    (void)state;
    world_open(&w);
    test_transfer(&t, chain_id(w.chain), &w.users[0], 0, &w.users[1].signer.key,
                  500);
    assert_int_equal(pool_put(&w, &t), OK);
    assert_int_equal(world_block(&w), 1);
    assert_int_equal(check(&w, &t.tx), ERR_NONCE); /* a replay */
    test_transfer(&again, chain_id(w.chain), &w.users[0], 0,
                  &w.users[2].signer.key, 500);
    assert_int_equal(check(&w, &again.tx), ERR_NONCE); /* a second spend */
    test_tx_done(&again);
    test_tx_done(&t);
    world_close(&w);
}

static void a_later_nonce_is_checked_but_not_executed(void **state)
{
    struct world w;
    struct test_tx t;
    (void)state;
    world_open(&w);
    test_transfer(&t, chain_id(w.chain), &w.users[0], 3, &w.users[1].signer.key,
                  100000 * CREDITS);
    assert_int_equal(check(&w, &t.tx), OK);
    test_tx_done(&t);
    test_transfer(&t, chain_id(w.chain), &w.users[0], 0, &w.users[1].signer.key,
                  100000 * CREDITS);
    assert_int_equal(check(&w, &t.tx), ERR_FUNDS);
    test_tx_done(&t);
    world_close(&w);
}

/* ---- building ---- */

static void a_block_takes_nonces_in_order_whatever_the_arrival(void **state)
{
    struct world w;
    struct candidate *candidate;
    const struct pubkey *to;
    (void)state;
    world_open(&w);
    to = &w.users[3].signer.key;
    assert_int_equal(pool_transfer(&w, 0, 2, to, 1), OK);
    assert_int_equal(pool_transfer(&w, 1, 0, to, 1), OK);
    assert_int_equal(pool_transfer(&w, 0, 1, to, 1), OK);
    assert_int_equal(pool_transfer(&w, 0, 0, to, 1), OK);
    assert_int_equal(pool_transfer(&w, 2, 1, to, 1), OK); /* a gap: waits */
    struct chain_drops drops = build(&w, &candidate);
    assert_int_equal(drops.count, 0);
    const struct block *block = candidate_block(candidate);
    assert_int_equal(block->tx_count, 4);
    assert_int_equal(block->txs[0].nonce, 0);
    assert_int_equal(block->txs[1].nonce, 0);
    assert_int_equal(block->txs[2].nonce, 1);
    assert_int_equal(block->txs[3].nonce, 2);
    assert_int_equal(pool_count(w.pool), 5);
    candidate_free(candidate);
    world_close(&w);
}

static void a_builder_drops_what_the_rules_refuse_and_says_why(void **state)
{
    struct world w;
    struct candidate *candidate;
    struct test_tx t;
    (void)state;
    world_open(&w);
    assert_int_equal(
        pool_transfer(&w, 0, 0, &w.users[1].signer.key, 100 * CREDITS), OK);
    test_transfer(&t, chain_id(w.chain), &w.users[1], 0, &w.users[2].signer.key,
                  1);
    t.tx.expiry_height = 0; /* the pool trusts its caller */
    assert_int_equal(pool_put(&w, &t), OK);
    test_tx_done(&t);
    assert_int_equal(pool_transfer(&w, 2, 0, &w.users[1].signer.key, 5), OK);
    struct chain_drops drops = build(&w, &candidate);
    assert_int_equal(drops.count, 2);
    assert_int_equal(drops.items[0].err, ERR_EXPIRED);
    assert_int_equal(drops.items[1].err, ERR_FUNDS);
    assert_int_equal(candidate_block(candidate)->tx_count, 1);
    assert_int_equal(pool_count(w.pool), 1);
    free(drops.items);
    candidate_free(candidate);
    world_close(&w);
}

static void a_block_keeps_to_the_networks_limits(void **state)
{
    struct world w = {0};
    struct candidate *candidate;
    (void)state;
    world_genesis(&w, 5);
    assert_int_equal(params_set(&w.genesis.params, "block_txs", 3), OK);
    assert_int_equal(genesis_seal(&w.genesis), OK);
    assert_int_equal(store_mem_new(&w.store), OK);
    assert_int_equal(chain_open(w.store, &w.genesis, NULL, &w.chain), OK);
    assert_int_equal(pool_new(NULL, &w.pool), OK);
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(pool_transfer(&w, 0, i, &w.users[1].signer.key, 1),
                         OK);
    struct chain_drops drops = build(&w, &candidate);
    assert_int_equal(drops.count, 0);
    assert_int_equal(candidate_block(candidate)->tx_count, 3);
    candidate_free(candidate);
    assert_int_equal(world_block(&w), 3);
    assert_int_equal(world_block(&w), 3);
    assert_int_equal(world_block(&w), 2);
    world_close(&w);
}

static void block_bytes_stay_under_the_limit(void **state)
{
    struct world w = {0};
    struct candidate *candidate;
    struct test_tx t;
    (void)state;
    world_genesis(&w, 5);
    assert_int_equal(params_set(&w.genesis.params, "block_bytes", 32768), OK);
    assert_int_equal(genesis_seal(&w.genesis), OK);
    assert_int_equal(store_mem_new(&w.store), OK);
    assert_int_equal(chain_open(w.store, &w.genesis, NULL, &w.chain), OK);
    assert_int_equal(pool_new(NULL, &w.pool), OK);
    for (uint64_t i = 0; i < 200; i++) {
        struct transfer transfer = {.to = w.users[1].signer.key,
                                    .amount = amount_micro(1)};
        test_tx_start(&t, chain_id(w.chain), TX_TRANSFER, i);
        memset(transfer.memo, 'x', TRANSFER_MEMO_MAX);
        transfer_encode(&transfer, &t.payload);
        test_tx_finish(&t, &w.users[0]);
        assert_int_equal(pool_put(&w, &t), OK);
        test_tx_done(&t);
    }
    struct chain_drops drops = build(&w, &candidate);
    assert_int_equal(drops.count, 0);
    assert_true(candidate_bytes(candidate).len <= 32768);
    assert_true(candidate_bytes(candidate).len > 32768 - 400);
    assert_true(candidate_block(candidate)->tx_count < 200);
    candidate_free(candidate);
    world_close(&w);
}

static void block_time_is_the_wall_but_never_stands_still(void **state)
{
    struct world w;
    struct candidate *candidate;
    struct chain_drops drops;
    (void)state;
    world_open(&w);
    assert_int_equal(chain_build(w.chain, NULL, w.pool, NULL, 0, T0 + 12345,
                                 &w.validator.signer.key, &drops, &candidate),
                     OK);
    assert_int_equal(candidate_block(candidate)->header.time_ms, T0 + 12345);
    test_settle(w.chain, w.store, &w.validator, candidate);
    /* The clock went back: chain time goes on by the smallest step. */
    assert_int_equal(chain_build(w.chain, NULL, w.pool, NULL, 0, T0,
                                 &w.validator.signer.key, &drops, &candidate),
                     OK);
    assert_int_equal(candidate_block(candidate)->header.time_ms, T0 + 12346);
    candidate_free(candidate);
    world_close(&w);
}

static void a_refused_tx_leaves_no_trace(void **state)
{
    struct world w;
    struct candidate *candidate;
    struct test_tx t;
    struct arena arena;
    struct bytes got;
    (void)state;
    world_open_kinds(&w, &test_table);
    test_kind_tx(&t, chain_id(w.chain), &w.users[0], 0, KIND_HALF,
                 w.users[0].signer.key.b, 0);
    assert_int_equal(pool_put(&w, &t), OK);
    struct chain_drops drops = build(&w, &candidate);
    assert_int_equal(drops.count, 1);
    assert_int_equal(drops.items[0].err, ERR_STATE);
    free(drops.items);
    test_settle(w.chain, w.store, &w.validator, candidate);
    arena_init(&arena, 4096);
    assert_int_equal(state_get(chain_state(w.chain), STATE_CONTRACT,
                               BYTES_OF(t.tx.sender.b), &arena, &got),
                     ERR_NOT_FOUND);
    assert_int_equal(balance_of(w.chain, &t.tx.sender), 100 * CREDITS);
    arena_done(&arena);
    test_tx_done(&t);
    world_close(&w);
}

static void a_kind_that_makes_money_stops_the_block(void **state)
{
    struct world w;
    struct candidate *candidate = NULL;
    struct chain_drops drops;
    (void)state;
    world_open_kinds(&w, &test_table);
    assert_int_equal(pool_kind(&w, 0, 0, KIND_MINT, w.users[0].signer.key.b, 5),
                     OK);
    assert_int_equal(chain_build(w.chain, NULL, w.pool, NULL, 0, 0,
                                 &w.validator.signer.key, &drops, &candidate),
                     ERR_CONSERVATION);
    assert_null(candidate);
    free(drops.items);
    world_close(&w);
}

/* ---- head and tip ---- */

static struct store_batch *commit_one(struct world *w)
{
    struct candidate *candidate;
    struct store_batch *batch;
    struct cert cert;
    struct chain_drops drops = build(w, &candidate);
    free(drops.items);
    test_certify(w->chain, &w->validator, candidate_block(candidate), &cert);
    assert_int_equal(chain_commit(w->chain, &candidate, 1, &cert, &batch), OK);
    return batch;
}

static void the_head_runs_ahead_and_the_tip_follows_the_disk(void **state)
{
    struct world w;
    struct store_batch *batches[3];
    const struct pubkey *to;
    struct account account;
    (void)state;
    world_open(&w);
    to = &w.users[1].signer.key;
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(pool_transfer(&w, 0, i, to, 100), OK);
        batches[i] = commit_one(&w);
    }
    assert_int_equal(chain_head(w.chain).height, 3);
    assert_int_equal(chain_tip(w.chain).height, 0);
    assert_int_equal(chain_in_flight(w.chain), 3);
    assert_int_equal(balance_of(w.chain, to), 100 * CREDITS);
    assert_int_equal(account_get(chain_head_state(w.chain), to, &account), OK);
    assert_int_equal(account.balance.micro, 100 * CREDITS + 300);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(store_commit(w.store, batches[i]), OK);
        store_batch_free(batches[i]);
        const struct candidate *run[CHAIN_RUN_MAX];
        assert_int_equal(chain_stored(w.chain, i + 1, run), 1);
        const struct candidate *done = run[0];
        assert_int_equal(candidate_block(done)->header.height, i + 1);
        assert_true(candidate_cert(done).len > 0);
        assert_int_equal(balance_of(w.chain, to),
                         100 * CREDITS + 100 * (i + 1));
        assert_int_equal(account_get(chain_head_state(w.chain), to, &account),
                         OK);
        assert_int_equal(account.balance.micro, 100 * CREDITS + 300);
        assert_int_equal(state_depth(chain_head_state(w.chain)), 2 - i);
    }
    assert_int_equal(chain_audit_state(w.chain), OK);
    world_close(&w);
}

static void no_more_blocks_wait_for_the_disk_than_allowed(void **state)
{
    struct world w;
    struct store_batch *batch = NULL;
    struct candidate *candidate;
    struct cert cert;
    (void)state;
    world_open(&w);
    for (unsigned i = 0; i < CHAIN_FLIGHT_MAX; i++)
        store_batch_free(commit_one(&w));
    build(&w, &candidate);
    test_certify(w.chain, &w.validator, candidate_block(candidate), &cert);
    assert_int_equal(chain_commit(w.chain, &candidate, 1, &cert, &batch),
                     ERR_BUSY);
    assert_null(batch);
    candidate_free(candidate);
    world_close(&w);
}

/* ---- epochs ---- */

static void a_validator_set_takes_effect_after_an_epoch_of_notice(void **state)
{
    struct world w;
    struct test_key heir;
    struct validators set;
    struct hash hash;
    (void)state;
    world_open_kinds(&w, &test_table); /* epochs of 5 blocks */
    test_key_init(&heir, 2000);
    assert_int_equal(
        pool_kind(&w, 0, 0, KIND_VALIDATOR, heir.signer.key.b, CREDITS), OK);
    assert_int_equal(
        pool_kind(&w, 0, 1, KIND_VALIDATOR, w.validator.signer.key.b, 0), OK);
    for (int i = 0; i < 5; i++)
        world_block(&w); /* epoch 1: the change happens in block 1 */
    assert_int_equal(chain_next_epoch(w.chain), 2);
    assert_int_equal(chain_set_of(w.chain, 3, &set), OK);
    assert_int_equal(set.count, 1);
    assert_true(pubkey_equal(&set.items[0].key, &heir.signer.key));
    validators_hash(&set, &hash);
    for (int i = 0; i < 5; i++) {
        world_block(&w); /* epoch 2: announced in every header */
        struct chain_tip tip = chain_tip(w.chain);
        assert_int_equal(tip.header.epoch, 2);
        assert_int_equal(tip.view, i + 1);
        assert_true(hash_equal(&tip.header.next_set, &hash));
    }
    assert_int_equal(chain_next_epoch(w.chain), 3);
    set = *chain_validators(w.chain);
    assert_true(pubkey_equal(&set.items[0].key, &heir.signer.key));
    /* The old validator's time is over. */
    struct candidate *candidate;
    struct candidate *refused = NULL;
    struct chain_drops drops = build(&w, &candidate);
    free(drops.items);
    assert_int_equal(chain_execute(w.chain, NULL, candidate_bytes(candidate),
                                   false, NULL, &refused),
                     ERR_PROPOSER);
    candidate_free(candidate);
    world_close(&w);
}

/* ---- the past ---- */

static void a_tx_is_found_with_its_result_and_in_its_histories(void **state)
{
    struct world w;
    struct arena arena;
    struct tx_ref refs[8];
    struct tx_place place;
    struct bytes bytes;
    struct result result;
    size_t count = 0;
    const uint8_t vault[32] = {7};
    struct hash subject;
    (void)state;
    memcpy(subject.b, vault, 32);
    world_open_kinds(&w, &test_table);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(
            pool_transfer(&w, 0, 2 * i, &w.users[1].signer.key, 100), OK);
        assert_int_equal(pool_kind(&w, 0, 2 * i + 1, KIND_LOCK, vault, 10 + i),
                         OK);
        assert_int_equal(world_block(&w), 2);
    }
    assert_int_equal(chain_subject_txs(w.chain, &subject, (struct tx_place){0},
                                       refs, 8, &count),
                     OK);
    assert_int_equal(count, 3);
    assert_int_equal(refs[0].place.height, 3);
    assert_int_equal(refs[2].place.height, 1);
    assert_int_equal(chain_find_tx(w.chain, &refs[1].id, &place), OK);
    assert_int_equal(place.height, 2);
    assert_int_equal(place.position, 1);
    arena_init(&arena, 1u << 20);
    assert_int_equal(chain_tx_at(w.chain, place, &arena, &bytes, &result), OK);
    assert_int_equal(result.effect.moved.micro, 11);
    assert_int_equal(result.effect.code, 1);
    assert_true(hash_equal(&result.tx, &refs[1].id));
    place.position = 2;
    assert_int_equal(chain_tx_at(w.chain, place, &arena, &bytes, &result),
                     ERR_NOT_FOUND);
    arena_done(&arena);
    world_close(&w);
}

static void a_history_is_read_page_by_page_newest_first(void **state)
{
    struct world w;
    struct tx_ref refs[4];
    struct tx_place before = {0};
    size_t count = 0;
    unsigned seen = 0;
    (void)state;
    world_open(&w);
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(pool_transfer(&w, 0, i, &w.users[1].signer.key, 1),
                         OK);
        if (i % 3 == 2)
            assert_int_equal(world_block(&w), 3);
    }
    assert_int_equal(world_block(&w), 1);
    do {
        assert_int_equal(chain_account_txs(w.chain, &w.users[1].signer.key,
                                           before, refs, 4, &count),
                         OK);
        for (size_t i = 0; i < count; i++) {
            uint64_t nth = 9 - seen++;
            assert_int_equal(refs[i].place.height, nth / 3 + 1);
            assert_int_equal(refs[i].place.position, nth % 3);
        }
        if (count > 0)
            before = refs[count - 1].place;
    } while (count == 4);
    assert_int_equal(seen, 10);
    assert_int_equal(chain_account_txs(w.chain, &w.users[3].signer.key,
                                       (struct tx_place){0}, refs, 4, &count),
                     OK);
    assert_int_equal(count, 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_chain_starts_at_its_genesis),
        cmocka_unit_test(a_transfer_moves_money_and_pays_the_proposer),
        cmocka_unit_test(the_owner_of_the_proposers_bond_has_the_fees),
        cmocka_unit_test(the_first_block_is_the_golden_one),
        cmocka_unit_test(a_transfer_to_oneself_costs_the_fee_alone),
        cmocka_unit_test(a_tx_is_refused_for_the_first_reason_that_holds),
        cmocka_unit_test(a_nonce_is_good_once),
        cmocka_unit_test(a_later_nonce_is_checked_but_not_executed),
        cmocka_unit_test(a_block_takes_nonces_in_order_whatever_the_arrival),
        cmocka_unit_test(a_builder_drops_what_the_rules_refuse_and_says_why),
        cmocka_unit_test(a_block_keeps_to_the_networks_limits),
        cmocka_unit_test(block_bytes_stay_under_the_limit),
        cmocka_unit_test(block_time_is_the_wall_but_never_stands_still),
        cmocka_unit_test(a_refused_tx_leaves_no_trace),
        cmocka_unit_test(a_kind_that_makes_money_stops_the_block),
        cmocka_unit_test(the_head_runs_ahead_and_the_tip_follows_the_disk),
        cmocka_unit_test(no_more_blocks_wait_for_the_disk_than_allowed),
        cmocka_unit_test(a_validator_set_takes_effect_after_an_epoch_of_notice),
        cmocka_unit_test(a_tx_is_found_with_its_result_and_in_its_histories),
        cmocka_unit_test(a_history_is_read_page_by_page_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
