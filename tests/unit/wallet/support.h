#ifndef TESTS_UNIT_WALLET_SUPPORT_H
#define TESTS_UNIT_WALLET_SUPPORT_H

/* What the wallet's tests share: a temporary private directory, small files in
 * it, vector lines, and children that are expected to die. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"

#define VECTORS SUAN_SOURCE_DIR "/tests/vectors/"

/* Under the address sanitizer mlock does nothing and memory limits do not
 * hold, so two tests step aside. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define assert_ok(expr)       assert_int_equal((expr), OK)
#define assert_err(expr, err) assert_int_equal((expr), (err))

struct room {
    char path[64];
};

static inline const char *room_file(const struct room *room, const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", room->path, name);
    return path;
}

static inline int room_setup(void **state)
{
    struct room *room = calloc(1, sizeof(*room));
    if (room == NULL)
        return -1;
    snprintf(room->path, sizeof(room->path), "/tmp/suan-wallet-XXXXXX");
    if (mkdtemp(room->path) == NULL)
        return -1;
    *state = room;
    return 0;
}

static inline int room_count(const struct room *room)
{
    DIR *dir = opendir(room->path);
    struct dirent *found;
    int count = 0;
    assert_non_null(dir);
    while ((found = readdir(dir)) != NULL)
        count +=
            strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0;
    closedir(dir);
    return count;
}

/* Removes the files of a directory, one level. */
static inline void room_empty(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *found;
    if (dir == NULL)
        return;
    while ((found = readdir(dir)) != NULL)
        if (unlinkat(dirfd(dir), found->d_name, 0) != 0)
            unlinkat(dirfd(dir), found->d_name, AT_REMOVEDIR);
    closedir(dir);
}

static inline int room_teardown(void **state)
{
    struct room *room = *state;
    chmod(room->path, 0700);
    room_empty(room->path);
    rmdir(room->path);
    free(room);
    return 0;
}

static inline void room_put(const struct room *room, const char *name,
                            const void *content, size_t len, mode_t mode)
{
    const char *path = room_file(room, name);
    int fd;
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static inline size_t file_get(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t len;
    if (file == NULL)
        fail_msg("%s is missing", path);
    len = fread(out, 1, size - 1, file);
    fclose(file);
    out[len] = 0;
    return len;
}

/* Cuts the next '|' field off *line. */
static inline char *field_next(char **line)
{
    char *start = *line;
    char *end = start + strcspn(start, "|\n");
    *line = *end == 0 ? end : end + 1;
    *end = 0;
    return start;
}

/* Runs body(ctx) in a child; returns its wait status. The child's own handlers
 * (cmocka's, the sanitizer's) are taken off, so that a bad access kills it. */
static inline int child_status(void (*body)(void *ctx), void *ctx)
{
    int status = 0;
    pid_t pid;
    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        body(ctx);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

#endif
