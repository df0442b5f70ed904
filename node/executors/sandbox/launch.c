/* From a plan to a running job. */
#define _GNU_SOURCE
#include "node/executors/sandbox/monitor.h"

#include "node/executors/sandbox/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/check.h"

#define WHAT "the job could not be started"

static enum err open_streams(struct monitor *m, struct fail *fail)
{
    static const struct live none;
    static const char *const names[STREAMS] = {"stdout", "stderr"};
    void *shared;
    int fd;

    for (size_t i = 0; i < STREAMS; i++) {
        int ends[2];
        m->log_fd[i] = openat(m->job_fd, names[i],
                              O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (m->log_fd[i] < 0 || pipe2(ends, O_CLOEXEC) != 0)
            return fail_errno(fail, WHAT, names[i]);
        m->read_fd[i] = ends[0];
        m->write_fd[i] = ends[1];
        if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
            return fail_errno(fail, WHAT, names[i]);
    }
    fd = openat(m->job_fd, LIVE_FILE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
                0600);
    /* Written, not only made so long: a page that finds no room on a full disk
     * later would kill us. */
    if (fd < 0 || pwrite(fd, &none, sizeof(none), 0) != sizeof(none))
        return fail_errno(fail, WHAT, LIVE_FILE);
    shared = mmap(NULL, sizeof(struct live), PROT_READ | PROT_WRITE, MAP_SHARED,
                  fd, 0);
    close(fd);
    if (shared == MAP_FAILED)
        return fail_errno(fail, WHAT, LIVE_FILE);
    m->live = shared;
    return OK;
}

/* The job's group and its parent, which a front end that ends, or a monitor
 * whose job was the last, takes away when it is empty: then again. */
static enum err make_groups(const struct monitor *m, struct fail *fail)
{
    const struct cgroup *parent = &m->plan.machine.instance;
    enum err err = OK;

    for (int tries = 0; tries < 10; tries++) {
        err = cg_make(parent, fail);
        if (err == OK)
            err = cg_delegate(parent, fail);
        if (err == OK)
            err = cg_make(&m->record.group, fail);
        if (err == OK)
            break;
    }
    return err;
}

/* It is what it was declared as, and the job, whom nobody here knows, can open
 * it. */
static enum err check_device(const char *path, struct fail *fail)
{
    const mode_t want = S_IROTH | S_IWOTH;
    struct stat st;

    if (lstat(path, &st) != 0)
        return fail_errno(fail, WHAT, path);
    if (!S_ISCHR(st.st_mode))
        return fail_set(fail, ERR_TYPE, WHAT, "correct sell.devices",
                        "%s is not a character device", path);
    if ((st.st_mode & want) != want)
        return fail_set(fail, ERR_PERM, WHAT,
                        "chmod o+rw the device, by a udev rule",
                        "%s has mode %04o: a job could not open it", path,
                        st.st_mode & 07777);
    return OK;
}

static enum err check_devices(const struct monitor *m, struct fail *fail)
{
    for (size_t i = 0; i < m->plan.spec.devicec; i++)
        TRY(check_device(m->plan.spec.devices[i], fail));
    return OK;
}

static enum err confine(struct monitor *m, struct fail *fail)
{
    struct cg_limits limits = {.cpu_milli = m->plan.spec.cpu_milli,
                               .mem_bytes = m->plan.spec.mem_mib << 20,
                               .pids_max = m->plan.spec.pids_max,
                               .devices = m->plan.spec.devices,
                               .devicec = m->plan.spec.devicec};

    TRY(cg_child(&m->plan.machine.instance, m->plan.spec.id, &m->record.group,
                 fail));
    if (!record_write(m->job_fd, &m->record))
        return fail_errno(fail, WHAT, RECORD_FILE);
    TRY(make_groups(m, fail));
    TRY(cg_limit(&m->record.group, &limits, fail));
    return idrange_take(&m->plan.machine.pool, &m->record.group, &m->range,
                        fail);
}

/* The ids of the range as the runtime, in our namespace, sees them. */
static void runtime_ids(const struct monitor *m, uint32_t *uid, uint32_t *gid)
{
    *uid = m->range.uid;
    *gid = m->range.gid;
    if (m->plan.machine.pool.privileged)
        return;
    *uid = 1 + m->range.index * IDRANGE_SIZE;
    *gid = *uid;
}

static enum err make_workplace(struct monitor *m, struct fail *fail)
{
    const struct volume_store store = {.templates = m->plan.machine.templates,
                                       .reserve_mib =
                                           m->plan.machine.reserve_mib};
    char job[DIR_PATH], in[DIR_PATH], out[DIR_PATH];
    uint32_t uid, gid;

    runtime_ids(m, &uid, &gid);
    uid += BUNDLE_UID;
    gid += BUNDLE_UID;
    CHECK(dir_text(job, sizeof(job), "%s/job", m->stage.root));
    CHECK(dir_text(in, sizeof(in), "%s/in", job));
    CHECK(dir_text(out, sizeof(out), "%s/out", job));
    TRY(volume_make(m->plan.machine.volume, m->job_fd, &store,
                    m->plan.spec.disk_mib, job, &m->volume, fail));
    m->staged = true;
    m->record.loop = m->volume.loop;
    if (mkdir(in, 0755) != 0 || mkdir(out, 0755) != 0 ||
        chown(out, uid, gid) != 0 || chown(job, uid, gid) != 0)
        return fail_errno(fail, WHAT, job);
    /* fsck's, of no use to a job. */
    CHECK(dir_text(in, sizeof(in), "%s/lost+found", job));
    (void)rmdir(in);
    return OK;
}

static enum err build_stage(struct monitor *m, struct fail *fail)
{
    const struct machine *machine = &m->plan.machine;
    struct stage_sources sources = {
        .rootfs = m->plan.rootfs,
        .init = machine->init,
        .hybrid = machine->runtime.kind == RUNTIME_CRUN ? machine->hybrid : "",
        .avoid = machine->templates,
        .inputs = m->plan.spec.inputs,
        .inputc = m->plan.spec.inputc,
        .uid = m->range.uid + BUNDLE_UID,
        .gid = m->range.gid + BUNDLE_UID,
        .privileged = machine->pool.privileged};

    if (!machine->pool.privileged)
        TRY(idpool_enter(&machine->pool, fail));
    TRY(stage_leave(fail));
    TRY(stage_open(&sources, &m->stage, fail));
    return make_workplace(m, fail);
}

static enum err write_bundle(struct monitor *m, struct fail *fail)
{
    const struct machine *machine = &m->plan.machine;
    char path[DIR_PATH], group[DIR_PATH];
    struct bundle bundle = {.spec = &m->plan.spec, .stage = m->stage.root};
    struct rlimit nofile;
    json_t *config;
    int rc;

    runtime_ids(m, &bundle.uid, &bundle.gid);
    if (getrlimit(RLIMIT_NOFILE, &nofile) != 0)
        return fail_errno(fail, WHAT, "getrlimit");
    bundle.nofile_max = nofile.rlim_max;
    CHECK(dir_text(group, sizeof(group), "/suan-runc-%s-%ld", m->plan.spec.id,
                   (long)getpid()));
    /* runc insists on a group of its own; the job is moved out of it. */
    if (machine->runtime.kind == RUNTIME_RUNC && machine->pool.privileged)
        bundle.cgroups_path = group;
    config = bundle_config(&bundle);
    CHECK(dir_text(path, sizeof(path), "%s/bundle/config.json", m->stage.root));
    rc = config != NULL ? dir_write_json(AT_FDCWD, path, config) : -1;
    json_decref(config);
    return rc == 0 ? OK : fail_errno(fail, WHAT, path);
}

static struct runtime_job runtime_job(const struct monitor *m)
{
    struct runtime_job job = {.stage = &m->stage,
                              .group = &m->record.group,
                              .id = m->plan.spec.id,
                              .out_fd = m->write_fd[0],
                              .err_fd = m->write_fd[1],
                              .cancel_fd = m->signal_fd};

    return job;
}

static enum err create(struct monitor *m, struct fail *fail)
{
    const struct runtime *runtime = &m->plan.machine.runtime;
    struct runtime_job job = runtime_job(m);

    TRY(runtime_create(runtime, &job, &m->record.init_pid, fail));
    for (size_t i = 0; i < STREAMS; i++) {
        close(m->write_fd[i]);
        m->write_fd[i] = -1;
    }
    m->init_fd = pidfd_open(m->record.init_pid, 0);
    if (m->init_fd < 0)
        return fail_errno(fail, WHAT, "the container's first process");
    if (runtime->kind == RUNTIME_RUNC &&
        cg_enter(&m->record.group, m->record.init_pid) != 0)
        return fail_errno(fail, WHAT, "entering the job's control groups");
    return OK;
}

/* What the runtime itself used is not the job's. */
static enum err start(struct monitor *m, struct fail *fail)
{
    struct runtime_job job = runtime_job(m);

    TRY(cg_limit_cpu(&m->record.group, m->plan.spec.cpu_milli, fail));
    cg_reset_peak(&m->record.group);
    cg_meter(&m->record.group, &m->record.base);
    m->record.started_boot_ms = dir_boot_ms();
    if (!record_write(m->job_fd, &m->record))
        return fail_errno(fail, WHAT, RECORD_FILE);
    return runtime_start(&m->plan.machine.runtime, &job, fail);
}

static bool watch(struct monitor *m, int fd, uint32_t tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = tag};

    return epoll_ctl(m->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static enum err watch_all(struct monitor *m, struct fail *fail)
{
    m->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    m->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (m->epoll_fd < 0 || m->timer_fd < 0 || !watch(m, m->read_fd[0], 0) ||
        !watch(m, m->read_fd[1], 1) || !watch(m, m->init_fd, 2) ||
        !watch(m, m->signal_fd, 3) || !watch(m, m->timer_fd, 4))
        return fail_errno(fail, WHAT, "epoll");
    return OK;
}

enum err monitor_launch(struct monitor *m, struct fail *fail)
{
    (void)umask(022);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
        return fail_errno(fail, WHAT, "PR_SET_CHILD_SUBREAPER");
    TRY(open_streams(m, fail));
    TRY(check_devices(m, fail));
    TRY(confine(m, fail));
    TRY(build_stage(m, fail));
    TRY(write_bundle(m, fail));
    TRY(create(m, fail));
    TRY(watch_all(m, fail));
    return start(m, fail);
}
