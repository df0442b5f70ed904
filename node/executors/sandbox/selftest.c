#define _GNU_SOURCE
#include "node/executors/sandbox/selftest.h"

#include "node/executors/sandbox/jobdir.h"
#include "node/executors/sandbox/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

#define WHAT       "a container cannot be run"
#define FIX        "see the reason; apt-get install crun runc gives both runtimes"
#define TIMEOUT_MS 60000

static enum err fill(const char *work, const struct machine *machine,
                     struct plan *plan, struct fail *fail)
{
    json_t *params = json_pack(
        "{s:o, s:s, s:[s, s], s:i, s:i, s:i, s:i, s:i}", "id",
        json_sprintf("suan-selftest-%ld", (long)getpid()), "image", "none",
        "argv", "/dev/init", "-V", "cpu_milli", 1000, "mem_mib", 64, "disk_mib",
        8, "pids_max", 16, "wall_ms", 10000);
    enum err err;

    if (params == NULL)
        return fail_set(fail, ERR_NOMEM, WHAT, "try again", "out of memory");
    memset(plan, 0, sizeof(*plan));
    plan->machine = *machine;
    err = spec_decode(params, &plan->spec, fail);
    json_decref(params);
    if (err != OK)
        return err;
    if (!dir_text(plan->rootfs, sizeof(plan->rootfs), "%s/rootfs", work) ||
        dir_make(plan->rootfs, 0755) != 0)
        return fail_errno(fail, WHAT, work);
    return rootfs_prepare(plan->rootfs, fail);
}

static void await(pid_t pid)
{
    int fd = pidfd_open(pid, 0);
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    if (fd >= 0 && poll(&wait, 1, TIMEOUT_MS) <= 0)
        (void)kill(pid, SIGTERM);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (fd >= 0)
        close(fd);
}

static enum err judge(const char *job, struct fail *fail)
{
    char path[DIR_PATH], output[256], log[400];
    struct status status;
    json_t *value;
    bool ok;

    CHECK(dir_text(path, sizeof(path), "%s/%s", job, STATUS_FILE));
    value = dir_read_json(AT_FDCWD, path);
    ok = value != NULL && status_decode(value, &status);
    json_decref(value);
    CHECK(dir_text(path, sizeof(path), "%s/monitor.log", job));
    (void)dir_read(AT_FDCWD, path, log, sizeof(log));
    if (!ok)
        return fail_set(fail, ERR_SANDBOX, WHAT, FIX,
                        "the monitor left no status: %s", log);
    if (status.has_fail) {
        *fail = status.fail;
        return fail->err;
    }
    CHECK(dir_text(path, sizeof(path), "%s/stdout", job));
    (void)dir_read(AT_FDCWD, path, output, sizeof(output));
    if (status.phase == PHASE_FINISHED && status.reason == REASON_EXIT &&
        status.exit_code == 0 && strstr(output, "catatonit") != NULL)
        return OK;
    return fail_set(fail, ERR_SANDBOX, WHAT, FIX,
                    "the trial job ended with %s, exit code %d: %.100s %.200s",
                    reason_name(status.reason), status.exit_code, output, log);
}

enum err selftest_run(const char *state, const struct machine *machine,
                      struct fail *fail)
{
    char work[DIR_PATH], job[DIR_PATH];
    struct plan plan;
    enum err err;
    pid_t pid;

    if (!dir_text(work, sizeof(work), "%s/tmp/selftest-%ld", state,
                  (long)getpid()) ||
        !dir_text(job, sizeof(job), "%s/job", work))
        return fail_errno(fail, WHAT, state);
    (void)dir_remove(AT_FDCWD, work);
    err = fill(work, machine, &plan, fail);
    if (err == OK)
        err = jobdir_make(job, &plan, fail);
    plan_done(&plan);
    if (err == OK) {
        pid = jobdir_spawn(job, false);
        if (pid < 0) {
            err = fail_errno(fail, WHAT, "fork");
        } else {
            await(pid);
            err = judge(job, fail);
        }
    }
    (void)dir_remove(AT_FDCWD, work);
    return err;
}
