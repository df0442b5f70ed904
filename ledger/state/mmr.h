#ifndef LEDGER_STATE_MMR_H
#define LEDGER_STATE_MMR_H

/* The history: a Merkle mountain range over the ids of all headers, in height
 * order. Appending costs two hashes on average and old proofs stay short.
 *
 *   leaf = H(0 | id)     node = H(1 | left | right)     H tagged HASH_TAG_MMR
 *   bag  = peaks from the right: acc = the smallest, acc = H(2 | peak | acc)
 *   root = H(3 | count u64 | bag); the root of nothing is 32 zero bytes */

#include "base/hash.h"

#define MMR_LEVELS 64

struct mmr {
    uint64_t count;
    struct hash peaks[MMR_LEVELS]; /* peaks[l] is there iff bit l of count is */
};

/* Told of every finished node, leaves included: for the store. */
typedef void (*mmr_node_fn)(void *ctx, unsigned level, uint64_t index,
                            const struct hash *node);
/* fn may be NULL. */
void mmr_append(struct mmr *mmr, const struct hash *id, mmr_node_fn fn,
                void *ctx);
void mmr_root(const struct mmr *mmr, struct hash *out);

/* Reads a node. ERR_NOT_FOUND or faults. */
typedef enum err (*mmr_read_fn)(void *ctx, unsigned level, uint64_t index,
                                struct hash *out);
/* The range as it was when it had `count` leaves, from its stored nodes. */
MUST_USE enum err mmr_load(struct mmr *mmr, uint64_t count, mmr_read_fn fn,
                           void *ctx);

/* Proof that leaf `index` is `id` under the root of `count` leaves:
 * index u64 | count u64 | siblings to its peak, bottom-up | the other peaks,
 * from the largest. All lengths follow from index and count. */
#define MMR_PROOF_BYTES_MAX (16u + 2u * MMR_LEVELS * 32u)
MUST_USE enum err mmr_prove(uint64_t index, uint64_t count, mmr_read_fn fn,
                            void *ctx, struct buf *out);
/* ERR_PROOF. Pure; everything but the hashes is computed, not read: index and
 * count must be the caller's own. */
MUST_USE enum err mmr_check(struct bytes proof, uint64_t index, uint64_t count,
                            const struct hash *id, const struct hash *root);

#endif
