#define _XOPEN_SOURCE 700 /* nftw */
/* Jobs at the executor: image and inputs out of the blob store, start, watch,
 * logs, outputs back into the blob store. Each step's end starts the next. */

#include "node/trade_shell_inner.h"

#include "base/check.h"
#include "node/log.h"
#include "node/rpc_help.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLL_MS       250u
#define LOG_PIECE     (48u * 1024)
#define GRACE_MS      2000u
#define COLLECT_FILES 10000u

enum job_step {
    STEP_STARTING = 1, /* image, inputs, job.start */
    STEP_STARTED,      /* the executor has it */
    STEP_COLLECTING,
    STEP_ENDED
};

/* A reader that waits for more of a stream. */
struct log_wait {
    bool open;
    bool asked; /* job.logs is on its way */
    uint64_t offset;
    struct pubkey peer;
};

struct job {
    struct job *next;
    struct shell *shell;
    struct hash contract;
    enum job_step step;
    struct buf spec_bytes;
    uint32_t task;
    uint32_t tasks;
    bool polling;  /* job.status is on its way */
    bool finished; /* the executor said so */
    bool removed;  /* free it once nothing is on its way */
    unsigned open; /* calls and work on their way */
    struct log_wait logs[2];
    /* collecting */
    uint64_t log_offset[2];
    bool log_done[2];
    bool outputs_done;
    enum err err;
    struct hash result;
    struct hash log;
    uint64_t result_bytes;
};

/* ---- the table ---- */

static struct job *job_find(struct shell *shell, const struct hash *contract)
{
    struct job *job = shell->jobs;
    while (job != NULL && !hash_equal(&job->contract, contract))
        job = job->next;
    return job;
}

static struct job *job_get(struct shell *shell, const struct hash *contract)
{
    struct job *job = job_find(shell, contract);
    if (job != NULL)
        return job;
    job = calloc(1, sizeof(*job));
    CHECK(job != NULL);
    job->shell = shell;
    job->contract = *contract;
    buf_init(&job->spec_bytes, SPEC_BYTES_MAX);
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
    free(job);
}

/* Something that was on its way has come back: true if the job still lives. */
static bool job_back(struct job *job)
{
    CHECK(job->open > 0);
    job->open--;
    if (!job->removed)
        return true;
    if (job->open == 0)
        job_free(job);
    return false;
}

static void tell(struct job *job, const struct exec_state *exec)
{
    struct trade_event event = {
        .kind = TRADE_EXEC_STATE, .subject = job->contract, .exec = exec};
    shell_event(job->shell, &event);
}

static void tell_failed(struct job *job, const char *what, const char *why)
{
    struct exec_state exec = {.phase = EXEC_FAILED};
    snprintf(exec.text, sizeof(exec.text), "%.70s: %.80s", what, why);
    log_odd("exec", "a job cannot start: %s: %s", what, why);
    job->step = STEP_ENDED;
    tell(job, &exec);
}

static void call(struct job *job, const char *method, json_t *params,
                 executor_done_fn done)
{
    job->open++;
    executor_call(job->shell->node->executor, method, params, done, job);
}

static json_t *job_params(const struct job *job)
{
    char hex[HASH_TEXT_MAX];
    hash_format(&job->contract, hex);
    return json_pack("{s:s}", "id", hex);
}

/* ---- work on the worker pool ---- */

enum work_kind { WORK_IMAGE, WORK_INPUTS, WORK_IMPORT };

struct job_work {
    uv_work_t work; /* first */
    struct job *job;
    enum work_kind kind;
    struct blob_store *blobs;
    struct hash id;
    char path[1300];
    char log_path[1300];
    char owner[80];
    enum err err;
    struct hash result;
    struct hash log;
};

static void mkdirs(const char *path)
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

static bool dir_empty(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    bool empty = true;
    if (dir == NULL)
        return true;
    while (empty && (entry = readdir(dir)) != NULL)
        empty =
            strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(dir);
    return empty;
}

static enum err import_dir(struct job_work *work, const char *path,
                           struct hash *out)
{
    struct blob_source source = {.path = path, .as = ""};
    memset(out, 0, sizeof(*out));
    if (dir_empty(path))
        return OK;
    return blob_store_import_tree(work->blobs, &source, 1, work->owner, out,
                                  NULL);
}

static void on_work(uv_work_t *uv)
{
    struct job_work *work = (struct job_work *)uv;
    switch (work->kind) {
    case WORK_IMAGE:
        work->err = access(work->path, R_OK) == 0
                        ? OK
                        : blob_store_export_file(work->blobs, &work->id,
                                                 work->path, 0600);
        break;
    case WORK_INPUTS:
        work->err =
            blob_store_export_tree(work->blobs, &work->id, work->path, NULL);
        break;
    case WORK_IMPORT:
        work->err = import_dir(work, work->path, &work->result);
        if (work->err == OK)
            work->err = import_dir(work, work->log_path, &work->log);
        break;
    }
}

static void after_image(struct job *job, struct job_work *work);
static void after_inputs(struct job *job, struct job_work *work);
static void after_import(struct job *job, struct job_work *work);

static void on_worked(uv_work_t *uv, int status)
{
    struct job_work *work = (struct job_work *)uv;
    struct job *job = work->job;
    (void)status;
    if (job_back(job)) {
        switch (work->kind) {
        case WORK_IMAGE:
            after_image(job, work);
            break;
        case WORK_INPUTS:
            after_inputs(job, work);
            break;
        case WORK_IMPORT:
            after_import(job, work);
            break;
        }
    }
    free(work);
}

static struct job_work *work_new(struct job *job, enum work_kind kind)
{
    struct job_work *work = calloc(1, sizeof(*work));
    CHECK(work != NULL);
    work->job = job;
    work->kind = kind;
    work->blobs = job->shell->node->blobs;
    shell_owner(&job->contract, work->owner);
    return work;
}

static void work_start(struct job_work *work)
{
    work->job->open++;
    CHECK(uv_queue_work(work->job->shell->node->loop, &work->work, on_work,
                        on_worked) == 0);
}

/* ---- starting ---- */

static json_t *env_json(const struct job *job, const struct spec *spec)
{
    json_t *env = json_object();
    char text[32];
    char hex[HASH_TEXT_MAX];
    for (uint32_t i = 0; i < spec->env_count; i++) {
        struct buf name;
        struct buf value;
        buf_init(&name, SPEC_TEXT_MAX + 1);
        buf_init(&value, 2 * SPEC_TEXT_MAX);
        buf_add(&name, spec->env[i].name);
        if (spec_expand(spec->env[i].value, job->task, job->tasks, &value) ==
            OK)
            json_object_set_new(env, buf_cstr(&name),
                                json_text(buf_cstr(&value)));
        buf_done(&name);
        buf_done(&value);
    }
    snprintf(text, sizeof(text), "%u", job->task);
    json_object_set_new(env, "SUAN_TASK", json_string(text));
    snprintf(text, sizeof(text), "%u", job->tasks);
    json_object_set_new(env, "SUAN_TASKS", json_string(text));
    hash_format(&job->contract, hex);
    json_object_set_new(env, "SUAN_CONTRACT", json_string(hex));
    return env;
}

static json_t *argv_json(const struct job *job, const struct spec *spec)
{
    json_t *argv = json_array();
    for (uint32_t i = 0; i < spec->arg_count; i++) {
        struct buf text;
        buf_init(&text, 2 * SPEC_TEXT_MAX);
        if (spec_expand(spec->args[i], job->task, job->tasks, &text) == OK)
            json_array_append_new(argv, json_text(buf_cstr(&text)));
        buf_done(&text);
    }
    return argv;
}

static json_t *inputs_json(const struct job *job, const struct spec *spec)
{
    json_t *inputs = json_array();
    char path[1300];
    DIR *dir;
    struct dirent *entry;
    if (hash_is_zero(&spec->inputs))
        return inputs;
    shell_job_path(job->shell->node, &job->contract, "in", path);
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char full[1600];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(full, sizeof(full), "%s/%s", path, entry->d_name);
        json_array_append_new(inputs,
                              json_pack("{s:o, s:o}", "path", json_text(full),
                                        "dest", json_text(entry->d_name)));
    }
    if (dir != NULL)
        closedir(dir);
    return inputs;
}

static json_t *start_params(const struct job *job, const struct spec *spec)
{
    char image[HASH_TEXT_MAX];
    json_t *params = job_params(job);
    uint64_t logs = spec->log_bytes_max > 0 ? spec->log_bytes_max : 1048576;
    hash_format(&spec->image, image);
    json_object_set_new(params, "image", json_string(image));
    json_object_set_new(params, "argv", argv_json(job, spec));
    json_object_set_new(params, "env", env_json(job, spec));
    json_object_set_new(params, "inputs", inputs_json(job, spec));
    json_object_set_new(params, "cpu_milli",
                        json_u64(spec->resources.cpu_milli));
    json_object_set_new(params, "mem_mib", json_u64(spec->resources.mem_mib));
    json_object_set_new(params, "disk_mib", json_u64(spec->resources.disk_mib));
    json_object_set_new(params, "pids_max", json_u64(spec->pids_max));
    json_object_set_new(params, "wall_ms", json_u64(spec->time_ms_max));
    json_object_set_new(params, "grace_ms", json_integer(GRACE_MS));
    json_object_set_new(params, "stdout_max", json_u64(logs));
    json_object_set_new(params, "stderr_max", json_u64(logs));
    json_object_set_new(params, "output_policy", json_string("truncate"));
    return params;
}

static bool read_spec(const struct job *job, struct arena *arena,
                      struct spec *out)
{
    arena_init(arena, 1024u * 1024);
    return spec_decode(buf_bytes(&job->spec_bytes), arena, out) == OK;
}

static void poll_job(struct job *job);

static void on_start(void *ctx, json_t *result,
                     const struct executor_error *error)
{
    struct job *job = ctx;
    (void)result;
    if (!job_back(job))
        return;
    if (error != NULL && error->err == ERR_EXECUTOR)
        return; /* it died under us: tried again once it is back */
    if (error != NULL && error->err != ERR_EXISTS) {
        tell_failed(job, error->what, error->why);
        return;
    }
    job->step = STEP_STARTED;
    poll_job(job);
}

static void start_now(struct job *job)
{
    struct arena arena;
    struct spec spec;
    if (read_spec(job, &arena, &spec))
        call(job, "job.start", start_params(job, &spec), on_start);
    else
        tell_failed(job, "the description", "cannot be read");
    arena_done(&arena);
}

static void after_inputs(struct job *job, struct job_work *work)
{
    if (work->err != OK)
        tell_failed(job, "the inputs cannot be laid out", err_text(work->err));
    else
        start_now(job);
}

static void lay_out_inputs(struct job *job)
{
    struct arena arena;
    struct spec spec;
    struct job_work *work;
    bool good = read_spec(job, &arena, &spec);
    struct hash inputs = good ? spec.inputs : (struct hash){{0}};
    arena_done(&arena);
    if (hash_is_zero(&inputs)) {
        start_now(job);
        return;
    }
    work = work_new(job, WORK_INPUTS);
    work->id = inputs;
    shell_job_path(job->shell->node, &job->contract, "in", work->path);
    mkdirs(work->path);
    work_start(work);
}

static void on_image_added(void *ctx, json_t *result,
                           const struct executor_error *error)
{
    struct job *job = ctx;
    (void)result;
    if (!job_back(job))
        return;
    if (error != NULL && error->err == ERR_EXECUTOR)
        return;
    if (error != NULL && error->err != ERR_EXISTS)
        tell_failed(job, error->what, error->why);
    else
        lay_out_inputs(job);
}

static void after_image(struct job *job, struct job_work *work)
{
    char hex[HASH_TEXT_MAX];
    if (work->err != OK) {
        tell_failed(job, "the image cannot be read", err_text(work->err));
        return;
    }
    hash_format(&work->id, hex);
    call(job, "image.add",
         json_pack("{s:s, s:s}", "id", hex, "path", work->path),
         on_image_added);
}

static void start_image(struct job *job)
{
    struct arena arena;
    struct spec spec;
    char hex[HASH_TEXT_MAX];
    char name[100];
    struct job_work *work;
    if (!read_spec(job, &arena, &spec)) {
        arena_done(&arena);
        tell_failed(job, "the description", "cannot be read");
        return;
    }
    work = work_new(job, WORK_IMAGE);
    work->id = spec.image;
    arena_done(&arena);
    hash_format(&work->id, hex);
    snprintf(name, sizeof(name), "exec/images/%s.tar", hex);
    datadir_path(&job->shell->node->dir, "exec/images", work->path,
                 sizeof(work->path));
    mkdirs(work->path);
    datadir_path(&job->shell->node->dir, name, work->path, sizeof(work->path));
    work_start(work);
}

void shell_exec_start(struct shell *shell, const struct trade_effect *effect)
{
    struct job *job = job_get(shell, &effect->subject);
    if (job->step != 0 && job->step != STEP_ENDED)
        return; /* on its way already */
    buf_clear(&job->spec_bytes);
    buf_add(&job->spec_bytes, effect->bytes);
    job->task = effect->task;
    job->tasks = effect->tasks;
    job->step = STEP_STARTING;
    job->finished = false;
    if (executor_is_up(shell->node->executor))
        start_image(job);
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
    tell(job, &exec);
}

static void poll_job(struct job *job)
{
    if (job->polling || job->finished ||
        !executor_is_up(job->shell->node->executor))
        return;
    job->polling = true;
    call(job, "job.status", job_params(job), on_status);
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
    buf_init(&message, LOG_PIECE + 1024);
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
    buf_init(&data, LOG_PIECE + 1024);
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

static json_t *log_params(const struct job *job, unsigned which,
                          uint64_t offset)
{
    json_t *params = job_params(job);
    json_object_set_new(params, "stream",
                        json_string(which == 0 ? "stdout" : "stderr"));
    json_object_set_new(params, "offset", json_u64(offset));
    json_object_set_new(params, "max", json_integer(LOG_PIECE));
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
        call(job, "job.logs", log_params(job, which, wait->offset),
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

/* ---- the end ---- */

static void ignore(void *ctx, json_t *result,
                   const struct executor_error *error)
{
    (void)result;
    (void)error;
    (void)job_back(ctx);
}

static void on_killed(void *ctx, json_t *result,
                      const struct executor_error *error)
{
    struct job *job = ctx;
    (void)result;
    (void)error;
    if (job_back(job))
        poll_job(job);
}

void shell_exec_kill(struct shell *shell, const struct trade_effect *effect)
{
    struct job *job = job_get(shell, &effect->subject);
    json_t *params = job_params(job);
    json_object_set_new(params, "reason", json_text(effect->text));
    call(job, "job.kill", params, on_killed);
}

static void collected(struct job *job)
{
    struct trade_event event = {.kind = TRADE_EXEC_COLLECTED,
                                .subject = job->contract,
                                .err = job->err,
                                .result = job->result,
                                .log = job->log,
                                .result_bytes = job->result_bytes};
    job->step = STEP_ENDED;
    shell_event(job->shell, &event);
}

static void after_import(struct job *job, struct job_work *work)
{
    job->err = work->err;
    job->result = work->result;
    job->log = work->log;
    collected(job);
}

static void import_when_done(struct job *job)
{
    struct job_work *work;
    if (!job->outputs_done || !job->log_done[0] || !job->log_done[1])
        return;
    if (job->err != OK) {
        collected(job);
        return;
    }
    work = work_new(job, WORK_IMPORT);
    shell_job_path(job->shell->node, &job->contract, "out", work->path);
    shell_job_path(job->shell->node, &job->contract, "log", work->log_path);
    work_start(work);
}

static void on_outputs(void *ctx, json_t *result,
                       const struct executor_error *error)
{
    struct job *job = ctx;
    if (!job_back(job))
        return;
    if (error != NULL && error->err == ERR_EXECUTOR) {
        job->step = STEP_STARTED; /* asked again when it is back */
        return;
    }
    if (error != NULL) {
        log_odd("exec", "outputs: %s: %s", error->what, error->why);
        job->err = error->err;
    }
    (void)result;
    job->outputs_done = true;
    import_when_done(job);
}

static void ask_whole_log(struct job *job, unsigned which);

/* Takes over a piece of the log into the folder that becomes the log tree. */
static void on_log_piece(struct job *job, unsigned which, json_t *result,
                         const struct executor_error *error)
{
    char path[1300];
    struct buf data;
    FILE *file;
    bool more;
    shell_job_path(job->shell->node, &job->contract,
                   which == 0 ? "log/stdout" : "log/stderr", path);
    buf_init(&data, LOG_PIECE + 1024);
    if (error != NULL ||
        rpc_bytes_json(json_object_get(result, "data"), &data) != OK)
        job->err = error != NULL ? error->err : ERR_EXECUTOR;
    file = fopen(path, job->log_offset[which] == 0 ? "we" : "ae");
    if (file == NULL ||
        (data.len > 0 && fwrite(data.ptr, 1, data.len, file) != data.len))
        job->err = errno == ENOSPC ? ERR_FULL : ERR_IO;
    if (file != NULL && fclose(file) != 0)
        job->err = ERR_FULL;
    job->log_offset[which] += data.len;
    more = data.len > 0 && !json_is_true(json_object_get(result, "eof"));
    buf_done(&data);
    if (more && job->err == OK) {
        ask_whole_log(job, which);
        return;
    }
    job->log_done[which] = true;
    import_when_done(job);
}

static void on_whole_stdout(void *ctx, json_t *result,
                            const struct executor_error *error)
{
    if (job_back(ctx))
        on_log_piece(ctx, 0, result, error);
}

static void on_whole_stderr(void *ctx, json_t *result,
                            const struct executor_error *error)
{
    if (job_back(ctx))
        on_log_piece(ctx, 1, result, error);
}

static void ask_whole_log(struct job *job, unsigned which)
{
    call(job, "job.logs", log_params(job, which, job->log_offset[which]),
         which == 0 ? on_whole_stdout : on_whole_stderr);
}

static json_t *collect_params(const struct job *job, const char *dest)
{
    json_t *params = job_params(job);
    json_t *patterns = json_array();
    struct arena arena;
    struct spec spec;
    uint64_t bytes_max = 1073741824;
    if (read_spec(job, &arena, &spec)) {
        for (uint32_t i = 0; i < spec.output_count; i++) {
            struct buf text;
            buf_init(&text, 2 * SPEC_TEXT_MAX);
            if (spec_expand(spec.outputs[i], job->task, job->tasks, &text) ==
                OK)
                json_array_append_new(patterns, json_text(buf_cstr(&text)));
            buf_done(&text);
        }
        bytes_max = spec.resources.disk_mib * 1048576;
    }
    arena_done(&arena);
    if (json_array_size(patterns) == 0)
        json_array_append_new(patterns, json_string("**"));
    json_object_set_new(params, "patterns", patterns);
    json_object_set_new(params, "dest", json_text(dest));
    json_object_set_new(params, "max_bytes", json_u64(bytes_max));
    json_object_set_new(params, "max_files", json_integer(COLLECT_FILES));
    return params;
}

void shell_exec_collect(struct shell *shell, const struct trade_effect *effect)
{
    struct job *job = job_get(shell, &effect->subject);
    char path[1300];
    if (job->step == STEP_COLLECTING)
        return;
    if (job->spec_bytes.len == 0)
        buf_add(&job->spec_bytes, effect->bytes);
    job->step = STEP_COLLECTING;
    job->err = OK;
    job->outputs_done = false;
    job->log_done[0] = job->log_done[1] = false;
    job->log_offset[0] = job->log_offset[1] = 0;
    shell_job_path(shell->node, &job->contract, "log", path);
    mkdirs(path);
    shell_job_path(shell->node, &job->contract, "out", path);
    mkdirs(path);
    call(job, "job.collect", collect_params(job, path), on_outputs);
    ask_whole_log(job, 0);
    ask_whole_log(job, 1);
}

static int remove_entry(const char *path, const struct stat *info, int flag,
                        struct FTW *walk)
{
    (void)info;
    (void)flag;
    (void)walk;
    return remove(path);
}

void shell_exec_remove(struct shell *shell, const struct trade_effect *effect)
{
    struct job *job = job_get(shell, &effect->subject);
    char path[1300];
    call(job, "job.remove", job_params(job), ignore);
    shell_job_path(shell->node, &job->contract, "", path);
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 &&
        errno != ENOENT)
        log_odd("exec", "%s cannot be removed: %s", path, strerror(errno));
    job->removed = true;
}

/* ---- the executor comes and goes ---- */

static void poll_all(struct shell *shell)
{
    struct job *next;
    for (struct job *job = shell->jobs; job != NULL; job = next) {
        next = job->next;
        if (job->removed)
            continue;
        if (job->step == STEP_STARTED)
            poll_job(job);
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
        if (job->step == STEP_STARTING && job->spec_bytes.len > 0) {
            start_image(job);
        } else if (view.state != SELL_PUBLISHING) {
            job->step = STEP_STARTED;
            poll_job(job);
        } else if (job->step != STEP_COLLECTING) {
            struct trade_effect again = {.kind = EFFECT_EXEC_COLLECT,
                                         .subject = view.contract};
            shell_exec_collect(shell, &again);
        }
    }
}

void shell_exec_up(struct shell *shell)
{
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
    if (id == NULL || hash_parse(id, &contract) != OK)
        return;
    job = job_find(shell, &contract);
    if (job == NULL || job->removed)
        return;
    if (strcmp(method, "job.changed") == 0 && job->step == STEP_STARTED)
        poll_job(job);
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

/* The executor is closed by now: nothing is on its way any more but work, which
 * node_close has waited for. */
void shell_exec_done(struct shell *shell)
{
    while (shell->jobs != NULL) {
        struct job *job = shell->jobs;
        shell->jobs = job->next;
        buf_done(&job->spec_bytes);
        free(job);
    }
}
