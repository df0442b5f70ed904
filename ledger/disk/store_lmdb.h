#ifndef LEDGER_DISK_STORE_LMDB_H
#define LEDGER_DISK_STORE_LMDB_H

/* Between the pages of the store on disk, nobody else. */

#include "ledger/disk/store_backend.h"
#include "ledger/disk/store_sheets.h"

#include <limits.h>
#include <stdatomic.h>

#include <lmdb.h>

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

extern const struct store_ops store_lmdb_ops;

/* As store_reader, store_check_readers and store_close (store.h) say. What was
 * opened in part is closed, too. */
MUST_USE enum err store_lmdb_reader(struct store *store, struct store **out);
void store_lmdb_check_readers(struct store *store);
void store_lmdb_close(struct store *store);

#endif
