/* The sweep: what the tree does not have goes, what does not fit is found. */

#include "ledger/chain/sync_room.h"

#include "base/check.h"
#include "base/limits.h"
#include "ledger/sx/sx_mutant.h"

#include <string.h>

#define SWEEP_PIECE   128u  /* pages or paths in one call */
#define SWEEPS_MAX    1000u /* that find something: what is that store? */
#define PATHS_A_PIECE (8u * SWEEP_PIECE)

/* Any non-OK value stops a scan; this one is ours and goes no further. */
#define STOP ERR_EXISTS

/* ---- the way down ---- */

static unsigned nibbles_common(const struct hash *a, const struct hash *b)
{
    unsigned n = 0;
    while (n < 64 && smt_nibble(a, 4 * n) == smt_nibble(b, 4 * n))
        n++;
    return n;
}

/* Reads the pages at depths 0, 4 .. along the path as far as they lead, at most
 * to `depth`. The last read is descent->pages[descent->have - 1]. */
static enum err descend(struct sync *sync, const struct hash *path,
                        unsigned depth)
{
    struct descent *at = &sync->descent;
    unsigned common = nibbles_common(&at->path, path);
    bool found = true;
    if (at->have > common + 1)
        at->have = common + 1;
    if (at->have > depth / 4 + 1)
        at->have = depth / 4 + 1;
    at->path = *path;
    while (at->have <= depth / 4) {
        unsigned d = 4 * at->have;
        if (at->have > 0 &&
            at->pages[at->have - 1].slots[smt_nibble(path, d - 4)].kind !=
                SMT_NODE)
            return OK;
        TRY(sync_load(sync, path, d, &at->pages[at->have], &found));
        if (!found)
            return OK;
        at->have++;
    }
    return OK;
}

/* Something is wrong at this place: it and what stands above it is not true. */
static void finding(struct sync *sync, const struct hash *path, unsigned depth,
                    struct store_batch *batch)
{
    uint8_t key[SMT_PAGE_KEY_MAX];
    for (unsigned d = 0; d <= depth; d += 4)
        store_batch_delete(batch, STORE_PAGE, smt_page_key(path, d, key));
    sync->again = true;
}

/* ---- pages ---- */

struct key_list {
    uint8_t keys[SWEEP_PIECE][SMT_PAGE_KEY_MAX];
    size_t lens[SWEEP_PIECE];
    uint32_t count;
    struct sync *sync;
    bool more;
};

static void note_cursor(struct sync *sync, struct bytes key)
{
    CHECK(key.len <= sizeof(sync->cursor));
    memcpy(sync->cursor, key.ptr, key.len);
    sync->cursor_len = key.len;
}

static enum err take_key(void *ctx, struct bytes key, struct bytes value)
{
    struct key_list *list = ctx;
    (void)value;
    if (list->count == SWEEP_PIECE) {
        note_cursor(list->sync, key);
        list->more = true;
        return STOP;
    }
    if (key.len == 0 || key.len > SMT_PAGE_KEY_MAX || key.ptr[0] >= 64)
        return ERR_CORRUPT;
    memcpy(list->keys[list->count], key.ptr, key.len);
    list->lens[list->count++] = key.len;
    return OK;
}

/* Does the leaf's record stand where its path says, with its value? */
static enum err check_leaf(struct sync *sync, const struct smt_slot *leaf,
                           bool *out_good)
{
    uint8_t key[STORE_KEY_MAX];
    uint8_t value[LIMIT_STATE_VALUE];
    size_t key_len = 0;
    size_t len = 0;
    struct hash hash;
    *out_good = false;
    enum err err =
        store_read(sync->store, STORE_PATH, hash_as_bytes(&leaf->hash), key,
                   sizeof(key), &key_len);
    if (err == OK)
        err = store_read(sync->store, STORE_STATE, bytes_make(key, key_len),
                         value, sizeof(value), &len);
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    hash_bytes(HASH_TAG_VALUE, bytes_make(value, len), &hash);
    *out_good = hash_equal(&hash, &leaf->value);
    return OK;
}

static enum err check_slots(struct sync *sync, const struct hash *path,
                            unsigned depth, const struct smt_page *page,
                            bool *out_good)
{
    for (unsigned i = 0; i < SMT_SLOTS; i++) {
        const struct smt_slot *slot = &page->slots[i];
        struct smt_page child;
        bool good = true;
        if (slot->kind == SMT_LEAF)
            TRY(check_leaf(sync, slot, &good));
        if (slot->kind == SMT_NODE) {
            struct hash below = sync_below(path, depth, i);
            TRY(sync_load(sync, &below, depth + 4, &child, &good));
        }
        *out_good = *out_good && good;
    }
    return OK;
}

static enum err check_page(struct sync *sync, struct bytes key,
                           struct store_batch *batch)
{
    const struct descent *at = &sync->descent;
    unsigned depth = 4u * key.ptr[0];
    struct hash path = {{0}};
    struct hash hash;
    bool good = true;
    memcpy(path.b, key.ptr + 1, key.len - 1);
    TRY(descend(sync, &path, depth));
    if (at->have != depth / 4 + 1) { /* the tree does not lead here */
        store_batch_delete(batch, STORE_PAGE, key);
        return OK;
    }
    const struct smt_page *page = &at->pages[depth / 4];
    sync_page_hash(page, &hash);
    const struct hash *expected = &sync->root;
    if (depth > 0)
        expected =
            &at->pages[depth / 4 - 1].slots[smt_nibble(&path, depth - 4)].hash;
    good = hash_equal(&hash, expected);
    TRY(check_slots(sync, &path, depth, page, &good));
    if (!good)
        finding(sync, &path, depth, batch);
    return OK;
}

static enum err sweep_pages(struct sync *sync, struct store_batch *batch)
{
    struct key_list list = {.sync = sync};
    struct store_range range = {.table = STORE_PAGE,
                                .from = {sync->cursor, sync->cursor_len}};
    enum err err = store_each(sync->store, &range, take_key, &list);
    if (err != OK && err != STOP)
        return err;
    for (uint32_t i = 0; i < list.count; i++)
        TRY(check_page(sync, bytes_make(list.keys[i], list.lens[i]), batch));
    sync->count.swept += list.count;
    if (!list.more) {
        sync->pass = SWEEP_PATHS;
        sync->cursor_len = 0;
    }
    return OK;
}

/* ---- paths ---- */

struct path_sweep {
    struct sync *sync;
    struct store_batch *batch;
    uint32_t count;
    bool more;
};

/* A record that the tree does not have goes. */
static enum err check_path(void *ctx, struct bytes key, struct bytes value)
{
    struct path_sweep *sweep = ctx;
    struct sync *sync = sweep->sync;
    const struct descent *at = &sync->descent;
    struct hash path;
    struct hash got;
    if (sweep->count == PATHS_A_PIECE) {
        note_cursor(sync, key);
        sweep->more = true;
        return STOP;
    }
    if (key.len != HASH_LEN || value.len == 0)
        return ERR_CORRUPT;
    memcpy(path.b, key.ptr, HASH_LEN);
    smt_path(&sync->chain, (enum state_table)value.ptr[0],
             bytes_make(value.ptr + 1, value.len - 1), &got);
    if (!hash_equal(&got, &path))
        return ERR_CORRUPT;
    sweep->count++;
    TRY(descend(sync, &path, 252));
    if (at->have > 0) {
        const struct smt_slot *slot =
            &at->pages[at->have - 1]
                 .slots[smt_nibble(&path, 4 * (at->have - 1))];
        if (slot->kind == SMT_LEAF && hash_equal(&slot->hash, &path))
            return OK;
    }
    if (SX_MUTANT(SWEEP_RECORDS))
        return OK;
    store_batch_delete(sweep->batch, STORE_STATE, value);
    store_batch_delete(sweep->batch, STORE_PATH, key);
    return OK;
}

static enum err sweep_paths(struct sync *sync, struct store_batch *batch)
{
    struct path_sweep sweep = {.sync = sync, .batch = batch};
    struct store_range range = {.table = STORE_PATH,
                                .from = {sync->cursor, sync->cursor_len}};
    enum err err = store_each(sync->store, &range, check_path, &sweep);
    if (err != OK && err != STOP)
        return err;
    sync->count.swept += sweep.count;
    if (!sweep.more)
        sync->pass = SWEEP_COUNTS;
    return OK;
}

/* ---- the end ---- */

/* Records and paths are written and deleted together. */
static enum err check_counts(struct sync *sync)
{
    struct store_stat stat;
    TRY(store_stat(sync->store, &stat));
    return stat.entries[STORE_STATE] == stat.entries[STORE_PATH] ? OK
                                                                 : ERR_CORRUPT;
}

static enum err sweep_piece(struct sync *sync, struct store_batch *batch,
                            bool *out_done)
{
    sync->descent.have = 0;
    *out_done = false;
    switch (sync->pass) {
    case SWEEP_PAGES:
        TRY(sweep_pages(sync, batch));
        /* The root is gone with a finding: nothing can be told from here. */
        *out_done = sync->again;
        return OK;
    case SWEEP_PATHS:
        return sweep_paths(sync, batch);
    case SWEEP_COUNTS:
        *out_done = true;
        return check_counts(sync);
    }
    CHECK(false); /* a sweep has three passes */
    return OK;
}

enum err sync_sweep(struct sync *sync, struct store_batch *batch,
                    bool *out_done, bool *out_again)
{
    bool done = false;
    CHECK(sync_walked(sync));
    TRY(store_hold(sync->store));
    enum err err = sweep_piece(sync, batch, &done);
    store_release(sync->store);
    TRY(err);
    if (done && sync->again && ++sync->sweeps > SWEEPS_MAX)
        return ERR_CORRUPT;
    *out_done = done;
    *out_again = sync->again;
    return store_batch_error(batch);
}
