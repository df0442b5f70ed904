/* Questions about what is on the disk. */

#include "ledger/chain/chain_room.h"

#include "base/check.h"

#include <string.h>

enum err chain_block_at(struct chain *chain, uint64_t height,
                        struct arena *arena, struct bytes *out)
{
    uint8_t key[8];
    return store_get(chain->store, STORE_BLOCK, key_height(height, key), arena,
                     out);
}

enum err chain_cert_at(struct chain *chain, uint64_t height,
                       struct arena *arena, struct bytes *out)
{
    uint8_t key[8];
    return store_get(chain->store, STORE_CERT, key_height(height, key), arena,
                     out);
}

enum err chain_cert_after(struct chain *chain, uint64_t height,
                          struct arena *arena, uint64_t *out_height,
                          struct bytes *out)
{
    if (chain->base > 0 && height <= chain->base)
        return ERR_NOT_FOUND;
    for (uint64_t h = height; h < height + CHAIN_RUN_MAX; h++) {
        enum err err = chain_cert_at(chain, h, arena, out);
        if (err == OK)
            *out_height = h;
        if (err != ERR_NOT_FOUND)
            return err;
    }
    return ERR_CORRUPT;
}

struct header_read {
    struct header header;
    struct bytes key;
    enum err err;
};

/* Decodes in place: a header is wanted, not its half megabyte of block. */
static enum err read_header(void *ctx, struct bytes key, struct bytes value)
{
    struct header_read *read = ctx;
    struct cursor cursor;
    if (!bytes_equal(key, read->key))
        return OK;
    cursor_init(&cursor, value);
    header_decode(&cursor, &read->header);
    read->err = cursor.err == OK ? OK : ERR_CORRUPT;
    return OK;
}

static enum err scan_header(struct chain *chain, enum store_table table,
                            struct header_read *read)
{
    struct store_range range = {.table = table, .prefix = read->key};
    return store_each(chain->store, &range, read_header, read);
}

enum err chain_header_at(struct chain *chain, uint64_t height,
                         struct header *out)
{
    uint8_t raw[8];
    struct header_read read = {.err = ERR_NOT_FOUND};
    read.key = key_height(height, raw);
    TRY(scan_header(chain, STORE_BLOCK, &read));
    if (read.err == ERR_NOT_FOUND)
        TRY(scan_header(chain, STORE_HEADER, &read));
    TRY(read.err);
    *out = read.header;
    return OK;
}

enum err chain_height_of(struct chain *chain, const struct hash *id,
                         uint64_t *out)
{
    uint8_t raw[8];
    size_t len = 0;
    TRY(store_read(chain->store, STORE_BLOCK_ID, hash_as_bytes(id), raw,
                   sizeof(raw), &len));
    if (len != sizeof(raw))
        return ERR_CORRUPT;
    *out = u64be_get(raw);
    return OK;
}

enum err chain_set_of(struct chain *chain, uint64_t epoch,
                      struct validators *out)
{
    uint8_t key[8];
    uint8_t raw[VALIDATORS_BYTES_MAX];
    size_t len = 0;
    TRY(store_read(chain->store, STORE_SET, key_height(epoch, key), raw,
                   sizeof(raw), &len));
    return validators_decode(bytes_make(raw, len), out) == OK ? OK
                                                              : ERR_CORRUPT;
}

enum err chain_results_at(struct chain *chain, uint64_t height,
                          struct arena *arena, struct result **out,
                          uint32_t *out_count)
{
    uint8_t key[8];
    struct bytes bytes;
    struct cursor cursor;
    uint32_t count = 0;
    TRY(store_get(chain->store, STORE_RESULT, key_height(height, key), arena,
                  &bytes));
    size_t max = bytes.len / (RESULT_BYTES_MAX - 96) + 1;
    struct result *results = arena_calloc(arena, max, sizeof(*results));
    if (results == NULL)
        return ERR_NOMEM;
    cursor_init(&cursor, bytes);
    while (cursor.rest.len > 0 && cursor.err == OK) {
        CHECK(count < max);
        result_decode(&cursor, &results[count++]);
    }
    if (cursor.err != OK)
        return ERR_CORRUPT;
    *out = results;
    *out_count = count;
    return OK;
}

/* ---- transactions ---- */

enum err chain_find_tx(struct chain *chain, const struct hash *id,
                       struct tx_place *out)
{
    uint8_t raw[12];
    size_t len = 0;
    TRY(store_read(chain->store, STORE_TX, hash_as_bytes(id), raw, sizeof(raw),
                   &len));
    if (len != sizeof(raw))
        return ERR_CORRUPT;
    *out = (struct tx_place){u64be_get(raw), u32be_get(raw + 8)};
    return OK;
}

/* Walks over the block's evidence and the length fields to the transaction,
 * without decoding the ones before it. */
static enum err cut_tx(struct bytes block, uint32_t position, struct bytes *out)
{
    struct cursor cursor;
    cursor_init(&cursor, block);
    cursor_take(&cursor, HEADER_BYTES);
    cursor_take(&cursor, (size_t)cursor_u16le(&cursor) * EVIDENCE_BYTES);
    uint32_t count = cursor_u32le(&cursor);
    if (position >= count)
        return ERR_NOT_FOUND;
    for (uint32_t i = 0; i < position; i++)
        cursor_take(&cursor, cursor_u32le(&cursor));
    *out = cursor_take(&cursor, cursor_u32le(&cursor));
    return cursor.err == OK ? OK : ERR_CORRUPT;
}

enum err chain_tx_at(struct chain *chain, struct tx_place place,
                     struct arena *arena, struct bytes *out_bytes,
                     struct result *out_result)
{
    struct bytes block;
    struct bytes bytes;
    struct result *results;
    uint32_t count = 0;
    TRY(chain_block_at(chain, place.height, arena, &block));
    TRY(cut_tx(block, place.position, &bytes));
    TRY(chain_results_at(chain, place.height, arena, &results, &count));
    if (place.position >= count)
        return ERR_CORRUPT;
    *out_bytes = bytes;
    *out_result = results[place.position];
    return OK;
}

/* ---- histories ---- */

struct refs {
    struct tx_ref *out;
    size_t max;
    size_t count;
};

/* Any non-OK value stops a scan; this one is ours and goes no further. */
#define STOP ERR_EXISTS

static enum err take_ref(void *ctx, struct bytes key, struct bytes value)
{
    struct refs *refs = ctx;
    if (refs->count == refs->max)
        return STOP;
    if (key.len != 44 || value.len != HASH_LEN)
        return ERR_CORRUPT;
    struct tx_ref *ref = &refs->out[refs->count++];
    ref->place =
        (struct tx_place){u64be_get(key.ptr + 32), u32be_get(key.ptr + 40)};
    memcpy(ref->id.b, value.ptr, HASH_LEN);
    return OK;
}

static enum err list_refs(struct chain *chain, enum store_table table,
                          struct bytes owner, struct tx_place before,
                          struct refs *refs)
{
    uint8_t from[44];
    struct store_range range = {.table = table, .prefix = owner, .down = true};
    if (before.height > 0) {
        if (before.position > 0)
            before.position--;
        else
            before = (struct tx_place){before.height - 1, UINT32_MAX};
        range.from = key_place(owner, before, from);
    }
    enum err err = store_each(chain->store, &range, take_ref, refs);
    return err == STOP ? OK : err;
}

enum err chain_account_txs(struct chain *chain, const struct pubkey *account,
                           struct tx_place before, struct tx_ref *out,
                           size_t max, size_t *out_count)
{
    struct refs refs = {.out = out, .max = max};
    TRY(list_refs(chain, STORE_ACCOUNT_TX, BYTES_OF(account->b), before,
                  &refs));
    *out_count = refs.count;
    return OK;
}

enum err chain_subject_txs(struct chain *chain, const struct hash *subject,
                           struct tx_place before, struct tx_ref *out,
                           size_t max, size_t *out_count)
{
    struct refs refs = {.out = out, .max = max};
    TRY(list_refs(chain, STORE_SUBJECT_TX, hash_as_bytes(subject), before,
                  &refs));
    *out_count = refs.count;
    return OK;
}
