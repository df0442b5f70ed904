#include "node/records.h"

#include "base/check.h"
#include "ledger/disk/lmdb_error.h"

#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAP_BYTES    (UINT64_C(16) << 30) /* of addresses, not of disk */
#define ROOM_WAIT_NS 300000000

/* A record on its way to the disk. */
struct saving {
    struct saving *next;
    char key[RECORD_KEY_MAX + 1];
    size_t len; /* 0: delete */
    uint8_t value[];
};

struct saving_list {
    struct saving *first;
    struct saving **last;
};

struct record_store {
    MDB_env *env;
    MDB_dbi table;
    char dir[1200];
    struct saving_list collected;
    uint64_t ticket; /* of the last commit */
    uint64_t told;
    bool told_failed;
    /* the thread's, while it runs */
    bool running;
    uv_async_t async;
    records_saved_fn saved;
    void *ctx;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;  /* there is something to write, or the end */
    pthread_cond_t ahead; /* the disk has come further */
    struct saving_list queue;
    uint64_t queued; /* ticket of the last in queue */
    uint64_t stored;
    enum err failed;
    bool waiting; /* for room on the disk */
    bool stop;
};

/* ---- words ---- */

/* A file that is not allowed to grow is no full disk: waiting for room, as is
 * done here, would be for ever. */
static enum err write_error(const struct record_store *store, int rc)
{
    return rc == EFBIG ? ERR_IO : lmdb_write_error(store->dir, rc);
}

static MDB_val val_of(const void *bytes, size_t len)
{
    /* LMDB takes non-const pointers and does not write through them. */
    union {
        const void *in;
        void *out;
    } ptr = {.in = bytes};
    return (MDB_val){len, ptr.out};
}

static MDB_val key_of(const char *key)
{
    size_t len = strlen(key);
    CHECK(len >= 1 && len <= RECORD_KEY_MAX && key[0] != '/');
    CHECK(strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                      "0123456789/-.") == len);
    return val_of(key, len);
}

/* ---- life ---- */

static int open_env(struct record_store *store)
{
    MDB_txn *txn;
    int dead;
    int rc = mdb_env_create(&store->env);
    if (rc != MDB_SUCCESS)
        return rc;
    rc = mdb_env_set_mapsize(store->env, MAP_BYTES);
    if (rc == MDB_SUCCESS)
        rc = mdb_env_open(store->env, store->dir, MDB_NORDAHEAD, 0600);
    if (rc == MDB_SUCCESS)
        rc = mdb_reader_check(store->env, &dead);
    if (rc == MDB_SUCCESS)
        rc = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (rc != MDB_SUCCESS)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, &store->table);
    if (rc == MDB_SUCCESS)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

static void list_init(struct saving_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

static void list_done(struct saving_list *list)
{
    while (list->first != NULL) {
        struct saving *next = list->first->next;
        free(list->first);
        list->first = next;
    }
    list_init(list);
}

/* All of `from` goes behind what is in `to`. */
static void list_move(struct saving_list *to, struct saving_list *from)
{
    if (from->first == NULL)
        return;
    *to->last = from->first;
    to->last = from->last;
    list_init(from);
}

static void store_free(struct record_store *store)
{
    list_done(&store->collected);
    list_done(&store->queue);
    if (store->env != NULL)
        mdb_env_close(store->env);
    free(store);
}

enum err records_open(struct records *records, const char *dir)
{
    struct record_store *store = calloc(1, sizeof(*store));
    enum err err;
    int used;
    if (store == NULL)
        return ERR_NOMEM;
    used = snprintf(store->dir, sizeof(store->dir), "%s", dir);
    CHECK(used > 0 && (size_t)used < sizeof(store->dir));
    list_init(&store->collected);
    list_init(&store->queue);
    err = mkdir(dir, 0700) == 0 || errno == EEXIST ? OK : lmdb_error(errno);
    if (err == OK)
        err = write_error(store, open_env(store));
    if (err != OK) {
        store_free(store);
        return err;
    }
    records->store = store;
    return OK;
}

void records_close(struct records *records)
{
    if (records->store == NULL)
        return;
    CHECK(!records->store->running);
    store_free(records->store);
    records->store = NULL;
}

/* ---- writing ---- */

static int write_one(const struct record_store *store, MDB_txn *txn,
                     const char *name, struct bytes value)
{
    MDB_val key = key_of(name);
    MDB_val val = val_of(value.ptr, value.len);
    int rc;
    if (value.len > 0)
        return mdb_put(txn, store->table, &key, &val, 0);
    rc = mdb_del(txn, store->table, &key, NULL);
    return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

/* One transaction, synced. */
static enum err write_all(const struct record_store *store,
                          const struct saving *first)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (rc != MDB_SUCCESS)
        return write_error(store, rc);
    for (; rc == MDB_SUCCESS && first != NULL; first = first->next)
        rc = write_one(store, txn, first->key,
                       bytes_make(first->value, first->len));
    if (rc == MDB_SUCCESS)
        rc = mdb_txn_commit(txn);
    else
        mdb_txn_abort(txn);
    return write_error(store, rc);
}

static struct saving *saving_new(const char *key, struct bytes value)
{
    struct saving *saving = calloc(1, sizeof(*saving) + value.len);
    CHECK(value.len <= RECORD_BYTES_MAX);
    CHECK(key_of(key).mv_size > 0);
    if (saving == NULL)
        return NULL;
    snprintf(saving->key, sizeof(saving->key), "%s", key);
    if (value.len > 0)
        memcpy(saving->value, value.ptr, value.len);
    saving->len = value.len;
    return saving;
}

enum err records_put(struct records *records, const char *key,
                     struct bytes value)
{
    struct record_store *store = records->store;
    struct saving *saving = saving_new(key, value);
    enum err err;
    if (saving == NULL)
        return ERR_NOMEM;
    err = write_all(store, saving);
    free(saving);
    return err;
}

/* ---- reading ---- */

enum err records_get(struct records *records, const char *key, struct buf *out)
{
    struct record_store *store = records->store;
    MDB_val k = key_of(key);
    MDB_val v;
    MDB_txn *txn;
    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (rc != MDB_SUCCESS)
        return lmdb_error(rc);
    rc = mdb_get(txn, store->table, &k, &v);
    if (rc == MDB_SUCCESS)
        buf_add(out, bytes_make(v.mv_data, v.mv_size));
    mdb_txn_abort(txn);
    return rc == MDB_SUCCESS ? out->err : lmdb_error(rc);
}

/* False: not of this prefix, and none behind it is. */
static bool key_text(const MDB_val *key, const char *prefix,
                     char out[RECORD_KEY_MAX + 1])
{
    size_t len = strlen(prefix);
    if (key->mv_size > RECORD_KEY_MAX || key->mv_size <= len)
        return false;
    memcpy(out, key->mv_data, key->mv_size);
    out[key->mv_size] = '\0';
    return memcmp(out, prefix, len) == 0;
}

static enum err walk(MDB_cursor *cursor, const char *prefix, records_each_fn fn,
                     void *ctx)
{
    MDB_val key = val_of(prefix, strlen(prefix));
    MDB_val value;
    char text[RECORD_KEY_MAX + 1];
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (rc == MDB_SUCCESS && key_text(&key, prefix, text)) {
        TRY(fn(ctx, text, bytes_make(value.mv_data, value.mv_size)));
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return rc == MDB_NOTFOUND ? OK : lmdb_error(rc);
}

enum err records_each(struct records *records, const char *prefix,
                      records_each_fn fn, void *ctx)
{
    struct record_store *store = records->store;
    char below[RECORD_KEY_MAX + 1];
    MDB_cursor *cursor;
    MDB_txn *txn;
    enum err err;
    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (rc != MDB_SUCCESS)
        return lmdb_error(rc);
    snprintf(below, sizeof(below), "%s/", prefix);
    rc = mdb_cursor_open(txn, store->table, &cursor);
    err = lmdb_error(rc);
    if (rc == MDB_SUCCESS) {
        err = walk(cursor, below, fn, ctx);
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return err;
}

/* ---- the thread ---- */

/* With the lock held; false when the end came first. */
static bool wait_for_room(struct record_store *store)
{
    struct timespec until;
    store->waiting = true;
    pthread_cond_broadcast(&store->ahead);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += ROOM_WAIT_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!store->stop && pthread_cond_timedwait(&store->more, &store->lock,
                                                  &until) != ETIMEDOUT)
        continue; /* more came: it is written after this */
    return !store->stop;
}

/* What came while the last sync ran is written with the next one. A full disk
 * is waited for: what depends on these records waits with them. */
static void write_queue(struct record_store *store)
{
    struct saving_list list;
    uint64_t ticket = store->queued;
    enum err err;
    list_init(&list);
    list_move(&list, &store->queue);
    do {
        pthread_mutex_unlock(&store->lock);
        err = write_all(store, list.first);
        pthread_mutex_lock(&store->lock);
    } while ((err == ERR_FULL || err == ERR_MAP_FULL) && wait_for_room(store));
    list_done(&list);
    store->waiting = false;
    store->failed = err;
    if (err == OK)
        store->stored = ticket;
    pthread_cond_broadcast(&store->ahead);
    uv_async_send(&store->async);
}

static void *thread_main(void *arg)
{
    struct record_store *store = arg;
    pthread_mutex_lock(&store->lock);
    for (;;) {
        while (store->stored == store->queued && !store->stop)
            pthread_cond_wait(&store->more, &store->lock);
        if (store->stored == store->queued || store->failed != OK)
            break;
        write_queue(store);
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}

static void on_async(uv_async_t *async)
{
    struct record_store *store = async->data;
    uint64_t stored;
    enum err failed;
    pthread_mutex_lock(&store->lock);
    stored = store->stored;
    failed = store->failed;
    pthread_mutex_unlock(&store->lock);
    if (!store->running || store->told_failed ||
        (stored == store->told && failed == OK))
        return;
    store->told = stored;
    store->told_failed = failed != OK;
    store->saved(store->ctx, stored, failed);
}

enum err records_start(struct records *records, uv_loop_t *loop,
                       records_saved_fn saved, void *ctx)
{
    struct record_store *store = records->store;
    CHECK(!store->running);
    store->saved = saved;
    store->ctx = ctx;
    store->async.data = store;
    CHECK(pthread_mutex_init(&store->lock, NULL) == 0);
    CHECK(pthread_cond_init(&store->more, NULL) == 0);
    CHECK(pthread_cond_init(&store->ahead, NULL) == 0);
    if (uv_async_init(loop, &store->async, on_async) != 0)
        return ERR_NOMEM;
    store->running = true;
    if (pthread_create(&store->thread, NULL, thread_main, store) == 0)
        return OK;
    store->running = false;
    uv_close((uv_handle_t *)&store->async, NULL);
    return ERR_NOMEM;
}

enum err records_save(struct records *records, const char *key,
                      struct bytes value)
{
    struct record_store *store = records->store;
    struct saving *saving = saving_new(key, value);
    if (saving == NULL)
        return ERR_NOMEM;
    *store->collected.last = saving;
    store->collected.last = &saving->next;
    return OK;
}

uint64_t records_commit(struct records *records)
{
    struct record_store *store = records->store;
    CHECK(store->running);
    if (store->collected.first == NULL)
        return store->ticket;
    store->ticket++;
    pthread_mutex_lock(&store->lock);
    list_move(&store->queue, &store->collected);
    store->queued = store->ticket;
    pthread_cond_signal(&store->more);
    pthread_mutex_unlock(&store->lock);
    return store->ticket;
}

void records_catch_up(struct records *records)
{
    struct record_store *store = records->store;
    CHECK(store->running);
    pthread_mutex_lock(&store->lock);
    while (store->stored < store->queued && store->failed == OK &&
           !store->waiting)
        pthread_cond_wait(&store->ahead, &store->lock);
    pthread_mutex_unlock(&store->lock);
}

bool records_wait_for_room(const struct records *records)
{
    struct record_store *store = records->store;
    bool waiting;
    if (store == NULL || !store->running)
        return false;
    pthread_mutex_lock(&store->lock);
    waiting = store->waiting;
    pthread_mutex_unlock(&store->lock);
    return waiting;
}

void records_stop(struct records *records)
{
    struct record_store *store = records->store;
    if (store == NULL || !store->running)
        return;
    pthread_mutex_lock(&store->lock);
    store->stop = true;
    pthread_cond_signal(&store->more);
    pthread_mutex_unlock(&store->lock);
    CHECK(pthread_join(store->thread, NULL) == 0);
    store->running = false;
    pthread_cond_destroy(&store->more);
    pthread_cond_destroy(&store->ahead);
    pthread_mutex_destroy(&store->lock);
    uv_close((uv_handle_t *)&store->async, NULL);
}
