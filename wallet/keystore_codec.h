#ifndef WALLET_KEYSTORE_CODEC_H
#define WALLET_KEYSTORE_CODEC_H

/* The text of one key store file: JSON with one spelling, so that any changed
 * byte is noticed. Inside of wallet/keystore.c; shown for tests and fuzzing. */

#include "wallet/keystore.h"

#define KEYSTORE_SALT_LEN  16u
#define KEYSTORE_NONCE_LEN 24u
#define KEYSTORE_TAG_LEN   16u

/* What is sealed: layout version 1, flags, account u32 LE, seed, entropy. */
#define KEYSTORE_PLAIN_LEN     70u
#define KEYSTORE_BOX_LEN       (KEYSTORE_PLAIN_LEN + KEYSTORE_TAG_LEN)
#define KEYSTORE_FLAG_WORDS    1u
#define KEYSTORE_FLAG_EXTRA    2u /* the words need a passphrase not kept */
#define KEYSTORE_PLAIN_VERSION 1u

struct keystore_file {
    char address[ADDRESS_TEXT_MAX];
    struct pubkey key; /* of the address; not encoded apart */
    char label[KEYSTORE_LABEL_MAX];
    uint64_t created_ms;
    bool has_backup;
    struct keystore_cost cost;
    uint8_t salt[KEYSTORE_SALT_LEN];
    uint8_t nonce[KEYSTORE_NONCE_LEN];
    uint8_t box[KEYSTORE_BOX_LEN];
};

/* Appends everything before the "box" line: the associated data of the box. */
void keystore_header_encode(const struct keystore_file *file, struct buf *out);

/* Appends the whole file. */
void keystore_file_encode(const struct keystore_file *file, struct buf *out);

/* Reads a whole file.
 * ERR_TOO_LARGE (above KEYSTORE_FILE_MAX), ERR_CORRUPT (not a JSON object),
 * ERR_VERSION, ERR_CORRUPT (a field is missing or malformed), ERR_TOO_LARGE or
 * ERR_RANGE (cost), ERR_CHECKSUM, ERR_CORRUPT (not the one spelling). */
MUST_USE enum err keystore_file_decode(struct bytes text,
                                       struct keystore_file *out);

/* ERR_TOO_LARGE above the limits of keystore.h or this machine's size_t;
 * ERR_RANGE below what Argon2id needs. Allocates nothing. */
MUST_USE enum err keystore_cost_check(const struct keystore_cost *cost);

#endif
