#define _GNU_SOURCE
#include "node/executors/sandbox/jobdir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define WHAT "the job cannot be recorded"

static bool write_first(int fd, const struct plan *plan)
{
    struct status status = {.phase = PHASE_STARTING,
                            .exit_code = -1,
                            .created_at_ms = dir_now_ms()};
    json_t *job = plan_encode(plan), *first = status_encode(&status);
    bool ok = job != NULL && first != NULL &&
              dir_write_json(fd, PLAN_FILE, job) == 0 &&
              dir_write_json(fd, STATUS_FILE, first) == 0;

    json_decref(job);
    json_decref(first);
    return ok;
}

enum err jobdir_make(const char *path, const struct plan *plan,
                     struct fail *fail)
{
    enum err err = OK;
    int fd;

    if (mkdir(path, 0700) != 0)
        return fail_errno(fail, WHAT, path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || !write_first(fd, plan))
        err = fail_errno(fail, WHAT, path);
    if (fd >= 0)
        close(fd);
    if (err != OK)
        (void)dir_remove(AT_FDCWD, path);
    return err;
}

static void become_monitor(const char *path, bool recover)
{
    char name[] = "suan-exec-sandbox", mode[] = "--monitor",
         again[] = "--recover", log[DIR_PATH], job[DIR_PATH];
    char *argv[] = {name, recover ? again : mode, job, NULL};
    char *envp[] = {NULL};
    sigset_t later;
    int null, out;

    (void)setsid();
    /* A kill that comes before the monitor listens must wait, not kill it. */
    sigemptyset(&later);
    sigaddset(&later, SIGTERM);
    (void)sigprocmask(SIG_SETMASK, &later, NULL);
    if (!dir_text(job, sizeof(job), "%s", path) ||
        !dir_text(log, sizeof(log), "%s/monitor.log", path))
        _exit(126);
    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (null < 0 || out < 0 || dup2(null, 0) != 0 || dup2(out, 1) != 1 ||
        dup2(out, 2) != 2 || close_range(3, ~0u, 0) != 0)
        _exit(126);
    execve("/proc/self/exe", argv, envp);
    _exit(127);
}

pid_t jobdir_spawn(const char *path, bool recover)
{
    pid_t pid = fork();

    if (pid == 0)
        become_monitor(path, recover);
    return pid;
}

pid_t jobdir_monitor(const char *path)
{
    char lock[DIR_PATH];
    pid_t holder;
    int fd;

    if (!dir_text(lock, sizeof(lock), "%s/%s", path, LOCK_FILE))
        return 0;
    fd = open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0;
    holder = dir_lock_holder(fd);
    close(fd);
    return holder;
}

static void add_live(int fd, struct status *status)
{
    struct record record;
    struct live live;

    if (live_read(fd, &live)) {
        status->stdout_bytes = live.bytes[0];
        status->stderr_bytes = live.bytes[1];
        status->stdout_kept = live.kept[0];
        status->stderr_kept = live.kept[1];
    }
    if (!record_read(fd, &record) || record.started_boot_ms == 0)
        return;
    record_meter(&record, &status->usage);
    status->wall_ms = dir_boot_ms() - record.started_boot_ms;
}

bool jobdir_status(const char *path, struct status *out)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    json_t *value;
    bool ok;

    if (fd < 0)
        return false;
    value = dir_read_json(fd, STATUS_FILE);
    ok = value != NULL && status_decode(value, out);
    json_decref(value);
    if (ok && out->phase == PHASE_RUNNING)
        add_live(fd, out);
    close(fd);
    return ok;
}

void jobdir_give_up(const char *path, const char *why)
{
    char file[DIR_PATH];
    struct status status;
    json_t *value;

    if (!jobdir_status(path, &status))
        memset(&status, 0, sizeof(status));
    status.phase = PHASE_FINISHED;
    status.reason = REASON_LOST;
    status.exit_code = -1;
    status.finished_at_ms = dir_now_ms();
    status.has_fail = true;
    (void)fail_set(&status.fail, ERR_EXECUTOR, "the job was ended early",
                   "look into monitor.log of the job's directory", "%s", why);
    value = status_encode(&status);
    if (value != NULL &&
        dir_text(file, sizeof(file), "%s/%s", path, STATUS_FILE))
        (void)dir_write_json(AT_FDCWD, file, value);
    json_decref(value);
}
