#include "base/sign.h"

#include <string.h>

#include <sodium.h>

_Static_assert(crypto_sign_PUBLICKEYBYTES == sizeof(struct pubkey) &&
                   crypto_sign_BYTES == sizeof(struct signature),
               "our sizes are libsodium's");

bool pubkey_equal(const struct pubkey *a, const struct pubkey *b)
{
    return pubkey_compare(a, b) == 0;
}

bool pubkey_is_zero(const struct pubkey *a)
{
    static const struct pubkey zero;
    return pubkey_equal(a, &zero);
}

int pubkey_compare(const struct pubkey *a, const struct pubkey *b)
{
    return memcmp(a->b, b->b, sizeof(a->b));
}

void sign_digest(const char *tag, const struct hash *chain, struct bytes data,
                 struct hash *out_digest)
{
    struct hasher hasher;
    hasher_init(&hasher, tag);
    hasher_add(&hasher, hash_as_bytes(chain));
    hasher_add(&hasher, data);
    hasher_finish(&hasher, out_digest);
}

enum err sign_verify(const struct pubkey *key, const struct hash *digest,
                     const struct signature *sig)
{
    if (crypto_sign_verify_detached(sig->b, digest->b, sizeof(digest->b),
                                    key->b) != 0)
        return ERR_SIGNATURE;
    return OK;
}
