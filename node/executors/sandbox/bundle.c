#define _GNU_SOURCE
#include "node/executors/sandbox/bundle.h"

#include "node/executors/sandbox/dir.h"
#include "node/executors/sandbox/idrange.h"
#include "node/executors/sandbox/seccomp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

#define NOFILE  1024u
#define UMASK   077
#define SHM_MIB 64u
#define TMP_MIB 1024u

static json_t *strings(const char *const *list, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(array, json_string(list[i]));
    return array;
}

static bool has_env(const struct spec *spec, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < spec->envc; i++)
        if (strncmp(spec->env[i], name, len) == 0 && spec->env[i][len] == '=')
            return true;
    return false;
}

static json_t *environment(const struct spec *spec)
{
    static const char *const names[] = {"PATH", "HOME", "TMPDIR", "LANG"};
    static const char *const texts[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/job", "TMPDIR=/tmp", "LANG=C.UTF-8"};
    json_t *array = json_array();

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!has_env(spec, names[i]))
            (void)json_array_append_new(array, json_string(texts[i]));
    for (size_t i = 0; i < spec->envc; i++)
        (void)json_array_append_new(array, json_string(spec->env[i]));
    return array;
}

static json_t *words(const struct spec *spec)
{
    json_t *array = json_array();

    (void)json_array_append_new(array, json_string("/dev/init"));
    (void)json_array_append_new(array, json_string("--"));
    for (size_t i = 0; i < spec->argc; i++)
        (void)json_array_append_new(array, json_string(spec->argv[i]));
    return array;
}

static json_t *rlimit(const char *type, uint64_t value)
{
    return json_pack("{s:s, s:I, s:I}", "type", type, "hard", (json_int_t)value,
                     "soft", (json_int_t)value);
}

static json_t *rlimits(const struct bundle *bundle)
{
    uint64_t nofile = bundle->nofile_max < NOFILE ? bundle->nofile_max : NOFILE;

    return json_pack("[o, o, o, o]", rlimit("RLIMIT_NOFILE", nofile),
                     rlimit("RLIMIT_CORE", 0), rlimit("RLIMIT_MSGQUEUE", 0),
                     rlimit("RLIMIT_FSIZE", bundle->spec->disk_mib << 20));
}

static json_t *process(const struct bundle *bundle)
{
    json_t *none =
        json_pack("{s:[], s:[], s:[], s:[], s:[]}", "bounding", "effective",
                  "permitted", "inheritable", "ambient");

    return json_pack(
        "{s:b, s:{s:i, s:i, s:i}, s:o, s:s, s:o, s:o, s:o, s:b, s:i}",
        "terminal", 0, "user", "uid", (int)BUNDLE_UID, "gid", (int)BUNDLE_UID,
        "umask", UMASK, "args", words(bundle->spec), "cwd", "/job", "env",
        environment(bundle->spec), "capabilities", none, "rlimits",
        rlimits(bundle), "noNewPrivileges", 1, "oomScoreAdj", 500);
}

static json_t *mount_of(const char *destination, const char *type,
                        const char *source, const char *options)
{
    json_t *list = json_array();

    for (const char *c = options; *c != '\0';) {
        size_t len = strcspn(c, ",");
        (void)json_array_append_new(list, json_stringn(c, len));
        c += len + (c[len] == ',');
    }
    return json_pack("{s:s, s:s, s:s, s:o}", "destination", destination, "type",
                     type, "source", source, "options", list);
}

static json_t *bind_of(const struct bundle *bundle, const char *destination,
                       const char *name, const char *options)
{
    char source[DIR_PATH];

    CHECK(dir_text(source, sizeof(source), "%s/%s", bundle->stage, name));
    return mount_of(destination, "bind", source, options);
}

static json_t *tmpfs_of(const char *destination, uint64_t mib,
                        const char *options)
{
    char text[160];

    (void)snprintf(text, sizeof(text),
                   "%s,mode=1777,size=%" PRIu64 "m,nr_inodes=%" PRIu64, options,
                   mib, mib * 128);
    return mount_of(destination, "tmpfs", "tmpfs", text);
}

/* One mount for each, though /job/in is bound with all that is below it: with
 * a user namespace crun 1.8 leaves that out, and runc 1.1 insists on it. */
static void add_inputs(const struct bundle *bundle, json_t *list)
{
    for (size_t i = 0; i < bundle->spec->inputc; i++) {
        const char *dest = bundle->spec->inputs[i].dest;
        char from[DIR_PATH], to[DIR_PATH];
        CHECK(dir_text(from, sizeof(from), "in/%s", dest) &&
              dir_text(to, sizeof(to), "/job/in/%s", dest));
        (void)json_array_append_new(
            list, bind_of(bundle, to, from, "bind,ro,nosuid,nodev"));
    }
}

/* The assigned ones and no other: bound, for in a user namespace none can be
 * made. */
static void add_devices(const struct bundle *bundle, json_t *list)
{
    for (size_t i = 0; i < bundle->spec->devicec; i++) {
        const char *path = bundle->spec->devices[i];
        (void)json_array_append_new(
            list, mount_of(path, "bind", path, "bind,rw,nosuid,noexec"));
    }
}

/* /tmp and /dev/shm live in the job's memory and are counted there. */
static json_t *mounts(const struct bundle *bundle)
{
    uint64_t half = bundle->spec->mem_mib / 2;
    uint64_t tmp = half < TMP_MIB ? half : TMP_MIB;
    uint64_t shm = half < SHM_MIB ? half : SHM_MIB;
    json_t *list =
        json_pack("[o, o, o, o, o, o, o]",
                  mount_of("/proc", "proc", "proc", "nosuid,noexec,nodev"),
                  mount_of("/dev", "tmpfs", "tmpfs",
                           "nosuid,noexec,strictatime,mode=755,size=64k"),
                  tmpfs_of("/dev/shm", shm, "nosuid,noexec,nodev"),
                  tmpfs_of("/tmp", tmp, "nosuid,nodev"),
                  bind_of(bundle, "/job", "job", "bind,rw,nosuid,nodev"),
                  bind_of(bundle, "/job/in", "in", "rbind,ro,nosuid,nodev"),
                  bind_of(bundle, "/dev/init", "init", "bind,ro,nosuid,nodev"));

    if (list != NULL) {
        add_inputs(bundle, list);
        add_devices(bundle, list);
    }
    return list;
}

static json_t *namespaces(void)
{
    static const char *const types[] = {"pid",   "network", "ipc",   "uts",
                                        "mount", "user",    "cgroup"};
    json_t *array = json_array();

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        (void)json_array_append_new(array,
                                    json_pack("{s:s}", "type", types[i]));
    return array;
}

static json_t *id_map(uint32_t first)
{
    return json_pack("[{s:i, s:I, s:I}]", "containerID", 0, "hostID",
                     (json_int_t)first, "size", (json_int_t)IDRANGE_SIZE);
}

static json_t *linux_part(const struct bundle *bundle)
{
    static const char *const masked[] = {
        "/proc/acpi",        "/proc/asound",      "/proc/kcore",
        "/proc/keys",        "/proc/key-users",   "/proc/latency_stats",
        "/proc/timer_list",  "/proc/timer_stats", "/proc/sched_debug",
        "/proc/scsi",        "/proc/interrupts",  "/proc/kallsyms",
        "/proc/kmsg",        "/proc/cmdline",     "/proc/modules",
        "/proc/config.gz",   "/proc/kpagecount",  "/proc/kpageflags",
        "/proc/kpagecgroup", "/sys/firmware"};
    static const char *const readonly[] = {"/proc/bus", "/proc/fs", "/proc/irq",
                                           "/proc/sys", "/proc/sysrq-trigger"};
    json_t *part = json_pack(
        "{s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "namespaces", namespaces(),
        "uidMappings", id_map(bundle->uid), "gidMappings", id_map(bundle->gid),
        "rootfsPropagation", "private", "maskedPaths",
        strings(masked, sizeof(masked) / sizeof(masked[0])), "readonlyPaths",
        strings(readonly, sizeof(readonly) / sizeof(readonly[0])), "seccomp",
        seccomp_profile(bundle->spec->devicec > 0));

    if (part != NULL && bundle->cgroups_path != NULL)
        (void)json_object_set_new(part, "cgroupsPath",
                                  json_string(bundle->cgroups_path));
    return part;
}

json_t *bundle_config(const struct bundle *bundle)
{
    char root[DIR_PATH];

    CHECK(dir_text(root, sizeof(root), "%s/rootfs", bundle->stage));
    return json_pack("{s:s, s:s, s:o, s:{s:s, s:b}, s:o, s:o}", "ociVersion",
                     "1.0.2", "hostname", "job", "process", process(bundle),
                     "root", "path", root, "readonly", 1, "mounts",
                     mounts(bundle), "linux", linux_part(bundle));
}
