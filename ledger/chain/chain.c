#include "ledger/chain/chain_room.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

/* ---- keys ---- */

struct bytes key_height(uint64_t height, uint8_t out[8])
{
    u64be_put(out, height);
    return bytes_make(out, 8);
}

struct bytes key_place(struct bytes owner, struct tx_place place,
                       uint8_t out[44])
{
    CHECK(owner.len == 32);
    memcpy(out, owner.ptr, 32);
    u64be_put(out + 32, place.height);
    u32be_put(out + 40, place.position);
    return bytes_make(out, 44);
}

struct bytes key_mmr(unsigned level, uint64_t index, uint8_t out[9])
{
    CHECK(level < MMR_LEVELS);
    out[0] = (uint8_t)level;
    u64be_put(out + 1, index);
    return bytes_make(out, 9);
}

/* ---- opening ---- */

static enum err copy_genesis(const struct genesis *from, struct genesis *out)
{
    struct genesis copy = *from;
    size_t size = (size_t)from->account_count * sizeof(*from->accounts);
    copy.accounts = malloc(size + 1);
    if (copy.accounts == NULL)
        return ERR_NOMEM;
    if (size > 0)
        memcpy(copy.accounts, from->accounts, size);
    *out = copy;
    return OK;
}

static enum err join_kinds(struct chain *chain, const struct kind_table *extra)
{
    size_t count = ledger_kind_count + (extra != NULL ? extra->count : 0);
    chain->kinds = calloc(count, sizeof(*chain->kinds));
    if (chain->kinds == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct tx_kind *kind = i < ledger_kind_count
                                         ? &ledger_kinds[i]
                                         : &extra->kinds[i - ledger_kind_count];
        CHECK(chain_kind(chain, kind->id) == NULL);
        CHECK(kind->apply != NULL && kind->fee_min != NULL);
        chain->kinds[i] = *kind;
        chain->kind_count = i + 1;
    }
    return OK;
}

static enum err take_params(struct chain *chain)
{
    const struct params *params = &chain->genesis.params;
    chain->epoch_blocks = params_need(params, "epoch_blocks");
    chain->min_interval_ms = params_need(params, "min_interval_ms");
    chain->block_bytes_max = params_need(params, "block_bytes");
    chain->block_txs_max = params_need(params, "block_txs");
    CHECK(chain->block_bytes_max <= LIMIT_BLOCK_BYTES);
    CHECK(chain->block_txs_max <= LIMIT_BLOCK_TXS);
    chain->supply = genesis_supply(&chain->genesis);
    return params_hash(params, &chain->params_hash);
}

/* The store is of this genesis, or empty and gets it. */
static enum err meet_genesis(struct chain *chain)
{
    struct arena arena;
    struct bytes stored;
    struct buf ours;
    arena_init(&arena, 2 * GENESIS_BYTES_MAX);
    buf_init(&ours, GENESIS_BYTES_MAX);
    enum err err = store_get(chain->store, STORE_META, BYTES_LIT(META_GENESIS),
                             &arena, &stored);
    if (err == ERR_NOT_FOUND) {
        err = chain_write_genesis(chain);
    } else if (err == OK) {
        genesis_encode(&chain->genesis, &ours);
        err = ours.err;
        if (err == OK && !bytes_equal(buf_bytes(&ours), stored))
            err = ERR_GENESIS;
    }
    buf_done(&ours);
    arena_done(&arena);
    return err;
}

static enum err open_into(struct chain *chain, const struct kind_table *kinds)
{
    TRY(join_kinds(chain, kinds));
    TRY(take_params(chain));
    TRY(state_ground(chain->store, &chain->genesis.chain, &chain->ground));
    TRY(meet_genesis(chain));
    TRY(chain_load_base(chain));
    TRY(chain_load_position(chain, &chain->tip));
    chain->head = chain->tip;
    return chain_check_links(chain);
}

enum err chain_open(struct store *store, const struct genesis *genesis,
                    const struct kind_table *kinds, struct chain **out)
{
    struct chain *chain = calloc(1, sizeof(*chain));
    if (chain == NULL)
        return ERR_NOMEM;
    chain->store = store;
    enum err err = copy_genesis(genesis, &chain->genesis);
    if (err == OK)
        err = open_into(chain, kinds);
    if (err != OK) {
        chain_close(chain);
        return err;
    }
    *out = chain;
    return OK;
}

static void retire(struct chain *chain)
{
    for (uint32_t i = 0; i < chain->retired_count; i++)
        candidate_free(chain->retired[i]);
    chain->retired_count = 0;
}

void chain_close(struct chain *chain)
{
    if (chain == NULL)
        return;
    for (uint32_t i = chain->flight_count; i-- > 0;)
        candidate_free(chain->flight[i]);
    retire(chain);
    state_free(chain->ground);
    genesis_done(&chain->genesis);
    free(chain->kinds);
    free(chain);
}

/* ---- where we stand ---- */

struct chain_tip chain_tip(const struct chain *chain)
{
    return chain->tip.tip;
}

struct chain_tip chain_head(const struct chain *chain)
{
    return chain->head.tip;
}

uint64_t chain_head_height(const struct chain *chain)
{
    return chain->head.tip.height;
}

const struct hash *chain_head_id(const struct chain *chain)
{
    return &chain->head.tip.id;
}

const struct hash *chain_id(const struct chain *chain)
{
    return &chain->genesis.chain;
}

const struct genesis *chain_genesis(const struct chain *chain)
{
    return &chain->genesis;
}

const struct params *chain_params(const struct chain *chain)
{
    return &chain->genesis.params;
}

const struct validators *chain_validators(const struct chain *chain)
{
    return &chain->head.set;
}

uint64_t chain_next_epoch(const struct chain *chain)
{
    return epoch_of_height(chain->head.tip.height + 1, chain->epoch_blocks);
}

struct store *chain_store(const struct chain *chain)
{
    return chain->store;
}

const struct tx_kind *chain_kind(const struct chain *chain, uint32_t id)
{
    for (size_t i = 0; i < chain->kind_count; i++) {
        if (chain->kinds[i].id == id)
            return &chain->kinds[i];
    }
    return NULL;
}

struct state *chain_state(struct chain *chain)
{
    return chain->ground;
}

struct state *chain_head_state(struct chain *chain)
{
    CHECK(!chain->syncing);
    return chain_parent_state(chain, NULL);
}

const struct position *chain_parent_position(const struct chain *chain,
                                             const struct candidate *parent)
{
    CHECK(!chain->syncing);
    return parent != NULL ? &parent->after : &chain->head;
}

struct state *chain_parent_state(struct chain *chain,
                                 const struct candidate *parent)
{
    if (parent != NULL)
        return parent->overlay;
    if (chain->flight_count > 0)
        return chain->flight[chain->flight_count - 1]->overlay;
    return chain->ground;
}

/* ---- candidates ---- */

const struct block *candidate_block(const struct candidate *candidate)
{
    return &candidate->block;
}

struct bytes candidate_bytes(const struct candidate *candidate)
{
    return buf_bytes(&candidate->bytes);
}

const struct result *candidate_results(const struct candidate *candidate)
{
    return candidate->results;
}

struct bytes candidate_cert(const struct candidate *candidate)
{
    return buf_bytes(&candidate->cert);
}

void candidate_free(struct candidate *candidate)
{
    if (candidate == NULL)
        return;
    state_free(candidate->overlay);
    arena_done(&candidate->arena);
    buf_done(&candidate->bytes);
    buf_done(&candidate->cert);
    free(candidate);
}

/* ---- deciding and storing ---- */

/* What the epoch changes is kept as it was when the one before it ended, for
 * newcomers (ended.h). Nobody begins at the end of epoch 0. */
static void keep_old(const struct chain *chain, uint64_t first,
                     struct store_batch *batch)
{
    uint8_t raw[8];
    uint64_t before = epoch_of_height(first, chain->epoch_blocks) - 1;
    if (before == 0)
        return;
    if (first == before * chain->epoch_blocks + 1) {
        store_batch_clear(batch, STORE_UNDO);
        store_batch_put(batch, STORE_META, BYTES_LIT(META_UNDO),
                        key_height(before, raw));
    }
    store_batch_keep_old(batch);
}

static enum err fill_run(const struct chain *chain,
                         struct candidate *const *run, size_t count,
                         struct store_batch *batch)
{
    const struct position *before = &chain->head;
    for (size_t i = 0; i < count; i++) {
        TRY(chain_fill_batch(chain, before, run[i], batch));
        before = &run[i]->after;
    }
    return OK;
}

static enum err make_batch(const struct chain *chain,
                           struct candidate *const *run, size_t count,
                           const struct cert *cert,
                           struct store_batch **out_batch)
{
    struct candidate *last = run[count - 1];
    struct store_batch *batch;
    buf_clear(&last->cert);
    cert_encode(cert, &last->cert);
    TRY(last->cert.err);
    batch = store_batch_new(last->block.header.height);
    if (batch == NULL)
        return ERR_NOMEM;
    keep_old(chain, run[0]->block.header.height, batch);
    enum err err = fill_run(chain, run, count, batch);
    if (err != OK) {
        store_batch_free(batch);
        return err;
    }
    *out_batch = batch;
    return OK;
}

static void check_run(const struct chain *chain, struct candidate *const *run,
                      size_t count, const struct cert *cert)
{
    const struct hash *parent = &chain->head.tip.id;
    CHECK(!chain->syncing);
    CHECK(count > 0 && count <= CHAIN_RUN_MAX);
    for (size_t i = 0; i < count; i++) {
        CHECK(hash_equal(&run[i]->parent, parent));
        parent = &run[i]->block.id;
    }
    CHECK(cert->kind == VOTE_FINALIZE);
    CHECK(cert->on.epoch == run[count - 1]->block.header.epoch);
    CHECK(hash_equal(&cert->on.id, parent));
}

enum err chain_commit(struct chain *chain, struct candidate *const *run,
                      size_t count, const struct cert *cert,
                      struct store_batch **out_batch)
{
    check_run(chain, run, count, cert);
    if (chain->flight_count + count > CHAIN_FLIGHT_MAX)
        return ERR_BUSY;
    TRY(make_batch(chain, run, count, cert, out_batch));
    /* Its parent may have been stored while it stood undecided. */
    if (chain->flight_count == 0)
        state_rebase(run[0]->overlay, chain->ground);
    for (size_t i = 0; i < count; i++) {
        run[i]->run_end = i + 1 == count;
        chain->flight[chain->flight_count++] = run[i];
    }
    run[count - 1]->after.tip.view = cert->on.view;
    chain->head = run[count - 1]->after;
    return OK;
}

uint32_t chain_in_flight(const struct chain *chain)
{
    return chain->flight_count;
}

size_t chain_stored(struct chain *chain, uint64_t height,
                    const struct candidate *out_run[CHAIN_RUN_MAX])
{
    uint32_t count = 1;
    retire(chain);
    CHECK(chain->flight_count > 0);
    while (!chain->flight[count - 1]->run_end)
        count++;
    CHECK(chain->flight[count - 1]->block.header.height == height);
    memcpy(chain->retired, chain->flight, count * sizeof(chain->flight[0]));
    chain->retired_count = count;
    chain->flight_count -= count;
    memmove(&chain->flight[0], &chain->flight[count],
            chain->flight_count * sizeof(chain->flight[0]));
    /* The store says now what the overlays said. */
    if (chain->flight_count > 0)
        state_rebase(chain->flight[0]->overlay, chain->ground);
    for (uint32_t i = 0; i < count; i++)
        out_run[i] = chain->retired[i];
    chain->tip = chain->retired[count - 1]->after;
    return count;
}
