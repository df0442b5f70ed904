#include "node/datadir.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const rooms[] = {"chain", "blobs",   "jobs", "keys",
                                    "exec",  "records", "run"};

static enum err err_of_errno(int number)
{
    switch (number) {
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_PERM;
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case ENOMEM:
        return ERR_NOMEM;
    case EWOULDBLOCK:
        return ERR_BUSY;
    default:
        return ERR_IO;
    }
}

static enum err fail(struct datadir *dir, int number, const char *what,
                     const char *path, const char *next)
{
    snprintf(dir->error, sizeof(dir->error), "%s %.300s: %s. %s", what, path,
             strerror(number), next);
    return err_of_errno(number);
}

static enum err make_dir(struct datadir *dir, const char *path)
{
    struct stat info;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return fail(dir, errno, "cannot make the directory", path,
                    "Choose another place with --data-dir, or make room");
    if (stat(path, &info) != 0)
        return fail(dir, errno, "cannot read", path, "Check --data-dir");
    if (!S_ISDIR(info.st_mode))
        return fail(dir, ENOTDIR, "cannot use", path,
                    "Move the file away or choose another --data-dir");
    return OK;
}

/* mkdir -p for the directory itself. */
static enum err make_parents(struct datadir *dir)
{
    char partial[sizeof(dir->path)];
    for (char *slash = dir->path; (slash = strchr(slash + 1, '/')) != NULL;) {
        size_t len = (size_t)(slash - dir->path);
        memcpy(partial, dir->path, len);
        partial[len] = '\0';
        TRY(make_dir(dir, partial));
    }
    return make_dir(dir, dir->path);
}

static enum err check_private(struct datadir *dir)
{
    struct stat info;
    if (stat(dir->path, &info) != 0)
        return fail(dir, errno, "cannot read", dir->path, "Check --data-dir");
    if (info.st_uid != geteuid() || (info.st_mode & 022) != 0) {
        snprintf(dir->error, sizeof(dir->error),
                 "%.300s belongs to or can be written by another user. Try: "
                 "chown it to yourself and chmod 700 it",
                 dir->path);
        return ERR_PERM;
    }
    return OK;
}

/* Who was killed a moment ago may still hold it while it is taken down. */
#define LOCK_WAIT_MS 3000
#define LOCK_STEP_MS 50
static bool lock_waits(int fd)
{
    const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};
    for (int waited_ms = 0; waited_ms <= LOCK_WAIT_MS;
         waited_ms += LOCK_STEP_MS) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        nanosleep(&step, NULL);
    }
    return false;
}

static enum err take_lock(struct datadir *dir)
{
    char path[sizeof(dir->path) + 16];
    char text[32] = "";
    datadir_path(dir, "run/lock", path, sizeof(path));
    dir->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (dir->lock_fd < 0)
        return fail(dir, errno, "cannot open", path, "Check --data-dir");
    if (!lock_waits(dir->lock_fd)) {
        ssize_t got = pread(dir->lock_fd, text, sizeof(text) - 1, 0);
        text[got > 0 ? got : 0] = '\0';
        text[strcspn(text, "\n")] = '\0';
        snprintf(dir->error, sizeof(dir->error),
                 "another suand (process %s) uses %.300s. Stop it first "
                 "(suan node stop --data-dir ...) or choose another --data-dir",
                 text[0] != '\0' ? text : "?", dir->path);
        close(dir->lock_fd);
        dir->lock_fd = -1;
        return ERR_BUSY;
    }
    snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(dir->lock_fd, 0) != 0 ||
        pwrite(dir->lock_fd, text, strlen(text), 0) < 0)
        return fail(dir, errno, "cannot write", path, "Is the disk full?");
    return OK;
}

static enum err write_pid(struct datadir *dir)
{
    char path[sizeof(dir->path) + 16];
    FILE *file;
    datadir_path(dir, "run/pid", path, sizeof(path));
    file = fopen(path, "we");
    if (file == NULL)
        return fail(dir, errno, "cannot write", path, "Is the disk full?");
    fprintf(file, "%ld\n", (long)getpid());
    if (fclose(file) != 0)
        return fail(dir, errno, "cannot write", path, "Is the disk full?");
    return OK;
}

static enum err set_path(struct datadir *dir, const char *path)
{
    char cwd[512];
    size_t len;
    int used;
    if (path[0] == '/') {
        used = snprintf(dir->path, sizeof(dir->path), "%s", path);
    } else {
        if (getcwd(cwd, sizeof(cwd)) == NULL)
            return fail(dir, errno, "cannot find", "the current directory",
                        "Give an absolute --data-dir");
        used = snprintf(dir->path, sizeof(dir->path), "%s/%s", cwd, path);
    }
    /* A unix socket's path must fit below it. */
    if (used < 2 || used > 80) {
        snprintf(dir->error, sizeof(dir->error),
                 "the data directory's path is longer than 80 characters, "
                 "which its socket cannot have. Choose a shorter --data-dir");
        return ERR_TOO_LARGE;
    }
    len = strlen(dir->path);
    while (len > 1 && dir->path[len - 1] == '/')
        dir->path[--len] = '\0';
    return OK;
}

enum err datadir_open(struct datadir *dir, const char *path)
{
    enum err err;
    memset(dir, 0, sizeof(*dir));
    dir->lock_fd = -1;
    TRY(set_path(dir, path));
    TRY(make_parents(dir));
    TRY(check_private(dir));
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        char room[sizeof(dir->path) + 16];
        datadir_path(dir, rooms[i], room, sizeof(room));
        TRY(make_dir(dir, room));
    }
    err = take_lock(dir);
    if (err == OK)
        err = write_pid(dir);
    if (err != OK)
        datadir_close(dir);
    return err;
}

void datadir_close(struct datadir *dir)
{
    char path[sizeof(dir->path) + 16];
    if (dir->lock_fd < 0)
        return;
    datadir_path(dir, "run/pid", path, sizeof(path));
    unlink(path);
    close(dir->lock_fd);
    dir->lock_fd = -1;
}

void datadir_path(const struct datadir *dir, const char *name, char *out,
                  size_t size)
{
    int used = name[0] == '/' ? snprintf(out, size, "%s", name)
                              : snprintf(out, size, "%s/%s", dir->path, name);
    CHECK(used > 0 && (size_t)used < size);
}
