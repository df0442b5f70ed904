#include "ledger/block.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

enum { ITEM_EVIDENCE = 1, ITEM_TX = 2 };

void header_encode(const struct header *h, uint8_t out[HEADER_BYTES])
{
    const struct hash *roots[] = {&h->tx_root,    &h->receipt_root,
                                  &h->state_root, &h->history_root,
                                  &h->next_set,   &h->params};
    uint8_t *at = out;
    at[0] = HEADER_VERSION & 0xff;
    at[1] = HEADER_VERSION >> 8;
    memcpy(at + 2, h->chain.b, 32);
    u64le_put(at + 34, h->epoch);
    u64le_put(at + 42, h->height);
    u64le_put(at + 50, h->time_ms);
    memcpy(at + 58, h->parent.b, 32);
    memcpy(at + 90, h->proposer.b, 32);
    at += 122;
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++, at += 32)
        memcpy(at, roots[i]->b, 32);
    CHECK(at == out + HEADER_BYTES);
}

void header_decode(struct cursor *cursor, struct header *out)
{
    memset(out, 0, sizeof(*out));
    uint16_t version = cursor_u16le(cursor);
    if (cursor->err == OK && version != HEADER_VERSION)
        cursor->err = ERR_VERSION;
    cursor_copy(cursor, out->chain.b, 32);
    out->epoch = cursor_u64le(cursor);
    out->height = cursor_u64le(cursor);
    out->time_ms = cursor_u64le(cursor);
    cursor_copy(cursor, out->parent.b, 32);
    cursor_copy(cursor, out->proposer.b, 32);
    cursor_copy(cursor, out->tx_root.b, 32);
    cursor_copy(cursor, out->receipt_root.b, 32);
    cursor_copy(cursor, out->state_root.b, 32);
    cursor_copy(cursor, out->history_root.b, 32);
    cursor_copy(cursor, out->next_set.b, 32);
    cursor_copy(cursor, out->params.b, 32);
}

void header_id(const struct header *header, struct hash *out)
{
    uint8_t raw[HEADER_BYTES];
    header_encode(header, raw);
    hash_bytes(HASH_TAG_HEADER, BYTES_OF(raw), out);
}

uint64_t epoch_of_height(uint64_t height, uint64_t epoch_blocks)
{
    CHECK(epoch_blocks > 0);
    return height == 0 ? 0 : 1 + (height - 1) / epoch_blocks;
}

static void item_of(uint8_t kind, const struct hash *what, struct hash *out)
{
    uint8_t raw[1 + HASH_LEN];
    raw[0] = kind;
    memcpy(raw + 1, what->b, HASH_LEN);
    hash_bytes(HASH_TAG_MERKLE, BYTES_OF(raw), out);
}

void block_tx_item(const struct hash *tx_id, struct hash *out)
{
    item_of(ITEM_TX, tx_id, out);
}

void block_items(const struct block *block, struct hash *out)
{
    CHECK(block->evidence_count <= EVIDENCE_BLOCK_MAX);
    for (uint32_t i = 0; i < block->evidence_count; i++) {
        struct hash hash;
        evidence_hash(&block->evidence[i], &hash);
        item_of(ITEM_EVIDENCE, &hash, out++);
    }
    for (uint32_t i = 0; i < block->tx_count; i++)
        block_tx_item(&block->txs[i].id, out++);
}

enum err block_tx_root(const struct block *block, struct hash *out)
{
    size_t count = (size_t)block->evidence_count + block->tx_count;
    struct hash *items = malloc((count + 1) * sizeof(*items));
    if (items == NULL)
        return ERR_NOMEM;
    block_items(block, items);
    merkle_root(items, count, out);
    free(items);
    return OK;
}

void block_encode(const struct header *header, const struct evidence *evidence,
                  uint32_t evidence_count, const struct bytes *tx_bytes,
                  uint32_t tx_count, struct buf *out)
{
    uint8_t raw[HEADER_BYTES];
    CHECK(evidence_count <= EVIDENCE_BLOCK_MAX);
    header_encode(header, raw);
    buf_add(out, BYTES_OF(raw));
    buf_add_u16le(out, (uint16_t)evidence_count);
    for (uint32_t i = 0; i < evidence_count; i++)
        evidence_encode(&evidence[i], out);
    buf_add_u32le(out, tx_count);
    for (uint32_t i = 0; i < tx_count; i++) {
        CHECK(tx_bytes[i].len <= LIMIT_TX_BYTES);
        buf_add_u32le(out, (uint32_t)tx_bytes[i].len);
        buf_add(out, tx_bytes[i]);
    }
}

static enum err decode_evidence(struct cursor *cursor, struct block *out)
{
    struct bytes last = {NULL, 0};
    uint16_t count = cursor_u16le(cursor);
    if (cursor->err == OK && count > EVIDENCE_BLOCK_MAX)
        return ERR_RANGE;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes bytes = cursor_take(cursor, EVIDENCE_BYTES);
        TRY(cursor->err);
        TRY(evidence_decode(bytes, &out->evidence[i]));
        if (i > 0 && bytes_compare(last, bytes) >= 0)
            return ERR_NOT_CANONICAL;
        last = bytes;
    }
    out->evidence_count = count;
    return cursor->err;
}

static enum err decode_txs(struct cursor *cursor, const struct hash *ids,
                           struct arena *arena, struct block *out)
{
    uint32_t count = out->tx_count;
    out->txs = arena_calloc(arena, count, sizeof(*out->txs));
    out->tx_bytes = arena_calloc(arena, count, sizeof(*out->tx_bytes));
    if (out->txs == NULL || out->tx_bytes == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t len = cursor_u32le(cursor);
        if (cursor->err == OK && len > LIMIT_TX_BYTES)
            return ERR_TOO_LARGE;
        out->tx_bytes[i] = cursor_take(cursor, len);
        if (cursor->err != OK)
            return cursor->err;
        TRY(ids != NULL ? tx_decode_known(out->tx_bytes[i], &ids[i], arena,
                                          &out->txs[i])
                        : tx_decode(out->tx_bytes[i], arena, &out->txs[i]));
    }
    return cursor_finish(cursor);
}

enum err block_decode_known(struct bytes bytes, const struct hash *ids,
                            struct arena *arena, struct block *out)
{
    struct cursor cursor;
    struct block block;
    struct hash root;
    memset(&block, 0, sizeof(block));
    if (bytes.len > LIMIT_BLOCK_BYTES)
        return ERR_TOO_LARGE;
    cursor_init(&cursor, bytes);
    header_decode(&cursor, &block.header);
    if (cursor.err == OK)
        TRY(decode_evidence(&cursor, &block));
    block.tx_count = cursor_u32le(&cursor);
    if (cursor.err != OK)
        return cursor.err;
    /* Each transaction has a length of four bytes: no count can ask for more
     * memory than the bytes it came with are worth. */
    if (block.tx_count > LIMIT_BLOCK_TXS ||
        block.tx_count > cursor.rest.len / 4)
        return ERR_RANGE;
    TRY(decode_txs(&cursor, ids, arena, &block));
    TRY(block_tx_root(&block, &root));
    if (!hash_equal(&root, &block.header.tx_root))
        return ERR_ROOT;
    header_id(&block.header, &block.id);
    *out = block;
    return OK;
}

enum err block_decode(struct bytes bytes, struct arena *arena,
                      struct block *out)
{
    return block_decode_known(bytes, NULL, arena, out);
}

enum err block_slices(struct bytes bytes, struct bytes out[LIMIT_BLOCK_TXS],
                      uint32_t *out_count)
{
    struct cursor cursor;
    cursor_init(&cursor, bytes);
    cursor_take(&cursor, HEADER_BYTES);
    cursor_take(&cursor, (size_t)cursor_u16le(&cursor) * EVIDENCE_BYTES);
    uint32_t count = cursor_u32le(&cursor);
    if (cursor.err == OK && count > LIMIT_BLOCK_TXS)
        return ERR_RANGE;
    for (uint32_t i = 0; i < count && cursor.err == OK; i++) {
        uint32_t len = cursor_u32le(&cursor);
        if (cursor.err == OK && len > LIMIT_TX_BYTES)
            return ERR_TOO_LARGE;
        out[i] = cursor_take(&cursor, len);
    }
    TRY(cursor_finish(&cursor));
    *out_count = count;
    return OK;
}

enum err block_check_root(struct bytes bytes, const struct hash *ids,
                          uint32_t count)
{
    struct cursor cursor;
    struct block block;
    struct hash root;
    block.evidence_count = 0;
    block.tx_count = 0;
    cursor_init(&cursor, bytes);
    header_decode(&cursor, &block.header);
    TRY(cursor.err);
    TRY(decode_evidence(&cursor, &block));
    size_t all = (size_t)block.evidence_count + count;
    struct hash *items = malloc((all + 1) * sizeof(*items));
    if (items == NULL)
        return ERR_NOMEM;
    block_items(&block, items);
    for (uint32_t i = 0; i < count; i++)
        block_tx_item(&ids[i], &items[block.evidence_count + i]);
    merkle_root(items, all, &root);
    free(items);
    return hash_equal(&root, &block.header.tx_root) ? OK : ERR_ROOT;
}

enum err block_verify_sigs(const struct block *block, const struct hash *chain)
{
    for (uint32_t i = 0; i < block->tx_count; i++)
        TRY(tx_verify(&block->txs[i], chain));
    return OK;
}
