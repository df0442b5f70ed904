#ifndef LEDGER_DISK_STORE_H
#define LEDGER_DISK_STORE_H

/* The store: ordered tables of bytes, changed by whole batches that are on the
 * disk, all or nothing, when store_commit returns OK. Two back ends, one suite:
 * LMDB for nodes, memory for tests and replays.
 *
 * Threads: one thread reads (the loop), one thread commits (the storage
 * thread), at the same time. store_mem has no locks: one thread for both. */

#include "base/arena.h"

/* Each table's key -> value. Heights and positions in keys are big-endian, so
 * that key order is chain order. Numbers are on disk: append only. */
enum store_table {
    STORE_META = 0,       /* name -> the chain's own notes */
    STORE_BLOCK = 1,      /* height u64 -> block bytes */
    STORE_CERT = 2,       /* height u64 -> the finalising certificate */
    STORE_RESULT = 3,     /* height u64 -> results, one after the other */
    STORE_STATE = 4,      /* state table u8 | key -> value */
    STORE_PAGE = 5,       /* depth/4 u8 | prefix -> page of the state tree */
    STORE_MMR = 6,        /* level u8 | index u64 -> node of the history */
    STORE_TX = 7,         /* tx id -> height u64 | position u32 */
    STORE_ACCOUNT_TX = 8, /* pubkey | height u64 | position u32 -> tx id */
    STORE_SUBJECT_TX = 9, /* subject | height u64 | position u32 -> tx id */
    STORE_SET = 10,       /* epoch u64 -> validators */
    STORE_BLOCK_ID = 11,  /* block id -> height u64 */
    STORE_HEADER = 12,    /* height u64 -> header of a block that is not here */
    STORE_PATH = 13,      /* path 32 in the state tree -> key in STORE_STATE */
    STORE_UNDO = 14,      /* table u8 | key -> 0 u8, or 1 u8 | value: what that
                             table had when the last epoch ended */
};
#define STORE_TABLES  15
#define STORE_KEY_MAX 511u

struct store;

/* ---- opening ---- */

struct store_options {
    /* Address space to reserve; it takes no room on the disk. 0: 1 TiB, or more
     * for a large database, so that opening it again is all that one needs that
     * has filled what was reserved; less where the machine has less, down to
     * 1 GiB or a little more than the database. */
    uint64_t map_bytes;
    bool read_only; /* beside a running node; sees what is committed */
    /* In the midst of something LMDB found a page that is not what was written:
     * there is no way back. Has to end the process; NULL: LMDB aborts it. On
     * any thread. */
    void (*on_damage)(const char *dir);
};

/* Opens or creates `dir` (created with its last component, mode 0700). One
 * process opens one directory for writing once: ERR_BUSY otherwise. Never open
 * a directory twice in one process, not even to read (closing one would drop
 * the other's locks): store_reader is for that. ERR_PERM, ERR_NOT_FOUND (read
 * only, nothing there), ERR_VERSION (another layout), ERR_CORRUPT (not a
 * database), ERR_FULL, ERR_NOMEM, ERR_IO. */
MUST_USE enum err store_lmdb_open(const char *dir,
                                  const struct store_options *options,
                                  struct store **out);
MUST_USE enum err store_mem_new(struct store **out);
/* A second view of an open store, for one more thread: read only, with holds of
 * its own. Closed before the store it was made from. ERR_NOMEM, ERR_BUSY (too
 * many readers). */
MUST_USE enum err store_reader(struct store *store, struct store **out);
void store_close(struct store *store); /* NULL is fine */

/* ---- reading: the loop thread ---- */

/* Copies into the arena. ERR_NOT_FOUND, or a fault. */
MUST_USE enum err store_get(struct store *store, enum store_table table,
                            struct bytes key, struct arena *arena,
                            struct bytes *out_value);

/* The same into the caller's fixed memory. ERR_CORRUPT when the value is longer
 * than cap. */
MUST_USE enum err store_read(struct store *store, enum store_table table,
                             struct bytes key, void *out, size_t cap,
                             size_t *out_len);

/* Calls fn for keys with `prefix`, from `from` on (inclusive, must start with
 * prefix or be empty) upwards, or from `from` downwards when `down`. key and
 * value are lent until fn returns; fn may read the store. Stops when fn returns
 * other than OK and returns that. */
typedef enum err (*store_each_fn)(void *ctx, struct bytes key,
                                  struct bytes value);
struct store_range {
    enum store_table table;
    struct bytes prefix;
    struct bytes from;
    bool down;
};
MUST_USE enum err store_each(struct store *store,
                             const struct store_range *range, store_each_fn fn,
                             void *ctx);

/* Between hold and release every read sees one moment, whatever is committed
 * meanwhile. Nests. Keep it short: a held moment keeps old pages alive. */
MUST_USE enum err store_hold(struct store *store);
void store_release(struct store *store);

/* ---- writing ---- */

/* A batch owns all its memory, so it can be handed to another thread. Errors
 * stick: store_commit returns the first. */
struct store_batch;
/* height: what it brings the chain to; a label for the one who waits. */
struct store_batch *store_batch_new(uint64_t height); /* NULL: no memory */
void store_batch_free(struct store_batch *batch);     /* NULL is fine */
uint64_t store_batch_height(const struct store_batch *batch);
size_t store_batch_bytes(const struct store_batch *batch);
void store_batch_put(struct store_batch *batch, enum store_table table,
                     struct bytes key, struct bytes value);
/* Deleting what is not there is OK. */
void store_batch_delete(struct store_batch *batch, enum store_table table,
                        struct bytes key);
/* The whole table. */
void store_batch_clear(struct store_batch *batch, enum store_table table);
/* What this batch changes in STORE_STATE, STORE_PAGE and STORE_PATH is noted in
 * STORE_UNDO as it was before, unless a note of it is there already. */
void store_batch_keep_old(struct store_batch *batch);
/* The key of such a note. */
struct bytes store_undo_key(enum store_table table, struct bytes key,
                            uint8_t out[STORE_KEY_MAX]);
MUST_USE enum err store_batch_error(const struct store_batch *batch);

/* One atomic, synced transaction; the storage thread. The batch stays the
 * caller's. On ERR_FULL, ERR_IO or ERR_NOMEM nothing has changed: keep the
 * batch and try it again when there is room, or stop. Likewise on ERR_MAP_FULL;
 * there will be no room before the store is opened again. */
MUST_USE enum err store_commit(struct store *store,
                               const struct store_batch *batch);

/* ---- care ---- */

struct store_stat {
    uint64_t used_bytes; /* of the file */
    uint64_t map_bytes;
    uint64_t entries[STORE_TABLES];
};
MUST_USE enum err store_stat(struct store *store, struct store_stat *out);
/* Frees the slots of readers that died; at open and hourly. */
void store_check_readers(struct store *store);

#endif
