#ifndef LEDGER_STATE_SMT_H
#define LEDGER_STATE_SMT_H

/* The state tree: a binary sparse Merkle tree whose root depends only on the
 * set of (path, value hash) in it.
 *
 *   path  = hash keyed with the chain id (HASH_TAG_KEY, table u8 | key)
 *   empty = 32 zero bytes
 *   leaf  = H(0 | path | value hash)      H tagged HASH_TAG_NODE
 *   node  = H(1 | left | right)
 *   two empty children make an empty node; an empty one and a leaf make that
 *   leaf; everything else makes a node. Bit 0 of a path is the highest bit of
 *   its first byte; 0 goes left.
 *
 * It is kept in pages of four levels: a page at depth d (a multiple of 4) has a
 * slot for each of its 16 subtrees of depth d + 4, which is empty, the one leaf
 * below it, or the hash of the page there. Page bytes, canonical:
 *   used u16 LE | leafs u16 LE | for each used slot upwards:
 *   leaf: path 32 | value hash 32     node: hash 32
 * A page below which less than two leaves are left is deleted. */

#include "base/arena.h"
#include "base/hash.h"
#include "ledger/state/state.h"

#define SMT_PAGE_BYTES_MAX (4u + 16u * 64u)
#define SMT_PAGE_KEY_MAX   (1u + 32u)

void smt_path(const struct hash *chain, enum state_table table,
              struct bytes key, struct hash *out);

/* Where pages live: an overlay, a store, a test's array. A page's key is
 * depth/4 u8 | the first depth bits, in depth/8 rounded up bytes. */
struct smt_pages {
    /* Copies the page into out; *out_len 0 when there is none. Faults only. */
    enum err (*get)(void *ctx, struct bytes key,
                    uint8_t out[SMT_PAGE_BYTES_MAX], size_t *out_len);
    /* len 0 deletes. Faults only. */
    enum err (*put)(void *ctx, struct bytes key, struct bytes page);
    void *ctx;
};

struct smt_change {
    struct hash path;
    struct hash value; /* the value's hash; zero: the leaf goes */
};

/* Applies changes, sorted here by path (CHECKs that paths differ), and gives
 * the new root. ERR_CORRUPT (a malformed page), or faults. On an error pages
 * may have been put half way: throw the overlay away. */
MUST_USE enum err smt_update(const struct smt_pages *pages,
                             struct smt_change *changes, size_t count,
                             struct hash *out_root);
MUST_USE enum err smt_root(const struct smt_pages *pages, struct hash *out);

/* ---- proofs: written by the prover, read by a verifier of its own ---- */

#define SMT_PROOF_BYTES_MAX (2u + 32u + 256u * 32u + 1u + 64u)

/* depth u16 LE | bitmap ceil(depth/8) | the siblings that are not empty, from
 * the deepest up, 32 each | terminal u8: 0 empty, 1 the leaf itself (value hash
 * 32), 2 another leaf (path 32 | value hash 32). Bit i of the bitmap (from the
 * lowest of byte 0) belongs to the sibling at depth i + 1. */
MUST_USE enum err smt_prove(const struct smt_pages *pages,
                            const struct hash *path, struct buf *out);

/* The verifier. value NULL asks for a proof of absence. Everything is computed
 * from the caller's own path and value; ERR_PROOF for anything else. Pure. */
MUST_USE enum err smt_check(struct bytes proof, const struct hash *root,
                            const struct hash *path, const struct hash *value);

/* Walks the whole tree, compares each page with its parent's slot and calls fn
 * for every leaf in path order. ERR_CORRUPT on a difference. */
typedef enum err (*smt_leaf_fn)(void *ctx, const struct hash *path,
                                const struct hash *value);
MUST_USE enum err smt_audit(const struct smt_pages *pages,
                            const struct hash *root, smt_leaf_fn fn, void *ctx);

#endif
