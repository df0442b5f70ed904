/* OCI archives made for tests: blobs named by their digests, an index on top.
 */
#ifndef TESTS_UNIT_NODE_OCI_MAKE_H
#define TESTS_UNIT_NODE_OCI_MAKE_H

#include <archive.h>
#include <archive_entry.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct oci_make {
    struct archive *archive;
    char last[72]; /* digest of the blob put last, "sha256:..." */
};

static inline void oci_file(struct oci_make *make, const char *name,
                            const void *content, size_t len)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)len);
    assert_int_equal(archive_write_header(make->archive, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(make->archive, content, len), len);
    archive_entry_free(entry);
}

static inline void oci_text(struct oci_make *make, const char *name,
                            const char *text)
{
    oci_file(make, name, text, strlen(text));
}

/* Under its own digest, or under one that it does not have. */
static inline void oci_blob(struct oci_make *make, const void *content,
                            size_t len, bool lie)
{
    uint8_t digest[32];
    char name[96];
    char hex[65];
    crypto_hash_sha256(digest, content, len);
    if (lie)
        digest[0] ^= 1;
    hex_encode(BYTES_OF(digest), hex);
    snprintf(name, sizeof(name), "blobs/sha256/%s", hex);
    snprintf(make->last, sizeof(make->last), "sha256:%s", hex);
    oci_file(make, name, content, len);
}

static inline void oci_open(struct oci_make *make, const char *path,
                            bool packed)
{
    make->archive = archive_write_new();
    assert_int_equal(archive_write_set_format_ustar(make->archive), ARCHIVE_OK);
    if (packed)
        assert_int_equal(archive_write_add_filter_gzip(make->archive),
                         ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(make->archive, path),
                     ARCHIVE_OK);
}

static inline void oci_close(struct oci_make *make)
{
    assert_int_equal(archive_write_close(make->archive), ARCHIVE_OK);
    assert_int_equal(archive_write_free(make->archive), ARCHIVE_OK);
}

/* What a whole image is made of; each can be spoilt. */
struct oci_shape {
    const char *os;
    const char *extra; /* more members of "config", from a comma on */
    bool packed;       /* by gzip */
    bool lie;          /* the layer's bytes are not its digest's */
    bool no_layer;     /* the manifest names one that is not there */
    bool no_config;
    bool nested; /* index.json names an index that names the manifest */
    bool no_index;
    bool docker;        /* manifest.json, as docker saves */
    size_t layer_bytes; /* 0: 4096 */
};

/* Writes it to `path`; out_digest receives the manifest's. */
static inline void oci_image(const char *path, const struct oci_shape *shape,
                             char out_digest[72])
{
    struct oci_make make;
    size_t len = shape->layer_bytes > 0 ? shape->layer_bytes : 4096;
    char *layer = calloc(1, len);
    char config[100000];
    char layer_digest[72];
    char config_digest[72];
    char text[2048];
    const char *os = shape->os != NULL ? shape->os : "linux";
    assert_non_null(layer);
    memset(layer, 'x', len);
    oci_open(&make, path, shape->packed);
    oci_text(&make, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    snprintf(make.last, sizeof(make.last), "sha256:%064d", 7);
    if (!shape->no_layer)
        oci_blob(&make, layer, len, shape->lie);
    memcpy(layer_digest, make.last, sizeof(layer_digest));
    snprintf(config, sizeof(config),
             "{\"architecture\":\"amd64\",\"os\":\"%s\",\"created\":"
             "\"2026-01-01T00:00:00Z\",\"config\":{\"Cmd\":[\"/bin/sh\"]%s}}",
             os, shape->extra != NULL ? shape->extra : "");
    snprintf(make.last, sizeof(make.last), "sha256:%064d", 8);
    if (!shape->no_config)
        oci_blob(&make, config, strlen(config), false);
    memcpy(config_digest, make.last, sizeof(config_digest));
    snprintf(text, sizeof(text),
             "{\"schemaVersion\":2,\"config\":{\"digest\":\"%s\"},\"layers\":[{"
             "\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
             "\"digest\":\"%s\",\"size\":%zu}]}",
             config_digest, layer_digest, len);
    oci_blob(&make, text, strlen(text), false);
    memcpy(out_digest, make.last, 72);
    if (shape->nested) {
        snprintf(text, sizeof(text),
                 "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"%s\","
                 "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}},"
                 "{\"digest\":\"sha256:%064d\",\"platform\":{\"os\":"
                 "\"unknown\"}}]}",
                 out_digest, 9);
        oci_blob(&make, text, strlen(text), false);
    }
    snprintf(text, sizeof(text),
             "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\","
             "\"digest\":\"%s\"}]}",
             shape->nested ? "application/vnd.oci.image.index.v1+json"
                           : "application/vnd.oci.image.manifest.v1+json",
             make.last);
    if (shape->docker)
        oci_text(&make, "manifest.json", "[]");
    if (!shape->no_index)
        oci_text(&make, "index.json", text);
    oci_close(&make);
    free(layer);
}

#endif
