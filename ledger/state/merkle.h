#ifndef LEDGER_STATE_MERKLE_H
#define LEDGER_STATE_MERKLE_H

/* The root over a list that never changes: a block's items and its results.
 *
 * leaf = H(0 | item), node = H(1 | left | right), root = H(2 | count u32 |
 * top), H tagged HASH_TAG_MERKLE, items 32 bytes. The left half is the largest
 * power of two below the count. The root of nothing is 32 zero bytes. */

#include "base/hash.h"

#define MERKLE_DEPTH_MAX 16

/* CHECKs count <= 2^16. */
void merkle_root(const struct hash *items, size_t count, struct hash *out);

struct merkle_proof {
    uint32_t index;
    uint32_t count;
    uint32_t sibling_count;
    struct hash siblings[MERKLE_DEPTH_MAX]; /* bottom-up */
};
/* CHECKs index < count. */
void merkle_prove(const struct hash *items, size_t count, size_t index,
                  struct merkle_proof *out);
/* ERR_PROOF unless item stands at proof->index of the list under root. */
MUST_USE enum err merkle_check(const struct merkle_proof *proof,
                               const struct hash *item,
                               const struct hash *root);
/* index u32 | count u32 | sibling_count u8 | siblings */
void merkle_encode(const struct merkle_proof *proof, struct buf *out);
/* Reads where the cursor stands; sets its error. */
void merkle_decode(struct cursor *cursor, struct merkle_proof *out);

#endif
