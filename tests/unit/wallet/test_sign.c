#include "support.h"

#include "wallet/key.h"
#include "wallet/sign.h"

static const uint8_t seed[32] = {7};
static const struct hash chain = {{9}};

static void what_is_signed_verifies_on_its_chain_under_its_tag(void **state)
{
    struct hash same, other_chain = chain, digest;
    struct signature sig;
    struct signer signer;
    struct key *key;
    (void)state;
    assert_ok(key_from_seed(&purpose_account, seed, &key));
    signer = key_signer(key);
    assert_ok(wallet_sign_bytes(&signer, HASH_TAG_TX, &chain, BYTES_LIT("pay"),
                                &sig));
    sign_digest(HASH_TAG_TX, &chain, BYTES_LIT("pay"), &same);
    assert_ok(sign_verify(&signer.key, &same, &sig));
    sign_digest(HASH_TAG_REQUEST, &chain, BYTES_LIT("pay"), &digest);
    assert_err(sign_verify(&signer.key, &digest, &sig), ERR_SIGNATURE);
    other_chain.b[5] = 1;
    sign_digest(HASH_TAG_TX, &other_chain, BYTES_LIT("pay"), &digest);
    assert_err(sign_verify(&signer.key, &digest, &sig), ERR_SIGNATURE);
    key_free(key);
}

static void the_key_s_refusal_travels_up(void **state)
{
    struct signature sig = {{3}};
    struct signer signer;
    struct key *key;
    (void)state;
    assert_ok(key_from_seed(&purpose_account, seed, &key));
    signer = key_signer(key);
    assert_err(wallet_sign_bytes(&signer, HASH_TAG_OFFER, &chain,
                                 BYTES_LIT("sell"), &sig),
               ERR_PURPOSE);
    assert_int_equal(sig.b[0], 3);
    key_free(key);
}

static enum err bad_sign(void *ctx, const char *tag, const struct hash *digest,
                         struct signature *out)
{
    struct key *key = ctx;
    TRY(key_sign(key, tag, digest, out));
    out->b[40] ^= 1;
    return OK;
}

static enum err locked_sign(void *ctx, const char *tag,
                            const struct hash *digest, struct signature *out)
{
    (void)ctx;
    (void)tag;
    (void)digest;
    (void)out;
    return ERR_LOCKED;
}

static void a_signature_that_does_not_verify_is_not_let_out(void **state)
{
    struct signature sig = {{3}};
    struct signer signer;
    struct key *key;
    (void)state;
    assert_ok(key_from_seed(&purpose_account, seed, &key));
    signer = key_signer(key);
    signer.sign = bad_sign;
    assert_err(wallet_sign_digest(&signer, HASH_TAG_TX, &chain, &sig),
               ERR_SIGNATURE);
    signer = key_signer(key);
    signer.key.b[0] ^= 1; /* a signer that is not who it says */
    assert_err(wallet_sign_digest(&signer, HASH_TAG_TX, &chain, &sig),
               ERR_SIGNATURE);
    signer.sign = locked_sign;
    assert_err(wallet_sign_digest(&signer, HASH_TAG_TX, &chain, &sig),
               ERR_LOCKED);
    assert_int_equal(sig.b[0], 3);
    key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_verifies_on_its_chain_under_its_tag),
        cmocka_unit_test(the_key_s_refusal_travels_up),
        cmocka_unit_test(a_signature_that_does_not_verify_is_not_let_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
