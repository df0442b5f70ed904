#include "fixture.h"

#include "golden.h"
#include "ledger/kind.h"
#include "stakes.h"

#define C CREDITS

static void the_payloads_are_the_golden_ones(void **state)
{
    struct stakes s;
    struct test_key seven;
    struct test_key owner;
    struct hash digest;
    struct buf buf;
    (void)state;
    stakes_open(&s);
    test_key_init(&seven, 7);
    test_key_init(&owner, 2);
    struct bond_add add = {.validator = seven.signer.key,
                           .amount = amount_micro(5 * C),
                           .has_proof = true};
    bond_digest(&s.context.chain, &owner.signer.key, &seven.signer.key,
                &digest);
    assert_int_equal(test_sign(&seven, HASH_TAG_BOND, &digest, &add.proof), OK);
    buf_init(&buf, LIMIT_TX_BYTES);
    bond_add_encode(&add, &buf);
    assert_golden("bond-add", buf_bytes(&buf));
    buf_clear(&buf);
    add.has_proof = false;
    add.amount = amount_micro(2 * C);
    bond_add_encode(&add, &buf);
    assert_golden("bond-more", buf_bytes(&buf));
    buf_clear(&buf);
    bond_take_encode(&(struct bond_take){seven.signer.key, amount_micro(3 * C)},
                     &buf);
    assert_golden("bond-take", buf_bytes(&buf));
    buf_clear(&buf);
    bond_withdraw_encode(&seven.signer.key, &buf);
    assert_golden("bond-withdraw", buf_bytes(&buf));
    buf_done(&buf);
    stakes_close(&s);
}

/* What it says when encoded again, or the refusal. */
static enum err again(const char *name, struct bytes bytes)
{
    struct arena arena;
    struct buf buf;
    struct bond_add add;
    struct bond_take take;
    struct pubkey key;
    enum err err;
    arena_init(&arena, 1u << 16);
    buf_init(&buf, LIMIT_TX_BYTES);
    if (strncmp(name, "bond-take", 9) == 0) {
        err = bond_take_decode(bytes, &arena, &take);
        if (err == OK)
            bond_take_encode(&take, &buf);
    } else if (strncmp(name, "bond-withdraw", 13) == 0) {
        err = bond_withdraw_decode(bytes, &arena, &key);
        if (err == OK)
            bond_withdraw_encode(&key, &buf);
    } else {
        err = bond_add_decode(bytes, &arena, &add);
        if (err == OK)
            bond_add_encode(&add, &buf);
    }
    if (err == OK)
        assert_true(bytes_equal(bytes, buf_bytes(&buf)));
    buf_done(&buf);
    arena_done(&arena);
    return err;
}

static void a_payload_has_one_spelling(void **state)
{
    static const char *const names[] = {"bond-add", "bond-more", "bond-take",
                                        "bond-withdraw"};
    (void)state;
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        struct buf buf;
        golden(names[n], &buf);
        assert_int_equal(again(names[n], buf_bytes(&buf)), OK);
        for (size_t len = 0; len < buf.len; len++)
            assert_int_not_equal(again(names[n], bytes_make(buf.ptr, len)), OK);
        for (size_t i = 0; i < buf.len * 8; i++) {
            buf.ptr[i / 8] ^= (uint8_t)(1u << (i % 8));
            (void)again(names[n], buf_bytes(&buf));
            buf.ptr[i / 8] ^= (uint8_t)(1u << (i % 8));
        }
        buf_done(&buf);
    }
}

static void nothing_is_no_amount_and_half_a_proof_is_none(void **state)
{
    struct stakes s;
    struct buf payload;
    (void)state;
    stakes_open(&s);
    const struct test_key *owner = &s.w.users[0];
    const struct pubkey *key = &s.w.users[1].signer.key;
    assert_int_equal(stakes_bond(&s, owner, key, &s.w.users[1], 0), ERR_RANGE);
    assert_int_equal(stakes_unbond(&s, owner, key, 0), ERR_RANGE);
    buf_init(&payload, LIMIT_TX_BYTES);
    mp_put_array(&payload, 3);
    mp_put_pubkey(&payload, key);
    mp_put_uint(&payload, C);
    mp_put_bin(&payload, BYTES_LIT("half"));
    assert_int_equal(
        stakes_run(&s, bond_add_apply, &owner->signer.key, &payload, NULL),
        ERR_RANGE);
    buf_done(&payload);
    stakes_close(&s);
}

static void a_new_validator_proves_that_it_knows_its_owner(void **state)
{
    struct stakes s;
    (void)state;
    stakes_open(&s);
    const struct test_key *owner = &s.w.users[0];
    const struct test_key *node = &s.w.users[1];
    const struct pubkey *key = &node->signer.key;
    assert_int_equal(stakes_bond(&s, owner, key, NULL, C), ERR_SIGNATURE);
    assert_int_equal(stakes_bond(&s, owner, key, owner, C), ERR_SIGNATURE);
    /* The minimum is said before the costly check. */
    assert_int_equal(stakes_bond(&s, owner, key, NULL, C - 1), ERR_BOND_MIN);
    assert_int_equal(stakes_bond(&s, owner, key, node, C), OK);
    assert_int_equal(stakes_of(&s, key).bonded.micro, C);
    assert_int_equal(stakes_balance(&s, &owner->signer.key), 99 * C);
    /* From now on the owner's word is enough, any amount; a bad proof is bad.
     */
    assert_int_equal(stakes_bond(&s, owner, key, NULL, 1), OK);
    assert_int_equal(stakes_bond(&s, owner, key, owner, 1), ERR_SIGNATURE);
    assert_int_equal(stakes_bond(&s, owner, key, node, 1), OK);
    assert_int_equal(stakes_of(&s, key).bonded.micro, C + 2);
    stakes_audit(&s);
    stakes_close(&s);
}

static void only_the_owner_adds_takes_and_withdraws(void **state)
{
    struct stakes s;
    (void)state;
    stakes_open(&s);
    const struct test_key *owner = &s.w.users[0];
    const struct test_key *node = &s.w.users[1];
    const struct test_key *thief = &s.w.users[2];
    const struct pubkey *key = &node->signer.key;
    assert_int_equal(stakes_unbond(&s, owner, key, C), ERR_NOT_FOUND);
    assert_int_equal(stakes_withdraw(&s, owner, key, NULL), ERR_NOT_FOUND);
    assert_int_equal(stakes_bond(&s, owner, key, node, 5 * C), OK);
    assert_int_equal(stakes_bond(&s, thief, key, node, C), ERR_OWNER);
    assert_int_equal(stakes_unbond(&s, thief, key, C), ERR_OWNER);
    assert_int_equal(stakes_withdraw(&s, thief, key, NULL), ERR_OWNER);
    /* Nor the validator's own key. */
    assert_int_equal(stakes_unbond(&s, node, key, C), ERR_OWNER);
    stakes_audit(&s);
    stakes_close(&s);
}

static void a_bond_costs_what_the_owner_has(void **state)
{
    struct stakes s;
    (void)state;
    stakes_open(&s);
    const struct test_key *owner = &s.w.users[0];
    const struct test_key *node = &s.w.users[1];
    assert_int_equal(
        stakes_bond(&s, owner, &node->signer.key, node, 100 * C + 1),
        ERR_FUNDS);
    assert_int_equal(stakes_bond(&s, owner, &node->signer.key, node,
                                 VALIDATORS_WEIGHT_MAX - C + 1),
                     ERR_RANGE);
    assert_int_equal(stakes_bond(&s, owner, &node->signer.key, node, 100 * C),
                     OK);
    assert_int_equal(stakes_balance(&s, &owner->signer.key), 0);
    stakes_audit(&s);
    stakes_close(&s);
}

/* Three validators with 9, 8 and 3 credits beside the fixture's one: a third of
 * 21 is 7. */
static void three(struct stakes *s)
{
    static const uint64_t bonds[] = {9, 8, 3};
    stakes_open(s);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(stakes_bond(s, &s->w.users[3],
                                     &s->w.users[i].signer.key, &s->w.users[i],
                                     bonds[i] * C),
                         OK);
    stakes_epoch(s);
    assert_int_equal(s->next.weight, 21 * C);
}

static void a_third_of_the_weight_leaves_in_one_epoch_and_no_more(void **state)
{
    struct stakes s;
    (void)state;
    three(&s);
    const struct test_key *owner = &s.w.users[3];
    const struct pubkey *a = &s.w.users[0].signer.key;
    const struct pubkey *b = &s.w.users[1].signer.key;
    assert_int_equal(stakes_unbond(&s, owner, a, 7 * C + 1), ERR_LEAVE_LIMIT);
    assert_int_equal(stakes_unbond(&s, owner, a, 4 * C), OK);
    assert_int_equal(stakes_unbond(&s, owner, b, 3 * C + 1), ERR_LEAVE_LIMIT);
    assert_int_equal(stakes_unbond(&s, owner, b, 3 * C), OK);
    assert_int_equal(stakes_unbond(&s, owner, a, 1), ERR_LEAVE_LIMIT);
    stakes_epoch(&s); /* 14 are left, a third is 4.67 */
    assert_int_equal(s.next.weight, 14 * C);
    assert_int_equal(stakes_unbond(&s, owner, a, 4 * C + 666666), ERR_BOND_MIN);
    assert_int_equal(stakes_unbond(&s, owner, a, 4 * C), OK);
    stakes_audit(&s);
    stakes_close(&s);
}

static void what_is_accused_counts_as_having_left(void **state)
{
    struct stakes s;
    struct amount taken;
    (void)state;
    three(&s);
    const struct test_key *owner = &s.w.users[3];
    assert_int_equal(bond_slash(s.state, &s.w.users[2].signer.key, 2, &taken),
                     OK);
    assert_int_equal(taken.micro, 150000);
    assert_int_equal(
        stakes_unbond(&s, owner, &s.w.users[0].signer.key, 4 * C + 1),
        ERR_LEAVE_LIMIT);
    assert_int_equal(stakes_unbond(&s, owner, &s.w.users[0].signer.key, 4 * C),
                     OK);
    /* The accused has left: what it takes out now is free of the limit. */
    assert_int_equal(
        stakes_unbond(&s, owner, &s.w.users[2].signer.key, 2850000), OK);
    stakes_audit(&s);
    stakes_close(&s);
}

static void a_rest_below_the_minimum_or_above_the_bond_is_refused(void **state)
{
    struct stakes s;
    (void)state;
    three(&s);
    const struct test_key *owner = &s.w.users[3];
    const struct pubkey *c = &s.w.users[2].signer.key;
    assert_int_equal(stakes_unbond(&s, owner, c, 3 * C + 1), ERR_BOND_SHORT);
    assert_int_equal(stakes_unbond(&s, owner, c, 2 * C + 1), ERR_BOND_MIN);
    assert_int_equal(stakes_unbond(&s, owner, c, 2 * C), OK);
    assert_int_equal(stakes_unbond(&s, owner, c, C), OK);
    /* It may come back; what waits stays with it. */
    assert_int_equal(stakes_bond(&s, owner, c, NULL, C - 1), ERR_BOND_MIN);
    assert_int_equal(stakes_bond(&s, owner, c, NULL, C), OK);
    stakes_audit(&s);
    stakes_close(&s);
}

static void the_last_validator_stays(void **state)
{
    struct stakes s;
    (void)state;
    stakes_open(&s);
    const struct test_key *alone = &s.w.validator;
    assert_int_equal(stakes_unbond(&s, alone, &alone->signer.key, C),
                     ERR_LAST_VALIDATOR);
    stakes_close(&s);
}

static void what_is_unbonded_comes_back_unbond_epochs_later(void **state)
{
    struct stakes s;
    struct tx_effect effect;
    (void)state;
    three(&s); /* epoch 2 */
    const struct test_key *owner = &s.w.users[3];
    const struct pubkey *a = &s.w.users[0].signer.key;
    uint64_t before = stakes_balance(&s, &owner->signer.key);
    assert_int_equal(stakes_unbond(&s, owner, a, 2 * C), OK);
    assert_int_equal(stakes_unbond(&s, owner, a, C), OK); /* one entry */
    assert_int_equal(stakes_of(&s, a).unbonding_count, 1);
    assert_int_equal(stakes_of(&s, a).unbondings[0].release_epoch, 10);
    stakes_epoch(&s);
    assert_int_equal(stakes_unbond(&s, owner, a, C), OK);
    while (s.context.epoch < 9)
        stakes_epoch(&s);
    assert_int_equal(stakes_withdraw(&s, owner, a, NULL), ERR_NOT_RELEASED);
    assert_int_equal(stakes_balance(&s, &owner->signer.key), before);
    stakes_epoch(&s);
    assert_int_equal(stakes_withdraw(&s, owner, a, &effect), OK);
    assert_int_equal(effect.moved.micro, 3 * C);
    assert_memory_equal(effect.subject.b, a->b, 32);
    assert_int_equal(effect.account_count, 1);
    assert_int_equal(stakes_balance(&s, &owner->signer.key), before + 3 * C);
    assert_int_equal(stakes_withdraw(&s, owner, a, NULL), ERR_NOT_RELEASED);
    stakes_epoch(&s);
    assert_int_equal(stakes_withdraw(&s, owner, a, NULL), OK);
    stakes_audit(&s);
    stakes_close(&s);
}

static void eight_unbondings_wait_at_most(void **state)
{
    struct stakes s;
    (void)state;
    three(&s);
    const struct test_key *owner = &s.w.users[3];
    const struct pubkey *a = &s.w.users[0].signer.key;
    for (unsigned i = 0; i < BOND_UNBONDINGS_MAX; i++) {
        assert_int_equal(stakes_unbond(&s, owner, a, 1), OK);
        stakes_epoch(&s);
    }
    assert_int_equal(stakes_unbond(&s, owner, a, 1), ERR_UNBONDING);
    assert_int_equal(stakes_withdraw(&s, owner, a, NULL), OK);
    assert_int_equal(stakes_unbond(&s, owner, a, 1), OK);
    stakes_close(&s);
}

static void a_bond_of_nothing_leaves_no_record_and_may_change_owner(
    void **state)
{
    struct stakes s;
    struct bond bond;
    (void)state;
    three(&s);
    const struct test_key *owner = &s.w.users[3];
    const struct test_key *node = &s.w.users[2];
    assert_int_equal(stakes_unbond(&s, owner, &node->signer.key, 3 * C), OK);
    while (s.context.epoch < 10)
        stakes_epoch(&s);
    assert_int_equal(stakes_bond(&s, &s.w.users[0], &node->signer.key, node, C),
                     ERR_OWNER);
    assert_int_equal(stakes_withdraw(&s, owner, &node->signer.key, NULL), OK);
    assert_int_equal(bond_get(s.state, &node->signer.key, &bond),
                     ERR_NOT_FOUND);
    assert_int_equal(stakes_bond(&s, &s.w.users[0], &node->signer.key, node, C),
                     OK);
    stakes_audit(&s);
    stakes_close(&s);
}

static void a_jailed_key_is_burnt_and_its_rest_is_the_owners(void **state)
{
    struct stakes s;
    struct amount taken;
    struct bond bond;
    (void)state;
    three(&s);
    const struct test_key *owner = &s.w.users[3];
    const struct test_key *node = &s.w.users[2];
    const struct pubkey *key = &node->signer.key;
    assert_int_equal(bond_slash(s.state, key, 2, &taken), OK);
    assert_int_equal(stakes_bond(&s, owner, key, node, C), ERR_JAILED);
    assert_int_equal(stakes_unbond(&s, owner, key, 2850000), OK);
    while (s.context.epoch < 10)
        stakes_epoch(&s);
    assert_int_equal(stakes_withdraw(&s, owner, key, NULL), OK);
    assert_int_equal(bond_get(s.state, key, &bond), OK);
    assert_int_equal(bond.jailed_epoch, 2);
    assert_int_equal(bond.slashed.micro, 150000);
    assert_int_equal(stakes_bond(&s, owner, key, node, C), ERR_JAILED);
    stakes_audit(&s);
    stakes_close(&s);
}

static void the_ledgers_kinds_are_known_by_name(void **state)
{
    static const char *const names[] = {
        "transfer", "validator.bond", "validator.unbond", "validator.withdraw"};
    (void)state;
    assert_int_equal(ledger_kind_count, 4);
    for (size_t i = 0; i < ledger_kind_count; i++) {
        assert_int_equal(ledger_kinds[i].id, i + 1);
        assert_string_equal(ledger_kinds[i].name, names[i]);
        assert_int_equal(ledger_kinds[i].fee_min(10).micro,
                         fee_for_payload(10).micro);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_payloads_are_the_golden_ones),
        cmocka_unit_test(a_payload_has_one_spelling),
        cmocka_unit_test(nothing_is_no_amount_and_half_a_proof_is_none),
        cmocka_unit_test(a_new_validator_proves_that_it_knows_its_owner),
        cmocka_unit_test(only_the_owner_adds_takes_and_withdraws),
        cmocka_unit_test(a_bond_costs_what_the_owner_has),
        cmocka_unit_test(a_third_of_the_weight_leaves_in_one_epoch_and_no_more),
        cmocka_unit_test(what_is_accused_counts_as_having_left),
        cmocka_unit_test(a_rest_below_the_minimum_or_above_the_bond_is_refused),
        cmocka_unit_test(the_last_validator_stays),
        cmocka_unit_test(what_is_unbonded_comes_back_unbond_epochs_later),
        cmocka_unit_test(eight_unbondings_wait_at_most),
        cmocka_unit_test(
            a_bond_of_nothing_leaves_no_record_and_may_change_owner),
        cmocka_unit_test(a_jailed_key_is_burnt_and_its_rest_is_the_owners),
        cmocka_unit_test(the_ledgers_kinds_are_known_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
