#ifndef LEDGER_CHAIN_CHAIN_ROOM_H
#define LEDGER_CHAIN_CHAIN_ROOM_H

/* What the pages of chain share. Inside ledger. */

#include "ledger/chain/chain.h"
#include "ledger/state/mmr.h"
#include "ledger/state/overlay.h"

/* Where a chain stands after a block: all that the next one depends on, but the
 * state itself. */
struct position {
    struct chain_tip tip;
    struct mmr history;     /* of all headers up to this one */
    struct validators set;  /* of the next block's epoch */
    struct validators next; /* of the epoch after */
    struct hash next_hash;  /* of `next` */
    bool set_is_new;        /* `next` was computed at this block */
};

struct candidate {
    struct arena arena; /* block and results */
    struct buf bytes;
    struct buf cert;
    struct block block;
    struct result *results;
    struct state *overlay;
    struct position after; /* its view is set by chain_commit */
    struct hash parent;
    bool run_end; /* committed: the last of its run */
};

struct chain {
    struct store *store;
    struct genesis genesis;
    struct tx_kind *kinds; /* the ledger's, then the others' */
    size_t kind_count;
    struct hash params_hash;
    uint64_t epoch_blocks;
    uint64_t min_interval_ms;
    uint64_t block_bytes_max;
    uint64_t block_txs_max;
    struct amount supply;
    struct state *ground;
    uint64_t base;
    bool syncing;
    struct position tip;
    struct position head;
    struct candidate *flight[CHAIN_FLIGHT_MAX]; /* oldest first */
    uint32_t flight_count;
    struct candidate *retired[CHAIN_RUN_MAX]; /* the run stored last */
    uint32_t retired_count;
};

/* Keys of the store. */
struct bytes key_height(uint64_t height, uint8_t out[8]);
struct bytes key_place(struct bytes owner, struct tx_place place,
                       uint8_t out[44]);
struct bytes key_mmr(unsigned level, uint64_t index, uint8_t out[9]);
#define META_GENESIS "genesis" /* canonical bytes */
#define META_TIP     "tip"     /* height u64 BE */
#define META_BASE    "base"    /* height u64 BE; none: 0 */
#define META_SYNC                                                              \
    "sync"               /* there while the state is being fetched: the        \
                            epoch of the last step, u64 BE */
#define META_UNDO "undo" /* the epoch whose end STORE_UNDO speaks of */

/* The position and state a candidate's child builds on. */
const struct position *chain_parent_position(const struct chain *chain,
                                             const struct candidate *parent);
struct state *chain_parent_state(struct chain *chain,
                                 const struct candidate *parent);

/* Runs one transaction: the frame's checks, fee, nonce, the kind. The state is
 * rolled back on anything but OK. */
MUST_USE enum err chain_apply(const struct chain *chain, struct state *state,
                              const struct tx *tx,
                              const struct block_context *context,
                              struct arena *arena, struct result *out);
/* The checks that need no kind: chain .. fee's funds. */
MUST_USE enum err chain_check_frame(const struct chain *chain,
                                    struct state *state, const struct tx *tx,
                                    uint64_t height,
                                    struct account *out_account);

/* What a kind may use while it executes one transaction. */
#define KIND_ARENA_MAX (8u * 1024 * 1024)

/* The context of the block after a parent; the proposer is the caller's. */
struct block_context chain_context_after(const struct chain *chain,
                                         const struct position *parent,
                                         uint64_t wall_ms);
/* Whose the fees of the block after this state are; the proposer is set. Itself
 * only where it has no bond. */
MUST_USE enum err chain_fees_to(struct state *state,
                                struct block_context *context);
/* What a block does before its first item: an epoch's first one takes down who
 * holds which seat, and opens the count of what may leave. */
MUST_USE enum err chain_begin_block(const struct position *parent,
                                    const struct block_context *context,
                                    struct state *state);
struct candidate *candidate_new(void); /* NULL: no memory */
/* The header's fields that follow from the parent alone. */
void chain_fill_header(const struct chain *chain, const struct position *parent,
                       struct header *out);
/* Seals the overlay and fills the roots that follow from execution. */
MUST_USE enum err chain_finish_roots(const struct chain *chain,
                                     struct candidate *candidate,
                                     struct header *header);

/* The next position, after a block with this header and state. */
MUST_USE enum err position_advance(const struct chain *chain,
                                   const struct position *before,
                                   const struct header *header,
                                   const struct hash *id, struct state *state,
                                   struct position *out);

/* The genesis block. */
MUST_USE enum err chain_write_genesis(struct chain *chain);
/* Reads the tip's position from the store. */
MUST_USE enum err chain_load_position(struct chain *chain,
                                      struct position *out);
/* All the records of one block. cert empty: the genesis, or inside a run. */
MUST_USE enum err chain_fill_batch(const struct chain *chain,
                                   const struct position *before,
                                   const struct candidate *candidate,
                                   struct store_batch *batch);
MUST_USE enum err chain_sum_money(struct state *state, struct amount *out);
/* Every node that appending to the history finishes. */
void chain_put_node(void *batch, unsigned level, uint64_t index,
                    const struct hash *node);
MUST_USE enum err chain_put_set(struct store_batch *batch, uint64_t epoch,
                                const struct validators *set);
/* Of a chain with a base; see chain_verify. */
MUST_USE enum err chain_verify_base(struct chain *chain, verify_fn fn,
                                    void *ctx, struct verify_report *report);
/* Base and syncing, from the store. */
MUST_USE enum err chain_load_base(struct chain *chain);
/* ERR_CORRUPT unless the last blocks hang together. */
MUST_USE enum err chain_check_links(struct chain *chain);

#endif
