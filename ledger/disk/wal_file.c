/* Segments as files: listed, made, deleted, and who may. */

#define _GNU_SOURCE /* fallocate */

#include "ledger/disk/wal_room.h"

#include "base/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX     "wal-"
#define NAME_LEN   20u /* PREFIX and 16 digits */
#define ZERO_BYTES (64u * 1024)

enum err wal_os_error(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_FULL;
    case ENOMEM:
        return ERR_NOMEM;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_PERM;
    case ENOENT:
        return ERR_NOT_FOUND;
    default:
        return ERR_IO;
    }
}

/* ---- reading and writing ---- */

enum err wal_file_read(int fd, uint8_t *out, size_t cap, size_t *out_len)
{
    size_t len = 0;
    while (len < cap) {
        ssize_t got = pread(fd, out + len, cap - len, (off_t)len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_IO;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *out_len = len;
    return OK;
}

enum err wal_file_write(int fd, struct bytes bytes, uint64_t at)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t put =
            pwrite(fd, bytes.ptr + done, bytes.len - done, (off_t)(at + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? wal_os_error(errno) : ERR_IO;
        done += (size_t)put;
    }
    return OK;
}

static enum err write_zeros(int fd, uint32_t bytes)
{
    static const uint8_t zeros[ZERO_BYTES];
    for (uint32_t at = 0; at < bytes;) {
        uint32_t len = bytes - at < ZERO_BYTES ? bytes - at : ZERO_BYTES;
        TRY(wal_file_write(fd, bytes_make(zeros, len), at));
        at += len;
    }
    return OK;
}

/* Room on the disk for all bytes, all of them zero. */
static enum err allocate(int fd, const struct wal_room *room)
{
    int rc = -1;
    errno = EOPNOTSUPP;
    while (!room->no_fallocate &&
           (rc = fallocate(fd, 0, 0, (off_t)room->segment_bytes)) != 0 &&
           errno == EINTR)
        continue;
    if (rc == 0)
        return OK;
    if (errno == EOPNOTSUPP || errno == ENOSYS)
        return write_zeros(fd, room->segment_bytes);
    return wal_os_error(errno);
}

/* ---- names ---- */

static void name_put(uint64_t first, char out[WAL_NAME_MAX])
{
    snprintf(out, WAL_NAME_MAX, PREFIX "%016" PRIx64, first);
}

/* 0: not a segment's. Only the one spelling is ours. */
static uint64_t name_get(const char *name)
{
    char again[WAL_NAME_MAX];
    uint64_t first;
    if (strlen(name) != NAME_LEN || memcmp(name, PREFIX, 4) != 0)
        return 0;
    first = strtoull(name + 4, NULL, 16);
    name_put(first, again);
    return strcmp(name, again) == 0 && first < WAL_SEQ_MAX ? first : 0;
}

/* ---- the directory ---- */

/* The new directory's own entry has to last too. */
static enum err make_dir(const char *path, bool *out_made)
{
    *out_made = mkdir(path, 0700) == 0;
    if (!*out_made && errno != EEXIST)
        return wal_os_error(errno);
    return OK;
}

static enum err sync_parent(int dir_fd)
{
    int fd = openat(dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return wal_os_error(errno);
    int rc = fsync(fd);
    close(fd);
    return rc == 0 ? OK : ERR_IO;
}

enum err wal_dir_open(struct wal_dir *dir, const char *path, bool make)
{
    bool made = false;
    *dir = (struct wal_dir){.fd = -1, .lock_fd = -1};
    if (make)
        TRY(make_dir(path, &made));
    dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir->fd < 0)
        return wal_os_error(errno);
    return made ? sync_parent(dir->fd) : OK;
}

static enum err take_lock(struct wal_dir *dir)
{
    dir->lock_fd =
        openat(dir->fd, WAL_LOCK_NAME,
               O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (dir->lock_fd < 0)
        return wal_os_error(errno);
    if (flock(dir->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO;
    return OK;
}

/* Room for one more. */
static enum err reserve(struct wal_dir *dir)
{
    if (dir->count < dir->cap)
        return OK;
    size_t cap = dir->cap > 0 ? dir->cap * 2 : 16;
    uint64_t *firsts = realloc(dir->firsts, cap * sizeof(*firsts));
    if (firsts == NULL)
        return ERR_NOMEM;
    dir->firsts = firsts;
    dir->cap = cap;
    return OK;
}

static int compare_firsts(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static enum err list_entries(struct wal_dir *dir, DIR *stream)
{
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(stream)) != NULL) {
        uint64_t first = name_get(entry->d_name);
        if (first == 0)
            continue;
        TRY(reserve(dir));
        dir->firsts[dir->count++] = first;
    }
    return errno == 0 ? OK : ERR_IO;
}

static enum err list_segments(struct wal_dir *dir)
{
    int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    if (stream == NULL) {
        enum err err = wal_os_error(errno);
        if (fd >= 0)
            close(fd);
        return err;
    }
    enum err err = list_entries(dir, stream);
    closedir(stream);
    if (err == OK && dir->count > 0)
        qsort(dir->firsts, dir->count, sizeof(*dir->firsts), compare_firsts);
    return err;
}

enum err wal_dir_take(struct wal_dir *dir)
{
    TRY(take_lock(dir));
    if (unlinkat(dir->fd, WAL_NEW_NAME, 0) != 0 && errno != ENOENT)
        return wal_os_error(errno);
    return list_segments(dir);
}

void wal_dir_done(struct wal_dir *dir)
{
    if (dir->lock_fd >= 0)
        close(dir->lock_fd);
    if (dir->fd >= 0)
        close(dir->fd);
    free(dir->firsts);
    *dir = (struct wal_dir){.fd = -1, .lock_fd = -1};
}

/* ---- segments ---- */

enum err wal_dir_segment(const struct wal_dir *dir, uint64_t first, int *out_fd)
{
    char name[WAL_NAME_MAX];
    struct stat file;
    name_put(first, name);
    int fd = openat(dir->fd, name,
                    O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? ERR_IO : wal_os_error(errno);
    if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) {
        close(fd);
        return ERR_IO;
    }
    *out_fd = fd;
    return OK;
}

/* Nobody has to agree on it, and nobody may know it. */
static enum err random_key(uint8_t key[WAL_KEY_BYTES])
{
    ssize_t got = getrandom(key, WAL_KEY_BYTES, 0); /* lint: banned (above) */
    return got == (ssize_t)WAL_KEY_BYTES ? OK : ERR_RANDOM;
}

/* Everything of the new segment but its name, on the disk. */
static enum err fill_new(int fd, const struct wal_room *room,
                         const struct wal_owner *owner,
                         const uint8_t key[WAL_KEY_BYTES])
{
    uint8_t head[WAL_HEAD_BYTES];
    wal_head_put(owner, key, head);
    TRY(allocate(fd, room));
    TRY(wal_file_write(fd, BYTES_OF(head), 0));
    return fsync(fd) == 0 ? OK : wal_os_error(errno);
}

/* A rename that is not known to have lasted may not be built upon. */
static enum err publish_new(struct wal_dir *dir, uint64_t first)
{
    char name[WAL_NAME_MAX];
    name_put(first, name);
    if (renameat(dir->fd, WAL_NEW_NAME, dir->fd, name) != 0)
        return wal_os_error(errno);
    if (fsync(dir->fd) != 0)
        return ERR_IO;
    if (dir->count == 0 || dir->firsts[dir->count - 1] != first)
        dir->firsts[dir->count++] = first;
    return OK;
}

enum err wal_dir_make(struct wal_dir *dir, const struct wal_room *room,
                      const struct wal_owner *owner, uint64_t first,
                      uint8_t out_key[WAL_KEY_BYTES], int *out_fd)
{
    uint8_t key[WAL_KEY_BYTES];
    CHECK(first > 0 && first < WAL_SEQ_MAX);
    CHECK(dir->count == 0 || first >= dir->firsts[dir->count - 1]);
    TRY(reserve(dir));
    int fd = openat(dir->fd, WAL_NEW_NAME,
                    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return wal_os_error(errno);
    enum err err = random_key(key);
    if (err == OK)
        err = fill_new(fd, room, owner, key);
    if (err == OK)
        err = publish_new(dir, first);
    if (err != OK) {
        close(fd);
        (void)unlinkat(dir->fd, WAL_NEW_NAME, 0);
        return err;
    }
    memcpy(out_key, key, sizeof(key));
    *out_fd = fd;
    return OK;
}

/* One at a time, oldest first, each for good: never a gap. */
enum err wal_dir_drop(struct wal_dir *dir)
{
    char name[WAL_NAME_MAX];
    CHECK(dir->count > 1);
    name_put(dir->firsts[0], name);
    if (unlinkat(dir->fd, name, 0) != 0 && errno != ENOENT)
        return wal_os_error(errno);
    dir->count--;
    memmove(&dir->firsts[0], &dir->firsts[1],
            dir->count * sizeof(dir->firsts[0]));
    return fsync(dir->fd) == 0 ? OK : ERR_IO;
}
