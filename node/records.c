#include "node/records.h"

#include "base/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_SUFFIX ".new"

void records_init(struct records *records, const char *root)
{
    int used = snprintf(records->root, sizeof(records->root), "%s", root);
    CHECK(used > 0 && (size_t)used < sizeof(records->root));
}

/* Could it be a name of ours? */
static bool name_ok(const char *key)
{
    return key[0] != '/' && strstr(key, "..") == NULL &&
           strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                       "0123456789/-.") == strlen(key);
}

static void full_path(const struct records *records, const char *key,
                      char out[PATH_MAX])
{
    int used;
    CHECK(name_ok(key));
    used = snprintf(out, PATH_MAX, "%s/%s", records->root, key);
    CHECK(used > 0 && used < PATH_MAX - 8);
}

static enum err io_err(void)
{
    return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
}

static enum err sync_parent(const char *path)
{
    char parent[PATH_MAX];
    int fd;
    int bad;
    snprintf(parent, sizeof(parent), "%s", path);
    *strrchr(parent, '/') = '\0';
    fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return io_err();
    bad = fsync(fd);
    close(fd);
    return bad ? io_err() : OK;
}

/* mkdir -p of the record's folder below the root, each new one synced into its
 * parent: a record must not vanish with its folder. */
static enum err make_folders(const struct records *records, const char *path)
{
    char partial[PATH_MAX];
    const char *slash = path + strlen(records->root);
    while ((slash = strchr(slash + 1, '/')) != NULL) {
        size_t len = (size_t)(slash - path);
        memcpy(partial, path, len);
        partial[len] = '\0';
        if (mkdir(partial, 0700) == 0)
            TRY(sync_parent(partial));
        else if (errno != EEXIST)
            return io_err();
    }
    return OK;
}

static enum err write_all(int fd, struct bytes value)
{
    while (value.len > 0) {
        ssize_t put = write(fd, value.ptr, value.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return io_err();
        value.ptr += put;
        value.len -= (size_t)put;
    }
    return fsync(fd) == 0 ? OK : io_err();
}

/* Folders that nothing is left in go, too: there are as many as jobs. */
static void remove_empty(const struct records *records, char *path)
{
    char *slash = strrchr(path, '/');
    while (slash != NULL && slash > path + strlen(records->root)) {
        *slash = '\0';
        if (rmdir(path) != 0)
            return;
        slash = strrchr(path, '/');
    }
}

static enum err delete_record(const struct records *records, char *path)
{
    if (unlink(path) != 0)
        return errno == ENOENT ? OK : io_err();
    TRY(sync_parent(path));
    remove_empty(records, path);
    return OK;
}

enum err records_put(struct records *records, const char *key,
                     struct bytes value)
{
    char path[PATH_MAX];
    char temp[PATH_MAX + sizeof(TEMP_SUFFIX)];
    enum err err;
    int fd;
    CHECK(value.len <= RECORD_BYTES_MAX);
    full_path(records, key, path);
    if (value.len == 0)
        return delete_record(records, path);
    TRY(make_folders(records, path));
    snprintf(temp, sizeof(temp), "%s" TEMP_SUFFIX, path);
    fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_err();
    err = write_all(fd, value);
    close(fd);
    if (err == OK && rename(temp, path) != 0)
        err = io_err();
    if (err != OK) {
        unlink(temp);
        return err;
    }
    return sync_parent(path);
}

static enum err read_file(const char *path, struct buf *out)
{
    uint8_t piece[8192];
    ssize_t got;
    size_t before = out->len;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    while ((got = read(fd, piece, sizeof(piece))) > 0 && out->err == OK &&
           out->len - before <= RECORD_BYTES_MAX)
        buf_add(out, bytes_make(piece, (size_t)got));
    close(fd);
    if (got < 0)
        return ERR_IO;
    if (out->len - before > RECORD_BYTES_MAX)
        return ERR_TOO_LARGE;
    return out->err;
}

enum err records_get(struct records *records, const char *key, struct buf *out)
{
    char path[PATH_MAX];
    full_path(records, key, path);
    return read_file(path, out);
}

struct walk {
    struct records *records;
    records_each_fn fn;
    void *ctx;
};

static enum err walk_dir(struct walk *walk, const char *key);

static bool is_temp(const char *name)
{
    size_t len = strlen(name);
    size_t suffix = sizeof(TEMP_SUFFIX) - 1;
    return len > suffix && strcmp(name + len - suffix, TEMP_SUFFIX) == 0;
}

static enum err walk_entry(struct walk *walk, const char *key)
{
    char path[PATH_MAX];
    struct stat info;
    struct buf value;
    enum err err;
    full_path(walk->records, key, path);
    if (lstat(path, &info) != 0)
        return ERR_IO;
    if (S_ISDIR(info.st_mode))
        return walk_dir(walk, key);
    if (is_temp(key))
        return unlink(path) == 0 ? OK : ERR_IO;
    buf_init(&value, RECORD_BYTES_MAX + 8192);
    err = read_file(path, &value);
    if (err == OK)
        err = walk->fn(walk->ctx, key, buf_bytes(&value));
    buf_done(&value);
    return err;
}

/* Byte order, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* What others left among our records (an editor's copy, say) is not ours. */
static int is_ours(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && name_ok(entry->d_name);
}

static enum err walk_dir(struct walk *walk, const char *key)
{
    char path[PATH_MAX];
    struct dirent **names = NULL;
    enum err err = OK;
    int count;
    full_path(walk->records, key, path);
    count = scandir(path, &names, is_ours, by_name);
    if (count < 0)
        return errno == ENOENT ? OK : ERR_IO;
    for (int i = 0; i < count; i++) {
        char below[PATH_MAX];
        if (err == OK) {
            snprintf(below, sizeof(below), "%s/%s", key, names[i]->d_name);
            err = walk_entry(walk, below);
        }
        free(names[i]);
    }
    free(names);
    return err;
}

enum err records_each(struct records *records, const char *prefix,
                      records_each_fn fn, void *ctx)
{
    struct walk walk = {records, fn, ctx};
    return walk_dir(&walk, prefix);
}
