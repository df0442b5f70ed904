#include "wallet/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/check.h"

#define NAME_MAX_OURS 200u
#define NAME_ROOM     (NAME_MAX_OURS + 8u) /* and ".tmp" or ".old" */

static enum err err_of_errno(void)
{
    switch (errno) {
    case ENOENT:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_PERM;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_FULL;
    case ENOTDIR:
    case ELOOP:
    case ENXIO:
        return ERR_TYPE;
    case EEXIST:
        return ERR_EXISTS;
    case ENOMEM:
        return ERR_NOMEM;
    default:
        return ERR_IO;
    }
}

/* ---- directories ---- */

static enum err dir_check(int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return ERR_IO;
    if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
        return ERR_MODE;
    return OK;
}

enum err private_dir_open(const char *path, int *out_fd)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err err;

    if (fd < 0)
        return err_of_errno();
    err = dir_check(fd);
    if (err != OK) {
        close(fd);
        return err;
    }
    *out_fd = fd;
    return OK;
}

/* The directory that holds `path`, so that a new name can be made to last. */
static enum err parent_sync(int dir_fd)
{
    int fd = openat(dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err err = OK;

    if (fd < 0)
        return err_of_errno();
    if (fsync(fd) != 0)
        err = err_of_errno();
    close(fd);
    return err;
}

enum err private_dir_make(const char *path, int *out_fd)
{
    bool made = mkdir(path, 0700) == 0;
    enum err err;
    int fd = -1;

    if (!made && errno != EEXIST)
        return err_of_errno();
    TRY(private_dir_open(path, &fd));
    err = made ? parent_sync(fd) : OK;
    if (err != OK) {
        close(fd);
        return err;
    }
    *out_fd = fd;
    return OK;
}

enum err private_dir_lock(int dir_fd)
{
    if (flock(dir_fd, LOCK_EX | LOCK_NB) == 0)
        return OK;
    return errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO;
}

void private_dir_unlock(int dir_fd)
{
    flock(dir_fd, LOCK_UN);
}

bool private_dir_is_remote(int dir_fd)
{
    /* statfs(2): NFS, SMB, SMB2, CIFS, 9p, Ceph, AFS, Coda, FUSE (sshfs). */
    static const uint32_t remote[] = {
        0x6969u,     0x517bu,     0xfe534d42u, 0xff534d42u, 0x01021997u,
        0x00c36400u, 0x5346414fu, 0x73757245u, 0x65735546u,
    };
    struct statfs fs;

    if (fstatfs(dir_fd, &fs) != 0)
        return false;
    for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++)
        if ((uint32_t)fs.f_type == remote[i])
            return true;
    return false;
}

/* ---- reading ---- */

enum err private_file_read_fd(int fd, size_t len_max, struct secret *out)
{
    struct secret content = {0};
    enum err err;

    /* One byte more than allowed shows that there is too much. */
    TRY(secret_init(&content, len_max + 1));
    for (;;) {
        ssize_t got =
            read(fd, content.ptr + content.len, content.cap - content.len);
        if (got < 0 && errno == EINTR)
            continue;
        err = got < 0 ? ERR_IO : OK;
        if (got <= 0)
            break;
        content.len += (size_t)got;
        err = ERR_TOO_LARGE;
        if (content.len > len_max)
            break;
    }
    if (err != OK) {
        secret_done(&content);
        return err;
    }
    *out = content;
    return OK;
}

static enum err file_check(int fd, enum private_file_trust trust)
{
    mode_t wide = trust == PRIVATE_FILE_CREDENTIAL ? 037 : 077;
    bool root_may = trust != PRIVATE_FILE_OWN;
    struct stat st;

    if (fstat(fd, &st) != 0)
        return ERR_IO;
    if (!S_ISREG(st.st_mode))
        return ERR_TYPE;
    if (st.st_uid != geteuid() && !(root_may && st.st_uid == 0))
        return ERR_MODE;
    if ((st.st_mode & wide) != 0)
        return ERR_MODE;
    return OK;
}

enum err private_file_read(int dir_fd, const char *name,
                           enum private_file_trust trust, size_t len_max,
                           struct secret *out)
{
    /* NONBLOCK: a fifo must not hang the caller before it is refused. */
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    enum err err;
    int fd;

    if (trust == PRIVATE_FILE_OWN)
        flags |= O_NOFOLLOW;
    fd = openat(dir_fd, name, flags);
    if (fd < 0)
        return err_of_errno();
    err = file_check(fd, trust);
    if (err == OK)
        err = private_file_read_fd(fd, len_max, out);
    close(fd);
    return err;
}

/* ---- writing ---- */

static enum err write_all(int fd, struct bytes content)
{
    while (content.len > 0) {
        ssize_t put = write(fd, content.ptr, content.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return err_of_errno();
        content.ptr += put;
        content.len -= (size_t)put;
    }
    return OK;
}

/* A synced temporary file; gone again unless OK. A crash may leave one: the
 * next write removes it. */
static enum err temp_write(int dir_fd, const char *temp, struct bytes content)
{
    enum err err;
    int fd;

    if (unlinkat(dir_fd, temp, 0) != 0 && errno != ENOENT)
        return err_of_errno();
    fd = openat(dir_fd, temp,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_of_errno();
    err = write_all(fd, content);
    if (err == OK && fsync(fd) != 0)
        err = err_of_errno();
    if (close(fd) != 0 && err == OK)
        err = err_of_errno();
    if (err != OK)
        unlinkat(dir_fd, temp, 0);
    return err;
}

/* name.old := name, without a moment in which name is missing: a second link
 * to the same file, renamed over the old version. */
static enum err keep_old(int dir_fd, const char *name, const char *temp_old,
                         const char *old)
{
    if (unlinkat(dir_fd, temp_old, 0) != 0 && errno != ENOENT)
        return err_of_errno();
    if (linkat(dir_fd, name, dir_fd, temp_old, 0) != 0)
        return errno == ENOENT ? OK : err_of_errno();
    if (renameat(dir_fd, temp_old, dir_fd, old) != 0) {
        enum err err = err_of_errno();
        unlinkat(dir_fd, temp_old, 0);
        return err;
    }
    /* rename does nothing when both are links to one file already (a crash
     * came between this line and the next rename): drop the spare link. */
    unlinkat(dir_fd, temp_old, 0);
    return OK;
}

/* temp becomes name. Without `replace` by a link, which unlike a rename fails
 * when the name is taken. */
static enum err publish(int dir_fd, const char *temp, const char *name,
                        bool replace)
{
    if (replace) {
        if (renameat(dir_fd, temp, dir_fd, name) != 0)
            return err_of_errno();
        return OK;
    }
    if (linkat(dir_fd, temp, dir_fd, name, 0) != 0)
        return err_of_errno();
    unlinkat(dir_fd, temp, 0);
    return OK;
}

enum err private_file_write(int dir_fd, const char *name, struct bytes content,
                            bool replace)
{
    char temp[NAME_ROOM], old[NAME_ROOM], temp_old[NAME_ROOM];
    enum err err;

    CHECK(strlen(name) <= NAME_MAX_OURS && strchr(name, '/') == NULL);
    snprintf(temp, sizeof(temp), ".%s.tmp", name);
    snprintf(old, sizeof(old), "%s.old", name);
    snprintf(temp_old, sizeof(temp_old), ".%s.old", name);
    TRY(temp_write(dir_fd, temp, content));
    err = replace ? keep_old(dir_fd, name, temp_old, old) : OK;
    if (err == OK)
        err = publish(dir_fd, temp, name, replace);
    if (err != OK) {
        unlinkat(dir_fd, temp, 0);
        return err;
    }
    return fsync(dir_fd) == 0 ? OK : ERR_IO;
}
