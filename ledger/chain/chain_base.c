/* Chains that do not begin at the genesis: the state of their base was fetched.
 */

#include "ledger/chain/chain_room.h"

#include "base/check.h"
#include "ledger/bond.h"

#include <string.h>

uint64_t chain_base(const struct chain *chain)
{
    return chain->base;
}

bool chain_is_syncing(const struct chain *chain)
{
    return chain->syncing;
}

/* ERR_NOT_FOUND: no such note. */
static enum err read_note(struct chain *chain, struct bytes name, uint64_t *out)
{
    uint8_t raw[8];
    size_t len = 0;
    TRY(store_read(chain->store, STORE_META, name, raw, sizeof(raw), &len));
    if (len != sizeof(raw))
        return ERR_CORRUPT;
    *out = u64be_get(raw);
    return OK;
}

static void put_note(struct store_batch *batch, struct bytes name,
                     uint64_t value)
{
    uint8_t raw[8];
    store_batch_put(batch, STORE_META, name, key_height(value, raw));
}

enum err chain_load_base(struct chain *chain)
{
    uint64_t base = 0;
    uint64_t step = 0;
    enum err err = read_note(chain, BYTES_LIT(META_BASE), &base);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    err = read_note(chain, BYTES_LIT(META_SYNC), &step);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    chain->base = base;
    chain->syncing = err == OK;
    return base % chain->epoch_blocks == 0 ? OK : ERR_CORRUPT;
}

/* ---- fetching ---- */

void chain_sync_begin(struct chain *chain, struct store_batch *batch)
{
    CHECK(chain->head.tip.height == 0 && chain->flight_count == 0);
    put_note(batch, BYTES_LIT(META_SYNC), 0);
    chain->syncing = true;
}

void chain_sync_cancel(struct chain *chain)
{
    CHECK(chain->syncing && chain->head.tip.height == 0);
    chain->syncing = false;
}

void chain_sync_step(struct chain *chain, const struct light_step *step,
                     const struct validators *next, struct store_batch *batch)
{
    uint8_t raw[HEADER_BYTES];
    uint8_t key_raw[8];
    struct bytes key = key_height(step->header.height, key_raw);
    CHECK(chain->syncing);
    CHECK(step->header.height == step->header.epoch * chain->epoch_blocks);
    header_encode(&step->header, raw);
    store_batch_put(batch, STORE_HEADER, key, BYTES_OF(raw));
    store_batch_put(batch, STORE_CERT, key, step->cert);
    store_batch_put(batch, STORE_BLOCK_ID, hash_as_bytes(&step->id), key);
    /* An error sticks to the batch. */
    (void)!chain_put_set(batch, step->header.epoch + 1, next);
    put_note(batch, BYTES_LIT(META_SYNC), step->header.epoch);
}

enum err chain_sync_steps(struct chain *chain, uint64_t *out_epoch)
{
    enum err err = read_note(chain, BYTES_LIT(META_SYNC), out_epoch);
    if (err == ERR_NOT_FOUND)
        *out_epoch = 0;
    return err == ERR_NOT_FOUND ? OK : err;
}

/* ---- arriving ---- */

/* The peaks, under the keys that the later history looks for them. */
static void put_peaks(const struct mmr *history, struct store_batch *batch)
{
    for (unsigned level = 0; level < MMR_LEVELS; level++) {
        if ((history->count >> level & 1u) != 0)
            chain_put_node(batch, level, (history->count >> level) - 1,
                           &history->peaks[level]);
    }
}

static enum err check_base(struct chain *chain, const struct header *header,
                           const struct mmr *history)
{
    struct hash root;
    TRY(state_root(chain->ground, &root));
    if (!hash_equal(&root, &header->state_root))
        return ERR_ROOT;
    mmr_root(history, &root);
    return history->count == header->height &&
                   hash_equal(&root, &header->history_root)
               ? OK
               : ERR_ROOT;
}

/* Who signs in the second epoch after this one follows from the state. */
static enum err put_next_set(struct chain *chain, uint64_t epoch,
                             struct store_batch *batch)
{
    struct validators set;
    struct validators next;
    TRY(chain_set_of(chain, epoch + 1, &set));
    TRY(bond_next_set(chain->ground, &set, &next));
    return chain_put_set(batch, epoch + 2, &next);
}

enum err chain_sync_fill(struct chain *chain, const struct header *header,
                         const struct mmr *history, struct store_batch *batch)
{
    struct mmr grown = *history;
    struct hash id;
    CHECK(chain->syncing);
    TRY(check_base(chain, header, history));
    header_id(header, &id);
    TRY(put_next_set(chain, header->epoch, batch));
    put_peaks(history, batch);
    mmr_append(&grown, &id, chain_put_node, batch);
    put_note(batch, BYTES_LIT(META_TIP), header->height);
    put_note(batch, BYTES_LIT(META_BASE), header->height);
    store_batch_delete(batch, STORE_META, BYTES_LIT(META_SYNC));
    return store_batch_error(batch);
}

enum err chain_sync_end(struct chain *chain)
{
    CHECK(chain->syncing);
    TRY(chain_load_base(chain));
    CHECK(!chain->syncing);
    TRY(chain_load_position(chain, &chain->tip));
    chain->head = chain->tip;
    return chain_check_links(chain);
}
