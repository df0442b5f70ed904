#ifndef NODE_BLOB_STORE_H
#define NODE_BLOB_STORE_H

/* The blob store: content-addressed blobs on disk, in one directory.
 *
 *     chunks/ab/<hash>      a chunk's bytes
 *     manifests/<id>        a blob's manifest; written after its chunks
 *     pins/<id>/<owner>     an empty file: this owner wants the blob kept
 *     tmp/                  files being written; emptied when opened
 *
 * Every file gets its name by rename, so it is there whole or not at all. A
 * blob is kept as long as somebody pins it; blob_store_collect removes the
 * rest. Each read of a chunk is verified: a damaged one is dropped, reported as
 * ERR_BLOB, and can be fetched again.
 *
 * What survives a loss of power: with `sync`, everything imported or pinned
 * here, once the call returns (one syncfs at its end, which covers data, names
 * and pins). Chunks fetched from others are not flushed one by one, since
 * verification finds a torn one and the peer still has it; pin the blob when it
 * is complete to have it flushed. A process that dies loses nothing.
 *
 * All calls may be made from any thread, and block on the disk: from a loop
 * thread hand them to the worker pool (asking for info, pins or missing chunks
 * is only memory). One process per directory; the caller holds the lock of the
 * data directory. An owner is a name as blob_owner_check wants it, such as
 * "contract:<hex>", "image", BLOB_OWNER_PUBLIC. */

#include "node/blob/blob.h"
#include "node/blob/blob_index.h"

#define BLOB_OWNER_PUBLIC "public" /* anyone may read it */

struct blob_store;

struct blob_store_config {
    const char *dir;      /* made with mode 0700 when missing */
    uint64_t quota_bytes; /* of all chunks and manifests; 0: no limit */
    bool sync;            /* flush imports; off only where loss is fine */
};

/* Loads the index; removes leftovers and manifests that are damaged. ERR_PERM,
 * ERR_IO, ERR_FULL, ERR_NOMEM. */
MUST_USE enum err blob_store_open(const struct blob_store_config *config,
                                  struct blob_store **out);
/* Nobody may be inside another call. NULL is fine. */
void blob_store_close(struct blob_store *store);

struct blob_stats {
    uint64_t quota_bytes;
    uint64_t used_bytes;   /* room taken or promised to transfers under way */
    uint64_t coming_bytes; /* of it, promised and not written yet */
    uint64_t blobs, chunks;
    uint64_t damaged; /* chunks and manifests found damaged since opened */
};
void blob_store_stats(struct blob_store *store, struct blob_stats *out);

/* The room on the disk, beside the quota: content that is not here yet may come
 * as far as all of it together fits (ERR_FULL). `spare` of it is for imports
 * alone, not for what others bring. Lessens with what is written, so tell it
 * again and again; UINT64_MAX, as at first: no limit. */
void blob_store_room_set(struct blob_store *store, uint64_t bytes,
                         uint64_t spare);

struct blob_info {
    uint64_t bytes;
    uint32_t chunk_count;
    uint32_t chunks_present;
    uint32_t owner_count;
    bool complete; /* all chunks are here */
};
/* ERR_NOT_FOUND. */
MUST_USE enum err blob_store_info(struct blob_store *store,
                                  const struct hash *id, struct blob_info *out);

/* ---- bringing content in ----
 * The new blob is pinned for `owner`. With owner NULL it is held in memory
 * until blob_store_release: for content that is pinned in a next step. ERR_FULL
 * (quota or disk), ERR_TOO_LARGE (above bytes_max or BLOB_BYTES_MAX), ERR_IO,
 * ERR_PERM, ERR_NOT_FOUND, ERR_RANGE (owner), ERR_NOMEM. */

/* From the descriptor's position to its end; it stays open. */
MUST_USE enum err blob_store_import_fd(struct blob_store *store, int fd,
                                       uint64_t bytes_max, const char *owner,
                                       struct hash *out_id,
                                       uint64_t *out_bytes);
/* A regular file, links followed. ERR_KIND when it is something else. */
MUST_USE enum err blob_store_import_file(struct blob_store *store,
                                         const char *path, const char *owner,
                                         struct hash *out_id,
                                         uint64_t *out_bytes);
MUST_USE enum err blob_store_import_bytes(struct blob_store *store,
                                          struct bytes bytes, const char *owner,
                                          struct hash *out_id);
/* Gives back a hold taken by an import without owner. */
void blob_store_release(struct blob_store *store, const struct hash *id);

/* ---- taking content out ----
 * ERR_NOT_FOUND (unknown blob), ERR_BLOB (chunks are missing or damaged), and
 * faults. */

/* Writes beside `path` and renames; an existing file is replaced. mode as for
 * chmod. */
MUST_USE enum err blob_store_export_file(struct blob_store *store,
                                         const struct hash *id,
                                         const char *path, unsigned mode);
/* Appends to the descriptor, which stays open. */
MUST_USE enum err blob_store_export_fd(struct blob_store *store,
                                       const struct hash *id, int fd);
/* The whole content, up to the buffer's cap (ERR_TOO_LARGE). */
MUST_USE enum err blob_store_read(struct blob_store *store,
                                  const struct hash *id, struct buf *out);

/* ---- transfers ---- */

/* The encoded manifest. ERR_NOT_FOUND, ERR_BLOB, ERR_NOMEM. */
MUST_USE enum err blob_store_manifest(struct blob_store *store,
                                      const struct hash *id, struct buf *out);
/* Starts (or goes on with) a blob brought by others and pins it for `owner`.
 * ERR_BLOB when the manifest is not the id's, ERR_TOO_LARGE above bytes_max,
 * what blob_manifest_decode refuses, ERR_FULL when the whole will not fit. */
MUST_USE enum err blob_store_add_manifest(struct blob_store *store,
                                          const struct hash *id,
                                          struct bytes manifest,
                                          uint64_t bytes_max,
                                          const char *owner);
/* Writes up to out_max indices of missing chunks, in order, from `from` on;
 * *out_count tells how many. ERR_NOT_FOUND. */
MUST_USE enum err blob_store_missing(struct blob_store *store,
                                     const struct hash *id, uint32_t from,
                                     uint32_t *out, uint32_t out_max,
                                     uint32_t *out_count);
bool blob_store_has_chunk(struct blob_store *store, const struct hash *id,
                          uint32_t index);
/* Verifies, then stores. OK when it is there already. ERR_NOT_FOUND, ERR_RANGE
 * (index), ERR_BLOB (not this chunk), and faults. */
MUST_USE enum err blob_store_put_chunk(struct blob_store *store,
                                       const struct hash *id, uint32_t index,
                                       struct bytes chunk);
/* out holds BLOB_CHUNK_BYTES. ERR_NOT_FOUND (unknown blob, index or missing
 * chunk), ERR_BLOB (damaged: dropped), and faults. */
MUST_USE enum err blob_store_get_chunk(struct blob_store *store,
                                       const struct hash *id, uint32_t index,
                                       uint8_t *out, uint32_t *out_len);

/* ---- owners ---- */

/* OK also when pinned already. ERR_RANGE, ERR_NOT_FOUND, and faults. */
MUST_USE enum err blob_store_pin(struct blob_store *store,
                                 const struct hash *id, const char *owner);
/* ERR_NOT_FOUND when it was not pinned by this owner. */
MUST_USE enum err blob_store_unpin(struct blob_store *store,
                                   const struct hash *id, const char *owner);
/* All pins of an owner; returns how many there were. */
uint32_t blob_store_unpin_owner(struct blob_store *store, const char *owner);
bool blob_store_is_pinned(struct blob_store *store, const struct hash *id,
                          const char *owner);
/* Whether `match` says yes to an owner of the blob. `match` is called with the
 * store locked: it must not call the store, and be quick. */
bool blob_store_any_owner(struct blob_store *store, const struct hash *id,
                          bool (*match)(void *ctx, const char *owner),
                          void *ctx);
/* Removes what nobody pins or holds. Returns the bytes freed. */
uint64_t blob_store_collect(struct blob_store *store);

/* ---- trees (blob.h): directories and lists of files as one id ---- */

/* One thing to bring in: a file or a directory with all below it. */
struct blob_source {
    const char *path; /* on this machine */
    const char *as;   /* in the tree; "" puts a directory's content at the top,
                         and is refused for a file */
};

/* What was wrong, for the message to the user. */
struct blob_where {
    char path[BLOB_PATH_MAX * 2];
};

/* Links inside directories and special files are refused (ERR_KIND), for what
 * they point at is not ours to publish. Other errors as for imports,
 * blob_path_check and blob_tree_sort (ERR_EXISTS). On any error nothing stays
 * pinned. out_where may be NULL. */
MUST_USE enum err blob_store_import_tree(struct blob_store *store,
                                         const struct blob_source *sources,
                                         size_t source_count, const char *owner,
                                         struct hash *out_id,
                                         struct blob_where *out_where);
/* Reads and decodes the document of a tree; out is given. ERR_BLOB, and what
 * blob_tree_decode refuses. */
MUST_USE enum err blob_store_tree(struct blob_store *store,
                                  const struct hash *id, struct blob_tree *out);
/* Writes all files under `dir` (made when missing), never through a link below
 * it and never outside. Existing files are replaced. ERR_EXISTS: a file is
 * there where a directory should be, or a directory for a file. */
MUST_USE enum err blob_store_export_tree(struct blob_store *store,
                                         const struct hash *id, const char *dir,
                                         struct blob_where *out_where);
/* Pins the document and all its files. ERR_BLOB when one is unknown; then
 * nothing new stays pinned for that owner beyond what was. */
MUST_USE enum err blob_store_pin_tree(struct blob_store *store,
                                      const struct hash *id, const char *owner);
/* Pins a tree with its files, or, where it is none, the blob alone, and does
 * not wait for the disk: a power cut may take the pin (a crash does not). For
 * pins that are made again at each start. ERR_NOT_FOUND, ERR_BLOB. */
MUST_USE enum err blob_store_pin_again(struct blob_store *store,
                                       const struct hash *id,
                                       const char *owner);

#endif
