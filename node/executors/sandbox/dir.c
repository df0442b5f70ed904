#define _GNU_SOURCE
#include "node/executors/sandbox/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

#define JSON_FILE_MAX (4u * 1024 * 1024)

bool dir_text(char *out, size_t cap, const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(out, cap, format, args);
    va_end(args);
    if (len >= 0 && (size_t)len < cap)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

/* Reads until the end or until cap bytes; the length, or -1. */
static ssize_t read_up_to(int fd, char *out, size_t cap)
{
    size_t len = 0;

    while (len < cap) {
        ssize_t n = read(fd, out + len, cap - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

ssize_t dir_read(int at, const char *name, char *out, size_t cap)
{
    int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t len;
    int saved;

    CHECK(cap > 0);
    out[0] = '\0';
    if (fd < 0)
        return -1;
    len = read_up_to(fd, out, cap - 1);
    saved = errno;
    close(fd);
    errno = saved;
    if (len >= 0)
        out[len] = '\0';
    return len;
}

char *dir_slurp(int at, const char *name, size_t max, size_t *out_len)
{
    int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
    struct stat st;
    char *data = NULL;
    ssize_t len = -1;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) != 0)
        goto out;
    if (!S_ISREG(st.st_mode) || st.st_size < 0 || (size_t)st.st_size > max) {
        errno = EFBIG;
        goto out;
    }
    data = malloc((size_t)st.st_size + 1);
    if (data == NULL)
        goto out;
    len = read_up_to(fd, data, (size_t)st.st_size);
    if (len < 0)
        goto out;
    data[len] = '\0';
    if (out_len != NULL)
        *out_len = (size_t)len;
out:
    close(fd);
    if (len < 0) {
        free(data);
        return NULL;
    }
    return data;
}

json_t *dir_read_json(int at, const char *name)
{
    size_t len;
    char *data = dir_slurp(at, name, JSON_FILE_MAX, &len);
    json_t *value;

    if (data == NULL)
        return NULL;
    value = json_loadb(data, len, 0, NULL);
    free(data);
    if (!json_is_object(value)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int dir_write(int at, const char *name, const void *data, size_t len)
{
    char temp[DIR_PATH];
    int fd, rc;

    if (!dir_text(temp, sizeof(temp), "%s.tmp%ld", name, (long)getpid()))
        return -1;
    fd = openat(at, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                0600);
    if (fd < 0)
        return -1;
    rc = write_all(fd, data, len);
    close(fd);
    if (rc == 0)
        rc = renameat(at, temp, at, name);
    if (rc != 0) {
        int saved = errno;
        (void)unlinkat(at, temp, 0);
        errno = saved;
    }
    return rc;
}

int dir_write_json(int at, const char *name, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    int rc;

    if (text == NULL) {
        errno = ENOMEM;
        return -1;
    }
    rc = dir_write(at, name, text, strlen(text));
    free(text);
    return rc;
}

int dir_put(int at, const char *name, const char *text)
{
    int fd = openat(at, name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    size_t len = strlen(text);
    ssize_t n;
    int saved;

    if (fd < 0)
        return -1;
    n = write(fd, text, len);
    saved = errno;
    close(fd);
    errno = saved;
    return n == (ssize_t)len ? 0 : -1;
}

int dir_putf(int at, const char *name, const char *format, ...)
{
    char text[512];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    CHECK(len >= 0 && (size_t)len < sizeof(text));
    return dir_put(at, name, text);
}

int dir_make(const char *path, mode_t mode)
{
    char copy[DIR_PATH];

    if (!dir_text(copy, sizeof(copy), "%s", path))
        return -1;
    for (char *c = copy + 1; *c != '\0'; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        if (mkdir(copy, mode) != 0 && errno != EEXIST)
            return -1;
        *c = '/';
    }
    if (mkdir(copy, mode) != 0 && errno != EEXIST)
        return -1;
    return 0;
}

#define REMOVE_DEPTH 512

/* Empties the directory behind `fd`, which it closes. Errors leave things
 * behind; the final rmdir of the caller reports them. */
static void empty(int fd, dev_t device, int depth)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;

    if (dir == NULL) {
        close(fd);
        return;
    }
    while (depth < REMOVE_DEPTH && (entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        struct stat st;
        int child;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (unlinkat(fd, name, 0) == 0)
            continue;
        child =
            openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (child < 0)
            continue;
        if (fstat(child, &st) == 0 && st.st_dev == device) {
            (void)fchmod(child, 0700);
            empty(child, device, depth + 1);
        } else {
            close(child);
        }
        (void)unlinkat(fd, name, AT_REMOVEDIR);
    }
    closedir(dir);
}

int dir_remove(int at, const char *name)
{
    struct stat st;
    int fd;

    if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
        return 0;
    fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    if (fstat(fd, &st) != 0) {
        close(fd);
        return -1;
    }
    empty(fd, st.st_dev, 0);
    return unlinkat(at, name, AT_REMOVEDIR);
}

int dir_lock(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_SETLK, &lock) == 0 ? 0 : -1;
}

pid_t dir_lock_holder(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
        return 0;
    return lock.l_pid;
}

static uint64_t clock_ms(clockid_t clock)
{
    struct timespec ts;

    CHECK(clock_gettime(clock, &ts) == 0);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t dir_now_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

uint64_t dir_boot_ms(void)
{
    return clock_ms(CLOCK_BOOTTIME);
}
