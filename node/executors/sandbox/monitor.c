#define _GNU_SOURCE
#include "node/executors/sandbox/monitor.h"

#include "node/executors/sandbox/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

#define SLAY_TIMEOUT_MS 10000
#define NEXT_SLAY_MS    1000
#define ROOM_WAIT_NS    300000000

/* How a job ended must not be lost to a disk that is full for a while: nothing
 * of it runs any more, so there is time. */
static bool write_status(const struct monitor *m, const json_t *value)
{
    const struct timespec pause = {.tv_nsec = ROOM_WAIT_NS};

    while (value != NULL &&
           dir_write_json(m->job_fd, STATUS_FILE, value) != 0) {
        if (m->status.phase != PHASE_FINISHED ||
            (errno != ENOSPC && errno != EDQUOT))
            return false;
        (void)nanosleep(&pause, NULL);
    }
    return value != NULL;
}

void monitor_tell(struct monitor *m)
{
    json_t *value = status_encode(&m->status);

    if (!write_status(m, value))
        (void)fprintf(stderr, "%s: cannot write %s: %s\n", m->plan.spec.id,
                      STATUS_FILE, strerror(errno));
    json_decref(value);
}

static void set_timer(const struct monitor *m, uint64_t boot_ms)
{
    struct itimerspec at = {
        .it_value = {.tv_sec = (time_t)(boot_ms / 1000),
                     .tv_nsec = (long)(boot_ms % 1000) * 1000000}};

    CHECK(timerfd_settime(m->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0);
}

void monitor_slay(struct monitor *m)
{
    if (!cg_kill(&m->record.group, SLAY_TIMEOUT_MS))
        (void)fprintf(stderr, "%s: processes are left in %s\n", m->plan.spec.id,
                      m->record.group.dir[CG_PIDS]);
    /* The whole pid namespace ends with its init, group or no group. */
    if (m->init_fd >= 0)
        (void)pidfd_send_signal(m->init_fd, SIGKILL, NULL, 0);
}

/* Asks the job to end; the grace time is then running. A second reason does
 * not replace the first. */
static void ask_to_end(struct monitor *m, enum reason why)
{
    if (m->forced != REASON_NONE)
        return;
    m->forced = why;
    if (m->plan.spec.grace_ms == 0) {
        monitor_slay(m);
        return;
    }
    (void)pidfd_send_signal(m->init_fd, SIGTERM, NULL, 0);
    set_timer(m, dir_boot_ms() + m->plan.spec.grace_ms);
}

static void on_timer(struct monitor *m)
{
    uint64_t count;

    if (read(m->timer_fd, &count, sizeof(count)) != sizeof(count))
        return;
    if (m->forced == REASON_NONE) {
        ask_to_end(m, REASON_TIME);
        return;
    }
    monitor_slay(m);
    set_timer(m, dir_boot_ms() + NEXT_SLAY_MS);
}

static void read_kill_reason(struct monitor *m)
{
    char *text = m->status.kill_reason;

    if (dir_read(m->job_fd, KILL_FILE, text, sizeof(m->status.kill_reason)) <=
        0)
        (void)snprintf(text, sizeof(m->status.kill_reason), "%s",
                       "the monitor was told to stop");
}

static void on_signal(struct monitor *m)
{
    struct signalfd_siginfo info;

    if (read(m->signal_fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (m->forced == REASON_NONE)
        read_kill_reason(m);
    ask_to_end(m, REASON_KILLED);
}

static uint64_t stream_max(const struct monitor *m, size_t stream)
{
    return stream == 0 ? m->plan.spec.stdout_max : m->plan.spec.stderr_max;
}

/* Keeps the first bytes, counts them all. */
static void take_output(struct monitor *m, size_t stream, const char *data,
                        size_t len)
{
    uint64_t max = stream_max(m, stream), kept = m->live->kept[stream];
    size_t room = max > kept ? (size_t)(max - kept) : 0;
    size_t part = len < room ? len : room;

    m->live->bytes[stream] += len;
    if (part > 0) {
        ssize_t n = write(m->log_fd[stream], data, part);
        if (n > 0)
            m->live->kept[stream] += (uint64_t)n;
    }
    if (m->live->bytes[stream] > max && m->plan.spec.output_kill &&
        m->forced == REASON_NONE) {
        m->forced = REASON_OUTPUT;
        monitor_slay(m);
    }
}

/* One read; false when there is nothing more now. */
static bool on_output(struct monitor *m, size_t stream)
{
    char data[65536];
    ssize_t n;

    if (m->read_fd[stream] < 0)
        return false;
    n = read(m->read_fd[stream], data, sizeof(data));
    if (n > 0) {
        take_output(m, stream, data, (size_t)n);
        return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    close(m->read_fd[stream]);
    m->read_fd[stream] = -1;
    return false;
}

/* Until the job's first process has ended, and with it all others. */
static void stand_by(struct monitor *m)
{
    bool ended = false;

    while (!ended) {
        struct epoll_event events[8];
        int n = epoll_wait(m->epoll_fd, events, 8, -1);
        CHECK(n >= 0 || errno == EINTR);
        for (int i = 0; i < n; i++) {
            uint32_t tag = events[i].data.u32;
            if (tag < STREAMS)
                (void)on_output(m, tag);
            else if (tag == 2)
                ended = true;
            else if (tag == 3)
                on_signal(m);
            else
                on_timer(m);
        }
    }
    for (size_t i = 0; i < STREAMS; i++)
        while (on_output(m, i))
            ;
}

static void book_streams(struct monitor *m)
{
    if (m->live == NULL)
        return;
    m->status.stdout_bytes = m->live->bytes[0];
    m->status.stderr_bytes = m->live->bytes[1];
    m->status.stdout_kept = m->live->kept[0];
    m->status.stderr_kept = m->live->kept[1];
}

/* A tmpfs ends with us: what the job put into /job/out is saved before. */
static void save_outputs(struct monitor *m, const char *job)
{
    static const char *const everything[] = {"**"};
    struct collect want = {.patterns = everything,
                           .patternc = 1,
                           .bytes_max = m->plan.spec.disk_mib << 20,
                           .files_max = COLLECT_SEEN_MAX};
    char dest[64];
    json_t *result = NULL;
    struct fail fail;
    int at = open(job, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    (void)snprintf(dest, sizeof(dest), "/proc/self/fd/%d/%s", m->job_fd,
                   SAVED_DIR);
    if (at < 0 || collect_run(at, "out", dest, &want, &result, &fail) != OK)
        (void)fprintf(stderr, "%s: outputs are lost: %s\n", m->plan.spec.id,
                      at < 0 ? strerror(errno) : fail.why);
    else
        (void)dir_write_json(m->job_fd, "saved.json", result);
    json_decref(result);
    if (at >= 0)
        close(at);
}

static void book_disk(struct monitor *m, const char *job)
{
    struct statvfs st;

    if (statvfs(job, &st) != 0)
        return;
    m->status.disk_used = (uint64_t)(st.f_blocks - st.f_bfree) * st.f_frsize;
    m->status.disk_full = st.f_bavail == 0 || st.f_favail == 0;
}

void monitor_clear(struct monitor *m)
{
    char job[DIR_PATH];

    CHECK(dir_text(job, sizeof(job), "%s/job", m->stage.root));
    if (m->staged) {
        struct runtime_job gone = {.stage = &m->stage,
                                   .id = m->plan.spec.id,
                                   .cancel_fd = -1,
                                   .out_fd = -1,
                                   .err_fd = -1};
        book_disk(m, job);
        /* crun keeps nothing outside the stage; runc made a group. */
        if (m->plan.machine.runtime.kind == RUNTIME_RUNC)
            runtime_delete(&m->plan.machine.runtime, &gone);
        if (m->volume.kind == VOLUME_TMPFS && m->init_fd >= 0)
            save_outputs(m, job);
        if (!volume_close(job))
            (void)fprintf(stderr, "%s: %s is still in use\n", m->plan.spec.id,
                          job);
    }
    if (!cg_remove(&m->record.group))
        (void)fprintf(stderr, "%s: a control group is left: %s\n",
                      m->plan.spec.id, m->record.group.dir[CG_MEMORY]);
    /* The front end may be gone by now: the last one out. */
    cg_release(&m->plan.machine.instance);
    idrange_drop(&m->range);
    book_streams(m);
}

/* The init's wait status; it is our child, as we are its subreaper. */
static int reap(const struct monitor *m)
{
    int status = 0;
    pid_t pid;

    do
        pid = waitpid(m->record.init_pid, &status, 0);
    while (pid < 0 && errno == EINTR);
    if (pid != m->record.init_pid)
        return SIGKILL; /* a wait status: ended by that signal */
    return status;
}

/* Init ends with 1 when it cannot begin the program: then the code is what the
 * user expects of a program that is not there. */
static int explain(const struct monitor *m, int wait_status)
{
    char said[256];
    int code = 0;

    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 1 &&
        m->live->bytes[0] == 0 && m->live->bytes[1] < sizeof(said) &&
        dir_read(m->job_fd, "stderr", said, sizeof(said)) > 0)
        code = status_not_begun(said);
    return code != 0 ? code << 8 : wait_status;
}

static void finish(struct monitor *m)
{
    int wait_status = explain(m, reap(m));

    m->status.wall_ms = dir_boot_ms() - m->record.started_boot_ms;
    m->status.finished_at_ms = dir_now_ms();
    if (!cg_kill(&m->record.group, SLAY_TIMEOUT_MS))
        (void)fprintf(stderr, "%s: processes are left\n", m->plan.spec.id);
    record_meter(&m->record, &m->status.usage);
    monitor_clear(m);
    status_settle(&m->status, wait_status, m->forced);
    monitor_tell(m);
}

static void give_up(struct monitor *m, const struct fail *fail)
{
    if (m->record.group.version != 0)
        monitor_slay(m);
    if (m->init_fd >= 0)
        (void)reap(m);
    monitor_clear(m);
    m->status.phase = PHASE_FINISHED;
    m->status.reason = REASON_FAILED_TO_START;
    m->status.finished_at_ms = dir_now_ms();
    if (fail->err == ERR_CANCELLED) {
        m->status.reason = REASON_KILLED;
        read_kill_reason(m);
    }
    m->status.has_fail = true;
    m->status.fail = *fail;
    monitor_tell(m);
}

static void run(struct monitor *m)
{
    struct fail fail;

    memset(&fail, 0, sizeof(fail));
    if (monitor_launch(m, &fail) != OK) {
        give_up(m, &fail);
        return;
    }
    m->status.phase = PHASE_RUNNING;
    m->status.started_at_ms = dir_now_ms();
    monitor_tell(m);
    set_timer(m, m->record.started_boot_ms + m->plan.spec.wall_ms);
    stand_by(m);
    finish(m);
}

/* Nobody kept this job's time or read its streams: it ends here, and what it
 * used until now is booked. */
static void recover(struct monitor *m)
{
    struct live live;
    bool was = false;

    if (record_read(m->job_fd, &m->record)) {
        was = cg_exists(&m->record.group);
        (void)cg_kill(&m->record.group, SLAY_TIMEOUT_MS);
        if (was)
            record_meter(&m->record, &m->status.usage);
        (void)cg_remove(&m->record.group);
    }
    if (was && m->record.started_boot_ms != 0)
        m->status.wall_ms = dir_boot_ms() - m->record.started_boot_ms;
    if (live_read(m->job_fd, &live)) {
        m->status.stdout_bytes = live.bytes[0];
        m->status.stderr_bytes = live.bytes[1];
        m->status.stdout_kept = live.kept[0];
        m->status.stderr_kept = live.kept[1];
    }
    m->status.finished_at_ms = dir_now_ms();
    m->status.phase = PHASE_FINISHED;
    m->status.reason = REASON_LOST;
    m->status.has_fail = true;
    (void)fail_set(&m->status.fail, ERR_EXECUTOR, "the job was ended early",
                   "start it again",
                   "the process watching it died (killed, or the machine "
                   "restarted)");
    monitor_tell(m);
}

static void init(struct monitor *m)
{
    memset(m, 0, sizeof(*m));
    m->job_fd = m->init_fd = m->signal_fd = m->timer_fd = m->epoll_fd = -1;
    m->range.lock_fd = m->volume.loop = m->record.loop = -1;
    m->status.exit_code = -1;
    for (size_t i = 0; i < STREAMS; i++)
        m->read_fd[i] = m->write_fd[i] = m->log_fd[i] = -1;
}

/* From here on a signal is an event, and a closed stream an error code. */
static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    sigdelset(&set, SIGHUP);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Reads what the front end left us; false: nothing can be told to anybody. */
static bool load(struct monitor *m, const char *job_dir)
{
    struct fail fail;
    json_t *value;
    int lock;
    bool ok;

    m->job_fd = open(job_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    lock = openat(m->job_fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (m->job_fd < 0 || lock < 0 || dir_lock(lock) != 0) {
        (void)fprintf(stderr, "%s: cannot be locked: %s\n", job_dir,
                      strerror(errno));
        return false;
    }
    value = dir_read_json(m->job_fd, STATUS_FILE);
    ok = value != NULL && status_decode(value, &m->status);
    json_decref(value);
    value = dir_read_json(m->job_fd, PLAN_FILE);
    memset(&fail, 0, sizeof(fail));
    if (plan_decode(value, &m->plan, &fail) != OK) {
        (void)fprintf(stderr, "%s: %s\n", job_dir, fail.why);
        ok = false;
    }
    json_decref(value);
    return ok && m->status.phase != PHASE_FINISHED;
}

int monitor_main(const char *job_dir, bool do_recover)
{
    static struct monitor monitor;
    struct monitor *m = &monitor;

    init(m);
    m->signal_fd = open_signals();
    if (m->signal_fd < 0 || !load(m, job_dir))
        return 1;
    if (do_recover)
        recover(m);
    else
        run(m);
    plan_done(&m->plan);
    return 0;
}
