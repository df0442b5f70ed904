#include "ledger/state/overlay.h"

#include "base/check.h"
#include "base/limits.h"
#include "ledger/state/map.h"

#include <stdlib.h>
#include <string.h>

#define KEY_MAX (STORE_KEY_MAX - 2) /* the table's byte, and undo's */

/* Records found of late: what one transaction of a block touches, others do,
 * too. A miss costs the search there would have been anyway, whatever keys a
 * stranger picks. A small overlay has none. */
#define RECENT      1024u
#define RECENT_FROM 64u /* records */

enum presence {
    UNSET = 0, /* says nothing: look below */
    PRESENT,
    DELETED,
};

struct record {
    struct map_leaf leaf; /* key: table u8 | key */
    struct bytes value;
    enum presence presence;
    /* of a sealed state: where it stands in the tree, and whether the parent
     * has no such record, or this one none any more */
    bool is_moved;
    bool has_path;
    struct hash path;
};

/* What a record was before a change, for rollback. */
struct undo {
    struct record *record;
    struct bytes value;
    enum presence presence;
};

struct page {
    struct map_leaf leaf;
    struct bytes bytes; /* empty: deleted */
};

struct state {
    struct state *parent; /* NULL: the ground */
    struct store *store;
    struct hash chain;
    struct arena arena;
    struct map records;
    struct record **recent; /* RECENT of them, or NULL */
    struct map pages;
    struct undo *undos;
    size_t undo_count;
    size_t undo_cap;
    bool sealed;
    unsigned refs; /* the maker's and one per overlay on it */
};

/* ---- life ---- */

static enum err state_make(struct state *parent, struct store *store,
                           const struct hash *chain, struct state **out)
{
    struct state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return ERR_NOMEM;
    state->parent = parent;
    state->store = store;
    state->chain = *chain;
    state->refs = 1;
    if (parent != NULL)
        parent->refs++;
    arena_init(&state->arena, OVERLAY_BYTES_MAX);
    *out = state;
    return OK;
}

enum err state_ground(struct store *store, const struct hash *chain,
                      struct state **out)
{
    TRY(state_make(NULL, store, chain, out));
    (*out)->sealed = true;
    return OK;
}

enum err state_fork(struct state *parent, struct state **out)
{
    return state_make(parent, parent->store, &parent->chain, out);
}

void state_free(struct state *state)
{
    while (state != NULL) {
        struct state *parent = state->parent;
        CHECK(state->refs > 0);
        if (--state->refs > 0)
            return;
        arena_done(&state->arena);
        free(state->recent);
        free(state->undos);
        free(state);
        state = parent;
    }
}

void state_rebase(struct state *state, struct state *parent)
{
    struct state *old = state->parent;
    CHECK(old != NULL);
    CHECK(parent->store == state->store);
    parent->refs++;
    state->parent = parent;
    state_free(old);
}

unsigned state_depth(const struct state *state)
{
    unsigned depth = 0;
    for (; state->parent != NULL; state = state->parent)
        depth++;
    return depth;
}

/* ---- keys ---- */

struct key {
    uint8_t raw[STORE_KEY_MAX];
    struct bytes bytes;
};

static bool key_make(enum state_table table, struct bytes key, struct key *out)
{
    if (key.len > KEY_MAX)
        return false;
    out->raw[0] = (uint8_t)table;
    if (key.len > 0)
        memcpy(out->raw + 1, key.ptr, key.len);
    out->bytes = bytes_make(out->raw, key.len + 1);
    return true;
}

static struct record *record_of(struct map_leaf *leaf)
{
    return (struct record *)(void *)leaf;
}

/* Where a record with this key is remembered; NULL: nowhere. The first byte
 * says little, it is the table's. */
static struct record **recent_of(const struct state *state, struct bytes key)
{
    if (state->recent == NULL || key.len < 3)
        return NULL;
    return &state->recent[((unsigned)key.ptr[1] | (unsigned)key.ptr[2] << 8) %
                          RECENT];
}

/* Without memory for it nothing is remembered. */
static void remember(struct state *state, struct record *record)
{
    if (state->recent == NULL && state->records.count >= RECENT_FROM)
        state->recent = calloc(RECENT, sizeof(*state->recent));
    struct record **recent = recent_of(state, record->leaf.key);
    if (recent != NULL)
        *recent = record;
}

/* The overlay's own record of a key, or NULL. */
static struct record *find(struct state *state, struct bytes key)
{
    struct record **recent = recent_of(state, key);
    if (recent != NULL && *recent != NULL &&
        bytes_equal((*recent)->leaf.key, key))
        return *recent;
    struct map_leaf *leaf = map_find(&state->records, key);
    if (leaf == NULL)
        return NULL;
    remember(state, record_of(leaf));
    return record_of(leaf);
}

/* The record of the nearest overlay that says something, or NULL: ask the
 * store. */
static struct record *nearest(struct state *state, struct bytes key)
{
    for (; state->parent != NULL; state = state->parent) {
        struct record *record = find(state, key);
        if (record != NULL && record->presence != UNSET)
            return record;
    }
    return NULL;
}

/* ---- reading ---- */

enum err state_get(struct state *state, enum state_table table,
                   struct bytes key, struct arena *arena,
                   struct bytes *out_value)
{
    struct key full;
    if (!key_make(table, key, &full))
        return ERR_NOT_FOUND;
    struct record *record = nearest(state, full.bytes);
    if (record == NULL)
        return store_get(state->store, STORE_STATE, full.bytes, arena,
                         out_value);
    if (record->presence == DELETED)
        return ERR_NOT_FOUND;
    return arena_copy(arena, record->value, out_value);
}

/* What a record says; NULL: the store is asked. */
static enum err read_record(struct state *state, const struct record *record,
                            struct bytes key, void *out, size_t cap,
                            size_t *out_len)
{
    if (record == NULL)
        return store_read(state->store, STORE_STATE, key, out, cap, out_len);
    if (record->presence == DELETED)
        return ERR_NOT_FOUND;
    if (record->value.len > cap)
        return ERR_CORRUPT;
    if (record->value.len > 0)
        memcpy(out, record->value.ptr, record->value.len);
    *out_len = record->value.len;
    return OK;
}

enum err state_read(struct state *state, enum state_table table,
                    struct bytes key, void *out, size_t cap, size_t *out_len)
{
    struct key full;
    if (!key_make(table, key, &full))
        return ERR_NOT_FOUND;
    return read_record(state, nearest(state, full.bytes), full.bytes, out, cap,
                       out_len);
}

/* ---- writing ---- */

static enum err undo_push(struct state *state, struct record *record)
{
    if (state->undo_count == state->undo_cap) {
        size_t cap = state->undo_cap == 0 ? 64 : state->undo_cap * 2;
        struct undo *undos = realloc(state->undos, cap * sizeof(*undos));
        if (undos == NULL)
            return ERR_NOMEM;
        state->undos = undos;
        state->undo_cap = cap;
    }
    state->undos[state->undo_count++] =
        (struct undo){record, record->value, record->presence};
    return OK;
}

/* The overlay's own record of a key, made when it has none. */
static enum err own_record(struct state *state, struct bytes key,
                           struct record **out)
{
    struct record *record = find(state, key);
    struct bytes copy;
    if (record != NULL) {
        *out = record;
        return OK;
    }
    record = arena_alloc(&state->arena, sizeof(*record));
    if (record == NULL)
        return ERR_NOMEM;
    TRY(arena_copy(&state->arena, key, &copy));
    record->leaf.key = copy;
    CHECK(map_insert(&state->records, &record->leaf) == NULL);
    remember(state, record);
    *out = record;
    return OK;
}

static enum err change(struct state *state, enum state_table table,
                       struct bytes key, struct bytes value,
                       enum presence presence)
{
    struct key full;
    struct record *record;
    struct bytes copy;
    CHECK(!state->sealed);
    if (value.len > LIMIT_STATE_VALUE || !key_make(table, key, &full))
        return ERR_TOO_LARGE;
    TRY(own_record(state, full.bytes, &record));
    TRY(arena_copy(&state->arena, value, &copy));
    TRY(undo_push(state, record));
    record->value = copy;
    record->presence = presence;
    return OK;
}

enum err state_put(struct state *state, enum state_table table,
                   struct bytes key, struct bytes value)
{
    return change(state, table, key, value, PRESENT);
}

enum err state_delete(struct state *state, enum state_table table,
                      struct bytes key)
{
    return change(state, table, key, bytes_make(NULL, 0), DELETED);
}

struct state_mark state_mark(struct state *state)
{
    CHECK(!state->sealed);
    return (struct state_mark){state->undo_count};
}

void state_rollback(struct state *state, struct state_mark mark)
{
    CHECK(!state->sealed);
    CHECK(mark.mark <= state->undo_count);
    while (state->undo_count > mark.mark) {
        struct undo *undo = &state->undos[--state->undo_count];
        undo->record->value = undo->value;
        undo->record->presence = undo->presence;
    }
}

/* ---- scanning: the parent's records with our own merged in ---- */

struct merge {
    struct state *state;
    struct record *next; /* our next one not yet told */
    struct bytes table;
    state_each_fn fn;
    void *ctx;
};

static struct record *next_record(const struct merge *merge,
                                  struct map_leaf *leaf)
{
    const struct map *records = &merge->state->records;
    while (leaf != NULL) {
        struct record *record = record_of(leaf);
        if (leaf->key.ptr[0] != merge->table.ptr[0])
            return NULL;
        if (record->presence != UNSET)
            return record;
        leaf = map_after(records, leaf->key);
    }
    return NULL;
}

static enum err tell_next(struct merge *merge)
{
    struct record *record = merge->next;
    merge->next =
        next_record(merge, map_after(&merge->state->records, record->leaf.key));
    if (record->presence == DELETED)
        return OK;
    return merge->fn(merge->ctx, record->leaf.key, record->value);
}

static enum err merge_one(void *ctx, struct bytes key, struct bytes value)
{
    struct merge *merge = ctx;
    while (merge->next != NULL) {
        int order = bytes_compare(merge->next->leaf.key, key);
        if (order > 0)
            break;
        TRY(tell_next(merge));
        if (order == 0)
            return OK;
    }
    return merge->fn(merge->ctx, key, value);
}

/* fn sees full keys, table byte first. */
static enum err each_full(struct state *state, struct bytes table,
                          state_each_fn fn, void *ctx)
{
    if (state->parent == NULL) {
        struct store_range range = {.table = STORE_STATE, .prefix = table};
        return store_each(state->store, &range, fn, ctx);
    }
    struct merge merge = {.state = state, .table = table, .fn = fn, .ctx = ctx};
    merge.next = next_record(&merge, map_ceiling(&state->records, table));
    TRY(each_full(state->parent, table, merge_one, &merge));
    while (merge.next != NULL)
        TRY(tell_next(&merge));
    return OK;
}

struct strip {
    state_each_fn fn;
    void *ctx;
};

static enum err strip_table(void *ctx, struct bytes key, struct bytes value)
{
    struct strip *strip = ctx;
    CHECK(key.len >= 1);
    return strip->fn(strip->ctx, bytes_make(key.ptr + 1, key.len - 1), value);
}

enum err state_each(struct state *state, enum state_table table,
                    state_each_fn fn, void *ctx)
{
    uint8_t number = (uint8_t)table;
    struct strip strip = {.fn = fn, .ctx = ctx};
    return each_full(state, bytes_make(&number, 1), strip_table, &strip);
}

/* ---- pages of the tree ---- */

static enum err pages_get(void *ctx, struct bytes key,
                          uint8_t out[SMT_PAGE_BYTES_MAX], size_t *out_len)
{
    struct state *state = ctx;
    for (; state->parent != NULL; state = state->parent) {
        struct page *page = (struct page *)(void *)map_find(&state->pages, key);
        if (page == NULL)
            continue;
        if (page->bytes.len > 0)
            memcpy(out, page->bytes.ptr, page->bytes.len);
        *out_len = page->bytes.len;
        return OK;
    }
    enum err err = store_read(state->store, STORE_PAGE, key, out,
                              SMT_PAGE_BYTES_MAX, out_len);
    if (err == ERR_NOT_FOUND) {
        *out_len = 0;
        return OK;
    }
    return err;
}

static enum err pages_put(void *ctx, struct bytes key, struct bytes bytes)
{
    struct state *state = ctx;
    struct bytes copy;
    CHECK(state->parent != NULL);
    struct page *page = (struct page *)(void *)map_find(&state->pages, key);
    if (page == NULL) {
        page = arena_alloc(&state->arena, sizeof(*page));
        if (page == NULL)
            return ERR_NOMEM;
        TRY(arena_copy(&state->arena, key, &copy));
        page->leaf.key = copy;
        CHECK(map_insert(&state->pages, &page->leaf) == NULL);
    }
    return arena_copy(&state->arena, bytes, &page->bytes);
}

struct smt_pages state_pages(struct state *state)
{
    return (struct smt_pages){pages_get, pages_put, state};
}

void state_path(const struct state *state, enum state_table table,
                struct bytes key, struct hash *out)
{
    smt_path(&state->chain, table, key, out);
}

enum err state_root(struct state *state, struct hash *out)
{
    struct smt_pages pages = state_pages(state);
    CHECK(state->sealed);
    return smt_root(&pages, out);
}

/* ---- sealing ---- */

/* Sums what accounts and vaults gained and lost. 128 bits: 2^64 records of
 * 2^63 do not overflow. */
__extension__ typedef __int128 i128;

static bool holds_money(uint8_t table)
{
    return table == STATE_ACCOUNT || table == STATE_VAULT;
}

static i128 money_in(struct bytes value)
{
    return value.len >= 8 ? (i128)u64le_get(value.ptr) : 0;
}

/* Where a record stands follows from its key alone: an overlay below may have
 * computed it. */
static void find_path(const struct state *state, struct record *record,
                      const struct record *before)
{
    struct bytes key = record->leaf.key;
    if (before != NULL && before->has_path)
        record->path = before->path;
    else
        smt_path(&state->chain, (enum state_table)key.ptr[0],
                 bytes_make(key.ptr + 1, key.len - 1), &record->path);
    record->has_path = true;
}

/* Turns one changed record into a change of the tree; *out_same when it is what
 * the parent has. */
static enum err seal_record(struct state *state, struct record *record,
                            struct smt_change *out, i128 *money, bool *out_same)
{
    uint8_t raw[LIMIT_STATE_VALUE];
    size_t len = 0;
    struct bytes key = record->leaf.key;
    const struct record *before = nearest(state->parent, key);
    enum err err =
        read_record(state->parent, before, key, raw, sizeof(raw), &len);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    struct bytes old = bytes_make(raw, len);
    bool is_there = record->presence == PRESENT;
    *out_same = (err == OK) == is_there &&
                (!is_there || bytes_equal(old, record->value));
    if (*out_same)
        return OK;
    if (holds_money(key.ptr[0]))
        *money += money_in(record->value) - money_in(old);
    find_path(state, record, before);
    record->is_moved = (err == OK) != is_there;
    out->path = record->path;
    memset(&out->value, 0, sizeof(out->value));
    if (is_there)
        hash_bytes(HASH_TAG_VALUE, record->value, &out->value);
    return OK;
}

struct sealing {
    struct state *state;
    struct smt_change *changes;
    size_t count;
    i128 money;
};

static enum err seal_one(void *ctx, struct map_leaf *leaf)
{
    struct sealing *sealing = ctx;
    struct record *record = record_of(leaf);
    bool same = false;
    if (record->presence == UNSET)
        return OK;
    TRY(seal_record(sealing->state, record, &sealing->changes[sealing->count],
                    &sealing->money, &same));
    if (same)
        record->presence = UNSET;
    else
        sealing->count++;
    return OK;
}

enum err state_seal(struct state *state, struct amount minted,
                    struct hash *out_root)
{
    struct sealing sealing = {.state = state};
    struct smt_pages pages = state_pages(state);
    CHECK(!state->sealed);
    CHECK(state->parent != NULL);
    sealing.changes =
        calloc(state->records.count + 1, sizeof(*sealing.changes));
    if (sealing.changes == NULL)
        return ERR_NOMEM;
    enum err err = map_each(&state->records, seal_one, &sealing);
    if (err == OK)
        err = smt_update(&pages, sealing.changes, sealing.count, out_root);
    free(sealing.changes);
    TRY(err);
    /* No rule can be left out of this sum: it looks at the records. */
    if (sealing.money !=
        (i128)minted.micro) /* lint: micro (128 bits, signed) */
        return ERR_CONSERVATION;
    free(state->undos);
    state->undos = NULL;
    state->undo_count = 0;
    state->undo_cap = 0;
    state->sealed = true;
    return OK;
}

/* Who has only the tree finds the record through its path. */
static void path_to_batch(const struct record *record,
                          struct store_batch *batch)
{
    struct bytes path = hash_as_bytes(&record->path);
    if (record->presence == PRESENT)
        store_batch_put(batch, STORE_PATH, path, record->leaf.key);
    else
        store_batch_delete(batch, STORE_PATH, path);
}

static enum err record_to_batch(void *ctx, struct map_leaf *leaf)
{
    struct store_batch *batch = ctx;
    const struct record *record = record_of(leaf);
    if (record->presence == PRESENT)
        store_batch_put(batch, STORE_STATE, leaf->key, record->value);
    else if (record->presence == DELETED)
        store_batch_delete(batch, STORE_STATE, leaf->key);
    if (record->is_moved)
        path_to_batch(record, batch);
    return OK;
}

static enum err page_to_batch(void *ctx, struct map_leaf *leaf)
{
    struct store_batch *batch = ctx;
    const struct page *page = (struct page *)(void *)leaf;
    if (page->bytes.len > 0)
        store_batch_put(batch, STORE_PAGE, leaf->key, page->bytes);
    else
        store_batch_delete(batch, STORE_PAGE, leaf->key);
    return OK;
}

void state_to_batch(const struct state *state, struct store_batch *batch)
{
    CHECK(state->sealed && state->parent != NULL);
    CHECK(map_each(&state->records, record_to_batch, batch) == OK);
    CHECK(map_each(&state->pages, page_to_batch, batch) == OK);
}
