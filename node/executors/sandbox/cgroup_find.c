/* Where this machine lets us make control groups. */
#define _GNU_SOURCE
#include "node/executors/sandbox/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/check.h"

#define SUPERVISOR "suan-sup"
#define PROC_MAX   (256u * 1024)

static const char *const kind_names[CG_KINDS] = {
    "memory", "cpu", "cpuacct", "pids", "freezer", "devices"};

const char *cg_kind_name(enum cg_kind kind)
{
    CHECK(kind < CG_KINDS);
    return kind_names[kind];
}

/* Whether `word` is one of the comma-separated words in list[0..len). */
static bool listed(const char *list, size_t len, const char *word)
{
    size_t want = strlen(word);

    while (len > 0) {
        const char *comma = memchr(list, ',', len);
        size_t part = comma != NULL ? (size_t)(comma - list) : len;
        if (part == want && memcmp(list, word, want) == 0)
            return true;
        if (comma == NULL)
            return false;
        list += part + 1;
        len -= part + 1;
    }
    return false;
}

/* The line of /proc/self/cgroup for a controller ("" for version 2): its path,
 * up to the end of the line. */
static bool own_path(const char *self, const char *controller, char *out,
                     size_t cap)
{
    for (const char *line = self; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        const char *names = memchr(line, ':', len);
        const char *path;
        if (names != NULL) {
            names++;
            path = memchr(names, ':', len - (size_t)(names - line));
            if (path != NULL &&
                ((*controller == '\0' && path == names) ||
                 listed(names, (size_t)(path - names), controller))) {
                path++;
                return dir_text(out, cap, "%.*s",
                                (int)(len - (size_t)(path - line)), path);
            }
        }
        line += len + (line[len] == '\n');
    }
    return false;
}

struct mount_line {
    char root[DIR_PATH];
    char point[DIR_PATH];
    char type[32];
    char options[256]; /* of the super block */
};

/* Undoes the \040 escapes in place. */
static void unescape(char *text)
{
    char *to = text;

    for (const char *c = text; *c != '\0'; c++) {
        if (c[0] == '\\' && c[1] >= '0' && c[1] <= '3' && c[2] >= '0' &&
            c[2] <= '7' && c[3] >= '0' && c[3] <= '7') {
            *to++ = (char)((c[1] - '0') * 64 + (c[2] - '0') * 8 + c[3] - '0');
            c += 3;
        } else {
            *to++ = *c;
        }
    }
    *to = '\0';
}

/* "36 35 98:0 /root /point opts tags - type source superopts" */
static bool read_mount(const char *line, size_t len, struct mount_line *out)
{
    char copy[3 * DIR_PATH];
    const char *dash;

    if (len >= sizeof(copy))
        return false;
    memcpy(copy, line, len);
    copy[len] = '\0';
    if (sscanf(copy, "%*d %*d %*s %1023s %1023s", out->root, out->point) != 2)
        return false;
    dash = strstr(copy, " - ");
    if (dash == NULL ||
        sscanf(dash + 3, "%31s %*s %255s", out->type, out->options) != 2)
        return false;
    unescape(out->root);
    unescape(out->point);
    return true;
}

/* The directory of our own group: the mount may show only a part of the tree
 * (root), which then is a prefix of the path. */
static void join(const struct mount_line *mount, const char *path, char *out)
{
    size_t len = strlen(mount->root);

    out[0] = '\0';
    if (strcmp(mount->root, "/") == 0)
        len = 0;
    if (strncmp(path, mount->root, len) != 0 ||
        (path[len] != '/' && path[len] != '\0') || strstr(path, "/..") != NULL)
        path = "";
    else
        path += len;
    if (strcmp(path, "/") == 0)
        path = "";
    if (!dir_text(out, DIR_PATH, "%s%s", mount->point, path))
        out[0] = '\0';
}

struct finding {
    struct cgroup v1;
    char v2[DIR_PATH];
    char v2_point[DIR_PATH];
};

static void take_mount(const struct mount_line *mount, const char *self,
                       struct finding *out)
{
    char path[DIR_PATH];

    if (strcmp(mount->type, "cgroup2") == 0 && out->v2[0] == '\0') {
        if (!own_path(self, "", path, sizeof(path)))
            return;
        join(mount, path, out->v2);
        (void)dir_text(out->v2_point, DIR_PATH, "%s", mount->point);
    }
    if (strcmp(mount->type, "cgroup") != 0)
        return;
    for (size_t kind = 0; kind < CG_KINDS; kind++) {
        const char *name = kind_names[kind];
        if (out->v1.dir[kind][0] == '\0' &&
            listed(mount->options, strlen(mount->options), name) &&
            own_path(self, name, path, sizeof(path)))
            join(mount, path, out->v1.dir[kind]);
    }
}

void cg_find(const char *mountinfo, const char *self, struct cgroup *out,
             char *out_hybrid, size_t cap)
{
    struct finding finding;
    bool v1;

    memset(&finding, 0, sizeof(finding));
    memset(out, 0, sizeof(*out));
    for (const char *line = mountinfo; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        struct mount_line mount;
        memset(&mount, 0, sizeof(mount));
        if (read_mount(line, len, &mount))
            take_mount(&mount, self, &finding);
        line += len + (line[len] == '\n');
    }
    v1 = finding.v1.dir[CG_MEMORY][0] != '\0' ||
         finding.v1.dir[CG_CPU][0] != '\0' || finding.v2[0] == '\0';
    if (out_hybrid != NULL)
        (void)dir_text(out_hybrid, cap, "%s", v1 ? finding.v2_point : "");
    if (v1) {
        *out = finding.v1;
        out->version = 1;
        return;
    }
    out->version = 2;
    for (size_t kind = 0; kind < CG_FREEZER; kind++)
        memcpy(out->dir[kind], finding.v2, DIR_PATH);
}

/* -- version 2: a home whose controllers can be handed down --------------- */

static bool hand_down(const char *dir)
{
    int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool ok;

    if (at < 0)
        return false;
    ok = dir_put(at, "cgroup.subtree_control", "+memory +cpu +pids") == 0;
    close(at);
    return ok;
}

/* Version 2 lets a group with processes have no children with controllers:
 * everyone moves into a leaf. */
static bool step_aside(const char *dir)
{
    char leaf[DIR_PATH], procs[DIR_PATH], text[8192];

    if (!dir_text(leaf, sizeof(leaf), "%s/%s", dir, SUPERVISOR) ||
        !dir_text(procs, sizeof(procs), "%s/cgroup.procs", dir))
        return false;
    if (mkdir(leaf, 0755) != 0 && errno != EEXIST)
        return false;
    for (int round = 0; round < 8; round++) {
        if (dir_read(AT_FDCWD, procs, text, sizeof(text)) <= 0)
            return true;
        for (char *save = NULL, *pid = strtok_r(text, "\n", &save); pid != NULL;
             pid = strtok_r(NULL, "\n", &save)) {
            char target[DIR_PATH];
            if (dir_text(target, sizeof(target), "%s/cgroup.procs", leaf))
                (void)dir_put(AT_FDCWD, target, pid);
        }
    }
    return false;
}

static bool is_delegated(const char *dir)
{
    char value[8];

    return getxattr(dir, "trusted.delegate", value, sizeof(value)) > 0 ||
           getxattr(dir, "user.delegate", value, sizeof(value)) > 0;
}

static void set_v2(struct cgroup *out, const char *dir)
{
    out->version = 2;
    for (size_t kind = 0; kind < CG_KINDS; kind++)
        (void)dir_text(out->dir[kind], DIR_PATH, "%s",
                       kind < CG_FREEZER ? dir : "");
}

/* Our own group when it is ours to divide; as root otherwise the top of the
 * tree, where systemd leaves strangers alone. */
static enum err home_v2(bool root, const char *point, struct cgroup *out,
                        struct fail *fail)
{
    char own[DIR_PATH];
    char *base;

    memcpy(own, out->dir[CG_MEMORY], sizeof(own));
    base = strrchr(own, '/');
    if (base != NULL && strcmp(base + 1, SUPERVISOR) == 0)
        *base = '\0';
    set_v2(out, own);
    if (hand_down(own))
        return OK;
    if ((!root || is_delegated(own) || strcmp(own, point) == 0) &&
        step_aside(own) && hand_down(own))
        return OK;
    if (root && hand_down(point)) {
        set_v2(out, point);
        return OK;
    }
    return fail_set(fail, ERR_SANDBOX,
                    "control groups cannot be made, so jobs cannot be limited",
                    "run as a systemd service with Delegate=yes, or as root",
                    "%s: memory, cpu and pids cannot be handed down: %s", own,
                    strerror(errno));
}

static void mount_point(const char *mountinfo, char *out)
{
    out[0] = '\0';
    for (const char *line = mountinfo; *line != '\0' && out[0] == '\0';) {
        size_t len = strcspn(line, "\n");
        struct mount_line mount;
        memset(&mount, 0, sizeof(mount));
        if (read_mount(line, len, &mount) && strcmp(mount.type, "cgroup2") == 0)
            memcpy(out, mount.point, DIR_PATH);
        line += len + (line[len] == '\n');
    }
}

/* Freezer and devices are a second lock: without the right to use them jobs
 * are still limited, metered and ended. */
static void drop_unusable(struct cgroup *home)
{
    for (size_t kind = CG_FREEZER; kind < CG_KINDS; kind++)
        if (home->dir[kind][0] != '\0' && access(home->dir[kind], W_OK) != 0)
            home->dir[kind][0] = '\0';
}

enum err cg_home(bool root, struct cgroup *out, char *out_hybrid, size_t cap,
                 struct fail *fail)
{
    char *mounts = malloc(PROC_MAX), *self = malloc(PROC_MAX);
    char point[DIR_PATH];
    enum err err = OK;

    memset(out, 0, sizeof(*out));
    if (mounts == NULL || self == NULL) {
        err = fail_errno(fail, "control groups cannot be found", "memory");
        goto out;
    }
    if (dir_read(AT_FDCWD, "/proc/self/mountinfo", mounts, PROC_MAX) < 0 ||
        dir_read(AT_FDCWD, "/proc/self/cgroup", self, PROC_MAX) < 0) {
        err = fail_errno(fail, "control groups cannot be found", "/proc/self");
        goto out;
    }
    cg_find(mounts, self, out, out_hybrid, cap);
    drop_unusable(out);
    if (out->version == 2) {
        mount_point(mounts, point);
        err = home_v2(root, point, out, fail);
    }
out:
    free(mounts);
    free(self);
    return err;
}
