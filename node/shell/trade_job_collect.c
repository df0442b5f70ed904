#define _XOPEN_SOURCE 700 /* nftw */
/* The end of a job: its outputs and its log become blobs, its folder goes. */

#include "node/shell/trade_job.h"

#include "node/log.h"
#include "node/control/rpc_help.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLLECT_FILES 10000u

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

static void import_all(struct job_work *work)
{
    work->err = import_dir(work, work->path, &work->result);
    if (work->err == OK)
        work->err = import_dir(work, work->log_path, &work->log);
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
    if (job->err == ERR_FULL) /* half of it would only be in the way */
        shell_folder_remove(job->shell, &job->contract);
    shell_event(job->shell, &event);
}

static void after_import(struct job *job, struct job_work *work)
{
    if (job == NULL)
        return;
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
    work = job_work_new(job, import_all, after_import);
    shell_job_path(job->shell->node, &job->contract, "out", work->path);
    shell_job_path(job->shell->node, &job->contract, "log", work->log_path);
    job_work_start(work);
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
    buf_init(&data, JOB_LOG_PIECE + 1024);
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
    job_call(job, "job.logs",
             job_log_params(job, which, job->log_offset[which]),
             which == 0 ? on_whole_stdout : on_whole_stderr);
}

static json_t *collect_params(const struct job *job, const char *dest)
{
    json_t *params = job_params(job);
    json_t *patterns = json_array();
    struct arena arena;
    struct spec spec;
    uint64_t bytes_max = 1073741824;
    if (job_read_spec(job, &arena, &spec)) {
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
    job_mkdirs(path);
    shell_job_path(shell->node, &job->contract, "out", path);
    job_mkdirs(path);
    job_call(job, "job.collect", collect_params(job, path), on_outputs);
    ask_whole_log(job, 0);
    ask_whole_log(job, 1);
}

static void ignore(void *ctx, json_t *result,
                   const struct executor_error *error)
{
    (void)result;
    (void)error;
    (void)job_back(ctx);
}

static int remove_entry(const char *path, const struct stat *info, int flag,
                        struct FTW *walk)
{
    (void)info;
    (void)flag;
    (void)walk;
    return remove(path);
}

void shell_folder_remove(struct shell *shell, const struct hash *contract)
{
    char path[1300];
    shell_job_path(shell->node, contract, "", path);
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 &&
        errno != ENOENT)
        log_odd("exec", "%s cannot be removed: %s", path, strerror(errno));
}

void shell_exec_remove(struct shell *shell, const struct trade_effect *effect)
{
    struct job *job = job_get(shell, &effect->subject);
    job_call(job, "job.remove", job_params(job), ignore);
    shell_folder_remove(shell, &job->contract);
    job->removed = true;
}
