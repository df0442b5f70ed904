#include "fixture.h"

#include "golden.h"

static void unit_chain(struct hash *out)
{
    struct buf want;
    golden("chain", &want);
    memcpy(out->b, want.ptr, HASH_LEN);
    buf_done(&want);
}

static void tx_bytes_are_the_golden_ones(void **state)
{
    struct test_key alice;
    struct test_key bob;
    struct test_tx t;
    struct hash chain;
    (void)state;
    unit_chain(&chain);
    test_key_init(&alice, 0);
    test_key_init(&bob, 1);
    test_transfer(&t, &chain, &alice, 0, &bob.signer.key, 500);
    assert_golden("tx", buf_bytes(&t.bytes));
    assert_golden_hash("tx-id", &t.tx.id);
    assert_int_equal(tx_verify(&t.tx, &chain), OK);
    test_tx_done(&t);
}

static void tx_with_large_numbers_is_golden_too(void **state)
{
    struct test_key key;
    struct test_tx t;
    struct hash chain;
    (void)state;
    unit_chain(&chain);
    test_key_init(&key, 3);
    test_tx_start(&t, &chain, 150, UINT64_C(1) << 40);
    t.tx.expiry_height = UINT64_C(1) << 63;
    t.tx.fee = amount_micro(UINT64_C(1) << 33);
    for (unsigned i = 0; i < 512; i++)
        buf_add_u8(&t.payload, (uint8_t)i);
    test_tx_finish(&t, &key);
    assert_golden("tx-big", buf_bytes(&t.bytes));
    assert_int_equal(t.tx.kind, 150);
    assert_int_equal(t.tx.payload.len, 512);
    test_tx_done(&t);
}

static void tx_encoding_of_a_decoded_tx_is_the_same_bytes(void **state)
{
    struct buf want;
    struct buf got;
    struct arena arena;
    struct tx tx;
    (void)state;
    golden("tx-big", &want);
    arena_init(&arena, 64 * 1024);
    buf_init(&got, LIMIT_TX_BYTES);
    assert_int_equal(tx_decode(buf_bytes(&want), &arena, &tx), OK);
    tx_encode(&tx, &got);
    assert_true(bytes_equal(buf_bytes(&got), buf_bytes(&want)));
    buf_done(&got);
    buf_done(&want);
    arena_done(&arena);
}

static void tx_signature_is_bound_to_the_chain(void **state)
{
    struct test_key key;
    struct test_tx t;
    struct hash chain = {{1}};
    struct hash other = {{2}};
    (void)state;
    test_key_init(&key, 0);
    test_transfer(&t, &chain, &key, 0, &key.signer.key, 1);
    assert_int_equal(tx_verify(&t.tx, &other), ERR_CHAIN);
    t.tx.chain = other;
    assert_int_equal(tx_verify(&t.tx, &other), ERR_SIGNATURE);
    test_tx_done(&t);
}

static void tx_signature_covers_every_field(void **state)
{
    struct test_key key;
    struct test_key mallory;
    struct test_tx t;
    struct tx tx;
    struct hash chain = {{1}};
    (void)state;
    test_key_init(&key, 0);
    test_key_init(&mallory, 1);
    test_transfer(&t, &chain, &key, 7, &key.signer.key, 1);
    tx = t.tx;
    tx.kind++;
    assert_int_equal(tx_verify(&tx, &chain), ERR_SIGNATURE);
    tx = t.tx;
    tx.nonce++;
    assert_int_equal(tx_verify(&tx, &chain), ERR_SIGNATURE);
    tx = t.tx;
    tx.expiry_height++;
    assert_int_equal(tx_verify(&tx, &chain), ERR_SIGNATURE);
    tx = t.tx;
    tx.fee = amount_micro(1);
    assert_int_equal(tx_verify(&tx, &chain), ERR_SIGNATURE);
    tx = t.tx;
    tx.payload.len--;
    assert_int_equal(tx_verify(&tx, &chain), ERR_SIGNATURE);
    tx = t.tx;
    tx.sender = mallory.signer.key;
    assert_int_equal(tx_verify(&tx, &chain), ERR_SIGNATURE);
    assert_int_equal(tx_verify(&t.tx, &chain), OK);
    test_tx_done(&t);
}

/* Every cut and every flipped bit is refused, or is another valid spelling of a
 * transaction whose signature then fails. */
static void tx_decode_refuses_or_rebinds_every_damaged_byte(void **state)
{
    struct buf good;
    struct arena arena;
    struct hash chain;
    (void)state;
    golden("tx", &good);
    unit_chain(&chain);
    arena_init(&arena, 64 * 1024);
    for (size_t len = 0; len < good.len; len++) {
        struct tx tx;
        arena_reset(&arena);
        assert_int_not_equal(tx_decode(bytes_make(good.ptr, len), &arena, &tx),
                             OK);
    }
    for (size_t i = 0; i < good.len * 8; i++) {
        struct tx tx;
        arena_reset(&arena);
        good.ptr[i / 8] ^= (uint8_t)(1u << (i % 8));
        if (tx_decode(buf_bytes(&good), &arena, &tx) == OK)
            assert_int_not_equal(tx_verify(&tx, &chain), OK);
        good.ptr[i / 8] ^= (uint8_t)(1u << (i % 8));
    }
    buf_done(&good);
    arena_done(&arena);
}

static void tx_decode_leaves_its_output_alone_on_refusal(void **state)
{
    struct arena arena;
    struct tx tx;
    (void)state;
    memset(&tx, 0x5a, sizeof(tx));
    arena_init(&arena, 1024);
    assert_int_equal(tx_decode(BYTES_LIT("\x92\xc4"), &arena, &tx),
                     ERR_TRUNCATED);
    assert_int_equal(tx.nonce, UINT64_C(0x5a5a5a5a5a5a5a5a));
    arena_done(&arena);
}

static void tx_of_more_than_the_limit_is_refused(void **state)
{
    static uint8_t big[LIMIT_TX_BYTES + 1];
    struct arena arena;
    struct tx tx;
    (void)state;
    arena_init(&arena, 1024);
    assert_int_equal(tx_decode(BYTES_OF(big), &arena, &tx), ERR_TOO_LARGE);
    arena_done(&arena);
}

static enum err sign_nothing(void *ctx, const char *tag,
                             const struct hash *digest, struct signature *out)
{
    (void)ctx;
    (void)tag;
    (void)digest;
    (void)out;
    return ERR_LOCKED;
}

static void tx_sign_passes_the_signers_refusal_on(void **state)
{
    struct signer signer = {.sign = sign_nothing};
    struct tx tx = {.nonce = 3};
    struct tx before = tx;
    (void)state;
    assert_int_equal(tx_sign(&tx, &signer), ERR_LOCKED);
    assert_memory_equal(&tx, &before, sizeof(tx));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tx_bytes_are_the_golden_ones),
        cmocka_unit_test(tx_with_large_numbers_is_golden_too),
        cmocka_unit_test(tx_encoding_of_a_decoded_tx_is_the_same_bytes),
        cmocka_unit_test(tx_signature_is_bound_to_the_chain),
        cmocka_unit_test(tx_signature_covers_every_field),
        cmocka_unit_test(tx_decode_refuses_or_rebinds_every_damaged_byte),
        cmocka_unit_test(tx_decode_leaves_its_output_alone_on_refusal),
        cmocka_unit_test(tx_of_more_than_the_limit_is_refused),
        cmocka_unit_test(tx_sign_passes_the_signers_refusal_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
