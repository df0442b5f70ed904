#ifndef WALLET_KEY_SECRET_H
#define WALLET_KEY_SECRET_H

/* The inside of a key, for the files that store one (wallet/keystore.c,
 * wallet/keyfile.c) and the test of its pages. Not for other folders. */

#include "wallet/key.h"

struct key_secret {
    uint8_t sk[64];      /* seed 32, public key 32: libsodium's form */
    uint8_t entropy[32]; /* of the words; zero without words */
};

/* Opens the page for reading until key_secret_close. Lent. NULL when the system
 * refuses. */
const struct key_secret *key_secret_open(struct key *key);
void key_secret_close(struct key *key);

/* A key from its stored parts. entropy is NULL without words.
 * ERR_NOMEM, ERR_UNSUPPORTED. */
MUST_USE enum err key_restore(const struct purpose *purpose,
                              const uint8_t seed[32], const uint8_t *entropy,
                              struct key_origin origin, struct key **out);

#endif
