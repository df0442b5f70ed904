#define _GNU_SOURCE
#include "node/executors/sandbox/image.h"

#include "node/executors/sandbox/rootfs.h"
#include "node/executors/sandbox/tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define WHAT      "the image cannot be unpacked"
#define UNPACK_MS 1800000u
#define HOME_NAME 80u /* "sha256-" and 64 digits */

/* ':' separates name and tag for umoci, so paths have a '-' instead. */
static void home_name(const char *digest, char out[HOME_NAME])
{
    CHECK(oci_digest_fits(digest));
    (void)snprintf(out, HOME_NAME, "sha256-%.64s", digest + 7);
}

static bool home_path(const char *state, const char *digest, const char *tail,
                      char out[DIR_PATH])
{
    char name[HOME_NAME];

    home_name(digest, name);
    return dir_text(out, DIR_PATH, "%s/images/%s%s", state, name, tail);
}

static bool id_path(const char *state, const char *id, char out[DIR_PATH])
{
    return dir_text(out, DIR_PATH, "%s/ids/%s", state, id);
}

/* -- adding
 * -------------------------------------------------------------------- */

static enum err umoci_unpack(const char *work, const struct idpool *pool,
                             struct fail *fail)
{
    char umoci[TOOL_PATH], image[DIR_PATH + 32], bundle[DIR_PATH + 32];
    char uids[64], gids[64], answer[600];
    const char *mapped[] = {umoci, "unpack",    "--image", image,  "--uid-map",
                            uids,  "--gid-map", gids,      bundle, NULL};
    const char *plain[] = {umoci,        "unpack", "--image", image,
                           "--rootless", bundle,   NULL};

    if (!tool_find("umoci", umoci))
        return fail_set(fail, ERR_UNSUPPORTED, WHAT, "apt-get install umoci",
                        "umoci is not installed");
    if (!dir_text(image, sizeof(image), "%s/layout:%s", work, OCI_TAG) ||
        !dir_text(bundle, sizeof(bundle), "%s/bundle", work))
        return fail_errno(fail, WHAT, work);
    (void)snprintf(uids, sizeof(uids), "0:%" PRIu32 ":%u", pool->uid_first,
                   IDRANGE_SIZE);
    (void)snprintf(gids, sizeof(gids), "0:%" PRIu32 ":%u", pool->gid_first,
                   IDRANGE_SIZE);
    if (!tool_ask(pool->privileged ? mapped : plain, UNPACK_MS, answer,
                  sizeof(answer)))
        return fail_set(fail, ERR_IMAGE, WHAT,
                        "check the image with umoci unpack on another machine",
                        "umoci: %s", answer);
    return OK;
}

static json_t *env_map(const json_t *config)
{
    const json_t *list = json_object_get(config, "Env");
    json_t *map = json_object();

    for (size_t i = 0; i < json_array_size(list) && i < SPEC_ENV_MAX; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        const char *equals = text != NULL ? strchr(text, '=') : NULL;
        if (equals == NULL || equals == text)
            continue;
        (void)json_object_setn_new(map, text, (size_t)(equals - text),
                                   json_string(equals + 1));
    }
    return map;
}

static json_t *default_argv(const json_t *config)
{
    static const char *const parts[] = {"Entrypoint", "Cmd"};
    json_t *argv = json_array();

    for (size_t i = 0; i < 2; i++) {
        json_t *list = json_object_get(config, parts[i]);
        if (json_is_array(list))
            (void)json_array_extend(argv, list);
    }
    return argv;
}

static enum err write_about(const char *work, const struct oci *oci,
                            const struct rootfs_size *size, struct fail *fail)
{
    char path[DIR_PATH];
    json_t *about = json_pack(
        "{s:s, s:I, s:I, s:o, s:o}", "digest", oci->digest, "size",
        (json_int_t)size->bytes, "entries", (json_int_t)size->entries, "argv",
        default_argv(oci->config), "env", env_map(oci->config));
    int rc = -1;

    if (about != NULL && dir_text(path, sizeof(path), "%s/image.json", work))
        rc = dir_write_json(AT_FDCWD, path, about);
    json_decref(about);
    return rc == 0 ? OK : fail_errno(fail, WHAT, work);
}

static bool is_there(const char *state, const char *digest)
{
    char path[DIR_PATH];

    return home_path(state, digest, "/image.json", path) &&
           access(path, F_OK) == 0;
}

/* Moves what was unpacked to its place; somebody may have been first. */
static enum err settle(const char *state, const char *work, const char *digest,
                       struct fail *fail)
{
    char home[DIR_PATH], from[DIR_PATH], to[DIR_PATH], extra[DIR_PATH];

    if (!home_path(state, digest, "", home) ||
        !dir_text(from, sizeof(from), "%s/bundle/rootfs", work) ||
        !dir_text(to, sizeof(to), "%s/rootfs", work) || rename(from, to) != 0)
        return fail_errno(fail, WHAT, work);
    CHECK(dir_text(extra, sizeof(extra), "%s/bundle", work));
    (void)dir_remove(AT_FDCWD, extra);
    CHECK(dir_text(extra, sizeof(extra), "%s/layout", work));
    (void)dir_remove(AT_FDCWD, extra);
    if (rename(work, home) != 0 && !is_there(state, digest))
        return fail_errno(fail, WHAT, home);
    return OK;
}

static enum err unpack(const char *state, const char *work,
                       const struct oci *oci, const struct oci_limits *limits,
                       const struct idpool *pool, struct fail *fail)
{
    struct rootfs_size size;
    char path[DIR_PATH];

    if (is_there(state, oci->digest))
        return OK;
    TRY(umoci_unpack(work, pool, fail));
    if (!dir_text(path, sizeof(path), "%s/bundle/rootfs", work))
        return fail_errno(fail, WHAT, work);
    TRY(rootfs_clean(path, limits, &size, fail));
    TRY(write_about(work, oci, &size, fail));
    return settle(state, work, oci->digest, fail);
}

static enum err check_wanted(const struct image_source *source,
                             const char *digest, struct fail *fail)
{
    if (source->digest == NULL || strcmp(source->digest, digest) == 0)
        return OK;
    return fail_set(fail, ERR_CHECKSUM, "the image is not the one asked for",
                    "fetch the image again",
                    "its manifest has digest %s, not %.80s", digest,
                    source->digest);
}

/* What a file was when it was read: the same again needs no second look. NULL
 * for anything but a file. */
static json_t *stamp_of(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return NULL;
    return json_pack(
        "[I, I, I, I, I, I]", (json_int_t)st.st_dev, (json_int_t)st.st_ino,
        (json_int_t)st.st_size, (json_int_t)st.st_mtim.tv_sec,
        (json_int_t)st.st_mtim.tv_nsec, (json_int_t)st.st_ctim.tv_nsec);
}

static enum err give_name(const char *state, const char *id, const char *digest,
                          json_t *stamp, struct fail *fail)
{
    char path[DIR_PATH];
    json_t *value = json_pack("{s:s, s:O*}", "digest", digest, "file", stamp);
    int rc = -1;

    if (value != NULL && id_path(state, id, path))
        rc = dir_write_json(AT_FDCWD, path, value);
    json_decref(value);
    return rc == 0 ? OK : fail_errno(fail, "the image cannot be named", id);
}

static enum err about(const char *state, const char *digest, json_t **out,
                      struct fail *fail)
{
    char path[DIR_PATH];

    *out = home_path(state, digest, "/image.json", path)
               ? dir_read_json(AT_FDCWD, path)
               : NULL;
    if (*out == NULL)
        return fail_set(fail, ERR_CORRUPT, "the image is damaged",
                        "remove it and add it again", "%s cannot be read",
                        path);
    return OK;
}

static json_t *summary(const char *id, const json_t *value)
{
    return json_pack("{s:s, s:O?, s:O?, s:O?}", "id", id, "digest",
                     json_object_get(value, "digest"), "size",
                     json_object_get(value, "size"), "entries",
                     json_object_get(value, "entries"));
}

static enum err add(const char *state, const char *work,
                    const struct image_source *source,
                    const struct oci_limits *limits, const struct idpool *pool,
                    struct oci *oci, struct fail *fail)
{
    char layout[DIR_PATH];

    if (!dir_text(layout, sizeof(layout), "%s/layout", work) ||
        dir_make(work, 0700) != 0)
        return fail_errno(fail, WHAT, work);
    TRY(oci_read(source->path, layout, limits, oci, fail));
    TRY(check_wanted(source, oci->digest, fail));
    return unpack(state, work, oci, limits, pool, fail);
}

/* The digest that this name already has from this very file. */
static bool added_before(const char *state, const struct image_source *source,
                         const json_t *stamp, char out[OCI_DIGEST])
{
    char path[DIR_PATH];
    const char *digest;
    json_t *value;
    bool same;

    if (stamp == NULL || !id_path(state, source->id, path))
        return false;
    value = dir_read_json(AT_FDCWD, path);
    digest = json_string_value(json_object_get(value, "digest"));
    same = digest != NULL && oci_digest_fits(digest) &&
           is_there(state, digest) &&
           json_equal(json_object_get(value, "file"), stamp) == 1;
    if (same)
        (void)snprintf(out, OCI_DIGEST, "%s", digest);
    json_decref(value);
    return same;
}

enum err image_add(const char *state, const struct image_source *source,
                   const struct oci_limits *limits, const struct idpool *pool,
                   json_t **out_result, struct fail *fail)
{
    struct oci oci = {.config = NULL};
    char work[DIR_PATH];
    json_t *value = NULL, *stamp = stamp_of(source->path);
    enum err err = OK;

    CHECK(spec_image_fits(source->id));
    if (added_before(state, source, stamp, oci.digest)) {
        err = check_wanted(source, oci.digest, fail);
    } else if (source->digest != NULL && oci_digest_fits(source->digest) &&
               is_there(state, source->digest)) {
        (void)snprintf(oci.digest, sizeof(oci.digest), "%s", source->digest);
    } else {
        CHECK(dir_text(work, sizeof(work), "%s/tmp/image-%ld", state,
                       (long)getpid()));
        (void)dir_remove(AT_FDCWD, work);
        err = add(state, work, source, limits, pool, &oci, fail);
        (void)dir_remove(AT_FDCWD, work);
    }
    if (err == OK)
        err = give_name(state, source->id, oci.digest, stamp, fail);
    if (err == OK)
        err = about(state, oci.digest, &value, fail);
    if (err == OK)
        *out_result = summary(source->id, value);
    json_decref(value);
    json_decref(stamp);
    json_decref(oci.config);
    return err;
}

/* -- finding
 * --------------------------------------------------------------------- */

static bool digest_of(const char *state, const char *id, char out[OCI_DIGEST])
{
    char path[DIR_PATH];
    const char *digest;
    json_t *value;
    bool ok;

    if (oci_digest_fits(id)) {
        (void)snprintf(out, OCI_DIGEST, "%.*s", (int)OCI_DIGEST - 1, id);
        return is_there(state, id);
    }
    if (!spec_image_fits(id) || !id_path(state, id, path))
        return false;
    value = dir_read_json(AT_FDCWD, path);
    digest = json_string_value(json_object_get(value, "digest"));
    ok = digest != NULL && oci_digest_fits(digest);
    if (ok)
        (void)snprintf(out, OCI_DIGEST, "%s", digest);
    json_decref(value);
    return ok;
}

static enum err not_found(const char *id, struct fail *fail)
{
    return fail_set(fail, ERR_NOT_FOUND, "there is no such image",
                    "add it with image.add, or see image.list",
                    "no image is called %.130s", id);
}

enum err image_find(const char *state, const char *id, struct image *out,
                    struct fail *fail)
{
    json_t *value = NULL;

    memset(out, 0, sizeof(*out));
    if (!digest_of(state, id, out->digest))
        return not_found(id, fail);
    TRY(about(state, out->digest, &value, fail));
    CHECK(home_path(state, out->digest, "/rootfs", out->rootfs));
    out->argv = json_incref(json_object_get(value, "argv"));
    out->env = json_incref(json_object_get(value, "env"));
    json_decref(value);
    if (json_is_array(out->argv) && json_is_object(out->env))
        return OK;
    image_done(out);
    return fail_set(fail, ERR_CORRUPT, "the image is damaged",
                    "remove it and add it again", "%.130s: image.json", id);
}

void image_done(struct image *image)
{
    json_decref(image->argv);
    json_decref(image->env);
    memset(image, 0, sizeof(*image));
}

void image_used(const char *state, const char *id)
{
    char path[DIR_PATH];

    if (!oci_digest_fits(id) && spec_image_fits(id) && id_path(state, id, path))
        (void)utimensat(AT_FDCWD, path, NULL, 0);
}

bool image_rootfs(const char *state, const char *id, char out[DIR_PATH])
{
    char digest[OCI_DIGEST];

    return digest_of(state, id, digest) &&
           home_path(state, digest, "/rootfs", out);
}

/* One of the list: the name, too, has a time. */
static json_t *entry_of(const char *state, const char *id, const json_t *about)
{
    json_t *entry = summary(id, about);
    char path[DIR_PATH];
    struct stat st;

    if (id_path(state, id, path) && stat(path, &st) == 0)
        (void)json_object_set_new(
            entry, "used_at_ms",
            json_integer((json_int_t)st.st_mtim.tv_sec * 1000 +
                         st.st_mtim.tv_nsec / 1000000));
    return entry;
}

/* Calls back for every name: the number of those with this digest, or all. */
static size_t each_id(const char *state, const char *digest, json_t *list)
{
    char path[DIR_PATH], got[OCI_DIGEST];
    struct dirent *entry;
    size_t count = 0;
    DIR *dir;

    if (!dir_text(path, sizeof(path), "%s/ids", state))
        return 0;
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct fail ignored;
        json_t *value;
        if (entry->d_name[0] == '.' || !digest_of(state, entry->d_name, got) ||
            (digest != NULL && strcmp(digest, got) != 0))
            continue;
        count++;
        if (list == NULL || about(state, got, &value, &ignored) != OK)
            continue;
        (void)json_array_append_new(list,
                                    entry_of(state, entry->d_name, value));
        json_decref(value);
    }
    if (dir != NULL)
        closedir(dir);
    return count;
}

json_t *image_list(const char *state)
{
    json_t *list = json_array();

    if (list != NULL)
        (void)each_id(state, NULL, list);
    return list;
}

enum err image_remove(const char *state, const char *id,
                      char out_trash[DIR_PATH], struct fail *fail)
{
    char digest[OCI_DIGEST], path[DIR_PATH];

    out_trash[0] = '\0';
    if (!digest_of(state, id, digest))
        return not_found(id, fail);
    if (!oci_digest_fits(id) &&
        (!id_path(state, id, path) || unlink(path) != 0))
        return fail_errno(fail, "the image cannot be removed", id);
    if (each_id(state, digest, NULL) > 0)
        return OK;
    if (!home_path(state, digest, "", path) ||
        !dir_text(out_trash, DIR_PATH, "%s/tmp/image-trash-%ld-%" PRIu64, state,
                  (long)getpid(), dir_boot_ms()) ||
        rename(path, out_trash) != 0) {
        out_trash[0] = '\0';
        return fail_errno(fail, "the image cannot be removed", id);
    }
    return OK;
}
