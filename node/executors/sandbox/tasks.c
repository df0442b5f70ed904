#define _GNU_SOURCE
#include "node/executors/sandbox/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

static size_t running(const struct server *s)
{
    size_t count = 0;

    for (size_t i = 0; i < SERVER_TASKS_MAX; i++)
        if (s->tasks[i].used && s->tasks[i].pid > 0)
            count++;
    return count;
}

size_t tasks_open(const struct server *s)
{
    size_t count = 0;

    for (size_t i = 0; i < SERVER_TASKS_MAX; i++)
        if (s->tasks[i].used)
            count++;
    return count;
}

static void free_task(struct task *task)
{
    json_decref(task->id);
    json_decref(task->params);
    buf_done(&task->answer);
    if (task->pipe_fd >= 0)
        close(task->pipe_fd);
    memset(task, 0, sizeof(*task));
    task->pipe_fd = -1;
}

static void write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        data += n;
        len -= (size_t)n;
    }
}

/* In the worker: does the work and writes {"result": …} or {"fail": …}. */
static void be_worker(const struct server *s, const struct task *task, int out,
                      pid_t parent)
{
    struct fail fail;
    json_t *result, *answer;
    char *text;
    sigset_t none;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        _exit(1);
    (void)setsid();
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    /* stdin and stdout belong to the node's conversation. */
    if (dup2(out, 3) != 3 || close_range(4, ~0u, 0) != 0 || close(0) != 0 ||
        close(1) != 0)
        _exit(1);
    if (open("/dev/null", O_RDWR) != 0 || dup2(0, 1) != 1)
        _exit(1);
    memset(&fail, 0, sizeof(fail));
    result = task->work(s, task->params, &fail);
    answer = result != NULL ? json_pack("{s:o}", "result", result)
                            : json_pack("{s:o}", "fail", fail_json(&fail));
    text = answer != NULL ? json_dumps(answer, JSON_COMPACT) : NULL;
    if (text != NULL)
        write_all(3, text, strlen(text));
    _exit(text != NULL ? 0 : 1);
}

static bool start(struct server *s, struct task *task)
{
    pid_t self = getpid();
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    task->pid = fork();
    if (task->pid == 0)
        be_worker(s, task, ends[1], self);
    close(ends[1]);
    if (task->pid < 0) {
        close(ends[0]);
        return false;
    }
    task->pipe_fd = ends[0];
    return server_watch(s, ends[0], TAG(TAG_TASK, (uint32_t)(task - s->tasks)));
}

static void refuse(struct server *s, struct task *task, const char *why)
{
    struct fail fail;

    (void)fail_set(&fail, ERR_EXECUTOR, "the request was not completed",
                   "try again", "%s", why);
    if (task->id != NULL)
        server_send(s, rpc_failure(task->id, &fail));
    free_task(task);
}

static void start_waiting(struct server *s)
{
    for (size_t i = 0; i < SERVER_TASKS_MAX; i++) {
        struct task *task = &s->tasks[i];
        if (running(s) >= SERVER_WORKERS_MAX)
            return;
        if (task->used && task->pid == 0 && !start(s, task))
            refuse(s, task, "no worker process could be started");
    }
}

enum err tasks_add(struct server *s, json_t *id, json_t *params,
                   task_work *work, struct fail *fail)
{
    for (size_t i = 0; i < SERVER_TASKS_MAX; i++) {
        struct task *task = &s->tasks[i];
        if (task->used)
            continue;
        memset(task, 0, sizeof(*task));
        task->used = true;
        task->id = id;
        task->params = params;
        task->work = work;
        task->pipe_fd = -1;
        buf_init(&task->answer, SERVER_ANSWER_MAX + 65536);
        start_waiting(s);
        return OK;
    }
    json_decref(id);
    json_decref(params);
    return fail_set(fail, ERR_BUSY, "too many requests wait",
                    "wait for the answers to earlier ones",
                    "%u slow requests are open", SERVER_TASKS_MAX);
}

static void answer(struct server *s, struct task *task)
{
    struct bytes bytes = buf_bytes(&task->answer);
    json_t *value = json_loadb((const char *)bytes.ptr, bytes.len, 0, NULL);
    json_t *result = json_object_get(value, "result");
    struct fail fail;

    if (value == NULL || task->answer.err != OK) {
        json_decref(value);
        refuse(s, task, "its worker died");
        return;
    }
    if (task->id != NULL && result != NULL) {
        server_send(s, rpc_result(task->id, json_incref(result)));
    } else if (task->id != NULL) {
        fail_read(json_object_get(value, "fail"), &fail);
        server_send(s, rpc_failure(task->id, &fail));
    }
    json_decref(value);
    free_task(task);
}

void tasks_on_pipe(struct server *s, struct task *task)
{
    uint8_t data[65536];
    ssize_t n = read(task->pipe_fd, data, sizeof(data));

    CHECK(task->used);
    if (n < 0 && errno == EINTR)
        return;
    if (n > 0) {
        buf_add(&task->answer, bytes_make(data, (size_t)n));
        return;
    }
    (void)waitpid(task->pid, NULL, 0);
    answer(s, task);
    start_waiting(s);
}

void tasks_abandon(struct server *s)
{
    for (size_t i = 0; i < SERVER_TASKS_MAX; i++) {
        if (!s->tasks[i].used)
            continue;
        if (s->tasks[i].pid > 0)
            (void)kill(-s->tasks[i].pid, SIGKILL);
        free_task(&s->tasks[i]);
    }
}
