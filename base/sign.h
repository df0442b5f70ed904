#ifndef BASE_SIGN_H
#define BASE_SIGN_H

/* Ed25519 public keys and signatures, verification only. Secret keys live in
 * wallet (buyers, providers, validators sign through it). */

#include "base/hash.h"

struct pubkey {
    uint8_t b[32];
};
struct signature {
    uint8_t b[64];
};

bool pubkey_equal(const struct pubkey *a, const struct pubkey *b);
bool pubkey_is_zero(const struct pubkey *a);
int pubkey_compare(const struct pubkey *a, const struct pubkey *b);

/* What is signed is always hash(tag, chain | data): 32 bytes, so a signer never
 * has to hold a long message, and a signature is bound to its kind and chain.
 */
void sign_digest(const char *tag, const struct hash *chain, struct bytes data,
                 struct hash *out_digest);

/* ERR_SIGNATURE when sig is not key's over the digest. */
MUST_USE enum err sign_verify(const struct pubkey *key,
                              const struct hash *digest,
                              const struct signature *sig);

/* A signer is handed in where a library needs something signed: the library
 * never sees a secret. Returns ERR_PURPOSE, ERR_LOCKED or a fault. The same tag
 * that made the digest is the stated purpose. */
struct signer {
    enum err (*sign)(void *ctx, const char *tag, const struct hash *digest,
                     struct signature *out);
    void *ctx;
    struct pubkey key;
};

#endif
