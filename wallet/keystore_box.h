#ifndef WALLET_KEYSTORE_BOX_H
#define WALLET_KEYSTORE_BOX_H

/* The sealed part of a key store file: Argon2id makes a key of the passphrase,
 * XChaCha20-Poly1305 seals the secret with it and binds every field in clear.
 * Inside of wallet/keystore.c. */

#include "wallet/keystore_codec.h"

/* ERR_RANGE unless 1..PASSPHRASE_LEN_MAX bytes. */
MUST_USE enum err keystore_passphrase_check(struct bytes passphrase);

/* Fills salt, nonce and box; all other fields are set, with a cost that passed
 * keystore_cost_check. ERR_RANDOM, ERR_NOMEM, ERR_UNSUPPORTED. */
MUST_USE enum err keystore_box_seal(struct keystore_file *file, struct key *key,
                                    struct bytes passphrase,
                                    const struct entropy *entropy);

/* Opens the box of a file that passed keystore_file_decode.
 * ERR_PASSPHRASE; ERR_VERSION or ERR_CORRUPT when what it holds is unknown or
 * not the key of the address; ERR_NOMEM. */
MUST_USE enum err keystore_box_open(const struct keystore_file *file,
                                    struct bytes passphrase,
                                    const struct purpose *purpose,
                                    struct key **out);

#endif
