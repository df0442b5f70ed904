/* for syncfs */
#define _GNU_SOURCE
#include "node/blob/blob_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

enum { NAME_LEN = 2 * HASH_LEN, PATH_LEN = 256 };

enum err blob_errno(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_PERM;
    case ENOENT:
        return ERR_NOT_FOUND;
    case ENOMEM:
        return ERR_NOMEM;
    }
    return ERR_IO;
}

/* ---- names ---- */

static void dir_of(enum blob_kind kind, const struct hash *id,
                   char out[PATH_LEN])
{
    if (kind == BLOB_KIND_MANIFEST)
        snprintf(out, PATH_LEN, "manifests");
    else
        snprintf(out, PATH_LEN, "chunks/%02x", id->b[0]);
}

static void path_of(enum blob_kind kind, const struct hash *id,
                    char out[PATH_LEN])
{
    char dir[PATH_LEN], name[HASH_TEXT_MAX];
    int n;

    dir_of(kind, id, dir);
    hash_format(id, name);
    n = snprintf(out, PATH_LEN, "%s/%s", dir, name);
    CHECK(n > 0 && n < PATH_LEN);
}

static void pin_dir_of(const struct hash *id, char out[PATH_LEN])
{
    char name[HASH_TEXT_MAX];

    hash_format(id, name);
    snprintf(out, PATH_LEN, "pins/%s", name);
}

static void temp_path(const struct blob_temp *temp, char out[PATH_LEN])
{
    snprintf(out, PATH_LEN, "tmp/%s", temp->name);
}

/* ---- directories ---- */

static enum err make_dir(int at, const char *path)
{
    if (mkdirat(at, path, 0700) == 0 || errno == EEXIST)
        return OK;
    return blob_errno(errno);
}

/* The list of a directory, or NULL with errno set. */
static DIR *list_dir(int at, const char *path)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *dir;

    if (fd < 0)
        return NULL;
    dir = fdopendir(fd);
    if (dir == NULL)
        close(fd);
    return dir;
}

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Removes the plain files of a directory. */
static enum err empty_dir(int at, const char *path)
{
    DIR *dir = list_dir(at, path);
    struct dirent *entry;

    if (dir == NULL)
        return blob_errno(errno);
    while ((entry = readdir(dir)) != NULL)
        if (!is_dot(entry->d_name))
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    return OK;
}

enum err blob_disk_open(struct blob_disk *disk, const char *dir)
{
    static const char *parts[] = {"chunks", "manifests", "pins", "tmp"};
    enum err err;

    disk->dir_fd = -1;
    atomic_init(&disk->next_temp, 0);
    TRY(make_dir(AT_FDCWD, dir));
    disk->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (disk->dir_fd < 0)
        return blob_errno(errno);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        err = make_dir(disk->dir_fd, parts[i]);
        if (err != OK)
            goto out;
    }
    err = empty_dir(disk->dir_fd, "tmp");
out:
    if (err != OK)
        blob_disk_close(disk);
    return err;
}

void blob_disk_close(struct blob_disk *disk)
{
    if (disk->dir_fd >= 0)
        close(disk->dir_fd);
    disk->dir_fd = -1;
}

/* ---- writing ---- */

enum err blob_write_all(int fd, struct bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return blob_errno(errno);
        bytes = bytes_make(bytes.ptr + n, bytes.len - (size_t)n);
    }
    return OK;
}

enum err blob_disk_stage(struct blob_disk *disk, struct bytes bytes,
                         struct blob_temp *out)
{
    struct blob_temp temp;
    char path[PATH_LEN];
    enum err err;
    int fd;

    snprintf(temp.name, sizeof temp.name, "%llu",
             (unsigned long long)atomic_fetch_add(&disk->next_temp, 1));
    temp_path(&temp, path);
    fd = openat(disk->dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                0600);
    if (fd < 0)
        return blob_errno(errno);
    err = blob_write_all(fd, bytes);
    if (close(fd) != 0 && err == OK)
        err = blob_errno(errno);
    if (err != OK)
        blob_disk_drop(disk, &temp);
    else
        *out = temp;
    return err;
}

void blob_disk_drop(struct blob_disk *disk, const struct blob_temp *temp)
{
    char path[PATH_LEN];

    temp_path(temp, path);
    (void)unlinkat(disk->dir_fd, path, 0);
}

enum err blob_disk_publish(struct blob_disk *disk, const struct blob_temp *temp,
                           enum blob_kind kind, const struct hash *id)
{
    char from[PATH_LEN], to[PATH_LEN], dir[PATH_LEN];
    int at = disk->dir_fd;
    enum err err;

    temp_path(temp, from);
    path_of(kind, id, to);
    if (renameat(at, from, at, to) == 0)
        return OK;
    err = blob_errno(errno);
    if (err == ERR_NOT_FOUND) { /* the first chunk of its directory */
        dir_of(kind, id, dir);
        err = make_dir(at, dir);
        if (err == OK && renameat(at, from, at, to) != 0)
            err = blob_errno(errno);
    }
    if (err != OK)
        blob_disk_drop(disk, temp);
    return err;
}

enum err blob_disk_flush(struct blob_disk *disk)
{
    return syncfs(disk->dir_fd) == 0 ? OK : blob_errno(errno);
}

void blob_disk_remove(struct blob_disk *disk, enum blob_kind kind,
                      const struct hash *id)
{
    char path[PATH_LEN];

    path_of(kind, id, path);
    (void)unlinkat(disk->dir_fd, path, 0);
}

/* ---- reading ---- */

static enum err read_all(int fd, uint8_t *out, size_t out_max, size_t *out_len)
{
    size_t len = 0;

    for (;;) {
        uint8_t spare;
        uint8_t *at = len < out_max ? out + len : &spare;
        ssize_t n = read(fd, at, len < out_max ? out_max - len : 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return blob_errno(errno);
        if (n == 0)
            break;
        if (at == &spare)
            return ERR_TOO_LARGE;
        len += (size_t)n;
    }
    *out_len = len;
    return OK;
}

enum err blob_disk_read(struct blob_disk *disk, enum blob_kind kind,
                        const struct hash *id, uint8_t *out, size_t out_max,
                        size_t *out_len)
{
    char path[PATH_LEN];
    enum err err;
    int fd;

    path_of(kind, id, path);
    fd = openat(disk->dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return blob_errno(errno);
    err = read_all(fd, out, out_max, out_len);
    close(fd);
    return err;
}

typedef enum err (*each_fn)(void *ctx, const struct hash *id, uint64_t bytes);

static enum err each_in(struct blob_disk *disk, const char *path, each_fn each,
                        void *ctx)
{
    DIR *dir = list_dir(disk->dir_fd, path);
    struct dirent *entry;
    enum err err = OK;

    if (dir == NULL)
        return blob_errno(errno);
    while (err == OK && (entry = readdir(dir)) != NULL) {
        struct stat st;
        struct hash id;

        if (is_dot(entry->d_name))
            continue;
        if (hash_parse(entry->d_name, &id) != OK ||
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode))
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        else
            err = each(ctx, &id, (uint64_t)st.st_size);
    }
    closedir(dir);
    return err;
}

enum err blob_disk_each(struct blob_disk *disk, enum blob_kind kind,
                        each_fn each, void *ctx)
{
    char path[PATH_LEN];
    enum err err;

    if (kind == BLOB_KIND_MANIFEST)
        return each_in(disk, "manifests", each, ctx);
    for (unsigned i = 0; i < 256; i++) {
        struct hash id = {{(uint8_t)i}};

        dir_of(kind, &id, path);
        err = each_in(disk, path, each, ctx);
        if (err != OK && err != ERR_NOT_FOUND)
            return err;
    }
    return OK;
}

/* ---- pins ---- */

enum err blob_disk_pin(struct blob_disk *disk, const struct hash *id,
                       const char *owner)
{
    char dir[PATH_LEN], path[PATH_LEN * 2];
    int fd;

    pin_dir_of(id, dir);
    TRY(make_dir(disk->dir_fd, dir));
    snprintf(path, sizeof path, "%s/%s", dir, owner);
    fd = openat(disk->dir_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return blob_errno(errno);
    close(fd);
    return OK;
}

void blob_disk_unpin(struct blob_disk *disk, const struct hash *id,
                     const char *owner, bool last)
{
    char dir[PATH_LEN], path[PATH_LEN * 2];

    pin_dir_of(id, dir);
    snprintf(path, sizeof path, "%s/%s", dir, owner);
    (void)unlinkat(disk->dir_fd, path, 0);
    if (last)
        (void)unlinkat(disk->dir_fd, dir, AT_REMOVEDIR);
}

enum err blob_disk_each_pin(struct blob_disk *disk, const struct hash *id,
                            enum err (*each)(void *ctx, const char *owner),
                            void *ctx)
{
    char path[PATH_LEN];
    struct dirent *entry;
    enum err err = OK;
    DIR *dir;

    pin_dir_of(id, path);
    dir = list_dir(disk->dir_fd, path);
    if (dir == NULL)
        return errno == ENOENT ? OK : blob_errno(errno);
    while (err == OK && (entry = readdir(dir)) != NULL)
        if (!is_dot(entry->d_name))
            err = each(ctx, entry->d_name);
    closedir(dir);
    return err;
}

enum err blob_disk_prune_pins(struct blob_disk *disk,
                              bool (*known)(void *ctx, const struct hash *id),
                              void *ctx)
{
    DIR *dir = list_dir(disk->dir_fd, "pins");
    struct dirent *entry;

    if (dir == NULL)
        return blob_errno(errno);
    while ((entry = readdir(dir)) != NULL) {
        struct hash id;

        if (is_dot(entry->d_name))
            continue;
        if (strlen(entry->d_name) == NAME_LEN &&
            hash_parse(entry->d_name, &id) == OK && known(ctx, &id))
            continue;
        (void)empty_dir(dirfd(dir), entry->d_name);
        (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
    }
    closedir(dir);
    return OK;
}
