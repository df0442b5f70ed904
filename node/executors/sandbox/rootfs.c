#define _GNU_SOURCE
#include "node/executors/sandbox/rootfs.h"

#include "node/executors/sandbox/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define WHAT      "the image cannot be made ready"
#define DEPTH_MAX 256

static enum err clean_file(int at, const char *name, const struct stat *st,
                           struct fail *fail)
{
    char link[64];
    int fd;

    if ((st->st_mode & (S_ISUID | S_ISGID)) != 0 &&
        fchmodat(at, name, st->st_mode & 01777, 0) != 0)
        return fail_errno(fail, WHAT, name);
    fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(fail, WHAT, name);
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (removexattr(link, "security.capability") != 0 && errno != ENODATA &&
        errno != EOPNOTSUPP && errno != EPERM) {
        enum err err = fail_errno(fail, WHAT, name);
        close(fd);
        return err;
    }
    close(fd);
    return OK;
}

static enum err clean_dir(int fd, const struct oci_limits *limits, int depth,
                          struct rootfs_size *out, struct fail *fail);

static enum err clean_entry(int at, const char *name,
                            const struct oci_limits *limits, int depth,
                            struct rootfs_size *out, struct fail *fail)
{
    struct stat st;
    int fd;

    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return fail_errno(fail, WHAT, name);
    out->entries++;
    out->bytes += (uint64_t)st.st_blocks * 512;
    if (out->entries > limits->entries_max || out->bytes > limits->bytes_max)
        return fail_set(fail, ERR_TOO_LARGE, WHAT,
                        "use a smaller image, or raise --image-max-mib",
                        "unpacked it is larger than the limit");
    if (S_ISLNK(st.st_mode))
        return OK;
    if (S_ISREG(st.st_mode))
        return clean_file(at, name, &st, fail);
    if (!S_ISDIR(st.st_mode))
        return fail_set(fail, ERR_IMAGE, WHAT,
                        "make the image without devices, fifos and sockets",
                        "%.200s is neither file, directory nor link", name);
    if ((st.st_mode & (S_ISUID | S_ISGID)) != 0 &&
        fchmodat(at, name, st.st_mode & 01777, 0) != 0)
        return fail_errno(fail, WHAT, name);
    fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(fail, WHAT, name);
    return clean_dir(fd, limits, depth + 1, out, fail);
}

/* Closes fd. */
static enum err clean_dir(int fd, const struct oci_limits *limits, int depth,
                          struct rootfs_size *out, struct fail *fail)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    enum err err = OK;

    if (dir == NULL) {
        close(fd);
        return fail_errno(fail, WHAT, "directory");
    }
    if (depth > DEPTH_MAX)
        err = fail_set(fail, ERR_IMAGE, WHAT, "make a flatter image",
                       "directories are nested deeper than %d", DEPTH_MAX);
    while (err == OK && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        err = clean_entry(fd, entry->d_name, limits, depth, out, fail);
    }
    closedir(dir);
    return err;
}

/* What an image has there already must be mountable: a directory, and where the
 * runtime wants one itself no link to one. */
static enum err make_point(int at, const char *name, bool links,
                           struct fail *fail)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT};
    int fd;

    if (mkdirat(at, name, 0755) == 0)
        return OK;
    if (errno != EEXIST)
        return fail_errno(fail, WHAT, name);
    if (!links)
        how.flags |= O_NOFOLLOW;
    fd = (int)syscall(SYS_openat2, at, name, &how, sizeof(how));
    if (fd >= 0)
        close(fd);
    else if (errno == ENOTDIR || errno == ELOOP || errno == ENOENT)
        return fail_set(fail, ERR_IMAGE, WHAT,
                        "make the image with an empty directory there",
                        "/%s is no directory, and nothing can be mounted there",
                        name);
    else
        return fail_errno(fail, WHAT, name);
    return OK;
}

enum err rootfs_prepare(const char *path, struct fail *fail)
{
    static const struct {
        const char *name;
        bool links; /* may be one */
    } points[] = {{"proc", false},
                  {"dev", true},
                  {"tmp", true},
                  {"job", true},
                  {"sys", false}};
    int at = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    enum err err = OK;

    if (at < 0)
        return fail_errno(fail, WHAT, path);
    if (fchmod(at, 0755) != 0)
        err = fail_errno(fail, WHAT, path);
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]) && err == OK; i++)
        err = make_point(at, points[i].name, points[i].links, fail);
    close(at);
    return err;
}

enum err rootfs_clean(const char *path, const struct oci_limits *limits,
                      struct rootfs_size *out, struct fail *fail)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    out->entries = out->bytes = 0;
    if (fd < 0)
        return fail_errno(fail, WHAT, path);
    TRY(clean_dir(fd, limits, 0, out, fail));
    return rootfs_prepare(path, fail);
}
