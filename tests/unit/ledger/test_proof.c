#include "fixture.h"

#include "kinds.h"
#include "ledger/state/proof.h"

struct light {
    struct world w;
    struct validators set;
    struct hash chain;
    struct buf proof;
    struct arena arena;
};

static void light_open(struct light *l)
{
    memset(l, 0, sizeof(*l));
    world_open_kinds(&l->w, &test_table);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(
            pool_transfer(&l->w, 0, i, &l->w.users[1].signer.key, 100), OK);
        assert_int_equal(
            pool_transfer(&l->w, 2, i, &l->w.users[1].signer.key, 50), OK);
        assert_int_equal(world_block(&l->w), 2);
    }
    /* All a light client knows: the genesis. */
    l->set = l->w.genesis.validators;
    l->chain = l->w.genesis.chain;
    buf_init(&l->proof, PROOF_BYTES_MAX + 1);
    arena_init(&l->arena, 1u << 20);
}

static void light_close(struct light *l)
{
    buf_done(&l->proof);
    arena_done(&l->arena);
    world_close(&l->w);
}

static enum err check_state(struct light *l, struct state_proof *out)
{
    return proof_check_state(buf_bytes(&l->proof), &l->chain, &l->set, out);
}

static enum err check_tx(struct light *l, struct tx_proof *out)
{
    arena_reset(&l->arena);
    return proof_check_tx(buf_bytes(&l->proof), &l->chain, &l->set, &l->arena,
                          out);
}

static void a_balance_is_proven_without_the_chain(void **state)
{
    struct light l;
    struct state_proof got;
    (void)state;
    light_open(&l);
    const struct pubkey *key = &l.w.users[1].signer.key;
    assert_int_equal(
        chain_prove(l.w.chain, STATE_ACCOUNT, BYTES_OF(key->b), &l.proof), OK);
    assert_int_equal(check_state(&l, &got), OK);
    assert_true(got.present);
    assert_int_equal(got.header.height, 3);
    assert_int_equal(got.table, STATE_ACCOUNT);
    assert_memory_equal(got.key.ptr, key->b, 32);
    assert_int_equal(u64le_get(got.value.ptr), 100 * CREDITS + 450);
    light_close(&l);
}

static void that_nothing_is_there_is_proven_too(void **state)
{
    struct light l;
    struct state_proof got;
    struct pubkey nobody = {{0}};
    (void)state;
    light_open(&l);
    for (unsigned i = 0; i < 20; i++) {
        nobody.b[0] = (uint8_t)i;
        buf_clear(&l.proof);
        assert_int_equal(
            chain_prove(l.w.chain, STATE_ACCOUNT, BYTES_OF(nobody.b), &l.proof),
            OK);
        assert_int_equal(check_state(&l, &got), OK);
        assert_false(got.present);
    }
    light_close(&l);
}

static void a_fresh_chain_can_prove_nothing_yet(void **state)
{
    struct world w;
    struct buf proof;
    (void)state;
    world_open(&w);
    buf_init(&proof, PROOF_BYTES_MAX);
    assert_int_equal(
        chain_prove(w.chain, STATE_PARAMS, BYTES_LIT("supply"), &proof),
        ERR_NOT_FOUND);
    buf_done(&proof);
    world_close(&w);
}

static void a_payment_is_proven_with_its_result(void **state)
{
    struct light l;
    struct tx_proof got;
    struct tx_ref refs[8];
    size_t count;
    (void)state;
    light_open(&l);
    assert_int_equal(chain_account_txs(l.w.chain, &l.w.users[1].signer.key,
                                       (struct tx_place){0}, refs, 8, &count),
                     OK);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++) {
        buf_clear(&l.proof);
        assert_int_equal(chain_prove_tx(l.w.chain, &refs[i].id, 0, &l.proof),
                         OK);
        assert_int_equal(check_tx(&l, &got), OK);
        assert_true(hash_equal(&got.tx.id, &refs[i].id));
        assert_int_equal(got.header.height, refs[i].place.height);
        assert_int_equal(got.position, refs[i].place.position);
        assert_true(got.result.effect.moved.micro >= 50);
    }
    struct hash unknown = {{1}};
    assert_int_equal(chain_prove_tx(l.w.chain, &unknown, 0, &l.proof),
                     ERR_NOT_FOUND);
    light_close(&l);
}

/* Damage anywhere must not pass as a proof of anything. The one exception are
 * bits nobody relies on: there are none. */
static void no_damaged_state_proof_passes(void **state)
{
    struct light l;
    struct state_proof got;
    (void)state;
    light_open(&l);
    const struct pubkey *key = &l.w.users[1].signer.key;
    assert_int_equal(
        chain_prove(l.w.chain, STATE_ACCOUNT, BYTES_OF(key->b), &l.proof), OK);
    for (size_t i = 0; i < l.proof.len; i++) {
        l.proof.ptr[i] ^= (uint8_t)(1u << (i % 8));
        assert_int_not_equal(check_state(&l, &got), OK);
        l.proof.ptr[i] ^= (uint8_t)(1u << (i % 8));
    }
    size_t whole = l.proof.len;
    for (size_t len = 0; len < whole; len++) {
        l.proof.len = len;
        assert_int_not_equal(check_state(&l, &got), OK);
    }
    l.proof.len = whole;
    buf_add_u8(&l.proof, 0);
    assert_int_not_equal(check_state(&l, &got), OK);
    light_close(&l);
}

static void no_damaged_tx_proof_passes(void **state)
{
    struct light l;
    struct tx_proof got;
    struct tx_ref ref;
    size_t count;
    (void)state;
    light_open(&l);
    assert_int_equal(chain_account_txs(l.w.chain, &l.w.users[1].signer.key,
                                       (struct tx_place){0}, &ref, 1, &count),
                     OK);
    assert_int_equal(chain_prove_tx(l.w.chain, &ref.id, 0, &l.proof), OK);
    assert_int_equal(check_tx(&l, &got), OK);
    for (size_t i = 0; i < l.proof.len; i++) {
        l.proof.ptr[i] ^= (uint8_t)(1u << (i % 8));
        assert_int_not_equal(check_tx(&l, &got), OK);
        l.proof.ptr[i] ^= (uint8_t)(1u << (i % 8));
    }
    buf_add_u8(&l.proof, 0);
    assert_int_not_equal(check_tx(&l, &got), OK);
    light_close(&l);
}

/* Where the parts of a transaction proof begin. */
static size_t tx_part(const struct buf *proof, unsigned part)
{
    size_t at = 2 + HEADER_BYTES;
    at += 4 + u32le_get(proof->ptr + at);
    at += 2; /* no older block */
    if (part == 0)
        return at; /* the transaction */
    at += 4 + u32le_get(proof->ptr + at);
    if (part == 1)
        return at; /* its result: of a transfer, one account */
    at += RESULT_BYTES_MAX - 2 * 32;
    if (part == 2)
        return at;      /* the path of the transaction */
    return at + 9 + 32; /* of the result: two items in the list */
}

static void add_part(struct buf *out, const struct buf *from, unsigned part)
{
    size_t start = tx_part(from, part);
    size_t end = part < 3 ? tx_part(from, part + 1) : from->len;
    buf_add(out, bytes_make(from->ptr + start, end - start));
}

static void a_payment_is_not_proven_by_its_neighbours_result(void **state)
{
    struct light l;
    struct tx_proof got;
    struct tx_ref refs[2];
    struct buf one;
    struct buf two;
    size_t count;
    (void)state;
    light_open(&l);
    assert_int_equal(chain_account_txs(l.w.chain, &l.w.users[1].signer.key,
                                       (struct tx_place){0}, refs, 2, &count),
                     OK);
    assert_int_equal(refs[0].place.height, refs[1].place.height);
    buf_init(&one, PROOF_BYTES_MAX);
    buf_init(&two, PROOF_BYTES_MAX);
    assert_int_equal(chain_prove_tx(l.w.chain, &refs[0].id, 0, &one), OK);
    assert_int_equal(chain_prove_tx(l.w.chain, &refs[1].id, 0, &two), OK);
    for (unsigned mask = 0; mask < 16; mask++) {
        buf_clear(&l.proof);
        buf_add(&l.proof, bytes_make(one.ptr, tx_part(&one, 0)));
        for (unsigned part = 0; part < 4; part++)
            add_part(&l.proof, (mask >> part & 1u) != 0 ? &two : &one, part);
        enum err err = check_tx(&l, &got);
        if (mask == 0 || mask == 15)
            assert_int_equal(err, OK);
        else
            assert_int_equal(err, ERR_PROOF);
    }
    buf_done(&one);
    buf_done(&two);
    light_close(&l);
}

static void a_proof_needs_the_right_chain_and_set(void **state)
{
    struct light l;
    struct state_proof got;
    struct test_key other;
    (void)state;
    light_open(&l);
    assert_int_equal(
        chain_prove(l.w.chain, STATE_PARAMS, BYTES_LIT("supply"), &l.proof),
        OK);
    assert_int_equal(check_state(&l, &got), OK);
    assert_int_equal(u64le_get(got.value.ptr), 401 * CREDITS);
    l.chain.b[0] ^= 1;
    assert_int_equal(check_state(&l, &got), ERR_CHAIN);
    l.chain.b[0] ^= 1;
    test_key_init(&other, 5);
    memset(&l.set, 0, sizeof(l.set));
    assert_int_equal(validators_add(&l.set, &other.signer.key, 1), OK);
    assert_int_equal(check_state(&l, &got), ERR_SIGNATURE);
    test_key_init(&other, 6);
    assert_int_equal(validators_add(&l.set, &other.signer.key, 1), OK);
    assert_int_equal(check_state(&l, &got), ERR_RANGE);
    light_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_balance_is_proven_without_the_chain),
        cmocka_unit_test(that_nothing_is_there_is_proven_too),
        cmocka_unit_test(a_fresh_chain_can_prove_nothing_yet),
        cmocka_unit_test(a_payment_is_proven_with_its_result),
        cmocka_unit_test(no_damaged_state_proof_passes),
        cmocka_unit_test(no_damaged_tx_proof_passes),
        cmocka_unit_test(a_payment_is_not_proven_by_its_neighbours_result),
        cmocka_unit_test(a_proof_needs_the_right_chain_and_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
