#ifndef WALLET_SIGN_H
#define WALLET_SIGN_H

/* Signing through a signer, checked: what a program calls when it has bytes and
 * a purpose. The encoders of what is signed live in ledger and market. */

#include "base/sign.h"

/* Signs the digest under its tag and verifies the result against signer->key,
 * so that a fault in memory or a signer that is not who it says never puts a
 * bad signature on the wire.
 *
 * ERR_PURPOSE, ERR_LOCKED or a fault from the signer; ERR_SIGNATURE when what
 * came back does not verify. out is untouched unless OK. */
MUST_USE enum err wallet_sign_digest(const struct signer *signer,
                                     const char *tag, const struct hash *digest,
                                     struct signature *out);

/* The same over sign_digest(tag, chain, data). */
MUST_USE enum err wallet_sign_bytes(const struct signer *signer,
                                    const char *tag, const struct hash *chain,
                                    struct bytes data, struct signature *out);

#endif
