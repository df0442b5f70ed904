/* Writing proofs; proof.c reads them, from the format alone. */

#include "ledger/chain/chain_room.h"

#include "base/check.h"
#include "ledger/light.h"

#include <stdlib.h>

static enum err put_certified(struct chain *chain, uint64_t height,
                              struct arena *arena, struct buf *out)
{
    uint8_t raw[HEADER_BYTES];
    struct header header;
    struct bytes cert;
    TRY(chain_header_at(chain, height, &header));
    TRY(chain_cert_at(chain, height, arena, &cert));
    header_encode(&header, raw);
    buf_add(out, BYTES_OF(raw));
    buf_add_u32le(out, (uint32_t)cert.len);
    buf_add(out, cert);
    return out->err;
}

/* 'S' or 'T', the header of a height and its certificate. */
static enum err put_anchor(struct chain *chain, char kind, uint64_t height,
                           struct arena *arena, struct buf *out)
{
    buf_add_u8(out, (uint8_t)kind);
    buf_add_u8(out, PROOF_VERSION);
    return put_certified(chain, height, arena, out);
}

/* The moment's own tip: the store may be ahead of what the core was told. */
static enum err held_tip(struct chain *chain, uint64_t *out)
{
    uint8_t raw[8];
    size_t len = 0;
    TRY(store_read(chain->store, STORE_META, BYTES_LIT(META_TIP), raw,
                   sizeof(raw), &len));
    if (len != sizeof(raw))
        return ERR_CORRUPT;
    *out = u64be_get(raw);
    return OK;
}

static enum err prove_state(struct chain *chain, enum state_table table,
                            struct bytes key, struct arena *arena,
                            struct buf *out)
{
    struct smt_pages pages = state_pages(chain->ground);
    struct hash path;
    struct bytes value;
    uint64_t height = 0;
    TRY(held_tip(chain, &height));
    TRY(put_anchor(chain, 'S', height, arena, out));
    buf_add_u8(out, (uint8_t)table);
    buf_add_u16le(out, (uint16_t)key.len);
    buf_add(out, key);
    enum err err = state_get(chain->ground, table, key, arena, &value);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    buf_add_u8(out, err == OK);
    if (err == OK) {
        buf_add_u16le(out, (uint16_t)value.len);
        buf_add(out, value);
    }
    state_path(chain->ground, table, key, &path);
    return smt_prove(&pages, &path, out);
}

static enum err prove_held(struct chain *chain, enum state_table table,
                           struct bytes key, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    enum err err = prove_state(chain, table, key, &arena, out);
    arena_done(&arena);
    return err;
}

enum err chain_prove(struct chain *chain, enum state_table table,
                     struct bytes key, struct buf *out)
{
    if (key.len >= STORE_KEY_MAX)
        return ERR_TOO_LARGE;
    TRY(store_hold(chain->store));
    enum err err = prove_held(chain, table, key, out);
    store_release(chain->store);
    return err;
}

/* ---- transactions ---- */

/* Both trees of the block, proven at one position. */
static enum err put_paths(const struct block *block,
                          const struct result *results, uint32_t position,
                          struct buf *out)
{
    struct merkle_proof proof;
    uint32_t before = block->evidence_count;
    uint32_t count = before + block->tx_count;
    struct hash *items = malloc(count * sizeof(*items));
    if (items == NULL)
        return ERR_NOMEM;
    block_items(block, items);
    merkle_prove(items, count, before + position, &proof);
    merkle_encode(&proof, out);
    for (uint32_t i = 0; i < block->tx_count; i++)
        result_hash(&results[i], &items[i]);
    merkle_prove(items, block->tx_count, position, &proof);
    merkle_encode(&proof, out);
    free(items);
    return out->err;
}

static enum err read_node(void *ctx, unsigned level, uint64_t index,
                          struct hash *out)
{
    uint8_t key[9];
    size_t len = 0;
    TRY(store_read(ctx, STORE_MMR, key_mmr(level, index, key), out->b, HASH_LEN,
                   &len));
    return len == HASH_LEN ? OK : ERR_CORRUPT;
}

/* The header of `height`, and that the history of the certified one has it. */
static enum err put_older(struct chain *chain, uint64_t height,
                          uint64_t certified, struct buf *out)
{
    uint8_t raw[HEADER_BYTES];
    struct header header;
    struct buf path;
    if (height == certified) {
        buf_add_u16le(out, 0);
        return out->err;
    }
    TRY(chain_header_at(chain, height, &header));
    header_encode(&header, raw);
    buf_init(&path, MMR_PROOF_BYTES_MAX);
    enum err err = mmr_prove(height, certified, read_node, chain->store, &path);
    if (err == OK) {
        buf_add_u16le(out, (uint16_t)path.len);
        buf_add(out, BYTES_OF(raw));
        buf_add(out, buf_bytes(&path));
        err = out->err;
    }
    buf_done(&path);
    return err;
}

/* The certified block that vouches for `height`, from `from` on. */
static enum err find_anchor(struct chain *chain, uint64_t height, uint64_t from,
                            struct arena *arena, uint64_t *out)
{
    struct bytes cert;
    uint64_t tip = 0;
    uint64_t at = height > from ? height : from;
    TRY(held_tip(chain, &tip));
    if (at > tip)
        return ERR_TOO_EARLY;
    return chain_cert_after(chain, at, arena, out, &cert);
}

static enum err prove_tx(struct chain *chain, const struct hash *id,
                         uint64_t from, struct arena *arena, struct buf *out)
{
    uint64_t certified = 0;
    struct tx_place place;
    struct bytes bytes;
    struct block block;
    struct result *results;
    uint32_t count = 0;
    TRY(chain_find_tx(chain, id, &place));
    TRY(chain_block_at(chain, place.height, arena, &bytes));
    TRY(chain_results_at(chain, place.height, arena, &results, &count));
    if (block_decode(bytes, arena, &block) != OK || count != block.tx_count ||
        place.position >= count)
        return ERR_CORRUPT;
    TRY(find_anchor(chain, place.height, from, arena, &certified));
    TRY(put_anchor(chain, 'T', certified, arena, out));
    TRY(put_older(chain, place.height, certified, out));
    buf_add_u32le(out, (uint32_t)block.tx_bytes[place.position].len);
    buf_add(out, block.tx_bytes[place.position]);
    result_encode(&results[place.position], out);
    return put_paths(&block, results, place.position, out);
}

enum err chain_prove_tx(struct chain *chain, const struct hash *id,
                        uint64_t from, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 64u * 1024 * 1024);
    enum err err = store_hold(chain->store);
    if (err == OK) {
        err = prove_tx(chain, id, from, &arena, out);
        store_release(chain->store);
    }
    arena_done(&arena);
    return err;
}

/* ---- the way there ---- */

static void put_set(struct buf *out, const struct validators *set)
{
    struct buf bytes;
    buf_init(&bytes, VALIDATORS_BYTES_MAX);
    validators_encode(set, &bytes);
    if (bytes.err != OK)
        out->err = bytes.err;
    buf_add_u16le(out, (uint16_t)bytes.len);
    buf_add(out, buf_bytes(&bytes));
    buf_done(&bytes);
}

static void put_genesis(const struct chain *chain, struct buf *out)
{
    struct buf bytes;
    buf_init(&bytes, GENESIS_BYTES_MAX);
    genesis_encode(&chain->genesis, &bytes);
    if (bytes.err != OK)
        out->err = bytes.err;
    buf_add_u32le(out, (uint32_t)bytes.len);
    buf_add(out, buf_bytes(&bytes));
    buf_done(&bytes);
}

static enum err put_trusted(struct chain *chain, const struct hash *trusted,
                            struct buf *out, uint64_t *out_epoch)
{
    uint8_t raw[HEADER_BYTES];
    struct header header;
    struct header tip;
    struct validators set;
    uint64_t height = 0;
    uint64_t top = 0;
    TRY(chain_height_of(chain, trusted, &height));
    TRY(chain_header_at(chain, height, &header));
    TRY(held_tip(chain, &top));
    TRY(chain_header_at(chain, top, &tip));
    if (tip.epoch <= header.epoch)
        return ERR_TOO_EARLY;
    TRY(chain_set_of(chain, header.epoch + 1, &set));
    header_encode(&header, raw);
    buf_add(out, BYTES_OF(raw));
    put_set(out, &set);
    *out_epoch = header.epoch + 1;
    return out->err;
}

enum err chain_prove_start(struct chain *chain, const struct hash *trusted,
                           struct buf *out, uint64_t *out_epoch)
{
    enum err err;
    buf_add(out, BYTES_LIT(LIGHT_MAGIC));
    buf_add_u8(out, LIGHT_VERSION);
    buf_add_u8(out, trusted == NULL ? LIGHT_GENESIS : LIGHT_BLOCK);
    if (trusted == NULL) {
        put_genesis(chain, out);
        *out_epoch = 2;
        return out->err;
    }
    TRY(store_hold(chain->store));
    err = put_trusted(chain, trusted, out, out_epoch);
    store_release(chain->store);
    return err;
}

static enum err put_step(struct chain *chain, uint64_t epoch,
                         struct arena *arena, struct buf *out)
{
    struct validators set;
    struct validators next;
    struct hash hash;
    struct hash next_hash;
    if (epoch == 0 || epoch > UINT64_MAX / chain->epoch_blocks)
        return ERR_NOT_FOUND;
    TRY(chain_set_of(chain, epoch, &set));
    TRY(chain_set_of(chain, epoch + 1, &next));
    buf_add_u8(out, 'E');
    TRY(put_certified(chain, epoch * chain->epoch_blocks, arena, out));
    validators_hash(&set, &hash);
    validators_hash(&next, &next_hash);
    if (hash_equal(&hash, &next_hash))
        buf_add_u16le(out, 0);
    else
        put_set(out, &next);
    return out->err;
}

enum err chain_prove_step(struct chain *chain, uint64_t epoch, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    enum err err = store_hold(chain->store);
    if (err == OK) {
        err = put_step(chain, epoch, &arena, out);
        store_release(chain->store);
    }
    arena_done(&arena);
    return err;
}
