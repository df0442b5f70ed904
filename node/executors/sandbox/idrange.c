#define _GNU_SOURCE
#include "node/executors/sandbox/idrange.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

#define ROOT_FIRST 0x70000000u
#define ROOT_COUNT 4096u
#define FILE_MAX   65536u
#define NO_IDS     "jobs cannot be given user ids of their own"

/* A number and what follows it; false when there is none. */
static bool take_number(const char **at, unsigned long *out)
{
    char *end;

    errno = 0;
    *out = strtoul(*at, &end, 10);
    if (errno != 0 || end == *at)
        return false;
    *at = end;
    return true;
}

/* "name:first:count" of this user, with at least one whole range. */
static bool add_line(const char *line, const char *name, uint32_t uid,
                     uint32_t *out_first, uint32_t *out_count)
{
    size_t len = strcspn(line, ":");
    const char *at = line + len;
    unsigned long first, count;
    char number[16];

    (void)snprintf(number, sizeof(number), "%u", uid);
    if (!(strlen(name) == len && memcmp(line, name, len) == 0) &&
        !(strlen(number) == len && memcmp(line, number, len) == 0))
        return false;
    if (*at++ != ':' || !take_number(&at, &first) || *at++ != ':' ||
        !take_number(&at, &count))
        return false;
    if (count < IDRANGE_SIZE || first > UINT32_MAX ||
        count > UINT32_MAX - first)
        return false;
    *out_first = (uint32_t)first;
    *out_count = (uint32_t)(count / IDRANGE_SIZE);
    return true;
}

bool idpool_read_subid(const char *text, const char *name, uint32_t uid,
                       uint32_t *out_first, uint32_t *out_count)
{
    for (const char *line = text; *line != '\0';) {
        char copy[256];
        size_t len = strcspn(line, "\n");
        if (len < sizeof(copy)) {
            memcpy(copy, line, len);
            copy[len] = '\0';
            if (add_line(copy, name, uid, out_first, out_count))
                return true;
        }
        line += len + (line[len] == '\n');
    }
    return false;
}

/* The largest part of our own namespace, from a multiple of the size up. */
static bool widest_map(const char *text, uint32_t *out_first,
                       uint32_t *out_count)
{
    bool found = false;

    *out_count = 0;
    for (const char *line = text; *line != '\0';) {
        unsigned long first, host, count;
        const char *at = line;
        if (take_number(&at, &first) && take_number(&at, &host) &&
            take_number(&at, &count)) {
            unsigned long end = first + count;
            if (first < ROOT_FIRST && end > ROOT_FIRST + 2 * IDRANGE_SIZE)
                first = ROOT_FIRST;
            else if (first < IDRANGE_SIZE)
                first = IDRANGE_SIZE;
            first = (first + IDRANGE_SIZE - 1) / IDRANGE_SIZE * IDRANGE_SIZE;
            count = end > first ? (end - first) / IDRANGE_SIZE : 0;
            if (count > ROOT_COUNT)
                count = ROOT_COUNT;
            if (count > *out_count) {
                *out_first = (uint32_t)first;
                *out_count = (uint32_t)count;
                found = true;
            }
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return found;
}

static enum err find_root(struct idpool *out, struct fail *fail)
{
    char uid_map[4096], gid_map[4096];
    uint32_t gid_count = 0;

    if (dir_read(AT_FDCWD, "/proc/self/uid_map", uid_map, sizeof(uid_map)) <=
            0 ||
        dir_read(AT_FDCWD, "/proc/self/gid_map", gid_map, sizeof(gid_map)) <= 0)
        return fail_errno(fail, NO_IDS, "/proc/self/uid_map");
    if (!widest_map(uid_map, &out->uid_first, &out->count) ||
        !widest_map(gid_map, &out->gid_first, &gid_count) || out->count < 2 ||
        gid_count < 2)
        return fail_set(fail, ERR_SANDBOX, NO_IDS,
                        "run on the host, or in a container that maps at "
                        "least 196608 user ids",
                        "this user namespace maps too few ids");
    if (gid_count < out->count)
        out->count = gid_count;
    out->privileged = true;
    (void)dir_text(out->locks, sizeof(out->locks), "/run/suan-idranges");
    return OK;
}

static enum err find_user(struct idpool *out, struct fail *fail)
{
    /* cppcheck-suppress getpwuidCalled; one thread, asked once at start */
    const struct passwd *user = getpwuid(geteuid());
    const char *name = user != NULL ? user->pw_name : "";
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char text[FILE_MAX];
    uint32_t gids = 0;
    bool ok;

    ok = dir_read(AT_FDCWD, "/etc/subuid", text, sizeof(text)) > 0 &&
         idpool_read_subid(text, name, geteuid(), &out->uid_first, &out->count);
    ok = ok && dir_read(AT_FDCWD, "/etc/subgid", text, sizeof(text)) > 0 &&
         idpool_read_subid(text, name, geteuid(), &out->gid_first, &gids);
    if (!ok)
        return fail_set(fail, ERR_SANDBOX, NO_IDS,
                        "as root: usermod --add-subuids 200000-2165535 "
                        "--add-subgids 200000-2165535 THISUSER",
                        "user %s (%u) has no 65536 ids in /etc/subuid and "
                        "/etc/subgid",
                        name, (unsigned)geteuid());
    if (access("/usr/bin/newuidmap", X_OK) != 0 ||
        access("/usr/bin/newgidmap", X_OK) != 0)
        return fail_set(fail, ERR_SANDBOX, NO_IDS, "apt-get install uidmap",
                        "newuidmap and newgidmap are not installed");
    if (gids < out->count)
        out->count = gids;
    out->privileged = false;
    if (runtime == NULL || runtime[0] != '/' ||
        !dir_text(out->locks, sizeof(out->locks), "%s/suan-idranges", runtime))
        (void)dir_text(out->locks, sizeof(out->locks), "/tmp/suan-idranges-%u",
                       (unsigned)geteuid());
    return OK;
}

/* A directory others could write would let them hold our ranges. */
static enum err open_locks(const struct idpool *pool, struct fail *fail)
{
    struct stat st;

    if ((mkdir(pool->locks, 0700) != 0 && errno != EEXIST) ||
        lstat(pool->locks, &st) != 0)
        return fail_errno(fail, NO_IDS, pool->locks);
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 022) != 0)
        return fail_set(fail, ERR_MODE, NO_IDS,
                        "remove it, or give it to this user with mode 0700",
                        "%s is not a directory of ours alone", pool->locks);
    return OK;
}

enum err idpool_find(struct idpool *out, struct fail *fail)
{
    memset(out, 0, sizeof(*out));
    TRY(geteuid() == 0 ? find_root(out, fail) : find_user(out, fail));
    return open_locks(out, fail);
}

/* Whether the job the file speaks of may still be there. */
static bool still_used(int fd)
{
    char text[16384];
    ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
    struct cgroup group;
    json_t *value;
    bool used;

    if (len <= 0)
        return false;
    value = json_loadb(text, (size_t)len, 0, NULL);
    used = value != NULL && cg_decode(value, &group) && cg_exists(&group);
    json_decref(value);
    return used;
}

static bool note_user(int fd, const struct cgroup *group)
{
    json_t *value = cg_encode(group);
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
    bool ok = text != NULL && ftruncate(fd, 0) == 0 &&
              pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text);

    free(text);
    json_decref(value);
    return ok;
}

static bool try_take(const struct idpool *pool, uint32_t index,
                     const struct cgroup *group, struct idrange *out)
{
    char path[DIR_PATH + 16];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%u", pool->locks, index);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    if (dir_lock(fd) != 0 || still_used(fd) || !note_user(fd, group)) {
        close(fd);
        return false;
    }
    out->index = index;
    out->uid = pool->uid_first + index * IDRANGE_SIZE;
    out->gid = pool->gid_first + index * IDRANGE_SIZE;
    out->lock_fd = fd;
    return true;
}

enum err idrange_take(const struct idpool *pool, const struct cgroup *group,
                      struct idrange *out, struct fail *fail)
{
    uint32_t first = pool->privileged ? 1 : 0;
    uint32_t usable = pool->count - first;
    /* Start where neighbours are unlikely, so that takers rarely collide. */
    uint32_t at = (uint32_t)getpid() * 7 % usable;

    CHECK(usable > 0);
    out->lock_fd = -1;
    for (uint32_t i = 0; i < usable; i++)
        if (try_take(pool, first + (at + i) % usable, group, out))
            return OK;
    return fail_set(fail, ERR_CAPACITY, "no user ids are free for one more job",
                    pool->privileged
                        ? "wait for a job to end"
                        : "wait for a job to end, or give this user more ids "
                          "in /etc/subuid and /etc/subgid (65536 for each job)",
                    "all %u ranges are taken", usable);
}

void idrange_drop(struct idrange *range)
{
    if (range->lock_fd < 0)
        return;
    /* Whose it was is only for people to read; the lock is what counts. */
    if (ftruncate(range->lock_fd, 0) != 0)
        errno = 0;
    close(range->lock_fd);
    range->lock_fd = -1;
}

/* In the helper, outside the new namespace: maps own id and the pool. */
static int write_map(const char *tool, pid_t pid, uint32_t own, uint32_t first,
                     uint32_t count)
{
    char text[4][16];
    char path[64], zero[] = "0", one[] = "1", one2[] = "1";
    char name[16];
    pid_t child;
    int status = -1;

    (void)snprintf(name, sizeof(name), "%s", tool);
    (void)snprintf(path, sizeof(path), "/usr/bin/%s", tool);
    (void)snprintf(text[0], sizeof(text[0]), "%d", (int)pid);
    (void)snprintf(text[1], sizeof(text[1]), "%u", own);
    (void)snprintf(text[2], sizeof(text[2]), "%u", first);
    (void)snprintf(text[3], sizeof(text[3]), "%u", count * IDRANGE_SIZE);
    child = fork();
    if (child == 0) {
        char *argv[] = {name, text[0], zero,    text[1], one,
                        one2, text[2], text[3], NULL};
        char *envp[] = {NULL};
        execve(path, argv, envp);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return status == 0 ? 0 : -1;
}

static void help_map(const struct idpool *pool, int ready, pid_t target)
{
    char byte;
    ssize_t n;

    do
        n = read(ready, &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        _exit(1);
    if (write_map("newuidmap", target, geteuid(), pool->uid_first,
                  pool->count) != 0 ||
        write_map("newgidmap", target, getegid(), pool->gid_first,
                  pool->count) != 0)
        _exit(1);
    _exit(0);
}

enum err idpool_enter(const struct idpool *pool, struct fail *fail)
{
    pid_t self = getpid(), helper;
    int ready[2], status = -1;
    bool split;

    CHECK(!pool->privileged);
    if (pipe2(ready, O_CLOEXEC) != 0)
        return fail_errno(fail, NO_IDS, "pipe");
    helper = fork();
    if (helper == 0) {
        close(ready[1]);
        help_map(pool, ready[0], self);
    }
    close(ready[0]);
    split = helper > 0 && unshare(CLONE_NEWUSER) == 0;
    if (!split)
        (void)fail_errno(fail, NO_IDS, "unshare(CLONE_NEWUSER)");
    else if (write(ready[1], "x", 1) != 1)
        split = false;
    close(ready[1]);
    if (helper > 0 && waitpid(helper, &status, 0) != helper)
        status = -1;
    if (!split)
        return fail->err != OK ? fail->err
                               : fail_errno(fail, NO_IDS, "newuidmap");
    if (status != 0)
        return fail_set(fail, ERR_SANDBOX, NO_IDS,
                        "check /etc/subuid, /etc/subgid, and that newuidmap "
                        "is installed setuid",
                        "newuidmap or newgidmap refused");
    if (setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0)
        return fail_errno(fail, NO_IDS, "setresuid");
    return OK;
}

json_t *idpool_encode(const struct idpool *pool)
{
    return json_pack("{s:b, s:I, s:I, s:I, s:s}", "privileged",
                     pool->privileged, "uid_first", (json_int_t)pool->uid_first,
                     "gid_first", (json_int_t)pool->gid_first, "count",
                     (json_int_t)pool->count, "locks", pool->locks);
}

static uint32_t read_u32(const json_t *value, const char *name)
{
    return (uint32_t)json_integer_value(json_object_get(value, name));
}

bool idpool_decode(const json_t *value, struct idpool *out)
{
    const char *locks = json_string_value(json_object_get(value, "locks"));
    struct idpool got;

    memset(&got, 0, sizeof(got));
    got.privileged = json_is_true(json_object_get(value, "privileged"));
    got.uid_first = read_u32(value, "uid_first");
    got.gid_first = read_u32(value, "gid_first");
    got.count = read_u32(value, "count");
    if (locks == NULL || got.count == 0 || (got.privileged && got.count < 2) ||
        !dir_text(got.locks, sizeof(got.locks), "%s", locks))
        return false;
    *out = got;
    return true;
}
