/* Writing proofs; proof.c reads them, from the format alone. */

#include "ledger/chain_room.h"

#include "base/check.h"
#include "ledger/proof.h"

#include <stdlib.h>

/* 'S' or 'T', the header of a height and its certificate. */
static enum err put_anchor(struct chain *chain, char kind, uint64_t height,
                           struct arena *arena, struct buf *out)
{
    uint8_t raw[HEADER_BYTES];
    struct header header;
    struct bytes cert;
    TRY(chain_header_at(chain, height, &header));
    TRY(chain_cert_at(chain, height, arena, &cert));
    header_encode(&header, raw);
    buf_add_u8(out, (uint8_t)kind);
    buf_add_u8(out, PROOF_VERSION);
    buf_add(out, BYTES_OF(raw));
    buf_add_u32le(out, (uint32_t)cert.len);
    buf_add(out, cert);
    return OK;
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

static enum err prove_tx(struct chain *chain, const struct hash *id,
                         struct arena *arena, struct buf *out)
{
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
    TRY(put_anchor(chain, 'T', place.height, arena, out));
    buf_add_u32le(out, (uint32_t)block.tx_bytes[place.position].len);
    buf_add(out, block.tx_bytes[place.position]);
    result_encode(&results[place.position], out);
    return put_paths(&block, results, place.position, out);
}

enum err chain_prove_tx(struct chain *chain, const struct hash *id,
                        struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 64u * 1024 * 1024);
    enum err err = store_hold(chain->store);
    if (err == OK) {
        err = prove_tx(chain, id, &arena, out);
        store_release(chain->store);
    }
    arena_done(&arena);
    return err;
}
