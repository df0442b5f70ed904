#include "ledger/disk/store_backend.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES_MAX (256u * 1024 * 1024)

enum { OP_PUT, OP_DELETE, OP_CLEAR };

struct store_batch {
    uint64_t height;
    bool keeps_old;
    bool clears;
    struct buf ops; /* what u8 | table u8 | key_len u16 | value_len u32
                       | key | value, one after the other */
};

/* ---- reading ---- */

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    CHECK(store->held == 0);
    store->ops->close(store);
}

enum err store_reader(struct store *store, struct store **out)
{
    CHECK(store->ops->reader != NULL);
    return store->ops->reader(store, out);
}

enum err store_hold(struct store *store)
{
    if (store->held == 0)
        TRY(store->ops->hold(store));
    store->held++;
    return OK;
}

void store_release(struct store *store)
{
    CHECK(store->held > 0);
    if (--store->held == 0)
        store->ops->release(store);
}

enum err store_get(struct store *store, enum store_table table,
                   struct bytes key, struct arena *arena,
                   struct bytes *out_value)
{
    struct bytes value;
    TRY(store_hold(store));
    enum err err = store->ops->peek(store, table, key, &value);
    if (err == OK)
        err = arena_copy(arena, value, out_value);
    store_release(store);
    return err;
}

enum err store_read(struct store *store, enum store_table table,
                    struct bytes key, void *out, size_t cap, size_t *out_len)
{
    struct bytes value;
    TRY(store_hold(store));
    enum err err = store->ops->peek(store, table, key, &value);
    if (err == OK && value.len > cap)
        err = ERR_CORRUPT;
    if (err == OK) {
        if (value.len > 0)
            memcpy(out, value.ptr, value.len);
        *out_len = value.len;
    }
    store_release(store);
    return err;
}

enum err store_each(struct store *store, const struct store_range *range,
                    store_each_fn fn, void *ctx)
{
    CHECK(range->from.len == 0 || store_range_has(range, range->from));
    TRY(store_hold(store));
    enum err err = store->ops->each(store, range, fn, ctx);
    store_release(store);
    return err;
}

struct bytes store_range_from(const struct store_range *range)
{
    return range->from.len > 0 ? range->from : range->prefix;
}

bool store_range_has(const struct store_range *range, struct bytes key)
{
    size_t len = range->prefix.len;
    return key.len >= len &&
           bytes_equal(bytes_make(key.ptr, len), range->prefix);
}

/* ---- batches ---- */

struct store_batch *store_batch_new(uint64_t height)
{
    struct store_batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL)
        return NULL;
    batch->height = height;
    buf_init(&batch->ops, BATCH_BYTES_MAX);
    return batch;
}

void store_batch_free(struct store_batch *batch)
{
    if (batch == NULL)
        return;
    buf_done(&batch->ops);
    free(batch);
}

uint64_t store_batch_height(const struct store_batch *batch)
{
    return batch->height;
}

size_t store_batch_bytes(const struct store_batch *batch)
{
    return batch->ops.len;
}

enum err store_batch_error(const struct store_batch *batch)
{
    return batch->ops.err;
}

static void add_op(struct store_batch *batch, uint8_t what,
                   enum store_table table, struct bytes key, struct bytes value)
{
    CHECK((key.len > 0) == (what != OP_CLEAR) && key.len <= STORE_KEY_MAX);
    CHECK(value.len < BATCH_BYTES_MAX);
    buf_add_u8(&batch->ops, what);
    buf_add_u8(&batch->ops, (uint8_t)table);
    buf_add_u16le(&batch->ops, (uint16_t)key.len);
    buf_add_u32le(&batch->ops, (uint32_t)value.len);
    buf_add(&batch->ops, key);
    buf_add(&batch->ops, value);
}

void store_batch_put(struct store_batch *batch, enum store_table table,
                     struct bytes key, struct bytes value)
{
    add_op(batch, OP_PUT, table, key, value);
}

void store_batch_delete(struct store_batch *batch, enum store_table table,
                        struct bytes key)
{
    add_op(batch, OP_DELETE, table, key, bytes_make(NULL, 0));
}

void store_batch_clear(struct store_batch *batch, enum store_table table)
{
    batch->clears = true;
    add_op(batch, OP_CLEAR, table, bytes_make(NULL, 0), bytes_make(NULL, 0));
}

bool store_batch_clears(const struct store_batch *batch)
{
    return batch->clears;
}

void store_batch_keep_old(struct store_batch *batch)
{
    batch->keeps_old = true;
}

struct bytes store_undo_key(enum store_table table, struct bytes key,
                            uint8_t out[STORE_KEY_MAX])
{
    CHECK(key.len < STORE_KEY_MAX);
    out[0] = (uint8_t)table;
    memcpy(out + 1, key.ptr, key.len);
    return bytes_make(out, key.len + 1);
}

bool store_batch_next(const struct store_batch *batch, size_t *at,
                      struct store_op *out)
{
    struct cursor cursor;
    struct bytes all = buf_bytes(&batch->ops);
    if (*at == all.len)
        return false;
    cursor_init(&cursor, bytes_make(all.ptr + *at, all.len - *at));
    uint8_t what = cursor_u8(&cursor);
    out->is_delete = what == OP_DELETE;
    out->is_clear = what == OP_CLEAR;
    out->table = (enum store_table)cursor_u8(&cursor);
    out->keeps_old = batch->keeps_old &&
                     (out->table == STORE_STATE || out->table == STORE_PAGE ||
                      out->table == STORE_PATH);
    size_t key_len = cursor_u16le(&cursor);
    size_t value_len = cursor_u32le(&cursor);
    out->key = cursor_take(&cursor, key_len);
    out->value = cursor_take(&cursor, value_len);
    CHECK(cursor.err == OK);
    CHECK((unsigned)out->table < STORE_TABLES);
    *at = all.len - cursor.rest.len;
    return true;
}

enum err store_commit(struct store *store, const struct store_batch *batch)
{
    TRY(batch->ops.err);
    return store->ops->commit(store, batch);
}

/* ---- care ---- */

enum err store_stat(struct store *store, struct store_stat *out)
{
    return store->ops->stat(store, out);
}

void store_check_readers(struct store *store)
{
    store->ops->check_readers(store);
}
