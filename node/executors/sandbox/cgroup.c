#define _GNU_SOURCE
#include "node/executors/sandbox/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

#define CPU_PERIOD_US 100000u

/* Whether kind is the first of those that share its directory. */
static bool is_first(const struct cgroup *group, size_t kind)
{
    if (group->dir[kind][0] == '\0')
        return false;
    for (size_t k = 0; k < kind; k++)
        if (strcmp(group->dir[k], group->dir[kind]) == 0)
            return false;
    return true;
}

static int put(const struct cgroup *group, enum cg_kind kind, const char *file,
               const char *text)
{
    char path[DIR_PATH + 64];

    if (group->dir[kind][0] == '\0') {
        errno = ENOENT;
        return -1;
    }
    if (!dir_text(path, sizeof(path), "%s/%s", group->dir[kind], file))
        return -1;
    return dir_put(AT_FDCWD, path, text);
}

static int put_u64(const struct cgroup *group, enum cg_kind kind,
                   const char *file, uint64_t value)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    return put(group, kind, file, text);
}

static bool get(const struct cgroup *group, enum cg_kind kind, const char *file,
                char *out, size_t cap)
{
    char path[DIR_PATH + 64];

    return group->dir[kind][0] != '\0' &&
           dir_text(path, sizeof(path), "%s/%s", group->dir[kind], file) &&
           dir_read(AT_FDCWD, path, out, cap) > 0;
}

static void get_u64(const struct cgroup *group, enum cg_kind kind,
                    const char *file, uint64_t unit, uint64_t *out)
{
    char text[64];

    if (get(group, kind, file, text, sizeof(text)))
        *out = strtoull(text, NULL, 10) / unit;
}

/* The value after `key` in a file of "key value" lines. */
static void get_key(const struct cgroup *group, enum cg_kind kind,
                    const char *file, const char *key, uint64_t unit,
                    uint64_t *out)
{
    char text[4096];
    size_t len = strlen(key);

    if (!get(group, kind, file, text, sizeof(text)))
        return;
    for (const char *line = text; *line != '\0';) {
        size_t end = strcspn(line, "\n");
        if (end > len && memcmp(line, key, len) == 0 && line[len] == ' ') {
            *out = strtoull(line + len + 1, NULL, 10) / unit;
            return;
        }
        line += end + (line[end] == '\n');
    }
}

enum err cg_child(const struct cgroup *parent, const char *name,
                  struct cgroup *out, struct fail *fail)
{
    CHECK(strchr(name, '/') == NULL && name[0] != '.');
    memset(out, 0, sizeof(*out));
    out->version = parent->version;
    for (size_t kind = 0; kind < CG_KINDS; kind++)
        if (parent->dir[kind][0] != '\0' &&
            !dir_text(out->dir[kind], DIR_PATH, "%s/%s", parent->dir[kind],
                      name))
            return fail_errno(fail, "a control group's name is too long",
                              parent->dir[kind]);
    return OK;
}

enum err cg_make(const struct cgroup *group, struct fail *fail)
{
    for (size_t kind = 0; kind < CG_KINDS; kind++)
        if (is_first(group, kind) && mkdir(group->dir[kind], 0755) != 0 &&
            errno != EEXIST)
            return fail_errno(fail, "a control group cannot be made",
                              group->dir[kind]);
    return OK;
}

enum err cg_delegate(const struct cgroup *group, struct fail *fail)
{
    if (group->version != 2)
        return OK;
    if (put(group, CG_MEMORY, "cgroup.subtree_control", "+memory +cpu +pids") !=
        0)
        return fail_errno(fail, "a control group cannot hand down its limits",
                          group->dir[CG_MEMORY]);
    return OK;
}

/* The device nodes every program expects; nothing else opens. A user namespace
 * already keeps jobs from making nodes: this is the second lock. */
static int allow_device(const struct cgroup *group, const char *path)
{
    struct stat st;
    char rule[64];

    if (stat(path, &st) != 0)
        return -1;
    (void)snprintf(rule, sizeof(rule), "c %u:%u rw", major(st.st_rdev),
                   minor(st.st_rdev));
    return put(group, CG_DEVICES, "devices.allow", rule);
}

static int limit_devices(const struct cgroup *group,
                         const struct cg_limits *limits)
{
    static const char *const nodes[] = {"c 1:3 rw", "c 1:5 rw", "c 1:7 rw",
                                        "c 1:8 rw", "c 1:9 rw", "c 5:0 rw"};

    if (group->dir[CG_DEVICES][0] == '\0')
        return 0;
    if (put(group, CG_DEVICES, "devices.deny", "a") != 0)
        return -1;
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
        if (put(group, CG_DEVICES, "devices.allow", nodes[i]) != 0)
            return -1;
    for (size_t i = 0; i < limits->devicec; i++)
        if (allow_device(group, limits->devices[i]) != 0)
            return -1;
    return 0;
}

static enum err limit_v1(const struct cgroup *group,
                         const struct cg_limits *limits, struct fail *fail)
{
    if (put_u64(group, CG_MEMORY, "memory.limit_in_bytes", limits->mem_bytes))
        return fail_errno(fail, "the memory limit cannot be set",
                          group->dir[CG_MEMORY]);
    /* Without swap accounting the file is absent: cg_check has looked. */
    if (put_u64(group, CG_MEMORY, "memory.memsw.limit_in_bytes",
                limits->mem_bytes) != 0 &&
        errno != ENOENT)
        return fail_errno(fail, "the swap limit cannot be set",
                          group->dir[CG_MEMORY]);
    if (put_u64(group, CG_PIDS, "pids.max", limits->pids_max) != 0)
        return fail_errno(fail, "the process limit cannot be set",
                          group->dir[CG_PIDS]);
    if (limit_devices(group, limits) != 0)
        return fail_errno(fail, "devices cannot be denied",
                          group->dir[CG_DEVICES]);
    return OK;
}

static enum err limit_v2(const struct cgroup *group,
                         const struct cg_limits *limits, struct fail *fail)
{
    if (put_u64(group, CG_MEMORY, "memory.max", limits->mem_bytes) != 0)
        return fail_errno(fail, "the memory limit cannot be set",
                          group->dir[CG_MEMORY]);
    if (put(group, CG_MEMORY, "memory.swap.max", "0") != 0 && errno != ENOENT)
        return fail_errno(fail, "the swap limit cannot be set",
                          group->dir[CG_MEMORY]);
    (void)put(group, CG_MEMORY, "memory.oom.group", "1");
    if (put_u64(group, CG_PIDS, "pids.max", limits->pids_max) != 0)
        return fail_errno(fail, "the process limit cannot be set",
                          group->dir[CG_PIDS]);
    return OK;
}

enum err cg_limit(const struct cgroup *group, const struct cg_limits *limits,
                  struct fail *fail)
{
    CHECK(limits->mem_bytes > 0 && limits->pids_max > 0);
    return group->version == 2 ? limit_v2(group, limits, fail)
                               : limit_v1(group, limits, fail);
}

static uint64_t clamp(uint64_t value, uint64_t min, uint64_t max)
{
    return value < min ? min : value > max ? max : value;
}

enum err cg_limit_cpu(const struct cgroup *group, uint64_t cpu_milli,
                      struct fail *fail)
{
    uint64_t quota_us = cpu_milli * CPU_PERIOD_US / 1000;
    char text[64];
    int rc;

    CHECK(cpu_milli > 0);
    if (group->version == 2) {
        (void)snprintf(text, sizeof(text), "%" PRIu64 " %u", quota_us,
                       CPU_PERIOD_US);
        (void)put_u64(group, CG_CPU, "cpu.weight",
                      clamp(cpu_milli / 10, 1, 10000));
        rc = put(group, CG_CPU, "cpu.max", text);
    } else {
        (void)put_u64(group, CG_CPU, "cpu.shares",
                      clamp(cpu_milli * 1024 / 1000, 2, 262144));
        rc = put_u64(group, CG_CPU, "cpu.cfs_period_us", CPU_PERIOD_US);
        if (rc == 0)
            rc = put_u64(group, CG_CPU, "cpu.cfs_quota_us", quota_us);
    }
    if (rc != 0)
        return fail_errno(fail, "the cpu limit cannot be set",
                          group->dir[CG_CPU]);
    return OK;
}

int cg_enter(const struct cgroup *group, pid_t pid)
{
    for (size_t kind = 0; kind < CG_KINDS; kind++)
        if (is_first(group, kind) &&
            put_u64(group, (enum cg_kind)kind, "cgroup.procs", (uint64_t)pid) !=
                0)
            return -1;
    return 0;
}

static void meter_v1(const struct cgroup *group, struct usage *usage)
{
    get_u64(group, CG_CPUACCT, "cpuacct.usage", 1000, &usage->cpu_us);
    get_u64(group, CG_CPUACCT, "cpuacct.usage_user", 1000, &usage->cpu_user_us);
    get_u64(group, CG_CPUACCT, "cpuacct.usage_sys", 1000, &usage->cpu_sys_us);
    get_u64(group, CG_MEMORY, "memory.usage_in_bytes", 1, &usage->mem_now);
    get_u64(group, CG_MEMORY, "memory.max_usage_in_bytes", 1, &usage->mem_peak);
    get_key(group, CG_MEMORY, "memory.oom_control", "oom_kill", 1,
            &usage->oom_kills);
    get_key(group, CG_CPU, "cpu.stat", "throttled_time", 1000,
            &usage->throttled_us);
}

static void meter_v2(const struct cgroup *group, struct usage *usage)
{
    uint64_t peak = usage->mem_peak;

    get_key(group, CG_CPU, "cpu.stat", "usage_usec", 1, &usage->cpu_us);
    get_key(group, CG_CPU, "cpu.stat", "user_usec", 1, &usage->cpu_user_us);
    get_key(group, CG_CPU, "cpu.stat", "system_usec", 1, &usage->cpu_sys_us);
    get_key(group, CG_CPU, "cpu.stat", "throttled_usec", 1,
            &usage->throttled_us);
    get_u64(group, CG_MEMORY, "memory.current", 1, &usage->mem_now);
    get_u64(group, CG_MEMORY, "memory.peak", 1, &usage->mem_peak);
    get_key(group, CG_MEMORY, "memory.events", "oom_kill", 1,
            &usage->oom_kills);
    /* Before Linux 5.19 there is no memory.peak: the highest seen by us. */
    if (usage->mem_peak == peak && usage->mem_now > peak)
        usage->mem_peak = usage->mem_now;
}

void cg_meter(const struct cgroup *group, struct usage *usage)
{
    if (group->version == 2)
        meter_v2(group, usage);
    else
        meter_v1(group, usage);
    get_key(group, CG_PIDS, "pids.events", "max", 1, &usage->pids_refused);
}

void cg_reset_peak(const struct cgroup *group)
{
    if (group->version == 1)
        (void)put(group, CG_MEMORY, "memory.max_usage_in_bytes", "0");
}

/* Sends SIGKILL to everything listed; how many there were. */
static size_t kill_listed(const struct cgroup *group)
{
    char text[65536];
    size_t count = 0;

    if (!get(group, CG_PIDS, "cgroup.procs", text, sizeof(text)))
        return 0;
    for (const char *line = text; *line != '\0'; count++) {
        long pid = strtol(line, NULL, 10);
        if (pid > 1)
            (void)kill((pid_t)pid, SIGKILL);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return count;
}

/* Frozen, a fork bomb cannot outrun the list. */
static size_t kill_round(const struct cgroup *group)
{
    size_t count;

    if (group->version == 2 && put(group, CG_PIDS, "cgroup.kill", "1") == 0) {
        char text[64];
        return get(group, CG_PIDS, "cgroup.procs", text, sizeof(text)) ? 1 : 0;
    }
    if (group->version == 2)
        (void)put(group, CG_PIDS, "cgroup.freeze", "1");
    else
        (void)put(group, CG_FREEZER, "freezer.state", "FROZEN");
    count = kill_listed(group);
    if (group->version == 2)
        (void)put(group, CG_PIDS, "cgroup.freeze", "0");
    else
        (void)put(group, CG_FREEZER, "freezer.state", "THAWED");
    return count;
}

static void nap_us(long us)
{
    struct timespec ts = {.tv_nsec = us * 1000};

    (void)nanosleep(&ts, NULL);
}

bool cg_kill(const struct cgroup *group, uint32_t timeout_ms)
{
    uint64_t end = dir_boot_ms() + timeout_ms;
    long wait_us = 200;

    while (cg_exists(group) && kill_round(group) > 0) {
        if (dir_boot_ms() >= end)
            return false;
        nap_us(wait_us);
        wait_us = wait_us < 10000 ? wait_us * 2 : wait_us;
    }
    return true;
}

static bool remove_one(const char *dir)
{
    for (int round = 0; round < 100; round++) {
        if (rmdir(dir) == 0 || errno == ENOENT)
            return true;
        if (errno != EBUSY)
            return false;
        nap_us(1000);
    }
    return false;
}

bool cg_remove(const struct cgroup *group)
{
    bool gone = true;

    for (size_t kind = 0; kind < CG_KINDS; kind++)
        if (is_first(group, kind) && !remove_one(group->dir[kind]))
            gone = false;
    return gone;
}

void cg_release(const struct cgroup *group)
{
    for (size_t kind = 0; kind < CG_KINDS; kind++)
        if (is_first(group, kind))
            (void)rmdir(group->dir[kind]);
}

bool cg_exists(const struct cgroup *group)
{
    for (size_t kind = 0; kind < CG_KINDS; kind++)
        if (is_first(group, kind) && access(group->dir[kind], F_OK) == 0)
            return true;
    return false;
}

static size_t sweep_kind(const struct cgroup *parent, size_t kind,
                         bool (*keep)(void *, const char *), void *context)
{
    DIR *dir = opendir(parent->dir[kind]);
    struct dirent *entry;
    size_t count = 0;

    if (dir == NULL)
        return 0;
    while ((entry = readdir(dir)) != NULL) {
        struct cgroup child;
        struct fail ignored;
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
            keep(context, entry->d_name))
            continue;
        if (cg_child(parent, entry->d_name, &child, &ignored) != OK)
            continue;
        (void)cg_kill(&child, 5000);
        count += cg_remove(&child) ? 1 : 0;
    }
    closedir(dir);
    return count;
}

size_t cg_sweep(const struct cgroup *parent,
                bool (*keep)(void *context, const char *name), void *context)
{
    size_t count = 0;

    for (size_t kind = 0; kind < CG_KINDS; kind++)
        if (is_first(parent, kind))
            count += sweep_kind(parent, kind, keep, context);
    return count;
}

static enum err check_present(const struct cgroup *home, struct fail *fail)
{
    for (size_t kind = 0; kind < CG_FREEZER; kind++)
        if (home->dir[kind][0] == '\0')
            return fail_set(
                fail, ERR_SANDBOX, "jobs cannot be limited on this machine",
                "mount the controller (see cgroups(7)) or boot with cgroup v2",
                "the %s controller is not mounted",
                cg_kind_name((enum cg_kind)kind));
    return OK;
}

static bool has_swap(void)
{
    char text[512];
    ssize_t len = dir_read(AT_FDCWD, "/proc/swaps", text, sizeof(text));
    const char *line = len > 0 ? strchr(text, '\n') : NULL;

    return line != NULL && line[1] != '\0';
}

static enum err check_swap(const struct cgroup *job, struct fail *fail)
{
    char text[64];
    bool counted =
        job->version == 2
            ? get(job, CG_MEMORY, "memory.swap.max", text, 64)
            : get(job, CG_MEMORY, "memory.memsw.limit_in_bytes", text, 64);

    if (counted || !has_swap())
        return OK;
    return fail_set(fail, ERR_SANDBOX,
                    "a job could use swap beyond its memory limit",
                    "boot with swapaccount=1, or switch swap off",
                    "this machine has swap, and does not count it per group");
}

static enum err check_limits(const struct cgroup *job, struct fail *fail)
{
    struct cg_limits limits = {
        .cpu_milli = 100, .mem_bytes = 64u << 20, .pids_max = 16};

    TRY(cg_make(job, fail));
    TRY(cg_limit(job, &limits, fail));
    TRY(cg_limit_cpu(job, limits.cpu_milli, fail));
    return check_swap(job, fail);
}

enum err cg_check(const struct cgroup *home, struct fail *fail)
{
    struct cgroup job;
    char name[64];
    enum err err;

    TRY(check_present(home, fail));
    (void)snprintf(name, sizeof(name), "suan-check-%ld", (long)getpid());
    TRY(cg_child(home, name, &job, fail));
    err = check_limits(&job, fail);
    (void)cg_remove(&job);
    if (err == ERR_PERM)
        (void)dir_text(fail->fix, sizeof(fail->fix),
                       "run as root, as a systemd service with Delegate=yes, "
                       "or have root give this user the group %s",
                       home->dir[CG_MEMORY]);
    return err;
}

json_t *cg_encode(const struct cgroup *group)
{
    json_t *dirs = json_object();

    for (size_t kind = 0; kind < CG_KINDS; kind++)
        if (group->dir[kind][0] != '\0')
            (void)json_object_set_new(dirs, cg_kind_name((enum cg_kind)kind),
                                      json_string(group->dir[kind]));
    return json_pack("{s:i, s:o}", "version", group->version, "dirs", dirs);
}

bool cg_decode(const json_t *value, struct cgroup *out)
{
    const json_t *dirs = json_object_get(value, "dirs");
    struct cgroup got;

    memset(&got, 0, sizeof(got));
    got.version = (int)json_integer_value(json_object_get(value, "version"));
    if ((got.version != 1 && got.version != 2) || !json_is_object(dirs))
        return false;
    for (size_t kind = 0; kind < CG_KINDS; kind++) {
        const char *dir = json_string_value(
            json_object_get(dirs, cg_kind_name((enum cg_kind)kind)));
        if (dir != NULL &&
            (dir[0] != '/' || !dir_text(got.dir[kind], DIR_PATH, "%s", dir)))
            return false;
    }
    *out = got;
    return true;
}
