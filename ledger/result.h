#ifndef LEDGER_RESULT_H
#define LEDGER_RESULT_H

/* What one transaction of a block did. Bytes, little-endian:
 *   tx 32 | status u32 | fee u64 | subject 32 | code u32 | moved u64
 *   | account_count u8 | accounts 32 each
 * The receipt_root is the merkle root over hash(HASH_TAG_RESULT, bytes). */

#include "ledger/kind.h"

#define RESULT_BYTES_MAX (32u + 4u + 8u + 32u + 4u + 8u + 1u + 3u * 32u)

struct result {
    struct hash tx;
    uint32_t status; /* enum err; OK: a block holds no refused transaction */
    struct amount fee;
    struct tx_effect effect;
};

void result_encode(const struct result *result, struct buf *out);
/* Reads one where the cursor stands; sets its error (ERR_RANGE for a count past
 * 3 or a status other than OK). */
void result_decode(struct cursor *cursor, struct result *out);
void result_hash(const struct result *result, struct hash *out);
/* The receipt_root. ERR_NOMEM. */
MUST_USE enum err results_root(const struct result *results, size_t count,
                               struct hash *out);

#endif
