#include "wallet/sign.h"

#include "base/check.h"

enum err wallet_sign_digest(const struct signer *signer, const char *tag,
                            const struct hash *digest, struct signature *out)
{
    struct signature sig;

    CHECK(signer != NULL && signer->sign != NULL);
    CHECK(tag != NULL && digest != NULL);
    TRY(signer->sign(signer->ctx, tag, digest, &sig));
    TRY(sign_verify(&signer->key, digest, &sig));
    *out = sig;
    return OK;
}

enum err wallet_sign_bytes(const struct signer *signer, const char *tag,
                           const struct hash *chain, struct bytes data,
                           struct signature *out)
{
    struct hash digest;

    sign_digest(tag, chain, data, &digest);
    return wallet_sign_digest(signer, tag, &digest, out);
}
