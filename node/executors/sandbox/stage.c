#define _GNU_SOURCE
#include "node/executors/sandbox/stage.h"

#include "node/executors/sandbox/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

#define WHAT "the job's files cannot be put in place"

#ifndef OPEN_TREE_CLOEXEC
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif

enum err stage_leave(struct fail *fail)
{
    if (unshare(CLONE_NEWNS) != 0)
        return fail_errno(fail, WHAT, "unshare(CLONE_NEWNS)");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return fail_errno(fail, WHAT, "mount --make-rprivate /");
    return OK;
}

/* crun 1.8 refuses a machine whose extra version 2 tree offers controllers:
 * here it is not seen. */
static enum err hide(const char *hybrid, struct fail *fail)
{
    if (hybrid[0] == '\0' || umount2(hybrid, MNT_DETACH) == 0)
        return OK;
    if (mount("none", hybrid, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
              "size=4k") == 0)
        return OK;
    return fail_errno(fail, WHAT, hybrid);
}

/* A user namespace in which `from` of the disk is `to` of the machine: what a
 * mapped mount takes its mapping from. A descriptor, or -1. */
static int map_namespace(const struct stat *owner, uint32_t uid, uint32_t gid)
{
    char path[64];
    int ready[2], fd = -1;
    pid_t pid;
    char byte;

    if (pipe2(ready, O_CLOEXEC) != 0)
        return -1;
    pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL,
                         NULL);
    if (pid == 0) {
        close(ready[1]);
        _exit(read(ready[0], &byte, 1) < 0);
    }
    close(ready[0]);
    if (pid > 0) {
        (void)snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
        bool ok =
            dir_putf(AT_FDCWD, path, "%u %u 1\n", owner->st_uid, uid) == 0;
        (void)snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)pid);
        ok = ok &&
             dir_putf(AT_FDCWD, path, "%u %u 1\n", owner->st_gid, gid) == 0;
        (void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
        if (ok)
            fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    close(ready[1]);
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
    return fd;
}

static bool map_owner(int tree, const struct stat *owner,
                      const struct stage_sources *sources)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP};
    int space;
    bool ok;

    if (!sources->privileged)
        return false;
    space = map_namespace(owner, sources->uid, sources->gid);
    if (space < 0)
        return false;
    attr.userns_fd = (unsigned)space;
    ok = mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0;
    close(space);
    return ok;
}

static bool readable_by_all(const struct stat *st)
{
    mode_t want = S_ISDIR(st->st_mode) ? (S_IROTH | S_IXOTH) : S_IROTH;

    return (st->st_mode & want) == want;
}

/* A detached copy of the mount at `path`, read-only, without devices or setuid;
 * -1 with `fail` set. */
static int take(const char *path, struct stat *out_stat, struct fail *fail)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY |
                                          MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    int tree =
        open_tree(AT_FDCWD, path,
                  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);

    if (tree < 0 || fstat(tree, out_stat) != 0 ||
        mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) != 0) {
        (void)fail_errno(fail, WHAT, path);
        goto refuse;
    }
    if (!S_ISREG(out_stat->st_mode) && !S_ISDIR(out_stat->st_mode)) {
        (void)fail_set(fail, ERR_TYPE, WHAT, "name the file itself",
                       "%s is neither a file nor a directory", path);
        goto refuse;
    }
    return tree;
refuse:
    if (tree >= 0)
        close(tree);
    return -1;
}

static int take_input(const struct spec_input *input,
                      const struct stage_sources *sources,
                      struct stat *out_stat, struct fail *fail)
{
    int tree = take(input->path, out_stat, fail);

    if (tree < 0 || readable_by_all(out_stat) ||
        map_owner(tree, out_stat, sources))
        return tree;
    (void)fail_set(fail, ERR_PERM, "the job could not read one of its inputs",
                   "make it readable for all (chmod o+rX)",
                   "%s has mode %04o, and its owner cannot be mapped here",
                   input->path, out_stat->st_mode & 07777);
    close(tree);
    return -1;
}

static enum err attach(int tree, const char *target, struct fail *fail)
{
    if (move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) != 0)
        return fail_errno(fail, WHAT, target);
    return OK;
}

static enum err make_file(const char *path, struct fail *fail)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);

    if (fd < 0)
        return fail_errno(fail, WHAT, path);
    close(fd);
    return OK;
}

static enum err make_parents(char *path, size_t from, struct fail *fail)
{
    for (char *c = path + from; *c != '\0'; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        if (mkdir(path, 0755) != 0 && errno != EEXIST)
            return fail_errno(fail, WHAT, path);
        *c = '/';
    }
    return OK;
}

static enum err attach_input(const struct stage *stage, const char *dest,
                             int tree, const struct stat *st, struct fail *fail)
{
    char path[DIR_PATH];
    size_t from = strlen(stage->root) + strlen("/in/");

    if (!dir_text(path, sizeof(path), "%s/in/%s", stage->root, dest))
        return fail_errno(fail, WHAT, dest);
    TRY(make_parents(path, from, fail));
    if (!S_ISDIR(st->st_mode))
        TRY(make_file(path, fail));
    else if (mkdir(path, 0755) != 0)
        return fail_errno(fail, WHAT, path);
    return attach(tree, path, fail);
}

static bool is_below(const char *path, const char *dir)
{
    size_t len = strlen(dir);

    return strncmp(path, dir, len) == 0 &&
           (path[len] == '/' || path[len] == '\0');
}

/* A directory that nothing we still have to reach lies below. */
static bool choose_root(const struct stage_sources *sources, struct stage *out)
{
    static const char *const places[] = {"/mnt", "/media", "/srv", "/opt"};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct stat st;
        if (is_below(sources->hybrid, places[i]) ||
            is_below(sources->avoid, places[i]) || lstat(places[i], &st) != 0 ||
            !S_ISDIR(st.st_mode))
            continue;
        (void)snprintf(out->root, sizeof(out->root), "%s", places[i]);
        return true;
    }
    return false;
}

static enum err raise_stage(const struct stage *stage, struct fail *fail)
{
    static const char *const parts[] = {"rootfs", "job", "in", "bundle", "rt"};
    char path[DIR_PATH];

    if (mount("suan-stage", stage->root, "tmpfs", MS_NOSUID | MS_NODEV,
              "mode=0711,size=8m,nr_inodes=16384") != 0)
        return fail_errno(fail, WHAT, stage->root);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", stage->root, parts[i]);
        if (mkdir(path, 0755) != 0)
            return fail_errno(fail, WHAT, path);
    }
    (void)snprintf(path, sizeof(path), "%s/init", stage->root);
    return make_file(path, fail);
}

/* Sources are taken before the stage covers anything. */
struct taken {
    int rootfs, init;
    int *inputs;
    struct stat *stats;
};

static enum err take_all(const struct stage_sources *sources, struct taken *out,
                         struct fail *fail)
{
    struct stat st;

    out->inputs = calloc(sources->inputc + 1, sizeof(*out->inputs));
    out->stats = calloc(sources->inputc + 1, sizeof(*out->stats));
    if (out->inputs == NULL || out->stats == NULL)
        return fail_errno(fail, WHAT, "memory");
    for (size_t i = 0; i < sources->inputc; i++)
        out->inputs[i] = -1;
    out->rootfs = take(sources->rootfs, &st, fail);
    if (out->rootfs < 0)
        return fail->err;
    out->init = take(sources->init, &st, fail);
    if (out->init < 0)
        return fail->err;
    for (size_t i = 0; i < sources->inputc; i++) {
        out->inputs[i] =
            take_input(&sources->inputs[i], sources, &out->stats[i], fail);
        if (out->inputs[i] < 0)
            return fail->err;
    }
    return OK;
}

static enum err attach_all(const struct stage_sources *sources,
                           const struct taken *taken, const struct stage *stage,
                           struct fail *fail)
{
    char path[DIR_PATH];

    (void)snprintf(path, sizeof(path), "%s/rootfs", stage->root);
    TRY(attach(taken->rootfs, path, fail));
    (void)snprintf(path, sizeof(path), "%s/init", stage->root);
    TRY(attach(taken->init, path, fail));
    for (size_t i = 0; i < sources->inputc; i++)
        TRY(attach_input(stage, sources->inputs[i].dest, taken->inputs[i],
                         &taken->stats[i], fail));
    return OK;
}

enum err stage_open(const struct stage_sources *sources, struct stage *out,
                    struct fail *fail)
{
    struct taken taken = {.rootfs = -1, .init = -1};
    enum err err;

    TRY(hide(sources->hybrid, fail));
    if (!choose_root(sources, out))
        return fail_set(fail, ERR_SANDBOX, WHAT, "mkdir /mnt",
                        "there is neither /mnt nor /media nor /srv nor /opt");
    err = take_all(sources, &taken, fail);
    if (err == OK)
        err = raise_stage(out, fail);
    if (err == OK)
        err = attach_all(sources, &taken, out, fail);
    for (size_t i = 0; taken.inputs != NULL && i < sources->inputc; i++)
        if (taken.inputs[i] >= 0)
            close(taken.inputs[i]);
    if (taken.rootfs >= 0)
        close(taken.rootfs);
    if (taken.init >= 0)
        close(taken.init);
    free(taken.inputs);
    free(taken.stats);
    return err;
}
