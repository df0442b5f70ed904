#include "tests/sim/keys.h"

#include "base/check.h"

#include <string.h>

#include <sodium.h>

static bool real_signatures;

/* Given by the linker (--wrap=sign_verify). */
enum err __real_sign_verify(const struct pubkey *key, const struct hash *digest,
                            const struct signature *sig);
enum err __wrap_sign_verify(const struct pubkey *key, const struct hash *digest,
                            const struct signature *sig);

void keys_init(bool real)
{
    CHECK(sodium_init() >= 0);
    real_signatures = real;
}

static void mark(const struct pubkey *key, const struct hash *digest,
                 struct signature *out)
{
    uint8_t both[sizeof(key->b) + sizeof(digest->b)];
    struct hash hash;
    memcpy(both, key->b, sizeof(key->b));
    memcpy(both + sizeof(key->b), digest->b, sizeof(digest->b));
    hash_bytes("sim-signature", BYTES_OF(both), &hash);
    memcpy(out->b, hash.b, 32);
    memcpy(out->b + 32, hash.b, 32);
}

enum err __wrap_sign_verify(const struct pubkey *key, const struct hash *digest,
                            const struct signature *sig)
{
    struct signature good;
    if (real_signatures)
        return __real_sign_verify(key, digest, sig);
    mark(key, digest, &good);
    return memcmp(good.b, sig->b, sizeof(good.b)) == 0 ? OK : ERR_SIGNATURE;
}

static enum err sign(void *ctx, const char *tag, const struct hash *digest,
                     struct signature *out)
{
    struct sim_key *key = ctx;
    (void)tag;
    if (real_signatures)
        crypto_sign_detached(out->b, NULL, digest->b, HASH_LEN, key->secret);
    else
        mark(&key->signer.key, digest, out);
    return OK;
}

void sim_key_init(struct sim_key *key, uint64_t seed, uint32_t number)
{
    uint8_t bytes[32] = {0};
    u64le_put(bytes, seed);
    u32le_put(bytes + 8, number + 1);
    memset(key, 0, sizeof(*key));
    crypto_sign_seed_keypair(key->signer.key.b, key->secret, bytes);
    key->signer.sign = sign;
    key->signer.ctx = key;
}
