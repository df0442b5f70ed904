#define _GNU_SOURCE
#include "node/executors/sandbox/doctor.h"

#include "node/executors/sandbox/rootfs.h"
#include "node/executors/sandbox/seccomp.h"
#include "node/executors/sandbox/selftest.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

#define FREE_MIN (64ull << 20)

void doctor_instance_name(const char *state, char out[16])
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (const char *c = state; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    (void)snprintf(out, 16, "suan-%08x", hash);
}

static void note(struct doctor *d, const char *check, bool required,
                 enum err err, const char *what, const struct fail *fail)
{
    json_t *entry = json_pack("{s:s, s:b, s:b, s:o, s:o, s:o}", "check", check,
                              "ok", err == OK, "required", required, "what",
                              fail_text(err == OK ? what : fail->what), "why",
                              fail_text(err == OK ? "" : fail->why), "fix",
                              fail_text(err == OK ? "" : fail->fix));

    if (err != OK && required)
        d->can_run = false;
    (void)json_array_append_new(d->checks, entry);
}

static enum err check_kernel(char *what, size_t cap, struct fail *fail)
{
    struct mount_attr attr = {0};
    struct open_how how = {.flags = O_PATH};
    struct utsname name;
    int fd;

    if (uname(&name) != 0 || strcmp(name.machine, "x86_64") != 0)
        return fail_set(fail, ERR_UNSUPPORTED, "the processor is not x86_64",
                        "sell from an x86_64 machine",
                        "the system call filter is written for x86_64");
    fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));
    if (fd < 0)
        return fail_errno(fail, "the kernel is too old (5.12 is needed)",
                          "openat2");
    close(fd);
    if (mount_setattr(-1, "", AT_EMPTY_PATH, &attr, sizeof(attr)) != 0 &&
        errno == ENOSYS)
        return fail_errno(fail, "the kernel is too old (5.12 is needed)",
                          "mount_setattr");
    fd = pidfd_open(getpid(), 0);
    if (fd < 0)
        return fail_errno(fail, "the kernel is too old (5.12 is needed)",
                          "pidfd_open");
    close(fd);
    (void)dir_text(what, cap, "Linux %.60s", name.release);
    return OK;
}

static enum err check_userns(struct fail *fail)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0)
        _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : errno & 0x7f);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return fail_errno(fail, "user namespaces cannot be tried", "fork");
    if (status == 0)
        return OK;
    return fail_set(fail, ERR_SANDBOX, "jobs cannot be given a user namespace",
                    "sysctl user.max_user_namespaces=10000, and "
                    "kernel.unprivileged_userns_clone=1 where it exists; a "
                    "chroot has none",
                    "unshare(CLONE_NEWUSER): %s",
                    strerror(WIFEXITED(status) ? WEXITSTATUS(status) : EINTR));
}

/* Whether the file is a program that needs no loader and no libraries. */
static bool is_static(const char *path)
{
    Elf64_Ehdr head;
    bool ok = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    if (read(fd, &head, sizeof(head)) == sizeof(head) &&
        memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 &&
        head.e_ident[EI_CLASS] == ELFCLASS64) {
        ok = true;
        for (unsigned i = 0; i < head.e_phnum && ok; i++) {
            Elf64_Phdr part;
            off_t at = (off_t)(head.e_phoff + i * sizeof(part));
            ok = pread(fd, &part, sizeof(part), at) == sizeof(part) &&
                 part.p_type != PT_INTERP;
        }
    }
    close(fd);
    return ok;
}

static enum err check_init(struct machine *machine, struct fail *fail)
{
    if (!tool_find("catatonit", machine->init))
        return fail_set(fail, ERR_SANDBOX, "jobs would have no init",
                        "apt-get install catatonit",
                        "catatonit is not installed");
    if (!is_static(machine->init))
        return fail_set(fail, ERR_SANDBOX, "jobs would have no init",
                        "install Debian's catatonit, which is static",
                        "%s is not a static program", machine->init);
    return OK;
}

static enum err check_umoci(struct fail *fail)
{
    char path[TOOL_PATH];

    if (tool_find("umoci", path))
        return OK;
    return fail_set(fail, ERR_UNSUPPORTED, "images cannot be unpacked",
                    "apt-get install umoci", "umoci is not installed");
}

static enum err check_skopeo(struct fail *fail)
{
    char path[TOOL_PATH];

    if (tool_find("skopeo", path))
        return OK;
    return fail_set(fail, ERR_UNSUPPORTED,
                    "only OCI archives are accepted as images",
                    "apt-get install skopeo",
                    "skopeo, which reads docker archives, is not installed");
}

static enum err check_state(const char *state, struct fail *fail)
{
    struct statvfs st;

    if (strchr(state, ':') != NULL)
        return fail_set(fail, ERR_CONFIG, "the state directory cannot be used",
                        "choose a path without ':'",
                        "%s has a colon, which umoci cannot handle", state);
    if (access(state, W_OK) != 0 || statvfs(state, &st) != 0)
        return fail_errno(fail, "the state directory cannot be used", state);
    if ((uint64_t)st.f_bavail * st.f_frsize < FREE_MIN)
        return fail_set(fail, ERR_FULL,
                        "the disk of the state directory is "
                        "full",
                        "free some space, or move the state directory",
                        "%s has less than 64 MiB left", state);
    return OK;
}

static enum err check_groups(const char *state, struct machine *machine,
                             struct fail *fail)
{
    struct cgroup home;
    char name[16];

    doctor_instance_name(state, name);
    TRY(cg_home(geteuid() == 0, &home, machine->hybrid, sizeof(machine->hybrid),
                fail));
    TRY(cg_check(&home, fail));
    TRY(cg_child(&home, name, &machine->instance, fail));
    TRY(cg_make(&machine->instance, fail));
    return cg_delegate(&machine->instance, fail);
}

static enum err check_volume(struct machine *machine, struct fail *fail)
{
    enum err err = OK;

    machine->volume = VOLUME_EXT4;
    if (!machine->pool.privileged)
        err = fail_set(fail, ERR_UNSUPPORTED,
                       "disks of jobs live in their memory",
                       "run the executor as root to sell disk space",
                       "loop devices need root");
    else
        err = volume_check(fail);
    if (err != OK)
        machine->volume = VOLUME_TMPFS;
    return err;
}

/* crun if a container runs with it, else runc. */
static enum err check_runtime(const char *state, struct doctor *d,
                              struct fail *fail)
{
    enum runtime_kind kinds[] = {RUNTIME_CRUN, RUNTIME_RUNC};
    struct fail first;
    bool any = false;

    memset(&first, 0, sizeof(first));
    for (size_t i = 0; i < 2; i++) {
        if (!runtime_find(kinds[i], &d->machine.runtime))
            continue;
        if (selftest_run(state, &d->machine, fail) == OK) {
            runtime_version(&d->machine.runtime, d->runtime_version,
                            sizeof(d->runtime_version));
            return OK;
        }
        if (!any)
            first = *fail;
        any = true;
    }
    if (!any)
        return fail_set(fail, ERR_SANDBOX, "there is no container runtime",
                        "apt-get install crun",
                        "neither crun nor runc is "
                        "installed");
    *fail = first;
    return fail->err;
}

static void examine(const char *state, struct doctor *d)
{
    char kernel[80] = "";
    struct fail fail;

    memset(&fail, 0, sizeof(fail));
#define CHECK_UP(name, required, call, good)                                   \
    note(d, name, required, call, good, &fail)
    CHECK_UP("kernel", true, check_kernel(kernel, sizeof(kernel), &fail),
             kernel);
    CHECK_UP("state", true, check_state(state, &fail),
             "the state directory can be used");
    CHECK_UP("user_namespaces", true, check_userns(&fail),
             "jobs get a user namespace");
    CHECK_UP("user_ids", true, idpool_find(&d->machine.pool, &fail),
             "every job gets user ids of its own");
    CHECK_UP("control_groups", true, check_groups(state, &d->machine, &fail),
             d->machine.instance.version == 2
                 ? "cpu, memory and processes are limited (version 2)"
                 : "cpu, memory and processes are limited (version 1)");
    CHECK_UP("seccomp", true, seccomp_check(&fail),
             "system calls are filtered");
    CHECK_UP("init", true, check_init(&d->machine, &fail),
             "catatonit is process 1 of a job");
    CHECK_UP("images", true, check_umoci(&fail), "umoci unpacks images");
    CHECK_UP("image_shapes", false, check_skopeo(&fail),
             "docker archives are accepted too");
    CHECK_UP("disk", false, check_volume(&d->machine, &fail),
             "every job gets a disk of the size bought");
    if (d->can_run)
        CHECK_UP("container", true, check_runtime(state, d, &fail),
                 "a container was run, with everything above");
#undef CHECK_UP
}

enum err doctor_run(const char *state, struct doctor *out)
{
    memset(out, 0, sizeof(*out));
    out->checks = json_array();
    if (out->checks == NULL ||
        !dir_text(out->machine.templates, sizeof(out->machine.templates),
                  "%s/templates", state))
        return ERR_NOMEM;
    out->can_run = true;
    examine(state, out);
    return OK;
}

void doctor_done(struct doctor *doctor)
{
    json_decref(doctor->checks);
    doctor->checks = NULL;
}

static json_t *problems(const struct doctor *d)
{
    json_t *list = json_array(), *check;
    size_t i;

    json_array_foreach(d->checks, i, check)
    {
        if (json_is_true(json_object_get(check, "ok")))
            continue;
        (void)json_array_append_new(
            list, json_pack("{s:O, s:O, s:O, s:O, s:O}", "code",
                            json_object_get(check, "check"), "required",
                            json_object_get(check, "required"), "what",
                            json_object_get(check, "what"), "why",
                            json_object_get(check, "why"), "fix",
                            json_object_get(check, "fix")));
    }
    return list;
}

static json_t *isolation(const struct doctor *d)
{
    const struct machine *machine = &d->machine;
    uint32_t first = machine->pool.privileged ? 1 : 0;
    json_int_t ranges = (json_int_t)machine->pool.count - first;

    return json_pack(
        "{s:s, s:s, s:b, s:i, s:s, s:b, s:I, s:b, s:b, s:b, s:b, s:s}",
        "runtime", runtime_name(machine->runtime.kind), "runtime_version",
        d->runtime_version, "privileged", machine->pool.privileged,
        "cgroup_version", machine->instance.version, "disk",
        volume_kind_name(machine->volume), "user_namespace", 1, "id_ranges",
        ranges > 0 ? ranges : 0, "seccomp", 1, "network", 0, "read_only_root",
        1, "freezer",
        machine->instance.version == 2 ||
            machine->instance.dir[CG_FREEZER][0] != '\0',
        "init", "catatonit");
}

json_t *doctor_hello(const struct doctor *d)
{
    json_t *limits = json_pack("[s, s, s, s, s, s]", "cpu", "memory", "disk",
                               "processes", "wall_clock", "output");
    json_t *hello = json_pack(
        "{s:s, s:s, s:i, s:[s], s:b, s:o, s:o}", "name", SANDBOX_NAME,
        "version", SUAN_VERSION, "protocol", SANDBOX_PROTOCOL, "kinds", "oci",
        "can_run", d->can_run, "limits", limits, "problems", problems(d));

    if (hello != NULL && d->can_run)
        (void)json_object_set_new(hello, "isolation", isolation(d));
    return hello;
}

static const char *text(const json_t *check, const char *name)
{
    return json_string_value(json_object_get(check, name));
}

int doctor_print(const struct doctor *d)
{
    json_t *check;
    size_t i;

    json_array_foreach(d->checks, i, check)
    {
        bool ok = json_is_true(json_object_get(check, "ok"));
        bool required = json_is_true(json_object_get(check, "required"));
        printf("%-8s %-16s %s\n",
               ok         ? "ok"
               : required ? "MISSING"
                          : "without",
               text(check, "check"), text(check, "what"));
        if (!ok)
            printf("%25s why: %s\n%25s fix: %s\n", "", text(check, "why"), "",
                   text(check, "fix"));
    }
    if (d->can_run)
        printf("\nThis machine can run jobs, with %s.\n", d->runtime_version);
    else
        printf("\nThis machine cannot run jobs: see MISSING above.\n");
    return d->can_run ? 0 : 1;
}
