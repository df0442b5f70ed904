/* What a block leaves in the store, and reading it back at start. */

#include "ledger/chain/chain_room.h"

#include "base/check.h"

#include <string.h>

#define LINKS_CHECKED 100u

/* ---- writing ---- */

void chain_put_node(void *ctx, unsigned level, uint64_t index,
                    const struct hash *node)
{
    uint8_t key[9];
    store_batch_put(ctx, STORE_MMR, key_mmr(level, index, key),
                    hash_as_bytes(node));
}

static void put_ref(struct store_batch *batch, enum store_table table,
                    struct bytes owner, struct tx_place place,
                    const struct hash *id)
{
    uint8_t key[44];
    store_batch_put(batch, table, key_place(owner, place, key),
                    hash_as_bytes(id));
}

/* The sender and everyone the effect names find the transaction in their
 * history. The same key twice is the same record. */
static void put_tx(struct store_batch *batch, const struct tx *tx,
                   const struct result *result, struct tx_place place)
{
    const struct tx_effect *effect = &result->effect;
    uint8_t value[12];
    u64be_put(value, place.height);
    u32be_put(value + 8, place.position);
    store_batch_put(batch, STORE_TX, hash_as_bytes(&tx->id), BYTES_OF(value));
    put_ref(batch, STORE_ACCOUNT_TX, BYTES_OF(tx->sender.b), place, &tx->id);
    for (uint32_t i = 0; i < effect->account_count; i++)
        put_ref(batch, STORE_ACCOUNT_TX, BYTES_OF(effect->accounts[i].b), place,
                &tx->id);
    if (!hash_is_zero(&effect->subject))
        put_ref(batch, STORE_SUBJECT_TX, hash_as_bytes(&effect->subject), place,
                &tx->id);
}

static enum err put_results(struct store_batch *batch,
                            const struct candidate *candidate,
                            struct bytes height_key)
{
    struct buf buf;
    uint32_t count = candidate->block.tx_count;
    buf_init(&buf, (size_t)LIMIT_BLOCK_TXS * RESULT_BYTES_MAX);
    for (uint32_t i = 0; i < count; i++)
        result_encode(&candidate->results[i], &buf);
    enum err err = buf.err;
    if (err == OK)
        store_batch_put(batch, STORE_RESULT, height_key, buf_bytes(&buf));
    buf_done(&buf);
    return err;
}

enum err chain_put_set(struct store_batch *batch, uint64_t epoch,
                       const struct validators *set)
{
    uint8_t key[8];
    struct buf buf;
    buf_init(&buf, VALIDATORS_BYTES_MAX);
    validators_encode(set, &buf);
    enum err err = buf.err;
    if (err == OK)
        store_batch_put(batch, STORE_SET, key_height(epoch, key),
                        buf_bytes(&buf));
    buf_done(&buf);
    return err;
}

enum err chain_fill_batch(const struct chain *chain,
                          const struct position *before,
                          const struct candidate *candidate,
                          struct store_batch *batch)
{
    const struct block *block = &candidate->block;
    const struct position *after = &candidate->after;
    uint8_t raw[8];
    struct bytes key = key_height(block->header.height, raw);
    struct mmr history = before->history;
    state_to_batch(candidate->overlay, batch);
    store_batch_put(batch, STORE_BLOCK, key, buf_bytes(&candidate->bytes));
    if (candidate->cert.len > 0)
        store_batch_put(batch, STORE_CERT, key, buf_bytes(&candidate->cert));
    TRY(put_results(batch, candidate, key));
    store_batch_put(batch, STORE_BLOCK_ID, hash_as_bytes(&block->id), key);
    for (uint32_t i = 0; i < block->tx_count; i++)
        put_tx(batch, &block->txs[i], &candidate->results[i],
               (struct tx_place){block->header.height, i});
    mmr_append(&history, &block->id, chain_put_node, batch);
    if (after->set_is_new)
        TRY(chain_put_set(
            batch,
            1 + epoch_of_height(block->header.height + 1, chain->epoch_blocks),
            &after->next));
    store_batch_put(batch, STORE_META, BYTES_LIT(META_TIP), key);
    return store_batch_error(batch);
}

/* ---- the genesis ---- */

static enum err genesis_state(const struct chain *chain, struct state *state)
{
    const struct genesis *genesis = &chain->genesis;
    for (uint32_t i = 0; i < genesis->params.count; i++)
        TRY(params_state_put(state, genesis->params.items[i].name,
                             genesis->params.items[i].value));
    TRY(params_state_put(state, PARAMS_SUPPLY,
                         chain->supply.micro)); /* lint: micro (encodes) */
    for (uint32_t i = 0; i < genesis->account_count; i++)
        TRY(account_credit(state, &genesis->accounts[i].key,
                           genesis->accounts[i].balance));
    return genesis_bonds(genesis, state);
}

static enum err genesis_block(const struct chain *chain,
                              struct candidate *candidate)
{
    struct header *header = &candidate->block.header;
    struct position before;
    memset(&before, 0, sizeof(before));
    header->chain = chain->genesis.chain;
    header->time_ms = chain->genesis.time_ms;
    header->params = chain->params_hash;
    validators_hash(&chain->genesis.validators, &header->next_set);
    TRY(genesis_state(chain, candidate->overlay));
    TRY(state_seal(candidate->overlay, chain->supply, &header->state_root));
    header_id(header, &candidate->block.id);
    block_encode(header, NULL, 0, NULL, 0, &candidate->bytes);
    TRY(candidate->bytes.err);
    return position_advance(chain, &before, header, &candidate->block.id,
                            candidate->overlay, &candidate->after);
}

static enum err genesis_batch(const struct chain *chain,
                              const struct candidate *candidate,
                              struct store_batch *batch)
{
    struct position before;
    struct buf bytes;
    memset(&before, 0, sizeof(before));
    buf_init(&bytes, GENESIS_BYTES_MAX);
    genesis_encode(&chain->genesis, &bytes);
    enum err err = bytes.err;
    if (err == OK)
        store_batch_put(batch, STORE_META, BYTES_LIT(META_GENESIS),
                        buf_bytes(&bytes));
    buf_done(&bytes);
    TRY(err);
    TRY(chain_put_set(batch, 1, &chain->genesis.validators));
    return chain_fill_batch(chain, &before, candidate, batch);
}

enum err chain_write_genesis(struct chain *chain)
{
    struct candidate candidate;
    struct store_batch *batch = store_batch_new(0);
    if (batch == NULL)
        return ERR_NOMEM;
    memset(&candidate, 0, sizeof(candidate));
    buf_init(&candidate.bytes, LIMIT_BLOCK_BYTES);
    enum err err = state_fork(chain->ground, &candidate.overlay);
    if (err == OK)
        err = genesis_block(chain, &candidate);
    if (err == OK)
        err = genesis_batch(chain, &candidate, batch);
    if (err == OK)
        err = store_commit(chain->store, batch);
    state_free(candidate.overlay);
    buf_done(&candidate.bytes);
    store_batch_free(batch);
    return err;
}

/* ---- reading back ---- */

/* What should be there and is not is damage. */
static enum err must_be(enum err err)
{
    return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
}

static enum err read_node(void *ctx, unsigned level, uint64_t index,
                          struct hash *out)
{
    uint8_t key[9];
    size_t len = 0;
    TRY(must_be(store_read(ctx, STORE_MMR, key_mmr(level, index, key), out->b,
                           HASH_LEN, &len)));
    return len == HASH_LEN ? OK : ERR_CORRUPT;
}

static enum err tip_height(struct chain *chain, uint64_t *out)
{
    uint8_t raw[8];
    size_t len = 0;
    TRY(must_be(store_read(chain->store, STORE_META, BYTES_LIT(META_TIP), raw,
                           sizeof(raw), &len)));
    if (len != sizeof(raw))
        return ERR_CORRUPT;
    *out = u64be_get(raw);
    return OK;
}

/* The view the certificate of a height decided it in. */
static enum err tip_view(struct chain *chain, const struct position *position,
                         struct arena *arena, uint64_t *out)
{
    struct cert cert;
    struct bytes bytes;
    TRY(must_be(chain_cert_at(chain, position->tip.height, arena, &bytes)));
    if (cert_decode(bytes, &cert) != OK || cert.kind != VOTE_FINALIZE ||
        !hash_equal(&cert.on.id, &position->tip.id))
        return ERR_CORRUPT;
    *out = cert.on.view;
    return OK;
}

static enum err load_position(struct chain *chain, struct arena *arena,
                              struct position *out)
{
    uint64_t height;
    memset(out, 0, sizeof(*out));
    TRY(tip_height(chain, &height));
    TRY(must_be(chain_header_at(chain, height, &out->tip.header)));
    if (out->tip.header.height != height)
        return ERR_CORRUPT;
    out->tip.height = height;
    header_id(&out->tip.header, &out->tip.id);
    if (height > 0)
        TRY(tip_view(chain, out, arena, &out->tip.view));
    TRY(mmr_load(&out->history, height + 1, read_node, chain->store));
    uint64_t epoch = epoch_of_height(height + 1, chain->epoch_blocks);
    TRY(must_be(chain_set_of(chain, epoch, &out->set)));
    TRY(must_be(chain_set_of(chain, epoch + 1, &out->next)));
    validators_hash(&out->next, &out->next_hash);
    return OK;
}

enum err chain_load_position(struct chain *chain, struct position *out)
{
    struct arena arena;
    arena_init(&arena, 4 * LIMIT_BLOCK_BYTES);
    enum err err = store_hold(chain->store);
    if (err == OK) {
        err = load_position(chain, &arena, out);
        store_release(chain->store);
    }
    arena_done(&arena);
    return err;
}

/* One step down: the block at this height is the one its child names. */
static enum err check_link(struct chain *chain, uint64_t height,
                           struct hash *id)
{
    struct header header;
    struct hash got;
    uint64_t indexed = 0;
    TRY(must_be(chain_header_at(chain, height, &header)));
    header_id(&header, &got);
    if (!hash_equal(&got, id) || header.height != height)
        return ERR_CORRUPT;
    TRY(must_be(chain_height_of(chain, id, &indexed)));
    if (indexed != height)
        return ERR_CORRUPT;
    *id = header.parent;
    return OK;
}

/* The sets are what headers commit to: with another one a chain would decide
 * alone what nobody else believes. Only the set after next, right after an
 * epoch's end, stands in no header yet. */
static enum err check_sets(struct chain *chain)
{
    const struct position *at = &chain->tip;
    uint64_t epoch = epoch_of_height(at->tip.height + 1, chain->epoch_blocks);
    struct hash told = at->tip.header.next_set;
    struct hash set;
    validators_hash(&at->set, &set);
    if (at->tip.height > 0 && at->tip.header.epoch < epoch)
        return hash_equal(&set, &told) ? OK : ERR_CORRUPT;
    if (at->tip.height > 0 && !hash_equal(&at->next_hash, &told))
        return ERR_CORRUPT;
    if (epoch > 1) {
        struct header root;
        TRY(must_be(
            chain_header_at(chain, (epoch - 1) * chain->epoch_blocks, &root)));
        told = root.next_set;
    } else {
        validators_hash(&chain->genesis.validators, &told);
    }
    return hash_equal(&set, &told) ? OK : ERR_CORRUPT;
}

static enum err check_links(struct chain *chain)
{
    const struct chain_tip *tip = &chain->tip.tip;
    struct hash id = tip->id;
    struct hash root;
    struct mmr earlier;
    uint64_t low =
        tip->height > LINKS_CHECKED ? tip->height - LINKS_CHECKED : 0;
    if (low < chain->base)
        low = chain->base;
    for (uint64_t height = tip->height + 1; height-- > low;)
        TRY(check_link(chain, height, &id));
    TRY(check_sets(chain));
    TRY(mmr_load(&earlier, tip->height, read_node, chain->store));
    mmr_root(&earlier, &root);
    if (!hash_equal(&root, &tip->header.history_root))
        return ERR_CORRUPT;
    TRY(state_root(chain->ground, &root));
    return hash_equal(&root, &tip->header.state_root) ? OK : ERR_CORRUPT;
}

enum err chain_check_links(struct chain *chain)
{
    if (chain->syncing)
        return OK; /* the genesis by name, nobody's state */
    TRY(store_hold(chain->store));
    enum err err = check_links(chain);
    store_release(chain->store);
    return err;
}
