#include "wallet/key.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/check.h"
#include "wallet/derive.h"
#include "wallet/key_secret.h"

_Static_assert(crypto_sign_SECRETKEYBYTES ==
                   sizeof(((struct key_secret *)0)->sk),
               "our layout is libsodium's");

/*~ The public half and the bookkeeping lie in plain memory; only the secret has
 * its guarded page, closed (PROT_NONE) whenever no signature is being made. */
struct key {
    struct key_secret *secret;
    struct pubkey public_key;
    const struct purpose *purpose;
    struct key_origin origin;
    bool locked;
};

const struct key_secret *key_secret_open(struct key *key)
{
    if (sodium_mprotect_readonly(key->secret) != 0)
        return NULL;
    return key->secret;
}

void key_secret_close(struct key *key)
{
    CHECK(sodium_mprotect_noaccess(key->secret) == 0);
}

/* An empty key with its page still open. */
static struct key *key_alloc(const struct purpose *purpose)
{
    struct key *key = calloc(1, sizeof(*key));

    CHECK(purpose != NULL);
    CHECK(sodium_init() >= 0);
    if (key == NULL)
        return NULL;
    key->secret = sodium_malloc(sizeof(*key->secret));
    if (key->secret == NULL) {
        free(key);
        return NULL;
    }
    key->locked = sodium_mlock(key->secret, sizeof(*key->secret)) == 0;
    key->purpose = purpose;
    return key;
}

enum err key_restore(const struct purpose *purpose, const uint8_t seed[32],
                     const uint8_t *entropy, struct key_origin origin,
                     struct key **out)
{
    struct key *key = key_alloc(purpose);

    if (key == NULL)
        return ERR_NOMEM;
    sodium_memzero(key->secret, sizeof(*key->secret));
    crypto_sign_seed_keypair(key->public_key.b, key->secret->sk, seed);
    if (entropy != NULL)
        memcpy(key->secret->entropy, entropy, MNEMONIC_ENTROPY_LEN);
    CHECK(origin.has_words == (entropy != NULL));
    key->origin = origin;
    if (sodium_mprotect_noaccess(key->secret) != 0) {
        key_free(key);
        return ERR_UNSUPPORTED;
    }
    *out = key;
    return OK;
}

/* Entropy, then seed, then the node of the path: each from the one before. */
static enum err key_from_entropy(const struct purpose *purpose,
                                 const struct secret *entropy,
                                 struct bytes passphrase, uint32_t account,
                                 struct key **out)
{
    const struct key_origin origin = {.has_words = true,
                                      .words_passphrase = passphrase.len > 0,
                                      .account = account};
    struct secret seed = {0}, node = {0};
    enum err err;

    CHECK(entropy->len == MNEMONIC_ENTROPY_LEN);
    if ((err = secret_init(&seed, MNEMONIC_SEED_LEN)) != OK)
        goto out;
    if ((err = secret_init(&node, DERIVE_NODE_LEN)) != OK)
        goto out;
    if ((err = mnemonic_seed(entropy->ptr, passphrase, &seed)) != OK)
        goto out;
    derive_account(secret_bytes(&seed), account, &node);
    err = key_restore(purpose, node.ptr, entropy->ptr, origin, out);
out:
    secret_done(&node);
    secret_done(&seed);
    return err;
}

enum err key_new_random(const struct purpose *purpose,
                        const struct entropy *entropy, struct key **out)
{
    struct secret bits = {0};
    enum err err;

    TRY(secret_init(&bits, MNEMONIC_ENTROPY_LEN));
    err = entropy_fill(entropy, bits.ptr, MNEMONIC_ENTROPY_LEN);
    bits.len = MNEMONIC_ENTROPY_LEN;
    if (err == OK)
        err = key_from_entropy(purpose, &bits, bytes_str(""), 0, out);
    secret_done(&bits);
    return err;
}

enum err key_from_seed(const struct purpose *purpose, const uint8_t seed[32],
                       struct key **out)
{
    const struct key_origin origin = {.has_words = false};

    return key_restore(purpose, seed, NULL, origin, out);
}

enum err key_from_mnemonic(const struct purpose *purpose, struct bytes words,
                           struct bytes passphrase, uint32_t account,
                           struct key **out, struct mnemonic_issue *out_issue)
{
    struct secret bits = {0};
    enum err err;

    if (out_issue != NULL)
        memset(out_issue, 0, sizeof(*out_issue));
    if (account > DERIVE_ACCOUNT_MAX)
        return ERR_RANGE;
    TRY(secret_init(&bits, MNEMONIC_ENTROPY_LEN));
    err = mnemonic_decode(words, bits.ptr, out_issue);
    bits.len = MNEMONIC_ENTROPY_LEN;
    if (err == OK)
        err = key_from_entropy(purpose, &bits, passphrase, account, out);
    secret_done(&bits);
    return err;
}

void key_free(struct key *key)
{
    if (key == NULL)
        return;
    sodium_free(key->secret); /* opens, checks the guards, wipes, unmaps */
    free(key);
}

void key_public(const struct key *key, struct pubkey *out)
{
    *out = key->public_key;
}

const struct purpose *key_purpose(const struct key *key)
{
    return key->purpose;
}

struct key_origin key_origin(const struct key *key)
{
    return key->origin;
}

bool key_memory_locked(const struct key *key)
{
    return key->locked;
}

enum err key_sign(struct key *key, const char *tag, const struct hash *digest,
                  struct signature *out)
{
    const struct key_secret *secret;

    CHECK(key != NULL && digest != NULL);
    if (!purpose_allows(key->purpose, tag))
        return ERR_PURPOSE;
    secret = key_secret_open(key);
    if (secret == NULL)
        return ERR_UNSUPPORTED;
    crypto_sign_detached(out->b, NULL, digest->b, sizeof(digest->b),
                         secret->sk);
    key_secret_close(key);
    return OK;
}

static enum err sign_by_key(void *ctx, const char *tag,
                            const struct hash *digest, struct signature *out)
{
    return key_sign(ctx, tag, digest, out);
}

struct signer key_signer(struct key *key)
{
    return (struct signer){
        .sign = sign_by_key, .ctx = key, .key = key->public_key};
}

enum err key_words(struct key *key, struct secret *out)
{
    const struct key_secret *secret;

    if (!key->origin.has_words)
        return ERR_NO_WORDS;
    secret = key_secret_open(key);
    if (secret == NULL)
        return ERR_UNSUPPORTED;
    mnemonic_encode(secret->entropy, out);
    key_secret_close(key);
    return OK;
}
