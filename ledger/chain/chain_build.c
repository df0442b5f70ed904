/* Making the next block out of evidence and waiting transactions. */

#include "ledger/chain/chain_room.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

struct builder {
    struct chain *chain;
    struct pool *pool;
    const struct evidence *evidence; /* lent */
    size_t evidence_count;
    struct candidate *candidate;
    struct block_context context;
    struct bytes *tx_bytes;
    struct arena scratch; /* of one transaction */
    size_t bytes;         /* of the block so far */
    uint32_t cap;
    struct chain_drops *drops;
    size_t drop_cap;
    bool undecided; /* the parent may die: refusals are not the last word */
};

static enum err drop_entry(struct builder *b, struct pool_entry *entry,
                           enum err reason)
{
    struct chain_drops *drops = b->drops;
    if (b->undecided)
        return OK;
    if (drops->count == b->drop_cap) {
        size_t cap = b->drop_cap == 0 ? 16 : 2 * b->drop_cap;
        struct chain_drop *items = realloc(drops->items, cap * sizeof(*items));
        if (items == NULL)
            return ERR_NOMEM;
        drops->items = items;
        b->drop_cap = cap;
    }
    drops->items[drops->count++] =
        (struct chain_drop){entry->tx.id, entry->token, reason};
    struct hash id = entry->tx.id;
    pool_remove(b->pool, &id);
    return OK;
}

/* Puts one transaction into the block. *out_full: the block has no room. */
static enum err take_entry(struct builder *b, struct pool_entry *entry,
                           bool *out_full)
{
    struct block *block = &b->candidate->block;
    size_t size = 4 + entry->bytes.len;
    if (block->tx_count == b->cap ||
        b->bytes + size > b->chain->block_bytes_max) {
        *out_full = true;
        return OK;
    }
    arena_reset(&b->scratch);
    enum err err =
        chain_apply(b->chain, b->candidate->overlay, &entry->tx, &b->context,
                    &b->scratch, &b->candidate->results[block->tx_count]);
    if (err_is_fault(err))
        return err;
    if (err != OK)
        return drop_entry(b, entry, err);
    block->txs[block->tx_count] = entry->tx;
    b->tx_bytes[block->tx_count] = entry->bytes;
    block->tx_count++;
    b->bytes += size;
    return OK;
}

/* A turn in arrival order: the account's next transaction, which may have come
 * later than the one whose turn it is. *out_after: where to go on. */
static enum err take_turn(struct builder *b, struct pool_entry *turn,
                          bool *out_full)
{
    struct account account;
    TRY(account_get(b->candidate->overlay, &turn->tx.sender, &account));
    struct pool_entry *entry =
        pool_account_next(b->pool, &turn->tx.sender, account.nonce);
    if (entry == NULL || entry->tx.nonce != account.nonce)
        return OK;
    return take_entry(b, entry, out_full);
}

static enum err drop_expired(struct builder *b)
{
    struct pool_entry *entry = pool_next(b->pool, NULL);
    while (entry != NULL) {
        struct pool_entry *next = pool_next(b->pool, entry);
        if (entry->tx.expiry_height < b->context.height)
            TRY(drop_entry(b, entry, ERR_EXPIRED));
        entry = next;
    }
    return OK;
}

/* The senders in arrival order; taking a turn may remove entries, so the list
 * is copied first. */
static enum err take_all(struct builder *b)
{
    uint32_t waiting = pool_count(b->pool);
    struct hash *turns = malloc(((size_t)waiting + 1) * sizeof(*turns));
    uint32_t count = 0;
    bool full = false;
    enum err err = OK;
    if (turns == NULL)
        return ERR_NOMEM;
    for (struct pool_entry *entry = pool_next(b->pool, NULL); entry != NULL;
         entry = pool_next(b->pool, entry))
        turns[count++] = entry->tx.id;
    CHECK(count == waiting);
    for (uint32_t i = 0; i < count && err == OK && !full; i++) {
        struct pool_entry *turn = pool_find(b->pool, &turns[i]);
        if (turn != NULL)
            err = take_turn(b, turn, &full);
    }
    free(turns);
    return err;
}

/* Points the transactions into the block's own bytes. */
static void own_bytes(struct builder *b)
{
    struct block *block = &b->candidate->block;
    const uint8_t *at = b->candidate->bytes.ptr + HEADER_BYTES + 2 +
                        (size_t)block->evidence_count * EVIDENCE_BYTES + 4;
    for (uint32_t i = 0; i < block->tx_count; i++) {
        struct bytes old = b->tx_bytes[i];
        struct tx *tx = &block->txs[i];
        at += 4;
        block->tx_bytes[i] = bytes_make(at, old.len);
        if (tx->payload.len > 0)
            tx->payload.ptr = at + (tx->payload.ptr - old.ptr);
        at += old.len;
    }
    CHECK(at == b->candidate->bytes.ptr + b->candidate->bytes.len);
}

static enum err finish_build(struct builder *b, const struct position *parent)
{
    struct candidate *candidate = b->candidate;
    struct block *block = &candidate->block;
    struct header *header = &block->header;
    TRY(block_tx_root(block, &header->tx_root));
    TRY(chain_finish_roots(b->chain, candidate, header));
    header_id(header, &block->id);
    block_encode(header, block->evidence, block->evidence_count, b->tx_bytes,
                 block->tx_count, &candidate->bytes);
    TRY(candidate->bytes.err);
    CHECK(candidate->bytes.len <= b->chain->block_bytes_max);
    own_bytes(b);
    return position_advance(b->chain, parent, header, &block->id,
                            candidate->overlay, &candidate->after);
}

static int compare_evidence(const void *a, const void *b)
{
    return evidence_compare(a, b);
}

/* Executes one piece; what is refused is left out. */
static enum err take_one_evidence(struct builder *b,
                                  const struct evidence *evidence)
{
    struct block *block = &b->candidate->block;
    struct state *state = b->candidate->overlay;
    struct state_mark mark = state_mark(state);
    enum err err = evidence_apply(state, evidence, &b->context);
    if (err != OK) {
        state_rollback(state, mark);
        return err_is_fault(err) ? err : OK;
    }
    block->evidence[block->evidence_count++] = *evidence;
    b->bytes += EVIDENCE_BYTES;
    return OK;
}

/* In the order the block will have them. */
static enum err take_evidence(struct builder *b)
{
    const struct block *block = &b->candidate->block;
    size_t count = b->evidence_count;
    enum err err = OK;
    if (count == 0)
        return OK;
    struct evidence *sorted = calloc(count, sizeof(*sorted));
    if (sorted == NULL)
        return ERR_NOMEM;
    memcpy(sorted, b->evidence, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_evidence);
    for (size_t i = 0;
         i < count && err == OK && block->evidence_count < EVIDENCE_BLOCK_MAX;
         i++)
        err = take_one_evidence(b, &sorted[i]);
    free(sorted);
    return err;
}

static enum err build_into(struct builder *b, const struct position *parent)
{
    struct candidate *candidate = b->candidate;
    struct block *block = &candidate->block;
    uint32_t waiting = pool_count(b->pool);
    b->cap = (uint32_t)b->chain->block_txs_max;
    if (waiting < b->cap)
        b->cap = waiting;
    block->txs = arena_calloc(&candidate->arena, b->cap, sizeof(*block->txs));
    block->tx_bytes =
        arena_calloc(&candidate->arena, b->cap, sizeof(*block->tx_bytes));
    candidate->results =
        arena_calloc(&candidate->arena, b->cap, sizeof(*candidate->results));
    b->tx_bytes = arena_calloc(&candidate->arena, b->cap, sizeof(*b->tx_bytes));
    if (block->txs == NULL || block->tx_bytes == NULL ||
        candidate->results == NULL || b->tx_bytes == NULL)
        return ERR_NOMEM;
    chain_fill_header(b->chain, parent, &block->header);
    block->header.time_ms = b->context.time_ms;
    block->header.proposer = b->context.proposer;
    b->bytes = HEADER_BYTES + 2 + 4;
    TRY(chain_fees_to(candidate->overlay, &b->context));
    TRY(chain_begin_block(parent, &b->context, candidate->overlay));
    TRY(take_evidence(b));
    TRY(drop_expired(b));
    TRY(take_all(b));
    return finish_build(b, parent);
}

/* NOLINTNEXTLINE(readability-function-size): all that a block is made of */
enum err chain_build(struct chain *chain, const struct candidate *parent,
                     struct pool *pool, const struct evidence *evidence,
                     size_t evidence_count, uint64_t wall_ms,
                     const struct pubkey *proposer,
                     struct chain_drops *out_drops, struct candidate **out)
{
    const struct position *position = chain_parent_position(chain, parent);
    struct builder b = {.chain = chain,
                        .pool = pool,
                        .evidence = evidence,
                        .evidence_count = evidence_count,
                        .drops = out_drops,
                        .undecided = parent != NULL};
    *out_drops = (struct chain_drops){0};
    b.context = chain_context_after(chain, position, wall_ms);
    b.context.proposer = *proposer;
    b.candidate = candidate_new();
    if (b.candidate == NULL)
        return ERR_NOMEM;
    b.candidate->parent = position->tip.id;
    arena_init(&b.scratch, KIND_ARENA_MAX);
    enum err err = store_hold(chain->store);
    if (err == OK) {
        err = state_fork(chain_parent_state(chain, parent),
                         &b.candidate->overlay);
        if (err == OK)
            err = build_into(&b, position);
        store_release(chain->store);
    }
    arena_done(&b.scratch);
    if (err != OK) {
        candidate_free(b.candidate);
        return err;
    }
    *out = b.candidate;
    return OK;
}
