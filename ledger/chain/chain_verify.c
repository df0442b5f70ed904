/* Executing the whole chain again and comparing. */

#include "ledger/chain/chain_room.h"

#include "base/check.h"

#include <string.h>

struct replay {
    struct store *store; /* what is verified */
    struct store *scratch;
    struct chain *chain; /* on scratch */
    struct verify_report *report;
    verify_fn fn;
    void *ctx;
    /* Executed blocks that wait for the certificate of their run. */
    struct candidate *run[CHAIN_RUN_MAX];
    size_t run_count;
};

/* Notes the first difference. Faults stay faults. */
static enum err differs(struct replay *replay, const char *what, enum err err)
{
    replay->report->what = what;
    replay->report->err = err;
    return err_is_fault(err) ? err : ERR_CORRUPT;
}

static enum err read_at(struct replay *replay, enum store_table table,
                        uint64_t height, struct arena *arena, struct bytes *out)
{
    uint8_t key[8];
    return store_get(replay->store, table, key_height(height, key), arena, out);
}

static enum err check_cert(struct replay *replay, struct bytes bytes,
                           const struct candidate *candidate, struct cert *cert)
{
    const struct block *block = candidate_block(candidate);
    enum err err = cert_decode(bytes, cert);
    if (err == OK &&
        (cert->kind != VOTE_FINALIZE || cert->on.epoch != block->header.epoch ||
         !hash_equal(&cert->on.id, &block->id)))
        err = ERR_QUORUM;
    if (err == OK)
        err = cert_verify(cert, chain_validators(replay->chain),
                          chain_id(replay->chain));
    return err == OK ? OK : differs(replay, "certificate", err);
}

/* A certified block: the run it ends goes into the scratch store. */
static enum err store_run(struct replay *replay, const struct cert *cert)
{
    const struct candidate *stored[CHAIN_RUN_MAX];
    struct store_batch *batch;
    TRY(chain_commit(replay->chain, replay->run, replay->run_count, cert,
                     &batch));
    replay->run_count = 0; /* the chain's now */
    uint64_t height = store_batch_height(batch);
    enum err err = store_commit(replay->scratch, batch);
    store_batch_free(batch);
    TRY(err);
    chain_stored(replay->chain, height, stored);
    return OK;
}

static enum err end_run(struct replay *replay, struct bytes cert_bytes)
{
    struct cert cert;
    TRY(check_cert(replay, cert_bytes, replay->run[replay->run_count - 1],
                   &cert));
    enum err err = store_run(replay, &cert);
    return err == OK ? OK : differs(replay, "replay could not be kept", err);
}

/* The tip and the last block of an epoch have a certificate of their own:
 * nothing of the next epoch can decide what ends this one. */
static bool ends_run(const struct replay *replay, uint64_t height)
{
    return height == replay->report->tip ||
           height % replay->chain->epoch_blocks == 0;
}

static enum err replay_block(struct replay *replay, uint64_t height,
                             struct arena *arena)
{
    struct candidate *candidate;
    struct bytes block;
    struct bytes cert;
    size_t at = replay->run_count;
    enum err err = read_at(replay, STORE_BLOCK, height, arena, &block);
    if (err != OK)
        return differs(replay, "block missing", err);
    if (at == CHAIN_RUN_MAX)
        return differs(replay, "certificate missing", ERR_NOT_FOUND);
    err = chain_execute(replay->chain, at > 0 ? replay->run[at - 1] : NULL,
                        block, false, NULL, &candidate);
    if (err != OK)
        return differs(replay, "block does not execute", err);
    replay->run[replay->run_count++] = candidate;
    uint32_t txs = candidate_block(candidate)->tx_count;
    err = read_at(replay, STORE_CERT, height, arena, &cert);
    if (err == OK)
        TRY(end_run(replay, cert));
    else if (err != ERR_NOT_FOUND || ends_run(replay, height))
        return differs(replay, "certificate missing", err);
    replay->report->height = height;
    replay->report->txs += txs;
    return OK;
}

/* ---- the tables, record by record ---- */

struct compare {
    struct replay *replay;
    enum store_table table;
    uint64_t count;
};

static enum err compare_record(void *ctx, struct bytes key, struct bytes value)
{
    struct compare *compare = ctx;
    struct arena arena;
    struct bytes ours;
    arena_init(&arena, 2 * LIMIT_BLOCK_BYTES + GENESIS_BYTES_MAX);
    enum err err =
        store_get(compare->replay->scratch, compare->table, key, &arena, &ours);
    if (err == OK && !bytes_equal(ours, value))
        err = ERR_CORRUPT;
    arena_done(&arena);
    compare->count++;
    return err;
}

static enum err count_record(void *ctx, struct bytes key, struct bytes value)
{
    uint64_t *count = ctx;
    (void)key;
    (void)value;
    (*count)++;
    return OK;
}

static enum err compare_table(struct replay *replay, enum store_table table)
{
    static const char *const names[STORE_TABLES] = {
        "notes",         "blocks",        "certificates",   "results",
        "state records", "state pages",   "history",        "transaction index",
        "account index", "subject index", "validator sets", "block index",
        "headers",       "path index",    "undo notes",
    };
    struct compare compare = {.replay = replay, .table = table};
    struct store_range all = {.table = table};
    uint64_t count = 0;
    enum err err = store_each(replay->store, &all, compare_record, &compare);
    if (err == OK)
        err = store_each(replay->scratch, &all, count_record, &count);
    if (err == OK && count != compare.count)
        err = ERR_NOT_FOUND;
    return err == OK ? OK : differs(replay, names[table], err);
}

static enum err stored_tip(struct replay *replay)
{
    uint8_t raw[8];
    size_t len = 0;
    enum err err = store_read(replay->store, STORE_META, BYTES_LIT(META_TIP),
                              raw, sizeof(raw), &len);
    if (err != OK || len != sizeof(raw))
        return differs(replay, "tip", err != OK ? err : ERR_CORRUPT);
    replay->report->tip = u64be_get(raw);
    return OK;
}

/* Executes what is not executed yet; the chain may go on meanwhile. */
static enum err replay_to_tip(struct replay *replay, struct arena *arena)
{
    struct verify_report *report = replay->report;
    TRY(stored_tip(replay));
    while (report->height < report->tip) {
        arena_reset(arena);
        TRY(replay_block(replay, report->height + 1, arena));
        if (replay->fn != NULL)
            TRY(replay->fn(replay->ctx, report));
        TRY(stored_tip(replay));
    }
    return OK;
}

/* Of one moment, with what has come meanwhile. The notes hold the store's own
 * layout number; the rest is the chain's. */
static enum err compare_all(struct replay *replay, struct arena *arena)
{
    TRY(replay_to_tip(replay, arena));
    for (unsigned t = STORE_BLOCK; t < STORE_TABLES; t++)
        TRY(compare_table(replay, (enum store_table)t));
    return OK;
}

/* Blocks stay as they are: no moment is held while they are executed, which
 * would keep every page alive that is written meanwhile. */
static enum err replay_all(struct replay *replay)
{
    struct arena arena;
    arena_init(&arena, 4 * LIMIT_BLOCK_BYTES);
    enum err err = replay_to_tip(replay, &arena);
    if (err == OK)
        err = store_hold(replay->store);
    if (err == OK) {
        err = compare_all(replay, &arena);
        store_release(replay->store);
    }
    arena_done(&arena);
    replay->report->tip_id = chain_tip(replay->chain).id;
    return err;
}

/* What was written down when the chain began is the genesis it is verified
 * from. */
static enum err check_genesis(struct replay *replay,
                              const struct genesis *genesis)
{
    struct arena arena;
    struct bytes stored;
    struct buf bytes;
    buf_init(&bytes, GENESIS_BYTES_MAX);
    arena_init(&arena, GENESIS_BYTES_MAX);
    genesis_encode(genesis, &bytes);
    enum err err = bytes.err;
    if (err == OK)
        err = store_get(replay->store, STORE_META, BYTES_LIT(META_GENESIS),
                        &arena, &stored);
    if (err == OK && !bytes_equal(stored, buf_bytes(&bytes)))
        err = ERR_GENESIS;
    arena_done(&arena);
    buf_done(&bytes);
    return err == OK ? OK : differs(replay, "genesis", err);
}

/* Does its history begin at a base? */
static enum err has_base(struct replay *replay, bool *out)
{
    uint8_t raw[8];
    size_t len = 0;
    enum err err = store_read(replay->store, STORE_META, BYTES_LIT(META_SYNC),
                              raw, sizeof(raw), &len);
    if (err == OK)
        return differs(replay, "the state is still being fetched",
                       ERR_NOT_READY);
    if (err == ERR_NOT_FOUND)
        err = store_read(replay->store, STORE_META, BYTES_LIT(META_BASE), raw,
                         sizeof(raw), &len);
    *out = err == OK;
    return err == ERR_NOT_FOUND ? OK : err;
}

/* On the store itself: opening it changes nothing, its genesis is there. */
static enum err verify_from_base(struct replay *replay,
                                 const struct genesis *genesis,
                                 const struct kind_table *kinds)
{
    struct chain *chain;
    enum err err = chain_open(replay->store, genesis, kinds, &chain);
    if (err != OK)
        return differs(replay, "links near the tip", err);
    err = chain_verify_base(chain, replay->fn, replay->ctx, replay->report);
    chain_close(chain);
    return err;
}

static enum err verify_from_genesis(struct replay *replay,
                                    const struct genesis *genesis,
                                    const struct kind_table *kinds)
{
    enum err err = chain_open(replay->scratch, genesis, kinds, &replay->chain);
    if (err != OK)
        return differs(replay, "scratch store", err);
    err = replay_all(replay);
    while (replay->run_count > 0)
        candidate_free(replay->run[--replay->run_count]);
    chain_close(replay->chain);
    return err;
}

/* What the store is; *out_based: its history begins at a base. */
static enum err look(struct replay *replay, const struct genesis *genesis,
                     bool *out_based)
{
    TRY(stored_tip(replay));
    TRY(check_genesis(replay, genesis));
    return has_base(replay, out_based);
}

enum err chain_verify(struct store *store, const struct genesis *genesis,
                      const struct kind_table *kinds, struct store *scratch,
                      verify_fn fn, void *ctx, struct verify_report *out_report)
{
    struct store *own = NULL;
    bool based = false;
    struct replay replay = {.store = store,
                            .scratch = scratch,
                            .report = out_report,
                            .fn = fn,
                            .ctx = ctx};
    memset(out_report, 0, sizeof(*out_report));
    if (scratch == NULL) {
        TRY(store_mem_new(&own));
        replay.scratch = own;
    }
    enum err err = store_hold(store);
    if (err == OK) {
        err = look(&replay, genesis, &based);
        store_release(store);
    }
    if (err == OK)
        err = based ? verify_from_base(&replay, genesis, kinds)
                    : verify_from_genesis(&replay, genesis, kinds);
    store_close(own);
    return err;
}
