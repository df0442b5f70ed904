/* The store on disk is opened: its lock, its file, its tables, its layout. LMDB
 * with full sync: never WRITEMAP (a wild pointer would write the database),
 * never NOSYNC (a commit would be a guess). */

#include "ledger/disk/store_lmdb.h"

#include "ledger/disk/lmdb_error.h"
#include "ledger/disk/lmdb_val.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_BYTES   (UINT64_C(1) << 40)
#define MAP_LOW     (UINT64_C(1) << 30)
#define LAYOUT      3u
#define LAYOUT_KEY  "layout"
#define SHEETS_NAME "sheet"

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

/* LMDB's own checks fail where a page is not what it was written as; behind
 * this it aborts. */
static void on_assert(MDB_env *env, const char *what)
{
    const struct store_lmdb *db = mdb_env_get_userctx(env);
    (void)what;
    if (db->on_damage != NULL)
        db->on_damage(db->dir);
}

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

enum err store_lmdb_reader(struct store *store, struct store **out)
{
    const struct store_lmdb *owner =
        (const struct store_lmdb *)(const void *)store;
    struct store_lmdb *db = calloc(1, sizeof(*db));
    if (db == NULL)
        return ERR_NOMEM;
    db->store.ops = &store_lmdb_ops;
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
    store_lmdb_check_readers(&db->store);
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
    db->store.ops = &store_lmdb_ops;
    db->sheets.tables = db->tables;
    db->lock_fd = -1;
    atomic_init(&db->last, 0);
    db->stored = &db->last;
    db->read_only = options != NULL && options->read_only;
    db->on_damage = options != NULL ? options->on_damage : NULL;
    memcpy(db->dir, dir, strlen(dir) + 1);
    enum err err = open_all(db, map_bytes);
    if (err != OK) {
        store_lmdb_close(&db->store);
        return err;
    }
    *out = &db->store;
    return OK;
}
