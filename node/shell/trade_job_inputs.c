/* What a job reads, laid out where the executor takes it from: its inputs, and
 * the results of other jobs that it uses, below them. */

#include "node/shell/trade_job.h"

#include "base/check.h"
#include "node/control/rpc_help.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool job_is_unfit(enum err err)
{
    return err == ERR_IMAGE || err == ERR_TOO_LARGE || err == ERR_RANGE ||
           err == ERR_EXISTS;
}

void job_take_spec(struct job *job, const struct trade_effect *effect)
{
    size_t ids = (size_t)effect->code * HASH_LEN;
    size_t spec;
    CHECK(ids <= effect->bytes.len);
    spec = effect->bytes.len - ids;
    buf_clear(&job->spec_bytes);
    buf_add(&job->spec_bytes, bytes_make(effect->bytes.ptr, spec));
    buf_clear(&job->results);
    buf_add(&job->results, bytes_make(effect->bytes.ptr + spec, ids));
}

/* The directories down to a result; its job reads them as somebody else. What
 * is there and none is found when the next is made, or the result. */
static void make_dirs(char *path, size_t base)
{
    for (char *slash = path + base; slash != NULL;) {
        slash = strchr(slash + 1, '/');
        if (slash != NULL)
            *slash = '\0';
        mkdir(path, 0755);
        if (slash != NULL)
            *slash = '/';
    }
}

/* One result; an empty one is an empty directory. */
static enum err lay_out_one(const struct job_inputs *inputs, const char *dest,
                            const struct hash *id)
{
    char path[JOB_PATH_MAX + SPEC_DEST_MAX + 32];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", inputs->path, dest);
    make_dirs(path, strlen(inputs->path));
    if (!hash_is_zero(id))
        return blob_store_export_tree(inputs->blobs, id, path, NULL);
    if (stat(path, &st) != 0)
        return errno == ENOTDIR ? ERR_EXISTS : ERR_IO;
    return S_ISDIR(st.st_mode) ? OK : ERR_EXISTS;
}

static enum err lay_out_use(const struct job_inputs *inputs,
                            const struct spec_use *use, uint32_t first)
{
    for (uint32_t task = 0; task < use->tasks; task++) {
        char dest[SPEC_DEST_MAX + 16];
        struct hash id;
        memcpy(id.b, inputs->results.ptr + (size_t)(first + task) * HASH_LEN,
               HASH_LEN);
        if (use->tasks == 1)
            snprintf(dest, sizeof(dest), "%.*s", (int)use->dest.len,
                     (const char *)use->dest.ptr);
        else
            snprintf(dest, sizeof(dest), "%.*s/%u", (int)use->dest.len,
                     (const char *)use->dest.ptr, task);
        TRY(lay_out_one(inputs, dest, &id));
    }
    return OK;
}

enum err job_inputs_write(const struct job_inputs *inputs,
                          const struct spec *spec)
{
    uint32_t first = 0;
    CHECK(strlen(inputs->path) < JOB_PATH_MAX);
    if (inputs->results.len != (size_t)spec_result_count(spec) * HASH_LEN)
        return ERR_CORRUPT;
    job_mkdirs(inputs->path);
    if (!hash_is_zero(&spec->inputs))
        TRY(blob_store_export_tree(inputs->blobs, &spec->inputs, inputs->path,
                                   NULL));
    for (uint32_t i = 0; i < spec->use_count; i++) {
        TRY(lay_out_use(inputs, &spec->uses[i], first));
        first += spec->uses[i].tasks;
    }
    return OK;
}

static void run(struct job_work *work)
{
    const struct job_inputs inputs = {work->blobs, buf_bytes(&work->results),
                                      work->path};
    struct arena arena;
    struct spec spec;
    arena_init(&arena, 512u * 1024);
    work->err = spec_decode(buf_bytes(&work->spec), &arena, &spec);
    if (work->err == OK && (!hash_is_zero(&spec.inputs) || spec.use_count > 0))
        work->err = job_inputs_write(&inputs, &spec);
    arena_done(&arena);
}

void job_lay_out(struct job *job,
                 void (*after)(struct job *job, struct job_work *work))
{
    struct job_work *work = job_work_new(job, run, after);
    buf_add(&work->spec, buf_bytes(&job->spec_bytes));
    buf_add(&work->results, buf_bytes(&job->results));
    shell_job_path(job->shell->node, &job->contract, "in", work->path);
    job_work_start(work);
}
