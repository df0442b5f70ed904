/* Jobs at the executor: the table of them, what it says of each, live logs. */

#include "node/shell/trade_job.h"

#include "base/check.h"
#include "node/log.h"
#include "node/control/rpc_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define POLL_MS 250u

/* ---- the table ---- */

struct job *job_find(struct shell *shell, const struct hash *contract)
{
    struct job *job = shell->jobs;
    while (job != NULL && !hash_equal(&job->contract, contract))
        job = job->next;
    return job;
}

struct job *job_get(struct shell *shell, const struct hash *contract)
{
    struct job *job = job_find(shell, contract);
    if (job != NULL)
        return job;
    job = calloc(1, sizeof(*job));
    CHECK(job != NULL);
    job->shell = shell;
    job->contract = *contract;
    buf_init(&job->spec_bytes, SPEC_BYTES_MAX);
    buf_init(&job->results, SPEC_RESULTS_MAX * HASH_LEN);
    job->next = shell->jobs;
    shell->jobs = job;
    return job;
}

static void job_free(struct job *job)
{
    struct job **at = &job->shell->jobs;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    buf_done(&job->spec_bytes);
    buf_done(&job->results);
    free(job);
}

bool job_back(struct job *job)
{
    CHECK(job->open > 0);
    job->open--;
    if (!job->removed)
        return !job->shell->stopped;
    if (job->open == 0)
        job_free(job);
    return false;
}

void job_tell(struct job *job, const struct exec_state *exec)
{
    struct trade_event event = {
        .kind = TRADE_EXEC_STATE, .subject = job->contract, .exec = exec};
    shell_event(job->shell, &event);
}

void job_tell_failed(struct job *job, enum err err, const char *what,
                     const char *why)
{
    struct exec_state exec = {.phase = EXEC_FAILED, .unfit = job_is_unfit(err)};
    snprintf(exec.text, sizeof(exec.text), "%.70s: %.80s", what, why);
    log_odd("exec", "a job cannot start: %s: %s", what, why);
    job->step = STEP_ENDED;
    job_tell(job, &exec);
}

void job_call(struct job *job, const char *method, json_t *params,
              executor_done_fn done)
{
    job->open++;
    executor_call(job->shell->node->executor, method, params, done, job);
}

json_t *job_params(const struct job *job)
{
    char hex[HASH_TEXT_MAX];
    hash_format(&job->contract, hex);
    return json_pack("{s:s}", "id", hex);
}

/* ---- work on the worker pool ---- */

void job_mkdirs(const char *path)
{
    char partial[1300];
    for (const char *slash = path; (slash = strchr(slash + 1, '/')) != NULL;) {
        size_t len = (size_t)(slash - path);
        memcpy(partial, path, len);
        partial[len] = '\0';
        mkdir(partial, 0700);
    }
    mkdir(path, 0700);
}

static void on_work(uv_work_t *uv)
{
    struct job_work *work = (struct job_work *)uv;
    work->run(work);
}

static void on_worked(uv_work_t *uv, int status)
{
    struct job_work *work = (struct job_work *)uv;
    (void)status;
    work->shell->works--;
    work->after(job_back(work->job) ? work->job : NULL, work);
    buf_done(&work->spec);
    buf_done(&work->results);
    free(work);
}

struct job_work *job_work_new(struct job *job,
                              void (*run)(struct job_work *work),
                              void (*after)(struct job *job,
                                            struct job_work *work))
{
    struct job_work *work = calloc(1, sizeof(*work));
    CHECK(work != NULL);
    work->job = job;
    buf_init(&work->spec, SPEC_BYTES_MAX);
    buf_init(&work->results, SPEC_RESULTS_MAX * HASH_LEN);
    work->run = run;
    work->after = after;
    work->shell = job->shell;
    work->blobs = job->shell->node->blobs;
    shell_owner(&job->contract, work->owner);
    return work;
}

void job_work_start(struct job_work *work)
{
    work->job->open++;
    work->shell->works++;
    CHECK(uv_queue_work(work->job->shell->node->loop, &work->work, on_work,
                        on_worked) == 0);
}

bool job_read_spec(const struct job *job, struct arena *arena, struct spec *out)
{
    arena_init(arena, 1024u * 1024);
    return spec_decode(buf_bytes(&job->spec_bytes), arena, out) == OK;
}

/* ---- watching ---- */

static uint64_t json_get(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? (uint64_t)value : 0;
}

static enum end_reason reason_of(const char *reason, uint64_t exit_code)
{
    if (strcmp(reason, "time") == 0)
        return END_TIME_LIMIT;
    if (strcmp(reason, "oom") == 0)
        return END_MEMORY_LIMIT;
    if (strcmp(reason, "output") == 0)
        return END_OUTPUT_LIMIT;
    if (strcmp(reason, "exit") == 0 && exit_code == 0)
        return END_DONE;
    return END_JOB_FAILED;
}

static void read_status(const json_t *status, struct exec_state *out)
{
    const char *phase = json_string_value(json_object_get(status, "phase"));
    const char *reason = json_string_value(json_object_get(status, "reason"));
    const json_t *fail = json_object_get(status, "error");
    const char *why = json_string_value(json_object_get(fail, "why"));
    memset(out, 0, sizeof(*out));
    out->phase = EXEC_RUNNING;
    out->wall_ms = json_get(status, "wall_ms");
    out->cpu_ms = json_get(status, "cpu_ms");
    out->mem_peak_mib = json_get(status, "mem_peak_mib");
    out->stdout_bytes = json_get(status, "stdout_kept");
    out->stderr_bytes = json_get(status, "stderr_kept");
    if (phase == NULL || reason == NULL || strcmp(phase, "running") == 0)
        return;
    if (strcmp(phase, "starting") == 0) {
        out->phase = EXEC_STARTING;
        return;
    }
    if (strcmp(reason, "failed_to_start") == 0 || strcmp(reason, "lost") == 0) {
        out->phase = EXEC_FAILED;
        snprintf(out->text, sizeof(out->text), "%s",
                 why != NULL ? why : reason);
        return;
    }
    out->phase = EXEC_FINISHED;
    out->exit_code = (uint32_t)(json_get(status, "exit_code") & 255);
    out->reason = reason_of(reason, out->exit_code);
    if (out->reason != END_DONE && out->exit_code == 0)
        out->exit_code = 1; /* a failure never looks like success */
}

static void on_status(void *ctx, json_t *result,
                      const struct executor_error *error)
{
    struct job *job = ctx;
    struct exec_state exec;
    if (!job_back(job))
        return;
    job->polling = false;
    if (error != NULL) {
        if (error->err != ERR_NOT_FOUND)
            return; /* asked again at the next turn */
        memset(&exec, 0, sizeof(exec));
        exec.phase = EXEC_UNKNOWN;
        job->step = STEP_ENDED;
    } else {
        read_status(result, &exec);
        job->step = STEP_STARTED;
        job->finished =
            exec.phase == EXEC_FINISHED || exec.phase == EXEC_FAILED;
    }
    job_tell(job, &exec);
}

void job_poll(struct job *job)
{
    if (job->polling || job->finished ||
        !executor_is_up(job->shell->node->executor))
        return;
    job->polling = true;
    job_call(job, "job.status", job_params(job), on_status);
}

/* ---- logs ---- */

static void send_log(struct job *job, unsigned which, struct bytes data,
                     bool eof)
{
    struct log_wait *wait = &job->logs[which];
    struct wire_log log = {.contract = job->contract,
                           .stream = which + 1,
                           .offset = wait->offset,
                           .data = data,
                           .eof = eof};
    struct buf message;
    wait->open = false;
    buf_init(&message, JOB_LOG_PIECE + 1024);
    wire_log_encode(&log, &message);
    shell_send(job->shell, &wait->peer, buf_bytes(&message));
    buf_done(&message);
}

static void on_log(struct job *job, unsigned which, json_t *result)
{
    struct log_wait *wait = &job->logs[which];
    struct buf data;
    bool eof = json_is_true(json_object_get(result, "eof"));
    wait->asked = false;
    if (!wait->open || result == NULL)
        return;
    buf_init(&data, JOB_LOG_PIECE + 1024);
    if (rpc_bytes_json(json_object_get(result, "data"), &data) == OK &&
        (data.len > 0 || eof))
        send_log(job, which, buf_bytes(&data), eof);
    buf_done(&data);
}

static void on_stdout(void *ctx, json_t *result,
                      const struct executor_error *error)
{
    (void)error;
    if (job_back(ctx))
        on_log(ctx, 0, result);
}

static void on_stderr(void *ctx, json_t *result,
                      const struct executor_error *error)
{
    (void)error;
    if (job_back(ctx))
        on_log(ctx, 1, result);
}

json_t *job_log_params(const struct job *job, unsigned which, uint64_t offset)
{
    json_t *params = job_params(job);
    json_object_set_new(params, "stream",
                        json_string(which == 0 ? "stdout" : "stderr"));
    json_object_set_new(params, "offset", json_u64(offset));
    json_object_set_new(params, "max", json_integer(JOB_LOG_PIECE));
    return params;
}

static void ask_logs(struct job *job)
{
    for (unsigned which = 0; which < 2; which++) {
        struct log_wait *wait = &job->logs[which];
        if (!wait->open || wait->asked || job->step < STEP_STARTED ||
            !executor_is_up(job->shell->node->executor))
            continue;
        wait->asked = true;
        job_call(job, "job.logs", job_log_params(job, which, wait->offset),
                 which == 0 ? on_stdout : on_stderr);
    }
}

void shell_exec_log(struct shell *shell, const struct trade_effect *effect)
{
    struct job *job = job_find(shell, &effect->subject);
    struct log_wait *wait;
    if (job == NULL || effect->stream < 1 || effect->stream > 2)
        return;
    wait = &job->logs[effect->stream - 1];
    wait->open = true;
    wait->offset = effect->offset;
    wait->peer = effect->peer;
    ask_logs(job);
}

static void on_killed(void *ctx, json_t *result,
                      const struct executor_error *error)
{
    struct job *job = ctx;
    (void)result;
    (void)error;
    if (job_back(job))
        job_poll(job);
}

void shell_exec_kill(struct shell *shell, const struct trade_effect *effect)
{
    struct job *job = job_get(shell, &effect->subject);
    json_t *params = job_params(job);
    if (job->step == STEP_IMAGE || job->step == STEP_STARTING)
        job->step = STEP_ENDED; /* what has not begun does not begin */
    json_object_set_new(params, "reason", json_text(effect->text));
    job_call(job, "job.kill", params, on_killed);
}

/* ---- the executor comes and goes ---- */

static void poll_all(struct shell *shell)
{
    struct job *next;
    CHECK(!shell->stopped);
    for (struct job *job = shell->jobs; job != NULL; job = next) {
        next = job->next;
        if (job->removed)
            continue;
        if (job->step == STEP_STARTED)
            job_poll(job);
        ask_logs(job);
    }
}

static void on_exec_timer(uv_timer_t *timer)
{
    poll_all(timer->data);
}

/* The seller's running contracts are asked for by name: the executor may know
 * them (it was restarted, or we were), or not (then the engine decides). */
static void adopt(struct shell *shell)
{
    struct sell_view view;
    for (size_t i = 0;
         shell->node->sell != NULL && sell_view(shell->node->sell, i, &view);
         i++) {
        struct job *job;
        if (view.state < SELL_STARTING || view.state > SELL_PUBLISHING)
            continue;
        job = job_get(shell, &view.contract);
        job->finished = false;
        job->polling = false;
        if ((job->step == STEP_STARTING || job->step == STEP_IMAGE) &&
            job->spec_bytes.len > 0) {
            job_start(job);
        } else if (view.state != SELL_PUBLISHING) {
            job->step = STEP_STARTED;
            job_poll(job);
        } else if (job->step != STEP_COLLECTING) {
            struct trade_effect again = {.kind = EFFECT_EXEC_COLLECT,
                                         .subject = view.contract};
            shell_exec_collect(shell, &again);
        }
    }
}

void shell_exec_up(struct shell *shell)
{
    job_images_forget(shell);
    if (!shell->stopped)
        adopt(shell);
}

void shell_exec_gone(struct shell *shell)
{
    struct trade_event event = {.kind = TRADE_EXEC_GONE};
    for (struct job *job = shell->jobs; job != NULL; job = job->next) {
        job->polling = false;
        job->logs[0].asked = job->logs[1].asked = false;
        if (job->step == STEP_COLLECTING)
            job->step = STEP_STARTED;
    }
    shell_event(shell, &event);
}

void shell_exec_note(struct shell *shell, const char *method, json_t *params)
{
    const char *id = json_string_value(json_object_get(params, "id"));
    struct hash contract;
    struct job *job;
    if (shell->stopped || id == NULL || hash_parse(id, &contract) != OK)
        return;
    job = job_find(shell, &contract);
    if (job == NULL || job->removed)
        return;
    if (strcmp(method, "job.changed") == 0 && job->step == STEP_STARTED)
        job_poll(job);
    else if (strcmp(method, "job.output") == 0)
        ask_logs(job);
}

void shell_exec_tick(struct shell *shell)
{
    (void)shell; /* the timer below does the watching */
}

void shell_exec_init(struct shell *shell)
{
    CHECK(uv_timer_init(shell->node->loop, &shell->exec_timer) == 0);
    shell->exec_timer.data = shell;
    uv_timer_start(&shell->exec_timer, on_exec_timer, POLL_MS, POLL_MS);
}

/* The executor is closed by now, and node_close has waited for shell_works:
 * nothing is on its way any more. */
void shell_exec_done(struct shell *shell)
{
    job_images_forget(shell);
    while (shell->jobs != NULL) {
        struct job *job = shell->jobs;
        shell->jobs = job->next;
        buf_done(&job->spec_bytes);
        buf_done(&job->results);
        free(job);
    }
}
