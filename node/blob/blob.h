#ifndef NODE_BLOB_H
#define NODE_BLOB_H

/* A blob is a run of bytes named by its content. It is cut into chunks of
 * BLOB_CHUNK_BYTES (the last may be shorter), each named by its own hash, and
 * its manifest lists them:
 *
 *     manifest = [1, 1, bytes, bin(32 * chunks)]     id = hash(manifest)
 *
 * So whoever holds the id can check the manifest, and with the manifest every
 * chunk by itself, in any order and from anyone.
 *
 * A tree is a list of files as one blob; its content is the document
 *
 *     tree = [2, 1, [[path, mode, bytes, blob id], ...]]
 *
 * sorted by path, so that equal directories have equal ids. Empty directories,
 * links and special files are not part of a tree. */

#include "base/hash.h"
#include "base/limits.h"

#define BLOB_CHUNK_BYTES  LIMIT_CHUNK_BYTES
#define BLOB_CHUNKS_MAX   32000u /* the manifest fits one message */
#define BLOB_BYTES_MAX    ((uint64_t)BLOB_CHUNKS_MAX * BLOB_CHUNK_BYTES)
#define BLOB_MANIFEST_MAX (BLOB_CHUNKS_MAX * HASH_LEN + 32u)
#define BLOB_PATH_MAX     1024u /* with its zero */
#define BLOB_DEPTH_MAX    32u   /* directories above a file */
#define BLOB_FILES_MAX    65536u
#define BLOB_TREE_DOC_MAX (16u * 1024 * 1024)

_Static_assert(BLOB_MANIFEST_MAX + 1024 < LIMIT_MESSAGE_BYTES,
               "a manifest fits a message");

struct blob_manifest {
    uint64_t bytes;       /* of the blob */
    uint32_t chunk_count; /* bytes / BLOB_CHUNK_BYTES, rounded up */
    struct hash *chunks;  /* owned; NULL when there are none */
};

void blob_manifest_done(struct blob_manifest *manifest);
void blob_manifest_encode(const struct blob_manifest *manifest,
                          struct buf *out);
/* out is given (blob_manifest_done). Memory is a constant times bytes.len.
 * What mp.h refuses, ERR_TOO_LARGE above BLOB_BYTES_MAX, ERR_RANGE when size
 * and number of chunks do not fit together. */
MUST_USE enum err blob_manifest_decode(struct bytes bytes,
                                       struct blob_manifest *out);
/* The blob's id, from its encoded manifest. */
void blob_id(struct bytes manifest, struct hash *out);

/* Chunks of a blob of this size. */
uint32_t blob_chunk_count(uint64_t bytes);
/* Length of chunk `index`; index below the count is CHECKed. */
uint32_t blob_chunk_len(uint64_t bytes, uint32_t index);
void blob_chunk_hash(struct bytes chunk, struct hash *out);

/* One file of a tree. */
struct blob_file {
    char *path;     /* owned; relative, see blob_path_check */
    uint32_t mode;  /* 0644 or 0755 */
    uint64_t bytes; /* of the content */
    struct hash id; /* the blob with the content */
};

struct blob_tree {
    struct blob_file *files; /* owned; sorted by path once decoded */
    uint32_t count;
    uint32_t cap;
};

void blob_tree_init(struct blob_tree *tree);
void blob_tree_done(struct blob_tree *tree);
/* Copies the path. ERR_RANGE for a bad path or mode, ERR_TOO_LARGE above
 * BLOB_FILES_MAX, ERR_NOMEM. */
MUST_USE enum err blob_tree_add(struct blob_tree *tree, const char *path,
                                uint32_t mode, uint64_t bytes,
                                const struct hash *id);
/* Sorts the files. ERR_EXISTS when a path is there twice or is both a file and
 * a directory; out_index (may be NULL) tells which file. */
MUST_USE enum err blob_tree_sort(struct blob_tree *tree, uint32_t *out_index);
/* The tree has to be sorted (CHECKed). */
void blob_tree_encode(const struct blob_tree *tree, struct buf *out);
/* out is given (blob_tree_done). What mp.h and blob_tree_add refuse,
 * ERR_NOT_CANONICAL when not sorted, ERR_EXISTS, ERR_OVERFLOW when the sizes
 * add up to more than a u64. */
MUST_USE enum err blob_tree_decode(struct bytes bytes, struct blob_tree *out);
/* Sum of the files' sizes. */
uint64_t blob_tree_bytes(const struct blob_tree *tree);

/* OK for a relative path of printable or UTF-8 bytes without control
 * characters, empty parts, "." or "..", a leading or trailing "/", or
 * backslashes; at most BLOB_PATH_MAX - 1 bytes, parts of at most 255, at most
 * BLOB_DEPTH_MAX parts. ERR_RANGE, ERR_TOO_LARGE. */
MUST_USE enum err blob_path_check(struct bytes path);

#endif
