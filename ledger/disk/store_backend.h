#ifndef LEDGER_DISK_STORE_BACKEND_H
#define LEDGER_DISK_STORE_BACKEND_H

/* What a back end of the store provides. store.c does the rest once for all of
 * them. Inside ledger, and for tests that wrap a store to make it fail. */

#include "ledger/disk/store.h"

struct store_ops {
    /* Nested calls never reach the back end: store.c counts. */
    enum err (*hold)(struct store *store);
    void (*release)(struct store *store);
    /* The value, lent while held. */
    enum err (*peek)(struct store *store, enum store_table table,
                     struct bytes key, struct bytes *out);
    enum err (*each)(struct store *store, const struct store_range *range,
                     store_each_fn fn, void *ctx);
    enum err (*commit)(struct store *store, const struct store_batch *batch);
    enum err (*reader)(struct store *store, struct store **out);
    enum err (*stat)(struct store *store, struct store_stat *out);
    void (*check_readers)(struct store *store);
    void (*close)(struct store *store);
};

/* First member of every back end. */
struct store {
    const struct store_ops *ops;
    unsigned held;
};

/* One change of a batch, lent. */
struct store_op {
    enum store_table table;
    bool is_delete;
    bool is_clear; /* the whole table; no key */
    bool keeps_old;
    struct bytes key;
    struct bytes value;
};
/* Walks a batch: *at starts at 0; false at the end. */
bool store_batch_next(const struct store_batch *batch, size_t *at,
                      struct store_op *out);

/* Does it clear a table? */
bool store_batch_clears(const struct store_batch *batch);

/* Where a range starts and whether a key is in it. */
struct bytes store_range_from(const struct store_range *range);
bool store_range_has(const struct store_range *range, struct bytes key);

#endif
