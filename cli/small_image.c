#include "cli/small_image.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSYBOX_MAX (8u * 1024 * 1024)
#define ARCHIVE_MAX (2u * BUSYBOX_MAX)

/* The tools people reach for; busybox has each of them. */
static const char *const applets[] = {
    "sh",       "ash",     "awk",    "base64",    "basename", "cat",
    "chmod",    "cmp",     "cp",     "cut",       "date",     "dd",
    "df",       "dirname", "du",     "echo",      "env",      "expr",
    "false",    "find",    "grep",   "gunzip",    "gzip",     "head",
    "hostname", "id",      "kill",   "ln",        "ls",       "md5sum",
    "mkdir",    "mkfifo",  "mktemp", "mv",        "nproc",    "od",
    "printenv", "printf",  "ps",     "pwd",       "readlink", "rm",
    "rmdir",    "sed",     "seq",    "sha256sum", "sleep",    "sort",
    "split",    "stat",    "tail",   "tar",       "tee",      "test",
    "time",     "timeout", "touch",  "tr",        "true",     "uname",
    "uniq",     "vi",      "wc",     "which",     "whoami",   "xargs",
    "yes"};

struct blob {
    struct buf bytes;
    char hex[crypto_hash_sha256_BYTES * 2 + 1];
};

static void blob_name(struct blob *blob)
{
    uint8_t sum[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(sum, blob->bytes.ptr, blob->bytes.len);
    hex_encode(BYTES_OF(sum), blob->hex);
}

static enum err read_busybox(const char *path, struct buf *out)
{
    uint8_t piece[65536];
    size_t got;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return ERR_NOT_FOUND;
    while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
        buf_add(out, bytes_make(piece, got));
    fclose(file);
    return out->err;
}

/* ---- tar ---- */

struct tape {
    struct archive *archive;
    bool bad;
};

static la_ssize_t on_write(struct archive *archive, void *ctx,
                           const void *bytes, size_t len)
{
    struct buf *out = ctx;
    (void)archive;
    buf_add(out, bytes_make(bytes, len));
    return out->err == OK ? (la_ssize_t)len : -1;
}

static void tape_open(struct tape *tape, struct buf *out)
{
    tape->archive = archive_write_new();
    tape->bad = tape->archive == NULL ||
                archive_write_set_format_ustar(tape->archive) != ARCHIVE_OK ||
                archive_write_open(tape->archive, out, NULL, on_write, NULL) !=
                    ARCHIVE_OK;
}

static void tape_add(struct tape *tape, const char *path, unsigned type,
                     unsigned mode, struct bytes bytes, const char *link)
{
    struct archive_entry *entry = archive_entry_new();
    if (entry == NULL || tape->bad) {
        tape->bad = true;
        archive_entry_free(entry);
        return;
    }
    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, (__LA_MODE_T)mode);
    archive_entry_set_size(entry, (la_int64_t)bytes.len);
    if (link != NULL)
        archive_entry_set_symlink(entry, link);
    if (archive_write_header(tape->archive, entry) != ARCHIVE_OK ||
        (bytes.len > 0 &&
         archive_write_data(tape->archive, bytes.ptr, bytes.len) < 0))
        tape->bad = true;
    archive_entry_free(entry);
}

static enum err tape_close(struct tape *tape)
{
    if (tape->archive != NULL &&
        archive_write_close(tape->archive) != ARCHIVE_OK)
        tape->bad = true;
    archive_write_free(tape->archive);
    return tape->bad ? ERR_NOMEM : OK;
}

/* ---- the image's parts ---- */

static enum err make_layer(const char *busybox, struct blob *out)
{
    static const struct bytes none = {NULL, 0};
    struct tape tape;
    struct buf program;
    enum err err;
    buf_init(&program, BUSYBOX_MAX);
    err = read_busybox(busybox, &program);
    if (err != OK) {
        buf_done(&program);
        return err;
    }
    tape_open(&tape, &out->bytes);
    tape_add(&tape, "bin", AE_IFDIR, 0755, none, NULL);
    tape_add(&tape, "etc", AE_IFDIR, 0755, none, NULL);
    tape_add(&tape, "proc", AE_IFDIR, 0755, none, NULL);
    tape_add(&tape, "dev", AE_IFDIR, 0755, none, NULL);
    tape_add(&tape, "job", AE_IFDIR, 0755, none, NULL);
    tape_add(&tape, "tmp", AE_IFDIR, 01777, none, NULL);
    tape_add(&tape, "bin/busybox", AE_IFREG, 0755, buf_bytes(&program), NULL);
    for (size_t i = 0; i < sizeof(applets) / sizeof(applets[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "bin/%s", applets[i]);
        tape_add(&tape, path, AE_IFLNK, 0777, none, "busybox");
    }
    tape_add(&tape, "etc/passwd", AE_IFREG, 0644,
             BYTES_LIT("root:x:0:0:root:/:/bin/sh\n"
                       "job:x:1000:1000:job:/job:/bin/sh\n"),
             NULL);
    buf_done(&program);
    TRY(tape_close(&tape));
    blob_name(out);
    return out->bytes.err;
}

/* Takes the object. */
static enum err make_json(json_t *object, struct blob *out)
{
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    if (text == NULL)
        return ERR_NOMEM;
    buf_add(&out->bytes, bytes_str(text));
    free(text);
    blob_name(out);
    return out->bytes.err;
}

static json_t *descriptor(const char *type, const struct blob *blob)
{
    char digest[80];
    snprintf(digest, sizeof(digest), "sha256:%s", blob->hex);
    return json_pack("{s:s, s:s, s:I}", "mediaType", type, "digest", digest,
                     "size", (json_int_t)blob->bytes.len);
}

static enum err make_config(const struct blob *layer, struct blob *out)
{
    char digest[80];
    snprintf(digest, sizeof(digest), "sha256:%s", layer->hex);
    return make_json(json_pack("{s:s, s:s, s:{s:[s], s:[s]}, s:{s:s, s:[s]}}",
                               "architecture", "amd64", "os", "linux", "config",
                               "Env", "PATH=/bin", "Cmd", "/bin/sh", "rootfs",
                               "type", "layers", "diff_ids", digest),
                     out);
}

static enum err make_manifest(const struct blob *config,
                              const struct blob *layer, struct blob *out)
{
    return make_json(
        json_pack(
            "{s:i, s:s, s:o, s:[o]}", "schemaVersion", 2, "mediaType",
            "application/vnd.oci.image.manifest.v1+json", "config",
            descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers",
            descriptor("application/vnd.oci.image.layer.v1.tar", layer)),
        out);
}

static enum err make_index(const struct blob *manifest, struct blob *out)
{
    json_t *entry =
        descriptor("application/vnd.oci.image.manifest.v1+json", manifest);
    json_object_set_new(
        entry, "annotations",
        json_pack("{s:s}", "org.opencontainers.image.ref.name", "busybox"));
    return make_json(
        json_pack("{s:i, s:[o]}", "schemaVersion", 2, "manifests", entry), out);
}

static void add_blob(struct tape *tape, const struct blob *blob)
{
    char path[100];
    snprintf(path, sizeof(path), "blobs/sha256/%s", blob->hex);
    tape_add(tape, path, AE_IFREG, 0644, buf_bytes(&blob->bytes), NULL);
}

enum { LAYER, CONFIG, MANIFEST, INDEX, PARTS };

static enum err join(const struct blob *parts, struct buf *out)
{
    struct tape tape;
    static const struct bytes none = {NULL, 0};
    tape_open(&tape, out);
    tape_add(&tape, "oci-layout", AE_IFREG, 0644,
             BYTES_LIT("{\"imageLayoutVersion\":\"1.0.0\"}"), NULL);
    tape_add(&tape, "index.json", AE_IFREG, 0644,
             buf_bytes(&parts[INDEX].bytes), NULL);
    tape_add(&tape, "blobs", AE_IFDIR, 0755, none, NULL);
    tape_add(&tape, "blobs/sha256", AE_IFDIR, 0755, none, NULL);
    add_blob(&tape, &parts[LAYER]);
    add_blob(&tape, &parts[CONFIG]);
    add_blob(&tape, &parts[MANIFEST]);
    return tape_close(&tape);
}

static enum err write_whole(const char *path, struct bytes bytes)
{
    FILE *file = fopen(path, "we");
    bool bad;
    if (file == NULL)
        return errno == ENOSPC ? ERR_FULL : ERR_IO;
    bad = fwrite(bytes.ptr, 1, bytes.len, file) != bytes.len;
    bad |= fclose(file) != 0;
    if (!bad)
        return OK;
    remove(path);
    return errno == ENOSPC ? ERR_FULL : ERR_IO;
}

enum err small_image_write(const char *busybox, const char *path)
{
    struct blob parts[PARTS];
    struct buf archive;
    enum err err;
    for (int i = 0; i < PARTS; i++)
        buf_init(&parts[i].bytes, ARCHIVE_MAX);
    buf_init(&archive, ARCHIVE_MAX);
    err = make_layer(busybox, &parts[LAYER]);
    if (err == OK)
        err = make_config(&parts[LAYER], &parts[CONFIG]);
    if (err == OK)
        err = make_manifest(&parts[CONFIG], &parts[LAYER], &parts[MANIFEST]);
    if (err == OK)
        err = make_index(&parts[MANIFEST], &parts[INDEX]);
    if (err == OK)
        err = join(parts, &archive);
    if (err == OK)
        err = write_whole(path, buf_bytes(&archive));
    for (int i = 0; i < PARTS; i++)
        buf_done(&parts[i].bytes);
    buf_done(&archive);
    return err;
}
