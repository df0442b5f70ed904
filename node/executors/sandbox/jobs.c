#define _GNU_SOURCE
#include "node/executors/sandbox/server.h"

#include "node/executors/sandbox/jobdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

#define RECOVERIES_MAX 3
#define TICK_MS        100

bool jobs_path(const struct server *s, const char *id, char *out)
{
    CHECK(spec_id_fits(id));
    return dir_text(out, DIR_PATH, "%s/jobs/%s", s->options.state, id);
}

struct job *jobs_find(struct server *s, const char *id)
{
    for (size_t i = 0; i < SERVER_JOBS_MAX; i++)
        if (s->jobs[i].used && strcmp(s->jobs[i].id, id) == 0)
            return &s->jobs[i];
    return NULL;
}

size_t jobs_running(const struct server *s)
{
    size_t count = 0;

    for (size_t i = 0; i < SERVER_JOBS_MAX; i++)
        if (s->jobs[i].used && s->jobs[i].phase != PHASE_FINISHED)
            count++;
    return count;
}

size_t jobs_starting(const struct server *s)
{
    size_t count = 0;

    for (size_t i = 0; i < SERVER_JOBS_MAX; i++)
        if (s->jobs[i].used && s->jobs[i].starter != NULL)
            count++;
    return count;
}

bool jobs_use(const struct server *s, const char *rootfs)
{
    for (size_t i = 0; i < SERVER_JOBS_MAX; i++)
        if (s->jobs[i].used && s->jobs[i].phase != PHASE_FINISHED &&
            strcmp(s->jobs[i].rootfs, rootfs) == 0)
            return true;
    return false;
}

static struct job *new_job(struct server *s, const char *id)
{
    size_t used = 0;
    struct job *spare = NULL;

    for (size_t i = 0; i < SERVER_JOBS_MAX; i++) {
        if (s->jobs[i].used)
            used++;
        else if (spare == NULL)
            spare = &s->jobs[i];
    }
    if (spare == NULL || used >= s->options.jobs_max)
        return NULL;
    memset(spare, 0, sizeof(*spare));
    spare->used = true;
    spare->monitor_fd = spare->watch = -1;
    (void)snprintf(spare->id, sizeof(spare->id), "%.*s",
                   (int)sizeof(spare->id) - 1, id);
    return spare;
}

static void drop_watches(struct server *s, struct job *job)
{
    if (job->monitor_fd >= 0)
        close(job->monitor_fd);
    if (job->watch >= 0)
        (void)inotify_rm_watch(s->inotify_fd, job->watch);
    job->monitor_fd = job->watch = -1;
}

static void free_job(struct server *s, struct job *job)
{
    drop_watches(s, job);
    json_decref(job->starter);
    memset(job, 0, sizeof(*job));
}

static uint32_t index_of(const struct server *s, const struct job *job)
{
    return (uint32_t)(job - s->jobs);
}

static void watch_files(struct server *s, struct job *job, const char *path)
{
    job->watch = inotify_add_watch(s->inotify_fd, path,
                                   IN_MOVED_TO | IN_MODIFY | IN_ONLYDIR);
}

/* Follows a process, ours or not, as this job's monitor. */
static bool watch_monitor(struct server *s, struct job *job, pid_t pid)
{
    job->monitor_fd = pidfd_open(pid, 0);
    if (job->monitor_fd < 0)
        return false;
    return server_watch(s, job->monitor_fd, TAG(TAG_MONITOR, index_of(s, job)));
}

static void answer_starter(struct server *s, struct job *job,
                           const struct status *status)
{
    json_t *starter = job->starter;

    if (starter == NULL || status->phase == PHASE_STARTING)
        return;
    job->starter = NULL;
    if (status->started_at_ms == 0 && status->has_fail)
        server_send(s, rpc_failure(starter, &status->fail));
    else
        server_send(
            s,
            rpc_result(starter, json_pack("{s:I}", "started_at_ms",
                                          (json_int_t)status->started_at_ms)));
    json_decref(starter);
}

void jobs_refresh(struct server *s, struct job *job)
{
    char path[DIR_PATH];
    struct status status;

    if (!jobs_path(s, job->id, path) || !jobdir_status(path, &status))
        return;
    answer_starter(s, job, &status);
    if (status.phase == job->phase)
        return;
    job->phase = status.phase;
    server_notify(s, "job.changed",
                  json_pack("{s:s, s:s, s:s}", "id", job->id, "phase",
                            phase_name(status.phase), "reason",
                            reason_name(status.reason)));
}

static void spawn(struct server *s, struct job *job, const char *path,
                  bool recover)
{
    pid_t pid = jobdir_spawn(path, recover);

    if (pid > 0) {
        job->child = pid;
        if (watch_monitor(s, job, pid))
            return;
    }
    jobdir_give_up(path, "its monitor could not be started");
    jobs_refresh(s, job);
}

/* The monitor of an unfinished job is gone: another one ends and books it. */
static void recover(struct server *s, struct job *job)
{
    char path[DIR_PATH];

    CHECK(jobs_path(s, job->id, path));
    if (job->recoveries++ < RECOVERIES_MAX) {
        spawn(s, job, path, true);
        return;
    }
    jobdir_give_up(path, "its monitor died, and those sent after it");
    jobs_refresh(s, job);
}

void jobs_on_monitor(struct server *s, struct job *job)
{
    if (job->child > 0)
        (void)waitpid(job->child, NULL, 0);
    job->child = 0;
    close(job->monitor_fd);
    job->monitor_fd = -1;
    jobs_refresh(s, job);
    if (job->phase != PHASE_FINISHED)
        recover(s, job);
    else
        drop_watches(s, job);
}

static struct job *by_watch(struct server *s, int watch)
{
    for (size_t i = 0; i < SERVER_JOBS_MAX; i++)
        if (s->jobs[i].used && s->jobs[i].watch == watch)
            return &s->jobs[i];
    return NULL;
}

static void arm_tick(struct server *s)
{
    struct itimerspec at = {.it_value = {.tv_nsec = TICK_MS * 1000000L}};
    struct itimerspec now;

    if (timerfd_gettime(s->tick_fd, &now) == 0 && now.it_value.tv_sec == 0 &&
        now.it_value.tv_nsec == 0)
        (void)timerfd_settime(s->tick_fd, 0, &at, NULL);
}

static void on_file(struct server *s, const struct inotify_event *event)
{
    struct job *job = by_watch(s, event->wd);

    if (job == NULL || event->len == 0)
        return;
    if ((event->mask & IN_MOVED_TO) != 0 &&
        strcmp(event->name, STATUS_FILE) == 0) {
        jobs_refresh(s, job);
    } else if ((event->mask & IN_MODIFY) != 0 &&
               (strcmp(event->name, "stdout") == 0 ||
                strcmp(event->name, "stderr") == 0)) {
        job->output = true;
        arm_tick(s);
    }
}

void jobs_on_inotify(struct server *s)
{
    _Alignas(struct inotify_event) char data[16384];
    ssize_t n = read(s->inotify_fd, data, sizeof(data));

    for (ssize_t at = 0; at < n;) {
        struct inotify_event event;
        const struct inotify_event *whole =
            (const struct inotify_event *)(const void *)(data + at);
        memcpy(&event, data + at, sizeof(event));
        if ((event.mask & IN_Q_OVERFLOW) != 0)
            for (size_t i = 0; i < SERVER_JOBS_MAX; i++)
                if (s->jobs[i].used)
                    jobs_refresh(s, &s->jobs[i]);
        on_file(s, whole);
        at += (ssize_t)(sizeof(event) + event.len);
    }
}

void jobs_on_tick(struct server *s)
{
    uint64_t count;

    (void)!read(s->tick_fd, &count, sizeof(count));
    for (size_t i = 0; i < SERVER_JOBS_MAX; i++) {
        struct job *job = &s->jobs[i];
        char path[DIR_PATH];
        struct status status;
        if (!job->used || !job->output)
            continue;
        job->output = false;
        if (!jobs_path(s, job->id, path) || !jobdir_status(path, &status))
            continue;
        server_notify(s, "job.output",
                      json_pack("{s:s, s:I, s:I}", "id", job->id, "stdout_kept",
                                (json_int_t)status.stdout_kept, "stderr_kept",
                                (json_int_t)status.stderr_kept));
    }
}

enum err jobs_start(struct server *s, const struct plan *plan, json_t *starter,
                    struct fail *fail)
{
    char path[DIR_PATH];
    struct job *job;
    enum err err = OK;

    if (jobs_find(s, plan->spec.id) != NULL)
        err = fail_set(fail, ERR_EXISTS, "a job of this name is known",
                       "see job.status; job.remove frees the name", "%s",
                       plan->spec.id);
    if (err == OK && !jobs_path(s, plan->spec.id, path))
        err = fail_errno(fail, "the job cannot be recorded", s->options.state);
    job = err == OK ? new_job(s, plan->spec.id) : NULL;
    if (err == OK && job == NULL)
        err = fail_set(fail, ERR_CAPACITY, "too many jobs are kept",
                       "remove finished jobs with job.remove",
                       "%u is the limit (--max-jobs)", s->options.jobs_max);
    if (err == OK)
        err = jobdir_make(path, plan, fail);
    if (err != OK) {
        if (job != NULL)
            free_job(s, job);
        json_decref(starter);
        return err;
    }
    CHECK(job != NULL);
    job->starter = starter;
    memcpy(job->rootfs, plan->rootfs, sizeof(job->rootfs));
    watch_files(s, job, path);
    spawn(s, job, path, false);
    return OK;
}

enum err jobs_kill(struct server *s, struct job *job, const char *why,
                   struct fail *fail)
{
    char path[DIR_PATH], file[DIR_PATH + 16];

    if (job->phase == PHASE_FINISHED || job->monitor_fd < 0)
        return OK;
    CHECK(jobs_path(s, job->id, path));
    (void)snprintf(file, sizeof(file), "%s/%s", path, KILL_FILE);
    if (dir_write(AT_FDCWD, file, why, strlen(why)) != 0)
        return fail_errno(fail, "the reason cannot be recorded", file);
    if (pidfd_send_signal(job->monitor_fd, SIGTERM, NULL, 0) != 0 &&
        errno != ESRCH)
        return fail_errno(fail, "the job's monitor cannot be told", job->id);
    return OK;
}

enum err jobs_remove(struct server *s, struct job *job, char *out_trash,
                     struct fail *fail)
{
    char path[DIR_PATH];

    if (job->phase != PHASE_FINISHED)
        return fail_set(fail, ERR_STATE, "the job has not finished",
                        "end it with job.kill first", "%s is %s", job->id,
                        phase_name(job->phase));
    CHECK(jobs_path(s, job->id, path));
    if (!dir_text(out_trash, DIR_PATH, "%s/tmp/job-trash-%s-%" PRIu64,
                  s->options.state, job->id, dir_boot_ms()) ||
        rename(path, out_trash) != 0)
        return fail_errno(fail, "the job cannot be removed", path);
    free_job(s, job);
    return OK;
}

/* -- after a restart ----------------------------------------------------------
 */

/* Groups with the name of an unfinished job stay; all others are nobody's. */
static bool keep_group(void *context, const char *name)
{
    struct server *s = context;
    struct job *job = jobs_find(s, name);

    return job != NULL && job->phase != PHASE_FINISHED;
}

static void load_rootfs(struct job *job, const char *path)
{
    char file[DIR_PATH + 16];
    const char *rootfs;
    json_t *value;

    (void)snprintf(file, sizeof(file), "%s/%s", path, PLAN_FILE);
    value = dir_read_json(AT_FDCWD, file);
    rootfs = json_string_value(json_object_get(value, "rootfs"));
    if (rootfs == NULL || !dir_text(job->rootfs, DIR_PATH, "%s", rootfs))
        job->rootfs[0] = '\0';
    json_decref(value);
}

static void load_job(struct server *s, const char *id)
{
    char path[DIR_PATH];
    struct status status;
    struct job *job;
    pid_t monitor;

    if (!jobs_path(s, id, path))
        return;
    if (!jobdir_status(path, &status)) {
        (void)fprintf(stderr, "job %s has no status and is dropped\n", id);
        (void)dir_remove(AT_FDCWD, path);
        return;
    }
    job = new_job(s, id);
    if (job == NULL) {
        (void)fprintf(stderr, "job %s is beyond --max-jobs\n", id);
        return;
    }
    job->phase = status.phase;
    if (status.phase == PHASE_FINISHED)
        return;
    load_rootfs(job, path);
    watch_files(s, job, path);
    monitor = jobdir_monitor(path);
    /* Asked again once the process is held: the number may have been reused. */
    if (monitor > 0 && watch_monitor(s, job, monitor) &&
        jobdir_monitor(path) == monitor) {
        jobs_refresh(s, job);
        return;
    }
    drop_watches(s, job);
    watch_files(s, job, path);
    recover(s, job);
}

/* The groups this state directory ever used, as ours may move when we are
 * started from elsewhere. */
static void sweep_groups(struct server *s)
{
    char path[DIR_PATH];
    json_t *old, *list = json_array(), *entry;
    const struct cgroup *now = &s->doctor.machine.instance;
    size_t i;

    if (!dir_text(path, sizeof(path), "%s/homes.json", s->options.state))
        return;
    old = dir_read_json(AT_FDCWD, path);
    json_array_foreach(json_object_get(old, "homes"), i, entry)
    {
        struct cgroup home;
        if (!cg_decode(entry, &home) ||
            strcmp(home.dir[CG_MEMORY], now->dir[CG_MEMORY]) == 0)
            continue;
        (void)cg_sweep(&home, keep_group, s);
        if (cg_exists(&home) && !cg_remove(&home))
            (void)json_array_append(list, entry);
    }
    if (now->version != 0) {
        size_t count = cg_sweep(now, keep_group, s);
        if (count > 0)
            (void)fprintf(stderr, "%zu control groups without a job ended\n",
                          count);
        (void)json_array_append_new(list, cg_encode(now));
    }
    json_decref(old);
    old = json_pack("{s:o}", "homes", list);
    (void)dir_write_json(AT_FDCWD, path, old);
    json_decref(old);
}

void jobs_load(struct server *s)
{
    char path[DIR_PATH];
    struct dirent *entry;
    DIR *dir;

    CHECK(dir_text(path, sizeof(path), "%s/jobs", s->options.state));
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (spec_id_fits(entry->d_name))
            load_job(s, entry->d_name);
    if (dir != NULL)
        closedir(dir);
    sweep_groups(s);
}
