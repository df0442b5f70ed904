/* Executing transactions and the blocks of others. */

#include "ledger/chain/chain_room.h"

#include "base/check.h"
#include "ledger/bond.h"

#include <stdlib.h>
#include <string.h>

/* What a block, its transactions and results may take while decoded: a struct
 * tx and its parsed values per transaction, and room for kinds' scratch. */
#define CANDIDATE_ARENA_MAX (64u * 1024 * 1024)

/* ---- one transaction ---- */

enum err chain_check_frame(const struct chain *chain, struct state *state,
                           const struct tx *tx, uint64_t height,
                           struct account *out_account)
{
    const struct tx_kind *kind = chain_kind(chain, tx->kind);
    if (!hash_equal(&tx->chain, &chain->genesis.chain))
        return ERR_CHAIN;
    if (kind == NULL)
        return ERR_KIND;
    if (amount_cmp(tx->fee, kind->fee_min(tx->payload.len)) < 0)
        return ERR_FEE;
    if (tx->expiry_height < height)
        return ERR_EXPIRED;
    TRY(account_get(state, &tx->sender, out_account));
    if (tx->nonce < out_account->nonce)
        return ERR_NONCE;
    return amount_cmp(out_account->balance, tx->fee) < 0 ? ERR_FUNDS : OK;
}

/* The fee goes over and the nonce up. */
static enum err take_fee(struct state *state, const struct tx *tx,
                         const struct block_context *context,
                         struct account *account)
{
    if (account->nonce == UINT64_MAX)
        return ERR_NONCE;
    account->nonce++;
    TRY(amount_sub(account->balance, tx->fee, &account->balance));
    TRY(account_put(state, &tx->sender, account));
    return account_credit(state, &context->fees_to, tx->fee);
}

static enum err apply_unguarded(const struct chain *chain, struct state *state,
                                const struct tx *tx,
                                const struct block_context *context,
                                struct arena *arena, struct result *out)
{
    struct account account;
    TRY(chain_check_frame(chain, state, tx, context->height, &account));
    if (tx->nonce != account.nonce)
        return ERR_NONCE;
    TRY(take_fee(state, tx, context, &account));
    out->tx = tx->id;
    out->status = OK;
    out->fee = tx->fee;
    const struct tx_kind *kind = chain_kind(chain, tx->kind);
    return kind->apply(state, tx, context, arena, &out->effect);
}

enum err chain_apply(const struct chain *chain, struct state *state,
                     const struct tx *tx, const struct block_context *context,
                     struct arena *arena, struct result *out)
{
    struct result result;
    struct state_mark mark = state_mark(state);
    memset(&result, 0, sizeof(result));
    enum err err = apply_unguarded(chain, state, tx, context, arena, &result);
    if (err != OK) {
        state_rollback(state, mark);
        return err;
    }
    CHECK(result.effect.account_count <= 3);
    *out = result;
    return OK;
}

static uint64_t earliest_time(const struct chain *chain,
                              const struct position *parent)
{
    uint64_t step = chain->min_interval_ms > 0 ? chain->min_interval_ms : 1;
    return parent->tip.header.time_ms + step;
}

struct block_context chain_context_after(const struct chain *chain,
                                         const struct position *parent,
                                         uint64_t wall_ms)
{
    uint64_t earliest = earliest_time(chain, parent);
    return (struct block_context){
        .chain = chain->genesis.chain,
        .height = parent->tip.height + 1,
        .epoch = epoch_of_height(parent->tip.height + 1, chain->epoch_blocks),
        .time_ms = wall_ms > earliest ? wall_ms : earliest,
    };
}

enum err chain_fees_to(struct state *state, struct block_context *context)
{
    struct bond bond;
    enum err err = bond_get(state, &context->proposer, &bond);
    context->fees_to = err == OK ? bond.owner : context->proposer;
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err chain_begin_block(const struct position *parent,
                           const struct block_context *context,
                           struct state *state)
{
    if (parent->tip.header.epoch == context->epoch)
        return OK;
    TRY(stake_begin_epoch(state, parent->next.weight));
    return evidence_begin_epoch(state, context->epoch, &parent->set);
}

/* The state right before the first item of the block after the head. */
static enum err scratch_state(struct chain *chain,
                              const struct block_context *context,
                              struct state **out)
{
    struct state *scratch;
    TRY(state_fork(chain_head_state(chain), &scratch));
    enum err err = chain_begin_block(&chain->head, context, scratch);
    if (err != OK) {
        state_free(scratch);
        return err;
    }
    *out = scratch;
    return OK;
}

static enum err check_on_scratch(struct chain *chain, const struct tx *tx,
                                 uint64_t time_ms)
{
    struct block_context context =
        chain_context_after(chain, &chain->head, time_ms);
    struct state *scratch;
    struct result result;
    struct arena arena;
    /* Nobody yet: any validator may get the fee, the rules do not ask. */
    context.fees_to = chain->head.set.items[0].key;
    TRY(scratch_state(chain, &context, &scratch));
    arena_init(&arena, KIND_ARENA_MAX);
    enum err err = chain_apply(chain, scratch, tx, &context, &arena, &result);
    arena_done(&arena);
    state_free(scratch);
    return err;
}

enum err chain_check_tx(struct chain *chain, const struct tx *tx,
                        uint64_t time_ms)
{
    struct account account;
    uint64_t height = chain->head.tip.height + 1;
    TRY(store_hold(chain->store));
    enum err err =
        chain_check_frame(chain, chain_head_state(chain), tx, height, &account);
    if (err == OK && tx->nonce == account.nonce)
        err = check_on_scratch(chain, tx, time_ms);
    store_release(chain->store);
    return err;
}

enum err chain_check_evidence(struct chain *chain,
                              const struct evidence *evidence)
{
    struct block_context context = chain_context_after(chain, &chain->head, 0);
    struct state *scratch;
    TRY(store_hold(chain->store));
    enum err err = scratch_state(chain, &context, &scratch);
    if (err == OK) {
        err = evidence_apply(scratch, evidence, &context);
        state_free(scratch);
    }
    store_release(chain->store);
    return err;
}

/* ---- positions ---- */

enum err position_advance(const struct chain *chain,
                          const struct position *before,
                          const struct header *header, const struct hash *id,
                          struct state *state, struct position *out)
{
    uint64_t next_epoch =
        epoch_of_height(header->height + 1, chain->epoch_blocks);
    *out = *before;
    out->tip = (struct chain_tip){
        .height = header->height, .id = *id, .header = *header};
    out->set_is_new = next_epoch != header->epoch;
    mmr_append(&out->history, id, NULL, NULL);
    if (!out->set_is_new)
        return OK;
    /* One epoch of notice: the state at the start of e names the set of e+1. */
    if (header->height == 0) {
        out->set = chain->genesis.validators;
        out->next = chain->genesis.validators;
    } else {
        out->set = before->next;
        TRY(bond_next_set(state, &before->next, &out->next));
    }
    validators_hash(&out->next, &out->next_hash);
    return OK;
}

/* ---- candidates ---- */

struct candidate *candidate_new(void)
{
    struct candidate *candidate = calloc(1, sizeof(*candidate));
    if (candidate == NULL)
        return NULL;
    arena_init(&candidate->arena, CANDIDATE_ARENA_MAX);
    buf_init(&candidate->bytes, LIMIT_BLOCK_BYTES);
    buf_init(&candidate->cert, CERT_BYTES_MAX);
    return candidate;
}

void chain_fill_header(const struct chain *chain, const struct position *parent,
                       struct header *out)
{
    memset(out, 0, sizeof(*out));
    out->chain = chain->genesis.chain;
    out->height = parent->tip.height + 1;
    out->epoch = epoch_of_height(out->height, chain->epoch_blocks);
    out->parent = parent->tip.id;
    out->next_set = parent->next_hash;
    out->params = chain->params_hash;
    mmr_root(&parent->history, &out->history_root);
}

/* Money that does not add up is a damaged store or a bug: nothing goes on. */
static enum err audit(const struct chain *chain, struct state *state)
{
#ifdef SUAN_AUDIT
    struct amount sum;
    TRY(chain_sum_money(state, &sum));
    if (amount_cmp(sum, chain->supply) != 0)
        return ERR_CORRUPT;
    enum err err = bond_audit(state);
    return err == ERR_CONSERVATION ? ERR_CORRUPT : err;
#else
    (void)chain;
    (void)state;
    return OK;
#endif
}

enum err chain_finish_roots(const struct chain *chain,
                            struct candidate *candidate, struct header *header)
{
    TRY(results_root(candidate->results, candidate->block.tx_count,
                     &header->receipt_root));
    TRY(state_seal(candidate->overlay, amount_micro(0), &header->state_root));
    return audit(chain, candidate->overlay);
}

/* ---- executing another's ---- */

static enum err check_header(const struct chain *chain,
                             const struct position *parent,
                             const struct candidate *candidate)
{
    const struct header *header = &candidate->block.header;
    struct header expected;
    chain_fill_header(chain, parent, &expected);
    if (!hash_equal(&header->chain, &expected.chain))
        return ERR_CHAIN;
    if (header->height != expected.height)
        return ERR_HEIGHT;
    if (!hash_equal(&header->parent, &expected.parent))
        return ERR_PARENT;
    if (candidate->bytes.len > chain->block_bytes_max ||
        candidate->block.tx_count > chain->block_txs_max)
        return ERR_TOO_LARGE;
    if (header->time_ms < earliest_time(chain, parent))
        return ERR_TIME;
    if (validators_find(&parent->set, &header->proposer) < 0)
        return ERR_PROPOSER;
    if (header->epoch != expected.epoch ||
        !hash_equal(&header->next_set, &expected.next_set) ||
        !hash_equal(&header->params, &expected.params) ||
        !hash_equal(&header->history_root, &expected.history_root))
        return ERR_ROOT;
    return OK;
}

/* A transaction that waits in our pool was verified when it came: same id, same
 * bytes. */
static enum err check_sigs(const struct chain *chain, const struct block *block,
                           struct pool *pool)
{
    for (uint32_t i = 0; i < block->tx_count; i++) {
        const struct tx *tx = &block->txs[i];
        if (pool == NULL || pool_find(pool, &tx->id) == NULL)
            TRY(tx_verify(tx, &chain->genesis.chain));
    }
    return OK;
}

static enum err run_all(const struct chain *chain,
                        const struct position *parent,
                        struct candidate *candidate)
{
    const struct block *block = &candidate->block;
    struct block_context context = {
        .chain = chain->genesis.chain,
        .height = block->header.height,
        .epoch = block->header.epoch,
        .time_ms = block->header.time_ms,
        .proposer = block->header.proposer,
    };
    candidate->results = arena_calloc(&candidate->arena, block->tx_count,
                                      sizeof(*candidate->results));
    if (candidate->results == NULL)
        return ERR_NOMEM;
    TRY(chain_fees_to(candidate->overlay, &context));
    struct arena scratch;
    enum err err = chain_begin_block(parent, &context, candidate->overlay);
    for (uint32_t i = 0; i < block->evidence_count && err == OK; i++)
        err = evidence_apply(candidate->overlay, &block->evidence[i], &context);
    arena_init(&scratch, KIND_ARENA_MAX);
    for (uint32_t i = 0; i < block->tx_count && err == OK; i++) {
        arena_reset(&scratch);
        err = chain_apply(chain, candidate->overlay, &block->txs[i], &context,
                          &scratch, &candidate->results[i]);
    }
    arena_done(&scratch);
    return err;
}

/* The decoder has compared the root of the transactions already. */
static enum err run_into(struct chain *chain, const struct position *parent,
                         struct candidate *candidate, bool sigs_verified,
                         struct pool *pool)
{
    const struct block *block = &candidate->block;
    struct header got = {0};
    TRY(check_header(chain, parent, candidate));
    if (!sigs_verified)
        TRY(check_sigs(chain, block, pool));
    TRY(run_all(chain, parent, candidate));
    TRY(chain_finish_roots(chain, candidate, &got));
    if (!hash_equal(&got.receipt_root, &block->header.receipt_root) ||
        !hash_equal(&got.state_root, &block->header.state_root))
        return ERR_ROOT;
    return position_advance(chain, parent, &block->header, &block->id,
                            candidate->overlay, &candidate->after);
}

enum err chain_read(struct bytes block, const struct hash *ids,
                    struct candidate **out)
{
    if (block.len > LIMIT_BLOCK_BYTES)
        return ERR_TOO_LARGE;
    struct candidate *candidate = candidate_new();
    if (candidate == NULL)
        return ERR_NOMEM;
    buf_add(&candidate->bytes, block);
    enum err err = candidate->bytes.err;
    if (err == OK)
        err = block_decode_known(buf_bytes(&candidate->bytes), ids,
                                 &candidate->arena, &candidate->block);
    if (err != OK) {
        candidate_free(candidate);
        return err;
    }
    *out = candidate;
    return OK;
}

enum err chain_run(struct chain *chain, const struct candidate *parent,
                   bool sigs_verified, struct pool *pool,
                   struct candidate *candidate)
{
    const struct position *position = chain_parent_position(chain, parent);
    CHECK(candidate->overlay == NULL);
    candidate->parent = position->tip.id;
    TRY(store_hold(chain->store));
    enum err err =
        state_fork(chain_parent_state(chain, parent), &candidate->overlay);
    if (err == OK)
        err = run_into(chain, position, candidate, sigs_verified, pool);
    store_release(chain->store);
    return err;
}

enum err chain_execute(struct chain *chain, const struct candidate *parent,
                       struct bytes block, bool sigs_verified,
                       struct pool *pool, struct candidate **out)
{
    struct candidate *candidate = NULL;
    TRY(chain_read(block, NULL, &candidate));
    enum err err = chain_run(chain, parent, sigs_verified, pool, candidate);
    if (err != OK) {
        candidate_free(candidate);
        return err;
    }
    *out = candidate;
    return OK;
}
