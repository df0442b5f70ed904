#ifndef NODE_BLOB_INDEX_H
#define NODE_BLOB_INDEX_H

/* What a blob store knows, in memory: which blobs exist, which chunks they
 * share, which of those are on disk, who wants them kept, and how much room all
 * of it takes. No input or output, no locking: blob_store.c does both.
 *
 * A chunk is counted in full from the moment a blob or an import needs it, so
 * that a transfer that was admitted has its room. */

#include "node/blob/blob.h"

#define BLOB_OWNER_MAX   120u  /* of an owner's name, with its zero */
#define BLOB_OWNERS_MAX  4096u /* of one blob */
#define BLOB_RECORDS_MAX 1000000u

/* The same content length is part of a chunk's name: a manifest that lies about
 * a length cannot spoil another one's chunk. */
struct blob_chunk {
    struct hash id;
    uint32_t len;
    uint32_t refs; /* manifests' entries and imports under way */
    bool present;  /* on disk */
    struct blob_chunk *next;
};

struct blob_record {
    struct hash id;
    uint64_t bytes;
    uint32_t chunk_count;
    uint32_t manifest_len;      /* encoded */
    struct blob_chunk **chunks; /* chunk_count pointers */
    uint32_t holds;             /* pins of this process, not on disk */
    uint32_t owner_count;
    char **owners; /* sorted */
    struct blob_record *next;
};

struct blob_index {
    struct blob_chunk **chunk_slots;
    size_t chunk_slot_count; /* a power of two */
    size_t chunk_count;
    struct blob_record **record_slots;
    size_t record_slot_count;
    size_t record_count;
    uint64_t quota_bytes;  /* 0: no limit */
    uint64_t used_bytes;   /* chunks and manifests, reserved ones included */
    uint64_t coming_bytes; /* of them, not on disk yet: chunks */
    uint64_t spare_bytes;  /* of the room, not for what others bring */
    uint64_t room_bytes;   /* what may come at most; UINT64_MAX: no limit */
};

/* ERR_NOMEM. */
MUST_USE enum err blob_index_init(struct blob_index *index,
                                  uint64_t quota_bytes);
void blob_index_done(struct blob_index *index);

/* The chunk is on disk, or is there no more. */
void blob_index_present(struct blob_index *index, struct blob_chunk *chunk,
                        bool present);

/* The chunk with one more reference, made when new. ERR_FULL when a new one
 * exceeds the quota or the room, ERR_NOMEM. */
MUST_USE enum err blob_index_chunk_ref(struct blob_index *index,
                                       const struct hash *id, uint32_t len,
                                       struct blob_chunk **out);
/* One reference less. When it was the last, the chunk is forgotten and
 * *out_was_present tells whether a file is left to be removed. */
void blob_index_chunk_unref(struct blob_index *index, struct blob_chunk *chunk,
                            bool *out_was_present);
/* NULL when unknown. */
struct blob_chunk *blob_index_chunk(const struct blob_index *index,
                                    const struct hash *id, uint32_t len);

/* Records a blob and references all its chunks. ERR_EXISTS, ERR_FULL,
 * ERR_NOMEM. */
MUST_USE enum err blob_index_add(struct blob_index *index,
                                 const struct hash *id,
                                 const struct blob_manifest *manifest,
                                 uint32_t manifest_len,
                                 struct blob_record **out);
struct blob_record *blob_index_find(const struct blob_index *index,
                                    const struct hash *id);
/* Forgets the blob; `gone` is told of each chunk that nobody else needs and
 * that is on disk. Its owners are forgotten with it. */
void blob_index_remove(struct blob_index *index, struct blob_record *record,
                       void (*gone)(void *ctx, const struct blob_chunk *chunk),
                       void *ctx);
/* Some blob without owner and hold, or NULL. Looks on from *cursor, which
 * starts at 0. */
struct blob_record *blob_index_unowned(const struct blob_index *index,
                                       size_t *cursor);
/* Each blob, in no order. `each` must not change the index. */
void blob_index_each(const struct blob_index *index,
                     void (*each)(void *ctx, struct blob_record *record),
                     void *ctx);

/* 1..BLOB_OWNER_MAX-1 of a-z A-Z 0-9 . _ : - and no leading dot, so that an
 * owner can be a file's name. ERR_RANGE. */
MUST_USE enum err blob_owner_check(const char *owner);
/* OK also when it is there already; ERR_TOO_LARGE above BLOB_OWNERS_MAX,
 * ERR_NOMEM. */
MUST_USE enum err blob_record_own(struct blob_record *record,
                                  const char *owner);
/* Whether it was there. */
bool blob_record_disown(struct blob_record *record, const char *owner);
bool blob_record_has_owner(const struct blob_record *record, const char *owner);
/* Chunks on disk. */
uint32_t blob_record_present(const struct blob_record *record);

#endif
