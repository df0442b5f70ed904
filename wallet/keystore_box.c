#include "wallet/keystore_box.h"

#include <string.h>

#include <sodium.h>

#include "base/check.h"
#include "wallet/key_secret.h"
#include "wallet/passphrase.h"

#define KEY_LEN crypto_aead_xchacha20poly1305_ietf_KEYBYTES

enum err keystore_passphrase_check(struct bytes passphrase)
{
    if (passphrase.len == 0 || passphrase.len > PASSPHRASE_LEN_MAX)
        return ERR_RANGE;
    return OK;
}

/* The key of the box. `out` is an uninitialised secret. */
static enum err stretch(const struct keystore_file *file,
                        struct bytes passphrase, struct secret *out)
{
    struct secret key;

    CHECK(keystore_cost_check(&file->cost) == OK);
    TRY(secret_init(&key, KEY_LEN));
    /* Given sane limits, the one thing that fails here is memory. */
    if (crypto_pwhash(key.ptr, KEY_LEN, (const char *)passphrase.ptr,
                      passphrase.len, file->salt, file->cost.opslimit,
                      (size_t)file->cost.memlimit,
                      crypto_pwhash_ALG_ARGON2ID13) != 0) {
        secret_done(&key);
        return ERR_NOMEM;
    }
    key.len = KEY_LEN;
    *out = key;
    return OK;
}

static enum err plain_fill(struct key *key, struct secret *plain)
{
    const struct key_origin origin = key_origin(key);
    const struct key_secret *secret = key_secret_open(key);
    uint8_t *p = plain->ptr;

    CHECK(plain->cap >= KEYSTORE_PLAIN_LEN);
    if (secret == NULL)
        return ERR_UNSUPPORTED;
    p[0] = KEYSTORE_PLAIN_VERSION;
    p[1] = (uint8_t)((origin.has_words ? KEYSTORE_FLAG_WORDS : 0u) |
                     (origin.words_passphrase ? KEYSTORE_FLAG_EXTRA : 0u));
    u32le_put(p + 2, origin.account);
    memcpy(p + 6, secret->sk, 32);
    memcpy(p + 38, secret->entropy, 32);
    key_secret_close(key);
    plain->len = KEYSTORE_PLAIN_LEN;
    return OK;
}

/* Seals `plain` into file->box with a fresh salt and nonce; the other fields
 * of `file` are set and get bound to the box. */
static enum err seal(struct keystore_file *file, const struct secret *plain,
                     struct bytes passphrase, const struct entropy *entropy)
{
    struct secret key = {0};
    struct buf header;
    struct bytes ad;
    enum err err;

    buf_init(&header, KEYSTORE_FILE_MAX);
    err = entropy_fill(entropy, file->salt, sizeof(file->salt));
    if (err == OK)
        err = entropy_fill(entropy, file->nonce, sizeof(file->nonce));
    if (err == OK)
        err = stretch(file, passphrase, &key);
    if (err != OK)
        goto out;
    keystore_header_encode(file, &header);
    if ((err = header.err) != OK)
        goto out;
    ad = buf_bytes(&header);
    crypto_aead_xchacha20poly1305_ietf_encrypt(file->box, NULL, plain->ptr,
                                               plain->len, ad.ptr, ad.len, NULL,
                                               file->nonce, key.ptr);
out:
    buf_done(&header);
    secret_done(&key);
    return err;
}

/* Opens the box into `plain` (cap KEYSTORE_PLAIN_LEN). The file's own checksum
 * has passed, so a box that does not open means another passphrase. */
static enum err unseal(const struct keystore_file *file,
                       struct bytes passphrase, struct secret *plain)
{
    struct secret key = {0};
    struct buf header;
    struct bytes ad;
    enum err err;

    buf_init(&header, KEYSTORE_FILE_MAX);
    keystore_header_encode(file, &header);
    if ((err = header.err) != OK)
        goto out;
    if ((err = stretch(file, passphrase, &key)) != OK)
        goto out;
    ad = buf_bytes(&header);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            plain->ptr, NULL, NULL, file->box, sizeof(file->box), ad.ptr,
            ad.len, file->nonce, key.ptr) != 0)
        err = ERR_PASSPHRASE;
    plain->len = KEYSTORE_PLAIN_LEN;
out:
    buf_done(&header);
    secret_done(&key);
    return err;
}

/* The key inside an opened box; its public half must be the file's address. */
static enum err plain_read(const struct keystore_file *file,
                           const struct secret *plain,
                           const struct purpose *purpose, struct key **out)
{
    const uint8_t *p = plain->ptr;
    const struct key_origin origin = {
        .has_words = (p[1] & KEYSTORE_FLAG_WORDS) != 0,
        .words_passphrase = (p[1] & KEYSTORE_FLAG_EXTRA) != 0,
        .account = u32le_get(p + 2),
    };
    struct pubkey found;
    struct key *key;

    if (p[0] != KEYSTORE_PLAIN_VERSION ||
        (p[1] & ~(KEYSTORE_FLAG_WORDS | KEYSTORE_FLAG_EXTRA)) != 0)
        return ERR_VERSION;
    TRY(key_restore(purpose, p + 6, origin.has_words ? p + 38 : NULL, origin,
                    &key));
    key_public(key, &found);
    if (!pubkey_equal(&found, &file->key)) {
        key_free(key);
        return ERR_CORRUPT;
    }
    *out = key;
    return OK;
}

enum err keystore_box_open(const struct keystore_file *file,
                           struct bytes passphrase,
                           const struct purpose *purpose, struct key **out)
{
    struct secret plain;
    enum err err;

    if (keystore_passphrase_check(passphrase) != OK)
        return ERR_PASSPHRASE;
    TRY(secret_init(&plain, KEYSTORE_PLAIN_LEN));
    err = unseal(file, passphrase, &plain);
    if (err == OK)
        err = plain_read(file, &plain, purpose, out);
    secret_done(&plain);
    return err;
}

enum err keystore_box_seal(struct keystore_file *file, struct key *key,
                           struct bytes passphrase,
                           const struct entropy *entropy)
{
    struct secret plain;
    enum err err;

    TRY(secret_init(&plain, KEYSTORE_PLAIN_LEN));
    err = plain_fill(key, &plain);
    if (err == OK)
        err = seal(file, &plain, passphrase, entropy);
    secret_done(&plain);
    return err;
}
