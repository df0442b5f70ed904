/* The store on disk: LMDB with full sync. Never WRITEMAP (a wild pointer would
 * write the database), never NOSYNC (a commit would be a guess). */

#include "ledger/disk/store_backend.h"

#include "base/check.h"
#include "ledger/disk/lmdb_error.h"
#include "ledger/disk/lmdb_val.h"
#include "ledger/disk/store_sheets.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lmdb.h>

#define MAP_BYTES   (UINT64_C(1) << 40)
#define MAP_LOW     (UINT64_C(1) << 30)
#define LAYOUT      3u
#define LAYOUT_KEY  "layout"
#define SHEETS_NAME "sheet"

struct store_lmdb {
    struct store store;
    MDB_env *env;
    MDB_dbi tables[STORE_TABLES];
    struct sheets sheets;
    MDB_txn *reader;       /* reset between holds */
    atomic_size_t last;    /* the owner's: its last whole commit */
    atomic_size_t *stored; /* the owner's last, for its readers too */
    int lock_fd;           /* -1: read only */
    bool read_only;
    bool is_reader; /* of an environment that another store owns */
    void (*on_damage)(const char *dir);
    char dir[PATH_MAX];
};

static const char *const table_names[STORE_TABLES] = {
    [STORE_META] = "meta",
    [STORE_BLOCK] = "block",
    [STORE_CERT] = "cert",
    [STORE_RESULT] = "result",
    [STORE_STATE] = "state",
    [STORE_PAGE] = "page",
    [STORE_MMR] = "mmr",
    [STORE_TX] = "tx",
    [STORE_ACCOUNT_TX] = "account",
    [STORE_SUBJECT_TX] = "subject",
    [STORE_SET] = "set",
    [STORE_BLOCK_ID] = "id",
    [STORE_HEADER] = "header",
    [STORE_PATH] = "path",
    [STORE_UNDO] = "undo",
};

static struct store_lmdb *lmdb_of(struct store *store)
{
    return (struct store_lmdb *)(void *)store;
}

/* LMDB's own checks fail where a page is not what it was written as; behind
 * this it aborts. */
static void on_assert(MDB_env *env, const char *what)
{
    const struct store_lmdb *db = mdb_env_get_userctx(env);
    (void)what;
    if (db->on_damage != NULL)
        db->on_damage(db->dir);
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

static void lmdb_check_readers(struct store *store)
{
    int dead = 0;
    mdb_reader_check(lmdb_of(store)->env, &dead);
}

static void lmdb_close(struct store *store)
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

static enum err lmdb_reader(struct store *store, struct store **out);

static const struct store_ops lmdb_ops = {
    .hold = lmdb_hold,
    .release = lmdb_release,
    .peek = lmdb_peek,
    .each = lmdb_each,
    .commit = lmdb_commit,
    .reader = lmdb_reader,
    .stat = lmdb_stat,
    .check_readers = lmdb_check_readers,
    .close = lmdb_close,
};

/* ---- opening ---- */

/* One writer per directory, also inside one process, where LMDB itself would
 * misbehave. The lock goes with the process, however it ends. */
static enum err take_lock(struct store_lmdb *db)
{
    char path[PATH_MAX + 16];
    if (mkdir(db->dir, 0700) != 0 && errno != EEXIST)
        return lmdb_error(errno);
    snprintf(path, sizeof(path), "%s/store.lock", db->dir);
    db->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (db->lock_fd < 0)
        return lmdb_error(errno);
    if (flock(db->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? ERR_BUSY : lmdb_error(errno);
    return OK;
}

/* How many of the pages from `from` on the database counts as free. */
static enum err count_free(struct store_lmdb *db, uint64_t from, uint64_t *out)
{
    MDB_cursor *cursor = NULL;
    MDB_txn *txn;
    MDB_val key;
    MDB_val list;
    *out = 0;
    TRY(lmdb_error(mdb_txn_begin(db->env, NULL, MDB_RDONLY, &txn)));
    int rc = mdb_cursor_open(txn, 0, &cursor); /* LMDB's own table of them */
    while (rc == MDB_SUCCESS) {
        rc = mdb_cursor_get(cursor, &key, &list, MDB_NEXT);
        /* A list: its length, then the pages. */
        for (size_t i = 1; rc == MDB_SUCCESS && i < list.mv_size / 8; i++) {
            uint64_t count;
            uint64_t page;
            memcpy(&count, list.mv_data, 8);
            memcpy(&page, (const uint8_t *)list.mv_data + 8 * i, 8);
            *out += i <= count && page >= from;
        }
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return rc == MDB_NOTFOUND ? OK : lmdb_error(rc);
}

/* A file shorter than its own directory of pages would be a SIGBUS later. But
 * pages at its end that were taken and given back by one commit have never been
 * written: it is whole, if all that is missing is free. It is made as long as
 * it says first, since what tells may be what is missing. */
static enum err check_length(struct store_lmdb *db)
{
    char path[PATH_MAX + 16];
    struct stat file;
    MDB_envinfo info;
    MDB_stat stat_db;
    uint64_t unused = 0;
    mdb_env_info(db->env, &info);
    mdb_env_stat(db->env, &stat_db);
    snprintf(path, sizeof(path), "%s/data.mdb", db->dir);
    if (stat(path, &file) != 0)
        return lmdb_error(errno);
    uint64_t pages = (uint64_t)info.me_last_pgno + 1;
    uint64_t here = (uint64_t)file.st_size / stat_db.ms_psize;
    if (here >= pages)
        return OK;
    if (db->read_only)
        return ERR_CORRUPT; /* who writes may be at it */
    if (truncate(path, (off_t)(pages * stat_db.ms_psize)) != 0)
        return lmdb_write_error(db->dir, errno);
    enum err err = count_free(db, here, &unused);
    if (err == OK && unused == pages - here)
        return OK;
    if (truncate(path, file.st_size) != 0)
        return lmdb_error(errno);
    return err == OK ? ERR_CORRUPT : err;
}

static enum err try_env(struct store_lmdb *db, uint64_t map_bytes)
{
    unsigned flags = MDB_NOTLS | (db->read_only ? MDB_RDONLY : 0);
    int rc = mdb_env_create(&db->env);
    if (rc != MDB_SUCCESS) {
        db->env = NULL;
        return lmdb_error(rc);
    }
    if ((rc = mdb_env_set_userctx(db->env, db)) != MDB_SUCCESS ||
        (rc = mdb_env_set_assert(db->env, on_assert)) != MDB_SUCCESS ||
        (rc = mdb_env_set_maxdbs(db->env, STORE_TABLES + 1)) != MDB_SUCCESS ||
        (rc = mdb_env_set_mapsize(db->env, map_bytes)) != MDB_SUCCESS ||
        (rc = mdb_env_open(db->env, db->dir, flags, 0600)) != MDB_SUCCESS)
        return lmdb_write_error(db->dir, rc);
    return check_length(db);
}

static uint64_t file_bytes(const struct store_lmdb *db)
{
    char path[PATH_MAX + 16];
    struct stat file;
    snprintf(path, sizeof(path), "%s/data.mdb", db->dir);
    return stat(path, &file) == 0 ? (uint64_t)file.st_size : 0;
}

/* 0: what is plenty, or what there is of addresses (ulimit -v, small pages). */
static enum err open_env(struct store_lmdb *db, uint64_t map_bytes)
{
    uint64_t used = file_bytes(db);
    uint64_t low = used + used / 4 < MAP_LOW ? MAP_LOW : used + used / 4;
    uint64_t bytes = MAP_BYTES;
    if (map_bytes != 0)
        return try_env(db, map_bytes);
    while (bytes / 4 < used)
        bytes *= 2;
    for (;;) {
        enum err err = try_env(db, bytes);
        if (err != ERR_NOMEM || bytes / 2 < low)
            return err;
        mdb_env_close(db->env);
        db->env = NULL;
        bytes /= 2;
    }
}

/* Notes the layout in a new database, compares it in an old one. */
static enum err check_layout(struct store_lmdb *db, MDB_txn *txn)
{
    uint8_t raw[4];
    MDB_val key = lmdb_val(BYTES_LIT(LAYOUT_KEY));
    MDB_val value;
    int rc = mdb_get(txn, db->tables[STORE_META], &key, &value);
    if (rc == MDB_SUCCESS) {
        struct bytes got = lmdb_bytes(&value);
        return got.len == 4 && u32le_get(got.ptr) == LAYOUT ? OK : ERR_VERSION;
    }
    if (rc != MDB_NOTFOUND || db->read_only)
        return lmdb_error(rc);
    u32le_put(raw, LAYOUT);
    value = lmdb_val(BYTES_OF(raw));
    return lmdb_write_error(
        db->dir, mdb_put(txn, db->tables[STORE_META], &key, &value, 0));
}

static enum err open_tables(struct store_lmdb *db)
{
    unsigned flags = db->read_only ? 0 : MDB_CREATE;
    enum err err = OK;
    MDB_txn *txn;
    TRY(lmdb_write_error(
        db->dir,
        mdb_txn_begin(db->env, NULL, db->read_only ? MDB_RDONLY : 0, &txn)));
    for (unsigned i = 0; i < STORE_TABLES && err == OK; i++)
        err = lmdb_write_error(
            db->dir, mdb_dbi_open(txn, table_names[i], flags, &db->tables[i]));
    if (err == OK)
        err = check_layout(db, txn);
    if (err == OK)
        err = lmdb_write_error(
            db->dir, mdb_dbi_open(txn, SHEETS_NAME, flags, &db->sheets.dbi));
    if (err != OK) {
        mdb_txn_abort(txn);
        return err;
    }
    return lmdb_write_error(db->dir, mdb_txn_commit(txn));
}

static enum err open_reader(struct store_lmdb *db)
{
    int rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &db->reader);
    if (rc != MDB_SUCCESS) {
        db->reader = NULL;
        return lmdb_error(rc);
    }
    mdb_txn_reset(db->reader);
    return OK;
}

static enum err lmdb_reader(struct store *store, struct store **out)
{
    const struct store_lmdb *owner = lmdb_of(store);
    struct store_lmdb *db = calloc(1, sizeof(*db));
    if (db == NULL)
        return ERR_NOMEM;
    db->store.ops = &lmdb_ops;
    db->env = owner->env;
    memcpy(db->tables, owner->tables, sizeof(db->tables));
    db->sheets = (struct sheets){owner->sheets.dbi, db->tables};
    memcpy(db->dir, owner->dir, sizeof(db->dir));
    db->stored = owner->stored;
    db->lock_fd = -1;
    db->read_only = true;
    db->is_reader = true;
    enum err err = open_reader(db);
    if (err != OK) {
        free(db);
        return err;
    }
    *out = &db->store;
    return OK;
}

static enum err open_all(struct store_lmdb *db, uint64_t map_bytes)
{
    if (!db->read_only)
        TRY(take_lock(db));
    TRY(open_env(db, map_bytes));
    lmdb_check_readers(&db->store);
    TRY(open_tables(db));
    return open_reader(db);
}

enum err store_lmdb_open(const char *dir, const struct store_options *options,
                         struct store **out)
{
    struct store_lmdb *db;
    uint64_t map_bytes = options != NULL ? options->map_bytes : 0;
    if (strlen(dir) >= PATH_MAX)
        return ERR_TOO_LARGE;
    db = calloc(1, sizeof(*db));
    if (db == NULL)
        return ERR_NOMEM;
    db->store.ops = &lmdb_ops;
    db->sheets.tables = db->tables;
    db->lock_fd = -1;
    atomic_init(&db->last, 0);
    db->stored = &db->last;
    db->read_only = options != NULL && options->read_only;
    db->on_damage = options != NULL ? options->on_damage : NULL;
    memcpy(db->dir, dir, strlen(dir) + 1);
    enum err err = open_all(db, map_bytes);
    if (err != OK) {
        lmdb_close(&db->store);
        return err;
    }
    *out = &db->store;
    return OK;
}
