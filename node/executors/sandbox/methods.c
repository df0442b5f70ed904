#define _GNU_SOURCE
#include "node/executors/sandbox/server.h"

#include "node/executors/sandbox/jobdir.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define LOGS_MAX (512u * 1024) /* bytes of a job.logs answer, before base64 */
#define SEE_DOCS "compare it with docs/executors.md"

/* A quick method gives its result, or NULL with fail set. A method that answers
 * later takes request->id, so that it is NULL when it returns NULL. */
typedef json_t *method(struct server *s, struct rpc_request *request,
                       struct fail *fail);

static json_t *refuse(struct fail *fail, enum err err, const char *why)
{
    (void)fail_set(fail, err, "the request is not accepted", SEE_DOCS, "%s",
                   why);
    return NULL;
}

static const char *text(const struct rpc_request *request, const char *name)
{
    return json_string_value(json_object_get(request->params, name));
}

/* The job named by "id", as it stands on disk now: an answer is never behind an
 * earlier one. NULL with fail set. */
static struct job *job_of(struct server *s, const struct rpc_request *request,
                          struct fail *fail)
{
    const char *id = text(request, "id");
    struct job *job = id != NULL ? jobs_find(s, id) : NULL;

    if (id == NULL)
        (void)refuse(fail, ERR_TYPE, "id: a job's name is required");
    else if (job == NULL)
        (void)fail_set(fail, ERR_NOT_FOUND, "there is no such job",
                       "see job.list", "no job is called %.80s", id);
    else if (job->phase != PHASE_FINISHED)
        jobs_refresh(s, job);
    return job;
}

static json_t *later(struct server *s, struct rpc_request *request,
                     task_work *work, struct fail *fail)
{
    json_t *id = request->id, *params = request->params;

    request->id = request->params = NULL;
    if (tasks_add(s, id != NULL ? json_incref(id) : NULL, params, work, fail) !=
        OK) {
        request->id = id;
        return NULL;
    }
    json_decref(id);
    return NULL;
}

static json_t *do_hello(struct server *s, struct rpc_request *request,
                        struct fail *fail)
{
    const json_t *protocol = json_object_get(request->params, "protocol");

    if (protocol != NULL && json_integer_value(protocol) != SANDBOX_PROTOCOL) {
        (void)fail_set(fail, ERR_VERSION, "the protocol is not spoken here",
                       "use an executor of the node's own version",
                       "this executor speaks protocol %d", SANDBOX_PROTOCOL);
        return NULL;
    }
    return doctor_hello(&s->doctor);
}

static json_t *do_doctor(struct server *s, struct rpc_request *request,
                         struct fail *fail)
{
    return later(s, request, work_doctor, fail);
}

static bool can_run(const struct server *s, struct fail *fail)
{
    if (s->doctor.can_run)
        return true;
    (void)fail_set(fail, ERR_SANDBOX,
                   "jobs cannot be isolated and limited on this machine",
                   "run `suan-exec-sandbox --doctor`, mend what is MISSING, "
                   "start the executor again",
                   "a required check failed; hello lists the problems");
    return false;
}

static json_t *do_image_add(struct server *s, struct rpc_request *request,
                            struct fail *fail)
{
    return can_run(s, fail) ? later(s, request, work_image_add, fail) : NULL;
}

static json_t *do_image_list(struct server *s, struct rpc_request *request,
                             struct fail *fail)
{
    json_t *list = image_list(s->options.state), *entry;
    size_t i;

    (void)request;
    (void)fail;
    json_array_foreach(list, i, entry)
    {
        const char *id = json_string_value(json_object_get(entry, "id"));
        char rootfs[DIR_PATH];
        bool used =
            image_rootfs(s->options.state, id, rootfs) && jobs_use(s, rootfs);
        (void)json_object_set_new(entry, "busy", json_boolean(used));
    }
    return json_pack("{s:o}", "images", list);
}

static void throw_away(struct server *s, const char *path)
{
    struct fail ignored;
    json_t *params = json_pack("{s:[s]}", "paths", path);

    /* When all workers are taken the next start of the server cleans tmp/. */
    if (path[0] == '\0' || params == NULL)
        json_decref(params);
    else
        (void)!tasks_add(s, NULL, params, work_trash, &ignored);
}

static json_t *do_image_remove(struct server *s, struct rpc_request *request,
                               struct fail *fail)
{
    const char *id = text(request, "id");
    char trash[DIR_PATH];
    struct image image;
    bool used;

    if (id == NULL)
        return refuse(fail, ERR_TYPE, "id: an image's name is required");
    if (image_find(s->options.state, id, &image, fail) == OK) {
        used = jobs_use(s, image.rootfs);
        image_done(&image);
        if (used) {
            (void)fail_set(fail, ERR_BUSY, "the image is in use",
                           "wait for its jobs to end", "a job runs in %.130s",
                           id);
            return NULL;
        }
    }
    if (image_remove(s->options.state, id, trash, fail) != OK)
        return NULL;
    throw_away(s, trash);
    return json_object();
}

/* -- job.start
 * ------------------------------------------------------------------ */

static bool names_same(const char *a, const char *b)
{
    size_t len = strcspn(a, "=");

    return strncmp(a, b, len + 1) == 0;
}

/* Adds what the image sets and the job does not. */
static enum err add_image_env(struct spec *spec, json_t *env)
{
    size_t cap = spec->envc + json_object_size(env) + 1;
    char **list = realloc(spec->env, cap * sizeof(*list));
    size_t own = spec->envc;
    const char *name;
    json_t *value;

    if (list == NULL)
        return ERR_NOMEM;
    spec->env = list;
    json_object_foreach(env, name, value)
    {
        bool set = false;
        char *entry = NULL;
        if (!json_is_string(value) ||
            asprintf(&entry, "%s=%s", name, json_string_value(value)) < 0)
            continue;
        for (size_t i = 0; i < own && !set; i++)
            set = names_same(entry, spec->env[i]);
        if (set || spec->envc >= SPEC_ENV_MAX)
            free(entry);
        else
            spec->env[spec->envc++] = entry;
    }
    spec->env[spec->envc] = NULL;
    return OK;
}

static enum err add_image_argv(struct spec *spec, const json_t *argv,
                               struct fail *fail)
{
    size_t count = json_array_size(argv);
    char **list;

    if (spec->argc > 0)
        return OK;
    if (count == 0 || count > SPEC_ARGS_MAX)
        return fail_set(fail, ERR_RANGE, "the job has no program to run",
                        "give argv", "the image names none either");
    list = calloc(count + 1, sizeof(*list));
    if (list == NULL)
        return fail_errno(fail, "the job cannot be prepared", "memory");
    free(spec->argv);
    spec->argv = list;
    for (size_t i = 0; i < count; i++) {
        const char *word = json_string_value(json_array_get(argv, i));
        list[i] = strdup(word != NULL ? word : "");
        if (list[i] == NULL)
            return fail_errno(fail, "the job cannot be prepared", "memory");
        spec->argc = i + 1;
    }
    return OK;
}

static enum err make_plan(struct server *s, json_t *params, struct plan *plan,
                          struct fail *fail)
{
    struct image image;
    enum err err;

    memset(plan, 0, sizeof(*plan));
    TRY(spec_decode(params, &plan->spec, fail));
    TRY(image_find(s->options.state, plan->spec.image, &image, fail));
    plan->machine = s->doctor.machine;
    plan->machine.reserve_mib = s->options.reserve_mib;
    memcpy(plan->rootfs, image.rootfs, sizeof(plan->rootfs));
    err = add_image_argv(&plan->spec, image.argv, fail);
    if (err == OK && add_image_env(&plan->spec, image.env) != OK)
        err = fail_set(fail, ERR_NOMEM, "the job cannot be prepared",
                       "try again", "out of memory");
    image_done(&image);
    return err;
}

static json_t *do_job_start(struct server *s, struct rpc_request *request,
                            struct fail *fail)
{
    struct plan plan;
    json_t *id = request->id;
    enum err err;

    if (!can_run(s, fail))
        return NULL;
    err = make_plan(s, request->params, &plan, fail);
    if (err == OK)
        image_used(s->options.state, plan.spec.image);
    if (err == OK)
        err = jobs_start(s, &plan, id != NULL ? json_incref(id) : NULL, fail);
    if (err == OK) {
        request->id = NULL; /* answered when it runs */
        json_decref(id);
    }
    plan_done(&plan);
    return NULL;
}

/* -- jobs
 * ------------------------------------------------------------------------- */

static json_t *status_of(const struct server *s, const struct job *job,
                         struct fail *fail)
{
    char path[DIR_PATH];
    struct status status;
    json_t *value;

    CHECK(jobs_path(s, job->id, path));
    if (!jobdir_status(path, &status)) {
        (void)fail_errno(fail, "the job's record cannot be read", path);
        return NULL;
    }
    value = status_encode(&status);
    if (value != NULL)
        (void)json_object_set_new(value, "id", json_string(job->id));
    return value;
}

static json_t *do_job_status(struct server *s, struct rpc_request *request,
                             struct fail *fail)
{
    const struct job *job = job_of(s, request, fail);

    return job != NULL ? status_of(s, job, fail) : NULL;
}

static json_t *do_job_list(struct server *s, struct rpc_request *request,
                           struct fail *fail)
{
    json_t *list = json_array();

    (void)request;
    for (size_t i = 0; i < SERVER_JOBS_MAX; i++) {
        json_t *value =
            s->jobs[i].used ? status_of(s, &s->jobs[i], fail) : NULL;
        if (value == NULL)
            continue;
        (void)json_array_append_new(
            list,
            json_pack("{s:O, s:O, s:O, s:O, s:O, s:O, s:O}", "id",
                      json_object_get(value, "id"), "phase",
                      json_object_get(value, "phase"), "reason",
                      json_object_get(value, "reason"), "exit_code",
                      json_object_get(value, "exit_code"), "created_at_ms",
                      json_object_get(value, "created_at_ms"), "started_at_ms",
                      json_object_get(value, "started_at_ms"), "finished_at_ms",
                      json_object_get(value, "finished_at_ms")));
        json_decref(value);
    }
    return json_pack("{s:o}", "jobs", list);
}

static json_t *do_job_kill(struct server *s, struct rpc_request *request,
                           struct fail *fail)
{
    const char *why = text(request, "reason");
    struct job *job = job_of(s, request, fail);

    if (job == NULL)
        return NULL;
    if (why != NULL && strlen(why) > 120)
        return refuse(fail, ERR_TOO_LARGE, "reason: at most 120 bytes");
    if (jobs_kill(s, job, why != NULL ? why : "killed", fail) != OK)
        return NULL;
    return json_pack("{s:s}", "phase", phase_name(job->phase));
}

static json_t *encode_base64(const unsigned char *data, size_t len)
{
    size_t cap = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);
    char *base = malloc(cap);
    json_t *value;

    if (base == NULL)
        return NULL;
    (void)sodium_bin2base64(base, cap, data, len,
                            sodium_base64_VARIANT_ORIGINAL);
    value = json_string(base);
    free(base);
    return value;
}

static json_t *read_log(const char *path, bool finished, uint64_t offset,
                        size_t max, struct fail *fail)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    unsigned char *data = malloc(max + 1);
    json_t *result = NULL;
    struct stat st;
    uint64_t next;
    ssize_t n = 0;

    if (data == NULL || (fd < 0 && errno != ENOENT)) {
        (void)fail_errno(fail, "the log cannot be read", path);
        goto out;
    }
    memset(&st, 0, sizeof(st));
    if (fd >= 0 && fstat(fd, &st) == 0 && offset < (uint64_t)st.st_size)
        n = pread(fd, data, max, (off_t)offset);
    if (n < 0) {
        (void)fail_errno(fail, "the log cannot be read", path);
        goto out;
    }
    next = offset + (uint64_t)n;
    result = json_pack("{s:o, s:I, s:b}", "data",
                       encode_base64(data, (size_t)n), "next", (json_int_t)next,
                       "eof", finished && next >= (uint64_t)st.st_size);
out:
    free(data);
    if (fd >= 0)
        close(fd);
    return result;
}

static json_t *do_job_logs(struct server *s, struct rpc_request *request,
                           struct fail *fail)
{
    const struct job *job = job_of(s, request, fail);
    const char *stream = text(request, "stream");
    const json_t *offset = json_object_get(request->params, "offset");
    const json_t *max = json_object_get(request->params, "max");
    char path[DIR_PATH], file[DIR_PATH + 16];
    json_int_t want = max != NULL ? json_integer_value(max) : 65536;

    if (job == NULL)
        return NULL;
    if (stream == NULL ||
        (strcmp(stream, "stdout") != 0 && strcmp(stream, "stderr") != 0))
        return refuse(fail, ERR_RANGE, "stream: stdout or stderr");
    if (json_integer_value(offset) < 0 || want < 1)
        return refuse(fail, ERR_RANGE, "offset from 0, max from 1");
    if (want > LOGS_MAX)
        want = LOGS_MAX;
    CHECK(jobs_path(s, job->id, path));
    (void)snprintf(file, sizeof(file), "%s/%s", path, stream);
    return read_log(file, job->phase == PHASE_FINISHED,
                    (uint64_t)json_integer_value(offset), (size_t)want, fail);
}

static json_t *do_job_collect(struct server *s, struct rpc_request *request,
                              struct fail *fail)
{
    const struct job *job = job_of(s, request, fail);

    if (job == NULL)
        return NULL;
    if (job->phase != PHASE_FINISHED) {
        (void)fail_set(fail, ERR_STATE, "the job has not finished",
                       "wait for job.changed, or end it with job.kill",
                       "%s is %s", job->id, phase_name(job->phase));
        return NULL;
    }
    return later(s, request, work_collect, fail);
}

static json_t *do_job_remove(struct server *s, struct rpc_request *request,
                             struct fail *fail)
{
    struct job *job = job_of(s, request, fail);
    char trash[DIR_PATH];

    if (job == NULL || jobs_remove(s, job, trash, fail) != OK)
        return NULL;
    throw_away(s, trash);
    return json_object();
}

static const struct {
    const char *name;
    method *call;
} table[] = {
    {"hello", do_hello},
    {"doctor", do_doctor},
    {"image.add", do_image_add},
    {"image.list", do_image_list},
    {"image.remove", do_image_remove},
    {"job.start", do_job_start},
    {"job.status", do_job_status},
    {"job.list", do_job_list},
    {"job.kill", do_job_kill},
    {"job.logs", do_job_logs},
    {"job.collect", do_job_collect},
    {"job.remove", do_job_remove},
};

void methods_handle(struct server *s, struct rpc_request *request)
{
    struct fail fail;
    json_t *result;

    memset(&fail, 0, sizeof(fail));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(table[i].name, request->method) != 0)
            continue;
        result = table[i].call(s, request, &fail);
        if (request->id == NULL)
            json_decref(result);
        else if (result != NULL)
            server_send(s, rpc_result(request->id, result));
        else
            server_send(s, rpc_failure(request->id, &fail));
        return;
    }
    if (request->id != NULL)
        server_send(s, rpc_refusal(request->id, RPC_METHOD));
}
