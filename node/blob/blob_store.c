#include "node/blob/blob_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/blob/blob_store_impl.h"

void blob_store_lock(struct blob_store *store)
{
    CHECK(pthread_mutex_lock(&store->lock) == 0);
}

void blob_store_unlock(struct blob_store *store)
{
    CHECK(pthread_mutex_unlock(&store->lock) == 0);
}

void blob_store_chunk_gone(void *ctx, const struct blob_chunk *chunk)
{
    struct blob_store *store = ctx;

    blob_disk_remove(&store->disk, BLOB_KIND_CHUNK, &chunk->id);
}

void blob_store_unref_locked(struct blob_store *store, struct blob_chunk *chunk)
{
    struct hash id = chunk->id;
    bool was_present;

    blob_index_chunk_unref(&store->index, chunk, &was_present);
    if (was_present)
        blob_disk_remove(&store->disk, BLOB_KIND_CHUNK, &id);
}

/* ---- loading ---- */

/* Chunk files found on disk, each with a reference until the manifests that
 * need them are read. */
struct found {
    struct blob_store *store;
    struct blob_chunk **chunks;
    size_t count, cap;
    struct hash *manifests;
    size_t manifest_count, manifest_cap;
};

void *blob_store_grow(void *array, size_t count, size_t *cap, size_t size)
{
    size_t more = *cap == 0 ? 256 : *cap * 2;
    void *p;

    if (count < *cap)
        return array;
    p = realloc(array, more * size);
    if (p != NULL)
        *cap = more;
    return p;
}

static enum err found_chunk(void *ctx, const struct hash *id, uint64_t bytes)
{
    struct found *found = ctx;
    void *grown;

    if (bytes == 0 || bytes > BLOB_CHUNK_BYTES) {
        blob_disk_remove(&found->store->disk, BLOB_KIND_CHUNK, id);
        return OK;
    }
    grown = blob_store_grow(found->chunks, found->count, &found->cap,
                            sizeof(struct blob_chunk *));
    if (grown == NULL)
        return ERR_NOMEM;
    found->chunks = grown;
    TRY(blob_index_chunk_ref(&found->store->index, id, (uint32_t)bytes,
                             &found->chunks[found->count]));
    blob_index_present(&found->store->index, found->chunks[found->count++],
                       true);
    return OK;
}

/* Only noted: reading it would change the directory while it is listed. */
static enum err found_manifest(void *ctx, const struct hash *id, uint64_t bytes)
{
    struct found *found = ctx;
    void *grown;

    (void)bytes;
    grown = blob_store_grow(found->manifests, found->manifest_count,
                            &found->manifest_cap, sizeof(struct hash));
    if (grown == NULL)
        return ERR_NOMEM;
    found->manifests = grown;
    found->manifests[found->manifest_count++] = *id;
    return OK;
}

/* Reads and verifies a manifest; *out is given on OK. */
static enum err read_manifest(struct blob_store *store, const struct hash *id,
                              struct blob_manifest *out, uint32_t *out_len)
{
    uint8_t *text = malloc(BLOB_MANIFEST_MAX);
    struct hash got;
    size_t len = 0;
    enum err err;

    if (text == NULL)
        return ERR_NOMEM;
    err = blob_disk_read(&store->disk, BLOB_KIND_MANIFEST, id, text,
                         BLOB_MANIFEST_MAX, &len);
    if (err == ERR_TOO_LARGE)
        err = ERR_BLOB;
    if (err != OK)
        goto out;
    blob_id(bytes_make(text, len), &got);
    if (!hash_equal(&got, id) ||
        blob_manifest_decode(bytes_make(text, len), out) != OK)
        err = ERR_BLOB;
    *out_len = (uint32_t)len;
out:
    free(text);
    return err;
}

static enum err load_owner(void *ctx, const char *owner)
{
    struct blob_record *record = ctx;

    if (blob_owner_check(owner) != OK)
        return OK;
    return blob_record_own(record, owner);
}

static enum err load_manifest(struct blob_store *store, const struct hash *id)
{
    struct blob_manifest manifest = {0};
    struct blob_record *record;
    uint32_t len;
    enum err err;

    err = read_manifest(store, id, &manifest, &len);
    if (err == ERR_BLOB) {
        store->damaged++;
        blob_disk_remove(&store->disk, BLOB_KIND_MANIFEST, id);
        return OK;
    }
    if (err != OK)
        return err;
    err = blob_index_add(&store->index, id, &manifest, len, &record);
    if (err == OK)
        err = blob_disk_each_pin(&store->disk, id, load_owner, record);
    blob_manifest_done(&manifest);
    return err;
}

static bool is_known(void *ctx, const struct hash *id)
{
    struct blob_store *store = ctx;

    return blob_index_find(&store->index, id) != NULL;
}

static enum err load(struct blob_store *store)
{
    struct found found = {.store = store};
    struct blob_disk *disk = &store->disk;
    enum err err;

    err = blob_disk_each(disk, BLOB_KIND_CHUNK, found_chunk, &found);
    if (err == OK)
        err = blob_disk_each(disk, BLOB_KIND_MANIFEST, found_manifest, &found);
    for (size_t i = 0; err == OK && i < found.manifest_count; i++)
        err = load_manifest(store, &found.manifests[i]);
    if (err == OK)
        err = blob_disk_prune_pins(disk, is_known, store);
    for (size_t i = 0; err == OK && i < found.count; i++)
        blob_store_unref_locked(store, found.chunks[i]);
    free(found.chunks);
    free(found.manifests);
    return err;
}

enum err blob_store_open(const struct blob_store_config *config,
                         struct blob_store **out)
{
    struct blob_store *store = calloc(1, sizeof *store);
    enum err err;

    if (store == NULL)
        return ERR_NOMEM;
    store->sync = config->sync;
    err = blob_disk_open(&store->disk, config->dir);
    if (err != OK)
        goto out;
    err = blob_index_init(&store->index, 0);
    if (err == OK)
        err = load(store);
    if (err != OK) {
        blob_index_done(&store->index);
        blob_disk_close(&store->disk);
        goto out;
    }
    /* What is there already may stay, even above a quota made smaller. */
    store->index.quota_bytes = config->quota_bytes;
    CHECK(pthread_mutex_init(&store->lock, NULL) == 0);
    *out = store;
    return OK;
out:
    free(store);
    return err;
}

void blob_store_close(struct blob_store *store)
{
    if (store == NULL)
        return;
    (void)pthread_mutex_destroy(&store->lock);
    blob_index_done(&store->index);
    blob_disk_close(&store->disk);
    free(store);
}

/* ---- what is known ---- */

void blob_store_stats(struct blob_store *store, struct blob_stats *out)
{
    blob_store_lock(store);
    *out = (struct blob_stats){.quota_bytes = store->index.quota_bytes,
                               .used_bytes = store->index.used_bytes,
                               .coming_bytes = store->index.coming_bytes,
                               .blobs = store->index.record_count,
                               .chunks = store->index.chunk_count,
                               .damaged = store->damaged};
    blob_store_unlock(store);
}

void blob_store_room_set(struct blob_store *store, uint64_t bytes,
                         uint64_t spare)
{
    blob_store_lock(store);
    store->index.spare_bytes = spare;
    store->index.room_bytes = bytes;
    blob_store_unlock(store);
}

enum err blob_store_info(struct blob_store *store, const struct hash *id,
                         struct blob_info *out)
{
    struct blob_record *record;
    enum err err = ERR_NOT_FOUND;

    blob_store_lock(store);
    record = blob_index_find(&store->index, id);
    if (record != NULL) {
        out->bytes = record->bytes;
        out->chunk_count = record->chunk_count;
        out->chunks_present = blob_record_present(record);
        out->owner_count = record->owner_count;
        out->complete = out->chunks_present == out->chunk_count;
        err = OK;
    }
    blob_store_unlock(store);
    return err;
}

enum err blob_store_missing(struct blob_store *store, const struct hash *id,
                            uint32_t from, uint32_t *out, uint32_t out_max,
                            uint32_t *out_count)
{
    struct blob_record *record;
    uint32_t count = 0;

    blob_store_lock(store);
    record = blob_index_find(&store->index, id);
    for (uint32_t i = from; record != NULL && i < record->chunk_count; i++) {
        if (count == out_max)
            break;
        if (!record->chunks[i]->present)
            out[count++] = i;
    }
    blob_store_unlock(store);
    if (record == NULL)
        return ERR_NOT_FOUND;
    *out_count = count;
    return OK;
}

bool blob_store_has_chunk(struct blob_store *store, const struct hash *id,
                          uint32_t index)
{
    struct blob_record *record;
    bool has;

    blob_store_lock(store);
    record = blob_index_find(&store->index, id);
    has = record != NULL && index < record->chunk_count &&
          record->chunks[index]->present;
    blob_store_unlock(store);
    return has;
}

/* ---- manifests ---- */

enum err blob_store_publish_locked(struct blob_store *store,
                                   const struct hash *id,
                                   const struct blob_manifest *manifest,
                                   uint32_t manifest_len,
                                   const struct blob_temp *file,
                                   struct blob_record **out)
{
    struct blob_record *record = blob_index_find(&store->index, id);
    enum err err;

    if (record != NULL) {
        blob_disk_drop(&store->disk, file);
        *out = record;
        return OK;
    }
    err = blob_index_add(&store->index, id, manifest, manifest_len, &record);
    if (err != OK) {
        blob_disk_drop(&store->disk, file);
        return err;
    }
    err = blob_disk_publish(&store->disk, file, BLOB_KIND_MANIFEST, id);
    if (err != OK) {
        blob_index_remove(&store->index, record, blob_store_chunk_gone, store);
        return err;
    }
    *out = record;
    return OK;
}

static enum err add_manifest(struct blob_store *store, const struct hash *id,
                             struct bytes text,
                             const struct blob_manifest *manifest,
                             const char *owner)
{
    struct blob_record *record;
    struct blob_temp file;
    enum err err;

    TRY(blob_disk_stage(&store->disk, text, &file));
    blob_store_lock(store);
    err = blob_store_publish_locked(store, id, manifest, (uint32_t)text.len,
                                    &file, &record);
    if (err == OK) {
        err = blob_store_pin_locked(store, record, owner);
        if (err != OK && record->owner_count == 0 && record->holds == 0) {
            blob_disk_remove(&store->disk, BLOB_KIND_MANIFEST, id);
            blob_index_remove(&store->index, record, blob_store_chunk_gone,
                              store);
        }
    }
    blob_store_unlock(store);
    return err;
}

enum err blob_store_add_manifest(struct blob_store *store,
                                 const struct hash *id, struct bytes text,
                                 uint64_t bytes_max, const char *owner)
{
    struct blob_manifest manifest;
    struct hash got;
    enum err err;

    TRY(blob_owner_check(owner));
    blob_id(text, &got);
    if (text.len > BLOB_MANIFEST_MAX || !hash_equal(&got, id))
        return ERR_BLOB;
    TRY(blob_manifest_decode(text, &manifest));
    err = manifest.bytes > bytes_max
              ? ERR_TOO_LARGE
              : add_manifest(store, id, text, &manifest, owner);
    blob_manifest_done(&manifest);
    return err;
}

enum err blob_store_manifest(struct blob_store *store, const struct hash *id,
                             struct buf *out)
{
    struct blob_manifest manifest = {0};
    uint32_t len;

    TRY(read_manifest(store, id, &manifest, &len));
    blob_manifest_encode(&manifest, out);
    blob_manifest_done(&manifest);
    return out->err;
}

/* ---- chunks ---- */

/* Finds a chunk of a blob, with a reference that keeps it. */
static enum err chunk_borrow(struct blob_store *store, const struct hash *id,
                             uint32_t index, struct blob_chunk **out)
{
    struct blob_record *record;
    enum err err = OK;

    blob_store_lock(store);
    record = blob_index_find(&store->index, id);
    if (record == NULL)
        err = ERR_NOT_FOUND;
    else if (index >= record->chunk_count)
        err = ERR_RANGE;
    else {
        *out = record->chunks[index];
        (*out)->refs++;
    }
    blob_store_unlock(store);
    return err;
}

static void chunk_return(struct blob_store *store, struct blob_chunk *chunk)
{
    blob_store_lock(store);
    blob_store_unref_locked(store, chunk);
    blob_store_unlock(store);
}

static bool is_present(struct blob_store *store, const struct blob_chunk *chunk)
{
    bool present;

    blob_store_lock(store);
    present = chunk->present;
    blob_store_unlock(store);
    return present;
}

/* id and len of a borrowed chunk do not change. */
static bool is_content(const struct blob_chunk *chunk, struct bytes content)
{
    struct hash got;

    if (content.len != chunk->len)
        return false;
    blob_chunk_hash(content, &got);
    return hash_equal(&got, &chunk->id);
}

enum err blob_store_write(struct blob_store *store, struct blob_chunk *chunk,
                          struct bytes content)
{
    struct blob_temp file;
    enum err err;

    TRY(blob_disk_stage(&store->disk, content, &file));
    blob_store_lock(store);
    err = blob_disk_publish(&store->disk, &file, BLOB_KIND_CHUNK, &chunk->id);
    if (err == OK)
        blob_index_present(&store->index, chunk, true);
    blob_store_unlock(store);
    return err;
}

enum err blob_store_put_chunk(struct blob_store *store, const struct hash *id,
                              uint32_t index, struct bytes content)
{
    struct blob_chunk *chunk;
    enum err err = OK;

    TRY(chunk_borrow(store, id, index, &chunk));
    if (!is_content(chunk, content))
        err = ERR_BLOB;
    else if (!is_present(store, chunk))
        err = blob_store_write(store, chunk, content);
    chunk_return(store, chunk);
    return err;
}

static void chunk_damaged(struct blob_store *store, struct blob_chunk *chunk)
{
    blob_store_lock(store);
    if (chunk->present) {
        blob_index_present(&store->index, chunk, false);
        store->damaged++;
        blob_disk_remove(&store->disk, BLOB_KIND_CHUNK, &chunk->id);
    }
    blob_store_unlock(store);
}

enum err blob_store_get_chunk(struct blob_store *store, const struct hash *id,
                              uint32_t index, uint8_t *out, uint32_t *out_len)
{
    struct blob_chunk *chunk;
    size_t len = 0;
    enum err err;

    err = chunk_borrow(store, id, index, &chunk);
    if (err != OK)
        return ERR_NOT_FOUND;
    err = ERR_NOT_FOUND;
    if (!is_present(store, chunk))
        goto out;
    err = blob_disk_read(&store->disk, BLOB_KIND_CHUNK, &chunk->id, out,
                         BLOB_CHUNK_BYTES, &len);
    if (err == ERR_NOT_FOUND || err == ERR_TOO_LARGE ||
        (err == OK && !is_content(chunk, bytes_make(out, len)))) {
        chunk_damaged(store, chunk);
        err = ERR_BLOB;
    }
    *out_len = (uint32_t)len;
out:
    chunk_return(store, chunk);
    return err;
}
