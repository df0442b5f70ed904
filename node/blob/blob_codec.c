#include "node/blob/blob.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mp.h"

enum {
    KIND_MANIFEST = 1,
    VERSION_MANIFEST = 1,
    ARENA_MAX = 64 * 1024 /* a manifest is five values, however long */
};

uint32_t blob_chunk_count(uint64_t bytes)
{
    CHECK(bytes <= BLOB_BYTES_MAX);
    return (uint32_t)((bytes + BLOB_CHUNK_BYTES - 1) / BLOB_CHUNK_BYTES);
}

uint32_t blob_chunk_len(uint64_t bytes, uint32_t index)
{
    uint64_t start = (uint64_t)index * BLOB_CHUNK_BYTES;

    CHECK(index < blob_chunk_count(bytes));
    return bytes - start < BLOB_CHUNK_BYTES ? (uint32_t)(bytes - start)
                                            : BLOB_CHUNK_BYTES;
}

void blob_chunk_hash(struct bytes chunk, struct hash *out)
{
    hash_bytes(HASH_TAG_CHUNK, chunk, out);
}

void blob_id(struct bytes manifest, struct hash *out)
{
    hash_bytes(HASH_TAG_BLOB, manifest, out);
}

void blob_manifest_done(struct blob_manifest *manifest)
{
    free(manifest->chunks);
    memset(manifest, 0, sizeof *manifest);
}

void blob_manifest_encode(const struct blob_manifest *manifest, struct buf *out)
{
    CHECK(manifest->chunk_count == blob_chunk_count(manifest->bytes));
    mp_put_message(out, KIND_MANIFEST, VERSION_MANIFEST, 2);
    mp_put_uint(out, manifest->bytes);
    mp_put_bin(out, bytes_make(manifest->chunks,
                               (size_t)manifest->chunk_count * HASH_LEN));
}

static enum err fill(struct blob_manifest *manifest, struct bytes hashes)
{
    if (hashes.len != (size_t)blob_chunk_count(manifest->bytes) * HASH_LEN)
        return ERR_RANGE;
    if (hashes.len == 0)
        return OK;
    manifest->chunks = malloc(hashes.len);
    if (manifest->chunks == NULL)
        return ERR_NOMEM;
    memcpy(manifest->chunks, hashes.ptr, hashes.len);
    manifest->chunk_count = (uint32_t)(hashes.len / HASH_LEN);
    return OK;
}

enum err blob_manifest_decode(struct bytes bytes, struct blob_manifest *out)
{
    struct blob_manifest manifest = {0};
    struct mp_reader reader;
    struct arena arena;
    struct bytes hashes;
    enum err err;

    arena_init(&arena, ARENA_MAX);
    err = mp_open_message(&reader, bytes, &arena, KIND_MANIFEST,
                          VERSION_MANIFEST, 2);
    if (err != OK)
        goto out;
    manifest.bytes = mp_get_uint(&reader);
    if (manifest.bytes > BLOB_BYTES_MAX)
        mp_fail(&reader, ERR_TOO_LARGE);
    hashes = mp_get_bin(&reader, BLOB_CHUNKS_MAX * HASH_LEN);
    mp_leave(&reader);
    err = mp_close(&reader);
    if (err == OK)
        err = fill(&manifest, hashes);
    if (err == OK)
        *out = manifest;
out:
    arena_done(&arena);
    return err;
}
