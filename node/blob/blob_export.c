#define _GNU_SOURCE /* for syncfs */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "node/blob/blob_store_impl.h"

enum { TEMP_MAX = 64 };

static enum err write_chunks(struct blob_store *store, const struct hash *id,
                             uint32_t count, int fd)
{
    uint8_t *content = malloc(BLOB_CHUNK_BYTES);
    uint32_t len = 0;
    enum err err = OK;

    if (content == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; err == OK && i < count; i++) {
        err = blob_store_get_chunk(store, id, i, content, &len);
        if (err == OK)
            err = blob_write_all(fd, bytes_make(content, len));
        else if (err == ERR_NOT_FOUND)
            err = ERR_BLOB;
    }
    free(content);
    return err;
}

enum err blob_store_export_fd(struct blob_store *store, const struct hash *id,
                              int fd)
{
    struct blob_info info;

    TRY(blob_store_info(store, id, &info));
    if (!info.complete)
        return ERR_BLOB;
    return write_chunks(store, id, info.chunk_count, fd);
}

enum err blob_store_read(struct blob_store *store, const struct hash *id,
                         struct buf *out)
{
    struct blob_info info;
    uint8_t *content;
    uint32_t len = 0;
    enum err err;

    TRY(blob_store_info(store, id, &info));
    if (info.bytes > out->cap_max - out->len)
        return ERR_TOO_LARGE;
    content = malloc(BLOB_CHUNK_BYTES);
    if (content == NULL)
        return ERR_NOMEM;
    err = OK;
    for (uint32_t i = 0; err == OK && i < info.chunk_count; i++) {
        err = blob_store_get_chunk(store, id, i, content, &len);
        if (err == OK)
            buf_add(out, bytes_make(content, len));
        else if (err == ERR_NOT_FOUND)
            err = ERR_BLOB;
    }
    free(content);
    return err != OK ? err : out->err;
}

/* ---- one file ---- */

static void temp_name(struct blob_store *store, char out[TEMP_MAX])
{
    snprintf(out, TEMP_MAX, ".suan.%ld.%llu.part", (long)getpid(),
             (unsigned long long)atomic_fetch_add(&store->disk.next_temp, 1));
}

/* A file where a directory should be, or the other way round. */
static enum err in_the_way(int error)
{
    return error == ENOTDIR || error == EISDIR || error == ELOOP
               ? ERR_EXISTS
               : blob_errno(error);
}

static enum err fill_temp(struct blob_store *store, const struct hash *id,
                          int fd, unsigned mode, bool flush)
{
    TRY(blob_store_export_fd(store, id, fd));
    if (fchmod(fd, (mode_t)mode) != 0)
        return blob_errno(errno);
    if (flush && fsync(fd) != 0)
        return blob_errno(errno);
    return OK;
}

/* Writes dir_fd/name: whole or not at all. */
static enum err export_at(struct blob_store *store, const struct hash *id,
                          int dir_fd, const char *name, unsigned mode,
                          bool flush)
{
    char temp[TEMP_MAX];
    enum err err;
    int fd;

    temp_name(store, temp);
    fd = openat(dir_fd, temp,
                O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return blob_errno(errno);
    err = fill_temp(store, id, fd, mode, flush);
    if (close(fd) != 0 && err == OK)
        err = blob_errno(errno);
    if (err == OK && renameat(dir_fd, temp, dir_fd, name) != 0)
        err = in_the_way(errno);
    if (err != OK)
        (void)unlinkat(dir_fd, temp, 0);
    else if (flush && fsync(dir_fd) != 0)
        err = blob_errno(errno);
    return err;
}

enum err blob_store_export_file(struct blob_store *store, const struct hash *id,
                                const char *path, unsigned mode)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    char dir[BLOB_PATH_MAX * 2];
    enum err err;
    int fd, n;

    if (slash == NULL)
        n = snprintf(dir, sizeof dir, ".");
    else
        n = snprintf(dir, sizeof dir, "%.*s/", (int)(slash - path), path);
    if (n < 0 || (size_t)n >= sizeof dir || *name == '\0')
        return ERR_RANGE;
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return blob_errno(errno);
    err = export_at(store, id, fd, name, mode, true);
    close(fd);
    return err;
}

/* ---- trees ---- */

enum err blob_store_tree(struct blob_store *store, const struct hash *id,
                         struct blob_tree *out)
{
    struct buf text;
    enum err err;

    buf_init(&text, BLOB_TREE_DOC_MAX);
    err = blob_store_read(store, id, &text);
    if (err == OK)
        err = blob_tree_decode(buf_bytes(&text), out);
    buf_done(&text);
    return err == ERR_NOT_FOUND ? ERR_BLOB : err;
}

/* Opens directory `name` in *fd, made when missing, and goes there. */
static enum err enter(int *fd, const char *name)
{
    int next;

    if (mkdirat(*fd, name, 0755) != 0 && errno != EEXIST)
        return blob_errno(errno);
    next = openat(*fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0)
        return in_the_way(errno);
    close(*fd);
    *fd = next;
    return OK;
}

/* The path was checked when the tree was decoded: no "..", no empty part. */
static enum err export_below(struct blob_store *store,
                             const struct blob_file *file, int base_fd)
{
    char path[BLOB_PATH_MAX];
    char *name = path, *slash;
    enum err err = OK;
    int fd;

    CHECK(strlen(file->path) < sizeof path);
    snprintf(path, sizeof path, "%s", file->path);
    fd = fcntl(base_fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return blob_errno(errno);
    while (err == OK && (slash = strchr(name, '/')) != NULL) {
        *slash = '\0';
        err = enter(&fd, name);
        name = slash + 1;
    }
    if (err == OK)
        err = export_at(store, &file->id, fd, name, file->mode, false);
    close(fd);
    return err;
}

static enum err export_files(struct blob_store *store,
                             const struct blob_tree *tree, int fd,
                             struct blob_where *where)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        enum err err = export_below(store, &tree->files[i], fd);

        if (err == ERR_NOT_FOUND)
            err = ERR_BLOB; /* a file's blob; directories are made */
        if (err != OK) {
            if (where != NULL)
                snprintf(where->path, sizeof where->path, "%s",
                         tree->files[i].path);
            return err;
        }
    }
    return syncfs(fd) == 0 ? OK : blob_errno(errno);
}

enum err blob_store_export_tree(struct blob_store *store, const struct hash *id,
                                const char *dir, struct blob_where *where)
{
    struct blob_tree tree;
    enum err err;
    int fd;

    if (where != NULL)
        snprintf(where->path, sizeof where->path, "%s", dir);
    TRY(blob_store_tree(store, id, &tree));
    if (mkdir(dir, 0755) != 0 && errno != EEXIST) {
        err = in_the_way(errno);
        goto out;
    }
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        err = in_the_way(errno);
        goto out;
    }
    err = export_files(store, &tree, fd, where);
    close(fd);
out:
    blob_tree_done(&tree);
    return err;
}
