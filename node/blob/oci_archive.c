#include "node/blob/oci_archive.h"

#include "base/check.h"

#include <archive.h>
#include <archive_entry.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOB_PREFIX "blobs/sha256/"
#define PIECE       65536u
#define MAKE_AGAIN  "make it again: skopeo copy SOURCE oci-archive:FILE:TAG"

/* A blob the archive holds, by its digest; its text too where it may be JSON.
 */
struct blob_seen {
    char hex[65];
    uint64_t bytes;
    char *doc; /* NULL: not a document, or too large for one */
};

struct reader {
    struct archive *archive;
    struct oci_fault *fault;
    struct blob_seen *blobs;
    size_t blob_count;
    char *index;      /* index.json */
    bool is_docker;   /* manifest.json is there */
    uint64_t content; /* bytes read so far */
    size_t docs;      /* bytes of documents kept */
};

__attribute__((format(printf, 4, 5))) static enum err say(struct reader *reader,
                                                          enum err err,
                                                          const char *next,
                                                          const char *format,
                                                          ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(reader->fault->why, sizeof(reader->fault->why), format, args);
    va_end(args);
    snprintf(reader->fault->next, sizeof(reader->fault->next), "%s", next);
    return err;
}

static enum err say_archive(struct reader *reader)
{
    const char *why = archive_error_string(reader->archive);
    return say(reader, ERR_IMAGE, MAKE_AGAIN, "the archive cannot be read: %s",
               why != NULL ? why : "it is no tar archive");
}

/* ---- one pass over the archive ---- */

struct content {
    crypto_hash_sha256_state hash;
    uint64_t bytes;
    struct buf doc; /* a copy while it may be a document */
    bool keep;
};

/* JSON of an image begins with a brace; layers do not. */
static void take_piece(struct reader *reader, struct content *content,
                       const uint8_t *piece, size_t len)
{
    if (content->bytes == 0)
        content->keep = piece[0] == '{';
    crypto_hash_sha256_update(&content->hash, piece, len);
    content->bytes += len;
    reader->content += len;
    if (content->keep)
        buf_add(&content->doc, bytes_make(piece, len));
}

static enum err read_content(struct reader *reader, struct content *content)
{
    uint8_t piece[PIECE];
    la_ssize_t got;
    crypto_hash_sha256_init(&content->hash);
    while ((got = archive_read_data(reader->archive, piece, sizeof(piece))) !=
           0) {
        if (got < 0)
            return say_archive(reader);
        if (reader->content + (uint64_t)got > OCI_CONTENT_MAX)
            return say(reader, ERR_TOO_LARGE, "use a smaller image",
                       "the archive holds more than 64 GiB");
        take_piece(reader, content, piece, (size_t)got);
    }
    return OK;
}

/* The document's text, given; NULL when it is none. */
static char *take_doc(struct reader *reader, struct content *content)
{
    char *doc;
    if (!content->keep || content->doc.err != OK ||
        reader->docs + content->doc.len > OCI_DOCS_MAX)
        return NULL;
    doc = strndup(buf_cstr(&content->doc), content->doc.len);
    if (doc != NULL)
        reader->docs += content->doc.len;
    return doc;
}

static enum err add_blob(struct reader *reader, const char *name,
                         struct content *content)
{
    const char *claimed = name + strlen(BLOB_PREFIX);
    uint8_t digest[crypto_hash_sha256_BYTES];
    struct blob_seen *seen;
    if (reader->blob_count == OCI_BLOBS_MAX)
        return say(reader, ERR_TOO_LARGE, MAKE_AGAIN,
                   "the archive holds more than %u blobs", OCI_BLOBS_MAX);
    seen = &reader->blobs[reader->blob_count];
    crypto_hash_sha256_final(&content->hash, digest);
    hex_encode(BYTES_OF(digest), seen->hex);
    if (strcmp(seen->hex, claimed) != 0)
        return say(reader, ERR_IMAGE,
                   "fetch it again: the bytes are not what they should be",
                   "blob %.16s... does not have the digest it is named by",
                   claimed);
    seen->bytes = content->bytes;
    seen->doc = take_doc(reader, content);
    reader->blob_count++;
    return OK;
}

static bool is_blob_name(const char *name)
{
    size_t len = strlen(BLOB_PREFIX);
    return strncmp(name, BLOB_PREFIX, len) == 0 && strlen(name) == len + 64 &&
           strspn(name + len, "0123456789abcdef") == 64;
}

static enum err read_entry(struct reader *reader, struct archive_entry *entry)
{
    const char *name = archive_entry_pathname(entry);
    struct content content = {.bytes = 0};
    enum err err;
    if (name == NULL || archive_entry_filetype(entry) != AE_IFREG)
        return OK;
    if (strncmp(name, "./", 2) == 0)
        name += 2;
    if (strcmp(name, "manifest.json") == 0)
        reader->is_docker = true;
    if (!is_blob_name(name) && strcmp(name, "index.json") != 0)
        return OK; /* what else there is does not matter */
    buf_init(&content.doc, OCI_DOC_MAX);
    err = read_content(reader, &content);
    if (err == OK && is_blob_name(name)) {
        err = add_blob(reader, name, &content);
    } else if (err == OK) {
        free(reader->index);
        reader->index = take_doc(reader, &content);
    }
    buf_done(&content.doc);
    return err;
}

static enum err read_entries(struct reader *reader)
{
    struct archive_entry *entry;
    for (uint32_t count = 0; count < OCI_ENTRIES_MAX; count++) {
        int rc = archive_read_next_header(reader->archive, &entry);
        if (rc == ARCHIVE_EOF)
            return OK;
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
            return say_archive(reader);
        TRY(read_entry(reader, entry));
    }
    return say(reader, ERR_TOO_LARGE, MAKE_AGAIN,
               "the archive has more than %u entries", OCI_ENTRIES_MAX);
}

/* ---- what the documents say ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* NULL when the archive has no such blob. */
static const struct blob_seen *find_blob(const struct reader *reader,
                                         const char *digest)
{
    if (strncmp(digest, "sha256:", 7) != 0)
        return NULL;
    for (size_t i = 0; i < reader->blob_count; i++) {
        if (strcmp(reader->blobs[i].hex, digest + 7) == 0)
            return &reader->blobs[i];
    }
    return NULL;
}

static enum err load_doc(struct reader *reader, const char *digest,
                         const char *what, json_t **out)
{
    const struct blob_seen *seen = find_blob(reader, digest);
    json_t *doc;
    if (seen == NULL)
        return say(reader, ERR_IMAGE, MAKE_AGAIN,
                   "its %s (%.24s) is not in the archive", what, digest);
    doc = seen->doc != NULL ? json_loads(seen->doc, 0, NULL) : NULL;
    if (!json_is_object(doc)) {
        json_decref(doc);
        return say(reader, ERR_IMAGE, MAKE_AGAIN,
                   "its %s (%.24s) is not a JSON object of at most 1 MiB", what,
                   digest);
    }
    *out = doc;
    return OK;
}

static bool is_index(const json_t *descriptor)
{
    const char *type = text_of(descriptor, "mediaType");
    return strcmp(type, "application/vnd.oci.image.index.v1+json") == 0 ||
           strstr(type, "manifest.list") != NULL;
}

/* The only entry, or the only one for linux that is no attestation. */
static const json_t *choose(const json_t *index)
{
    const json_t *list = json_object_get(index, "manifests");
    const json_t *chosen = NULL;
    if (json_array_size(list) == 1)
        return json_array_get(list, 0);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        const json_t *platform = json_object_get(entry, "platform");
        if (strcmp(text_of(platform, "os"), "linux") != 0)
            continue;
        if (strcmp(text_of(platform, "architecture"), "amd64") == 0)
            return entry;
        chosen = entry;
    }
    return chosen;
}

static enum err find_manifest(struct reader *reader, struct oci_archive *out,
                              json_t **out_manifest)
{
    json_t *index = json_loads(reader->index, 0, NULL);
    const json_t *entry = choose(index);
    enum err err = OK;
    if (entry != NULL && is_index(entry)) { /* one level of indirection */
        json_t *inner = NULL;
        err = load_doc(reader, text_of(entry, "digest"), "index", &inner);
        json_decref(index);
        index = inner;
        entry = err == OK ? choose(index) : NULL;
    }
    if (err == OK && entry == NULL)
        err = say(reader, ERR_IMAGE, MAKE_AGAIN,
                  "index.json names no image for linux");
    if (err == OK) {
        snprintf(out->digest, sizeof(out->digest), "%.71s",
                 text_of(entry, "digest"));
        err = load_doc(reader, out->digest, "manifest", out_manifest);
    }
    json_decref(index);
    return err;
}

static enum err read_layers(struct reader *reader, const json_t *manifest,
                            json_t *layers)
{
    const json_t *list = json_object_get(manifest, "layers");
    if (!json_is_array(list) || json_array_size(list) > OCI_LAYERS_MAX)
        return say(reader, ERR_IMAGE, MAKE_AGAIN,
                   "the manifest has no layers, or more than %u",
                   OCI_LAYERS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *layer = json_array_get(list, i);
        const char *digest = text_of(layer, "digest");
        const struct blob_seen *seen = find_blob(reader, digest);
        if (seen == NULL)
            return say(reader, ERR_IMAGE, MAKE_AGAIN,
                       "layer %zu (%.24s) is not in the archive", i + 1,
                       digest);
        json_array_append_new(
            layers, json_pack("{s:s, s:I, s:s}", "digest", digest, "bytes",
                              (json_int_t)seen->bytes, "media_type",
                              text_of(layer, "mediaType")));
    }
    return OK;
}

/* Labels can be long and nobody needs them to run something. */
static json_t *shorten(json_t *about)
{
    char *text = json_dumps(about, JSON_COMPACT);
    bool fits = text != NULL && strlen(text) <= OCI_ABOUT_MAX;
    free(text);
    if (!fits)
        json_object_del(json_object_get(about, "config"), "Labels");
    return about;
}

static bool about_fits(const json_t *about)
{
    char *text = json_dumps(about, JSON_COMPACT);
    bool fits = text != NULL && strlen(text) <= OCI_ABOUT_MAX;
    free(text);
    return fits;
}

static enum err make_about(struct reader *reader, const json_t *manifest,
                           const json_t *config, json_t **out)
{
    json_t *inner = json_object_get(config, "config");
    json_t *layers = json_array();
    json_t *about;
    enum err err = read_layers(reader, manifest, layers);
    if (err != OK) {
        json_decref(layers);
        return err;
    }
    about = shorten(
        json_pack("{s:s, s:s, s:s, s:o, s:o}", "architecture",
                  text_of(config, "architecture"), "os", text_of(config, "os"),
                  "created", text_of(config, "created"), "config",
                  json_is_object(inner) ? json_deep_copy(inner) : json_object(),
                  "layers", layers));
    if (about == NULL || !about_fits(about)) {
        json_decref(about);
        return say(reader, ERR_TOO_LARGE, "use an image with less of it",
                   "its configuration is larger than %u KiB",
                   OCI_ABOUT_MAX / 1024);
    }
    *out = about;
    return OK;
}

static enum err understand(struct reader *reader, struct oci_archive *out)
{
    json_t *manifest = NULL;
    json_t *config = NULL;
    const char *digest;
    enum err err;
    if (reader->index == NULL && reader->is_docker)
        return say(reader, ERR_IMAGE,
                   "skopeo copy docker-archive:FILE oci-archive:NEW, then "
                   "import NEW",
                   "it is a docker archive, not an OCI archive");
    if (reader->index == NULL)
        return say(reader, ERR_IMAGE, MAKE_AGAIN,
                   "it holds no index.json: it is not an OCI archive");
    err = find_manifest(reader, out, &manifest);
    digest = text_of(json_object_get(manifest, "config"), "digest");
    if (err == OK)
        err = load_doc(reader, digest, "configuration", &config);
    if (err == OK && strcmp(text_of(config, "os"), "linux") != 0)
        err = say(reader, ERR_IMAGE, "an image for linux",
                  "it is made for \"%.20s\"", text_of(config, "os"));
    if (err == OK)
        err = make_about(reader, manifest, config, &out->about);
    json_decref(manifest);
    json_decref(config);
    return err;
}

/* ---- opening ---- */

static enum err open_archive(struct reader *reader, int fd)
{
    reader->archive = archive_read_new();
    reader->blobs = calloc(OCI_BLOBS_MAX, sizeof(*reader->blobs));
    if (reader->archive == NULL || reader->blobs == NULL)
        return say(reader, ERR_NOMEM, "try again", "out of memory");
    (void)archive_read_support_filter_gzip(reader->archive);
    (void)archive_read_support_filter_xz(reader->archive);
    (void)archive_read_support_filter_zstd(reader->archive);
    (void)archive_read_support_format_tar(reader->archive);
    if (archive_read_open_fd(reader->archive, fd, PIECE) != ARCHIVE_OK)
        return say_archive(reader);
    return OK;
}

static void reader_done(struct reader *reader)
{
    for (size_t i = 0; i < reader->blob_count; i++)
        free(reader->blobs[i].doc);
    free(reader->blobs);
    free(reader->index);
    if (reader->archive != NULL)
        (void)archive_read_free(reader->archive);
}

enum err oci_archive_read(int fd, struct oci_archive *out,
                          struct oci_fault *out_fault)
{
    struct reader reader = {.fault = out_fault};
    struct oci_archive archive = {.about = NULL};
    enum err err;
    CHECK(fd >= 0);
    memset(out_fault, 0, sizeof(*out_fault));
    err = open_archive(&reader, fd);
    if (err == OK)
        err = read_entries(&reader);
    if (err == OK)
        err = understand(&reader, &archive);
    reader_done(&reader);
    if (err == OK)
        *out = archive;
    return err;
}

void oci_archive_done(struct oci_archive *archive)
{
    json_decref(archive->about);
    archive->about = NULL;
}
