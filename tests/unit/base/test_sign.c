#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/sign.h"
#include "tests/unit/base/vectors.h"

/* Reads "key:chain:text"; the chain is 32 times one byte. */
static void name_read(const char *name, struct pubkey *out_key,
                      struct hash *out_chain, struct bytes *out_text)
{
    char hex[65];
    uint8_t fill;
    snprintf(hex, sizeof(hex), "%.64s", name);
    assert_int_equal(hex_decode(hex, out_key->b, 32), OK);
    snprintf(hex, sizeof(hex), "%.2s", name + 65);
    assert_int_equal(hex_decode(hex, &fill, 1), OK);
    memset(out_chain->b, fill, HASH_LEN);
    *out_text = bytes_str(name + 68);
}

struct signed_text {
    struct pubkey key;
    struct hash chain;
    struct bytes text;
    struct signature sig;
    struct hash digest;
};

static void signed_text_read(const struct vector *vector,
                             struct signed_text *out)
{
    name_read(vector->name, &out->key, &out->chain, &out->text);
    assert_int_equal(vector->bytes.len, sizeof(out->sig.b));
    memcpy(out->sig.b, vector->raw, sizeof(out->sig.b));
    sign_digest(HASH_TAG_TX, &out->chain, out->text, &out->digest);
}

static void vector_verifies(const struct vector *vector)
{
    struct signed_text s;
    signed_text_read(vector, &s);
    assert_int_equal(sign_verify(&s.key, &s.digest, &s.sig), OK);
}

static void golden_signatures_verify(void **state)
{
    (void)state;
    vectors_each("sign.hex", vector_verifies);
}

static void vector_refuses_changes(const struct vector *vector)
{
    struct signed_text s;
    signed_text_read(vector, &s);
    for (unsigned bit = 0; bit < 512; bit += 13) {
        s.sig.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(sign_verify(&s.key, &s.digest, &s.sig), ERR_SIGNATURE);
        s.sig.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (unsigned bit = 0; bit < 256; bit += 13) {
        s.digest.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(sign_verify(&s.key, &s.digest, &s.sig), ERR_SIGNATURE);
        s.digest.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    s.key.b[0] ^= 1;
    assert_int_equal(sign_verify(&s.key, &s.digest, &s.sig), ERR_SIGNATURE);
}

static void one_changed_bit_is_refused(void **state)
{
    (void)state;
    vectors_each("sign.hex", vector_refuses_changes);
}

static void vector_is_bound(const struct vector *vector)
{
    struct signed_text s;
    struct hash other;
    signed_text_read(vector, &s);
    sign_digest(HASH_TAG_OFFER, &s.chain, s.text, &other);
    assert_int_equal(sign_verify(&s.key, &other, &s.sig), ERR_SIGNATURE);
    s.chain.b[31] ^= 1;
    sign_digest(HASH_TAG_TX, &s.chain, s.text, &other);
    assert_int_equal(sign_verify(&s.key, &other, &s.sig), ERR_SIGNATURE);
}

static void a_signature_is_bound_to_its_kind_and_chain(void **state)
{
    (void)state;
    vectors_each("sign.hex", vector_is_bound);
}

/* The group order L added to S: the same equation, another spelling. */
static void vector_refuses_second_spelling(const struct vector *vector)
{
    static const uint8_t order[32] = {
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
        0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
    struct signed_text s;
    unsigned carry = 0;
    signed_text_read(vector, &s);
    for (unsigned i = 0; i < 32; i++) {
        carry += (unsigned)s.sig.b[32 + i] + order[i];
        s.sig.b[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(sign_verify(&s.key, &s.digest, &s.sig), ERR_SIGNATURE);
}

static void a_signature_has_one_spelling(void **state)
{
    (void)state;
    vectors_each("sign.hex", vector_refuses_second_spelling);
}

/* The neutral element as key and R, S = 0, would fit every message. */
static void keys_of_small_order_are_refused(void **state)
{
    struct pubkey neutral = {{1}};
    struct pubkey zero = {{0}};
    struct signature sig = {{1}};
    struct hash digest = {{42}};
    (void)state;
    assert_int_equal(sign_verify(&neutral, &digest, &sig), ERR_SIGNATURE);
    assert_int_equal(sign_verify(&zero, &digest, &sig), ERR_SIGNATURE);
}

static void keys_have_an_order_and_a_zero(void **state)
{
    struct pubkey zero = {{0}};
    struct pubkey one = {{0, 1}};
    (void)state;
    assert_true(pubkey_is_zero(&zero));
    assert_false(pubkey_is_zero(&one));
    assert_true(pubkey_equal(&one, &one));
    assert_false(pubkey_equal(&one, &zero));
    assert_true(pubkey_compare(&zero, &one) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_signatures_verify),
        cmocka_unit_test(one_changed_bit_is_refused),
        cmocka_unit_test(a_signature_is_bound_to_its_kind_and_chain),
        cmocka_unit_test(a_signature_has_one_spelling),
        cmocka_unit_test(keys_of_small_order_are_refused),
        cmocka_unit_test(keys_have_an_order_and_a_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
