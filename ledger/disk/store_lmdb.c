/* The store on disk: what is read and written. store_lmdb_open.c opens it. */

#include "ledger/disk/store_lmdb.h"

#include "base/check.h"
#include "ledger/disk/lmdb_error.h"
#include "ledger/disk/lmdb_val.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct store_lmdb *lmdb_of(struct store *store)
{
    return (struct store_lmdb *)(void *)store;
}

/* ---- reading ---- */

/* LMDB has two meta pages, which the commits use in turn. A reader picks one by
 * the number N of the last commit, then copies it; when commits N+1 and N+2
 * come between the two, it has copied N+2, which may not be on the disk yet,
 * under the number N, and the next reader may see N+1: time would run
 * backwards. N+2 begins after N+1 was noted, so a number below the noted one
 * tells; of another process's commits only the meta pages themselves do. */
static bool was_overtaken(const struct store_lmdb *db)
{
    MDB_envinfo info;
    size_t held = mdb_txn_id(db->reader);
    mdb_env_info(db->env, &info);
    return held < atomic_load(db->stored) || info.me_last_txnid > held + 1;
}

static enum err lmdb_hold(struct store *store)
{
    struct store_lmdb *db = lmdb_of(store);
    TRY(lmdb_error(mdb_txn_renew(db->reader)));
    while (was_overtaken(db)) {
        mdb_txn_reset(db->reader);
        TRY(lmdb_error(mdb_txn_renew(db->reader)));
    }
    return OK;
}

static void lmdb_release(struct store *store)
{
    mdb_txn_reset(lmdb_of(store)->reader);
}

static enum err lmdb_peek(struct store *store, enum store_table table,
                          struct bytes key, struct bytes *out)
{
    struct store_lmdb *db = lmdb_of(store);
    MDB_val k = lmdb_val(key);
    MDB_val v;
    if (key.len == 0 || key.len > STORE_KEY_MAX)
        return ERR_NOT_FOUND;
    if (sheet_keeps(table)) {
        struct store_op op;
        int rc = sheets_find(&db->sheets, db->reader, table, key, &op);
        if (rc == MDB_SUCCESS && !op.is_delete)
            *out = op.value;
        if (rc != MDB_NOTFOUND)
            return rc == MDB_SUCCESS && op.is_delete ? ERR_NOT_FOUND
                                                     : lmdb_error(rc);
    }
    int rc = mdb_get(db->reader, db->tables[table], &k, &v);
    if (rc == MDB_SUCCESS)
        *out = lmdb_bytes(&v);
    return lmdb_error(rc);
}

/* Puts the cursor on the first key of the range; MDB_NOTFOUND: empty. */
static int cursor_start(MDB_cursor *cursor, const struct store_range *range,
                        MDB_val *key, MDB_val *value)
{
    uint8_t past[STORE_KEY_MAX];
    struct bytes from = store_range_from(range);
    bool exact = range->from.len > 0;
    if (range->down && !exact) {
        memset(past, 0xff, sizeof(past));
        if (from.len > 0)
            memcpy(past, from.ptr, from.len);
        from = BYTES_OF(past);
    }
    if (from.len == 0)
        return mdb_cursor_get(cursor, key, value, MDB_FIRST);
    MDB_val start = lmdb_val(from);
    *key = start;
    int rc = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
    if (!range->down)
        return rc;
    if (rc == MDB_NOTFOUND)
        return mdb_cursor_get(cursor, key, value, MDB_LAST);
    if (rc == MDB_SUCCESS && !bytes_equal(lmdb_bytes(key), from))
        return mdb_cursor_get(cursor, key, value, MDB_PREV);
    return rc;
}

/* A walk through a range of a table, and what the sheets have of it. */
struct walk {
    const struct store_range *range;
    const struct store_op *ops; /* not told yet, in the range's direction */
    size_t op_count;
    store_each_fn fn;
    void *ctx;
};

/* Below 0: `key` comes first, above: the next of the sheets' does. */
static int walk_order(const struct walk *walk, struct bytes key)
{
    int order = bytes_compare(key, walk->ops[0].key);
    return walk->range->down ? -order : order;
}

static enum err tell_op(struct walk *walk)
{
    const struct store_op *op = walk->ops;
    walk->ops++;
    walk->op_count--;
    return op->is_delete ? OK : walk->fn(walk->ctx, op->key, op->value);
}

static enum err tell_entry(struct walk *walk, struct bytes key,
                           struct bytes value)
{
    int order = -1;
    while (walk->op_count > 0 && (order = walk_order(walk, key)) > 0)
        TRY(tell_op(walk));
    if (walk->op_count > 0 && order == 0)
        return tell_op(walk); /* hides it */
    return walk->fn(walk->ctx, key, value);
}

static enum err walk_table(struct store_lmdb *db, struct walk *walk)
{
    const struct store_range *range = walk->range;
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    enum err err = OK;
    TRY(lmdb_error(
        mdb_cursor_open(db->reader, db->tables[range->table], &cursor)));
    int rc = cursor_start(cursor, range, &key, &value);
    while (rc == MDB_SUCCESS && err == OK) {
        if (!store_range_has(range, lmdb_bytes(&key)))
            break;
        err = tell_entry(walk, lmdb_bytes(&key), lmdb_bytes(&value));
        rc = mdb_cursor_get(cursor, &key, &value,
                            range->down ? MDB_PREV : MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (err == OK && rc != MDB_SUCCESS && rc != MDB_NOTFOUND)
        err = lmdb_error(rc);
    return err;
}

static enum err lmdb_each(struct store *store, const struct store_range *range,
                          store_each_fn fn, void *ctx)
{
    struct store_lmdb *db = lmdb_of(store);
    struct store_op *ops = NULL;
    struct walk walk = {.range = range, .fn = fn, .ctx = ctx};
    if (sheet_keeps(range->table))
        TRY(lmdb_error(sheets_gather(&db->sheets, db->reader, range, &ops,
                                     &walk.op_count)));
    walk.ops = ops;
    enum err err = walk_table(db, &walk);
    while (err == OK && walk.op_count > 0)
        err = tell_op(&walk);
    free(ops);
    return err;
}

/* ---- writing ---- */

static bool grows_at_the_end(enum store_table table)
{
    return table == STORE_BLOCK || table == STORE_CERT || table == STORE_RESULT;
}

/* Notes what was there before, unless it was noted before. */
static int keep_old(const struct store_lmdb *db, MDB_txn *txn,
                    const struct store_op *op)
{
    uint8_t raw[STORE_KEY_MAX];
    MDB_val key = lmdb_val(op->key);
    MDB_val undo_key = lmdb_val(store_undo_key(op->table, op->key, raw));
    MDB_val old = {0};
    MDB_val note;
    int rc = mdb_get(txn, db->tables[STORE_UNDO], &undo_key, &note);
    if (rc != MDB_NOTFOUND)
        return rc;
    rc = mdb_get(txn, db->tables[op->table], &key, &old);
    if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND)
        return rc;
    /* What was read may move when something is put: it is copied first. */
    bool is_there = rc == MDB_SUCCESS;
    struct bytes value = lmdb_bytes(&old);
    uint8_t *copy = malloc(1 + value.len);
    if (copy == NULL)
        return ENOMEM;
    copy[0] = is_there;
    if (value.len > 0)
        memcpy(copy + 1, value.ptr, value.len);
    note = lmdb_val(bytes_make(copy, 1 + value.len));
    rc = mdb_put(txn, db->tables[STORE_UNDO], &undo_key, &note, 0);
    free(copy);
    return rc;
}

static int apply_op(const struct store_lmdb *db, MDB_txn *txn,
                    const struct store_op *op)
{
    MDB_dbi table = db->tables[op->table];
    MDB_val key = lmdb_val(op->key);
    MDB_val value = lmdb_val(op->value);
    if (op->is_clear)
        return mdb_drop(txn, table, 0);
    if (op->keeps_old) {
        int rc = keep_old(db, txn, op);
        if (rc != MDB_SUCCESS)
            return rc;
    }
    if (op->is_delete) {
        int rc = mdb_del(txn, table, &key, NULL);
        return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
    }
    if (grows_at_the_end(op->table)) {
        /* Fills pages to the brim; falls back when it is not at the end. */
        int rc = mdb_put(txn, table, &key, &value, MDB_APPEND);
        if (rc != MDB_KEYEXIST)
            return rc;
        key = lmdb_val(op->key);
        value = lmdb_val(op->value);
    }
    return mdb_put(txn, table, &key, &value, 0);
}

/* Changes of tables that are kept on sheets. */
struct kept {
    struct store_op *ops;
    size_t count;
    size_t cap;
};

static int keep(struct kept *kept, const struct store_op *op)
{
    if (kept->count == kept->cap) {
        size_t cap = kept->cap == 0 ? 64 : 2 * kept->cap;
        struct store_op *ops = realloc(kept->ops, cap * sizeof(*ops));
        if (ops == NULL)
            return ENOMEM;
        kept->ops = ops;
        kept->cap = cap;
    }
    kept->ops[kept->count++] = *op;
    return MDB_SUCCESS;
}

/* A table that is cleared has no sheets, nor have the others then. */
static int apply_batch(const struct store_lmdb *db, MDB_txn *txn,
                       const struct store_batch *batch)
{
    bool directly = store_batch_clears(batch);
    struct kept kept = {0};
    struct store_op op;
    size_t at = 0;
    int rc = directly ? sheets_settle(&db->sheets, txn) : MDB_SUCCESS;
    while (rc == MDB_SUCCESS && store_batch_next(batch, &at, &op))
        rc = !directly && sheet_keeps(op.table) ? keep(&kept, &op)
                                                : apply_op(db, txn, &op);
    if (rc == MDB_SUCCESS)
        rc = sheets_write(&db->sheets, txn, kept.ops, kept.count);
    free(kept.ops);
    return rc;
}

/* A batch that changed nothing makes no commit: the meta pages know. */
static void note_commit(struct store_lmdb *db)
{
    MDB_envinfo info;
    mdb_env_info(db->env, &info);
    atomic_store(&db->last, info.me_last_txnid);
}

static enum err lmdb_commit(struct store *store,
                            const struct store_batch *batch)
{
    struct store_lmdb *db = lmdb_of(store);
    MDB_txn *txn;
    CHECK(!db->read_only);
    int rc = mdb_txn_begin(db->env, NULL, 0, &txn);
    if (rc != MDB_SUCCESS)
        return lmdb_write_error(db->dir, rc);
    rc = apply_batch(db, txn, batch);
    if (rc != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return lmdb_write_error(db->dir, rc);
    }
    rc = mdb_txn_commit(txn);
    if (rc == MDB_SUCCESS)
        note_commit(db);
    return lmdb_write_error(db->dir, rc);
}

/* ---- care ---- */

static enum err lmdb_stat(struct store *store, struct store_stat *out)
{
    struct store_lmdb *db = lmdb_of(store);
    MDB_envinfo info;
    MDB_stat stat;
    enum err err = OK;
    memset(out, 0, sizeof(*out));
    TRY(store_hold(store));
    mdb_env_info(db->env, &info);
    mdb_env_stat(db->env, &stat);
    out->map_bytes = info.me_mapsize;
    out->used_bytes = (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize;
    for (unsigned i = 0; i < STORE_TABLES && err == OK; i++) {
        int64_t waiting = 0;
        err = lmdb_error(mdb_stat(db->reader, db->tables[i], &stat));
        if (err == OK && sheet_keeps((enum store_table)i))
            err = lmdb_error(sheets_waiting(&db->sheets, db->reader,
                                            (enum store_table)i, &waiting));
        out->entries[i] = (uint64_t)((int64_t)stat.ms_entries + waiting);
    }
    store_release(store);
    return err;
}

void store_lmdb_check_readers(struct store *store)
{
    int dead = 0;
    mdb_reader_check(lmdb_of(store)->env, &dead);
}

void store_lmdb_close(struct store *store)
{
    struct store_lmdb *db = lmdb_of(store);
    if (db->reader != NULL)
        mdb_txn_abort(db->reader);
    if (db->env != NULL && !db->is_reader)
        mdb_env_close(db->env);
    if (db->lock_fd >= 0)
        close(db->lock_fd);
    free(db);
}

const struct store_ops store_lmdb_ops = {
    .hold = lmdb_hold,
    .release = lmdb_release,
    .peek = lmdb_peek,
    .each = lmdb_each,
    .commit = lmdb_commit,
    .reader = store_lmdb_reader,
    .stat = lmdb_stat,
    .check_readers = store_lmdb_check_readers,
    .close = store_lmdb_close,
};
