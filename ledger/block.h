#ifndef LEDGER_BLOCK_H
#define LEDGER_BLOCK_H

/* A block: a header of fixed layout, the evidence and the transactions it
 * commits to. The id is the hash of the header's exact bytes, and the header
 * commits to everything else, so a block has one spelling.
 *
 * Header, little-endian, HEADER_BYTES long:
 *   version u16 | chain 32 | epoch u64 | height u64 | time_ms u64 | parent 32
 *   | proposer 32 | tx_root 32 | receipt_root 32 | state_root 32
 *   | history_root 32 | next_set 32 | params 32
 * Block:
 *   header | evidence_count u16 | evidence (evidence.h; strictly ascending)
 *   | tx_count u32 | tx_count x (len u32 | transaction)
 * tx_root is the merkle root over the evidence, then the transactions, each as
 * hash(HASH_TAG_MERKLE, item kind u8 (1 evidence, 2 transaction) | its hash).
 */

#include "base/limits.h"
#include "ledger/evidence.h"
#include "ledger/state/merkle.h"
#include "ledger/tx.h"

#define HEADER_VERSION 1
#define HEADER_BYTES   (2u + 32u + 3u * 8u + 8u * 32u)

/* Height 0 is the genesis, the root of epoch 1. Epoch e >= 1 has the heights
 * (e - 1) * epoch_blocks + 1 .. e * epoch_blocks. */
struct header {
    struct hash chain;
    uint64_t epoch;
    uint64_t height;
    uint64_t time_ms; /* chain time, ms since 1970; rises with every block */
    struct hash parent;
    struct pubkey proposer; /* the owner of its bond has the fees */
    struct hash tx_root;
    struct hash receipt_root;
    struct hash state_root;   /* after this block */
    struct hash history_root; /* MMR of the ids of all earlier headers */
    struct hash next_set;     /* hash of the validators of epoch + 1 */
    struct hash params;
};

void header_encode(const struct header *header, uint8_t out[HEADER_BYTES]);
/* Reads where the cursor stands; sets its error (ERR_VERSION). */
void header_decode(struct cursor *cursor, struct header *out);
/* The block's id. */
void header_id(const struct header *header, struct hash *out);
uint64_t epoch_of_height(uint64_t height, uint64_t epoch_blocks);

struct block {
    struct header header;
    struct hash id;
    struct evidence evidence[EVIDENCE_BLOCK_MAX];
    uint32_t evidence_count;
    struct tx *txs;         /* decoded; lent from the arena */
    struct bytes *tx_bytes; /* their encodings; lent from the block's bytes */
    uint32_t tx_count;
};

/* Form, and that tx_root is over these very items. Signatures, order and
 * meaning are chain.h's. What the header lends lives in the arena, what the
 * transactions lend in `bytes`.
 * ERR_TOO_LARGE, ERR_TRUNCATED, ERR_VERSION, ERR_RANGE (evidence_count), what
 * evidence_decode refuses, ERR_NOT_CANONICAL (evidence not ascending),
 * ERR_RANGE (tx_count), what tx_decode refuses, ERR_TRAILING, ERR_ROOT. */
MUST_USE enum err block_decode(struct bytes bytes, struct arena *arena,
                               struct block *out);
/* The same when the ids of its transactions were computed already, in order, as
 * many as block_slices finds; NULL: they were not. */
MUST_USE enum err block_decode_known(struct bytes bytes, const struct hash *ids,
                                     struct arena *arena, struct block *out);
/* The encoding of a header, evidence and transactions already encoded. */
void block_encode(const struct header *header, const struct evidence *evidence,
                  uint32_t evidence_count, const struct bytes *tx_bytes,
                  uint32_t tx_count, struct buf *out);
/* The items of the tx_root's list: evidence_count + tx_count of them. */
void block_items(const struct block *block, struct hash *out);
/* The tx_root over a block's evidence and transactions. ERR_NOMEM. */
MUST_USE enum err block_tx_root(const struct block *block, struct hash *out);
/* The item of a transaction in that list. */
void block_tx_item(const struct hash *tx_id, struct hash *out);
/* The transactions' bytes of an encoded block as they stand there, nothing else
 * looked at; what is lent points into `bytes`. At most LIMIT_BLOCK_TXS.
 * ERR_TRUNCATED, ERR_RANGE, ERR_TOO_LARGE, ERR_TRAILING. */
MUST_USE enum err block_slices(struct bytes bytes,
                               struct bytes out[LIMIT_BLOCK_TXS],
                               uint32_t *out_count);
/* Is the tx_root in the header of these bytes over their evidence and the
 * transactions with these ids, of all block_slices finds? Nothing else of them
 * is looked at. ERR_ROOT, ERR_NOMEM, what block_decode refuses before the
 * transactions. */
MUST_USE enum err block_check_root(struct bytes bytes, const struct hash *ids,
                                   uint32_t count);
/* All transaction signatures (the evidence's are checked where it is executed:
 * it takes the state to know the keys). Pure: may run on any thread, before the
 * block is handed to the core as verified. ERR_CHAIN, ERR_SIGNATURE. */
MUST_USE enum err block_verify_sigs(const struct block *block,
                                    const struct hash *chain);

#endif
