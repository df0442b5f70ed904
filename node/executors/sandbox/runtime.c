#include "node/executors/sandbox/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/check.h"

#define VERB_TIMEOUT_MS 30000
#define WHAT            "the container runtime could not start the job"
#define FIX             "run `suan-exec-sandbox --doctor`: it tries the runtime"

const char *runtime_name(enum runtime_kind kind)
{
    switch (kind) {
    case RUNTIME_CRUN:
        return "crun";
    case RUNTIME_RUNC:
        return "runc";
    }
    CHECK(false);
    return "";
}

bool runtime_find(enum runtime_kind kind, struct runtime *out)
{
    out->kind = kind;
    return tool_find(runtime_name(kind), out->path);
}

void runtime_version(const struct runtime *runtime, char *out, size_t cap)
{
    const char *const argv[] = {runtime->path, "--version", NULL};
    char text[1024];

    if (!tool_ask(argv, 5000, text, sizeof(text)))
        (void)snprintf(text, sizeof(text), "%s", "unknown version");
    text[strcspn(text, "\n")] = '\0';
    (void)dir_text(out, cap, "%.60s", text);
}

struct verb {
    char root[STAGE_ROOT + 16], bundle[STAGE_ROOT + 16], log[STAGE_ROOT + 24];
    char pid[STAGE_ROOT + 16];
    const char *argv[20];
    size_t count;
};

static void add(struct verb *verb, const char *word)
{
    CHECK(verb->count + 1 < sizeof(verb->argv) / sizeof(verb->argv[0]));
    verb->argv[verb->count++] = word;
    verb->argv[verb->count] = NULL;
}

static void begin(struct verb *verb, const struct runtime *runtime,
                  const struct runtime_job *job)
{
    const char *root = job->stage->root;

    memset(verb, 0, sizeof(*verb));
    (void)snprintf(verb->root, sizeof(verb->root), "%s/rt", root);
    (void)snprintf(verb->bundle, sizeof(verb->bundle), "%s/bundle", root);
    (void)snprintf(verb->log, sizeof(verb->log), "%s/bundle/log", root);
    (void)snprintf(verb->pid, sizeof(verb->pid), "%s/bundle/pid", root);
    add(verb, runtime->path);
    add(verb, "--root");
    add(verb, verb->root);
    add(verb, "--log");
    add(verb, verb->log);
    if (runtime->kind == RUNTIME_CRUN)
        add(verb, "--cgroup-manager=disabled");
}

/* Runs the verb; on failure the last line of the runtime's log is the reason.
 */
static enum err run(const struct verb *verb, const struct tool_call *call,
                    struct fail *fail)
{
    char log[8192] = "";
    const char *line;
    int status = -1;

    if (tool_run(call, &status) != 0) {
        if (errno == ECANCELED)
            return fail_set(fail, ERR_CANCELLED, WHAT, "start it again",
                            "the job was killed while it was started");
        return fail_set(fail, ERR_TIMEOUT, WHAT, FIX, "%s: %s", verb->argv[0],
                        strerror(errno));
    }
    if (status == 0)
        return OK;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 125)
        return fail_set(fail, ERR_SANDBOX, WHAT, FIX,
                        "the job's control groups could not be entered");
    (void)dir_read(AT_FDCWD, verb->log, log, sizeof(log));
    for (size_t len = strlen(log); len > 0 && log[len - 1] == '\n'; len--)
        log[len - 1] = '\0';
    line = strrchr(log, '\n');
    return fail_set(fail, ERR_SANDBOX, WHAT, FIX, "%s ended with %d: %s",
                    verb->argv[0], WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                    line != NULL ? line + 1 : log);
}

static struct tool_call call_of(const struct verb *verb,
                                const struct runtime_job *job)
{
    struct tool_call call = {.argv = verb->argv,
                             .out_fd = -1,
                             .err_fd = -1,
                             .cancel_fd = job->cancel_fd,
                             .timeout_ms = VERB_TIMEOUT_MS};

    return call;
}

enum err runtime_create(const struct runtime *runtime,
                        const struct runtime_job *job, pid_t *out_pid,
                        struct fail *fail)
{
    struct verb verb;
    struct tool_call call;
    char text[32];
    long pid;

    begin(&verb, runtime, job);
    add(&verb, "create");
    add(&verb, "--bundle");
    add(&verb, verb.bundle);
    add(&verb, "--pid-file");
    add(&verb, verb.pid);
    add(&verb, job->id);
    call = call_of(&verb, job);
    call.out_fd = job->out_fd;
    call.err_fd = job->err_fd;
    call.group = job->group;
    TRY(run(&verb, &call, fail));
    if (dir_read(AT_FDCWD, verb.pid, text, sizeof(text)) <= 0)
        return fail_errno(fail, WHAT, verb.pid);
    pid = strtol(text, NULL, 10);
    if (pid <= 1)
        return fail_set(fail, ERR_SANDBOX, WHAT, FIX, "%s wrote no process id",
                        runtime->path);
    *out_pid = (pid_t)pid;
    return OK;
}

enum err runtime_start(const struct runtime *runtime,
                       const struct runtime_job *job, struct fail *fail)
{
    struct verb verb;
    struct tool_call call;

    begin(&verb, runtime, job);
    add(&verb, "start");
    add(&verb, job->id);
    call = call_of(&verb, job);
    return run(&verb, &call, fail);
}

void runtime_delete(const struct runtime *runtime,
                    const struct runtime_job *job)
{
    struct verb verb;
    struct tool_call call;
    int status;

    begin(&verb, runtime, job);
    add(&verb, "delete");
    add(&verb, "--force");
    add(&verb, job->id);
    call = call_of(&verb, job);
    call.cancel_fd = -1;
    (void)tool_run(&call, &status);
}
