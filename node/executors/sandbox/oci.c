#define _GNU_SOURCE
#include "node/executors/sandbox/oci.h"

#include "node/executors/sandbox/dir.h"
#include "node/executors/sandbox/oci_layer.h"
#include "node/executors/sandbox/tool.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define WHAT       "the image is not accepted"
#define FIX        "make it again: skopeo copy SOURCE oci-archive:FILE:TAG"
#define JSON_MAX   (4u * 1024 * 1024)
#define BLOB_NAME  96u
#define COPY_MS    600000u
#define LAYERS_MAX 128u

bool oci_digest_fits(const char *digest)
{
    return strncmp(digest, "sha256:", 7) == 0 && strlen(digest) == 71 &&
           strspn(digest + 7, "0123456789abcdef") == 64;
}

static void blob_name(const char *digest, char out[BLOB_NAME])
{
    CHECK(oci_digest_fits(digest));
    (void)snprintf(out, BLOB_NAME, "blobs/sha256/%s", digest + 7);
}

/* -- what is in the archive ---------------------------------------------------
 */

static bool is_blob(const char *name)
{
    const char *prefix = "blobs/sha256/";
    size_t len = strlen(prefix);

    return strncmp(name, prefix, len) == 0 && strlen(name) == len + 64 &&
           strspn(name + len, "0123456789abcdef") == 64;
}

static enum err bad_archive(struct archive *a, const char *path,
                            struct fail *fail)
{
    const char *why = archive_error_string(a);

    return fail_set(fail, ERR_IMAGE, WHAT, FIX, "%s: %s", path,
                    why != NULL ? why : "not a tar archive");
}

static enum err save_entry(struct archive *a, int layout, const char *name,
                           uint64_t *left, struct fail *fail)
{
    char data[65536];
    enum err err = OK;
    la_ssize_t n;
    int fd =
        openat(layout, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 && errno == EEXIST)
        return OK; /* the same digest twice is the same bytes */
    if (fd < 0)
        return fail_errno(fail, WHAT, name);
    while (err == OK && (n = archive_read_data(a, data, sizeof(data))) != 0) {
        if (n < 0)
            err = bad_archive(a, name, fail);
        else if ((uint64_t)n > *left)
            err = fail_set(fail, ERR_TOO_LARGE, WHAT,
                           "use a smaller image, or raise --image-max-mib",
                           "its blobs are larger than the limit");
        else if (write(fd, data, (size_t)n) != n)
            err = fail_errno(fail, WHAT, name);
        else
            *left -= (uint64_t)n;
    }
    close(fd);
    return err;
}

struct found {
    bool oci, docker;
};

static enum err read_entries(struct archive *a, const char *path, int layout,
                             uint64_t left, struct found *found,
                             struct fail *fail)
{
    struct archive_entry *entry;
    int rc;

    for (int count = 0;
         (rc = archive_read_next_header(a, &entry)) != ARCHIVE_EOF; count++) {
        const char *name;
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
            return bad_archive(a, path, fail);
        if (count > 100000)
            return fail_set(fail, ERR_TOO_LARGE, WHAT, FIX,
                            "%s has too many entries", path);
        name = archive_entry_pathname(entry);
        if (name == NULL || archive_entry_filetype(entry) != AE_IFREG)
            continue;
        if (strncmp(name, "./", 2) == 0)
            name += 2;
        if (strcmp(name, "manifest.json") == 0)
            found->docker = true;
        if (strcmp(name, "index.json") == 0)
            found->oci = true;
        if (is_blob(name) || strcmp(name, "index.json") == 0)
            TRY(save_entry(a, layout, name, &left, fail));
    }
    return OK;
}

struct archive *oci_open_tar(const char *path)
{
    struct archive *a = archive_read_new();

    if (a == NULL)
        return NULL;
    (void)archive_read_support_filter_gzip(a);
    (void)archive_read_support_filter_zstd(a);
    (void)archive_read_support_filter_xz(a);
    (void)archive_read_support_format_tar(a);
    (void)archive_read_open_filename(a, path, 65536);
    return a;
}

static enum err read_tar(const char *path, int layout,
                         const struct oci_limits *limits, struct found *found,
                         struct fail *fail)
{
    struct archive *a = oci_open_tar(path);
    enum err err;

    if (a == NULL)
        return fail_set(fail, ERR_NOMEM, WHAT, "try again", "out of memory");
    err = read_entries(a, path, layout, limits->bytes_max, found, fail);
    (void)archive_read_free(a);
    return err;
}

/* -- other shapes go through skopeo -------------------------------------------
 */

static enum err convert(const char *kind, const char *path, const char *layout,
                        struct fail *fail)
{
    char skopeo[TOOL_PATH], from[DIR_PATH + 32], to[DIR_PATH + 32];
    char answer[600];
    const char *const argv[] = {
        skopeo, "--insecure-policy", "copy", "--quiet", from, to, NULL};

    if (!tool_find("skopeo", skopeo))
        return fail_set(fail, ERR_UNSUPPORTED, WHAT, "apt-get install skopeo",
                        "%s is a %s, which only skopeo reads", path, kind);
    if (!dir_text(from, sizeof(from), "%s:%s", kind, path) ||
        !dir_text(to, sizeof(to), "oci:%s:%s", layout, OCI_TAG))
        return fail_errno(fail, WHAT, path);
    if (!tool_ask(argv, COPY_MS, answer, sizeof(answer)))
        return fail_set(fail, ERR_IMAGE, WHAT, FIX, "skopeo: %s", answer);
    return OK;
}

/* Copies index.json and all blobs of somebody's layout. */
static enum err read_layout(const char *path, int layout,
                            const struct oci_limits *limits, struct fail *fail)
{
    struct archive *a = archive_read_disk_new();
    uint64_t left = limits->bytes_max;
    struct archive_entry *entry = archive_entry_new();
    enum err err = OK;
    int rc;

    if (a == NULL || entry == NULL) {
        err = fail_set(fail, ERR_NOMEM, WHAT, "try again", "out of memory");
        goto out;
    }
    (void)archive_read_disk_set_symlink_physical(a);
    if (archive_read_disk_open(a, path) != ARCHIVE_OK) {
        err = bad_archive(a, path, fail);
        goto out;
    }
    while (err == OK &&
           (rc = archive_read_next_header2(a, entry)) != ARCHIVE_EOF) {
        const char *name = archive_entry_pathname(entry);
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) {
            err = bad_archive(a, path, fail);
            break;
        }
        if (archive_entry_filetype(entry) == AE_IFDIR)
            (void)archive_read_disk_descend(a);
        if (name == NULL || archive_entry_filetype(entry) != AE_IFREG ||
            strncmp(name, path, strlen(path)) != 0)
            continue;
        name += strlen(path);
        while (*name == '/')
            name++;
        if (!is_blob(name) && strcmp(name, "index.json") != 0)
            continue;
        err = save_entry(a, layout, name, &left, fail);
    }
out:
    archive_entry_free(entry);
    if (a != NULL)
        (void)archive_read_free(a);
    return err;
}

static enum err read_source(const char *path, const char *layout_path,
                            int layout, const struct oci_limits *limits,
                            struct fail *fail)
{
    struct found found = {false, false};
    char inner[DIR_PATH + 32];
    struct stat st;

    if (stat(path, &st) != 0)
        return fail_errno(fail, WHAT, path);
    if (S_ISDIR(st.st_mode)) {
        if (!dir_text(inner, sizeof(inner), "%s/index.json", path))
            return fail_errno(fail, WHAT, path);
        if (access(inner, F_OK) == 0)
            return read_layout(path, layout, limits, fail);
        return convert("dir", path, layout_path, fail);
    }
    TRY(read_tar(path, layout, limits, &found, fail));
    if (found.oci)
        return OK;
    if (found.docker)
        return convert("docker-archive", path, layout_path, fail);
    return fail_set(fail, ERR_IMAGE, WHAT, FIX,
                    "%s holds neither index.json nor manifest.json", path);
}

/* -- what the manifest says -------------------------------------------------
 */

static enum err check_blob(int layout, const char *digest, struct fail *fail)
{
    crypto_hash_sha256_state state;
    unsigned char hash[crypto_hash_sha256_BYTES], data[65536];
    char name[BLOB_NAME], hex[2 * sizeof(hash) + 1];
    ssize_t n;
    int fd;

    blob_name(digest, name);
    fd = openat(layout, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return fail_set(fail, ERR_IMAGE, WHAT, FIX, "blob %s is missing",
                        digest);
    (void)crypto_hash_sha256_init(&state);
    while ((n = read(fd, data, sizeof(data))) > 0)
        (void)crypto_hash_sha256_update(&state, data, (size_t)n);
    close(fd);
    (void)crypto_hash_sha256_final(&state, hash);
    (void)sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    if (n < 0 || strcmp(hex, digest + 7) != 0)
        return fail_set(fail, ERR_IMAGE, WHAT,
                        "fetch it again: the bytes are not what they should be",
                        "blob %s does not match its digest", digest);
    return OK;
}

/* A checked blob as a JSON object, given. */
static enum err read_blob(int layout, const char *digest, json_t **out,
                          struct fail *fail)
{
    char name[BLOB_NAME];

    if (digest == NULL || !oci_digest_fits(digest))
        return fail_set(fail, ERR_IMAGE, WHAT, FIX,
                        "a digest is missing or not sha256");
    TRY(check_blob(layout, digest, fail));
    blob_name(digest, name);
    *out = dir_read_json(layout, name);
    if (*out == NULL)
        return fail_set(fail, ERR_IMAGE, WHAT, FIX, "blob %s is not JSON",
                        digest);
    return OK;
}

static const char *text_at(const json_t *value, const char *name)
{
    const char *text = json_string_value(json_object_get(value, name));

    return text != NULL ? text : "";
}

static bool is_index(const json_t *descriptor)
{
    const char *type = text_at(descriptor, "mediaType");

    return strcmp(type, "application/vnd.oci.image.index.v1+json") == 0 ||
           strstr(type, "manifest.list") != NULL;
}

/* The entry for this processor: one that says so, else the only one. */
static const json_t *choose(const json_t *index)
{
    const json_t *list = json_object_get(index, "manifests");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        const json_t *platform = json_object_get(entry, "platform");
        if (strcmp(text_at(platform, "os"), "linux") == 0 &&
            strcmp(text_at(platform, "architecture"), "amd64") == 0)
            return entry;
    }
    return json_array_size(list) == 1 ? json_array_get(list, 0) : NULL;
}

static enum err find_manifest(int layout, struct oci *out, json_t **manifest,
                              struct fail *fail)
{
    json_t *index = dir_read_json(layout, "index.json");
    const json_t *entry = index != NULL ? choose(index) : NULL;
    enum err err = OK;

    for (int depth = 0; entry != NULL && is_index(entry) && depth < 2;
         depth++) {
        json_t *inner = NULL;
        err = read_blob(layout, text_at(entry, "digest"), &inner, fail);
        json_decref(index);
        index = inner;
        entry = err == OK ? choose(index) : NULL;
    }
    if (err == OK && entry == NULL)
        err = fail_set(fail, ERR_IMAGE, WHAT, FIX,
                       "it holds no single image for linux/amd64");
    if (err == OK) {
        (void)snprintf(out->digest, sizeof(out->digest), "%.71s",
                       text_at(entry, "digest"));
        err = read_blob(layout, out->digest, manifest, fail);
    }
    json_decref(index);
    return err;
}

static enum err read_layers(int layout, const char *layout_path,
                            const json_t *manifest,
                            const struct oci_limits *limits, struct oci *out,
                            struct fail *fail)
{
    const json_t *layers = json_object_get(manifest, "layers");

    if (!json_is_array(layers) || json_array_size(layers) > LAYERS_MAX)
        return fail_set(fail, ERR_IMAGE, WHAT, FIX,
                        "the manifest has no layers, or more than 128");
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const json_t *layer = json_array_get(layers, i);
        const char *digest = text_at(layer, "digest");
        const char *type = text_at(layer, "mediaType");
        char path[DIR_PATH + BLOB_NAME], name[BLOB_NAME];
        if (strcmp(type, "application/vnd.oci.image.layer.v1.tar") != 0 &&
            strcmp(type, "application/vnd.oci.image.layer.v1.tar+gzip") != 0)
            return fail_set(fail, ERR_IMAGE, WHAT, FIX,
                            "layer type %.100s is not supported", type);
        if (!oci_digest_fits(digest))
            return fail_set(fail, ERR_IMAGE, WHAT, FIX,
                            "a layer has no sha256 digest");
        TRY(check_blob(layout, digest, fail));
        blob_name(digest, name);
        CHECK(dir_text(path, sizeof(path), "%s/%s", layout_path, name));
        TRY(oci_layer_check(path, limits, &out->entries, &out->bytes, fail));
    }
    return OK;
}

/* Leaves one manifest in the index, under the name we unpack. */
static enum err write_index(int layout, const struct oci *oci,
                            struct fail *fail)
{
    char name[BLOB_NAME];
    struct stat st;
    json_t *index;
    int rc;

    blob_name(oci->digest, name);
    if (fstatat(layout, name, &st, 0) != 0)
        return fail_errno(fail, WHAT, name);
    index = json_pack(
        "{s:i, s:[{s:s, s:s, s:I, s:{s:s}}]}", "schemaVersion", 2, "manifests",
        "mediaType", "application/vnd.oci.image.manifest.v1+json", "digest",
        oci->digest, "size", (json_int_t)st.st_size, "annotations",
        "org.opencontainers.image.ref.name", OCI_TAG);
    rc = index != NULL ? dir_write_json(layout, "index.json", index) : -1;
    json_decref(index);
    if (rc != 0 || dir_write(layout, "oci-layout",
                             "{\"imageLayoutVersion\":\"1.0.0\"}", 30) != 0)
        return fail_errno(fail, WHAT, "index.json");
    return OK;
}

static enum err digest_layout(int layout, const char *path,
                              const struct oci_limits *limits, struct oci *out,
                              struct fail *fail)
{
    json_t *manifest = NULL, *config = NULL;
    enum err err = find_manifest(layout, out, &manifest, fail);

    if (err == OK)
        err = read_blob(layout,
                        text_at(json_object_get(manifest, "config"), "digest"),
                        &config, fail);
    if (err == OK)
        err = read_layers(layout, path, manifest, limits, out, fail);
    if (err == OK)
        err = write_index(layout, out, fail);
    if (err == OK) {
        json_t *inner = json_object_get(config, "config");
        out->config =
            json_is_object(inner) ? json_incref(inner) : json_object();
    }
    json_decref(manifest);
    json_decref(config);
    return err;
}

enum err oci_read(const char *path, const char *layout_path,
                  const struct oci_limits *limits, struct oci *out,
                  struct fail *fail)
{
    char blobs[DIR_PATH];
    int layout;
    enum err err;

    memset(out, 0, sizeof(*out));
    if (!dir_text(blobs, sizeof(blobs), "%s/blobs/sha256", layout_path) ||
        dir_make(blobs, 0700) != 0)
        return fail_errno(fail, WHAT, layout_path);
    layout = open(layout_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (layout < 0)
        return fail_errno(fail, WHAT, layout_path);
    err = read_source(path, layout_path, layout, limits, fail);
    if (err == OK)
        err = digest_layout(layout, layout_path, limits, out, fail);
    close(layout);
    return err;
}
