/* What the workers do: slow requests, each in a process of its own. */
#define _GNU_SOURCE
#include "node/executors/sandbox/server.h"

#include "node/executors/sandbox/collect.h"
#include "node/executors/sandbox/jobdir.h"
#include "node/executors/sandbox/room.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/check.h"

#define BAD_PARAMS "the request is not accepted"
#define SEE_DOCS   "compare it with docs/executors.md"

static json_t *refuse(struct fail *fail, enum err err, const char *why)
{
    (void)fail_set(fail, err, BAD_PARAMS, SEE_DOCS, "%s", why);
    return NULL;
}

static const char *text(const json_t *params, const char *name)
{
    return json_string_value(json_object_get(params, name));
}

/* Unpacked it takes no more than there is room for; in between it lies there
 * twice. A limit that is ours says so. */
static enum err add_image(const struct server *s,
                          const struct image_source *source,
                          json_t **out_result, struct fail *fail)
{
    struct oci_limits limits = s->options.image;
    int fd = open(s->options.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint64_t room =
        fd >= 0 ? room_left(fd, s->options.reserve_mib << 20) / 2 : 0;
    bool tight = fd >= 0 && room < limits.bytes_max;
    enum err err;

    if (fd >= 0)
        close(fd);
    if (tight)
        limits.bytes_max = room;
    err = image_add(s->options.state, source, &limits, &s->doctor.machine.pool,
                    out_result, fail);
    if (err != ERR_TOO_LARGE || !tight)
        return err;
    return fail_set(fail, ERR_FULL, "the image cannot be unpacked",
                    "make room, or remove images",
                    "disk short: an image may take %llu MiB now",
                    (unsigned long long)(room >> 20));
}

json_t *work_image_add(const struct server *s, json_t *params,
                       struct fail *fail)
{
    struct image_source source = {.id = text(params, "id"),
                                  .path = text(params, "path"),
                                  .digest = text(params, "digest")};
    json_t *result = NULL;

    if (source.id == NULL || !spec_image_fits(source.id))
        return refuse(fail, ERR_RANGE, "id: letters, digits and . _ - : only");
    if (source.path == NULL || source.path[0] != '/')
        return refuse(fail, ERR_RANGE, "path: an absolute path is required");
    if (source.digest != NULL && !oci_digest_fits(source.digest))
        return refuse(fail, ERR_RANGE, "digest: sha256: and 64 digits");
    return add_image(s, &source, &result, fail) == OK ? result : NULL;
}

json_t *work_doctor(const struct server *s, json_t *params, struct fail *fail)
{
    struct doctor doctor;
    json_t *result;

    (void)params;
    if (doctor_run(s->options.state, &doctor) != OK) {
        (void)fail_set(fail, ERR_NOMEM, "the checks could not be made",
                       "try again", "out of memory");
        return NULL;
    }
    result = json_pack("{s:O, s:b}", "checks", doctor.checks, "can_run",
                       doctor.can_run);
    doctor_done(&doctor);
    return result;
}

/* params: {"paths": […]} of ours, below tmp/. */
json_t *work_trash(const struct server *s, json_t *params, struct fail *fail)
{
    json_t *list = json_object_get(params, "paths"), *path;
    size_t i;

    (void)s;
    (void)fail;
    json_array_foreach(list, i, path)
    {
        (void)dir_remove(AT_FDCWD, json_string_value(path));
    }
    return json_object();
}

/* -- job.collect
 * ------------------------------------------------------------------ */

struct wish {
    const char *patterns[COLLECT_PATTERNS_MAX];
    struct collect want;
    const char *id, *dest;
};

static bool read_count(const json_t *params, const char *name, uint64_t *out)
{
    const json_t *value = json_object_get(params, name);

    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static enum err bad(struct fail *fail, const char *why)
{
    return fail_set(fail, ERR_RANGE, BAD_PARAMS, SEE_DOCS, "%s", why);
}

static enum err read_wish(const json_t *params, struct wish *out,
                          struct fail *fail)
{
    const json_t *list = json_object_get(params, "patterns");

    out->id = text(params, "id");
    out->dest = text(params, "dest");
    if (out->dest == NULL || out->dest[0] != '/' ||
        strlen(out->dest) > SPEC_PATH_MAX)
        return bad(fail, "dest: an absolute path is required");
    if (!read_count(params, "max_bytes", &out->want.bytes_max) ||
        !read_count(params, "max_files", &out->want.files_max))
        return bad(fail, "max_bytes and max_files are required");
    if (!json_is_array(list) || json_array_size(list) == 0 ||
        json_array_size(list) > COLLECT_PATTERNS_MAX)
        return bad(fail, "patterns: 1 to 256 patterns are required");
    for (size_t i = 0; i < json_array_size(list); i++) {
        out->patterns[i] = json_string_value(json_array_get(list, i));
        if (out->patterns[i] == NULL || strlen(out->patterns[i]) > 256)
            return bad(fail, "patterns: each is a text of at most 256 bytes");
    }
    out->want.patterns = out->patterns;
    out->want.patternc = json_array_size(list);
    return OK;
}

/* The job's disk, mounted where only this process sees it. */
static enum err open_disk(const char *path, int job_fd, int *out_fd,
                          struct fail *fail)
{
    char target[DIR_PATH];
    struct record record;

    if (!dir_text(target, sizeof(target), "%s/mnt", path) ||
        (mkdir(target, 0700) != 0 && errno != EEXIST))
        return fail_errno(fail, "the outputs cannot be reached", path);
    if (!record_read(job_fd, &record))
        record.loop = -1;
    TRY(stage_leave(fail));
    TRY(volume_open(job_fd, record.loop, target, fail));
    *out_fd = open(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*out_fd < 0)
        return fail_errno(fail, "the outputs cannot be reached", target);
    return OK;
}

/* What was refused when the outputs were saved, as far as it was wanted. */
static void add_saved_refusals(int job_fd, const struct collect *want,
                               json_t *result)
{
    json_t *saved = dir_read_json(job_fd, "saved.json"), *entry;
    json_t *refused = json_object_get(result, "refused");
    size_t i;

    json_array_foreach(json_object_get(saved, "refused"), i, entry)
    {
        const char *path = text(entry, "path");
        for (size_t k = 0; path != NULL && k < want->patternc; k++)
            if (collect_matches(want->patterns[k], path)) {
                (void)json_array_append(refused, entry);
                break;
            }
    }
    json_decref(saved);
}

/* An answer is one line of bounded length: beyond it the list is cut, and the
 * reader finds the files in `dest`. */
static void fit(json_t *result)
{
    json_t *files = json_object_get(result, "files");
    size_t count = json_array_size(files), used = 0, i;
    json_t *file;

    (void)json_object_set_new(result, "count", json_integer((json_int_t)count));
    json_array_foreach(files, i, file)
    {
        used += 6 * json_string_length(json_object_get(file, "path")) + 64;
        if (used > SERVER_ANSWER_MAX / 2)
            break;
    }
    (void)json_object_set_new(result, "cut", json_boolean(i < count));
    while (json_array_size(files) > i)
        (void)json_array_remove(files, json_array_size(files) - 1);
}

/* All that the job has on its disk would fit where its outputs go. They were
 * promised: of the reserve only the last quarter is not for them. */
static enum err check_room(int root, const char *dest, uint64_t reserve_mib,
                           struct fail *fail)
{
    static const char what[] = "the outputs cannot be copied";
    struct statvfs fs;
    enum err err;
    int fd;

    if (dir_make(dest, 0700) != 0)
        return fail_errno(fail, what, dest);
    fd = open(dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstatvfs(root, &fs) != 0) {
        err = fail_errno(fail, what, dest);
    } else {
        err = room_check(fd, (reserve_mib << 20) / 4,
                         (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize,
                         what, fail);
    }
    if (fd >= 0)
        close(fd);
    return err;
}

static json_t *collect(const char *path, const struct wish *wish,
                       uint64_t reserve_mib, struct fail *fail)
{
    int job_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    json_t *result = NULL;
    int root = -1;
    enum err err = OK;

    if (job_fd < 0) {
        (void)fail_errno(fail, "the outputs cannot be reached", path);
        return NULL;
    }
    if (faccessat(job_fd, VOLUME_FILE, F_OK, 0) == 0) {
        err = open_disk(path, job_fd, &root, fail);
        if (err == OK)
            err = check_room(root, wish->dest, reserve_mib, fail);
        if (err == OK)
            err = collect_run(root, "out", wish->dest, &wish->want, &result,
                              fail);
    } else {
        err = collect_run(job_fd, SAVED_DIR, wish->dest, &wish->want, &result,
                          fail);
        if (err == OK)
            add_saved_refusals(job_fd, &wish->want, result);
    }
    if (root >= 0)
        close(root);
    close(job_fd);
    if (err != OK)
        return NULL;
    fit(result);
    return result;
}

json_t *work_collect(const struct server *s, json_t *params, struct fail *fail)
{
    struct wish wish;
    char path[DIR_PATH];

    memset(&wish, 0, sizeof(wish));
    if (read_wish(params, &wish, fail) != OK)
        return NULL;
    if (wish.id == NULL || !spec_id_fits(wish.id) ||
        !jobs_path(s, wish.id, path))
        return refuse(fail, ERR_RANGE, "id: a job's name is required");
    return collect(path, &wish, s->options.reserve_mib, fail);
}
