#include "node/net/noise.h"

#include <sodium.h>
#include <string.h>

#include "base/check.h"

static const char NAME[] = "Noise_XX_25519_ChaChaPoly_BLAKE2b";

enum { BLOCK_LEN = 128 }; /* BLAKE2b's, for HMAC */

_Static_assert(sizeof NAME - 1 <= NOISE_HASH_LEN, "the name is not hashed");
_Static_assert(crypto_scalarmult_BYTES == NOISE_KEY_LEN, "X25519");
_Static_assert(crypto_aead_chacha20poly1305_ietf_KEYBYTES == NOISE_KEY_LEN,
               "ChaCha20");
_Static_assert(crypto_aead_chacha20poly1305_ietf_ABYTES == NOISE_TAG_LEN,
               "Poly1305");

/* ---- HMAC-BLAKE2b and HKDF ---- */

static void hash_two(struct bytes a, struct bytes b,
                     uint8_t out[NOISE_HASH_LEN])
{
    crypto_generichash_state st;

    (void)crypto_generichash_init(&st, NULL, 0, NOISE_HASH_LEN);
    (void)crypto_generichash_update(&st, a.ptr, a.len);
    (void)crypto_generichash_update(&st, b.ptr, b.len);
    (void)crypto_generichash_final(&st, out, NOISE_HASH_LEN);
    sodium_memzero(&st, sizeof st);
}

/* One half of HMAC: hash(key xor pad, a, b). */
static void hmac_half(const uint8_t key[NOISE_HASH_LEN], uint8_t pad,
                      struct bytes a, struct bytes b,
                      uint8_t out[NOISE_HASH_LEN])
{
    crypto_generichash_state st;
    uint8_t block[BLOCK_LEN];

    memset(block, pad, sizeof block);
    for (size_t i = 0; i < NOISE_HASH_LEN; i++)
        block[i] ^= key[i];
    (void)crypto_generichash_init(&st, NULL, 0, NOISE_HASH_LEN);
    (void)crypto_generichash_update(&st, block, sizeof block);
    (void)crypto_generichash_update(&st, a.ptr, a.len);
    (void)crypto_generichash_update(&st, b.ptr, b.len);
    (void)crypto_generichash_final(&st, out, NOISE_HASH_LEN);
    sodium_memzero(block, sizeof block);
    sodium_memzero(&st, sizeof st);
}

static void hmac(const uint8_t key[NOISE_HASH_LEN], struct bytes a,
                 struct bytes b, uint8_t out[NOISE_HASH_LEN])
{
    uint8_t inner[NOISE_HASH_LEN];

    hmac_half(key, 0x36, a, b, inner);
    hmac_half(key, 0x5c, BYTES_OF(inner), (struct bytes){0}, out);
    sodium_memzero(inner, sizeof inner);
}

/* HKDF with two outputs; the outputs may alias the chaining key. */
static void hkdf(const uint8_t chaining[NOISE_HASH_LEN], struct bytes input,
                 uint8_t out1[NOISE_HASH_LEN], uint8_t out2[NOISE_HASH_LEN])
{
    static const uint8_t one = 1, two = 2;
    uint8_t temp[NOISE_HASH_LEN];
    uint8_t first[NOISE_HASH_LEN];

    hmac(chaining, input, (struct bytes){0}, temp);
    hmac(temp, bytes_make(&one, 1), (struct bytes){0}, first);
    hmac(temp, BYTES_OF(first), bytes_make(&two, 1), out2);
    memcpy(out1, first, sizeof first);
    sodium_memzero(temp, sizeof temp);
    sodium_memzero(first, sizeof first);
}

/* ---- the cipher ---- */

static void nonce_put(uint64_t nonce, uint8_t out[12])
{
    memset(out, 0, 4);
    u64le_put(out + 4, nonce);
}

enum err noise_seal(struct noise_cipher *cipher, struct bytes ad,
                    struct bytes plain, uint8_t *out)
{
    uint8_t nonce[12];

    if (!cipher->keyed) {
        if (plain.len > 0)
            memmove(out, plain.ptr, plain.len);
        return OK;
    }
    if (cipher->nonce == UINT64_MAX)
        return ERR_OVERFLOW;
    nonce_put(cipher->nonce++, nonce);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain.ptr,
                                                    plain.len, ad.ptr, ad.len,
                                                    NULL, nonce, cipher->key);
    return OK;
}

enum err noise_open(struct noise_cipher *cipher, struct bytes ad,
                    struct bytes sealed, uint8_t *out)
{
    uint8_t nonce[12];

    if (!cipher->keyed) {
        if (sealed.len > 0)
            memmove(out, sealed.ptr, sealed.len);
        return OK;
    }
    if (cipher->nonce == UINT64_MAX)
        return ERR_OVERFLOW;
    if (sealed.len < NOISE_TAG_LEN)
        return ERR_DECRYPT;
    nonce_put(cipher->nonce, nonce);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.ptr,
                                                  sealed.len, ad.ptr, ad.len,
                                                  nonce, cipher->key) != 0)
        return ERR_DECRYPT;
    cipher->nonce++;
    return OK;
}

void noise_rekey(struct noise_cipher *cipher)
{
    uint8_t zeros[NOISE_KEY_LEN] = {0};
    uint8_t sealed[NOISE_KEY_LEN + NOISE_TAG_LEN];
    uint8_t nonce[12];

    CHECK(cipher->keyed);
    nonce_put(UINT64_MAX, nonce);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(
        sealed, NULL, zeros, sizeof zeros, NULL, 0, NULL, nonce, cipher->key);
    memcpy(cipher->key, sealed, NOISE_KEY_LEN);
    sodium_memzero(sealed, sizeof sealed);
}

void noise_cipher_done(struct noise_cipher *cipher)
{
    sodium_memzero(cipher, sizeof *cipher);
}

static void cipher_set_key(struct noise_cipher *cipher,
                           const uint8_t key[NOISE_KEY_LEN])
{
    memcpy(cipher->key, key, NOISE_KEY_LEN);
    cipher->nonce = 0;
    cipher->keyed = true;
}

/* ---- the symmetric state ---- */

static void mix_hash(struct noise *noise, struct bytes data)
{
    hash_two(BYTES_OF(noise->hash), data, noise->hash);
}

static void mix_key(struct noise *noise, const uint8_t input[NOISE_KEY_LEN])
{
    uint8_t key[NOISE_HASH_LEN];

    hkdf(noise->chaining, bytes_make(input, NOISE_KEY_LEN), noise->chaining,
         key);
    cipher_set_key(&noise->cipher, key);
    sodium_memzero(key, sizeof key);
}

/* MixKey(DH(secret, public)). libsodium refuses an all-zero result. */
static enum err mix_dh(struct noise *noise, const uint8_t secret[NOISE_KEY_LEN],
                       const uint8_t public[NOISE_KEY_LEN])
{
    uint8_t shared[NOISE_KEY_LEN];
    enum err err = OK;

    if (crypto_scalarmult(shared, secret, public) != 0 ||
        sodium_is_zero(shared, sizeof shared))
        err = ERR_HANDSHAKE;
    else
        mix_key(noise, shared);
    sodium_memzero(shared, sizeof shared);
    return err;
}

static enum err put_sealed(struct noise *noise, struct bytes plain,
                           struct buf *out)
{
    static const uint8_t tag[NOISE_TAG_LEN];
    size_t start = out->len;
    uint8_t *at;

    buf_add(out, plain);
    if (noise->cipher.keyed)
        buf_add(out, BYTES_OF(tag));
    if (out->err != OK)
        return out->err;
    at = out->ptr == NULL ? NULL : out->ptr + start;
    if (at != NULL)
        TRY(noise_seal(&noise->cipher, BYTES_OF(noise->hash),
                       bytes_make(at, plain.len), at));
    mix_hash(noise, bytes_make(at, out->len - start));
    return OK;
}

/* ---- tokens: writing ---- */

static void put_ephemeral(struct noise *noise, struct buf *out)
{
    struct bytes e = BYTES_OF(noise->ephemeral_public);

    buf_add(out, e);
    mix_hash(noise, e);
}

static enum err put_static(struct noise *noise, struct buf *out)
{
    return put_sealed(noise, BYTES_OF(noise->static_public), out);
}

static enum err dh_ee(struct noise *noise)
{
    return mix_dh(noise, noise->ephemeral_secret, noise->remote_ephemeral);
}

/* The initiator's ephemeral with the responder's static key. */
static enum err dh_es(struct noise *noise)
{
    if (noise->initiator)
        return mix_dh(noise, noise->ephemeral_secret, noise->remote_static);
    return mix_dh(noise, noise->static_secret, noise->remote_ephemeral);
}

static enum err dh_se(struct noise *noise)
{
    if (noise->initiator)
        return mix_dh(noise, noise->static_secret, noise->remote_ephemeral);
    return mix_dh(noise, noise->ephemeral_secret, noise->remote_static);
}

static enum err write_tokens(struct noise *noise, struct buf *out)
{
    if (noise->next == 0) {
        put_ephemeral(noise, out);
        return OK;
    }
    if (noise->next == 1) {
        put_ephemeral(noise, out);
        TRY(dh_ee(noise));
        TRY(put_static(noise, out));
        return dh_es(noise);
    }
    TRY(put_static(noise, out));
    return dh_se(noise);
}

/* ---- tokens: reading ---- */

static enum err take(struct bytes *rest, size_t len, struct bytes *out)
{
    if (rest->len < len)
        return ERR_TRUNCATED;
    *out = bytes_make(rest->ptr, len);
    *rest = bytes_make(rest->ptr + len, rest->len - len);
    return OK;
}

static enum err get_ephemeral(struct noise *noise, struct bytes *rest)
{
    struct bytes e;

    TRY(take(rest, NOISE_KEY_LEN, &e));
    memcpy(noise->remote_ephemeral, e.ptr, NOISE_KEY_LEN);
    mix_hash(noise, e);
    return OK;
}

static enum err get_static(struct noise *noise, struct bytes *rest)
{
    struct bytes sealed;

    CHECK(noise->cipher.keyed);
    TRY(take(rest, NOISE_KEY_LEN + NOISE_TAG_LEN, &sealed));
    TRY(noise_open(&noise->cipher, BYTES_OF(noise->hash), sealed,
                   noise->remote_static));
    mix_hash(noise, sealed);
    return OK;
}

static enum err read_tokens(struct noise *noise, struct bytes *rest)
{
    if (noise->next == 0)
        return get_ephemeral(noise, rest);
    if (noise->next == 1) {
        TRY(get_ephemeral(noise, rest));
        TRY(dh_ee(noise));
        TRY(get_static(noise, rest));
        return dh_es(noise);
    }
    TRY(get_static(noise, rest));
    return dh_se(noise);
}

static enum err read_payload(struct noise *noise, struct bytes sealed,
                             struct buf *out)
{
    buf_clear(out);
    buf_add(out, sealed);
    if (out->err != OK)
        return out->err;
    if (noise->cipher.keyed && sealed.len < NOISE_TAG_LEN)
        return ERR_TRUNCATED;
    if (sealed.len > 0)
        TRY(noise_open(&noise->cipher, BYTES_OF(noise->hash), sealed,
                       out->ptr));
    if (noise->cipher.keyed)
        out->len -= NOISE_TAG_LEN;
    mix_hash(noise, sealed);
    return OK;
}

/* ---- the handshake ---- */

void noise_public_key(const uint8_t secret[NOISE_KEY_LEN],
                      uint8_t out[NOISE_KEY_LEN])
{
    (void)crypto_scalarmult_base(out, secret);
}

void noise_init(struct noise *noise, bool initiator, struct bytes prologue,
                const uint8_t static_secret[NOISE_KEY_LEN],
                const uint8_t ephemeral_secret[NOISE_KEY_LEN])
{
    memset(noise, 0, sizeof *noise);
    noise->initiator = initiator;
    memcpy(noise->hash, NAME, sizeof NAME - 1);
    memcpy(noise->chaining, noise->hash, sizeof noise->chaining);
    mix_hash(noise, prologue);
    memcpy(noise->static_secret, static_secret, NOISE_KEY_LEN);
    memcpy(noise->ephemeral_secret, ephemeral_secret, NOISE_KEY_LEN);
    noise_public_key(static_secret, noise->static_public);
    noise_public_key(ephemeral_secret, noise->ephemeral_public);
}

void noise_done(struct noise *noise)
{
    sodium_memzero(noise, sizeof *noise);
}

bool noise_is_finished(const struct noise *noise)
{
    return noise->next >= NOISE_MESSAGE_COUNT;
}

bool noise_is_our_turn(const struct noise *noise)
{
    bool initiators = noise->next % 2 == 0;

    return !noise_is_finished(noise) && initiators == noise->initiator;
}

enum err noise_write(struct noise *noise, struct bytes payload, struct buf *out)
{
    size_t start = out->len;

    CHECK(noise_is_our_turn(noise));
    if (payload.len > NOISE_MESSAGE_MAX - 256)
        return ERR_TOO_LARGE;
    TRY(write_tokens(noise, out));
    TRY(put_sealed(noise, payload, out));
    CHECK(out->len - start <= NOISE_MESSAGE_MAX);
    noise->next++;
    return OK;
}

enum err noise_read(struct noise *noise, struct bytes message,
                    struct buf *out_payload)
{
    struct bytes rest = message;

    CHECK(!noise_is_finished(noise) && !noise_is_our_turn(noise));
    if (message.len > NOISE_MESSAGE_MAX)
        return ERR_TOO_LARGE;
    TRY(read_tokens(noise, &rest));
    TRY(read_payload(noise, rest, out_payload));
    noise->next++;
    return OK;
}

void noise_split(struct noise *noise, struct noise_cipher *out_send,
                 struct noise_cipher *out_receive)
{
    uint8_t k1[NOISE_HASH_LEN], k2[NOISE_HASH_LEN];

    CHECK(noise_is_finished(noise));
    hkdf(noise->chaining, (struct bytes){0}, k1, k2);
    cipher_set_key(noise->initiator ? out_send : out_receive, k1);
    cipher_set_key(noise->initiator ? out_receive : out_send, k2);
    sodium_memzero(k1, sizeof k1);
    sodium_memzero(k2, sizeof k2);
    sodium_memzero(noise->chaining, sizeof noise->chaining);
    sodium_memzero(noise->static_secret, NOISE_KEY_LEN);
    sodium_memzero(noise->ephemeral_secret, NOISE_KEY_LEN);
    noise_cipher_done(&noise->cipher);
}
