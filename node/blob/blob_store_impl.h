#ifndef NODE_BLOB_STORE_IMPL_H
#define NODE_BLOB_STORE_IMPL_H

/* Inside the blob store: shared by its pages and by nobody else. */

#include <pthread.h>
#include <sys/types.h>

#include "node/blob/blob_disk.h"
#include "node/blob/blob_store.h"

struct blob_store {
    struct blob_disk disk;
    pthread_mutex_t lock; /* index and damaged; files get and lose their
                             names under it too */
    struct blob_index index;
    uint64_t damaged;
    bool sync;
};

/* Where imported bytes come from: reads up to len; 0 at the end, -1 with errno
 * set. */
struct blob_input {
    ssize_t (*read)(void *ctx, uint8_t *out, size_t len);
    void *ctx;
};

/* Not flushed. */
MUST_USE enum err blob_store_import(struct blob_store *store,
                                    const struct blob_input *input,
                                    uint64_t bytes_max, const char *owner,
                                    struct hash *out_id, uint64_t *out_bytes);

/* Held in memory, not flushed. */
MUST_USE enum err blob_store_import_fd_held(struct blob_store *store, int fd,
                                            struct hash *out_id,
                                            uint64_t *out_bytes);
MUST_USE enum err blob_store_import_held(struct blob_store *store,
                                         struct bytes bytes,
                                         struct hash *out_id);

void blob_store_lock(struct blob_store *store);
void blob_store_unlock(struct blob_store *store);
/* Flushes the disk if the store is to survive a loss of power. */
MUST_USE enum err blob_store_flush(struct blob_store *store);

/* Room for one more: the array, moved if need be, or NULL (it stays then). */
void *blob_store_grow(void *array, size_t count, size_t *cap, size_t size);
/* Writes the content of a chunk that somebody references. */
MUST_USE enum err blob_store_write(struct blob_store *store,
                                   struct blob_chunk *chunk,
                                   struct bytes content);

/* With the lock held. */
void blob_store_unref_locked(struct blob_store *store,
                             struct blob_chunk *chunk);
MUST_USE enum err blob_store_pin_locked(struct blob_store *store,
                                        struct blob_record *record,
                                        const char *owner);
/* For blob_index_remove: ctx is the store. */
void blob_store_chunk_gone(void *ctx, const struct blob_chunk *chunk);

/* Adds `file` (a staged manifest) to the index and gives it its name, or
 * removes it when the blob is known already. *out is valid while locked; the
 * lock is the caller's. */
MUST_USE enum err blob_store_publish_locked(
    struct blob_store *store, const struct hash *id,
    const struct blob_manifest *manifest, uint32_t manifest_len,
    const struct blob_temp *file, struct blob_record **out);

#endif
