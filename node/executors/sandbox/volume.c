#define _GNU_SOURCE
#include "node/executors/sandbox/volume.h"

#include "node/executors/sandbox/dir.h"
#include "node/executors/sandbox/room.h"
#include "node/executors/sandbox/tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

#define WHAT            "the job's disk cannot be made"
#define MKFS_TIMEOUT_MS 120000
#define LOOP_MAJOR      7
#define TEMPLATES_MAX   16

const char *volume_kind_name(enum volume_kind kind)
{
    switch (kind) {
    case VOLUME_EXT4:
        return "ext4";
    case VOLUME_TMPFS:
        return "tmpfs";
    }
    CHECK(false);
    return "";
}

enum err volume_check(struct fail *fail)
{
    char mkfs[TOOL_PATH];
    int fd;

    if (!tool_find("mkfs.ext4", mkfs))
        return fail_set(fail, ERR_UNSUPPORTED, "jobs get no disk of their own",
                        "apt-get install e2fsprogs", "no mkfs.ext4 found");
    fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return fail_set(fail, ERR_UNSUPPORTED, "jobs get no disk of their own",
                        "run as root with /dev/loop-control (modprobe loop)",
                        "/dev/loop-control: %s", strerror(errno));
    close(fd);
    return OK;
}

/* -- empty file systems to copy from -------------------------------------- */

static enum err make_template(const char *path, uint64_t mib, struct fail *fail)
{
    char mkfs[TOOL_PATH], inodes[32], answer[512];
    uint64_t count = mib * 64 < 256 ? 256 : mib * 64;
    const char *const argv[] = {mkfs,
                                "-q",
                                "-F",
                                "-b",
                                "4096",
                                "-I",
                                "256",
                                "-O",
                                "^has_journal,^resize_inode",
                                "-E",
                                "lazy_itable_init=1,nodiscard,root_owner=0:0",
                                "-m",
                                "0",
                                "-N",
                                inodes,
                                path,
                                NULL};
    int fd, rc;

    if (!tool_find("mkfs.ext4", mkfs))
        return fail_set(fail, ERR_SANDBOX, WHAT, "apt-get install e2fsprogs",
                        "no mkfs.ext4 found");
    (void)snprintf(inodes, sizeof(inodes), "%" PRIu64, count);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_errno(fail, WHAT, path);
    rc = ftruncate(fd, (off_t)(mib << 20));
    close(fd);
    if (rc != 0)
        return fail_errno(fail, WHAT, path);
    if (!tool_ask(argv, MKFS_TIMEOUT_MS, answer, sizeof(answer)))
        return fail_set(fail, ERR_IO, WHAT,
                        "look at the disk of the state directory",
                        "mkfs.ext4: %s", answer);
    return OK;
}

static size_t count_entries(const char *path)
{
    DIR *dir = opendir(path);
    size_t count = 0;

    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        closedir(dir);
    return count;
}

/* The template for this size, made if need be: its descriptor. */
static enum err open_template(const char *templates, uint64_t mib, int *out_fd,
                              struct fail *fail)
{
    char path[DIR_PATH], temp[DIR_PATH];
    enum err err;

    if (!dir_text(path, sizeof(path), "%s/ext4-%" PRIu64, templates, mib) ||
        !dir_text(temp, sizeof(temp), "%s.tmp%ld", path, (long)getpid()))
        return fail_errno(fail, WHAT, templates);
    *out_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*out_fd >= 0)
        return OK;
    if (count_entries(templates) > TEMPLATES_MAX + 2)
        (void)dir_remove(AT_FDCWD, templates);
    if (mkdir(templates, 0700) != 0 && errno != EEXIST)
        return fail_errno(fail, WHAT, templates);
    err = make_template(temp, mib, fail);
    if (err == OK && rename(temp, path) != 0)
        err = fail_errno(fail, WHAT, path);
    if (err != OK) {
        (void)unlink(temp);
        return err;
    }
    *out_fd = open(path, O_RDONLY | O_CLOEXEC);
    return *out_fd >= 0 ? OK : fail_errno(fail, WHAT, path);
}

/* Copies what is written in `from`, skipping its holes. */
static int copy_data(int from, int to)
{
    off_t at = 0;

    for (;;) {
        off_t data = lseek(from, at, SEEK_DATA);
        off_t end;
        if (data < 0)
            return errno == ENXIO ? 0 : -1;
        end = lseek(from, data, SEEK_HOLE);
        if (end < 0)
            return -1;
        while (data < end) {
            off_t out = data;
            ssize_t n =
                copy_file_range(from, &data, to, &out, (size_t)(end - data), 0);
            if (n <= 0)
                return -1;
        }
        at = end;
    }
}

/* Reserved now: a job must not meet a full host disk half way, nor the host a
 * disk that a job filled. */
static enum err reserve(int fd, uint64_t reserve_mib, uint64_t mib,
                        struct fail *fail)
{
    TRY(room_check(fd, reserve_mib << 20, mib << 20, WHAT, fail));
    if (fallocate(fd, 0, 0, (off_t)(mib << 20)) != 0 &&
        (errno != EOPNOTSUPP || ftruncate(fd, (off_t)(mib << 20)) != 0))
        return fail_errno(fail, WHAT, VOLUME_FILE);
    return room_check(fd, reserve_mib << 20, 0, WHAT, fail);
}

static enum err make_image(int job_fd, const struct volume_store *store,
                           uint64_t mib, int *out_fd, struct fail *fail)
{
    int from = -1;
    int to = openat(job_fd, VOLUME_FILE,
                    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum err err = OK;

    if (to < 0)
        return fail_errno(fail, WHAT, VOLUME_FILE);
    err = reserve(to, store->reserve_mib, mib, fail);
    if (err == OK)
        err = open_template(store->templates, mib, &from, fail);
    if (err == OK && copy_data(from, to) != 0)
        err = fail_errno(fail, WHAT, VOLUME_FILE);
    if (from >= 0)
        close(from);
    if (err != OK) {
        close(to);
        (void)unlinkat(job_fd, VOLUME_FILE, 0);
        return err;
    }
    *out_fd = to;
    return OK;
}

/* -- loop devices -----------------------------------------------------------
 */

/* The device's node, made when nobody else does. */
static int open_loop(int number, char *path, size_t cap)
{
    int fd;

    (void)snprintf(path, cap, "/dev/loop%d", number);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT &&
        mknod(path, S_IFBLK | 0600, makedev(LOOP_MAJOR, (unsigned)number)) == 0)
        fd = open(path, O_RDWR | O_CLOEXEC);
    return fd;
}

/* Puts the file on a free device that clears itself after its last user; the
 * open device, or -1. Another process may be quicker: again then. */
static int loop_attach(int file, uint32_t flags, int *out_number, char *path,
                       size_t cap)
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

    if (control < 0)
        return -1;
    for (int round = 0; round < 64; round++) {
        struct loop_config config;
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        int fd = number >= 0 ? open_loop(number, path, cap) : -1;
        if (fd < 0)
            break;
        memset(&config, 0, sizeof(config));
        config.fd = (unsigned)file;
        config.info.lo_flags = flags | LO_FLAGS_AUTOCLEAR;
        if (ioctl(fd, LOOP_CONFIGURE, &config) == 0) {
            *out_number = number;
            close(control);
            return fd;
        }
        close(fd);
        if (errno != EBUSY)
            break;
    }
    close(control);
    return -1;
}

/* Opens the device if it still holds this file. */
static int loop_reopen(int number, int file, char *path, size_t cap)
{
    struct loop_info64 info;
    struct stat st;
    int fd;

    if (number < 0)
        return -1;
    fd = open_loop(number, path, cap);
    if (fd < 0)
        return -1;
    if (fstat(file, &st) == 0 && ioctl(fd, LOOP_GET_STATUS64, &info) == 0 &&
        info.lo_inode == st.st_ino && info.lo_device == st.st_dev)
        return fd;
    close(fd);
    return -1;
}

static enum err make_ext4(int job_fd, const struct volume_store *store,
                          uint64_t mib, const char *target, struct volume *out,
                          struct fail *fail)
{
    char device[64];
    int file = -1, loop;
    enum err err = OK;

    TRY(make_image(job_fd, store, mib, &file, fail));
    loop = loop_attach(file, 0, &out->loop, device, sizeof(device));
    if (loop < 0)
        err = fail_errno(fail, WHAT, "loop device");
    /* Nothing here survives a power cut, so nothing waits for the disk. */
    else if (mount(device, target, "ext4", MS_NOSUID | MS_NODEV | MS_NOATIME,
                   "barrier=0,noinit_itable,noauto_da_alloc,"
                   "errors=remount-ro") != 0)
        err = fail_errno(fail, WHAT, device);
    if (loop >= 0)
        close(loop);
    close(file);
    return err;
}

static enum err make_tmpfs(uint64_t mib, const char *target, struct fail *fail)
{
    char options[128];

    (void)snprintf(options, sizeof(options),
                   "size=%" PRIu64 "m,nr_inodes=%" PRIu64 ",mode=0755", mib,
                   mib * 64 < 1024 ? 1024 : mib * 64);
    if (mount("suan-job", target, "tmpfs", MS_NOSUID | MS_NODEV, options) != 0)
        return fail_errno(fail, WHAT, target);
    return OK;
}

enum err volume_make(enum volume_kind kind, int job_fd,
                     const struct volume_store *store, uint64_t mib,
                     const char *target, struct volume *out, struct fail *fail)
{
    out->kind = kind;
    out->loop = -1;
    if (kind == VOLUME_TMPFS)
        return make_tmpfs(mib, target, fail);
    return make_ext4(job_fd, store, mib, target, out, fail);
}

static void nap_ms(long ms)
{
    struct timespec ts = {.tv_nsec = ms * 1000000};

    (void)nanosleep(&ts, NULL);
}

static enum err open_once(int file, int loop, const char *target,
                          struct fail *fail)
{
    char device[64];
    int number = loop;
    int fd = loop_reopen(number, file, device, sizeof(device));
    enum err err = OK;

    if (fd < 0)
        fd = loop_attach(file, LO_FLAGS_READ_ONLY, &number, device,
                         sizeof(device));
    if (fd < 0)
        return fail_errno(fail, "the job's disk cannot be read", "loop device");
    if (mount(device, target, "ext4",
              MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME,
              "") != 0)
        err = fail_errno(fail, "the job's disk cannot be read", device);
    close(fd);
    return err;
}

enum err volume_open(int job_fd, int loop, const char *target,
                     struct fail *fail)
{
    int file = openat(job_fd, VOLUME_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    enum err err = ERR_BUSY;

    if (file < 0)
        return fail_errno(fail, "the job's disk is gone", VOLUME_FILE);
    /* Busy: the kernel is still putting the writable mount away. */
    for (int round = 0; round < 200 && err == ERR_BUSY; round++) {
        err = open_once(file, loop, target, fail);
        if (err == ERR_BUSY)
            nap_ms(10);
    }
    close(file);
    return err;
}

bool volume_close(const char *target)
{
    for (int round = 0; round < 200; round++) {
        if (umount2(target, UMOUNT_NOFOLLOW) == 0 || errno == EINVAL)
            return true;
        if (errno != EBUSY)
            return false;
        nap_ms(1);
    }
    return false;
}
