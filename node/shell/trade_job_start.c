/* Starting a job: its image at the executor, its inputs laid out, job.start. */

#include "node/sell/offering.h"
#include "node/shell/trade_job.h"

#include "base/check.h"
#include "node/log.h"
#include "node/control/rpc_help.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GRACE_MS 2000u

/* An image the executor has, or is being given. */
struct image_there {
    struct image_there *next;
    struct hash id;
    bool ready;
};

/* ---- job.start ---- */

/* Which devices the job was assigned, and how much of each. */
static void put_devices(const struct job *job, const struct spec *spec,
                        json_t *env)
{
    struct offering *offering = job->shell->node->offering;
    struct buf text;
    char milli[16];
    if (job->devices == 0 || offering == NULL)
        return;
    buf_init(&text, 4096);
    offering_device_paths(offering, job->devices, &text);
    json_object_set_new(env, "SUAN_DEVICES", json_text(buf_cstr(&text)));
    buf_done(&text);
    snprintf(milli, sizeof(milli), "%u", spec->devices.milli);
    json_object_set_new(env, "SUAN_DEVICE_MILLI", json_string(milli));
}

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
    put_devices(job, spec, env);
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

static json_t *devices_json(const struct job *job)
{
    struct offering *offering = job->shell->node->offering;
    json_t *list = json_array();
    const char *paths[OFFERING_NODES_MAX];
    uint32_t count = 0;
    if (job->devices != 0 && offering != NULL)
        count = offering_nodes(offering, job->devices, paths);
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(paths[i]));
    return list;
}

static json_t *inputs_json(const struct job *job, const struct spec *spec)
{
    json_t *inputs = json_array();
    char path[1300];
    DIR *dir;
    struct dirent *entry;
    if (hash_is_zero(&spec->inputs) && spec->use_count == 0)
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
    if (job->devices != 0)
        json_object_set_new(params, "devices", devices_json(job));
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

static void on_start(void *ctx, json_t *result,
                     const struct executor_error *error)
{
    struct job *job = ctx;
    (void)result;
    if (!job_back(job))
        return;
    if (error != NULL && error->err == ERR_EXECUTOR)
        return; /* it died under us: tried again once it is back */
    if (error != NULL && error->err == ERR_NOT_FOUND && !job->image_again) {
        job->image_again = true; /* somebody removed the image: once more */
        shell_image_gone(job->shell, &job->image);
        job_start(job);
        return;
    }
    if (error != NULL && error->err != ERR_EXISTS) {
        job_tell_failed(job, error->err, error->what, error->why);
        return;
    }
    job->step = STEP_STARTED;
    job_poll(job);
}

static void start_now(struct job *job)
{
    struct arena arena;
    struct spec spec;
    if (job->step != STEP_STARTING)
        return; /* killed meanwhile */
    if (job_read_spec(job, &arena, &spec))
        job_call(job, "job.start", start_params(job, &spec), on_start);
    else
        job_tell_failed(job, ERR_EXECUTOR, "the description", "cannot be read");
    arena_done(&arena);
}

static void after_inputs(struct job *job, struct job_work *work)
{
    if (job == NULL)
        return;
    if (work->err != OK)
        job_tell_failed(job, work->err, "the inputs cannot be laid out",
                        err_text(work->err));
    else
        start_now(job);
}

static void lay_out_inputs(struct job *job)
{
    job->step = STEP_STARTING;
    job_lay_out(job, after_inputs);
}

/* ---- the image ---- */

static struct image_there *image_there(struct shell *shell,
                                       const struct hash *id)
{
    struct image_there *image = shell->images_there;
    while (image != NULL && !hash_equal(&image->id, id))
        image = image->next;
    return image;
}

static void image_drop(struct shell *shell, const struct hash *id)
{
    struct image_there **at = &shell->images_there;
    while (*at != NULL) {
        struct image_there *image = *at;
        if (hash_equal(&image->id, id)) {
            *at = image->next;
            free(image);
        } else {
            at = &image->next;
        }
    }
}

bool shell_image_used(const struct shell *shell, const struct hash *image)
{
    const struct image_there *there = shell->images_there;
    const struct job *job = shell->jobs;
    while (there != NULL && !hash_equal(&there->id, image))
        there = there->next;
    if (there != NULL && !there->ready)
        return true;
    /* One that was found running may be in any. */
    while (job != NULL &&
           (job->removed || job->finished || job->step > STEP_STARTED ||
            (!hash_equal(&job->image, image) && !hash_is_zero(&job->image))))
        job = job->next;
    return job != NULL;
}

void shell_image_gone(struct shell *shell, const struct hash *image)
{
    image_drop(shell, image);
}

void job_images_forget(struct shell *shell)
{
    while (shell->images_there != NULL) {
        struct image_there *next = shell->images_there->next;
        free(shell->images_there);
        shell->images_there = next;
    }
}

static void image_path(const struct job *job, char out[1300])
{
    char hex[HASH_TEXT_MAX];
    char name[100];
    hash_format(&job->image, hex);
    snprintf(name, sizeof(name), "exec/images/%s.tar", hex);
    datadir_path(&job->shell->node->dir, name, out, 1300);
}

/* All that waited for this image go on, or fail with it. */
static void image_decided(struct shell *shell, const struct hash *id,
                          enum err err, const char *what, const char *why)
{
    struct job *next;
    if (shell->stopped)
        return;
    for (struct job *job = shell->jobs; job != NULL; job = next) {
        next = job->next;
        if (job->removed || job->step != STEP_IMAGE ||
            !hash_equal(&job->image, id))
            continue;
        if (err == OK)
            lay_out_inputs(job);
        else
            job_tell_failed(job, err, what, why);
    }
}

static void on_image_added(void *ctx, json_t *result,
                           const struct executor_error *error)
{
    struct job *job = ctx;
    struct shell *shell = job->shell;
    struct hash id = job->image;
    struct image_there *image = image_there(shell, &id);
    char path[1300];
    (void)result;
    image_path(job, path);
    unlink(path); /* the executor has its own copy now, or never will */
    if (error == NULL || error->err == ERR_EXISTS) {
        if (image != NULL)
            image->ready = true;
        (void)job_back(job);
        image_decided(shell, &id, OK, NULL, NULL);
        return;
    }
    image_drop(shell, &id);
    (void)job_back(job);
    if (error->err != ERR_EXECUTOR) /* it died: asked again when it is back */
        image_decided(shell, &id, error->err, error->what, error->why);
}

static void export_image(struct job_work *work)
{
    work->err =
        blob_store_export_file(work->blobs, &work->id, work->path, 0600);
}

static void give_image(struct job *job);

static void take_over(struct shell *shell, const struct hash *id)
{
    struct job *job = shell->jobs;
    while (job != NULL && (job->removed || job->step != STEP_IMAGE ||
                           !hash_equal(&job->image, id)))
        job = job->next;
    if (job != NULL && !shell->stopped)
        give_image(job);
}

static void after_image(struct job *job, struct job_work *work)
{
    char hex[HASH_TEXT_MAX];
    if (work->err != OK) {
        image_drop(work->shell, &work->id);
        image_decided(work->shell, &work->id, ERR_EXECUTOR,
                      "the image cannot be read", err_text(work->err));
        return;
    }
    if (job == NULL) { /* its job went: the next that waits takes over */
        image_drop(work->shell, &work->id);
        take_over(work->shell, &work->id);
        return;
    }
    hash_format(&work->id, hex);
    job_call(job, "image.add",
             json_pack("{s:s, s:s}", "id", hex, "path", work->path),
             on_image_added);
}

static void give_image(struct job *job)
{
    struct image_there *image = calloc(1, sizeof(*image));
    struct job_work *work;
    char dir[1300];
    CHECK(image != NULL);
    image->id = job->image;
    image->next = job->shell->images_there;
    job->shell->images_there = image;
    datadir_path(&job->shell->node->dir, "exec/images", dir, sizeof(dir));
    job_mkdirs(dir);
    work = job_work_new(job, export_image, after_image);
    work->id = job->image;
    image_path(job, work->path);
    job_work_start(work);
}

void job_start(struct job *job)
{
    struct arena arena;
    struct spec spec;
    struct image_there *image;
    bool good = job_read_spec(job, &arena, &spec);
    if (good)
        job->image = spec.image;
    arena_done(&arena);
    if (!good) {
        job_tell_failed(job, ERR_EXECUTOR, "the description", "cannot be read");
        return;
    }
    job->step = STEP_IMAGE;
    image = image_there(job->shell, &job->image);
    if (image == NULL)
        give_image(job);
    else if (image->ready)
        lay_out_inputs(job);
}

void shell_exec_start(struct shell *shell, const struct trade_effect *effect)
{
    struct job *job = job_get(shell, &effect->subject);
    if (job->step != 0 && job->step != STEP_ENDED)
        return; /* on its way already */
    job_take_spec(job, effect);
    job->task = effect->task;
    job->tasks = effect->tasks;
    job->devices = effect->devices;
    job->step = STEP_IMAGE;
    job->finished = false;
    if (executor_is_up(shell->node->executor))
        job_start(job);
}
