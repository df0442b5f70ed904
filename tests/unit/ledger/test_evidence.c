#include "fixture.h"

#include "golden.h"
#include "ledger/state/proof.h"
#include "set4.h"
#include "stakes.h"

/* ---- the pair ---- */

static struct vote vote_of(enum vote_kind kind, uint64_t view, uint64_t parent,
                           char block)
{
    struct vote vote = {.kind = kind,
                        .on = {.epoch = 7, .view = view, .parent_view = parent},
                        .index = 2};
    if (kind != VOTE_NULLIFY)
        hash_bytes(HASH_TAG_HEADER, bytes_make(&block, 1), &vote.on.id);
    return vote;
}

static void these_pairs_prove_guilt_and_no_others(void **state)
{
    static const struct {
        enum vote_kind kinds[2];
        uint64_t views[2];
        uint64_t parents[2];
        char blocks[2];
        bool guilty;
    } cases[] = {
        /* two notarize, two finalize on different proposals */
        {{VOTE_NOTARIZE, VOTE_NOTARIZE}, {9, 9}, {8, 8}, {'x', 'y'}, true},
        {{VOTE_NOTARIZE, VOTE_NOTARIZE}, {9, 9}, {8, 7}, {'x', 'x'}, true},
        {{VOTE_FINALIZE, VOTE_FINALIZE}, {9, 9}, {8, 8}, {'x', 'y'}, true},
        {{VOTE_NOTARIZE, VOTE_FINALIZE}, {9, 9}, {8, 8}, {'x', 'y'}, true},
        {{VOTE_NULLIFY, VOTE_FINALIZE}, {9, 9}, {0, 8}, {'x', 'x'}, true},
        /* what honest validators do */
        {{VOTE_NOTARIZE, VOTE_NOTARIZE}, {9, 9}, {8, 8}, {'x', 'x'}, false},
        {{VOTE_NOTARIZE, VOTE_FINALIZE}, {9, 9}, {8, 8}, {'x', 'x'}, false},
        {{VOTE_FINALIZE, VOTE_FINALIZE}, {9, 9}, {8, 8}, {'x', 'x'}, false},
        {{VOTE_NOTARIZE, VOTE_NULLIFY}, {9, 9}, {8, 0}, {'x', 'x'}, false},
        {{VOTE_NULLIFY, VOTE_NULLIFY}, {9, 9}, {0, 0}, {'x', 'x'}, false},
        {{VOTE_NOTARIZE, VOTE_NOTARIZE}, {9, 10}, {8, 8}, {'x', 'y'}, false},
        {{VOTE_NULLIFY, VOTE_FINALIZE}, {9, 10}, {0, 8}, {'x', 'x'}, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vote a = vote_of(cases[i].kinds[0], cases[i].views[0],
                                cases[i].parents[0], cases[i].blocks[0]);
        struct vote b = vote_of(cases[i].kinds[1], cases[i].views[1],
                                cases[i].parents[1], cases[i].blocks[1]);
        struct evidence made;
        assert_int_equal(evidence_pair(&a, &b), cases[i].guilty);
        assert_int_equal(evidence_pair(&b, &a), cases[i].guilty);
        assert_int_equal(evidence_make(&a, &b, &made),
                         cases[i].guilty ? OK : ERR_EVIDENCE);
        b.index = 3; /* another one's vote */
        assert_false(evidence_pair(&a, &b));
        b.index = 2;
        b.on.epoch = 8;
        assert_false(evidence_pair(&a, &b));
    }
}

static void a_pair_has_one_spelling(void **state)
{
    struct evidence evidence;
    struct evidence back;
    struct buf want;
    struct buf buf;
    struct hash hash;
    (void)state;
    golden("evidence", &want);
    assert_int_equal(evidence_decode(buf_bytes(&want), &evidence), OK);
    evidence_hash(&evidence, &hash);
    assert_golden_hash("evidence-hash", &hash);
    assert_int_equal(evidence_make(&evidence.b, &evidence.a, &back), OK);
    assert_int_equal(evidence_compare(&evidence, &back), 0);
    buf_init(&buf, EVIDENCE_BYTES);
    evidence_encode(&back, &buf);
    assert_golden("evidence", buf_bytes(&buf));
    buf_clear(&buf);
    back = (struct evidence){evidence.b, evidence.a};
    evidence_encode(&back, &buf);
    assert_int_equal(evidence_decode(buf_bytes(&buf), &back),
                     ERR_NOT_CANONICAL);
    assert_true(evidence_compare(&evidence, &back) != 0);
    assert_int_equal(
        evidence_check(&(struct evidence){evidence.b, evidence.a}, NULL, NULL),
        ERR_NOT_CANONICAL);
    buf_done(&buf);
    buf_done(&want);
}

static void what_is_no_pair_of_votes_does_not_decode(void **state)
{
    struct evidence evidence;
    struct evidence twice;
    struct buf bytes;
    struct buf buf;
    (void)state;
    golden("evidence", &bytes);
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(evidence_decode(bytes_make(bytes.ptr, len), &evidence),
                         ERR_TRUNCATED);
    buf_add_u8(&bytes, 0);
    assert_int_equal(evidence_decode(buf_bytes(&bytes), &evidence),
                     ERR_TRAILING);
    bytes.len--;
    bytes.ptr[0] = 9; /* no kind of vote */
    assert_int_equal(evidence_decode(buf_bytes(&bytes), &evidence), ERR_KIND);
    bytes.ptr[0] = 1;
    assert_int_equal(evidence_decode(buf_bytes(&bytes), &evidence), OK);
    twice = (struct evidence){evidence.a, evidence.a};
    buf_init(&buf, EVIDENCE_BYTES);
    evidence_encode(&twice, &buf);
    assert_int_equal(evidence_decode(buf_bytes(&buf), &twice),
                     ERR_NOT_CANONICAL);
    buf_clear(&buf);
    twice.b.sig.b[0] ^= 1; /* the same word, signed twice: no crime */
    if (memcmp(twice.a.sig.b, twice.b.sig.b, 64) > 0)
        twice = (struct evidence){twice.b, twice.a};
    evidence_encode(&twice, &buf);
    assert_int_equal(evidence_decode(buf_bytes(&buf), &twice), ERR_EVIDENCE);
    buf_done(&buf);
    buf_done(&bytes);
}

static void both_signatures_must_be_the_accuseds(void **state)
{
    struct set4 s;
    struct evidence evidence;
    struct vote one;
    struct vote two;
    (void)state;
    set4_init(&s, equal);
    set4_vote(&s, VOTE_FINALIZE, 1, &one);
    s.on.id.b[0] ^= 1;
    set4_vote(&s, VOTE_FINALIZE, 1, &two);
    assert_int_equal(evidence_make(&one, &two, &evidence), OK);
    const struct pubkey *key = &s.set.items[1].key;
    assert_int_equal(evidence_check(&evidence, key, &s.chain), OK);
    assert_int_equal(evidence_check(&evidence, &s.set.items[2].key, &s.chain),
                     ERR_SIGNATURE);
    evidence.a.sig.b[5] ^= 1;
    assert_int_equal(evidence_check(&evidence, key, &s.chain), ERR_SIGNATURE);
    evidence.a.sig.b[5] ^= 1;
    evidence.b.sig.b[5] ^= 1;
    assert_int_equal(evidence_check(&evidence, key, &s.chain), ERR_SIGNATURE);
    evidence.b.sig.b[5] ^= 1;
    s.chain.b[0] ^= 1; /* votes of another chain accuse nobody here */
    assert_int_equal(evidence_check(&evidence, key, &s.chain), ERR_SIGNATURE);
}

/* ---- judged on a state ---- */

static void evidence_takes_its_part_of_bond_and_unbondings_once(void **state)
{
    struct stakes s;
    struct evidence evidence;
    struct hash vault;
    struct amount slashed;
    struct stake stake;
    (void)state;
    stakes_open(&s);
    const struct test_key *owner = &s.w.users[0];
    const struct test_key *node = &s.w.users[1];
    const struct pubkey *key = &node->signer.key;
    assert_int_equal(stakes_bond(&s, owner, key, node, 10000001), OK);
    stakes_epoch(&s); /* 2: it has a seat in 3 */
    stakes_epoch(&s);
    assert_int_equal(stakes_unbond(&s, owner, key, 3000000), OK);
    int index = validators_find(&s.set, key);
    assert_true(index >= 0);
    stakes_twice(&s, node, 3, 5, (uint16_t)index, &evidence);
    assert_int_equal(stakes_accuse(&s, &evidence), OK);
    struct bond bond = stakes_of(&s, key);
    assert_int_equal(bond.jailed_epoch, 3);
    /* 5 %, rounded up: 350,000.05 and 150,000 */
    assert_int_equal(bond.slashed.micro, 350001 + 150000);
    assert_int_equal(bond.bonded.micro, 7000001 - 350001);
    assert_int_equal(bond.unbondings[0].amount.micro, 2850000);
    bond_slashed_vault(&vault);
    assert_int_equal(vault_get(s.state, &vault, &slashed), OK);
    assert_int_equal(slashed.micro, 500001);
    assert_int_equal(stake_get(s.state, &stake), OK);
    assert_int_equal(stake.bonded, CREDITS);
    assert_int_equal(stake.left, 10000001);
    assert_int_equal(stakes_accuse(&s, &evidence), ERR_EVIDENCE_USED);
    /* Another view is another crime; it can be jailed only once. */
    stakes_twice(&s, node, 3, 6, (uint16_t)index, &evidence);
    assert_int_equal(stakes_accuse(&s, &evidence), OK);
    assert_int_equal(stakes_of(&s, key).jailed_epoch, 3);
    assert_int_equal(stake_get(s.state, &stake), OK);
    assert_int_equal(stake.left, 10000001);
    stakes_audit(&s);
    stakes_close(&s);
}

static void the_same_view_is_judged_once_whatever_the_votes(void **state)
{
    struct stakes s;
    struct evidence first;
    struct evidence other;
    struct vote third;
    (void)state;
    stakes_open(&s);
    stakes_twice(&s, &s.w.validator, 1, 3, 0, &first);
    struct proposal on = first.a.on;
    hash_bytes(HASH_TAG_HEADER, BYTES_LIT("z"), &on.id);
    assert_int_equal(vote_sign(VOTE_FINALIZE, &on, 0, &s.context.chain,
                               &s.w.validator.signer, &third),
                     OK);
    assert_int_equal(evidence_make(&first.b, &third, &other), OK);
    assert_int_equal(stakes_accuse(&s, &first), OK);
    assert_int_equal(stakes_accuse(&s, &other), ERR_EVIDENCE_USED);
    stakes_close(&s);
}

static void evidence_of_no_seat_is_refused(void **state)
{
    struct stakes s;
    struct evidence evidence;
    (void)state;
    stakes_open(&s);
    stakes_twice(&s, &s.w.validator, 1, 3, 1, &evidence);
    assert_int_equal(stakes_accuse(&s, &evidence), ERR_VALIDATOR);
    stakes_twice(&s, &s.w.validator, 1, 3, 99, &evidence);
    assert_int_equal(stakes_accuse(&s, &evidence), ERR_VALIDATOR);
    /* The seat is another's. */
    stakes_twice(&s, &s.w.users[0], 1, 3, 0, &evidence);
    assert_int_equal(stakes_accuse(&s, &evidence), ERR_SIGNATURE);
    stakes_close(&s);
}

static void evidence_is_judged_for_evidence_epochs_and_then_forgotten(
    void **state)
{
    struct stakes s;
    struct evidence used;
    struct evidence late;
    struct pubkey key;
    uint8_t record[32];
    size_t len;
    uint8_t name[18] = {0};
    (void)state;
    stakes_open(&s);
    stakes_twice(&s, &s.w.validator, 1, 3, 0, &used);
    stakes_twice(&s, &s.w.validator, 1, 4, 0, &late);
    assert_int_equal(stakes_accuse(&s, &used), OK);
    u64be_put(name, 1);
    u64be_put(name + 8, 3);
    while (s.context.epoch < 7) {
        stakes_epoch(&s);
        assert_int_equal(stakes_accuse(&s, &used), ERR_EVIDENCE_USED);
        assert_int_equal(state_read(s.state, STATE_EVIDENCE, BYTES_OF(name),
                                    record, sizeof(record), &len),
                         OK);
    }
    struct state_mark mark = state_mark(s.state);
    assert_int_equal(stakes_accuse(&s, &late), OK);
    state_rollback(s.state, mark);
    stakes_epoch(&s); /* 8: six epochs after the end of 1 are over */
    assert_int_equal(stakes_accuse(&s, &late), ERR_EVIDENCE_EPOCH);
    assert_int_equal(stakes_accuse(&s, &used), ERR_EVIDENCE_EPOCH);
    assert_int_equal(evidence_seat(s.state, 1, 0, &key), ERR_VALIDATOR);
    assert_int_equal(evidence_seat(s.state, 2, 0, &key), OK);
    assert_int_equal(state_read(s.state, STATE_EVIDENCE, BYTES_OF(name), record,
                                sizeof(record), &len),
                     ERR_NOT_FOUND);
    stakes_twice(&s, &s.w.validator, 9, 3, 0, &late);
    assert_int_equal(stakes_accuse(&s, &late), ERR_EVIDENCE_EPOCH);
    stakes_close(&s);
}

static void a_hundred_seats_keep_their_order(void **state)
{
    struct stakes s;
    struct validators set = {0};
    struct pubkey got;
    (void)state;
    stakes_open(&s);
    for (unsigned i = 0; i < LIMIT_VALIDATORS; i++) {
        struct pubkey key = {{(uint8_t)(i * 37), (uint8_t)i}};
        assert_int_equal(validators_add(&set, &key, 1), OK);
    }
    assert_int_equal(evidence_begin_epoch(s.state, 2, &set), OK);
    for (uint16_t i = 0; i < LIMIT_VALIDATORS; i++) {
        assert_int_equal(evidence_seat(s.state, 2, i, &got), OK);
        assert_true(pubkey_equal(&got, &set.items[i].key));
    }
    set.count = 50; /* exactly one part */
    assert_int_equal(evidence_begin_epoch(s.state, 3, &set), OK);
    assert_int_equal(evidence_seat(s.state, 3, 49, &got), OK);
    assert_int_equal(evidence_seat(s.state, 3, 50, &got), ERR_VALIDATOR);
    stakes_close(&s);
}

/* ---- in blocks ---- */

static enum err execute(struct world *w, struct bytes bytes)
{
    struct candidate *candidate;
    enum err err =
        chain_execute(w->chain, NULL, bytes, false, NULL, &candidate);
    if (err == OK)
        candidate_free(candidate);
    return err;
}

static struct candidate *build_with(struct world *w,
                                    const struct evidence *list, size_t count)
{
    struct candidate *candidate;
    struct chain_drops drops;
    assert_int_equal(chain_build(w->chain, NULL, w->pool, list, count, 0,
                                 &w->validator.signer.key, &drops, &candidate),
                     OK);
    free(drops.items);
    return candidate;
}

static void a_block_with_evidence_is_the_golden_one(void **state)
{
    struct world w;
    struct evidence evidence;
    struct buf bytes;
    (void)state;
    world_open(&w);
    golden("evidence", &bytes);
    assert_int_equal(evidence_decode(buf_bytes(&bytes), &evidence), OK);
    assert_int_equal(chain_check_evidence(w.chain, &evidence), OK);
    assert_int_equal(pool_transfer(&w, 0, 0, &w.users[1].signer.key, 500), OK);
    struct candidate *candidate = build_with(&w, &evidence, 1);
    assert_golden("block1-accused", candidate_bytes(candidate));
    assert_golden_hash("block1-accused-id", &candidate_block(candidate)->id);
    assert_int_equal(execute(&w, candidate_bytes(candidate)), OK);
    test_settle(w.chain, w.store, &w.validator, candidate);
    assert_int_equal(chain_audit_money(w.chain), OK);
    assert_int_equal(chain_check_evidence(w.chain, &evidence),
                     ERR_EVIDENCE_USED);
    buf_done(&bytes);
    world_close(&w);
}

static void a_transaction_behind_evidence_can_be_proven(void **state)
{
    struct world w;
    struct stakes s = {0};
    struct evidence list[3];
    struct test_tx t;
    struct buf proof;
    struct tx_proof got;
    struct arena arena;
    (void)state;
    world_open(&w);
    s.context.chain = *chain_id(w.chain);
    for (unsigned i = 0; i < 3; i++)
        stakes_twice(&s, &w.validator, 1, i + 1, 0, &list[i]);
    test_transfer(&t, chain_id(w.chain), &w.users[0], 0, &w.users[1].signer.key,
                  5);
    assert_int_equal(pool_add(w.pool, &t.tx, buf_bytes(&t.bytes), 0, 0, 0), OK);
    assert_int_equal(pool_transfer(&w, 2, 0, &w.users[1].signer.key, 6), OK);
    struct candidate *candidate = build_with(&w, list, 3);
    assert_int_equal(candidate_block(candidate)->tx_count, 2);
    test_settle(w.chain, w.store, &w.validator, candidate);
    buf_init(&proof, PROOF_BYTES_MAX);
    arena_init(&arena, 1u << 20);
    assert_int_equal(chain_prove_tx(w.chain, &t.tx.id, 0, &proof), OK);
    assert_int_equal(proof_check_tx(buf_bytes(&proof), chain_id(w.chain),
                                    &w.genesis.validators, &arena, &got),
                     OK);
    assert_int_equal(got.position, 0);
    assert_true(hash_equal(&got.tx.id, &t.tx.id));
    for (size_t i = 0; i < proof.len; i++) {
        proof.ptr[i] ^= 1;
        arena_reset(&arena);
        assert_int_not_equal(
            proof_check_tx(buf_bytes(&proof), chain_id(w.chain),
                           &w.genesis.validators, &arena, &got),
            OK);
        proof.ptr[i] ^= 1;
    }
    arena_done(&arena);
    buf_done(&proof);
    test_tx_done(&t);
    world_close(&w);
}

static void a_proposer_sorts_leaves_out_and_takes_eight(void **state)
{
    struct world w;
    struct stakes s = {0};
    struct evidence list[12];
    (void)state;
    world_open(&w);
    s.context.chain = *chain_id(w.chain);
    for (unsigned i = 0; i < 12; i++)
        stakes_twice(&s, &w.validator, 1, 12 - i, 0, &list[i]);
    list[3] = list[4];       /* twice */
    list[5].a.sig.b[0] ^= 1; /* forged */
    list[6].a.on.epoch = 9;  /* of an epoch to come */
    list[6].b.on.epoch = 9;
    struct candidate *candidate = build_with(&w, list, 12);
    const struct block *block = candidate_block(candidate);
    assert_int_equal(block->evidence_count, EVIDENCE_BLOCK_MAX);
    for (unsigned i = 1; i < block->evidence_count; i++)
        assert_true(
            evidence_compare(&block->evidence[i - 1], &block->evidence[i]) < 0);
    assert_int_equal(execute(&w, candidate_bytes(candidate)), OK);
    test_settle(w.chain, w.store, &w.validator, candidate);
    /* 9 of 12 were good: one is left for the next block. */
    candidate = build_with(&w, list, 12);
    assert_int_equal(candidate_block(candidate)->evidence_count, 1);
    candidate_free(candidate);
    world_close(&w);
}

/* The candidate's block with another evidence list and an honest tx_root. */
static enum err execute_list(struct world *w, const struct candidate *like,
                             const struct evidence *list, uint32_t count)
{
    struct block block = *candidate_block(like);
    struct buf bytes;
    block.evidence_count = count;
    memcpy(block.evidence, list, count * sizeof(*list));
    assert_int_equal(block_tx_root(&block, &block.header.tx_root), OK);
    buf_init(&bytes, LIMIT_BLOCK_BYTES);
    block_encode(&block.header, list, count, block.tx_bytes, block.tx_count,
                 &bytes);
    enum err err = execute(w, buf_bytes(&bytes));
    buf_done(&bytes);
    return err;
}

static void a_block_with_evidence_that_does_not_hold_is_refused(void **state)
{
    struct world w;
    struct stakes s = {0};
    struct evidence list[2];
    struct evidence bad;
    (void)state;
    world_open(&w);
    s.context.chain = *chain_id(w.chain);
    stakes_twice(&s, &w.validator, 1, 1, 0, &list[0]);
    stakes_twice(&s, &w.validator, 1, 2, 0, &list[1]);
    struct candidate *candidate = build_with(&w, list, 2);
    const struct block *block = candidate_block(candidate);
    assert_int_equal(block->evidence_count, 2);
    assert_int_equal(execute_list(&w, candidate, block->evidence, 2), OK);
    /* left out: the state says otherwise */
    assert_int_equal(execute_list(&w, candidate, block->evidence, 1), ERR_ROOT);
    /* unsorted, twice */
    struct evidence swapped[2] = {block->evidence[1], block->evidence[0]};
    assert_int_equal(execute_list(&w, candidate, swapped, 2),
                     ERR_NOT_CANONICAL);
    swapped[1] = swapped[0];
    assert_int_equal(execute_list(&w, candidate, swapped, 2),
                     ERR_NOT_CANONICAL);
    bad = list[0];
    bad.b.sig.b[0] ^= 1;
    assert_int_equal(execute_list(&w, candidate, &bad, 1), ERR_SIGNATURE);
    stakes_twice(&s, &w.validator, 1, 1, 7, &bad);
    assert_int_equal(execute_list(&w, candidate, &bad, 1), ERR_VALIDATOR);
    stakes_twice(&s, &w.validator, 2, 1, 0, &bad);
    assert_int_equal(execute_list(&w, candidate, &bad, 1), ERR_EVIDENCE_EPOCH);
    bad = (struct evidence){list[0].b, list[0].a};
    assert_int_equal(execute_list(&w, candidate, &bad, 1), ERR_NOT_CANONICAL);
    /* used in an earlier block */
    bad = block->evidence[0];
    test_settle(w.chain, w.store, &w.validator, candidate);
    candidate = build_with(&w, NULL, 0);
    assert_int_equal(execute_list(&w, candidate, &bad, 1), ERR_EVIDENCE_USED);
    candidate_free(candidate);
    world_close(&w);
}

static void replay_from_the_genesis_agrees_about_evidence(void **state)
{
    struct world w;
    struct stakes s = {0};
    struct evidence evidence;
    struct verify_report report;
    (void)state;
    world_open(&w); /* epochs of 5 */
    s.context.chain = *chain_id(w.chain);
    for (unsigned i = 0; i < 45; i++) {
        uint64_t epoch = 1 + i / 5;
        /* Of an earlier epoch, as long as it is judged. */
        if (i % 4 == 0 && epoch > 2) {
            stakes_twice(&s, &w.validator, epoch - 2, i + 1, 0, &evidence);
            struct candidate *candidate = build_with(&w, &evidence, 1);
            assert_int_equal(candidate_block(candidate)->evidence_count, 1);
            test_settle(w.chain, w.store, &w.validator, candidate);
        } else {
            world_block(&w);
        }
    }
    assert_int_equal(chain_audit_money(w.chain), OK);
    assert_int_equal(chain_audit_state(w.chain), OK);
    assert_int_equal(
        chain_verify(w.store, &w.genesis, NULL, NULL, NULL, NULL, &report), OK);
    assert_int_equal(report.height, 45);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(these_pairs_prove_guilt_and_no_others),
        cmocka_unit_test(a_pair_has_one_spelling),
        cmocka_unit_test(what_is_no_pair_of_votes_does_not_decode),
        cmocka_unit_test(both_signatures_must_be_the_accuseds),
        cmocka_unit_test(evidence_takes_its_part_of_bond_and_unbondings_once),
        cmocka_unit_test(the_same_view_is_judged_once_whatever_the_votes),
        cmocka_unit_test(evidence_of_no_seat_is_refused),
        cmocka_unit_test(
            evidence_is_judged_for_evidence_epochs_and_then_forgotten),
        cmocka_unit_test(a_hundred_seats_keep_their_order),
        cmocka_unit_test(a_block_with_evidence_is_the_golden_one),
        cmocka_unit_test(a_transaction_behind_evidence_can_be_proven),
        cmocka_unit_test(a_proposer_sorts_leaves_out_and_takes_eight),
        cmocka_unit_test(a_block_with_evidence_that_does_not_hold_is_refused),
        cmocka_unit_test(replay_from_the_genesis_agrees_about_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
