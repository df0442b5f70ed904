#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "node/blob/blob_store_impl.h"

struct import {
    struct blob_store *store;
    struct blob_chunk **refs;
    size_t refs_cap;
    size_t hashes_cap;
    struct blob_manifest manifest;
};

static void import_done(struct import *im)
{
    blob_store_lock(im->store);
    for (uint32_t i = 0; i < im->manifest.chunk_count; i++)
        blob_store_unref_locked(im->store, im->refs[i]);
    blob_store_unlock(im->store);
    free(im->refs);
    blob_manifest_done(&im->manifest);
}

static enum err import_chunk(struct import *im, struct bytes content)
{
    struct blob_store *store = im->store;
    uint32_t i = im->manifest.chunk_count;
    void *refs, *hashes;
    bool present;
    struct hash id;
    enum err err;

    refs = blob_store_grow(im->refs, i, &im->refs_cap,
                           sizeof(struct blob_chunk *));
    if (refs == NULL)
        return ERR_NOMEM;
    im->refs = refs;
    hashes = blob_store_grow(im->manifest.chunks, i, &im->hashes_cap,
                             sizeof(struct hash));
    if (hashes == NULL)
        return ERR_NOMEM;
    im->manifest.chunks = hashes;
    blob_chunk_hash(content, &id);
    blob_store_lock(store);
    err = blob_index_chunk_ref(&store->index, &id, (uint32_t)content.len,
                               &im->refs[i]);
    present = err == OK && im->refs[i]->present;
    blob_store_unlock(store);
    if (err != OK)
        return err;
    im->manifest.chunks[i] = id;
    im->manifest.chunk_count++;
    im->manifest.bytes += content.len;
    return present ? OK : blob_store_write(store, im->refs[i], content);
}

/* Fills a chunk as far as the input goes. */
static enum err read_chunk(const struct blob_input *input, uint8_t *out,
                           size_t *out_len)
{
    size_t len = 0;

    while (len < BLOB_CHUNK_BYTES) {
        ssize_t n = input->read(input->ctx, out + len, BLOB_CHUNK_BYTES - len);

        if (n < 0)
            return ERR_IO;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *out_len = len;
    return OK;
}

static enum err import_chunks(struct import *im, const struct blob_input *input,
                              uint64_t bytes_max)
{
    uint8_t *content = malloc(BLOB_CHUNK_BYTES);
    size_t len = 0;
    enum err err = OK;

    if (content == NULL)
        return ERR_NOMEM;
    for (;;) {
        err = read_chunk(input, content, &len);
        if (err != OK || len == 0)
            break;
        if (len > bytes_max || im->manifest.bytes > bytes_max - len) {
            err = ERR_TOO_LARGE;
            break;
        }
        err = import_chunk(im, bytes_make(content, len));
        if (err != OK || len < BLOB_CHUNK_BYTES)
            break;
    }
    free(content);
    return err;
}

/* Names the blob: it exists from the moment the manifest has its name. */
static enum err import_commit(struct import *im, const char *owner,
                              struct hash *out_id)
{
    struct blob_store *store = im->store;
    struct blob_record *record;
    struct blob_temp file;
    struct buf text;
    enum err err;

    buf_init(&text, BLOB_MANIFEST_MAX);
    blob_manifest_encode(&im->manifest, &text);
    err = text.err;
    if (err != OK)
        goto out;
    blob_id(buf_bytes(&text), out_id);
    err = blob_disk_stage(&store->disk, buf_bytes(&text), &file);
    if (err != OK)
        goto out;
    blob_store_lock(store);
    err = blob_store_publish_locked(store, out_id, &im->manifest,
                                    (uint32_t)text.len, &file, &record);
    if (err == OK && owner != NULL)
        err = blob_store_pin_locked(store, record, owner);
    else if (err == OK)
        record->holds++;
    blob_store_unlock(store);
out:
    buf_done(&text);
    return err;
}

enum err blob_store_import(struct blob_store *store,
                           const struct blob_input *input, uint64_t bytes_max,
                           const char *owner, struct hash *out_id,
                           uint64_t *out_bytes)
{
    struct import im = {.store = store};
    struct hash id;
    enum err err;

    if (owner != NULL)
        TRY(blob_owner_check(owner));
    if (bytes_max > BLOB_BYTES_MAX)
        bytes_max = BLOB_BYTES_MAX;
    err = import_chunks(&im, input, bytes_max);
    if (err == OK)
        err = import_commit(&im, owner, &id);
    if (err == OK) {
        *out_id = id;
        if (out_bytes != NULL)
            *out_bytes = im.manifest.bytes;
    }
    import_done(&im);
    return err;
}

/* ---- inputs ---- */

static ssize_t read_fd(void *ctx, uint8_t *out, size_t len)
{
    const int *fd = ctx;
    ssize_t n;

    do
        n = read(*fd, out, len);
    while (n < 0 && errno == EINTR);
    return n;
}

static ssize_t read_memory(void *ctx, uint8_t *out, size_t len)
{
    struct bytes *rest = ctx;
    size_t n = rest->len < len ? rest->len : len;

    if (n > 0) {
        memcpy(out, rest->ptr, n);
        *rest = bytes_make(rest->ptr + n, rest->len - n);
    }
    return (ssize_t)n;
}

enum err blob_store_import_fd_held(struct blob_store *store, int fd,
                                   struct hash *out_id, uint64_t *out_bytes)
{
    struct blob_input input = {read_fd, &fd};

    return blob_store_import(store, &input, BLOB_BYTES_MAX, NULL, out_id,
                             out_bytes);
}

enum err blob_store_import_held(struct blob_store *store, struct bytes bytes,
                                struct hash *out_id)
{
    struct blob_input input = {read_memory, &bytes};

    return blob_store_import(store, &input, BLOB_BYTES_MAX, NULL, out_id, NULL);
}

enum err blob_store_import_fd(struct blob_store *store, int fd,
                              uint64_t bytes_max, const char *owner,
                              struct hash *out_id, uint64_t *out_bytes)
{
    struct blob_input input = {read_fd, &fd};

    TRY(blob_store_import(store, &input, bytes_max, owner, out_id, out_bytes));
    return blob_store_flush(store);
}

enum err blob_store_import_file(struct blob_store *store, const char *path,
                                const char *owner, struct hash *out_id,
                                uint64_t *out_bytes)
{
    /* NONBLOCK: a fifo must not hold us up before it is refused. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    enum err err;

    if (fd < 0)
        return blob_errno(errno);
    if (fstat(fd, &st) != 0)
        err = blob_errno(errno);
    else if (!S_ISREG(st.st_mode))
        err = ERR_KIND;
    else
        err = blob_store_import_fd(store, fd, BLOB_BYTES_MAX, owner, out_id,
                                   out_bytes);
    close(fd);
    return err;
}

enum err blob_store_import_bytes(struct blob_store *store, struct bytes bytes,
                                 const char *owner, struct hash *out_id)
{
    struct blob_input input = {read_memory, &bytes};

    TRY(blob_store_import(store, &input, BLOB_BYTES_MAX, owner, out_id, NULL));
    return blob_store_flush(store);
}

enum err blob_store_flush(struct blob_store *store)
{
    return store->sync ? blob_disk_flush(&store->disk) : OK;
}
