/* The store in memory: for tests, for replays, and as the plain reading of what
 * a store is. */

#include "ledger/disk/store_backend.h"

#include "base/check.h"
#include "ledger/state/map.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    struct map_leaf leaf;
    struct bytes value;
    struct entry *next; /* while a commit prepares */
    uint8_t data[];     /* key, then value */
};

struct shelf {
    struct map tables[STORE_TABLES];
    uint64_t used_bytes;
};

struct store_mem {
    struct store store;
    struct shelf *shelf;
    bool owns; /* false: a reader of another's */
};

static struct store_mem *mem_of(struct store *store)
{
    return (struct store_mem *)(void *)store;
}

static struct entry *entry_of(struct map_leaf *leaf)
{
    return (struct entry *)(void *)leaf;
}

static enum err mem_hold(struct store *store)
{
    (void)store;
    return OK;
}

static void mem_release(struct store *store)
{
    (void)store;
}

static enum err mem_peek(struct store *store, enum store_table table,
                         struct bytes key, struct bytes *out)
{
    struct map_leaf *leaf = map_find(&mem_of(store)->shelf->tables[table], key);
    if (leaf == NULL)
        return ERR_NOT_FOUND;
    *out = entry_of(leaf)->value;
    return OK;
}

/* The last key with the prefix, when a downward range has no start. */
static struct map_leaf *last_with(const struct map *map, struct bytes prefix)
{
    uint8_t past[STORE_KEY_MAX + 1];
    CHECK(prefix.len <= STORE_KEY_MAX);
    if (prefix.len == 0)
        return map_last(map);
    memcpy(past, prefix.ptr, prefix.len);
    memset(past + prefix.len, 0xff, sizeof(past) - prefix.len);
    return map_floor(map, BYTES_OF(past));
}

static struct map_leaf *range_start(const struct map *map,
                                    const struct store_range *range)
{
    if (!range->down)
        return map_ceiling(map, store_range_from(range));
    if (range->from.len > 0)
        return map_floor(map, range->from);
    return last_with(map, range->prefix);
}

static enum err mem_each(struct store *store, const struct store_range *range,
                         store_each_fn fn, void *ctx)
{
    const struct map *map = &mem_of(store)->shelf->tables[range->table];
    struct map_leaf *leaf = range_start(map, range);
    while (leaf != NULL && store_range_has(range, leaf->key)) {
        TRY(fn(ctx, leaf->key, entry_of(leaf)->value));
        leaf = range->down ? map_before(map, leaf->key)
                           : map_after(map, leaf->key);
    }
    return OK;
}

static struct entry *entry_new(struct bytes key, struct bytes value)
{
    struct entry *entry = malloc(sizeof(*entry) + key.len + value.len);
    if (entry == NULL)
        return NULL;
    memset(entry, 0, sizeof(*entry));
    memcpy(entry->data, key.ptr, key.len);
    if (value.len > 0)
        memcpy(entry->data + key.len, value.ptr, value.len);
    entry->leaf.key = bytes_make(entry->data, key.len);
    entry->value = bytes_make(entry->data + key.len, value.len);
    return entry;
}

static void entries_free(struct entry *entry)
{
    while (entry != NULL) {
        struct entry *next = entry->next;
        free(entry);
        entry = next;
    }
}

/* The note of what an op changes: as it is before the batch, which is what the
 * first change of a key finds; the notes of later ones are not needed. */
static struct entry *note_new(const struct store_mem *mem,
                              const struct store_op *op)
{
    uint8_t raw[STORE_KEY_MAX];
    uint8_t *value;
    struct bytes old = bytes_make(NULL, 0);
    struct map_leaf *leaf = map_find(&mem->shelf->tables[op->table], op->key);
    if (leaf != NULL)
        old = entry_of(leaf)->value;
    value = malloc(1 + old.len);
    if (value == NULL)
        return NULL;
    value[0] = leaf != NULL;
    if (old.len > 0)
        memcpy(value + 1, old.ptr, old.len);
    struct entry *note = entry_new(store_undo_key(op->table, op->key, raw),
                                   bytes_make(value, 1 + old.len));
    free(value);
    return note;
}

/* All the memory a batch needs, in order: after this nothing can fail. */
static enum err prepare(const struct store_mem *mem,
                        const struct store_batch *batch, struct entry **out)
{
    struct entry *first = NULL;
    struct entry **last = &first;
    struct store_op op;
    size_t at = 0;
    while (store_batch_next(batch, &at, &op)) {
        for (unsigned note = 0; note < 2; note++) {
            if (note == 0 ? !op.keeps_old : op.is_delete || op.is_clear)
                continue;
            *last =
                note == 0 ? note_new(mem, &op) : entry_new(op.key, op.value);
            if (*last == NULL) {
                entries_free(first);
                return ERR_NOMEM;
            }
            last = &(*last)->next;
        }
    }
    *out = first;
    return OK;
}

static void drop(struct store_mem *mem, enum store_table table,
                 struct bytes key)
{
    struct map_leaf *leaf = map_remove(&mem->shelf->tables[table], key);
    if (leaf == NULL)
        return;
    mem->shelf->used_bytes -= leaf->key.len + entry_of(leaf)->value.len;
    free(entry_of(leaf));
}

static void drop_all(struct store_mem *mem, enum store_table table)
{
    struct map_leaf *leaf;
    while ((leaf = map_first(&mem->shelf->tables[table])) != NULL)
        drop(mem, table, leaf->key);
}

/* The next prepared one; false: there is one with its key already. */
static bool insert(struct store_mem *mem, enum store_table table,
                   struct entry **entry)
{
    struct entry *ours = *entry;
    CHECK(ours != NULL);
    *entry = ours->next;
    ours->next = NULL;
    if (map_insert(&mem->shelf->tables[table], &ours->leaf) != NULL) {
        free(ours);
        return false;
    }
    mem->shelf->used_bytes += ours->leaf.key.len + ours->value.len;
    return true;
}

static enum err mem_commit(struct store *store, const struct store_batch *batch)
{
    struct store_mem *mem = mem_of(store);
    struct entry *entry;
    struct store_op op;
    size_t at = 0;
    CHECK(store->held == 0 && mem->owns);
    TRY(prepare(mem, batch, &entry));
    while (store_batch_next(batch, &at, &op)) {
        if (op.is_clear) {
            drop_all(mem, op.table);
            continue;
        }
        if (op.keeps_old)
            (void)insert(mem, STORE_UNDO, &entry);
        drop(mem, op.table, op.key);
        if (!op.is_delete)
            CHECK(insert(mem, op.table, &entry));
    }
    CHECK(entry == NULL);
    return OK;
}

static enum err mem_stat(struct store *store, struct store_stat *out)
{
    struct store_mem *mem = mem_of(store);
    memset(out, 0, sizeof(*out));
    out->used_bytes = mem->shelf->used_bytes;
    for (unsigned i = 0; i < STORE_TABLES; i++)
        out->entries[i] = mem->shelf->tables[i].count;
    return OK;
}

static void mem_check_readers(struct store *store)
{
    (void)store;
}

static void mem_close(struct store *store)
{
    struct store_mem *mem = mem_of(store);
    for (unsigned i = 0; i < STORE_TABLES && mem->owns; i++)
        drop_all(mem, (enum store_table)i);
    if (mem->owns)
        free(mem->shelf);
    free(mem);
}

static enum err mem_reader(struct store *store, struct store **out);

static const struct store_ops mem_ops = {
    .hold = mem_hold,
    .release = mem_release,
    .peek = mem_peek,
    .each = mem_each,
    .commit = mem_commit,
    .reader = mem_reader,
    .stat = mem_stat,
    .check_readers = mem_check_readers,
    .close = mem_close,
};

static enum err mem_reader(struct store *store, struct store **out)
{
    struct store_mem *mem = calloc(1, sizeof(*mem));
    if (mem == NULL)
        return ERR_NOMEM;
    mem->store.ops = &mem_ops;
    mem->shelf = mem_of(store)->shelf;
    *out = &mem->store;
    return OK;
}

enum err store_mem_new(struct store **out)
{
    struct store_mem *mem = calloc(1, sizeof(*mem));
    struct shelf *shelf = calloc(1, sizeof(*shelf));
    if (mem == NULL || shelf == NULL) {
        free(mem);
        free(shelf);
        return ERR_NOMEM;
    }
    mem->store.ops = &mem_ops;
    mem->shelf = shelf;
    mem->owns = true;
    *out = &mem->store;
    return OK;
}
