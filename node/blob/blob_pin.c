#include <stdlib.h>

#include "base/check.h"
#include "node/blob/blob_store_impl.h"

enum err blob_store_pin_locked(struct blob_store *store,
                               struct blob_record *record, const char *owner)
{
    enum err err;

    if (blob_record_has_owner(record, owner))
        return OK;
    TRY(blob_record_own(record, owner));
    err = blob_disk_pin(&store->disk, &record->id, owner);
    if (err != OK)
        (void)blob_record_disown(record, owner);
    return err;
}

static bool unpin_locked(struct blob_store *store, struct blob_record *record,
                         const char *owner)
{
    if (!blob_record_disown(record, owner))
        return false;
    blob_disk_unpin(&store->disk, &record->id, owner, record->owner_count == 0);
    return true;
}

static enum err pin(struct blob_store *store, const struct hash *id,
                    const char *owner)
{
    struct blob_record *record;
    enum err err;

    TRY(blob_owner_check(owner));
    blob_store_lock(store);
    record = blob_index_find(&store->index, id);
    err = record == NULL ? ERR_NOT_FOUND
                         : blob_store_pin_locked(store, record, owner);
    blob_store_unlock(store);
    return err;
}

enum err blob_store_pin(struct blob_store *store, const struct hash *id,
                        const char *owner)
{
    TRY(pin(store, id, owner));
    return blob_store_flush(store);
}

enum err blob_store_unpin(struct blob_store *store, const struct hash *id,
                          const char *owner)
{
    struct blob_record *record;
    bool was;

    blob_store_lock(store);
    record = blob_index_find(&store->index, id);
    was = record != NULL && unpin_locked(store, record, owner);
    blob_store_unlock(store);
    return was ? OK : ERR_NOT_FOUND;
}

struct unpin_all {
    struct blob_store *store;
    const char *owner;
    uint32_t count;
};

static void unpin_one(void *ctx, struct blob_record *record)
{
    struct unpin_all *all = ctx;

    all->count += unpin_locked(all->store, record, all->owner);
}

uint32_t blob_store_unpin_owner(struct blob_store *store, const char *owner)
{
    struct unpin_all all = {store, owner, 0};

    blob_store_lock(store);
    blob_index_each(&store->index, unpin_one, &all);
    blob_store_unlock(store);
    return all.count;
}

bool blob_store_is_pinned(struct blob_store *store, const struct hash *id,
                          const char *owner)
{
    struct blob_record *record;
    bool pinned;

    blob_store_lock(store);
    record = blob_index_find(&store->index, id);
    pinned = record != NULL && blob_record_has_owner(record, owner);
    blob_store_unlock(store);
    return pinned;
}

bool blob_store_any_owner(struct blob_store *store, const struct hash *id,
                          bool (*match)(void *ctx, const char *owner),
                          void *ctx)
{
    struct blob_record *record;
    bool any = false;

    blob_store_lock(store);
    record = blob_index_find(&store->index, id);
    for (uint32_t i = 0; record != NULL && !any && i < record->owner_count; i++)
        any = match(ctx, record->owners[i]);
    blob_store_unlock(store);
    return any;
}

void blob_store_release(struct blob_store *store, const struct hash *id)
{
    struct blob_record *record;

    blob_store_lock(store);
    record = blob_index_find(&store->index, id);
    CHECK(record != NULL && record->holds > 0);
    record->holds--;
    blob_store_unlock(store);
}

/* One blob at a time, so that others get their turn. */
uint64_t blob_store_collect(struct blob_store *store)
{
    uint64_t freed = 0;
    size_t cursor = 0;
    struct blob_record *record;

    do {
        blob_store_lock(store);
        record = blob_index_unowned(&store->index, &cursor);
        if (record != NULL) {
            uint64_t before = store->index.used_bytes;

            blob_disk_remove(&store->disk, BLOB_KIND_MANIFEST, &record->id);
            blob_index_remove(&store->index, record, blob_store_chunk_gone,
                              store);
            freed += before - store->index.used_bytes;
        }
        blob_store_unlock(store);
    } while (record != NULL);
    return freed;
}

static void unpin_files(struct blob_store *store, const struct blob_tree *tree,
                        const bool *is_new, uint32_t count, const char *owner)
{
    for (uint32_t i = 0; i < count; i++)
        if (is_new[i])
            (void)!blob_store_unpin(store, &tree->files[i].id, owner);
}

static enum err pin_tree(struct blob_store *store, const struct hash *id,
                         const char *owner)
{
    struct blob_tree tree;
    bool *is_new = NULL;
    uint32_t i = 0;
    enum err err;

    TRY(blob_owner_check(owner));
    TRY(blob_store_tree(store, id, &tree));
    is_new = calloc(tree.count + 1, sizeof *is_new);
    err = is_new == NULL ? ERR_NOMEM : OK;
    for (; err == OK && i < tree.count; i++) {
        const struct hash *file = &tree.files[i].id;

        is_new[i] = !blob_store_is_pinned(store, file, owner);
        err = pin(store, file, owner);
    }
    if (err == OK)
        err = pin(store, id, owner);
    if (err != OK && is_new != NULL)
        unpin_files(store, &tree, is_new, i, owner);
    free(is_new);
    blob_tree_done(&tree);
    return err == ERR_NOT_FOUND ? ERR_BLOB : err;
}

enum err blob_store_pin_tree(struct blob_store *store, const struct hash *id,
                             const char *owner)
{
    TRY(pin_tree(store, id, owner));
    return blob_store_flush(store);
}

enum err blob_store_pin_again(struct blob_store *store, const struct hash *id,
                              const char *owner)
{
    return pin_tree(store, id, owner) == OK ? OK : pin(store, id, owner);
}
